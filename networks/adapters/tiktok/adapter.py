"""TikTok, Login Kit v2: https://developers.tiktok.com/doc/oauth-user-access-token-management"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from networks.adapters.tiktok.answers import API_ERRORS, REMOVAL, REMOVED, TOKEN_ERRORS
from networks.adapters.tiktok.notes import BUDGETS, CAPABILITIES, KINDS, LOGIN_HINT, NOTES, PUSH
from networks.base import (
    Answer,
    Client,
    Conversation,
    Get,
    Grant,
    Identity,
    Reachable,
    Reason,
    Refusal,
    Refused,
    Request,
)
from networks.oauth import OAuth2Network
from networks.reading import a_name, an_id, mentioned, said, succeeded, token_text
from networks.rfc6749 import error_of

USER_INFO = "https://open.tiktokapis.com/v2/user/info/"


class TikTok(OAuth2Network):
    slug = "tiktok"
    name = "TikTok"
    colour = "#010101"
    initials = "TT"
    kinds, capabilities, notes, login_hint = KINDS, CAPABILITIES, NOTES, LOGIN_HINT
    budgets, push = BUDGETS, PUSH
    hosts = ("www.tiktok.com", "open.tiktokapis.com")
    authorization_endpoint = "https://www.tiktok.com/v2/auth/authorize/"
    token_endpoint = "https://open.tiktokapis.com/v2/oauth/token/"  # noqa: S105
    # https://developers.tiktok.com/doc/oauth-user-access-token-management (Revoke access)
    revocation_endpoint = "https://open.tiktokapis.com/v2/oauth/revoke/"
    client_id_parameter = "client_key"
    refresh_expires_in_parameter = "refresh_expires_in"
    # https://developers.tiktok.com/doc/login-kit-web: always show the page of consent. It has
    # no PKCE for the web, and offers no choice of account.
    authorization_parameters = {"disable_auto_auth": "1"}
    scope_separator = ","
    scopes = ("user.info.basic", "video.publish")
    reauthorize_after = timedelta(days=365)
    token_errors = TOKEN_ERRORS

    def api_reason(self, answer: Answer) -> Reason | None:
        """A success carries an error object too, of code "ok"; an error may come with 200, and
        a post that failed says so in the data of a call that went well."""
        body = said(answer)
        code = error_of(body) or str(body.get("code", ""))
        if code in ("", "0", "ok") and succeeded(answer):
            return reason_of(inner(body).get("fail_reason"))
        return reason_of(code) or mentioned(answer, API_ERRORS)

    def token_reason(self, answer: Answer) -> Reason | None:
        """OAuth's words; and the API for businesses has numbers, with its tokens in `data`."""
        body = said(answer)
        if "code" in body and not error_of(body):
            tokens = inner(body)
            good = str(body["code"]) == "0" and token_text(tokens.get("access_token"))
            return None if good else reason_of(str(body["code"])) or Reason.NOT_UNDERSTOOD
        reason = super().token_reason(answer)
        return mentioned(answer, TOKEN_ERRORS) if reason is Reason.NOT_UNDERSTOOD else reason

    def push_reason(self, answer: Answer) -> Reason | None:
        """`content` is JSON inside of a string."""
        event = said(answer)
        if event.get("event") != REMOVED:
            return Reason.NOT_A_TOKEN_PROBLEM if event.get("event") else Reason.NOT_UNDERSTOOD
        content = event.get("content")
        if isinstance(content, str):
            content = said(Answer(200, body=content.encode("utf-8", "replace")))
        number = content.get("reason") if isinstance(content, dict) else None
        return REMOVAL.get(str(number), Reason.INVALID_TOKEN_UNSPECIFIED)

    def code_in(self, callback: Mapping[str, str]) -> str:
        """The portal for advertisers comes back with an `auth_code`:
        https://business-api.tiktok.com/portal/docs?id=1738373164380162"""
        if callback.get("auth_code") and not callback.get("code"):
            raise Refused(Refusal.AD_ACCOUNT)
        return super().code_in(callback)

    def grant_in(self, answer: Answer, old: Grant | None = None) -> Grant | None:
        """A login for advertisers has no `open_id`: there is no profile to look after."""
        for part in (answer.json, inner(answer.json)) if old is None else ():
            if "advertiser_ids" in part and "open_id" not in part:
                raise Refused(Refusal.AD_ACCOUNT)
        return super().grant_in(answer, old)

    def identity_request(self, grant: Grant) -> Request:
        """https://developers.tiktok.com/doc/tiktok-api-v2-get-user-info"""
        params = {"fields": "open_id,display_name"}
        return Get(USER_INFO, params=params, bearer=grant.access_token)

    def identity_in(self, body: Mapping[str, Any]) -> Identity | None:
        user = inner(body).get("user")
        if not isinstance(user, dict):
            return None
        subject = an_id(user.get("open_id"))
        return Identity(subject, a_name(user.get("display_name"), subject)) if subject else None

    def reach(self, client: Client, grant: Grant, identity: Identity) -> Conversation:
        return [Reachable("account", identity.subject, identity.name, is_login=True)]
        yield  # nothing to ask: an account has nothing below it


def inner(body: Mapping[str, Any]) -> Mapping[str, Any]:
    data = body.get("data")
    return data if isinstance(data, dict) else {}


def reason_of(code: Any) -> Reason | None:
    """51xxx are all troubles inside of the API for businesses."""
    text = code if isinstance(code, str) else ""
    if len(text) == 5 and text.startswith("51") and text.isdecimal():
        return Reason.NETWORK_OUTAGE
    return API_ERRORS.get(text)

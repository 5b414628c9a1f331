"""XING, API v1 (OAuth 1.0a): https://dev.xing.com/docs/authentication

The network has ended the support of its API and gives no new keys to the public. Where an
operator has one, the profile is connected and probed; where nothing answers, or a page where
data should be, nobody is asked to reconnect: that is unclear.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from networks.base import (
    ALIVE,
    NOTHING_KNOWN,
    Answer,
    Authorization,
    Capability,
    Client,
    Conversation,
    Get,
    Grant,
    Health,
    Identity,
    Kind,
    Known,
    Network,
    Note,
    OAuth1Keys,
    Post,
    Reachable,
    Reason,
    Refusal,
    Refused,
    Request,
    Verdict,
    Where,
    unclear,
)
from networks.reading import (
    NOT_UNDERSTOOD,
    a_name,
    an_id,
    attempt,
    insist,
    refusal_of,
    said,
    succeeded,
    token_text,
    understood,
)

REQUEST_TOKEN = "https://api.xing.com/v1/request_token"  # noqa: S105
ME = "https://api.xing.com/v1/users/me"

# https://github.com/xing/xing_api, lib/xing_api/response_handler.rb
API_ERRORS: Mapping[str, Reason] = {
    "INVALID_OAUTH_TOKEN": Reason.INVALID_TOKEN_UNSPECIFIED,  # expired, revoked, new password
    "ACCESS_DENIED": Reason.PERMISSION_LOST,
    "RATE_LIMIT_EXCEEDED": Reason.RATE_LIMITED,  # with status 403
    "INVALID_OAUTH_CONSUMER": Reason.APP_DISABLED,
    # The rest is between our key, our clock and XING. "EXPIRED" is the clock, not the token.
    "CONSUMER_MISMATCH": Reason.NOT_A_TOKEN_PROBLEM,
    "INVALID_OAUTH_SIGNATURE": Reason.NOT_A_TOKEN_PROBLEM,
    "INVALID_OAUTH_SIGNATURE_METHOD": Reason.NOT_A_TOKEN_PROBLEM,
    "INVALID_OAUTH_VERSION": Reason.NOT_A_TOKEN_PROBLEM,
    "INVALID_PARAMETERS": Reason.NOT_A_TOKEN_PROBLEM,
    "INVALID_TIMESTAMP": Reason.NOT_A_TOKEN_PROBLEM,
    "TIMESTAMP_EXPIRED": Reason.NOT_A_TOKEN_PROBLEM,
    "NONCE_ALREADY_USED": Reason.NOT_A_TOKEN_PROBLEM,
    "NONCE_MISSING": Reason.NOT_A_TOKEN_PROBLEM,
    "REQUIRED_PARAMETER_MISSING": Reason.NOT_A_TOKEN_PROBLEM,
}


class Xing(Network):
    slug = "xing"
    name = "XING"
    colour = "#006567"
    initials = "X"
    hosts = ("api.xing.com",)
    authorization_endpoint = "https://api.xing.com/v1/authorize"
    token_endpoint = "https://api.xing.com/v1/access_token"  # noqa: S105
    token_endpoint_auth_method = "oauth1"  # noqa: S105 - RFC 5849 signs every request
    kinds = (
        Kind(
            "profile",
            _("Profile"),
            _("Profile settings"),
            ngettext_lazy("%(count)d profile", "%(count)d profiles", "count"),
        ),
    )
    login_hint = _("Sign in with the XING profile itself.")
    capabilities = {
        "connect": Capability(True),
        "publish_post": Capability(True),
        "publish_comment": Capability(True),
        "comment_on_incoming": Capability(
            False,
            _(
                "XING has ended the support of its interface for apps: incoming posts can no "
                "longer be commented."
            ),
        ),
    }
    notes = (
        Note(
            _(
                "XING has ended the support of its interface for apps. Profiles can still be "
                "connected, and posts and comments be published; incoming posts can no longer be "
                "commented."
            )
        ),
        Note(
            _(
                "Changing the password at XING ends the connection, and XING does not tell that "
                "from other causes."
            )
        ),
        Note(
            _("You can see at XING which apps have access, and take it back there."),
            (_("XING: settings"), "https://www.xing.com/settings"),
        ),
    )

    def read(self, where: Where, answer: Answer, known: Known = NOTHING_KNOWN) -> Verdict:
        return understood(self, where, answer, known, api_reason)

    def authorize(self, client: Client, state: str, login_hint: str = "") -> Conversation:
        """OAuth 1.0a knows no `state`: ours travels in the query of the callback's address."""
        callback = f"{client.redirect_uri}?{urlencode({'state': state})}"
        keys = OAuth1Keys(client.client_id, client.client_secret, callback=callback)
        answer = yield from attempt(Post(REQUEST_TOKEN, oauth1=keys))
        token, secret = pair_in(answer)
        if not token:
            raise Refused(self.refusal(answer, ours=Refusal.APP_MISCONFIGURED))
        url = f"{self.authorization_endpoint}?{urlencode({'oauth_token': token})}"
        return Authorization(url, {"oauth_token": token, "oauth_token_secret": secret})

    def exchange(
        self, client: Client, callback: Mapping[str, str], keep: Mapping[str, str]
    ) -> Conversation:
        if {"denied", "oauth_problem", "error"} & callback.keys():
            raise Refused(Refusal.CANCELLED)
        token, verifier = callback.get("oauth_token", ""), callback.get("oauth_verifier", "")
        if not token_text(token) or not token_text(verifier):
            raise Refused(Refusal.NOT_UNDERSTOOD)
        if not secrets.compare_digest(token, keep.get("oauth_token", "")):
            raise Refused(Refusal.CODE_REFUSED)  # the answer to another tab's question
        secret = keep.get("oauth_token_secret", "")
        keys = OAuth1Keys(client.client_id, client.client_secret, token, secret, verifier=verifier)
        answer = yield from attempt(Post(self.token_endpoint, oauth1=keys))
        access_token, access_secret = pair_in(answer)
        if not access_token:
            raise Refused(self.refusal(answer, ours=Refusal.CODE_REFUSED))
        return Grant(access_token, access_secret)

    def refusal(self, answer: Answer, *, ours: Refusal) -> Refusal:
        """`ours`: what an answer that speaks of no stored token means at this step."""
        verdict = self.read(Where.CODE_EXCHANGE, answer)
        if verdict.health is Health.ALIVE:
            return Refusal.NOT_UNDERSTOOD
        return ours if verdict.reason is Reason.NOT_A_TOKEN_PROBLEM else refusal_of(verdict)

    def identify(self, client: Client, grant: Grant) -> Conversation:
        answer = yield from insist(self, me(client, grant))
        identity = identity_in(answer.json)
        if identity is None:
            raise Refused(Refusal.NOT_UNDERSTOOD)
        return identity

    def reach(self, client: Client, grant: Grant, identity: Identity) -> Conversation:
        return [Reachable("profile", identity.subject, identity.name, is_login=True)]
        yield  # nothing to ask

    def probe(self, client: Client, grant: Grant, subject: str) -> Conversation:
        answer = yield from attempt(me(client, grant))
        verdict = self.read(Where.PROBE, answer)
        if verdict.health is Health.ALIVE:
            identity = identity_in(answer.json)
            return ALIVE if identity and identity.subject == subject else NOT_UNDERSTOOD
        return verdict

    def refresh(self, client: Client, grant: Grant) -> Conversation:
        return unclear(Reason.NOT_A_TOKEN_PROBLEM)
        yield  # OAuth 1.0a has nothing to refresh

    def revoke(self, client: Client, grant: Grant) -> Conversation:
        return False
        yield  # nor a way to give a token back


def api_reason(answer: Answer) -> Reason | None:
    if succeeded(answer):
        return None
    return API_ERRORS.get(str(said(answer).get("error_name")), Reason.NOT_UNDERSTOOD)


def me(client: Client, grant: Grant) -> Request:
    keys = OAuth1Keys(
        client.client_id, client.client_secret, grant.access_token, grant.refresh_token
    )
    return Get(ME, oauth1=keys)


def pair_in(answer: Answer) -> tuple[str, str]:
    """The token and its secret of a form-encoded answer (RFC 5849, 2.1 and 2.3), or ("", "")."""
    if not 200 <= answer.status < 300:
        return "", ""
    form = dict(parse_qsl(answer.body.decode("utf-8", "replace")))
    token = token_text(form.get("oauth_token"))
    secret = token_text(form.get("oauth_token_secret"))
    return (token, secret) if token and secret else ("", "")


def identity_in(body: Mapping[str, Any]) -> Identity | None:
    users = body.get("users")
    user = users[0] if isinstance(users, list) and users else None
    if not isinstance(user, dict):
        return None
    subject = an_id(user.get("id"))
    return Identity(subject, a_name(user.get("display_name"), subject)) if subject else None

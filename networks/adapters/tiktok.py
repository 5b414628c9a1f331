"""TikTok, Login Kit v2: https://developers.tiktok.com/doc/oauth-user-access-token-management"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from networks.base import (
    Answer,
    Capability,
    Client,
    Conversation,
    Get,
    Grant,
    Identity,
    Kind,
    Note,
    Reachable,
    Reason,
    Refusal,
    Refused,
    Request,
)
from networks.oauth import OAuth2Network
from networks.reading import a_name, an_id, said, succeeded
from networks.rfc6749 import error_of

USER_INFO = "https://open.tiktokapis.com/v2/user/info/"

# https://developers.tiktok.com/doc/tiktok-api-v2-error-handling, and for posting
# https://developers.tiktok.com/doc/content-posting-api-reference-direct-post
API_ERRORS: Mapping[str, Reason] = {
    "access_token_invalid": Reason.INVALID_TOKEN_UNSPECIFIED,
    "scope_not_authorized": Reason.PERMISSION_LOST,
    # Its text says "Access token is invalid": a field needs a scope, the token is well.
    "scope_permission_missed": Reason.PERMISSION_LOST,
    "rate_limit_exceeded": Reason.RATE_LIMITED,
    "spam_risk_too_many_posts": Reason.RATE_LIMITED,
    "spam_risk_too_many_pending_share": Reason.RATE_LIMITED,
    "spam_risk_user_banned_from_posting": Reason.ACCOUNT_SUSPENDED,
    "internal_error": Reason.NETWORK_OUTAGE,
    "invalid_params": Reason.NOT_A_TOKEN_PROBLEM,
    "invalid_file_upload": Reason.NOT_A_TOKEN_PROBLEM,
    "url_ownership_unverified": Reason.NOT_A_TOKEN_PROBLEM,
    "privacy_level_option_mismatch": Reason.NOT_A_TOKEN_PROBLEM,
    "reached_active_user_cap": Reason.NOT_A_TOKEN_PROBLEM,
    "unaudited_client_can_only_post_to_private_accounts": Reason.NOT_A_TOKEN_PROBLEM,
}


class TikTok(OAuth2Network):
    slug = "tiktok"
    name = "TikTok"
    colour = "#010101"
    initials = "TT"
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
    scopes = ("user.info.basic", "video.publish", "video.upload", "video.list")
    reauthorize_after = timedelta(days=365)
    kinds = (
        Kind(
            "account",
            _("Account"),
            _("Profile settings"),
            ngettext_lazy("%(count)d account", "%(count)d accounts", "count"),
        ),
    )
    login_hint = _("Sign in with the TikTok account itself.")
    capabilities = {
        "connect": Capability(True, scopes=("user.info.basic",)),
        "publish_post": Capability(True, scopes=("video.publish",)),
        "publish_comment": Capability(
            False, _("TikTok lets apps publish videos, but write no comments.")
        ),
        "comment_on_incoming": Capability(
            False, _("TikTok lets apps publish videos, but write no comments.")
        ),
    }
    notes = (
        Note(_("Ad accounts cannot be connected. Sign in with the account that posts the videos.")),
        Note(
            _(
                "TikTok offers no choice of account: it takes whoever is signed in there. Sign "
                "out of tiktok.com first if that is another account."
            )
        ),
        Note(
            _(
                "TikTok wants a person to renew the connection at least every 365 days, and "
                "sometimes earlier. The list shows it 30 days ahead."
            )
        ),
        Note(
            _("You can see at TikTok which apps have access, and take it back there."),
            (
                _("TikTok: apps with access to your account"),
                "https://support.tiktok.com/en/safety-hc/account-and-user-safety/connect-to-third-party-apps",
            ),
        ),
    )

    def api_reason(self, answer: Answer) -> Reason | None:
        """A success carries an error object too, of code "ok"; an error may come with 200."""
        code = error_of(said(answer)) or str(said(answer).get("code", ""))
        if code in ("", "0") and succeeded(answer):
            return None
        return API_ERRORS.get(code, Reason.NOT_UNDERSTOOD)

    def code_in(self, callback: Mapping[str, str]) -> str:
        """The portal for advertisers comes back with an `auth_code`:
        https://business-api.tiktok.com/portal/docs?id=1738373164380162"""
        if callback.get("auth_code") and not callback.get("code"):
            raise Refused(Refusal.AD_ACCOUNT)
        return super().code_in(callback)

    def grant_in(self, answer: Answer, old: Grant | None = None) -> Grant | None:
        """A login for advertisers has no `open_id`: there is no profile to look after."""
        parts = [answer.json, answer.json.get("data")]
        for part in parts if old is None else []:
            if isinstance(part, dict) and "advertiser_ids" in part and "open_id" not in part:
                raise Refused(Refusal.AD_ACCOUNT)
        return super().grant_in(answer, old)

    def identity_request(self, grant: Grant) -> Request:
        """https://developers.tiktok.com/doc/tiktok-api-v2-get-user-info"""
        params = {"fields": "open_id,display_name"}
        return Get(USER_INFO, params=params, bearer=grant.access_token)

    def identity_in(self, body: Mapping[str, Any]) -> Identity | None:
        data = body.get("data")
        user = data.get("user") if isinstance(data, dict) else None
        if not isinstance(user, dict):
            return None
        subject = an_id(user.get("open_id"))
        return Identity(subject, a_name(user.get("display_name"), subject)) if subject else None

    def reach(self, client: Client, grant: Grant, identity: Identity) -> Conversation:
        return [Reachable("account", identity.subject, identity.name, is_login=True)]
        yield  # nothing to ask: an account has nothing below it

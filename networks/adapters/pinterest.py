"""Pinterest, API v5: https://developers.pinterest.com/docs/api/v5/"""

from __future__ import annotations

from collections.abc import Mapping
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
from networks.reading import a_name, an_id, insist, said, succeeded

USER_ACCOUNT = "https://api.pinterest.com/v5/user_account"
BOARDS = "https://api.pinterest.com/v5/boards"
MOST_PAGES = 100  # of 250 boards each

# https://github.com/pinterest/api-description, v5/openapi.yaml: the codes of its examples
API_ERRORS: Mapping[str, Reason] = {
    "2": Reason.INVALID_TOKEN_UNSPECIFIED,
    "3": Reason.PERMISSION_LOST,
    "7": Reason.PERMISSION_LOST,
    "29": Reason.PERMISSION_LOST,
    "403": Reason.PERMISSION_LOST,
    "8": Reason.RATE_LIMITED,
    "30": Reason.RATE_LIMITED,
    "12": Reason.NETWORK_OUTAGE,
    "4197": Reason.NETWORK_OUTAGE,
    "1": Reason.NOT_A_TOKEN_PROBLEM,
    "50": Reason.NOT_A_TOKEN_PROBLEM,
}

# The same numbers mean other things at the token endpoint: 2 is a bad client id or secret,
# 7 a redirect_uri that is not registered, 283 a code or refresh token that is refused.
TOKEN_ERRORS: Mapping[str, Reason] = {
    "1": Reason.NOT_A_TOKEN_PROBLEM,
    "2": Reason.APP_DISABLED,
    "7": Reason.APP_DISABLED,
    "283": Reason.INVALID_TOKEN_UNSPECIFIED,
}


class Pinterest(OAuth2Network):
    slug = "pinterest"
    name = "Pinterest"
    colour = "#bd081c"
    initials = "P"
    hosts = ("www.pinterest.com", "api.pinterest.com")
    authorization_endpoint = "https://www.pinterest.com/oauth/"
    token_endpoint = "https://api.pinterest.com/v5/oauth/token"  # noqa: S105
    refresh_extends = True  # the continuous refresh token, renewed with each use
    token_endpoint_auth_method = "client_secret_basic"  # noqa: S105 - a method
    # Revocation is for system users' tokens only; people remove the app at Pinterest.
    # Apps made before 25 September 2025 get refresh tokens that renew only if they ask:
    # https://developers.pinterest.com/docs/getting-started/set-up-authentication-and-authorization/
    exchange_parameters = {"continuous_refresh": "true"}
    scope_separator = ","
    scopes = (
        "user_accounts:read",
        "boards:read",
        "boards:read_secret",
        "boards:write",
        "pins:read",
        "pins:write",
    )
    kinds = (
        Kind(
            "account",
            _("Account"),
            _("Profile settings"),
            ngettext_lazy("%(count)d account", "%(count)d accounts", "count"),
        ),
        Kind(
            "board",
            _("Board"),
            _("Page settings"),
            ngettext_lazy("%(count)d board", "%(count)d boards", "count"),
            comes_and_goes=True,
        ),
    )
    login_hint = _("Sign in with the Pinterest account whose boards you want to see here.")
    capabilities = {
        "connect": Capability(True, scopes=("user_accounts:read", "boards:read")),
        "publish_post": Capability(True, scopes=("boards:read", "pins:write")),
        "publish_comment": Capability(
            False, _("Pinterest's interface for apps knows no comments.")
        ),
        "comment_on_incoming": Capability(
            False, _("Pinterest's interface for apps knows no comments.")
        ),
    }
    notes = (
        Note(
            _(
                "All boards of the account appear in the list, each with its own owners, teams "
                "and settings. Secret boards do, too."
            )
        ),
        Note(
            _(
                "Pinterest takes whoever is signed in there. Sign out of pinterest.com first if "
                "that is another account."
            )
        ),
        Note(
            _("You can see at Pinterest which apps have access, and take it back there."),
            (_("Pinterest: security settings"), "https://www.pinterest.com/settings/security"),
        ),
    )

    def api_reason(self, answer: Answer) -> Reason | None:
        if succeeded(answer):
            return None
        body = said(answer)
        if "consumer type" in str(body.get("message")):  # code 3: our app has no access at all
            return Reason.APP_DISABLED
        return API_ERRORS.get(str(body.get("code")), Reason.NOT_UNDERSTOOD)

    def token_reason(self, answer: Answer) -> Reason | None:
        body = said(answer)
        if 200 <= answer.status < 300 or "code" not in body:
            return super().token_reason(answer)
        if "Application ID" in str(body.get("data")):  # code 283 too, but about us
            return Reason.APP_DISABLED
        return TOKEN_ERRORS.get(str(body.get("code")), Reason.NOT_UNDERSTOOD)

    def identity_request(self, grant: Grant) -> Request:
        return Get(USER_ACCOUNT, bearer=grant.access_token)

    def identity_in(self, body: Mapping[str, Any]) -> Identity | None:
        """By `id`: the username can change."""
        subject = an_id(body.get("id"))
        name = a_name(body.get("business_name"), body.get("username"), subject)
        return Identity(subject, name) if subject else None

    def reach(self, client: Client, grant: Grant, identity: Identity) -> Conversation:
        """The account and all its boards; the same bookmark twice is the end of the list."""
        found = [Reachable("account", identity.subject, identity.name, is_login=True)]
        bookmarks: set[str] = set()
        params = {"page_size": "250"}
        while len(bookmarks) < MOST_PAGES:
            request = Get(BOARDS, params=params, bearer=grant.access_token)
            answer = yield from insist(self, request, ("boards:read",))
            items = answer.json.get("items")
            if not isinstance(items, list):
                raise Refused(Refusal.NOT_UNDERSTOOD)
            found += filter(None, (board_in(item, identity) for item in items))
            bookmark = answer.json.get("bookmark")
            if not isinstance(bookmark, str) or not bookmark or bookmark in bookmarks:
                return list({(one.kind, one.remote_id): one for one in found}.values())
            bookmarks.add(bookmark)
            params = {"page_size": "250", "bookmark": bookmark}
        raise Refused(Refusal.NOT_UNDERSTOOD)


def board_in(item: Any, identity: Identity) -> Reachable | None:
    board = an_id(item.get("id")) if isinstance(item, dict) else ""
    if not board:
        return None
    return Reachable(
        "board",
        board,
        a_name(item.get("name"), board),
        parent_remote_id=identity.subject,
    )

"""Pinterest, API v5: https://developers.pinterest.com/docs/api/v5/"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from networks.adapters.pinterest.answers import (
    API_ERRORS,
    DECISIVE,
    TEXTS,
    TOKEN_ERRORS,
    TOKEN_TEXTS,
)
from networks.adapters.pinterest.notes import BUDGETS, CAPABILITIES, KINDS, LOGIN_HINT, NOTES
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
from networks.reading import Sentences, a_name, an_id, insist, said, spoken, succeeded, told
from networks.rfc6749 import error_of

USER_ACCOUNT = "https://api.pinterest.com/v5/user_account"
BOARDS = "https://api.pinterest.com/v5/boards"
MOST_PAGES = 100  # of 250 boards each


class Pinterest(OAuth2Network):
    slug = "pinterest"
    name = "Pinterest"
    colour = "#bd081c"
    initials = "P"
    kinds, capabilities, notes, login_hint = KINDS, CAPABILITIES, NOTES, LOGIN_HINT
    budgets = BUDGETS
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
    scopes = ("user_accounts:read", "boards:read", "boards:read_secret", "pins:write")

    def api_reason(self, answer: Answer) -> Reason | None:
        if succeeded(answer) and "code" not in answer.json:
            return None
        return named(answer, API_ERRORS, TEXTS)

    def token_reason(self, answer: Answer) -> Reason | None:
        if 200 <= answer.status < 300 or error_of(said(answer)):
            return super().token_reason(answer)
        return named(answer, TOKEN_ERRORS, TOKEN_TEXTS)

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


def named(answer: Answer, codes: Mapping[str, Reason], texts: Sentences) -> Reason:
    """A sentence that says more than its code, the code, or the sentence alone."""
    body = said(answer)
    fields = ("message", "message_detail", "data", "error")
    text = " ".join(str(body.get(name, "")) for name in fields) if body else spoken(answer)
    return (
        told(text, DECISIVE)
        or codes.get(str(body.get("code")))
        or (told(text, texts) if "code" not in body else None)
        or Reason.NOT_UNDERSTOOD
    )


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

"""X, API v2: https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from networks.adapters.x.answers import CODES, MESSAGES, PROBLEMS, TITLES, TOKEN_MESSAGES
from networks.adapters.x.notes import (
    BUDGETS,
    CAPABILITIES,
    KINDS,
    LOGIN_HINT,
    NOTES,
    PRICES,
    PUSH,
    SCOPES,
)
from networks.base import (
    ALIVE,
    Answer,
    Client,
    Conversation,
    Get,
    Grant,
    Identity,
    Known,
    Reachable,
    Reason,
    Request,
    dead,
)
from networks.oauth import OAuth2Network
from networks.reading import a_name, an_id, said, succeeded

ME = "https://api.x.com/2/users/me"
LIFE = timedelta(hours=2)  # of an access token
A_MOMENT = timedelta(minutes=1)
ABOUT_THE_CALLER = (Reason.INVALID_TOKEN_UNSPECIFIED, Reason.PERMISSION_LOST)


class X(OAuth2Network):
    slug = "x"
    name = "X"
    colour = "#0f1419"
    initials = "X"
    hosts = ("x.com", "api.x.com")
    authorization_endpoint = "https://x.com/i/oauth2/authorize"
    token_endpoint = "https://api.x.com/2/oauth2/token"  # noqa: S105
    revocation_endpoint = "https://api.x.com/2/oauth2/revoke"
    token_endpoint_auth_method = "client_secret_basic"  # noqa: S105 - a method
    code_challenge_method = "S256"  # X demands it
    refresh_extends = True  # each refresh gives a new refresh token, and the old one is spent
    doubtful = frozenset({Reason.PERMISSION_LOST})  # TITLES says why
    scopes = SCOPES
    kinds = KINDS
    login_hint = LOGIN_HINT
    capabilities = CAPABILITIES
    notes = NOTES
    budgets = BUDGETS
    prices = PRICES
    push = PUSH

    def api_reason(self, answer: Answer) -> Reason | None:
        body = said(answer)
        # Some of what was asked for may be missing from a good answer; it has `data` all the same.
        if succeeded(answer) and ("data" in body or not is_refusal(body)):
            return None
        return named(answer, body)

    def token_reason(self, answer: Answer) -> Reason | None:
        text = answer.body[:20_000].decode("utf-8", "replace").lower()
        for words, meaning in TOKEN_MESSAGES:
            if words in text:
                return meaning
        reason = super().token_reason(answer)
        if reason is Reason.NOT_UNDERSTOOD:
            reason = named(answer, said(answer))
            # What is not authorized there is our client.
            return Reason.NOT_UNDERSTOOD if reason in ABOUT_THE_CALLER else reason
        return reason

    def push_reason(self, answer: Answer) -> Reason | None:
        """X Activity API: https://docs.x.com/x-api/activity/introduction, and the older
        https://docs.x.com/x-api/account-activity/introduction"""
        body = said(answer)
        data, event = body.get("data"), body.get("user_event")
        kind = data.get("event_type") if isinstance(data, dict) else body.get("event_type")
        is_revoked = kind == "oauth.revoke" or (isinstance(event, dict) and "revoke" in event)
        return Reason.REVOKED_BY_USER if is_revoked else Reason.NOT_UNDERSTOOD

    def revocable(self, grant: Grant) -> str:
        return grant.refresh_token or grant.access_token

    def probe(self, client: Client, grant: Grant, subject: str) -> Conversation:
        """The question costs money (docs.x.com/x-api/getting-started/pricing) and the refresh,
        which has to be made every two hours, costs none and says as much. So X is asked neither
        where that refresh is due, nor in the moment after it."""
        if Known.of(grant).ended and grant.refresh_token:
            return dead(Reason.EXPIRED, renewable=True)
        if grant.expires_at and grant.expires_at > datetime.now(UTC) + LIFE - A_MOMENT:
            return ALIVE
        return (yield from super().probe(client, grant, subject))

    def identity_request(self, grant: Grant) -> Request:
        return Get(ME, bearer=grant.access_token)

    def identity_in(self, body: Mapping[str, Any]) -> Identity | None:
        """By `id`: the username can change."""
        data = body.get("data")
        user = data if isinstance(data, dict) else {}
        subject = an_id(user.get("id"))
        name = a_name(user.get("name"), user.get("username"), subject)
        return Identity(subject, name) if subject else None

    def reach(self, client: Client, grant: Grant, identity: Identity) -> Conversation:
        url = f"https://x.com/i/user/{identity.subject}"  # leads on to the username of the day
        return [Reachable("account", identity.subject, identity.name, url=url, is_login=True)]
        yield  # nothing to ask: an account has nothing below it


def named(answer: Answer, body: Mapping[str, Any]) -> Reason:
    """The reason that a refusal names: by its problem, by a code, then in words."""
    if answer.status == 402:  # our credits are used up, or the bill's limit is reached
        return Reason.APP_DISABLED
    for entry in (body, *errors_in(body)):
        problem = PROBLEMS.get(str(entry.get("type")).rpartition("/problems/")[2])
        reason = problem or CODES.get(an_id(entry.get("code")))
        if reason is not None:
            return reason
    text = answer.body[:20_000].decode("utf-8", "replace").lower()
    reason = next((reason for words, reason in MESSAGES if words in text), None)
    title, detail = (str(body.get(name) or "").lower() for name in ("title", "detail"))
    about_one_request = title == "forbidden" and detail != ""
    unnamed = Reason.NOT_A_TOKEN_PROBLEM if about_one_request else Reason.NOT_UNDERSTOOD
    return reason or TITLES.get((title, detail), unnamed)


def errors_in(body: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    errors = body.get("errors")
    entries = errors if isinstance(errors, list) else [body.get("error"), errors]
    return [entry for entry in entries if isinstance(entry, dict)]


def is_refusal(body: Mapping[str, Any]) -> bool:
    return any(name in body for name in ("errors", "error", "title"))

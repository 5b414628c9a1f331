"""The words of RFC 6749 and what they mean, for every network that keeps to them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from networks.base import Answer, Reason, Refusal

# RFC 6749, 5.2. The last two are the operator's trouble, never an owner's.
TOKEN_ERRORS: Mapping[str, Reason] = {
    "invalid_grant": Reason.INVALID_TOKEN_UNSPECIFIED,
    "invalid_request": Reason.NOT_A_TOKEN_PROBLEM,
    "invalid_scope": Reason.NOT_A_TOKEN_PROBLEM,
    "unsupported_grant_type": Reason.NOT_A_TOKEN_PROBLEM,
    "temporarily_unavailable": Reason.NETWORK_OUTAGE,
    "server_error": Reason.NETWORK_OUTAGE,
    "invalid_client": Reason.APP_DISABLED,
    "unauthorized_client": Reason.APP_DISABLED,
}

# RFC 6749, 4.1.2.1, and LinkedIn's own words for the first:
# https://learn.microsoft.com/en-us/linkedin/shared/authentication/authorization-code-flow
CALLBACK_ERRORS: Mapping[str, Refusal] = {
    "access_denied": Refusal.CANCELLED,
    "user_cancelled_login": Refusal.CANCELLED,
    "user_cancelled_authorize": Refusal.CANCELLED,
    "server_error": Refusal.NETWORK_UNAVAILABLE,
    "temporarily_unavailable": Refusal.NETWORK_UNAVAILABLE,
    "invalid_request": Refusal.APP_MISCONFIGURED,
    "invalid_scope": Refusal.APP_MISCONFIGURED,
    "invalid_client": Refusal.APP_MISCONFIGURED,
    "unauthorized_client": Refusal.APP_MISCONFIGURED,
    "unauthorized_scope_error": Refusal.APP_MISCONFIGURED,
    "unsupported_response_type": Refusal.APP_MISCONFIGURED,
}

CAUSES: Mapping[str, Reason] = {
    "expired": Reason.EXPIRED,
    "revoked": Reason.REVOKED_BY_USER,
    "invalid": Reason.INVALID_TOKEN_UNSPECIFIED,
}

REDIRECTS: Mapping[Refusal, Reason] = {
    Refusal.NETWORK_UNAVAILABLE: Reason.NETWORK_OUTAGE,
    Refusal.APP_MISCONFIGURED: Reason.APP_DISABLED,
}


SCOPE = re.compile(r"[!#-\[\]-~]{1,200}")


def split_scopes(text: str) -> tuple[str, ...]:
    """Networks join scopes by spaces, by commas, or by one here and the other there. What is no
    scope (RFC 6749, 3.3), or too long for a row, is passed over."""
    return tuple(dict.fromkeys(filter(SCOPE.fullmatch, re.split(r"[,\s]+", text))))


def error_of(body: Mapping[str, Any]) -> str:
    """The error code of a body, "" where there is none; some say "ok" in an error object."""
    error = body.get("error")
    if isinstance(error, dict):
        error = error.get("code") or "unknown"
    if not error or error == "ok":
        return ""
    return error if isinstance(error, str) else "unknown"


def cause_in(description: str) -> Reason:
    """What a refused grant died of, where its description names one cause and not a list."""
    named = [reason for word, reason in CAUSES.items() if word in description.lower()]
    return named[0] if len(named) == 1 else Reason.INVALID_TOKEN_UNSPECIFIED


def redirect_reason(answer: Answer) -> Reason | None:
    """What the query says that a browser came back with; never a word about a stored token."""
    query = dict(parse_qsl(answer.body.decode("utf-8", "replace")))
    if "error" not in query and "error_code" not in query:
        return None if "code" in query else Reason.NOT_A_TOKEN_PROBLEM
    refusal = CALLBACK_ERRORS.get(query.get("error", ""), Refusal.CANCELLED)
    return REDIRECTS.get(refusal, Reason.NOT_A_TOKEN_PROBLEM)

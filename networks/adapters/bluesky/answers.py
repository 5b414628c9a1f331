"""What a PDS and its authorization server mean by their error names and sentences."""

from collections.abc import Iterable, Mapping
from typing import Any

from networks.base import Answer, Reason
from networks.dpop import wants_nonce
from networks.reading import said, succeeded, token_text
from networks.rfc6749 import TOKEN_ERRORS

# https://atproto.com/specs/xrpc#error-responses, and the names in
# https://github.com/bluesky-social/atproto/blob/main/packages/pds/src/auth-verifier.ts
API_ERRORS: Mapping[str, Reason] = {
    "ExpiredToken": Reason.EXPIRED,
    "TokenExpired": Reason.EXPIRED,
    "InvalidToken": Reason.INVALID_TOKEN_UNSPECIFIED,
    "invalid_token": Reason.INVALID_TOKEN_UNSPECIFIED,
    "AccountTakedown": Reason.ACCOUNT_SUSPENDED,
    "AccountSuspended": Reason.ACCOUNT_SUSPENDED,
    "AccountDeactivated": Reason.ACCOUNT_SUSPENDED,
    "AccountDeleted": Reason.ACCOUNT_SUSPENDED,
    "AccountNotFound": Reason.ACCOUNT_SUSPENDED,
    "ScopeMissingError": Reason.PERMISSION_LOST,
    "InsufficientScope": Reason.PERMISSION_LOST,
    "insufficient_scope": Reason.PERMISSION_LOST,
    "RateLimitExceeded": Reason.RATE_LIMITED,
    "InternalServerError": Reason.NETWORK_OUTAGE,
    "NotEnoughResources": Reason.NETWORK_OUTAGE,
    "UpstreamFailure": Reason.NETWORK_OUTAGE,
    "UpstreamTimeout": Reason.NETWORK_OUTAGE,
    # A nonce to repeat the request with, or a proof or request that we made badly.
    "use_dpop_nonce": Reason.NOT_A_TOKEN_PROBLEM,
    "invalid_dpop_proof": Reason.NOT_A_TOKEN_PROBLEM,
    "AuthMissing": Reason.NOT_A_TOKEN_PROBLEM,
    "AuthFactorTokenRequired": Reason.NOT_A_TOKEN_PROBLEM,
    "AuthenticationRequired": Reason.NOT_A_TOKEN_PROBLEM,
    "Forbidden": Reason.NOT_A_TOKEN_PROBLEM,
    "InvalidRequest": Reason.NOT_A_TOKEN_PROBLEM,
    # Of tokens that servers give to each other, for one request.
    "BadJwt": Reason.NOT_A_TOKEN_PROBLEM,
    "BadJwtAudience": Reason.NOT_A_TOKEN_PROBLEM,
    "BadJwtLexiconMethod": Reason.NOT_A_TOKEN_PROBLEM,
    "BadJwtSignature": Reason.NOT_A_TOKEN_PROBLEM,
    "JwtExpired": Reason.NOT_A_TOKEN_PROBLEM,
    "MissingJwt": Reason.NOT_A_TOKEN_PROBLEM,
    "UntrustedIss": Reason.NOT_A_TOKEN_PROBLEM,
}

# Said of one repository: of our own where we asked for nothing else, which a probe does.
REPO_ERRORS = frozenset({"RepoTakendown", "RepoSuspended", "RepoDeactivated", "RepoNotFound"})

# One name stands for several things; the first words that stand in the sentence decide.
API_SENTENCES: Mapping[str, tuple[tuple[str, Reason], ...]] = {
    "ExpiredToken": (("been revoked", Reason.REVOKED_BY_USER),),
    "InvalidToken": (
        ("scope", Reason.PERMISSION_LOST),
        ("authorization type", Reason.NOT_A_TOKEN_PROBLEM),
        ("authorization header", Reason.NOT_A_TOKEN_PROBLEM),
        ("expired", Reason.EXPIRED),
        ("been revoked", Reason.REVOKED_BY_USER),
    ),
    # https://github.com/bluesky-social/atproto/blob/main/packages/oauth/oauth-provider/src/oauth-verifier.ts
    "invalid_token": (
        ("invalid scope", Reason.PERMISSION_LOST),
        ('"exp" claim timestamp check failed', Reason.EXPIRED),
        ("expired", Reason.EXPIRED),
        ("token type", Reason.NOT_A_TOKEN_PROBLEM),
        ('"iat" claim timestamp', Reason.NOT_A_TOKEN_PROBLEM),
        ('"nbf" claim timestamp', Reason.NOT_A_TOKEN_PROBLEM),
    ),
    # An app password that was taken back reads as a wrong one.
    "AuthenticationRequired": (
        ("invalid identifier or password", Reason.REVOKED_BY_USER),
        ("been taken down", Reason.ACCOUNT_SUSPENDED),
    ),
    "Forbidden": (("missing required scope", Reason.PERMISSION_LOST),),
    # getSession and refreshSession, of an account that is taken down or deleted.
    "InvalidRequest": (
        ("could not find user info for account", Reason.ACCOUNT_SUSPENDED),
        ("token has expired", Reason.EXPIRED),
    ),
}

# https://github.com/bluesky-social/atproto/tree/main/packages/oauth/oauth-provider/src/errors
AUTHORIZATION_ERRORS: Mapping[str, Reason] = {
    **TOKEN_ERRORS,
    "use_dpop_nonce": Reason.NOT_A_TOKEN_PROBLEM,
    "invalid_dpop_proof": Reason.NOT_A_TOKEN_PROBLEM,
    "invalid_dpop_key_binding": Reason.NOT_A_TOKEN_PROBLEM,
    "invalid_authorization_details": Reason.NOT_A_TOKEN_PROBLEM,
    "access_denied": Reason.NOT_A_TOKEN_PROBLEM,
    "slow_down": Reason.RATE_LIMITED,
    "invalid_client_id": Reason.APP_DISABLED,
    "invalid_client_metadata": Reason.APP_DISABLED,
    "invalid_redirect_uri": Reason.APP_DISABLED,
}
GRANT_SENTENCES: tuple[tuple[str, Reason], ...] = (
    ("session expired", Reason.EXPIRED),
    ("refresh token expired", Reason.EXPIRED),
    ("exceeded inactivity timeout", Reason.EXPIRED),
    ("exceeded its lifetime", Reason.EXPIRED),
    ("taken down", Reason.ACCOUNT_SUSPENDED),
    ("deactivated", Reason.ACCOUNT_SUSPENDED),
    # Our keys or our metadata changed: nobody's session lives, and no owner can help it.
    ("different key", Reason.APP_DISABLED),
    ("authentication method mismatch", Reason.APP_DISABLED),
    ("not issued to this client", Reason.APP_DISABLED),
    ("grant type", Reason.APP_DISABLED),
    # A proof of ours that was wrong or came twice.
    ("dpop", Reason.NOT_A_TOKEN_PROBLEM),
    ("jti reused", Reason.NOT_A_TOKEN_PROBLEM),
)

# https://github.com/bluesky-social/atproto/blob/main/lexicons/com/atproto/sync/getRepoStatus.json
NOT_HOSTED = frozenset({"takendown", "suspended", "deleted", "deactivated"})


def api_reason(answer: Answer) -> Reason | None:
    body = said(answer)
    name = named(body)
    if name:
        words = sentence(body)
        if "missing required scope" in words:
            return Reason.PERMISSION_LOST
        return first(API_SENTENCES.get(name, ()), words) or API_ERRORS.get(
            name, Reason.NOT_UNDERSTOOD
        )
    if wants_nonce(answer):
        return Reason.NOT_A_TOKEN_PROBLEM
    return hosting(body) if succeeded(answer) else Reason.NOT_UNDERSTOOD


def probe_reason(answer: Answer) -> Reason | None:
    is_ours = named(said(answer)) in REPO_ERRORS
    return Reason.ACCOUNT_SUSPENDED if is_ours else api_reason(answer)


def token_reason(answer: Answer) -> Reason | None:
    """The token endpoint's words, or those of the older createSession and refreshSession."""
    body = said(answer)
    error = named(body)
    if error == "invalid_grant":
        return first(GRANT_SENTENCES, sentence(body)) or Reason.INVALID_TOKEN_UNSPECIFIED
    if error in AUTHORIZATION_ERRORS:
        return AUTHORIZATION_ERRORS[error]
    if error or not 200 <= answer.status < 300:
        return api_reason(answer)
    has_token = token_text(body.get("access_token") or body.get("accessJwt"))
    return hosting(body) if has_token else Reason.NOT_UNDERSTOOD


def push_reason(answer: Answer) -> Reason | None:
    """An `#account` event as a relay sends it, or wrapped by a jetstream; older relays said by
    `#tombstone` that there is none any more."""
    if any(str(answer.json.get(name)).endswith("tombstone") for name in ("$type", "t", "kind")):
        return Reason.ACCOUNT_SUSPENDED
    inner = answer.json.get("account")
    event = inner if isinstance(inner, dict) else answer.json
    return hosting(event) if "active" in event else Reason.NOT_A_TOKEN_PROBLEM


def hosting(body: Mapping[str, Any]) -> Reason | None:
    """What is said of the account itself; None where nothing is wrong with it."""
    if body.get("active") is not False:
        return None
    if body.get("status", "deactivated") in NOT_HOSTED:
        return Reason.ACCOUNT_SUSPENDED
    return Reason.NOT_A_TOKEN_PROBLEM  # a relay that is behind, or slows it down


def named(body: Mapping[str, Any]) -> str:
    error = body.get("error")
    return error if isinstance(error, str) else ""


def sentence(body: Mapping[str, Any]) -> str:
    return str(body.get("message") or body.get("error_description") or "").lower()


def first(table: Iterable[tuple[str, Reason]], words: str) -> Reason | None:
    return next((reason for text, reason in table if text in words), None)

"""What one answer proved: alive, dead with a reason, or unclear. Three values, never two."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    ALIVE = "alive"
    DEAD = "dead"
    UNCLEAR = "unclear"


class Reason(StrEnum):
    """Why a token or an access is dead, or why nobody can tell. See docs/networks.md."""

    EXPIRED = "expired"
    REVOKED_BY_USER = "revoked_by_user"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a reason, not a password
    PERMISSION_LOST = "permission_lost"
    ACCOUNT_SUSPENDED = "account_suspended"
    INVALID_TOKEN_UNSPECIFIED = "invalid_token_unspecified"  # noqa: S105
    RATE_LIMITED = "rate_limited"
    NETWORK_OUTAGE = "network_outage"
    APP_DISABLED = "app_disabled"
    NOT_A_TOKEN_PROBLEM = "not_a_token_problem"  # noqa: S105
    NOT_UNDERSTOOD = "not_understood"
    # About one profile and no token: nobody reads it from an answer, it is missing in a listing.
    NO_LONGER_LISTED = "no_longer_listed"

    @property
    def is_dead(self) -> bool:
        return self in DEAD_REASONS


DEAD_REASONS = frozenset(
    {
        Reason.EXPIRED,
        Reason.REVOKED_BY_USER,
        Reason.PASSWORD_CHANGED,
        Reason.PERMISSION_LOST,
        Reason.ACCOUNT_SUSPENDED,
        Reason.INVALID_TOKEN_UNSPECIFIED,
    }
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one conversation proved.

    `ambiguous`: the same answer is known to come from living tokens too, so a death counts
    only when a second probe says it again. `retry_after`: seconds the network asked us to wait.
    `renewable`: the access token has ended, and a refresh token may heal it: refresh first.
    `scopes`: what the network says that this token is granted now; None where it did not say.
    """

    health: Health
    reason: Reason | None = None
    ambiguous: bool = False
    renewable: bool = False
    retry_after: float | None = None
    scopes: tuple[str, ...] | None = None


ALIVE = Verdict(Health.ALIVE)


def alive(scopes: tuple[str, ...] | None = None) -> Verdict:
    return Verdict(Health.ALIVE, scopes=scopes)


def dead(reason: Reason, *, ambiguous: bool = False, renewable: bool = False) -> Verdict:
    return Verdict(Health.DEAD, reason, ambiguous=ambiguous, renewable=renewable)


def unclear(reason: Reason, *, retry_after: float | None = None) -> Verdict:
    return Verdict(Health.UNCLEAR, reason, retry_after=retry_after)

"""When to ask: pure functions of what is known. Times are aware datetimes, spans timedeltas."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

# Renew this long before a known end: a missed beat must not cost a living token.
REFRESH_AHEAD = timedelta(minutes=10)
LONGEST_BACK_OFF = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the installation asks. `interval`: between two probes of a healthy token."""

    interval: timedelta


def refresh_due(expires_at: datetime | None, issued_at: datetime) -> datetime | None:
    """When to renew an access token: REFRESH_AHEAD before its end, or in the last tenth of a
    life shorter than that, so that a short-lived token is not renewed at every probe."""
    if expires_at is None:
        return None
    return expires_at - min(REFRESH_AHEAD, (expires_at - issued_at) / 10)


def needs_refresh(now: datetime, expires_at: datetime | None, issued_at: datetime) -> bool:
    due = refresh_due(expires_at, issued_at)
    return due is not None and now >= due


def next_probe(now: datetime, pace: Pace, *known_ends: datetime | None) -> datetime:
    """The next time to ask a token: after the interval, or right at the next known moment."""
    coming = [end for end in known_ends if end and end > now]
    return min(now + pace.interval, *coming) if coming else now + pace.interval


def after_unclear(now: datetime, pace: Pace, count: int, retry_after: float | None) -> datetime:
    """When to ask again after the `count`-th unclear answer in a row: from a quarter of the
    interval doubling to an hour (or the interval, if that is longer), and never before the
    network's own Retry-After."""
    longest = max(LONGEST_BACK_OFF, pace.interval)
    back_off: timedelta = min(pace.interval / 4 * 2 ** min(count - 1, 16), longest)
    asked_to_wait = timedelta(seconds=min(retry_after or 0, 86_400))
    return now + max(back_off, asked_to_wait)

"""When somebody wants to read: quiet hours and digests, by the reader's own clock.

Pure functions. A time that a change of clocks skips is taken as the one it becomes.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from accounts.localization import zone_of
from notifications.kinds import NoticeKind
from notifications.models import Digest, Preferences

DIGEST_AT = time(8)
MONDAY = 0


def digest_at(preferences: Preferences, kind: NoticeKind, now: datetime) -> datetime | None:
    """The digest that a notice of this kind goes into; None where it is a mail of its own."""
    if preferences.digest == Digest.NONE or kind in preferences.urgent:
        return None
    zone = zone_of(preferences.user)
    day = now.astimezone(zone).date()
    if _at(day, DIGEST_AT, zone) <= now:
        day += timedelta(days=1)
    if preferences.digest == Digest.WEEKLY:
        day += timedelta(days=(MONDAY - day.weekday()) % 7)
    return _at(day, DIGEST_AT, zone)


def not_before(preferences: Preferences, kind: NoticeKind, at: datetime) -> datetime:
    """`at`, or the end of the quiet hours that it falls into."""
    begin, end = preferences.quiet_from, preferences.quiet_until
    if begin is None or end is None or kind in preferences.urgent:
        return at
    zone = zone_of(preferences.user)
    local = at.astimezone(zone)
    clock = local.time()
    is_quiet = begin <= clock < end if begin < end else clock >= begin or clock < end
    if not is_quiet:
        return at
    day = local.date() if clock < end else local.date() + timedelta(days=1)
    return max(_at(day, end, zone), at)


def _at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)

"""Ninety days of a profile at a glance, from what was written down and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils import timezone
from django.utils.translation import ngettext

from profiles.models import Profile
from tokens.models import StatusChange

DAYS = 90
FEWEST = 7


@dataclass(frozen=True, slots=True)
class Day:
    """`state`: "lost" where valid access was missing at any time of that day, else "valid";
    "unknown" before the first thing we know."""

    date: date
    state: str
    position: int


@dataclass(frozen=True, slots=True)
class Strip:
    days: list[Day]

    @property
    def is_telling(self) -> bool:
        """Whether there is enough history for a picture of it to say more than the words."""
        return len(self._known) >= FEWEST

    @property
    def _known(self) -> list[Day]:
        return [day for day in self.days if day.state != "unknown"]

    @property
    def summary(self) -> str:
        known = self._known
        valid = sum(day.state == "valid" for day in known)
        words = ngettext(
            "Valid throughout on %(valid)d of %(count)d day.",
            "Valid throughout on %(valid)d of the last %(count)d days.",
            len(known),
        )
        return words % {"valid": valid, "count": len(known)}


def strip_of(profile: Profile, now: datetime) -> Strip | None:
    """Days of the reader's own time zone; None where nothing was ever written down."""
    today = timezone.localdate(now)
    dates = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    start = _midnight(dates[0])
    earlier = profile.changes.filter(at__lt=start).order_by("-id").first()
    changes = list(profile.changes.filter(at__gte=start).order_by("id"))
    if earlier is None and not changes:
        return None
    state = earlier.profile_valid if earlier else None
    days = []
    for position, day in enumerate(dates):
        end = _midnight(day + timedelta(days=1))
        seen, changes = _until(end, changes)
        states = [state, *(change.profile_valid for change in seen)]
        state = states[-1]
        days.append(Day(day, _word(states), position))
    return Strip(days)


def _until(
    end: datetime, changes: list[StatusChange]
) -> tuple[list[StatusChange], list[StatusChange]]:
    """Those before `end`, and the rest."""
    count = sum(change.at < end for change in changes)
    return changes[:count], changes[count:]


def _word(states: list[bool | None]) -> str:
    known = [state for state in states if state is not None]
    if not known:
        return "unknown"
    return "valid" if all(known) else "lost"


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))

"""When to ask: pure functions of what is known. Times are aware datetimes, spans timedeltas.

Why these intervals and no others is derived in docs/schedule.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from math import sqrt
from typing import NamedTuple

from tokens.hazards import USUAL, Cell, Hazards, Seen, cell_of, learn

# Renew this long before a known end: a missed beat must not cost a living token.
REFRESH_AHEAD = timedelta(minutes=10)
LONGEST_BACK_OFF = timedelta(hours=1)
# An interval is drawn from a range this wide, as a part of itself, so that nobody beats in step.
JITTER = 0.2
# No token is asked more often than this many times as often as the mean, however likely it dies,
# and none more seldom than this many times: what is learnt from little may be wrong.
MOST_OFTEN, MOST_SELDOM = 24, 8
SCALES = 1e-4, 1e4


class Traits(NamedTuple):
    """What the schedule looks at. `probed_at` is when the network last spoke about the token
    before now, by whatever call."""

    network: str
    consented_at: datetime
    died_at: datetime | None = None
    probed_at: datetime | None = None
    is_dead: bool = False

    def cell(self, now: datetime) -> Cell:
        since_death = now - self.died_at if self.died_at else None
        return cell_of(self.network, now - self.consented_at, since_death)


@dataclass(frozen=True)
class Pace:
    """How often the installation asks.

    `interval` is the mean between two probes of a token: the budget. `longest` is what no token
    waits beyond. A token's own interval goes with one over the root of its hazard; `scale` is what
    that is multiplied by so that all together keep to the budget.
    """

    interval: timedelta
    longest: timedelta = timedelta(days=1)
    hazards: Hazards = Hazards()
    scale: float = 1.0
    _intervals: dict[Cell, timedelta] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def learnt(cls, seen: Mapping[Cell, Seen], interval: timedelta, longest: timedelta) -> Pace:
        """The pace that follows from what was seen, within the budget of the living."""
        living = {cell: what.living for cell, what in seen.items()}
        return cls(interval, longest, learn(seen)).within_budget(living)

    @cached_property
    def bound(self) -> timedelta:
        """What no token waits beyond: never less than the mean, which could not be kept then."""
        return max(self.interval, min(self.longest, self.interval * MOST_SELDOM))

    def interval_of(self, cell: Cell) -> timedelta:
        """The mean interval of the tokens in a cell, reckoned once: there are few cells."""
        if cell not in self._intervals:
            part = self._within_bounds(self.scale * self._wanted(cell))
            self._intervals[cell] = self.interval * part
        return self._intervals[cell]

    def within_budget(self, living: Mapping[Cell, float]) -> Pace:
        """The same with the scale at which so many tokens, together, are asked once an interval
        each in the mean. Found by halving: the larger the scale, the fewer the calls."""
        wanted = [(count, self._wanted(cell)) for cell, count in living.items() if count]
        budget = sum(count for count, _ in wanted)
        low, high = SCALES
        while budget and high / low > 1 + 1e-6:
            middle = sqrt(low * high)
            calls = sum(count / self._within_bounds(middle * one) for count, one in wanted)
            low, high = (middle, high) if calls > budget else (low, middle)
        return replace(self, scale=high) if budget else self

    def _wanted(self, cell: Cell) -> float:
        """The interval as a part of the mean one, before it is scaled."""
        return sqrt(USUAL / self.hazards.of(cell))

    def _within_bounds(self, part: float) -> float:
        return max(1 / MOST_OFTEN, min(part, self._longest_part))

    @cached_property
    def _longest_part(self) -> float:
        """Its jitter stays within the bound too."""
        return self.bound / self.interval / (1 + JITTER / 2)


def refresh_due(expires_at: datetime | None, issued_at: datetime) -> datetime | None:
    """When to renew an access token: REFRESH_AHEAD before its end, or in the last tenth of a
    life shorter than that, so that a short-lived token is not renewed at every probe."""
    if expires_at is None:
        return None
    return expires_at - min(REFRESH_AHEAD, (expires_at - issued_at) / 10)


def needs_refresh(now: datetime, expires_at: datetime | None, issued_at: datetime) -> bool:
    due = refresh_due(expires_at, issued_at)
    return due is not None and now >= due


def next_probe(
    now: datetime, pace: Pace, traits: Traits, ends: Iterable[datetime | None], jitter: float
) -> datetime:
    """The next time to ask a token that was asked now: after its interval, or right at the next
    of its known ends. `jitter` is a random number from 0 up to 1.

    A token that is asked for the first time, or was left waiting for twice its interval, gets any
    part of the interval: what an import or a standstill heaped up is spread out at once.
    """
    interval = pace.interval if traits.is_dead else pace.interval_of(traits.cell(now))
    if traits.probed_at is None or now - traits.probed_at > 2 * interval:
        wait = interval * (1 / MOST_OFTEN + jitter * (1 - 1 / MOST_OFTEN))
    else:
        wait = interval * (1 + JITTER * (jitter - 0.5))
    again = now + min(wait, pace.bound)
    return min((end for end in ends if end and now < end < again), default=again)


def after_unclear(now: datetime, pace: Pace, count: int, retry_after: float | None) -> datetime:
    """When to ask again after the `count`-th unclear answer in a row: from a quarter of the
    interval doubling to an hour (or the interval, if that is longer), and never before the
    network's own Retry-After."""
    longest = max(LONGEST_BACK_OFF, pace.interval)
    back_off: timedelta = min(pace.interval / 4 * 2 ** min(count - 1, 16), longest)
    asked_to_wait = timedelta(seconds=min(retry_after or 0, 86_400))
    return now + max(back_off, asked_to_wait)

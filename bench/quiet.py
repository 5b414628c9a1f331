"""A year in which tokens die and no network fails: how often the circuit breaker errs.

The deaths are those of bench/population.py, seen when tokens/schedule.py asks; whether they are too
many is decided by tokens/breaker.py. No database: what it would count follows from the year.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from uuid import UUID

from bench.detection import CONFIRMATION, INTERVAL, SEED, Scheduled, watch
from bench.measure import Figure
from bench.population import DAY, FIXED, Fate, Year, a_year, slug
from tokens import breaker
from tokens.breaker import FEWEST, WINDOW, Seen

# A login counts from its first sighting until so long after the one that confirms it.
COUNTS_FOR = (WINDOW + CONFIRMATION).total_seconds()
APP = UUID(int=1)  # each network has one app
Fails = Callable[[Seen], bool]


class Noting(Scheduled):
    """Notes when which death was seen first."""

    def __init__(self) -> None:
        super().__init__("tokenwacht")
        self.sightings: defaultdict[int, list[tuple[float, Fate]]] = defaultdict(list)

    def found(self, fate: Fate, at: float) -> None:
        super().found(fate, at)
        self.sightings[fate.network].append((at, fate))


@dataclass(slots=True)
class Watched:
    """A network: what it showed of late, and what is known of it."""

    year: Year
    network: int
    token_days: float = 0.0
    deaths: int = 0
    late: deque[tuple[float, int]] = field(default_factory=deque)
    living: list[float] = field(init=False)

    def __post_init__(self) -> None:
        name = slug(self.network)
        self.living = [
            sum(spent for cell, spent in day.items() if cell.network == name) / DAY
            for day in self.year.exposure
        ]

    def sees(self, at: float, fate: Fate) -> Seen:
        """The logins that fail, beside what was to be expected of those that were asked."""
        day = min(int(at // DAY), len(self.living) - 1)
        self.late.append((at, self.year.lives[fate.token].person[0].number))
        while self.late[0][0] < at - COUNTS_FOR:
            self.late.popleft()
        hazard = breaker.hazard(sum(self.living[:day]), self.deaths)
        self.deaths += 1
        expected = breaker.expected_deaths(hazard, self.living[day] * WINDOW.total_seconds())
        asked = round(self.living[day] * (WINDOW / INTERVAL))
        return Seen(len({person for _, person in self.late}), expected, asked)


def holds(year: Year, sightings: list[tuple[float, Fate]], network: int, fails: Fails) -> int:
    """How often it would be taken for a failure; each time, counting begins anew."""
    watched, count = Watched(year, network), 0
    for at, fate in sorted(sightings, key=lambda one: one[0]):
        if fails(watched.sees(at, fate)):
            count += 1
            watched.late.clear()
    return count


def too_many(seen: Seen) -> bool:
    return bool(breaker.failing({APP: seen}))


def a_few(seen: Seen) -> bool:
    return seen.logins >= FEWEST


def false_holds(tokens: int) -> Iterator[Figure]:
    year = replace(a_year(FIXED, tokens, SEED), outages=[])
    noting = Noting()
    watch(year, noting)
    mine, theirs = (
        sum(holds(year, seen, network, fails) for network, seen in noting.sightings.items())
        for fails in (too_many, a_few)
    )
    of = f"{sum(map(len, noting.sightings.values())):,} deaths without notice"
    title = f"false holds in a quiet year of {tokens:,} tokens"
    against = f"{FEWEST} logins within the window"
    yield Figure("outages", title, mine, "holds", against, theirs, of=of)

"""How soon a death is seen: a year of 100,000 tokens, asked by tokens/schedule.py and by others.

`python -m bench detection`. Needs no database. The mix is fixed in bench/population.py; the
schedule learns from the deaths that it finds, and reads nothing else of it.

146 million probes are not made one by one. Between two changes of its cell or of the pace a token
is asked at a constant rate, so calls are summed from the time spent in each cell, and when a death
is seen is found by asking the real `next_probe` from some time before it until it is seen.
tests/bench/test_detection.py makes the same year for few tokens probe by probe, and compares.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from math import inf
from typing import Any

from bench.population import DAY, EQUAL, FIXED, RECONNECTED_AFTER, Fate, Mix, Year, a_year, slug
from tokens.hazards import AGES, HALF_LIFE, HISTORIES, Cell, Hazards, Seen
from tokens.schedule import Pace, Traits, after_unclear, next_probe

TOKENS = 100_000
SEED = 5
BUDGET = 4.0  # calls a token-day
# So chosen that all calls together, those that confirm and those to siblings and to red tokens
# too, stay within four a token-day.
INTERVAL = timedelta(hours=6, minutes=5)
LONGEST = timedelta(hours=24)
START = datetime(2026, 1, 1, tzinfo=UTC)
FIRST_PROBE = timedelta(minutes=1)  # after a sign-in
WINDOW = 3  # so many intervals before a death its token's probes begin to be made one by one
SWEEP = 900.0
CONFIRMATION = timedelta(minutes=5)


def moment(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def seconds(at: datetime) -> float:
    return (at - START).total_seconds()


@dataclass(slots=True)
class Delays:
    """In seconds, of the deaths that struck while the network answered, and of the others."""

    usual: list[float] = field(default_factory=list)
    known: list[float] = field(default_factory=list)
    in_outage: list[float] = field(default_factory=list)
    longest_wait: timedelta = timedelta(0)
    calls: float = 0.0


class Asked:
    """A way of asking. This one asks each token after a constant interval, and knows nothing."""

    follows_siblings = False

    def __init__(self, name: str, interval: timedelta) -> None:
        self.name, self.interval = name, interval

    def begin(self, day: int, living: Mapping[Cell, float]) -> None:
        """A new day, with so many tokens in each cell."""

    def found(self, fate: Fate, at: float) -> None:
        """A sudden death was seen."""

    def calls(self, exposure: Mapping[Cell, float]) -> float:
        return sum(exposure.values()) / self.interval.total_seconds()

    def calls_of_a_death(self, delay: float, blow: list[Fate]) -> float:
        return RECONNECTED_AFTER / self.interval.total_seconds()

    def between(self, now: datetime, fate: Fate) -> timedelta:
        return self.interval

    def next(self, now: datetime, before: datetime, fate: Fate, chance: random.Random) -> datetime:
        return now + self.interval

    def again(self, now: datetime, fate: Fate, count: int) -> datetime:
        """After the `count`-th answer in a row that said nothing."""
        return now + self.interval


class Sweep(Asked):
    """Daily, and every 15 minutes a look at what has just expired."""

    def next(self, now: datetime, before: datetime, fate: Fate, chance: random.Random) -> datetime:
        daily = now + self.interval
        if not fate.is_known:
            return daily
        sweep = moment(-(-fate.ends // SWEEP) * SWEEP)
        return min(daily, sweep) if now < sweep else daily


class Scheduled(Asked):
    """By tokens/schedule.py, which learns; or which knows the hazards, as an oracle does."""

    follows_siblings = True

    def __init__(self, name: str, hazards: Hazards | None = None) -> None:
        super().__init__(name, INTERVAL)
        self.hazards = hazards
        self.paces: list[Pace] = []
        self.seen: dict[Cell, Seen] = defaultdict(Seen)
        self.deaths: dict[int, list[Cell]] = defaultdict(list)
        self.last: Mapping[Cell, float] = {}

    def begin(self, day: int, living: Mapping[Cell, float]) -> None:
        keep = 0.5 ** (timedelta(days=1) / HALF_LIFE)
        for cell in sorted(self.seen.keys() | self.last.keys() | living.keys()):
            seen = self.seen[cell]
            seen.token_days = seen.token_days * keep + self.last.get(cell, 0.0)
            seen.deaths *= keep
            seen.living = living.get(cell, 0.0)
        for cell in self.deaths.pop(day - 1, []):
            self.seen[cell].deaths += 1
        self.last = living
        if self.hazards is None:
            self.paces.append(Pace.learnt(self.seen, INTERVAL, LONGEST))
        else:
            self.paces.append(Pace(INTERVAL, LONGEST, self.hazards).within_budget(living))

    def found(self, fate: Fate, at: float) -> None:
        traits = self._traits(fate, None)
        self.deaths[int(at // DAY)].append(traits.cell(moment(at)))

    def calls(self, exposure: Mapping[Cell, float]) -> float:
        pace = self.paces[-1]
        return sum(
            spent / pace.interval_of(cell).total_seconds() for cell, spent in exposure.items()
        )

    def calls_of_a_death(self, delay: float, blow: list[Fate]) -> float:
        """The one that sees it, the one that confirms it, one for each sibling, and those that
        ask whether it has come back."""
        confirms = 0 if blow[0].is_known else 1
        siblings = 0 if blow[0].is_known else (blow[0].siblings + 1) / len(blow) - 1
        red = (RECONNECTED_AFTER - delay) / INTERVAL.total_seconds()
        return 1 + confirms + siblings + max(red, 0)

    def between(self, now: datetime, fate: Fate) -> timedelta:
        return self._pace(now).interval_of(self._traits(fate, None).cell(now))

    def next(self, now: datetime, before: datetime, fate: Fate, chance: random.Random) -> datetime:
        ends = () if fate.ends == inf else (moment(fate.ends),)
        traits = self._traits(fate, before)
        return next_probe(now, self._pace(now), traits, ends, chance.random())

    def again(self, now: datetime, fate: Fate, count: int) -> datetime:
        return after_unclear(now, self._pace(now), count, None)

    def _pace(self, now: datetime) -> Pace:
        return self.paces[max(0, min((now - START).days, len(self.paces) - 1))]

    def _traits(self, fate: Fate, probed_at: datetime | None) -> Traits:
        died = None if fate.died == -inf else moment(fate.died)
        return Traits(slug(fate.network), moment(fate.consented), died, probed_at)


def watch(year: Year, schedule: Asked, seed: int = SEED) -> Delays:
    """Ask through the year; every schedule meets the same deaths."""
    chance = random.Random(seed)  # noqa: S311 - a figure, no secret
    result = Delays()
    by_day: dict[int, list[Fate]] = defaultdict(list)
    for fate in year.fates:
        by_day[int(fate.at // DAY)].append(fate)
    living = {cell: spent / DAY for cell, spent in year.exposure[0].items()}
    for day, exposure in enumerate(year.exposure):
        schedule.begin(day, living)
        result.calls += schedule.calls(exposure)
        for _, blow in groupby(by_day[day], key=lambda fate: fate.blow):
            _note(year, schedule, list(blow), chance, result)
        living = {cell: spent / DAY for cell, spent in exposure.items()}
    return result


def _note(
    year: Year, schedule: Asked, blow: list[Fate], chance: random.Random, result: Delays
) -> None:
    seen = [_first_seen(year, schedule, fate, chance, result) for fate in blow]
    if schedule.follows_siblings:
        seen = [min(seen)] * len(blow)
    for fate, at in zip(blow, seen, strict=True):
        delay = at - fate.at
        result.calls += schedule.calls_of_a_death(delay, blow)
        if year.outage_end(fate.network, fate.at) is not None:
            result.in_outage.append(delay)
        else:
            result.usual.append(delay)
            if fate.is_known:
                result.known.append(delay)
        if not fate.is_known:
            schedule.found(fate, at)


def _first_seen(
    year: Year, schedule: Asked, fate: Fate, chance: random.Random, result: Delays
) -> float:
    """When the first probe after the death is answered, in seconds."""
    death, consent = moment(fate.at), moment(fate.consented)
    before = max(consent, death - WINDOW * schedule.between(death, fate))
    if before == consent:
        now = consent + FIRST_PROBE
    else:  # in the middle of a grid that began long ago
        now = before + schedule.between(before, fate) * chance.random()
    count = 0
    while now < death or year.outage_end(fate.network, seconds(now)) is not None:
        if year.outage_end(fate.network, seconds(now)) is None:
            count, coming = 0, schedule.next(now, before, fate, chance)
            before = now
        else:
            count += 1
            coming = schedule.again(now, fate, count)
        result.longest_wait = max(result.longest_wait, coming - now)
        now = coming
    return seconds(now)


def uniform(calls: float, year: Year) -> Asked:
    """As many calls, spread evenly over all tokens."""
    return Asked("uniform", timedelta(days=year.token_days / calls))


def oracle(mix: Mix) -> Scheduled:
    """Told the true momentary hazards, which do not change within one of our classes."""
    rates = {slug(network): rate / 365 for network, rate in enumerate(mix.rates)}
    ages = (mix.young, *(1.0 for _ in AGES))
    return Scheduled("oracle", Hazards(rates, ages, (mix.relapse, *(1.0 for _ in HISTORIES))))


def measure(mix: Mix, tokens: int) -> tuple[Year, dict[str, Delays]]:
    """All schedules on one year, by their names."""
    year = a_year(mix, tokens, SEED)
    results = {one.name: watch(year, one) for one in (Scheduled("tokenwacht"), oracle(mix))}
    others: Iterable[Asked] = (
        uniform(results["tokenwacht"].calls, year),
        Asked("every 6 hours", timedelta(hours=6)),
        Asked("daily", timedelta(days=1)),
        Sweep("daily and sweep", timedelta(days=1)),
    )
    return year, results | {one.name: watch(year, one) for one in others}


def figures(year: Year, name: str, results: dict[str, Delays]) -> dict[str, Any]:
    """One line; delays in minutes, until the first answer that shows the death."""
    mine, mean = results[name], statistics.fmean(results[name].usual)
    marks = statistics.quantiles(mine.usual, n=20)
    return {
        "bench": "detection",
        "mix": year.mix.name,
        "schedule": name,
        "mean": round(mean / 60, 2),
        "p50": round(marks[9] / 60, 2),
        "p95": round(marks[18] / 60, 2),
        "of_uniform": round(mean / statistics.fmean(results["uniform"].usual), 4),
        "of_oracle": round(mean / statistics.fmean(results["oracle"].usual), 4),
        "calls_a_token_day": round(mine.calls / year.token_days, 4),
        "budget": BUDGET,
        "longest_wait_hours": round(mine.longest_wait / timedelta(hours=1), 2),
        "bound_hours": LONGEST / timedelta(hours=1),
        "deaths": len(mine.usual),
        "known_ends": round(len(mine.known) / len(mine.usual), 3),
        "in_outages": len(mine.in_outage),
        "mean_in_outages": round(statistics.fmean(mine.in_outage or [0.0]) / 60, 1),
    }


def run(tokens: int = TOKENS) -> Iterator[str]:
    """A table and a line of JSON for each schedule, for both mixes."""
    columns = ("mean", "p50", "p95", "of_uniform", "of_oracle", "calls_a_token_day")
    for mix in (FIXED, EQUAL):
        year, results = measure(mix, tokens)
        lines = [figures(year, name, results) for name in results]
        yield f"{mix.name}: {tokens:,} tokens, minutes until a death is seen"
        yield f"{'':<18}" + "".join(f"{name:>19}" for name in columns)
        for line in lines:
            yield f"{line['schedule']:<18}" + "".join(f"{line[name]:>19}" for name in columns)
        yield from (json.dumps(line) for line in lines)
    yield (
        f"Telling adds what the confirmation takes ({CONFIRMATION} by default; networks name their "
        "own), and until the next look for what is due (PROBE_TICK, a minute at most)."
    )


if __name__ == "__main__":
    for line in run(int(sys.argv[1]) if sys.argv[1:] else TOKENS):
        print(line, flush=True)

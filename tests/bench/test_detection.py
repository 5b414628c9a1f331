"""The simulator's figures are those of a year that is asked probe by probe."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from math import inf
from statistics import fmean

import pytest

from bench import detection
from bench.detection import FIRST_PROBE, LONGEST, Scheduled, moment, seconds
from bench.population import DAY, FIXED, MOMENT, RECONNECTED_AFTER, YEAR, a_year, slug
from tokens.schedule import Traits, after_unclear, next_probe

TOKENS = 240


@dataclass
class Watched:
    """A token, its lives in the year as (consented, died before, death), and its probes."""

    network: int
    person: int
    end: float
    lives: list[tuple[float, float, float]]
    probed_at: float = -inf
    unclear: int = 0
    is_red: bool = False
    due: float = 0.0
    version: int = 0
    waits: list[float] = field(default_factory=list)

    def at(self, now: float) -> tuple[float, float, float]:
        """The life that is under way, or has ended last."""
        begun = [life for life in self.lives if life[0] <= now]
        return begun[-1] if begun else self.lives[0]


def watched(year) -> list[Watched]:
    """Each token's lives, from its deaths and from what it is at the end of the year."""
    lives = defaultdict(list)
    for fate in year.fates:
        lives[fate.token].append((fate.consented, fate.died, fate.at))
    tokens = []
    for life in year.lives:
        own = lives[life.number] + ([(life.consented, life.died, inf)] if life.is_alive else [])
        tokens.append(Watched(life.network, life.person[0].number, life.end, own))
    return tokens


class ProbeByProbe:
    """One queue of probes. `paces` are those that the simulator learnt, day by day."""

    def __init__(self, year, paces) -> None:
        self.year, self.paces = year, paces
        self.chance = random.Random(1)  # noqa: S311
        self.tokens = watched(year)
        self.delays: list[float] = []
        self.calls = 0
        self.longest = 0.0
        self.people = defaultdict(list)
        self.queue: list[tuple[float, int, int]] = []
        for number, token in enumerate(self.tokens):
            self.people[token.person].append(number)
            token.due = self.pace(0).interval.total_seconds() * self.chance.random()
            self.queue.append((token.due, number, 0))
            for _, _, death in token.lives:
                if death < inf:
                    self.queue.append((death + RECONNECTED_AFTER, number, -1))
        heapify(self.queue)

    def pace(self, now):
        return self.paces[min(int(now // DAY), len(self.paces) - 1)]

    def run(self):
        while self.queue[0][0] < YEAR:
            now, number, version = heappop(self.queue)
            token = self.tokens[number]
            if version == -1:
                token.is_red = False
                self.ask_at(number, now + FIRST_PROBE.total_seconds())
            elif version == token.version:
                self.ask(number, now)
        return self

    def ask_at(self, number, at):
        token = self.tokens[number]
        token.version += 1
        token.due = at
        heappush(self.queue, (at, number, token.version))

    def ask(self, number, now):
        token = self.tokens[number]
        self.calls += 1
        if self.year.outage_end(token.network, now) is not None:
            token.unclear += 1
            again = after_unclear(moment(now), self.pace(now), token.unclear, None)
        else:
            token.unclear = 0
            again = self.answered(number, now)
        self.ask_at(number, seconds(again))

    def answered(self, number, now):
        token = self.tokens[number]
        consented, died, death = token.at(now)
        is_over = death <= now + MOMENT  # moments are whole microseconds
        if is_over and not token.is_red:
            self.found(number, now, death, is_known=death == consented + token.end)
        last = death if is_over else died
        traits = Traits(
            slug(token.network),
            moment(consented),
            None if last == -inf else moment(last),
            None if token.probed_at == -inf else moment(token.probed_at),
            token.is_red,
        )
        ends = () if token.end == inf else (moment(consented + token.end),)
        token.probed_at = now
        again = next_probe(moment(now), self.pace(now), traits, ends, self.chance.random())
        self.longest = max(self.longest, seconds(again) - now)
        return again

    def found(self, number, now, death, *, is_known):
        token = self.tokens[number]
        token.is_red = True
        if self.year.outage_end(token.network, death) is None:
            self.delays.append(now - death)
        if is_known:
            return
        self.calls += 1  # the second probe, that confirms it
        for sibling in self.people[token.person]:
            if sibling != number and not self.tokens[sibling].is_red:
                self.ask_at(sibling, now)


@pytest.fixture(scope="module")
def year():
    return a_year(FIXED, TOKENS, seed=3)


@pytest.fixture(scope="module")
def shortcut(year):
    """The simulator's way, over a few seeds so that its own chance is small."""
    runs = []
    for seed in range(3):
        schedule = Scheduled("tokenwacht")
        runs.append((schedule, detection.watch(year, schedule, seed)))
    return runs


@pytest.fixture(scope="module")
def probed(year, shortcut):
    return ProbeByProbe(year, shortcut[0][0].paces).run()


def test_the_simulator_counts_the_calls_that_are_made_probe_by_probe(shortcut, probed):
    assert fmean(result.calls for _, result in shortcut) == pytest.approx(probed.calls, rel=0.01)


def test_the_simulator_sees_deaths_as_late_as_probe_by_probe(shortcut, probed):
    delays = [delay for _, result in shortcut for delay in result.usual]
    assert len(probed.delays) * len(shortcut) == pytest.approx(len(delays), rel=0.01)
    assert fmean(delays) == pytest.approx(fmean(probed.delays), rel=0.1)


def test_probe_by_probe_no_token_waits_longer_than_its_bound(probed):
    assert probed.longest <= LONGEST.total_seconds()


def test_probe_by_probe_the_budget_is_kept(year, probed):
    assert probed.calls / year.token_days <= detection.BUDGET * 1.01

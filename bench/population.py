"""A year of tokens that die, as the issue of the engine fixes the mix; nobody watches them here.

What strikes whom and when does not depend on who asks, so every schedule is measured on the same
deaths. Times are seconds from the beginning of the year that is measured; before it, the tokens
have lived half a year already, so that their ages and histories are those of an old installation.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from heapq import heappop, heappush
from math import inf

from tokens.hazards import AGES, HISTORIES, Cell, cell_of

DAY = 86_400.0
YEAR = 365 * DAY
BEFORE = 180 * DAY
RECONNECTED_AFTER = DAY
OUTAGE = 6 * 3600.0
MOMENT = 0.001  # less than sums of seconds are wrong by
MOST_TOKENS = 6
RATIO = 0.53526  # of the geometric distribution on 1 to 6 whose mean is 2


@dataclass(frozen=True, slots=True)
class Mix:
    """`rates`: sudden deaths a token-year in each network, multiplied by `young` in a token's
    first week and by `relapse` for 90 days after a death of the profile. `together` of them take
    all tokens of that person. `ending` of the tokens end by themselves, after 60, 90 or 365 days
    in equal shares: chosen so that the known ends are the stated part of all deaths."""

    name: str
    rates: tuple[float, ...]
    young: float = 5.0
    relapse: float = 3.0
    together: float = 0.08
    ending: float = 0.0

    def hazard(self, network: int, age: float, since_death: float) -> float:
        """Sudden deaths a second."""
        factor = self.young if age < 7 * DAY - MOMENT else 1.0
        factor *= self.relapse if since_death < 90 * DAY - MOMENT else 1.0
        return self.rates[network] * factor / YEAR


RATES = (0.1, 0.1, 0.2, 0.2, 0.3, 0.4, 0.5, 0.8, 1.0, 1.5, 2.0, 3.0)
FIXED = Mix("the mix", RATES, ending=0.87)
EQUAL = Mix("all alike", (sum(RATES) / 12,) * 12, young=1.0, relapse=1.0)


@dataclass(slots=True)
class Life:
    """One token. `end` is how long it lives at most, in seconds after each consent."""

    number: int
    network: int
    person: list[Life] = field(repr=False)
    end: float
    consented: float
    died: float = -inf
    is_alive: bool = True
    version: int = 0


@dataclass(frozen=True, slots=True)
class Fate:
    """One death of one token: `died` is the one before it, -inf if none; `ends` its known end.
    Those with the same `blow` came at once and to one person."""

    at: float
    token: int
    network: int
    consented: float
    died: float
    ends: float
    blow: int
    siblings: int

    @property
    def is_known(self) -> bool:
        return self.at == self.ends


@dataclass(slots=True)
class Year:
    """Of one mix: the tokens as they are at the end, the deaths in their order, the token-seconds
    in each cell for every day, and when which network failed."""

    mix: Mix
    lives: list[Life]
    fates: list[Fate]
    exposure: list[dict[Cell, float]]
    outages: list[tuple[int, float, float]]

    def outage_end(self, network: int, at: float) -> float | None:
        """When the outage ends that the network has then; None while it answers."""
        for which, start, end in self.outages:
            if which == network and start <= at < end:
                return end
        return None

    @property
    def token_days(self) -> int:
        return len(self.lives) * len(self.exposure)


def slug(network: int) -> str:
    return f"network {network + 1}"


def a_year(mix: Mix, tokens: int, seed: int) -> Year:
    return Simulation(mix, tokens, random.Random(seed)).run()  # noqa: S311 - a figure, no secret


class Simulation:
    """One queue of what happens next to each token: a change of its cell, its death, its return."""

    def __init__(self, mix: Mix, tokens: int, chance: random.Random) -> None:
        self.mix, self.chance = mix, chance
        self.queue: list[tuple[float, int, int, str]] = []
        self.fates: list[Fate] = []
        self.exposure: list[dict[Cell, float]] = []
        self.counted_to = 0.0
        self.crowd: dict[Cell, int] = defaultdict(int)
        self.since: dict[Cell, float] = {}
        self.day: dict[Cell, float] = defaultdict(float)
        self.cells: list[Cell] = []
        self.lives: list[Life] = []
        for network in range(len(mix.rates)):
            self._populate(network, tokens // len(mix.rates))

    def _populate(self, network: int, tokens: int) -> None:
        sizes = range(1, MOST_TOKENS + 1)
        weights = [RATIO**size for size in sizes]
        while tokens:
            size = min(self.chance.choices(sizes, weights)[0], tokens)
            tokens -= size
            person: list[Life] = []
            for _ in range(size):
                ends = self.chance.random() < self.mix.ending
                end = self.chance.choice((60, 90, 365)) * DAY if ends else inf
                consented = -BEFORE - self.chance.random() * min(end, YEAR)
                person.append(Life(len(self.lives) + len(person), network, person, end, consented))
            self.lives += person

    def run(self) -> Year:
        for life in self.lives:
            self.cells.append(self._cell(life, -BEFORE))
            self._enter(life, -BEFORE)
            self._plan(life, -BEFORE)
        while self.queue[0][0] < YEAR:
            at, number, version, what = heappop(self.queue)
            life = self.lives[number]
            if version == life.version:
                self._close_days(at)
                self._happen(life, what, at)
        self._close_days(YEAR)
        outages = list(self._outages())
        fates = [fate for fate in self.fates if fate.at >= 0]
        return Year(self.mix, self.lives, fates, self.exposure, outages)

    def _outages(self) -> Iterator[tuple[int, float, float]]:
        """One network, six hours, at a random moment of each quarter."""
        for quarter in range(4):
            start = (quarter + self.chance.random()) * (YEAR - OUTAGE) / 4
            yield self.chance.randrange(len(self.mix.rates)), start, start + OUTAGE

    def _happen(self, life: Life, what: str, at: float) -> None:
        if what == "moves":
            self._leave(life, at)
            self._enter(life, at)
            self._plan(life, at)
        elif what == "returns":
            life.is_alive, life.consented = True, at
            self._enter(life, at)
            self._plan(life, at)
        elif what == "is struck" and self.chance.random() < self.mix.together:
            self._die([one for one in life.person if one.is_alive], at)
        else:
            self._die([life], at)

    def _die(self, dead: list[Life], at: float) -> None:
        blow = len(self.fates)
        for life in dead:
            ends, siblings = life.consented + life.end, len(life.person) - 1
            self.fates.append(
                Fate(at, life.number, life.network, life.consented, life.died, ends, blow, siblings)
            )
            self._leave(life, at)
            life.is_alive, life.died = False, at
            self._push(life, at + RECONNECTED_AFTER, "returns")

    def _plan(self, life: Life, at: float) -> None:
        """What comes first: rates are constant between two changes of a cell, so that what was
        drawn for later may be drawn anew there."""
        hazard = self.mix.hazard(life.network, at - life.consented, at - life.died)
        coming = [(at + self.chance.expovariate(hazard), "is struck")]
        coming.append((life.consented + life.end, "ends"))
        moves = [life.consented + age.total_seconds() for age in AGES]
        moves += [life.died + span.total_seconds() for span in HISTORIES]
        coming += [(move, "moves") for move in moves if move > at]
        moment, what = min(coming)
        self._push(life, moment, what)

    def _push(self, life: Life, at: float, what: str) -> None:
        life.version += 1
        heappush(self.queue, (at, life.number, life.version, what))

    # What each day spends in each cell: counted when a cell gains or loses a token.

    def _cell(self, life: Life, at: float) -> Cell:
        since = None if life.died == -inf else timedelta(seconds=at - life.died)
        return cell_of(slug(life.network), timedelta(seconds=at - life.consented), since)

    def _enter(self, life: Life, at: float) -> None:
        self.cells[life.number] = cell = self._cell(life, at)
        self._count(cell, at)
        self.crowd[cell] += 1

    def _leave(self, life: Life, at: float) -> None:
        cell = self.cells[life.number]
        self._count(cell, at)
        self.crowd[cell] -= 1

    def _count(self, cell: Cell, at: float) -> None:
        self.day[cell] += self.crowd[cell] * (at - self.since.get(cell, at))
        self.since[cell] = at

    def _close_days(self, at: float) -> None:
        while at >= self.counted_to:
            for cell in list(self.crowd):
                self._count(cell, self.counted_to)
            if self.counted_to > 0:
                self.exposure.append(dict(self.day))
            self.day.clear()
            self.counted_to += DAY

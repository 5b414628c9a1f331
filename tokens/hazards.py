"""How often tokens die without notice: learnt from what was seen, and guessed before that.

Pure functions. The model and its priors are explained in docs/schedule.md.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import NamedTuple, TypeVar

# Where one class ends and the next begins: of age, the time since the consent, and of history,
# the time since the last death. A token that never died is in the last class of history.
AGES = (timedelta(days=7), timedelta(days=30))
HISTORIES = (timedelta(days=90),)

# What is believed before anything is seen: deaths per token-day of a network, and by what they are
# multiplied in each class. The last class of each is what the others are compared with.
USUAL = 1 / 365
AGE_FACTORS = (2.0, 1.3, 1.0)
HISTORY_FACTORS = (2.0, 1.0)
# How many deaths such a belief weighs. A network is learnt quickly, what holds for all slowly.
NETWORK_WEIGHT, FACTOR_WEIGHT = 1.0, 10.0

# What was seen counts half after so long: networks change.
HALF_LIFE = timedelta(days=180)

ROUNDS = 100
PRECISION = 1e-3  # of the hazards: of the intervals it is half

Key = TypeVar("Key", bound=Hashable)


class Cell(NamedTuple):
    """Tokens of one network, in one class of age and one of history."""

    network: str
    age: int
    history: int


@dataclass(slots=True)
class Seen:
    """What was seen of a cell: `token_days` spent there, `deaths` without notice among them, and
    how many are `living` there now."""

    token_days: float = 0.0
    deaths: float = 0.0
    living: float = 0.0


@dataclass(frozen=True, slots=True)
class Hazards:
    """Deaths without notice to expect in a token-day: a network's own rate, times a factor for
    the class of age and one for that of history. A network that is not named has the USUAL one."""

    networks: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    ages: tuple[float, ...] = AGE_FACTORS
    histories: tuple[float, ...] = HISTORY_FACTORS

    def of(self, cell: Cell) -> float:
        return self.networks.get(cell.network, USUAL) * self.factor(cell)

    def factor(self, cell: Cell) -> float:
        return self.ages[cell.age] * self.histories[cell.history]


def cell_of(network: str, age: timedelta, since_death: timedelta | None) -> Cell:
    """The cell of a token so long after its consent, and after its last death if ever."""
    history = len(HISTORIES) if since_death is None else bisect_right(HISTORIES, since_death)
    return Cell(network, bisect_right(AGES, age), history)


def learn(seen: Mapping[Cell, Seen]) -> Hazards:
    """The most likely hazards after what was seen, given what was believed before.

    Deaths are counted as a Poisson process, and each belief is a Gamma distribution, so that the
    best value of one factor, the others given, is (weight + deaths) / (weight / belief + deaths
    that the others alone explain). Each is improved in turn until none moves any more. With
    nothing seen, the beliefs come back.
    """
    learnt = Hazards({cell.network: USUAL for cell in seen})
    for _ in range(ROUNDS):
        before, learnt = learnt, _improved(learnt, seen)
        if _distance(before, learnt) < PRECISION:
            break
    return learnt


def _improved(last: Hazards, seen: Mapping[Cell, Seen]) -> Hazards:
    rate = last.networks
    networks = _fitted(
        seen, lambda cell: cell.network, last.factor, dict.fromkeys(rate, USUAL), NETWORK_WEIGHT
    )
    ages = _fitted(
        seen,
        lambda cell: cell.age,
        lambda cell: networks[cell.network] * last.histories[cell.history],
        dict(enumerate(AGE_FACTORS[:-1])),
        FACTOR_WEIGHT,
    )
    by_age = (*ages.values(), AGE_FACTORS[-1])
    histories = _fitted(
        seen,
        lambda cell: cell.history,
        lambda cell: networks[cell.network] * by_age[cell.age],
        dict(enumerate(HISTORY_FACTORS[:-1])),
        FACTOR_WEIGHT,
    )
    return Hazards(networks, by_age, (*histories.values(), HISTORY_FACTORS[-1]))


def _fitted(
    seen: Mapping[Cell, Seen],
    group: Callable[[Cell], Key],
    others: Callable[[Cell], float],
    beliefs: Mapping[Key, float],
    weight: float,
) -> dict[Key, float]:
    """One value for each group of cells; `others` is what the other factors make of a cell."""
    deaths = dict.fromkeys(beliefs, weight)
    expected = {key: weight / belief for key, belief in beliefs.items()}
    for cell, what in seen.items():
        key = group(cell)
        if key in beliefs:
            deaths[key] += what.deaths
            expected[key] += what.token_days * others(cell)
    return {key: deaths[key] / expected[key] for key in beliefs}


def _distance(one: Hazards, other: Hazards) -> float:
    """By how much the value that moved most has moved, as a part of itself."""
    pairs = [(one.networks[name], other.networks[name]) for name in one.networks]
    pairs += [*zip(one.ages, other.ages, strict=True)]
    pairs += [*zip(one.histories, other.histories, strict=True)]
    return max(abs(after / before - 1) for before, after in pairs)

"""When failures are no coincidence, and when a death is believed: pure functions of what was seen.

Deaths that strike independently and without notice, among n tokens that had gone unasked for E
token-days in sum, are hazard x E in the mean, and no more widely spread than Binomial with that
mean and n (Hoeffding 1956). `surprising` is the test; what it needs to know is counted by
`tokens.holding`. Times are aware datetimes, spans timedeltas.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, exp, lgamma, log, log1p
from uuid import UUID

# Failures count together when they were first seen within this time.
WINDOW = timedelta(minutes=30)
# Of distinct logins of one app: below that, confirmation is the protection.
FEWEST = 5
# The hazard may be so many times the mean: as if all tokens were in their first week.
SAFETY = 5.0
# How often a death may be read as part of a failure that there is not. The 100,000 tokens of the
# simulator (bench/quiet.py) die 430,000 times a year without notice, and each death is one test of
# its app and one of its network: 0.9 a year, even were hazards SAFETY times what they are.
ALPHA = 1e-6
# The same, for the rest of a network of which an app is known to fail.
ALPHA_OF_THE_REST = 1e-3
# The same for unclear answers, which turn nothing red: a false alarm costs the operator a look.
ALPHA_UNCLEAR = 1e-3
# Deaths without notice of one token in a day, until the installation knows its own.
HAZARD = 1 / 365
# So many token-days, with HAZARD, weigh against what the installation has seen.
PRIOR_DAYS = 10 / HAZARD
# Answers that are unclear on any day, as a share of all; SAFETY stands above it.
UNCLEAR = 0.01

# So many other logins are asked before a death is believed, or all where there are fewer, and this
# part of them is enough: some are under way, or do not answer. A failure that takes a tenth of them
# stays unseen by the 101 that are heard once in 40,000 times (0.9 ** 101). What only listings say
# is no less wrong when it is told, so that as many are listed.
NEIGHBOURS, HEARD = 134, 0.75
# After so many times the wait, silence of the neighbours does not delay a death any longer.
PATIENCE = 10

# Nothing is held longer than this, whether or not an operator looks: to tell somebody of an outage
# is bad, never to tell them of an end is worse. It is three times the longest outages of a network
# as a whole, and each token was asked three times at least, as none waits longer than a day.
HELD_AT_MOST = timedelta(days=3)

CANARIES = 10
# Of the canaries that answer, this part lives where a failure is over: some died meanwhile.
RECOVERED = 0.8
SOONEST_CANARIES, LATEST_CANARIES = timedelta(minutes=2), timedelta(minutes=12)
# What was held is asked again within this time.
SPREAD = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Seen:
    """Of one app, or of several together, within the window: distinct logins that failed, and how
    many would be `expected` to (SAFETY is in it), of how many tokens that were asked."""

    logins: int
    expected: float
    asked: int = 0

    def __add__(self, other: Seen) -> Seen:
        expected, asked = self.expected + other.expected, self.asked + other.asked
        return Seen(self.logins + other.logins, expected, asked)


NOTHING = Seen(0, 0.0)


def expected_deaths(hazard: float, exposure: float) -> float:
    """`hazard` a token-day, `exposure` in token-seconds (Tally.exposure)."""
    return SAFETY * hazard * exposure / 86_400


def expected_unclear(asked: int) -> float:
    return SAFETY * UNCLEAR * asked


def hazard(token_days: float, deaths: float) -> float:
    """Deaths without notice of one token in a day: the prior, and what was seen here."""
    return (deaths + HAZARD * PRIOR_DAYS) / (token_days + PRIOR_DAYS)


def surprising(seen: Seen, alpha: float = ALPHA) -> bool:
    """Whether so many failing logins are no coincidence. The last of them is why we look, so that
    the others alone have to be too many (Slivnyak's theorem)."""
    return tail(seen.logins - 1, seen.expected, max(seen.asked, seen.logins) - 1) <= alpha


def tail(count: int, mean: float, of: int) -> float:
    """P(N >= count) for a Binomial N of that mean and so many trials; 1.0 up to the mean, where
    nobody would be surprised."""
    if count <= mean or count <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    share = mean / of
    choices = lgamma(of + 1) - lgamma(count + 1) - lgamma(of - count + 1)
    term = total = exp(choices + count * log(share) + (of - count) * log1p(-share))
    while term > total * 1e-12:
        term *= (of - count) / (count + 1) * share / (1 - share)
        count += 1
        total += term
    return total


def failing(apps: Mapping[UUID, Seen], alpha: float = ALPHA) -> set[UUID]:
    """The apps of one network that fail, each for itself."""
    return {app for app, seen in apps.items() if seen.logins >= FEWEST and surprising(seen, alpha)}


def fails_as_a_whole(apps: Mapping[UUID, Seen], failing: Collection[UUID]) -> bool:
    """Whether the network fails, and not only its `failing` apps: in all others together more
    logins fail than a coincidence explains, or there are no others."""
    if not failing:
        return False
    rest = sum((seen for app, seen in apps.items() if app not in failing), NOTHING)
    if not rest.asked and not rest.logins:
        return len(failing) > 1
    return rest.logins > 1 and surprising(rest, ALPHA_OF_THE_REST)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A death that was seen before, and what its app's other logins said since the last login
    there began to fail: `heard` of `others`, both counted up to NEIGHBOURS."""

    first: datetime
    others: int
    heard: int


def believed(sighting: Sighting, now: datetime, wait: timedelta) -> bool:
    """Whether the second answer makes it a death: it came after `wait`, and enough neighbours
    were heard of whom none began to fail."""
    age = now - sighting.first
    if age < wait:
        return False
    return sighting.heard >= ceil(HEARD * sighting.others) or age >= PATIENCE * wait


def canaries_due(opened_at: datetime, last: datetime | None, now: datetime) -> bool:
    """Whether to ask some of the held again: later and later, the longer it lasts."""
    pause = min(max((now - opened_at) / 4, SOONEST_CANARIES), LATEST_CANARIES)
    return now - (last or opened_at) >= pause


@dataclass(frozen=True, slots=True)
class Recovery:
    """What speaks for the end of a failure: how many canaries live again and how many do not, how
    many logins are still held and how many others answered lately, and what else began to fail
    since the canaries were asked."""

    alive: int
    dead: int
    held: int
    living: int
    new: Seen = NOTHING


def is_over(seen: Recovery) -> bool:
    """Whether a failure closes: so few are held that none would have opened, and more live; or
    nearly all canaries live, and no more logins begin to fail than by coincidence."""
    if seen.held < FEWEST:
        return seen.living > seen.held or not seen.held
    enough = seen.alive >= FEWEST and seen.alive >= RECOVERED * (seen.alive + seen.dead)
    return enough and not (seen.new.logins >= FEWEST and surprising(seen.new))


def answers_again(asked: int, unclear: int) -> bool:
    """Whether a network that was unclear is understood again."""
    return asked - unclear >= FEWEST and asked - unclear >= RECOVERED * asked

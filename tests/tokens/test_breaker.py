"""When failures are no coincidence, and when a death is believed: the rules themselves."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tokens import breaker
from tokens.breaker import FEWEST, NEIGHBOURS, NOTHING, Recovery, Seen, Sighting

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
WAIT = timedelta(minutes=2)
ONE, OTHER = UUID(int=1), UUID(int=2)


def exactly(count: int, mean: float, of: int) -> float:
    """P(N >= count), each outcome for itself."""
    share = mean / of
    return sum(
        math.comb(of, number) * share**number * (1 - share) ** (of - number)
        for number in range(count, of + 1)
    )


@pytest.mark.parametrize(
    ("count", "mean", "of"),
    [(4, 0.07, 4), (5, 1.0, 20), (3, 0.2, 3), (30, 20.0, 60), (90, 70, 500)],
)
def test_the_tail_is_binomial(count, mean, of):
    assert breaker.tail(count, mean, of) == pytest.approx(exactly(count, mean, of), rel=1e-6)


def test_five_of_five_fail_though_each_has_two_tokens_that_went_unasked_for_a_day():
    """A tail that knows no number of tokens (Poisson's) would call that a coincidence."""
    expected = breaker.expected_deaths(breaker.HAZARD, 5 * 1.8 * 86_400)
    assert breaker.failing({ONE: Seen(5, expected, 5)}) == {ONE}


def test_a_failure_of_a_tenth_is_missed_by_those_who_are_heard_once_in_40_000_times():
    assert 0.9 ** math.ceil(breaker.HEARD * NEIGHBOURS) < 1 / 40_000


def test_the_tail_is_one_up_to_the_mean_and_none_where_nothing_is_expected():
    assert breaker.tail(3, 4.0, 9) == breaker.tail(0, 0.0, 4) == 1.0
    assert breaker.tail(1, 0.0, 4) == 0.0
    assert 0 < breaker.tail(100_000, 90_000.0, 1_000_000) < 1e-100


@pytest.mark.parametrize("logins", range(FEWEST))
def test_fewer_than_five_logins_are_never_a_failure(logins):
    assert breaker.failing({ONE: Seen(logins, 0.0)}) == set()


@pytest.mark.parametrize(("tokens", "hours"), [(5, 4), (5, 24), (50, 2), (1000, 0.5), (8333, 0.5)])
def test_an_app_of_which_all_fail_that_were_asked_in_half_an_hour_fails(tokens, hours):
    expected = breaker.expected_deaths(breaker.HAZARD, tokens * hours * 3600)
    asked = max(round(tokens * min(hours, 4) / 4 / 2), 5)
    assert breaker.failing({ONE: Seen(asked, expected, asked)}) == {ONE}


def test_a_quiet_year_opens_none_even_at_five_times_the_hazard():
    """The false-alarm rate that ALPHA states, with all of SAFETY used up: at most 0.2 a year for
    100,000 tokens. Deaths of 30 such years are drawn, each one a test of what the half hour
    before it brought, and none of their 300,000 windows may be surprising."""
    luck, tokens, years = random.Random(5), 2_000, 30  # noqa: S311 - a seed, and no secret
    rate = breaker.HAZARD * breaker.SAFETY / 86_400 * tokens
    window = breaker.WINDOW.total_seconds()
    expected = breaker.expected_deaths(breaker.HAZARD, tokens * window)
    at, alarms = 0.0, 0
    recent: list[float] = []
    while at < years * 365 * 86_400:
        at += luck.expovariate(rate)
        recent = [one for one in recent if one > at - window] + [at]
        seen = Seen(len(recent), expected, tokens)
        alarms += len(recent) >= FEWEST and breaker.surprising(seen)
    assert alarms == 0


def test_one_app_that_fails_is_not_its_network():
    apps = {ONE: Seen(50, 0.1, 60), OTHER: Seen(0, 0.1, 60)}
    assert breaker.failing(apps) == {ONE}
    assert not breaker.fails_as_a_whole(apps, {ONE})
    assert not breaker.fails_as_a_whole(apps | {OTHER: Seen(1, 0.0, 60)}, {ONE})


def test_an_app_too_small_to_fail_alone_fails_with_its_network():
    apps = {ONE: Seen(50, 0.1, 60), OTHER: Seen(2, 0.0001, 3)}
    assert breaker.failing(apps) == {ONE}
    assert breaker.fails_as_a_whole(apps, {ONE})


def test_a_network_of_small_servers_fails_with_the_first_that_is_known_to():
    servers = {UUID(int=number): Seen(1, 0.0001, 1) for number in range(10, 40)}
    assert not breaker.fails_as_a_whole(servers, breaker.failing(servers))
    servers[ONE] = Seen(5, 0.001, 5)
    assert breaker.fails_as_a_whole(servers, breaker.failing(servers))


def test_two_apps_that_fail_are_the_network_where_it_has_no_other():
    assert breaker.fails_as_a_whole({ONE: Seen(9, 0.0), OTHER: Seen(9, 0.0)}, {ONE, OTHER})
    assert not breaker.fails_as_a_whole({ONE: Seen(9, 0.0)}, {ONE})


def believed(age: timedelta, others: int, heard: int) -> bool:
    return breaker.believed(Sighting(NOW - age, others, heard), NOW, WAIT)


def test_a_death_is_believed_after_its_wait_and_with_its_neighbours_heard():
    assert believed(WAIT, NEIGHBOURS, 101)
    assert not believed(WAIT - timedelta(seconds=1), NEIGHBOURS, 101)
    assert not believed(WAIT, NEIGHBOURS, 100)
    assert believed(WAIT, 4, 3)
    assert not believed(WAIT, 4, 2)


def test_neighbours_that_stay_silent_do_not_delay_a_death_for_ever():
    assert not believed(9 * WAIT, NEIGHBOURS, 0)
    assert believed(10 * WAIT, NEIGHBOURS, 0)


def test_canaries_are_asked_every_couple_of_minutes_and_later_every_twelve():
    def due(age: float, since_the_last: float) -> bool:
        last = NOW - timedelta(minutes=since_the_last)
        return breaker.canaries_due(NOW - timedelta(minutes=age), last, NOW)

    assert due(3, 2)
    assert not due(3, 1.9)
    assert due(20, 5)
    assert not due(20, 4)
    assert due(600, 12)
    assert not due(600, 11)


@pytest.mark.parametrize(
    ("seen", "is_over"),
    [
        (Recovery(alive=10, dead=0, held=500, living=0), True),
        (Recovery(alive=8, dead=2, held=500, living=0), True),
        (Recovery(alive=7, dead=3, held=500, living=0), False),
        (Recovery(alive=4, dead=0, held=500, living=0), False),
        (Recovery(alive=0, dead=10, held=500, living=100), False),
        (Recovery(alive=10, dead=0, held=500, living=0, new=Seen(5, 0.01)), False),
        (Recovery(alive=10, dead=0, held=500, living=0, new=Seen(5, 10.0)), True),
        (Recovery(alive=0, dead=0, held=0, living=0), True),
        (Recovery(alive=0, dead=1, held=1, living=7), True),
        # Somebody of five signed in again: the other four fail as before.
        (Recovery(alive=0, dead=4, held=4, living=1), False),
    ],
)
def test_a_failure_is_over_when_those_who_failed_live_again(seen, is_over):
    assert breaker.is_over(seen) is is_over


def test_unclear_answers_are_a_failure_when_far_more_than_usual():
    def fails(asked: int, unclear: int) -> bool:
        seen = Seen(unclear, breaker.expected_unclear(asked), asked)
        return bool(breaker.failing({ONE: seen}, breaker.ALPHA_UNCLEAR))

    assert fails(5, 5)
    assert fails(1000, 500)
    assert not fails(1000, 50)
    assert not fails(100, 5)


def test_a_network_is_understood_again_when_four_in_five_answers_are():
    assert breaker.answers_again(100, 20)
    assert not breaker.answers_again(100, 21)
    assert not breaker.answers_again(4, 0)


def test_nothing_adds_nothing():
    assert Seen(2, 0.5, 3) + NOTHING == Seen(2, 0.5, 3)

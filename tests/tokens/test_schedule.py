"""When to ask, as pure functions."""

from datetime import UTC, datetime, timedelta
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokens.hazards import AGES, HISTORIES, Cell, Hazards
from tokens.schedule import (
    JITTER,
    MOST_SELDOM,
    Pace,
    Traits,
    after_unclear,
    needs_refresh,
    next_probe,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PACE = Pace(timedelta(hours=4))
OLD = timedelta(days=300)
TOKEN = Traits("linkedin", NOW - OLD, None, NOW - timedelta(hours=4))
SPANS = st.timedeltas(timedelta(seconds=1), timedelta(days=400))
CHANCES = st.floats(0, 1, exclude_max=True)
CELLS = st.builds(
    Cell,
    st.sampled_from(["linkedin", "tiktok", "xing", "never seen"]),
    st.integers(0, len(AGES)),
    st.integers(0, len(HISTORIES)),
)
RATES = st.dictionaries(st.sampled_from(["linkedin", "tiktok", "xing"]), st.floats(1e-9, 1e3))
HAZARDS = st.builds(lambda rates: Hazards(rates, (5.0, 2.0, 1.0), (3.0, 1.0)), RATES)
CROWDS = st.dictionaries(CELLS, st.integers(1, 10**6), min_size=1)


def wait(pace=PACE, traits=TOKEN, ends=(), jitter=0.5):
    return next_probe(NOW, pace, traits, ends, jitter) - NOW


# Known ends


def test_a_token_without_an_end_is_never_refreshed_for_its_age():
    assert not needs_refresh(NOW, None, NOW - timedelta(days=9000))


@given(life=SPANS)
def test_a_token_is_not_refreshed_when_it_is_fresh_and_is_before_it_ends(life):
    assert not needs_refresh(NOW, NOW + life, NOW)
    assert needs_refresh(NOW + life, NOW + life, NOW)


@given(life=SPANS)
def test_a_refresh_comes_in_the_last_tenth_of_a_life_at_the_earliest(life):
    assert not needs_refresh(NOW + life * 0.89, NOW + life, NOW)


@given(jitter=CHANCES)
def test_a_known_end_is_asked_at_its_end_whatever_the_chance(jitter):
    end = timedelta(minutes=3)
    assert wait(ends=(NOW + end, None), jitter=jitter) == end


def test_of_two_ends_the_next_one_counts():
    ends = (NOW + timedelta(minutes=9), NOW + timedelta(minutes=3))
    assert wait(ends=ends) == timedelta(minutes=3)


def test_an_end_that_has_passed_does_not_make_us_ask_without_a_pause():
    assert wait(ends=(NOW - timedelta(days=1), NOW)) == wait() > timedelta(hours=1)


# Intervals


def test_intervals_go_with_one_over_the_root_of_the_hazard():
    pace = Pace(timedelta(hours=4), hazards=Hazards({"tiktok": 4 / 365, "xing": 1 / 365}))
    often, seldom = (pace.interval_of(Cell(name, 2, 1)) for name in ("tiktok", "xing"))
    assert seldom / often == pytest.approx(sqrt(4))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Traits("xing", NOW - timedelta(days=1)), Traits("xing", NOW - OLD)),
        (Traits("xing", NOW - OLD, NOW - timedelta(days=2)), Traits("xing", NOW - OLD)),
        (
            Traits("xing", NOW - OLD, NOW - timedelta(days=2)),
            Traits("xing", NOW - OLD, NOW - timedelta(days=91)),
        ),
    ],
)
def test_who_is_young_or_died_lately_is_asked_more_often(first, second):
    probed = NOW - timedelta(minutes=1)
    assert wait(traits=first._replace(probed_at=probed)) < wait(
        traits=second._replace(probed_at=probed)
    )


@given(hazards=HAZARDS, living=CROWDS, hours=st.floats(0.001, 100))
def test_all_together_keep_to_the_budget(hazards, living, hours):
    """Unless the bound asks for more; and what is asked less is asked at its bound."""
    pace = Pace(timedelta(hours=hours), hazards=hazards).within_budget(living)
    calls = sum(count * (pace.interval / pace.interval_of(cell)) for cell, count in living.items())
    budget = sum(living.values()) * max(1, pace.interval * (1 + JITTER / 2) / pace.bound)
    assert calls == pytest.approx(budget, rel=1e-3)


@given(hazards=HAZARDS, living=CROWDS, cell=CELLS, hours=st.floats(0.001, 100), jitter=CHANCES)
def test_no_token_waits_longer_than_the_bound(hazards, living, cell, hours, jitter):
    pace = Pace(timedelta(hours=hours), hazards=hazards).within_budget(living)
    age = [*AGES, OLD][cell.age] - timedelta(hours=1)
    died = NOW - timedelta(days=1) if cell.history == 0 else None
    traits = Traits(cell.network, NOW - age, died, NOW - pace.interval)
    for one in (traits, traits._replace(is_dead=True), traits._replace(probed_at=None)):
        assert timedelta(0) < wait(pace, one, (), jitter) <= pace.bound


@pytest.mark.parametrize(
    ("interval", "longest", "bound"),
    [
        (timedelta(hours=4), timedelta(days=1), timedelta(days=1)),
        (timedelta(seconds=5), timedelta(days=1), MOST_SELDOM * timedelta(seconds=5)),
        (timedelta(days=2), timedelta(days=1), timedelta(days=2)),
    ],
)
def test_the_bound_goes_with_the_interval_where_they_would_contradict_each_other(
    interval, longest, bound
):
    assert Pace(interval, longest).bound == bound


def test_a_network_that_nobody_has_seen_yet_is_asked_at_the_usual_pace():
    assert PACE.interval_of(Cell("never seen", 2, 1)) == PACE.interval


# Nobody beats in step


def test_tokens_asked_at_once_are_not_asked_again_at_once():
    waits = [wait(jitter=number / 10) for number in range(10)]
    assert len(set(waits)) == 10
    assert max(waits) - min(waits) > PACE.interval * JITTER * 0.8
    assert sum(waits, timedelta(0)) / 10 == pytest.approx(PACE.interval, rel=0.02)


@pytest.mark.parametrize("probed_at", [None, NOW - timedelta(days=3)])
def test_what_an_import_or_a_standstill_heaped_up_is_spread_over_the_whole_interval(probed_at):
    traits = TOKEN._replace(probed_at=probed_at)
    waits = [wait(traits=traits, jitter=number / 100) for number in range(100)]
    quarters = [int(4 * one / PACE.interval) for one in waits]
    assert [quarters.count(one) for one in range(4)] == pytest.approx([25] * 4, abs=5)


# What died, and what is unclear


def test_what_is_red_is_asked_at_the_mean_interval_however_likely_it_was_to_die():
    dead = TOKEN._replace(is_dead=True, consented_at=NOW, died_at=NOW)
    assert wait(traits=dead) == PACE.interval


@given(count=st.integers(1, 500), retry=st.none() | st.floats(0, 1e9))
def test_what_is_unclear_is_always_asked_again_and_within_a_day(count, retry):
    again = after_unclear(NOW, PACE, count, retry)
    assert NOW < again <= NOW + timedelta(days=1)


def test_the_network_is_given_the_time_it_asked_for():
    assert after_unclear(NOW, PACE, 1, 3 * 3600.0 * 3) >= NOW + timedelta(hours=9)

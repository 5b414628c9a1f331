"""When to ask, as pure functions."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tokens.schedule import Pace, after_unclear, needs_refresh, next_probe

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PACE = Pace(timedelta(hours=4))
SPANS = st.timedeltas(timedelta(seconds=1), timedelta(days=400))


def test_a_token_without_an_end_is_never_refreshed_for_its_age():
    assert not needs_refresh(NOW, None, NOW - timedelta(days=9000))


@given(life=SPANS)
def test_a_token_is_not_refreshed_when_it_is_fresh_and_is_before_it_ends(life):
    assert not needs_refresh(NOW, NOW + life, NOW)
    assert needs_refresh(NOW + life, NOW + life, NOW)


@given(life=SPANS)
def test_a_refresh_comes_in_the_last_tenth_of_a_life_at_the_earliest(life):
    assert not needs_refresh(NOW + life * 0.89, NOW + life, NOW)


def test_a_known_end_is_asked_at_its_end():
    end = NOW + timedelta(minutes=3)
    assert next_probe(NOW, PACE, end, None) == end


def test_an_end_that_has_passed_does_not_make_us_ask_without_a_pause():
    assert next_probe(NOW, PACE, NOW - timedelta(days=1)) == NOW + PACE.interval


@given(count=st.integers(1, 500), retry=st.none() | st.floats(0, 1e9))
def test_what_is_unclear_is_always_asked_again_and_within_a_day(count, retry):
    again = after_unclear(NOW, PACE, count, retry)
    assert NOW < again <= NOW + timedelta(days=1)


def test_the_network_is_given_the_time_it_asked_for():
    assert after_unclear(NOW, PACE, 1, 3 * 3600.0 * 3) >= NOW + timedelta(hours=9)

"""Adding to the tallies."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from networks.base import Health, Reason
from tests import builders
from tokens.failures import Tally
from tokens.tallies import Count, add, of_answers

pytestmark = pytest.mark.django_db
MINUTE = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def app_id(world):
    return builders.token(world.alpenglueck, "x").app_id


def test_what_is_counted_twice_in_a_minute_adds_up_within_a_call_and_over_calls(app_id):
    first = Count(app_id, "x", MINUTE, calls=2, dead=1, exposure=0.5, cost=Decimal("0.010"))
    add([first, Count(app_id, "x", MINUTE + timedelta(seconds=59), calls=1, alive=1)])
    add([Count(app_id, "x", MINUTE, asked=3, unclear=1, exposure=1.0, cost=Decimal("0.020"))])
    tally = Tally.objects.get()
    assert (tally.network_slug, tally.minute) == ("x", MINUTE)
    assert (tally.calls, tally.asked, tally.alive, tally.dead, tally.unclear) == (3, 3, 1, 1, 1)
    assert (tally.exposure, tally.cost) == (1.5, Decimal("0.030"))


def test_the_next_minute_and_another_app_have_their_own(world, app_id):
    other = builders.token(world.alpenglueck, "tiktok").app_id
    later = MINUTE + timedelta(minutes=1)
    add([Count(app_id, "x", MINUTE), Count(app_id, "x", later), Count(other, "tiktok", MINUTE)])
    assert Tally.objects.count() == 3


def test_an_app_that_was_deleted_meanwhile_costs_the_others_nothing(app_id):
    add([Count(uuid4(), "x", MINUTE, calls=1), Count(app_id, "x", MINUTE, calls=1)])
    assert Tally.objects.get().calls == 1


def test_any_number_of_counts_is_one_statement_and_none_is_none(app_id, django_assert_num_queries):
    with django_assert_num_queries(1):
        add(Count(app_id, "x", MINUTE, calls=1) for _ in range(100))
    with django_assert_num_queries(0):
        add([])


@pytest.mark.parametrize(
    ("health", "reason", "counted"),
    [
        (Health.ALIVE, "", 3600.0),
        (Health.DEAD, "", 3600.0),
        (Health.UNCLEAR, "", 0.0),  # the next clear answer is about this time too
        (Health.DEAD, Reason.REVOKED_BY_USER, 0.0),  # what is dead cannot die
    ],
)
def test_a_clear_answer_about_a_living_token_counts_the_time_since_the_last(
    world, health, reason, counted
):
    token = builders.token(
        world.alpenglueck, "x", reason=reason, probed_at=MINUTE - timedelta(hours=1)
    )
    (count,) = of_answers([(token, health)], MINUTE)
    assert (count.asked, getattr(count, health.value), count.exposure) == (1, 1, counted)

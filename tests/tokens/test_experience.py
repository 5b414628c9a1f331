"""What the installation learns of its own tokens, and the pace that follows."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.walls import ENGINE
from networks.base import Health, Reason
from tests import builders
from tests.roles import as_role, queries_of
from tokens import learning
from tokens.hazards import AGES, HALF_LIFE, HISTORIES, USUAL, Cell, cell_of
from tokens.models import Experience, Failure, OAuthApp, Token

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
OLD = 300 * DAY
OLDEST = Cell("linkedin", len(AGES), len(HISTORIES))


@pytest.fixture
def home(world):
    return world.alpenglueck


def ago(span):
    return timezone.now() - span


def an_hour_passes():
    Experience.objects.update(counted_at=ago(HOUR + learning.WRITTEN_WITHIN))


def living(home, age=OLD, **fields):
    return builders.token(home, consented_at=ago(age), **fields)


def die(token, reason=Reason.REVOKED_BY_USER, at=None):
    """As the engine writes it."""
    at = at or ago(HOUR / 2)
    token.reason, token.died_at = reason, at
    token.save()
    access = builders.access(token, builders.profile(token.organization))
    builders.change(access, reason, was=True, now=False, at=at)
    return token


def learnt_deaths():
    """Counts the last hour; returns the deaths found in it, by cell."""
    learning.count()
    return {cell: seen.deaths for cell, seen in learning.seen().items() if seen.deaths}


@pytest.fixture
def counted(home):
    """One token lives, and was counted an hour ago."""
    token = living(home)
    learning.count()
    an_hour_passes()
    return token


# Time lived


def test_the_first_count_only_begins_to_count(home):
    living(home)
    learning.count()
    [row] = Experience.objects.all()
    assert (row.living, row.token_days, row.deaths) == (1, 0, 0)


def test_a_living_token_adds_the_time_since_the_last_count(counted):
    learning.count()
    assert learning.seen()[OLDEST].token_days == pytest.approx(HOUR / DAY, rel=0.01)


def test_the_engine_may_count(counted):
    as_role(ENGINE, learning.count)()
    assert learning.seen()[OLDEST].token_days > 0


def test_a_red_token_adds_none(counted):
    Token.objects.update(reason=Reason.EXPIRED)
    an_hour_passes()
    Experience.objects.update(living=0)
    learning.count()
    assert learning.seen()[OLDEST].token_days == 0


def test_counting_again_adds_nothing(counted):
    learning.count()
    before = Experience.objects.values_list("token_days", "deaths").get()
    learning.count()
    after = Experience.objects.values_list("token_days", "deaths").get()
    assert after == pytest.approx(before, abs=1e-4)


@pytest.mark.parametrize("age", [timedelta(0), 8 * DAY, 31 * DAY])
@pytest.mark.parametrize("since_death", [None, DAY, 91 * DAY])
def test_the_database_puts_a_token_into_the_class_that_the_schedule_does(home, age, since_death):
    living(home, age, died_at=ago(since_death) if since_death else None)
    learning.count()
    assert list(learning.seen()) == [cell_of("linkedin", age, since_death)]


def test_what_was_seen_a_half_life_ago_counts_half(counted):
    Experience.objects.update(token_days=1000, deaths=10, living=0)
    Token.objects.all().delete()
    Experience.objects.update(counted_at=ago(HALF_LIFE + learning.WRITTEN_WITHIN))
    learning.count()
    seen = learning.seen()[OLDEST]
    assert [seen.token_days, seen.deaths] == pytest.approx([500, 5])


# Deaths


def test_a_sudden_death_counts_once_however_many_profiles_it_took(counted):
    die(counted)
    access = builders.access(counted, builders.profile(counted.organization))
    builders.change(access, Reason.REVOKED_BY_USER, was=True, now=False, at=counted.died_at)
    assert learnt_deaths() == {OLDEST: 1}
    assert learnt_deaths() == {OLDEST: pytest.approx(1)}


def test_a_lost_role_and_a_missing_board_are_no_death_of_a_token(counted):
    access = builders.access(counted, builders.profile(counted.organization))
    for reason in (Reason.PERMISSION_LOST, Reason.NO_LONGER_LISTED):
        builders.change(access, reason, was=True, now=False, at=ago(HOUR / 2))
    assert learnt_deaths() == {}


def test_an_expiry_is_no_sudden_death(counted):
    die(counted, Reason.EXPIRED)
    assert learnt_deaths() == {}


@pytest.mark.parametrize("clock", ["reauthorize_by", "refresh_expires_at", "expires_at"])
def test_what_a_clock_of_ours_foretold_is_no_sudden_death(counted, clock):
    setattr(counted, clock, ago(HOUR))
    die(counted, Reason.INVALID_TOKEN_UNSPECIFIED)
    assert learnt_deaths() == {}


def test_an_access_token_past_its_end_that_a_refresh_token_renews_foretold_nothing(counted):
    counted.expires_at, counted.refresh_token = ago(HOUR), b"x"
    die(counted)
    assert learnt_deaths() == {OLDEST: 1}


@pytest.mark.parametrize("closed_ago", [None, HOUR])
@pytest.mark.parametrize("of_app", [True, False])
def test_what_a_failing_network_held_is_no_sudden_death(counted, closed_ago, of_app):
    Failure.objects.create(
        network_slug="linkedin",
        app=counted.app if of_app else None,
        health=Health.DEAD,
        reason=Reason.INVALID_TOKEN_UNSPECIFIED,
        opened_at=ago(2 * HOUR),
        closed_at=ago(closed_ago) if closed_ago else None,
    )
    die(counted)
    assert learnt_deaths() == {}


@pytest.mark.parametrize("closed_ago", [None, DAY])
def test_a_failure_elsewhere_or_long_ago_excuses_nothing(counted, closed_ago):
    elsewhere = OAuthApp.objects.create(network_slug="linkedin", client_id="another")
    Failure.objects.create(
        network_slug="linkedin" if closed_ago else "tiktok",
        app=None if closed_ago else elsewhere,
        health=Health.DEAD,
        reason=Reason.INVALID_TOKEN_UNSPECIFIED,
        opened_at=ago(2 * DAY),
        closed_at=ago(closed_ago) if closed_ago else None,
    )
    die(counted)
    assert learnt_deaths() == {OLDEST: 1}


def test_a_death_counts_where_the_token_was_when_it_died(counted):
    """It was connected ten days before, had died a month ago, and was reconnected since."""
    access = builders.access(counted, builders.profile(counted.organization))
    builders.change(access, Reason.EXPIRED, was=True, now=False, at=ago(30 * DAY))
    builders.change(access, None, was=False, now=True, at=ago(10 * DAY), actor_name="Anna Huber")
    builders.change(access, Reason.REVOKED_BY_USER, was=True, now=False, at=ago(HOUR / 2))
    died_at = access.changes.latest("id").at
    builders.change(access, None, was=False, now=True, actor_name="Anna Huber")
    Token.objects.update(died_at=died_at, consented_at=timezone.now())
    assert learnt_deaths() == {Cell("linkedin", 1, 0): 1}


def test_a_death_that_is_written_late_is_not_lost(counted):
    """A batch names the time at which it begins, and is there when it ends."""
    learning.count()
    die(counted, at=ago(timedelta(seconds=10)))
    assert learnt_deaths() == {}
    Experience.objects.update(counted_at=ago(HOUR))
    Token.objects.update(died_at=ago(HOUR / 2))
    counted.accesses.get().changes.update(at=Token.objects.get().died_at)
    assert learnt_deaths() == {OLDEST: 1}


# Two at once, and many


@pytest.mark.django_db(transaction=True)
def test_of_two_counts_at_once_the_second_finds_nothing_new(home):
    die(living(home))
    living(home)
    learning.count()
    an_hour_passes()

    def another():
        learning.count()
        connection.close()

    second = threading.Thread(target=another)
    with transaction.atomic():
        learning.count()
        second.start()
        second.join(0.5)
        assert second.is_alive()
    second.join(10)
    row = Experience.objects.get()
    assert row.deaths == pytest.approx(1)
    assert row.token_days == pytest.approx(HOUR / DAY, rel=0.01)


def test_the_number_of_queries_does_not_depend_on_the_number_of_tokens(home):
    for _ in range(5):
        die(living(home))
        living(home)
    learning.count()
    an_hour_passes()
    assert len(queries_of(learning.count)) == 5


# The pace


def test_the_pace_is_read_once_and_not_for_each_token(counted, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert {learning.pace().interval for _ in range(100)} == {timedelta(hours=4)}


def test_what_was_counted_counts_at_once_where_it_was_counted(counted):
    before = learning.pace().hazards.of(OLDEST)
    assert before == pytest.approx(USUAL, rel=0.01)
    die(counted)
    learning.count()
    assert learning.pace().hazards.of(OLDEST) > 1.5 * before

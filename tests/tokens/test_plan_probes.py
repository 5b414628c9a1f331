"""`manage.py plan_probes` says what the schedule does, and does nothing itself."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.walls import ENGINE
from tests import builders
from tests.roles import acting_as
from tokens import learning
from tokens.models import Experience, Token

pytestmark = pytest.mark.django_db


@pytest.fixture
def token(world):
    return builders.token(world.alpenglueck, "tiktok")


def told(*arguments):
    out = StringIO()
    with acting_as(ENGINE):
        call_command("plan_probes", *arguments, stdout=out)
    return out.getvalue()


def test_a_token_is_told_with_what_its_interval_follows_from(token):
    plan = json.loads(told("--token", str(token.pk), "--json"))
    pace, cell = learning.pace(), learning.traits(token).cell(timezone.now())
    assert plan["interval"] == pace.interval_of(cell).total_seconds()
    assert plan["deaths_a_year"] == pytest.approx(365 * pace.hazards.of(cell))
    assert plan["age"] == "at most 7 days since the consent"


def test_a_known_end_is_named(token):
    end = timezone.now() + timedelta(days=3)
    Token.objects.update(expires_at=end)
    assert f"Known end: {end:%Y-%m-%d %H:%M} UTC" in told("--token", str(token.pk))


def test_what_was_learnt_changes_the_table(token, settings):
    before = json.loads(told("--json"))[0]
    now = timezone.now()
    often = {"network_slug": "tiktok", "age": 2, "history": 1, "counted_at": now}
    Experience.objects.create(token_days=1000, deaths=50, living=1, **often)
    learning.forget()
    after = json.loads(told("--json"))[0]
    assert after["deaths_a_year"] > 2 * before["deaths_a_year"]


def test_the_table_has_a_line_for_each_network_that_has_tokens(world, token):
    builders.token(world.nordwind, "x")
    lines = told().splitlines()
    assert [line.split()[0] for line in lines] == ["network", "tiktok", "x"]
    assert max(map(len, lines)) < 100
    assert [line.split()[0] for line in told("--network", "x").splitlines()] == ["network", "x"]


def test_the_number_of_queries_does_not_depend_on_the_number_of_tokens(
    world, token, django_assert_num_queries
):
    learning.pace()
    with django_assert_num_queries(3):
        told()
    for number in range(5):
        builders.token(world.alpenglueck, "linkedin", str(number), subject=str(number))
    with django_assert_num_queries(3):
        told()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--network", "myspace"], "There is no network 'myspace'. There are: "),
        (["--token", "7"], "'7' is no id of a token"),
        (["--token", "0b3c9a52-0000-4000-8000-000000000000"], "There is no token 0b3c9a52"),
    ],
)
def test_what_it_cannot_find_is_said_with_what_to_do(arguments, sentence):
    with pytest.raises(CommandError, match=sentence):
        told(*arguments)


def test_it_shows_nothing_sealed_and_writes_nothing(token):
    row = Token.objects.values().get()
    told("--token", str(token.pk))
    assert Token.objects.values().get() == row

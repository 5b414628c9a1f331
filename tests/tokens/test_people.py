"""What people ask of a network themselves is never held up, and counted."""

from decimal import Decimal

import pytest
import redis
from django.db import connection
from django.urls import reverse

from accounts.walls import WEB
from networks.base import Budget
from networks.registry import NETWORKS
from tests.practice import HOME
from tokens import people
from tokens.failures import Tally
from tokens.models import Token

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna(browser, world):
    return browser(world.anna, world.alpenglueck)


@pytest.fixture
def valkey(settings):
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        yield client


def budgets_of(valkey, slug):
    """The keys that calls were counted at, without those of a login."""
    app_id = Token.objects.get(network_slug=slug).app_id
    return [key for key in valkey.scan_iter(f"budget:{slug}:*") if str(app_id).encode() in key]


def test_a_persons_calls_are_taken_from_what_the_engine_may_spend(anna, valkey, monkeypatch):
    monkeypatch.setattr(NETWORKS["pinterest"], "budgets", (Budget(10, 86_400, "app", ""),))
    anna.add("pinterest", "anna")
    [key] = budgets_of(valkey, "pinterest")
    tally = Tally.objects.get(network_slug="pinterest")
    assert tally.calls >= 3, "a code, a login, its boards"
    assert valkey.pttl(key) > (tally.calls - 1) * 86_400_000 / 10
    assert (tally.asked, tally.alive, tally.exposure) == (0, 0, 0)


def test_a_persons_calls_cost_what_all_calls_cost(anna):
    anna.add("x", "anna")
    assert Tally.objects.get(network_slug="x").cost == Decimal("0.010")


def test_a_person_is_not_held_up_by_an_empty_budget(anna, monkeypatch):
    monkeypatch.setattr(NETWORKS["pinterest"], "budgets", (Budget(1, 86_400, "app", ""),))
    anna.add("pinterest", "anna")
    assert Token.objects.filter(network_slug="pinterest", reason="").exists()


def test_a_person_is_served_while_valkey_is_away(anna, monkeypatch, caplog):
    monkeypatch.setattr(people, "_shared", lambda: redis.Redis(port=1))
    anna.add("pinterest", "anna")
    assert Token.objects.filter(network_slug="pinterest").exists()
    assert "a person's calls go uncounted" in caplog.text


def test_a_call_that_fails_counts_too(anna, practice):
    url = reverse("tokens:add_network", args=["alpenglueck", "x"])
    back = practice.visitor("x", "anna").travel(anna.leap(url), HOME)
    practice.pull("x", "outage", mode="5xx")
    anna.come_back(back)
    assert Tally.objects.get(network_slug="x").calls == 1


def test_whoever_serves_people_may_say_nothing_of_answers():
    with connection.cursor() as cursor:
        columns = ("calls", "cost", "alive", "dead", "exposure")
        query = "SELECT has_column_privilege(%s, 'tokens_tally', %s, 'UPDATE')"
        may = []
        for column in columns:
            cursor.execute(query, [WEB, column])
            may += [column] if cursor.fetchone()[0] else []
    assert may == ["calls", "cost"]

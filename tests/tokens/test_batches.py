"""A network that answers about many tokens in one request is asked about many in one request."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from networks.base import ALIVE, Get, Grant, Reason, TransportError, dead
from networks.registry import NETWORKS
from profiles.models import Profile
from tests.networks import loopback
from tests.saying import ask, login
from tokens.models import OAuthApp, Tally, Token

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(says: Any, monkeypatch: Any) -> list[list[str]]:
    """Who was asked about together, request by request. `result` makes a batch's answer."""
    requests: list[list[str]] = []
    network = type(NETWORKS["tiktok"])

    def probe_batch(self: Any, client: Any, tokens: Any) -> Any:
        requests.append([subject for _, subject in tokens])
        results = [VERDICTS.get(subject, ALIVE) for _, subject in tokens]
        if TROUBLE in results:
            raise TROUBLE
        return results
        yield

    monkeypatch.setattr(network, "batch_size", 3)
    monkeypatch.setattr(network, "probe_batch", probe_batch)
    VERDICTS.clear()
    return requests


VERDICTS: dict[str, Any] = {}
TROUBLE = TransportError("gone")


def logins(organization: Any, count: int) -> list[str]:
    names = [f"Login {number}" for number in range(count)]
    for name in names:
        login(organization, name)
    return names


def test_tokens_of_one_app_are_asked_about_in_as_few_requests_as_the_network_allows(
    world, says, asked
):
    names = logins(world.alpenglueck, 7)
    alone = says("tiktok", probe=dead(Reason.EXPIRED))
    assert ask() == 7
    assert sorted(len(some) for some in asked) == [1, 3, 3]
    assert sorted(name for some in asked for name in some) == names
    assert alone == []
    assert not Profile.objects.exclude(status="valid").exists()


def test_each_gets_its_own_answer(world, asked):
    logins(world.alpenglueck, 3)
    VERDICTS["Login 1"] = dead(Reason.REVOKED_BY_USER)
    ask()
    lost = Profile.objects.get(status="lost")
    assert lost.accesses.get().token.subject == "Login 1"


def test_one_that_the_batch_left_out_is_asked_about_alone(world, says, asked):
    logins(world.alpenglueck, 3)
    VERDICTS["Login 2"] = None
    alone = says("tiktok", probe=dead(Reason.REVOKED_BY_USER))
    ask()
    assert alone == [("probe", "access of Login 2")]
    assert Profile.objects.get(status="lost").accesses.get().token.subject == "Login 2"


def test_an_outage_of_a_batch_is_one_for_each_and_asks_nobody_again(world, says, asked):
    logins(world.alpenglueck, 3)
    VERDICTS["Login 0"] = TROUBLE
    alone = says("tiktok", probe=ALIVE)
    ask()
    assert alone == []
    unclear = Token.objects.filter(unclear_reason=Reason.NETWORK_OUTAGE)
    assert unclear.count() == 3
    assert not Profile.objects.exclude(status="valid").exists()


def test_an_answer_that_is_none_for_all_costs_nobody(world, says, asked, monkeypatch):
    """Fewer verdicts than tokens: a defect of ours, and everybody keeps what they had."""
    logins(world.alpenglueck, 3)

    def too_few(self: Any, client: Any, tokens: Any) -> Any:
        return [ALIVE]
        yield

    monkeypatch.setattr(type(NETWORKS["tiktok"]), "probe_batch", too_few)
    ask()
    assert Token.objects.filter(unclear_reason=Reason.NOT_UNDERSTOOD).count() == 3


def test_tokens_of_two_apps_are_never_asked_about_in_one_request(world, asked):
    """It is signed by one of them, and would tell it of the other's tokens."""
    names = logins(world.alpenglueck, 4)
    other = OAuthApp.objects.create(
        network_slug="tiktok", issuer="https://other.example", client_id="tests"
    )
    Token.objects.filter(subject__in=names[2:]).update(app=other)
    ask()
    assert sorted(sorted(some) for some in asked) == [names[:2], names[2:]]


@pytest.mark.timeout(20)
def test_who_asks_when_the_others_have_been_asked_about_is_asked_about_alone(world, says, asked):
    logins(world.alpenglueck, 1)
    now = timezone.now()
    Token.objects.update(listed_at=None, issued_at=now - timedelta(hours=1), expires_at=now)
    renewed = Grant("renewed", "r", NETWORKS["tiktok"].scopes)
    alone = says("tiktok", refresh=renewed, probe=ALIVE, identify=TransportError("gone"))
    ask()
    assert [verb for verb, _ in alone] == ["refresh", "probe", "identify"]
    assert asked == []


def test_a_request_about_many_counts_as_many_calls(world, asked, settings, monkeypatch):
    network = type(NETWORKS["tiktok"])
    host = network.hosts[0]

    def probe_batch(self: Any, client: Any, tokens: Any) -> Any:
        yield Get(f"https://{host}/echo")
        return [ALIVE] * len(tokens)

    monkeypatch.setattr(network, "probe_batch", probe_batch)
    logins(world.alpenglueck, 3)
    with loopback.served() as address:
        settings.NETWORK_HOSTS = {host: address}
        ask()
    assert Tally.objects.get().calls == 3

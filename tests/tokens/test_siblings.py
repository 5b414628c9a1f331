"""A death found makes the other tokens of that login due at once."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.walls import ENGINE
from networks.base import ALIVE, Reason, dead, unclear
from tests import builders
from tests.roles import acting_as
from tests.saying import leased, login
from tokens.models import Access, OAuthApp, Token
from tokens.siblings import ask_siblings
from tokens.status import lock_tokens
from tokens.verdicts import Finding, write_down

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("our_client_ids")]
LATER = timedelta(hours=3)
REVOKED = dead(Reason.REVOKED_BY_USER)


@pytest.fixture
def homes(world):
    """One login, in two organizations, through one app."""
    tokens = [login(home) for home in (world.alpenglueck, world.nordwind)]
    Token.objects.update(next_probe_at=timezone.now() + LATER)
    return [Token.objects.get(pk=token.pk) for token in tokens]


def find(verdict, token):
    """As the engine does, with the token leased."""
    [claimed] = leased([token])
    write_down([Finding(claimed, verdict)])


def is_due(token):
    return Token.objects.get(pk=token.pk).next_probe_at <= timezone.now()


def test_the_same_login_in_another_organization_is_asked_at_once(homes):
    first, second = homes
    find(REVOKED, first)
    assert is_due(second)
    assert Token.objects.get(pk=first.pk).died_at


def test_a_first_suspicion_is_enough(homes):
    first, second = homes
    find(dead(Reason.INVALID_TOKEN_UNSPECIFIED, ambiguous=True), first)
    assert Token.objects.get(pk=first.pk).reason == ""
    assert is_due(second)


@pytest.mark.parametrize(
    "verdict", [ALIVE, unclear(Reason.NETWORK_OUTAGE), dead(Reason.EXPIRED)], ids=lambda v: v.health
)
def test_what_is_no_sudden_death_moves_nobody(homes, verdict):
    first, second = homes
    find(verdict, first)
    assert not is_due(second)


def test_an_end_that_our_clock_foretold_moves_nobody(homes):
    first, second = homes
    first.reauthorize_by = timezone.now() - timedelta(minutes=1)
    first.save()
    find(REVOKED, first)
    assert not is_due(second)


def test_a_token_that_is_red_already_moves_nobody(homes):
    first, second = homes
    first.reason = Reason.REVOKED_BY_USER
    first.save()
    find(REVOKED, first)
    assert not is_due(second)


def test_another_app_of_its_network_is_asked_at_once(homes):
    first, second = homes
    second.app = OAuthApp.objects.create(network_slug="tiktok", client_id="another")
    second.save()
    find(REVOKED, first)
    assert is_due(second)


@pytest.mark.parametrize("difference", ["subject", "network"])
def test_another_login_is_left_alone(homes, difference):
    first, second = homes
    if difference == "network":
        second.network_slug = "xing"
        second.app = OAuthApp.objects.create(network_slug="xing", client_id="tests")
    else:
        second.subject = "Mia"
    second.save()
    find(REVOKED, first)
    assert not is_due(second)


def test_what_is_red_is_left_alone(homes):
    first, second = homes
    Token.objects.filter(pk=second.pk).update(reason=Reason.EXPIRED)
    find(REVOKED, first)
    assert not is_due(second)


def test_a_sibling_that_waits_for_its_second_answer_keeps_its_time(homes):
    first, second = homes
    Access.objects.filter(token=second).update(suspected_at=timezone.now())
    find(REVOKED, first)
    assert not is_due(second)


def test_nobody_is_asked_later_than_planned(homes):
    first, second = homes
    before = timezone.now() - LATER
    Token.objects.filter(pk=second.pk).update(next_probe_at=before)
    find(REVOKED, first)
    assert Token.objects.get(pk=second.pk).next_probe_at == before


def test_one_statement_asks_all_siblings_of_a_slice(world, django_assert_num_queries):
    tokens = [builders.token(world.alpenglueck, slug) for slug in ("xing", "tiktok")]
    with django_assert_num_queries(1):
        ask_siblings(tokens, timezone.now())
    with django_assert_num_queries(0):
        ask_siblings([], timezone.now())


@pytest.mark.django_db(transaction=True)
def test_a_sibling_that_somebody_has_locked_is_not_waited_for(homes):
    """He may be waiting for a row of ours: a reconnect, or the batch in which it dies too."""
    first, second = homes

    def writes_a_death():
        find(REVOKED, first)
        connection.close()

    writer = threading.Thread(target=writes_a_death)
    with transaction.atomic():
        lock_tokens([second.pk])
        writer.start()
        writer.join(10)
        assert not writer.is_alive()
    writer.join(10)
    assert not is_due(second)


@pytest.mark.django_db(transaction=True)
def test_the_engine_may_ask_siblings_of_other_organizations(homes):
    first, second = homes
    with acting_as(ENGINE), transaction.atomic():
        assert ask_siblings([first], timezone.now()) == 2
    connection.close()
    assert is_due(second)


def test_a_death_is_remembered_when_the_token_lives_again(homes):
    first, _ = homes
    find(REVOKED, first)
    died_at = Token.objects.get(pk=first.pk).died_at
    find(ALIVE, first)
    stored = Token.objects.get(pk=first.pk)
    assert (stored.reason, stored.died_at) == ("", died_at)

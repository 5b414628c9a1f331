"""Deleting an organization destroys its key and revokes its logins, and no neighbour's."""

from __future__ import annotations

import io
import threading

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import IntegrityError, OperationalError, connection
from django.db.models.deletion import Collector
from django.utils import timezone

from accounts import walls
from accounts.models import Organization, Team
from accounts.walls import ENGINE, OWNER, WEB
from networks.base import Health, TransportError
from networks.http import hold
from networks.registry import NETWORKS
from profiles.models import Profile
from tests.practice import at_once
from tests.roles import acting_as, as_role
from tests.tokens.racing import until_somebody_waits
from tests.tokens.test_rotation import sign_in_as
from tokens import deleting, leases
from tokens.connecting import client_of
from tokens.management.commands import delete_organization as command
from tokens.models import AuthorizationRequest, StatusChange, Token
from tokens.vault import DataKey

pytestmark = pytest.mark.django_db
SLUG = "alpenglueck"


@pytest.fixture
def anna(browser, world):
    return browser(world.anna, world.alpenglueck)


@pytest.fixture
def nils(browser, world):
    return browser(world.nils, world.nordwind)


@pytest.fixture
def types(monkeypatch):
    """`types("alpenglueck")`: what the operator types when asked."""

    def answer(typed):
        def ask(prompt):
            if isinstance(typed, type):
                raise typed
            return typed

        monkeypatch.setattr("builtins.input", ask)

    return answer


def delete(*arguments: str) -> str:
    said = io.StringIO()
    call_command("delete_organization", *arguments, stdout=said)
    return said.getvalue()


def is_alive_at(token: Token) -> bool:
    probe = token.network.probe(client_of(token.app), token.open(), token.subject)
    verdict = hold(probe, token.network.hosts)
    return verdict.health is Health.ALIVE


def read(organization) -> list[Token]:
    found = Token.objects.filter(organization=organization).select_related("app", "data_key")
    return list(found.order_by("created_at"))


def rows_of(organization) -> dict[str, int]:
    tables = [model for model in apps.get_models() if hasattr(model, "organization_id")]
    counts = {
        model.__name__: model._default_manager.filter(organization=organization) for model in tables
    }
    return {name: rows.count() for name, rows in counts.items() if rows.exists()}


def test_it_says_what_goes_revokes_and_leaves_nothing(anna, nils, world, types):
    anna.add("tiktok", "anna")
    anna.add("pinterest", "anna")
    anna.client.post("/o/alpenglueck/profiles/add/linkedin/")
    nils.add("linkedin", "nils", "Nordwind Reederei")
    tiktok, _ = read(world.alpenglueck)
    theirs = rows_of(world.nordwind)
    assert AuthorizationRequest.objects.exists()
    types(SLUG)
    said = delete(SLUG)
    assert "Alpenglück GmbH: profiles: 5, logins: 2, data keys: 1, memberships" in said
    assert "logins that live and will be revoked: 2." in said
    assert "TikTok, Alpenglück: the network confirmed that it is revoked." in said
    assert "removes our app in the account's settings" in said, "Pinterest has no revocation"
    assert "Alpenglück GmbH is deleted" in said
    assert not Organization.objects.filter(slug=SLUG).exists()
    assert rows_of(world.alpenglueck) == {}
    assert rows_of(world.nordwind) == theirs
    assert not is_alive_at(tiktok)
    assert [is_alive_at(token) for token in read(world.nordwind)] == [True]
    assert {key.organization for key in DataKey.objects.all()} == {world.nordwind}


def test_a_login_that_another_organization_lives_by_is_left_alone(anna, nils, world):
    anna.add("tiktok", "anna")
    nils.add("tiktok", "anna")
    said = delete(SLUG, "--yes")
    assert "TikTok, Alpenglück: not revoked, another organization lives by the same login." in said
    assert [is_alive_at(token) for token in read(world.nordwind)] == [True]


def test_a_login_that_is_dead_at_the_neighbour_is_revoked(anna, nils, world):
    anna.add("tiktok", "anna")
    nils.add("tiktok", "anna")
    Token.objects.filter(organization=world.nordwind).update(reason="expired")
    assert "the network confirmed that it is revoked" in delete(SLUG, "--yes")


def test_a_login_that_is_dead_is_not_revoked_again(anna, world, monkeypatch):
    anna.add("tiktok", "anna")
    Token.objects.update(reason="expired")
    monkeypatch.setattr(type(NETWORKS["tiktok"]), "revoke", None)
    said = delete(SLUG, "--yes")
    assert "logins: 1" in said
    assert "logins that live and will be revoked: 0." in said
    assert not Organization.objects.filter(slug=SLUG).exists()


@pytest.mark.parametrize("typed", ["", "nordwind", "Alpenglück GmbH", EOFError, KeyboardInterrupt])
def test_without_its_name_nothing_is_deleted_and_nothing_revoked(anna, world, types, typed):
    anna.add("tiktok", "anna")
    types(typed)
    with pytest.raises(CommandError, match="Nothing was deleted"):
        delete(SLUG)
    (token,) = read(world.alpenglueck)
    assert is_alive_at(token)
    assert Token.objects.get().next_probe_at == token.next_probe_at


def test_an_organization_that_is_none_is_refused_with_those_there_are(world):
    with pytest.raises(CommandError, match="no organization 'alpen'. There are: alpenglueck, nord"):
        delete("alpen", "--yes")


def test_an_outage_keeps_nothing_from_being_deleted(anna, practice):
    anna.add("tiktok", "anna")
    practice.pull("tiktok", "outage", mode="5xx")
    said = delete(SLUG, "--yes")
    assert "TikTok, Alpenglück: the network did not confirm it." in said
    assert not Organization.objects.filter(slug=SLUG).exists()


def test_a_login_that_does_not_open_keeps_nothing_from_being_deleted(anna):
    anna.add("tiktok", "anna")
    Token.objects.update(access_token=b"\x02 damaged")
    assert "the network did not confirm it" in delete(SLUG, "--yes")
    assert not Organization.objects.filter(slug=SLUG).exists()


def test_it_can_be_done_again_where_it_was_stopped(anna, world, monkeypatch):
    anna.add("tiktok", "anna")
    anna.add("xing", "anna")

    def stopped(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(command, "delete_organization", stopped)
        with pytest.raises(CommandError, match="nothing was deleted. Run it again"):
            delete(SLUG, "--yes")
    assert len(read(world.alpenglueck)) == 2
    assert "is deleted" in delete(SLUG, "--yes")
    assert rows_of(world.alpenglueck) == {}


def test_nobody_is_told_that_a_login_died_while_it_is_revoked(anna, world, probe, monkeypatch):
    anna.add("tiktok", "anna")
    for _ in deleting.revoke_all(world.alpenglueck):
        pass
    Token.objects.update(next_probe_at=timezone.now())  # as the death of a neighbour does
    assert leases.claim("tiktok", 10) == []
    assert not StatusChange.objects.filter(profile_valid=False).exists()


def test_no_transaction_is_open_while_a_network_is_asked(anna, world, monkeypatch):
    asked = []

    def revoke(self, client, grant):
        asked.append(len(connection.savepoint_ids))
        raise TransportError("gone")
        yield  # a conversation, of no words

    anna.add("tiktok", "anna")
    monkeypatch.setattr(type(NETWORKS["tiktok"]), "revoke", revoke)
    before = len(connection.savepoint_ids)
    delete(SLUG, "--yes")
    assert asked == [before]


@pytest.mark.parametrize("trouble", [OperationalError("deadlock"), Organization.DoesNotExist()])
def test_who_is_overtaken_is_told_to_run_it_again(world, monkeypatch, trouble):
    def delete_now(_):
        raise trouble

    monkeypatch.setattr(command, "delete_organization", delete_now)
    with pytest.raises(CommandError, match="nothing was deleted. Run it again"):
        delete(SLUG, "--yes")


@pytest.mark.parametrize("role", [WEB, ENGINE])
def test_only_the_owner_of_the_tables_can(world, role):
    with acting_as(role), pytest.raises(CommandError, match=f"as {role} and must do so as {OWNER}"):
        delete(SLUG, "--yes")


@pytest.mark.django_db(transaction=True)
def test_a_sign_in_at_the_same_time_leaves_nothing_behind(world, settings):
    """It has stored its login when the organization goes, and the deletion waits for it."""
    settings.OAUTH_CLIENTS = {"tiktok": ("tests", "tests-secret")}
    sign_in_as("login", "first", world.alpenglueck, world.anna)
    stored, done = threading.Event(), threading.Event()

    def sign_in() -> None:
        with walls.inside(world.alpenglueck.pk):
            sign_in_as("login", "second", world.alpenglueck, world.anna)
            stored.set()
            until_somebody_waits(or_else=done.is_set)

    def deletion() -> None:
        stored.wait(20)
        deleting.delete_organization(world.alpenglueck)
        done.set()

    at_once(as_role(WEB, sign_in), deletion)
    assert done.is_set()
    assert not Token.objects.exists()
    assert not DataKey.objects.exists()
    assert not Profile.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_comes_too_late_waits_and_fails(world, monkeypatch):
    """Somebody adds a team when everything that has to go is found already."""
    added, refused = threading.Event(), threading.Event()

    def intrude() -> None:
        try:
            with walls.inside(world.alpenglueck.pk):
                Team.objects.create(organization=world.alpenglueck, name="Too late")
        except IntegrityError:
            refused.set()
        else:
            added.set()

    intruder = threading.Thread(target=at_once, args=(as_role(WEB, intrude),))
    delete_collected = Collector.delete

    def delete_now(collector):
        if not intruder.ident:
            intruder.start()
            until_somebody_waits(or_else=added.is_set)
        return delete_collected(collector)

    monkeypatch.setattr(Collector, "delete", delete_now)
    deleting.delete_organization(world.alpenglueck)
    intruder.join()
    assert refused.is_set()
    assert not Organization.objects.filter(slug=SLUG).exists()

"""An organization that asks for a second factor: its gate, and the admin's switch."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, Membership, Organization
from tests.accounts.test_settings import read
from tests.factors import Passkey, app_of, code_now
from tests.people import World, sign_in
from tests.roles import queries_of
from tests.test_doors import DOORS, ROUTES, Rows, rows

__all__ = ["rows"]

LIST = "/o/alpenglueck/profiles/"
SECURITY = "/o/alpenglueck/security/"
SWITCH = SECURITY + "second-factor/"
BELOW = [name for name, route in ROUTES.items() if "<slug:organization>" in route]


@pytest.fixture
def strict(world: World) -> Organization:
    """Alpenglück, which asks for a second factor."""
    Organization.objects.filter(pk=world.alpenglueck.pk).update(requires_second_factor=True)
    return world.alpenglueck


def is_sent_to_the_page_that_explains(answer: Any) -> bool:
    page = reverse("accounts:second_factor_needed", args=["alpenglueck"])
    return answer.status_code == 302 and str(answer.headers["Location"]).startswith(page)


# --- The gate -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", BELOW)
def test_no_address_below_the_organization_opens_without_a_second_factor(
    rows: Rows, strict: Organization, name: str, method: str
) -> None:
    address, sent = rows.address(name), DOORS[name].sent
    answer = getattr(rows.client("mara"), method)(address, sent)
    assert is_sent_to_the_page_that_explains(answer)
    assert getattr(rows.client("nils"), method)(address, sent).status_code == 404


def test_who_is_no_member_does_not_learn_what_is_asked_of_members(
    world: World, strict: Organization
) -> None:
    page = reverse("accounts:second_factor_needed", args=["alpenglueck"])
    nowhere = reverse("accounts:second_factor_needed", args=["nowhere"])
    client = sign_in(Client(), world.nils)
    assert [client.get(one).status_code for one in (page, nowhere)] == [404, 404]


def test_the_page_explains_and_leads_to_setting_one_up(
    client: Client, world: World, strict: Organization
) -> None:
    page = sign_in(client, world.otto).get(LIST, follow=True)
    assert "Alpenglück GmbH asks for a second factor" in read(page)
    assert reverse("mfa_index") in page.content.decode()
    assert client.get(reverse("mfa_index")).status_code == 200
    assert client.get("/account/settings/").status_code == 200


def test_a_session_from_before_the_factor_shows_it_once_and_is_back_where_it_was(
    client: Client, world: World, strict: Organization
) -> None:
    sign_in(client, world.otto)
    app = app_of(world.otto)
    page = client.get(LIST + "?status=lost", follow=True)
    assert "signed in here without it" in read(page)
    way = BeautifulSoup(page.content, "html.parser").select_one("main a.button")
    assert way is not None
    sent = {"code": code_now(app), "next": LIST + "?status=lost"}
    answer = client.post(str(way["href"]), sent)
    assert answer.headers["Location"] == LIST + "?status=lost"
    assert client.get(LIST).status_code == 200


def test_who_signed_in_with_a_factor_passes(
    client: Client, world: World, strict: Organization
) -> None:
    sign_in(client, world.otto, Passkey().stored_for(world.otto))
    assert client.get(LIST).status_code == 200


def test_a_factor_that_is_gone_opens_nothing_any_more(
    client: Client, world: World, strict: Organization
) -> None:
    old = Passkey().stored_for(world.otto)
    sign_in(client, world.otto, old)
    app_of(world.otto)
    old.delete()
    assert is_sent_to_the_page_that_explains(client.get(LIST))


def test_another_persons_factor_opens_nothing(
    client: Client, world: World, strict: Organization
) -> None:
    sign_in(client, world.otto, Passkey().stored_for(world.mara))
    assert is_sent_to_the_page_that_explains(client.get(LIST))


def test_other_organizations_stay_as_open_as_they_were(
    client: Client, world: World, strict: Organization
) -> None:
    Membership.objects.create(organization=world.nordwind, user=world.otto)
    sign_in(client, world.otto)
    assert client.get("/o/nordwind/profiles/").status_code == 200
    assert is_sent_to_the_page_that_explains(client.get(LIST))


def test_what_was_sent_is_not_done_and_a_fragment_leads_to_the_page_too(
    client: Client, world: World, strict: Organization
) -> None:
    sign_in(client, world.mara)
    answer = client.post("/o/alpenglueck/teams/", {"name": "Garten"})
    assert is_sent_to_the_page_that_explains(answer)
    assert answer.headers["Location"].endswith("?next=%2Fo%2Falpenglueck%2Fprofiles%2F")
    assert not world.alpenglueck.teams.filter(name="Garten").exists()
    assert is_sent_to_the_page_that_explains(client.get(LIST, headers={"HX-Request": "true"}))


def test_the_requirement_costs_one_query(client: Client, world: World, settings: Any) -> None:
    sign_in(client, world.otto, Passkey().stored_for(world.otto))
    before = len(queries_of(lambda: client.get(LIST)))
    Organization.objects.update(requires_second_factor=True)
    assert len(queries_of(lambda: client.get(LIST))) == before + 1


# --- The switch ---------------------------------------------------------------------------------


@pytest.fixture
def anna(client: Client, world: World) -> Client:
    """With a factor, and signed in with it."""
    return sign_in(client, world.anna, app_of(world.anna))


def test_an_admin_switches_it_on_and_off_and_the_log_says_so(anna: Client, world: World) -> None:
    assert "Require a second factor?" in read(anna.get(SWITCH))
    for sent, is_required in (("yes", True), ("yes", True), ("no", False)):
        answer = anna.post(SWITCH, {"required": sent})
        assert answer.headers["Location"] == SECURITY
        world.alpenglueck.refresh_from_db()
        assert world.alpenglueck.requires_second_factor is is_required
    lines = AuditEvent.objects.filter(verb="second_factor_required").order_by("id")
    assert list(lines.values_list("details", "actor_name", "ip_address")) == [
        ({"after": True}, "Anna Huber", "127.0.0.1"),
        ({"after": False}, "Anna Huber", "127.0.0.1"),
    ]


def test_an_admin_without_a_factor_does_not_shut_herself_out(client: Client, world: World) -> None:
    sign_in(client, world.anna)
    assert "Set up your own first" in read(client.get(SECURITY))
    page = client.post(SWITCH, {"required": "yes"}, follow=True)
    assert "would shut yourself out" in read(page)
    assert not Organization.objects.filter(requires_second_factor=True).exists()
    assert not AuditEvent.objects.exists()


def test_recovery_codes_alone_are_no_factor(anna: Client, world: World) -> None:
    Authenticator.objects.filter(type="totp").delete()
    anna.post(SWITCH, {"required": "yes"})
    assert not Organization.objects.filter(requires_second_factor=True).exists()


def test_the_page_names_who_has_none_yet(anna: Client, world: World) -> None:
    Passkey().stored_for(world.tim)
    page = anna.get(SECURITY)
    assert [one.user.name for one in page.context["without"]] == ["Mara Manager", "Otto Owner"]
    assert "Nils" not in read(page)


@pytest.mark.parametrize("who", ["mara", "otto"])
def test_nobody_but_an_admin_sees_or_switches_it(world: World, who: str) -> None:
    user = getattr(world, who)
    client = sign_in(Client(), user, app_of(user))
    assert [client.get(one).status_code for one in (SECURITY, SWITCH)] == [403, 403]
    assert client.post(SWITCH, {"required": "yes"}).status_code == 403


def test_the_security_page_asks_the_database_six_times(anna: Client, world: World) -> None:
    assert len(queries_of(lambda: anna.get(SECURITY))) == 6

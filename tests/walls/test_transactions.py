"""The organization is set for one transaction, by the gate and by verbs, and for no longer.

These tests use real transactions: inside of a test's own, a setting would outlive its block.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.urls import reverse

from accounts import walls
from accounts.models import Membership, Organization, Team
from accounts.walls import WEB
from config.providers import ProviderSession
from networks.http import hold
from profiles.models import Profile
from tests import builders, openid
from tests.people import World, sign_in
from tests.practice import Browser
from tests.roles import acting_as
from tokens import connecting, people
from tokens.models import Token

pytestmark = pytest.mark.django_db(transaction=True)


def organization_now() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s, true)", [walls.ORGANIZATION])
        return cursor.fetchone()[0] or ""


def test_inside_an_organization_its_rows_exist_and_afterwards_none(world: World) -> None:
    with acting_as(WEB):
        with walls.inside(world.alpenglueck.pk):
            assert list(Team.objects.all()) == [world.kitchen]
        assert not Team.objects.exists()
        assert organization_now() == ""


def test_an_error_ends_it_as_well(world: World) -> None:
    with acting_as(WEB):
        with pytest.raises(ZeroDivisionError), walls.inside(world.alpenglueck.pk):
            raise ZeroDivisionError
        assert not Team.objects.exists()


def test_a_block_within_a_block_ends_where_it_ends(world: World) -> None:
    with acting_as(WEB), walls.inside(world.alpenglueck.pk):
        with walls.inside(world.nordwind.pk):
            assert not Team.objects.exists()
        assert list(Team.objects.all()) == [world.kitchen]
        with pytest.raises(ZeroDivisionError), walls.inside(world.nordwind.pk):
            raise ZeroDivisionError
        assert organization_now() == str(world.alpenglueck.pk)


def test_a_transaction_alone_opens_nothing(world: World) -> None:
    with acting_as(WEB), transaction.atomic():
        assert not Team.objects.exists()


def test_a_person_reads_the_own_memberships_and_no_more(world: World) -> None:
    with acting_as(WEB), walls.seen_by(world.tim.pk):
        assert [one.user for one in Membership.objects.all()] == [world.tim]
        assert list(Organization.objects.all()) == [world.alpenglueck]
        assert not Team.objects.exists()
        assert not Membership.objects.update(role="admin"), "reading is all"


def test_somebody_without_memberships_reads_nothing(world: World) -> None:
    with acting_as(WEB), walls.seen_by(UUID(int=0)):
        assert not Membership.objects.exists()
        assert not Organization.objects.exists()


def test_a_view_that_forgets_the_filter_shows_no_neighbour(
    world: World, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below the gate stands the wall: here is a view whose query names no organization."""
    builders.profile(world.alpenglueck, name="Alpenblick")
    builders.profile(world.nordwind, name="Kutter")
    careless = classmethod(lambda cls, membership: Profile.objects.all())
    monkeypatch.setattr(type(Profile.objects.all()), "visible_to", careless)
    client.force_login(world.nils)
    page = client.get(reverse("tokens:profile_list", args=["nordwind"])).content.decode()
    assert "Kutter" in page
    assert "Alpenblick" not in page


def test_nothing_stays_set_after_a_page(world: World, client: Any) -> None:
    client.force_login(world.anna)
    assert client.get(reverse("tokens:profile_list", args=["alpenglueck"])).status_code == 200
    assert organization_now() == ""


def test_no_transaction_is_open_while_a_network_is_called(
    world: World, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Add, choose, refresh and delete: the four that speak with a network in a request."""
    open_while_calling = []

    def noted(hold: Any) -> Any:
        def holding(*conversation: Any) -> Any:
            open_while_calling.append(connection.in_atomic_block)
            return hold(*conversation)

        return holding

    for module in (connecting, people):
        monkeypatch.setattr(module, "hold", noted(hold))
    anna: Browser = browser(world.anna, world.alpenglueck)
    anna.add("linkedin", "anna", "Alpenglück")
    page = Profile.objects.get(name="Alpenglück")
    anna.refresh(page, "anna")
    anna.client.post(reverse("tokens:delete", args=["alpenglueck", page.pk]))
    assert not Token.objects.filter(accesses__profile=page.pk).exists()
    assert open_while_calling
    assert not any(open_while_calling)


def test_nor_while_the_provider_of_an_organization_is_asked(
    world: World, client: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Set up, leap and callback."""
    open_while_calling = []
    ask = ProviderSession.request

    def noted(*args: Any, **kwargs: Any) -> Any:
        open_while_calling.append(connection.in_atomic_block)
        return ask(*args, **kwargs)

    monkeypatch.setattr(ProviderSession, "request", noted)
    sign_in(client, world.anna)
    with openid.provider() as own:
        settings.SINGLE_SIGN_ON_HOSTS = [own.place]
        page = reverse("accounts:security_single_sign_on", args=["alpenglueck"])
        client.post(page, {"issuer": own.issuer, "client_id": openid.CLIENT_ID})
        stranger = openid.reader()
        asked = openid.leap(stranger)
        own.grant(asked["nonce"], email=world.anna.email, email_verified=True)
        assert openid.arrive(stranger, asked["state"]).status_code == 302
    assert len(open_while_calling) == 5  # the description each time, the token, the keys
    assert not any(open_while_calling)

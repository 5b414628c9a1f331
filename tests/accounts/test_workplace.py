"""Every page of somebody who is signed in knows the way to the profiles."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse

from accounts.models import Membership
from tests.people import World

ACCOUNT = (
    "/account/settings/",
    "/accounts/second-factor/",
    "/accounts/password/change/",
    "/no/such/page/",
)


def gear(client: Client, address: str) -> str:
    page = BeautifulSoup(client.get(address).content, "html.parser")
    found = page.select_one("header.bar a[aria-label=Settings]")
    assert found is not None
    return str(found["href"])


def profiles_of(slug: str) -> str:
    return reverse("tokens:profile_list", args=[slug])


@pytest.mark.parametrize("address", ACCOUNT)
def test_the_gear_leads_to_the_only_organization(
    client: Client, world: World, address: str
) -> None:
    client.force_login(world.otto)
    assert gear(client, address) == profiles_of("alpenglueck")
    assert b"Switch organization" not in client.get(address).content


@pytest.mark.parametrize("address", ACCOUNT)
def test_of_several_organizations_the_last_one_visited_counts(
    client: Client, world: World, address: str
) -> None:
    membership = Membership.objects.create(organization=world.nordwind, user=world.otto)
    client.force_login(world.otto)
    assert gear(client, address) == reverse("accounts:home")
    assert b"Switch organization" in client.get(address).content
    client.get(profiles_of("nordwind"))
    assert gear(client, address) == profiles_of("nordwind")
    membership.delete()  # whoever has left is shown no door to it
    assert gear(client, address) == profiles_of("alpenglueck")


def test_who_belongs_nowhere_has_a_gear_too(client: Client, world: World) -> None:
    Membership.objects.filter(user=world.otto).delete()
    client.force_login(world.otto)
    assert gear(client, "/account/settings/") == reverse("accounts:home")


def test_nobody_signed_in_has_none(client: Client) -> None:
    page = BeautifulSoup(client.get("/accounts/login/").content, "html.parser")
    assert page.select_one(".bar a[aria-label]") is None

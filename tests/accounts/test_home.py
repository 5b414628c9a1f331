"""Where everybody starts."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Role
from tests.people import World, person


def test_who_is_signed_out_is_led_to_the_sign_in(client: Client, db: None) -> None:
    assert client.get("/").headers["Location"].startswith(reverse("account_login"))


def test_who_works_for_one_organization_lands_among_its_profiles(
    client: Client, world: World
) -> None:
    client.force_login(world.otto)
    landed = client.get("/").headers["Location"]
    assert landed == reverse("tokens:profile_list", args=["alpenglueck"])


def test_who_works_for_several_organizations_chooses(client: Client, world: World) -> None:
    Membership.objects.create(organization=world.nordwind, user=world.otto, role=Role.MEMBER)
    client.force_login(world.otto)
    page = client.get("/").content.decode()
    assert reverse("tokens:profile_list", args=["alpenglueck"]) in page
    assert reverse("tokens:profile_list", args=["nordwind"]) in page
    assert "Alpenglück GmbH" in page and "Nordwind Reederei" in page


def test_who_works_for_no_organization_is_told_to_ask_for_an_invitation(
    client: Client, db: None
) -> None:
    stray = person("Stray Cat")
    stray.language = "en"
    stray.save()
    client.force_login(stray)
    page = client.get("/").content.decode()
    assert "invitation" in page
    assert stray.email in page

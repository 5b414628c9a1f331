"""One network login, known to two organizations: what one of them does is nothing to the other.

A peer of ours lets a reconnect in one organization rewrite the tokens of another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse

from profiles.models import Profile
from tests.people import World
from tests.practice import Browser
from tokens.models import Access, Token

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def both(world: World, browser: Callable[..., Browser]) -> tuple[Browser, Browser]:
    """Anna's login at each network, connected at Alpenglück and then at Nordwind."""
    pair = browser(world.anna, world.alpenglueck), browser(world.nils, world.nordwind)
    for one in pair:
        one.add("linkedin", "anna", "Alpenglück")
        one.add("tiktok", "anna")
    return pair


def rows_of(organization: Any) -> list[Any]:
    """All that a neighbour's doing must leave alone, the ciphertexts too."""
    models = (Token, Access, Profile)
    return [list(model.objects.filter(organization=organization).values()) for model in models]


def test_each_has_a_token_of_its_own(world: World, both: object) -> None:
    tokens = Token.objects.filter(network_slug="linkedin")
    assert {token.organization for token in tokens} == {world.alpenglueck, world.nordwind}
    assert len({token.subject for token in tokens}) == 1
    texts = {token.open().access_token for token in tokens}
    assert len(texts) == 2


@pytest.mark.parametrize("network", ["linkedin", "tiktok"])
def test_a_reconnect_leaves_a_neighbours_token_alone(
    world: World, both: tuple[Browser, Browser], network: str
) -> None:
    before = rows_of(world.nordwind)
    mine = Profile.objects.filter(organization=world.alpenglueck, network_slug=network)
    for profile in mine:
        assert both[0].refresh(profile, "anna").status_code == 302
    assert rows_of(world.nordwind) == before


@pytest.mark.parametrize("network", ["linkedin", "tiktok"])
def test_a_deletion_leaves_a_neighbours_token_alive(
    world: World, both: tuple[Browser, Browser], probe: Callable[..., None], network: str
) -> None:
    """Alive at the network, too: some disconnect the app from a person everywhere."""
    for profile in Profile.objects.filter(organization=world.alpenglueck, network_slug=network):
        both[0].client.post(reverse("tokens:delete", args=["alpenglueck", profile.pk]))
    assert not Token.objects.filter(organization=world.alpenglueck, network_slug=network).exists()
    probe(network, times=2)
    theirs = Profile.objects.filter(organization=world.nordwind, network_slug=network)
    assert theirs
    assert all(profile.is_valid for profile in theirs)


def test_what_becomes_of_a_login_is_written_down_in_each_organization_for_itself(
    world: World, both: tuple[Browser, Browser], probe: Callable[..., None]
) -> None:
    both[0].practice.pull("linkedin", "change_password", person="anna")
    probe("linkedin", times=2)
    lost = Profile.objects.filter(network_slug="linkedin", kind_slug="page", status="lost")
    assert {profile.organization for profile in lost} == {world.alpenglueck, world.nordwind}
    for profile in lost:
        [change] = profile.changes.filter(reason__gt="").select_related("token")
        assert change.organization == profile.organization
        assert change.token
        assert change.token.organization == profile.organization

"""The way back from a network into an organization that asks for a second factor."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from accounts.models import Organization
from tests.factors import Passkey
from tests.people import World, sign_in
from tests.practice import HOME
from tokens.models import Token

pytestmark = pytest.mark.django_db


def test_who_comes_back_without_it_is_sent_to_set_it_up_and_nothing_is_stored(
    browser: Any, world: World
) -> None:
    """It was made compulsory while she was away."""
    anna = browser(world.anna, world.alpenglueck)
    url = reverse("tokens:add_network", args=["alpenglueck", "tiktok"])
    back = anna.practice.visitor("tiktok", "anna").travel(anna.leap(url), HOME)
    Organization.objects.update(requires_second_factor=True)
    answer = anna.client.get(back.removeprefix(HOME))
    page = reverse("accounts:second_factor_needed", args=["alpenglueck"])
    assert answer.headers["Location"].startswith(page)
    assert not Token.objects.exists()


def test_who_comes_back_with_it_has_connected(browser: Any, world: World) -> None:
    anna = browser(world.anna, world.alpenglueck)
    sign_in(anna.client, world.anna, Passkey().stored_for(world.anna))
    Organization.objects.update(requires_second_factor=True)
    anna.add("tiktok", "anna")
    assert Token.objects.exists()

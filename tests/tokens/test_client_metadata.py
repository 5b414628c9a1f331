"""Who we are, for networks that read it at our own address."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from networks import dpop
from networks.registry import NETWORKS

HTTPS = "https://tokenwacht.example"


@pytest.fixture
def ours(settings: Any) -> str:
    """Our client id at Bluesky, in an installation that has a key."""
    settings.BASE_URL = HTTPS
    client = NETWORKS["bluesky"].client_at(HTTPS, dpop.new_key())
    settings.OAUTH_CLIENTS = {"bluesky": client, "linkedin": ("id", "secret")}
    return client[0]


def test_it_stands_at_the_address_that_is_our_client_id_and_says_nothing_secret(ours: str) -> None:
    answer = Client().get(ours.removeprefix(HTTPS))
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    body = answer.json()
    assert body["client_id"] == ours
    callback = reverse("tokens:callback", args=["bluesky"])
    assert body["redirect_uris"] == [f"{HTTPS}{callback}"]
    assert [set(key) for key in body["jwks"]["keys"]] == [
        {"kty", "crv", "x", "y", "kid", "use", "alg"}
    ]
    assert "PRIVATE" not in answer.content.decode()
    assert not answer.cookies, "nobody's session is opened for it"


@pytest.mark.parametrize("network", ["linkedin", "mastodon", "nowhere"])
def test_of_other_networks_there_is_no_such_document(ours: str, network: str) -> None:
    assert Client().get(reverse("tokens:client_metadata", args=[network])).status_code == 404


def test_a_developers_machine_has_none(settings: Any) -> None:
    settings.OAUTH_CLIENTS = {"bluesky": NETWORKS["bluesky"].client_at("http://127.0.0.1:8000", "")}
    assert Client().get(reverse("tokens:client_metadata", args=["bluesky"])).status_code == 404

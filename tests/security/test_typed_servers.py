"""A server that somebody typed is anybody's: what it answers harms nobody but who typed it."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from django.db import connection
from django.db.models import BinaryField
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from networks import addresses
from networks.adapters.mastodon.adapter import Mastodon
from networks.base import (
    Answer,
    Authorization,
    Client,
    Grant,
    Identity,
    Reachable,
    Refusal,
    Refused,
)
from networks.http import hold
from networks.registry import NETWORKS
from profiles.models import Profile
from tests import builders
from tests.networks import test_bluesky as bluesky
from tests.networks.talk import answer, refusal, talk
from tests.people import sign_in
from tokens.connecting import arrive, begin, take
from tokens.models import SEALED_FIELDS, OAuthApp, Token
from tokens.views.rows import with_details

MASTODON = Mastodon()
EVIL = "https://evil.example"
CLIENT = Client("id", "secret", "https://tokenwacht.example/cb", EVIL)
GRANT = Grant("access-1", scopes=MASTODON.scopes)
LONG = f"{EVIL}/@" + "x" * 600


def listed(url: str) -> list[Reachable]:
    body = {"id": "1", "username": "evil", "url": url}
    reaching = MASTODON.reach(CLIENT, GRANT, Identity("1@evil.example", "evil"))
    found: list[Reachable] = talk(reaching, answer(body)).result
    return found


@pytest.mark.parametrize("url", [LONG, "javascript:alert(1)", f"{EVIL}/\x00", None, {"a": 1}])
def test_an_address_that_no_row_can_hold_is_none(url: Any) -> None:
    assert listed(url)[0].url == ""


def test_a_registration_that_no_row_can_hold_is_none() -> None:
    given = answer({"client_id": "c" * 256, "client_secret": "s"})
    asking = MASTODON.register(EVIL, "https://tokenwacht.example/cb")
    assert refusal(asking, given).refusal is Refusal.NO_SUCH_SERVER


def test_a_server_whose_ascii_name_no_row_can_hold_is_none() -> None:
    with pytest.raises(Refused):
        MASTODON.issuer_in("ü" * 20 + "." + ".".join(letter * 55 for letter in "abcd"))


def test_a_scope_that_no_row_can_hold_is_passed_over() -> None:
    said = " ".join([*MASTODON.scopes, "x" * 201, "a\0b", "half\ud800"])
    given = answer({"access_token": "t", "token_type": "Bearer", "scope": said})
    grant = talk(MASTODON.exchange(CLIENT, {"code": "c"}, {}), given).result
    assert grant.scopes == MASTODON.scopes


@pytest.mark.parametrize("uri", ["urn:\ud800", "", "urn: x", "u" * 9000])
def test_a_reference_that_cannot_be_sent_is_refused(uri: str) -> None:
    asking = bluesky.BLUESKY.authorize(bluesky.CLIENT, "s", "https://entryway.example")
    pushed = answer({"request_uri": uri}, 201)
    refusal(asking, Answer(404), bluesky.SERVER, pushed)


@pytest.fixture
def server(monkeypatch: Any) -> Any:
    """`server(verb=result)`: what conversations with the typed server bring."""

    def answers(**results: Any) -> None:
        for verb, result in results.items():

            def held(*_: Any, result: Any = result) -> Any:
                brought = result.pop(0) if isinstance(result, list) else result
                if isinstance(brought, Exception):
                    raise brought
                return brought
                yield

            monkeypatch.setattr(Mastodon, verb, held)

    return answers


LEAP = Authorization(f"{EVIL}/oauth/authorize", {})


@pytest.mark.django_db
def test_a_server_that_gives_the_same_registration_again_has_one_row(
    world: Any, server: Any
) -> None:
    forgot = Refused(Refusal.CLIENT_FORGOTTEN)
    given = [Client("same", secret, "", EVIL) for secret in ("first", "second")]
    server(register=given, authorize=[forgot, LEAP])
    begin(world.alpenglueck, world.anna, NETWORKS["mastodon"], said="evil.example")
    app = OAuthApp.objects.get()
    client = app.client
    assert client and client.client_secret == "second"


@pytest.mark.django_db
def test_a_login_whose_id_no_row_can_hold_is_refused(world: Any, server: Any) -> None:
    long = Identity("1" * 200 + "@" + "a." * 50 + "example", "Evil")
    reached = [[Reachable("account", long.subject, "Evil", is_login=True)]]
    server(register=Client("id", "secret", "", EVIL), authorize=LEAP)
    server(exchange=GRANT, identify=long, reach=reached)
    network = NETWORKS["mastodon"]
    _, state = begin(world.alpenglueck, world.anna, network, said="evil.example")
    trip = take(state, world.alpenglueck.pk, world.anna, network, "evil.example")
    with pytest.raises(Refused):
        arrive(trip, {"code": "c"})
    assert not Token.objects.exists()


@pytest.mark.django_db
def test_leaps_to_typed_servers_are_counted(world: Any, server: Any, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"typed_server": "1/m/user"}
    server(register=Client("id", "secret", "", EVIL), authorize=LEAP)
    browser = sign_in(Browser(), world.anna)
    page = reverse("tokens:add_network", args=["alpenglueck", "mastodon"])
    assert browser.post(page, {"said": "evil.example"}).status_code == 302
    assert browser.post(page, {"said": "b.evil.example"}).status_code == 429
    assert OAuthApp.objects.count() == 1


@pytest.mark.django_db
def test_the_list_of_profiles_fetches_nothing_sealed(world: Any) -> None:
    token = builders.token(world.alpenglueck, "facebook")
    profile = builders.profile(world.alpenglueck, "facebook")
    builders.access(token, profile)
    with CaptureQueriesContext(connection) as queries:
        list(with_details(Profile.objects.all()))
    sealed = [f'"{name}"' for name in SEALED_FIELDS]
    assert not [one for one in queries.captured_queries for name in sealed if name in one["sql"]]


def test_what_is_sealed_of_a_login_is_known() -> None:
    binary = {one.name for one in Token._meta.get_fields() if isinstance(one, BinaryField)}
    assert binary == set(SEALED_FIELDS)


PRIVATE = ["127.0.0.1", "10.0.0.5", "169.254.169.254", "::1", "fd00::1", "::ffff:127.0.0.1"]


@pytest.mark.parametrize("private", PRIVATE)
def test_no_document_leads_us_inside_our_walls(private: str, monkeypatch: Any) -> None:
    """Bluesky may be sent to any name: by a handle, a DID, a PDS or its issuer's endpoints."""
    connected: list[Any] = []
    monkeypatch.setattr(addresses, "create_connection", lambda to, *_, **__: connected.append(to))
    family = socket.AF_INET6 if ":" in private else socket.AF_INET
    place = (family, socket.SOCK_STREAM, 6, "", (private, 443))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [place])
    asking = bluesky.BLUESKY.authorize(bluesky.CLIENT, "s", "inside.example")
    with pytest.raises(Refused):
        hold(asking, bluesky.BLUESKY.hosts_of(bluesky.CLIENT))
    assert not connected


ELSEWHERE = [
    "http://entryway.example/x",
    "javascript:alert(1)",
    "https://127.0.0.1/x",
    "https://[::1]/x",
    "https://localhost/x",
    "https://entryway.example:8443/x",
    "https://entryway.example@evil.example/x",
    "https://entryway.example",
    "https://entryway.example/\r\nX: y",
    "//evil.example/x",
    None,
    5,
]


@pytest.mark.parametrize("address", ELSEWHERE)
@pytest.mark.parametrize("name", ["authorization", "pushed_authorization_request", "token"])
def test_an_endpoint_that_is_no_https_page_of_a_named_host_ends_the_trip(
    name: str, address: Any
) -> None:
    asking = bluesky.BLUESKY.authorize(bluesky.CLIENT, "s", "https://entryway.example")
    metadata = answer(bluesky.METADATA | {f"{name}_endpoint": address})
    assert refusal(asking, Answer(404), metadata).refusal is Refusal.NO_SUCH_SERVER

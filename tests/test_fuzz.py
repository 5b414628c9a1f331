"""Whatever is sent, the answer is never a 500: the test client raises what the product does not
catch, and Hypothesis shows the smallest thing that does it."""

from __future__ import annotations

import itertools
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from bs4 import BeautifulSoup
from django.db import transaction
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from accounts.models import SingleSignOn, User
from networks.registry import NETWORKS
from notifications.stopping import stop_path
from tests.factors import Passkey
from tests.people import World
from tests.test_doors import ABSENT, DOORS, LEFT, METHOD, NO, Rows, rows  # noqa: F401 - a fixture
from tokens import connecting
from tokens.views.connecting import STATES

FORM = "application/x-www-form-urlencoded"
# For each address; `make fuzz` asks for more.
CASES = int(os.environ.get("FUZZ_CASES", "200"))
some = examples(
    max_examples=CASES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

NASTY = (
    "", "\x00", "a\x00b", "\ud800", "\udfff\ud800", "\r\nSet-Cookie: a=b", "\u202e", "٣", "²", "-1",
    "0", "1e400", "nan", "9" * 30, "9" * 5000, "a" * 6000, "%", "%s%(x)s{0}{x.y}", "' OR 1=1 --",
    "<img src=x onerror=alert(1)>", "__class__", "../../etc/passwd", "//evil.example", "on", "true",
    "a@b.example\nBcc: c@d.example", str(uuid.UUID(int=0)), str(uuid.UUID(int=2**128 - 1)), "{}",
    "admin", "member", "de", "en", "xx", "Europe/Berlin", "Europe/../Berlin", "lost", "linkedin",
)  # fmt: skip
# Any code point, lone surrogates among them.
anything = st.one_of(st.sampled_from(NASTY), st.text(st.characters(), max_size=40))


def values(known: tuple[str, ...] = ()) -> st.SearchStrategy[list[str]]:
    """What one field holds: nothing, one value or a list."""
    one = st.one_of(anything, st.sampled_from(known)) if known else anything
    return st.lists(one, max_size=3)


def encoded(fields: dict[str, list[str]]) -> str:
    """As a hostile client would write it: half characters are sent, too."""
    pairs = [(name, value) for name, several in fields.items() for value in several]
    return "&".join(f"{quote(name)}={quote_any(value)}" for name, value in pairs)


def quote_any(value: str) -> str:
    return quote(value.encode("utf-8", "surrogatepass"), safe="")


@contextmanager
def undone() -> Iterator[None]:
    """Each example begins where the first one did."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


# Addresses that read something out of their query, and what.
QUERIES = {
    "tokens:profile_list": ("search", "network", "status", "owner", "team", "page", "nonsense"),
    "accounts:audit": ("q", "verb", "actor", "since", "until", "before", "nonsense"),
    "notifications:timeline": ("change", "mail"),
    "accounts:home": ("next",),
    "account_login": ("next",),
    "account_reauthenticate": ("next",),
    "mfa_reauthenticate": ("next",),
    "accounts:second_factor_needed": ("next",),
    "accounts:single_sign_on": ("next", "organization"),
    "accounts:single_sign_on_callback": ("code", "state", "error", "iss", "_redir"),
    "notifications:stop": ("next",),
}
# Every address where a POST is more than refused.
FORMS = sorted(name for name, door in DOORS.items() if set(door.post[1:]) - {METHOD, ABSENT, NO})
# Where somebody is asked for what no page has a field for: JSON of a passkey, a way on.
ALWAYS = ("next", "credential", "code", "action")
WHO = ("anna", "mara", "nobody", "halfway")


@dataclass
class Place:
    """An address, what may stand in its fields besides nonsense, and who comes there: Anna, who has
    a second factor, and Mara, who has none; nobody; and Anna who has shown her password and still
    has to show the factor."""

    path: str
    fields: tuple[str, ...]
    known: tuple[str, ...]
    clients: dict[str, Client]


@pytest.fixture
def place(request: Any, rows: Rows, settings: Any) -> Place:  # noqa: F811
    settings.ACCOUNT_RATE_LIMITS = False  # would answer in place of the forms
    # Nothing listens there: what would ask a network comes back as an outage.
    hosts = {host for network in NETWORKS.values() for host in network.hosts}
    settings.NETWORK_HOSTS = dict.fromkeys(hosts, "http://127.0.0.1:1")
    settings.SINGLE_SIGN_ON_HOSTS = ["127.0.0.1:1"]
    world, name = rows.world, request.param
    SingleSignOn.objects.create(
        organization=world.alpenglueck, issuer="http://127.0.0.1:1", client_id="x"
    )
    clients = {who: rows.client(who) for who in ("anna", "mara", "nobody")}
    clients["halfway"] = Client()
    password = {"login": world.anna.email, "password": "secret"}
    assert clients["halfway"].post(reverse("account_login"), password).status_code == LEFT
    path = rows.address(name)
    known = (
        *map(str, (world.otto.pk, world.nils.pk, world.kitchen.pk, rows.profile.pk)),
        *(world.otto.email, "secret", *DOORS[name].sent.values()),
    )
    if "webauthn" in name or name == "mfa_authenticate":
        known += nearly_passkeys(rows.world.anna)
    fields = {*QUERIES.get(name, ()), *DOORS[name].sent, *ALWAYS, *fields_on(path, clients)}
    return Place(path, tuple(sorted(fields)), known, clients)


def fields_on(path: str, clients: dict[str, Client]) -> set[str]:
    """What the page behind an address asks for, if it has one."""
    found = set()
    for client in clients.values():
        client.get(path, headers={"accept": "application/json"})  # a passkey's challenge
        page = BeautifulSoup(client.get(path).content, "html.parser")
        found |= {str(tag["name"]) for tag in page.select("form [name]")}
    return found - {"csrfmiddlewaretoken"}


def nearly_passkeys(user: User) -> tuple[str, ...]:
    """What a browser would send, but for one part of it."""
    good = [
        Passkey().stored_for(user).data["credential"],
        Passkey().answer({"publicKey": {"challenge": "eA"}}),
    ]
    parts: tuple[Any, ...] = (None, 1, [], {}, "x", "é")
    found = ["{}", "[]", "null", "1", '"x"', "{", *map(json.dumps, good)]
    for whole, part in itertools.product(good, parts):
        inner = whole["response"]
        found += [json.dumps({**whole, key: part}) for key in whole]
        found += [json.dumps({**whole, "response": {**inner, key: part}}) for key in inner]
    return tuple(found)


def sound(answer: Any) -> None:
    list(answer)  # a file that nobody reads to its end stays open
    assert answer.status_code < 500
    assert "evil.example" not in answer.headers.get("Location", "").partition("?")[0]


def drawn(data: st.DataObject, place: Place) -> tuple[Any, str]:
    """Who comes, and what with."""
    sent = {name: data.draw(values(place.known), label=name) for name in place.fields}
    return place.clients[data.draw(st.sampled_from(WHO), label="who")], encoded(sent)


@pytest.mark.parametrize("place", QUERIES, indirect=True)
@some
@given(data=st.data())
def test_no_query_breaks_a_page(place: Place, data: st.DataObject) -> None:
    client, query = drawn(data, place)
    headers = {"HX-Request": "true", "HX-Target": "profiles"} if data.draw(st.booleans()) else {}
    with undone():
        sound(client.get(f"{place.path}?{query}", headers=headers))


@pytest.mark.parametrize("place", FORMS, indirect=True)
@some
@given(data=st.data())
def test_no_form_breaks_a_page(place: Place, data: st.DataObject) -> None:
    client, sent = drawn(data, place)
    with undone():
        sound(client.post(place.path, sent, content_type=FORM))


@some
@given(data=st.data())
def test_no_callback_breaks_a_page(
    client: Client, world: World, settings: Any, data: st.DataObject
) -> None:
    network = NETWORKS[data.draw(st.sampled_from(["linkedin", "pinterest", "tiktok"]))]
    # Nothing listens there, so what looks like a code comes back as an outage.
    settings.NETWORK_HOSTS = dict.fromkeys(network.hosts, "http://127.0.0.1:1")
    settings.OAUTH_CLIENTS = {network.slug: ("client", "secret")}
    client.force_login(world.anna)
    names = ("code", "auth_code", "error", "error_description", "state", "scopes", "iss")
    query = {name: data.draw(values(), label=name) for name in names}
    with undone():
        if data.draw(st.booleans(), label="our own state"):
            _, state = connecting.begin(world.alpenglueck, world.anna, network)
            session = client.session
            session[STATES] = [[state, str(world.alpenglueck.pk)]]
            session.save()
            query["state"].append(state)
        address = reverse("tokens:callback", args=[network.slug])
        sound(client.get(f"{address}?{encoded(query)}"))


ADDRESSES = (
    "/o/{part}/profiles/",
    "/o/alpenglueck/profiles/{part}/",
    "/o/alpenglueck/profiles/add/{part}/",
    "/oauth/{part}/callback/?state={key}",
    "/invitation/{part}/",
    "/mail/stop/{part}/",
    "{stop}{key}/",
    "/accounts/password/reset/key/{part}-{key}/",
    "/accounts/confirm-email/{key}/",
    "/account/email/{key}/",
)


@pytest.mark.parametrize("place", ["accounts:home"], indirect=True)
@some
@given(address=st.sampled_from(ADDRESSES), part=anything, key=anything)
def test_no_address_breaks_a_page(
    place: Place, world: World, address: str, part: str, key: str
) -> None:
    stop = stop_path(world.otto).removesuffix("/")
    parts = {"part": quote_any(part), "key": quote_any(key), "stop": stop}
    sound(place.clients["anna"].get(address.format(**parts)))


@pytest.mark.parametrize("charset", ["utf-16", "utf-7", "unicode_escape", "raw_unicode_escape"])
@pytest.mark.parametrize("place", ["accounts:settings", "account_login"], indirect=True)
@pytest.mark.parametrize("kind", [FORM, "multipart/form-data; boundary=b"])
def test_a_body_that_is_not_utf_8_is_refused(place: Place, charset: str, kind: str) -> None:
    """Some of those spell half characters, which neither pages nor the database can hold."""
    name = place.fields[0]
    body = f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\nEve \\ud800\r\n--b--\r\n'
    answer = place.clients["nobody"].generic("POST", place.path, body, f"{kind}; charset={charset}")
    assert answer.status_code == 400

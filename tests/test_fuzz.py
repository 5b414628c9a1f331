"""Whatever is sent, the answer is never a 500: the test client raises what the product does not
catch, and Hypothesis shows the smallest thing that does it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from accounts import invitations, links
from accounts.actor import Actor
from accounts.models import Role
from networks.registry import NETWORKS
from notifications.stopping import stop_path
from tests import builders
from tests.people import World
from tokens import connecting
from tokens.views.connecting import STATES

FORM = "application/x-www-form-urlencoded"
some = examples(
    max_examples=50,
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


@dataclass
class Place:
    """An address, and what may stand in its fields besides nonsense."""

    path: str
    fields: tuple[str, ...]
    known: tuple[str, ...]
    client: Client


QUERIES = {
    "list": ("search", "network", "status", "owner", "team", "page", "nonsense"),
    "audit": ("q", "verb", "actor", "object", "since", "until", "before"),
    "timeline": ("before",),
    "home": ("next",),
    "login": ("next",),
}
FORMS = {
    "language": ("language", "next"),
    "account": ("name", "language", "time_zone", "wants_token_mail"),
    "profile": ("owners", "teams", "mail_when_lost"),
    "invite": ("email", "role"),
    "role": ("role",),
    "teams": ("name",),
    "team": ("name", "members"),
    "accept": ("name", "password", "language"),
    "sign_in": ("login", "password", "remember", "next"),
    "email": ("email", "action_add", "action_primary", "action_send", "action_remove"),
    "reset": ("email",),
    "password": ("oldpassword", "password1", "password2"),
}


@pytest.fixture
def place(request: Any, world: World, settings: Any) -> Place:
    settings.ACCOUNT_RATE_LIMITS = False  # would answer in place of the forms
    profile = builders.profile(world.alpenglueck, owners=(world.otto,), teams=(world.kitchen,))
    builders.access(builders.token(world.alpenglueck), profile)
    invited = invitations.invite(
        world.alpenglueck, "nora@alpenglueck.example", Role.MEMBER, by=Actor(world.anna)
    )
    tim = world.alpenglueck.memberships.get(user=world.tim)
    slug, signed_out = world.alpenglueck.slug, ("accept", "sign_in", "login", "reset")
    paths = {
        "list": reverse("tokens:profile_list", args=[slug]),
        "audit": reverse("accounts:audit", args=[slug]),
        "timeline": reverse("tokens:profile_timeline", args=[slug, profile.pk]),
        "home": "/",
        "login": reverse("account_login"),
        "language": reverse("set_language"),
        "account": reverse("accounts:settings"),
        "profile": reverse("profiles:settings", args=[slug, profile.pk]),
        "invite": reverse("accounts:invite", args=[slug]),
        "role": reverse("accounts:member_role", args=[slug, tim.pk]),
        "teams": reverse("accounts:teams", args=[slug]),
        "team": reverse("accounts:team", args=[slug, world.kitchen.pk]),
        "accept": links.path_of(invited),
        "sign_in": reverse("account_login"),
        "email": reverse("account_email"),
        "reset": reverse("account_reset_password"),
        "password": reverse("account_change_password"),
    }
    client = Client()
    if request.param not in signed_out:
        client.force_login(world.anna)
    known = (str(world.otto.pk), str(world.nils.pk), str(world.kitchen.pk), world.otto.email)
    fields = {**QUERIES, **FORMS}[request.param]
    return Place(paths[request.param], fields, known, client)


def sound(answer: Any) -> None:
    assert answer.status_code < 500
    assert "evil.example" not in answer.headers.get("Location", "").partition("?")[0]


@pytest.mark.parametrize("place", QUERIES, indirect=True)
@some
@given(data=st.data())
def test_no_query_breaks_a_page(place: Place, data: st.DataObject) -> None:
    query = {name: data.draw(values(place.known), label=name) for name in place.fields}
    headers = {"HX-Request": "true", "HX-Target": "profiles"} if data.draw(st.booleans()) else {}
    with undone():
        sound(place.client.get(f"{place.path}?{encoded(query)}", headers=headers))


@pytest.mark.parametrize("place", FORMS, indirect=True)
@some
@given(data=st.data())
def test_no_form_breaks_a_page(place: Place, data: st.DataObject) -> None:
    sent = {name: data.draw(values(place.known), label=name) for name in place.fields}
    with undone():
        sound(place.client.post(place.path, encoded(sent), content_type=FORM))


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
)


@pytest.mark.parametrize("place", ["home"], indirect=True)
@some
@given(address=st.sampled_from(ADDRESSES), part=anything, key=anything)
def test_no_address_breaks_a_page(
    place: Place, world: World, address: str, part: str, key: str
) -> None:
    stop = stop_path(world.otto).removesuffix("/")
    parts = {"part": quote_any(part), "key": quote_any(key), "stop": stop}
    sound(place.client.get(address.format(**parts)))


@pytest.mark.parametrize("charset", ["utf-16", "utf-7", "unicode_escape", "raw_unicode_escape"])
@pytest.mark.parametrize("place", ["account", "sign_in"], indirect=True)
@pytest.mark.parametrize("kind", [FORM, "multipart/form-data; boundary=b"])
def test_a_body_that_is_not_utf_8_is_refused(place: Place, charset: str, kind: str) -> None:
    """Some of those spell half characters, which neither pages nor the database can hold."""
    name = place.fields[0]
    body = f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\nEve \\ud800\r\n--b--\r\n'
    answer = place.client.generic("POST", place.path, body, f"{kind}; charset={charset}")
    assert answer.status_code == 400

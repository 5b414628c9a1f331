"""The canary: the whole story once, and no token text that existed in it is found anywhere.

Noted is the text of every Grant that the process ever holds, stored or not. Looked for is each of
them, plain and in the usual spellings, wherever something could have been written.
"""

from __future__ import annotations

import base64
import io
import logging
import subprocess
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
import redis
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.urls import reverse

from accounts.walls import ENGINE
from config import servers
from networks.base import Grant
from notifications.tasks import plan_and_send
from profiles.models import Profile
from tests.notifications.conftest import Postbox, postbox  # noqa: F401 - a fixture
from tests.people import World
from tests.practice import Browser, Practice
from tests.roles import acting_as
from tokens import storing
from tokens.connecting import Arrival
from tokens.tasks import probe_network

TOO_SHORT = 8


class Broken(Exception):
    """What goes wrong in the middle of a sign-in, with the grant in every frame."""


@pytest.fixture
def canaries(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Every token text that this process ever had in its hands."""
    seen: set[str] = set()
    make = Grant.__init__

    def noted(self: Grant, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        seen.update(text for text in (self.access_token, self.refresh_token) if text)

    monkeypatch.setattr(Grant, "__init__", noted)
    return seen


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that any library says at its most talkative, tracebacks included."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s %(args)s"))
    root, before = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.removeHandler(handler)
    root.setLevel(before)


def spellings(text: str) -> Iterator[bytes]:
    plain = text.encode()
    yield from {plain, quote(text, safe="").encode(), plain.hex().encode()}
    for shift in range(3):  # base64 of a longer text that holds this one
        inner = base64.b64encode(b"\0" * shift + plain)
        yield inner[4 if shift else 0 : -4]


def dump_of_the_database() -> bytes:
    address = connection.get_connection_params()
    program = [servers.programs() / "pg_dump", "--host", address["host"], "--username=postgres"]
    done = subprocess.run([*program, address["dbname"]], capture_output=True, check=True)
    return done.stdout


def everything_in_valkey() -> bytes:
    """The broker's messages, and the cache."""
    found = []
    with redis.Redis.from_url(django_settings.REDIS_URL) as client:
        for key in client.scan_iter():
            found += [key, client.dump(key) or b""]
            if client.type(key) == b"list":  # DUMP compresses what is long
                found += client.lrange(key, 0, -1)
    return b"\n".join(found)


def pages_of(world: World, anna: Browser) -> list[str]:
    slug = world.alpenglueck.slug
    profile = Profile.objects.filter(organization=world.alpenglueck).first()
    assert profile
    return [
        "/",
        reverse("tokens:profile_list", args=[slug]),
        reverse("profiles:settings", args=[slug, profile.pk]),
        reverse("tokens:profile_accesses", args=[slug, profile.pk]),
        reverse("notifications:timeline", args=[slug, profile.pk]),
        reverse("tokens:refresh", args=[slug, profile.pk]),
        reverse("tokens:delete", args=[slug, profile.pk]),
        reverse("accounts:audit", args=[slug]),
        reverse("accounts:members", args=[slug]),
    ]


def tell_the_story(
    world: World, anna: Browser, probe: Callable[..., None], rotation: io.StringIO
) -> list[bytes]:
    """Connect everywhere, refresh, be refused, be asked, die, be mailed, turn keys, look."""
    answers = [
        anna.add("linkedin", "anna", "Alpenglück"),
        anna.add("pinterest", "mia"),
        anna.add("tiktok", "ben"),
        anna.add("xing", "jonas"),
        anna.add("tiktok", "ben", decision="deny"),
    ]
    page = Profile.objects.get(name="Alpenglück")
    Profile.objects.update(mail_when_lost=True)
    page.ownerships.create(organization=world.alpenglueck, user=world.otto)
    answers += [anna.refresh(page, "anna"), anna.refresh(page, "ben")]
    for network in ("linkedin", "pinterest", "tiktok", "xing"):
        probe_network.delay(network)
        probe(network)
    anna.practice.pull("linkedin", "change_password", person="anna")
    probe("linkedin", times=2)
    plan_and_send()
    with acting_as(ENGINE):
        call_command("rotate_token_keys", "--data-keys", stdout=rotation)
    answers += [anna.client.get(address) for address in pages_of(world, anna)]
    answers.append(anna.client.post(reverse("tokens:delete", args=["alpenglueck", page.pk])))
    return [answer.content + str(answer.headers).encode() for answer in answers]


def break_down(anna: Browser, monkeypatch: pytest.MonkeyPatch, settings: Any) -> bytes:
    """A developer's error page, which shows the local variables of every frame."""

    def fail(*handed: Any, by: object) -> None:
        [arrival] = [one for one in handed if isinstance(one, Arrival)]
        grant, identity = arrival.grant, arrival.identity
        raise Broken(f"{grant!r} {identity!r} {arrival}")

    settings.DEBUG = True
    monkeypatch.setattr(storing, "add", fail)
    anna.client.raise_request_exception = False
    answer = anna.add("linkedin", "mia")
    assert answer.status_code == 500
    assert b"Broken" in answer.content
    return bytes(answer.content)


@pytest.mark.django_db(transaction=True)
def test_no_token_text_is_found_anywhere(
    world: World,
    browser: Callable[..., Browser],
    practice: Practice,
    probe: Callable[..., None],
    canaries: set[str],
    log: io.StringIO,
    postbox: Postbox,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
) -> None:
    world.otto.wants_token_mail = True
    world.otto.save()
    anna = browser(world.anna, world.alpenglueck)
    rotation = io.StringIO()
    pages = tell_the_story(world, anna, probe, rotation)
    sessions = [str(session.get_decoded()) for session in Session.objects.all()]
    places = {
        "a page or its headers": b"\n".join(pages),
        "a developer's error page": break_down(anna, monkeypatch, settings),
        "what a command says": rotation.getvalue().encode(),
        "a log": log.getvalue().encode(errors="replace"),
        "a mail": b"\n".join(mail.as_bytes() for mail in postbox.mails),
        "a message for Celery, or the cache": everything_in_valkey(),
        "a dump of the database": dump_of_the_database(),
        "a session": "\n".join(sessions).encode(),
    }
    assert all(places.values()), "each place was looked at, and holds something"
    assert len(canaries) > 6
    assert all(len(text) > TOO_SHORT for text in canaries)
    found = {
        place
        for place, content in places.items()
        for text in canaries
        if any(spelling in content for spelling in spellings(text))
    }
    assert not found


def test_a_token_text_would_be_found(canaries: set[str]) -> None:
    """The canary sings: each spelling of a text is found in what holds it."""
    Grant(access_token="canary-in-the-coal-mine", refresh_token="", scopes=())
    [text] = canaries
    for wrapped in (
        text.encode(),
        quote(text).encode(),
        text.encode().hex().encode(),
        *(base64.b64encode(b"x" * n + text.encode() + b"yz") for n in range(4)),
    ):
        assert any(spelling in wrapped for spelling in spellings(text)), wrapped

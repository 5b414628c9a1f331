"""Hostile names, from every network and of every person, through the whole story: wherever they
are shown they are text, and nothing else.

tests/e2e/test_hostile.py lets Chromium read such pages.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup, Tag
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Team, User
from networks.base import Reachable
from networks.reading import JOINERS, a_name
from networks.registry import NETWORKS
from notifications.stopping import stop_path
from notifications.tasks import plan_and_send
from profiles.models import Ownership, Profile
from sandbox.settings import Settings
from sandbox.world import ADMINISTRATOR, OWNER, World
from sandbox.world import Profile as AtNetwork
from sandbox.worlds import WORLD
from tests.hostile import HOSTILE, MARK
from tests.notifications.conftest import Postbox, postbox  # noqa: F401 - a fixture
from tests.people import World as People
from tests.practice import HOME, Browser, Practice
from tests.sandbox.driver import Practice as Program
from tests.sandbox.driver import free_port
from tokens import probing
from tokens.conversations import Conversations
from tokens.models import Token

pytestmark = pytest.mark.django_db(transaction=True)

# What the database cannot hold, and no form of ours lets through.
STORABLE = [name.replace("\x00", "")[:150] for name in HOSTILE]
CODE = re.compile(r"^(?:on\w+|style|hx-on.*|srcdoc|formaction)$")
LINKS = ("href", "src", "action", "hx-get", "hx-post", "content")


def renamed(world: World, mark: str) -> World:
    """The same world, in which everybody and everything has a hostile name, and Anna has a page
    or a board for each."""
    names = iter(HOSTILE * 30)
    people = {key: replace(one, name=next(names)) for key, one in world.people.items()}
    profiles = {key: replace(one, name=next(names)) for key, one in world.profiles.items()}
    for number, name in enumerate(HOSTILE):
        if mark == "linkedin":
            role = (("anna", ADMINISTRATOR),)
            page = AtNetwork(f"5001{number:04d}", name, "page", role, handle=name)
            profiles[page.id] = page
        if mark == "pinterest":
            board = AtNetwork(f"6001{number:04d}", name, "board", (("anna", OWNER),))
            profiles[board.id] = replace(board, parent="549755900001")
    return replace(world, people=people, profiles=profiles)


@pytest.fixture
def practice(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Practice]:
    hostile = {slug: renamed(world, slug) for slug, world in WORLD.items()}
    monkeypatch.setattr("sandbox.network.WORLD", hostile)
    program = Program(Settings(port=free_port(), data=tmp_path / "practice", product_url=HOME))
    program.start()
    address = f"http://localhost:{program.settings.port}"
    hosts = [host for network in NETWORKS.values() for host in network.hosts]
    settings.NETWORK_HOSTS = {host: f"{address}/{host}" for host in hosts}
    settings.OAUTH_CLIENTS = {
        slug: (f"practice-{slug}", f"practice-{slug}-secret") for slug in NETWORKS
    }
    settings.BASE_URL = HOME
    settings.CONFIRM_AFTER = 0
    yield Practice(address)
    program.stop()


@dataclass
class Seen:
    what: str
    answer: Any


@pytest.fixture
def people(world: People) -> People:
    """Everybody and every team has such a name, and so has the organization."""
    names = iter(STORABLE)
    for user in (world.anna, world.mara, world.otto, world.tim):
        user.name = next(names)
        user.wants_token_mail = True
        user.save()
    world.alpenglueck.name = next(names)
    world.alpenglueck.save()
    for name in dict.fromkeys(STORABLE):
        Team.objects.get_or_create(organization=world.alpenglueck, name=name[:100])
    for number, name in enumerate(STORABLE):
        user = User.objects.create_user(f"u{number}@hostile.example", "secret", name=name)
        Membership.objects.create(organization=world.alpenglueck, user=user)
    return world


def addresses(people: People) -> list[str]:
    slug = people.alpenglueck.slug
    profiles = list(Profile.objects.all())
    names = [
        *("profiles:settings", "tokens:refresh", "tokens:delete", "tokens:profile_accesses"),
        *("notifications:timeline", "notifications:recipients"),
    ]
    members = Membership.objects.filter(organization=people.alpenglueck)[:4]
    pages = ("accounts:audit", "accounts:members", "accounts:teams", "tokens:add")
    found = [reverse(name, args=[slug]) for name in pages]
    found += [f"{reverse('tokens:profile_list', args=[slug])}?page={n}" for n in (1, 2)]
    found += [f"{reverse('accounts:audit', args=[slug])}?page={n}" for n in (1, 2)]
    found += [reverse(name, args=[slug, one.pk]) for one in profiles[::8] for name in names]
    for member in members:
        found.append(reverse("accounts:member_remove", args=[slug, member.pk]))
        found.append(reverse("notifications:left_behind", args=[slug, member.pk]))
    for team in Team.objects.all()[::8]:
        found.append(reverse("accounts:team", args=[slug, team.pk]))
        found.append(reverse("accounts:team_delete", args=[slug, team.pk]))
    return [*found, "/", reverse("accounts:settings"), stop_path(people.otto)]


def connect_everything(anna: Browser) -> Iterator[Seen]:
    answer = anna.add("linkedin", "anna")
    choice = anna.client.get(answer["Location"])
    yield Seen("the choice of pages", choice)
    keys = [one["key"] for one in choice.context["choices"]]
    yield Seen("chosen", anna.client.post(answer["Location"], {"chosen": keys}, follow=True))
    for network in ("pinterest", "tiktok", "xing"):
        yield Seen(f"added {network}", anna.client.get(anna.add(network, "anna")["Location"]))


def come_as_somebody_else(anna: Browser) -> Iterator[Seen]:
    for profile in Profile.objects.filter(network_slug="linkedin", kind_slug="page")[:2]:
        yield Seen("another account came", anna.refresh(profile, "mia"))
        yield Seen("refreshed", anna.client.get(anna.refresh(profile, "anna")["Location"]))


def lose_everything(anna: Browser) -> None:
    Profile.objects.update(mail_when_lost=True)
    for network in ("linkedin", "pinterest", "tiktok", "xing"):
        anna.practice.pull(network, "change_password", person="anna")
        with Conversations() as talk:
            for _ in range(2):
                Token.objects.update(next_probe_at="2026-01-01T00:00Z", listed_at=None)
                probing.probe_due(network, talk)
    plan_and_send()


def search(anna: Browser, people: People) -> Iterator[Seen]:
    slug = people.alpenglueck.slug
    pages = itertools.cycle([("tokens:profile_list", "search"), ("accounts:audit", "q")])
    for name, (page, field) in zip(HOSTILE, pages, strict=False):
        url = reverse(page, args=[slug])
        yield Seen(f"searched {name[:30]!r}", anna.client.get(url, {field: name}))
    poll = {"HX-Request": "true", "HX-Target": "news", "X-Seen": f'"><{MARK}>'}
    url = reverse("tokens:profile_list", args=[slug])
    yield Seen("news", anna.client.get(url, headers=poll))


def change(anna: Browser, people: People) -> Iterator[Seen]:
    """Each change says in a message what was changed."""
    slug = people.alpenglueck.slug
    for profile in Profile.objects.all()[:3]:
        form = {"owners": [str(people.otto.pk)], "mail_when_lost": "on"}
        url = reverse("profiles:settings", args=[slug, profile.pk])
        yield Seen("owners", anna.client.post(url, form, follow=True))
        url = reverse("tokens:delete", args=[slug, profile.pk])
        yield Seen("deleted", anna.client.post(url, follow=True))
    for team in Team.objects.all()[:3]:
        url = reverse("accounts:team_delete", args=[slug, team.pk])
        yield Seen("team deleted", anna.client.post(url, follow=True))
    for member in Membership.objects.filter(user__email__endswith="hostile.example")[:3]:
        url = reverse("accounts:member_role", args=[slug, member.pk])
        yield Seen("role", anna.client.post(url, {"role": "manager"}, follow=True))
        url = reverse("accounts:member_remove", args=[slug, member.pk])
        yield Seen("removed", anna.client.post(url, follow=True))


def tell_the_story(anna: Browser, people: People) -> Iterator[Seen]:
    yield from connect_everything(anna)
    yield from come_as_somebody_else(anna)
    for profile in Profile.objects.all():
        owner = Ownership(organization=people.alpenglueck, profile=profile, user=people.otto)
        owner.save()
    lose_everything(anna)
    yield from (Seen(url, anna.client.get(url, follow=True)) for url in addresses(people))
    yield from search(anna, people)
    yield from change(anna, people)
    url = reverse("accounts:audit_export", args=[people.alpenglueck.slug])
    yield Seen("export", anna.client.post(url))


@pytest.mark.timeout(300)
def test_a_name_is_text_wherever_it_goes(
    browser: Any,
    people: People,
    practice: Practice,
    postbox: Postbox,  # noqa: F811
) -> None:
    anna = browser(people.anna, people.alpenglueck)
    shown: set[str] = set()
    pages = 0
    for seen in tell_the_story(anna, people):
        assert seen.answer.status_code == 200, seen.what
        no_header_was_made(seen)
        if seen.answer.headers["Content-Type"].startswith("text/csv"):
            no_cell_is_a_formula(seen.answer)
            continue
        page = BeautifulSoup(seen.answer.content, "html.parser")
        nothing_but_text(page, seen.what)
        shown |= {name for name in HOSTILE if words(a_name(name)) in words(page.get_text(" "))}
        pages += 1
    assert pages > 100
    readable = {name for name in HOSTILE if words(a_name(name))}
    assert shown >= readable, "each was really shown somewhere, and every letter of it"
    assert len(postbox.mails) >= 4, "one for each login that was lost"
    for mail in postbox.mails:
        a_mail_is_what_it_says(mail, people.otto)


def words(text: str) -> str:
    return " ".join(text.split())


def nothing_but_text(page: BeautifulSoup, what: str) -> None:
    assert not page.find(MARK), what
    for tag in page.find_all(True):
        assert isinstance(tag, Tag)
        for name, given in tag.attrs.items():
            assert name != MARK, (what, tag)
            assert not CODE.match(name), (what, tag)
            if name in LINKS and tag.name != "meta":
                leads_nowhere_foreign(str(given), what)
    scripts = page.select("script:not([type='application/json'])")
    assert not [one for one in scripts if one.string], what


def leads_nowhere_foreign(link: str, what: str) -> None:
    parts = urlsplit(re.sub(r"[\x00-\x20]", "", link).replace("\\", "/"))
    assert parts.scheme in ("", "http", "https", "mailto"), (what, link)
    assert MARK not in (parts.hostname or ""), (what, link)
    assert "@" not in parts.netloc, (what, link)


def no_header_was_made(seen: Seen) -> None:
    assert all(value.isprintable() for value in seen.answer.headers.values()), seen.what
    assert MARK not in str(seen.answer.headers), seen.what


def no_cell_is_a_formula(answer: Any) -> None:
    text = b"".join(answer).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) > 50
    assert not [cell for row in rows for cell in row if cell[:1] in tuple("=+-@\t\r\n")]


def a_mail_is_what_it_says(mail: EmailMessage, reader: User) -> None:
    assert mail["To"] == reader.email
    assert not {"bcc", "cc"} & {name.lower() for name in mail}
    assert mail["Subject"].isprintable()
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    lines = text.get_content().replace("\r\n", "\n")
    odd = {char for char in lines if not char.isprintable()}
    assert odd <= {"\n", *JOINERS}, ascii(odd)
    page = BeautifulSoup(html.get_content(), "html.parser")
    assert not page.find(MARK)
    for tag in page.find_all(True):
        assert isinstance(tag, Tag)
        assert MARK not in tag.attrs
        assert not [name for name in tag.attrs if name.startswith("on")]
        leads_nowhere_foreign(str(tag.get("href", "")), "mail")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_network_gives_no_profile_an_address_that_is_no_page(name: str) -> None:
    """Whatever an adapter makes of an answer: it is https without a user's name, or nothing."""
    assert Reachable("page", "1", "Name", url=name).url in ("", name)
    kept = Reachable("page", "1", "Name", url=name).url
    assert not kept
    good = "https://www.linkedin.com/company/alpengl%C3%BCck?a=b"
    assert Reachable("page", "1", "Name", url=good).url == good


def test_a_page_of_an_error_repeats_no_address(client: Client, db: None) -> None:
    for name in STORABLE:
        answer = client.get("/nowhere/" + name.replace("/", ""))
        nothing_but_text(BeautifulSoup(answer.content, "html.parser"), name)
        assert answer.status_code == 404

"""The log of who did what, for admins to read."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts import members
from accounts.audit import VERBS, changes, sentence
from accounts.models import AuditEvent, Role
from tests.accounts.test_settings import read
from tests.people import World
from tests.roles import queries_of


@pytest.fixture
def as_anna(client: Client, world: World) -> Client:
    world.anna.language = "en"
    world.anna.save()
    client.force_login(world.anna)
    return client


def record(world: World, verb: str = "connected", **details: Any) -> AuditEvent:
    return AuditEvent.record(
        verb, organization=world.alpenglueck, actor=world.mara, target=world.otto, **details
    )


def lines(client: Client, **query: Any) -> list[str]:
    page = client.get(reverse("accounts:audit", args=["alpenglueck"]), query)
    assert page.status_code == 200
    return [str(line) for _event, line, _changes in page.context["lines"]]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_sentence_and_a_label(world: World, verb: str) -> None:
    event = record(world, verb, role="manager", before="member", after="admin")
    with translation.override("en"):
        said = sentence(event)
        assert str(VERBS[verb].label)
    assert "<strong>Mara Manager</strong>" in said
    assert "<strong></strong>" not in said
    assert "{" not in said


def test_roles_are_named_in_the_readers_words(world: World) -> None:
    event = record(world, "role_changed", before="member", after="admin")
    with translation.override("en"):
        assert sentence(event).endswith("from <strong>Member</strong> to <strong>Admin</strong>.")


def test_a_verb_from_a_newer_version_does_not_break_the_page(as_anna: Client, world: World) -> None:
    record(world, "sang_a_song")
    assert "sang_a_song" in lines(as_anna)[0]


def test_what_tokenwacht_did_by_itself_is_said_to_be_its_own(world: World) -> None:
    event = AuditEvent.record("connected", organization=world.alpenglueck, actor=None)
    assert "Tokenwacht" in sentence(event)


def test_names_in_the_log_are_text_and_never_markup(world: World) -> None:
    world.otto.name = "<img src=x onerror=alert(1)> {actor} %(x)s"
    said = sentence(record(world))
    assert "<img" not in said
    assert "{actor} %(x)s" in said


def test_who_came_and_who_went_is_named(world: World) -> None:
    event = record(world, "owners_changed", added=["Otto", "Tim"], removed=["{x}"])
    with translation.override("en"):
        assert changes(event) == ["Added: Otto, Tim", "Removed: {x}"]


def test_the_newest_stands_first(as_anna: Client, world: World) -> None:
    record(world, "connected")
    record(world, "reconnected")
    assert ["refreshed" in line for line in lines(as_anna)] == [True, False]


def test_a_neighbours_log_is_not_shown(as_anna: Client, world: World) -> None:
    AuditEvent.record("connected", organization=world.nordwind, actor=world.nils)
    assert lines(as_anna) == []


def test_the_log_is_filtered_by_verb_and_by_name(as_anna: Client, world: World) -> None:
    record(world, "connected")
    record(world, "reconnected")
    AuditEvent.record("reconnected", organization=world.alpenglueck, actor=world.anna)
    assert len(lines(as_anna, verb="reconnected")) == 2
    assert len(lines(as_anna, q="mara")) == 2
    assert len(lines(as_anna, q="OTTO", verb="reconnected")) == 1
    assert len(lines(as_anna, q="100%")) == 0


@pytest.mark.parametrize(
    "query",
    [{"verb": "nonsense"}, {"q": "a\x00b"}, {"q": "x" * 300}, {"page": "-1"}, {"page": "many"}],
)
def test_a_filter_that_makes_no_sense_hides_nothing(
    as_anna: Client, world: World, query: dict[str, str]
) -> None:
    record(world)
    assert len(lines(as_anna, **query)) == 1


def test_the_log_has_pages_that_keep_the_filter(as_anna: Client, world: World) -> None:
    for _number in range(55):
        record(world, "connected")
    record(world, "reconnected")
    assert len(lines(as_anna, verb="connected")) == 50
    assert len(lines(as_anna, verb="connected", page=2)) == 5
    url = reverse("accounts:audit", args=["alpenglueck"])
    page = BeautifulSoup(as_anna.get(url, {"verb": "connected"}).content, "html.parser")
    onward = page.select_one("a[rel=next]")
    assert onward is not None
    assert "verb=connected" in str(onward["href"]) and "page=2" in str(onward["href"])


def test_an_empty_log_says_so(as_anna: Client, world: World) -> None:
    assert "Nothing has been recorded yet." in read(
        as_anna.get(reverse("accounts:audit", args=["alpenglueck"]))
    )


def test_deed_and_line_stand_or_fall_together(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise RuntimeError("disk full")

    monkeypatch.setattr(AuditEvent, "record", full)
    membership = world.alpenglueck.memberships.get(user=world.otto)
    with pytest.raises(RuntimeError):
        members.change_role(membership, Role.ADMIN, by=world.anna)
    membership.refresh_from_db()
    assert membership.role == Role.MEMBER


def test_the_audit_page_asks_the_database_five_times(as_anna: Client, world: World) -> None:
    for _number in range(60):
        record(world)
    assert len(queries_of(lambda: lines(as_anna))) == 5

"""What the log keeps of who did what, and in which words."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts import members
from accounts.actor import OPERATOR, Actor
from accounts.audit import VERBS, changes, plain_sentence, sentence
from accounts.models import AuditEvent, Role
from tests.people import World

OTTO = "Otto Owner (otto@alpenglueck.example)"


def record(world: World, verb: str = "connected", **details: Any) -> AuditEvent:
    return Actor(world.mara).record(verb, world.alpenglueck, world.otto, **details)


@pytest.fixture(autouse=True)
def in_english() -> Any:
    with translation.override("en"):
        yield


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_sentence_and_a_label(world: World, verb: str) -> None:
    event = record(world, verb, role="manager", before="member", after="admin", login="Anna")
    said = plain_sentence(event)
    assert str(VERBS[verb].label)
    assert "Mara Manager" in said
    assert "{" not in said
    assert "<strong><bdi>Mara Manager</bdi></strong>" in sentence(event)
    assert "<bdi></bdi>" not in sentence(record(world, verb, network="LinkedIn", **event.details))


def test_roles_are_named_in_the_readers_words(world: World) -> None:
    event = record(world, "role_changed", before="member", after="admin")
    assert plain_sentence(event).endswith("from Member to Admin.")


def test_what_has_no_actor_was_done_by_the_operator(world: World) -> None:
    event = OPERATOR.record("keys_rotated", world.alpenglueck)
    assert plain_sentence(event) == "The operator rotated the encryption keys."


def test_names_in_the_log_are_text_and_never_markup(world: World) -> None:
    world.otto.name = "<img src=x onerror=alert(1)> {actor} %(x)s"
    said = sentence(record(world))
    assert "<img" not in said
    assert "{actor} %(x)s" in said


def test_a_name_cannot_turn_the_line_around_or_break_it(world: World) -> None:
    world.mara.name = "Mara\u202e\n\u200b\u2066Manager\x07\ufeff"
    event = record(world, "reconnected", login="Eve\u200f\r\nAd\x1bmin", added=["a\u2028b"])
    assert (event.actor_name, event.details) == (
        "Mara Manager",
        {"login": "Eve Admin", "added": ["a b"]},
    )


def test_people_who_share_a_name_are_told_apart_by_their_address(world: World) -> None:
    world.otto.name = world.anna.name = "Mara Manager"
    event = record(world, "owners_changed", added=[world.otto], removed=[world.anna])
    assert (event.actor_name, event.actor_email) == ("Mara Manager", "mara@alpenglueck.example")
    assert event.object_name == "Mara Manager (otto@alpenglueck.example)"
    assert changes(event) == [
        "Added: Mara Manager (otto@alpenglueck.example)",
        "Removed: Mara Manager (anna@alpenglueck.example)",
    ]


def test_who_came_and_who_went_is_named(world: World) -> None:
    event = record(world, "owners_changed", added=["Otto", "Tim"], removed=["{x}"])
    assert changes(event) == ["Added: Otto, Tim", "Removed: {x}"]


@pytest.mark.parametrize(("after", "said"), [(True, "Now: on"), (False, "Now: off")])
def test_a_switch_says_how_it_stands(world: World, after: bool, said: str) -> None:
    event = Actor(world.mara).record(
        "second_factor_required", world.alpenglueck, before=not after, after=after
    )
    assert changes(event) == [said]


def test_what_the_sentence_says_is_not_said_again(world: World) -> None:
    assert changes(record(world, "wrong_account", login="Eve", network="XING")) == ["Network: XING"]
    assert changes(record(world, "role_changed", before="member", after="admin")) == []
    assert changes(record(world, "no_longer_allowed", network="XING")) == [f"About: {OTTO}"]
    assert changes(Actor(world.otto).record("joined", world.alpenglueck, world.otto)) == []


def test_a_long_name_keeps_the_address_behind_it(world: World) -> None:
    world.otto.name, world.otto.email = "x" * 150, f"{'o' * 240}@example.org"
    assert record(world).object_name.endswith("@example.org)")


def test_whoever_and_whatever_is_gone_keeps_its_name_in_the_log(
    client: Client, world: World
) -> None:
    record(world, "owners_changed", added=[world.tim])
    before = list(AuditEvent.objects.values())
    client.force_login(world.anna)
    for one in (world.mara, world.tim):
        one.is_active = False
        one.save()
    world.otto.delete()
    world.mara.delete()
    assert list(AuditEvent.objects.values()) == before
    page = client.get(reverse("accounts:audit", args=["alpenglueck"])).content.decode()
    assert all(text in page for text in ("Mara Manager", "mara@alpenglueck.example", OTTO, "tim@"))


def test_deed_and_line_stand_or_fall_together(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise RuntimeError("disk full")

    monkeypatch.setattr(Actor, "record", full)
    membership = world.alpenglueck.memberships.get(user=world.otto)
    with pytest.raises(RuntimeError):
        members.change_role(membership, Role.ADMIN, by=Actor(world.anna))
    membership.refresh_from_db()
    assert membership.role == Role.MEMBER

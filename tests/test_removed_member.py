"""A member is removed while a page is open: what every next click, form and question by the page
itself is answered. The same as to somebody who was never a member of anything."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts import members
from accounts.actor import Actor
from accounts.models import AuditEvent, Membership, Role
from profiles.models import Ownership, Profile
from tests import builders
from tests.accounts.test_settings import read
from tests.people import World
from tests.test_doors import DOORS, ROUTES, Rows, rows

__all__ = ["rows"]

BEHIND_THE_GATE = sorted(name for name, route in ROUTES.items() if "<slug:organization>" in route)
SAID = "The page that you had open is gone, or you are not a member there any more."


@pytest.fixture
def removed(rows: Rows) -> Client:
    """Mara, a manager, with a page open; Anna removes her."""
    client = rows.client("mara")
    opened = client.get(reverse("tokens:profile_list", args=["alpenglueck"]))
    assert opened.status_code == 200
    membership = Membership.objects.get(user=rows.world.mara)
    members.remove(membership, by=Actor(rows.world.anna))
    return client


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", BEHIND_THE_GATE)
def test_every_click_and_every_form_finds_nothing_and_shows_the_way_to_the_start(
    rows: Rows, removed: Client, name: str, method: str
) -> None:
    lines = AuditEvent.objects.count()
    answer = getattr(removed, method)(rows.address(name), DOORS[name].sent)
    assert answer.status_code == 404
    assert 'href="/"' in answer.content.decode()
    assert "Alpenglück" not in read(answer)
    assert AuditEvent.objects.count() == lines


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", BEHIND_THE_GATE)
def test_what_a_page_asks_by_itself_leads_to_the_start_with_a_sentence(
    rows: Rows, removed: Client, name: str, method: str
) -> None:
    """htmx goes where HX-Redirect says, and so neither asks again nor shows half a page."""
    answer = getattr(removed, method)(rows.address(name), DOORS[name].sent, HTTP_HX_REQUEST="true")
    assert (answer.status_code, answer["HX-Redirect"]) == (404, "/")
    assert answer.content == b""
    start = removed.get(answer["HX-Redirect"])
    assert start.status_code == 200
    assert SAID in read(start)
    assert "You do not belong to an organization yet" in read(start)
    assert SAID not in read(removed.get("/")), "said once"


def test_the_list_that_asks_for_news_is_left(rows: Rows, removed: Client) -> None:
    headers = {"HX-Request": "true", "HX-Target": "news", "X-Seen": "a.b"}
    url = reverse("tokens:profile_list", args=["alpenglueck"])
    assert removed.get(url, headers=headers)["HX-Redirect"] == "/"


def test_who_works_elsewhere_too_is_led_there(rows: Rows) -> None:
    Membership.objects.create(organization=rows.world.nordwind, user=rows.world.mara)
    client = rows.client("mara")
    membership = Membership.objects.get(organization=rows.world.alpenglueck, user=rows.world.mara)
    members.remove(membership, by=Actor(rows.world.anna))
    url = reverse("tokens:profile_list", args=["alpenglueck"])
    answer = client.get(url, headers={"HX-Request": "true"})
    start: Any = client.get(answer["HX-Redirect"], follow=True)
    assert start.redirect_chain == [("/o/nordwind/profiles/", 302)]
    assert SAID in read(start)


def test_an_organization_that_does_not_exist_answers_a_page_just_the_same(rows: Rows) -> None:
    client = rows.client("nils")
    answers = [
        client.get(reverse("tokens:profile_list", args=[slug]), headers={"HX-Request": "true"})
        for slug in ("alpenglueck", "nowhere")
    ]
    assert answers[0].status_code == answers[1].status_code == 404
    assert answers[0].content == answers[1].content
    assert {answer["HX-Redirect"] for answer in answers} == {"/"}


def test_who_only_lost_a_role_keeps_the_list_and_is_told_at_the_rest(
    client: Client, world: World
) -> None:
    profile = builders.profile(world.alpenglueck, owners=(world.mara,))
    client.force_login(world.mara)
    membership = Membership.objects.get(user=world.mara)
    members.change_role(membership, Role.MEMBER, by=Actor(world.anna))
    poll = {"HX-Request": "true", "X-Seen": "a.b"}
    listed = client.get(reverse("tokens:profile_list", args=["alpenglueck"]), headers=poll)
    assert listed.status_code == 200
    url = reverse("profiles:settings", args=["alpenglueck", profile.pk])
    assert client.get(url).status_code == 200
    assert client.post(url, {"mail_when_lost": "on"}).status_code == 403
    assert Ownership.objects.exists()
    assert not Profile.objects.get().mail_when_lost

"""Teams: made, named, filled and deleted by managers and admins."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts import teams
from accounts.actor import Actor
from accounts.models import AuditEvent, Team, TeamMembership
from tests.accounts.test_settings import read
from tests.people import World, person
from tests.roles import queries_of


@pytest.fixture
def as_mara(client: Client, world: World) -> Client:
    world.mara.language = "en"
    world.mara.save()
    client.force_login(world.mara)
    return client


def url(name: str, *ids: Any) -> str:
    return reverse(f"accounts:{name}", args=["alpenglueck", *ids])


def verbs() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("verb", flat=True))


def test_a_manager_makes_a_team_and_goes_on_to_fill_it(as_mara: Client, world: World) -> None:
    answer = as_mara.post(url("teams"), {"name": "Garten"})
    team = Team.objects.get(name="Garten")
    assert team.organization == world.alpenglueck
    assert answer.headers["Location"] == url("team", team.pk)
    assert verbs() == ["team_created"]


@pytest.mark.parametrize("taken", ["Küche", "küche", "  KÜCHE "])
def test_two_teams_of_one_name_are_refused_and_what_was_typed_stays(
    as_mara: Client, world: World, taken: str
) -> None:
    page = as_mara.post(url("teams"), {"name": taken})
    assert page.status_code == 422
    assert "There is already a team with this name. Choose another name." in read(page)
    assert taken.strip() in page.content.decode()
    assert Team.objects.count() == 1


def test_another_organization_may_use_the_same_name(as_mara: Client, world: World) -> None:
    Team.objects.create(organization=world.nordwind, name="Garten")
    as_mara.post(url("teams"), {"name": "Garten"})
    assert world.alpenglueck.teams.filter(name="Garten").exists()


def test_a_team_gets_its_name_and_its_members_in_one_go(as_mara: Client, world: World) -> None:
    as_mara.post(url("team", world.kitchen.pk), {"name": "Backstube", "members": [world.otto.pk]})
    world.kitchen.refresh_from_db()
    assert world.kitchen.name == "Backstube"
    assert list(world.kitchen.members.all()) == [world.otto]
    assert verbs() == ["team_renamed", "team_members_changed"]
    changed = AuditEvent.objects.get(verb="team_members_changed")
    assert changed.details == {
        "added": ["Otto Owner (otto@alpenglueck.example)"],
        "removed": ["Tim Team (tim@alpenglueck.example)"],
    }


def test_saving_a_team_without_a_change_is_no_event(as_mara: Client, world: World) -> None:
    as_mara.post(url("team", world.kitchen.pk), {"name": "Küche", "members": [world.tim.pk]})
    assert verbs() == []


def test_a_team_may_change_the_case_of_its_own_name(as_mara: Client, world: World) -> None:
    as_mara.post(url("team", world.kitchen.pk), {"name": "KÜCHE", "members": [world.tim.pk]})
    world.kitchen.refresh_from_db()
    assert world.kitchen.name == "KÜCHE"


def test_a_refused_name_changes_no_member_either(as_mara: Client, world: World) -> None:
    Team.objects.create(organization=world.alpenglueck, name="Garten")
    page = as_mara.post(
        url("team", world.kitchen.pk), {"name": "Garten", "members": [world.otto.pk]}
    )
    assert page.status_code == 422
    assert list(world.kitchen.members.all()) == [world.tim]
    assert verbs() == []


@pytest.mark.parametrize("stranger", ["neighbour", "nobody", "nonsense"])
def test_only_members_of_the_organization_come_into_a_team(
    as_mara: Client, world: World, stranger: str
) -> None:
    sent = {
        "neighbour": str(world.nils.pk),
        "nobody": "7f3f6a52-0000-4000-8000-000000000000",
        "nonsense": "nils",
    }[stranger]
    page = as_mara.post(url("team", world.kitchen.pk), {"name": "Küche", "members": [sent]})
    assert page.status_code == 422
    assert list(world.kitchen.members.all()) == [world.tim]


def test_a_person_who_left_meanwhile_is_not_put_into_a_team(world: World) -> None:
    teams.set_members(world.kitchen, [world.nils, world.otto], by=Actor(world.mara))
    assert list(world.kitchen.members.all()) == [world.otto]


def test_asking_whether_to_delete_deletes_nothing(as_mara: Client, world: World) -> None:
    assert "Küche" in read(as_mara.get(url("team_delete", world.kitchen.pk)))
    assert world.alpenglueck.teams.exists()


def test_a_deleted_team_stays_in_the_log_by_its_name(as_mara: Client, world: World) -> None:
    as_mara.post(url("team_delete", world.kitchen.pk))
    assert not world.alpenglueck.teams.exists()
    event = AuditEvent.objects.get()
    named = (event.verb, event.object_name, event.object_id)
    assert named == ("team_deleted", "Küche", str(world.kitchen.pk))


@pytest.mark.parametrize("more", [0, 12])
def test_the_teams_page_asks_the_database_five_times(
    as_mara: Client, world: World, more: int
) -> None:
    for number in range(more):
        team = Team.objects.create(organization=world.alpenglueck, name=f"Team {number}")
        newcomer = person(f"Guest{number}", world.alpenglueck)
        TeamMembership.objects.create(organization=world.alpenglueck, team=team, user=newcomer)
    assert len(queries_of(lambda: as_mara.get(url("teams")))) == 5

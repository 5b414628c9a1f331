"""Roles, removal, and the last admin."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from accounts import members
from accounts.actor import Actor
from accounts.models import AuditEvent, Membership, Role, Team, TeamMembership, User
from tests.accounts.test_settings import read
from tests.people import World, person, sign_in
from tests.roles import queries_of


def membership_of(user: User) -> Membership:
    return Membership.objects.get(user=user, organization__slug="alpenglueck")


def post(client: Client, name: str, user: User, **sent: str) -> Any:
    membership = membership_of(user)
    url = reverse(f"accounts:{name}", args=[membership.organization.slug, membership.pk])
    return client.post(url, sent, follow=True)


@pytest.fixture
def as_anna(client: Client, world: World) -> Client:
    world.anna.language = "en"
    world.anna.save()
    return sign_in(client, world.anna)


def test_an_admin_changes_a_role_and_the_log_says_so(as_anna: Client, world: World) -> None:
    post(as_anna, "member_role", world.otto, role="manager")
    assert membership_of(world.otto).role == Role.MANAGER
    event = AuditEvent.objects.get(verb="role_changed")
    assert (event.actor_name, event.actor_email) == ("Anna Huber", "anna@alpenglueck.example")
    assert event.object_name == "Otto Owner (otto@alpenglueck.example)"
    assert event.details == {"before": "member", "after": "manager"}
    assert event.ip_address == "127.0.0.1"


def test_a_role_that_is_none_changes_nothing(as_anna: Client, world: World) -> None:
    page = post(as_anna, "member_role", world.otto, role="emperor")
    assert "Choose one from the list" in read(page)
    assert membership_of(world.otto).role == Role.MEMBER
    assert not AuditEvent.objects.exists()


def test_the_same_role_again_is_no_event(as_anna: Client, world: World) -> None:
    post(as_anna, "member_role", world.otto, role="member")
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    ("name", "sent"), [("member_role", {"role": "member"}), ("member_remove", {})]
)
def test_the_last_admin_stays_and_is_told_what_to_do_first(
    as_anna: Client, world: World, name: str, sent: dict[str, str]
) -> None:
    page = post(as_anna, name, world.anna, **sent)
    assert "Anna Huber is the only admin. Make somebody else an admin first" in read(page)
    assert membership_of(world.anna).role == Role.ADMIN
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    ("name", "sent"), [("member_role", {"role": "member"}), ("member_remove", {})]
)
def test_one_of_two_admins_may_go(
    as_anna: Client, world: World, name: str, sent: dict[str, str]
) -> None:
    Membership.objects.filter(user=world.mara).update(role=Role.ADMIN)
    post(as_anna, name, world.anna, **sent)
    assert not Membership.objects.filter(user=world.anna, role=Role.ADMIN).exists()


def test_an_admin_of_another_organization_does_not_count(as_anna: Client, world: World) -> None:
    Membership.objects.create(organization=world.nordwind, user=world.mara, role=Role.ADMIN)
    page = post(as_anna, "member_role", world.anna, role="member")
    assert "is the only admin" in read(page)


@pytest.mark.django_db(transaction=True)
def test_two_admins_who_demote_each_other_at_once_leave_one(world: World) -> None:
    Membership.objects.filter(user=world.mara).update(role=Role.ADMIN)
    refusals: list[members.Refused] = []

    def mara_is_demoted() -> None:
        try:
            members.change_role(membership_of(world.mara), Role.MEMBER, by=Actor(world.anna))
        except members.Refused as refusal:
            refusals.append(refusal)
        finally:
            connection.close()

    other = threading.Thread(target=mara_is_demoted)
    with transaction.atomic():
        members.change_role(membership_of(world.anna), Role.MEMBER, by=Actor(world.mara))
        other.start()
        other.join(0.5)  # it has to wait for us
    other.join()
    admins = Membership.objects.filter(organization=world.alpenglueck, role=Role.ADMIN)
    assert [membership.user for membership in admins] == [world.mara]
    assert len(refusals) == 1


def test_a_removed_member_leaves_the_teams_too(as_anna: Client, world: World) -> None:
    Membership.objects.create(organization=world.nordwind, user=world.tim)
    elsewhere = Team.objects.create(organization=world.nordwind, name="Deck")
    TeamMembership.objects.create(organization=world.nordwind, team=elsewhere, user=world.tim)
    post(as_anna, "member_remove", world.tim)
    assert [one.organization for one in world.tim.memberships.all()] == [world.nordwind]
    assert list(world.tim.teams.all()) == [elsewhere]
    assert User.objects.filter(pk=world.tim.pk).exists()
    event = AuditEvent.objects.get(verb="member_removed")
    assert (event.object_id, event.object_name) == (
        str(world.tim.pk),
        "Tim Team (tim@alpenglueck.example)",
    )


def test_asking_whether_to_remove_removes_nobody(as_anna: Client, world: World) -> None:
    url = reverse("accounts:member_remove", args=["alpenglueck", membership_of(world.tim).pk])
    assert "Tim Team" in read(as_anna.get(url))
    assert membership_of(world.tim)


def test_who_removes_himself_is_led_out_and_not_into_a_wall(as_anna: Client, world: World) -> None:
    Membership.objects.filter(user=world.mara).update(role=Role.ADMIN)
    page = post(as_anna, "member_remove", world.anna)
    assert page.status_code == 200


def test_removing_somebody_who_has_just_been_removed_is_no_accident(world: World) -> None:
    seen_before = membership_of(world.tim)
    members.remove(membership_of(world.tim), by=Actor(world.anna))
    with pytest.raises(members.Refused):
        members.remove(seen_before, by=Actor(world.anna))
    with pytest.raises(members.Refused):
        members.change_role(seen_before, Role.ADMIN, by=Actor(world.anna))


def test_a_persons_teams_elsewhere_are_not_shown(as_anna: Client, world: World) -> None:
    Membership.objects.create(organization=world.nordwind, user=world.tim, role=Role.MEMBER)
    elsewhere = Team.objects.create(organization=world.nordwind, name="Geheimprojekt")
    TeamMembership.objects.create(organization=world.nordwind, team=elsewhere, user=world.tim)
    page = read(as_anna.get(reverse("accounts:members", args=["alpenglueck"])))
    assert "Küche" in page
    assert "Geheimprojekt" not in page


def test_a_manager_sees_the_members_and_no_button(client: Client, world: World) -> None:
    client.force_login(world.mara)
    page = client.get(reverse("accounts:members", args=["alpenglueck"]))
    assert "Otto Owner" in read(page)
    forms = BeautifulSoup(page.content, "html.parser").select("main form")
    assert forms == []


def test_names_are_text_and_never_markup(as_anna: Client, world: World) -> None:
    world.otto.name = "<script>alert(1)</script>"
    world.otto.save()
    page = as_anna.get(reverse("accounts:members", args=["alpenglueck"])).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


@pytest.mark.parametrize("more", [0, 30])
def test_the_members_page_asks_the_database_six_times(
    as_anna: Client, world: World, more: int
) -> None:
    for number in range(more):
        newcomer = person(f"Guest{number}", world.alpenglueck)
        TeamMembership.objects.create(
            organization=world.alpenglueck, team=world.kitchen, user=newcomer
        )
    url = reverse("accounts:members", args=["alpenglueck"])
    assert len(queries_of(lambda: as_anna.get(url))) == 6

"""What a removed member leaves behind: said before, and gone afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse

from accounts import links
from accounts.models import Invitation, Membership, User
from notifications.planning import plan
from notifications.recipients import recipients_of
from profiles.models import Ownership, Profile
from tests.accounts.test_settings import read
from tests.notifications.conftest import Looked, told
from tests.people import World, sign_in
from tests.roles import queries_of


@pytest.fixture
def as_anna(client: Client, world: World) -> Client:
    User.objects.filter(pk=world.anna.pk).update(language="en")
    return sign_in(client, world.anna)


@pytest.fixture
def page(looked: Looked) -> Profile:
    """Otto owns it, and is the only one to be told."""
    return looked.profile(token=looked.login())


def before_removing(client: Client, person: User) -> str:
    """The question, and the fragment that it loads."""
    membership = Membership.objects.get(organization__slug="alpenglueck", user=person)
    url = reverse("accounts:member_remove", args=["alpenglueck", membership.pk])
    fragment = reverse("notifications:left_behind", args=["alpenglueck", membership.pk])
    assert f'hx-get="{fragment}"' in client.get(url).content.decode()
    return read(client.get(fragment))


def remove(client: Client, person: User) -> None:
    membership = Membership.objects.get(organization__slug="alpenglueck", user=person)
    client.post(reverse("accounts:member_remove", args=["alpenglueck", membership.pk]))


def settings_of(client: Client, profile: Profile) -> str:
    return read(client.get(reverse("notifications:recipients", args=["alpenglueck", profile.pk])))


def may_be_told(user: User) -> None:
    User.objects.filter(pk=user.pk).update(wants_token_mail=True)


def test_a_profile_that_nobody_else_is_told_of_is_named(
    as_anna: Client, world: World, page: Profile
) -> None:
    said = before_removing(as_anna, world.otto)
    assert "Otto Owner owns 1 profile here" in said
    assert "Nobody will be notified afterwards of: Alpenglück (LinkedIn)" in said
    assert "Make somebody else an owner there first." in said


def test_a_profile_that_somebody_else_is_told_of_is_only_counted(
    as_anna: Client, world: World, looked: Looked, page: Profile
) -> None:
    looked.own(page, world.tim)
    assert "Nobody will be notified" in before_removing(as_anna, world.otto), "not opted in"
    may_be_told(world.tim)
    said = before_removing(as_anna, world.otto)
    assert "Otto Owner owns 1 profile here" in said
    assert "Nobody will be notified" not in said


def test_who_owns_nothing_leaves_nothing_behind(
    as_anna: Client, world: World, page: Profile
) -> None:
    assert before_removing(as_anna, world.tim) == "Tim Team owns no profile here."


def test_what_the_person_owns_elsewhere_is_not_told(
    as_anna: Client, world: World, page: Profile
) -> None:
    Membership.objects.create(organization=world.nordwind, user=world.tim)
    theirs = Looked(world.nordwind, world.tim)
    theirs.profile("Geheim", token=theirs.login())
    assert before_removing(as_anna, world.tim) == "Tim Team owns no profile here."


def test_of_many_profiles_ten_are_named_in_three_queries(
    as_anna: Client, world: World, looked: Looked
) -> None:
    token = looked.login()
    for number in range(13):
        looked.profile(f"Profile {number:02}", token=token)
    said = before_removing(as_anna, world.otto)
    assert "owns 13 profiles here" in said
    assert "Profile 09" in said and "Profile 10" not in said
    assert "and 3 more" in said
    membership = Membership.objects.get(user=world.otto)
    url = reverse("notifications:left_behind", args=["alpenglueck", membership.pk])
    # session, reader, gate; the membership, what it owns, and who is told
    assert len(queries_of(lambda: as_anna.get(url))) == 6


def test_afterwards_the_settings_warn_and_nobody_is_written_to(
    as_anna: Client, world: World, looked: Looked, page: Profile
) -> None:
    assert "Nobody will be notified." not in settings_of(as_anna, page)
    remove(as_anna, world.otto)
    said = settings_of(as_anna, page)
    assert "Nobody will be notified. This profile has no owners." in said
    looked.lose(page)
    plan()
    assert told() == set()
    assert recipients_of([page.pk]) == {}


def test_who_is_invited_again_owns_nothing(as_anna: Client, world: World, page: Profile) -> None:
    remove(as_anna, world.otto)
    assert not Ownership.objects.exists()
    sent = {"email": world.otto.email, "role": "member"}
    as_anna.post(reverse("accounts:invite", args=["alpenglueck"]), sent)
    otto = Client()
    otto.force_login(world.otto)
    otto.post(links.path_of(Invitation.objects.get()))
    assert Membership.objects.filter(user=world.otto).exists()
    listed: Any = otto.get(reverse("tokens:profile_list", args=["alpenglueck"]))
    assert listed.status_code == 200
    assert list(listed.context["page"]) == []
    assert EmailAddress.objects.filter(user=world.otto, verified=True).exists()


def test_what_the_person_owns_elsewhere_stays(as_anna: Client, world: World, page: Profile) -> None:
    Membership.objects.create(organization=world.nordwind, user=world.otto)
    theirs = Looked(world.nordwind, world.otto)
    theirs.profile("Deck", token=theirs.login())
    remove(as_anna, world.otto)
    assert [row.profile.name for row in Ownership.objects.all()] == ["Deck"]

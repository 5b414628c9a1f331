"""How an installation gets its first organization, and what a person takes along who leaves."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client

from accounts import invitations, links, members, tasks
from accounts.actor import Actor
from accounts.models import AuditEvent, Invitation, Membership, Organization, Role
from tests.people import World


@pytest.fixture
def invited(world: World) -> Invitation:
    """An address of her own that the admin Anna has invited as an admin."""
    mara = Membership.objects.get(user=world.mara)
    members.change_role(mara, Role.ADMIN, by=Actor(world.anna))
    return invitations.invite(
        world.alpenglueck, "private@anna.example", Role.ADMIN, by=Actor(world.anna)
    )


def test_the_first_admin_is_invited_by_a_command(
    db: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks():
        call_command("create_organization", "neu", "Neu AG", "chef@neu.example")
    invitation = Invitation.objects.get()
    tasks.send_invitation(str(invitation.pk))
    assert (invitation.organization.name, invitation.role) == ("Neu AG", Role.ADMIN)
    assert mail.outbox[0].to == ["chef@neu.example"]


@pytest.mark.parametrize(("slug", "email"), [("not a slug", "a@b.example"), ("neu", "nobody")])
def test_a_command_with_a_slip_creates_nothing(db: Any, slug: str, email: str) -> None:
    with pytest.raises(CommandError):
        call_command("create_organization", slug, "Neu AG", email)
    assert not Organization.objects.exists()


def test_who_is_removed_does_not_come_back_by_an_invitation_of_her_own(
    world: World, invited: Invitation
) -> None:
    link = links.path_of(invited)
    members.remove(Membership.objects.get(user=world.anna), by=Actor(world.mara))
    assert Client().get(link).status_code == 410
    assert not Invitation.objects.exists()
    assert AuditEvent.objects.filter(verb="invitation_revoked").exists()


def test_who_is_no_admin_any_more_has_invited_nobody(world: World, invited: Invitation) -> None:
    members.change_role(Membership.objects.get(user=world.anna), Role.MEMBER, by=Actor(world.mara))
    assert not Invitation.objects.exists()


def test_an_invitation_that_was_lost_with_the_broker_is_sent_all_the_same(
    world: World, invited: Invitation, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(tasks.send_invitation, "delay", sent.append)
    tasks.send_what_was_left()
    assert sent == []
    Invitation.objects.update(created_at=invited.created_at - tasks.LEFT_AFTER)
    tasks.send_what_was_left()
    assert sent == [str(invited.pk)]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "seen"),
    [
        (0, "203.0.113.9", "127.0.0.1"),
        (1, "198.51.100.7, 203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.7, 203.0.113.9", "198.51.100.7"),
        (1, "nonsense", None),
        (2, "203.0.113.9", None),
    ],
)
def test_the_log_names_the_client_and_not_the_proxy(
    world: World, settings: Any, rf: Any, proxies: int, forwarded: str, seen: str | None
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    request = rf.get("/", headers={"x-forwarded-for": forwarded})
    request.user = world.anna
    event = Actor.of(request).record("joined", world.alpenglueck)
    event.refresh_from_db()
    assert event.ip_address == seen

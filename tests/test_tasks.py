"""Every task of the product, and what it does with arguments that somebody else chose.

The broker is a door like any other: who can write to it can hand a task whatever he likes. A task
that is missing here fails the first test.
"""

from __future__ import annotations

import inspect
import socket
import uuid
from typing import Any

import pytest
from django.core import mail

from accounts import invitations
from accounts.actor import Actor
from accounts.models import AuditEvent, Invitation, Membership, Role
from accounts.tasks import send_invitation
from config.celery import app
from networks.registry import NETWORKS
from notifications.models import Notice
from profiles.models import Profile
from tests import builders
from tests.people import World
from tokens.models import Lease, StatusChange, Token
from tokens.tasks import probe_network, tell

# Name -> what it takes. An id names a row of any organization: what the task does with it must be
# that organization's own business.
TASKS: dict[str, tuple[str, ...]] = {
    "accounts.tasks.forget_what_is_over": (),
    "accounts.tasks.send_invitation": ("invitation",),
    "accounts.tasks.send_what_was_left": (),
    "config.tasks.heartbeat": (),
    "notifications.tasks.forget_what_is_over": (),
    "notifications.tasks.look_ahead": (),
    "notifications.tasks.plan_and_send": (),
    "notifications.tasks.post_events": (),
    "notifications.tasks.tell_operators": (),
    "tokens.tasks.count_deaths": (),
    "tokens.tasks.count_watched": (),
    "tokens.tasks.forget_unused": (),
    "tokens.tasks.probe_network": ("network",),
    "tokens.tasks.watch": (),
}
ROWS = (Token, Profile, StatusChange, Notice, Membership, AuditEvent)


@pytest.fixture
def invitation(world: World, db: None) -> Invitation:
    return invitations.invite(
        world.alpenglueck, "nora@alpenglueck.example", Role.MEMBER, by=Actor(world.anna)
    )


def test_every_task_has_its_line_in_the_table() -> None:
    app.loader.import_default_modules()
    ours = {name for name in app.tasks if not name.startswith("celery.")}
    assert ours == set(TASKS)


def test_no_task_takes_more_than_an_id_or_a_network() -> None:
    """So that no message holds a secret."""
    app.loader.import_default_modules()
    for name, taken in TASKS.items():
        run = inspect.unwrap(app.tasks[name].run)
        assert len(inspect.signature(run).parameters) == len(taken), name


def test_an_id_that_is_nobodys_does_nothing(invitation: Invitation) -> None:
    send_invitation(str(uuid.uuid4()))
    assert not mail.outbox
    invitation.refresh_from_db()
    assert invitation.sent_at is None


def test_the_id_of_another_kind_of_row_does_nothing(world: World, invitation: Invitation) -> None:
    token = builders.token(world.alpenglueck)
    for other in (token.pk, world.nordwind.pk, world.nils.pk):
        send_invitation(str(other))
    assert not mail.outbox


def test_an_invitation_is_mailed_to_whom_it_is_for_in_the_name_of_its_own_organization(
    world: World, invitation: Invitation
) -> None:
    """Whoever chooses the id chooses neither the reader nor what is read."""
    theirs = invitations.invite(
        world.nordwind, "jan@nordwind.example", "member", by=Actor(world.nils)
    )
    send_invitation(str(theirs.pk))
    [sent] = mail.outbox
    assert sent.to == ["jan@nordwind.example"]
    assert "Nordwind Reederei" in sent.subject + str(sent.body)
    assert "Alpenglück" not in sent.subject + str(sent.body)
    invitation.refresh_from_db()
    assert invitation.sent_at is None


@pytest.mark.parametrize("how", ["accepted", "revoked", "expired", "sent"])
def test_an_invitation_that_is_over_is_not_mailed(
    world: World, invitation: Invitation, how: str
) -> None:
    if how == "revoked":
        invitations.revoke(invitation, by=Actor(world.anna))
    else:
        field = {"accepted": "accepted_at", "sent": "sent_at", "expired": "created_at"}[how]
        Invitation.objects.update(**{field: invitation.created_at - Invitation.AGE})
    send_invitation(str(invitation.pk))
    assert not mail.outbox


@pytest.mark.parametrize("slug", ["nowhere", "", "linkedin' OR 1=1", "../linkedin"])
def test_a_network_that_does_not_exist_is_asked_nothing(
    world: World, practice: Any, slug: str
) -> None:
    builders.token(world.alpenglueck)
    before = {model: list(model.objects.values()) for model in ROWS}
    probe_network(slug)
    assert {model: list(model.objects.values()) for model in ROWS} == before
    assert not Lease.objects.exists()


def test_each_network_of_the_schedule_exists() -> None:
    asked = [entry.get("args") for entry in app.conf.beat_schedule.values()]
    assert sorted(args[0] for args in asked if args) == sorted(NETWORKS)


def test_without_a_broker_changes_are_told_later_and_the_engine_goes_on(
    monkeypatch: Any, caplog: Any
) -> None:
    with app.connection_for_write("redis://127.0.0.1:1/0") as nowhere:
        monkeypatch.setattr(app, "connection_for_write", lambda *_, **__: nowhere)
        monkeypatch.setattr(app.amqp, "_producer_pool", None)  # it may be connected already
        tell()
    assert "nobody was told of changes: OperationalError" in caplog.text


def test_a_broker_that_never_answers_holds_nobody_up(monkeypatch: Any, caplog: Any) -> None:
    options = app.conf.broker_transport_options
    shorter = {name: options[name] / 20 for name in ("socket_timeout", "socket_connect_timeout")}
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        with app.connection_for_write(address, transport_options=shorter) as nowhere:
            monkeypatch.setattr(app, "connection_for_write", lambda *_, **__: nowhere)
            monkeypatch.setattr(app.amqp, "_producer_pool", None)
            tell()
    assert "nobody was told of changes: OperationalError" in caplog.text

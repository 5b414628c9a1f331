"""Mails that come back: an address that is gone is marked, and nobody can mark another's."""

from __future__ import annotations

import io
import mailbox
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.models import Organization, User
from accounts.walls import ENGINE
from notifications import bounces
from notifications.models import Notice, RefusedAddress
from notifications.tasks import look_ahead, plan_and_send
from tests.notifications.conftest import Looked, Postbox
from tests.people import World

# As Postfix writes it.
REPORT = """\
From: MAILER-DAEMON@mx.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: tokenwacht@localhost
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"
Message-Id: <{own}@mx.example>

--b
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; forwarded@elsewhere.example
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} <forwarded@elsewhere.example>: no
    such user

--b
Content-Type: {quoted}

From: Tokenwacht <tokenwacht@localhost>
Message-ID: <{mail}@testserver>
Subject: LinkedIn

--b--
"""


def report(
    mail: object,
    status: str = "5.1.1",
    action: str = "failed",
    quoted: str = "text/rfc822-headers",
) -> bytes:
    text = REPORT.format(mail=mail, status=status, action=action, quoted=quoted, own=uuid4())
    return text.encode()


@pytest.fixture
def sent(looked: Looked, postbox: Postbox) -> Notice:
    """A mail to Otto that his server took."""
    looked.lose(looked.profile(token=looked.login()))
    plan_and_send()
    notice: Notice = Notice.objects.get()
    assert notice.sent_at
    return notice


@pytest.mark.parametrize("quoted", ["text/rfc822-headers", "message/rfc822"])
def test_an_address_whose_mail_came_back_gets_no_more(
    world: World, looked: Looked, postbox: Postbox, sent: Notice, quoted: str
) -> None:
    assert bounces.read(report(sent.mail, quoted=quoted)) == world.otto.email

    looked.lose(looked.profile(token=looked.login()))
    plan_and_send()

    assert len(postbox.mails) == 1
    assert RefusedAddress.objects.get().said.startswith("5.1.1 smtp; 550 5.1.1")


def test_admins_hear_of_what_came_back(world: World, postbox: Postbox, sent: Notice) -> None:
    Organization.objects.update(escalates=True)
    bounces.read(report(sent.mail))

    look_ahead()

    assert [mail["To"] for mail in postbox.mails] == [world.otto.email, world.anna.email]


@pytest.mark.parametrize(
    "what",
    [
        {"status": "4.4.1"},
        {"status": "5.2.2"},  # a full mailbox
        {"status": "5.7.1"},  # policy: the operator's trouble
        {"action": "delayed"},
        {"action": "delivered", "status": "2.0.0"},
    ],
)
def test_what_may_pass_marks_nothing(sent: Notice, what: dict[str, str]) -> None:
    assert not bounces.read(report(sent.mail, **what))
    assert not RefusedAddress.objects.exists()


def test_a_report_of_a_mail_that_was_never_ours_marks_nothing(sent: Notice) -> None:
    assert not bounces.read(report(uuid4()))
    assert not RefusedAddress.objects.exists()


@pytest.mark.parametrize(
    "noise", [b"", b"\xff\x00\r\n\r\n", b"Subject: I am away\n\nuntil Monday", b"a" * 100_000]
)
def test_what_is_no_report_does_no_harm(sent: Notice, noise: bytes) -> None:
    assert not bounces.read(noise)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.walls.require_role", lambda name: None if name == ENGINE else 1)


@pytest.mark.usefixtures("engine")
def test_a_mail_server_pipes_a_report_in(
    world: World, sent: Notice, monkeypatch: pytest.MonkeyPatch
) -> None:
    piped = SimpleNamespace(buffer=io.BytesIO(report(sent.mail)))
    monkeypatch.setattr("sys.stdin", piped)

    call_command("read_bounces", stdout=io.StringIO())

    assert RefusedAddress.objects.get().email == world.otto.email


@pytest.mark.usefixtures("engine")
def test_a_maildir_is_read_and_emptied(tmp_path: Path, sent: Notice) -> None:
    box = mailbox.Maildir(tmp_path / "box")
    box.add(b"Subject: I am away\n\nuntil Monday")
    box.add(report(sent.mail))

    call_command("read_bounces", maildir=tmp_path / "box", stdout=io.StringIO())

    assert RefusedAddress.objects.count() == 1
    assert not len(box)
    with pytest.raises(CommandError, match="is no Maildir"):
        call_command("read_bounces", maildir=tmp_path)


def test_admins_see_whom_no_mail_reaches(world: World) -> None:
    User.objects.filter(pk=world.anna.pk).update(language="en")
    RefusedAddress.objects.create(email=world.otto.email, said="550 <i>gone</i>")
    RefusedAddress.objects.create(email=world.nils.email, said="550 a neighbour's")
    client = Client()
    client.force_login(world.anna)

    answer: Any = client.get(reverse("notifications:refused", args=["alpenglueck"]))

    shown = answer.content.decode()
    assert f"{world.otto.email}: 550 &lt;i&gt;gone" in shown
    assert world.nils.email not in shown


def test_a_full_mailbox_does_not_mark_the_address(looked: Looked, postbox: Postbox) -> None:
    looked.lose(looked.profile(token=looked.login()))
    postbox.at_recipient = "552 5.2.2 mailbox full"

    plan_and_send()

    assert not RefusedAddress.objects.exists()

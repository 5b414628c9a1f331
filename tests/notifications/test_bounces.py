"""Mails that come back: an address that is gone is marked, and nobody can mark another's."""

from __future__ import annotations

import io
import mailbox
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.models import Organization, User
from accounts.walls import ENGINE
from notifications import bounces
from notifications.models import Notice, Outcome, RefusedAddress
from notifications.tasks import look_ahead, plan_and_send
from tests.notifications import reports
from tests.notifications.conftest import Looked, Postbox
from tests.notifications.reports import report
from tests.people import World


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
        {"status": "5.1.7"},  # our own address: the operator's trouble
        {"status": "5.1.8"},  # likewise
        {"status": "5.2.2"},  # a full mailbox
        {"status": "5.2.3"},  # a mail too long
        {"status": "5.4.1"},  # the network
        {"status": "5.7.1"},  # policy: the operator's trouble
        {"status": "5.0.0", "words": "x-local; no such user"},
        {"status": "5.0.0", "words": "smtp; 550 5.7.1 relaying denied"},
        {"status": "5.0.0", "words": "smtp; 554 rejected"},
        {"status": "5.0.0", "words": "smtp; 450 5.1.1 try again"},
        {"status": ""},
        {"action": "delayed"},
        {"action": "relayed", "status": "2.0.0"},
        {"action": "delivered", "status": "2.0.0"},
        {"action": "expanded", "status": "2.0.0"},
    ],
    ids=str,
)
def test_what_may_pass_marks_nothing(sent: Notice, what: dict[str, str]) -> None:
    assert not bounces.read(report(sent.mail, **what))
    assert not RefusedAddress.objects.exists()
    assert Notice.objects.get().outcome == ""


@pytest.mark.parametrize("write", reports.FINAL, ids=lambda write: write.__name__)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_the_reports_of_each_mail_server_are_read(
    world: World, sent: Notice, write: Callable[..., str], line_end: str
) -> None:
    text = write(sent.mail, world.otto.email).replace("\n", line_end)

    assert bounces.read(text.encode()) == world.otto.email
    assert RefusedAddress.objects.get().said[0] == "5"


@pytest.mark.parametrize("write", reports.PASSING, ids=lambda write: write.__name__)
def test_what_a_mail_server_still_tries_or_has_passed_on_marks_nothing(
    world: World, sent: Notice, write: Callable[..., str]
) -> None:
    assert not bounces.read(write(sent.mail, world.otto.email).encode())
    assert not RefusedAddress.objects.exists()


def test_of_several_recipients_one_that_has_it_is_enough(world: World, sent: Notice) -> None:
    """His address leads to two mailboxes, and one of them is gone."""
    gone, other = reports.recipient("otto@old.example"), reports.recipient
    for second in (
        other("otto@new.example", action="delivered", status="2.0.0"),
        other("otto@new.example", action="relayed", status="2.0.0"),
        other("otto@new.example", action="delayed", status="4.4.1"),
        other("otto@new.example", status="5.2.2"),
    ):
        for both in ((gone, second), (second, gone)):
            assert not bounces.read(reports.status(sent.mail, world.otto.email, *both).encode())
    assert not RefusedAddress.objects.exists()

    both = (gone, reports.recipient("otto@new.example"))
    assert bounces.read(reports.status(sent.mail, world.otto.email, *both).encode())


def test_words_in_utf_8_are_kept_as_they_are(world: World, sent: Notice) -> None:
    words = "smtp; 550 5.1.1 Empfänger unbekannt \N{RIGHT-TO-LEFT OVERRIDE}\0 gro\xdf"
    assert bounces.read(report(sent.mail, words=words))
    assert RefusedAddress.objects.get().said == ("5.1.1 smtp; 550 5.1.1 Empfänger unbekannt groß")


def test_bytes_of_another_alphabet_do_no_harm(world: World, sent: Notice) -> None:
    text = report(sent.mail, words="smtp; 550 5.1.1 Empfänger unbekannt")
    assert bounces.read(text.decode().encode("latin-1"))


def test_the_record_says_that_the_mail_came_back(world: World, sent: Notice) -> None:
    bounces.read(report(sent.mail))

    notice = Notice.objects.get()
    assert notice.sent_at
    assert notice.outcome == Outcome.REFUSED
    assert notice.detail.startswith("5.1.1 smtp; 550")


def test_an_address_that_was_changed_meanwhile_is_not_marked(
    world: World, sent: Notice, postbox: Postbox
) -> None:
    """The report is about the one before; the reader is told again, at the new one."""
    User.objects.filter(pk=world.otto.pk).update(email="otto@new.example")
    EmailAddress.objects.filter(user=world.otto).update(email="otto@new.example")

    assert not bounces.read(report(sent.mail))
    look_ahead()

    assert not RefusedAddress.objects.exists()
    assert [mail["To"] for mail in postbox.mails] == [world.otto.email, "otto@new.example"]


def test_a_report_of_a_mail_that_was_never_ours_marks_nothing(sent: Notice) -> None:
    assert not bounces.read(report(uuid4()))
    assert not RefusedAddress.objects.exists()


@pytest.mark.parametrize(
    "noise",
    [
        b"",
        b"\xff\x00\r\n\r\n",
        b"Subject: I am away\n\nuntil Monday",
        b"a" * 100_000,
        b"Content-Type: message/delivery-status\n\n",
        b"Content-Type: message/delivery-status\n\nContent-Type: multipart/mixed; boundary=b\n\n",
        b"Content-Type: message/delivery-status\n\nContent-Type: message/rfc822\n\nA: b\n\nc",
        b"X-Failed-Recipients: a\nContent-Type: message/rfc822\n\nA: b\n\nc",
        b"X-Failed-Recipients:\n\n  550 5.1.1 no such user",
        "".join(
            f"Content-Type: multipart/mixed; boundary={n}\n\n--{n}\n" for n in range(3000)
        ).encode(),
    ],
    ids=len,
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

"""Over mail-devel, a mail server that we did not write: signing in, TLS, and refusals."""

from __future__ import annotations

import imaplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone

from accounts.models import User
from notifications.delivery import SERVER_AWAY
from notifications.models import Notice, Outcome, RefusedAddress
from notifications.planning import plan
from notifications.sending import send_due
from notifications.tasks import plan_and_send
from profiles.models import Profile
from tests.networks.test_addresses import certified
from tests.notifications.conftest import Looked, let_time_pass
from tests.people import World
from tests.sandbox.driver import free_port

HOST, NAME, PASSWORD = "127.0.0.1", "tokenwacht", "a good password"
START = 30.0  # seconds; a slow machine that also compiles needs them


@dataclass
class MailServer:
    smtp: int
    imap: int

    def mails(self) -> list[EmailMessage]:
        """What a mail program finds in the one mailbox of everybody."""
        with imaplib.IMAP4(HOST, self.imap) as program:
            program.login(NAME, PASSWORD)
            program.select("INBOX", readonly=True)
            numbers = program.search(None, "ALL")[1][0].split()
            found: list[Any] = [program.fetch(one, "(RFC822)")[1][0] for one in numbers]
        return [message_from_bytes(one[1], policy=policy.default) for one in found]


Start = Callable[..., MailServer]


@pytest.fixture
def start(settings: Any, tmp_path: Path) -> Iterator[Start]:
    """`start("--auth-required")`: it runs, and Django speaks to it, and signs in."""
    running = []

    def starting(*options: str) -> MailServer:
        server = MailServer(free_port(), free_port())
        ports = ["--smtp-port", server.smtp, "--imap-port", server.imap]
        who = ["--host", HOST, "--user", NAME, "--password", PASSWORD, "--no-http"]
        module = [sys.executable, "-m", "tests.notifications.mail_server"]
        log = (tmp_path / "log").open("w")
        program = subprocess.Popen(
            [*module, *map(str, ports), *who, *options], stdout=log, stderr=log
        )
        running.append((program, log))
        wait_for(server, program, tmp_path / "log")
        return server

    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_TIMEOUT = HOST, 5
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = NAME, PASSWORD
    try:
        yield lambda *options: speaking_to(starting(*options), settings)
    finally:
        for program, log in running:
            program.terminate()
            program.wait(10)
            log.close()


def speaking_to(server: MailServer, settings: Any) -> MailServer:
    settings.EMAIL_PORT = server.smtp
    return server


def wait_for(server: MailServer, program: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        assert program.poll() is None, log.read_text()
        try:
            for port in (server.smtp, server.imap):
                socket.create_connection((HOST, port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(log.read_text())


@pytest.fixture
def server(start: Start) -> MailServer:
    """Takes mail only from those who have signed in."""
    return start("--auth-required")


@pytest.fixture
def lost(looked: Looked) -> Profile:
    """One page that has just lost its last access; Otto is owed a mail."""
    profile = looked.profile(token=looked.login())
    looked.lose(profile)
    plan()
    return profile


def nobody_is_given_up(notice: Notice) -> bool:
    return notice.given_up_at is None and not RefusedAddress.objects.exists()


def moves_to(user: User, email: str) -> None:
    EmailAddress.objects.filter(user=user).update(email=email)
    User.objects.filter(pk=user.pk).update(email=email)


# --- Signing in --------------------------------------------------------------------------------


@pytest.mark.usefixtures("lost")
def test_with_the_right_password_the_mail_arrives(world: World, server: MailServer) -> None:
    send_due()

    [mail] = server.mails()
    assert mail["To"] == world.otto.email
    assert Notice.objects.get().sent_at


@pytest.mark.usefixtures("lost")
@pytest.mark.parametrize("word", ["a bad one", ""], ids=["wrong", "none"])
def test_without_the_password_nothing_is_given_up_and_nobody_marked(
    server: MailServer, settings: Any, word: str
) -> None:
    """That is the operator's trouble. It is tried again, each time a little later, and leaves as
    soon as the password is right."""
    settings.EMAIL_HOST_PASSWORD = word
    pauses = []
    for _ in range(4):
        send_due()
        notice = Notice.objects.get()
        assert nobody_is_given_up(notice)
        assert any(code in notice.detail for code in ("535", "530"))
        assert PASSWORD not in notice.detail
        pauses.append(round((notice.next_attempt_at - timezone.now()).total_seconds() / 60))
        let_time_pass()
    assert pauses == [1, 5, 5, 5]
    assert timedelta(minutes=pauses[-1]) == SERVER_AWAY
    assert not server.mails()

    settings.EMAIL_HOST_PASSWORD = PASSWORD
    send_due()

    assert len(server.mails()) == 1


def test_a_wrong_password_is_tried_once_for_all_that_is_owed(
    looked: Looked, server: MailServer, settings: Any
) -> None:
    """Servers shut out who guesses."""
    settings.EMAIL_HOST_PASSWORD = "a bad one"
    looked.lose(*(looked.profile(token=looked.login()) for _ in range(5)))

    plan_and_send()
    plan_and_send()

    assert sum(Notice.objects.values_list("attempts", flat=True)) == 1


# --- TLS ---------------------------------------------------------------------------------------


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    certified(tmp_path, "localhost")
    return tmp_path / "localhost.pem"


@pytest.fixture
def behind_tls(start: Start, authority: Path, settings: Any) -> MailServer:
    """Takes nothing, no password either, before STARTTLS."""
    settings.EMAIL_HOST, settings.EMAIL_USE_TLS = "localhost", True
    key = authority.with_suffix(".key")
    only = ("--starttls-required", "--auth-required", "--auth-require-tls")
    return start("--cert", str(authority), "--key", str(key), *only)


@pytest.mark.usefixtures("lost")
def test_by_starttls_the_mail_arrives(
    behind_tls: MailServer, authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))

    send_due()

    assert Notice.objects.get().sent_at


@pytest.mark.usefixtures("lost", "behind_tls")
def test_a_server_whose_certificate_nobody_vouches_for_gets_no_password() -> None:
    send_due()

    notice = Notice.objects.get()
    assert nobody_is_given_up(notice)
    assert "CERTIFICATE_VERIFY_FAILED" in notice.detail
    assert notice.next_attempt_at <= timezone.now() + SERVER_AWAY


@pytest.mark.usefixtures("lost", "behind_tls")
def test_a_server_that_wants_tls_has_not_refused_the_reader(settings: Any) -> None:
    settings.EMAIL_USE_TLS = False

    send_due()

    assert nobody_is_given_up(Notice.objects.get())
    assert not Notice.objects.get().sent_at


# --- Refusals ----------------------------------------------------------------------------------


def test_a_mailbox_that_does_not_exist_stops_for_its_reader_alone(
    world: World, looked: Looked, server: MailServer
) -> None:
    world.mara.wants_token_mail = True
    world.mara.save()
    moves_to(world.otto, "gone@alpenglueck.example")
    page = looked.profile(token=looked.login())
    looked.own(page, world.mara)
    looked.lose(page)

    plan_and_send()

    assert [mail["To"] for mail in server.mails()] == [world.mara.email]
    refused = Notice.objects.get(user=world.otto)
    assert refused.outcome == Outcome.REFUSED
    assert refused.detail == "550 5.1.1 No such user here"
    assert RefusedAddress.objects.get().email == "gone@alpenglueck.example"


def test_a_refusal_for_now_is_tried_again(world: World, looked: Looked, server: MailServer) -> None:
    moves_to(world.otto, "later@alpenglueck.example")
    looked.lose(looked.profile(token=looked.login()))

    plan_and_send()

    notice = Notice.objects.get()
    assert nobody_is_given_up(notice)
    assert notice.detail.startswith("451 4.7.1")
    moves_to(world.otto, "otto@alpenglueck.example")
    let_time_pass()
    plan_and_send()
    assert len(server.mails()) == 1

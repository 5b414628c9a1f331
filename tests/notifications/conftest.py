"""Profiles that die, and a real mail server to write to."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.db import connection
from django.utils import timezone

from accounts.models import Organization, User
from networks.base import Reason
from notifications.models import Notice
from profiles.models import Ownership, Profile, Status
from tests.people import World
from tokens.models import Access, OAuthApp, StatusChange, Token
from tokens.vault import DataKey

numbers = itertools.count(1)


@dataclass
class Looked:
    """What Alpenglück looks after: makes profiles, connects them, lets them die and recover."""

    organization: Organization
    owner: User

    def login(self, name: str = "Anna Huber", network: str = "linkedin") -> Token:
        app, _ = OAuthApp.objects.get_or_create(network_slug=network, client_id="tests")
        return Token.objects.create(
            organization=self.organization,
            app=app,
            network_slug=network,
            subject=f"login-{next(numbers)}",
            subject_name=name,
            data_key=DataKey.current(self.organization.pk),
            access_token=b"x",
            issued_at=timezone.now(),
            consented_at=timezone.now(),
        )

    def sibling(self, token: Token) -> Token:
        """Another token of that login, by another of our apps: heard of, and asked in its turn."""
        network = token.network_slug
        app = OAuthApp.objects.create(network_slug=network, client_id=f"app-{next(numbers)}")
        other = self.login(token.subject_name, network)
        other.app, other.subject = app, token.subject
        other.probed_at, other.next_probe_at = timezone.now(), timezone.now() + timedelta(hours=4)
        other.save()
        return other

    def profile(
        self, name: str = "Alpenglück", *, token: Token, kind: str = "page", **fields: Any
    ) -> Profile:
        """A valid profile with Otto as its owner and its checkbox ticked."""
        profile = Profile.objects.create(
            organization=self.organization,
            network_slug=token.network_slug,
            kind_slug=kind,
            remote_id=f"remote-{next(numbers)}",
            name=name,
            status=Status.VALID,
            **{"mail_when_lost": True, **fields},
        )
        self.connect(profile, token)
        self.own(profile, self.owner)
        return profile

    def connect(self, profile: Profile, token: Token) -> None:
        """By one more access."""
        Access.objects.create(organization=self.organization, token=token, profile=profile)

    def own(self, profile: Profile, user: User) -> None:
        Ownership.objects.create(organization=self.organization, profile=profile, user=user)

    def lose(
        self,
        *profiles: Profile,
        reason: Reason = Reason.REVOKED_BY_USER,
        token: Token | None = None,
    ) -> list[StatusChange]:
        """The last valid access of each is gone."""
        Profile.objects.filter(pk__in=[profile.pk for profile in profiles]).update(
            status=Status.LOST, reason=reason, since=timezone.now()
        )
        return [self._change(profile, token, reason, False) for profile in profiles]

    def recover(self, profile: Profile) -> StatusChange:
        Profile.objects.filter(pk=profile.pk).update(status=Status.VALID, reason="")
        return self._change(profile, None, None, True)

    def _change(
        self, profile: Profile, token: Token | None, reason: Reason | None, valid: bool
    ) -> StatusChange:
        access = profile.accesses.select_related("token").first()
        token = token or (access.token if access else None)
        return StatusChange.objects.create(
            organization=self.organization,
            profile=profile,
            access=access,
            token=token,
            login_name=token.subject_name if token else "Anna Huber",
            reason=reason or "",
            profile_was_valid=not valid,
            profile_valid=valid,
        )


@pytest.fixture
def looked(world: World) -> Looked:
    world.otto.wants_token_mail = True
    world.otto.save()
    return Looked(world.alpenglueck, world.otto)


class Killed(BaseException):
    """A worker's end. Not an Exception: nothing may catch it and tidy up."""


@contextmanager
def killed_at(statement: int) -> Iterator[None]:
    """The connection's n-th statement is not executed: the worker dies there."""
    seen = 0

    def wrapper(execute: Callable[..., Any], *args: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen == statement:
            raise Killed
        return execute(*args)

    with connection.execute_wrapper(wrapper):
        yield


def let_time_pass(*, by: timedelta = timedelta(days=1)) -> None:
    """Leases end and the next attempts fall due."""
    for notice in Notice.objects.all():
        notice.next_attempt_at -= by
        notice.save()


def told() -> set[tuple[UUID, UUID]]:
    """(profile, person) of every notice."""
    return set(Notice.objects.values_list("change__profile", "user"))


@dataclass
class Postbox:
    """The mail server's side: what it received, and how it behaves."""

    mails: list[EmailMessage] = field(default_factory=list)
    at_sender: str = "250 OK"
    at_recipient: str = "250 OK"
    at_data: str = "250 OK"
    hangs_up: bool = False
    while_receiving: Callable[[], None] = lambda: None

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address if self.at_sender.startswith("250") else None
        return self.at_sender

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.at_recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.at_recipient

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        await asyncio.to_thread(self.while_receiving)
        if self.hangs_up:
            cast(asyncio.Transport, server.transport).abort()
        elif self.at_data.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            self.mails.append(message_from_bytes(content, policy=policy.default))
        return self.at_data

    def to(self, user: User) -> list[EmailMessage]:
        return [mail for mail in self.mails if mail["To"] == user.email]


class Server(Controller):
    """On a port that the kernel chooses."""

    def _trigger_server(self) -> None:
        self.port = cast(asyncio.Server, self.server).sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def postbox(settings: Any) -> Iterator[Postbox]:
    """A real SMTP server on loopback, and Django's real backend speaking to it."""
    box = Postbox()
    server = Server(box, hostname="127.0.0.1", port=0)
    server.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_PORT = server.port
    settings.EMAIL_TIMEOUT = 2
    try:
        yield box
    finally:
        server.stop()

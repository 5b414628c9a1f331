"""A real mail server that fails in turns, and remembers every mail that it has taken."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

MOODS = ("well", "well", "well", "450", "421", "hangs up", "says nothing")
MAIL = re.compile(r"<([0-9a-f-]{36})@")


@dataclass(frozen=True, slots=True)
class Taken:
    """`at`: when the mail was taken, in seconds of the wall clock; `name`: its Message-ID's."""

    at: float
    to: str
    name: str
    text: str


@dataclass
class Postbox:
    mood: str = "well"
    mails: list[Taken] = field(default_factory=list)
    # What happens between taking the next mail and saying so; once.
    before_the_answer: Callable[[], None] | None = None

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.mood == "450":
            return "450 4.2.1 later"
        if self.mood == "says nothing":
            await asyncio.sleep(6)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.mood == "421":
            return "421 4.3.0 busy"
        if self.mood == "hangs up":
            cast(asyncio.Transport, server.transport).abort()
            return "250 nobody hears it"
        mail = message_from_bytes(cast(bytes, envelope.content), policy=policy.default)
        name, body = MAIL.search(str(mail["Message-ID"])), mail.get_body(("plain",))
        assert name and body
        self.mails.append(Taken(time.time(), str(mail["To"]), name[1], str(body.get_content())))
        aimed, self.before_the_answer = self.before_the_answer, None
        if aimed:
            await asyncio.to_thread(aimed)
        return "250 OK"


class Server(Controller):
    """On a port that the kernel chooses."""

    def _trigger_server(self) -> None:
        self.port = cast(asyncio.Server, self.server).sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def postbox() -> Iterator[tuple[Postbox, int]]:
    """The box, and its port."""
    box = Postbox()
    server = Server(box, hostname="127.0.0.1", port=0)
    server.start()
    try:
        yield box, server.port
    finally:
        server.stop()

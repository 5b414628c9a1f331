"""mail-devel, a mail server for developers, as a program with the refusals that it lacks: an
address that begins with `gone` does not exist, and one that begins with `later` is greylisted."""

from __future__ import annotations

from aiosmtpd.smtp import SMTP, Envelope, Session
from mail_devel import __main__, service
from mail_devel.smtp import MemoryHandler

REPLIES = {
    "gone": "550 5.1.1 No such user here",
    "later": "451 4.7.1 Greylisted, please try again",
}


class RefusingHandler(MemoryHandler):
    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        for beginning, reply in REPLIES.items():
            if address.startswith(beginning):
                return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"


if __name__ == "__main__":
    service.MemoryHandler = RefusingHandler
    __main__.main()

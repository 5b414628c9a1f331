"""An SMTP receiver that keeps what it gets, so that one can read what people were told."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from html.parser import HTMLParser
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.store import Store

KEPT = 1000
LINK = re.compile(r"https?://[^\s<>\"']+")
KEEP = """
INSERT INTO mails (recipient, subject, text, html, message_id, received_at, links, headers)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""


class Inbox:
    """The newest thousand mails, one row for each person a mail was sent to."""

    def __init__(self, store: Store) -> None:
        self.store = store

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[None]:
        """Receive mails as long as this lasts."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(self, hostname="practice.example", enable_SMTPUTF8=True, loop=loop),
            host,
            port,
        )
        try:
            yield
        finally:
            server.close()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """aiosmtpd calls this for each mail."""
        content = envelope.content or b""
        raw = content.encode() if isinstance(content, str) else content
        for recipient in envelope.rcpt_tos:
            self.receive(recipient, raw)
        return "250 Message kept"

    def receive(self, recipient: str, raw: bytes) -> None:
        """Read a mail once and keep what there is to know of it."""
        mail = BytesParser(EmailMessage, policy=policy.default).parsebytes(raw)
        text, html = body_of(mail, "plain"), body_of(mail, "html")
        headers = [[name, str(value)] for name, value in mail.items()]
        self.store.run(
            KEEP,
            # A header folded before its first word begins with the fold's blank.
            recipient, str(mail["Subject"] or "").strip(), text, html,
            str(mail["Message-ID"] or "").strip(),
            datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            json.dumps(links_of(html, text)), json.dumps(headers),
        )  # fmt: skip
        self.store.run("DELETE FROM mails WHERE id <= (SELECT max(id) FROM mails) - ?", KEPT)

    def mails(self) -> list[dict[str, Any]]:
        """Every mail kept, the newest last."""
        return [read(row) for row in self.store.all("SELECT * FROM mails ORDER BY id")]

    def mail(self, number: int) -> dict[str, Any] | None:
        """One mail with all its headers."""
        row = self.store.one("SELECT * FROM mails WHERE id = ?", number)
        return {**read(row), "headers": json.loads(row["headers"])} if row else None


def read(row: Any) -> dict[str, Any]:
    """A row as the contract prints it."""
    return {
        "id": row["id"],
        "to": row["recipient"],
        "subject": row["subject"],
        "text": row["text"],
        "html": row["html"],
        "message_id": row["message_id"],
        "received_at": row["received_at"],
        "links": json.loads(row["links"]),
    }


def body_of(mail: EmailMessage, kind: str) -> str:
    """The text of one of the two bodies, if it is there."""
    part = mail.get_body(preferencelist=(kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part else ""


class Hrefs(HTMLParser):
    """Collects the address of every link."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """HTMLParser calls this for each element; entities are decoded already."""
        self.found += [value for name, value in attrs if name == "href" and tag == "a" and value]


def links_of(html: str, text: str) -> list[str]:
    """All addresses of the mail, in order, each once."""
    hrefs = Hrefs()
    hrefs.feed(html)
    written = [address.rstrip(".,;:!?)»]") for address in LINK.findall(text)]
    return list(dict.fromkeys(hrefs.found + written))

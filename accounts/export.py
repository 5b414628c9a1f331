"""The audit log as a file for a spreadsheet, in the reader's language and time."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from io import TextIOWrapper
from tempfile import SpooledTemporaryFile
from typing import IO, cast
from unicodedata import normalize

from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.audit import VERBS, actor_name, changes, plain_sentence
from accounts.models import AuditEvent

COLUMNS = (
    _("When"),
    _("Who"),
    _("Email address"),
    _("What happened"),
    _("Whom or what it is about"),
    _("Entry"),
    _("Details"),
    _("From address"),
)
# Normalized: full-width signs count as those that they look like.
FORMULA = re.compile(r"\s*[=+\-@]|[\t\r\n]")
IN_MEMORY = 2**20  # bytes; a longer file goes to the disk


def as_csv(events: Iterable[AuditEvent]) -> tuple[IO[bytes], int]:
    """The file, ready to be read, and how many entries are in it.

    It is whole before it is sent: what is read here, the transaction of the page lets us see.
    """
    file = cast(IO[bytes], SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115 - the answer closes it
    text = TextIOWrapper(file, encoding="utf-8-sig", newline="")  # by its mark, Excel knows UTF-8
    delimiter = ";" if get_language() == "de" else ","  # what Excel splits at there
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    entries = 0
    for event in events:
        writer.writerow(map(harmless, _cells(event)))
        entries += 1
    text.detach()
    file.seek(0)
    return file, entries


def harmless(cell: str) -> str:
    """Text that a spreadsheet takes for text and not for a formula, whatever somebody is called."""
    return f"'{cell}" if FORMULA.match(normalize("NFKC", cell)) else cell


def _cells(event: AuditEvent) -> tuple[str, ...]:
    known = VERBS.get(event.verb)
    return (
        timezone.localtime(event.at).isoformat(timespec="seconds"),
        actor_name(event),
        event.actor_email,
        str(known.label) if known else event.verb,
        event.object_name,
        plain_sentence(event),
        "; ".join(changes(event)),
        event.ip_address or "",
    )

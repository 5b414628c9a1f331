"""What the mail server pipes into us when a mail did not arrive (docs/operations.md)."""

from __future__ import annotations

import mailbox
import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import walls
from notifications import bounces

LONGEST = 1024 * 1024  # bytes of a report that are read; what matters stands at its beginning


class Command(BaseCommand):
    help = (
        "Reads reports of mails that did not arrive: one from standard input, or all of a Maildir, "
        "which are removed. An address that refuses mail for good gets no more."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--maildir", type=Path, help="a folder with cur, new and tmp")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            walls.require_role(walls.ENGINE)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        if options["maildir"] is None:
            self._read(sys.stdin.buffer.read(LONGEST))
            return
        if not (options["maildir"] / "new").is_dir():
            raise CommandError(f"{options['maildir']} is no Maildir: it has no folder `new`.")
        self._empty(mailbox.Maildir(options["maildir"], create=False))

    def _empty(self, box: mailbox.Maildir) -> None:
        for key in box.keys():  # noqa: SIM118 - iterating over a mailbox opens every mail
            self._read(box.get_bytes(key)[:LONGEST])
            box.discard(key)

    def _read(self, report: bytes) -> None:
        marked = bounces.read(report)
        self.stdout.write(f"Refused: {marked}" if marked else "Nothing follows from it.")

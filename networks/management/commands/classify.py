"""`manage.py classify FILE.jsonl`: what recorded answers of networks mean, a line for each."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError

from networks.records import BadRecord, Figures, Record, record_in, word_of
from networks.registry import NETWORKS

COLUMNS = ("records", "strict", "lenient", "false_dead", "missed_dead")


class Command(BaseCommand):
    help = (
        "Reads recorded answers, one JSON object a line, and prints verdict and reason of each. "
        "Needs no database and no broker. Errors, and the table of --expected, go to stderr."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="the file of records; - reads them from standard input")
        parser.add_argument(
            "--expected", action="store_true", help="compare with the labels of the records"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        figures: dict[str, Figures] = defaultdict(Figures)
        bad = 0
        try:
            for record in self.records(options["file"]):
                if record is None:
                    bad += 1
                    continue
                self.classify(record, figures if options["expected"] else None)
            self.stdout.flush()
        except BrokenPipeError:  # whoever read us has seen enough: docs.python.org/3/library/signal
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if options["expected"]:
            self.stderr.write(table(figures), self.style.NOTICE)
        if bad:
            raise CommandError(f"{bad} of the lines could not be read; the others were.")

    def records(self, path: str) -> Iterator[Record | None]:
        """None stands for a line that is no record, and was complained of."""
        with closing(opened(path)) as file:
            for number, line in enumerate(file, start=1):
                if not line.strip(b"\xef\xbb\xbf \t\r\n"):
                    continue
                try:
                    yield record_in(line, NETWORKS)
                except BadRecord as error:
                    self.stderr.write(f"line {number}: {error}")
                    yield None

    def classify(self, record: Record, figures: dict[str, Figures] | None) -> None:
        verdict = record.read()
        word = word_of(verdict)
        said = {"id": record.id, "verdict": verdict.health.value, "reason": word}
        self.stdout.write(json.dumps(said))
        if figures is None:
            return
        if record.expected is None:
            self.stderr.write(f"{record.id}: no label to compare with")
        elif not figures[record.network.slug].count(record, verdict):
            labels = " or ".join((record.expected, *record.also_ok))
            self.stderr.write(f"{record.id}: read {word}, expected {labels}")


def opened(path: str) -> IO[bytes]:
    if path == "-":
        return os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    try:
        return open(path, "rb")
    except OSError as error:
        raise CommandError(f"Cannot read {path}: {error.strerror}.") from None


def table(figures: dict[str, Figures]) -> str:
    """One row for each network, and their totals."""
    total = Figures(*(sum(getattr(f, name) for f in figures.values()) for name in COLUMNS))
    lines = [f"{'network':<18}" + "".join(f"{name.replace('_', ' '):>16}" for name in COLUMNS)]
    for name, one in [*sorted(figures.items()), ("total", total)]:
        good = (
            f"{n} ({100 * n / one.records if one.records else 100:.1f} %)"
            for n in (one.strict, one.lenient)
        )
        cells = (one.records, *good, one.false_dead, one.missed_dead)
        lines.append(f"{name:<18}" + "".join(f"{cell:>16}" for cell in cells))
    return "\n".join(lines)

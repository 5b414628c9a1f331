"""Rotating keys while everything runs (docs/operations.md)."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import sealing, walls
from tokens import rotation, vault
from tokens.keys import CannotOpen, key_source
from tokens.rotation import NotWhatWasWritten, Tell

BAR = 30


class Command(BaseCommand):
    help = (
        "Wraps every organization's data key with the first of TOKEN_KEYS, and seals the secrets "
        "of second factors with it. Runs while everything runs. Stopped or killed at any moment, "
        "it harms nothing and goes on when run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--data-keys",
            action="store_true",
            help="give every organization a new data key too, and seal its tokens with that",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            walls.require_role(walls.ENGINE)
            vault.require_keys()
            stuck = self._rotate(options["data_keys"])
        except (ImproperlyConfigured, CannotOpen, NotWhatWasWritten) as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. Everything opens; run it again to go on.") from None
        self._say_what_may_leave()
        if stuck:
            raise CommandError(
                "\n".join(stuck) + "\nThese do not open, and stay as they are; everything else is "
                "done. What to do: docs/operations.md, “When something goes wrong”."
            )

    def _rotate(self, data_keys: bool) -> list[str]:
        stuck = rotation.rewrap(self._bar("Data keys wrapped anew"))
        stuck += sealing.reseal(self._bar("Second factors sealed anew"))
        if data_keys:
            if rotation.is_under_way():
                self.stdout.write("An earlier round is not finished: it goes on.")
            else:
                new = rotation.begin_round()
                self.stdout.write(f"Organizations with a new data key: {new}.")
            stuck += rotation.finish_round(self._bar("Rows sealed anew"))
        return stuck

    def _say_what_may_leave(self) -> None:
        first, *others = (key_id.hex() for key_id in key_source().ids())
        used = vault.key_ids_in_use() | sealing.key_ids_in_use()
        self.stdout.write(f"New data keys are wrapped with key {first}, the first of TOKEN_KEYS.")
        for position, key_id in enumerate(others, 2):
            self.stdout.write(
                f"Key {key_id}, number {position}, is still in use. Restart every process with "
                "these TOKEN_KEYS, and run this again."
                if key_id in used
                else f"Key {key_id}, number {position}, wraps nothing any more and may leave "
                "TOKEN_KEYS. Keep it for as long as you keep backups from before."
            )

    def _bar(self, label: str) -> Tell:
        """One line that is rewritten on a terminal, and a line for each step elsewhere."""

        def tell(done: int, total: int) -> None:
            if not self.stdout.isatty():
                self.stdout.write(f"{label}: {done} of {total}")
                return
            filled = "#" * (BAR * done // total)
            end = "\n" if done == total else ""
            self.stdout.write(f"\r{label} [{filled:.<{BAR}}] {done} of {total}", ending=end)
            self.stdout.flush()

        return tell

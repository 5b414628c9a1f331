"""What the engine will ask when, and why (docs/schedule.md). Writes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts import walls
from networks.registry import NETWORKS
from tokens import planned
from tokens.models import Token


class Command(BaseCommand):
    help = "Prints how often each network's tokens are asked, or one token, and why."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--network", help="of one network only: linkedin")
        parser.add_argument("--token", help="why this one is asked when it is; its id")
        parser.add_argument("--json", action="store_true", help="for programs; times in seconds")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            walls.require_role(walls.ENGINE)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        found: planned.Plan | list[planned.Row]
        if options["token"]:
            found = plan = planned.token(self._token(options["token"]), timezone.now())
            lines = self._sentences(plan)
        else:
            found = rows = planned.table(self._slugs(options["network"]), timezone.now())
            lines = self._rows(rows)
        self.stdout.write(
            json.dumps(found, default=_plain) if options["json"] else "\n".join(lines)
        )

    def _slugs(self, slug: str | None) -> list[str]:
        if slug and slug not in NETWORKS:
            raise CommandError(f"There is no network {slug!r}. There are: {', '.join(NETWORKS)}.")
        return [slug] if slug else list(NETWORKS)

    def _token(self, text: str) -> Token:
        try:
            return Token.objects.defer("access_token", "refresh_token", "keep").get(pk=UUID(text))
        except ValueError:
            raise CommandError(
                f"{text!r} is no id of a token: it looks like 0b3c9a52-… The log names them."
            ) from None
        except Token.DoesNotExist:
            raise CommandError(
                f"There is no token {text}. It may have been deleted with its last profile."
            ) from None

    def _rows(self, plan: Iterable[planned.Row]) -> list[str]:
        titles = ("network", "living", "red", "deaths/year", "interval", "calls/day", "late", "due")
        lines = ["{:<16}{:>8}{:>7}{:>13}{:>11}{:>11}{:>7}  {}".format(*titles)]
        for row in plan:
            lines.append(
                f"{row['network']:<16}{row['living']:>8}{row['red']:>7}"
                f"{row['deaths_a_year']:>13.2f}{span(row['interval']):>11}"
                f"{row['calls_a_day']:>11,.0f}{row['late']:>7}  {moment(row['next'])}"
            )
        return lines

    def _sentences(self, plan: planned.Plan) -> list[str]:
        lines = [f"{plan['network']}, login {plan['login']}, {plan['state']}."]
        if plan["leased"]:
            lines.append("A worker is asking it now, or its lease has not ended.")
        lines.append(f"Asked next: {moment(plan['next'])}; last answered: {moment(plan['asked'])}.")
        lines += [f"Known end: {moment(end)}; it is asked right then." for end in plan["ends"]]
        lines.append(
            f"Age: {plan['age']}. History: {plan['history']}. Together: "
            f"{plan['deaths_a_year']:.2f} deaths a year without notice are expected of its like."
        )
        lines.append(
            f"So its like are asked every {span(plan['interval'])}, where the mean over all is "
            f"{span(plan['mean'])} and nobody waits longer than {span(plan['bound'])}."
        )
        return lines


def span(time: timedelta) -> str:
    minutes = round(time.total_seconds() / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def moment(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC" if time else "never"


def _plain(value: object) -> object:
    return value.total_seconds() if isinstance(value, timedelta) else str(value)

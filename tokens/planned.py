"""What the schedule comes to, for those who wonder: of one token, and of each network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypedDict

from django.db.models import Count, Min, Q

from tokens import learning, leases
from tokens.hazards import AGES, HISTORIES, Cell
from tokens.models import Lease, Token

DAY, YEAR = timedelta(days=1), 365


class Row(TypedDict):
    """Of one network. `interval` is the mean of its living tokens'; `late`: due, and not asked."""

    network: str
    living: int
    red: int
    deaths_a_year: float
    interval: timedelta
    calls_a_day: float
    late: int
    next: datetime | None


class Plan(TypedDict):
    """Of one token. `interval` is what those in its classes of age and history are asked by."""

    network: str
    login: str
    state: str
    leased: bool
    next: datetime
    asked: datetime | None
    ends: list[datetime]
    age: str
    history: str
    deaths_a_year: float
    interval: timedelta
    mean: timedelta
    bound: timedelta


def token(token: Token, now: datetime) -> Plan:
    pace, cell = learning.pace(), learning.traits(token).cell(now)
    return Plan(
        network=token.network.name,
        login=token.subject_name,
        state=f"red: {token.reason}" if token.reason else "living",
        leased=Lease.objects.filter(token=token, until__gt=now).exists(),
        next=token.next_probe_at,
        asked=token.probed_at,
        ends=sorted(end for end in set(learning.known_ends(token)) if end and end > now),
        age=_class(cell.age, AGES, "since the consent"),
        history=_class(cell.history, HISTORIES, "since its last death, if ever"),
        deaths_a_year=pace.hazards.of(cell) * YEAR,
        interval=pace.interval if token.reason else pace.interval_of(cell),
        mean=pace.interval,
        bound=pace.bound,
    )


def table(slugs: Iterable[str], now: datetime) -> list[Row]:
    """In two queries, however many tokens there are; the living as they were last counted
    (tasks.count_deaths)."""
    living = Q(reason="")
    counts = {
        row["network_slug"]: row
        for row in Token.objects.values("network_slug").annotate(
            living=Count("pk", filter=living),
            red=Count("pk", filter=~living),
            late=Count("pk", filter=Q(next_probe_at__lte=now) & ~leases.is_leased()),
            next=Min("next_probe_at"),
        )
    }
    seen = {cell: what.living for cell, what in learning.seen().items()}
    return [_row(slug, counts[slug], seen) for slug in slugs if slug in counts]


def _row(slug: str, count: Mapping[str, Any], seen: dict[Cell, float]) -> Row:
    pace = learning.pace()
    cells = {cell: living for cell, living in seen.items() if cell.network == slug and living}
    # Nothing is counted yet: as if all were old, and had never died.
    cells = cells or {Cell(slug, len(AGES), len(HISTORIES)): float(count["living"] or 1)}
    total = sum(cells.values())
    rate = sum(living / (pace.interval_of(cell) / DAY) for cell, living in cells.items()) / total
    hazard = sum(living * pace.hazards.of(cell) for cell, living in cells.items()) / total
    return Row(
        network=slug,
        living=count["living"],
        red=count["red"],
        deaths_a_year=hazard * YEAR,
        interval=DAY / rate,
        calls_a_day=rate * count["living"] + DAY / pace.interval * count["red"],
        late=count["late"],
        next=count["next"],
    )


def _class(number: int, ends: tuple[timedelta, ...], what: str) -> str:
    if number < len(ends):
        return f"at most {ends[number].days} days {what}"
    return f"more than {ends[-1].days} days {what}"

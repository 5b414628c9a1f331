"""Adding up what the engine asked and heard, by app and minute (`tokens.failures.Tally`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection

from networks.base import Health

if TYPE_CHECKING:
    from tokens.models import Token

ADD = """
    INSERT INTO tokens_tally AS tally (app_id, network_slug, minute,
                                       calls, asked, alive, dead, unclear, exposure, cost)
    SELECT app_id, network_slug, date_trunc('minute', minute),
           sum(calls), sum(asked), sum(alive), sum(dead), sum(unclear), sum(exposure), sum(cost)
    FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::int[], %s::int[], %s::int[],
                %s::int[], %s::int[], %s::float8[], %s::numeric[])
         AS count (app_id, network_slug, minute, calls, asked, alive, dead, unclear, exposure, cost)
    WHERE app_id IN (SELECT id FROM tokens_oauthapp)  -- it may have been deleted meanwhile
    GROUP BY 1, 2, 3
    ORDER BY 1, 3  -- two workers lock the same rows in the same order
    ON CONFLICT (app_id, minute) DO UPDATE SET
        calls = tally.calls + excluded.calls,
        asked = tally.asked + excluded.asked,
        alive = tally.alive + excluded.alive,
        dead = tally.dead + excluded.dead,
        unclear = tally.unclear + excluded.unclear,
        exposure = tally.exposure + excluded.exposure,
        cost = tally.cost + excluded.cost
"""
# Those who serve people may write no more than this.
ADD_CALLS = """
    INSERT INTO tokens_tally AS tally (app_id, network_slug, minute, calls, cost)
    SELECT id, network_slug, date_trunc('minute', %s), %s, %s FROM tokens_oauthapp WHERE id = %s
    ON CONFLICT (app_id, minute) DO UPDATE SET
        calls = tally.calls + excluded.calls,
        cost = tally.cost + excluded.cost
"""


@dataclass(slots=True)
class Count:
    """What to add to one app's minute; any moment of it may stand for the minute, and any number
    of counts for the same one. The columns are those of `Tally`."""

    app_id: UUID
    network_slug: str
    minute: datetime
    calls: int = 0
    asked: int = 0
    alive: int = 0
    dead: int = 0
    unclear: int = 0
    exposure: float = 0.0
    cost: Decimal = Decimal(0)

    def take(self, token: Token, health: Health) -> None:
        """One answer about a token as it was claimed. An unclear one says nothing of the time
        since the last: the next clear one will. What is dead cannot die."""
        self.asked += 1
        setattr(self, health.value, getattr(self, health.value) + 1)
        if health is not Health.UNCLEAR and not token.reason:
            unasked = self.minute - (token.probed_at or token.issued_at)
            self.exposure += max(unasked.total_seconds(), 0.0)


def of_answers(answers: Iterable[tuple[Token, Health]], now: datetime) -> list[Count]:
    """What was just answered, by app. Tokens are as they were before the answer."""
    counts: dict[UUID, Count] = {}
    for token, health in answers:
        if token.app_id not in counts:
            counts[token.app_id] = Count(token.app_id, token.network_slug, now)
        counts[token.app_id].take(token, health)
    return list(counts.values())


def add(counts: Iterable[Count]) -> None:
    """Add these to the tallies, in one statement; nothing to add costs none."""
    rows = [astuple(count) for count in counts]
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        with connection.cursor() as cursor:
            cursor.execute(ADD, columns)


def add_calls(count: Count) -> None:
    """Add calls that a person made, and their cost."""
    with connection.cursor() as cursor:
        cursor.execute(ADD_CALLS, (count.minute, count.calls, count.cost, count.app_id))

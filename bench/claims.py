"""What a claim of 1,000 tokens costs in tables of several sizes.

The rows were last written in another order than they are due in, so that a claim of 1,000 finds
hardly two on one page, and nothing is vacuumed: the index of what is due begins with ever more
entries that lead nowhere. Each size has a database of its own, and they take turns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter

from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from accounts.walls import ENGINE, OWNER
from bench.answerer import SLUG
from bench.filling import add_tokens
from bench.measure import Figure
from tokens.leases import claim, end
from tokens.models import Token

CLAIMED = 1000
BLOCK = 10  # claims in one database before the next has its turn
OWN = ("id", "subject", "next_probe_at")
# Rows like the first, which need not open. In the order of every index but that of what is due,
# so that they are soon there; claims find their way by that one, and all others at random.
MULTIPLY = """
    INSERT INTO tokens_token (id, subject, next_probe_at, {columns})
    SELECT uuidv7(), to_char(number, 'FM000000000'), now() - random() * interval '4 hours',
        {columns}
    FROM tokens_token, generate_series(2, %s) AS number
"""
# What the engine does with them afterwards, as far as claims can tell: they queue up again.
QUEUE_UP = """
    UPDATE tokens_token SET next_probe_at = clock_timestamp() - interval '1 second'
    WHERE id = ANY(%s)
"""


@dataclass(slots=True)
class Table:
    """A database with so many tokens, and the milliseconds that claims took there."""

    rows: int
    database: BaseDatabaseWrapper
    times: list[float] = field(default_factory=list)

    def claim(self) -> None:
        connections["default"] = self.database
        for _ in range(BLOCK):
            start = perf_counter()
            tokens = claim(SLUG, CLAIMED)
            self.times.append(1000 * (perf_counter() - start))
            assert len(tokens) == CLAIMED
            with connection.cursor() as cursor:
                cursor.execute(QUEUE_UP, [list(end(tokens))])


def run(
    rows: Sequence[int] = (10_000, 100_000, 1_000_000, 10_000_000), runs: int = 200
) -> Iterator[Figure]:
    """`runs`: claims in each table."""
    add_tokens(1, 2)
    connection.close()
    tables = [Table(count, filled(count)) for count in sorted(rows)]
    for _ in range(runs // BLOCK):
        for table in tables:
            table.claim()
    least = tables[0]
    for table in tables:
        title = f"claiming {CLAIMED:,} of {table.rows:,}"
        value, baseline = median(table.times), median(least.times)
        against = f"of {least.rows:,}"
        of = f"medians of {runs} claims"
        yield Figure("claims", title, value, "ms", against, baseline, value / baseline, of)
        first, last = median(table.times[:BLOCK]), median(table.times[-BLOCK:])
        of = f"medians of {BLOCK} claims"
        against = f"the first {BLOCK}"
        title += f", the last {BLOCK} claims"
        yield Figure("claims", title, last, "ms", against, first, last / first, of)


def filled(count: int) -> BaseDatabaseWrapper:
    """A connection to a database of `count` tokens."""
    name = f"tokens_{count}"
    first = connections["default"]
    with first.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {OWNER}")
    first.close()
    database = first.copy()
    database.settings_dict = first.settings_dict | {"NAME": name, "USER": "postgres"}
    columns = ", ".join(
        str(field.column) for field in Token._meta.concrete_fields if field.column not in OWN
    )
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE tokens_token SET (autovacuum_enabled = off)")
        cursor.execute("SET session_replication_role = replica")  # looks up no foreign keys
        cursor.execute(MULTIPLY.format(columns=columns), [count])
        cursor.execute("VACUUM ANALYZE tokens_token")
        cursor.execute(f"SET ROLE {ENGINE}")
    return database

"""A clock that is moved on, for Python and for PostgreSQL at once: what takes the product days is
lived through in minutes.

The product asks `timezone.now()` what time it is and, where workers have to agree, PostgreSQL's
`statement_timestamp()`: this connection finds one of that name before the usual one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Self
from unittest import mock

from django.db import connection
from django.utils import timezone

SHIFT = """
    CREATE SCHEMA moved;
    CREATE FUNCTION moved.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS $$
        SELECT pg_catalog.statement_timestamp() + current_setting('moved.ahead')::interval
    $$;
    SET search_path = moved, pg_catalog, public;
"""
BACK = "RESET search_path; DROP SCHEMA moved CASCADE"
AHEAD = "SELECT set_config('moved.ahead', %s, false)"


class Clock:
    """`ahead` of the real one, which goes on too."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def go_on(self, span: timedelta) -> None:
        self.ahead += span
        with connection.cursor() as cursor:
            cursor.execute(AHEAD, [f"{self.ahead.total_seconds()} seconds"])


@contextmanager
def moved() -> Iterator[Clock]:
    """For whoever uses this thread's connection."""
    clock = Clock()

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + clock.ahead

    with connection.cursor() as cursor, mock.patch.object(timezone, "datetime", Ahead):
        cursor.execute(SHIFT)
        clock.go_on(timedelta(0))
        try:
            yield clock
        finally:
            cursor.execute(BACK)

"""Two transactions at once, in an order that a test decides."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.db import connection

PATIENCE = 20.0
SOMEBODY_WAITS = """
    SELECT EXISTS (
        SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))
    )
"""


def until_somebody_waits(or_else: Callable[[], bool] = lambda: False) -> None:
    """Return when another connection waits for a lock that this thread's transaction holds, or
    when `or_else` says that it passed by."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with connection.cursor() as cursor:
            cursor.execute(SOMEBODY_WAITS)
            if cursor.fetchone()[0] or or_else():
                return
        time.sleep(0.02)
    raise AssertionError("nobody came to wait for our lock")

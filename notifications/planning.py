"""From what was written down to what is owed: StatusChange rows become rows of each way out.

They and `planned_at` are committed together. A crash before that commit means that it is done
again, so nobody is forgotten; each way's rows are unique per change and reader, so nobody is told
twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

from django.db import transaction
from django.utils import timezone

from notifications import notices, webhooks
from tokens.models import StatusChange

BATCH = 500


class Way(Protocol):
    """A way by which news leave: a module with a model whose rows are owed, and a function from
    changes to the rows that are owed for them."""

    @property
    def ROWS(self) -> type[Any]: ...  # noqa: N802 - a constant of a module

    def owed(self, changes: Sequence[StatusChange], now: datetime) -> Iterable[Any]: ...


WAYS: tuple[Way, ...] = (notices, webhooks)


def plan(limit: int = BATCH) -> int:
    """Plan one batch of changes that nobody else is planning. Returns how many it were."""
    now = timezone.now()
    with transaction.atomic():
        changes = list(
            StatusChange.objects.filter(planned_at=None)
            .select_for_update(skip_locked=True, no_key=True)
            .order_by("pk")[:limit]
        )
        if not changes:
            return 0
        for way in WAYS:
            way.ROWS.objects.bulk_create(way.owed(changes, now), ignore_conflicts=True)
        StatusChange.objects.filter(pk__in=[change.pk for change in changes]).update(planned_at=now)
    return len(changes)

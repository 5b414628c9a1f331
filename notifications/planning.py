"""From what was written down to what is owed: StatusChange rows become Notices.

Notices and `planned_at` are committed together. A crash before that commit means that it is
done again, so nobody is forgotten; Notice is unique per change, person and kind, so nobody is
told twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID, uuid5

from django.db import transaction
from django.utils import timezone

from notifications.models import Notice, NoticeKind
from notifications.recipients import recipients_of
from tokens.models import StatusChange

BATCH = 500


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
        Notice.objects.bulk_create(_owed(changes, now), ignore_conflicts=True)
        StatusChange.objects.filter(pk__in=[change.pk for change in changes]).update(planned_at=now)
    return len(changes)


def _owed(changes: list[StatusChange], now: datetime) -> Iterator[Notice]:
    """One notice for every owner who is to be told that a profile has lost its last access."""
    alarms = [change for change in changes if change.lost_the_last]
    recipients = recipients_of({change.profile_id for change in alarms})
    for change in alarms:
        for recipient in recipients.get(change.profile_id, ()):
            if recipient.is_told:
                yield Notice(
                    organization_id=change.organization_id,
                    change=change,
                    user=recipient.user,
                    kind=NoticeKind.ACCESS_LOST,
                    cause=_cause(change),
                    created_at=now,
                    next_attempt_at=now,
                )


def _cause(change: StatusChange) -> UUID:
    """What brought it about: the token, or where that row is gone, the login it belonged to."""
    return change.token_id or uuid5(change.organization_id, change.login_name)

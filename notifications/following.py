"""What follows when a loss was told and nothing happened: reminders, and at last the admins.

`Notice.follow_up_at` is set where more may have to be said, and emptied in the transaction that
plans it, so that a crash neither forgets a reminder nor sends it twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from notifications.kinds import NoticeKind
from notifications.models import OWED, SEQUEL, Notice
from notifications.notices import escalations, owe
from notifications.recipients import Recipient, recipients_of
from notifications.standing import over

BATCH = 500
REMINDERS = 6


def follow_up(limit: int = BATCH) -> int:
    """Plan what follows from one batch of notices whose time has come. Returns how many it
    were. One worker waits for the other here: of two owners who are past the last reminder, the
    second must see that the first is."""
    now = timezone.now()
    with transaction.atomic():
        notices = list(
            Notice.objects.filter(follow_up_at__lte=now)
            .select_related("change")
            .select_for_update(no_key=True, of=("self",))
            .order_by("follow_up_at")[:limit]
        )
        if not notices:
            return 0
        Notice.objects.bulk_create(_owed(notices, now), ignore_conflicts=True)
        mine = Notice.objects.filter(pk__in=[notice.pk for notice in notices])
        mine.update(follow_up_at=None)
    return len(notices)


def _owed(notices: list[Notice], now: datetime) -> Iterator[Notice]:
    ended = over(notices)
    lasting = [notice for notice in notices if notice.pk not in ended]
    owners = recipients_of({notice.profile_id for notice in lasting})
    hopeless = []
    for notice in lasting:
        readers = (one for one in owners[notice.profile_id] if one.user.pk == notice.user_id)
        reader = next(readers, None)
        is_told = reader and not reader.why_not_of(NoticeKind.REMINDER)
        if reader and is_told and notice.sent_at and notice.step < REMINDERS:
            yield _reminder(notice, reader, now)
        elif notice.change:
            hopeless.append(notice)
    yield from escalations([one.change for one in _left_alone(hopeless) if one.change], now)


def _reminder(notice: Notice, reader: Recipient, now: datetime) -> Notice:
    return owe(
        reader,
        NoticeKind.REMINDER,
        now,
        organization_id=notice.organization_id,
        profile_id=notice.profile_id,
        change_id=notice.change_id,
        step=notice.step + 1,
        cause=notice.cause,
    )


def _left_alone(notices: list[Notice]) -> list[Notice]:
    """Those of whose loss nobody else is still to be told, or reminded."""
    mine = [notice.pk for notice in notices]
    others = Notice.objects.filter(change=OuterRef("change"), kind__in=SEQUEL)
    pending = others.exclude(pk__in=mine).filter(OWED | Q(follow_up_at__isnull=False))
    alone = Notice.objects.filter(~Exists(pending), pk__in=mine).values_list("pk", flat=True)
    found = set(alone)
    return [notice for notice in notices if notice.pk in found]

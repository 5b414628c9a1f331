"""Renewals that a person must make: told 30, 14, 7 and 1 days ahead.

`Profile.next_end` is when valid access ends unless somebody signs in again, over all accesses
and all clocks of their tokens; nothing that a machine renews by itself is in there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from notifications.kinds import NoticeKind
from notifications.models import Notice
from notifications.notices import owe
from notifications.recipients import Recipient, recipients_of
from notifications.standing import SAME_END
from profiles.models import Profile, Status
from tokens.models import Access, Token

STEPS = (1, 7, 14, 30)  # days
BATCH = 500


def warn() -> int:
    """Plan a notice for every owner of every profile whose next step has come. Returns how many
    profiles were looked at."""
    now, seen, last = timezone.now(), 0, None
    while batch := _warn_batch(now, last):
        seen, last = seen + len(batch), batch[-1].pk
    return seen


def _warn_batch(now: datetime, after: UUID | None) -> list[Profile]:
    """The profiles next in the order of their ids, locked, so that two workers do not warn of
    the same end under two times that differ by a second."""
    rows = Profile.objects.filter(
        status=Status.VALID,
        mail_when_lost=True,
        next_end__gt=now,
        next_end__lte=now + timedelta(days=STEPS[-1]),
    )
    if after:
        rows = rows.filter(pk__gt=after)
    with transaction.atomic():
        locked = rows.select_for_update(no_key=True).order_by("pk")[:BATCH]
        batch = list(locked)
        if batch:
            Notice.objects.bulk_create(_owed(batch, now), ignore_conflicts=True)
    return batch


def step_of(end: datetime, begun: datetime, now: datetime) -> int | None:
    """The least step that is not over yet, in days; None where it is too early. A step counts in
    the second half of a token's life alone: who has just signed in is not asked to do it again."""
    for step in STEPS:
        if now >= end - timedelta(days=step):
            return step if 2 * timedelta(days=step) <= end - begun else None
    return None


def _owed(profiles: Sequence[Profile], now: datetime) -> Iterator[Notice]:
    tokens = _ending_tokens(profiles)
    owners = recipients_of([profile.pk for profile in profiles])
    warned = _warned(profiles)
    for profile in profiles:
        end, token = profile.next_end, tokens.get(profile.pk)
        step = end and token and step_of(end, token.consented_at, now)
        if not (end and token and step):
            continue
        for reader in owners[profile.pk]:
            is_told = any(
                said <= step and abs(ends_at - end) <= SAME_END
                for said, ends_at in warned[profile.pk, reader.user.pk]
            )
            if not is_told and not reader.why_not_of(NoticeKind.RENEWAL_DUE):
                yield _notice(profile, token, reader, step, now)


def _notice(profile: Profile, token: Token, reader: Recipient, step: int, now: datetime) -> Notice:
    return owe(
        reader,
        NoticeKind.RENEWAL_DUE,
        now,
        organization_id=profile.organization_id,
        profile=profile,
        step=step,
        ends_at=profile.next_end,
        cause=token.pk,
    )


def _ending_tokens(profiles: Sequence[Profile]) -> dict[UUID, Token]:
    """Of each profile the token whose end is the profile's."""
    accesses = Access.objects.good().filter(profile__in=profiles).select_related("token")
    found: dict[UUID, Token] = {}
    for access in accesses.order_by("pk"):
        end, known = access.token.ends_for_people_at, found.get(access.profile_id)
        if end and (known is None or end > (known.ends_for_people_at or end)):
            found[access.profile_id] = access.token
    return found


def _warned(profiles: Sequence[Profile]) -> dict[tuple[UUID, UUID], list[tuple[int, datetime]]]:
    """(step, end) of every warning so far, by profile and person."""
    rows = Notice.objects.filter(kind=NoticeKind.RENEWAL_DUE, profile__in=profiles)
    found = defaultdict(list)
    for profile, user, step, ends_at in rows.values_list("profile", "user", "step", "ends_at"):
        found[profile, user].append((step, ends_at))
    return found

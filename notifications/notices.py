"""What is owed by mail: Notices to owners and, where no owner hears, to admins."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.db.models import OuterRef, Subquery

from networks.base import Reason
from notifications.kinds import NoticeKind
from notifications.models import Notice
from notifications.recipients import Recipient, admins_of, recipients_of
from notifications.timing import digest_at, not_before
from profiles.models import Profile
from tokens.models import StatusChange
from tokens.siblings import logins_of

ROWS = Notice


def kind_of(change: StatusChange) -> NoticeKind | None:
    """What a change is to its readers; None where it is nothing to write about."""
    if change.lost_the_last:
        return NoticeKind.ACCESS_LOST
    if change.profile_valid and not change.profile_was_valid:
        return NoticeKind.RESTORED
    if change.profile_valid and change.reason not in ("", Reason.NO_LONGER_LISTED):
        return NoticeKind.PARTLY_LOST
    return None


def owe(reader: Recipient, kind: NoticeKind, now: datetime, **about: Any) -> Notice:
    """A notice to this reader, due when it suits them; `about` fills in what it is about."""
    digest = digest_at(reader.preferences, kind, now)
    due = not_before(reader.preferences, kind, digest or now)
    return Notice(
        user=reader.user, kind=kind, created_at=now, digest_at=digest, next_attempt_at=due, **about
    )


def _about(
    change: StatusChange, cause: UUID, reader: Recipient, kind: NoticeKind, now: datetime
) -> Notice:
    return owe(
        reader,
        kind,
        now,
        organization_id=change.organization_id,
        profile_id=change.profile_id,
        change=change,
        cause=cause,
    )


def owed(changes: Sequence[StatusChange], now: datetime) -> Iterator[Notice]:
    """One notice for every owner who is to be told, and of a loss of which no owner is, one for
    every admin."""
    news = {change: kind for change in changes if (kind := kind_of(change))}
    owners = recipients_of({change.profile_id for change in news})
    were_told = _were_told([one for one, kind in news.items() if kind == NoticeKind.RESTORED])
    causes, untold = _causes(news), []
    for change, kind in news.items():
        readers = [one for one in owners.get(change.profile_id, ()) if not one.why_not_of(kind)]
        if kind == NoticeKind.RESTORED:
            readers = [one for one in readers if (change.pk, one.user.pk) in were_told]
        if kind == NoticeKind.ACCESS_LOST and not readers:
            untold.append(change)
        for reader in readers:
            yield _about(change, causes[change], reader, kind, now)
    yield from escalations(untold, now)


def escalations(changes: Collection[StatusChange], now: datetime) -> Iterator[Notice]:
    """One notice for every admin who is to hear that these losses reach nobody else."""
    if not changes:
        return
    admins = admins_of({change.organization_id for change in changes})
    profiles = Profile.objects.filter(pk__in={change.profile_id for change in changes})
    wanted = set(profiles.filter(mail_when_lost=True).values_list("pk", flat=True))
    causes = _causes(changes)
    for change in changes:
        for admin in admins.get(change.organization_id, ()):
            if change.profile_id in wanted and not admin.why_not_of(NoticeKind.ESCALATION):
                yield _about(change, causes[change], admin, NoticeKind.ESCALATION, now)


def _were_told(restored: list[StatusChange]) -> set[tuple[int, UUID]]:
    """(change, person) where the person had been told of the loss that the change ends."""
    if not restored:
        return set()
    before = StatusChange.objects.filter(
        profile=OuterRef("profile"),
        pk__lt=OuterRef("pk"),
        profile_was_valid=True,
        profile_valid=False,
    )
    losses = dict(
        StatusChange.objects.filter(pk__in=[change.pk for change in restored])
        .annotate(loss=Subquery(before.order_by("-pk").values("pk")[:1]))
        .values_list("loss", "pk")
    )
    sent = Notice.objects.filter(change__in=[loss for loss in losses if loss])
    told = sent.exclude(sent_at=None).values_list("change", "user").distinct()
    return {(losses[loss], user) for loss, user in told}


def _causes(changes: Iterable[StatusChange]) -> dict[StatusChange, UUID]:
    """What brought each about: the login, over all of its tokens, or where the token's row is gone,
    the name of that login."""
    logins = logins_of(change.token_id for change in changes if change.token_id)
    return {
        change: (change.token_id and logins.get(change.token_id))
        or uuid5(change.organization_id, change.login_name)
        for change in changes
    }

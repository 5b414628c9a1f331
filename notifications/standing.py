"""Whether what a notice says still stands, by its kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from notifications.kinds import NoticeKind
from notifications.models import Notice
from profiles.models import Status
from tokens.models import StatusChange

# Networks tell how long a token lasts, not when it ends: its end moves a little with each answer.
SAME_END = timedelta(hours=36)


def over(notices: Sequence[Notice]) -> set[UUID]:
    """The ids of those that say what is no longer so. At most one query for each kind."""
    return {
        pk
        for kind in {NoticeKind(notice.kind) for notice in notices}
        for pk in OVER[kind](
            Notice.objects.filter(pk__in=[one.pk for one in notices if one.kind == kind])
        ).values_list("pk", flat=True)
    }


def _later(**what: object) -> QuerySet[StatusChange]:
    """A change of the same profile since that one."""
    return StatusChange.objects.filter(
        profile=OuterRef("profile"), pk__gt=OuterRef("change"), **what
    )


def _recovered(rows: QuerySet[Notice]) -> QuerySet[Notice]:
    """The profile is valid, or was so since: a later loss has a notice of its own. What is gone
    from the network cannot be connected."""
    is_over = ~Q(profile__status=Status.LOST) | Exists(_later(profile_valid=True))
    return rows.filter(is_over)


def _good_again(rows: QuerySet[Notice]) -> QuerySet[Notice]:
    """That access came back, or its profile has none at all, of which there is another mail."""
    is_over = ~Q(profile__status=Status.VALID) | Exists(
        _later(access=OuterRef("change__access"), reason="")
    )
    return rows.filter(is_over)


def _lost_again(rows: QuerySet[Notice]) -> QuerySet[Notice]:
    return rows.exclude(profile__status=Status.VALID)


def _renewed(rows: QuerySet[Notice]) -> QuerySet[Notice]:
    is_over = (
        ~Q(profile__status=Status.VALID)
        | Q(profile__next_end=None)
        | Q(profile__next_end__gt=F("ends_at") + SAME_END)
    )
    return rows.filter(is_over)


OVER: dict[NoticeKind, Callable[[QuerySet[Notice]], QuerySet[Notice]]] = {
    NoticeKind.ACCESS_LOST: _recovered,
    NoticeKind.REMINDER: _recovered,
    NoticeKind.ESCALATION: _recovered,
    NoticeKind.PARTLY_LOST: _good_again,
    NoticeKind.RESTORED: _lost_again,
    NoticeKind.RENEWAL_DUE: _renewed,
}

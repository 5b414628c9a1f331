"""How long it takes from a lost access to the mail, and to the connection that mends it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Avg, Count, F, OuterRef, QuerySet, Subquery

from accounts.models import Organization
from notifications.kinds import NoticeKind
from notifications.models import Notice
from tokens.models import StatusChange

SPAN = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of the losses in SPAN: how many, how many were told and mended, and the mean times from the
    StatusChange to the first mail about it and to the next valid access; None where there were
    none. No mail is tracked: when it was read, nobody knows."""

    lost: int
    told: int
    mended: int
    until_mail: timedelta | None
    until_mended: timedelta | None


def figures_of(organization: Organization, now: datetime) -> Figures:
    """In one query."""
    losses = StatusChange.objects.filter(
        organization=organization, at__gte=now - SPAN, profile_was_valid=True, profile_valid=False
    )
    measured = losses.annotate(sent=_first_mail(), mended=_next_valid())
    counted = measured.aggregate(
        lost=Count("pk"),
        told=Count("sent"),
        mended_count=Count("mended"),
        until_mail=Avg(F("sent") - F("at")),
        until_mended=Avg(F("mended") - F("at")),
    )
    return Figures(
        counted["lost"],
        counted["told"],
        counted["mended_count"],
        counted["until_mail"],
        counted["until_mended"],
    )


def _first_mail() -> Subquery:
    told = (NoticeKind.ACCESS_LOST, NoticeKind.ESCALATION)
    sent = Notice.objects.filter(change=OuterRef("pk"), kind__in=told, sent_at__isnull=False)
    return Subquery(sent.order_by("sent_at").values("sent_at")[:1])


def _next_valid() -> Subquery:
    later: QuerySet[StatusChange] = StatusChange.objects.filter(
        profile=OuterRef("profile"), pk__gt=OuterRef("pk"), profile_valid=True
    )
    return Subquery(later.order_by("pk").values("at")[:1])

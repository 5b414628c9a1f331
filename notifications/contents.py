"""What a mail about profiles says: the facts that its templates put into sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from networks.base import Reason
from notifications.following import REMINDERS
from notifications.kinds import NoticeKind
from notifications.models import Notice, Outcome
from notifications.names import IN_SUBJECT, shown
from tokens.models import Token
from tokens.wording import explain

# How many profiles of one login a mail names; the list in the product has all of them.
NAMED = 10


@dataclass(frozen=True, slots=True)
class Item:
    """One profile in the mail, as the reader is shown it."""

    name: str
    kind: str
    url: str
    since: datetime


def about(notices: Sequence[Notice]) -> dict[str, Any]:
    """What the templates need, in the language and time zone that are active."""
    newest = {notice.profile_id: notice for notice in notices}
    # An account stands before its boards: refreshing it is what helps them all.
    ordered = sorted(newest.values(), key=lambda notice: notice.profile.parent_id is not None)
    first = ordered[0]
    profile, login = first.profile, _login(first)
    items = [_item(notice) for notice in ordered]
    since = min(item.since for item in items)
    return {
        "name": shown(str(first.user)),
        "organization": shown(first.organization.name),
        "network": profile.network,
        "login": shown(login),
        "subject_login": shown(login, IN_SUBJECT),
        "item": items[0],
        "subject_name": shown(profile.name, IN_SUBJECT),
        "items": items[:NAMED],
        "count": len(items),
        "more": max(len(items) - NAMED, 0),
        "since": since,
        "days": max((timezone.now() - since).days, 1),
        "ends_at": first.ends_at,
        "days_left": _days_until(first.ends_at),
        "is_last_reminder": first.step >= REMINDERS,
        "by": shown(first.change.actor_name) if first.change else "",
        "reasons": _reasons(ordered, shown(login)),
        "connections": _connections(ordered),
        "profile_url": _page_url("profiles:settings", first),
        "settings_url": settings.BASE_URL + reverse("accounts:settings"),
        "role": profile.network.required_role if profile.kind.reads_role else "",
    }


def first_mail(notices: Sequence[Notice]) -> UUID | None:
    """The mail that told this reader of the loss that these are about, which they follow; None
    where they are the first."""
    change = notices[0].change_id
    if change is None or notices[0].kind not in (NoticeKind.REMINDER, NoticeKind.RESTORED):
        return None
    told = Notice.objects.filter(
        user=notices[0].user_id,
        profile=notices[0].profile_id,
        kind=NoticeKind.ACCESS_LOST,
        change__lte=change,
    )
    found: UUID | None = (
        told.exclude(sent_at=None).order_by("-change").values_list("mail", flat=True).first()
    )
    return found


def told_losses(notices: Sequence[Notice]) -> set[int]:
    """The losses of which an owner was told by a mail that did not come back, among those that
    admins read of here."""
    losses = [notice.change_id for notice in notices if notice.kind == NoticeKind.ESCALATION]
    if not losses:
        return set()
    sent = Notice.objects.filter(change__in=losses, kind=NoticeKind.ACCESS_LOST)
    arrived = sent.exclude(sent_at=None).exclude(outcome=Outcome.REFUSED)
    return set(arrived.values_list("change", flat=True))


def _item(notice: Notice) -> Item:
    return Item(
        name=shown(notice.profile.name),
        kind=str(notice.profile.kind.label),
        url=_page_url("tokens:refresh", notice),
        since=notice.change.at if notice.change else notice.created_at,
    )


def _connections(notices: Sequence[Notice]) -> list[Item]:
    """The first profile of each token: to sign in there once refreshes all that hangs on it."""
    firsts: dict[UUID | None, Notice] = {}
    for notice in notices:
        token = notice.change.token_id if notice.change else notice.cause
        firsts.setdefault(token, notice)
    return [_item(notice) for notice in firsts.values()]


def _page_url(name: str, notice: Notice) -> str:
    return settings.BASE_URL + reverse(name, args=[notice.organization.slug, notice.profile_id])


def _login(notice: Notice) -> str:
    if notice.change:
        return notice.change.login_name
    token = Token.objects.filter(pk=notice.cause).first()
    return token.subject_name if token else ""


def _days_until(end: datetime | None) -> int:
    """Counted up: what ends in two hours ends within one day."""
    return max(ceil((end - timezone.now()) / timedelta(days=1)), 1) if end else 0


def _reasons(notices: Sequence[Notice], login: str) -> list[str]:
    """Each different reason once, in its honest words."""
    said = [notice.change.reason for notice in notices if notice.change and notice.change.reason]
    network = notices[0].profile.network
    return [explain(reason, network, login) for reason in dict.fromkeys(map(Reason, said))]

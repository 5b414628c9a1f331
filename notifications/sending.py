"""From what is owed to what was sent: claim, look again, deliver, mail by mail."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import DateTimeField, Exists, F, OuterRef, Q, QuerySet, UUIDField, Value
from django.db.models.functions import Coalesce

from notifications.delivery import LEASE, Delivery, Leased, deliver, send_round
from notifications.kinds import NoticeKind
from notifications.letters import letter
from notifications.models import Notice, Outcome, Preferences
from notifications.recipients import Recipient, WhyNot, admins_of, recipients_of
from notifications.standing import over
from notifications.timing import not_before
from tokens.models import StatusChange
from tokens.siblings import TOGETHER, same_login, still_to_answer

# Stands for "in no mail yet" where NULLs are compared.
NONE_YET = Value(UUID(int=0), output_field=UUIDField())
NEVER = Value(datetime.min.replace(year=1970, tzinfo=UTC), output_field=DateTimeField())
# How a notice ends that says what is no longer so. A loss that is over has recovered.
ENDED: dict[str, Outcome] = {
    NoticeKind.PARTLY_LOST: Outcome.OVERTAKEN,
    NoticeKind.RESTORED: Outcome.OVERTAKEN,
    NoticeKind.RENEWAL_DUE: Outcome.OVERTAKEN,
}
NO_READER: dict[str, WhyNot] = {kind.value: WhyNot.NOT_AN_OWNER for kind in NoticeKind} | {
    NoticeKind.ESCALATION: WhyNot.NOT_AN_ADMIN
}


def send_due() -> None:
    """Send what is due to owners."""
    send_round(_send_next, Notice.objects.owed())


def _send_next(now: datetime) -> Delivery | None:
    """One mail, about what is still true and still wanted; None where nothing is due."""
    notices = claim(now)
    if not notices:
        return None
    owed = _still_owed(notices, now)
    if not owed:
        return Delivery.DONE
    rows = Notice.objects.filter(pk__in=[notice.pk for notice in owed])
    if (later := _quiet_until(owed, now)) > now:  # it was due before, and had to be tried again
        rows.put_off(later, owed[0].detail)
        return Delivery.LATER
    leased = Leased(rows, owed[0].attempts, owed[0].mail)
    return deliver(leased, owed[0].user.email, lambda: letter(owed))


def _quiet_until(owed: list[Notice], now: datetime) -> datetime:
    preferences = Preferences.of(owed[0].user)
    return min(not_before(preferences, NoticeKind(notice.kind), now) for notice in owed)


def claim(now: datetime) -> list[Notice]:
    """Lease the notices of one mail: all that one person is owed for one cause, or one digest.

    The one with the lowest id stands for all of them: who has locked it has the mail. It waits
    while a change of the same login is still to be planned, which belongs into the same mail, or
    may still come.
    """
    same_mail = (
        Notice.objects.owed()
        .annotate(in_mail=Coalesce("mail", NONE_YET), in_digest=Coalesce("digest_at", NEVER))
        .filter(in_mail=Coalesce(OuterRef("mail"), NONE_YET))
        .filter(in_digest=Coalesce(OuterRef("digest_at"), NEVER))
        .filter(
            Q(digest_at__isnull=False) | Q(cause=OuterRef("cause"), kind=OuterRef("kind")),
            user=OuterRef("user"),
        )
    )
    unplanned = StatusChange.objects.filter(
        planned_at=None, **same_login("change__token__", "token__")
    )
    leaders = Notice.objects.owed().filter(
        ~Exists(same_mail.filter(pk__lt=OuterRef("pk"))),
        ~Exists(unplanned),
        _is_all(same_mail, now),
        next_attempt_at__lte=now,
    )
    with transaction.atomic():
        free = leaders.select_for_update(skip_locked=True, of=("self",))
        leader = free.order_by("next_attempt_at").first()
        return _lease(leader, now) if leader else []


def _is_all(same_mail: QuerySet[Notice], now: datetime) -> Q:
    """Whether a mail about a loss need not wait: no other token of that login is about to say that
    it died too, or the first loss in the mail has been waiting for that long enough."""
    has_waited = same_mail.filter(created_at__lte=now - TOGETHER)
    return Q(change__reason="") | ~Exists(still_to_answer("change")) | Exists(has_waited)


def _lease(leader: Notice, now: datetime) -> list[Notice]:
    mail = Notice.objects.owed().filter(
        user=leader.user_id, mail=leader.mail, digest_at=leader.digest_at
    )
    if leader.digest_at is None:
        mail = mail.filter(cause=leader.cause, kind=leader.kind)
    mine = [notice.pk for notice in mail.select_for_update(skip_locked=True)]
    Notice.objects.filter(pk__in=mine).update(
        mail=leader.mail or leader.pk, attempts=F("attempts") + 1, next_attempt_at=now + LEASE
    )
    return list(
        Notice.objects.filter(pk__in=mine)
        .select_related("user__notice_preferences", "organization", "profile__parent", "change")
        .order_by("change", "profile")
    )


def _still_owed(notices: list[Notice], now: datetime) -> list[Notice]:
    """Without those that say what is no longer so, or whose reader is no longer to be told."""
    ended = over(notices)
    readers = _readers_of(notices)
    owed, moot = [], defaultdict(list)
    for notice in notices:
        mine = readers.get((notice.pk, notice.user_id))
        if notice.pk in ended:
            moot[ENDED.get(notice.kind, Outcome.RECOVERED), ""].append(notice.pk)
        elif mine is None:
            moot[Outcome.NOT_WANTED, NO_READER[notice.kind]].append(notice.pk)
        elif why_not := mine.why_not_of(NoticeKind(notice.kind)):
            moot[Outcome.NOT_WANTED, why_not].append(notice.pk)
        else:
            owed.append(notice)
    for (outcome, detail), pks in moot.items():
        Notice.objects.filter(pk__in=pks).give_up(outcome, detail, now=now)
    return owed


def _readers_of(notices: list[Notice]) -> dict[tuple[UUID, UUID], Recipient]:
    """Everybody who might be told of each notice, by its id and theirs."""
    escalated = [one for one in notices if one.kind == NoticeKind.ESCALATION]
    owners = recipients_of({notice.profile_id for notice in notices})
    admins = admins_of({notice.organization_id for notice in escalated}) if escalated else {}
    return {
        (notice.pk, reader.user.pk): reader
        for notice in notices
        for reader in (
            admins.get(notice.organization_id, ())
            if notice.kind == NoticeKind.ESCALATION
            else owners.get(notice.profile_id, ())
        )
    }

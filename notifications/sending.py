"""From what is owed to what was sent: claim, look again, deliver, mail by mail."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, UUIDField, Value
from django.db.models.functions import Coalesce

from notifications.delivery import LEASE, Delivery, Leased, deliver, send_round
from notifications.letters import access_lost
from notifications.models import Notice, Outcome
from notifications.recipients import recipients_of
from profiles.models import Status
from tokens.models import StatusChange

# Stands for "in no mail yet" where NULLs are compared.
NONE_YET = Value(UUID(int=0), output_field=UUIDField())


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
    leased = Leased(rows, owed[0].attempts, owed[0].mail)
    return deliver(leased, owed[0].user.email, lambda: access_lost(owed))


def claim(now: datetime) -> list[Notice]:
    """Lease the notices of one mail: all that one person is owed for one cause.

    The one with the lowest id stands for all of them: who has locked it has the mail. It waits
    while a change of the same cause is still to be planned, which belongs into the same mail.
    """
    same_mail = (
        Notice.objects.owed()
        .annotate(in_mail=Coalesce("mail", NONE_YET))
        .filter(in_mail=Coalesce(OuterRef("mail"), NONE_YET))
        .filter(user=OuterRef("user"), cause=OuterRef("cause"), kind=OuterRef("kind"))
    )
    unplanned = StatusChange.objects.filter(planned_at=None, token=OuterRef("cause"))
    leaders = Notice.objects.owed().filter(
        ~Exists(same_mail.filter(pk__lt=OuterRef("pk"))),
        ~Exists(unplanned),
        next_attempt_at__lte=now,
    )
    with transaction.atomic():
        leader = leaders.order_by("next_attempt_at").select_for_update(skip_locked=True).first()
        return _lease(leader, now) if leader else []


def _lease(leader: Notice, now: datetime) -> list[Notice]:
    mail = Notice.objects.owed().filter(
        user=leader.user_id, cause=leader.cause, kind=leader.kind, mail=leader.mail
    )
    mine = [notice.pk for notice in mail.select_for_update(skip_locked=True)]
    Notice.objects.filter(pk__in=mine).update(
        mail=leader.mail or leader.pk, attempts=F("attempts") + 1, next_attempt_at=now + LEASE
    )
    return list(
        Notice.objects.filter(pk__in=mine)
        .select_related("user", "organization", "change__profile")
        .order_by("change")
    )


def _still_owed(notices: list[Notice], now: datetime) -> list[Notice]:
    """Without those whose profile has recovered, or whose reader is no longer to be told."""
    recovered = _recovered(notices)
    recipients = recipients_of({notice.change.profile_id for notice in notices})
    owed, moot = [], defaultdict(list)
    for notice in notices:
        owners = recipients.get(notice.change.profile_id, ())
        mine = next((owner for owner in owners if owner.user.pk == notice.user_id), None)
        if notice.pk in recovered:
            moot[Outcome.RECOVERED, ""].append(notice.pk)
        elif mine is None:
            moot[Outcome.NOT_WANTED, "not_an_owner"].append(notice.pk)
        elif not mine.is_told:
            moot[Outcome.NOT_WANTED, mine.why_not[0].value].append(notice.pk)
        else:
            owed.append(notice)
    for (outcome, detail), pks in moot.items():
        Notice.objects.filter(pk__in=pks).give_up(outcome, detail, now=now)
    return owed


def _recovered(notices: list[Notice]) -> set[object]:
    """Those whose profile is valid, or was so since: a later loss has a notice of its own."""
    later = StatusChange.objects.filter(
        profile=OuterRef("change__profile"), pk__gt=OuterRef("change"), profile_valid=True
    )
    rows = Notice.objects.filter(pk__in=[notice.pk for notice in notices])
    return set(
        rows.filter(Q(change__profile__status=Status.VALID) | Exists(later)).values_list(
            "pk", flat=True
        )
    )

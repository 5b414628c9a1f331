"""When a network or an app fails, the operator is told, and again when it is over.

As with what owners are told, Failure is the outbox: `told_opening_at` and `told_closing_at` stay
empty until the mails of that phase are planned, a row for each operator, in one transaction. What
was over before its first mail left is one mail, which says both.
"""

from __future__ import annotations

import logging
from datetime import datetime

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from networks.registry import NETWORKS
from notifications.delivery import LEASE, Delivery, Leased, deliver, send_round
from notifications.letters import failure_told
from notifications.models import OperatorNotice, Outcome, Phase
from tokens.models import Failure

log = logging.getLogger(__name__)


def operators() -> QuerySet[User]:
    """Those who are written to: active, and with a confirmed address."""
    confirmed = EmailAddress.objects.filter(
        user=OuterRef("pk"), email__iexact=OuterRef("email"), verified=True
    )
    return User.objects.filter(Exists(confirmed), is_staff=True, is_active=True)


def plan() -> None:
    """Write down what is owed about every failure that opened or closed since."""
    now = timezone.now()
    is_news = Q(told_opening_at=None) | Q(told_closing_at=None, closed_at__isnull=False)
    with transaction.atomic():
        rows = Failure.objects.filter(is_news, network_slug__in=NETWORKS)
        failures = list(rows.select_for_update(skip_locked=True, no_key=True).order_by("pk"))
        if not failures:
            return
        readers = list(operators())
        OperatorNotice.objects.bulk_create(
            [
                OperatorNotice(failure=failure, phase=_phase(failure), user=reader)
                for failure in failures
                for reader in readers
            ],
            ignore_conflicts=True,
        )
        done = Failure.objects.filter(pk__in=[failure.pk for failure in failures])
        done.filter(told_opening_at=None).update(told_opening_at=now)
        done.exclude(closed_at=None).update(told_closing_at=now)
    if not readers:
        _warn(failures)


def _phase(failure: Failure) -> Phase:
    return Phase.CLOSING if failure.closed_at else Phase.OPENING


def _warn(failures: list[Failure]) -> None:
    """Once for each, since they count as planned now."""
    for failure in failures:
        state = "works again" if failure.closed_at else f"fails ({failure.reason})"
        log.warning(
            "%s %s, and there is no operator to write to (docs/operations.md)",
            failure.network_slug,
            state,
        )


def send_due() -> None:
    """Send what is due to operators."""
    send_round(_send_next, OperatorNotice.objects.owed())


def _send_next(now: datetime) -> Delivery | None:
    """One mail, if it is still true and its reader still an operator; None where none is due."""
    notice = _claim(now)
    if notice is None:
        return None
    rows = OperatorNotice.objects.filter(pk=notice.pk)
    if notice.phase == Phase.OPENING and notice.failure.closed_at:
        rows.give_up(Outcome.RECOVERED, "", now=now)  # the mail of its end says both
        return Delivery.DONE
    if not operators().filter(pk=notice.user_id).exists():
        rows.give_up(Outcome.NOT_WANTED, "not_an_operator", now=now)
        return Delivery.DONE
    leased = Leased(rows, notice.attempts, notice.pk)
    return deliver(leased, notice.user.email, lambda: failure_told(notice))


def _claim(now: datetime) -> OperatorNotice | None:
    """Lease one notice that nobody else has."""
    due = OperatorNotice.objects.owed().filter(next_attempt_at__lte=now)
    with transaction.atomic():
        first = due.order_by("next_attempt_at").select_for_update(skip_locked=True).first()
        if first is None:
            return None
        mine = OperatorNotice.objects.filter(pk=first.pk)
        mine.update(attempts=F("attempts") + 1, next_attempt_at=now + LEASE)
        found: OperatorNotice = mine.select_related("user", "failure__app").get()
    return found

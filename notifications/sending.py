"""From what is owed to what was sent: claim, look again, send, mark.

The mail leaves outside of any transaction. A worker that is killed between the server's 250 and
our commit leaves a lease that ends, and the mail is sent again under the same Message-ID: the
one duplicate that SMTP cannot rule out, and mail programs fold it.
"""

from __future__ import annotations

import logging
import re
import smtplib
from collections import defaultdict
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, UUIDField, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from notifications.letters import access_lost
from notifications.models import Notice, NoticeQuerySet, Outcome
from notifications.recipients import recipients_of
from profiles.models import Status
from tokens.models import StatusChange

log = logging.getLogger(__name__)

# Longer than any conversation with a mail server: at most a dozen commands, each of which may
# wait for EMAIL_TIMEOUT, and longer than a task may run.
LEASE = timedelta(minutes=15)
# After the first, second, ... failed attempt. The last one repeats as long as it is owed.
BACK_OFF = [timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360)]
# A server that is away is asked again soon: the mail itself was never looked at.
SERVER_AWAY = timedelta(minutes=5)
# How long one task goes on sending; what is left then waits for the next sweep.
ROUND = timedelta(minutes=2)
# Stands for "in no mail yet" where NULLs are compared.
NONE_YET = Value(UUID(int=0), output_field=UUIDField())


class Delivery(Enum):
    DONE = "done"
    LATER = "later"
    SERVER_FAILED = "server failed"


def send_due() -> None:
    """Send what is due, mail by mail; where the mail server itself fails, leave the rest."""
    end = timezone.now() + ROUND
    while (now := timezone.now()) < end:
        notices = claim(now)
        if not notices:
            return
        if deliver(notices, now) is Delivery.SERVER_FAILED:
            _let_the_rest_wait(now)
            return


def _let_the_rest_wait(now: datetime) -> None:
    """So that not every sweep finds out anew, and holds a worker up, that the server is away."""
    due = Notice.objects.owed().filter(next_attempt_at__lte=now)
    with transaction.atomic():
        free = due.select_for_update(skip_locked=True).values("pk")
        Notice.objects.filter(pk__in=free).update(next_attempt_at=now + BACK_OFF[0])


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


def deliver(notices: list[Notice], now: datetime) -> Delivery:
    """Send one leased mail, about what is still true and still wanted."""
    owed = _still_owed(notices, now)
    if not owed:
        return Delivery.DONE
    rows = Notice.objects.filter(pk__in=[notice.pk for notice in owed])
    try:
        validate_email(owed[0].user.email)
        _hand_over(access_lost(owed))
    except ValidationError:
        rows.give_up(Outcome.BAD_ADDRESS, "", now=now)
    except smtplib.SMTPRecipientsRefused as error:
        return _refused(rows, owed, *next(iter(error.recipients.values())))
    except smtplib.SMTPDataError as error:
        return _refused(rows, owed, error.smtp_code, error.smtp_error)
    except (smtplib.SMTPException, OSError) as error:
        # Also a refused sign-in or sender, for good or not: nothing the reader could help.
        _put_off(rows, owed, f"{type(error).__name__}: {error}", longest=SERVER_AWAY)
        return Delivery.SERVER_FAILED
    else:
        rows.mark_sent(now=timezone.now())
    return Delivery.DONE


def _hand_over(mail: EmailMessage) -> None:
    connection = get_connection()
    try:
        connection.send_messages([mail])
    finally:
        connection.close()  # a sign-in that was refused leaves it half open


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


def _refused(rows: NoticeQuerySet, owed: list[Notice], code: int, words: bytes | str) -> Delivery:
    """The server would not take this one mail: for good, or for now."""
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    said = f"{code} {text}"
    if _is_for_good(code, text):
        rows.give_up(Outcome.REFUSED, said, now=timezone.now())
        log.warning("Mail %s was refused for good: %d", owed[0].mail, code)
        return Delivery.DONE
    _put_off(rows, owed, said)
    return Delivery.LATER


def _is_for_good(code: int, text: str) -> bool:
    """Whether the refusal is about this mailbox or this mail, and will not pass.

    RFC 3463, 3: x.1 speaks of the address, x.2 of the mailbox, x.6 of the content; x.7 is policy
    (relaying, sign-in, reputation), which is the operator's trouble and may be mended. Servers
    that send no such code say 550, 551 or 553 (RFC 5321, 4.2.3), some of them for relaying too.
    """
    enhanced = re.match(r"5\.(\d{1,3})\.\d{1,3}\b", text)
    if enhanced:
        return enhanced[1] in ("1", "2", "6")
    return code in (550, 551, 553) and "relay" not in text.lower()


def _put_off(
    rows: NoticeQuerySet, owed: list[Notice], why: str, longest: timedelta = BACK_OFF[-1]
) -> None:
    attempts = owed[0].attempts
    wait = min(BACK_OFF[min(attempts, len(BACK_OFF)) - 1], longest)
    rows.put_off(timezone.now() + wait, why)
    log.warning("Mail %s was not sent, attempt %d: %s", owed[0].mail, attempts, why)

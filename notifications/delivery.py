"""Handing one mail over to the server, and what its answer means for the rows that owe it.

The mail leaves outside of any transaction. A worker that is killed between the server's 250 and
our commit leaves a lease that ends, and the mail is sent again under the same Message-ID: the
one duplicate that SMTP cannot rule out, and mail programs fold it.
"""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from notifications.addresses import refuse
from notifications.models import DETAIL, NoticeQuerySet, Outcome
from notifications.names import shown
from notifications.replies import About, about

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


class Delivery(Enum):
    DONE = "done"
    LATER = "later"
    SERVER_FAILED = "server failed"


@dataclass(frozen=True, slots=True)
class Leased:
    """One mail: the rows that owe it, for how many times it has been tried, and how it is named."""

    rows: NoticeQuerySet
    attempts: int
    name: UUID | None


def send_round(send_next: Callable[[datetime], Delivery | None], owed: NoticeQuerySet) -> None:
    """Send mail by mail until `send_next` has none (None), or the round is over; where the mail
    server itself fails, leave the rest of `owed`."""
    end = timezone.now() + ROUND
    while (now := timezone.now()) < end:
        delivery = send_next(now)
        if delivery is Delivery.SERVER_FAILED:
            _let_the_rest_wait(owed, now)
        if delivery in (None, Delivery.SERVER_FAILED):
            return


def _let_the_rest_wait(owed: NoticeQuerySet, now: datetime) -> None:
    """So that not every sweep finds out anew, and holds a worker up, that the server is away."""
    due = owed.filter(next_attempt_at__lte=now)
    with transaction.atomic():
        free = due.select_for_update(skip_locked=True).values("pk")
        owed.filter(pk__in=free).update(next_attempt_at=now + BACK_OFF[0])


def deliver(leased: Leased, address: str, write: Callable[[], EmailMessage]) -> Delivery:
    """Hand the mail that `write` writes over, and note in its rows what came of it."""
    rows = leased.rows
    try:
        validate_email(address)
        _hand_over(write())
    except ValidationError:
        rows.give_up(Outcome.BAD_ADDRESS, "", now=timezone.now())
    except smtplib.SMTPRecipientsRefused as error:
        return _refused(leased, address, *next(iter(error.recipients.values())))
    except smtplib.SMTPDataError as error:
        return _refused(leased, address, error.smtp_code, error.smtp_error)
    except (smtplib.SMTPException, OSError) as error:
        # Also a refused sign-in or sender, for good or not: nothing the reader could help.
        _put_off(leased, f"{type(error).__name__}: {error}", longest=SERVER_AWAY)
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


def _refused(leased: Leased, address: str, code: int, words: bytes | str) -> Delivery:
    """The server would not take this one mail: for good, or for now."""
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    said, what = shown(f"{code} {text}", DETAIL), about(code, text)
    if what is About.NEITHER:
        _put_off(leased, said)
        return Delivery.LATER
    with transaction.atomic():
        leased.rows.give_up(Outcome.REFUSED, said, now=timezone.now())
        if what is About.ADDRESS:
            refuse(address, said)
    log.warning("Mail %s was refused for good: %d", leased.name, code)
    return Delivery.DONE


def _put_off(leased: Leased, why: str, longest: timedelta = BACK_OFF[-1]) -> None:
    wait = min(BACK_OFF[min(leased.attempts, len(BACK_OFF)) - 1], longest)
    leased.rows.put_off(timezone.now() + wait, why)
    log.warning("Mail %s was not sent, attempt %d: %s", leased.name, leased.attempts, why)

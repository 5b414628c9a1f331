"""What is owed to whom."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db import models
from django.utils import timezone

from accounts.models import Organization, User
from tokens.models import Failure, StatusChange

DETAIL = 200
OWED = models.Q(sent_at=None, given_up_at=None)


class NoticeKind(models.TextChoices):
    ACCESS_LOST = "access_lost"


class Outcome(models.TextChoices):
    """Why a notice ended without a mail. `detail` says more: a WhyNot, or the server's words."""

    RECOVERED = "recovered"
    NOT_WANTED = "not_wanted"
    REFUSED = "refused"
    BAD_ADDRESS = "bad_address"


class NoticeQuerySet(models.QuerySet[Any]):
    def owed(self) -> NoticeQuerySet:
        return self.filter(OWED)

    def give_up(self, outcome: Outcome, detail: str, *, now: datetime) -> None:
        """They will not be sent, and the rows say why. Leaves alone what was sent meanwhile."""
        self.owed().update(given_up_at=now, outcome=outcome, detail=detail[:DETAIL])

    def put_off(self, until: datetime, detail: str) -> None:
        self.owed().update(next_attempt_at=until, detail=detail[:DETAIL])

    def mark_sent(self, *, now: datetime) -> None:
        self.owed().update(sent_at=now, detail="")


class Owed(models.Model):
    """What sending needs to know of a message, whatever it is about.

    `sent_at` empty and `given_up_at` empty: still owed; `next_attempt_at` is the lease of the
    worker that is sending it, and the time of the next try.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=20, choices=Outcome, blank=True)
    detail = models.CharField(max_length=DETAIL, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        abstract = True


class Notice(Owed):
    """One message owed to one person about one StatusChange. Nobody is told twice.

    Notices of one `cause` (a token) to one person leave in one mail. `mail` names it from its
    first attempt on, so that every further attempt is about the same notices and carries the same
    Message-ID.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    change = models.ForeignKey(
        StatusChange, on_delete=models.CASCADE, related_name="notices", db_constraint=False
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=20, choices=NoticeKind)
    cause = models.UUIDField()
    mail = models.UUIDField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["change", "user", "kind"], name="told_once")]
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=OWED, name="notice_owed"),
            models.Index(fields=["user", "cause"], condition=OWED, name="notice_owed_together"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Phase(models.TextChoices):
    OPENING = "opening"
    CLOSING = "closing"


class OperatorNotice(Owed):
    """One message owed to one operator: that something fails, or that it is over. Its id is also
    its mail's. Of no organization, like the Failure that it is about."""

    failure = models.ForeignKey(Failure, on_delete=models.CASCADE, related_name="notices")
    phase = models.CharField(max_length=10, choices=Phase)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["failure", "phase", "user"], name="operator_told_once")
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=OWED, name="operator_notice_owed")
        ]

    def __str__(self) -> str:
        return f"{self.phase} {self.pk}"

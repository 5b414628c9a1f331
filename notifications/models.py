"""What is owed to whom."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from notifications.kinds import FIRST, STOPPABLE, NoticeKind
from profiles.models import Profile
from tokens.models import Failure, StatusChange

DETAIL = 200
OWED = models.Q(sent_at=None, given_up_at=None)
# When a message was sent or given up; while it is owed, when it was made.
ENDED_AT = Coalesce("sent_at", "given_up_at", "created_at")


class Outcome(models.TextChoices):
    """Why a notice ended without a mail. `detail` says more: a WhyNot, or the server's words.
    OVERTAKEN: what it would say is no longer so. REFUSED and sent: the mail came back."""

    RECOVERED = "recovered"
    OVERTAKEN = "overtaken"
    NOT_WANTED = "not_wanted"
    REFUSED = "refused"
    BAD_ADDRESS = "bad_address"
    EXHAUSTED = "exhausted"


UNREACHABLE = (Outcome.REFUSED, Outcome.BAD_ADDRESS)
# How long after a mail of this kind it is looked whether another has to follow.
SEQUEL = {NoticeKind.ACCESS_LOST: timedelta(days=2), NoticeKind.REMINDER: timedelta(days=5)}


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


class NoticeRows(NoticeQuerySet):
    """Of those that may have a sequel."""

    def give_up(self, outcome: Outcome, detail: str, *, now: datetime) -> None:
        """Where no mail can reach the reader, somebody else may have to hear of it."""
        owed = self.owed()
        if outcome in UNREACHABLE:
            owed.filter(kind__in=SEQUEL).update(follow_up_at=now)
        super().give_up(outcome, detail, now=now)

    def mark_sent(self, *, now: datetime) -> None:
        owed = self.owed()
        for kind, wait in SEQUEL.items():
            owed.filter(kind=kind).update(follow_up_at=now + wait)
        super().mark_sent(now=now)


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

    objects: ClassVar[models.Manager[Any]] = NoticeQuerySet.as_manager()

    class Meta:
        abstract = True


class Notice(Owed):
    """One message owed to one person about one profile. Nobody is told twice.

    `change` is what it is about, but for RENEWAL_DUE, which is about `ends_at`. `step` counts
    reminders, and says how many days ahead a renewal is due. Notices of one `cause` and kind to one
    person leave in one mail, and so does all of one digest: the cause is a login, by whichever of
    our apps (tokens/siblings.py), and of RENEWAL_DUE the token that ends. `mail` names it from its
    first attempt on, so that every further attempt is about the same notices and carries the same
    Message-ID. `follow_up_at`: when to look whether more has to be said
    (notifications/following.py).
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    profile = models.ForeignKey(
        # `notice_timeline` begins with it, too.
        Profile,
        on_delete=models.CASCADE,
        related_name="notices",
        db_constraint=False,
        db_index=False,
    )
    change = models.ForeignKey(
        StatusChange,
        null=True,
        on_delete=models.CASCADE,
        related_name="notices",
        db_constraint=False,
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=20, choices=NoticeKind)
    step = models.PositiveSmallIntegerField(default=0)
    ends_at = models.DateTimeField(null=True)
    cause = models.UUIDField()
    digest_at = models.DateTimeField(null=True)
    mail = models.UUIDField(null=True)
    follow_up_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[Any]] = NoticeRows.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["change", "user", "kind", "step"], name="told_once"),
            models.UniqueConstraint(
                fields=["profile", "user", "kind", "ends_at", "step"], name="warned_once"
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=OWED, name="notice_owed"),
            models.Index(fields=["user", "cause"], condition=OWED, name="notice_owed_together"),
            models.Index("profile", ENDED_AT.desc(), models.F("id").desc(), name="notice_timeline"),
            models.Index(
                fields=["follow_up_at"],
                condition=~models.Q(follow_up_at=None),
                name="notice_to_follow_up",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Digest(models.TextChoices):
    NONE = "", _("Each mail at once")
    DAILY = "daily", _("One mail a day, at 8 o’clock")
    WEEKLY = "weekly", _("One mail a week, on Monday at 8 o’clock")


def at_first() -> list[str]:
    return list(FIRST)


class Preferences(models.Model):
    """Which kinds of mail a person wants besides the first: that one is a checkbox of the account
    itself (`User.wants_token_mail`), and FIRST says which others depend on it. Who has no row has
    the defaults."""

    user = models.OneToOneField(
        User, primary_key=True, on_delete=models.CASCADE, related_name="notice_preferences"
    )
    kinds = ArrayField(models.CharField(max_length=20, choices=NoticeKind), default=at_first)
    # Sent at once: in no digest, and in quiet hours too.
    urgent = ArrayField(models.CharField(max_length=20, choices=NoticeKind), default=list)
    digest = models.CharField(max_length=10, choices=Digest, default=Digest.NONE, blank=True)
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)

    @classmethod
    def of(cls, user: User) -> Preferences:
        """The row of this person, read with `select_related`, or the defaults, unsaved."""
        try:
            found: Preferences = user.notice_preferences
        except cls.DoesNotExist:
            return cls(user=user)
        return found

    def wants(self, kind: NoticeKind) -> bool:
        return kind in self.kinds if kind in STOPPABLE else True


class RefusedAddress(models.Model):
    """An address that its mail server, or that of its reader, refused for good. Nothing more is
    sent there until its holder says that it works again."""

    email = models.EmailField(unique=True)
    said = models.CharField(max_length=DETAIL, blank=True)
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.email


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


class WhyStopped(models.TextChoices):
    GONE = "gone", _("Your server answered 410 Gone.")
    FAILING = "failing", _("Your server did not take an event in three days of attempts.")


class Webhook(models.Model):
    """An address of an organization's own that hears of every change. `secret` is sealed
    (accounts/sealing.py)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="webhooks"
    )
    url = models.CharField(max_length=500)
    secret = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    stopped_at = models.DateTimeField(null=True)
    why_stopped = models.CharField(max_length=10, choices=WhyStopped, blank=True)

    def __str__(self) -> str:
        return self.url


class WebhookDelivery(Owed):
    """One event owed to one webhook; its id is the event's. Without a change it is a trial."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    webhook = models.ForeignKey(
        Webhook, on_delete=models.CASCADE, related_name="deliveries", db_constraint=False
    )
    change = models.ForeignKey(
        StatusChange, null=True, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    event = models.CharField(max_length=40)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["webhook", "change"], name="delivered_once")]
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=OWED, name="delivery_owed"),
            models.Index(fields=["organization", "-created_at"], name="delivery_log"),
            models.Index(fields=["created_at"], name="delivery_age"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.pk}"

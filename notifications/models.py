"""What is owed to whom."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from accounts.models import Organization, User
from tokens.models import StatusChange


class NoticeKind(models.TextChoices):
    ACCESS_LOST = "access_lost"


class Notice(models.Model):
    """One message owed to one person about one StatusChange. Nobody is told twice.

    `sent_at` empty and `given_up_at` empty: still owed; `next_attempt_at` is the lease of the
    worker that is sending it, and the time of the next try.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    change = models.ForeignKey(StatusChange, on_delete=models.CASCADE, related_name="notices")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=20, choices=NoticeKind)
    created_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["change", "user", "kind"], name="told_once")
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=models.Q(sent_at=None, given_up_at=None),
                name="notice_owed",
            )
        ]

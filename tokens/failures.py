"""What the circuit breaker sees and remembers: the operator's rows, which name nobody's token."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from networks.base import Health, Network, Reason
from networks.registry import NETWORKS
from tokens.breaker import HELD_AT_MOST


class Tally(models.Model):
    """What one OAuth app's tokens were asked, and answered, in one minute.

    `exposure` is the time, in seconds, that the tokens asked had gone unasked: with the hazard of
    a token-day it says how many deaths to expect among them. `cost` is in the currency of the
    network's prices (`Network.prices`).
    """

    app = models.ForeignKey("tokens.OAuthApp", on_delete=models.CASCADE, related_name="+")
    network_slug = models.CharField(max_length=30)
    minute = models.DateTimeField()
    calls = models.PositiveIntegerField(db_default=0)
    asked = models.PositiveIntegerField(db_default=0)
    alive = models.PositiveIntegerField(db_default=0)
    dead = models.PositiveIntegerField(db_default=0)
    unclear = models.PositiveIntegerField(db_default=0)
    exposure = models.FloatField(db_default=0.0)
    cost = models.DecimalField(max_digits=14, decimal_places=6, db_default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["app", "minute"], name="tally_once")]
        indexes = [models.Index(fields=["network_slug", "minute"], name="tally_of_network")]


class Failure(models.Model):
    """A network, or one OAuth app, that fails for more logins than independent deaths explain.

    `app` is empty where the whole network fails. While `closed_at` is empty, deaths there are
    held: suspected, and not believed. `logins` of the `asked` ones failed when it opened, where
    `expected` would have been usual; `held` is how many accesses wait now. `canaries` are the
    tokens, held then, that were asked again at `canaries_at`. `told_opening_at` and
    `told_closing_at`: when mails to the operator were planned (notifications/operators.py).

    From `believed_at` on nothing is held any more: the operator `believed_by` said that the deaths
    are true, or nobody did for so long that they count (breaker.HELD_AT_MOST).
    """

    network_slug = models.CharField(max_length=30)
    app = models.ForeignKey(
        "tokens.OAuthApp", null=True, on_delete=models.CASCADE, related_name="failures"
    )
    health = models.CharField(max_length=10, choices=[(h.value, h.value) for h in Health])
    reason = models.CharField(max_length=30, choices=[(r.value, r.value) for r in Reason])
    opened_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True)
    logins = models.PositiveIntegerField(default=0)
    asked = models.PositiveIntegerField(default=0)
    expected = models.FloatField(default=0.0)
    held = models.PositiveIntegerField(default=0)
    canaries = ArrayField(models.UUIDField(), default=list)
    canaries_at = models.DateTimeField(null=True)
    told_opening_at = models.DateTimeField(null=True)
    told_closing_at = models.DateTimeField(null=True)
    believed_at = models.DateTimeField(null=True)
    believed_by = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["network_slug", "app", "health"],
                condition=Q(closed_at=None),
                nulls_distinct=False,
                name="failure_open_once",
            )
        ]

    @property
    def network(self) -> Network:
        return NETWORKS[self.network_slug]

    @property
    def is_held(self) -> bool:
        """Whether deaths there wait, and an operator may say that they are true."""
        return self.health == Health.DEAD and not (self.closed_at or self.believed_at)

    @property
    def held_until(self) -> datetime:
        return self.opened_at + HELD_AT_MOST

    @property
    def lasting(self) -> timedelta:
        """For how long by now, or until it closed."""
        return (self.closed_at or timezone.now()) - self.opened_at


class Backlog(models.Model):
    """How far the engine is behind at one network: what was due when it looked, at `seen_at`.

    `oldest_due_at` is empty where nothing was due; the lag is the time between the two. `watched`
    tokens live there and `dead` ones do not, as of the last count.
    """

    network_slug = models.CharField(max_length=30, primary_key=True)
    seen_at = models.DateTimeField()
    oldest_due_at = models.DateTimeField(null=True)
    due = models.PositiveIntegerField(default=0)
    watched = models.PositiveIntegerField(default=0)
    dead = models.PositiveIntegerField(db_default=0)

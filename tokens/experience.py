"""What the installation has learnt of how tokens die: the rows that schedule.py reads."""

from __future__ import annotations

from django.db import models


class Experience(models.Model):
    """One cell: tokens of one network, in one class of age and one of history.

    `token_days` that tokens spent in it, and `deaths` without notice among them; `living` is how
    many were in it at `counted_at`. The classes are those of tokens/schedule.py.
    """

    network_slug = models.CharField(max_length=30)
    age = models.PositiveSmallIntegerField()
    history = models.PositiveSmallIntegerField()
    token_days = models.FloatField(default=0.0)
    deaths = models.FloatField(default=0.0)
    living = models.PositiveIntegerField(default=0)
    counted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["network_slug", "age", "history"], name="cell_once")
        ]

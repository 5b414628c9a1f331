"""The condition of a profile as people see it: its status, and what is coming or doubtful."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, TextChoices, Value, When
from django.utils.translation import gettext_lazy as _

from networks.base import Reason
from profiles.models import Profile, Status
from tokens.models import Access

# From here on, valid access that ends is shown in amber.
ENDING_WITHIN = timedelta(days=30)
# So many questions in a row without an answer make a network "not reachable". Counted in
# questions, since the time between two is the installation's choice (PROBE_INTERVAL).
UNANSWERED = 3


class Condition(TextChoices):
    """One word and one colour for each row. An outage is not a loss: it hides only how valid
    access looks today, and never that it was lost."""

    VALID = "valid", _("Valid")
    ENDING = "ending", _("Expires soon")
    LOST = "lost", _("No valid access permission")
    UNREACHABLE = "unreachable", _("Not reachable")
    GONE = "gone", _("No longer in the network")


def with_condition(
    profiles: QuerySet[Profile], now: datetime, only: str | None = None
) -> QuerySet[Profile]:
    """Adds `condition`, by which rows are drawn, and filters by it where `only` names one."""
    good = Access.objects.good().filter(profile=OuterRef("pk"))
    silent = Q(token__unclear_reason=Reason.NETWORK_OUTAGE, token__unclear_count__gte=UNANSWERED)
    # Most tokens are not silent, so the first question decides for almost every profile.
    unreachable = Exists(good.filter(silent)) & ~Exists(good.exclude(silent))
    described = profiles.annotate(
        condition=Case(
            When(status=Status.LOST, then=Value(Condition.LOST.value)),
            When(status=Status.GONE, then=Value(Condition.GONE.value)),
            When(unreachable, then=Value(Condition.UNREACHABLE.value)),
            When(next_end__lte=now + ENDING_WITHIN, then=Value(Condition.ENDING.value)),
            default=Value(Condition.VALID.value),
        )
    )
    return described.filter(condition=only) if only else described


def latest_silence(good: list[Access]) -> datetime | None:
    """Since when no network has answered for any of these accesses."""
    begun = [access.token.unclear_since for access in good if access.token.unclear_since]
    return max(begun, default=None)

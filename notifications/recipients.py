"""Who is told about a profile, and why somebody is not.

Planner, sender and the preview on the settings page all ask here, so that they cannot disagree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from django.db.models import Exists, OuterRef, TextChoices
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from profiles.models import Ownership, Profile


class WhyNot(TextChoices):
    """Reasons why an owner gets no mail, as a sentence about that owner."""

    DEACTIVATED = "deactivated", _("The account is deactivated.")
    PROFILE_MUTED = "profile_muted", _("Email notifications are off for this profile.")
    NOT_OPTED_IN = "not_opted_in", _("Has not opted in under Account settings.")
    NOT_CONFIRMED = "not_confirmed", _("The email address is not confirmed yet.")


@dataclass(frozen=True, slots=True)
class Recipient:
    """An owner of a profile; told of a loss where nothing speaks against it."""

    user: User
    why_not: tuple[WhyNot, ...] = ()

    @property
    def is_told(self) -> bool:
        return not self.why_not


def recipients_of(profiles: Iterable[UUID]) -> dict[UUID, list[Recipient]]:
    """Every owner of each profile, by name. One query, however many profiles there are."""
    confirmed = EmailAddress.objects.filter(
        user=OuterRef("user"), email__iexact=OuterRef("user__email"), verified=True
    )
    ownerships = (
        Ownership.objects.filter(profile__in=list(profiles))
        .select_related("user", "profile")
        .annotate(is_confirmed=Exists(confirmed))
        .order_by("user__name", "user__email")
    )
    found: dict[UUID, list[Recipient]] = defaultdict(list)
    for row in ownerships:
        found[row.profile_id].append(Recipient(row.user, _why_not(row)))
    return found


def untold_without(user: User, profiles: Iterable[Profile]) -> list[Profile]:
    """Those of the profiles of which nobody is told where this person does not own them."""
    by_id = {profile.pk: profile for profile in profiles}
    recipients = recipients_of(by_id)
    return [
        profile
        for pk, profile in by_id.items()
        if not any(one.is_told and one.user != user for one in recipients[pk])
    ]


def _why_not(row: Any) -> tuple[WhyNot, ...]:
    """All that speaks against telling this owner; `row` is an Ownership with its mark."""
    speaks_against = {
        WhyNot.DEACTIVATED: not row.user.is_active,
        WhyNot.PROFILE_MUTED: not row.profile.mail_when_lost,
        WhyNot.NOT_OPTED_IN: not row.user.wants_token_mail,
        WhyNot.NOT_CONFIRMED: not row.is_confirmed,
    }
    return tuple(reason for reason, applies in speaks_against.items() if applies)

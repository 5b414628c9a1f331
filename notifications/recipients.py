"""Who is told about a profile, and why somebody is not.

Planner, sender and the preview on the settings page all ask here, so that they cannot disagree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from django.db.models import Exists, OuterRef, TextChoices
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Role, User
from notifications.kinds import FIRST, OWNERS, NoticeKind
from notifications.models import Preferences, RefusedAddress
from profiles.models import Ownership, Profile


class WhyNot(TextChoices):
    """Reasons why somebody gets no mail, as a sentence about that person."""

    DEACTIVATED = "deactivated", _("The account is deactivated.")
    PROFILE_MUTED = "profile_muted", _("Email notifications are off for this profile.")
    NOT_OPTED_IN = "not_opted_in", _("Has not opted in under Account settings.")
    NOT_CONFIRMED = "not_confirmed", _("The email address is not confirmed yet.")
    ADDRESS_REFUSED = "address_refused", _("The mail server has refused the email address.")
    # Of one kind of mail, or at the moment when a mail was to leave.
    STOPPED = "stopped", _("Has switched off mails of this kind.")
    NOT_AN_OWNER = "not_an_owner", _("Does not own this profile any more.")
    NOT_AN_ADMIN = "not_an_admin", _("Is no admin any more, or admins are no longer written to.")


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who would be told; is told of `kinds` where nothing speaks against it."""

    user: User
    preferences: Preferences
    why_not: tuple[WhyNot, ...] = ()
    kinds: tuple[NoticeKind, ...] = ()

    @property
    def is_told(self) -> bool:
        """Of the loss of the last valid access."""
        return not self.why_not

    @property
    def stopped(self) -> list[NoticeKind]:
        """What an owner would get who has never chosen, and has switched off."""
        usual = [kind for kind in OWNERS if kind in FIRST]
        return [kind for kind in usual if self.is_told and kind not in self.kinds]

    def why_not_of(self, kind: NoticeKind) -> WhyNot | None:
        """The first of what speaks against this kind of mail; None where nothing does."""
        if self.why_not:
            return self.why_not[0]
        return None if kind in self.kinds else WhyNot.STOPPED


def recipients_of(profiles: Iterable[UUID]) -> dict[UUID, list[Recipient]]:
    """Every owner of each profile, by name. One query, however many profiles there are."""
    ownerships = (
        Ownership.objects.filter(profile__in=list(profiles))
        .select_related("user__notice_preferences", "profile")
        .annotate(is_confirmed=_is_confirmed(), is_refused=_is_refused())
        .order_by("user__name", "user__email")
    )
    found: dict[UUID, list[Recipient]] = defaultdict(list)
    for row in ownerships:
        found[row.profile_id].append(_recipient(row.user, _of_owner(row)))
    return found


def admins_of(organizations: Collection[UUID]) -> dict[UUID, list[Recipient]]:
    """The admins of those of the organizations that have turned escalation on."""
    memberships = (
        Membership.objects.filter(
            organization__in=organizations, organization__escalates=True, role=Role.ADMIN
        )
        .select_related("user__notice_preferences")
        .annotate(is_confirmed=_is_confirmed(), is_refused=_is_refused())
        .order_by("user__name", "user__email")
    )
    found: dict[UUID, list[Recipient]] = defaultdict(list)
    for row in memberships:
        found[row.organization_id].append(_recipient(row.user, _of_person(row)))
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


def _is_confirmed() -> Exists:
    return Exists(
        EmailAddress.objects.filter(
            user=OuterRef("user"), email__iexact=OuterRef("user__email"), verified=True
        )
    )


def _is_refused() -> Exists:
    return Exists(RefusedAddress.objects.filter(email=Lower(OuterRef("user__email"))))


def _recipient(user: User, speaks_against: dict[WhyNot, bool]) -> Recipient:
    why_not = tuple(reason for reason, applies in speaks_against.items() if applies)
    preferences = Preferences.of(user)
    kinds = [kind for kind in NoticeKind if not why_not and preferences.wants(kind)]
    return Recipient(user, preferences, why_not, tuple(kinds))


def _of_owner(row: Any) -> dict[WhyNot, bool]:
    """What may speak against telling this owner; `row` is an Ownership with its marks."""
    return _of_person(row) | {
        WhyNot.PROFILE_MUTED: not row.profile.mail_when_lost,
        WhyNot.NOT_OPTED_IN: not row.user.wants_token_mail,
    }


def _of_person(row: Any) -> dict[WhyNot, bool]:
    return {
        WhyNot.DEACTIVATED: not row.user.is_active,
        WhyNot.NOT_CONFIRMED: not row.is_confirmed,
        WhyNot.ADDRESS_REFUSED: row.is_refused,
    }

"""What can be decided for an organization as a whole."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.actor import Actor
from accounts.members import Refused, lock
from accounts.models import Organization
from accounts.second_factor import has_second_factor


@transaction.atomic
def require_second_factor(organization: Organization, is_required: bool, *, by: Actor) -> None:
    """Let members in only after they have shown a second factor, or leave it to them."""
    lock(organization)
    organization.refresh_from_db(fields=["requires_second_factor"])
    if organization.requires_second_factor == is_required:
        return
    if is_required and not (by.user and has_second_factor(by.user)):
        raise Refused(
            _(
                "You have no second factor yourself and would shut yourself out. Set one up in "
                "your account settings, then come back."
            )
        )
    organization.requires_second_factor = is_required
    organization.save(update_fields=["requires_second_factor"])
    by.record("second_factor_required", organization, after=is_required)


@transaction.atomic
def escalate(organization: Organization, is_on: bool, *, by: Actor) -> None:
    """Let admins hear of what no owner hears of, or of what none acts on, or no longer."""
    lock(organization)
    organization.refresh_from_db(fields=["escalates"])
    if organization.escalates == is_on:
        return
    organization.escalates = is_on
    organization.save(update_fields=["escalates"])
    by.record("escalation_changed", organization, after=is_on)

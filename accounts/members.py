"""What can be done to members. Each verb writes its rows and its audit line together."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.actor import Actor
from accounts.models import Membership, Organization, Role
from accounts.single_sign_on import disconnect


class Refused(Exception):
    """What cannot be done, as a sentence for the person that says what to do next."""


def lock(organization: Organization) -> None:
    """Let one change to the people of an organization wait for the other: two admins who
    demote each other at the same moment would otherwise each see the other still there."""
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)


@transaction.atomic
def change_role(membership: Membership, role: str, *, by: Actor) -> None:
    lock(membership.organization)
    membership = _still_there(membership)
    before = membership.role
    if role == before:
        return
    _refuse_if_last_admin(
        membership,
        _("%(name)s is the only admin. Make somebody else an admin first, then change this role."),
    )
    if before == Role.ADMIN:
        _withdraw_invitations_of(membership, by=by)
    membership.role = role
    membership.save(update_fields=["role"])
    by.record(
        "role_changed", membership.organization, membership.user, before=before, after=str(role)
    )


@transaction.atomic
def remove(membership: Membership, *, by: Actor) -> None:
    """End a person's membership here; the account and other organizations stay as they are.

    Teams and profiles of this organization let go of the person by the database's own keys.
    """
    lock(membership.organization)
    membership = _still_there(membership)
    _refuse_if_last_admin(
        membership,
        _("%(name)s is the only admin. Make somebody else an admin first, then remove %(name)s."),
    )
    _withdraw_invitations_of(membership, by=by)
    disconnect(membership.organization, user=membership.user)
    membership.delete()
    by.record("member_removed", membership.organization, membership.user, role=membership.role)


def _withdraw_invitations_of(membership: Membership, *, by: Actor) -> None:
    """What somebody may not do any more, an invitation that is still open must not do either."""
    mine = membership.organization.invitations.filter(invited_by=membership.user, accepted_at=None)
    for invitation in mine.select_for_update():
        by.record("invitation_revoked", membership.organization, invitation)
        invitation.delete()


def _still_there(membership: Membership) -> Membership:
    found = (
        Membership.objects.select_related("organization", "user").filter(pk=membership.pk).first()
    )
    if found is None:
        raise Refused(_("This person is not a member any more. There is nothing left to change."))
    return found


def _refuse_if_last_admin(membership: Membership, sentence: str) -> None:
    """Called under the lock, before an admin stops being one."""
    admins = Membership.objects.filter(organization=membership.organization, role=Role.ADMIN)
    if membership.is_admin and not admins.exclude(pk=membership.pk).exists():
        raise Refused(sentence % {"name": membership.user})

"""How a person comes into an organization: by a link that an admin had mailed.

The link names an invitation and is signed; everything else (how old, used, revoked) is said by
the row, so that a revoked invitation is dead at once. Revoking or sending again deletes the row,
and with it every older link.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from allauth.account.models import EmailAddress
from django.core import signing
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import links, tasks, walls
from accounts.actor import Actor
from accounts.links import LinkRefused
from accounts.members import Refused, lock
from accounts.models import Invitation, Membership, Organization, User


class Forged(LinkRefused):
    status = 404
    title = gettext_lazy("This link is not complete.")
    what_next = gettext_lazy(
        "Open it from the mail once more, or copy it from there in full. If that does not help, "
        "ask the person who invited you for a new invitation."
    )


class Revoked(LinkRefused):
    title = gettext_lazy("This invitation has been withdrawn or replaced.")
    what_next = gettext_lazy(
        "Look for a newer mail from us. If there is none, ask the person who invited you for a "
        "new invitation."
    )


class Expired(LinkRefused):
    title = gettext_lazy("This invitation has expired.")
    what_next = gettext_lazy(
        "An invitation is valid for 72 hours. Ask the person who invited you for a new one."
    )


class Used(LinkRefused):
    title = gettext_lazy("This invitation has already been accepted.")
    what_next = gettext_lazy(
        "If that was you, sign in with your email address and your password. If it was not, tell "
        "the person who invited you."
    )


@transaction.atomic
def invite(organization: Organization, email: str, role: str, *, by: Actor) -> Invitation:
    """Invite an address; a second invitation to the same address takes the place of the first."""
    lock(organization)
    email = email.lower()
    _refuse_if_member(organization, email)
    organization.invitations.filter(email=email, accepted_at=None).delete()
    invitation = Invitation.objects.create(
        organization=organization, email=email, role=role, invited_by=by.user
    )
    by.record("invited", organization, invitation, role=str(role))
    # robust: with the broker down the invitation still stands, and the page shows it as not sent.
    transaction.on_commit(lambda: tasks.send_invitation.delay(str(invitation.pk)), robust=True)
    return invitation


@transaction.atomic
def revoke(invitation: Invitation, *, by: Actor) -> None:
    claimed = Invitation.objects.select_for_update().filter(pk=invitation.pk).first()
    if claimed is None:
        return
    if claimed.accepted_at:
        raise Refused(
            _("%(email)s has accepted by now. Remove the person from the members instead.")
            % {"email": claimed.email}
        )
    by.record("invitation_revoked", invitation.organization, invitation)
    claimed.delete()


@contextmanager
def behind(token: str) -> Iterator[Invitation]:
    """The invitation of a link that can still be accepted, inside its organization, which the
    signature names. Raises LinkRefused."""
    try:
        organization_id, pk = links.read(token)
    except signing.BadSignature as error:
        raise Forged from error
    with walls.inside(organization_id):
        rows = Invitation.objects.select_related("organization", "invited_by")
        yield _acceptable(rows.filter(pk=pk).first())


@transaction.atomic
def join(invitation: Invitation, user: User, *, address: str | None = None) -> None:
    """Make `user`, who holds the mailed link and so the address, a member.

    `address`: which client asks.
    """
    # Locked and asked again: of two clicks at the same moment only one may get through.
    _acceptable(Invitation.objects.select_for_update().filter(pk=invitation.pk).first())
    Membership.objects.get_or_create(
        organization=invitation.organization, user=user, defaults={"role": invitation.role}
    )
    Invitation.objects.filter(pk=invitation.pk).update(accepted_at=timezone.now())
    _confirm(user, invitation.email)
    Actor(user, address).record("joined", invitation.organization, user, role=invitation.role)


@transaction.atomic
def sign_up(
    invitation: Invitation,
    *,
    name: str,
    password: str,
    language: str,
    address: str | None = None,
) -> User:
    """Make the invited person's account, and a member of it."""
    _acceptable(Invitation.objects.select_for_update().filter(pk=invitation.pk).first())
    user = User.objects.create_user(invitation.email, password, name=name, language=language)
    join(invitation, user, address=address)
    return user


def person_with(email: str) -> User | None:
    """Who signs in with this address, or has confirmed it as one of several."""
    confirmed = Q(emailaddress__email__iexact=email, emailaddress__verified=True)
    return User.objects.filter(Q(email__iexact=email) | confirmed).distinct().first()


def _refuse_if_member(organization: Organization, email: str) -> None:
    known = person_with(email)
    if known and organization.memberships.filter(user=known).exists():
        raise Refused(
            _("%(name)s is already a member. Change the role in the list instead.")
            % {"name": known}
        )


def _acceptable(invitation: Invitation | None) -> Invitation:
    if invitation is None:
        raise Revoked
    if invitation.accepted_at:
        raise Used
    if invitation.has_expired:
        raise Expired
    return invitation


def _confirm(user: User, email: str) -> None:
    address = EmailAddress.objects.filter(user=user, email__iexact=email).first()
    if address is None:
        is_first = not EmailAddress.objects.filter(user=user, primary=True).exists()
        address = EmailAddress(user=user, email=email, primary=is_first)
    address.verified = True
    address.save()

"""Links that go out by mail. The signed part of an invitation's names it and its organization, and
nothing else."""

from __future__ import annotations

from uuid import UUID

from django.core import signing
from django.urls import reverse
from django.utils.functional import Promise

from accounts.models import Invitation

SALT = "accounts.invitation"


class LinkRefused(Exception):
    """A link that opens nothing: what is the matter, what to do next, and the HTTP status."""

    status = 410
    title: Promise
    what_next: Promise


def path_of(invitation: Invitation) -> str:
    names = [str(invitation.organization_id), str(invitation.pk)]
    return reverse("accounts:invitation", args=[signing.dumps(names, salt=SALT)])


def read(token: str) -> tuple[UUID, UUID]:
    """The organization's id and the invitation's. Raises signing.BadSignature for what we have
    not signed."""
    try:
        organization, invitation = map(UUID, signing.loads(token, salt=SALT))
    except (TypeError, ValueError):  # signed by an older version of ours
        raise signing.BadSignature from None
    return organization, invitation

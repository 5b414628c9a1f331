"""The signed part of an invitation's address: it names the invitation and says nothing else."""

from __future__ import annotations

from django.core import signing
from django.urls import reverse

from accounts.models import Invitation

SALT = "accounts.invitation"


def path_of(invitation: Invitation) -> str:
    return reverse("accounts:invitation", args=[signing.dumps(str(invitation.pk), salt=SALT)])


def invitation_id(token: str) -> str:
    """Raises signing.BadSignature for what we have not signed."""
    return str(signing.loads(token, salt=SALT))

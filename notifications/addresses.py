"""Addresses that refuse mail for good: nothing more is sent there, and pages say so."""

from __future__ import annotations

from accounts.models import User
from notifications.models import DETAIL, RefusedAddress


def refuse(email: str, said: str) -> None:
    """Note that mail to this address was refused for good, with the server's words."""
    RefusedAddress.objects.update_or_create(email=email.lower(), defaults={"said": said[:DETAIL]})


def refusal_of(user: User) -> RefusedAddress | None:
    return RefusedAddress.objects.filter(email=user.email.lower()).first()


def try_again(user: User) -> None:
    """The holder says that the address works again; the next mail will show it."""
    RefusedAddress.objects.filter(email=user.email.lower()).delete()

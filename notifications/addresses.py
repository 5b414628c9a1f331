"""Addresses that refuse mail for good: nothing more is sent there, and pages say so."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from accounts.models import User
from notifications.models import DETAIL, RefusedAddress


def refuse(email: str, said: str) -> None:
    """Note that mail to this address was refused for good, with the server's words."""
    RefusedAddress.objects.update_or_create(email=email.lower(), defaults={"said": said[:DETAIL]})


def refusal_of(user: User) -> RefusedAddress | None:
    return RefusedAddress.objects.filter(email=user.email.lower()).first()


def refusals_of(emails: Iterable[str]) -> QuerySet[RefusedAddress]:
    lower = [email.lower() for email in emails]
    return RefusedAddress.objects.filter(email__in=lower).order_by("email")


def try_again(user: User) -> None:
    """The holder says that the address works again; the next mail will show it."""
    RefusedAddress.objects.filter(email=user.email.lower()).delete()

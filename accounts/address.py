"""A new email address: it counts when whoever reads the old one and whoever reads the new one have
both said yes, by a link that each gets.

A link is signed and names the change and the side; everything else is said by the row, so that a
change that was replaced, withdrawn or done is dead at once, and with it every link.
"""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.links import LinkRefused
from accounts.models import EmailChange, User

SALT = "accounts.address"
OLD, NEW = "old", "new"


class Forged(LinkRefused):
    status = 404
    title = gettext_lazy("This link is not complete.")
    what_next = gettext_lazy(
        "Open it from the mail once more, or copy it from there in full. If that does not help, "
        "ask for the change again in your account settings."
    )


class Replaced(LinkRefused):
    title = gettext_lazy("This link is used up, or was replaced by a newer one.")
    what_next = gettext_lazy(
        "Sign in and look into your account settings: they show the address that counts, and "
        "whether a change is still waiting."
    )


class Expired(LinkRefused):
    title = gettext_lazy("This link has expired.")
    what_next = gettext_lazy(
        "It was valid for 24 hours, and nothing has been changed. Ask for the change again in "
        "your account settings."
    )


class Taken(LinkRefused):
    status = 409
    title = gettext_lazy("There is another account with this address.")
    what_next = gettext_lazy(
        "Nothing has been changed. Sign in to that account, or choose another address in the "
        "settings of this one."
    )


def ask_for(user: User, email: str) -> EmailChange:
    """Write to both addresses. The answer is the same whether `email` has an account or not."""
    with transaction.atomic():
        EmailChange.objects.filter(user=user).delete()
        change = EmailChange.objects.create(user=user, email=email)
    for side, address in ((OLD, user.email), (NEW, email)):
        context = {"user": user, "change": change, "link": settings.BASE_URL + path(change, side)}
        get_adapter().send_mail(f"account/email/change_{side}_address", address, context)
    return change


def withdraw(user: User) -> None:
    EmailChange.objects.filter(user=user).delete()


def forget_expired() -> None:
    EmailChange.objects.filter(created_at__lte=timezone.now() - EmailChange.AGE).delete()


def path(change: EmailChange, side: str) -> str:
    token = signing.dumps([str(change.pk), side], salt=SALT)
    return reverse("accounts:email_change", args=[token])


def open_link(token: str) -> tuple[EmailChange, str]:
    """The change, and whose link it is: OLD or NEW. Raises LinkRefused."""
    try:
        pk, side = signing.loads(token, salt=SALT)
    except signing.BadSignature as error:
        raise Forged from error
    found = EmailChange.objects.select_related("user").filter(pk=pk, user__is_active=True).first()
    if found is None or getattr(found, f"confirmed_by_{side}_at"):
        raise Replaced
    if found.has_expired:
        raise Expired
    return found, side


def confirm(token: str) -> EmailChange:
    """Say yes for one side; with the second yes the address is changed. Raises LinkRefused."""
    try:
        with transaction.atomic():
            # Locked, so that of two clicks at the same moment one finds both sides.
            EmailChange.objects.select_for_update().filter(pk=open_link(token)[0].pk).first()
            change, side = open_link(token)
            setattr(change, f"confirmed_by_{side}_at", timezone.now())
            change.save()
            before = change.user.email
            if change.is_confirmed:
                _apply(change)
    except IntegrityError:  # unique addresses: somebody else's account has it
        raise Taken from None
    if change.is_confirmed:
        _tell(change, before)
    return change


def _apply(change: EmailChange) -> None:
    user = change.user
    user.email = change.email
    user.save(update_fields=["email"])
    EmailAddress.objects.filter(user=user).delete()
    EmailAddress.objects.create(user=user, email=change.email, verified=True, primary=True)
    EmailChange.objects.filter(pk=change.pk).delete()


def _tell(change: EmailChange, before: str) -> None:
    addresses = {"from_email": before, "to_email": change.email}
    get_adapter().send_notification_mail(
        "account/email/email_changed", change.user, addresses, email=before
    )

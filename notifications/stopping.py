"""The link that stops these mails, for whoever holds the mail: no sign-in, and only by POST."""

from __future__ import annotations

from django.core import signing
from django.urls import reverse

from accounts.models import User

SALT = "notifications.stop"


def stop_path(user: User) -> str:
    return reverse("notifications:stop", args=[signing.dumps(str(user.pk), salt=SALT)])


def reader_of(link: str) -> User | None:
    """Whose mails the link stops; None where it is not one of ours."""
    try:
        pk = signing.loads(link, salt=SALT)
    except signing.BadSignature:
        return None
    return User.objects.filter(pk=pk).first()


def stop(user: User) -> None:
    User.objects.filter(pk=user.pk).update(wants_token_mail=False)

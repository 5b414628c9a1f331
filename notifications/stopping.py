"""The link that stops one kind of mail for whoever holds it: no sign-in, and only by POST."""

from __future__ import annotations

from dataclasses import dataclass

from django.core import signing
from django.db import transaction
from django.urls import reverse

from accounts.models import User
from notifications.kinds import NoticeKind
from notifications.models import Preferences

SALT = "notifications.stop"


@dataclass(frozen=True, slots=True)
class Stop:
    """Whose mails a link stops, and of which kinds."""

    reader: User
    kinds: tuple[NoticeKind, ...]


def stop_path(user: User, *kinds: NoticeKind) -> str:
    """Of these kinds: one, or those of a digest. Without any, of the first."""
    stopped = [kind.value for kind in kinds or (NoticeKind.ACCESS_LOST,)]
    link = signing.dumps([str(user.pk), *stopped], salt=SALT)
    return reverse("notifications:stop", args=[link])


def stop_of(link: str) -> Stop | None:
    """What the link stops; None where it is not one of ours. Links of mails from before there
    were kinds name the reader alone."""
    try:
        said = signing.loads(link, salt=SALT)
    except signing.BadSignature:
        return None
    pk, *kinds = said if isinstance(said, list) else (said, NoticeKind.ACCESS_LOST)
    reader = User.objects.filter(pk=pk).first()
    return Stop(reader, tuple(map(NoticeKind, kinds))) if reader else None


@transaction.atomic
def stop(link: Stop) -> None:
    rows = User.objects.select_for_update(no_key=True).filter(pk=link.reader.pk)
    preferences = Preferences.of(rows.get())
    if NoticeKind.ACCESS_LOST in link.kinds:
        rows.update(wants_token_mail=False)
    if set(preferences.kinds) & set(link.kinds):
        preferences.kinds = [kind for kind in preferences.kinds if kind not in link.kinds]
        preferences.save()

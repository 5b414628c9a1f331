"""The kinds of mail that a reader can get about profiles, and can stop one by one."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class NoticeKind(TextChoices):
    """As they are offered to their reader."""

    ACCESS_LOST = "access_lost", _("A profile has no valid access permission any more.")
    REMINDER = (
        "reminder",
        _("Reminders while a profile has none: after 2 days, then every 5, six at most."),
    )
    RENEWAL_DUE = (
        "renewal_due",
        _("Warnings 30, 14, 7 days and one day before somebody has to sign in again."),
    )
    PARTLY_LOST = "partly_lost", _("One of several accesses is lost, and another still works.")
    RESTORED = "restored", _("A profile that you were told of works again.")
    ESCALATION = (
        "escalation",
        _("As an admin: no owner of a profile without access can be reached, or none acts."),
    )


# That one is the checkbox of the account: `User.wants_token_mail`.
STOPPABLE = [kind for kind in NoticeKind if kind != NoticeKind.ACCESS_LOST]
# What a person gets who has never chosen.
FIRST = [NoticeKind.REMINDER.value, NoticeKind.RENEWAL_DUE.value, NoticeKind.ESCALATION.value]
# These need the two checkboxes of the first kind, the profile's and the person's own.
OWNERS = [kind for kind in NoticeKind if kind != NoticeKind.ESCALATION]

"""What a StatusChange is called on the timeline of its profile."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext as _

from networks.base import Reason
from profiles.models import Profile
from tokens.models import StatusChange
from tokens.wording import headline


class Entry(NamedTuple):
    """One line of the timeline. `tone` is lost, valid or quiet; of a mail it is mail, unneeded or
    unsent."""

    at: datetime
    tone: str
    title: str
    detail: str


def entry_of(change: StatusChange, profile: Profile) -> Entry:
    login = _("login of %(name)s") % {"name": change.login_name}
    reason = Reason(change.reason) if change.reason else None
    if reason is None:
        return Entry(change.at, "valid", _gained(change), login)
    if reason is Reason.NO_LONGER_LISTED:
        return Entry(change.at, "quiet", _("No longer in the network"), login)
    if change.lost_the_last:
        tone, title = "lost", _("No valid access permission any more")
    elif change.profile_valid:
        tone, title = "quiet", _("One access lost; another still works")
    else:
        tone, title = "quiet", _("Another access lost")
    return Entry(change.at, tone, title, f"{headline(reason, profile.network)} · {login}")


def _gained(change: StatusChange) -> str:
    if change.actor_name:
        return _("Connected by %(name)s") % {"name": change.actor_name}
    if change.profile_was_valid:
        return _("Another access works again")
    return _("Valid again, without anybody's help")

"""What became of a mail: one line of the timeline of its profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from notifications.kinds import NoticeKind
from notifications.models import Notice, Outcome
from notifications.recipients import WhyNot
from tokens.timeline import Entry

# As they stand behind "Mail to Otto Owner".
ABOUT: Mapping[str, Promise] = {
    NoticeKind.ACCESS_LOST: gettext_lazy("the last access permission is lost"),
    NoticeKind.REMINDER: gettext_lazy("reminder %(step)d"),
    NoticeKind.RENEWAL_DUE: gettext_lazy("warning: it ends on %(end)s"),
    NoticeKind.PARTLY_LOST: gettext_lazy("one of several accesses is lost"),
    NoticeKind.RESTORED: gettext_lazy("it works again"),
    NoticeKind.ESCALATION: gettext_lazy("as an admin: no owner can be reached, or none acts"),
}
# As they stand behind "No mail to Otto Owner". NOT_WANTED is told by its WhyNot.
WHY_NOT_SENT: Mapping[str, Promise] = {
    Outcome.RECOVERED: gettext_lazy("it was over before the mail left"),
    Outcome.OVERTAKEN: gettext_lazy("it was no longer true when the mail was to leave"),
    Outcome.REFUSED: gettext_lazy("the mail server refused it for good"),
    Outcome.BAD_ADDRESS: gettext_lazy("the email address is not a valid one"),
}


def line_of(notice: Any, *, with_words: bool) -> Entry:
    """`notice.at` is when it was sent or given up, or else made. `with_words`: the reader may
    see what the mail server said, which names addresses."""
    parts = [_about(notice), _what_became(notice)]
    if notice.outcome == Outcome.REFUSED and with_words and notice.detail:
        parts.append(_("it said: %(said)s") % {"said": notice.detail})
    return Entry(notice.at, _tone(notice), _title(notice), " · ".join(filter(None, parts)))


def _title(notice: Notice) -> str:
    if notice.sent_at and notice.outcome:
        title = _("Mail to %(name)s came back")
    elif notice.sent_at:
        title = _("Mail to %(name)s")
    elif notice.given_up_at:
        title = _("No mail to %(name)s")
    else:
        title = _("Mail to %(name)s, not sent yet")
    return title % {"name": notice.user}


def _tone(notice: Notice) -> str:
    """Amber is where somebody should have heard and has not; the rest needed no mail any more."""
    if notice.outcome in (Outcome.REFUSED, Outcome.BAD_ADDRESS, Outcome.EXHAUSTED):
        return "unsent"
    return "unneeded" if notice.given_up_at else "mail"


def _about(notice: Notice) -> str:
    end = date_format(localtime(notice.ends_at), "DATE_FORMAT") if notice.ends_at else ""
    return str(ABOUT[notice.kind]) % {"step": notice.step, "end": end}


def _what_became(notice: Notice) -> str:
    if notice.outcome == Outcome.NOT_WANTED:
        return str(WhyNot(notice.detail).label)
    if notice.outcome == Outcome.EXHAUSTED or (not notice.outcome and not notice.sent_at):
        return _attempts(notice)
    return str(WHY_NOT_SENT.get(notice.outcome, ""))


def _attempts(notice: Notice) -> str:
    count = notice.attempts
    if not count:
        return ""
    if notice.given_up_at:
        said = ngettext(
            "given up after %(count)d attempt", "given up after %(count)d attempts", count
        )
    else:
        said = ngettext(
            "%(count)d attempt so far, and more to come",
            "%(count)d attempts so far, and more to come",
            count,
        )
    return said % {"count": count}

"""The mails themselves, in the reader's language and time zone.

Names come from networks and are hostile: they lose line breaks and marks that turn the reading
direction, are shortened, and are escaped in HTML. What is put into a text mail is quoted.
"""

from __future__ import annotations

import unicodedata
import zoneinfo
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import css_inline
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import User
from networks.base import Reason
from notifications.models import Notice, OperatorNotice
from notifications.stopping import stop_path
from profiles.models import Profile
from tokens import advice
from tokens.wording import explain

TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
IN_SUBJECT = 60
IN_BODY = 80
LONG = 200
# How many profiles of one login a mail names; the list in the product has all of them.
NAMED = 10


@dataclass(frozen=True, slots=True)
class Loss:
    """One profile in the mail, as the reader is shown it."""

    name: str
    kind: str
    url: str
    since: datetime


def shown(text: str, length: int = IN_BODY) -> str:
    """A name as it may stand in one line of a mail."""
    visible = "".join(
        " " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char
        for char in text
        if unicodedata.bidirectional(char) not in TURNING
    )
    line = " ".join(visible.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def access_lost(notices: Sequence[Notice]) -> EmailMultiAlternatives:
    """The mail about profiles that have no valid access any more, all for one cause."""
    user = notices[0].user
    stop = settings.BASE_URL + stop_path(user)
    mail = _mail(
        "access_lost",
        user,
        lambda: _context(user, notices) | {"stop_url": stop},
        message=notices[0].mail,
    )
    # RFC 8058: one click stops it.
    mail.extra_headers["List-Unsubscribe"] = f"<{stop}>"
    mail.extra_headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return mail


def failure_told(notice: OperatorNotice) -> EmailMultiAlternatives:
    """The mail to an operator about a network or an app that fails, or does so no more."""
    name = f"failure_{notice.phase}"
    return _mail(name, notice.user, lambda: _about_failure(notice), message=notice.pk)


def _mail(
    name: str, user: User, context_of: Callable[[], dict[str, Any]], *, message: UUID | None
) -> EmailMultiAlternatives:
    """From templates/mail/<name>.subject.txt, .txt and .html, as this person reads. `message` names
    it, the same at every attempt."""
    with translation.override(_language(user)), timezone.override(_time_zone(user)):
        context = context_of()
        subject = render_to_string(f"mail/{name}.subject.txt", context)
        text = render_to_string(f"mail/{name}.txt", context)
        html = render_to_string(f"mail/{name}.html", context)
    mail = EmailMultiAlternatives(
        " ".join(subject.split()),
        text.strip() + "\n",
        to=[user.email],
        headers={
            "Message-ID": f"<{message}@{urlsplit(settings.BASE_URL).hostname}>",
            # RFC 3834: no answering machine is to answer.
            "Auto-Submitted": "auto-generated",
        },
    )
    mail.attach_alternative(css_inline.inline(html, load_remote_stylesheets=False), "text/html")
    return mail


def _about_failure(notice: OperatorNotice) -> dict[str, Any]:
    failure = notice.failure
    return {
        "name": shown(str(notice.user)),
        "failure": failure,
        "place": shown(advice.place(failure), IN_SUBJECT),
        "fact": shown(advice.fact(failure), LONG),
        "page_url": settings.BASE_URL + reverse("tokens:operator"),
    }


def _context(user: User, notices: Sequence[Notice]) -> dict[str, Any]:
    newest = {notice.change.profile_id: notice for notice in notices}
    # An account stands before its boards: refreshing it is what helps them all.
    ordered = sorted(
        newest.values(), key=lambda notice: notice.change.profile.parent_id is not None
    )
    first = ordered[0].change
    profile = first.profile
    losses = [_loss(notice) for notice in ordered]
    login = shown(first.login_name)
    return {
        "name": shown(str(user)),
        "organization": shown(notices[0].organization.name),
        "network": profile.network,
        "login": login,
        "subject_login": shown(first.login_name, IN_SUBJECT),
        "loss": losses[0],
        "subject_name": shown(profile.name, IN_SUBJECT),
        "losses": losses[:NAMED],
        "count": len(losses),
        "more": max(len(losses) - NAMED, 0),
        "since": min(loss.since for loss in losses),
        "reasons": _reasons(ordered, login),
        "refresh_url": losses[0].url,
        "settings_url": settings.BASE_URL + reverse("accounts:settings"),
        "role": profile.network.required_role if profile.kind.reads_role else "",
    }


def _loss(notice: Notice) -> Loss:
    profile = notice.change.profile
    return Loss(
        name=shown(profile.name),
        kind=str(profile.kind.label),
        url=_refresh_url(notice.organization.slug, profile),
        since=notice.change.at,
    )


def _refresh_url(organization: str, profile: Profile) -> str:
    path = reverse("tokens:refresh", args=[organization, profile.pk])
    return f"{settings.BASE_URL}{path}"


def _reasons(notices: Sequence[Notice], login: str) -> list[str]:
    """Each different reason once, in its honest words."""
    changes = [notice.change for notice in notices if notice.change.reason]
    reasons = dict.fromkeys(Reason(change.reason) for change in changes)
    return [explain(reason, changes[0].profile.network, login) for reason in reasons]


def _language(user: User) -> str:
    return user.language if user.language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def _time_zone(user: User) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(user.time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):  # unknown, empty, or a path
        return zoneinfo.ZoneInfo(settings.TIME_ZONE)

"""The mails themselves, in the reader's language and time zone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import css_inline
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from accounts.localization import zone_of
from accounts.models import User
from notifications.contents import about, first_mail, told_losses
from notifications.kinds import NoticeKind
from notifications.models import Notice, OperatorNotice
from notifications.names import IN_SUBJECT, LONG, shown
from notifications.stopping import stop_path
from tokens import advice

# What of a kind is not that of all.
OWN: dict[NoticeKind, dict[str, Any]] = {
    NoticeKind.ESCALATION: {
        "todo": "mail/escalation.todo.txt",
        "because": "mail/escalation.because.txt",
        "profile_link": _("Add an owner"),
    },
    NoticeKind.RESTORED: {"todo": ""},
}
SHARED = {
    "todo": "mail/notice.todo.txt",
    "because": "mail/notice.because.txt",
    "profile_link": "",
}


def parts(kind: NoticeKind) -> dict[str, Any]:
    """The templates of a kind's sentences, by what they say; and what a quiet link to the profile
    says, where there is one."""
    own = {"fact": f"mail/{kind.value}.fact.txt", "lead": f"mail/{kind.value}.lead.txt"}
    return SHARED | own | OWN.get(kind, {})


def letter(notices: Sequence[Notice]) -> EmailMultiAlternatives:
    """The mail to one person about these notices: of one kind and one cause, or a digest."""
    user, is_digest = notices[0].user, notices[0].digest_at is not None
    kinds = dict.fromkeys(NoticeKind(notice.kind) for notice in notices)
    stop = settings.BASE_URL + stop_path(user, *kinds)
    name, content = ("digest", _digest) if is_digest else ("notice", _content)
    mail = _mail(
        name,
        user,
        lambda: content(notices, told_losses(notices)) | {"stop_url": stop},
        message=notices[0].mail,
    )
    # RFC 8058: one click stops it.
    mail.extra_headers["List-Unsubscribe"] = f"<{stop}>"
    mail.extra_headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if not is_digest and (thread := first_mail(notices)):
        mail.extra_headers |= {"In-Reply-To": _name(thread), "References": _name(thread)}
    return mail


def _content(notices: Sequence[Notice], told: set[int]) -> dict[str, Any]:
    are_told = [notice.change_id in told for notice in notices]
    what_was_told = {"all_told": all(are_told), "none_told": not any(are_told)}
    return about(notices) | parts(NoticeKind(notices[0].kind)) | what_was_told


def _digest(notices: Sequence[Notice], told: set[int]) -> dict[str, Any]:
    """One entry for each kind and cause, as the mail about it alone would say it."""
    together: dict[tuple[str, UUID], list[Notice]] = {}
    for notice in notices:
        together.setdefault((notice.kind, notice.cause), []).append(notice)
    contents = [_content(group, told) for group in together.values()]
    entries = [
        content
        | {
            "headline": render_to_string("mail/notice.subject.txt", content).strip(),
            "sentence": render_to_string("mail/digest.lead.txt", content).strip(),
        }
        for content in contents
    ]
    shared = ("name", "settings_url")
    needing = sum(content["count"] for content in contents if content["todo"])
    own = {"entries": entries, "needing": needing}
    return {name: contents[0][name] for name in shared} | own


def failure_told(notice: OperatorNotice) -> EmailMultiAlternatives:
    """The mail to an operator about a network or an app that fails, or does so no more."""
    name = f"failure_{notice.phase}"
    return _mail(name, notice.user, lambda: _about_failure(notice), message=notice.pk)


def _mail(
    name: str, user: User, context_of: Callable[[], dict[str, Any]], *, message: UUID | None
) -> EmailMultiAlternatives:
    """From templates/mail/<name>.subject.txt, .txt and .html, as this person reads. `message` names
    it, the same at every attempt."""
    with translation.override(_language(user)), timezone.override(zone_of(user)):
        context = context_of()
        subject = render_to_string(f"mail/{name}.subject.txt", context)
        text = render_to_string(f"mail/{name}.txt", context)
        html = render_to_string(f"mail/{name}.html", context)
    mail = EmailMultiAlternatives(
        " ".join(subject.split()),
        text.strip() + "\n",
        to=[user.email],
        headers={
            "Message-ID": _name(message),
            # RFC 3834: no answering machine is to answer.
            "Auto-Submitted": "auto-generated",
        },
    )
    mail.attach_alternative(css_inline.inline(html, load_remote_stylesheets=False), "text/html")
    return mail


def _name(message: UUID | None) -> str:
    return f"<{message}@{urlsplit(settings.BASE_URL).hostname}>"


def _about_failure(notice: OperatorNotice) -> dict[str, Any]:
    failure = notice.failure
    return {
        "name": shown(str(notice.user)),
        "failure": failure,
        "place": shown(advice.place(failure), IN_SUBJECT),
        "fact": shown(advice.fact(failure), LONG),
        "page_url": settings.BASE_URL + reverse("tokens:operator"),
    }


def _language(user: User) -> str:
    return user.language if user.language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE

"""The mails of accounts, one function each."""

from __future__ import annotations

from typing import Any

import css_inline
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation

from accounts import links
from accounts.models import Invitation, User

# A mail carries its own styles; nothing is fetched while writing it.
inliner = css_inline.CSSInliner(load_remote_stylesheets=False)


def send_invitation(invitation: Invitation) -> None:
    """In the language of the invited person where she has an account, else of who invites."""
    invited = User.objects.filter(email__iexact=invitation.email).first()
    reader = invited or invitation.invited_by
    context = {
        "invitation": invitation,
        "organization": invitation.organization,
        "link": settings.BASE_URL + links.path_of(invitation),
    }
    with translation.override((reader and reader.language) or settings.LANGUAGE_CODE):
        _send("invitation", to=invitation.email, context=context)


def _send(name: str, *, to: str, context: dict[str, Any]) -> None:
    """From templates/mail/<name>.subject.txt, .txt and .html."""
    context |= {"base_url": settings.BASE_URL}
    subject = " ".join(render_to_string(f"mail/{name}.subject.txt", context).split())
    mail = EmailMultiAlternatives(subject, render_to_string(f"mail/{name}.txt", context), to=[to])
    html = render_to_string(f"mail/{name}.html", context)
    mail.attach_alternative(inliner.inline(html), "text/html")
    mail.send()

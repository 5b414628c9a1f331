"""Is it still you? What a session that somebody left open must not be enough for.

A sign-in opens these acts for ACCOUNT_REAUTHENTICATION_TIMEOUT. After that the person shows her
second factor once more, or her password where she has none, and is back where she was.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

P = ParamSpec("P")
View = Callable[Concatenate[Any, P], HttpResponseBase]
# In the session: what was typed, and into which page, when the time had run out.
KEPT = "kept_input"
# Fields that are typed again: sessions are rows of the database.
SECRET = re.compile("password|secret|token")


def is_fresh(request: HttpRequest) -> bool:
    records = get_authentication_records(request, request.user)
    age = time.time() - records[-1]["at"] if records else float("inf")
    return bool(age < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


def reauthenticated(view: View[P]) -> View[P]:
    """For pages with a form, or that ask before an act: who opens or sends one says again who she
    is, unless she did so just now."""

    @wraps(view)
    def guarded(request: Any, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        return view(request, *args, **kwargs) if is_fresh(request) else ask(request)

    return guarded


def ask(request: HttpRequest, back: str = "") -> HttpResponse:
    """To «Is it you?», and from there to the page `back` (this one), which can have what was
    typed from `kept`. Nothing is done by itself afterwards: whoever sent it presses again."""
    back = back or request.get_full_path()
    if request.method == "POST":
        typed = {key: value for key, value in request.POST.items() if not SECRET.search(key)}
        request.session[KEPT] = {"page": back, "typed": typed}
        messages.warning(
            request, _("Nothing has happened yet. Show that it is you, then press once more.")
        )
    ways = get_adapter().get_reauthentication_methods(request.user)
    first = ways[0]["url"] if ways else reverse("account_set_password")
    return redirect(f"{first}?{urlencode({REDIRECT_FIELD_NAME: back})}")


def kept(request: HttpRequest) -> dict[str, str]:
    """What was typed into this page before its person was asked who she is; once."""
    found = request.session.get(KEPT)
    if not found or found["page"] != request.get_full_path():
        return {}
    del request.session[KEPT]
    typed: dict[str, str] = found["typed"]
    return typed

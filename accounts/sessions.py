"""How long a session lives, where a person has one, and how all of them end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.models import Session
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User

BEGUN, SEEN = "begun_at", "seen_at"
# So often at most is written down that a session was used; its idle time is as exact as this.
STEP = 300


@receiver(user_logged_in)
def begin(sender: Any, request: HttpRequest, user: User, **_kwargs: Any) -> None:
    """Every sign-in, that of an accepted invitation too."""
    request.session[BEGUN] = request.session[SEEN] = int(time.time())
    request.user = user  # a sign-in outside of a browser has set no other
    UserSession.objects.create_from_request(request)


class SessionAgeMiddleware:
    """Ends a session whose time is over, and prolongs the idle time of one that is used."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            self._end_or_prolong(request)
        return self.get_response(request)

    def _end_or_prolong(self, request: Any) -> None:
        now = int(time.time())
        begun = request.session.setdefault(BEGUN, now)
        if now - begun >= settings.SESSION_LIFETIME:
            logout(request)
            messages.info(request, _("You were signed in for a long time. Please sign in again."))
        # A page that keeps itself up to date is no sign of somebody in front of it.
        elif not request.htmx and now - request.session.get(SEEN, 0) >= STEP:
            request.session[SEEN] = now  # saved, and by that the cookie and its row live longer
            UserSession.objects.create_from_request(request)


def forget_ended() -> None:
    """What nobody can use any more, and where it was used."""
    Session.objects.filter(expire_date__lte=timezone.now()).delete()
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()


def end_all(user: User) -> int:
    """Sign a person out everywhere; how many sessions that were. Looks at every session, since
    one without a UserSession would otherwise live on."""
    living = Session.objects.filter(expire_date__gt=timezone.now()).iterator()
    mine = [one.pk for one in living if one.get_decoded().get(SESSION_KEY) == str(user.pk)]
    UserSession.objects.filter(user=user).delete()
    Session.objects.filter(pk__in=mine).delete()
    return len(mine)

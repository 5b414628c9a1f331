"""Where a person is signed in, and how she ends what is not hers."""

from __future__ import annotations

from allauth.usersessions.internal.flows.sessions import end_other_sessions, end_sessions
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.reauthentication import reauthenticated
from accounts.tenancy import PersonRequest


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@reauthenticated
def sessions(request: PersonRequest) -> HttpResponse:
    if request.method == "POST":
        return _end(request)
    living = UserSession.objects.purge_and_list(request.user)
    living.sort(key=lambda one: (one.is_current(), one.last_seen_at), reverse=True)
    return render(request, "accounts/sessions.html", {"sessions": living})


def _end(request: PersonRequest) -> HttpResponse:
    """The one that is named, or all but this one."""
    chosen = request.POST.get("session", "")
    if not chosen:
        end_other_sessions(request, request.user)
        messages.success(request, _("You are signed out everywhere else."))
        return redirect("accounts:sessions")
    mine = UserSession.objects.filter(user=request.user)
    number = int(chosen) if chosen.isdecimal() and len(chosen) < 19 else 0
    end_sessions(request, [get_object_or_404(mine, pk=number)])
    messages.success(request, _("That session is ended."))
    return redirect("accounts:sessions")

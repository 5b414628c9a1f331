"""Who gets mail for a profile, and the page that stops it."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from accounts.tenancy import MemberRequest
from notifications import stopping
from notifications.recipients import recipients_of
from profiles.models import Profile


@require_safe
def recipients(request: MemberRequest, profile: UUID) -> HttpResponse:
    """A fragment of the profile's settings: every owner, with a yes or the reasons for a no."""
    shown = get_object_or_404(Profile.objects.visible_to(request.membership), pk=profile)
    owners = recipients_of([shown.pk])[shown.pk]
    return render(
        request,
        "notifications/recipients.html",
        {"owners": owners, "is_anybody_told": any(owner.is_told for owner in owners)},
    )


@csrf_exempt  # RFC 8058: the reader's mail program posts here, without our cookie
def stop(request: HttpRequest, link: str) -> HttpResponse:
    """GET only asks: mail scanners open links."""
    reader = stopping.reader_of(link)
    if reader is None:
        raise Http404
    if request.method == "POST":
        stopping.stop(reader)
        return render(request, "notifications/stopped.html", {"reader": reader})
    return render(request, "notifications/stop.html", {"reader": reader})

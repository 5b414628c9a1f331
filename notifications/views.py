"""Who gets mail for a profile, who would not any more, and the page that stops it."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from accounts.tenancy import MemberRequest, admins_only
from notifications import stopping
from notifications.recipients import recipients_of, untold_without
from profiles.models import Profile

NAMED = 10


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


@require_safe
@admins_only
def left_behind(request: MemberRequest, pk: UUID) -> HttpResponse:
    """A fragment of the page that removes a member: what the person owns, and of which of it
    nobody would be told any more."""
    members = request.organization.memberships.select_related("user")
    leaving = get_object_or_404(members, pk=pk).user
    visible = Profile.objects.visible_to(request.membership)
    owned = visible.filter(ownerships__user=leaving).order_by("network_slug", "name", "pk")
    untold = untold_without(leaving, owned)
    context = {
        "person": leaving,
        "count": len(owned),
        "untold": untold[:NAMED],
        "more": max(0, len(untold) - NAMED),
    }
    return render(request, "notifications/left_behind.html", context)


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

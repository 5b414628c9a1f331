"""Who gets mail for a profile, who would not any more, and what each person wants."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actor import Actor
from accounts.organization import escalate
from accounts.tenancy import MemberRequest, PersonRequest, admins_only
from notifications import addresses, stopping
from notifications.figures import figures_of
from notifications.forms import PreferencesForm
from notifications.kinds import NoticeKind
from notifications.models import Preferences
from notifications.recipients import Recipient, admins_of, recipients_of, untold_without
from profiles.models import Profile

NAMED = 10
MOST_NAMED = 500  # at one time by the list


@require_safe
def recipients(request: MemberRequest, profile: UUID) -> HttpResponse:
    """A fragment of the profile's settings: every owner, with a yes or the reasons for a no."""
    shown = get_object_or_404(Profile.objects.visible_to(request.membership), pk=profile)
    owners = recipients_of([shown.pk])[shown.pk]
    is_anybody_told = any(owner.is_told for owner in owners)
    admins = [] if is_anybody_told or not shown.mail_when_lost else _told_admins(shown)
    context = {"owners": owners, "is_anybody_told": is_anybody_told, "admins": admins}
    return render(request, "notifications/recipients.html", context)


def _told_admins(profile: Profile) -> list[Recipient]:
    admins = admins_of([profile.organization_id])[profile.organization_id]
    return [admin for admin in admins if not admin.why_not_of(NoticeKind.ESCALATION)]


@require_safe
def untold(request: MemberRequest) -> HttpResponse:
    """A fragment of the list: a mark at each of the named profiles of which no owner is told."""
    asked = [pk for text in request.GET.getlist("profile")[:MOST_NAMED] if (pk := _uuid(text))]
    visible = Profile.objects.visible_to(request.membership).filter(pk__in=asked)
    owners = recipients_of(visible.values_list("pk", flat=True))
    marked = [profile for profile in visible if not any(one.is_told for one in owners[profile.pk])]
    return render(request, "notifications/untold.html", {"profiles": marked})


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


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


@require_safe
@admins_only
def refused(request: MemberRequest) -> HttpResponse:
    """A fragment of the members' page: whom no mail reaches, and what the server said."""
    members = request.organization.memberships.values_list("user__email", flat=True)
    context = {"refused": addresses.refusals_of(members)}
    return render(request, "notifications/refused.html", context)


@csrf_exempt  # RFC 8058: the reader's mail program posts here, without our cookie
def stop(request: HttpRequest, link: str) -> HttpResponse:
    """GET only asks: mail scanners open links."""
    found = stopping.stop_of(link)
    if found is None:
        raise Http404
    others = [kind for kind in found.kinds if kind != NoticeKind.ACCESS_LOST]
    is_first = NoticeKind.ACCESS_LOST in found.kinds
    context = {"reader": found.reader, "others": others, "is_first": is_first}
    if request.method == "POST":
        stopping.stop(found)
        return render(request, "notifications/stopped.html", context)
    return render(request, "notifications/stop.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: PersonRequest) -> HttpResponse:
    """Which kinds of mail the person wants, besides the first."""
    sent = request.POST if request.method == "POST" else None  # nothing ticked is a choice, too
    form = PreferencesForm(sent, instance=Preferences.of(request.user))
    if form.is_valid():
        form.save()
        messages.success(request, _("Your settings have been saved."))
        return redirect("notifications:preferences")
    status = 422 if form.errors else 200
    context = {"form": form, "first": NoticeKind.ACCESS_LOST}
    return render(request, "notifications/preferences.html", context, status=status)


@require_safe
@login_required
def address(request: PersonRequest) -> HttpResponse:
    """A fragment of the account's settings: that mail to the address is refused."""
    refusal = addresses.refusal_of(request.user)
    return render(request, "notifications/address.html", {"refusal": refusal})


@require_POST
@login_required
def try_again(request: PersonRequest) -> HttpResponse:
    """Mail may be sent to the person's address again."""
    addresses.try_again(request.user)
    messages.success(request, _("The next mail goes to this address again."))
    return redirect("accounts:settings")


@require_http_methods(["GET", "HEAD", "POST"])
@admins_only
def organization(request: MemberRequest) -> HttpResponse:
    """Whether admins hear of what no owner hears of, and how long all that takes."""
    if request.method == "POST":
        escalate(request.organization, request.POST.get("escalates") == "on", by=Actor.of(request))
        messages.success(request, _("Saved."))
        return redirect("notifications:organization", request.organization.slug)
    figures = figures_of(request.organization, timezone.now())
    return render(request, "notifications/organization.html", {"figures": figures})

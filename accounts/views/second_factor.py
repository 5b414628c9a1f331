"""The second factor of an organization: admins decide whether each member needs one."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import organization as verbs
from accounts.actor import Actor
from accounts.members import Refused
from accounts.models import SingleSignOn
from accounts.reauthentication import reauthenticated
from accounts.second_factor import FACTORS, has_second_factor
from accounts.tenancy import (
    MemberRequest,
    PersonRequest,
    admins_only,
    lacks_second_factor,
    memberships_of,
)


@require_safe
@admins_only
def security(request: MemberRequest) -> HttpResponse:
    """What the organization asks of a sign-in, and who does not do it yet."""
    with_one = Authenticator.objects.filter(type__in=FACTORS).values("user")
    members = request.organization.memberships.select_related("user")
    without = members.exclude(user__in=with_one).order_by("user__name", "user__email")
    context = {
        "without": without,
        "has_own": has_second_factor(request.user),
        "provider": SingleSignOn.objects.filter(organization=request.organization).first(),
    }
    return render(request, "accounts/security.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@admins_only
@reauthenticated
def requirement(request: MemberRequest) -> HttpResponse:
    """Asks before it is switched on, or off."""
    organization = request.organization
    if request.method != "POST":
        return render(request, "accounts/security_change.html")
    is_required = request.POST.get("required") == "yes"
    try:
        verbs.require_second_factor(organization, is_required, by=Actor.of(request))
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        done = {
            True: _("Every member now needs a second factor."),
            False: _("A second factor is now left to each member."),
        }
        messages.success(request, done[is_required])
    return redirect("accounts:security", organization.slug)


@require_safe
@login_required
def needed(request: PersonRequest, slug: str) -> HttpResponse:
    """Why an organization's pages stay shut for now, and how they open."""
    mine = (one.organization for one in memberships_of(request) if one.organization.slug == slug)
    organization = next(mine, None)
    if organization is None:
        raise Http404
    if not lacks_second_factor(request, organization):
        return redirect("tokens:profile_list", slug)
    ways = get_adapter().get_reauthentication_methods(request.user)
    context = {
        "organization": organization,
        "ways": [way for way in ways if way["id"].startswith("mfa")],
        "back": request.GET.get("next", ""),
    }
    return render(request, "accounts/second_factor_needed.html", context)

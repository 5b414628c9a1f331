"""The members page and its buttons: managers may look, admins may change."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from allauth.core import ratelimit
from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import invitations
from accounts import members as verbs
from accounts.actor import Actor
from accounts.forms import InviteForm, RoleForm
from accounts.models import Role, Team, User
from accounts.reauthentication import ask, is_fresh, kept, reauthenticated
from accounts.tenancy import MemberRequest, admins_only, managers_only


@require_safe
@managers_only
def members(request: MemberRequest) -> HttpResponse:
    return _page(request, InviteForm(initial=kept(request)))


@require_POST
@admins_only
def invite(request: MemberRequest) -> HttpResponse:
    form = InviteForm(request.POST)
    if form.is_valid():
        email, role = form.cleaned_data["email"], form.cleaned_data["role"]
        if role == Role.ADMIN and not is_fresh(request):
            return ask(request, reverse("accounts:members", args=[request.organization.slug]))
        if not ratelimit.consume(request, action="invite", key=email):
            form.add_error("email", _("We have written there several times. Try again tomorrow."))
            return _page(request, form)
        try:
            invitations.invite(request.organization, email, role, by=Actor.of(request))
        except verbs.Refused as refusal:
            form.add_error("email", str(refusal))
        else:
            messages.success(request, _("%(email)s is invited.") % {"email": email})
            return redirect("accounts:members", request.organization.slug)
    return _page(request, form)


@require_http_methods(["GET", "HEAD", "POST"])
@admins_only
@reauthenticated
def role(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Asks about the role in the query, then gives it."""
    membership = get_object_or_404(request.organization.memberships.select_related("user"), pk=pk)
    form = RoleForm(request.POST or request.GET)
    if not form.is_valid():
        messages.error(request, _("There is no such role. Choose one from the list."))
        return redirect("accounts:members", request.organization.slug)
    role = form.cleaned_data["role"]
    if request.method != "POST":
        context = {"membership": membership, "role": role, "label": Role(role).label}
        return render(request, "accounts/member_role.html", context)
    return _attempt(
        request,
        lambda: verbs.change_role(membership, role, by=Actor.of(request)),
        _("%(name)s has a new role: %(role)s.")
        % {"name": membership.user, "role": Role(role).label},
        about=membership.user,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@admins_only
@reauthenticated
def remove(request: MemberRequest, pk: UUID) -> HttpResponse:
    membership = get_object_or_404(request.organization.memberships.select_related("user"), pk=pk)
    if request.method != "POST":
        return render(request, "accounts/member_remove.html", {"membership": membership})
    return _attempt(
        request,
        lambda: verbs.remove(membership, by=Actor.of(request)),
        _("%(name)s is not a member any more.") % {"name": membership.user},
        about=membership.user,
    )


@require_POST
@admins_only
def revoke(request: MemberRequest, pk: UUID) -> HttpResponse:
    invitation = get_object_or_404(request.organization.invitations, pk=pk)
    return _attempt(
        request,
        lambda: invitations.revoke(invitation, by=Actor.of(request)),
        _("The invitation of %(email)s is revoked.") % {"email": invitation.email},
    )


def _attempt(
    request: MemberRequest, act: Callable[[], None], done: str, about: User | None = None
) -> HttpResponse:
    """Say `done`, or why not, on the members page."""
    try:
        act()
    except verbs.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
        if about == request.user:  # who changed himself may not see the members any more
            return redirect("accounts:home")
    return redirect("accounts:members", request.organization.slug)


def _page(request: MemberRequest, form: InviteForm) -> HttpResponse:
    organization = request.organization
    # A person can be in teams of other organizations too; those are nobody's business here.
    teams = Prefetch("user__teams", Team.objects.filter(organization=organization), "teams_here")
    context = {
        "memberships": organization.memberships.select_related("user")
        .prefetch_related(teams)
        .order_by("user__name", "user__email"),
        "invitations": organization.invitations.filter(accepted_at=None).order_by("-created_at"),
        "roles": Role.choices,
        "form": form,
    }
    return render(request, "accounts/members.html", context, status=422 if form.errors else 200)

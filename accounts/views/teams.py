"""The teams of an organization, for managers and admins."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import teams as verbs
from accounts.actor import Actor
from accounts.forms import NewTeamForm, TeamForm
from accounts.members import Refused
from accounts.tenancy import MemberRequest, managers_only


@require_http_methods(["GET", "HEAD", "POST"])
@managers_only
def teams(request: MemberRequest) -> HttpResponse:
    form = NewTeamForm(request.POST or None)
    if form.is_valid():
        name = form.cleaned_data["name"]
        try:
            team = verbs.create(request.organization, name, by=Actor.of(request))
        except Refused as refusal:
            form.add_error("name", str(refusal))
        else:
            return redirect("accounts:team", request.organization.slug, team.pk)
    context = {"form": form, "teams": request.organization.teams.prefetch_related("members")}
    return render(request, "accounts/teams.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@managers_only
def team(request: MemberRequest, pk: UUID) -> HttpResponse:
    team = get_object_or_404(request.organization.teams, pk=pk)
    form = TeamForm(request.POST or None, team=team)
    if form.is_valid():
        try:
            _save(request, form)
        except Refused as refusal:
            form.add_error("name", str(refusal))
        else:
            messages.success(request, _("The team %(name)s is saved.") % {"name": form.team})
            return redirect("accounts:teams", request.organization.slug)
    context = {"form": form, "team": team}
    return render(request, "accounts/team.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@managers_only
def delete(request: MemberRequest, pk: UUID) -> HttpResponse:
    team = get_object_or_404(request.organization.teams, pk=pk)
    if request.method != "POST":
        return render(request, "accounts/team_delete.html", {"team": team})
    verbs.delete(team, by=Actor.of(request))
    messages.success(request, _("The team %(name)s is deleted.") % {"name": team.name})
    return redirect("accounts:teams", request.organization.slug)


@transaction.atomic
def _save(request: MemberRequest, form: TeamForm) -> None:
    """Name and members stand or fall together, as they were sent together."""
    verbs.rename(form.team, form.cleaned_data["name"], by=Actor.of(request))
    verbs.set_members(form.team, form.cleaned_data["members"], by=Actor.of(request))

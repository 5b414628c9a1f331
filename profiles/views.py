"""Profile settings, or page settings as some networks say."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.actor import Actor
from accounts.tenancy import MemberRequest
from profiles import verbs
from profiles.forms import SettingsForm
from profiles.models import Profile


@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: MemberRequest, profile: UUID) -> HttpResponse:
    """Managers change it; members who see the profile read it."""
    visible = Profile.objects.visible_to(request.membership)
    found = get_object_or_404(visible, pk=profile)
    if request.method == "POST" and not request.membership.is_manager:
        raise PermissionDenied
    form = SettingsForm(request.POST if request.method == "POST" else None, profile=found)
    if form.is_valid():
        verbs.change_settings(found, **form.cleaned_data, by=Actor.of(request))
        messages.success(request, _("The settings of “%s” are saved.") % found)
        return redirect("profiles:settings", request.organization.slug, found.pk)
    return _page(request, found, form)


def _page(request: MemberRequest, profile: Profile, form: SettingsForm) -> HttpResponse:
    """A board's account is named only to those who see the account, too."""
    parents = Profile.objects.visible_to(request.membership).filter(children=profile)
    refreshable = Profile.objects.refreshable_by(request.membership).filter(pk=profile.pk)
    context = {
        "profile": profile,
        "parent": parents.first(),
        "form": form,
        "may_refresh": refreshable.exists(),
    }
    status = 422 if form.errors else 200
    return render(request, "profiles/settings.html", context, status=status)

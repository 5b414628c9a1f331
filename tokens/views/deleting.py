"""Deleting a profile, with a page in between that says what goes with it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import walls
from accounts.actor import Actor
from accounts.reauthentication import reauthenticated
from accounts.tenancy import MemberRequest, admins_only, talks_to_networks
from profiles.models import Profile
from tokens.deleting import Farewell, delete_profile


@talks_to_networks
@require_http_methods(["GET", "HEAD", "POST"])
@admins_only
@reauthenticated
def delete(request: MemberRequest, profile: str) -> HttpResponse:
    """Ask, then delete, and say what became of each login that nothing hangs on any more."""
    with walls.inside(request.organization.pk):
        found = get_object_or_404(Profile.objects.visible_to(request.membership), pk=profile)
        if request.method != "POST":
            context = {"profile": found, "children": found.children.count()}
            return render(request, "tokens/delete.html", context)
    name = str(found)
    for farewell in delete_profile(found, by=Actor.of(request)):
        messages.info(request, _sentence(farewell))
    messages.success(request, _("“%s” was deleted.") % name)
    return redirect("tokens:profile_list", request.organization.slug)


def _sentence(farewell: Farewell) -> str:
    names = {"network": farewell.network.name, "login": farewell.login_name}
    if farewell.revoked:
        return _("%(network)s confirmed that the access of %(login)s is revoked.") % names
    return (
        _(
            "The access of %(login)s is destroyed here. To end it at %(network)s as well, "
            "%(login)s removes our app there, under connected apps in the account's settings."
        )
        % names
    )

"""Where everybody starts: on to the profiles of the organization one works for."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render

from accounts.single_sign_on import came_through
from accounts.tenancy import PersonRequest, memberships_of


@login_required
def home(request: PersonRequest) -> HttpResponse:
    mine = [membership.organization for membership in memberships_of(request)]
    if len(mine) == 1:
        return redirect("tokens:profile_list", mine[0].slug)
    if not mine and request.user.is_staff and not came_through(request):
        return redirect("tokens:operator")
    context = {"organizations": mine, "came_through_provider": came_through(request)}
    return render(request, "accounts/home.html", context)

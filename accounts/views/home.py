"""Where everybody starts: on to the profiles of the organization one works for."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render

from accounts.models import Organization
from accounts.tenancy import PersonRequest


@login_required
def home(request: PersonRequest) -> HttpResponse:
    mine = list(Organization.objects.filter(memberships__user=request.user).order_by("name"))
    if len(mine) == 1:
        return redirect("tokens:profile_list", mine[0].slug)
    return render(request, "accounts/home.html", {"organizations": mine})

"""The operator says that a failure is none: what ended there has ended."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.reauthentication import reauthenticated
from accounts.tenancy import PersonRequest, operators_only
from networks.base import Health
from networks.registry import NETWORKS
from tokens import advice
from tokens.models import Failure


@operators_only
@require_http_methods(["GET", "HEAD", "POST"])
@reauthenticated
def believe(request: PersonRequest, failure: int) -> HttpResponse:
    """Ask, then let what is held go: the engine does so at its next look (tokens/watching.py)."""
    deaths = Failure.objects.filter(health=Health.DEAD, network_slug__in=NETWORKS)
    rows = deaths.select_related("app").defer("app__wrapped", "app__sealed_secret")
    found = get_object_or_404(rows, pk=failure)
    if request.method != "POST" and found.is_held:
        return render(request, "tokens/operator/believe.html", {"failure": found})
    if request.method == "POST" and _decide(found, by=str(request.user)):
        said = _("%(place)s: the owners of what has ended are told within the next minutes.")
        messages.success(request, said % {"place": advice.place(found)})
    else:
        messages.info(request, _("There is nothing to decide any more: nothing is held back."))
    return redirect("tokens:operator")


def _decide(failure: Failure, *, by: str) -> bool:
    """Whoever decides first is named; False where it is over, or was decided before."""
    held = Failure.objects.filter(pk=failure.pk, closed_at=None, believed_at=None)
    return bool(held.update(believed_at=timezone.now(), believed_by=by[:200]))

"""The page that says why a trip to a network came to nothing, and offers to start again."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from dataclasses import asdict
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts import walls
from accounts.models import Organization
from accounts.tenancy import PersonRequest
from networks.base import Network
from networks.registry import NETWORKS
from profiles.models import Profile
from tokens.connecting import StateRefused
from tokens.keys import CannotOpen
from tokens.refusals import Explanation, explain_refusal

logger = logging.getLogger(__name__)

# In the session: what came of the last trip, in words.
OUTCOME = "outcome"
Told = dict[str, Any]


@require_GET
@login_required
def outcome(request: PersonRequest, network: str) -> HttpResponse:
    """What came of a trip, at an address that holds neither its code nor its `state`. Who comes
    with nothing to be told came with a sign-in that is not hers."""
    chosen = NETWORKS.get(network)
    if chosen is None:
        raise Http404
    told = request.session.get(OUTCOME, {})
    return show(request, chosen, told.get(network) or tell(StateRefused(), chosen))


def leave(request: HttpRequest, network: Network, told: Told) -> HttpResponse:
    """Away from the callback's address, which would stay in the history and be a referrer."""
    request.session[OUTCOME] = {network.slug: told}
    return redirect("tokens:outcome", network.slug)


def show(request: HttpRequest, network: Network, told: Told) -> HttpResponse:
    explanation = Explanation(**told["explanation"])
    context = {**told, "network": network, "explanation": explanation}
    return render(request, "tokens/outcome.html", context, status=explanation.status)


def tell(
    error: Exception,
    network: Network,
    organization: Organization | None = None,
    profile: Profile | None = None,
) -> Told:
    """What went wrong and what to do, in the reader's language and fit for a session."""
    if isinstance(error, CannotOpen):
        logger.error("a sign-in at %s met what does not open: %s", network.slug, error)
    with walls.inside(organization.pk) if organization else nullcontext():
        told: Told = {"explanation": asdict(explain_refusal(error, network)), "about": ""}
    if profile:
        told["about"] = f"{profile.kind.label} · {profile.name}"
    if organization:
        slug = organization.slug
        told["back"] = reverse("tokens:profile_list", args=[slug])
        told["again"] = (
            reverse("tokens:refresh", args=[slug, profile.pk])
            if profile
            else reverse("tokens:add_network", args=[slug, network.slug])
        )
    return told

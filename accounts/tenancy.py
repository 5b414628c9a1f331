"""The gate: `/o/<organization>/…` is open to its members and to nobody else.

Views below it start from `request.organization` and `request.membership`; they are handed
neither the slug nor a way to look another organization up. Each runs in one transaction in which
no other organization's rows exist (accounts/walls.py).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from accounts import walls
from accounts.models import Membership, Organization, User
from accounts.second_factor import used_second_factor
from accounts.single_sign_on import came_through

P = ParamSpec("P")
# In the session of who has several: the membership last used, for pages of no organization.
LATEST = "membership"
# Besides an organization's own pages, all that a session opens which came by its provider. What is
# the person's own, or belongs to all her organizations, is not its business.
OPEN_BY_PROVIDER = {
    "accounts:home",
    "accounts:single_sign_on",
    "accounts:single_sign_on_callback",
    "account_login",
    "account_logout",
    "healthz",
    "notifications:metrics",
    "notifications:stop",
    "set_language",
    "tokens:callback",
}


class PersonRequest(HttpRequest):
    """A request of somebody who is signed in."""

    user: User


class MemberRequest(PersonRequest):
    """A request that has passed the gate."""

    organization: Organization
    membership: Membership


def memberships_of(request: Any) -> list[Membership]:
    """Of the person who asks, by the names of the organizations; one query for each request. In a
    session that came by a provider, that of the provider's organization alone."""
    if not hasattr(request, "memberships"):
        mine = Membership.objects.filter(user=request.user).select_related("organization")
        if provider := came_through(request):
            mine = mine.filter(organization__single_sign_on=UUID(provider))
        with walls.seen_by(request.user.pk):
            request.memberships = list(mine.order_by("organization__name", "organization__slug"))
    found: list[Membership] = request.memberships
    return found


def lacks_second_factor(request: HttpRequest, organization: Organization) -> bool:
    """Whether this session may not enter, because the organization asks for a second factor. For
    those whom its own provider sends, the provider answers."""
    if came_through(request):
        return organization not in [one.organization for one in memberships_of(request)]
    return organization.requires_second_factor and not used_second_factor(request)


def to_second_factor(organization: Organization, back: str = "") -> HttpResponse:
    """To the page that says why, and from there to `back`, or else to the list of profiles."""
    back = back or reverse("tokens:profile_list", args=[organization.slug])
    page = reverse("accounts:second_factor_needed", args=[organization.slug])
    return redirect(f"{page}?{urlencode({'next': back})}")


class OrganizationMiddleware:
    """Resolves organization and membership; answers 404, never 403, to outsiders."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: Any, view: Any, args: Any, kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        slug = kwargs.pop("organization", None)
        if slug is None:
            return _without_organization(request)
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        memberships = memberships_of(request)
        membership = next((one for one in memberships if one.organization.slug == slug), None)
        if membership is None:
            if request.htmx:
                return _lead_out(request)
            raise Http404
        if lacks_second_factor(request, membership.organization):
            back = request.get_full_path() if request.method in ("GET", "HEAD") else ""
            return to_second_factor(membership.organization, back)
        if len(memberships) > 1 and request.session.get(LATEST) != str(membership.pk):
            request.session[LATEST] = str(membership.pk)
        request.membership = membership
        request.organization = membership.organization
        if getattr(view, TALKS, False):
            return None
        with walls.inside(membership.organization_id):
            answer: HttpResponseBase = view(request, *args, **kwargs)
        return answer


def _lead_out(request: HttpRequest) -> HttpResponse:
    """The 404 of who was removed while a page was open that asks for more by itself: it would
    stand there as it was, and ask for ever. To all others it says as little as the page does."""
    text = _("The page that you had open is gone, or you are not a member there any more.")
    messages.warning(request, text)
    return HttpResponse(status=404, headers={"HX-Redirect": reverse("accounts:home")})


def _without_organization(request: Any) -> HttpResponse | None:
    """A page that says why, where only the person's own password opens."""
    if request.resolver_match.view_name in OPEN_BY_PROVIDER or not came_through(request):
        return None
    return render(request, "accounts/own_password_needed.html", status=403)


View = Callable[Concatenate[Any, P], HttpResponseBase]
TALKS = "talks_to_networks"


def talks_to_networks(view: View[P]) -> View[P]:
    """A view that opens its own transactions: none may be open while a network is called."""
    setattr(view, TALKS, True)
    return view


def managers_only(view: View[P]) -> View[P]:
    """For managers and admins; other members are told that they may not (403)."""

    @wraps(view)
    def guarded(request: Any, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.membership.is_manager:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded


def operators_only(view: View[P]) -> View[P]:
    """For the operator, who stands outside organizations; to all others there is no such page."""

    @wraps(view)
    def guarded(request: Any, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not request.user.is_staff:
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


def admins_only(view: View[P]) -> View[P]:
    """For admins; other members are told that they may not (403)."""

    @wraps(view)
    def guarded(request: Any, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.membership.is_admin:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded

"""Adding profiles and refreshing a connection: the pages before the leap, and the way back."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from allauth.core import ratelimit
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from accounts import walls
from accounts.actor import Actor
from accounts.models import Membership
from accounts.tenancy import (
    MemberRequest,
    PersonRequest,
    lacks_second_factor,
    managers_only,
    talks_to_networks,
    to_second_factor,
)
from networks.base import Network, Reachable, Refusal, Refused
from networks.registry import NETWORKS
from profiles.models import Profile
from tokens import connecting, storing
from tokens.connecting import MixedUp, NoLongerAllowed, StateRefused
from tokens.forms import QuestionForm
from tokens.keys import CannotOpen
from tokens.models import AuthorizationRequest, Token
from tokens.refusals import expected_login, explain_refusal, latest_login
from tokens.storing import ProfileGone, WrongAccount
from tokens.views.outcome import Told, leave, show, tell

# In the session: [state, the id of the organization it was begun for], for each trip under way.
STATES = "trips"
STATES_KEPT = 10
# What an admin reads of in the audit log. A `state` that is too old, or was made in another
# browser, is none of it: nothing says that anybody of the organization had to do with that.
RECORDED = {
    MixedUp: "mixed_up",
    NoLongerAllowed: "no_longer_allowed",
    WrongAccount: "wrong_account",
}
# To a name that somebody typed, a server that is silent and one that is none are the same.
NOBODY_THERE = (Refusal.NO_SUCH_SERVER, Refusal.NETWORK_UNAVAILABLE)
REFUSALS = (StateRefused, NoLongerAllowed, Refused, WrongAccount, ProfileGone, CannotOpen)


@require_GET
@managers_only
def add(request: MemberRequest) -> HttpResponse:
    """Which network? Those without a client id are not offered."""
    return render(request, "tokens/add.html", {"networks": connecting.offered_networks()})


@talks_to_networks
@require_http_methods(["GET", "HEAD", "POST"])
@managers_only
def add_network(request: MemberRequest, network: str) -> HttpResponse:
    """What to know before leaving for the network, and to say where it asks; POST leaps."""
    chosen = _offered(network)
    form = QuestionForm(chosen, request.POST or None)
    if request.method == "POST" and (not form.fields or form.is_valid()):
        said = form.said() if form.fields else ""
        try:
            return _leap(request, chosen, None, said)
        except Refused as error:  # what was said leads nowhere
            form.add_error("said", explain_refusal(error, chosen).sentence)
    _let_the_form_leave(request)
    return render(request, "tokens/add_network.html", {"network": chosen, "form": form})


@talks_to_networks
@require_http_methods(["GET", "HEAD", "POST"])
def refresh(request: MemberRequest, profile: str) -> HttpResponse:
    """«Refresh connection»: as whom to sign in, and what will be granted; POST leaps."""
    with walls.inside(request.organization.pk):
        found = get_object_or_404(Profile.objects.refreshable_by(request.membership), pk=profile)
        if request.method != "POST":
            _let_the_form_leave(request)
            context = {
                "profile": found,
                "network": found.network,
                "expected": expected_login(found),
                "latest": latest_login(found),
            }
            return render(request, "tokens/refresh.html", context)
    return _leap(request, found.network, found)


@require_GET
def callback(request: Any, network: str, server: str = "") -> HttpResponse:
    """Where the network sends the browser back to; `server` is in the address of those that gave
    us a registration of their own. The one GET that writes: `state` guards it.
    Its address holds code and `state`, so it always leads on to another one."""
    chosen = NETWORKS.get(network)
    if chosen is None:
        raise Http404
    if not request.user.is_authenticated:
        return redirect("tokens:outcome", chosen.slug)  # by way of the sign-in page
    trip = None
    try:
        trip = connecting.take(*_own_state(request), request.user, chosen, server)
        _check_still_allowed(trip)
        if lacks_second_factor(request, trip.organization):
            return to_second_factor(trip.organization)
        return _finish(request, trip)
    except REFUSALS as error:
        _record(Actor.of(request), error, trip)
        return leave(request, chosen, _of(trip, error, chosen))


@talks_to_networks
@require_http_methods(["GET", "HEAD", "POST"])
@managers_only
def choose(request: MemberRequest, token: str) -> HttpResponse:
    """What of all that a login reaches shall be looked after."""
    with walls.inside(request.organization.pk):
        own = Token.objects.filter(organization=request.organization)
        found = get_object_or_404(own.select_related("app", "data_key"), pk=token)
    try:
        reachables = [one for one in connecting.reach_again(found) if _choosable(found, one)]
    except REFUSALS as error:
        return show(request, found.network, tell(error, found.network, request.organization))
    wanted = set(request.POST.getlist("chosen"))
    chosen = [one for one in reachables if _key(one) in wanted and not one.missing_role]
    if chosen:
        try:
            return _added(request, storing.choose(found, chosen, by=Actor.of(request)))
        except Token.DoesNotExist:
            raise Http404 from None
    with walls.inside(request.organization.pk):
        return render(request, "tokens/choose.html", _choices(request, found, reachables))


def _let_the_form_leave(request: Any) -> None:
    """The leap is a redirect, and browsers hold every redirect that follows against form-action.
    Networks redirect among hosts that they declare nowhere, so the page says no more than https,
    and where practice networks stand in for real ones.
    """
    practice = {urlsplit(base) for base in settings.NETWORK_HOSTS.values()}
    origins = {f"{base.scheme}://{base.netloc}" for base in practice}
    request.form_action = " ".join(["https:", *sorted(origins)])


def _leap(
    request: MemberRequest, network: Network, profile: Profile | None, said: str = ""
) -> HttpResponse:
    """Off to the network. Raises Refused where what was `said` names no server."""
    typed = network.question and not network.question.choices
    if typed and not ratelimit.consume(request, action="typed_server"):
        too_many: HttpResponse = ratelimit.respond_429(request)
        return too_many
    try:
        address, state = connecting.begin(
            request.organization, request.user, network, profile, said
        )
    except REFUSALS as error:
        if said and isinstance(error, Refused) and error.refusal in NOBODY_THERE:
            raise Refused(Refusal.NO_SUCH_SERVER) from None
        return show(request, network, tell(error, network, request.organization, profile))
    states = [*request.session.get(STATES, []), [state, str(request.organization.pk)]]
    request.session[STATES] = states[-STATES_KEPT:]
    return HttpResponseRedirect(address)


def _own_state(request: HttpRequest) -> tuple[str, UUID]:
    """The callback's `state`, if this very session started with it, and for which organization.
    Raises StateRefused."""
    state = request.GET.get("state", "")
    states = dict(request.session.get(STATES, []))
    if state not in states:
        raise StateRefused
    organization_id = UUID(states.pop(state))
    request.session[STATES] = list(states.items())
    return state, organization_id


def _check_still_allowed(trip: AuthorizationRequest) -> None:
    """Rights may have gone while the person was away. Raises NoLongerAllowed."""
    with walls.inside(trip.organization_id):
        membership = Membership.objects.filter(
            organization=trip.organization, user=trip.user
        ).first()
        if membership is None:
            raise NoLongerAllowed
        if trip.profile is None:
            allowed = membership.is_manager
        else:
            mine = Profile.objects.refreshable_by(membership)
            allowed = mine.filter(pk=trip.profile.pk).exists()
    if not allowed:
        raise NoLongerAllowed


def _record(by: Actor, error: Exception, trip: AuthorizationRequest | None) -> None:
    trip = error.trip if isinstance(error, MixedUp) else trip
    verb = RECORDED.get(type(error))
    if trip is None or verb is None:
        return
    details = {"login": error.came.name} if isinstance(error, WrongAccount) else {}
    details["network"] = trip.app.network.name
    with walls.inside(trip.organization_id):
        by.record(verb, trip.organization, trip.profile, **details)


def _finish(request: PersonRequest, trip: AuthorizationRequest) -> HttpResponse:
    arrival = connecting.arrive(trip, request.GET.dict())
    slug, by = trip.organization.slug, Actor.of(request)
    if trip.profile:
        storing.reconnect(trip.profile, arrival, by=by)
        messages.success(request, _("“%s” is connected again.") % trip.profile)
        return redirect("tokens:profile_list", slug)
    token, new = storing.add(trip.organization, arrival, by=by)
    if any(kind.choose for kind in token.network.kinds):
        return redirect("tokens:choose", slug, token.pk)
    return _added(request, new, slug)


def _added(request: Any, profiles: list[Profile], slug: str = "") -> HttpResponse:
    count = len(profiles)
    text = ngettext("%(count)s profile added.", "%(count)s profiles added.", count)
    if not profiles:
        text = _("These profiles were connected already; their connection is fresh now.")
    messages.success(request, text % {"count": count})
    return redirect("tokens:profile_list", slug or request.organization.slug)


def _of(trip: AuthorizationRequest | None, error: Exception, network: Network) -> Told:
    if trip is None or isinstance(error, NoLongerAllowed):  # no door there opens any more
        return tell(error, network)
    profile = None if isinstance(error, ProfileGone) else trip.profile
    return tell(error, network, trip.organization, profile)


def _offered(slug: str) -> Network:
    for network in connecting.offered_networks():
        if network.slug == slug:
            return network
    raise Http404


def _choosable(token: Token, one: Reachable) -> bool:
    return token.network.kind(one.kind).choose


def _key(one: Reachable) -> str:
    return f"{one.kind} {one.remote_id}"


def _choices(request: MemberRequest, token: Token, reachables: list[Reachable]) -> dict[str, Any]:
    connected = {
        f"{kind} {remote_id}"
        for kind, remote_id in token.accesses.values_list(
            "profile__kind_slug", "profile__remote_id"
        )
    }
    choices = [
        {
            "key": _key(one),
            "one": one,
            "kind": token.network.kind(one.kind),
            "connected": _key(one) in connected,
        }
        for one in reachables
    ]
    return {
        "token": token,
        "network": token.network,
        "choices": choices,
        "nothing_usable": all(one.missing_role for one in reachables),
        "something_missing": any(one.missing_role for one in reachables),
        "nothing_chosen": request.method == "POST",
    }

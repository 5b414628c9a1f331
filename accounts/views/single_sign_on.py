"""Signing in with one's organization, and the page on which admins set that up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.core import ratelimit
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from accounts import single_sign_on as verbs
from accounts import walls
from accounts.actor import Actor
from accounts.forms import ProviderForm, SingleSignOnForm
from accounts.models import SingleSignOn
from accounts.openid import OpenIDClient, ProviderTrouble, callback_address, discover
from accounts.reauthentication import kept, reauthenticated
from accounts.tenancy import MemberRequest, admins_only, memberships_of, talks_to_networks

UNKNOWN = gettext_lazy(
    "No organization with this short name signs in this way. Look at it once more, or sign in with "
    "your email address and your password."
)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: Any) -> HttpResponseBase:
    """Which organization? Then the leap. Whoever came this way shows here that it is still her."""
    back = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(back, request.get_host()):
        back = ""
    _let_the_form_leave(request)
    if verbs.came_through(request):
        return _again(request, back)
    if request.user.is_authenticated:
        return redirect("accounts:home")
    named = {"organization": request.GET.get("organization", "")}
    form = SingleSignOnForm(request.POST or None, initial=named)
    if form.is_valid():
        found = verbs.find(form.cleaned_data["organization"])
        if not ratelimit.consume(request, action="single_sign_on"):
            form.add_error(None, get_account_adapter().error_messages["rate_limited"])
        elif found:
            return _leap(request, found, back)
        else:
            form.add_error("organization", UNKNOWN)
    status = 422 if form.errors else 200
    return render(request, "accounts/single_sign_on.html", {"form": form}, status=status)


def _again(request: Any, back: str) -> HttpResponseBase:
    organization = next((one.organization for one in memberships_of(request)), None)
    if not organization:
        return redirect("accounts:home")
    found = verbs.find(organization.slug)
    if request.method == "POST" and found:
        return _leap(request, found, back, again=True)
    return render(request, "accounts/single_sign_on_again.html", {"organization": organization})


def _leap(request: Any, found: Any, back: str, *, again: bool = False) -> HttpResponseBase:
    client = OpenIDClient(request, found)
    return _told(client, lambda: client.get_provider().leap(request, back, again=again))


def _told(client: OpenIDClient, trip: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """The answer of this leg of the trip, or the page that says that the provider is in trouble:
    allauth catches some errors itself, and not those of the provider's description."""
    try:
        try:
            return trip()
        except ProviderTrouble as trouble:
            get_adapter().on_authentication_error(client.request, client.provider, None, trouble)
            raise
    except ImmediateHttpResponse as page:
        answer: HttpResponseBase = page.response
        return answer


class Callback(OAuth2CallbackView):
    adapter: OpenIDClient

    def _get_state(self, request: HttpRequest, provider: Any) -> Any:
        """What the session kept about this trip, handed to who reads the provider's answer."""
        state, answer = super()._get_state(request, provider)
        self.adapter.state = state
        return state, answer


@never_cache
@require_GET
def callback(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Where the provider sends the browser back to. A GET that writes: `state` guards it."""
    found = verbs.find(slug)
    if not found:
        raise Http404
    client = OpenIDClient(request, found)
    return _told(client, lambda: Callback.adapter_view(client)(request))


@talks_to_networks
@require_http_methods(["GET", "HEAD", "POST"])
@admins_only
@reauthenticated
def configuration(request: MemberRequest) -> HttpResponse:
    """The provider of the organization: asked before it is taken; a button switches it off."""
    organization = request.organization
    with walls.inside(organization.pk):
        current = SingleSignOn.objects.filter(organization=organization).first()
        if "off" in request.POST:
            verbs.turn_off(organization, by=Actor.of(request))
            messages.success(request, _("Single sign-on is off."))
            return redirect("accounts:security", organization.slug)
    form = ProviderForm(request.POST or None, initial=kept(request))
    if form.is_valid() and _answers(form):
        with walls.inside(organization.pk):
            verbs.turn_on(organization, **form.cleaned_data, by=Actor.of(request))
        messages.success(request, _("Single sign-on is on. Try it in a private window."))
        return redirect("accounts:security", organization.slug)
    context = {"form": form, "current": current, "callback": callback_address(organization.slug)}
    with walls.inside(organization.pk):
        status = 422 if form.errors else 200
        return render(request, "accounts/single_sign_on_settings.html", context, status=status)


def _answers(form: ProviderForm) -> bool:
    """Whether the provider can be reached and is one by which we can sign in."""
    try:
        discover(form.cleaned_data["issuer"])
    except ProviderTrouble as trouble:
        form.add_error("issuer", trouble.sentence)
    return form.is_valid()


def _let_the_form_leave(request: Any) -> None:
    """The leap is a redirect, which browsers hold against form-action."""
    named = [f"http://{place}" for place in settings.SINGLE_SIGN_ON_HOSTS]
    request.form_action = " ".join(["https:", *named])

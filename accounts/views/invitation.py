"""Behind the link of an invitation. Opening it changes nothing, since mail scanners open links;
what joins is the button."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import invitations
from accounts.actor import client_address
from accounts.forms import SignUpForm
from accounts.links import LinkRefused
from accounts.models import Invitation, Organization

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    try:
        with invitations.behind(token) as found:
            if request.user.is_authenticated:
                return _for_somebody(request, found)
            if invitations.person_with(found.email):
                return _page(request, found, "sign_in")
            return _for_a_new_person(request, found)
    except LinkRefused as refusal:
        context = {"refusal": refusal}
        return render(request, "accounts/link_refused.html", context, status=refusal.status)


def _for_somebody(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    """One click, if it is the person who was invited."""
    invited = invitations.person_with(invitation.email)
    if request.user != invited:
        return _page(request, invitation, "somebody_else")
    if request.method != "POST":
        return _page(request, invitation, "join")
    invitations.join(invitation, invited, address=client_address(request))
    return _welcome(request, invitation.organization)


def _for_a_new_person(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    """The link came by mail, so that it proves the address."""
    form = SignUpForm(request.POST or None, email=invitation.email)
    if not form.is_valid():
        return _page(request, invitation, "sign_up", form)
    address = client_address(request)
    user = invitations.sign_up(invitation, **form.cleaned_data, address=address)
    login(request, user, backend=BACKEND)
    with override(user.language):  # the answer is read in the language just chosen
        return _welcome(request, invitation.organization)


def _page(
    request: HttpRequest, invitation: Invitation, situation: str, form: SignUpForm | None = None
) -> HttpResponse:
    context = {"invitation": invitation, "situation": situation, "form": form}
    status = 422 if form and form.errors else 200 if request.method != "POST" else 409
    return render(request, "accounts/invitation.html", context, status=status)


def _welcome(request: HttpRequest, organization: Organization) -> HttpResponse:
    messages.success(request, _("Welcome to %(name)s.") % {"name": organization})
    return redirect("tokens:profile_list", organization.slug)

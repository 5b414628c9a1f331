"""A person's email address: confirming it, and changing it."""

from __future__ import annotations

from allauth.account.internal.flows.email_verification import send_verification_email_for_user
from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import address as verbs
from accounts.forms import AddressForm
from accounts.links import LinkRefused
from accounts.models import EmailChange
from accounts.reauthentication import kept, reauthenticated
from accounts.tenancy import PersonRequest


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@reauthenticated
def address(request: PersonRequest) -> HttpResponse:
    """Ask for another address, or take that back."""
    if "withdraw" in request.POST:
        verbs.withdraw(request.user)
        messages.success(request, _("Your address stays as it is."))
        return redirect("account_email")
    form = AddressForm(request.POST or None, user=request.user, initial=kept(request))
    if form.is_valid():
        email = form.cleaned_data["email"]
        if ratelimit.consume(request, action="change_email", key=email):
            verbs.ask_for(request.user, email)
            return redirect("account_email")
        form.add_error("email", _("We have written there several times. Try again in an hour."))
    waiting = EmailChange.objects.filter(user=request.user).first()
    context = {"form": form, "change": None if waiting and waiting.has_expired else waiting}
    status = 422 if form.errors else 200
    return render(request, "accounts/address.html", context, status=status)


@require_POST
@login_required
def confirmation(request: PersonRequest) -> HttpResponse:
    """Send the link by which a person confirms the address that she has."""
    if not send_verification_email_for_user(request, request.user):
        messages.info(request, _("We have just sent you a mail. It may take a few minutes."))
    return redirect("accounts:settings")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, token: str) -> HttpResponse:
    """Behind the link that either address got. Opening it changes nothing; the button does."""
    try:
        found, side = verbs.open_link(token)
        before = found.user.email
        other = found.email if side == verbs.OLD else before
        context = {"change": found, "before": before, "other": other}
        if request.method == "POST":
            context["change"] = verbs.confirm(token)
        return render(request, "accounts/address_change.html", context)
    except LinkRefused as refusal:
        context = {"refusal": refusal}
        return render(request, "accounts/link_refused.html", context, status=refusal.status)

"""What a person sets for herself, whatever organization she works for."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.http import require_http_methods

from accounts.forms import SettingsForm
from accounts.second_factor import has_second_factor
from accounts.tenancy import PersonRequest


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: PersonRequest) -> HttpResponse:
    form = SettingsForm(request.POST or None, instance=request.user)
    if form.is_valid():
        person = form.save()
        with override(person.language):  # the answer is read in the language just chosen
            messages.success(request, _("Your settings have been saved."))
        return redirect("accounts:settings")
    confirmed = EmailAddress.objects.filter(
        user=request.user, email__iexact=request.user.email, verified=True
    ).exists()
    context = {
        "form": form,
        "email_is_confirmed": confirmed,
        "has_second_factor": has_second_factor(request.user),
    }
    return render(request, "accounts/settings.html", context, status=422 if form.errors else 200)

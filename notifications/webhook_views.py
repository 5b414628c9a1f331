"""The page on which admins set up webhooks, and see what became of each event."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.actor import Actor
from accounts.members import Refused
from accounts.reauthentication import reauthenticated
from accounts.tenancy import MemberRequest, admins_only
from notifications import webhooks as verbs
from notifications.forms import WebhookForm
from notifications.models import Webhook, WebhookDelivery

LOGGED = 50


@never_cache  # shows a secret, once
@require_http_methods(["GET", "HEAD", "POST"])
@admins_only
@reauthenticated
def webhooks(request: MemberRequest) -> HttpResponse:
    """What there is, what was posted, and a form for one more."""
    form, secret = WebhookForm(request.POST or None), ""
    if form.is_valid():
        try:
            url = form.cleaned_data["url"]
            secret = verbs.add(request.organization, url, by=Actor.of(request))
        except Refused as refusal:
            form.add_error("url", str(refusal))
        else:
            form = WebhookForm()
    log = WebhookDelivery.objects.filter(organization=request.organization)
    context = {
        "form": form,
        "secret": secret,
        "webhooks": Webhook.objects.filter(organization=request.organization).order_by(
            "created_at"
        ),
        "log": log.select_related("webhook", "change__profile").order_by("-created_at")[:LOGGED],
    }
    status = 422 if form.errors else 200
    return render(request, "notifications/webhooks.html", context, status=status)


@require_http_methods(["POST"])
@admins_only
@reauthenticated
def webhook(request: MemberRequest, pk: str) -> HttpResponse:
    """Try it, or delete it."""
    hook = get_object_or_404(Webhook, organization=request.organization, pk=pk)
    if "delete" in request.POST:
        verbs.delete(hook, by=Actor.of(request))
        messages.success(request, _("The webhook is deleted."))
    else:
        verbs.attempt(hook)
        messages.success(
            request, _("A trial is on its way. Load the page again to see the answer.")
        )
    return redirect("notifications:webhooks", request.organization.slug)

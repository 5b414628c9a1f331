"""The audit log, for admins."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.audit import changes, sentence
from accounts.forms import AuditFilterForm
from accounts.models import AuditEvent
from accounts.tenancy import MemberRequest, admins_only

PAGE = 50


@require_safe
@admins_only
def audit(request: MemberRequest) -> HttpResponse:
    events = AuditEvent.objects.filter(organization=request.organization)
    form = AuditFilterForm(request.GET)
    if form.is_valid():
        if form.cleaned_data["verb"]:
            events = events.filter(verb=form.cleaned_data["verb"])
        if q := form.cleaned_data["q"]:
            events = events.filter(Q(actor_name__icontains=q) | Q(object_name__icontains=q))
    page = Paginator(events, PAGE).get_page(request.GET.get("page"))
    lines = [(event, sentence(event), changes(event)) for event in page]
    context = {"form": form, "page": page, "lines": lines, "is_filtered": bool(form.changed_data)}
    return render(request, "accounts/audit.html", context)

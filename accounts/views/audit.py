"""The audit log, for admins: as a page, and as a file of what the page's filter shows."""

from __future__ import annotations

from django.http import FileResponse, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from accounts.actor import Actor
from accounts.audit import changes, sentence
from accounts.export import as_csv
from accounts.forms import AuditFilterForm
from accounts.models import AuditEvent, User
from accounts.tenancy import MemberRequest, admins_only

PAGE = 50
AT_ONCE = 2000
CSV = "text/csv; charset=utf-8"


@require_safe
@admins_only
def audit(request: MemberRequest) -> HttpResponse:
    form = _filter(request)
    found = form.narrow()
    if before := form.cleaned_data.get("before"):
        found = found.filter(pk__lt=before)
    events = list(found[: PAGE + 1])
    context = {
        "form": form,
        "is_filtered": bool(form.query()),
        "lines": [(event, sentence(event), changes(event)) for event in events[:PAGE]],
        "before": before,
        "older": events[PAGE - 1].pk if len(events) > PAGE else None,
    }
    return render(request, "accounts/audit.html", context)


@require_POST
@admins_only
def export(request: MemberRequest) -> FileResponse:
    """A POST, since it leaves a line in the log itself."""
    form = _filter(request)
    file, entries = as_csv(form.narrow().iterator(AT_ONCE))
    by, query = Actor.of(request), urlencode(form.query())
    by.record("exported", request.organization, entries=entries, filter=query)
    name = f"audit-{request.organization.slug}-{timezone.localdate()}.csv"
    return FileResponse(
        file, as_attachment=True, filename=name, content_type="text/csv; charset=utf-8"
    )


def _filter(request: MemberRequest) -> AuditFilterForm:
    events = AuditEvent.objects.filter(organization=request.organization)
    people = User.objects.filter(memberships__organization=request.organization)
    return AuditFilterForm(request.GET, events=events, people=people)

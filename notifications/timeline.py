"""What has happened to a profile: its changes, and the mails about them, as one story."""

from __future__ import annotations

from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts.tenancy import MemberRequest
from notifications.models import ENDED_AT, Notice
from notifications.record import line_of
from profiles.models import Profile
from tokens.models import StatusChange
from tokens.timeline import Entry, entry_of

PAGE = 50


class Marks(forms.Form):
    """Where a page begins: behind the last row of each table that the page before has shown."""

    change = forms.IntegerField(required=False, min_value=0, max_value=2**63 - 1)
    mail = forms.UUIDField(required=False)


@require_safe
def timeline(request: MemberRequest, profile: UUID) -> HttpResponse:
    """A fragment of the profile's settings, newest first, page by page."""
    found = get_object_or_404(Profile.objects.visible_to(request.membership), pk=profile)
    form = Marks(request.GET)
    form.is_valid()  # what is no mark is none, and shows the newest
    marks = {name: mark for name, mark in form.cleaned_data.items() if mark is not None}
    rows = _rows(found, **marks)
    shown = rows[:PAGE]
    marks |= {_table(row): row.pk for row in shown}
    context = {
        "profile": found,
        "entries": [_entry(row, found, request) for row in shown],
        "older": urlencode(marks) if len(rows) > PAGE else "",
    }
    return render(request, "notifications/timeline.html", context)


def _rows(profile: Profile, change: int | None = None, mail: UUID | None = None) -> list[Any]:
    """One more than a page. Each table keeps its own order, since a mark cuts it there; of one
    moment, the mail came later."""
    mails, changes = mails_of(profile, mail), changes_of(profile, change)
    newest = attrgetter("at")
    both = merge(mails[: PAGE + 1], changes[: PAGE + 1], key=newest, reverse=True)
    return list(islice(both, PAGE + 1))


def changes_of(profile: Profile, mark: int | None = None) -> QuerySet[StatusChange]:
    changes = StatusChange.objects.filter(profile=profile).order_by("-id")
    return changes if mark is None else changes.filter(pk__lt=mark)


def mails_of(profile: Profile, mark: UUID | None = None) -> QuerySet[Any]:
    """In the order of the index `notice_timeline`."""
    mails: QuerySet[Any] = Notice.objects.filter(profile=profile).annotate(at=ENDED_AT)
    if mark and (last := mails.filter(pk=mark).first()):
        mails = mails.filter(Q(at__lt=last.at) | Q(at=last.at, pk__lt=last.pk))
    return mails.select_related("user").order_by("-at", "-id")


def _table(row: Any) -> str:
    return "mail" if isinstance(row, Notice) else "change"


def _entry(row: Any, profile: Profile, request: MemberRequest) -> Entry:
    if isinstance(row, StatusChange):
        return entry_of(row, profile)
    # What the servers say names addresses: it is shown to those who see it elsewhere, too.
    is_mine = row.user_id == request.user.pk
    return line_of(row, with_words=is_mine or request.membership.is_admin)

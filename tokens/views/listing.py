"""Settings → Profiles: every profile the person may see, and whether it is in order."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_htmx.http import push_url, reselect, reswap, retarget

from accounts.tenancy import MemberRequest
from networks.registry import NETWORKS
from profiles.forms import ProfileFilter
from profiles.models import Ownership, Profile
from tokens.models import Access
from tokens.views.condition import Condition, with_condition
from tokens.views.needs import what_needs_doing
from tokens.views.rows import Counts, groups, in_order, with_details

PAGE_SIZE = 50
REGION = "profiles"
# With this header the page in the browser asks for news, and says what it shows now.
SEEN = "X-Seen"


class ListFilter(ProfileFilter):
    status = forms.ChoiceField(
        label=_("Status"), required=False, choices=[("", _("All statuses")), *Condition.choices]
    )
    field_order = ["search", "network", "status", "owner", "team"]


@require_safe
@never_cache  # a fragment must never come back from the browser's cache as a page
def profile_list(request: MemberRequest) -> HttpResponse:
    """The page; for htmx only the list; and what has changed, for a page that asks for news."""
    shown = _list(request)
    _mark(request, shown)
    if SEEN in request.headers:
        answer = _news(request, shown)
    elif request.headers.get("HX-Target") == REGION:
        answer = render(request, "tokens/profile_list_region.html", shown)
        push_url(answer, shown["address"])
    else:
        answer = render(request, "tokens/profile_list.html", shown)
    patch_vary_headers(answer, ["HX-Target", SEEN])
    return answer


def _list(request: MemberRequest) -> dict[str, Any]:
    """One page of the list, with the filter as it was understood."""
    membership = request.membership
    visible = Profile.objects.visible_to(membership)
    chosen = ListFilter(request.GET, membership=membership, networks=_networks_of(visible))
    found = _search(chosen.narrow(visible), chosen.chosen("search"))
    found = with_condition(found, timezone.now(), only=chosen.chosen("status"))
    counts = Counts(found)
    paginator = Paginator(with_details(in_order(found)), PAGE_SIZE)
    paginator.count = counts.total
    page = paginator.get_page(request.GET.get("page"))
    query = urlencode({name: request.GET[name] for name in chosen.fields if request.GET.get(name)})
    shown = {
        "filter": chosen,
        "is_filtered": bool(query),
        "page": page,
        "pages": paginator.get_elided_page_range(page.number),
        "query": query,
        "address": _address(request.path, query, page.number),
        "groups": groups(page.object_list, counts, membership),
    }
    return shown | what_needs_doing(membership)


def _networks_of(profiles: QuerySet[Profile]) -> list[tuple[str, str]]:
    slugs = profiles.order_by("network_slug").values_list("network_slug", flat=True).distinct()
    return [(slug, NETWORKS[slug].name) for slug in slugs]


def _search(profiles: QuerySet[Profile], words: str | None) -> QuerySet[Profile]:
    """By name, by network, by owner, and by the person whose login it hangs on."""
    if not words:
        return profiles
    slugs = [one.slug for one in NETWORKS.values() if words.lower() in one.name.lower()]
    owned = Ownership.objects.filter(profile=OuterRef("pk"), user__name__icontains=words)
    reached = Access.objects.filter(profile=OuterRef("pk"), token__subject_name__icontains=words)
    return profiles.filter(
        Q(name__icontains=words) | Q(network_slug__in=slugs) | Exists(owned) | Exists(reached)
    )


def _address(path: str, query: str, number: int) -> str:
    """Where this very page of the list is found again; no empty fields, no page 1."""
    parts = [part for part in (query, f"page={number}" if number > 1 else "") if part]
    return f"{path}?{'&'.join(parts)}" if parts else path


def _mark(request: MemberRequest, shown: dict[str, Any]) -> None:
    """Adds `seen`, which names what the page shows: which rows, and what is said of them."""
    rows = [str(row.profile.pk) for group in shown["groups"] for row in group.rows]
    said = render_to_string("tokens/profile_list_news.html", shown, request)
    shown["seen"] = f"{_digest(' '.join(rows))}.{_digest(said)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _news(request: MemberRequest, shown: dict[str, Any]) -> HttpResponse:
    """Nothing where nothing has changed; else the cells that can change by themselves, which
    leaves an open menu and the search field alone; the whole list only where rows came or went."""
    seen = request.headers[SEEN]
    if seen == shown["seen"]:
        return HttpResponse(status=204)
    if seen.partition(".")[0] == shown["seen"].partition(".")[0]:
        return render(request, "tokens/profile_list_news.html", shown)
    answer = render(request, "tokens/profile_list_region.html", shown)
    return reselect(reswap(retarget(answer, f"#{REGION}"), "outerHTML"), f"#{REGION}")

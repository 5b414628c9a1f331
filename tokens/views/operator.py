"""The operator's page: which networks and apps fail, what is held back, and the engine's lag."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, Sum
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.tenancy import PersonRequest, operators_only
from networks.registry import NETWORKS
from tokens.models import Backlog, Failure, OAuthApp, Tally
from tokens.views.standing import Asked, Line, Registration, Summary, is_looked_at

HOUR = timedelta(hours=1)
REMEMBERED = timedelta(days=14)
# So many rows at most: failures, and registrations, of which Mastodon has one for each server that
# anybody ever typed.
SHOWN = 50
SEALED = ("wrapped", "sealed_secret")


@operators_only
@require_safe
def operator(request: PersonRequest) -> HttpResponse:
    """Of the operator's own rows alone: of no organization, and of nobody's login."""
    return render(request, "tokens/operator.html", _standing(timezone.now()))


def _standing(now: datetime) -> dict[str, Any]:
    """All that the page shows, in six queries however many rows there are."""
    failures = _failures(now)
    open_ = [failure for failure in failures if failure.closed_at is None]
    backlogs = {one.network_slug: one for one in Backlog.objects.all()}
    apps = _apps()
    used = {app.network_slug for app in apps} | {failure.network_slug for failure in open_}
    used |= {slug for slug, backlog in backlogs.items() if backlog.watched}
    registrations = _registrations(apps[:SHOWN], open_, backlogs, now)
    lines = _lines(used, backlogs, open_, registrations, now)
    return {
        "summary": Summary(open_, lines),
        "open": open_,
        "closed": [failure for failure in failures if failure.closed_at],
        "lines": lines,
        "unused": [one.name for slug, one in NETWORKS.items() if slug not in used],
        "registrations": registrations,
        "has_more_apps": len(apps) > SHOWN,
    }


def _failures(now: datetime) -> list[Failure]:
    """What is open, the oldest first, and then what ended lately, the latest first. As open ones
    count at most one of a kind for each network and app, they are few."""
    rows = (
        Failure.objects.filter(network_slug__in=NETWORKS)
        .filter(Q(closed_at=None) | Q(closed_at__gte=now - REMEMBERED))
        .select_related("app")
        .defer(*(f"app__{name}" for name in SEALED))
        .order_by(F("closed_at").desc(nulls_first=True), "opened_at", "pk")
    )
    return list(rows[:SHOWN])


def _apps() -> list[OAuthApp]:
    """Those that fail first, then those that we brought ourselves; one more than is shown."""
    failing = Failure.objects.filter(app=OuterRef("pk"), closed_at=None)
    rows = (
        OAuthApp.objects.filter(network_slug__in=NETWORKS)
        .annotate(fails=Exists(failing), is_given=~Q(sealed_secret=b""))
        .defer(*SEALED)
        .order_by("-fails", "is_given", "network_slug", "issuer", "client_id")
    )
    return list(rows[: SHOWN + 1])


def _lines(
    used: Collection[str],
    backlogs: Mapping[str, Backlog],
    failures: Collection[Failure],
    registrations: Collection[Registration],
    now: datetime,
) -> list[Line]:
    asked = _asked_by_network(now)
    return [
        Line(
            network,
            backlogs.get(slug),
            [failure for failure in failures if failure.network_slug == slug],
            [one for one in registrations if one.app.network_slug == slug],
            asked.get(slug, Asked()),
            now,
        )
        for slug, network in NETWORKS.items()
        if slug in used
    ]


def _asked_by_network(now: datetime) -> dict[str, Asked]:
    """Of the last hour, of today, and what the networks that bill cost this month: today and the
    month are the reader's own."""
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    lately, billed = Q(minute__gt=now - HOUR), [one.slug for one in NETWORKS.values() if one.prices]
    tallies = Tally.objects.filter(minute__gte=min(today, now - HOUR), minute__lte=now)
    sums = tallies.values("network_slug").annotate(
        in_an_hour=Sum("asked", filter=lately, default=0),
        unclear_then=Sum("unclear", filter=lately, default=0),
        calls_today=Sum("calls", filter=Q(minute__gte=today), default=0),
    )
    month = Tally.objects.filter(network_slug__in=billed, minute__gte=today.replace(day=1))
    costs = dict(month.values_list("network_slug").annotate(Sum("cost")))
    found = {
        row["network_slug"]: (row["in_an_hour"], row["unclear_then"], row["calls_today"])
        for row in sums
    }
    return {
        slug: Asked(*found.get(slug, (0, 0, 0)), costs.get(slug, Decimal(0)))
        for slug in found.keys() | costs.keys()
    }


def _registrations(
    apps: Collection[OAuthApp],
    failures: Collection[Failure],
    backlogs: Mapping[str, Backlog],
    now: datetime,
) -> list[Registration]:
    lately = Tally.objects.filter(app__in=apps, minute__gt=now - HOUR, minute__lte=now)
    sums = lately.values_list("app").annotate(Sum("asked"), Sum("unclear"))
    asked = {app: Asked(*counts) for app, *counts in sums}
    return [
        Registration(
            app,
            [failure for failure in failures if _concerns(failure, app)],
            asked.get(app.pk, Asked()),
            _is_configured(app),
            is_looked_at(backlogs.get(app.network_slug), now),
        )
        for app in apps
    ]


def _concerns(failure: Failure, app: OAuthApp) -> bool:
    """Its own failure, or that of its whole network."""
    return failure.network_slug == app.network_slug and failure.app_id in (app.pk, None)


def _is_configured(app: Any) -> bool:
    """As OAuthApp.is_configured, without fetching the secret."""
    client_id, _secret = settings.OAUTH_CLIENTS.get(app.network.client_slug(app.issuer), ("", ""))
    return bool(app.is_given) or client_id == app.client_id

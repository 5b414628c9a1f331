"""What speaks for the failure of a network: who began to fail since when, and who answered.

`tokens.breaker` weighs it. All of it stands in PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Sum

from networks.base import Reason
from tokens import breaker
from tokens.breaker import Seen
from tokens.models import Experience, Tally
from tokens.tallies import Count

# What only a listing can say of an access.
LISTED = (Reason.PERMISSION_LOST, Reason.NO_LONGER_LISTED)
COUNTED = ("calls", "asked", "alive", "dead", "unclear", "exposure", "cost")

# Distinct logins of each app that began to fail, or died without notice, since a time. What only
# listings say counts by profiles too: one page that is deleted is lost by all who worked with it.
EVIDENCE = """
    WITH failed AS (
        SELECT token.app_id, token.subject, access.profile_id,
            access.suspected_reason AS reason, access.suspected_at AS seen
        FROM tokens_access access JOIN tokens_token token ON token.id = access.token_id
        WHERE access.suspected_at >= %(since)s AND token.network_slug = %(network)s
        UNION ALL
        SELECT token.app_id, token.subject, change.profile_id, change.reason, NULL
        FROM tokens_statuschange change JOIN tokens_token token ON token.id = change.token_id
        WHERE change.at >= %(since)s AND token.network_slug = %(network)s
            AND change.reason NOT IN ('', %(expired)s)
    )
    SELECT app_id, count(DISTINCT subject),
        count(DISTINCT subject) FILTER (WHERE reason <> ALL(%(listed)s)) + least(
            count(DISTINCT subject) FILTER (WHERE reason = ANY(%(listed)s)),
            count(DISTINCT profile_id) FILTER (WHERE reason = ANY(%(listed)s))
        ),
        max(seen), mode() WITHIN GROUP (ORDER BY reason)
    FROM failed GROUP BY app_id
"""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of one app: how many logins fail, how many of them independently, what most of them are told
    and when the last of them began to."""

    logins: int
    independent: int
    last: datetime | None
    reason: Reason


def found(network_slug: str, since: datetime) -> dict[UUID, Evidence]:
    values: dict[str, Any] = {"since": since, "network": network_slug}
    values |= {"expired": Reason.EXPIRED, "listed": list(LISTED)}
    with connection.cursor() as cursor:
        cursor.execute(EVIDENCE, values)
        return {
            app: Evidence(logins, min(logins, independent), last, Reason(reason))
            for app, logins, independent, last, reason in cursor.fetchall()
        }


def weighed(network_slug: str, found: Mapping[UUID, Evidence], since: datetime) -> dict[UUID, Seen]:
    """What was found beside what was to be expected of all that was asked."""
    asked, hazard = answers_since(since, network_slug), hazard_of(network_slug)
    apps = {}
    for app in {*found, *asked}:
        logins = found[app].independent if app in found else 0
        sums = asked.get(app) or Count(app, network_slug, since)
        expected = breaker.expected_deaths(hazard, sums.exposure)
        apps[app] = Seen(logins, expected, sums.alive + sums.dead)
    return apps


def answers_since(start: datetime, network_slug: str = "") -> dict[UUID, Count]:
    """What was answered from the minute of `start` on, by app: of one network or of all."""
    minute = start.replace(second=0, microsecond=0)
    rows = Tally.objects.filter(minute__gte=minute)
    if network_slug:
        rows = rows.filter(network_slug=network_slug)
    totals = rows.values_list("app_id", "network_slug").annotate(*map(Sum, COUNTED))
    return {app: Count(app, slug, minute, *sums) for app, slug, *sums in totals}


def hazard_of(network_slug: str) -> float:
    """Deaths without notice of one token in a day: the prior, and what was seen here."""
    cells = Experience.objects.filter(network_slug=network_slug)
    known = cells.aggregate(days=Sum("token_days"), deaths=Sum("deaths"))
    return breaker.hazard(known["days"] or 0.0, known["deaths"] or 0.0)

"""What is done about failures every tick: ask canaries, close and let go, tell how far behind.

Two at once do no harm: a failure is seen to by whoever locks its row, and the rest are statements
that may be repeated.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from networks.base import Health, Reason
from networks.registry import NETWORKS
from tokens import breaker, evidence, holding, leases
from tokens.breaker import FEWEST, NEIGHBOURS, WINDOW, Recovery, Seen
from tokens.models import Access, Backlog, Failure, Tally, Token

# Unclear answers turn nothing red: they count over so long, and are looked at every tick.
UNCLEAR_WINDOW = timedelta(minutes=10)
# Answers that the operator has to know of when they last. A network that wants to be asked less
# is obeyed (budgets), and is no failure.
UNCLEAR = (Reason.NETWORK_OUTAGE, Reason.NOT_UNDERSTOOD, Reason.APP_DISABLED)
TALLIES_KEPT = timedelta(days=35)
AT_ONCE = 5_000

# Held tokens, to be asked again within a while; those that are asked sooner anyway are left.
LET_GO = """
    UPDATE tokens_token SET next_probe_at = %(now)s + random() * %(spread)s
    WHERE id IN (
        SELECT token.id FROM tokens_token token
        WHERE network_slug = %(network)s AND (%(app)s::uuid IS NULL OR app_id = %(app)s)
            AND unclear_count = 0 AND next_probe_at > %(now)s + %(spread)s
            AND EXISTS (
                SELECT FROM tokens_access access
                WHERE access.token_id = token.id AND access.suspected_at IS NOT NULL
            )
        LIMIT %(most)s FOR NO KEY UPDATE SKIP LOCKED
    )
"""
# Of each network, what is due and asked by nobody yet: a short stretch of the index `token_due`.
LAG = """
    INSERT INTO tokens_backlog AS backlog (network_slug, seen_at, oldest_due_at, due, watched)
    SELECT slug, %(now)s, due.oldest, due.count, 0
    FROM unnest(%(slugs)s::text[]) AS slug CROSS JOIN LATERAL (
        SELECT count(*) AS count, min(next_probe_at) AS oldest FROM tokens_token
        WHERE network_slug = slug AND next_probe_at <= %(now)s AND NOT EXISTS (
            SELECT FROM tokens_lease AS lease WHERE lease.token_id = tokens_token.id
                AND lease.until > %(now)s
        )
    ) AS due
    ON CONFLICT (network_slug) DO UPDATE SET
        seen_at = excluded.seen_at, oldest_due_at = excluded.oldest_due_at, due = excluded.due
"""


def watch() -> None:
    """One look at everything: five queries where nothing fails, and at most ten more for each
    failure that is open."""
    now = timezone.now()
    failures = list(Failure.objects.filter(closed_at=None))
    _look_for_unclear(failures, now)
    for failure in failures:
        with transaction.atomic():
            locked = Failure.objects.select_for_update(skip_locked=True, no_key=True)
            mine = locked.filter(pk=failure.pk, closed_at=None).first()
            is_closed = mine is not None and _see_to(mine, now)
        if mine and mine.health == Health.DEAD and (is_closed or mine.believed_at):
            let_go(mine, now)
    with connection.cursor() as cursor:
        cursor.execute(LAG, {"now": now, "slugs": list(NETWORKS)})
    Tally.objects.filter(minute__lt=now - TALLIES_KEPT).delete()
    if not Backlog.objects.filter(watched__gt=0).exists():  # at first, nobody has counted yet
        count_watched()


def count_watched() -> None:
    """How many living and dead tokens each network has; reads them all, so it is done seldom."""
    now = timezone.now()
    counts = Token.objects.values("network_slug").annotate(
        watched=Count("pk", filter=Q(reason="")), dead=Count("pk", filter=~Q(reason=""))
    )
    found = {count["network_slug"]: count for count in counts}
    none = {"watched": 0, "dead": 0}
    Backlog.objects.bulk_create(
        (
            Backlog(seen_at=now, **{"network_slug": slug, **found.get(slug, none)})
            for slug in NETWORKS
        ),
        update_conflicts=True,
        unique_fields=["network_slug"],
        update_fields=["watched", "dead"],
    )


def let_go(failure: Failure, now: datetime) -> None:
    """Ask all that were held within the next minutes. Workers are passed by, some at a time: who
    is being asked at this moment is left to the schedule."""
    values: dict[str, Any] = {"now": now, "network": failure.network_slug, "app": failure.app_id}
    values |= {"spread": breaker.SPREAD, "most": AT_ONCE}
    moved = AT_ONCE
    while moved == AT_ONCE:
        with connection.cursor() as cursor:
            cursor.execute(LET_GO, values)
            moved = cursor.rowcount


def _see_to(failure: Failure, now: datetime) -> bool:
    """Count what it holds, and close it or ask canaries; returns whether it closed."""
    if failure.health == Health.DEAD:
        is_over = _see_to_deaths(failure, now)
    else:
        is_over = _is_understood_again(failure, now)
    failure.closed_at = now if is_over else None
    failure.save(update_fields=["closed_at", "held", "canaries", "canaries_at", "believed_at"])
    return is_over


def _see_to_deaths(failure: Failure, now: datetime) -> bool:
    waiting = holding.held(failure.network_slug, failure.app_id)
    sums = waiting.aggregate(accesses=Count("pk"), logins=Count("token__subject", distinct=True))
    failure.held = sums["accesses"]
    if breaker.is_over(_recovery(failure, sums["logins"], now)):
        return True
    if failure.is_held and failure.held_until <= now:
        failure.believed_at = now
    if failure.is_held and breaker.canaries_due(failure.opened_at, failure.canaries_at, now):
        _ask_canaries(failure, waiting, now)
    return False


def _recovery(failure: Failure, held: int, now: datetime) -> Recovery:
    since = failure.canaries_at or failure.opened_at
    canaries = Token.objects.filter(pk__in=failure.canaries, probed_at__gte=since, unclear_count=0)
    heard = canaries.aggregate(
        alive=Count("subject", distinct=True, filter=Q(reason="") & ~Q(holding.is_suspected())),
        dead=Count("subject", distinct=True, filter=Q(holding.is_suspected())),
    )
    living = _living(failure, now) if held < FEWEST else 0
    return Recovery(heard["alive"], heard["dead"], held, living, _new(failure, since))


def _living(failure: Failure, now: datetime) -> int:
    """How many other logins answered lately."""
    others = _tokens_of(failure).filter(~holding.is_suspected(), reason="", unclear_count=0)
    lately = others.filter(probed_at__gte=now - WINDOW).values("subject").distinct()
    return lately[:NEIGHBOURS].count()


def _new(failure: Failure, since: datetime) -> Seen:
    """What began to fail since the canaries were asked."""
    found = evidence.found(failure.network_slug, since)
    weighed = evidence.weighed(failure.network_slug, found, since)
    return sum(
        (one for app, one in weighed.items() if failure.app_id in (None, app)), breaker.NOTHING
    )


def _tokens_of(failure: Failure) -> QuerySet[Token]:
    tokens = Token.objects.filter(network_slug=failure.network_slug)
    return tokens.filter(app=failure.app_id) if failure.app_id else tokens


def _ask_canaries(failure: Failure, waiting: QuerySet[Access], now: datetime) -> None:
    """Let a few of the held be asked now, and of others where few are held."""
    free = waiting.filter(~leases.is_leased("token"), token__unclear_count=0)
    chosen = list(free.order_by("?").values_list("token", flat=True)[: breaker.CANARIES])
    asked = Token.objects.filter(pk__in=chosen)
    failure.canaries, failure.canaries_at = chosen, now
    locked = asked.select_for_update(skip_locked=True, no_key=True).values("pk")
    Token.objects.filter(pk__in=list(locked.values_list("pk", flat=True))).update(next_probe_at=now)
    if len(chosen) < FEWEST and failure.app_id:
        holding.pull_neighbours(failure.network_slug, failure.app_id, now, listed=False)


def _look_for_unclear(open_now: list[Failure], now: datetime) -> None:
    """Open what answers unclearly far more often than usual."""
    asked = evidence.answers_since(now - UNCLEAR_WINDOW)
    known = {(one.network_slug, one.app_id) for one in open_now if one.health == Health.UNCLEAR}
    for slug in {sums.network_slug for sums in asked.values()}:
        apps = {
            app: Seen(sums.unclear, breaker.expected_unclear(sums.asked), sums.asked)
            for app, sums in asked.items()
            if sums.network_slug == slug
        }
        fails = breaker.failing(apps, breaker.ALPHA_UNCLEAR)
        whole = breaker.fails_as_a_whole(apps, fails)
        for app in [None] if whole else sorted(fails):
            if known.isdisjoint({(slug, None), (slug, app)}):
                _open_unclear(slug, app, apps, fails)


def _open_unclear(
    network_slug: str, app_id: UUID | None, apps: dict[UUID, Seen], fails: set[UUID]
) -> None:
    """Open it if distinct logins bear it out, for what most of them were told."""
    reasons = _unclear(network_slug, app_id or None).values_list("unclear_reason")
    counted = reasons.annotate(logins=Count("subject", distinct=True)).order_by("-logins")
    found = dict(counted)
    if sum(found.values()) < FEWEST:
        return
    some = apps.values() if app_id is None else [apps[app_id]]
    total = sum(some, breaker.NOTHING)
    seen = Seen(sum(found.values()), total.expected, total.asked)
    reason = Reason(next(iter(found)))
    holding.open_failure(network_slug, app_id, Health.UNCLEAR, reason, seen)


def _unclear(network_slug: str, app_id: UUID | None) -> QuerySet[Token]:
    tokens = Token.objects.filter(network_slug=network_slug, unclear_reason__in=UNCLEAR)
    return tokens.filter(app=app_id) if app_id else tokens


def _is_understood_again(failure: Failure, now: datetime) -> bool:
    asked = evidence.answers_since(now - UNCLEAR_WINDOW, failure.network_slug)
    some = [sums for app, sums in asked.items() if failure.app_id in (None, app)]
    if breaker.answers_again(sum(s.asked for s in some), sum(s.unclear for s in some)):
        return True
    left = _unclear(failure.network_slug, failure.app_id).values("subject").distinct()
    return left[:FEWEST].count() < FEWEST

"""/metrics: how networks, engine and messages stand, for the operator's Prometheus.

All of it stands in the database, and is read at that moment, in six queries. The web process sees
no organization's rows: what is summed up over all of them, functions of the database tell
(migration 0007), which name networks and nobody else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import groupby
from math import inf
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import generate_latest
from prometheus_client.core import GaugeHistogramMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from networks.base import Health
from networks.registry import NETWORKS
from tokens.models import Backlog, Failure
from tokens.views.standing import is_looked_at, lag_of

Row = tuple[Any, ...]
SPAN = timedelta(days=30)
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
BOUNDS = [1.0, 5.0, 15.0, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR]
BOUNDS += [DAY, 3 * DAY, 7 * DAY, inf]
LATELY = "of the losses of the last 30 days"
FAILING = (Health.DEAD, Health.UNCLEAR)
# They fall as well as rise, as losses leave the span: a histogram of gauges.
STAGES = {
    "death_to_found": "From the death, which is estimated where no clock foretold it, to the first "
    "answer that says so",
    "found_to_written": "From the first answer that says so until it counts",
    "written_to_sent": "From a loss to the first mail about it",
    "lost_to_reconnected": "From a loss to the next valid access",
}


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For whoever knows METRICS_TOKEN; where there is none, there is no such page."""
    if not settings.METRICS_TOKEN:
        raise Http404
    if not _may_read(request):
        return HttpResponse(status=401, headers={"WWW-Authenticate": 'Bearer realm="metrics"'})
    read = generate_latest(Standing(timezone.now()))
    return HttpResponse(read, content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _may_read(request: HttpRequest) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and constant_time_compare(given, settings.METRICS_TOKEN)


class Standing:
    """What there is to know at this moment, as prometheus_client collects it."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def collect(self) -> Iterator[Metric]:
        yield from _stages(self.now - SPAN)
        yield _losses(self.now - SPAN)
        yield from _messages(self.now)
        yield from _suspected()
        yield _failures()
        yield from _backlogs(self.now)


def _stages(since: datetime) -> Iterator[Metric]:
    rows = _rows("SELECT * FROM loss_stages(%s, %s)", since, BOUNDS)
    found = {of: list(some) for of, some in groupby(rows, key=lambda row: row[:2])}
    for stage, text in STAGES.items():
        name = f"tokenwacht_{stage}_seconds"
        family = GaugeHistogramMetricFamily(name, f"{text}; {LATELY}.", labels=["network"])
        for (of, slug), some in found.items():
            if of == stage:
                buckets = [(_le(bound), within) for _, _, bound, within, _ in some]
                family.add_metric([slug], buckets, some[0][-1])
        yield family


def _le(bound: float) -> str:
    return "+Inf" if bound == inf else str(bound)


def _losses(since: datetime) -> Metric:
    rows = _rows("SELECT * FROM loss_counts(%s)", since)
    text = f"Profiles that lost their last valid access; {LATELY}."
    return _gauge("losses", text, rows, "network", "reason")


def _messages(now: datetime) -> Iterator[Metric]:
    ways = {way: figures for way, *figures in _rows("SELECT * FROM messages_owed(%s)", now)}
    changes, _, waited = ways.pop("unplanned")
    text = "Changes of which nobody has looked yet whom to tell."
    yield _gauge("changes_unplanned", text, [(changes,)])
    yield _gauge("changes_unplanned_oldest_seconds", "Since the oldest of them.", [(waited,)])
    owed = [(way, owed) for way, (owed, _, _) in ways.items()]
    yield _gauge("messages_owed", "Messages whose time has come.", owed, "way")
    oldest = [(way, seconds) for way, (_, _, seconds) in ways.items()]
    text = "Since the time of the oldest of them had come."
    yield _gauge("messages_owed_oldest_seconds", text, oldest, "way")
    text = "Mails that wait for their digest, or for the end of quiet hours."
    yield _gauge("mails_put_off", text, [(ways["mail"][1],)])


def _suspected() -> Iterator[Metric]:
    found = {slug: counts for slug, *counts in _rows("SELECT * FROM accesses_suspected()")}
    counts = [(slug, *found.get(slug, (0, 0))) for slug in NETWORKS]
    text = "Accesses whose deaths are held, since their network or app fails."
    yield _gauge("accesses_held", text, [(slug, held) for slug, held, _ in counts], "network")
    text = "Accesses whose deaths were seen once and wait for the second answer."
    waiting = [(slug, unconfirmed) for slug, _, unconfirmed in counts]
    yield _gauge("accesses_unconfirmed", text, waiting, "network")


def _failures() -> Metric:
    open_ = Failure.objects.filter(closed_at=None).values_list("network_slug", "health")
    found = Counter(open_)
    counts = [(slug, health, found[slug, health]) for slug in NETWORKS for health in FAILING]
    return _gauge("failures_open", "Networks and apps that fail.", counts, "network", "health")


def _backlogs(now: datetime) -> Iterator[Metric]:
    """The lag is left out where nobody has looked lately: it is unknown, and not nothing."""
    rows = list(Backlog.objects.filter(network_slug__in=NETWORKS).order_by("pk"))
    tokens: list[Row] = [(one.pk, "alive", one.watched) for one in rows]
    tokens += [(one.pk, "dead", one.dead) for one in rows]
    text = "Tokens by what was last said of them, as counted every ten minutes."
    yield _gauge("tokens", text, tokens, "network", "state")
    text = "Tokens that were due when the engine last looked."
    yield _gauge("tokens_due", text, [(one.pk, one.due) for one in rows], "network")
    lag = [(one.pk, lag_of(one).total_seconds()) for one in rows if is_looked_at(one, now)]
    text = "How long the oldest of them had waited."
    yield _gauge("engine_lag_seconds", text, lag, "network")
    looked = [(one.pk, one.seen_at.timestamp()) for one in rows]
    text = "When the engine last looked."
    yield _gauge("engine_looked_timestamp_seconds", text, looked, "network")


def _rows(query: str, *values: Any) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())


def _gauge(name: str, text: str, rows: Iterable[Row], *labels: str) -> Metric:
    """One line for each row: the values of its labels, and its figure last."""
    family = GaugeMetricFamily(f"tokenwacht_{name}", text, labels=labels)
    for *of, figure in rows:
        family.add_metric(of, figure)
    return family

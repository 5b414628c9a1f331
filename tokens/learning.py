"""Learning how tokens die from the installation's own rows, and the pace that follows from it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from functools import lru_cache
from time import monotonic

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.utils import timezone

from networks.base import DEAD_REASONS, Reason
from tokens.hazards import AGES, HALF_LIFE, HISTORIES, Cell, Seen
from tokens.models import Experience, Failure, StatusChange, Token
from tokens.schedule import Pace, Traits, refresh_due

# A process reads again what was learnt after so many seconds.
FRESH_FOR = 300.0
# A death bears the time at which its batch began to be written; so long it may take to be there.
WRITTEN_WITHIN = timedelta(minutes=5)
# A network that has come back still confirms what it was held for.
AFTERMATH = timedelta(hours=1)
ALONE = "LOCK TABLE tokens_experience IN SHARE ROW EXCLUSIVE MODE"
COUNTED = ("token_days", "deaths", "living", "counted_at")


def pace() -> Pace:
    """How often to ask, by what was learnt until some minutes ago."""
    return _pace(
        timedelta(seconds=settings.PROBE_INTERVAL),
        timedelta(seconds=settings.LONGEST_INTERVAL),
        int(monotonic() // FRESH_FOR),
    )


@lru_cache(maxsize=1)
def _pace(interval: timedelta, longest: timedelta, _: int) -> Pace:
    return Pace.learnt(seen(), interval, longest)


def forget() -> None:
    """Read anew at the next question."""
    _pace.cache_clear()


def traits(token: Token) -> Traits:
    """What the schedule looks at. Read before a probe moves the token's clocks."""
    return Traits(
        token.network_slug, token.consented_at, token.died_at, token.probed_at, bool(token.reason)
    )


def known_ends(token: Token) -> tuple[datetime | None, ...]:
    """The moments at which a token is asked whatever its interval: when it is to be renewed, and
    when it ends."""
    renewal = refresh_due(token.expires_at, token.issued_at) if token.refresh_token else None
    return renewal, token.expires_at, token.reauthorize_by


def seen() -> dict[Cell, Seen]:
    return {
        _cell(row): Seen(row.token_days, row.deaths, row.living)
        for row in Experience.objects.order_by("network_slug", "age", "history")
    }


def count() -> None:
    """Add what happened since the last count: the time that tokens lived through, and deaths.

    Counts and the time they reach to are written in one transaction, alone: a crash only means
    that the next count reaches further back, and of two at once the second finds nothing new.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(ALONE)
        until = timezone.now() - WRITTEN_WITHIN
        rows = {_cell(row): row for row in Experience.objects.all()}
        since = max((row.counted_at for row in rows.values()), default=until)
        until = max(until, since)
        living, deaths = _living(until), _deaths(since, until)
        for cell in living.keys() | deaths.keys():
            rows.setdefault(cell, _new_row(cell, since))
        for cell, row in rows.items():
            _add(row, living[cell], deaths[cell], until)
        Experience.objects.bulk_create(
            rows.values(),
            update_conflicts=True,
            unique_fields=["network_slug", "age", "history"],
            update_fields=COUNTED,
        )
    forget()


def _add(row: Experience, living: int, deaths: int, until: datetime) -> None:
    """What was seen long ago counts less and less."""
    days = (until - row.counted_at) / timedelta(days=1)
    keep = 0.5 ** (timedelta(days=days) / HALF_LIFE)
    row.token_days = row.token_days * keep + days * (row.living + living) / 2
    row.deaths = row.deaths * keep + deaths
    row.living, row.counted_at = living, until


def _new_row(cell: Cell, since: datetime) -> Experience:
    network, age, history = cell
    return Experience(network_slug=network, age=age, history=history, counted_at=since)


def _cell(row: Experience) -> Cell:
    return Cell(row.network_slug, row.age, row.history)


def _living(at: datetime) -> Counter[Cell]:
    classes = {
        "age": _class_of("consented_at", AGES, at),
        "history": _class_of("died_at", HISTORIES, at),
    }
    groups = Token.objects.filter(reason="").values("network_slug", **classes)
    counted = groups.annotate(living=Count("pk")).values_list(
        "network_slug", "age", "history", "living"
    )
    return Counter({Cell(*cell): living for *cell, living in counted})


def _deaths(since: datetime, until: datetime) -> Counter[Cell]:
    """Those without notice, by what the tokens were when they died."""
    changes = StatusChange.objects.filter(token=OuterRef("pk"), at__lt=OuterRef("died_at"))
    earlier = changes.order_by("-at").values("at")
    # Somebody may have reconnected it since: then its consent is that of another life.
    consent = Case(
        When(consented_at__lte=F("died_at"), then=F("consented_at")),
        default=Subquery(earlier.filter(reason="").exclude(actor_name="")[:1]),
    )
    dead = Token.objects.filter(died_at__gt=since, died_at__lte=until)
    cells = (
        _without_notice(dead)
        .annotate(consent=consent, before=Subquery(earlier.filter(reason__in=DEAD_REASONS)[:1]))
        .annotate(
            age=_class_of("consent", AGES, F("died_at")),
            history=_class_of("before", HISTORIES, F("died_at")),
        )
        .values_list("network_slug", "age", "history")
    )
    return Counter(Cell(*cell) for cell in cells)


def _without_notice(dead: QuerySet[Token]) -> QuerySet[Token]:
    """Those that no clock of ours foretold, and that no failing network is to blame for."""
    sudden = DEAD_REASONS - {Reason.EXPIRED}
    said = StatusChange.objects.filter(
        token=OuterRef("pk"), at=OuterRef("died_at"), reason__in=sudden
    )
    failures = Failure.objects.filter(
        Q(app=None) | Q(app=OuterRef("app")),
        Q(closed_at=None) | Q(closed_at__gt=OuterRef("died_at") - AFTERMATH),
        network_slug=OuterRef("network_slug"),
        opened_at__lte=OuterRef("died_at"),
    )
    ended = (
        Q(reauthorize_by__lte=F("died_at"))
        | Q(refresh_expires_at__lte=F("died_at"))
        | Q(expires_at__lte=F("died_at"), refresh_token=b"")
    )
    return dead.filter(Exists(said), ~Exists(failures)).exclude(ended)


def _class_of(moment: str, ends: tuple[timedelta, ...], at: datetime | F) -> Case:
    """The class of the time from a moment until `at`, as `hazards.cell_of` has it."""
    within = [
        When(**{f"{moment}__gt": at - end}, then=Value(number)) for number, end in enumerate(ends)
    ]
    return Case(*within, default=Value(len(ends)))

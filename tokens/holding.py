"""What keeps deaths of a network from counting: the circuit breaker, with the database.

`tokens.breaker` decides, by what `tokens.evidence` counts; here follows what comes of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, Max, OuterRef, QuerySet

from networks.base import Health, Reason
from tokens import breaker, evidence, tallies
from tokens.breaker import FEWEST, NEIGHBOURS, WINDOW, Seen, Sighting
from tokens.evidence import Evidence
from tokens.models import Access, Failure, Token
from tokens.storing import confirm_after
from tokens.tallies import Count

# How long a death that a network states plainly waits for its neighbours.
PLAINLY = timedelta(minutes=2)
# Those that are due next lose least by being asked now. What is due is under way, what the
# network asked us to leave alone is left alone, and who waits for a second answer is no neighbour:
# one that came too early would have to be asked for once more.
PULL = """
    UPDATE tokens_token SET next_probe_at = %(now)s,
        listed_at = CASE WHEN %(listed)s THEN NULL ELSE listed_at END
    WHERE id IN (
        SELECT id FROM tokens_token
        WHERE network_slug = %(network)s AND app_id = %(app)s AND reason = ''
            AND unclear_count = 0 AND next_probe_at > %(now)s
            AND coalesce(CASE WHEN %(listed)s THEN listed_at ELSE probed_at END < %(now)s, true)
            AND NOT EXISTS (
                SELECT FROM tokens_access access
                WHERE access.token_id = tokens_token.id AND access.suspected_at IS NOT NULL
            )
        ORDER BY next_probe_at LIMIT %(most)s FOR NO KEY UPDATE SKIP LOCKED
    )
"""


def held(network_slug: str, app_id: UUID | None) -> QuerySet[Access]:
    """The accesses whose deaths wait, of one app or of a whole network."""
    waiting = Access.objects.filter(suspected_at__isnull=False, token__network_slug=network_slug)
    return waiting.filter(token__app=app_id) if app_id else waiting


def is_suspected() -> Exists:
    return Exists(Access.objects.filter(token=OuterRef("pk"), suspected_at__isnull=False))


def pull_neighbours(network_slug: str, app_id: UUID, now: datetime, *, listed: bool) -> None:
    """Let some of an app's other tokens be asked now, and what they reach too where `listed`."""
    values: dict[str, Any] = {"network": network_slug, "app": app_id, "now": now}
    values |= {"listed": listed, "most": NEIGHBOURS}
    with connection.cursor() as cursor:
        cursor.execute(PULL, values)


def open_failure(
    network_slug: str, app_id: UUID | None, health: Health, reason: Reason, total: Seen
) -> None:
    """Open what is not open yet, however many do so at once. A whole network (no `app_id`) takes
    the place of its apps."""
    failure = Failure(network_slug=network_slug, app_id=app_id, health=health, reason=reason)
    failure.logins, failure.asked = total.logins, total.asked
    failure.expected = total.expected
    if app_id or not _widened(failure):
        Failure.objects.bulk_create([failure], ignore_conflicts=True)


def _widened(failure: Failure) -> bool:
    """Let the first of the apps' failures be that of the network, and drop the others: what the
    operator was told of it, or is about to be, stays told. Returns whether there was one."""
    same = Failure.objects.filter(network_slug=failure.network_slug, health=failure.health)
    of_apps = same.filter(closed_at=None, believed_at=None, app__isnull=False)
    first = of_apps.select_for_update().order_by("opened_at", "pk").first()
    if first is None:
        return False
    of_apps.exclude(pk=first.pk).delete()
    first.app = None
    for name in ("reason", "logins", "asked", "expected"):
        setattr(first, name, getattr(failure, name))
    try:
        with transaction.atomic():
            first.save()
    except IntegrityError:  # somebody else opened the network's meanwhile
        of_apps.delete()
    return True


class Doubt:
    """Whether deaths of one network count, for one slice of findings and in its transaction.

    Reads nothing until the first death comes. `counts` is asked of each, and `settle` afterwards.
    """

    def __init__(self, network_slug: str, now: datetime) -> None:
        self.network_slug, self.now = network_slug, now
        self._first: dict[UUID, bool] = {}
        self._recovered: dict[UUID, Count] = {}
        self._living: dict[UUID, int] = {}

    def covers(self, token: Token) -> bool:
        """Whether a failure is open that holds this token's death."""
        return not self._held.isdisjoint((None, token.app_id)) and not self._is_true(token.app_id)

    def counts(
        self,
        access: Access,
        token: Token,
        reason: Reason,
        *,
        plainly: bool = False,
        about_listing: bool = False,
    ) -> bool:
        """Whether a death that is seen now is to be believed; notes it down on the access if it is
        the first sighting. `plainly`: the network's words leave no doubt.

        What a listing says and what a probe says are two suspicions; one does not confirm the
        other.
        """
        first = access.suspected_at
        is_second = first and access.suspected_by_listing == about_listing
        if first and is_second and first > self._forgotten:
            return not self.covers(token) and self._believes(token, first, about_listing, plainly)
        if plainly and not self.covers(token) and self._logins(token.app_id) < FEWEST:
            return True
        self.recovers(access, token)
        access.suspected_at, access.suspected_reason = self.now, reason
        access.suspected_by_listing = about_listing
        self._first[token.app_id] = self._first.get(token.app_id, False) or about_listing
        return False

    def recovers(self, access: Access, token: Token) -> None:
        """A suspicion ends. One that was held long had its time counted when it began to fail,
        and not the time since."""
        if access.suspected_at and self.was_held(access):
            held = (self.now - access.suspected_at).total_seconds()
            count = Count(token.app_id, self.network_slug, self.now, exposure=held)
            self._recovered[token.pk] = count

    def was_held(self, access: Access) -> bool:
        """Whether it has been suspected for longer than deaths are counted together."""
        return bool(access.suspected_at and self.now - access.suspected_at > WINDOW)

    def settle(self) -> None:
        """After the slice was written: open what fails, or ask those beside who began to fail."""
        tallies.add(self._recovered.values())
        if not any(self._held.isdisjoint((None, app)) for app in self._first):
            return
        self._open(self._evidence())
        for app in sorted(self._first):
            if self._held.isdisjoint((None, app)) and self._logins(app) >= FEWEST:
                pull_neighbours(self.network_slug, app, self.now, listed=self._first[app])

    @cached_property
    def _held(self) -> set[UUID | None]:
        """The apps of which a failure is open; None for the whole network."""
        return self._open_ones(believed_at=None)

    @cached_property
    def _true(self) -> set[UUID | None]:
        """The same of those whose deaths are known to be true."""
        return self._open_ones(believed_at__isnull=False)

    def _open_ones(self, **which: Any) -> set[UUID | None]:
        rows = self._of_deaths().filter(closed_at=None, **which)
        return set(rows.values_list("app", flat=True))

    def _is_true(self, app_id: UUID) -> bool:
        return not self._true.isdisjoint((None, app_id))

    @cached_property
    def _forgotten(self) -> datetime:
        """What began before the last failure closed begins anew when it is seen again."""
        closed = self._of_deaths().aggregate(last=Max("closed_at"))["last"]
        return closed or datetime.min.replace(tzinfo=UTC)

    def _of_deaths(self) -> QuerySet[Failure]:
        return Failure.objects.filter(network_slug=self.network_slug, health=Health.DEAD)

    def _evidence(self) -> dict[UUID, Evidence]:
        return evidence.found(self.network_slug, self._since)

    @property
    def _since(self) -> datetime:
        return max(self.now - WINDOW, self._forgotten)

    @cached_property
    def _before(self) -> dict[UUID, Evidence]:
        """The evidence as others left it, for what this slice says a second time. Between their
        slices and this one a failure may have become plain that none of them saw whole."""
        found = self._evidence()
        self._open(found)
        return found

    def _open(self, found: Mapping[UUID, Evidence]) -> None:
        if None in self._true:
            return
        weighed = evidence.weighed(self.network_slug, found, self._since)
        weighed = {app: one for app, one in weighed.items() if app not in self._true}
        fails = breaker.failing(weighed) | {app for app in self._held if app}
        apps: set[UUID | None] = set(fails - self._held)
        if breaker.fails_as_a_whole(weighed, fails):
            apps = {None}
        for app in apps:
            some = [one for one in found if one in weighed and app in (None, one)]
            total = sum((weighed[one] for one in some), breaker.NOTHING)
            reason = max(some, key=lambda one: found[one].logins)
            open_failure(self.network_slug, app, Health.DEAD, found[reason].reason, total)
        self._held |= apps

    def _logins(self, app_id: UUID) -> int:
        """How many logins of an app live, counted as far as is needed."""
        if app_id not in self._living:
            living = Token.objects.filter(app=app_id, reason="").values("subject").distinct()
            self._living[app_id] = living[: 2 * NEIGHBOURS].count()
        return self._living[app_id]

    def _believes(self, token: Token, first: datetime, about_listing: bool, plainly: bool) -> bool:
        wait = confirm_after(token.network)
        if plainly:
            wait = min(wait, PLAINLY)
        if self.now - first < wait:
            return False
        if self._is_true(token.app_id) or self._logins(token.app_id) < FEWEST:
            return True
        sighting = self._sighting(token, first, about_listing)
        return not self.covers(token) and breaker.believed(sighting, self.now, wait)

    def _sighting(self, token: Token, first: datetime, about_listing: bool) -> Sighting:
        """With what the neighbours said since the last of them began to fail."""
        app = token.app_id
        found = self._before.get(app)
        last = found.last if found and found.last else first
        clock = "listed_at" if about_listing else "probed_at"
        heard = Token.objects.filter(~is_suspected(), app=app, reason="", **{f"{clock}__gte": last})
        subjects = heard.exclude(subject=token.subject).values("subject").distinct()
        others = self._logins(app) - (found.logins if found else 1)
        return Sighting(first, max(min(NEIGHBOURS, others), 0), subjects[:NEIGHBOURS].count())

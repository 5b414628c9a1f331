"""Outages of a network, lived through by the real engine: who is written to in vain, and how late
those deaths are told that struck meanwhile.

The network is one of the simulator's twelve (bench/population.py), the one whose tokens die most
often, with several apps there. It runs over HTTP (bench/rotating.py); beat's tasks are called each
minute of a clock that is moved on (bench/moved.py).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf
from statistics import fmean
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import connection
from django.test import override_settings

from accounts.models import Membership, Organization, Role, User
from bench import filling, quiet
from bench.answerer import SLUG
from bench.measure import Figure
from bench.moved import Clock, moved
from bench.population import RATES
from bench.rotating import Rotating, rotating
from notifications.models import Notice
from notifications.planning import plan
from profiles.models import Ownership, Profile
from tokens import learning, watching
from tokens.engine import Engine
from tokens.models import Failure, OAuthApp, Token

YEAR_OF = 100_000
TOKENS = YEAR_OF // len(RATES)
HAZARD = max(RATES) / 365
SEED = 5
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
QUIET = timedelta(days=2)
CONSENTED = timedelta(days=100)
AFTERWARDS = HOUR  # beyond the interval in which all is to be told
APPS = (0, 0, 0, 0, 1, 1, 1, 2, 2, 3)  # of ten tokens

# Asked evenly until now, of old consents, and without an end that is known.
EVENLY = """
    UPDATE tokens_token SET expires_at = NULL, refresh_expires_at = NULL, listed_at = %(now)s,
        consented_at = %(consented)s, probed_at = %(now)s - share * %(interval)s,
        next_probe_at = %(now)s + (1 - share) * %(interval)s
    FROM (SELECT id, random() AS share FROM tokens_token) AS other WHERE other.id = tokens_token.id
"""


@dataclass(frozen=True, slots=True)
class Outage:
    """`hits`: whether the login of that number is refused."""

    name: str
    hits: Callable[[int], bool]
    lasts: timedelta = 6 * HOUR


OUTAGES = (
    Outage("all tokens", lambda number: True),
    Outage("half of them", lambda number: number % 2 == 0),
    Outage("one app", lambda number: app_of(number) == 0),
    Outage("one region", lambda number: number // 20 % 10 == 3),
    Outage("all tokens for a day", lambda number: True, 24 * HOUR),
)


def app_of(number: int) -> int:
    return APPS[number // 2 % len(APPS)]


@dataclass(slots=True)
class Scene:
    """One network and those who watch it. `died` and `told`: when whose token truly died, and when
    its owner was written to. `refused`: who was called dead and was not; `until_told`: how often
    each of the dead was probed before anybody was told."""

    network: Rotating
    clock: Clock
    engine: Engine
    tokens: int
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))  # noqa: S311
    died: dict[str, datetime] = field(default_factory=dict)
    told: dict[str, datetime] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    until_told: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    minutes: int = 0

    def go_on(self, span: timedelta) -> None:
        for _ in range(round(span / MINUTE)):
            self._minute()

    def fail(self, hits: Callable[[int], bool]) -> None:
        self.network.fail(str(number) for number in range(self.tokens) if hits(number))

    def _minute(self) -> None:
        """What beat has done in every minute, and in every hour."""
        self.clock.go_on(MINUTE)
        self._strike()
        self.engine.sweep(SLUG)
        watching.watch()
        while plan():
            pass
        self._note()
        self.minutes += 1
        if not self.minutes % 60:
            learning.count()
            learning.forget()

    def _strike(self) -> None:
        """Somebody takes the access away, or nobody."""
        living = self.tokens - len(self.died)
        if self.chance.random() < living * HAZARD * (MINUTE / timedelta(days=1)):
            subject = str(self.chance.randrange(self.tokens))
            self.died.setdefault(subject, self.clock.now())
            self.network.revoke(subject)

    def _note(self) -> None:
        calls = self.network.calls()
        self.calls += len(calls)
        waiting = self.died.keys() - self.told.keys()
        probes = (call.subject for call in calls if call.kind == "probe")
        self.until_told.update(subject for subject in probes if subject in waiting)
        self.refused |= {call.subject for call in calls if not call.is_granted} - self.died.keys()
        new = Notice.objects.exclude(change__token__subject__in=self.told)
        self.told |= dict(new.values_list("change__token__subject", "created_at"))


def run(tokens: Sequence[int] = (TOKENS,)) -> Iterator[Figure]:
    """`tokens`: of the network whose outages are lived through."""
    yield from quiet.false_holds(YEAR_OF)
    with scene(max(tokens)) as here:
        yield from quietly(here, QUIET)
        for outage in OUTAGES:
            yield from suffer(here, outage)


@contextmanager
def scene(tokens: int) -> Iterator[Scene]:
    fill(tokens)
    with rotating(late=0) as network, moved() as clock:
        # Calls are probes, and what they entail, alone.
        hosts, seldom = network.hosts(0), timedelta(days=365).total_seconds()
        with override_settings(NETWORK_HOSTS=hosts, LISTING_INTERVAL=seldom), Engine() as engine:
            yield Scene(network, clock, engine, tokens)


def fill(tokens: int) -> None:
    """Of several apps, and each with an owner who wants to hear when it is lost."""
    filling.add_tokens(0, tokens)
    first = OAuthApp.objects.get(network_slug=SLUG)
    numbers = range(tokens)
    for which in range(1, max(APPS) + 1):
        issuer = f"https://app-{which}.example"
        app = OAuthApp.objects.create(network_slug=SLUG, issuer=issuer, client_id=first.client_id)
        theirs = [str(number) for number in numbers if app_of(number) == which]
        Token.objects.filter(subject__in=theirs).update(app=app)
    for home in Organization.objects.all():
        address = f"owner@{home.slug}.example"
        owner = User.objects.create(email=address, name="Olga", wants_token_mail=True)
        EmailAddress.objects.create(user=owner, email=address, verified=True, primary=True)
        Membership.objects.create(organization=home, user=owner, role=Role.MEMBER)
        profiles = Profile.objects.filter(organization=home)
        Ownership.objects.bulk_create(
            Ownership(organization=home, profile=one, user=owner) for one in profiles
        )
    Profile.objects.update(mail_when_lost=True)
    now = datetime.now().astimezone()
    values: dict[str, Any] = {"now": now, "consented": now - CONSENTED, "interval": interval()}
    with connection.cursor() as cursor:
        cursor.execute(EVENLY, values)
        cursor.execute("ANALYZE")


def interval() -> timedelta:
    return timedelta(seconds=settings.PROBE_INTERVAL)


def quietly(here: Scene, span: timedelta) -> Iterator[Figure]:
    """Deaths alone: none is held, each costs one call more than it must."""
    here.go_on(span)
    days, tokens = span / timedelta(days=1), here.tokens
    title, of = f"{days:g} quiet days", f"{len(here.died):,} deaths, {len(here.told):,} told"
    yield Figure("outages", f"{title}: false holds", Failure.objects.count(), "holds", of=of)
    delays = [(here.told[one] - here.died[one]) / HOUR for one in here.told]
    half = interval() / HOUR / 2
    title_of_delay = f"{title}: from a death to the mail, mean"
    mean = fmean(delays)
    yield Figure("outages", title_of_delay, mean, "h", "half an interval", half, mean / half, of=of)
    extra = [here.until_told[one] - 1 for one in here.told]
    of = f"{len(extra):,} deaths"
    name = f"{title}: probes that confirm a death"
    yield Figure("outages", f"{name}, mean", fmean(extra), "probes", of=of)
    yield Figure("outages", f"{name}, most", max(extra), "probes", of=of)
    daily, planned = here.calls / tokens / days, timedelta(days=1) / interval()
    name = f"{title}: calls of a token in a day"
    yield Figure(
        "outages", name, daily, "calls", "planned", planned, daily / planned, of=f"{here.calls:,}"
    )


def suffer(here: Scene, outage: Outage) -> Iterator[Figure]:
    """One outage, and the interval after it."""
    start, wrong = here.clock.now(), in_vain(here)
    here.refused.clear()
    here.fail(outage.hits)
    here.go_on(outage.lasts)
    cleared = here.clock.now()
    here.fail(lambda number: False)
    here.go_on(interval() + AFTERWARDS)
    of = f"{len(here.refused):,} logins called dead that live"
    mails = in_vain(here) - wrong
    yield Figure("outages", f"{outage.name}: owners told in vain", mails, "mails", of=of)
    yield from of_deaths(here, outage, start, cleared)
    failures = Failure.objects.filter(opened_at__gt=start).order_by("opened_at")
    opened = [(one.opened_at - start) / MINUTE for one in failures]
    ended = [((one.closed_at or here.clock.now()) - cleared) / MINUTE for one in failures]
    of = f"{len(failures)} failures"
    title, begin = f"{outage.name}: from its begin to a hold", min(opened, default=inf)
    yield Figure("outages", title, begin, "min", of=of)
    title, end = f"{outage.name}: from its end to that of the last hold", max(ended, default=inf)
    yield Figure("outages", title, end, "min", of=of)


def in_vain(here: Scene) -> int:
    return len(here.told.keys() - here.died.keys())


def of_deaths(here: Scene, outage: Outage, start: datetime, cleared: datetime) -> Iterator[Figure]:
    """Those that were no part of it, and struck while it lasted."""
    meanwhile = [one for one, at in here.died.items() if start <= at < cleared]
    told = [here.told[one] - cleared for one in meanwhile if one in here.told]
    latest, one_interval = max(told, default=timedelta(0)) / HOUR, interval() / HOUR
    of = f"{len(told)} of {len(meanwhile)} deaths meanwhile told"
    name = f"{outage.name}: from its end to the last mail of a death"
    yield Figure(
        "outages", name, latest, "h", "an interval", one_interval, latest / one_interval, of=of
    )

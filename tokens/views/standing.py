"""How a network, an app and the engine stand, as the operator's page says it; no queries here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from networks.base import Network
from tokens import advice
from tokens.models import Backlog, Failure, OAuthApp
from tokens.templatetags.figures import money


@dataclass(frozen=True, slots=True)
class State:
    """Icon, word and colour of how a network or an app stands."""

    label: Any
    tone: str
    icon: str


WORKS = State(_("Works"), "valid", "circle-check")
SLOW = State(_("Falls behind"), "ending", "clock")
PARTLY = State(_("Fails in part"), "ending", "circle-alert")
FAILS = State(_("Fails"), "lost", "circle-alert")
SILENT = State(_("Not looked at"), "unreachable", "eye-off")
NOT_CONFIGURED = State(_("Not configured"), "unreachable", "unplug")


@dataclass(frozen=True, slots=True)
class Asked:
    """What tallies add up to: the last hour, today, and this month."""

    asked: int = 0
    unclear: int = 0
    calls: int = 0
    cost: Decimal = Decimal(0)

    @property
    def unclear_share(self) -> float:
        return self.unclear / self.asked if self.asked else 0.0


@dataclass(frozen=True, slots=True)
class Registration:
    """One OAuth app, with the failures that are its own or its whole network's."""

    app: OAuthApp
    failures: list[Failure]
    asked: Asked
    is_configured: bool
    is_looked_at: bool

    @property
    def name(self) -> str:
        return advice.name_of_app(self.app)

    @property
    def own(self) -> Failure | None:
        """Its own failure, of which it is known how many logins it hit."""
        return next((one for one in self.failures if one.app_id), None)

    @property
    def since(self) -> datetime | None:
        return beginning(self.failures) if self.is_configured else None

    @property
    def state(self) -> State:
        if not self.is_configured:
            return NOT_CONFIGURED
        if self.failures:
            return FAILS
        return WORKS if self.is_looked_at else SILENT


@dataclass(frozen=True, slots=True)
class Line:
    """One network. `lag`: how long its oldest due token had waited when the engine last looked;
    None where nobody knows."""

    network: Network
    backlog: Backlog | None
    failures: list[Failure]
    registrations: list[Registration]
    asked: Asked
    now: datetime

    @property
    def is_looked_at(self) -> bool:
        return is_looked_at(self.backlog, self.now)

    @property
    def lag(self) -> timedelta | None:
        if self.backlog is None or not self.is_looked_at:
            return None
        return lag_of(self.backlog)

    @property
    def state(self) -> State:
        if self.failures:
            others = [one for one in self.registrations if one.is_configured and not one.failures]
            return PARTLY if others else FAILS
        if self.lag is None:
            return SILENT
        return SLOW if self.lag > patience() else WORKS

    @property
    def since(self) -> datetime | None:
        return beginning(self.failures)

    @property
    def cost(self) -> str:
        """Of this month, with its currency; "" where the network does not bill."""
        prices = self.network.prices
        return money(self.asked.cost, prices[0].currency) if prices else ""


@dataclass(frozen=True, slots=True)
class Summary:
    """What the line on top says: the worst first."""

    open: list[Failure]
    lines: list[Line]

    @property
    def fact(self) -> str:
        """Where one thing fails, what it is; else ""."""
        return advice.fact(self.open[0]) if len(self.open) == 1 else ""

    @property
    def consequence(self) -> str:
        return advice.consequence(self.open)

    @property
    def silent(self) -> list[Line]:
        return [line for line in self.lines if not line.is_looked_at]

    @property
    def is_engine_silent(self) -> bool:
        return bool(self.lines) and len(self.silent) == len(self.lines)

    @property
    def seen_at(self) -> datetime | None:
        return max((line.backlog.seen_at for line in self.lines if line.backlog), default=None)

    @property
    def slow(self) -> list[Line]:
        return [line for line in self.lines if line.lag is not None and line.lag > patience()]

    @property
    def slowest(self) -> timedelta | None:
        return max((line.lag for line in self.slow if line.lag), default=None)


def patience() -> timedelta:
    """As long as this, a tick that is missed or late is no trouble: a restart, a long batch."""
    return timedelta(seconds=max(60.0, 5 * settings.PROBE_TICK))


def is_looked_at(backlog: Backlog | None, now: datetime) -> bool:
    """Whether the engine has looked at a network lately."""
    return backlog is not None and now - backlog.seen_at <= patience()


def beginning(failures: list[Failure]) -> datetime | None:
    return min((failure.opened_at for failure in failures), default=None)


def lag_of(backlog: Backlog) -> timedelta:
    due = backlog.oldest_due_at
    return max(backlog.seen_at - due, timedelta(0)) if due else timedelta(0)

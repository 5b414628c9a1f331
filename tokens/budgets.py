"""Budgets: no network is asked beyond what it allows, by all workers together.

Counted in Valkey by GCRA (tokens/gcra.py). What asks within a few milliseconds is decided upon
together, in one round trip. Without Valkey the engine goes on, at a fraction of the pace.
"""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import datetime, timedelta
from typing import NamedTuple, Self
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from networks.base import Budget, Network
from tokens.allowances import PATIENCE, Account, Charge, TokenAllowance
from tokens.gcra import DAY, SCRIPT, SECOND, Batch, Decision, Limit, decide
from tokens.tallies import Count

logger = logging.getLogger(__name__)

GATHER = 0.005  # seconds in which calls come together
FULL = 500
TIMEOUT = 1.0
# Without Valkey: try it again so often, and leave room for so many processes that cannot see us.
AWAY = 5.0
SLACK = 4
REMEMBERED = 100_000
STRANGERS = 20  # tokens that may be claimed of apps of which nothing is known yet


class Turn(NamedTuple):
    """How many microseconds after it was granted it comes: below 0, it would take too long. It was
    granted after `asked`, in seconds of the monotonic clock; nobody knows by how much."""

    wait: int
    asked: float

    @property
    def late(self) -> float:
        """Seconds that have gone by since it came, at most."""
        return time.monotonic() - self.asked - self.wait / SECOND


class Pending(NamedTuple):
    future: asyncio.Future[Turn]
    charges: list[Charge]
    patience: int


class Budgets:
    """One per event loop; `async with` closes its connections.

    `allowance` is what a conversation is held with. `room` and `dry` say how many tokens to
    claim; `spent` what to add to the tallies.
    """

    def __init__(self, url: str = "") -> None:
        self._redis = Redis.from_url(
            url or settings.REDIS_URL,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 1),
        )
        self._script = self._redis.register_script(SCRIPT)
        self._default = default_budget(settings.CALLS_PER_SECOND)
        self._accounts: dict[tuple[str, UUID], Account] = {}
        self._pending: list[Pending] = []
        self._pauses: list[tuple[Charge, int]] = []
        self._flushing: asyncio.Task[None] | None = None
        # By the clock of Valkey: the TATs of what many share, and until when what is paused.
        self._known: dict[str, int] = {}
        self._paused: dict[str, int] = {}
        self._own: dict[str, int] = {}  # all there is, while Valkey is away
        self._ahead = 0  # its clock's, in microseconds
        self._away_until: float | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._flushing is not None:
            await asyncio.gather(self._flushing, return_exceptions=True)
        await self._redis.aclose()

    def allowance(self, network: Network, app_id: UUID, *subjects: str) -> TokenAllowance:
        """For one session; several `subjects` where one request asks about many logins."""
        return TokenAllowance(self, self._account(network, app_id), subjects)

    def _account(self, network: Network, app_id: UUID) -> Account:
        account = self._accounts.get((network.slug, app_id))
        if account is None:
            account = Account(network, app_id, self._default)
            self._accounts[network.slug, app_id] = account
        return account

    # What a lane asks, from its own thread.

    def room(self, slug: str) -> int:
        """How many tokens of this network are worth claiming now, of apps that are not dry."""
        free = sum(max(self._free(one), 0) for one in self._of(slug) if not self._is_dry(one))
        return max(free, STRANGERS)

    def dry(self, slug: str) -> dict[UUID, datetime]:
        """The apps of which no token is to be claimed, and until when."""
        now = timezone.now()
        return {
            account.app_id: now + timedelta(microseconds=self._dry_for(account))
            for account in self._of(slug)
            if self._is_dry(account)
        }

    def spent(self, slug: str) -> list[Count]:
        """What was spent since it was last asked: calls that were sent, and their price."""
        counts, now = [], timezone.now()
        for account in self._of(slug):
            calls, cost = account.calls, account.cost
            written_calls, written_cost = account.written
            if calls != written_calls or cost != written_cost:
                account.written = (calls, cost)
                calls, cost = calls - written_calls, cost - written_cost
                counts.append(Count(account.app_id, slug, now, calls=calls, cost=cost))
        return counts

    def _of(self, slug: str) -> list[Account]:
        return [one for one in list(self._accounts.values()) if one.network.slug == slug]

    def _free(self, account: Account) -> int:
        """Calls that would be let through within PATIENCE; below 0 where none would."""
        now = self._now()
        return min(
            (
                min((now + PATIENCE + limit.tolerance - self._known.get(key, 0)), _span(limit))
                // limit.interval
                for key, limit in list(account.opening.items())
            ),
            default=STRANGERS,
        )

    def _is_dry(self, account: Account) -> bool:
        return self._dry_for(account) > 0

    def _dry_for(self, account: Account) -> int:
        """Microseconds until half of what fits into PATIENCE is free: less is not worth a claim."""
        now = self._now()
        return max(
            (
                self._known.get(key, 0) - now - limit.tolerance - PATIENCE + _span(limit) // 2
                for key, limit in list(account.opening.items())
            ),
            default=0,
        )

    def _now(self) -> int:
        return int(time.time() * SECOND) + self._ahead

    # What an allowance asks, on the loop.

    def take(self, charges: list[Charge], patience: int) -> asyncio.Future[Turn]:
        """A turn that comes within so many microseconds, or when to ask for one again."""
        future: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()
        self._pending.append(Pending(future, charges, patience))
        self._flush_soon()
        return future

    def pause(self, charges: list[Charge], seconds: float) -> None:
        """Nothing at these keys for so long, at most a day, and evenly afterwards."""
        pause = min(int(seconds * SECOND), DAY)
        for key, limit, calls in charges:
            until = self._paused[key] = self._now() + pause
            self._known[key] = max(self._known.get(key, 0), until + limit.tolerance)
            self._pauses.append(((key, limit, calls), pause))
        self._flush_soon()

    def paused(self, charges: list[Charge]) -> int:
        """Microseconds until the longest pause at these keys is over, as far as we know."""
        until = max(self._paused.get(key, 0) for key, _, _ in charges)
        return max(until - self._now(), 0)

    def _flush_soon(self) -> None:
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().create_task(self._flush())

    async def _flush(self) -> None:
        try:
            while self._pending or self._pauses:
                if len(self._pending) < FULL:
                    await asyncio.sleep(GATHER)
                some, self._pending = self._pending[:FULL], self._pending[FULL:]
                await self._settle(some)
        finally:
            self._flushing = None

    async def _settle(self, some: list[Pending]) -> None:
        batch, asked = self._batch(some), time.monotonic()
        try:
            decision = await self._decision(batch)
        except Exception as error:
            for one in some:
                if not one.future.done():
                    one.future.set_exception(error)
            raise
        keys = list(batch.keys)
        for (number, _), tat in zip(batch.known, decision.tats, strict=True):
            self._known[keys[number]] = tat
        for one, wait in zip(some, decision.waits, strict=True):
            if not one.future.done():
                one.future.set_result(Turn(wait, asked))

    def _batch(self, some: list[Pending]) -> Batch:
        batch, known = Batch(), self._known
        for _, charges, patience in some:
            row = [patience]
            for key, limit, calls in charges:
                tat = known.get(key, 0 if limit.is_shared else None)
                row += (batch.number(key, limit, tat), calls)
            batch.rows.append(row)
        pauses, self._pauses = self._pauses, []
        for (key, limit, _), pause in pauses:
            batch.pauses.append((batch.number(key, limit, known.get(key)), pause))
        return batch

    async def _decision(self, batch: Batch) -> Decision:
        """By Valkey; by this process alone while it is away."""
        if self._away_until is None or time.monotonic() >= self._away_until:
            try:
                decision = Decision.read(await self._script(args=[batch.encoded()]))
            except (RedisError, OSError) as error:
                self._note_away(error)
            else:
                self._note_back(decision)
                return decision
        return decide(batch, self._own, self._now(), SLACK)

    def _note_away(self, error: Exception) -> None:
        if self._away_until is None:
            logger.warning("Valkey is away (%s): calls are paced alone", type(error).__name__)
        self._away_until = time.monotonic() + AWAY

    def _note_back(self, decision: Decision) -> None:
        if self._away_until is not None:
            logger.warning("Valkey is back: calls are counted there again")
            self._away_until = None
            self._own.clear()
        self._ahead = decision.now - int(time.time() * SECOND)
        if len(self._known) > REMEMBERED:
            self._known = {key: tat for key, tat in self._known.items() if tat > decision.now}
            self._paused = {key: end for key, end in self._paused.items() if end > decision.now}


def default_budget(rate: float) -> Budget:
    """The installation's own: `rate` calls a second, which may be less than one."""
    seconds = 1 if rate >= 1 else round(1 / max(rate, 1 / 86_400))
    return Budget(max(int(rate), 1), seconds, "app", "CALLS_PER_SECOND")


def _span(limit: Limit) -> int:
    """The time that the calls fill which are let through at once and within PATIENCE."""
    return limit.tolerance + PATIENCE + limit.interval

"""Hundreds of sessions at once beside threads that talk to the database.

One event loop and one HTTP session per process, in a thread of their own, so that connections are
kept over batches. A session (tokens/asking.py) is held on the loop from its first question to its
finding; only a pair that is to be stored meanwhile goes to the thread of its lane, through an
Outbox.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import uvloop

from networks.allowance import OverBudget
from networks.base import Conversation, Network, Reason, Verdict, unclear
from networks.driver import Driver
from tokens.asking import Ask, PutOff, Renew, Step, session_of
from tokens.budgets import Budgets
from tokens.models import Token
from tokens.outbox import LaneEnded, Outbox
from tokens.verdicts import Finding

logger = logging.getLogger(__name__)


class Stopping(Exception):
    """The process ends, so nothing new is asked."""


class Conversations:
    """The loop and the HTTP session."""

    def __init__(self) -> None:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="conversations", daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_stopping = False

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def stop(self) -> None:
        """Ask nothing new: what is being said is heard to its end, and the rest is put off."""
        self._is_stopping = True

    def outbox(self) -> Outbox:
        return Outbox(self._loop)

    def begin(self, network: Network, tokens: list[Token], outbox: Outbox) -> None:
        """Hold a session with each of these claimed tokens of one network; `outbox` gets one
        Finding or PutOff for each, and whatever is to be written meanwhile."""
        self._loop.call_soon_threadsafe(self._begin, network, tokens, outbox)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        async with Driver() as self._driver, Budgets() as self.budgets:
            self._ready.set()
            await self._end.wait()

    def _begin(self, network: Network, tokens: Iterable[Token], outbox: Outbox) -> None:
        together = Together(network, self._driver, self.budgets) if network.batch_size > 1 else None
        for token in tokens:
            task = self._loop.create_task(self._hold(network, token, outbox, together))
            self._tasks.add(task)  # the loop itself keeps only a weak reference
            task.add_done_callback(self._tasks.discard)
        if together:  # behind the first step of each task
            self._loop.call_soon(together.begin)

    async def _hold(
        self, network: Network, token: Token, outbox: Outbox, together: Together | None
    ) -> None:
        """Hold one session. Whatever it raises is a defect of ours about this one token: it is
        logged by its name alone, since its text may quote the token, and costs none of the
        others."""
        session = session_of(token)
        try:
            step = next(session)
            while True:
                try:
                    result = await self._take(step, network, outbox, together)
                except Exception as error:  # noqa: BLE001 - the session's to judge
                    step = session.throw(error)
                else:
                    step = session.send(result)
        except StopIteration as end:
            outcome = end.value
        except (Stopping, LaneEnded):
            outcome = PutOff(token, 0.0)
        except OverBudget as over:
            outcome = PutOff(token, over.seconds)
        except Exception as error:  # noqa: BLE001 - the boundary of one token, as said above
            logger.error("asking token %s failed: %s", token.pk, type(error).__name__)
            outcome = Finding(token, unclear(Reason.NOT_UNDERSTOOD))
        outbox.put(outcome)

    async def _take(
        self, step: Step, network: Network, outbox: Outbox, together: Together | None
    ) -> Any:
        if isinstance(step, Renew):
            return await self._renew(step, network, outbox)
        if self._is_stopping:
            raise Stopping
        if together and step.is_probe and together.is_open:
            return await together.ask(step)
        return await self._ask(step, network)

    async def _renew(self, step: Renew, network: Network, outbox: Outbox) -> Any:
        async with outbox.room_to_refresh():
            is_ours = await outbox.write(step.renew_lease)
            if self._is_stopping:
                raise Stopping
            if not is_ours:
                return None
            result = await self._ask(step, network)
            if not isinstance(result, Verdict):
                await outbox.write(partial(step.store, result))
            return result

    async def _ask(self, step: Step, network: Network) -> Any:
        claim = step.claim
        return await self._driver.hold(
            step.conversation,
            network.hosts_of(claim.client),
            self.budgets.allowance(network, claim.token.app_id, claim.token.subject),
        )


class Together:
    """For a network that answers about many tokens of one app in one request: the first question
    of all sessions of a claim waits until it can be asked together."""

    def __init__(self, network: Network, driver: Driver, budgets: Budgets) -> None:
        self.network = network
        self.driver = driver
        self.budgets = budgets
        self.is_open = True
        self._waiting: dict[UUID, list[tuple[Ask, asyncio.Future[Any]]]] = defaultdict(list)
        self._tasks: list[asyncio.Task[None]] = []

    async def ask(self, ask: Ask) -> Any:
        """The verdict about one token. Raises what the request about all of them raised."""
        answer = asyncio.get_running_loop().create_future()
        self._waiting[ask.claim.token.app_id].append((ask, answer))
        verdict = await answer
        if verdict is not None:
            return verdict
        return await self._hold(ask.conversation, [ask])  # the network left it out

    def begin(self) -> None:
        self.is_open = False
        size = self.network.batch_size
        for asks in self._waiting.values():
            for start in range(0, len(asks), size):
                some = self._some(asks[start : start + size])
                self._tasks.append(asyncio.get_running_loop().create_task(some))

    async def _some(self, asks: list[tuple[Ask, asyncio.Future[Any]]]) -> None:
        client = asks[0][0].claim.client
        tokens = [(ask.claim.grant, ask.claim.token.subject) for ask, _ in asks]
        try:
            asking = self.network.probe_batch(client, tokens)
            verdicts = await self._hold(asking, [ask for ask, _ in asks])
            if len(verdicts) != len(asks):
                raise ValueError("another number of verdicts than of tokens")
        except Exception as error:  # noqa: BLE001 - each session's own to judge
            for _, answer in asks:
                answer.set_exception(error)
            return
        for (_, answer), verdict in zip(asks, verdicts, strict=True):
            answer.set_result(verdict)

    async def _hold(self, conversation: Conversation, asks: list[Ask]) -> Any:
        claim, subjects = asks[0].claim, [ask.claim.token.subject for ask in asks]
        return await self.driver.hold(
            conversation,
            self.network.hosts_of(claim.client),
            self.budgets.allowance(self.network, claim.token.app_id, *subjects),
        )

"""Hundreds of sessions at once beside threads that talk to the database.

One event loop and one HTTP session per process, in a thread of their own, so that connections are
kept over batches. A session (tokens/asking.py) is held on the loop from its first question to its
finding; only what it wants written meanwhile goes to the thread of its lane, through an Outbox.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import uvloop

from networks.allowance import OverBudget
from networks.base import Conversation, Network, Reason, unclear
from networks.driver import Driver
from tokens.asking import Ask, PutOff, Step, Write, session_of
from tokens.budgets import Budgets
from tokens.models import Token
from tokens.verdicts import Finding

logger = logging.getLogger(__name__)

# So many findings are handed over together, or as many as there are after so many seconds.
HANDFUL, LINGER = 250, 0.02


class LaneEnded(Exception):
    """The thread that would have written has ended; the lease will, too."""


class Stopping(Exception):
    """The process ends, so nothing new is asked."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A write that a session waits for."""

    call: Callable[[], Any]
    done: asyncio.Future[Any]

    def settle(self) -> None:
        """Do it in this thread, and let the session go on with what came of it."""
        loop = self.done.get_loop()
        try:
            result = self.call()
        except Exception as error:  # noqa: BLE001 - the session's to judge
            loop.call_soon_threadsafe(self.done.set_exception, error)
        else:
            loop.call_soon_threadsafe(self.done.set_result, result)


Outcome = Finding | PutOff | Wanted


class Outbox:
    """What the loop has for a lane's thread: findings by the handful, and writes one by one."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._found: list[Outcome] = []
        self._queue: SimpleQueue[list[Outcome]] = SimpleQueue()
        self._is_closed = False

    def put(self, outcome: Finding | PutOff) -> None:
        """On the loop."""
        self._found.append(outcome)
        if len(self._found) >= HANDFUL:
            self._hand_over()
        elif len(self._found) == 1:
            self._loop.call_later(LINGER, self._hand_over)

    async def write(self, call: Callable[[], Any]) -> Any:
        """On the loop: what `call` returned, or raised, in the lane's thread. Raises LaneEnded."""
        if self._is_closed:
            raise LaneEnded
        wanted = Wanted(call, self._loop.create_future())
        self._queue.put([wanted])
        return await wanted.done

    def _hand_over(self) -> None:
        if self._found:
            self._queue.put(self._found)
            self._found = []

    def take(self, seconds: float) -> list[Outcome]:
        """In the lane's thread: what there is, waited for up to `seconds`."""
        try:
            outcomes = self._queue.get(timeout=seconds)
            while not self._queue.empty():
                outcomes += self._queue.get_nowait()
        except Empty:
            return []
        return outcomes

    def close(self) -> None:
        """In the lane's thread, which takes nothing any more: nobody waits for it in vain."""
        self._loop.call_soon_threadsafe(self._close)

    def _close(self) -> None:
        self._is_closed = True
        for outcome in self.take(0):
            if isinstance(outcome, Wanted):
                outcome.done.set_exception(LaneEnded())


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
        except Stopping:
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
        if isinstance(step, Write):
            return await outbox.write(step.call)
        if self._is_stopping:
            raise Stopping
        if together and step.is_probe and together.is_open:
            return await together.ask(step)
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

"""What the engine's loop has for the thread of a lane, which is the one that writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from random import uniform
from typing import Any

from networks.allowance import OverBudget
from tokens.asking import PutOff
from tokens.verdicts import Finding

# So many findings are handed over together, or as many as there are after so many seconds.
HANDFUL, LINGER = 250, 0.02
# Refreshes that are under way at once: a pair that waits to be stored is lost when the process is
# killed. Who waits for longer than these seconds is put off, to the next tick.
REFRESHES, PATIENCE = 32, 5.0


class LaneEnded(Exception):
    """The thread that would have written has ended; the lease will, too."""


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
        self._refreshes = asyncio.Semaphore(REFRESHES)
        self._found: list[Outcome] = []
        self._queue: SimpleQueue[list[Outcome]] = SimpleQueue()
        self._is_closed = False
        self.breaks_off = False  # no refresh begins any more, but a pair that comes is stored

    def put(self, outcome: Finding | PutOff) -> None:
        """On the loop."""
        self._found.append(outcome)
        if len(self._found) >= HANDFUL:
            self._hand_over()
        elif len(self._found) == 1:
            self._loop.call_later(LINGER, self._hand_over)

    @asynccontextmanager
    async def room_to_refresh(self) -> AsyncIterator[None]:
        """On the loop: while a refresh is asked for and stored. Raises OverBudget, LaneEnded."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._refreshes.acquire()
        except TimeoutError:
            raise OverBudget(uniform(1, PATIENCE)) from None  # noqa: S311 - a jitter
        try:
            if self.breaks_off:
                raise LaneEnded
            yield
        finally:
            self._refreshes.release()

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

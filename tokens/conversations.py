"""Hundreds of conversations at once beside a thread that talks to the database.

One event loop and one HTTP session per process, in a thread of their own: connections are kept
over batches, and the database thread commits a result as soon as it arrives.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Iterator
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from networks.base import Conversation
from networks.http import Driver

AT_ONCE = 500
Done = Callable[[Any], None]


class Conversations:
    """The loop and the HTTP session; `batch` hands out what is used once."""

    def __init__(self) -> None:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="conversations", daemon=True)

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
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def batch(self) -> Batch:
        return Batch(self)

    def hold(self, conversation: Conversation, hosts: Collection[str], done: Done) -> None:
        """Begin a conversation on the loop, which may speak with `hosts` alone; `done` takes its
        result, or what it raised."""
        asyncio.run_coroutine_threadsafe(self._hold(conversation, hosts, done), self._loop)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._room = asyncio.Semaphore(AT_ONCE)
        async with Driver() as self._driver:
            self._ready.set()
            await self._stop.wait()

    async def _hold(self, conversation: Conversation, hosts: Collection[str], done: Done) -> None:
        async with self._room:
            held = self._driver.hold(conversation, hosts)
            results = await asyncio.gather(held, return_exceptions=True)
        done(results[0])


class Batch:
    """Begin conversations under a key; iterate over (key, result) as they end.

    A result is what the conversation returned or the exception that ended it. A batch has a
    queue of its own: what a failed one leaves behind reaches no other.
    """

    def __init__(self, talk: Conversations) -> None:
        self._talk = talk
        self._done: SimpleQueue[tuple[UUID, Any]] = SimpleQueue()
        self._open = 0

    def begin(self, key: UUID, conversation: Conversation, hosts: Collection[str]) -> None:
        self._talk.hold(conversation, hosts, lambda result: self._done.put((key, result)))
        self._open += 1  # only what has begun will end

    def __iter__(self) -> Iterator[tuple[UUID, Any]]:
        while self._open:
            key, result = self._done.get()
            self._open -= 1
            yield key, result

"""Hundreds of conversations at once beside a thread that talks to the database.

One event loop and one HTTP session per process, in a thread of their own: connections are kept
over batches, and the database thread commits a result as soon as it arrives.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Hashable, Iterator
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self

from networks.base import Conversation, Refused, TransportError
from networks.http import Driver

AT_ONCE = 500


class Conversations:
    """Begin conversations under a key, iterate over (key, result) as they end.

    A result is what the conversation returned, or the TransportError or Refused that ended it.
    Anything else that is raised is a defect, and is raised again in the iterating thread.
    """

    def __init__(self) -> None:
        self._done: SimpleQueue[tuple[Hashable, Any]] = SimpleQueue()
        self._open = 0
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

    def begin(self, key: Hashable, conversation: Conversation) -> None:
        self._open += 1
        asyncio.run_coroutine_threadsafe(self._hold(key, conversation), self._loop)

    def __iter__(self) -> Iterator[tuple[Hashable, Any]]:
        while self._open:
            key, result = self._done.get()
            self._open -= 1
            if isinstance(result, BaseException) and not isinstance(
                result, TransportError | Refused
            ):
                raise result
            yield key, result

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._room = asyncio.Semaphore(AT_ONCE)
        async with Driver() as self._driver:
            self._ready.set()
            await self._stop.wait()

    async def _hold(self, key: Hashable, conversation: Conversation) -> None:
        async with self._room:
            (result,) = await asyncio.gather(
                self._driver.hold(conversation), return_exceptions=True
            )
        self._done.put((key, result))

"""One engine in each worker process: a lane for each network, all on one event loop.

A lane has a thread and a database connection of its own for as long as something is due there, so
that a network which hangs holds up itself and nobody else.
"""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from django.db import connections

from networks.registry import NETWORKS
from tokens.conversations import Conversations
from tokens.probing import Lane

# Hundreds of sessions under way are young objects that live on: looked through for cycles at every
# 700 new ones, as is usual, they cost a quarter of all time.
GARBAGE = 50_000, 20, 100
logger = logging.getLogger(__name__)


class Engine:
    """`on_changes` is called, in a lane's thread, after StatusChanges were written."""

    def __init__(self, on_changes: Callable[[], object] = lambda: None) -> None:
        self._talk = Conversations()
        self._on_changes = on_changes
        self._lanes: dict[str, tuple[Lane, threading.Thread]] = {}
        self._lock = threading.Lock()
        self._is_stopped = False

    def __enter__(self) -> Self:
        self._garbage = gc.get_threshold()
        gc.set_threshold(*GARBAGE)
        self._talk.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Finish or hand back what is claimed: at most as long as a conversation lasts."""
        self._talk.stop()
        with self._lock:
            self._is_stopped = True
            under_way = list(self._lanes.values())
        for lane, _ in under_way:
            lane.stop()
        for _, thread in under_way:
            thread.join()
        self._talk.__exit__(kind, error, traceback)
        gc.set_threshold(*self._garbage)

    def sweep(self, network_slug: str) -> int:
        """Ask, in this thread, whatever is due at a network; returns how many were asked."""
        return Lane(NETWORKS[network_slug], self._talk, self._on_changes).run()

    def wake(self, network_slug: str) -> None:
        """See to what is due at a network, in its lane; returns at once."""
        with self._lock:
            if self._is_stopped:
                return
            if network_slug in self._lanes:
                self._lanes[network_slug][0].nudge()
                return
            lane = Lane(NETWORKS[network_slug], self._talk, self._on_changes)
            thread = threading.Thread(target=self._work, args=[lane], name=f"lane {network_slug}")
            self._lanes[network_slug] = lane, thread
        thread.start()

    def _work(self, lane: Lane) -> None:
        try:
            lane.run()
            while self._goes_on(lane):
                lane.run()
        except Exception as error:  # noqa: BLE001 - by its name alone: its text may quote a row
            logger.error("the lane of %s broke off: %s", lane.network.slug, type(error).__name__)
            with self._lock:
                del self._lanes[lane.network.slug]
        finally:
            connections.close_all()

    def _goes_on(self, lane: Lane) -> bool:
        """Whether somebody nudged it in the moment when it ended; forgets it if not."""
        with self._lock:
            if not lane.has_more:
                del self._lanes[lane.network.slug]
            return lane.has_more

"""A whole network failing, pages and API alike, until it recovers.

``5xx`` turns between an HTML page and the network's own body, ``garbage`` between HTML
and JSON that breaks off, ``timeout`` hangs without a word, and ``429`` is the network's
own way of saying that it was asked too often (XING: a 403). ``refused`` is the one that
looks like no outage: every token is refused as if its person had been blocked.
"""

from __future__ import annotations

import asyncio
from itertools import count

from aiohttp import web

from sandbox.network import Network
from sandbox.store import Store

REFUSED = "refused"
MODES = ("5xx", "timeout", "429", "garbage", REFUSED)

UNAVAILABLE = (
    "<html><head><title>503 Service Temporarily Unavailable</title></head><body><center>"
    "<h1>503 Service Temporarily Unavailable</h1></center></body></html>"
)
OOPS = "<!doctype html><html><head><title>Oops</title></head><body>Back in a moment.</body></html>"
BROKEN_JSON = '{"status": "success", "data": {"user": {"id": "14'


class Faults:
    """Which network fails at the moment, and how that looks."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._turn = count()

    def of(self, network: str) -> str | None:
        """The mode in force, or None."""
        row = self.store.one("SELECT mode FROM faults WHERE network = ?", network)
        return str(row["mode"]) if row else None

    def answers_itself(self, network: str) -> bool:
        """Whether there is a fault that the network's own pages and API know nothing of."""
        return self.of(network) not in (None, REFUSED)

    def begin(self, network: str, mode: str) -> None:
        """Let it fail."""
        self.store.run("INSERT OR REPLACE INTO faults VALUES (?, ?)", network, mode)

    def end(self, network: str) -> None:
        """Let it work again."""
        self.store.run("DELETE FROM faults WHERE network = ?", network)

    async def answer(self, network: Network, mode: str, request: web.Request) -> web.Response:
        """What a caller gets while the fault is in force."""
        if mode == "timeout":
            await self._hang(network)
            if request.transport:
                request.transport.abort()
            return web.Response()
        if mode == "429":
            return network.rate_limited(request.path)
        first = next(self._turn) % 2 == 0
        if mode == "garbage":
            return _html(OOPS, 200) if first else _json_text(BROKEN_JSON)
        return _html(UNAVAILABLE, 503) if first else network.broken(request.path)

    async def _hang(self, network: Network) -> None:
        while self.of(network.slug) == "timeout":
            await asyncio.sleep(0.25)


def _html(text: str, status: int) -> web.Response:
    return web.Response(text=text, content_type="text/html", status=status)


def _json_text(text: str) -> web.Response:
    return web.Response(text=text, content_type="application/json")

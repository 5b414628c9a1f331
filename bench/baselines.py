"""What the engine is compared with: a bare aiohttp loop, and a Celery task for each token.

`python -m bench.baselines PORT COUNT AT_ONCE` is the bare loop in a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from typing import cast

import aiohttp
import uvloop

from bench.answerer import ADDRESS, Answerer, text_of
from networks.http import BODY_LIMIT, CHUNK, CONNECT_LIMIT, REQUEST_LIMIT

# What networks.wire puts into every request.
HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "Tokenwacht",
}


async def bare(answerer: Answerer, count: int, at_once: int) -> float:
    """Ask `count` times over a session of aiohttp, with the Driver's limits: no database, no keys,
    no conversations. Returns seconds."""
    texts = iter([text_of(str(number)) for number in range(count)])
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=REQUEST_LIMIT, sock_connect=CONNECT_LIMIT),
    )
    async with session:
        start = time.perf_counter()
        await asyncio.gather(*(_ask(session, answerer.address, texts) for _ in range(at_once)))
        return time.perf_counter() - start


async def _ask(session: aiohttp.ClientSession, address: str, texts: Iterator[str]) -> None:
    for text in texts:
        headers = HEADERS | {"Authorization": f"Bearer {text}"}
        async with session.get(address, headers=headers, allow_redirects=False) as response:
            body = b""
            async for chunk in response.content.iter_chunked(CHUNK):
                body += chunk
        assert len(body) <= BODY_LIMIT and json.loads(body)["id"]


class Asking(asyncio.Protocol):
    """A connection that asks `together` at once, and again as soon as all are answered."""

    def __init__(self, request: bytes, together: int, rounds: int) -> None:
        self.requests, self.together, self.left = request * together, together, rounds
        self.length = self.received = 0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self.requests)

    def data_received(self, data: bytes) -> None:
        """All answers are of one length: the first one's end is where the second begins."""
        second = data.find(b"HTTP/1.1", 1)
        self.length = self.length or (second if second > 0 else len(data))
        self.received += len(data)
        if self.received < self.length * self.together:
            return
        self.received, self.left = 0, self.left - 1
        if self.left:
            self.transport.write(self.requests)
        else:
            self.transport.close()
            self.done.set_result(None)


async def raw(answerer: Answerer, count: int, *, connections: int, together: int) -> float:
    """Ask `count` times in all, and do nothing else: how fast the answerer is at least. Returns
    seconds."""
    path = "/" + ADDRESS.removeprefix("https://")
    headers = HEADERS | {"Host": "127.0.0.1", "Authorization": f"Bearer {text_of('1')}"}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    request = "\r\n".join([*lines, "", ""]).encode()
    rounds = count // connections // together
    start = time.perf_counter()
    connect = asyncio.get_running_loop().create_connection
    made = [
        await connect(lambda: Asking(request, together, rounds), "127.0.0.1", answerer.port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(asking.done for _, asking in made))
    return time.perf_counter() - start


if __name__ == "__main__":
    _port, _count, _at_once = map(int, sys.argv[1:])
    print(uvloop.run(bare(Answerer(_port), _count, _at_once)))

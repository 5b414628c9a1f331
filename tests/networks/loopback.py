"""A small real server on loopback that answers as badly as we need it to."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

BIG = 3 * 1024 * 1024
# A thousand times smaller on the wire than unpacked.
BOMB = gzip.compress(bytes(50 * 1024 * 1024), compresslevel=1)


async def echo(request: web.Request) -> web.Response:
    body = (await request.read()).decode()
    headers = {name.lower(): value for name, value in request.headers.items()}
    seen = {"method": request.method, "path": request.path_qs, "headers": headers, "body": body}
    return web.json_response(seen, headers={"X-Once": "1", "Set-Cookie": "a=b; Path=/"})


async def elsewhere(request: web.Request) -> web.Response:
    headers = {"Location": "https://elsewhere.example/?code=x"}
    return web.Response(status=302, headers=headers, body=b"go")


async def silent(request: web.Request) -> web.Response:
    await asyncio.sleep(30)
    return web.Response()


async def dripping(request: web.Request) -> web.StreamResponse:
    """A byte now and then: each one would start a read timeout anew."""
    answer = web.StreamResponse(headers={"Connection": "close"})
    await answer.prepare(request)
    for _ in range(1000):
        await answer.write(b"x")
        await asyncio.sleep(0.05)
    return answer


async def big(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    await answer.write(b"x" * BIG)
    return answer


async def big_redirect(request: web.Request) -> web.Response:
    return web.Response(status=301, headers={"Location": "/"}, body=b"x" * BIG)


async def zipped_big(request: web.Request) -> web.Response:
    answer = web.Response(body=b"x" * BIG)
    answer.enable_compression(web.ContentCoding.gzip)
    return answer


async def bomb(request: web.Request) -> web.Response:
    return web.Response(body=BOMB, headers={"Content-Encoding": "gzip"})


async def bomb_redirect(request: web.Request) -> web.Response:
    headers = {"Content-Encoding": "gzip", "Location": "/"}
    return web.Response(status=301, body=BOMB, headers=headers)


async def no_gzip(request: web.Request) -> web.Response:
    return web.Response(body=b"{}", headers={"Content-Encoding": "gzip"})


async def long_header(request: web.Request) -> web.Response:
    return web.Response(headers={"X-Long": "x" * BIG})


async def many_headers(request: web.Request) -> web.Response:
    return web.Response(headers={f"X-{n}": "x" for n in range(10_000)})


async def heavy_headers(request: web.Request) -> web.Response:
    """Each of a length and all of a number that parsers still take."""
    return web.Response(headers={f"X-{n}": "x" * 7_000 for n in range(50)})


async def endless_status(request: web.Request) -> web.Response:
    """«Go on» (RFC 9110, 15.2.1), and never an answer."""
    while request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await asyncio.sleep(0.05)
    return web.Response()


async def cut(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Length": "1000"})
    await answer.prepare(request)
    await answer.write(b"half")
    assert request.transport is not None
    request.transport.close()
    return answer


async def garbage(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.write(b"\x00\x01 this is not HTTP\r\n\r\n")
    request.transport.close()
    return web.Response()


PAGES = {
    "echo": echo,
    "elsewhere": elsewhere,
    "silent": silent,
    "dripping": dripping,
    "big": big,
    "big_redirect": big_redirect,
    "zipped_big": zipped_big,
    "bomb": bomb,
    "bomb_redirect": bomb_redirect,
    "no_gzip": no_gzip,
    "long_header": long_header,
    "many_headers": many_headers,
    "heavy_headers": heavy_headers,
    "endless_status": endless_status,
    "cut": cut,
    "garbage": garbage,
}


@contextmanager
def served(tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[str]:
    """Runs it in a thread of its own; yields its base address."""
    app = web.Application()
    for name, page in PAGES.items():
        app.router.add_route("*", f"/network.example/{name}", page)
        app.router.add_route("*", f"/{name}", page)
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)

    async def start() -> int:
        await runner.setup()
        site = web.TCPSite(runner, host, 0, ssl_context=tls)
        await site.start()
        return int(runner.addresses[0][1])

    port = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        place = f"[{host}]" if ":" in host else host
        yield f"{'https' if tls else 'http'}://{place}:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(ended(runner), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def ended(runner: web.AppRunner) -> None:
    """Those who still sleep or drip are not waited for."""
    await runner.cleanup()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)

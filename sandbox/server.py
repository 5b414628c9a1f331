"""Everything behind one port: the networks by their hosts, the console, the inbox."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from sandbox.browser import Browser
from sandbox.console import Console
from sandbox.dialects import DIALECTS
from sandbox.faults import Faults
from sandbox.inbox import Inbox
from sandbox.levers import Levers
from sandbox.mailpages import MailPages
from sandbox.network import Answer, Network, go
from sandbox.settings import HOST, Settings
from sandbox.store import Store

MEANT = web.RequestKey("meant", str)


def failing(networks: list[Network], faults: Faults) -> Middleware:
    """A network in a fault answers nothing else; a dialect's refusal becomes a response."""
    by_host: dict[str, list[Network]] = {}
    for network in networks:
        for host in network.hosts:
            by_host.setdefault(host, []).append(network)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        network = await meant(by_host.get(request.path.split("/")[1], []), request)
        request[MEANT] = network.slug if network else ""
        if network and faults.answers_itself(network.slug):
            return await faults.answer(network, str(faults.of(network.slug)), request)
        try:
            return await handler(request)
        except Answer as answer:
            return answer.response

    return middleware


async def meant(networks: list[Network], request: web.Request) -> Network | None:
    """Of the networks at a host, the one that a call is for: the first where nobody can tell."""
    if len(networks) > 1:
        for network in networks:
            if await network.is_meant(request):
                return network
    return networks[0] if networks else None


def routes(networks: list[Network]) -> Iterable[web.RouteDef]:
    """Every address once; one that several networks share is answered by the one that is meant."""
    shared: dict[tuple[str, str], dict[str, Handler]] = {}
    for network in networks:
        for route in (*network.routes(), *pages(network)):
            handlers = shared.setdefault((route.method, route.path), {})
            if not handlers:
                yield web.RouteDef(route.method, route.path, one_of(handlers), route.kwargs)
            handlers[network.slug] = route.handler


def pages(network: Network) -> Iterable[web.RouteDef]:
    """Its pages for people, on each of its hosts that has some."""
    for host in network.page_hosts or (network.pages_host,):
        yield from Browser(network, host).routes()


def one_of(handlers: dict[str, Handler]) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        first = next(iter(handlers.values()))
        return await handlers.get(request[MEANT], first)(request)

    return handler


async def front(request: web.Request) -> web.StreamResponse:
    """The front door leads to the console."""
    go("/_control")


def build(settings: Settings, store: Store, inbox: Inbox) -> web.Application:
    """The whole application."""
    faults = Faults(store)
    networks = [dialect(settings, store) for dialect in DIALECTS]
    app = web.Application(middlewares=[failing(networks, faults)])
    app.router.add_get("/", front)
    app.router.add_routes(routes(networks))
    levers = Levers({network.slug: network for network in networks}, faults)
    app.router.add_routes(Console(levers, inbox).routes())
    app.router.add_routes(MailPages(inbox).routes())
    return app


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[None]:
    """Listen on both ports; on the way out, drop what hangs and close the file."""
    store = Store(settings.database)
    inbox = Inbox(store)
    runner = web.AppRunner(build(settings, store, inbox), access_log=None, shutdown_timeout=0.2)
    try:
        await runner.setup()
        await web.TCPSite(runner, HOST, settings.port).start()
        async with inbox.listening(HOST, settings.smtp_port):
            yield
    finally:
        await runner.cleanup()
        store.close()


async def serve(settings: Settings) -> None:
    """Run until somebody ends it."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(settings):
        sys.stdout.write(
            f"Practice networks: http://localhost:{settings.port}/_control"
            f"  inbox: http://localhost:{settings.port}/mail"
            f"  SMTP: {HOST}:{settings.smtp_port}\n"
        )
        sys.stdout.flush()
        await stop.wait()

"""A network that rotates refresh tokens, and forgets the pair before at once: whoever asks with an
older one is told so, in Pinterest's words. It knows the truth about each login, and who asked what
when. A token's text says whose it is and which of how many it was, and stands nowhere else.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from aiohttp import web

from bench.answerer import SLUG, text_of
from networks.base import Grant
from networks.registry import NETWORKS

LATE = 0.05  # seconds that an answer takes at most, on its way there and on its way back
# What a process needs to read an answer, and less than it needs to commit anything.
AIM = 0.0003
REFUSED = web.HTTPUnauthorized.status_code
SPENT = {"code": 283, "message": "The provided authorization grant is invalid."}
UNKNOWN = {"code": 2, "message": "Authentication failed."}


class Call(NamedTuple):
    """`at`: when it arrived, in seconds of the wall clock; `answered`: when its answer left."""

    at: float
    answered: float
    worker: str
    subject: str
    kind: str
    is_granted: bool


def pair(subject: str, number: int) -> Grant:
    """The so-many-th pair of a login."""
    access, refresh = text_of(f"{subject}-{number}"), text_of(f"{subject}-refresh-{number}")
    return Grant(access, refresh, NETWORKS[SLUG].scopes)


def number_of(text: str) -> tuple[str, int]:
    """Whose token it is and which; the first (bench.filling) has no number."""
    subject, *rest = text.removeprefix("pina_").partition(".")[0].split("-")
    return subject, int(rest[-1]) if rest and rest[-1].isdecimal() else 0


class Network:
    """`late`: seconds that an answer takes at most, on its way there and on its way back.
    `current`: the number of each login's pair; `revoked`: who took the access away; `failing`: who
    is refused although nothing is wrong; `under_way`: whose next pair is on its way back."""

    def __init__(self, late: float) -> None:
        self.late = late
        self.current: defaultdict[str, int] = defaultdict(int)
        self.revoked: set[str] = set()
        self.failing: set[str] = set()
        self.aimed: set[str] = set()
        self.under_way: set[str] = set()
        self.calls: list[Call] = []

    def takes(self, text: str) -> bool:
        subject, number = number_of(text)
        is_refused = subject in self.revoked or subject in self.failing
        return self.current[subject] == number and not is_refused

    async def account(self, request: web.Request) -> web.Response:
        text = request.headers["Authorization"].removeprefix("Bearer ")
        await self._travel()
        at, is_granted, subject = time.time(), self.takes(text), number_of(text)[0]
        await self._travel()
        worker = request.match_info["worker"]
        self.calls.append(Call(at, time.time(), worker, subject, "probe", is_granted))
        if is_granted:
            return web.json_response({"id": subject, "username": subject})
        return web.json_response(UNKNOWN, status=REFUSED)

    async def token(self, request: web.Request) -> web.Response:
        text = str((await request.post())["refresh_token"])
        await self._travel()
        at, is_granted, subject = time.time(), self.takes(text), number_of(text)[0]
        self.current[subject] += is_granted
        number = self.current[subject]
        self.under_way.add(subject)
        await self._travel()
        self.under_way.discard(subject)
        worker = request.match_info["worker"]
        self.calls.append(Call(at, time.time(), worker, subject, "refresh", is_granted))
        if not is_granted:
            return web.json_response(SPENT, status=REFUSED)
        if subject in self.aimed:
            asyncio.get_running_loop().call_later(AIM, os.kill, int(worker), signal.SIGKILL)
            self.aimed.remove(subject)
        grant = pair(subject, number)
        tokens = {"access_token": grant.access_token, "refresh_token": grant.refresh_token}
        return web.json_response(tokens | {"token_type": "bearer", "expires_in": 30 * 86400})

    # What the bench tells it, and asks it.

    async def control(self, request: web.Request) -> web.Response:
        subject = request.query.get("subject", "")
        told: Any = None
        match request.match_info["verb"]:
            case "consent":
                self.current[subject] += 1
                self.revoked.discard(subject)
                told = self.current[subject]
            case "revoke":
                self.revoked.add(subject)
            case "fail":
                self.failing = set(await request.json())
            case "aim":
                self.aimed.add(subject)
            case "renewing":
                told = next(iter(self.under_way), "")
            case "calls":
                told, self.calls = self.calls, []
            case "truth":
                told = {"current": self.current, "revoked": sorted(self.revoked)}
        return web.json_response(told)

    async def _travel(self) -> None:
        if self.late:
            await asyncio.sleep(random.uniform(0, self.late))  # noqa: S311


@dataclass(frozen=True, slots=True)
class Truth:
    """What the network knows at the end: the number of each login's pair, and who revoked."""

    current: dict[str, int]
    revoked: frozenset[str]


@dataclass(frozen=True, slots=True)
class Rotating:
    """The network as seen from outside, in another process."""

    port: int

    def hosts(self, worker: int) -> dict[str, str]:
        """NETWORK_HOSTS of a process, by its id: so each request says who asks."""
        base = f"http://127.0.0.1:{self.port}/{worker}"
        return {host: f"{base}/{host}" for host in NETWORKS[SLUG].hosts}

    def consent(self, subject: str) -> Grant:
        """A person signs in anew: another pair, and the one before is void."""
        return pair(subject, self._say("consent", subject))

    def revoke(self, subject: str) -> None:
        self._say("revoke", subject)

    def fail(self, subjects: Iterable[str]) -> None:
        """Refuse these from now on, and nobody else."""
        self._say("fail", body=list(subjects))

    def aim(self, subject: str) -> None:
        """Kill whoever is given the next pair of this login, as soon as it has arrived."""
        self._say("aim", subject)

    def renewing(self) -> str:
        """A login whose next pair is on its way to whoever asked for it; "" where none is."""
        return str(self._say("renewing"))

    def calls(self) -> list[Call]:
        """What was asked since this was asked last."""
        return [Call(*one) for one in self._say("calls")]

    def truth(self) -> Truth:
        told = self._say("truth")
        return Truth(told["current"], frozenset(told["revoked"]))

    def _say(self, verb: str, subject: str = "", body: Any = None) -> Any:
        address = f"http://127.0.0.1:{self.port}/_control/{verb}?subject={subject}"
        with urllib.request.urlopen(address, json.dumps(body).encode()) as answer:  # noqa: S310 - ours
            return json.load(answer)


@contextmanager
def rotating(late: float = LATE) -> Iterator[Rotating]:
    """Such a network in a process of its own."""
    command = [sys.executable, "-m", "bench.rotating", str(late)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout
            yield Rotating(int(program.stdout.readline()))
        finally:
            program.terminate()


async def serve(late: float) -> None:
    network, app = Network(late), web.Application(client_max_size=2**24)
    app.router.add_post("/_control/{verb}", network.control)
    app.router.add_get("/{worker}/{host}/v5/user_account", network.account)
    app.router.add_post("/{worker}/{host}/v5/oauth/token", network.token)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner() as loop:
        loop.run(serve(float(sys.argv[1])))

"""A network that says yes to everybody, far faster than anything asks: Pinterest's account
resource, answered by the subject that stands in the token.

It parses nothing that it does not need. It notes when which token was asked, so that whoever asked
can be held to the network's budgets: `/_counts` tells, `/_forget` begins anew.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import uvloop

from networks.base import Budget
from networks.registry import NETWORKS

SLUG = "pinterest"
ADDRESS = "https://api.pinterest.com/v5/user_account"
# Fields and sizes: https://github.com/pinterest/api-description, v5/openapi.yaml, Account.
ACCOUNT = {
    "account_type": "BUSINESS",
    "id": "{subject}",
    "profile_image": "https://i.pinimg.com/280x280_RS/5c/12/f0/5c12f0a9e1b7d38c64e0a7f5.jpg",
    "website_url": "https://www.example.org/",
    "username": "{subject}",
    "about": "What we cook, bake and plant, and where to find it in our shops around the town.",
    "business_name": "Example Kitchen and Garden",
    "board_count": 14,
    "pin_count": 339,
    "follower_count": 10_214,
    "following_count": 47,
    "monthly_views": 163_000,
}
HEAD = """HTTP/1.1 200 OK\r
Date: Mon, 02 Mar 2026 08:00:00 GMT\r
Content-Type: application/json\r
Content-Length: {length}\r
Connection: keep-alive\r
Cache-Control: private\r
X-RateLimit-Limit: 100, 100;w=1, 1000;w=60\r
X-RateLimit-Remaining: 999\r
X-RateLimit-Reset: 60\r
X-Pinterest-RID: 4611686018427387904\r
Pinterest-Version: a5f1c3e\r
X-Envoy-Upstream-Service-Time: 12\r
Strict-Transport-Security: max-age=31536000; includeSubDomains\r
Vary: User-Agent, Accept-Encoding\r
\r
"""


def text_of(subject: str) -> str:
    """An access token as long as Pinterest's are, which its subject can be read from."""
    return f"pina_{subject}.".ljust(230 + sum(subject.encode()) % 90, "A")


def answer_to(subject: bytes, heads: dict[int, bytes]) -> bytes:
    before, between, after = BODY
    body = before + subject + between + subject + after
    return heads[len(body)] + body


def _body() -> tuple[bytes, bytes, bytes]:
    before, between, after = json.dumps(ACCOUNT).encode().split(b"{subject}")
    return before, between, after


BODY = _body()


class Heads(dict[int, bytes]):
    """The head of an answer, by the length of its body."""

    def __missing__(self, length: int) -> bytes:
        self[length] = HEAD.format(length=length).encode()
        return self[length]


class Log:
    """When which subject was asked, in seconds of a monotonic clock."""

    def __init__(self) -> None:
        self.times: defaultdict[bytes, list[float]] = defaultdict(list)

    def counts(self, query: str) -> dict[str, Any]:
        """`query`: budgets as `each,calls,seconds`, with "&" between them."""
        everything = sorted(moment for times in self.times.values() for moment in times)
        beyond = {}
        for budget in filter(None, query.split("&")):
            each, calls, seconds = budget.split(",")
            those = self.times.values() if each == "login" else [everything]
            beyond[budget] = sum(calls_beyond(times, int(calls), int(seconds)) for times in those)
        return {
            "requests": len(everything),
            "tokens": len(self.times),
            "most_in_a_second": max(map(len, _seconds(everything)), default=0),
            "most_of_a_token": max(map(len, self.times.values()), default=0),
            "beyond": beyond,
        }


def calls_beyond(times: list[float], calls: int, seconds: int) -> int:
    """How many calls came while `calls` others lay within the `seconds` before them."""
    return sum(last - first < seconds for first, last in zip(times, times[calls:], strict=False))


def _seconds(times: list[float]) -> Iterable[list[float]]:
    each: defaultdict[int, list[float]] = defaultdict(list)
    for moment in times:
        each[int(moment)].append(moment)
    return each.values()


class Answers(asyncio.Protocol):
    """One connection, kept alive, with any number of requests under way."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.heads = Heads()
        self.rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        *requests, self.rest = (self.rest + data).split(b"\r\n\r\n")
        now, times, answers = time.monotonic(), self.log.times, []
        for request in requests:
            start = request.find(b"Bearer pina_") + 12
            if start < 12:
                return self.tell(request.split(b" ", 2)[1].decode())
            subject = request[start : request.index(b".", start)]
            times[subject].append(now)
            answers.append(answer_to(subject, self.heads))
        self.transport.write(b"".join(answers))

    def tell(self, path: str) -> None:
        name, _, query = path.partition("?")
        told = self.log.counts(query)
        if name == "/_forget":
            self.log.times.clear()
        body = json.dumps(told).encode()
        self.transport.write(self.heads[len(body)] + body)


async def serve() -> None:
    log = Log()
    server = await asyncio.get_running_loop().create_server(
        lambda: Answers(log), "127.0.0.1", 0, backlog=4096
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@dataclass(frozen=True, slots=True)
class Answerer:
    """The answerer as seen from outside, in another process."""

    port: int

    @property
    def hosts(self) -> dict[str, str]:
        """For the setting NETWORK_HOSTS."""
        return {host: f"http://127.0.0.1:{self.port}/{host}" for host in NETWORKS[SLUG].hosts}

    @property
    def address(self) -> str:
        """Where the engine's probe arrives."""
        return f"http://127.0.0.1:{self.port}/{ADDRESS.removeprefix('https://')}"

    def forget(self) -> None:
        self._get("/_forget")

    def counts(self, budgets: Iterable[Budget] = ()) -> dict[str, Any]:
        """What was asked since `forget`; `beyond`: calls beyond each of the budgets."""
        query = "&".join(f"{one.each},{one.calls},{one.seconds}" for one in budgets)
        return self._get(f"/_counts?{query}")

    def _get(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}") as answer:  # noqa: S310 - ours
            told: dict[str, Any] = json.load(answer)
        return told


@contextmanager
def answering() -> Iterator[Answerer]:
    """An answerer in a process of its own."""
    command = [sys.executable, "-m", "bench.answerer"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout
            yield Answerer(int(program.stdout.readline()))
        finally:
            program.terminate()


if __name__ == "__main__":
    uvloop.run(serve())

"""What a budget costs a request: asking Valkey for leave, 500 conversations at once.

The baseline does the same with an allowance that gives leave by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import uvloop
from django.test import override_settings

from bench.measure import Figure, pairs
from networks.base import Get
from networks.registry import NETWORKS
from networks.wire import Prepared, prepare
from tokens.budgets import Budgets

AT_ONCE = 500
REQUESTS = 20_000
ROUNDS = 5
PINTEREST = NETWORKS["pinterest"]
ME = prepare(Get("https://api.pinterest.com/v5/user_account"), PINTEREST.hosts)


def run() -> Iterator[Figure]:
    """The unit is a microsecond of a request."""
    times: tuple[list[float], list[float]] = ([], [])
    with override_settings(CALLS_PER_SECOND=10**7):
        for _ in range(ROUNDS):
            for prepare_one, noted in zip((asking, granted), times, strict=True):
                call, start = prepare_one(), time.perf_counter()
                call()
                noted.append((time.perf_counter() - start) / REQUESTS * 1e6)
    yield pairs("budgets", "leave for a request", "µs", times[0], "leave given by itself", times[1])


class Free:
    async def spend(self, prepared: Prepared) -> None:
        await asyncio.sleep(0)


def asking() -> Any:
    async def ask() -> None:
        app_id, numbers = uuid4(), iter(range(REQUESTS))
        async with Budgets() as budgets:

            async def one() -> None:
                for number in numbers:
                    await budgets.allowance(PINTEREST, app_id, f"login-{number}").spend(ME)

            await asyncio.gather(*(one() for _ in range(AT_ONCE)))
        assert budgets.spent("pinterest")[0].calls == REQUESTS

    return lambda: uvloop.run(ask())


def granted() -> Any:
    async def ask() -> None:
        numbers = iter(range(REQUESTS))

        async def one() -> None:
            for _ in numbers:
                await Free().spend(ME)

        await asyncio.gather(*(one() for _ in range(AT_ONCE)))

    return lambda: uvloop.run(ask())

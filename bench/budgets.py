"""What a budget costs a request: asking Valkey for leave, 500 conversations at once.

The baseline does the same with an allowance that gives leave by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import uvloop
from django.test import override_settings

from bench.measure import Comparison, compare
from networks.base import Get
from networks.registry import NETWORKS
from networks.wire import Prepared, prepare
from tokens.budgets import Budgets

AT_ONCE = 500
REQUESTS = 20_000
ROUNDS = 5
PINTEREST = NETWORKS["pinterest"]
ME = prepare(Get("https://api.pinterest.com/v5/user_account"), PINTEREST.hosts)


def run() -> Iterator[Comparison]:
    with override_settings(CALLS_PER_SECOND=10**7):
        spent = compare("budgets: leave for 20,000 requests", asking, granted, rounds=ROUNDS)
    each = [
        (one - other) / REQUESTS * 1e6
        for one, other in zip(spent.measured, spent.baseline, strict=True)
    ]
    print(f"budgets: {sorted(each)[len(each) // 2]:.1f} µs a request")
    yield spent


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

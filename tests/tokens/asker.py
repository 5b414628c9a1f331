"""A worker process as far as budgets go: `python -m tests.tokens.asker valkey server seconds`.

It asks the server as often as the network's budgets and the installation's allow, in fifty
conversations at once, each of another login.
"""

from __future__ import annotations

import asyncio
import sys
import time
from uuid import UUID

from django.conf import settings

from networks.allowance import OverBudget
from networks.base import Budget, Get, Network

APP = UUID(int=1)
HOST = "network.example"
CALLS = 50


class Example(Network):
    slug = "example"
    hosts = (HOST,)
    budgets = (Budget(CALLS, 1, "app", ""),)


def question():
    return (yield Get(f"https://{HOST}/echo"))


async def ask(valkey: str, seconds: float) -> None:
    from networks.driver import Driver
    from tokens.budgets import Budgets

    end = time.monotonic() + seconds

    async def one(number: int) -> None:
        while time.monotonic() < end:
            allowance = budgets.allowance(Example(), APP, f"login {number}")
            try:
                await driver.hold(question(), Example.hosts, allowance)
            except OverBudget as error:
                await asyncio.sleep(min(error.seconds, end - time.monotonic()))

    async with Driver() as driver, Budgets(valkey) as budgets:
        await asyncio.gather(*(one(number) for number in range(50)))


if __name__ == "__main__":
    valkey, server, seconds = sys.argv[1:]
    settings.configure(CALLS_PER_SECOND=1000.0, NETWORK_HOSTS={HOST: server}, USE_TZ=True)
    asyncio.run(ask(valkey, float(seconds)))

"""A worker process that sweeps until its input ends, or somebody kills it.

`python -m bench.sweeping limit`: seconds that a conversation may last, here; a lease is five times
as long. At its end it says when which refreshed pair had been committed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any, Self

from accounts.walls import ENGINE
from bench.answerer import SLUG
from bench.rotating import Rotating
from config.environment import signed_in_as

NAP = 0.02


class Worker:
    """The process as seen from outside. `kill` and `end` wait until it is gone."""

    def __init__(self, network: Rotating, limit: float, **settings: str) -> None:
        database = signed_in_as(ENGINE, os.environ["DATABASE_URL"])
        self._program = subprocess.Popen(
            [sys.executable, "-m", "bench.sweeping", str(limit), str(network.port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"DATABASE_URL": database} | settings,
        )

    @property
    def name(self) -> str:
        return str(self._program.pid)

    def wait_until_ready(self) -> Self:
        assert self._program.stdout
        assert self._program.stdout.readline() == "ready\n"
        return self

    @property
    def is_gone(self) -> bool:
        return self._program.poll() is not None

    def kill(self) -> float:
        """When the signal was sent."""
        at = time.time()
        self._program.send_signal(signal.SIGKILL)
        self._program.communicate()
        return at

    def end(self) -> dict[str, float]:
        """When which login's refreshed pair was committed last."""
        said, _ = self._program.communicate("")
        committed: dict[str, float] = json.loads(said)
        return committed


def main(limit: float, port: int) -> None:
    import networks.http

    networks.http.TIME_LIMIT = limit  # before the lease is made of it
    os.environ["PGAPPNAME"] = str(os.getpid())  # so that the database knows who writes
    import django

    django.setup()
    from django.conf import settings

    from tokens import asking, leases
    from tokens.engine import Engine

    settings.NETWORK_HOSTS = Rotating(port).hosts(os.getpid())
    assert leases.LEASE.total_seconds() == 5 * limit
    committed: dict[str, float] = {}
    commit = asking._commit

    def timed(claim: Any, grant: Any) -> None:
        commit(claim, grant)
        committed[claim.token.subject] = time.time()

    asking._commit = timed
    has_ended = threading.Event()

    def listen() -> None:
        sys.stdin.read()
        has_ended.set()

    threading.Thread(target=listen, daemon=True).start()
    with Engine() as engine:
        print("ready", flush=True)
        while not has_ended.wait(NAP):
            engine.sweep(SLUG)
    print(json.dumps(committed), flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))

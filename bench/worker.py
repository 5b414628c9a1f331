"""One worker process: waits for a line, asks all that is due, and says what that took.

`python -m bench.worker`; whoever starts it is `started`.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO

from accounts.walls import ENGINE
from bench.answerer import SLUG, Answerer
from config.environment import signed_in_as


@dataclass(frozen=True, slots=True)
class Sweep:
    """`seconds`: from the first claim of the first worker to the last write of the last;
    `peaks`: the most memory that each had, in MB."""

    asked: int
    seconds: float
    peaks: list[float]

    @property
    def rate(self) -> float:
        return self.asked / self.seconds


def sweep(answerer: Answerer, workers: int = 1) -> Sweep:
    """Have `workers` processes ask all that is due."""
    with ExitStack() as stack:
        pipes = [stack.enter_context(_ready(answerer)) for _ in range(workers)]
        start = time.perf_counter()
        for into, _ in pipes:
            into.close()
        said = [json.loads(out.readline()) for _, out in pipes]
        seconds = time.perf_counter() - start
    return Sweep(sum(one["asked"] for one in said), seconds, [one["peak"] for one in said])


@contextmanager
def _ready(answerer: Answerer) -> Iterator[tuple[IO[str], IO[str]]]:
    """A worker's input and output, once it has said that it is ready."""
    settings = {
        "DATABASE_URL": signed_in_as(ENGINE, os.environ["DATABASE_URL"]),
        "NETWORK_HOSTS": json.dumps(answerer.hosts),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "bench.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | settings,
    ) as program:
        assert program.stdin and program.stdout
        assert program.stdout.readline() == "ready\n"
        yield program.stdin, program.stdout


def main() -> None:
    import django

    django.setup()
    from tokens.engine import Engine

    with Engine() as engine:
        print("ready", flush=True)
        sys.stdin.read()
        asked = engine.sweep(SLUG)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"asked": asked, "peak": peak}), flush=True)


if __name__ == "__main__":
    main()

"""How fast one worker process asks everybody, beside a bare aiohttp loop that has no database, and
beside a Celery task for each token."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence

import uvloop

from bench import task_per_token, worker
from bench.answerer import SLUG, Answerer, answering
from bench.baselines import raw
from bench.filling import add_tokens, make_due
from bench.measure import Figure, pairs
from networks.registry import NETWORKS
from tokens.models import Token
from tokens.probing import AT_ONCE

LOAD = 200_000
FEW = 100_000  # up to so many tokens, five runs are made, and beyond three
BARE = "a bare aiohttp loop"
TASKS = f"a Celery task for each token, {task_per_token.PROCESSES} processes"


def run(
    tokens: Sequence[int] = (40_000, 1_000_000), runs: int | None = None, tasks: int = 2000
) -> Iterator[Figure]:
    """`tokens`: in the table, and asked; `tasks`: of as many the Celery baseline
    asks, each time."""
    there = 0
    with answering() as answerer:
        yield from load(answerer)
        for count in sorted(tokens):
            add_tokens(there, count)
            there = count
            yield from sweeps(answerer, count, runs or (5 if count <= FEW else 3), tasks)


def load(answerer: Answerer) -> Iterator[Figure]:
    """How fast the answerer is at least: what measures it is no faster."""
    for figure, connections, together in (("alone", 500, 1), ("by twenties", 10, 20)):
        asking = raw(answerer, LOAD, connections=connections, together=together)
        rate = LOAD / uvloop.run(asking)
        yield Figure("sweep", f"the answerer, asked {figure}", rate, "requests/s")


def sweeps(answerer: Answerer, count: int, runs: int, tasks: int) -> Iterator[Figure]:
    title, asked, beyond = f"{count:,} tokens", 0, 0
    engine, bare, by_tasks, several, peaks = [], [], [], [], []
    ids = list(Token.objects.values_list("pk", flat=True)[:tasks]) if count <= FEW else []
    for _ in range(runs):
        make_due()
        bare.append(bare_rate(answerer, count))
        answerer.forget()
        swept = worker.sweep(answerer)
        engine.append(swept.rate)
        peaks += swept.peaks
        counts = answerer.counts(NETWORKS[SLUG].budgets)
        assert counts["tokens"] == count
        asked += counts["requests"]
        beyond += sum(counts["beyond"].values())
        if ids:
            by_tasks.append(task_per_token.measure(answerer, ids))
            make_due()
            several.append(worker.sweep(answerer, task_per_token.PROCESSES).rate)
    yield pairs("sweep", title, "tokens/s", engine, BARE, bare)
    of = f"the most of {runs} runs"
    yield Figure("sweep", f"{title}: memory of the worker", max(peaks), "MB", of=of)
    yield Figure("sweep", f"{title}: calls beyond a budget", beyond, "calls", of=f"{asked:,} calls")
    if by_tasks:
        yield pairs("sweep", title, "tokens/s", engine, TASKS, by_tasks)
        title = f"{title}, in {task_per_token.PROCESSES} processes too"
        yield pairs("sweep", title, "tokens/s", several, TASKS, by_tasks)


def bare_rate(answerer: Answerer, count: int) -> float:
    numbers = map(str, (answerer.port, count, AT_ONCE))
    command = [sys.executable, "-m", "bench.baselines", *numbers]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return count / float(done.stdout)

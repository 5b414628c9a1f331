"""Several workers on one table: how much faster they are than one, and that none of them asks about
what another has claimed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench import worker
from bench.answerer import SLUG, Answerer, answering
from bench.filling import add_tokens, make_due
from bench.measure import Figure, pairs
from networks.registry import NETWORKS


def run(
    tokens: Sequence[int] = (40_000,), workers: Sequence[int] = (2, 4), runs: int = 5
) -> Iterator[Figure]:
    """`tokens`: in the table, and asked, the first of them; `workers`: processes at once."""
    count, alone = tokens[0], []
    rates: dict[int, list[float]] = {number: [] for number in workers}
    twice = beyond = 0
    with answering() as answerer:
        add_tokens(0, count)
        for _ in range(runs):
            alone.append(sweep(answerer, count, 1)[0])
            for number in workers:
                rate, asked_again, asked_beyond = sweep(answerer, count, number)
                rates[number].append(rate)
                twice, beyond = twice + asked_again, beyond + asked_beyond
    for number in workers:
        title = f"{count:,} tokens, {number} workers"
        yield pairs("workers", title, "tokens/s", rates[number], "one worker", alone)
    of = f"{runs * len(workers) * count:,} tokens"
    yield Figure("workers", "tokens asked again by another", twice, "calls", of=of)
    yield Figure("workers", "calls beyond a budget", beyond, "calls", of=of)


def sweep(answerer: Answerer, count: int, workers: int) -> tuple[float, int, int]:
    """Tokens a second, calls that were one too many, and calls beyond a budget."""
    make_due()
    answerer.forget()
    rate = worker.sweep(answerer, workers).rate
    counts = answerer.counts(NETWORKS[SLUG].budgets)
    assert counts["tokens"] == count
    return rate, counts["requests"] - count, sum(counts["beyond"].values())

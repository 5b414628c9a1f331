"""Two ways of doing the same, timed in turn, so that a machine that slows down slows both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

# Prepares, which is not timed, and returns what is.
Prepare = Callable[[], Callable[[], object]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Seconds of each round, first what is measured and then its baseline."""

    name: str
    measured: list[float]
    baseline: list[float]

    @property
    def ratio(self) -> float:
        pairs = zip(self.measured, self.baseline, strict=True)
        return statistics.median(one / other for one, other in pairs)

    def __str__(self) -> str:
        one, other = statistics.median(self.measured), statistics.median(self.baseline)
        return (
            f"{self.name:<44} {self.ratio:5.2f} times its baseline "
            f"(medians of {len(self.measured)} pairs: {one * 1000:.1f} ms, {other * 1000:.1f} ms)"
        )


def compare(name: str, measured: Prepare, baseline: Prepare, *, rounds: int) -> Comparison:
    """Time both in turn, `rounds` times each after one round that is not counted."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for prepare, noted in zip((measured, baseline), times, strict=True):
            seconds = _timed(prepare())
            if number:
                noted.append(seconds)
    return Comparison(name, *times)


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start

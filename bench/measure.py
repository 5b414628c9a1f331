"""Figures, each beside its baseline: two ways of doing the same, timed in turn, so that a machine
that slows down slows both."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

# Prepares, which is not timed, and returns what is.
Prepare = Callable[[], Callable[[], object]]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of output. `ratio`: how many times its baseline it is; `of`: what it was taken
    from."""

    bench: str
    figure: str
    value: float
    unit: str
    against: str = ""
    baseline: float | None = None
    ratio: float | None = None
    of: str = ""

    def __str__(self) -> str:
        said = {name: _short(value) for name, value in asdict(self).items()}
        return json.dumps({name: value for name, value in said.items() if value not in ("", None)})


def _short(value: Any) -> Any:
    """Four digits are more than a bench can know."""
    return float(f"{value:.4g}") if isinstance(value, float) else value


def pairs(
    bench: str,
    figure: str,
    unit: str,
    measured: Sequence[float],
    against: str,
    baseline: Sequence[float],
) -> Figure:
    """Of runs in turn: the ratio is the median of the pairs' own ratios."""
    ratios = [one / other for one, other in zip(measured, baseline, strict=True)]
    value, other, ratio = map(statistics.median, (measured, baseline, ratios))
    of = f"medians of {len(ratios)} alternating runs"
    return Figure(bench, figure, value, unit, against, other, ratio, of)


def compare(
    bench: str, figure: str, measured: Prepare, against: str, baseline: Prepare, *, rounds: int
) -> Figure:
    """Time both in turn, `rounds` times each after one round that is not counted."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for prepare, noted in zip((measured, baseline), times, strict=True):
            milliseconds = 1000 * timed(prepare())
            if number:
                noted.append(milliseconds)
    return pairs(bench, figure, "ms", times[0], against, times[1])


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start

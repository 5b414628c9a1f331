"""The headers in which Meta reports how much of a budget is used up.

https://developers.facebook.com/docs/graph-api/overview/rate-limiting
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

USAGES = ("call_count", "total_cputime", "total_time")


def budget_left(headers: Mapping[str, str]) -> float | None:
    """Which share of the tightest budget is left, from 1 to 0; None where nothing was said,
    which is so until there were enough calls."""
    used = [usage.get(name) for usage in _usages(headers) for name in USAGES]
    shares = [number for number in used if isinstance(number, (int, float))]
    return max(0.0, 1 - max(shares) / 100) if shares else None


def regained_in(headers: Mapping[str, str]) -> float | None:
    """Seconds until a budget that is used up lets us in again."""
    waits = [usage.get("estimated_time_to_regain_access") for usage in _usages(headers)]
    minutes = max((wait for wait in waits if isinstance(wait, int)), default=0)
    return minutes * 60 if 0 < minutes <= 60 * 24 * 7 else None


def _usages(headers: Mapping[str, str]) -> list[dict[str, Any]]:
    app = _loaded(headers.get("x-app-usage", ""))
    cases = _loaded(headers.get("x-business-use-case-usage", ""))
    lists = cases.values() if isinstance(cases, dict) else ()
    found = [app, *(usage for one in lists if isinstance(one, list) for usage in one)]
    return [usage for usage in found if isinstance(usage, dict)]


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None

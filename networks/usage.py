"""What an answer says of the budgets that it came from: whether to pause, how long, and whom."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from networks.base import Answer, Network, Reason, Where
from networks.families.graph_usage import budget_left, regained_in
from networks.reading import retry_after

# How much is left, by drafts of a standard and by what networks made of them.
REMAINING = ("ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining")
# draft-ietf-httpapi-ratelimit-headers: `"default";r=0;t=30`, and `limit=9, remaining=0, reset=30`
# in the drafts before the eighth.
LEFT = re.compile(r"\b(?:r|remaining)=0(?!\d)")
FULL_IN = re.compile(r"\b(?:t|reset)=(\d{1,6})\b")
META = ("x-app-usage", "x-business-use-case-usage")
# Where nobody says when: as long as the shortest budget that is published by the minute.
UNSAID = 60.0
MAY_BE_A_LIMIT = (400, 403, 429)


@dataclass(frozen=True, slots=True)
class Pause:
    """So many seconds without a call; `everybody`: it is the service that asks for it."""

    seconds: float
    everybody: bool = False


def pause_in(network: Network, answer: Answer) -> Pause | None:
    """The pause that an answer asks for; None for nearly all of them, which is cheap to see."""
    if answer.status == 503 and "retry-after" in answer.headers:  # RFC 9110, 15.6.4
        return Pause(retry_after(answer) or UNSAID, everybody=True)
    if answer.status in MAY_BE_A_LIMIT:
        verdict = network.read(Where.API_CALL, answer)
        if verdict.reason is Reason.RATE_LIMITED:
            return Pause(verdict.retry_after or UNSAID)
    wait = _used_up(answer.headers)
    if wait is None:
        return None
    return Pause(wait or retry_after(answer) or UNSAID)


def _used_up(headers: Mapping[str, str]) -> float | None:
    """Seconds until a budget is filled up again that is at nothing now, 0 where that is not said
    here; None where something is left, or nothing is said."""
    for name in REMAINING:
        if headers.get(name) == "0":
            return 0.0
    if "ratelimit" in headers and LEFT.search(headers["ratelimit"]):
        found = FULL_IN.search(headers["ratelimit"])
        return float(found[1]) if found else 0.0
    if any(name in headers for name in META) and budget_left(headers) == 0:
        return regained_in(headers) or 0.0
    return None

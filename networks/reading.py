"""What every adapter needs to read an answer, whoever it comes from. Pure, and never raises."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from networks.base import (
    Answer,
    Health,
    Known,
    Network,
    Reason,
    Refusal,
    Refused,
    Request,
    TransportError,
    Verdict,
    Where,
    dead,
    unclear,
)

NOT_UNDERSTOOD = unclear(Reason.NOT_UNDERSTOOD)
TOKEN = re.compile(r"[!-~]{1,8000}")  # RFC 6749, A.12: printable, and nothing a header refuses
PAIR = re.compile(
    r"""["']?\b(\w{1,40})["']?\s*:\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(-?\d{1,20})\b)"""
)
# Control characters, half ones, and what is not seen: among it the marks that turn the direction of
# reading, for the rest of the line too. The two joiners stay: letters and emoji need them.
UNSEEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
JOINERS = "\u200c\u200d"
CENTURY = timedelta(days=36525)


def attempt(request: Request) -> Generator[Request, Answer, Answer]:
    """Asks once; no answer at all comes back as status 0, so that one reading covers both."""
    try:
        return (yield request)
    except TransportError:
        return Answer(0)


def insist(
    network: Network, request: Request, scopes: tuple[str, ...] = ()
) -> Generator[Request, Answer, Answer]:
    """Asks while connecting, where anything but a good answer ends the conversation; `scopes`
    are what the call needs, named where the network says that they are missing."""
    answer = yield from attempt(request)
    verdict = network.read(Where.API_CALL, answer)
    if verdict.health is not Health.ALIVE:
        refusal = refusal_of(verdict)
        raise Refused(refusal, missing=scopes if refusal is Refusal.SCOPE_MISSING else ())
    return answer


def refusal_of(verdict: Verdict) -> Refusal:
    match verdict.reason:
        case Reason.PERMISSION_LOST:
            return Refusal.SCOPE_MISSING
        case Reason.APP_DISABLED:
            return Refusal.APP_MISCONFIGURED
        case Reason.NOT_UNDERSTOOD | Reason.NOT_A_TOKEN_PROBLEM | Reason.ACCOUNT_SUSPENDED:
            return Refusal.NOT_UNDERSTOOD
        case _:  # an outage, or a token that reads dead seconds after its issue: try again
            return Refusal.NETWORK_UNAVAILABLE


def out_of_reach(answer: Answer) -> Verdict | None:
    """What no body can change: the network is down, or asks us to wait."""
    if answer.status == 429:
        return unclear(Reason.RATE_LIMITED, retry_after=retry_after(answer))
    if answer.status == 0 or answer.status >= 500:
        return unclear(Reason.NETWORK_OUTAGE, retry_after=retry_after(answer))
    return None


def judge(
    reason: Reason, where: Where, known: Known, *, doubtful: frozenset[Reason] = frozenset()
) -> Verdict:
    """A table's reason, seen from the place it was said and with what we knew before.

    "Invalid" without a cause is `expired` where our own clock agrees; else it counts only when
    it is said twice, as does an end that our clock does not know of.
    """
    if not reason.is_dead:
        return unclear(reason)
    if where is Where.CODE_EXCHANGE:  # a code was refused; no stored token is spoken of
        return unclear(Reason.NOT_A_TOKEN_PROBLEM)
    if reason not in (Reason.INVALID_TOKEN_UNSPECIFIED, Reason.EXPIRED):
        return dead(reason, ambiguous=reason in doubtful)
    ended = known.refresh_ended if where is Where.REFRESH else known.ended
    return dead(
        Reason.EXPIRED if ended else reason,
        ambiguous=not ended,
        renewable=known.refreshable and where is not Where.REFRESH,
    )


def succeeded(answer: Answer) -> bool:
    """2xx with an object, or with nothing to say; an HTML page with status 200 is neither."""
    is_good = 200 <= answer.status < 300
    return is_good and (
        answer.status == 204 or not answer.body.strip(b" {}\r\n") or bool(answer.json)
    )


def said(answer: Answer) -> dict[str, Any]:
    """The body as an object: JSON, or the pairs of an object that was printed and not encoded."""
    if answer.json:
        return answer.json
    text = answer.body[:20_000].decode("utf-8", "replace")
    start = text.find("{")
    if start < 0 or "<" in text[:start]:
        return {}
    pairs: dict[str, Any] = {}
    for name, double, single, number in PAIR.findall(text, start):
        pairs.setdefault(name, double or single or number)
    return pairs


def retry_after(answer: Answer) -> float | None:
    """RFC 9110, 10.2.3: seconds or a date."""
    value = answer.headers.get("retry-after", "")
    wait = seconds(value)
    if wait is None:
        try:
            wait = parsedate_to_datetime(value) - datetime.now(UTC)
        except (TypeError, ValueError, OverflowError):  # a date without a zone is a TypeError
            return None
    return wait.total_seconds() if timedelta(0) < wait <= CENTURY else None


def seconds(value: Any) -> timedelta | None:
    """A life as networks write it: a number, or a number in quotes; nonsense is None."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(number) or not 0 < number <= CENTURY.total_seconds():
        return None
    return timedelta(seconds=number)


def token_text(value: Any) -> str:
    """A token that can be stored and sent again, or ""."""
    return value if isinstance(value, str) and TOKEN.fullmatch(value) else ""


def an_id(value: Any) -> str:
    """A stable id, or "": a network may write it as a number."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return ""
    text = str(value) if isinstance(value, str) or abs(value) < 10**40 else ""
    return text if len(text) <= 200 and text.isprintable() else ""


def a_name(*values: Any) -> str:
    """The first of these that a person could read, cleaned."""
    for value in values:
        text = "".join(filter(_is_seen, value)).strip()[:200] if isinstance(value, str) else ""
        if any(char not in JOINERS for char in text):
            return text
    return ""


def _is_seen(char: str) -> bool:
    return char.isprintable() or char in JOINERS or unicodedata.category(char) not in UNSEEN

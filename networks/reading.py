"""What every adapter needs to read an answer, whoever it comes from. Pure, and never raises."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from networks.base import (
    ALIVE,
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
ARGUMENT = re.compile(r"""\b(\w{1,40})=(?:"([^"]*)"|'([^']*)')""")  # error='ExpiredToken'
WORD = re.compile(r"[A-Za-z][\w-]{5,}|\b\d{5,}\b")
HTML = re.compile(r"<(!doctype html|html|head|body)\b", re.IGNORECASE)
# Control characters, half ones, and what is not seen, as the marks that turn the direction of
# reading. The two joiners stay: letters and emoji need them.
UNSEEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
JOINERS = "\u200c\u200d"
# Pieces of sentences, in small letters: the first that stands in a text decides (`told`).
Sentences = tuple[tuple[str, Reason], ...]
CENTURY = timedelta(days=36525)
# When a budget is full again, by drafts of a standard and what networks made of them.
RESETS = ("ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset")
CHALLENGE = re.compile(r'error="?(invalid_token|insufficient_scope)\b')
CHALLENGES = {
    "invalid_token": Reason.INVALID_TOKEN_UNSPECIFIED,
    "insufficient_scope": Reason.PERMISSION_LOST,
}


def attempt(request: Request) -> Generator[Request, Answer, Answer]:
    """Asks once; no answer at all comes back as status 0, so that one reading covers both."""
    try:
        return (yield request)
    except TransportError:
        return Answer(0)


def insist(
    network: Network, request: Request, scopes: tuple[str, ...] = ()
) -> Generator[Request, Answer, Answer]:
    """Asks while connecting, where anything but a good answer ends the conversation (`accept`)."""
    answer = yield from attempt(request)
    accept(network, answer, scopes)
    return answer


def accept(network: Network, answer: Answer, scopes: tuple[str, ...] = ()) -> None:
    """Raises Refused for anything but a good answer; `scopes` are what the call needs, named
    where the network says that they are missing."""
    verdict = network.read(Where.API_CALL, answer)
    if verdict.health is not Health.ALIVE:
        refusal = refusal_of(verdict)
        missing = scopes if refusal is Refusal.SCOPE_MISSING else ()
        raise Refused(refusal, missing=missing, reason=verdict.reason)


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


def understood(
    network: Network,
    where: Where,
    answer: Answer,
    known: Known,
    table: Callable[[Answer], Reason | None],
) -> Verdict:
    """A network's own `table` (None: it is well), between what no table can change and what the
    bare status still says where a table knows no answer."""
    reason = out_of_reach(answer)
    if reason is None or network.names_errors_with_5xx:
        named = table(answer)
        if reason is None or named not in (None, Reason.NOT_UNDERSTOOD):
            reason = named
    if reason is Reason.NOT_UNDERSTOOD:
        reason = by_status(where, answer)
    return ALIVE if reason is None else judge(network, reason, where, known, retry_after(answer))


def out_of_reach(answer: Answer) -> Reason | None:
    """The network is down, or asks us to wait, whatever the body says."""
    if answer.status == 429:
        return Reason.RATE_LIMITED
    if answer.status == 0 or answer.status >= 500:
        return Reason.NETWORK_OUTAGE
    return None


def by_status(where: Where, answer: Answer) -> Reason:
    """What is left to say of an answer that no table knows (RFC 9110, 15; RFC 6750, 3.1)."""
    challenge = CHALLENGE.search(answer.headers.get("www-authenticate", ""))
    named = challenge[1] if challenge else str(said(answer).get("error"))
    if answer.status in (401, 403) and named in CHALLENGES:
        return CHALLENGES[named]
    if is_page(answer) or answer.status in (408, 425):  # a gateway speaks, not the network
        return Reason.NETWORK_OUTAGE
    if where is Where.AUTHORIZE_REDIRECT or (where is Where.WEBHOOK and answer.json):
        return Reason.NOT_A_TOKEN_PROBLEM  # it is about something else
    # The rest is about what was asked, or where; and a code that is exchanged is no token yet.
    is_about_a_token = answer.status in (401, 403) and where is not Where.CODE_EXCHANGE
    if 300 <= answer.status < 500 and not is_about_a_token:
        return Reason.NOT_A_TOKEN_PROBLEM
    return Reason.NOT_UNDERSTOOD


def is_page(answer: Answer) -> bool:
    """Whether HTML came where an API answers in JSON."""
    start = answer.body[:500].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<title"))


def judge(
    network: Network, reason: Reason, where: Where, known: Known, wait: float | None = None
) -> Verdict:
    """A table's reason, seen from the place it was said and with what we knew before.

    "Invalid" without a cause is `expired` where our own clock agrees; else it counts only when
    it is said twice, as does an end that our clock does not know of. `wait`: seconds the network
    asked us to wait.
    """
    if not reason.is_dead:
        return unclear(reason, retry_after=wait)
    if where in (Where.CODE_EXCHANGE, Where.AUTHORIZE_REDIRECT):  # no stored token is spoken of
        return unclear(Reason.NOT_A_TOKEN_PROBLEM)
    if where is Where.WEBHOOK:
        return dead(reason)
    if reason in network.doubtful and known.age is not None and known.age < network.confirm_after:
        return unclear(Reason.NOT_A_TOKEN_PROBLEM)  # it is not known everywhere there yet
    if reason not in (Reason.INVALID_TOKEN_UNSPECIFIED, Reason.EXPIRED):
        return dead(reason, ambiguous=reason in network.doubtful)
    ended = known.refresh_ended if where is Where.REFRESH else known.ended
    return dead(
        Reason.EXPIRED if ended else reason,
        ambiguous=not ended,
        renewable=known.refreshable and where is not Where.REFRESH,
    )


def succeeded(answer: Answer) -> bool:
    """2xx with an object, or with nothing to say; an HTML page with status 200 is neither."""
    if not 200 <= answer.status < 300 or is_page(answer):
        return False
    says_nothing = answer.status in (201, 202, 204) or not answer.body.strip(b" {}\r\n")
    return says_nothing or bool(answer.json)


def said(answer: Answer) -> dict[str, Any]:
    """The body as an object: JSON, or the object that stands in a line of a log, escaped or not;
    else the pairs of one that was printed and not encoded, as JavaScript or as Python prints."""
    if answer.json:
        return answer.json
    text = spoken(answer)[:20_000]
    text = text.replace('\\"', '"') if '{\\"' in text else text
    start = max(text.find("{"), 0)
    if "<" in text[: start or None]:
        return {}
    try:
        value, _ = json.JSONDecoder().raw_decode(text, start)
        if value and isinstance(value, dict):
            return value
    except (ValueError, RecursionError):
        pass
    pairs: dict[str, Any] = {}
    if "{" in text:
        for name, double, single, number in PAIR.findall(text, start):
            pairs.setdefault(name, double or single or number)
    for name, double, single in ARGUMENT.findall(text):
        pairs.setdefault(name, double or single)
    return pairs


def spoken(answer: Answer) -> str:
    """The body as text; "" where it is a page, whose words are for people."""
    text = answer.body[:100_000].decode("utf-8", "replace")
    return "" if HTML.search(text) else text


def mentioned(answer: Answer, table: Mapping[str, Reason]) -> Reason:
    """The first of a table's words that an answer mentions which is no object: an exception, or a
    line of a log. Short numbers are no words, they may be anything."""
    if said(answer):
        return Reason.NOT_UNDERSTOOD
    words = (word for word in WORD.findall(spoken(answer)) if word in table)
    return table.get(next(words, ""), Reason.NOT_UNDERSTOOD)


def told(text: str, sentences: Sentences) -> Reason | None:
    """The reason of the first of these pieces, in small letters, that stands in a text."""
    lower = text.lower()
    return next((reason for words, reason in sentences if words in lower), None)


def retry_after(answer: Answer) -> float | None:
    """Seconds to wait: RFC 9110, 10.2.3 (seconds or a date), else when the budget that the
    answer reports is filled up again: epoch seconds, seconds, or an ISO date."""
    waits = (_wait(answer.headers.get(name, "")) for name in ("retry-after", *RESETS))
    return next((wait for wait in waits if wait is not None), None)


def _wait(value: str) -> float | None:
    wait, now = seconds(value), datetime.now(UTC)
    if wait is None:
        moment = a_moment(value) or _http_date(value)
        wait = moment - now if moment else timedelta(0)
    elif wait > timedelta(days=3650):  # no network asks for that long: it is a time
        wait = datetime.fromtimestamp(wait.total_seconds(), UTC) - now
    return wait.total_seconds() if timedelta(0) < wait <= CENTURY else None


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else None


def a_moment(value: Any) -> datetime | None:
    """An aware datetime from an ISO text or epoch seconds, as networks write ends; 0, "" and
    nonsense are None, which is "never" where a network has such."""
    try:
        if isinstance(value, str) and not value.isdecimal():
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else None
        life = seconds(value)
        return datetime.fromtimestamp(life.total_seconds(), UTC) if life else None
    except (ValueError, OverflowError, OSError):
        return None


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
        text = value if isinstance(value, str) else ""
        if not text.isprintable():
            text = "".join(filter(_is_seen, text))
        text = text.strip()[:200]
        if text.strip(JOINERS):
            return text
    return ""


def _is_seen(char: str) -> bool:
    return char.isprintable() or char in JOINERS or unicodedata.category(char) not in UNSEEN

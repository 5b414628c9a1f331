"""Recorded answers, one JSON object a line: what they mean, and how often a label agrees.

A record is {"id", "network", "where", "http_status", "headers"?, "body", "context"?}, and with a
label "expected" and "also_ok"?. Pure: nothing is asked, and nothing is stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from networks.base import NOTHING_KNOWN, Answer, Health, Known, Network, Reason, Verdict, Where
from networks.reading import said, seconds

COMES_TO_US = (Where.AUTHORIZE_REDIRECT, Where.WEBHOOK)
ALSO_CALLED = {
    "gbp": "google-business",
    "gmb": "google-business",
    "google-business-profile": "google-business",
    "twitter": "x",
}
DEAD_WORDS = {reason.value for reason in Reason if reason.is_dead}


class BadRecord(ValueError):
    """A line that is no record; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Record:
    id: Any
    network: Network
    where: Where
    answer: Answer
    known: Known
    expected: str | None = None
    also_ok: tuple[str, ...] = ()

    def read(self) -> Verdict:
        return self.network.read(self.where, self.answer, self.known)


@dataclass(slots=True)
class Figures:
    """How the readings of labelled records compare. `strict`: the very reason; `lenient`: that
    one or another that is as good."""

    records: int = 0
    strict: int = 0
    lenient: int = 0
    false_dead: int = 0
    missed_dead: int = 0

    def count(self, record: Record, verdict: Verdict) -> bool:
        """Returns whether the label agrees."""
        word, good = word_of(verdict), (record.expected or "", *record.also_ok)
        is_dead = verdict.health is Health.DEAD
        self.records += 1
        self.strict += word == record.expected
        self.lenient += word in good
        self.false_dead += is_dead and DEAD_WORDS.isdisjoint(good)
        self.missed_dead += not is_dead and DEAD_WORDS.issuperset(good)
        return word in good


def word_of(verdict: Verdict) -> str:
    return verdict.reason.value if verdict.reason else Health.ALIVE.value


def record_in(line: bytes, networks: Mapping[str, Network]) -> Record:
    """Raises BadRecord."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadRecord(f"this is no JSON: {error}") from None
    if not isinstance(fields, dict):
        raise BadRecord("this is no JSON object")
    missing = [name for name in ("id", "network", "where", "body") if name not in fields]
    if missing:
        raise BadRecord(f"{' and '.join(missing)} missing")
    where = Where(one_of("where", fields["where"], list(Where)))
    return Record(
        fields["id"],
        networks[one_of("network", slug_of(fields["network"]), networks)],
        where,
        answer_in(fields, where),
        known_in(fields.get("context")),
        *labels_in(fields),
    )


def slug_of(name: Any) -> Any:
    """Collections of answers come from elsewhere, and call some networks by other names."""
    if not isinstance(name, str):
        return name
    slug = name.lower().replace("_", "-")
    return ALSO_CALLED.get(slug, slug)


def labels_in(fields: Mapping[str, Any]) -> tuple[str | None, tuple[str, ...]]:
    expected, also_ok = fields.get("expected"), fields.get("also_ok") or []
    if not isinstance(also_ok, list) or not all(isinstance(one, str) for one in also_ok):
        raise BadRecord("also_ok must be a list of words")
    if not isinstance(expected, str | None):
        raise BadRecord("expected must be a word")
    return expected, tuple(also_ok)


def one_of(what: str, value: Any, choices: Iterable[str]) -> str:
    if isinstance(value, str) and value in choices:
        return value
    raise BadRecord(f"unknown {what} {json.dumps(value)}; there are: {', '.join(choices)}")


def answer_in(fields: Mapping[str, Any], where: Where) -> Answer:
    body = fields["body"]
    if not isinstance(body, str):
        body = "" if body is None else json.dumps(body)
    headers = fields.get("headers") or {}
    if not isinstance(headers, dict):
        raise BadRecord("headers must be an object")
    raw = body.encode("utf-8", "replace")
    lower = {name.lower(): str(value) for name, value in headers.items()}
    return Answer(status_in(fields.get("http_status"), where, raw), lower, raw)


def status_in(value: Any, where: Where, body: bytes) -> int:
    """Where nobody wrote a status down: what comes to us has none, an object that was said
    elsewhere is at least no success, and anything else never arrived."""
    if value is None:
        return 200 if where in COMES_TO_US else 400 if said(Answer(0, body=body)) else 0
    if isinstance(value, str) and value.isdecimal() and value.isascii():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 999:
        raise BadRecord(f"http_status must be a number of three digits, not {json.dumps(value)}")
    return value


def known_in(context: Any) -> Known:
    """`context` may be an object, or a sentence for people, which says nothing to us."""
    if not isinstance(context, dict):
        return NOTHING_KNOWN
    age = context.get("token_age_s")
    return Known(
        ended=context.get("expires_at_passed") is True,
        refresh_ended=context.get("refresh_expires_at_passed") is True,
        age=timedelta(0) if age == 0 else seconds(age),
    )

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from networks.base import (
    NOTHING_KNOWN,
    Answer,
    Grant,
    Health,
    Known,
    Reason,
    Request,
    TransportError,
    Where,
)
from networks.reading import (
    a_name,
    an_id,
    attempt,
    judge,
    mentioned,
    retry_after,
    said,
    seconds,
    succeeded,
    token_text,
)
from networks.registry import NETWORKS
from networks.rfc6749 import cause_in, error_of, split_scopes
from tests.networks.talk import answer, talk

NETWORK = NETWORKS["pinterest"]
INVALID = Reason.INVALID_TOKEN_UNSPECIFIED


@pytest.mark.parametrize("value", [3600, 3600.0, "3600", " 3600 "])
def test_a_life_may_be_written_as_a_number_in_quotes(value: Any) -> None:
    assert seconds(value) == timedelta(hours=1)


@pytest.mark.parametrize(
    "value", [None, True, "", "soon", [], {}, -1, 0, "nan", float("inf"), 1e999, 10**400, 1e15]
)
def test_a_life_that_makes_no_sense_is_unknown(value: Any) -> None:
    assert seconds(value) is None


@pytest.mark.parametrize("text", ["a b", "a,b", "a, b", " a\tb,", "a a,b"])
def test_scopes_are_split_on_spaces_and_commas(text: str) -> None:
    assert split_scopes(text) == ("a", "b")


@pytest.mark.parametrize("status", [0, 500, 503, 599])
def test_an_outage_is_not_a_revocation(status: int) -> None:
    verdict = NETWORK.read(Where.PROBE, Answer(status))
    assert (verdict.health, verdict.reason) == (Health.UNCLEAR, Reason.NETWORK_OUTAGE)


def test_too_many_calls_are_not_a_revocation_and_the_wait_is_kept() -> None:
    verdict = NETWORK.read(Where.PROBE, Answer(429, {"retry-after": "7"}))
    assert (verdict.reason, verdict.retry_after) == (Reason.RATE_LIMITED, 7.0)


def test_a_wait_may_be_a_date() -> None:
    soon = datetime.now(UTC) + timedelta(minutes=2)
    wait = retry_after(Answer(429, {"retry-after": soon.strftime("%a, %d %b %Y %H:%M:%S GMT")}))
    assert wait is not None
    assert 110 < wait <= 120


@pytest.mark.parametrize("value", ["", "later", "-5", "Thu, 01 Jan 1970 00:00:00 GMT", "9" * 30])
def test_a_wait_that_makes_no_sense_is_none(value: str) -> None:
    assert retry_after(Answer(429, {"retry-after": value})) is None


def test_invalid_without_a_cause_counts_only_when_said_twice() -> None:
    verdict = judge(NETWORK, INVALID, Where.PROBE, NOTHING_KNOWN)
    assert (verdict.health, verdict.reason, verdict.ambiguous) == (Health.DEAD, INVALID, True)


def test_invalid_after_its_recorded_end_is_expired_at_once() -> None:
    verdict = judge(NETWORK, INVALID, Where.PROBE, Known(ended=True, refreshable=True))
    assert (verdict.reason, verdict.ambiguous) == (Reason.EXPIRED, False)
    assert verdict.renewable


def test_a_refused_refresh_is_judged_by_the_refresh_tokens_own_end() -> None:
    ended = judge(NETWORK, INVALID, Where.REFRESH, Known(ended=True, refreshable=True))
    over = judge(NETWORK, INVALID, Where.REFRESH, Known(refresh_ended=True, refreshable=True))
    assert (ended.reason, over.reason) == (INVALID, Reason.EXPIRED)
    assert not ended.renewable
    assert not over.renewable


def test_a_refused_code_says_nothing_about_a_stored_token() -> None:
    verdict = judge(NETWORK, INVALID, Where.CODE_EXCHANGE, NOTHING_KNOWN)
    assert (verdict.health, verdict.reason) == (Health.UNCLEAR, Reason.NOT_A_TOKEN_PROBLEM)


def test_what_is_known_of_a_token_comes_from_its_clocks() -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    assert Known.of(Grant("a")) == Known()
    assert Known.of(Grant("a", "r", expires_at=past)) == Known(ended=True, refreshable=True)
    assert Known.of(Grant("a", "r", refresh_expires_at=past)).refresh_ended


def test_no_answer_is_read_as_an_answer_of_status_zero() -> None:
    got = talk(attempt(Request("GET", "https://n.example/")), TransportError("timeout"))
    assert got.result.status == 0


@pytest.mark.parametrize(
    "body",
    [
        b'{"code": 2}',
        b"{ code: 2, message: 'Authentication failed.' }",
        b"{'code': 2}",
        b'Error: posting to https://n.example : {"code":2} and more',
    ],
)
def test_an_object_is_read_even_where_it_was_printed_and_not_encoded(body: bytes) -> None:
    assert str(said(Answer(401, body=body))["code"]) == "2"


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"<html><p style='a{code: 2}'>", b"[" * 99999]
)
def test_a_page_is_not_read_as_an_object(body: bytes) -> None:
    assert said(Answer(401, body=body)) == {}


def test_a_page_with_status_200_is_no_success() -> None:
    assert not succeeded(Answer(200, body=b"<html>all is well</html>"))
    assert succeeded(Answer(200, body=b"{}"))
    assert succeeded(Answer(204, body=b"some body"))


@pytest.mark.parametrize("value", ["", "a b", "a\nb", "ü", "\ud800", None, 7, ["x"], "x" * 9000])
def test_a_token_that_no_header_could_carry_is_no_token(value: Any) -> None:
    assert token_text(value) == ""


def test_an_id_may_be_a_number_and_a_name_is_cleaned() -> None:
    assert an_id(17) == an_id("17") == "17"
    assert an_id(True) == an_id(None) == an_id("a\x00b") == an_id(10**500) == ""
    assert a_name(None, "", " \x00Anna\ud800 ", "Bob") == "Anna"
    assert a_name([], 4) == ""


def test_a_name_is_what_can_be_seen() -> None:
    """Marks that turn the direction of reading would turn the rest of the line, too."""
    assert a_name("\u202egnp.\u2066exe\u2069") == "gnp.exe"
    assert a_name("a\u2028b\x85c\x1b[2J") == "abc[2J"
    assert a_name("\u200b\u200d\ufeff\u00ad", "Bob") == "Bob"
    for whole in ("Zoë 👩‍🍳 Çelik\u00a0GmbH", "می‌خواهم", "𝒜lpen – «№1»"):
        assert a_name(whole) == whole


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, ""),
        ({"error": {"code": "ok"}}, ""),
        ({"error": "invalid_grant"}, "invalid_grant"),
        ({"error": {"code": "access_token_invalid"}}, "access_token_invalid"),
        ({"error": {}}, "unknown"),
        ({"error": ["what"]}, "unknown"),
        ({"error": None}, ""),
    ],
)
def test_an_error_may_be_a_word_or_an_object(body: dict[str, Any], code: str) -> None:
    assert error_of(answer(body).json) == code


@pytest.mark.parametrize(
    "body",
    [
        b'Error: posting failed: {"error": {"code": "token_gone", "fine": false}} at 12:00',
        b'"{\\"error\\": {\\"code\\": \\"token_gone\\"}}"',
        b'[{"error": {"code": "token_gone"}}]',
    ],
)
def test_an_object_inside_of_a_line_is_read_whole(body: bytes) -> None:
    assert error_of(said(Answer(401, body=body))) == "token_gone"


def test_a_word_of_a_table_counts_in_a_line_and_not_in_an_object_or_a_page() -> None:
    table = {"TOKEN_GONE": Reason.EXPIRED, "65602": Reason.EXPIRED}
    assert mentioned(Answer(401, body=b"Failure: TOKEN_GONE (401)"), table) is Reason.EXPIRED
    assert mentioned(Answer(401, body=b"code=65602"), table) is Reason.EXPIRED
    for body in (b'{"message": "TOKEN_GONE"}', b"<html>TOKEN_GONE</html>", b"TOKEN_GONE_NOT", b""):
        assert mentioned(Answer(401, body=body), table) is Reason.NOT_UNDERSTOOD


@pytest.mark.parametrize(
    ("description", "reason"),
    [
        ("Refresh token expired.", Reason.EXPIRED),
        ("The token was REVOKED", Reason.REVOKED_BY_USER),
        ("Token has been expired or revoked.", INVALID),
        ("invalid, expired", INVALID),
        ("", INVALID),
    ],
)
def test_a_refused_grant_died_of_what_its_description_names_alone(
    description: str, reason: Reason
) -> None:
    assert cause_in(description) is reason


@pytest.mark.parametrize(
    "said",
    [
        answer({"error": "invalid_token"}, 401),
        answer(b"", 401, www_authenticate='Bearer error="invalid_token"'),
        answer(b"", 401, www_authenticate="Bearer error=invalid_token"),
        answer(b"<html>no</html>", 401, www_authenticate='Bearer error="invalid_token"'),
    ],
)
def test_the_standards_word_for_a_dead_token_is_known_to_every_network(said: Answer) -> None:
    for slug in ("linkedin", "pinterest", "tiktok", "x", "threads"):
        verdict = NETWORKS[slug].read(Where.PROBE, said)
        assert (verdict.reason, verdict.ambiguous) == (INVALID, True), slug


def test_a_refused_refresh_is_known_in_a_line_of_a_log() -> None:
    said = answer(b"refresh failed: 400 invalid_grant", 400)
    for slug in ("linkedin", "tiktok", "x"):
        assert NETWORKS[slug].read(Where.REFRESH, said).health is Health.DEAD, slug

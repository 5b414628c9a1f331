from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from networks.adapters.xing.adapter import Xing
from networks.base import (
    Answer,
    Grant,
    Health,
    Identity,
    Reason,
    Refusal,
    TransportError,
    unclear,
)
from tests.networks.talk import CLIENT, GRANT, answer, refusal, talk
from tokens import wording

XING = Xing()
KEPT = {"oauth_token": "request-token", "oauth_token_secret": "request-secret"}
CALLBACK = {"oauth_token": "request-token", "oauth_verifier": "verifier", "state": "s"}
PAIR = b"oauth_token=access&oauth_token_secret=secret&user_id=1_a"


def me(user_id: Any = "1_a") -> Answer:
    return answer({"users": [{"id": user_id, "display_name": "Anna Alm"}]})


def probed(given: Answer | TransportError) -> Any:
    return talk(XING.probe(CLIENT, GRANT, "1_a"), given).result


def test_our_state_travels_in_the_callback_and_the_secret_is_kept() -> None:
    body = b"oauth_token=request-token&oauth_token_secret=request-secret"
    held = talk(XING.authorize(CLIENT, "our state"), answer(body))
    keys = held.requests[0].oauth1
    assert keys is not None
    assert parse_qs(urlsplit(keys.callback).query) == {"state": ["our state"]}
    assert held.result.keep == KEPT
    assert held.result.url == "https://api.xing.com/v1/authorize?oauth_token=request-token"
    assert "request-secret" not in repr(held.result)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer({"error_name": "INVALID_OAUTH_CONSUMER"}, 401), Refusal.APP_MISCONFIGURED),
        (answer({"error_name": "INVALID_OAUTH_SIGNATURE"}, 401), Refusal.APP_MISCONFIGURED),
        (answer({"error_name": "RATE_LIMIT_EXCEEDED"}, 403), Refusal.NETWORK_UNAVAILABLE),
        (answer(b"<html>", 404), Refusal.NETWORK_UNAVAILABLE),
        (answer(b"oauth_token=only"), Refusal.NOT_UNDERSTOOD),
        (answer({}, 503), Refusal.NETWORK_UNAVAILABLE),
        (TransportError("no such host"), Refusal.NETWORK_UNAVAILABLE),
    ],
)
def test_a_dance_that_cannot_begin_says_why(
    given: Answer | TransportError, expected: Refusal
) -> None:
    assert refusal(XING.authorize(CLIENT, "s"), given).refusal is expected


def test_the_verifier_is_signed_with_the_kept_secret() -> None:
    held = talk(XING.exchange(CLIENT, CALLBACK, KEPT), answer(PAIR))
    keys = held.requests[0].oauth1
    assert keys is not None
    assert (keys.token, keys.token_secret, keys.verifier) == (
        "request-token",
        "request-secret",
        "verifier",
    )
    assert held.result == Grant("access", "secret")


@pytest.mark.parametrize(
    ("callback", "expected"),
    [
        ({"denied": "request-token"}, Refusal.CANCELLED),
        ({"oauth_problem": "user_refused"}, Refusal.CANCELLED),
        ({"oauth_token": "request-token"}, Refusal.NOT_UNDERSTOOD),
        ({**CALLBACK, "oauth_token": "another"}, Refusal.CODE_REFUSED),
        ({**CALLBACK, "oauth_token": "ü"}, Refusal.NOT_UNDERSTOOD),
    ],
)
def test_a_callback_that_is_not_the_answer_to_ours_spends_nothing(
    callback: dict[str, str], expected: Refusal
) -> None:
    assert refusal(XING.exchange(CLIENT, callback, KEPT)).refusal is expected


def test_a_refused_verifier_is_a_refused_code() -> None:
    refused = answer({"error_name": "INVALID_OAUTH_TOKEN"}, 401)
    assert refusal(XING.exchange(CLIENT, CALLBACK, KEPT), refused).refusal is Refusal.CODE_REFUSED


def test_alive_is_said_of_this_very_profile() -> None:
    assert probed(me()).health is Health.ALIVE
    assert probed(me("2_b")).reason is Reason.NOT_UNDERSTOOD


def test_an_invalid_token_is_confirmed_and_nothing_can_refresh_it() -> None:
    verdict = probed(answer({"error_name": "INVALID_OAUTH_TOKEN"}, 401))
    assert (verdict.reason, verdict.ambiguous) == (Reason.INVALID_TOKEN_UNSPECIFIED, True)
    assert not verdict.renewable
    assert talk(XING.refresh(CLIENT, GRANT)).result.health is Health.UNCLEAR
    assert talk(XING.revoke(CLIENT, GRANT)).result is False


@pytest.mark.parametrize(
    "given",
    [
        answer(b"<html>", 404),
        answer(b"", 410),
        answer(b"<html>welcome</html>"),
        answer({"error_name": "RATE_LIMIT_EXCEEDED"}, 403),
        answer({"error_name": "TIMESTAMP_EXPIRED"}, 401),
        answer({"error_name": ["INVALID_OAUTH_TOKEN"]}, 401),
        answer({"users": []}),
        answer({"users": {"id": "1_a"}}),
        TransportError("no such host"),
    ],
)
def test_a_network_that_fell_silent_is_unclear(given: Answer | TransportError) -> None:
    assert probed(given).health is Health.UNCLEAR


def test_incoming_posts_cannot_be_commented_and_the_reason_is_said() -> None:
    capability = XING.capabilities["comment_on_incoming"]
    assert not capability.allowed
    assert str(capability.reason)
    assert XING.capabilities["publish_comment"].allowed


def test_the_profile_is_the_login_itself() -> None:
    identity = talk(XING.identify(CLIENT, GRANT), me()).result
    (profile,) = talk(XING.reach(CLIENT, GRANT, identity)).result
    assert identity == Identity("1_a", "Anna Alm")
    assert profile.is_login


@pytest.mark.parametrize(
    "given",
    [
        answer(b"", 404),
        answer(b"", 410),
        answer(b"<html>gone</html>", 404),
        answer(b"<!DOCTYPE html><html>welcome</html>"),
        TransportError("no such host"),
    ],
)
def test_a_network_that_is_gone_reads_as_silent_and_says_why(
    given: Answer | TransportError,
) -> None:
    """Whoever sees it is told that the interface was ended, and nobody is asked to reconnect."""
    assert probed(given) == unclear(Reason.NETWORK_OUTAGE)
    assert str(XING.silence)
    assert str(XING.silence) in wording.headline(Reason.NETWORK_OUTAGE, XING)
    assert str(XING.silence) in wording.explain(Reason.NETWORK_OUTAGE, XING, "Anna")
    assert str(XING.silence) not in wording.explain(Reason.RATE_LIMITED, XING, "Anna")


def test_a_bare_status_at_the_exchange_is_no_refused_code() -> None:
    moved = answer(b"", 302, location="https://www.xing.com/")
    assert refusal(XING.exchange(CLIENT, CALLBACK, KEPT), moved).refusal is Refusal.NOT_UNDERSTOOD

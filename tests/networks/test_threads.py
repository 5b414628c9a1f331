"""Threads, by conversations held by hand."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from networks.base import Answer, Grant, Health, Identity, Reason, Refusal, TransportError, Where
from networks.registry import NETWORKS
from tests.networks.talk import CLIENT, answer, exchange_refusal, talk

THREADS = NETWORKS["threads"]
SHORT = answer({"access_token": "short", "user_id": 25})
LONG = answer({"access_token": "long", "token_type": "bearer", "expires_in": 5183944})
ME = answer({"id": "25", "username": "alpenglueck", "name": "Alpenglück"})


def probed(given: Answer | TransportError) -> Any:
    return talk(THREADS.probe(CLIENT, Grant("a", "a"), "25"), given).result


def test_scopes_are_joined_by_commas() -> None:
    url = talk(THREADS.authorize(CLIENT, "our-state")).result.url
    assert parse_qs(urlsplit(url).query)["scope"] == [",".join(THREADS.scopes)]


def test_a_code_becomes_sixty_days_with_the_scopes_that_were_asked_for() -> None:
    held = talk(THREADS.exchange(CLIENT, {"code": "c"}, {}), SHORT, LONG)
    assert held.result.scopes == THREADS.scopes
    assert held.result.refresh_token == "long"
    assert held.requests[1].params["grant_type"] == "th_exchange_token"
    assert held.requests[1].bearer == "short"


def test_it_is_renewed_by_itself() -> None:
    held = talk(THREADS.refresh(CLIENT, Grant("a", "a", ("threads_basic",))), LONG)
    assert held.requests[0].params == {"grant_type": "th_refresh_token"}
    assert (held.requests[0].bearer, held.result.refresh_token) == ("a", "long")


def test_it_is_too_late_to_renew_what_has_ended() -> None:
    error = {"message": "Error validating access token: Session has expired", "code": 190}
    verdict = talk(THREADS.refresh(CLIENT, Grant("a", "a")), answer({"error": error}, 400)).result
    assert (verdict.health, verdict.reason) == (Health.DEAD, Reason.EXPIRED)


def test_a_missing_scope_is_found_behind_its_500_and_an_outage_stays_one() -> None:
    error = {"message": "Application does not have permission for this action", "code": 10}
    assert probed(answer({"error": error}, 500)).reason is Reason.PERMISSION_LOST
    assert probed(answer({"error": {"message": "?", "code": 1}}, 500)).health is Health.UNCLEAR
    assert probed(answer(b"<html>", 500)).reason is Reason.NETWORK_OUTAGE
    assert probed(answer({"error": {"message": "?", "code": 77}}, 500)).reason is (
        Reason.NETWORK_OUTAGE
    )


def test_the_login_is_the_profile() -> None:
    identity = Identity("25", "Alpenglück")
    assert talk(THREADS.identify(CLIENT, Grant("a")), ME).result == identity
    (one,) = talk(THREADS.reach(CLIENT, Grant("a"), identity), ME).result
    assert (one.kind, one.remote_id, one.is_login) == ("account", "25", True)
    assert one.url == "https://www.threads.com/@alpenglueck"


def test_alive_is_said_of_this_very_account() -> None:
    assert probed(ME).health is Health.ALIVE
    assert probed(answer({"id": "26"})).reason is Reason.NOT_UNDERSTOOD
    assert probed(TransportError("timeout")).reason is Reason.NETWORK_OUTAGE


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([answer({"error": {"code": 1, "message": "Error validating client secret."}}, 400)],
         Refusal.APP_MISCONFIGURED),
        ([SHORT, answer({"error": {"code": 2, "message": "x"}}, 500)],
         Refusal.NETWORK_UNAVAILABLE),
        ([SHORT, answer({"error": {"code": 100, "message": "Unsupported request - method type: "
          "get"}}, 400)], Refusal.CODE_REFUSED),
    ],
)  # fmt: skip
def test_connecting_ends_with_a_reason(answers: list[Any], expected: Refusal) -> None:
    assert exchange_refusal(THREADS, {"code": "c"}, *answers) is expected


def test_a_text_too_long_is_no_trouble_of_the_token() -> None:
    error = {"message": "Param text must be at most 500 characters long.", "code": 100}
    verdict = THREADS.read(Where.API_CALL, answer({"error": error}, 400))
    assert verdict.reason is Reason.NOT_A_TOKEN_PROBLEM


def test_nobody_wrote_down_how_to_take_it_back() -> None:
    assert talk(THREADS.revoke(CLIENT, Grant("a"))).result is False

from __future__ import annotations

from typing import Any

import pytest

from networks.adapters.tiktok.adapter import TikTok
from networks.base import Answer, Health, Identity, Reason, Refusal, TransportError
from tests.networks.talk import CLIENT, GRANT, answer, exchange_refusal, refusal, talk

TIKTOK = TikTok()


def user(open_id: Any = "open-1", code: str = "ok", status: int = 200) -> Answer:
    data = {"user": {"open_id": open_id, "display_name": "Alpenglück"}}
    return answer({"data": data, "error": {"code": code, "message": ""}}, status)


def probed(given: Answer | TransportError) -> Any:
    return talk(TIKTOK.probe(CLIENT, GRANT, "open-1"), given).result


def test_alive_is_said_of_this_very_account() -> None:
    assert probed(user()).health is Health.ALIVE
    assert probed(user("open-2")).reason is Reason.NOT_UNDERSTOOD
    assert probed(user(None)).reason is Reason.NOT_UNDERSTOOD


@pytest.mark.parametrize("status", [200, 401])
def test_an_invalid_token_is_refreshed_first_and_confirmed(status: int) -> None:
    verdict = probed(user(code="access_token_invalid", status=status))
    assert (verdict.health, verdict.reason) == (Health.DEAD, Reason.INVALID_TOKEN_UNSPECIFIED)
    assert verdict.renewable
    assert verdict.ambiguous


def test_a_missing_scope_is_named_so_although_its_text_says_invalid() -> None:
    error = {"code": "scope_permission_missed", "message": "Access token is invalid, some fields"}
    assert probed(answer({"error": error}, 400)).reason is Reason.PERMISSION_LOST


@pytest.mark.parametrize(
    "given",
    [
        user(code="internal_error", status=500),
        user(code="rate_limit_exceeded", status=429),
        user(code="something_new", status=401),
        answer({"error": ["access_token_invalid"]}, 401),
        answer({}, 401),
        answer(b"<html>", 403),
        answer({"data": [], "error": {"code": "ok"}}),
        TransportError("timeout"),
    ],
)
def test_a_probe_that_proves_nothing_is_unclear(given: Answer | TransportError) -> None:
    assert probed(given).health is Health.UNCLEAR


def test_a_login_for_advertisers_is_refused_before_a_code_is_spent() -> None:
    assert exchange_refusal(TIKTOK, {"auth_code": "abc"}) is Refusal.AD_ACCOUNT


@pytest.mark.parametrize(
    "body",
    [
        {"access_token": "new", "advertiser_ids": ["1"]},
        {"code": 0, "data": {"access_token": "new", "advertiser_ids": ["1"]}},
    ],
)
def test_a_token_for_advertisers_is_refused(body: Any) -> None:
    assert exchange_refusal(TIKTOK, {"code": "abc"}, answer(body)) is Refusal.AD_ACCOUNT


def test_the_account_is_the_login_itself() -> None:
    identity = talk(TIKTOK.identify(CLIENT, GRANT), user()).result
    (account,) = talk(TIKTOK.reach(CLIENT, GRANT, identity)).result
    assert identity == Identity("open-1", "Alpenglück")
    assert (account.kind, account.remote_id, account.is_login) == ("account", "open-1", True)


def test_an_answer_without_an_open_id_identifies_nobody() -> None:
    assert refusal(TIKTOK.identify(CLIENT, GRANT), user("")).refusal is Refusal.NOT_UNDERSTOOD


def test_only_what_a_capability_needs_is_asked_for() -> None:
    assert TIKTOK.scopes == ("user.info.basic", "video.publish")

from __future__ import annotations

from typing import Any

import pytest

from networks.adapters.pinterest.adapter import Pinterest
from networks.base import Answer, Health, Identity, Reason, Refusal, TransportError
from tests.networks.talk import CLIENT, GRANT, answer, exchange_refusal, refusal, talk

PINTEREST = Pinterest()
ANNA = Identity("77", "Alpenglück")


def probed(given: Answer | TransportError) -> Any:
    return talk(PINTEREST.probe(CLIENT, GRANT, "77"), given).result


def boards(numbers: Any, bookmark: Any = None) -> Answer:
    return answer({"items": [{"id": str(n), "name": f"Board {n}"} for n in numbers],
                   "bookmark": bookmark})  # fmt: skip


def reached(*answers: Answer | TransportError) -> list[Any]:
    return list(talk(PINTEREST.reach(CLIENT, GRANT, ANNA), *answers).result)


def test_alive_is_said_of_this_very_account() -> None:
    assert probed(answer({"id": "77", "username": "anna"})).health is Health.ALIVE
    assert probed(answer({"id": "78", "username": "anna"})).reason is Reason.NOT_UNDERSTOOD


def test_code_2_is_refreshed_first_and_confirmed() -> None:
    verdict = probed(answer({"code": 2, "message": "Authentication failed."}, 401))
    assert verdict.reason is Reason.INVALID_TOKEN_UNSPECIFIED
    assert verdict.renewable
    assert verdict.ambiguous


def test_code_2_of_the_token_endpoint_is_the_operators_trouble() -> None:
    refused = answer({"code": 2, "message": "Authentication failed."}, 401)
    verdict = talk(PINTEREST.refresh(CLIENT, GRANT), refused).result
    assert (verdict.health, verdict.reason) == (Health.UNCLEAR, Reason.APP_DISABLED)
    assert exchange_refusal(PINTEREST, {"code": "c"}, refused) is Refusal.APP_MISCONFIGURED


def test_code_283_is_a_refused_code_or_a_dead_refresh_token() -> None:
    refused = answer({"code": 283, "message": "The authorization grant is invalid"}, 400)
    assert exchange_refusal(PINTEREST, {"code": "c"}, refused) is Refusal.CODE_REFUSED
    verdict = talk(PINTEREST.refresh(CLIENT, GRANT), refused).result
    assert verdict.reason is Reason.INVALID_TOKEN_UNSPECIFIED


@pytest.mark.parametrize(
    "given",
    [
        answer({"code": 8}, 429),
        answer({"code": 4197}, 503),
        answer({"code": 99}, 401),
        answer({"code": [2]}, 401),
        answer([], 401),
        answer(b"<html>", 401),
        answer({"id": 77.5}),
        TransportError("timeout"),
    ],
)
def test_a_probe_that_proves_nothing_is_unclear(given: Answer | TransportError) -> None:
    assert probed(given).health is Health.UNCLEAR


def test_an_account_with_no_boards_is_reached_alone() -> None:
    (account,) = reached(boards([]))
    assert (account.kind, account.remote_id, account.is_login) == ("account", "77", True)


def test_all_600_boards_come_with_their_account() -> None:
    found = reached(
        boards(range(250), "b1"), boards(range(250, 500), "b2"), boards(range(500, 600))
    )
    assert len(found) == 601
    assert {board.parent_remote_id for board in found[1:]} == {"77"}
    assert (found[600].kind, found[600].name) == ("board", "Board 599")


def test_the_bookmark_is_sent_back_and_the_same_one_twice_is_the_end() -> None:
    held = talk(
        PINTEREST.reach(CLIENT, GRANT, ANNA), boards([1, 2], "again"), boards([2, 3], "again")
    )
    assert [request.params.get("bookmark") for request in held.requests] == [None, "again"]
    assert [one.remote_id for one in held.result] == ["77", "1", "2", "3"]


def test_a_list_that_never_ends_is_not_one() -> None:
    endless = [boards([n], f"b{n}") for n in range(100)]
    refused = refusal(PINTEREST.reach(CLIENT, GRANT, ANNA), *endless)
    assert refused.refusal is Refusal.NOT_UNDERSTOOD


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (answer({}), Refusal.NOT_UNDERSTOOD),
        (answer({"items": {}}), Refusal.NOT_UNDERSTOOD),
        (answer(b"<html>"), Refusal.NETWORK_UNAVAILABLE),
    ],
)
def test_a_listing_that_breaks_off_is_never_read_as_fewer_boards(
    broken: Answer, expected: Refusal
) -> None:
    refused = refusal(PINTEREST.reach(CLIENT, GRANT, ANNA), boards([1], "b1"), broken)
    assert refused.refusal is expected


def test_a_listing_without_its_scope_names_it() -> None:
    refused = refusal(PINTEREST.reach(CLIENT, GRANT, ANNA), answer({"code": 3}, 401))
    assert (refused.refusal, refused.missing) == (Refusal.SCOPE_MISSING, ("boards:read",))


def test_secret_boards_are_listed_and_boards_come_and_go() -> None:
    assert "boards:read_secret" in PINTEREST.required_scopes
    assert set(PINTEREST.scopes) == set(PINTEREST.required_scopes)
    assert PINTEREST.kind("board").comes_and_goes
    assert not PINTEREST.kind("account").comes_and_goes

"""Pinterest's dialect."""

from __future__ import annotations

import pytest

from tests.sandbox.clients import Pinterest
from tests.sandbox.driver import Browser, Practice

DAY = 86400


@pytest.fixture
def pinterest(practice: Practice) -> Pinterest:
    return Pinterest(practice)


def names(pinterest: Pinterest, token: str, **query: str) -> list[str]:
    """All boards, page after page."""
    found: list[str] = []
    while True:
        answer = pinterest.boards(token, **query).json()
        found += [item["name"] for item in answer["items"]]
        if not answer["bookmark"]:
            return found
        query["bookmark"] = answer["bookmark"]


def test_a_person_signs_in_consents_and_is_known(pinterest: Pinterest) -> None:
    pair = pinterest.pair("anna")
    assert abs(pair["expires_in"] - 30 * DAY) < 5
    assert abs(pair["refresh_token_expires_in"] - 60 * DAY) < 5
    assert pair["scope"].split() == pinterest.scopes.split(",")
    account = pinterest.account(pair["access_token"]).json()
    assert (account["username"], account["board_count"]) == ("alpenglueck", 3)
    assert account["id"].isdecimal()


def test_secret_boards_need_their_scope(pinterest: Pinterest) -> None:
    seen = names(pinterest, pinterest.pair("anna")["access_token"])
    assert seen == ["Hütten im Herbst", "Rezepte", "Wanderwege"]
    token = pinterest.pair("anna", scope="user_accounts:read,boards:read")["access_token"]
    assert names(pinterest, token) == ["Hütten im Herbst", "Wanderwege"]
    assert names(pinterest, token, privacy="SECRET") == []


@pytest.mark.parametrize(
    ("person", "size", "pages"), [("leer", 25, 1), ("archiv", 250, 3), ("archiv", 25, 24)]
)
def test_boards_come_a_page_at_a_time(
    pinterest: Pinterest, person: str, size: int, pages: int
) -> None:
    token, bookmark, seen, calls = pinterest.pair(person)["access_token"], "", set[str](), 0
    while bookmark is not None:
        answer = pinterest.boards(token, page_size=str(size), bookmark=bookmark).json()
        seen |= {item["id"] for item in answer["items"]}
        bookmark, calls = answer["bookmark"], calls + 1
    assert len(seen) == (600 if person == "archiv" else 0)
    assert calls == pages


def test_a_page_has_its_limits(pinterest: Pinterest) -> None:
    token = pinterest.pair("archiv")["access_token"]
    assert len(pinterest.boards(token).json()["items"]) == 25
    for wrong in ({"page_size": "251"}, {"page_size": "0"}, {"bookmark": "!"}):
        assert pinterest.boards(token, **wrong).status_code == 400


def test_boards_come_and_go_with_the_role(pinterest: Pinterest) -> None:
    token, pull = pinterest.pair("nils")["access_token"], pinterest.practice.pull
    pull("pinterest", "grant_role", person="nils", profile="549755900001000001")
    pull("pinterest", "remove_role", person="nils", profile="549755900005000002")
    boards = pinterest.boards(token).json()["items"]
    owners = [(board["name"], board["owner"]["username"]) for board in boards]
    assert owners == [("Hütten im Herbst", "alpenglueck"), ("Schiffe", "nordwind")]


def test_refreshing_renews_both_and_ends_the_old(pinterest: Pinterest) -> None:
    first = pinterest.pair("anna")
    second = pinterest.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert abs(second["refresh_token_expires_in"] - 60 * DAY) < 5
    replay = pinterest.refresh(first["refresh_token"])
    assert (replay.status_code, replay.json()["code"]) == (400, 283)


def test_the_client_comes_by_http_basic_only(pinterest: Pinterest) -> None:
    code = pinterest.consent("anna")["code"]
    body = {"grant_type": "authorization_code", "code": code, "redirect_uri": pinterest.callback}
    body |= {"client_id": pinterest.id, "client_secret": pinterest.secret}
    address = "api.pinterest.com/v5/oauth/token"
    for auth in (None, (pinterest.id, "no"), ("no", pinterest.secret)):
        answer = pinterest.practice.post(address, body, auth=auth)
        assert (answer.status_code, answer.json()["code"]) == (401, 2)
    assert pinterest.exchange(code).status_code == 200


def test_errors_of_the_token_endpoint(pinterest: Pinterest) -> None:
    code = pinterest.consent("anna")["code"]
    assert pinterest.exchange(code, redirect_uri="http://x.example/").json()["code"] == 7
    assert pinterest.exchange(code).status_code == 200
    assert pinterest.exchange(code).json()["code"] == 283
    assert pinterest.token(grant_type="password").status_code == 400


def test_no_token_of_a_person_can_be_revoked(pinterest: Pinterest) -> None:
    token = pinterest.pair("anna")["access_token"]
    address, auth = "api.pinterest.com/v5/oauth/token/revoke", (pinterest.id, pinterest.secret)
    answer = pinterest.practice.post(address, {"token": token}, auth=auth)
    assert (answer.status_code, answer.json()["code"]) == (403, 29)
    assert pinterest.account(token).status_code == 200


def test_a_missing_scope_is_not_a_dead_token(pinterest: Pinterest) -> None:
    token = pinterest.pair("anna", scope="pins:write")["access_token"]
    boards, account = pinterest.boards(token), pinterest.account(token)
    assert (boards.status_code, boards.json()["code"]) == (401, 3)
    assert (account.status_code, account.json()["code"]) == (403, 403)


@pytest.mark.parametrize("lever", ["change_password", "revoke_app", "suspend"])
def test_every_death_looks_the_same(pinterest: Pinterest, lever: str) -> None:
    pair = pinterest.pair("anna")
    pinterest.practice.pull("pinterest", lever, person="anna")
    answer = pinterest.account(pair["access_token"])
    assert answer.json() == {"code": 2, "message": "Authentication failed.", "status": "failure"}
    assert answer.status_code == 401
    assert pinterest.refresh(pair["refresh_token"]).json()["code"] == 283


def test_expiry_of_either_token(pinterest: Pinterest) -> None:
    pair = pinterest.pair("anna")
    pinterest.practice.pull("pinterest", "expire_access", person="anna")
    assert pinterest.account(pair["access_token"]).status_code == 401
    healed = pinterest.refresh(pair["refresh_token"]).json()
    assert pinterest.account(healed["access_token"]).status_code == 200
    pinterest.practice.pull("pinterest", "expire_refresh", person="anna")
    assert pinterest.refresh(healed["refresh_token"]).status_code == 400


def test_consent_is_asked_every_time_and_all_or_nothing(pinterest: Pinterest) -> None:
    browser = Browser(pinterest.practice)
    browser.open(pinterest.address())
    pinterest.sign_in(browser, "mia")
    assert not browser.has("input[type=checkbox]")
    assert browser.decide("allow")["code"]
    assert browser.open(pinterest.address()) == {}
    assert browser.decide("deny")["error"] == "access_denied"
    browser.close()

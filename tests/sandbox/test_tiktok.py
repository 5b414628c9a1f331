"""TikTok's dialect."""

from __future__ import annotations

import hashlib

import pytest

from tests.sandbox.clients import TikTok, bearer
from tests.sandbox.driver import Browser, Practice

DAY = 86400


@pytest.fixture
def tiktok(practice: Practice) -> TikTok:
    return TikTok(practice)


def test_a_person_signs_in_consents_and_is_known(tiktok: TikTok) -> None:
    back = tiktok.consent("anna")
    assert back["scopes"] == tiktok.scopes
    pair = tiktok.exchange(back["code"]).json()
    assert abs(pair["expires_in"] - 7200) < 5
    assert abs(pair["refresh_expires_in"] - 180 * DAY) < 5
    answer = tiktok.user(pair["access_token"], "open_id,display_name,username").json()
    assert answer["error"]["code"] == "ok"
    assert answer["data"]["user"] == {
        "open_id": pair["open_id"],
        "display_name": "Alpenglück",
        "username": "alpenglueck",
    }


def test_single_scopes_can_be_refused(tiktok: TikTok) -> None:
    pair = tiktok.pair("ben", without=("video.publish", "user.info.profile"))
    assert pair["scope"] == "user.info.basic"
    answer = tiktok.user(pair["access_token"], "open_id,username")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "scope_permission_missed")
    bare = tiktok.pair("ben", without=("user.info.basic",))
    answer = tiktok.user(bare["access_token"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "scope_not_authorized")


def test_refusing_everything_is_refusing(tiktok: TikTok) -> None:
    back = tiktok.consent("ben", without=tuple(tiktok.scopes.split(",")))
    assert (back["error"], back["state"]) == ("access_denied", "st/a+te=1")


def test_cancelling_comes_back_as_access_denied(tiktok: TikTok) -> None:
    browser = Browser(tiktok.practice)
    browser.open(tiktok.address())
    tiktok.sign_in(browser, "anna")
    assert browser.decide("deny")["error"] == "access_denied"
    browser.close()


def test_consent_is_skipped_only_where_the_client_says_so(tiktok: TikTok) -> None:
    browser = Browser(tiktok.practice)
    browser.open(tiktok.address(disable_auto_auth="0"))
    tiktok.sign_in(browser, "anna")
    browser.decide("allow")
    assert browser.open(tiktok.address(disable_auto_auth="1")) == {}
    assert browser.open(tiktok.address()) == {}
    assert browser.open(tiktok.address(disable_auto_auth="0"))["code"]
    browser.close()


def test_an_advertiser_comes_back_without_a_code(tiktok: TikTok) -> None:
    back = tiktok.consent("ads")
    assert set(back) == {"auth_code", "state"}
    assert tiktok.exchange(back["auth_code"]).json()["error"] == "invalid_grant"


def test_a_refresh_token_works_once(tiktok: TikTok) -> None:
    first = tiktok.pair("anna")
    second = tiktok.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    replay = tiktok.refresh(first["refresh_token"])
    assert (replay.status_code, replay.json()["error"]) == (400, "invalid_grant")
    assert tiktok.refresh(second["refresh_token"]).status_code == 200


def test_errors_of_the_token_endpoint(tiktok: TikTok) -> None:
    wrong = tiktok.token(grant_type="refresh_token", refresh_token="x", client_secret="no")
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    malformed = tiktok.token(grant_type="refresh_token")
    assert (malformed.status_code, malformed.json()["error"]) == (200, "invalid_request")
    code = tiktok.consent("anna")["code"]
    elsewhere = tiktok.exchange(code, redirect_uri="http://127.0.0.1:8000/")
    assert (elsewhere.status_code, elsewhere.json()["error"]) == (400, "invalid_grant")


def test_the_challenge_is_hexadecimal(tiktok: TikTok) -> None:
    challenge = hashlib.sha256(b"a-verifier").hexdigest()
    more = {"code_challenge": challenge, "code_challenge_method": "S256"}
    code = tiktok.consent("anna", more)["code"]
    assert tiktok.exchange(code, code_verifier="another").status_code == 400
    assert tiktok.exchange(code, code_verifier="a-verifier").status_code == 200


@pytest.mark.parametrize("lever", ["change_password", "revoke_app", "suspend"])
def test_every_death_looks_the_same(tiktok: TikTok, lever: str) -> None:
    pair = tiktok.pair("anna")
    tiktok.practice.pull("tiktok", lever, person="anna")
    answer = tiktok.user(pair["access_token"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "access_token_invalid")
    assert tiktok.refresh(pair["refresh_token"]).json()["error"] == "invalid_grant"


def test_an_expired_access_token_is_healed_by_refreshing(tiktok: TikTok) -> None:
    pair = tiktok.pair("anna")
    tiktok.practice.pull("tiktok", "expire_access", person="anna")
    assert tiktok.user(pair["access_token"]).status_code == 401
    healed = tiktok.refresh(pair["refresh_token"]).json()
    assert tiktok.user(healed["access_token"]).status_code == 200
    tiktok.practice.pull("tiktok", "expire_refresh", person="anna")
    assert tiktok.refresh(healed["refresh_token"]).status_code == 400


def test_revoking_disconnects_the_app_everywhere(practice: Practice) -> None:
    tiktok, other = TikTok(practice), TikTok(practice, own=True)
    first, second, foreign = tiktok.pair("anna"), tiktok.pair("anna"), other.pair("anna")
    body = {"client_key": tiktok.id, "client_secret": tiktok.secret, "token": first["access_token"]}
    answer = practice.post("open.tiktokapis.com/v2/oauth/revoke/", body)
    assert (answer.status_code, answer.json()) == (200, {})
    assert tiktok.user(second["access_token"]).status_code == 401
    assert other.user(foreign["access_token"]).status_code == 200


def test_fields_must_be_named(tiktok: TikTok) -> None:
    token = tiktok.pair("anna")["access_token"]
    for fields in ("", "open_id,shoe_size"):
        assert tiktok.user(token, fields).status_code == 400
    address = "open.tiktokapis.com/v2/user/info/"
    assert tiktok.practice.get(address, headers=bearer("")).status_code == 401

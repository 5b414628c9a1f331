"""XING's dialect: OAuth 1.0a."""

from __future__ import annotations

import time
from typing import Any

import pytest
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256, SIGNATURE_PLAINTEXT

from tests.sandbox.clients import Xing
from tests.sandbox.driver import Browser, Practice


@pytest.fixture
def xing(practice: Practice) -> Xing:
    return Xing(practice)


def test_a_person_signs_in_consents_and_is_known(xing: Xing) -> None:
    token = xing.pair("anna")
    [user] = xing.me(token).json()["users"]
    assert (user["id"], user["display_name"]) == (token["user_id"], "Anna Huber")


def test_the_callback_may_carry_a_query_and_keeps_it(xing: Xing) -> None:
    request = xing.start(f"{xing.callback}?state=a%2Bb")
    back = xing.consent("jonas", {"oauth_token": request["oauth_token"]})
    assert back["state"] == "a+b"
    assert back["oauth_token"] == request["oauth_token"]
    assert xing.access_token(request, back["oauth_verifier"]).status_code == 200


def test_another_callback_is_refused(xing: Xing) -> None:
    for callback in ("http://elsewhere.example/", f"{xing.callback}more/"):
        assert xing.request_token(callback).status_code == 403


def test_saying_no_brings_no_verifier_and_spends_the_request(xing: Xing) -> None:
    request, browser = xing.start(), Browser(xing.practice)
    xing.browse(browser, request)
    xing.sign_in(browser, "anna")
    back = browser.decide("deny")
    assert back == {"oauth_token": request["oauth_token"], "oauth_problem": "user_refused"}
    assert xing.access_token(request, "x").json()["error_name"] == "INVALID_OAUTH_TOKEN"
    browser.close()


def test_a_request_token_works_once_with_its_verifier(xing: Xing) -> None:
    request = xing.start()
    back = xing.consent("anna", {"oauth_token": request["oauth_token"]})
    assert xing.access_token(request, "wrong").status_code == 401
    assert xing.access_token(request, back["oauth_verifier"]).status_code == 200
    assert xing.access_token(request, back["oauth_verifier"]).status_code == 401
    browser = Browser(xing.practice)
    assert xing.browse(browser, request) == {}
    assert browser.response.status_code == 400
    browser.close()


def test_the_older_address_leads_to_the_same_page(xing: Xing) -> None:
    request, browser = xing.start(), Browser(xing.practice)
    browser.open(f"/www.xing.com/v1/authorize?oauth_token={request['oauth_token']}")
    assert browser.has("input[name=login]")
    browser.close()


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({"client": "nobody"}, "INVALID_OAUTH_CONSUMER"),
        ({"secret": "wrong"}, "INVALID_OAUTH_SIGNATURE"),
        ({"signature_method": SIGNATURE_HMAC_SHA256}, "INVALID_OAUTH_SIGNATURE_METHOD"),
        ({"timestamp": "yesterday"}, "INVALID_TIMESTAMP"),
        ({"timestamp": str(int(time.time()) - 90000)}, "TIMESTAMP_EXPIRED"),
        ({"nonce": ""}, "NONCE_MISSING"),
    ],
)
def test_bad_requests_are_named(xing: Xing, more: dict[str, Any], name: str) -> None:
    token = xing.pair("anna")
    answer = xing.me(token, **more)
    assert (answer.status_code, answer.json()["error_name"]) == (401, name)


def test_a_nonce_is_used_once(xing: Xing) -> None:
    token = xing.pair("anna")
    assert xing.me(token, nonce="n1").status_code == 200
    assert xing.me(token, nonce="n1").json()["error_name"] == "NONCE_ALREADY_USED"


def test_an_unsigned_call_misses_parameters(xing: Xing) -> None:
    answer = xing.practice.get("api.xing.com/v1/users/me")
    assert (answer.status_code, answer.json()["error_name"]) == (401, "REQUIRED_PARAMETER_MISSING")


def test_a_malformed_header_is_no_failure_of_ours(xing: Xing) -> None:
    for header in ("OAuth", "OAuth garbage", "OAuth a=b,", "Bearer x", 'OAuth x="%zz"'):
        answer = xing.practice.get("api.xing.com/v1/users/me", headers={"Authorization": header})
        assert answer.status_code == 401


def test_plaintext_is_taken_too(xing: Xing) -> None:
    token = xing.pair("anna")
    assert xing.me(token, signature_method=SIGNATURE_PLAINTEXT).status_code == 200


def test_a_query_is_signed_with_the_rest(xing: Xing) -> None:
    token = xing.pair("anna")
    assert xing.call("GET", "/users/me?fields=id%2Cname", token).status_code == 200


def test_a_token_belongs_to_its_consumer(practice: Practice) -> None:
    token = Xing(practice).pair("anna")
    assert Xing(practice, own=True).me(token).json()["error_name"] == "CONSUMER_MISMATCH"


@pytest.mark.parametrize("lever", ["change_password", "revoke_app", "suspend", "expire_access"])
def test_every_death_looks_the_same(xing: Xing, lever: str) -> None:
    token = xing.pair("anna")
    xing.practice.pull("xing", lever, person="anna")
    answer = xing.me(token)
    assert answer.status_code == 401
    assert answer.json()["error_name"] == "INVALID_OAUTH_TOKEN"

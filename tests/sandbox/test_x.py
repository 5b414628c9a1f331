"""X's dialect."""

from __future__ import annotations

import pytest

from sandbox.dialects.x import X as Dialect
from tests.sandbox.clients_google import X
from tests.sandbox.driver import Browser, Practice


@pytest.fixture
def x(practice: Practice) -> X:
    return X(practice)


def test_a_person_consents_and_is_known(x: X) -> None:
    pair = x.pair("anna")
    assert abs(pair["expires_in"] - 7200) < 5
    answer = x.me(pair["access_token"])
    assert answer.json()["data"]["username"] == "alpenglueck"
    assert answer.headers["x-rate-limit-limit"] == "75"


def test_nobody_gets_in_without_a_challenge_or_with_another_verifier(x: X) -> None:
    browser = Browser(x.practice)
    browser.open(x.address())
    assert browser.response.status_code == 400
    browser.close()
    code = x.consent("anna")["code"]
    assert x.exchange(code, code_verifier="another").json()["error"] == "invalid_request"
    assert x.exchange(code).status_code == 200


def test_a_refresh_token_works_once_and_only_comes_where_it_was_asked_for(x: X) -> None:
    first = x.pair("anna")
    second = x.refresh(first["refresh_token"]).json()
    replay = x.refresh(first["refresh_token"])
    assert (replay.status_code, replay.json()) == (
        400,
        {
            "error": "invalid_request",
            "error_description": "Value passed for the token was invalid.",
        },
    )
    assert x.refresh(second["refresh_token"]).status_code == 200
    assert "refresh_token" not in x.pair("anna", scope="users.read tweet.read")


def test_a_new_sign_in_replaces_the_one_before_of_this_client_alone(practice: Practice) -> None:
    x, other = X(practice), X(practice, own=True)
    first, foreign = x.pair("anna"), other.pair("anna")
    code = x.consent("anna")["code"]
    assert x.me(first["access_token"]).status_code == 200
    x.exchange(code)
    assert x.me(first["access_token"]).status_code == 401
    assert x.refresh(first["refresh_token"]).status_code == 400
    assert other.me(foreign["access_token"]).status_code == 200


def test_a_code_is_good_for_half_a_minute() -> None:
    assert Dialect.code_life == 30


@pytest.mark.parametrize("lever", ["change_password", "revoke_app", "expire_access"])
def test_a_bad_token_is_unauthorized_and_no_more_is_said(x: X, lever: str) -> None:
    token = x.pair("anna")["access_token"]
    x.practice.pull("x", lever, person="anna")
    assert x.me(token).json() == {
        "title": "Unauthorized",
        "type": "about:blank",
        "status": 401,
        "detail": "Unauthorized",
    }


def test_a_suspended_account_and_a_missing_scope_are_named(x: X) -> None:
    bare = x.pair("ben", scope="users.read offline.access")["access_token"]
    assert (x.me(bare).status_code, x.me(bare).json()["detail"]) == (403, "Forbidden")
    token = x.pair("anna")["access_token"]
    x.practice.pull("x", "suspend", person="anna")
    assert x.me(token).json()["type"].endswith("/user-suspended")


def test_a_client_speaks_basic(x: X) -> None:
    bare = x.practice.post("api.x.com/2/oauth2/token", {"client_id": x.id})
    assert (bare.status_code, bare.json()["error"]) == (401, "unauthorized_client")
    x.secret = "wrong"
    assert (x.refresh("x").status_code, x.refresh("x").json()["error"]) == (401, "invalid_client")


def test_a_revocation_ends_its_own_authorization(x: X) -> None:
    pair = x.pair("anna")
    form = {"token": pair["refresh_token"]}
    address = "api.x.com/2/oauth2/revoke"
    assert x.practice.post(address, form, auth=(x.id, x.secret)).json() == {"revoked": True}
    assert x.me(pair["access_token"]).status_code == 401
    assert x.practice.post(address, form, auth=(x.id, x.secret)).status_code == 400


def test_a_throttle_says_when_the_window_ends(x: X) -> None:
    x.practice.pull("x", "outage", mode="429")
    answer = x.me("whoever")
    assert (answer.status_code, answer.headers["x-rate-limit-remaining"]) == (429, "0")
    assert int(answer.headers["x-rate-limit-reset"]) > 1_700_000_000

"""Facebook's dialect."""

from __future__ import annotations

import json

import pytest

from tests.sandbox.clients_meta import Facebook
from tests.sandbox.driver import Browser, Practice

DAY = 86400
ALPENGLUECK, KARRIERE = "101010000000001", "101010000000002"


@pytest.fixture
def facebook(practice: Practice) -> Facebook:
    return Facebook(practice)


def test_a_code_brings_an_hour_and_an_hour_sixty_days(facebook: Facebook) -> None:
    code = facebook.consent("anna")["code"]
    short = facebook.exchange(code).json()
    assert abs(short["expires_in"] - 3600) < 5
    form = {"grant_type": "fb_exchange_token", "fb_exchange_token": short["access_token"]}
    answer = facebook.token(**form).json()
    assert abs(answer["expires_in"] - 60 * DAY) < 5
    assert "refresh_token" not in answer
    assert "scope" not in answer
    assert facebook.get("me", answer["access_token"]).json()["name"] == "Anna Huber"


def test_pages_come_with_tasks_and_tokens_of_their_own(facebook: Facebook) -> None:
    page, other = facebook.pages(facebook.long("jonas"))
    assert (page["id"], other["id"]) == (ALPENGLUECK, KARRIERE)
    assert "CREATE_CONTENT" in page["tasks"]
    assert page["instagram_business_account"]["id"] == "17841400000000001"
    assert "instagram_business_account" not in other
    assert facebook.get(page["id"], page["access_token"]).json()["name"] == "Alpenglück"
    (moderated,) = facebook.pages(facebook.long("ben"))
    assert "CREATE_CONTENT" not in moderated["tasks"]
    assert facebook.pages(facebook.long("leer")) == []


def test_a_list_has_a_next_one_whose_address_carries_the_token(facebook: Facebook) -> None:
    token = facebook.long("jonas")
    first = facebook.get("me/accounts", token, limit="1").json()
    assert token in first["paging"]["next"]
    after = first["paging"]["cursors"]["after"]
    second = facebook.get("me/accounts", token, limit="1", after=after).json()
    assert [second["data"][0]["id"], "next" in second["paging"]] == [KARRIERE, False]


def test_a_pages_token_has_no_end_and_outlives_the_persons(facebook: Facebook) -> None:
    token = facebook.long("anna")
    own = facebook.pages(token)[0]["access_token"]
    facebook.practice.pull("facebook", "expire_access", person="anna")
    _, ended = facebook.debug(token)
    assert (ended["data"]["is_valid"], ended["data"]["error"]["subcode"]) == (False, 463)
    status, living = facebook.debug(own)
    assert (status, living["data"]["expires_at"], living["data"]["type"]) == (200, 0, "PAGE")
    assert facebook.get(ALPENGLUECK, own).status_code == 200


@pytest.mark.parametrize(
    ("lever", "subcode"), [("revoke_app", 458), ("change_password", 460), ("expire_access", 463)]
)
def test_a_dead_token_is_a_200_under_debug_and_a_400_elsewhere(
    facebook: Facebook, lever: str, subcode: int
) -> None:
    token = facebook.long("anna")
    facebook.practice.pull("facebook", lever, person="anna")
    status, body = facebook.debug(token)
    assert (status, body["data"]["error"]["subcode"]) == (200, subcode)
    call = facebook.get("me", token)
    assert (call.status_code, call.json()["error"]["error_subcode"]) == (400, subcode)


def test_a_checkpoint_answers_outside_of_the_data_and_goes_away(facebook: Facebook) -> None:
    token = facebook.long("anna")
    facebook.practice.pull("facebook", "suspend", person="anna")
    status, body = facebook.debug(token)
    assert (status, body["error"]["subcode"], "data" in body) == (400, 459, False)
    facebook.practice.pull("facebook", "restore", person="anna")
    assert facebook.debug(token)[1]["data"]["is_valid"] is True


def test_debug_needs_the_apps_own_token_and_names_its_scopes_and_clocks(facebook: Facebook) -> None:
    token = facebook.long("anna")
    data = facebook.debug(token)[1]["data"]
    assert (data["app_id"], data["scopes"]) == (facebook.id, facebook.scopes.split(","))
    assert data["data_access_expires_at"] > data["expires_at"] > data["issued_at"]
    status, refused = facebook.debug(token, access_token="practice-facebook|wrong")
    assert (status, refused["error"]["code"]) == (400, 190)
    theirs = Facebook(facebook.practice, own=True).debug(token)[1]["data"]
    assert (theirs["is_valid"], theirs["error"]["code"]) == (False, 100)
    assert facebook.debug("nonsense")[1]["data"]["error"]["code"] == 190


def test_a_batch_takes_fifty_each_with_an_answer_of_its_own(facebook: Facebook) -> None:
    token = facebook.long("anna")
    found = facebook.batch(*[f"debug_token?input_token={token}"] * 49, "me").json()
    assert [part["code"] for part in found] == [200] * 49 + [400]
    assert json.loads(found[0]["body"])["data"]["is_valid"] is True
    too_many = facebook.batch(*["me"] * 51)
    assert (too_many.status_code, too_many.json()["error"]["type"]) == (400, "GraphBatchException")


def test_a_role_that_was_taken_leaves_the_list_and_ends_the_pages_token(facebook: Facebook) -> None:
    token = facebook.long("jonas")
    own = facebook.pages(token)[0]["access_token"]
    facebook.practice.pull("facebook", "remove_role", person="jonas", profile=ALPENGLUECK)
    assert [page["id"] for page in facebook.pages(token)] == [KARRIERE]
    answer = facebook.get(ALPENGLUECK, own).json()["error"]
    assert (answer["code"], answer["error_subcode"]) == (190, 492)


def test_a_missing_scope_and_an_unknown_object_are_400s(facebook: Facebook) -> None:
    token = facebook.long("anna", scope="public_profile")
    assert facebook.get("me/accounts", token).json()["error"]["code"] == 200
    unknown = facebook.get("404", token)
    assert (unknown.status_code, unknown.json()["error"]["error_subcode"]) == (400, 33)


def test_a_proof_that_is_sent_must_be_right(facebook: Facebook) -> None:
    answer = facebook.get("me", facebook.long("anna"), appsecret_proof="00")
    assert "appsecret_proof" in answer.json()["error"]["message"]


def test_permissions_are_listed_and_taken_back_one_by_one_or_all(facebook: Facebook) -> None:
    token = facebook.long("anna")
    address = f"graph.facebook.com/v26.0/me/permissions/{{}}?access_token={token}"
    delete = facebook.practice.http.delete
    assert delete(f"{facebook.practice.base}/{address.format('instagram_basic')}", timeout=5).ok
    held = facebook.get("me/permissions", token).json()["data"]
    assert "instagram_basic" not in [one["permission"] for one in held]
    assert delete(f"{facebook.practice.base}/{address.format('')}", timeout=5).json() == {
        "success": True
    }
    assert facebook.get("me", token).json()["error"]["error_subcode"] == 458


def test_errors_of_the_token_endpoint(facebook: Facebook) -> None:
    code = facebook.consent("anna")["code"]
    wrong = {"client_secret": "no"}
    assert facebook.exchange(code, **wrong).json()["error"]["code"] == 1
    assert facebook.exchange(code, client_id="no").json()["error"]["code"] == 101
    elsewhere = facebook.exchange(code, redirect_uri="http://x.example/").json()["error"]
    assert elsewhere["error_subcode"] == 36008
    assert facebook.exchange(code).status_code == 200
    assert facebook.exchange(code).json()["error"]["error_subcode"] == 36009


def test_consent_is_asked_again_for_a_rerequest_only(facebook: Facebook) -> None:
    browser = Browser(facebook.practice)
    browser.open(facebook.address())
    facebook.sign_in(browser, "anna")
    assert browser.decide("allow")["code"]
    assert browser.open(facebook.address())["code"]
    assert browser.open(facebook.address(auth_type="rerequest")) == {}
    refused = browser.decide("deny")
    assert (refused["error"], refused["error_reason"]) == ("access_denied", "user_denied")
    browser.close()


def test_instagrams_address_is_registered_at_the_same_app(facebook: Facebook) -> None:
    facebook.callback = facebook.practice.callback("instagram")
    assert facebook.long("anna")


def test_a_throttle_is_a_400_of_the_same_type_as_a_dead_token(facebook: Facebook) -> None:
    token = facebook.long("anna")
    facebook.practice.pull("facebook", "outage", mode="429")
    answer = facebook.get("me", token)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["type"]) == (400, 4, "OAuthException")
    assert json.loads(answer.headers["X-App-Usage"])["call_count"] == 100


def test_an_error_inside_calls_itself_transient(facebook: Facebook) -> None:
    token = facebook.long("anna")
    facebook.practice.pull("facebook", "outage", mode="5xx")
    answers = [facebook.get("me", token) for _ in range(2)]
    assert sorted(answer.headers["Content-Type"].split(";")[0] for answer in answers) == [
        "application/json",
        "text/html",
    ]
    assert any("is_transient" in answer.text for answer in answers)

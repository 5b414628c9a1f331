"""Instagram's dialect, by its own login."""

from __future__ import annotations

import json

import pytest

from tests.sandbox.clients_meta import Instagram
from tests.sandbox.driver import Practice

DAY = 86400


@pytest.fixture
def instagram(practice: Practice) -> Instagram:
    return Instagram(practice)


def test_a_code_brings_an_hour_with_the_account_and_its_permissions(instagram: Instagram) -> None:
    answer = instagram.exchange(instagram.consent("anna")["code"]).json()
    assert (answer["user_id"], answer["permissions"]) == (
        17841400000000001,
        instagram.scopes.split(","),
    )
    long = instagram.extend(answer["access_token"]).json()
    assert abs(long["expires_in"] - 60 * DAY) < 5


def test_oneself_comes_in_a_list(instagram: Instagram) -> None:
    (me,) = instagram.me(instagram.long("ben")).json()["data"]
    assert (me["user_id"], me["username"]) == ("17841400000000002", "alpenglueck.kueche")
    assert me["id"] != me["user_id"]


def test_a_scope_can_be_unticked(instagram: Instagram) -> None:
    left = instagram.consent("anna", without=("instagram_business_content_publish",))["code"]
    assert instagram.exchange(left).json()["permissions"] == ["instagram_business_basic"]
    token = instagram.long("anna", scope="instagram_business_content_publish")
    assert instagram.me(token).json()["error"]["code"] == 10


def test_a_token_in_its_first_day_is_not_renewed(instagram: Instagram) -> None:
    token = instagram.long("anna")
    answer = instagram.refresh(token)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)
    assert instagram.me(token).status_code == 200


def test_the_two_marks_behind_a_code_do_no_harm(instagram: Instagram) -> None:
    assert instagram.exchange(instagram.consent("anna")["code"] + "#_").status_code == 200


def test_errors_of_the_token_endpoint_have_a_shape_of_their_own(instagram: Instagram) -> None:
    code = instagram.consent("anna")["code"]
    wrong = instagram.exchange(code, client_secret="no")
    assert (wrong.status_code, wrong.json()["error_message"]) == (400, "Invalid platform app")
    short = instagram.exchange(code).json()["access_token"]
    assert "already used" in instagram.exchange(code).json()["error_message"]
    assert instagram.extend(short, client_secret="no").json()["error"]["code"] == 1
    assert instagram.extend(short, grant_type="no").json()["error"]["code"] == 100


@pytest.mark.parametrize(
    ("lever", "subcode"),
    [("revoke_app", 458), ("change_password", 460), ("expire_access", 463), ("suspend", 459)],
)
def test_a_dead_token_names_its_cause_and_cannot_be_renewed(
    instagram: Instagram, lever: str, subcode: int
) -> None:
    token = instagram.long("anna")
    instagram.practice.pull("instagram", lever, person="anna")
    for answer in (instagram.me(token), instagram.refresh(token)):
        assert (answer.status_code, answer.json()["error"]["error_subcode"]) == (400, subcode)


def test_it_can_be_taken_back(instagram: Instagram) -> None:
    token = instagram.long("anna")
    address = f"graph.instagram.com/v26.0/me/permissions?access_token={token}"
    answer = instagram.practice.http.delete(f"{instagram.practice.base}/{address}", timeout=5)
    assert answer.json() == {"success": True}
    assert instagram.me(token).json()["error"]["error_subcode"] == 458


def test_a_throttle_is_a_403_that_says_when_it_ends(instagram: Instagram) -> None:
    token = instagram.long("anna")
    instagram.practice.pull("instagram", "outage", mode="429")
    answer = instagram.me(token)
    assert (answer.status_code, answer.json()["error"]["error_subcode"]) == (403, 1349210)
    usage = json.loads(answer.headers["X-Business-Use-Case-Usage"])
    assert usage["17841400000000001"][0]["estimated_time_to_regain_access"] == 3

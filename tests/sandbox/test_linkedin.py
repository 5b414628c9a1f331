"""LinkedIn's dialect."""

from __future__ import annotations

import dataclasses

import pytest

from tests.sandbox.clients import LinkedIn, bearer
from tests.sandbox.driver import Browser, Practice

DAY = 86400


@pytest.fixture
def linkedin(practice: Practice) -> LinkedIn:
    return LinkedIn(practice)


def test_a_person_signs_in_consents_and_is_known(linkedin: LinkedIn) -> None:
    back = linkedin.consent("anna")
    assert back["state"] == "st/a+te=1"
    pair = linkedin.exchange(back["code"]).json()
    assert abs(pair["expires_in"] - 60 * DAY) < 5
    assert abs(pair["refresh_token_expires_in"] - 365 * DAY) < 5
    assert pair["scope"] == linkedin.scopes
    who = linkedin.userinfo(pair["access_token"]).json()
    assert (who["name"], who["given_name"]) == ("Anna Huber", "Anna")


def test_the_subject_differs_between_two_apps(practice: Practice) -> None:
    subjects = set()
    for client in (LinkedIn(practice), LinkedIn(practice, own=True)):
        subjects.add(client.userinfo(client.pair("anna")["access_token"]).json()["sub"])
    assert len(subjects) == 2


def test_the_consent_page_names_the_person_and_another_can_come(linkedin: LinkedIn) -> None:
    browser = Browser(linkedin.practice)
    browser.open(linkedin.address())
    linkedin.sign_in(browser, "anna")
    assert browser.text("#signed-in-as") == "Anna Huber"
    assert not browser.has("input[type=checkbox]")
    browser.click("#other-account")
    linkedin.sign_in(browser, "jonas")
    assert browser.text("#signed-in-as") == "Jonas Berg"
    browser.close()


def test_who_granted_the_same_scopes_is_not_asked_again(linkedin: LinkedIn) -> None:
    browser = Browser(linkedin.practice)
    browser.open(linkedin.address())
    linkedin.sign_in(browser, "anna")
    assert browser.decide("allow")["code"]
    assert browser.open(linkedin.address())["code"]
    assert browser.open(linkedin.address(scope="openid profile")) == {}
    browser.close()


def test_cancelling_has_two_names(linkedin: LinkedIn) -> None:
    browser = Browser(linkedin.practice)
    browser.open(linkedin.address())
    assert browser.click("#cancel")["error"] == "user_cancelled_login"
    browser.open(linkedin.address())
    linkedin.sign_in(browser, "anna")
    back = browser.decide("deny")
    assert (back["error"], back["state"]) == ("user_cancelled_authorize", "st/a+te=1")
    browser.close()


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"client_id": "somebody"}, 400),
        ({"redirect_uri": "http://127.0.0.1:8000/oauth/linkedin/callback/?x=1"}, 400),
        ({"redirect_uri": "http://elsewhere.example/oauth/linkedin/callback/"}, 400),
    ],
)
def test_a_wrong_client_or_address_is_never_sent_back(
    linkedin: LinkedIn, wrong: dict[str, str], status: int
) -> None:
    browser = Browser(linkedin.practice)
    assert browser.open(linkedin.address(**wrong)) == {}
    assert browser.response.status_code == status
    browser.close()


def test_an_unknown_scope_comes_back_as_an_error(linkedin: LinkedIn) -> None:
    browser = Browser(linkedin.practice)
    assert browser.open(linkedin.address(scope="openid x"))["error"] == "unauthorized_scope_error"
    assert browser.open(linkedin.address(scope=""))["error"] == "unauthorized_scope_error"
    assert "unsupported" in browser.open(linkedin.address(response_type="token"))["error"]
    browser.close()


def test_a_code_works_once_for_its_client_and_address(practice: Practice) -> None:
    linkedin, other = LinkedIn(practice), LinkedIn(practice, own=True)
    code = linkedin.consent("anna")["code"]
    assert other.exchange(code).status_code == 400
    assert linkedin.exchange(code, redirect_uri="http://x.example/").status_code == 400
    assert linkedin.exchange(code).status_code == 200
    again = linkedin.exchange(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_request")
    assert "authorization code expired" in again.json()["error_description"]


def test_a_code_is_bound_to_its_challenge(linkedin: LinkedIn) -> None:
    # RFC 7636, appendix B.
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    more = {"code_challenge": challenge, "code_challenge_method": "S256"}
    code = linkedin.consent("anna", more)["code"]
    assert linkedin.exchange(code).status_code == 400
    assert linkedin.exchange(code, code_verifier=verifier).status_code == 200


def test_refreshing_keeps_the_refresh_token_and_its_end(linkedin: LinkedIn) -> None:
    first = linkedin.pair("anna")
    second = linkedin.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] == first["refresh_token"]
    assert second["refresh_token_expires_in"] <= first["refresh_token_expires_in"]
    for pair in (first, second):
        assert linkedin.userinfo(pair["access_token"]).status_code == 200


def test_an_old_first_grant_ends_in_twelve_days_and_the_next_in_a_year(linkedin: LinkedIn) -> None:
    first, second = linkedin.pair("mia"), linkedin.pair("mia")
    for clock in ("refresh_token_expires_in", "expires_in"):
        assert abs(first[clock] - 12 * DAY) < 5
    assert abs(second["refresh_token_expires_in"] - 365 * DAY) < 5


def test_clients_are_checked(linkedin: LinkedIn) -> None:
    for wrong in ({"client_secret": "no"}, {"client_id": "no"}):
        answer = linkedin.call("accessToken", grant_type="refresh_token", **wrong)
        assert (answer.status_code, answer.json()["error"][:14]) == (401, "invalid_client")


def test_introspection_tells_status_clocks_and_scopes(linkedin: LinkedIn) -> None:
    pair = linkedin.pair("anna")
    answer = linkedin.introspect(pair["access_token"]).json()
    assert (answer["active"], answer["status"], answer["auth_type"]) == (True, "active", "3L")
    assert answer["scope"] == linkedin.scopes.replace(" ", ",")
    assert abs(answer["expires_at"] - answer["created_at"] - 60 * DAY) < 5
    assert linkedin.introspect(pair["refresh_token"]).json()["status"] == "active"


def test_introspection_refuses_by_status(practice: Practice) -> None:
    linkedin, other = LinkedIn(practice), LinkedIn(practice, own=True)
    token = linkedin.pair("anna")["access_token"]
    assert linkedin.introspect(token, client_id="no").status_code == 400
    assert linkedin.introspect(token, client_secret="no").status_code == 401
    assert linkedin.introspect("never issued").status_code == 400
    assert other.introspect(token).json() == {"active": False}


def test_tokens_fail_by_their_cause(linkedin: LinkedIn) -> None:
    def cause(token: str) -> tuple[int, int]:
        answer = linkedin.userinfo(token)
        return answer.status_code, answer.json()["serviceErrorCode"]

    token = linkedin.pair("anna")["access_token"]
    assert cause("never issued") == (401, 65600)
    assert cause("") == (401, 401)
    linkedin.practice.pull("linkedin", "suspend", person="anna")
    assert cause(token) == (401, 65608)
    assert linkedin.introspect(token).json()["serviceErrorCode"] == 65608
    linkedin.practice.pull("linkedin", "restore", person="anna")
    assert linkedin.userinfo(token).status_code == 200
    linkedin.practice.pull("linkedin", "expire_access", person="anna")
    assert cause(token) == (401, 65602)
    assert linkedin.introspect(token).json()["status"] == "expired"
    linkedin.practice.pull("linkedin", "change_password", person="anna")
    assert cause(token) == (401, 65601)
    assert linkedin.introspect(token).json()["status"] == "revoked"


def test_a_dead_refresh_token_is_an_invalid_request(linkedin: LinkedIn) -> None:
    pair = linkedin.pair("anna")
    linkedin.practice.pull("linkedin", "expire_refresh", person="anna")
    answer = linkedin.refresh(pair["refresh_token"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert linkedin.userinfo(pair["access_token"]).status_code == 200


def test_other_scopes_void_the_earlier_tokens(linkedin: LinkedIn) -> None:
    first = linkedin.pair("anna")
    linkedin.pair("anna", scope="openid profile")
    answer = linkedin.userinfo(first["access_token"])
    assert answer.json()["code"] == "REVOKED_ACCESS_TOKEN"


def test_the_same_scopes_leave_the_earlier_tokens_alone(linkedin: LinkedIn) -> None:
    first = linkedin.pair("anna")
    linkedin.pair("anna")
    assert linkedin.userinfo(first["access_token"]).status_code == 200


def test_revoking_ends_that_authorization_only(linkedin: LinkedIn) -> None:
    first, second = linkedin.pair("anna"), linkedin.pair("anna")
    assert linkedin.call("revoke", token=first["access_token"]).status_code == 200
    assert linkedin.refresh(first["refresh_token"]).status_code == 400
    assert linkedin.userinfo(second["access_token"]).status_code == 200


def test_pages_are_listed_by_role(linkedin: LinkedIn) -> None:
    jonas = linkedin.pair("jonas")["access_token"]
    assert linkedin.pages(jonas, role="ADMINISTRATOR", state="APPROVED") == ["40010001", "40010002"]
    assert linkedin.pages(jonas, state="REVOKED") == []
    ben = linkedin.pair("ben")["access_token"]
    assert linkedin.pages(ben, role="ADMINISTRATOR") == []
    [element] = linkedin.acls(ben).json()["elements"]
    subject = linkedin.userinfo(ben).json()["sub"]
    assert element == {
        "role": "CONTENT_ADMINISTRATOR",
        "state": "APPROVED",
        "roleAssignee": f"urn:li:person:{subject}",
        "organization": "urn:li:organization:40010001",
    }


def test_the_listing_goes_on_by_links(linkedin: LinkedIn) -> None:
    token = linkedin.pair("jonas")["access_token"]
    first = linkedin.acls(token, count="1").json()
    [link] = first["paging"]["links"]
    address = f"api.linkedin.com{link['href']}"
    second = linkedin.practice.get(address, headers={**bearer(token), **linkedin.rest}).json()
    assert link["rel"] == "next"
    assert second["paging"]["start"] == 1
    assert second["paging"]["links"] == []
    assert second["elements"][0]["organization"] == "urn:li:organization:40010002"


def test_roles_come_and_go(linkedin: LinkedIn) -> None:
    token, pull = linkedin.pair("anna")["access_token"], linkedin.practice.pull
    state = pull("linkedin", "remove_role", person="anna", profile="40010001")
    assert state["profiles"][0]["admins"] == ["jonas"]
    assert linkedin.pages(token) == []
    pull("linkedin", "grant_role", person="anna", profile="40030001")
    assert linkedin.pages(token, role="ADMINISTRATOR") == ["40030001"]
    state = pull("linkedin", "grant_role", person="ben", profile="40010001")
    assert state["profiles"][0]["admins"] == ["jonas", "ben"]


def test_a_page_is_shown_to_its_administrators(linkedin: LinkedIn) -> None:
    headers = {**bearer(linkedin.pair("anna")["access_token"]), **linkedin.rest}

    def page(number: str) -> tuple[int, str]:
        answer = linkedin.practice.get(
            f"api.linkedin.com/rest/organizations/{number}", headers=headers
        )
        return answer.status_code, answer.json().get("localizedName", "")

    assert page("40010001") == (200, "Alpenglück")
    assert page("40020001") == (403, "")
    assert page("1") == (404, "")


def test_rest_calls_need_a_living_version(linkedin: LinkedIn) -> None:
    token = linkedin.pair("anna")["access_token"]

    def status(**headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        address = "api.linkedin.com/rest/organizationAcls?q=roleAssignee"
        answer = linkedin.practice.get(address, headers={**bearer(token), **named})
        return answer.status_code

    restli = {"X_Restli_Protocol_Version": "2.0.0"}
    assert status(**restli) == 400
    assert status(LinkedIn_Version="202409", **restli) == 426
    assert status(LinkedIn_Version="202608") == 400
    assert status(LinkedIn_Version="202608", **restli) == 200


def test_a_missing_scope_is_named(linkedin: LinkedIn) -> None:
    token = linkedin.pair("anna", scope="openid")["access_token"]
    for answer in (linkedin.userinfo(token), linkedin.acls(token)):
        assert answer.status_code == 403
        assert answer.json()["message"].startswith("Not enough permissions to access: ")


def test_a_settling_token_can_be_called_revoked(practice: Practice) -> None:
    practice.stop()
    practice.settings = dataclasses.replace(practice.settings, linkedin_settling=60)
    practice.start()
    linkedin = LinkedIn(practice)
    token = linkedin.pair("anna")["access_token"]
    assert linkedin.userinfo(token).json()["serviceErrorCode"] == 65601
    assert linkedin.introspect(token).json()["status"] == "active"

"""Accounts and locations of business profiles."""

from __future__ import annotations

import pytest

from tests.sandbox.clients_google import GoogleBusiness
from tests.sandbox.driver import Practice


@pytest.fixture
def business(practice: Practice) -> GoogleBusiness:
    return GoogleBusiness(practice)


def test_a_person_is_known_and_has_two_accounts(business: GoogleBusiness) -> None:
    token = business.pair("anna")["access_token"]
    who = business.call("openidconnect.googleapis.com/v1/userinfo", token).json()
    assert (who["name"], who["email"]) == ("Anna Huber", "anna@alpenglueck.example")
    accounts = business.accounts(token).json()["accounts"]
    assert [(one["type"], one.get("role")) for one in accounts] == [
        ("PERSONAL", None),
        ("LOCATION_GROUP", "OWNER"),
    ]


def test_lists_come_in_pages(business: GoogleBusiness) -> None:
    token = business.pair("anna")["access_token"]
    account = business.accounts(token).json()["accounts"][1]["name"]
    titles, page = [], {"pageSize": "2"}
    while page:
        body = business.locations(token, account, **page).json()
        titles += [one["title"] for one in body["locations"]]
        following = body.get("nextPageToken")
        page = {"pageSize": "2", "pageToken": following} if following else {}
    assert titles == ["Alpenglück Hotel", "Alpenglück Hotel", "Alpenglück Restaurant"]
    assert business.accounts(token, pageToken="x").status_code == 400


@pytest.mark.parametrize(("person", "role"), [("jonas", "MANAGER"), ("ben", "SITE_MANAGER")])
def test_a_role_is_that_of_the_account(business: GoogleBusiness, person: str, role: str) -> None:
    token = business.pair(person)["access_token"]
    [account] = business.accounts(token).json()["accounts"]
    assert account["role"] == role
    assert len(business.locations(token, account["name"]).json()["locations"]) == 2


def test_an_account_without_locations_says_nothing_of_them(business: GoogleBusiness) -> None:
    token = business.pair("nils")["access_token"]
    [account] = business.accounts(token).json()["accounts"]
    location = business.practice.state("google-business")["profiles"][-1]["id"]
    business.practice.pull("google-business", "remove_role", person="nils", profile=location)
    assert business.locations(token, account["name"]).json() == {}


def test_a_field_mask_is_required_and_other_peoples_accounts_are_closed(
    business: GoogleBusiness,
) -> None:
    token = business.pair("jonas")["access_token"]
    [account] = business.accounts(token).json()["accounts"]
    assert business.locations(token, account["name"], readMask="").status_code == 400
    closed = business.locations(token, "accounts/110000000000000000003")
    assert (closed.status_code, closed.json()["error"]["status"]) == (403, "PERMISSION_DENIED")


def test_a_token_without_the_scope_reads_no_accounts(business: GoogleBusiness) -> None:
    token = business.pair("anna", scope="openid email")["access_token"]
    error = business.accounts(token).json()["error"]
    assert (error["code"], error["errors"][0]["reason"]) == (403, "insufficientPermissions")


def test_a_bad_token_is_called_an_invalid_request_by_userinfo(business: GoogleBusiness) -> None:
    answer = business.call("openidconnect.googleapis.com/v1/userinfo", "nonsense")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_request")


def test_a_used_up_quota_is_resource_exhausted(business: GoogleBusiness) -> None:
    business.practice.pull("google-business", "outage", mode="429")
    answer = business.accounts("whoever")
    assert (answer.status_code, answer.json()["error"]["status"]) == (429, "RESOURCE_EXHAUSTED")

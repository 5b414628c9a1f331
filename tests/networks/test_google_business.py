from __future__ import annotations

from typing import Any

import pytest

from networks.adapters.google_business.adapter import GoogleBusiness
from networks.base import Answer, Client, Identity, Refusal, TransportError
from tests.networks.talk import CLIENT, GRANT, answer, refusal, talk

BUSINESS = GoogleBusiness()
ANNA = Identity("118", "anna@alpenglueck.example")
LOCATIONS = "https://mybusinessbusinessinformation.googleapis.com/v1/accounts/{}/locations"


def accounts(*entries: tuple[str, str], page: str = "") -> Answer:
    """(id, role); a personal account is one without a role."""
    listed = [
        {"name": f"accounts/{id}", "type": "GROUP", "role": role}
        if role
        else {"name": f"accounts/{id}", "type": "PERSONAL"}
        for id, role in entries
    ]
    return answer({"accounts": listed, "nextPageToken": page} if page else {"accounts": listed})


def locations(*ids: str, page: str = "", **more: Any) -> Answer:
    listed = [{"name": f"locations/{id}", "title": f"Ort {id}", **more} for id in ids]
    return answer({"locations": listed, "nextPageToken": page} if page else {"locations": listed})


def reached(*answers: Answer) -> dict[str, tuple[str, str]]:
    found = talk(BUSINESS.reach(CLIENT, GRANT, ANNA), *answers).result
    return {one.remote_id: (one.role, one.missing_role) for one in found}


def test_a_login_is_its_number_and_called_by_its_address() -> None:
    body = {"sub": "118", "name": "Anna", "email": "anna@alpenglueck.example"}
    assert talk(BUSINESS.identify(CLIENT, GRANT), answer(body)).result == ANNA
    held = talk(BUSINESS.identify(CLIENT, GRANT), answer({"sub": "118"}))
    assert held.result == Identity("118", "118")


def test_the_locations_of_every_account_are_asked_for() -> None:
    held = talk(
        BUSINESS.reach(CLIENT, GRANT, ANNA),
        accounts(("1", "OWNER"), ("2", "MANAGER")),
        locations("10"),
        locations("20"),
    )
    assert [one.url for one in held.requests[1:]] == [LOCATIONS.format(id) for id in "12"]
    assert "title" in held.requests[1].params["readMask"]
    assert [one.remote_id for one in held.result] == ["locations/10", "locations/20"]
    assert not any(one.is_login for one in held.result)


def test_both_lists_are_read_to_their_end() -> None:
    held = talk(
        BUSINESS.reach(CLIENT, GRANT, ANNA),
        accounts(("1", "OWNER"), page="p2"),
        accounts(("2", "OWNER")),
        locations("10", page="p2"),
        locations("11"),
        locations("20"),
    )
    assert len(held.result) == 3
    assert held.requests[1].params["pageToken"] == "p2"
    assert held.requests[3].params["pageToken"] == "p2"


def test_the_same_page_again_is_the_end_of_a_list() -> None:
    given = [accounts(("1", "OWNER")), locations("10", page="p"), locations("11", page="p")]
    assert set(reached(*given)) == {"locations/10", "locations/11"}


def test_a_list_that_never_ends_is_none() -> None:
    pages = [accounts((str(number), "OWNER"), page=f"p{number}") for number in range(100)]
    error = refusal(BUSINESS.reach(CLIENT, GRANT, ANNA), *pages)
    assert error.refusal is Refusal.NOT_UNDERSTOOD


def test_a_page_without_entries_is_an_empty_one() -> None:
    assert reached(answer({})) == {}
    assert reached(accounts(("1", "OWNER")), answer({})) == {}


@pytest.mark.parametrize(
    ("role", "missing"),
    [
        ("PRIMARY_OWNER", ""),
        ("OWNER", ""),
        ("MANAGER", ""),
        ("SITE_MANAGER", "MANAGER"),
        ("ROLE_OF_TOMORROW", "MANAGER"),
    ],
)
def test_whoever_may_not_manage_lacks_the_role(role: str, missing: str) -> None:
    assert reached(accounts(("1", role)), locations("10")) == {"locations/10": (role, missing)}


def test_a_personal_account_is_the_logins_own() -> None:
    assert reached(accounts(("1", "")), locations("10")) == {"locations/10": ("PRIMARY_OWNER", "")}


@pytest.mark.parametrize("roles", [("SITE_MANAGER", "OWNER"), ("OWNER", "SITE_MANAGER")])
def test_of_two_roles_on_one_location_the_higher_counts(roles: tuple[str, str]) -> None:
    given = [accounts(("1", roles[0]), ("2", roles[1])), locations("10"), locations("10")]
    assert reached(*given) == {"locations/10": ("OWNER", "")}


def test_a_location_says_where_it_is() -> None:
    listed = locations(
        "10",
        storefrontAddress={"locality": "Füssen"},
        metadata={"mapsUri": "https://maps.google.com/maps?cid=1"},
    )
    given = [accounts(("1", "OWNER")), listed]
    [found] = talk(BUSINESS.reach(CLIENT, GRANT, ANNA), *given).result
    assert (found.name, found.url) == ("Ort 10, Füssen", "https://maps.google.com/maps?cid=1")


@pytest.mark.parametrize(
    "body",
    [
        {"locations": {"name": "locations/1"}},
        {"locations": "locations/1"},
        {"error": {"code": 500}},
        [],
    ],
)
def test_what_is_no_list_is_never_fewer_locations(body: Any) -> None:
    error = refusal(BUSINESS.reach(CLIENT, GRANT, ANNA), accounts(("1", "OWNER")), answer(body))
    assert error.refusal is Refusal.NOT_UNDERSTOOD


@pytest.mark.parametrize("given", [TransportError("timeout"), answer({}, 503), answer({}, 429)])
def test_a_listing_that_breaks_off_is_refused_as_a_whole(given: Answer | TransportError) -> None:
    listing = accounts(("1", "OWNER"), ("2", "OWNER"))
    error = refusal(BUSINESS.reach(CLIENT, GRANT, ANNA), listing, locations("10"), given)
    assert error.refusal is Refusal.NETWORK_UNAVAILABLE


@pytest.mark.parametrize(
    "name", [None, 7, "", "accounts/", "accounts/1/../2", "accounts/é", "locations/1", "1"]
)
def test_only_a_resource_name_becomes_part_of_an_address(name: Any) -> None:
    listing = answer({"accounts": [None, "x", {"name": name, "role": "OWNER"}]})
    assert talk(BUSINESS.reach(CLIENT, GRANT, ANNA), listing).result == []


def test_one_account_that_is_denied_costs_the_others_nothing() -> None:
    denied = answer({"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "no"}}, 403)
    given = accounts(("1", "OWNER"), ("2", "OWNER"))
    assert reached(given, denied, locations("7")) == {"locations/7": ("OWNER", "")}


@pytest.mark.parametrize(
    ("other", "asked"),
    [("47-b.apps.googleusercontent.com", 0), ("48-b.apps.googleusercontent.com", 1), ("47-b", 1)],
)
def test_nothing_is_taken_back_that_another_network_lives_by(
    settings: Any, other: str, asked: int
) -> None:
    """Google takes back what a person gave a project, and not a client."""
    ours = Client("47-a.apps.googleusercontent.com", "secret")
    settings.OAUTH_CLIENTS = {
        "google-business": (ours.client_id, "secret"),
        "youtube": (other, "secret"),
    }
    held = talk(BUSINESS.revoke(ours, GRANT), *[answer({})] * asked)
    assert held.result is bool(asked)

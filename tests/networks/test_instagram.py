"""Instagram by both of its logins, by conversations held by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from networks.base import (
    Answer,
    Client,
    Grant,
    Health,
    Identity,
    Reason,
    Refusal,
    Request,
    TransportError,
)
from networks.registry import NETWORKS
from tests.networks.talk import CLIENT, answer, exchange_refusal, refusal, talk

INSTAGRAM = NETWORKS["instagram"]
BY_FACEBOOK = replace(CLIENT, issuer="https://www.facebook.com")
ACCOUNT = "17841400000000001"
PERMISSIONS = list(INSTAGRAM.scopes)
GRANTED = answer({"access_token": "short", "user_id": int(ACCOUNT), "permissions": PERMISSIONS})
SHORT = answer({"access_token": "short", "token_type": "bearer", "expires_in": 3600})
LONG = answer({"access_token": "long", "token_type": "bearer", "expires_in": 5184000})
ME = {"user_id": ACCOUNT, "id": "99", "username": "alpenglueck", "name": "Alpenglück"}
TASKS = ["CREATE_CONTENT", "MODERATE"]
LINKED = {"id": "1", "access_token": "page-1", "tasks": TASKS, "instagram_business_account": {
    "id": ACCOUNT, "username": "alpenglueck", "name": "Alpenglück"}}  # fmt: skip
UNLINKED = {"id": "2", "access_token": "page-2", "tasks": TASKS}
FACEBOOK_SCOPES = ["instagram_basic", "instagram_content_publish", "instagram_manage_comments",
                   "pages_show_list", "pages_read_engagement"]  # fmt: skip


def form_of(request: Request) -> Mapping[str, str]:
    return request.form or {}


def described(**more: Any) -> Answer:
    data = {"app_id": "our-id", "is_valid": True, "user_id": "77", "scopes": FACEBOOK_SCOPES,
            "expires_at": 0, **more}  # fmt: skip
    return answer([{"code": 200, "body": json.dumps({"data": data})}])


def by_facebook(*answers: Answer) -> Any:
    return talk(INSTAGRAM.exchange(BY_FACEBOOK, {"code": "c"}, {}),
                SHORT, LONG, *answers).result  # fmt: skip


def test_a_person_says_by_which_login_and_instagrams_own_comes_first() -> None:
    question = INSTAGRAM.question
    assert question is not None
    assert [issuer for issuer, _ in question.choices] == ["", "https://www.facebook.com"]
    assert INSTAGRAM.issuer_in("https://www.facebook.com") == "https://www.facebook.com"
    assert INSTAGRAM.issuer_in("nonsense") == ""
    assert INSTAGRAM.client_slug("") == "instagram"
    assert INSTAGRAM.client_slug("https://www.facebook.com") == "facebook"


@pytest.mark.parametrize(
    ("client", "start"),
    [
        (CLIENT, "https://www.instagram.com/oauth/authorize?"),
        (BY_FACEBOOK, "https://www.facebook.com/v26.0/dialog/oauth?"),
    ],
)
def test_each_login_has_a_page_of_its_own(client: Client, start: str) -> None:
    url = talk(INSTAGRAM.authorize(client, "our-state")).result.url
    assert url.startswith(start)
    assert ("force_reauth=true" in url) is (client is CLIENT)


def test_both_logins_find_the_same_profile() -> None:
    own = Identity(ACCOUNT, "Alpenglück")
    (mine,) = talk(INSTAGRAM.reach(CLIENT, Grant("a"), own), answer(ME)).result
    listed = answer({"data": [LINKED, UNLINKED]})
    (theirs,) = talk(INSTAGRAM.reach(BY_FACEBOOK, Grant("a"), Identity("77", "")), listed).result
    assert (mine.kind, mine.remote_id, mine.name, mine.url) == (
        theirs.kind, theirs.remote_id, theirs.name, theirs.url)  # fmt: skip
    assert mine.is_login
    assert (theirs.is_login, theirs.role) == (False, "CREATE_CONTENT MODERATE")


def test_both_logins_name_what_was_granted_alike() -> None:
    own = talk(INSTAGRAM.exchange(CLIENT, {"code": "c"}, {}), GRANTED, LONG).result
    theirs = by_facebook(described(), answer({"data": [LINKED]}), answer({"id": "77", "name": "A"}))
    assert set(INSTAGRAM.required_scopes) <= set(own.scopes)
    assert set(INSTAGRAM.required_scopes) <= set(theirs.scopes)
    probe = talk(INSTAGRAM.probe(BY_FACEBOOK, theirs, "77"), described()).result
    assert set(INSTAGRAM.required_scopes) <= set(probe.scopes)
    batch = talk(INSTAGRAM.probe_batch(BY_FACEBOOK, [(theirs, "77")]), described()).result
    assert set(INSTAGRAM.required_scopes) <= set(batch[0].scopes)


# By Instagram.


def test_a_code_becomes_sixty_days_that_are_renewed_halfway() -> None:
    held = talk(INSTAGRAM.exchange(CLIENT, {"code": "c#_"}, {}), GRANTED, LONG)
    grant, now = held.result, datetime.now(UTC)
    assert form_of(held.requests[0])["code"] == "c"
    assert grant.refresh_token == grant.access_token == "long"
    assert timedelta(days=29) < grant.expires_at - now < timedelta(days=31)
    assert timedelta(days=59) < grant.refresh_expires_at - now <= timedelta(days=60)
    second = held.requests[1]
    assert (second.params["grant_type"], second.bearer) == ("ig_exchange_token", "short")
    assert "our-secret" not in repr(second)


def test_a_renewal_brings_a_whole_new_grant() -> None:
    old = Grant("long", "long", ("instagram_business_basic",))
    held = talk(INSTAGRAM.refresh(CLIENT, old), LONG)
    assert held.requests[0].bearer == "long"
    assert held.result.scopes == ("instagram_business_basic",)
    assert held.result.refresh_expires_at > held.result.expires_at


def test_a_token_too_young_to_be_renewed_is_not_dead() -> None:
    young = answer({"error": {"code": 100, "message": "must be at least 24 hours old"}}, 400)
    verdict = talk(INSTAGRAM.refresh(CLIENT, Grant("a", "a")), young).result
    assert verdict.health is Health.UNCLEAR


@pytest.mark.parametrize("body", [ME, {"data": [ME]}])
def test_the_account_is_known_by_the_id_that_both_logins_share(body: Any) -> None:
    held = talk(INSTAGRAM.probe(CLIENT, Grant("a"), ACCOUNT), answer(body))
    assert held.result.health is Health.ALIVE
    assert held.requests[0].bearer == "a"
    other = talk(INSTAGRAM.probe(CLIENT, Grant("a"), "99"), answer(body)).result
    assert other.reason is Reason.NOT_UNDERSTOOD
    assert talk(INSTAGRAM.identify(CLIENT, Grant("a")), answer(body)).result == Identity(
        ACCOUNT, "Alpenglück")  # fmt: skip


def test_each_token_of_instagrams_own_login_is_asked_about_alone() -> None:
    assert talk(INSTAGRAM.probe_batch(CLIENT, [(Grant("a"), ACCOUNT)] * 2)).result == [None, None]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer({"error_type": "OAuthException", "code": 400,
                 "error_message": "Invalid platform app"}, 400), Refusal.APP_MISCONFIGURED),
        (answer({"error_type": "OAuthException", "code": 400,
                 "error_message": "Matching code was not found or was already used"}, 400),
         Refusal.CODE_REFUSED),
        (answer({"access_token": "short", "permissions": ["instagram_business_basic"]}),
         Refusal.SCOPE_MISSING),
        (answer({"data": [{"user_id": 1}]}), Refusal.NOT_UNDERSTOOD),
        (TransportError("timeout"), Refusal.NETWORK_UNAVAILABLE),
    ],
)  # fmt: skip
def test_connecting_ends_with_a_reason(given: Answer | TransportError, expected: Refusal) -> None:
    assert exchange_refusal(INSTAGRAM, {"code": "c"}, given) is expected


def test_a_token_answer_in_a_list_is_read_too() -> None:
    inner = {"access_token": "short", "user_id": "1", "permissions": ",".join(PERMISSIONS)}
    held = talk(INSTAGRAM.exchange(CLIENT, {"code": "c"}, {}), answer({"data": [inner]}), LONG)
    assert held.result.scopes == tuple(PERMISSIONS)


# By Facebook.


def test_only_pages_with_an_account_are_kept() -> None:
    grant = by_facebook(described(), answer({"data": [LINKED, UNLINKED]}),
                        answer({"id": "77", "name": "Anna"}))  # fmt: skip
    assert {key for key in grant.keep if key.startswith("page:")} == {"page:1"}


def test_a_person_without_an_account_behind_any_page_is_told_so() -> None:
    refused = refusal(INSTAGRAM.exchange(BY_FACEBOOK, {"code": "c"}, {}),
                      SHORT, LONG, described(), answer({"data": [UNLINKED]}))  # fmt: skip
    assert refused.refusal is Refusal.NOTHING_THERE


def test_scopes_that_are_missing_have_the_names_of_facebooks_page() -> None:
    left = [scope for scope in FACEBOOK_SCOPES if scope != "instagram_content_publish"]
    refused = refusal(INSTAGRAM.exchange(BY_FACEBOOK, {"code": "c"}, {}),
                      SHORT, LONG, described(scopes=left))  # fmt: skip
    assert refused.missing == ("instagram_content_publish",)


def test_a_role_that_cannot_publish_is_missing() -> None:
    moderated = {**LINKED, "tasks": ["MODERATE"]}
    (one,) = talk(INSTAGRAM.reach(BY_FACEBOOK, Grant("a"), Identity("77", "")),
                  answer({"data": [moderated]})).result  # fmt: skip
    assert one.missing_role == "CREATE_CONTENT"


def test_taking_it_back_leaves_the_same_persons_pages_alone() -> None:
    done = answer({"success": True})
    held = talk(INSTAGRAM.revoke(BY_FACEBOOK, Grant("a")), done, done, done)
    assert held.result is True
    assert [request.url.rpartition("/")[2] for request in held.requests] == FACEBOOK_SCOPES[:3]
    own = talk(INSTAGRAM.revoke(CLIENT, Grant("a")), done)
    assert own.requests[0].url.startswith("https://graph.instagram.com/")
    assert talk(INSTAGRAM.revoke(CLIENT, Grant("a")), answer({})).result is False

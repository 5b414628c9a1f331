"""Facebook pages, by conversations held by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from networks.base import (
    Answer,
    Grant,
    Health,
    Identity,
    Reason,
    Refusal,
    Request,
    TransportError,
    Verdict,
)
from networks.registry import NETWORKS
from tests.networks.talk import CLIENT, answer, exchange_refusal, refusal, talk

FACEBOOK = NETWORKS["facebook"]
ANNA = Identity("77", "Anna Huber")
LATER = int(datetime.now(UTC).timestamp()) + 5_000_000
USER = Grant("user-1")
KEPT = Grant("user-1", keep={"page:1": "page-1", "page:2": "page-2", "tasks:1": "CREATE_CONTENT",
                             "user:77": "Anna Huber"})  # fmt: skip
ENDED = {"code": 190, "subcode": 463, "message": "Session has expired"}
TASKS = ["ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE"]


def form_of(request: Request) -> Mapping[str, str]:
    return request.form or {}


def about(**more: Any) -> dict[str, Any]:
    """What debug_token says of a living token."""
    data = {"app_id": "our-id", "is_valid": True, "user_id": "77", "expires_at": LATER,
            "data_access_expires_at": LATER, "scopes": list(FACEBOOK.scopes)}  # fmt: skip
    return {"data": data | more}


def ended(**more: Any) -> dict[str, Any]:
    return {"data": {"app_id": "our-id", "is_valid": False, "scopes": [], "error": ENDED | more}}


def parts(*bodies: Any, status: int = 200) -> Answer:
    found = [body and {"code": status, "body": json.dumps(body)} for body in bodies]
    return answer(found)


def page(id: str, tasks: Any = TASKS, **more: Any) -> dict[str, Any]:
    return {"id": id, "name": f"Page {id}", "tasks": tasks, **more}


def pages(*found: Any, after: str = "") -> Answer:
    paging = {"cursors": {"after": after}, "next": "https://graph.facebook.com/?access_token=x"}
    return answer({"data": list(found), **({"paging": paging} if after else {})})


def probed(*answers: Answer | TransportError, grant: Grant = USER) -> Verdict:
    verdict: Verdict = talk(FACEBOOK.probe(CLIENT, grant, "77"), *answers).result
    return verdict


SHORT = answer({"access_token": "short", "token_type": "bearer", "expires_in": 3600})
LONG = answer({"access_token": "long", "token_type": "bearer", "expires_in": 5183944})
ME = answer({"id": "77", "name": "Anna Huber"})


def connected(*answers: Answer | TransportError) -> Any:
    return talk(FACEBOOK.exchange(CLIENT, {"code": "c"}, {}), SHORT, LONG, *answers)


def test_what_was_declined_is_shown_again() -> None:
    held = talk(FACEBOOK.authorize(CLIENT, "our-state"))
    query = parse_qs(urlsplit(held.result.url).query)
    assert query["auth_type"] == ["rerequest"]
    assert "pages_manage_posts" in query["scope"][0].split(",")


def test_a_code_becomes_sixty_days_and_pages_without_an_end() -> None:
    found = pages(page("1", access_token="page-1"), page("2", ["MODERATE"], access_token="page-2"))
    held = connected(parts(about()), found, ME)
    grant = held.result
    assert grant.access_token == "long"
    assert grant.keep == {"page:1": "page-1", "page:2": "page-2", "user:77": "Anna Huber",
                          "tasks:1": "MODERATE CREATE_CONTENT ANALYZE ADVERTISE MESSAGING MANAGE",
                          "tasks:2": "MODERATE"}  # fmt: skip
    assert grant.expires_at is None
    assert grant.reauthorize_by == datetime.fromtimestamp(LATER, UTC)
    assert form_of(held.requests[1])["fb_exchange_token"] == "short"


def test_no_token_and_no_secret_stand_in_an_address_or_a_repr() -> None:
    for request in connected(parts(about()), pages(page("1", access_token="page-1")), ME).requests:
        for secret in ("short", "long", "our-secret", "page-1"):
            assert secret not in request.url
            assert secret not in "".join(request.params.values())
            assert f"'{secret}" not in repr(request)


def test_a_user_token_alone_keeps_its_own_end() -> None:
    grant = connected(parts(about()), pages(page("1"))).result
    assert (grant.keep, grant.expires_at) == ({}, datetime.fromtimestamp(LATER, UTC))


def test_an_end_of_0_is_none() -> None:
    assert connected(parts(about(expires_at=0)), pages(page("1"))).result.expires_at is None


def test_a_scope_that_was_unticked_is_named() -> None:
    left = [scope for scope in FACEBOOK.scopes if scope != "pages_manage_posts"]
    conversation = FACEBOOK.exchange(CLIENT, {"code": "c"}, {})
    refused = refusal(conversation, SHORT, LONG, parts(about(scopes=left)))
    assert (refused.refusal, refused.missing) == (Refusal.SCOPE_MISSING, ("pages_manage_posts",))


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([answer({"error": {"code": 1, "message": "Error validating client secret."}}, 400)],
         Refusal.APP_MISCONFIGURED),
        ([answer({"error": {"code": 100, "error_subcode": 36009, "message": "This authorization "
          "code has been used."}}, 400)], Refusal.CODE_REFUSED),
        ([SHORT, answer({"error": {"code": 2, "is_transient": True}}, 500)],
         Refusal.NETWORK_UNAVAILABLE),
        ([SHORT, LONG, parts(about()), pages()], Refusal.NOTHING_THERE),
        ([SHORT, LONG, parts(None)], Refusal.NETWORK_UNAVAILABLE),
        ([SHORT, LONG, TransportError("timeout")], Refusal.NETWORK_UNAVAILABLE),
        ([SHORT, LONG, answer({"surprise": 1})], Refusal.NOT_UNDERSTOOD),
    ],
)  # fmt: skip
def test_connecting_ends_with_a_reason(answers: list[Any], expected: Refusal) -> None:
    assert exchange_refusal(FACEBOOK, {"code": "c"}, *answers) is expected


# Probing.


def test_alive_is_said_of_this_very_person_to_this_very_app() -> None:
    verdict = probed(parts(about(scopes=["pages_show_list"])))
    assert (verdict.health, verdict.scopes) == (Health.ALIVE, ("pages_show_list",))
    assert probed(parts(about(user_id="78"))).reason is Reason.NOT_UNDERSTOOD
    assert probed(parts(about(app_id="theirs"))).reason is Reason.APP_DISABLED
    assert probed(parts({"id": "77"})).reason is Reason.NOT_UNDERSTOOD
    assert probed(answer({"id": "77"})).reason is Reason.NOT_UNDERSTOOD


def test_an_invalid_token_is_dead_with_its_cause_although_the_status_is_200() -> None:
    assert probed(parts(ended())).reason is Reason.EXPIRED
    assert probed(parts(ended(subcode=458))).reason is Reason.REVOKED_BY_USER
    assert probed(parts(ended(subcode=460))).reason is Reason.PASSWORD_CHANGED


def test_a_checkpoint_that_stands_outside_of_the_data_is_the_persons() -> None:
    locked = {"error": {"code": 190, "message": "You cannot access the app", "subcode": 459}}
    assert probed(parts(locked, status=400)).reason is Reason.ACCOUNT_SUSPENDED


@pytest.mark.parametrize(
    "given",
    [
        answer({"error": {"code": 190, "message": "Invalid OAuth access token signature."}}, 400),
        parts({"error": {"code": 190, "message": "Invalid OAuth access token."}}, status=400),
        parts({"error": {"code": 190, "error_subcode": 463, "message": "x"}}, status=400),
    ],
)
def test_a_refused_app_token_is_the_operators_trouble_and_nobodys_death(given: Answer) -> None:
    assert probed(given).reason is Reason.APP_DISABLED
    found = talk(FACEBOOK.probe_batch(CLIENT, [(USER, "77")]), given).result
    assert [verdict.reason for verdict in found] == [Reason.APP_DISABLED]


def test_a_page_lives_on_when_its_persons_token_has_ended() -> None:
    held = talk(FACEBOOK.probe(CLIENT, KEPT, "77"), parts(ended()), parts(ended(), about()))
    assert held.result.health is Health.ALIVE
    asked = json.loads(form_of(held.requests[1])["batch"])
    assert [part["relative_url"] for part in asked] == [
        "debug_token?input_token=page-1", "debug_token?input_token=page-2"]  # fmt: skip


def test_with_the_last_page_the_access_is_dead_but_never_by_an_outage() -> None:
    gone = ended(subcode=492)
    assert probed(parts(ended()), parts(gone, gone), grant=KEPT).reason is Reason.PERMISSION_LOST
    assert probed(parts(ended()), parts(gone, None), grant=KEPT).health is Health.UNCLEAR
    assert probed(parts(ended()), TransportError("x"), grant=KEPT).health is Health.UNCLEAR


def test_another_cause_of_death_ends_the_pages_too() -> None:
    assert probed(parts(ended(subcode=460)), grant=KEPT).reason is Reason.PASSWORD_CHANGED


def test_fifty_are_asked_about_in_one_request() -> None:
    tokens = [(Grant(f"user-{n}"), "77") for n in range(50)]
    held = talk(FACEBOOK.probe_batch(CLIENT, tokens), parts(*[about()] * 49, ended()))
    assert FACEBOOK.batch_size == 50
    assert [verdict.health for verdict in held.result[:49]] == [Health.ALIVE] * 49
    assert held.result[49].reason is Reason.EXPIRED
    (request,) = held.requests
    assert form_of(request)["access_token"] == "our-id|our-secret"
    assert len(json.loads(form_of(request)["batch"])) == 50


def test_a_part_that_failed_on_its_own_is_asked_about_alone() -> None:
    tokens = [(USER, "77"), (USER, "77"), (KEPT, "77"), (USER, "77")]
    limit = {"code": 400, "body": json.dumps({"error": {"code": 4}})}
    living, dead = ({"code": 200, "body": json.dumps(body)} for body in (about(), ended()))
    found = talk(FACEBOOK.probe_batch(CLIENT, tokens), answer([limit, None, dead, living])).result
    assert found[:3] == [None, None, None]
    assert found[3].health is Health.ALIVE


@pytest.mark.parametrize(
    "given",
    [
        answer({"error": {"code": 4, "message": "(#4) Application request limit"}}, 400),
        answer([]),
        answer([{"code": 200}, {"code": "200", "body": "{}"}]),
        answer(b"<html>Oops</html>"),
        TransportError("timeout"),
    ],
)
def test_a_batch_that_failed_as_a_whole_kills_nobody(given: Answer | TransportError) -> None:
    found = talk(FACEBOOK.probe_batch(CLIENT, [(USER, "77"), (KEPT, "77")]), given).result
    assert all(verdict is None or verdict.health is Health.UNCLEAR for verdict in found)


# What it reaches.


def test_all_pages_come_with_the_persons_tasks() -> None:
    held = talk(FACEBOOK.reach(CLIENT, USER, ANNA),
                pages(page("1"), page("2", ["MODERATE", "ANALYZE"]), after="c1"),
                pages(page("3", None), page("4", ["PROFILE_PLUS_FULL_CONTROL"]),
                      page("5", [])))  # fmt: skip
    found = {one.remote_id: one for one in held.result}
    assert [one.missing_role for one in held.result] == [
        "", "CREATE_CONTENT", "", "", "CREATE_CONTENT"]  # fmt: skip
    assert found["1"].role.split()[:2] == ["MODERATE", "CREATE_CONTENT"]
    assert found["1"].url == "https://www.facebook.com/1"
    assert [request.params.get("after") for request in held.requests] == [None, "c1"]
    assert not any("access_token" in request.params["fields"] for request in held.requests)


def test_roles_that_publish_are_those_that_the_capability_names() -> None:
    for tasks in (TASKS, ["PROFILE_PLUS_FULL_CONTROL"], ["PROFILE_PLUS_CREATE_CONTENT"]):
        (one,) = talk(FACEBOOK.reach(CLIENT, USER, ANNA), pages(page("1", tasks))).result
        assert FACEBOOK.capabilities["publish_post"].held_by(FACEBOOK.scopes, one.role.split())


def test_a_list_that_never_ends_or_breaks_off_is_never_read_as_fewer_pages() -> None:
    endless = [pages(page(str(n)), after=f"c{n}") for n in range(100)]
    for answers in (endless, [pages(page("1"), after="c"), answer({"data": {}})]):
        refused = refusal(FACEBOOK.reach(CLIENT, USER, ANNA), *answers)
        assert refused.refusal is Refusal.NOT_UNDERSTOOD


def test_a_listing_without_its_scope_names_it() -> None:
    missing = answer({"error": {"code": 200, "message": "(#200) Requires pages_show_list"}}, 400)
    refused = refusal(FACEBOOK.reach(CLIENT, USER, ANNA), missing)
    assert (refused.refusal, refused.missing) == (Refusal.SCOPE_MISSING, ("pages_show_list",))


EXPIRED = answer({"error": {"code": 190, "error_subcode": 463, "message": "Session"}}, 400)
NO_ROLE = {"error": {"code": 190, "error_subcode": 492, "message": "no role"}}


def test_where_the_persons_token_has_ended_each_page_answers_for_itself() -> None:
    both = [{"code": 200, "body": json.dumps({"id": "1", "name": "Page 1"})},
            {"code": 400, "body": json.dumps(NO_ROLE)}]  # fmt: skip
    held = talk(FACEBOOK.reach(CLIENT, KEPT, ANNA), EXPIRED, answer(both))
    (one,) = held.result
    assert (one.remote_id, one.role, one.missing_role) == ("1", "CREATE_CONTENT", "")
    asked = json.loads(form_of(held.requests[1])["batch"])
    assert [part["access_token"] for part in asked] == ["page-1", "page-2"]
    assert talk(FACEBOOK.identify(CLIENT, KEPT), EXPIRED).result == ANNA


@pytest.mark.parametrize(
    "given",
    [
        answer({"error": {"code": 190, "message": "Invalid OAuth access token."}}, 400),
        parts({"id": "1"}, None),
        TransportError("timeout"),
    ],
)
def test_pages_that_could_not_be_asked_are_not_lost(given: Answer | TransportError) -> None:
    refused = refusal(FACEBOOK.reach(CLIENT, KEPT, ANNA), EXPIRED, given)
    assert refused.refusal is Refusal.NETWORK_UNAVAILABLE


def test_an_ended_token_without_pages_of_its_own_lists_nothing() -> None:
    assert refusal(FACEBOOK.reach(CLIENT, USER, ANNA), EXPIRED).refusal is (
        Refusal.NETWORK_UNAVAILABLE
    )
    assert refusal(FACEBOOK.identify(CLIENT, USER), EXPIRED).refusal is Refusal.NETWORK_UNAVAILABLE


# The end.


@pytest.mark.parametrize(
    ("given", "confirmed"),
    [
        (answer(True), True),
        (answer({"success": True}), True),
        (answer({"success": False}), False),
        (answer({"error": {"code": 190}}, 400), False),
        (answer(b"<html>"), False),
    ],
)
def test_a_revocation_is_believed_in_either_form(given: Answer, confirmed: bool) -> None:
    held = talk(FACEBOOK.revoke(CLIENT, USER), given)
    assert held.result is confirmed
    assert (held.requests[0].method, held.requests[0].bearer) == ("DELETE", "user-1")


def test_there_is_nothing_to_refresh() -> None:
    soon = datetime.now(UTC) - timedelta(seconds=1)
    assert talk(FACEBOOK.refresh(CLIENT, Grant("a", expires_at=soon))).result.reason is (
        Reason.EXPIRED
    )


def test_no_scopes_named_is_nothing_said_of_scopes() -> None:
    said = {"data": {"app_id": "our-id", "is_valid": True, "user_id": "77"}}
    assert (
        talk(
            FACEBOOK.probe(CLIENT, KEPT, "77"), answer([{"code": 200, "body": json.dumps(said)}])
        ).result.scopes
        is None
    )

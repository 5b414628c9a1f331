from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from networks.adapters.linkedin.adapter import LinkedIn
from networks.base import (
    Answer,
    Grant,
    Health,
    Identity,
    Known,
    Reason,
    Refusal,
    TransportError,
    Where,
)
from tests.networks.talk import CLIENT, GRANT, answer, refusal, talk

LINKEDIN = LinkedIn()
ANNA = Identity("anna", "Anna Alm")


def probed(given: Answer | TransportError, grant: Grant = GRANT) -> Any:
    return talk(LINKEDIN.probe(CLIENT, grant, "anna"), given).result


def acl(organization: str, role: str = "ADMINISTRATOR", state: str = "APPROVED") -> dict[str, str]:
    return {
        "role": role,
        "state": state,
        "roleAssignee": "urn:li:person:anna",
        "organization": f"urn:li:organization:{organization}",
    }


def listing(*elements: Any, more: bool = False) -> Answer:
    links = [{"rel": "next", "href": "/rest/organizationAcls?start=1"}] if more else []
    return answer({"elements": list(elements), "paging": {"start": 0, "links": links}})


def pages(*answers: Answer | TransportError) -> list[Any]:
    found = talk(LINKEDIN.reach(CLIENT, GRANT, ANNA), *answers).result
    assert found[0].is_login
    return list(found[1:])


def test_a_probe_is_an_introspection_with_our_client() -> None:
    held = talk(LINKEDIN.probe(CLIENT, GRANT, "anna"), answer({"active": True, "status": "active"}))
    assert held.result.health is Health.ALIVE
    assert held.requests[0].url == "https://www.linkedin.com/oauth/v2/introspectToken"
    assert held.requests[0].form == {
        "token": "access-1",
        "client_id": "our-id",
        "client_secret": "our-secret",
    }


@pytest.mark.parametrize(
    ("status", "reason", "ambiguous"),
    [("revoked", Reason.REVOKED_BY_USER, True), ("expired", Reason.EXPIRED, True)],
)
def test_introspection_names_the_cause_and_a_second_probe_confirms_it(
    status: str, reason: Reason, ambiguous: bool
) -> None:
    verdict = probed(answer({"active": False, "status": status}))
    assert (verdict.reason, verdict.ambiguous) == (reason, ambiguous)


def test_an_end_that_our_own_clock_knows_needs_no_second_probe_but_a_refresh() -> None:
    past = datetime.now(UTC) - timedelta(days=1)
    verdict = probed(answer({"active": False, "status": "expired"}), Grant("a", "r", (), past))
    assert (verdict.reason, verdict.ambiguous) == (Reason.EXPIRED, False)
    assert verdict.renewable


def test_active_false_alone_is_invalid_and_has_to_be_said_twice() -> None:
    verdict = probed(answer({"active": False}))
    assert (verdict.reason, verdict.ambiguous) == (Reason.INVALID_TOKEN_UNSPECIFIED, True)


@pytest.mark.parametrize(
    "given",
    [
        answer({"active": "false"}),
        answer({"active": True, "status": "revoked"}),
        answer({"active": False, "status": "active"}),
        answer({"active": False, "status": "paused"}),
        answer({"active": False, "status": ["revoked"]}),
        answer({}),
        answer({"sub": "anna"}),
        answer(b"<html>"),
        answer({"error": "invalid_client"}, 401),
        answer({"error": "invalid_request"}, 400),
        answer({"code": "NONEXISTENT_VERSION"}, 426),
        answer({}, 504),
        TransportError("timeout"),
    ],
)
def test_a_probe_that_proves_nothing_is_unclear(given: Answer | TransportError) -> None:
    assert probed(given).health is Health.UNCLEAR


def test_a_refresh_token_that_is_dead_answers_invalid_request_and_is_known_by_its_words() -> None:
    words = "The provided authorization grant or refresh token is invalid, expired or revoked"
    body = {"error": "invalid_request", "error_description": words}
    verdict = talk(LINKEDIN.refresh(CLIENT, GRANT), answer(body, 400)).result
    assert verdict.reason is Reason.INVALID_TOKEN_UNSPECIFIED


@pytest.mark.parametrize(("life", "days"), [(525600, 365), (31536000, 365), (5184000, 60)])
def test_a_refresh_life_in_minutes_is_read_as_a_year(life: int, days: int) -> None:
    body = {"access_token": "new", "refresh_token": "r", "refresh_token_expires_in": life}
    grant = talk(LINKEDIN.exchange(CLIENT, {"code": "c"}, {}), answer(body)).result
    assert grant.refresh_expires_at is not None
    assert round((grant.refresh_expires_at - datetime.now(UTC)) / timedelta(days=1)) == days


def test_near_its_end_a_refresh_never_makes_the_refresh_token_live_longer() -> None:
    soon = datetime.now(UTC) + timedelta(days=5)
    old = Grant("a", "r", refresh_expires_at=soon)
    body = {"access_token": "new", "refresh_token": "r", "refresh_token_expires_in": 432000}
    assert talk(LINKEDIN.refresh(CLIENT, old), answer(body)).result.refresh_expires_at == soon

    unknown = talk(LINKEDIN.refresh(CLIENT, Grant("a", "r")), answer(body)).result
    assert unknown.refresh_expires_at < soon + timedelta(minutes=1)


def test_a_person_is_named_by_userinfo() -> None:
    held = talk(LINKEDIN.identify(CLIENT, GRANT), answer({"sub": "anna", "name": "Anna Alm"}))
    assert held.result == ANNA
    assert held.requests[0].bearer == "access-1"


def test_a_token_that_reads_revoked_seconds_after_its_issue_is_try_again() -> None:
    revoked = answer({"serviceErrorCode": 65601, "status": 401}, 401)
    refused = refusal(LINKEDIN.identify(CLIENT, GRANT), revoked)
    assert refused.refusal is Refusal.NETWORK_UNAVAILABLE


def test_pages_come_with_their_role_and_without_super_admin_it_is_named() -> None:
    first, second = pages(
        listing(acl("1"), acl("2", "CONTENT_ADMINISTRATOR")),
        answer({"localizedName": "Alpenglück", "vanityName": "alpenglueck"}),
        answer({"localizedName": "Nordwind"}),
    )
    assert (first.kind, first.remote_id, first.name) == ("page", "1", "Alpenglück")
    assert first.url == "https://www.linkedin.com/company/alpenglueck"
    assert (first.role, first.missing_role) == ("ADMINISTRATOR", "")
    assert (second.role, second.missing_role) == ("CONTENT_ADMINISTRATOR", "ADMINISTRATOR")


def test_super_admin_counts_where_there_is_another_role_too() -> None:
    entries = listing(acl("1", "ANALYST"), acl("1"), acl("1", "CURATOR"))
    (page,) = pages(entries, answer({"localizedName": "Alpenglück"}))
    assert page.missing_role == ""


def test_a_role_that_was_asked_for_or_taken_back_is_none() -> None:
    assert pages(listing(acl("1", state="REQUESTED"), acl("2", state="REVOKED"))) == []


def test_the_listing_is_read_to_its_last_page(settings: Any) -> None:
    settings.LINKEDIN_VERSION = "202611"
    held = talk(
        LINKEDIN.reach(CLIENT, GRANT, ANNA),
        listing(acl("1"), more=True),
        listing(acl("2")),
        answer({"localizedName": "One"}),
        answer({"localizedName": "Two"}),
    )
    assert [one.name for one in held.result] == ["Anna Alm", "One", "Two"]
    assert [request.params.get("start") for request in held.requests[:2]] == ["0", "1"]
    assert {request.headers["LinkedIn-Version"] for request in held.requests} == {"202611"}


def test_a_listing_that_never_ends_is_not_one() -> None:
    endless = [listing(*[acl(str(n)) for n in range(100)], more=True)] * 10
    assert refusal(LINKEDIN.reach(CLIENT, GRANT, ANNA), *endless).refusal is Refusal.NOT_UNDERSTOOD


def test_entries_that_make_no_sense_are_left_out() -> None:
    odd = [None, 7, {}, {"organization": "urn:li:person:1", "role": "X"}, {"organization": ["x"]}]
    assert pages(listing(*odd)) == []


def test_a_page_without_a_readable_name_is_called_by_its_number() -> None:
    found = pages(listing(acl("1"), acl("2")), answer({}, 403), answer(b"<html>"))
    assert [page.name for page in found] == ["1", "2"]


def test_when_time_is_up_the_pages_count_and_their_names_can_follow() -> None:
    entries = listing(acl("1"), acl("2"), acl("3"))
    found = pages(entries, answer({"localizedName": "One"}), TransportError("too long"))
    assert [page.name for page in found] == ["One", "2", "3"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer({"serviceErrorCode": 100, "status": 403}, 403), Refusal.SCOPE_MISSING),
        (answer({}, 503), Refusal.NETWORK_UNAVAILABLE),
        (answer({"elements": None}), Refusal.NOT_UNDERSTOOD),
        (answer(b"<html>"), Refusal.NETWORK_UNAVAILABLE),
        (TransportError("timeout"), Refusal.NETWORK_UNAVAILABLE),
    ],
)
def test_a_listing_that_fails_is_never_read_as_no_pages(
    given: Answer | TransportError, expected: Refusal
) -> None:
    assert refusal(LINKEDIN.reach(CLIENT, GRANT, ANNA), given).refusal is expected


def test_what_is_granted_today_comes_from_introspection() -> None:
    """Its scopes are joined by commas, whatever the request joined them by."""
    said = {"active": True, "status": "active", "scope": "openid,profile,w_member_social"}
    assert probed(answer(said)).scopes == ("openid", "profile", "w_member_social")
    assert probed(answer({"active": True})).scopes is None
    assert probed(answer({"active": True, "scope": ["openid"]})).scopes is None


@pytest.mark.parametrize("status", ["revoked", "expired", None])
def test_a_token_issued_seconds_ago_is_not_dead_yet(status: str | None) -> None:
    said = answer({"active": False, "status": status} if status else {"active": False})
    fresh, old = (Known(age=timedelta(minutes=minutes)) for minutes in (1, 6))
    assert LINKEDIN.read(Where.PROBE, said, fresh).reason is Reason.NOT_A_TOKEN_PROBLEM
    assert LINKEDIN.read(Where.PROBE, said, old).health is Health.DEAD
    assert probed(said).ambiguous, "whoever knows no age has to ask twice"


def test_a_limit_of_the_day_is_lifted_at_midnight_utc() -> None:
    words = "Resource level throttle APPLICATION DAY limit for calls to this resource is reached."
    verdict = probed(answer({"serviceErrorCode": 101, "message": words, "status": 429}, 429))
    now = datetime.now(UTC)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    assert verdict.reason is Reason.RATE_LIMITED
    assert abs(now + timedelta(seconds=verdict.retry_after) - midnight) < timedelta(seconds=5)
    assert probed(answer({"serviceErrorCode": 101}, 429)).retry_after is None


@pytest.mark.parametrize(
    ("version", "today", "words"),
    [
        ("202608", date(2027, 6, 15), ""),
        ("202608", date(2027, 6, 17), "until about 2027-08-15"),
        ("202511", date(2026, 11, 23), "until about 2026-11-15"),
        ("2026-08", date(2026, 11, 23), "has to be a month"),
        ("202613", date(2026, 11, 23), "has to be a month"),
    ],
)
def test_the_operator_is_warned_before_our_version_of_the_api_ends(
    settings: Any, version: str, today: date, words: str
) -> None:
    settings.LINKEDIN_VERSION = version
    warning = LINKEDIN.trouble_ahead(today)
    assert words in warning
    assert bool(warning) is bool(words)

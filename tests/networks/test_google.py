"""What YouTube and Google Business Profile share, asked of both."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from networks.adapters.google_business.adapter import GoogleBusiness
from networks.adapters.youtube.adapter import YouTube
from networks.base import Answer, Grant, Health, Known, Network, Reason, TransportError, Where
from tests.networks.talk import CLIENT, GRANT, answer, exchange_refusal, talk

both = pytest.mark.parametrize("network", [YouTube(), GoogleBusiness()], ids=lambda n: n.slug)
INFO = {"aud": "our-id", "azp": "our-id", "sub": "118", "scope": "openid a", "expires_in": "3000"}
EVENT = "https://schemas.openid.net/secevent/"


def read(network: Network, where: Where, body: Any, status: int = 200) -> Reason | None:
    given = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return network.read(where, Answer(status, {}, given)).reason


def api(code: int, message: str, *reasons: str, **more: Any) -> dict[str, Any]:
    errors = [{"message": message, "domain": "global", "reason": reason} for reason in reasons]
    return {"error": {"code": code, "message": message, "errors": errors, **more}}


def info(*reasons: str) -> list[dict[str, str]]:
    kind = "type.googleapis.com/google.rpc.ErrorInfo"
    return [{"@type": kind, "reason": reason} for reason in reasons]


# Asking for consent.


@both
def test_people_choose_the_account_and_consent_every_time(network: Network) -> None:
    authorization = talk(network.authorize(CLIENT, "our-state")).result
    query = parse_qs(urlsplit(authorization.url).query)
    assert query["prompt"] == ["select_account consent"]
    assert query["access_type"] == ["offline"]
    assert query["code_challenge_method"] == ["S256"]
    assert "include_granted_scopes" not in query
    assert "openid" in query["scope"][0].split()


@both
def test_an_answer_of_another_issuer_is_not_google(network: Network) -> None:
    assert network.sent({"code": "c"})
    assert network.sent({"code": "c", "iss": "https://accounts.google.com"})
    assert not network.sent({"code": "c", "iss": "https://accounts.google.com.evil.example"})


# Probe and refresh.


@both
def test_the_probe_is_tokeninfo_and_the_token_is_in_no_address(network: Network) -> None:
    held = talk(network.probe(CLIENT, GRANT, "118"), answer(INFO))
    [request] = held.requests
    assert (request.method, request.url) == ("POST", "https://oauth2.googleapis.com/tokeninfo")
    assert (request.bearer, request.form, request.params) == ("access-1", {}, {})
    assert held.result.health is Health.ALIVE
    assert held.result.scopes == ("openid", "a")


@both
@pytest.mark.parametrize(
    "body",
    [
        {**INFO, "aud": "another", "azp": "another"},
        {**INFO, "scope": None},
        {"sub": "118"},
        {},
        [INFO],
    ],
)
def test_the_token_of_another_client_is_not_alive(network: Network, body: Any) -> None:
    assert talk(network.probe(CLIENT, GRANT, "118"), answer(body)).result.health is Health.UNCLEAR


def test_a_business_login_is_alive_only_as_itself() -> None:
    held = talk(GoogleBusiness().probe(CLIENT, GRANT, "another"), answer(INFO))
    assert held.result.health is Health.UNCLEAR


@both
def test_an_ended_access_token_asks_for_a_refresh(network: Network) -> None:
    bad = answer({"error": "invalid_token", "error_description": "Invalid Value"}, 400)
    verdict = talk(network.probe(CLIENT, GRANT, "118"), bad).result
    assert (verdict.reason, verdict.renewable) == (Reason.INVALID_TOKEN_UNSPECIFIED, True)
    past = datetime.now(UTC) - timedelta(minutes=1)
    ended = Grant("a", "r", (), past)
    assert talk(network.probe(CLIENT, ended, "118"), bad).result.reason is Reason.EXPIRED


@both
def test_a_refresh_keeps_the_refresh_token_where_none_comes(network: Network) -> None:
    old = Grant("access-1", "refresh-1", ("a", "b"))
    new = {"access_token": "access-2", "expires_in": 3599, "scope": "a", "token_type": "Bearer"}
    grant = talk(network.refresh(CLIENT, old), answer(new)).result
    assert (grant.access_token, grant.refresh_token) == ("access-2", "refresh-1")
    assert grant.scopes == ("a",)
    grant = talk(network.refresh(CLIENT, old), answer({**new, "refresh_token": "r-2"})).result
    assert grant.refresh_token == "r-2"


@both
def test_a_consent_for_a_while_names_its_end(network: Network) -> None:
    scope = " ".join(network.scopes)
    body = {"access_token": "a", "refresh_token": "r", "expires_in": 3599, "scope": scope}
    ends = {**body, "refresh_token_expires_in": 604_799}
    grant = talk(network.exchange(CLIENT, {"code": "c"}, {}), answer(ends)).result
    left = grant.refresh_expires_at - datetime.now(UTC)
    assert timedelta(days=6) < left < timedelta(days=7)
    grant = talk(network.exchange(CLIENT, {"code": "c"}, {}), answer(body)).result
    assert grant.refresh_expires_at is None


@both
def test_a_scope_that_was_unticked_is_missing(network: Network) -> None:
    body = {"access_token": "a", "refresh_token": "r", "scope": "openid"}
    assert exchange_refusal(network, {"code": "c"}, answer(body)).value == "scope_missing"
    assert exchange_refusal(network, {"error": "access_denied"}).value == "cancelled"


def test_only_a_business_login_is_revoked_by_its_longer_living_token() -> None:
    held = talk(GoogleBusiness().revoke(CLIENT, GRANT), answer({}))
    assert held.result is True
    assert held.requests[0].form is not None
    assert held.requests[0].form["token"] == "refresh-1"
    assert talk(YouTube().revoke(CLIENT, GRANT)).result is False


# What the token endpoint says.

DEAD_GRANT = {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}


@both
@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, DEAD_GRANT, Reason.INVALID_TOKEN_UNSPECIFIED),
        (200, DEAD_GRANT, Reason.INVALID_TOKEN_UNSPECIFIED),
        (400, {"error": "invalid_grant"}, Reason.INVALID_TOKEN_UNSPECIFIED),
        (400, "invalid_grant: Bad Request", Reason.INVALID_TOKEN_UNSPECIFIED),
        (
            400,
            "RefreshError: ('invalid_grant: Token has been expired or revoked.', {'error': "
            "'invalid_grant', 'error_description': 'Token has been expired or revoked.'})",
            Reason.INVALID_TOKEN_UNSPECIFIED,
        ),
        (
            400,
            "Request failed with status code 400 { error: 'invalid_grant' }",
            Reason.INVALID_TOKEN_UNSPECIFIED,
        ),
        (
            400,
            {"error": "invalid_grant", "error_description": "Account has been deleted"},
            Reason.ACCOUNT_SUSPENDED,
        ),
        (400, "invalid_grant: The account has been deleted", Reason.ACCOUNT_SUSPENDED),
        (
            400,
            {"error": "access_denied", "error_description": "Account restricted"},
            Reason.ACCOUNT_SUSPENDED,
        ),
        (
            400,
            {
                "error": "invalid_grant",
                "error_description": "reauth related error (invalid_rapt)",
                "error_subtype": "invalid_rapt",
            },
            Reason.EXPIRED,
        ),
        (400, {"error": "invalid_grant", "error_subtype": "rapt_required"}, Reason.EXPIRED),
        (400, {"error": "admin_policy_enforced"}, Reason.PERMISSION_LOST),
        (401, {"error": "deleted_client"}, Reason.APP_DISABLED),
        (401, {"error": "disabled_client"}, Reason.APP_DISABLED),
        (
            401,
            {"error": {"code": 401, "message": 'message: \'{"error" : "deleted_client"}\''}},
            Reason.APP_DISABLED,
        ),
        (401, {"error": "invalid_client"}, Reason.APP_DISABLED),
        (401, {"error": "unauthorized_client"}, Reason.APP_DISABLED),
        (400, {"error": "internal_failure"}, Reason.NETWORK_OUTAGE),
        (400, {"error": "invalid_request"}, Reason.NOT_A_TOKEN_PROBLEM),
        (
            400,
            {"error": "invalid_grant", "error_description": "Malformed auth code."},
            Reason.NOT_A_TOKEN_PROBLEM,
        ),
        (
            400,
            {
                "error": "invalid_grant",
                "error_description": "Invalid JWT: Token must be a short-lived token.",
            },
            Reason.NOT_A_TOKEN_PROBLEM,
        ),
        (400, "<html>Bad Request</html>", Reason.NOT_A_TOKEN_PROBLEM),
        (403, "<!doctype html><title>Error 403</title>", Reason.NETWORK_OUTAGE),
        (200, {}, Reason.NOT_UNDERSTOOD),
        (200, {"access_token": "a"}, None),
    ],
)
def test_what_a_refused_refresh_means(
    network: Network, status: int, body: Any, reason: Reason | None
) -> None:
    assert read(network, Where.REFRESH, body, status) is reason


@both
def test_expired_or_revoked_is_expired_where_our_own_clock_agrees(network: Network) -> None:
    given = answer(DEAD_GRANT, 400)
    verdict = network.read(Where.REFRESH, given, Known(refresh_ended=True))
    assert (verdict.reason, verdict.ambiguous) == (Reason.EXPIRED, False)
    assert network.read(Where.REFRESH, given).ambiguous


@both
def test_no_refused_code_speaks_of_a_stored_token(network: Network) -> None:
    for body in (DEAD_GRANT, {"error": "invalid_grant", "error_description": "Bad Request"}):
        assert read(network, Where.CODE_EXCHANGE, body, 400) is Reason.NOT_A_TOKEN_PROBLEM


# What the APIs say.

NOT_USED = "My Business API has not been used in project 1 before or it is disabled."
NO_CALLER = "Method doesn't allow unregistered callers (callers without established identity)."
PRINTED = (
    '<HttpError 403 when requesting https://youtube.googleapis.com/ returned "The request '
    "cannot be completed because you have exceeded your quota.\". Details: \"[{'domain': "
    "'youtube.quota', 'reason': 'quotaExceeded'}]\">"
)
DENIED = {"status": "PERMISSION_DENIED"}


@both
@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (401, api(401, "Invalid Credentials", "authError"), Reason.INVALID_TOKEN_UNSPECIFIED),
        (200, api(401, "Invalid Credentials", "authError"), Reason.INVALID_TOKEN_UNSPECIFIED),
        (
            401,
            {"error": "invalid_request", "error_description": "Invalid Credentials"},
            Reason.INVALID_TOKEN_UNSPECIFIED,
        ),
        (400, {"error_description": "Invalid Value"}, Reason.INVALID_TOKEN_UNSPECIFIED),
        (401, api(401, "x", details=info("ACCESS_TOKEN_EXPIRED")), Reason.EXPIRED),
        (401, api(401, "Login Required", "required"), Reason.NOT_A_TOKEN_PROBLEM),
        (
            401,
            api(401, "x", status="UNAUTHENTICATED", details=info("CREDENTIALS_MISSING")),
            Reason.NOT_A_TOKEN_PROBLEM,
        ),
        (403, api(403, "x", "insufficientPermissions", **DENIED), Reason.PERMISSION_LOST),
        (403, api(403, "The caller does not have permission", **DENIED), Reason.PERMISSION_LOST),
        (401, api(401, "Unauthorized", "youtubeSignupRequired"), Reason.PERMISSION_LOST),
        (403, api(403, "x", "authenticatedUserAccountClosed"), Reason.ACCOUNT_SUSPENDED),
        (403, api(403, "x", "accountDisabled"), Reason.ACCOUNT_SUSPENDED),
        (403, api(403, NOT_USED, "forbidden", **DENIED), Reason.APP_DISABLED),
        (403, api(403, "x", details=info("SERVICE_DISABLED"), **DENIED), Reason.APP_DISABLED),
        (
            403,
            api(403, "Consumer 'project_number:1' has been suspended.", **DENIED),
            Reason.APP_DISABLED,
        ),
        (400, api(400, "API key expired.", details=info("API_KEY_INVALID")), Reason.APP_DISABLED),
        (403, api(403, NO_CALLER, **DENIED), Reason.NOT_A_TOKEN_PROBLEM),
        (403, api(403, "x", "quotaExceeded"), Reason.RATE_LIMITED),
        (400, api(400, "x", "uploadLimitExceeded"), Reason.RATE_LIMITED),
        (403, PRINTED, Reason.RATE_LIMITED),
        (429, api(429, "x", "authError"), Reason.RATE_LIMITED),
        (403, api(403, "x", "backendError"), Reason.NETWORK_OUTAGE),
        (500, api(500, "x", "authError"), Reason.NETWORK_OUTAGE),
        (404, api(404, "Requested entity was not found."), Reason.NOT_A_TOKEN_PROBLEM),
        (400, api(400, "Invalid value for field readMask"), Reason.NOT_A_TOKEN_PROBLEM),
        (
            403,
            {"error": {"errors": [{"domain": "youtube.comment", "reason": "commentsDisabled"}]}},
            Reason.NOT_A_TOKEN_PROBLEM,
        ),
        (403, api(403, "x", "somethingNew"), Reason.NOT_UNDERSTOOD),
        (
            403,
            {"error": {"errors": "x", "details": {"reason": "authError"}}},
            Reason.NOT_UNDERSTOOD,
        ),
        (200, {"kind": "youtube#channelListResponse"}, None),
    ],
)
def test_what_a_refused_call_means(
    network: Network, status: int, body: Any, reason: Reason | None
) -> None:
    assert read(network, Where.API_CALL, body, status) is reason


# What Google sends by itself.


@both
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("oauth/event-type/tokens-revoked", Reason.REVOKED_BY_USER),
        ("oauth/event-type/token-revoked", Reason.REVOKED_BY_USER),
        ("risc/event-type/account-disabled", Reason.ACCOUNT_SUSPENDED),
        ("risc/event-type/account-enabled", None),
        ("risc/event-type/sessions-revoked", Reason.NOT_A_TOKEN_PROBLEM),
        ("risc/event-type/account-credential-change-required", Reason.NOT_A_TOKEN_PROBLEM),
        ("risc/event-type/verification", Reason.NOT_A_TOKEN_PROBLEM),
        ("risc/event-type/something-new", Reason.NOT_A_TOKEN_PROBLEM),
    ],
)
def test_a_security_event_says_what_happened(
    network: Network, kind: str, reason: Reason | None
) -> None:
    claims = {"iss": "https://accounts.google.com/", "events": {EVENT + kind: {"subject": {}}}}
    assert read(network, Where.WEBHOOK, claims) is reason
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    assert read(network, Where.WEBHOOK, f"e30.{middle}.c2ln\n") is reason


@both
def test_of_several_events_the_death_counts(network: Network) -> None:
    kinds = ("risc/event-type/sessions-revoked", "oauth/event-type/tokens-revoked")
    claims: dict[str, Any] = {"events": {EVENT + kind: {"subject": {}} for kind in kinds}}
    assert read(network, Where.WEBHOOK, claims) is Reason.REVOKED_BY_USER


@both
@pytest.mark.parametrize("body", ["", "a.b.c", "a.é.c", "e30.W10.x", {"events": []}, {"events": 1}])
def test_what_is_no_security_event_says_nothing_of_a_token(network: Network, body: Any) -> None:
    unknown = (Reason.NOT_UNDERSTOOD, Reason.NOT_A_TOKEN_PROBLEM)
    assert read(network, Where.WEBHOOK, body) in unknown


@both
def test_no_answer_is_no_death(network: Network) -> None:
    verdict = talk(network.probe(CLIENT, GRANT, "118"), TransportError("timeout")).result
    assert verdict.reason is Reason.NETWORK_OUTAGE

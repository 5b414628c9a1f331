from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from networks.adapters.x.adapter import X
from networks.base import Answer, Grant, Health, Identity, Known, Reachable, Reason, Where
from tests.networks.talk import CLIENT, GRANT, answer, talk

NETWORK = X()
ME = {"data": {"id": "16", "name": "Alpenglück", "username": "alpenglueck"}}
UNAUTHORIZED = {
    "title": "Unauthorized",
    "type": "about:blank",
    "status": 401,
    "detail": "Unauthorized",
}
BAD_TOKEN = {
    "error": "invalid_request",
    "error_description": "Value passed for the token was invalid.",
}


def lasting(**more: float) -> Grant:
    return Grant("access-1", "refresh-1", (), datetime.now(UTC) + timedelta(**more))


def read(where: Where, body: Any, status: int) -> Reason | None:
    given = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return NETWORK.read(where, Answer(status, {}, given)).reason


def problem(kind: str, host: str = "api.x.com") -> dict[str, Any]:
    return {"title": "Forbidden", "detail": "x", "type": f"https://{host}/2/problems/{kind}"}


def code(number: Any, message: str = "x") -> dict[str, Any]:
    return {"errors": [{"code": number, "message": message}]}


# Asking for consent, and the tokens.


def test_a_challenge_goes_along_and_a_refresh_token_is_asked_for() -> None:
    authorization = talk(NETWORK.authorize(CLIENT, "our-state")).result
    query = parse_qs(urlsplit(authorization.url).query)
    assert query["code_challenge_method"] == ["S256"]
    assert "offline.access" in query["scope"][0].split()
    assert "offline.access" in NETWORK.required_scopes


def test_the_client_speaks_basic_and_shows_the_verifier() -> None:
    scope = " ".join(NETWORK.scopes)
    pair = {"access_token": "a", "refresh_token": "r", "expires_in": 7200, "scope": scope}
    held = talk(NETWORK.exchange(CLIENT, {"code": "c"}, {"code_verifier": "v"}), answer(pair))
    [request] = held.requests
    assert request.basic == ("our-id", "our-secret")
    assert request.form is not None
    assert request.form["code_verifier"] == "v"
    assert "client_secret" not in request.form


def test_a_refresh_replaces_both_tokens() -> None:
    pair = {"access_token": "access-2", "refresh_token": "refresh-2", "expires_in": 7200}
    grant = talk(NETWORK.refresh(CLIENT, GRANT), answer(pair)).result
    assert (grant.access_token, grant.refresh_token) == ("access-2", "refresh-2")


def test_a_revocation_takes_back_the_refresh_token() -> None:
    held = talk(NETWORK.revoke(CLIENT, GRANT), answer({"revoked": True}))
    assert held.result is True
    assert held.requests[0].form == {"token": "refresh-1"}


# The probe, which costs money.


def test_a_due_refresh_is_the_probe_and_nothing_is_asked() -> None:
    verdict = talk(NETWORK.probe(CLIENT, lasting(seconds=-1), "16")).result
    assert (verdict.reason, verdict.renewable) == (Reason.EXPIRED, True)


def test_a_pair_of_this_moment_was_the_probe_and_nothing_is_asked() -> None:
    assert talk(NETWORK.probe(CLIENT, lasting(hours=2), "16")).result.health is Health.ALIVE


@pytest.mark.parametrize(
    "grant",
    [GRANT, lasting(hours=1.9), Grant("a", "", (), datetime.now(UTC))],
    ids=["without an end", "in its life", "not to be renewed"],
)
def test_else_it_is_asked_who_this_is(grant: Grant) -> None:
    held = talk(NETWORK.probe(CLIENT, grant, "16"), answer(ME))
    assert held.requests[0].url == "https://api.x.com/2/users/me"
    assert held.result.health is Health.ALIVE
    held = talk(NETWORK.probe(CLIENT, grant, "17"), answer(ME))
    assert held.result.health is Health.UNCLEAR


def test_a_bad_access_token_is_refreshed_before_it_counts() -> None:
    verdict = talk(NETWORK.probe(CLIENT, GRANT, "16"), answer(UNAUTHORIZED, 401)).result
    assert (verdict.reason, verdict.renewable) == (Reason.INVALID_TOKEN_UNSPECIFIED, True)


def test_who_it_is_and_what_it_reaches() -> None:
    identity = talk(NETWORK.identify(CLIENT, GRANT), answer(ME)).result
    assert identity == Identity("16", "Alpenglück")
    url = "https://x.com/i/user/16"
    found = talk(NETWORK.reach(CLIENT, GRANT, identity)).result
    assert found == [Reachable("account", "16", "Alpenglück", url=url, is_login=True)]


# What the answers mean.


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, BAD_TOKEN, Reason.INVALID_TOKEN_UNSPECIFIED),
        (400, {**BAD_TOKEN, "error": "invalid_grant"}, Reason.INVALID_TOKEN_UNSPECIFIED),
        (400, f"X token exchange 400: {json.dumps(BAD_TOKEN)}", Reason.INVALID_TOKEN_UNSPECIFIED),
        (
            400,
            {"error": "invalid_request", "error_description": "Missing required parameter."},
            Reason.NOT_A_TOKEN_PROBLEM,
        ),
        (
            401,
            {
                "error": "unauthorized_client",
                "error_description": "Missing valid authorization header",
            },
            Reason.NOT_A_TOKEN_PROBLEM,
        ),
        (401, {"error": "invalid_client"}, Reason.APP_DISABLED),
        (403, problem("client-forbidden"), Reason.APP_DISABLED),
        (401, UNAUTHORIZED, Reason.NOT_UNDERSTOOD),  # our client, not the token
        (200, {}, Reason.NOT_UNDERSTOOD),
        (503, BAD_TOKEN, Reason.NETWORK_OUTAGE),
    ],
)
def test_what_a_refused_refresh_means(status: int, body: Any, reason: Reason) -> None:
    assert read(Where.REFRESH, body, status) is reason


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (401, UNAUTHORIZED, Reason.INVALID_TOKEN_UNSPECIFIED),
        (
            401,
            "{ title: 'Unauthorized', detail: 'Unauthorized' }",
            Reason.INVALID_TOKEN_UNSPECIFIED,
        ),
        (401, "tweepy.errors.Unauthorized: 401 Unauthorized", Reason.INVALID_TOKEN_UNSPECIFIED),
        (401, code(89), Reason.INVALID_TOKEN_UNSPECIFIED),
        (401, code("32"), Reason.INVALID_TOKEN_UNSPECIFIED),
        (401, code(215), Reason.NOT_A_TOKEN_PROBLEM),
        (403, problem("user-suspended"), Reason.ACCOUNT_SUSPENDED),
        (403, problem("user-suspended", "api.twitter.com"), Reason.ACCOUNT_SUSPENDED),
        (403, code(326), Reason.ACCOUNT_SUSPENDED),
        (403, "[{u'message': u'x', u'code': 326}]", Reason.ACCOUNT_SUSPENDED),
        (403, "this account is temporarily locked. (326)", Reason.ACCOUNT_SUSPENDED),
        (403, problem("app-suspended"), Reason.APP_DISABLED),
        (403, problem("oauth1-permissions"), Reason.APP_DISABLED),
        (403, code(453), Reason.APP_DISABLED),
        (402, problem("credits"), Reason.APP_DISABLED),
        (402, "", Reason.APP_DISABLED),
        (403, problem("usage-capped"), Reason.RATE_LIMITED),
        (403, code(185), Reason.RATE_LIMITED),
        (429, UNAUTHORIZED, Reason.RATE_LIMITED),
        (403, problem("unsupported-authentication"), Reason.NOT_A_TOKEN_PROBLEM),
        (403, {"title": "Forbidden", "detail": "Forbidden"}, Reason.PERMISSION_LOST),
        (
            403,
            {"title": "Forbidden", "detail": "You are not permitted to perform this action."},
            Reason.NOT_A_TOKEN_PROBLEM,
        ),
        (403, {"title": "Forbidden", "detail": "Something new."}, Reason.NOT_A_TOKEN_PROBLEM),
        (403, {"title": "Something new"}, Reason.NOT_UNDERSTOOD),
        (403, code(187), Reason.NOT_A_TOKEN_PROBLEM),
        (403, "Attention Required! | Cloudflare", Reason.NETWORK_OUTAGE),
        (403, "<!doctype html><title>Just a moment...</title>", Reason.NETWORK_OUTAGE),
        (200, {"errors": [problem("resource-not-found")]}, Reason.NOT_A_TOKEN_PROBLEM),
        (200, {"data": [{"id": "1"}], "errors": [problem("resource-not-found")]}, None),
        (200, ME, None),
    ],
)
def test_what_a_call_is_told(status: int, body: Any, reason: Reason | None) -> None:
    assert read(Where.API_CALL, body, status) is reason


def test_a_bare_forbidden_has_to_be_said_twice_and_later_than_the_sign_in() -> None:
    given = answer({"title": "Forbidden", "detail": "Forbidden"}, 403)
    assert NETWORK.read(Where.PROBE, given).ambiguous
    fresh = NETWORK.read(Where.PROBE, given, Known(age=timedelta(seconds=30)))
    assert fresh.health is Health.UNCLEAR


def test_a_throttle_says_when_to_come_again() -> None:
    reset = str(int(datetime.now(UTC).timestamp()) + 600)
    verdict = NETWORK.read(Where.API_CALL, answer({}, 429, x_rate_limit_reset=reset))
    assert verdict.retry_after is not None
    assert 500 < verdict.retry_after <= 600


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"data": {"event_type": "oauth.revoke", "payload": {}}}, Reason.REVOKED_BY_USER),
        ({"event_type": "oauth.revoke"}, Reason.REVOKED_BY_USER),
        ({"user_event": {"revoke": {"source": {"user_id": "16"}}}}, Reason.REVOKED_BY_USER),
        ({"data": {"event_type": "profile.update"}}, Reason.NOT_A_TOKEN_PROBLEM),
        ({"data": [], "user_event": []}, Reason.NOT_A_TOKEN_PROBLEM),
    ],
)
def test_only_a_revocation_ends_a_token_by_push(body: Any, reason: Reason) -> None:
    assert read(Where.WEBHOOK, body, 200) is reason

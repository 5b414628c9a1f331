"""The rules of every OAuth 2.0 conversation, shown on adapters that exist."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from networks.adapters.linkedin.adapter import LinkedIn
from networks.adapters.pinterest.adapter import Pinterest
from networks.adapters.tiktok.adapter import TikTok
from networks.base import Answer, Grant, Health, Reason, Refusal, TransportError
from networks.oauth import code_challenge
from tests.networks.talk import CLIENT, GRANT, answer, exchange_refusal, refusal, talk

LINKEDIN, PINTEREST, TIKTOK = LinkedIn(), Pinterest(), TikTok()
SCOPES = " ".join(LINKEDIN.scopes)
GIVEN = {"access_token": "new", "expires_in": 60, "scope": SCOPES}
CODE = {"code": "abc", "state": "s"}


class WithPkce(LinkedIn):
    code_challenge_method = "S256"


def exchanged(network: Any, body: Any, keep: dict[str, str] | None = None) -> Grant:
    grant = talk(network.exchange(CLIENT, CODE, keep or {}), answer(body)).result
    assert isinstance(grant, Grant)
    return grant


def about(moment: datetime | None, life: timedelta) -> bool:
    return moment is not None and abs(moment - datetime.now(UTC) - life) < timedelta(seconds=5)


def test_the_browser_is_sent_with_every_scope_and_our_state() -> None:
    authorization = talk(TIKTOK.authorize(CLIENT, "our state")).result
    query = parse_qs(urlsplit(authorization.url).query)
    assert authorization.url.startswith("https://www.tiktok.com/v2/auth/authorize/?")
    assert query["client_key"] == ["our-id"]
    assert query["scope"] == [",".join(TIKTOK.scopes)]
    assert query["state"] == ["our state"]
    assert query["redirect_uri"] == [CLIENT.redirect_uri]
    assert authorization.keep == {}


def test_a_network_that_takes_pkce_gets_a_challenge_and_later_the_verifier() -> None:
    authorization = talk(WithPkce().authorize(CLIENT, "s")).result
    query = parse_qs(urlsplit(authorization.url).query)
    verifier = authorization.keep["code_verifier"]
    assert query["code_challenge"] == [code_challenge(verifier)]
    assert query["code_challenge_method"] == ["S256"]

    held = talk(WithPkce().exchange(CLIENT, CODE, authorization.keep), answer(GIVEN))
    assert held.requests[0].form is not None
    assert held.requests[0].form["code_verifier"] == verifier
    assert verifier not in repr(authorization)


def test_the_challenge_is_the_one_of_rfc_7636_appendix_b() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize(
    ("network", "form", "basic"),
    [
        (LINKEDIN, {"client_id": "our-id", "client_secret": "our-secret"}, None),
        (TIKTOK, {"client_key": "our-id", "client_secret": "our-secret"}, None),
        (PINTEREST, {"continuous_refresh": "true"}, ("our-id", "our-secret")),
    ],
)
def test_each_network_is_asked_for_a_token_in_its_own_dialect(
    network: Any, form: dict[str, str], basic: tuple[str, str] | None
) -> None:
    body = {"access_token": "new", "scope": ",".join(network.scopes)}
    request = talk(network.exchange(CLIENT, CODE, {}), answer(body)).requests[0]
    standard = {"grant_type": "authorization_code", "code": "abc"}
    assert request.url == network.token_endpoint
    assert request.form == {**standard, "redirect_uri": CLIENT.redirect_uri, **form}
    assert request.basic == basic


def test_client_authentication_is_the_same_for_exchange_refresh_and_revocation() -> None:
    held = [
        talk(TIKTOK.refresh(CLIENT, GRANT), answer({"access_token": "new"})),
        talk(TIKTOK.revoke(CLIENT, GRANT), answer({})),
    ]
    for one in held:
        form = one.requests[0].form
        assert form is not None
        assert (form["client_key"], form["client_secret"]) == ("our-id", "our-secret")
        assert "client_id" not in form


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("access_denied", Refusal.CANCELLED),
        ("user_cancelled_login", Refusal.CANCELLED),
        ("user_cancelled_authorize", Refusal.CANCELLED),
        ("server_error", Refusal.NETWORK_UNAVAILABLE),
        ("unauthorized_scope_error", Refusal.APP_MISCONFIGURED),
        ("something_new", Refusal.NOT_UNDERSTOOD),
    ],
)
def test_an_error_in_the_callback_is_read_before_anything_else(
    error: str, expected: Refusal
) -> None:
    callback = {"error": error, "error_description": "words", "code": "abc"}
    assert exchange_refusal(LINKEDIN, callback) is expected


@pytest.mark.parametrize("callback", [{}, {"code": ""}, {"code": "a b"}, {"code": "\ud800"}])
def test_a_callback_without_a_code_is_refused_and_nothing_is_asked(
    callback: dict[str, str],
) -> None:
    assert exchange_refusal(LINKEDIN, callback) is Refusal.NOT_UNDERSTOOD


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer({"error": "invalid_grant"}, 400), Refusal.CODE_REFUSED),
        (answer({"error": "invalid_request"}, 400), Refusal.CODE_REFUSED),
        (answer({"error": "invalid_grant"}, 200), Refusal.CODE_REFUSED),
        (answer({"error": "invalid_client"}, 401), Refusal.APP_MISCONFIGURED),
        (answer({"error": "invalid_client", "access_token": "x"}), Refusal.APP_MISCONFIGURED),
        (answer({}, 503), Refusal.NETWORK_UNAVAILABLE),
        (answer({}, 429), Refusal.NETWORK_UNAVAILABLE),
        (TransportError("timeout"), Refusal.NETWORK_UNAVAILABLE),
        (answer({"scope": SCOPES}), Refusal.NOT_UNDERSTOOD),
        (answer({"access_token": None}), Refusal.NOT_UNDERSTOOD),
        (answer({"access_token": "a\nb"}), Refusal.NOT_UNDERSTOOD),
        (answer({"access_token": ["x"]}), Refusal.NOT_UNDERSTOOD),
        (answer([]), Refusal.NOT_UNDERSTOOD),
        (answer(b"<html>"), Refusal.NETWORK_UNAVAILABLE),
        (answer(b"<html>", 400), Refusal.NETWORK_UNAVAILABLE),
        (answer(b"\xff\xfe\x00"), Refusal.NOT_UNDERSTOOD),
        (answer({}, 404), Refusal.NOT_UNDERSTOOD),
        (answer(b"", 302, location="https://elsewhere.example"), Refusal.NOT_UNDERSTOOD),
    ],
)
def test_what_the_token_endpoint_refuses_is_told_apart(
    given: Answer | TransportError, expected: Refusal
) -> None:
    assert exchange_refusal(LINKEDIN, CODE, given) is expected


def test_a_consent_with_fewer_scopes_names_the_missing_ones() -> None:
    body = {**GIVEN, "scope": "openid,profile,rw_organization_admin,w_member_social"}
    refused = refusal(LINKEDIN.exchange(CLIENT, CODE, {}), answer(body))
    assert refused.refusal is Refusal.SCOPE_MISSING
    assert refused.missing == ("w_organization_social",)


def test_a_scope_that_only_an_optional_capability_needs_refuses_nothing() -> None:
    given = exchanged(LINKEDIN, {**GIVEN, "scope": " ".join(LINKEDIN.required_scopes)})
    assert "r_organization_social" not in given.scopes


def test_a_scope_that_is_not_named_is_the_one_asked_for() -> None:
    assert exchanged(LINKEDIN, {"access_token": "new"}).scopes == LINKEDIN.scopes


def test_clocks_come_from_the_answer() -> None:
    body = {**GIVEN, "expires_in": "5184000", "refresh_token": "r"}
    grant = exchanged(LINKEDIN, {**body, "refresh_token_expires_in": 31536000})
    assert about(grant.expires_at, timedelta(days=60))
    assert about(grant.refresh_expires_at, timedelta(days=365))


@pytest.mark.parametrize("nonsense", [None, "soon", -3, [], {}, True, 10**30])
def test_a_clock_that_makes_no_sense_is_unknown_and_connects_all_the_same(nonsense: Any) -> None:
    assert exchanged(LINKEDIN, {**GIVEN, "expires_in": nonsense}).expires_at is None


def test_a_rotated_refresh_token_replaces_the_old_one_with_its_clock() -> None:
    body = {"access_token": "new", "refresh_token": "refresh-2", "refresh_expires_in": 60}
    renewed = talk(TIKTOK.refresh(CLIENT, GRANT), answer(body)).result
    assert (renewed.access_token, renewed.refresh_token) == ("new", "refresh-2")
    assert about(renewed.refresh_expires_at, timedelta(seconds=60))


@pytest.mark.parametrize("given", ["", None, "refresh-1", 7])
def test_where_no_new_refresh_token_comes_the_old_one_is_kept_with_its_clock(given: Any) -> None:
    end = datetime.now(UTC) + timedelta(days=9)
    old = Grant("access-1", "refresh-1", ("a", "b"), refresh_expires_at=end)
    body = {"access_token": "new", "refresh_token": given, "refresh_token_expires_in": 10**7}
    renewed = talk(LINKEDIN.refresh(CLIENT, old), answer(body)).result
    assert (renewed.refresh_token, renewed.refresh_expires_at) == ("refresh-1", end)
    assert renewed.scopes == ("a", "b")


@pytest.mark.parametrize("body", [{"error": "invalid_grant"}, {"error": {"code": "invalid_grant"}}])
@pytest.mark.parametrize("status", [200, 400, 401])
def test_a_refused_refresh_is_dead_whatever_its_status(status: int, body: Any) -> None:
    verdict = talk(TIKTOK.refresh(CLIENT, GRANT), answer(body, status)).result
    assert (verdict.health, verdict.reason) == (Health.DEAD, Reason.INVALID_TOKEN_UNSPECIFIED)
    assert verdict.ambiguous


def test_a_refresh_refused_after_its_recorded_end_is_expired() -> None:
    past = datetime.now(UTC) - timedelta(days=1)
    old = Grant("access-1", "refresh-1", refresh_expires_at=past)
    verdict = talk(TIKTOK.refresh(CLIENT, old), answer({"error": "invalid_grant"}, 400)).result
    assert (verdict.reason, verdict.ambiguous) == (Reason.EXPIRED, False)


@pytest.mark.parametrize(
    "given",
    [
        answer({"error": "invalid_client"}, 401),
        answer({"error": "invalid_request"}, 400),
        answer({}, 500),
        answer(b"<html>", 400),
        answer({"token_type": "Bearer"}),
        TransportError("timeout"),
    ],
)
def test_a_refresh_that_proves_nothing_is_unclear(given: Answer | TransportError) -> None:
    assert talk(TIKTOK.refresh(CLIENT, GRANT), given).result.health is Health.UNCLEAR


def test_without_a_refresh_token_nothing_is_asked() -> None:
    past = datetime.now(UTC) - timedelta(days=1)
    assert talk(LINKEDIN.refresh(CLIENT, Grant("a"))).result.health is Health.UNCLEAR
    ended = talk(LINKEDIN.refresh(CLIENT, Grant("a", expires_at=past))).result
    assert ended.reason is Reason.EXPIRED


@pytest.mark.parametrize(
    ("given", "confirmed"),
    [
        (answer({}), True),
        (answer(b""), True),
        (answer({"error": "invalid_request"}), False),
        (answer({}, 400), False),
        (answer({}, 503), False),
        (answer(b"<html>back soon</html>"), False),
        (TransportError("timeout"), False),
    ],
)
def test_a_revocation_counts_only_where_the_network_confirmed_it(
    given: Answer | TransportError, confirmed: bool
) -> None:
    assert talk(LINKEDIN.revoke(CLIENT, GRANT), given).result is confirmed


def test_a_network_that_cannot_revoke_is_not_asked() -> None:
    assert talk(PINTEREST.revoke(CLIENT, GRANT)).result is False

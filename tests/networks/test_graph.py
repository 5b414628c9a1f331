"""The Graph API's errors, as Facebook, Instagram and Threads share them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from networks.base import Answer, Client, Health, Known, Reason, Where
from networks.families.graph import appsecret_proof, graph_reason
from networks.families.graph_usage import budget_left, regained_in
from networks.families.signed_request import payload_in, verified
from networks.registry import NETWORKS
from tests.networks.talk import answer

DEAD = Reason.INVALID_TOKEN_UNSPECIFIED
NOT = Reason.NOT_A_TOKEN_PROBLEM


def fault(code: Any = None, subcode: Any = None, message: str = "", **more: Any) -> dict[str, Any]:
    error = {"message": message, "type": "OAuthException", "fbtrace_id": "A1", **more}
    numbers = {"code": code, "error_subcode": subcode}
    return {"error": error | {name: one for name, one in numbers.items() if one is not None}}


def read(body: Any, status: int = 400, where: Where = Where.API_CALL, **headers: str) -> Any:
    return NETWORKS["facebook"].read(where, answer(body, status, **headers)).reason


GONE_OBJECT = (
    "Unsupported get request. Object with ID '7' does not exist, cannot be loaded due to missing "
    "permissions, or does not support this operation"
)
# code, subcode, message, reason: neighbours of the recorded answers, none of them among these.
CASES: list[tuple[Any, Any, str, Reason]] = [
    ("190", "463", "", Reason.EXPIRED),  # numbers as strings
    (190, 458, "El usuario no ha autorizado la aplicación.", Reason.REVOKED_BY_USER),
    (190, 464, "Sessions for the user are not allowed", Reason.ACCOUNT_SUSPENDED),
    (190, 466, "", Reason.REVOKED_BY_USER),
    (190, 468, "", Reason.EXPIRED),
    (190, 492, "The user has not authorized application 12", Reason.PERMISSION_LOST),
    (190, 493, "hasn't engaged", Reason.EXPIRED),
    (190, 0, "La sesión ha caducado", DEAD),
    (190, None, "Error validating access token: Session has expired on Friday.", Reason.EXPIRED),
    (190, None, "The session has been invalidated because the user has changed the password.",
     Reason.PASSWORD_CHANGED),
    (190, None, "Any of the pages_read_engagement permission(s) must be granted before "
     "impersonating a user's page.", Reason.PERMISSION_LOST),
    (190, None, "Malformed access token EAAB", DEAD),
    (190, None, "(#190) This method must be called with a Page Access Token", NOT),
    (190, None, "Error validating application. Application has been deleted.",
     Reason.APP_DISABLED),
    (190, None, "Error validating access token: The session was invalidated explicitly using an "
     "API call.", Reason.REVOKED_BY_USER),
    (190, 467, "The session is invalid because the user logged out.", DEAD),
    (200, None, "(#200) Provide valid app ID", NOT),
    (102, None, "A session key is required for calling this method", DEAD),
    (102, None, "A user access token is required to request this resource.", NOT),
    (104, None, "An access token is required to request this resource.", NOT),
    (2500, None, "An active access token must be used to query information", NOT),
    (101, None, "Missing client_id parameter.", Reason.APP_DISABLED),
    (1, None, "Error validating client secret.", Reason.APP_DISABLED),
    (1, None, "An unknown error has occurred.", Reason.NETWORK_OUTAGE),
    (2, 1363047, "Please try again", Reason.NETWORK_OUTAGE),
    (4, None, "(#4) Application request limit reached", Reason.RATE_LIMITED),
    (17, 2446079, "User request limit reached", Reason.RATE_LIMITED),
    (32, None, "(#32) Page request limit reached", Reason.RATE_LIMITED),
    (341, None, "", Reason.RATE_LIMITED),
    (613, None, "Calls to this api have exceeded the rate limit.", Reason.RATE_LIMITED),
    (80002, None, "", Reason.RATE_LIMITED),
    (80014, None, "", Reason.RATE_LIMITED),
    (10, None, "(#10) This endpoint requires the 'pages_read_engagement' permission",
     Reason.PERMISSION_LOST),
    (10, 2018278, "(#10) This message is sent outside of allowed window.", NOT),
    (200, None, "API access deactivated. To reactivate, go to the app dashboard.",
     Reason.APP_DISABLED),
    (283, None, "Requires pages_manage_engagement permission", Reason.PERMISSION_LOST),
    (210, None, "(#210) A page access token is required to request this resource.", NOT),
    (299, None, "", Reason.PERMISSION_LOST),
    (300, None, "", NOT),
    (100, None, "Invalid appsecret_proof provided in the API argument", Reason.APP_DISABLED),
    (100, None, "(#100) Tried accessing nonexisting field (posts)", NOT),
    (100, None, "(#100) Requires pages_manage_posts permission", Reason.PERMISSION_LOST),
    (100, 33, GONE_OBJECT, NOT),
    (100, 36009, "This authorization code has been used.", NOT),
    (368, None, "deemed abusive or is otherwise disallowed", Reason.ACCOUNT_SUSPENDED),
    (368, 1390008, "posting too fast", Reason.RATE_LIMITED),
    (200, 4854002, "confirm your identity", Reason.ACCOUNT_SUSPENDED),
    (506, None, "Duplicate status message", NOT),
    (9, 2207042, "maximum number of posts", Reason.RATE_LIMITED),
    (9007, 2207027, "Media ID is not available", NOT),
    (4, 2207051, "action is blocked", Reason.ACCOUNT_SUSPENDED),
    (25, None, "User access is restricted", Reason.ACCOUNT_SUSPENDED),
    (None, None, "(#4) Application request limit reached", Reason.RATE_LIMITED),
    (None, None, "Error validating access token: The session is invalid", DEAD),
    (None, None, "Permissions error", Reason.PERMISSION_LOST),
    (None, None, "An unexpected error has occurred. Please retry your request later.",
     Reason.NETWORK_OUTAGE),
    (None, None, "Something unheard of", NOT),
]  # fmt: skip


@pytest.mark.parametrize(("code", "subcode", "message", "reason"), CASES)
def test_codes_decide_and_words_only_where_they_are_silent(
    code: Any, subcode: Any, message: str, reason: Reason
) -> None:
    assert read(fault(code, subcode, message)) is reason


SAID = [(190, 460, Reason.PASSWORD_CHANGED), (4, None, Reason.RATE_LIMITED),
        (10, None, Reason.PERMISSION_LOST), (2, None, Reason.NETWORK_OUTAGE)]  # fmt: skip


@pytest.mark.parametrize("slug", ["facebook", "instagram", "threads"])
@pytest.mark.parametrize("status", [400, 401, 403, 500])
@pytest.mark.parametrize(("code", "subcode", "reason"), SAID)
def test_the_status_says_nothing(
    slug: str, status: int, code: int, subcode: int | None, reason: Reason
) -> None:
    given = answer(fault(code, subcode), status)
    assert NETWORKS[slug].read(Where.API_CALL, given).reason is reason


def test_an_error_that_calls_itself_transient_is_an_outage_whatever_it_says() -> None:
    said = fault(190, 463, "Error validating access token: expired", is_transient=True)
    assert read(said) is Reason.NETWORK_OUTAGE
    assert read(fault(190, 463, is_transient=False)) is Reason.EXPIRED
    assert read(fault(4, is_transient=True)) is Reason.RATE_LIMITED


INNER = {"code": 190, "message": "Error validating access token", "subcode": 458}
PRINTED = "{'error': {'message': 'x', 'type': 'OAuthException', 'code': 190, 'error_subcode': 458}}"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"data": {"app_id": "1", "error": INNER, "is_valid": False, "scopes": []}}, 200),
        ({"error": INNER}, 400),
        ([{"code": 400, "body": json.dumps({"error": INNER})}], 200),
        ([None, {"code": 400, "headers": [], "body": json.dumps({"error": INNER})}], 200),
        ({"code": 400, "headers": [], "body": json.dumps({"error": INNER})}, 200),
        ({"code": 190, "error_subcode": 458, "type": "OAuthException", "message": "m"}, 400),
        ({"error_code": 190, "error_subcode": 458, "error_msg": "Error validating"}, 200),
        (b"refresh failed (400): " + json.dumps({"error": INNER}).encode(), 400),
        (PRINTED.encode(), 400),
        (b"Params: {'fields': 'id'} Response: " + json.dumps({"error": INNER}).encode(), 400),
        (b"received error of type OAuthException: gone (code 190, subcode 458) 'null'", 400),
        (b"Graph: error; code=190; subcode=458", 500),
        (b'{"error":{"code":190,"error_subcode":458,"mess', 400),  # it broke off
    ],
)
def test_an_error_is_found_wherever_and_however_it_was_printed(body: Any, status: int) -> None:
    assert read(body, status) is Reason.REVOKED_BY_USER


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"data": {"app_id": "1", "is_valid": True, "scopes": []}}, 200, None),
        ({"data": {"is_valid": False, "scopes": []}}, 200, DEAD),
        ({"data": {"is_valid": False, "error": {"code": 100, "message": "The App_id in the "
          "input_token did not match the Viewing App"}}}, 200, Reason.APP_DISABLED),
        ({"data": {"is_valid": "perhaps"}}, 200, Reason.NOT_UNDERSTOOD),
        ({"data": []}, 200, None),
        ([], 200, Reason.NOT_UNDERSTOOD),
        (b"", 200, Reason.NOT_UNDERSTOOD),
        (b"", 204, None),
        (b"", 400, NOT),
        (b"<!doctype html><title>Session has expired</title>", 200, Reason.NETWORK_OUTAGE),
        (b"<html>Error validating access token: Session has expired</html>", 400,
         Reason.NETWORK_OUTAGE),
        ({"meta": {"code": 200}}, 200, None),
        ({"meta": {"code": 429, "error_type": "OAuthRateLimitException"}}, 429,
         Reason.RATE_LIMITED),
        ({"meta": {"code": 400, "error_type": "OAuthPermissionsException"}}, 400,
         Reason.PERMISSION_LOST),
        ({"error_type": "OAuthException", "code": 400, "error_message": "Invalid platform app"},
         400, Reason.APP_DISABLED),
        (b"status code 400", 400, NOT),
        (b"REVOKED_ACCESS_TOKEN", 0, Reason.REVOKED_BY_USER),
        ({"message": "Please wait a few minutes before you try again."}, 401,
         Reason.RATE_LIMITED),
        ({"id": "1_2", "message": "Error validating access token: a post of that name"}, 200,
         None),
    ],
)  # fmt: skip
def test_what_is_no_error_of_a_token(body: Any, status: int, reason: Reason | None) -> None:
    assert read(body, status) is reason


def test_the_header_of_an_empty_answer_is_read() -> None:
    challenge = 'OAuth "Facebook Platform" "{}" "{}"'
    ended = challenge.format("invalid_token", "Error validating access token: Session has expired")
    assert read(b"", 400, www_authenticate=ended) is Reason.EXPIRED
    limit = challenge.format("invalid_request", "(#4) Application request limit reached")
    assert read(b"", 400, www_authenticate=limit) is Reason.RATE_LIMITED


def test_an_object_that_is_gone_counts_only_where_the_profile_itself_was_asked_for() -> None:
    gone = answer(fault(100, 33, GONE_OBJECT), 400)
    assert graph_reason(gone, of_profile=True) is Reason.PERMISSION_LOST
    assert graph_reason(gone) is NOT
    failing = answer(fault(100, 33, "Authorization Error"), 400)
    assert graph_reason(failing, of_profile=True) is Reason.NETWORK_OUTAGE


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("error=access_denied&error_reason=user_denied&error_code=200", NOT),
        ("error_code=1349126&error_message=App Not Setup: still in development mode",
         Reason.APP_DISABLED),
        ('{"error_message":"No app ID was provided in the request.","error_code":4476002}',
         Reason.APP_DISABLED),
        ("code=abc&state=x", None),
    ],
)  # fmt: skip
def test_what_the_browser_brings_back_is_never_a_word_on_a_stored_token(
    query: str, reason: Reason | None
) -> None:
    assert read(query.encode(), 200, Where.AUTHORIZE_REDIRECT) is reason


def test_a_refused_code_is_no_death() -> None:
    given = answer(fault(190, 463, "Session has expired"), 400)
    for network in (NETWORKS["facebook"], NETWORKS["instagram"], NETWORKS["threads"]):
        assert network.read(Where.CODE_EXCHANGE, given).reason is NOT
        assert network.read(Where.REFRESH, given).reason is Reason.EXPIRED


# Signals, and what is signed.

GONE = {"user_id": "47", "algorithm": "HMAC-SHA256", "issued_at": 1642509597}


def signed(payload: dict[str, Any], secret: str) -> str:
    text = base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=")
    digest = hmac.new(secret.encode(), text, hashlib.sha256).digest()
    return f"{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}.{text.decode()}"


def test_a_signed_request_counts_only_with_our_own_signature() -> None:
    request = signed(GONE, "ours")
    assert verified(request, "ours") == GONE
    assert verified(request, "theirs") == {}
    assert verified(signed({**GONE, "algorithm": "none"}, "ours"), "ours") == {}
    for broken in ("", ".", "a.b", request[:-2], "ü.ü"):
        assert verified(broken, "ours") == {}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (json.dumps(GONE), Reason.REVOKED_BY_USER),
        (f"signed_request={signed(GONE, 'any')}", Reason.REVOKED_BY_USER),
        (json.dumps({"signed_request": signed(GONE, "any")}), Reason.REVOKED_BY_USER),
        (signed({**GONE, "user_id": "", "profile_id": "1"}, "any"), Reason.REVOKED_BY_USER),
        (json.dumps({"object": "permissions", "entry": [{"changes": [{"field": "pages_show_list",
         "value": {"verb": "revoke"}}]}]}), Reason.PERMISSION_LOST),
        (json.dumps({"object": "permissions", "entry": [{"changes": [{"field": "pages_show_list",
         "value": {"verb": "granted"}}]}]}), NOT),
        (json.dumps({"object": "page", "entry": [{"changes": [{"field": "feed"}]}]}), NOT),
        ("signed_request=nonsense", Reason.NOT_UNDERSTOOD),
        ("", Reason.NOT_UNDERSTOOD),
    ],
)  # fmt: skip
def test_a_signal_says_who_put_us_out(body: str, reason: Reason) -> None:
    assert read(body.encode(), 200, Where.WEBHOOK) is reason
    verdict = NETWORKS["threads"].read(Where.WEBHOOK, Answer(200, {}, body.encode()))
    assert (verdict.health is Health.DEAD) is reason.is_dead


def test_a_payload_is_read_without_its_secret_too() -> None:
    assert payload_in(f"signed_request={signed(GONE, 'any')}".encode()) == GONE


def test_the_proof_is_the_tokens_under_the_apps_secret() -> None:
    client = Client("id", "secret")
    expected = hmac.new(b"secret", b"token", hashlib.sha256).hexdigest()
    assert appsecret_proof(client, "token") == expected


# Budgets.

APP = '{"call_count":91,"total_cputime":15,"total_time":12}'
CASE = '{"1":[{"type":"pages","call_count":98,"estimated_time_to_regain_access":0}]}'


@pytest.mark.parametrize(
    ("headers", "left"),
    [
        ({}, None),
        ({"x-app-usage": APP}, 0.09),
        ({"x-app-usage": APP, "x-business-use-case-usage": CASE}, 0.02),
        ({"x-app-usage": '{"call_count":130}'}, 0.0),
        ({"x-app-usage": "[1]", "x-business-use-case-usage": '{"1":[2],"3":4}'}, None),
        ({"x-app-usage": '{"call_count":"many"}'}, None),
    ],
)
def test_the_tightest_budget_says_what_is_left(headers: dict[str, str], left: float | None) -> None:
    assert budget_left(headers) == (left if left is None else pytest.approx(left))


def test_a_throttle_says_when_it_ends() -> None:
    usage = '{"1":[{"type":"instagram","call_count":100,"estimated_time_to_regain_access":3}]}'
    given = answer(fault(4), 400, x_business_use_case_usage=usage)
    assert NETWORKS["instagram"].read(Where.API_CALL, given).retry_after == 180
    assert regained_in({"x-business-use-case-usage": CASE}) is None


def test_a_token_that_is_its_own_refresh_token_heals_nothing() -> None:
    known = Known(refreshable=True)
    given = answer(fault(190, 463), 400)
    assert not NETWORKS["threads"].read(Where.PROBE, given, known).renewable
    assert not NETWORKS["instagram"].read(Where.PROBE, given, known).renewable

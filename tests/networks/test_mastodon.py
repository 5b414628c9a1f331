from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from networks.adapters.mastodon.adapter import Mastodon
from networks.base import (
    Answer,
    Client,
    Grant,
    Health,
    Identity,
    Reason,
    Refusal,
    Refused,
    TransportError,
    Where,
)
from tests.networks.talk import answer, refusal, talk

MASTODON = Mastodon()
ALPEN = Client("id", "secret", "https://tokenwacht.example/cb", "https://alpen.social.example")
NORDSEE = replace(ALPEN, issuer="https://nordsee.social.example")
GRANT = Grant("access-1")
ANNA = {
    "id": "1",
    "username": "anna",
    "display_name": "Anna",
    "url": "https://alpen.social.example/@anna",
}
KNOWN = answer({"access_token": "of the app", "token_type": "Bearer"})


def probed(given: Answer | TransportError, client: Client = ALPEN) -> Any:
    return talk(MASTODON.probe(client, GRANT, "1@alpen.social.example"), given).result


def read(body: Any, status: int = 401, where: Where = Where.PROBE) -> Any:
    return MASTODON.read(where, answer(body, status)).reason


@pytest.mark.parametrize(
    "said",
    [
        "mastodon.social",
        " Mastodon.Social ",
        "https://mastodon.social",
        "https://mastodon.social/@anna",
        "http://mastodon.social/about",
        "mastodon.social/@anna",
        "@anna@mastodon.social",
        "anna@mastodon.social",
    ],
)
def test_a_server_is_found_in_whatever_people_have_at_hand(said: str) -> None:
    assert MASTODON.issuer_in(said) == "https://mastodon.social"


def test_a_server_with_letters_of_its_own_is_asked_under_its_ascii_name() -> None:
    assert MASTODON.issuer_in("@anna@grüne.social") == "https://xn--grne-1ra.social"


@pytest.mark.parametrize(
    "said",
    [
        "",
        "anna",
        "@anna",
        "localhost",
        "https://localhost/@anna",
        "practice.localhost",
        "printer.local",
        "127.0.0.1",
        "https://127.0.0.1/",
        "https://[::1]/",
        "2130706433",
        "mastodon.social:8443",
        "https://mastodon.social:443/@anna",
        "https://anna@mastodon.social/",
        "https://mastodon.social@evil.example/",
        "ftp://mastodon.social",
        "mastodon..social",
        "-a.social",
        "mastodon.social?x",
        "mastodon.social#x",
        "mastodon social",
        "a" * 70 + ".social",
        ".".join(["a" * 50] * 6) + ".social",
    ],
)
def test_what_is_no_public_host_is_refused_before_anybody_is_asked(said: str) -> None:
    with pytest.raises(Refused) as refused:
        MASTODON.issuer_in(said)
    assert refused.value.refusal is Refusal.NO_SUCH_SERVER


def test_only_the_server_itself_is_spoken_with() -> None:
    assert list(MASTODON.hosts_of(ALPEN)) == ["alpen.social.example"]


def test_a_server_gives_us_a_client_of_its_own() -> None:
    given = answer({"client_id": "theirs", "client_secret": "hidden"})
    held = talk(MASTODON.register("https://alpen.social.example", "https://t.example/cb"), given)
    expected = Client("theirs", "hidden", "https://t.example/cb", "https://alpen.social.example")
    assert held.result == expected
    (asked,) = held.requests
    assert asked.url == "https://alpen.social.example/api/v1/apps"
    assert asked.form is not None
    assert asked.form["scopes"].split() == list(MASTODON.scopes)
    assert MASTODON.client_slug("https://alpen.social.example") == ""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (TransportError("dns"), Refusal.NETWORK_UNAVAILABLE),
        (answer(b"<html>", 503), Refusal.NETWORK_UNAVAILABLE),
        (answer({"error": "Too many requests"}, 429), Refusal.NETWORK_UNAVAILABLE),
        (answer({"error": "Validation failed"}, 422), Refusal.APP_MISCONFIGURED),
        (answer(b"<html>not here", 404), Refusal.NO_SUCH_SERVER),
        (answer(b"<html>a shop"), Refusal.NO_SUCH_SERVER),
        (answer({"client_id": "without a secret"}), Refusal.NO_SUCH_SERVER),
        (answer(b"", 301), Refusal.NO_SUCH_SERVER),
    ],
)
def test_what_is_no_mastodon_gives_no_client(
    given: Answer | TransportError, expected: Refusal
) -> None:
    refused = refusal(MASTODON.register("https://shop.example", "https://t.example/cb"), given)
    assert refused.refusal is expected


def test_the_leap_goes_to_the_server_and_wants_a_new_sign_in() -> None:
    held = talk(MASTODON.authorize(ALPEN, "our-state"), KNOWN)
    url = urlsplit(held.result.url)
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert url.netloc == "alpen.social.example"
    assert (query["force_login"], query["code_challenge_method"]) == ("true", "S256")
    assert query["scope"].split() == list(MASTODON.scopes)


def test_a_server_that_forgot_us_is_noticed_before_the_person_is_sent_there() -> None:
    forgotten = answer({"error": "invalid_client", "error_description": "unknown client"}, 401)
    assert refusal(MASTODON.authorize(ALPEN, "s"), forgotten).refusal is Refusal.CLIENT_FORGOTTEN
    gone = TransportError("dns")
    assert refusal(MASTODON.authorize(ALPEN, "s"), gone).refusal is Refusal.NETWORK_UNAVAILABLE
    callback = {"code": "c"}
    refused = refusal(MASTODON.exchange(ALPEN, callback, {"code_verifier": "v"}), forgotten)
    assert refused.refusal is Refusal.CLIENT_FORGOTTEN


def test_the_same_number_on_two_servers_is_two_people() -> None:
    anna = talk(MASTODON.identify(ALPEN, GRANT), answer(ANNA)).result
    nils = talk(MASTODON.identify(NORDSEE, GRANT), answer({**ANNA, "display_name": "Nils"})).result
    assert anna == Identity("1@alpen.social.example", "Anna")
    assert nils == Identity("1@nordsee.social.example", "Nils")
    assert probed(answer(ANNA)).health is Health.ALIVE
    assert probed(answer(ANNA), NORDSEE).reason is Reason.NOT_UNDERSTOOD


def test_the_account_is_reached_with_its_page_and_its_new_name() -> None:
    renamed = answer({**ANNA, "display_name": "Anna H."})
    identity = Identity("1@alpen.social.example", "Anna")
    (account,) = talk(MASTODON.reach(ALPEN, GRANT, identity), renamed).result
    assert (account.remote_id, account.name, account.url) == (
        identity.subject,
        "Anna H.",
        ANNA["url"],
    )


def test_an_answer_of_another_server_is_refused() -> None:
    callback = {"code": "c", "iss": "https://nordsee.social.example"}
    refused = refusal(MASTODON.exchange(ALPEN, callback, {}))
    assert refused.refusal is Refusal.NOT_UNDERSTOOD


def test_tokens_never_end_unless_a_fork_says_so() -> None:
    body = {"access_token": "a", "token_type": "Bearer", "scope": " ".join(MASTODON.scopes)}
    endless = talk(MASTODON.exchange(ALPEN, {"code": "c"}, {}), answer(body)).result
    assert (endless.expires_at, endless.refresh_token) == (None, "")
    fork = {**body, "expires_in": 600, "refresh_token": "r"}
    ending = talk(MASTODON.exchange(ALPEN, {"code": "c"}, {}), answer(fork)).result
    assert ending.refresh_token == "r"
    renewed = talk(MASTODON.refresh(ALPEN, ending), answer({**fork, "refresh_token": "r2"}))
    assert renewed.result.refresh_token == "r2"
    assert renewed.requests[0].url == "https://alpen.social.example/oauth/token"


def test_a_revocation_is_confirmed_by_the_server() -> None:
    held = talk(MASTODON.revoke(ALPEN, GRANT), answer({}))
    assert held.result is True
    assert held.requests[0].form == {
        "token": "access-1",
        "client_id": "id",
        "client_secret": "secret",
    }
    foreign = answer({"error": "unauthorized_client"}, 403)
    assert talk(MASTODON.revoke(ALPEN, GRANT), foreign).result is False


REVOKED, EXPIRED = Reason.REVOKED_BY_USER, Reason.EXPIRED
INVALID = Reason.INVALID_TOKEN_UNSPECIFIED


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The access token was revoked", REVOKED),
        ("The access token expired", EXPIRED),
        ("The access token is invalid", INVALID),
        ("Der Zugriffs-Token wurde widerrufen", REVOKED),
        ("Der Zugriffs-Token ist abgelaufen", EXPIRED),
        ("Der Zugriffs-Token ist ungültig", INVALID),
        ("Le jeton d’accès a été révoqué", REVOKED),
        ("Le jeton d’accès n’est pas valide", INVALID),
        ("El autentificador de acceso expiró", EXPIRED),
        ("O código de acesso foi revogado", REVOKED),
        ("Il token di accesso è scaduto", EXPIRED),
        ("Toegangscode ingetrokken", REVOKED),
        ("Token dostępowy wygasł", EXPIRED),
        ("Токен доступа истек", EXPIRED),
        ("アクセストークンは取り消されています", REVOKED),
        ("访问令牌已过期", EXPIRED),
        ("The access token är återkallad", REVOKED),
    ],
)
def test_a_cause_is_read_in_the_language_of_the_account(text: str, expected: Reason) -> None:
    assert read({"error": text}) is expected


def test_the_challenge_says_it_where_the_body_does_not() -> None:
    challenge = 'Bearer error="invalid_token", error_description="The access token was revoked"'
    verdict = MASTODON.read(Where.PROBE, Answer(401, {"www-authenticate": challenge}))
    assert verdict.reason is REVOKED


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (403, {"error": "Your login is currently disabled"}, Reason.ACCOUNT_SUSPENDED),
        (403, {"error": "This action is outside the authorized scopes"}, Reason.PERMISSION_LOST),
        (403, {"error": "This action is not allowed"}, Reason.NOT_A_TOKEN_PROBLEM),
        (403, {"error": "Something of a fork"}, Reason.NOT_UNDERSTOOD),
        (401, {"error": "Something of a fork"}, Reason.NOT_UNDERSTOOD),
        (403, {"error": "Invalid credentials."}, INVALID),
        (403, {"error": "Insufficient permissions: read:accounts."}, Reason.PERMISSION_LOST),
        (401, {"error": "Unauthorized: token not supplied"}, INVALID),
        (403, {"error": "Forbidden: token has insufficient scope"}, Reason.PERMISSION_LOST),
        (403, {"error": "x", "identifier": "account_is_disabled"}, Reason.ACCOUNT_SUSPENDED),
        (422, {"error": "This method requires an authenticated user"}, Reason.NOT_A_TOKEN_PROBLEM),
        (401, b"<html><title>Sign in</title>", Reason.NETWORK_OUTAGE),
        (404, b"<html>", Reason.NETWORK_OUTAGE),
        (404, b"404", Reason.NETWORK_OUTAGE),
        (404, {"error": "Record not found"}, Reason.NOT_A_TOKEN_PROBLEM),
        (403, {"error": "Token expired"}, Reason.EXPIRED),
        (403, {"error": "Invalid authenticity token"}, Reason.NOT_UNDERSTOOD),
        (200, {"error": "The access token was revoked"}, Reason.REVOKED_BY_USER),
        (200, b"<html>", Reason.NETWORK_OUTAGE),
        (500, "Something went wrong", Reason.NETWORK_OUTAGE),
        (401, {"error": "invalid_client"}, Reason.APP_DISABLED),
    ],
)  # fmt: skip
def test_servers_and_forks_are_read_by_what_they_say(
    status: int, body: Any, expected: Reason
) -> None:
    assert read(body, status) is expected


def test_a_refused_refresh_names_every_cause_and_so_none() -> None:
    text = "The provided authorization grant is invalid, expired, revoked, or was issued to another"
    body = {"error": "invalid_grant", "error_description": text}
    assert read(body, 400, Where.REFRESH) is INVALID
    assert read(body, 400, Where.CODE_EXCHANGE) is Reason.NOT_A_TOKEN_PROBLEM


def test_an_answer_that_names_two_causes_names_none() -> None:
    assert read({"error": "The access token expired, or was revoked"}) is INVALID


def test_a_budget_is_full_again_at_a_date() -> None:
    soon = (datetime.now(UTC) + timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    verdict = probed(Answer(429, {"x-ratelimit-reset": soon}, b'{"error": "Throttled"}'))
    assert verdict.reason is Reason.RATE_LIMITED
    assert verdict.retry_after is not None
    assert 100 < verdict.retry_after <= 120

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from networks import dpop
from networks.adapters.bluesky import whereabouts
from networks.adapters.bluesky.adapter import Bluesky
from networks.base import (
    Answer,
    Client,
    Grant,
    Health,
    Identity,
    Reason,
    Refusal,
    Refused,
    Request,
    TransportError,
    Where,
)
from networks.oauth import code_challenge
from tests.networks.talk import answer, refusal, talk

BLUESKY = Bluesky()
DID, OTHER = f"did:plc:{'a' * 24}", f"did:plc:{'b' * 24}"
PDS, ISSUER = "https://pds.example", "https://entryway.example"
KEY, OWN_KEY = dpop.new_key(), dpop.new_key()
BASE = "https://tokenwacht.example"
REDIRECT = f"{BASE}/oauth/bluesky/callback/"
CLIENT = Client(*BLUESKY.client_at(BASE, OWN_KEY), REDIRECT)
PUBLIC = Client(*BLUESKY.client_at("http://127.0.0.1:8000", ""), REDIRECT)
KEEP = {"dpop_key": KEY, "did": DID, "issuer": ISSUER, "pds": PDS}
GRANT = Grant("access-1", "refresh-1", BLUESKY.scopes, keep=KEEP)
TRIP = {"code_verifier": "v" * 50, "dpop_key": KEY, "issuer": ISSUER, "did": DID}
CALLBACK = {"code": "cod-1", "iss": ISSUER, "state": "s"}

METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/oauth/authorize",
    "token_endpoint": f"{ISSUER}/oauth/token",
    "revocation_endpoint": f"{ISSUER}/oauth/revoke",
    "pushed_authorization_request_endpoint": f"{ISSUER}/oauth/par",
}
SERVER = answer(METADATA)
RESOURCE = answer({"resource": PDS, "authorization_servers": [ISSUER]})
PUSHED = answer({"request_uri": "urn:req:1", "expires_in": 300}, 201)
NONCE = answer({"error": "use_dpop_nonce"}, 400, dpop_nonce="n-1")
TOKENS = {
    "access_token": "access-2",
    "refresh_token": "refresh-2",
    "token_type": "DPoP",
    "scope": "atproto transition:generic",
    "expires_in": 3600,
    "sub": DID,
}
NO_ANSWER = TransportError("timeout")
DEAD_REFRESH = answer({"error": "invalid_grant", "error_description": "Invalid refresh token"}, 400)
DEAD_TOKEN = answer({"error": "invalid_token", "message": "Invalid token"}, 401)


def document(pds: str = PDS, did: str = DID) -> Answer:
    service = {"id": "#atproto_pds", "serviceEndpoint": pds}
    return answer({"id": did, "service": [{"id": "#other"}, service]})


def proof_of(request: Request) -> dict[str, Any]:
    """The claims of a proof that its own key has signed, and nothing else."""
    proof = request.headers["DPoP"]
    header = jwt.get_unverified_header(proof)
    assert (header["typ"], header["alg"]) == ("dpop+jwt", "ES256")
    assert set(header["jwk"]) == {"kty", "crv", "x", "y"}, "the private half stays here"
    claims: dict[str, Any] = jwt.decode(proof, jwt.PyJWK(header["jwk"]), ["ES256"])
    return claims


def asked_form(request: Request) -> dict[str, str]:
    assert request.form is not None
    return dict(request.form)


# Who we are


def test_in_production_we_are_known_by_the_address_of_a_document() -> None:
    assert CLIENT.client_id == f"{BASE}/oauth/bluesky/client-metadata.json"
    document = BLUESKY.client_metadata(CLIENT)
    assert document["client_id"] == CLIENT.client_id
    assert document["redirect_uris"] == [REDIRECT]
    assert document["dpop_bound_access_tokens"] is True
    (key,) = document["jwks"]["keys"]
    assert "d" not in key
    assert jwt.PyJWK(key).key.public_numbers() == public_numbers(OWN_KEY)


def public_numbers(key: str) -> Any:
    return dpop.private_key(key).public_key().public_numbers()


def test_on_a_developers_machine_we_say_in_our_name_what_we_are() -> None:
    parts = urlsplit(PUBLIC.client_id)
    assert (parts.scheme, parts.netloc, PUBLIC.client_secret) == ("http", "localhost", "")
    assert parse_qs(parts.query) == {
        "redirect_uri": ["http://127.0.0.1:8000/oauth/bluesky/callback/"],
        "scope": ["atproto transition:generic"],
    }


@pytest.mark.parametrize(
    ("base", "key"), [(BASE, ""), ("http://localhost:8000", ""), ("http://office.example", OWN_KEY)]
)
def test_without_a_key_or_an_address_that_servers_take_it_is_not_offered(
    base: str, key: str
) -> None:
    assert BLUESKY.client_at(base, key) == ("", "")


@pytest.mark.parametrize("key", ["no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_a_key_that_is_none_is_said_so_without_printing_it(key: str) -> None:
    with pytest.raises(ValueError, match="P-256") as error:
        BLUESKY.client_at(BASE, key)
    assert "AAAA" not in repr(error.value)
    assert error.value.__cause__ is None


# Where to


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("anna.bsky.social", "anna.bsky.social"),
        (" @Anna.bsky.social ", "anna.bsky.social"),
        ("\u202aanna.bsky.social\u202c", "anna.bsky.social"),
        ("at://anna.bsky.social", "anna.bsky.social"),
        ("https://bsky.app/profile/anna.example", "anna.example"),
        (DID, DID),
        ("did:web:anna.example", "did:web:anna.example"),
        ("https://pds.example", "https://pds.example"),
        ("https://pds.example/", "https://pds.example"),
    ],
)
def test_a_handle_a_did_and_a_server_are_told_apart(said: str, name: str) -> None:
    assert whereabouts.name_in(said) == name
    assert BLUESKY.issuer_in(said) == ""


@pytest.mark.parametrize(
    "said",
    [
        "",
        "anna",
        "127.0.0.1",
        "localhost",
        "https://localhost",
        "https://pds.example:2583",
        "https://me@pds.example",
        "http://pds.example",
        "did:plc:short",
        "did:key:z6Mk",
        "did:web:pds.example:user",
        "did:web:127.0.0.1",
        "did:web:localhost%3A8000",
    ],
)
def test_what_can_lead_nowhere_is_refused_before_anybody_is_asked(said: str) -> None:
    with pytest.raises(Refused) as refused:
        BLUESKY.issuer_in(said)
    assert refused.value.refusal is Refusal.NO_SUCH_SERVER


def test_a_handles_own_host_is_asked_first_and_then_the_resolver() -> None:
    own = talk(whereabouts.did_of("anna.example"), answer(DID.encode() + b"\n"))
    assert own.result == DID
    silent = [answer(b"<html>not here", 404), answer({"did": DID})]
    held = talk(whereabouts.did_of("anna.example"), *silent)
    assert held.result == DID
    assert [request.url for request in held.requests] == [
        "https://anna.example/.well-known/atproto-did",
        whereabouts.RESOLVER,
    ]


def test_a_whole_way_leads_from_a_handle_to_a_pushed_request() -> None:
    answers = [answer(DID.encode()), document(), RESOURCE, SERVER, NONCE, PUSHED]
    held = talk(BLUESKY.authorize(CLIENT, "our-state", "anna.example"), *answers)
    url = urlsplit(held.result.url)
    assert f"{url.scheme}://{url.netloc}{url.path}" == METADATA["authorization_endpoint"]
    assert parse_qs(url.query) == {"client_id": [CLIENT.client_id], "request_uri": ["urn:req:1"]}
    keep = held.result.keep
    assert (keep["did"], keep["issuer"]) == (DID, ISSUER)
    form = asked_form(held.requests[-1])
    assert (form["state"], form["login_hint"]) == ("our-state", "anna.example")
    assert form["code_challenge"] == code_challenge(keep["code_verifier"])
    assert held.requests[2].url == f"{PDS}/.well-known/oauth-protected-resource"


def test_a_server_may_be_named_in_place_of_an_account() -> None:
    answers = [RESOURCE, SERVER, PUSHED]
    held = talk(BLUESKY.authorize(CLIENT, "s", PDS), *answers)
    assert held.result.keep["did"] == ""
    assert "login_hint" not in asked_form(held.requests[-1])
    entryway = talk(BLUESKY.authorize(CLIENT, "s", ISSUER), answer({}, 404), SERVER, PUSHED)
    assert entryway.result.keep["issuer"] == ISSUER


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([NO_ANSWER, NO_ANSWER], Refusal.NETWORK_UNAVAILABLE),
        ([NO_ANSWER, answer({"error": "InvalidRequest"}, 400), NO_ANSWER], Refusal.NO_SUCH_SERVER),
        ([answer(DID.encode()), answer({"message": "gone"}, 404)], Refusal.NO_SUCH_SERVER),
        ([answer(DID.encode()), answer(b"", 503)], Refusal.NETWORK_UNAVAILABLE),
        ([answer(DID.encode()), document(did=OTHER)], Refusal.NO_SUCH_SERVER),
        ([answer(DID.encode()), document("http://pds.example")], Refusal.NO_SUCH_SERVER),
        ([answer(DID.encode()), document("https://127.0.0.1")], Refusal.NO_SUCH_SERVER),
        (
            [
                answer(DID.encode()),
                document(),
                answer({"resource": "https://x.example", "authorization_servers": [ISSUER]}),
            ],
            Refusal.NO_SUCH_SERVER,
        ),
        (
            [answer(DID.encode()), document(), RESOURCE, answer({**METADATA, "issuer": PDS})],
            Refusal.NO_SUCH_SERVER,
        ),
        (
            [
                answer(DID.encode()),
                document(),
                RESOURCE,
                SERVER,
                answer({"error": "invalid_client_metadata"}, 400),
            ],
            Refusal.APP_MISCONFIGURED,
        ),
    ],
)
def test_a_way_that_breaks_off_says_where(
    answers: list[Answer | TransportError], expected: Refusal
) -> None:
    refused = refusal(BLUESKY.authorize(CLIENT, "s", "anna.example"), *answers)
    assert refused.refusal is expected


# Proofs


def test_a_proof_is_of_this_request_at_its_real_address_and_of_this_token() -> None:
    held = talk(
        BLUESKY.identify(CLIENT, GRANT),
        answer({"error": "use_dpop_nonce"}, 401, dpop_nonce="n-1"),
        answer({"did": DID, "handle": "anna.example", "active": True}),
    )
    assert held.result == Identity(DID, "anna.example")
    first, second = (proof_of(request) for request in held.requests)
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"access-1").digest()).rstrip(b"=").decode()
    for claims in (first, second):
        assert claims["htm"] == "GET"
        assert claims["htu"] == f"{PDS}/xrpc/com.atproto.server.getSession"
        assert claims["ath"] == digest
    assert "nonce" not in first
    assert second["nonce"] == "n-1"
    assert first["jti"] != second["jti"]
    assert held.requests[1].headers["Authorization"] == "DPoP access-1"


def test_a_nonce_is_asked_for_once_and_never_deadly() -> None:
    again = answer({"error": "use_dpop_nonce"}, 401, dpop_nonce="n-2")
    verdict = talk(BLUESKY.probe(CLIENT, GRANT, DID), again, again).result
    assert (verdict.health, verdict.reason) == (Health.UNCLEAR, Reason.NOT_A_TOKEN_PROBLEM)


def test_an_assertion_is_signed_by_our_key_and_never_shown_twice() -> None:
    answers = [document(), SERVER, NONCE, answer(TOKENS)]
    held = talk(BLUESKY.refresh(CLIENT, GRANT), *answers)
    seen = []
    for request in held.requests[-2:]:
        form = asked_form(request)
        assert form["client_assertion_type"] == dpop.ASSERTION_TYPE
        key = jwt.PyJWK(BLUESKY.client_metadata(CLIENT)["jwks"]["keys"][0])
        token = form["client_assertion"]
        assert jwt.get_unverified_header(token)["kid"] == key.key_id
        claims = jwt.decode(token, key, ["ES256"], audience=ISSUER)
        assert claims["iss"] == claims["sub"] == CLIENT.client_id
        assert 0 < claims["exp"] - claims["iat"] <= 60
        seen.append(claims["jti"])
    assert len(set(seen)) == 2
    assert "client_assertion" not in asked_form(
        talk(BLUESKY.refresh(PUBLIC, GRANT), *answers).requests[-1]
    )


# The grant


def test_a_grant_is_bound_to_its_key_and_keeps_what_it_needs() -> None:
    answers = [SERVER, NONCE, answer(TOKENS), document(), RESOURCE]
    grant = talk(BLUESKY.exchange(CLIENT, CALLBACK, TRIP), *answers).result
    assert dict(grant.keep) == KEEP
    assert (grant.access_token, grant.refresh_token) == ("access-2", "refresh-2")
    confidential = grant.reauthorize_by
    public = talk(BLUESKY.exchange(PUBLIC, CALLBACK, TRIP), *answers).result.reauthorize_by
    assert (confidential - public).days > 700
    assert KEY not in repr(grant)


def test_only_the_server_that_was_asked_may_answer() -> None:
    for iss in ("https://evil.example", f"{ISSUER}/", ""):
        refused = refusal(BLUESKY.exchange(CLIENT, {**CALLBACK, "iss": iss}, TRIP))
        assert refused.refusal is Refusal.NOT_UNDERSTOOD
    assert not BLUESKY.sent({"code": "c"})
    assert not BLUESKY.sent({"code": "c", "iss": "https://evil.example/path"})
    assert BLUESKY.sent(CALLBACK)


@pytest.mark.parametrize(
    ("tokens", "more", "expected"),
    [
        ({"sub": OTHER}, [], Refusal.OTHER_LOGIN),
        ({"sub": "anna"}, [], Refusal.NOT_UNDERSTOOD),
        ({"sub": None}, [], Refusal.NOT_UNDERSTOOD),
        ({"token_type": "Bearer"}, [], Refusal.NOT_UNDERSTOOD),
        ({"scope": "transition:generic"}, [], Refusal.SCOPE_MISSING),
        ({"scope": "atproto"}, [], Refusal.SCOPE_MISSING),
        (
            {},
            [document(), answer({"resource": PDS, "authorization_servers": ["https://x.example"]})],
            Refusal.NOT_UNDERSTOOD,
        ),
        ({}, [answer({}, 404)], Refusal.NO_SUCH_SERVER),
        ({}, [NO_ANSWER], Refusal.NETWORK_UNAVAILABLE),
    ],
)
def test_nothing_is_believed_that_the_persons_own_did_does_not_lead_to(
    tokens: dict[str, Any], more: list[Answer | TransportError], expected: Refusal
) -> None:
    given = [SERVER, answer({**TOKENS, **tokens}), *more]
    refused = refusal(BLUESKY.exchange(CLIENT, CALLBACK, TRIP), *given)
    assert refused.refusal is expected


def test_where_a_server_was_named_anybody_of_it_may_come() -> None:
    given = [SERVER, answer({**TOKENS, "sub": OTHER}), document(did=OTHER), RESOURCE]
    grant = talk(BLUESKY.exchange(CLIENT, CALLBACK, {**TRIP, "did": ""}), *given).result
    assert grant.keep["did"] == OTHER


def test_a_new_handle_is_followed() -> None:
    given = answer({"did": DID, "handle": "new.example", "active": True})
    (account,) = talk(BLUESKY.reach(CLIENT, GRANT, Identity(DID, "old.example")), given).result
    assert (account.remote_id, account.name, account.is_login) == (DID, "new.example", True)
    assert account.url == f"https://bsky.app/profile/{DID}"


def test_a_handle_that_is_invalid_is_no_name() -> None:
    given = answer({"did": DID, "handle": "handle.invalid", "active": True})
    assert talk(BLUESKY.identify(CLIENT, GRANT), given).result.name == DID


# Its life


def test_a_refresh_keeps_the_key_and_learns_where_the_person_moved() -> None:
    moved = "https://new.example"
    resource = answer({"resource": moved, "authorization_servers": [ISSUER]})
    given = [document(moved), resource, SERVER, answer(TOKENS)]
    renewed = talk(BLUESKY.refresh(CLIENT, GRANT), *given).result
    assert dict(renewed.keep) == {**KEEP, "pds": moved}
    assert renewed.refresh_token == "refresh-2"


def test_no_refresh_token_is_shown_to_a_server_that_does_not_speak_for_the_person() -> None:
    moved = "https://new.example"
    elsewhere = answer({"resource": moved, "authorization_servers": ["https://new.example"]})
    held = talk(BLUESKY.refresh(CLIENT, GRANT), document(moved), elsewhere)
    assert held.result.health is Health.DEAD
    assert held.result.ambiguous
    unclear = talk(BLUESKY.refresh(CLIENT, GRANT), document(), NO_ANSWER).result
    assert (unclear.health, unclear.reason) == (Health.UNCLEAR, Reason.NETWORK_OUTAGE)
    assert all(request.method == "GET" for request in held.requests)


def test_a_refresh_for_somebody_else_is_not_believed() -> None:
    given = [document(), SERVER, answer({**TOKENS, "sub": OTHER})]
    verdict = talk(BLUESKY.refresh(CLIENT, GRANT), *given).result
    assert (verdict.health, verdict.reason) == (Health.UNCLEAR, Reason.NOT_UNDERSTOOD)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (answer({"did": DID, "active": False, "status": "takendown"}), Reason.ACCOUNT_SUSPENDED),
        (answer({"did": DID, "active": False, "status": "suspended"}), Reason.ACCOUNT_SUSPENDED),
        (answer({"error": "RepoNotFound"}, 400), Reason.ACCOUNT_SUSPENDED),
        (answer({"did": DID, "active": True}), Reason.INVALID_TOKEN_UNSPECIFIED),
        (answer(b"<html>", 502), Reason.INVALID_TOKEN_UNSPECIFIED),
        (NO_ANSWER, Reason.INVALID_TOKEN_UNSPECIFIED),
    ],
)
def test_a_refused_token_does_not_say_why_so_the_account_is_asked_about(
    status: Answer | TransportError, expected: Reason
) -> None:
    given = [document(), SERVER, DEAD_REFRESH, status]
    held = talk(BLUESKY.refresh(CLIENT, GRANT), *given)
    assert (held.result.health, held.result.reason) == (Health.DEAD, expected)
    assert "DPoP" not in held.requests[-1].headers
    without = replace(GRANT, refresh_token="")
    verdict = talk(BLUESKY.probe(CLIENT, without, DID), DEAD_TOKEN, status).result
    assert verdict.reason is expected


def test_a_refused_access_token_is_refreshed_first() -> None:
    verdict = talk(BLUESKY.probe(CLIENT, GRANT, DID), DEAD_TOKEN).result
    assert (verdict.health, verdict.renewable) == (Health.DEAD, True)


def test_alive_is_said_of_this_very_account() -> None:
    session = answer({"did": DID, "handle": "anna.example", "active": True})
    assert talk(BLUESKY.probe(CLIENT, GRANT, DID), session).result.health is Health.ALIVE
    assert talk(BLUESKY.probe(CLIENT, GRANT, OTHER), session).result.health is Health.UNCLEAR


@pytest.mark.parametrize(
    "said",
    [
        answer({"did": DID, "active": False, "status": "deactivated"}),
        answer({"error": "AccountNotFound", "message": "Account not found"}, 403),
        NO_ANSWER,
    ],
)
def test_what_an_old_server_says_of_somebody_who_moved_counts_no_more(
    said: Answer | TransportError,
) -> None:
    moved = talk(BLUESKY.probe(CLIENT, GRANT, DID), said, document("https://new.example")).result
    assert (moved.health, moved.renewable) == (Health.DEAD, True)
    assert moved.reason is Reason.INVALID_TOKEN_UNSPECIFIED
    stayed = talk(BLUESKY.probe(CLIENT, GRANT, DID), said, document()).result
    if isinstance(said, TransportError):
        assert stayed.reason is Reason.NETWORK_OUTAGE
    else:
        assert stayed.reason is Reason.ACCOUNT_SUSPENDED


def test_a_deactivated_account_has_nothing_to_connect() -> None:
    session = answer({"did": DID, "active": False, "status": "deactivated"})
    refused = refusal(BLUESKY.identify(CLIENT, GRANT), session)
    assert refused.refusal is Refusal.NOTHING_THERE


def test_a_revocation_ends_the_session_by_its_refresh_token() -> None:
    held = talk(BLUESKY.revoke(CLIENT, GRANT), SERVER, NONCE, answer({}))
    assert held.result is True
    assert asked_form(held.requests[-1])["token"] == "refresh-1"
    assert talk(BLUESKY.revoke(CLIENT, GRANT), NO_ANSWER).result is False
    assert talk(BLUESKY.revoke(CLIENT, GRANT), SERVER, DEAD_REFRESH).result is False


def test_one_set_of_tables_reads_the_older_words_too() -> None:
    def read(where: Where, status: int, body: Any) -> Any:
        return BLUESKY.read(where, Answer(status, {}, json.dumps(body).encode())).reason

    taken_down = "Could not find user info for account: did:plc:x"
    replayed = "Refresh token replayed"
    other_key = "The session was initiated with a different key than the client assertion"
    expected = [
        (Where.PROBE, 400, Reason.EXPIRED, {"error": "ExpiredToken"}),
        (Where.REFRESH, 401, Reason.ACCOUNT_SUSPENDED, {"error": "AccountTakedown"}),
        (Where.PROBE, 400, Reason.ACCOUNT_SUSPENDED, said("InvalidRequest", taken_down)),
        (Where.API_CALL, 400, Reason.NOT_A_TOKEN_PROBLEM, said("InvalidRequest", "text too long")),
        (Where.API_CALL, 403, Reason.PERMISSION_LOST, {"error": "ScopeMissingError"}),
        (Where.API_CALL, 400, Reason.NOT_A_TOKEN_PROBLEM, {"error": "RepoNotFound"}),
        (Where.REFRESH, 400, Reason.EXPIRED, granted("Session expired")),
        (Where.REFRESH, 400, Reason.INVALID_TOKEN_UNSPECIFIED, granted(replayed)),
        (Where.REFRESH, 400, Reason.APP_DISABLED, granted(other_key)),
        (Where.REFRESH, 400, Reason.APP_DISABLED, {"error": "invalid_client_metadata"}),
        (Where.WEBHOOK, 200, Reason.ACCOUNT_SUSPENDED, {"active": False, "status": "takendown"}),
        (Where.WEBHOOK, 200, Reason.ACCOUNT_SUSPENDED, {"t": "#tombstone"}),
        (Where.WEBHOOK, 200, None, {"account": {"active": True}}),
        (Where.WEBHOOK, 200, Reason.NOT_A_TOKEN_PROBLEM, {"kind": "identity"}),
    ]
    for where, status, reason, body in expected:
        assert read(where, status, body) is reason, body


def said(error: str, message: str) -> dict[str, str]:
    return {"error": error, "message": message}


def granted(why: str) -> dict[str, str]:
    return {"error": "invalid_grant", "error_description": why}

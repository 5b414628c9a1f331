"""Bluesky's dialect: pushed requests, proofs with nonces, refresh tokens for one use."""

from __future__ import annotations

import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from jwt.algorithms import ECAlgorithm

from tests.sandbox.driver import Browser, Practice, Query

ISSUER, PDS = "https://bsky.social", "https://pds.example"
CALLBACK = "http://127.0.0.1:8000/oauth/bluesky/callback/"
SCOPE = "atproto transition:generic"
CLIENT = "http://localhost?" + urlencode({"redirect_uri": CALLBACK, "scope": SCOPE})
SESSION = f"{PDS}/xrpc/com.atproto.server.getSession"


def digest(text: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


class Bluesky:
    """A developer's client, with a key of its own."""

    def __init__(self, practice: Practice) -> None:
        self.practice, self.nonce = practice, ""
        self.key = generate_private_key(SECP256R1())
        self.verifier = secrets.token_urlsafe(48)

    def proof(self, method: str, url: str, token: str = "", **changes: Any) -> str:
        claims = {"jti": secrets.token_hex(8), "htm": method, "htu": url, "iat": int(time.time())}
        claims |= {"nonce": self.nonce} | ({"ath": digest(token)} if token else {}) | changes
        jwk = ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        header = {"typ": "dpop+jwt", "jwk": jwk}
        return jwt.encode(claims, self.key, algorithm="ES256", headers=header)

    def post(self, url: str, form: Query, proof: str = "") -> requests.Response:
        """Asks for a nonce first, as every client must once."""
        path = url.removeprefix("https://")
        if not self.nonce:
            headers = {"DPoP": self.proof("POST", url)}
            self.nonce = self.practice.post(path, form, headers=headers).headers["DPoP-Nonce"]
        return self.practice.post(path, form, headers={"DPoP": proof or self.proof("POST", url)})

    def push(self, **more: str) -> requests.Response:
        form = {"client_id": CLIENT, "redirect_uri": CALLBACK, "scope": SCOPE, "state": "s"}
        form |= {"response_type": "code", "code_challenge_method": "S256"}
        form["code_challenge"] = digest(self.verifier)
        return self.post(f"{ISSUER}/oauth/par", form | more)

    def consent(self, person: str, decision: str = "allow") -> Query:
        request_uri = self.push().json()["request_uri"]
        query = urlencode({"client_id": CLIENT, "request_uri": request_uri})
        browser = Browser(self.practice)
        try:
            browser.open(f"/bsky.social/oauth/authorize?{query}")
            people = {one["id"]: one for one in self.practice.state("bluesky")["people"]}
            browser.sign_in(people[person]["login"], people[person]["password"])
            return browser.decide(decision)
        finally:
            browser.close()

    def token(self, proof: str = "", **form: str) -> requests.Response:
        return self.post(f"{ISSUER}/oauth/token", {"client_id": CLIENT, **form}, proof)

    def exchange(self, code: str, **more: str) -> requests.Response:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        return self.token(**{**form, "code_verifier": self.verifier, **more})

    def pair(self, person: str = "anna") -> dict[str, Any]:
        body: dict[str, Any] = self.exchange(self.consent(person)["code"]).json()
        return body

    def refresh(self, token: str) -> requests.Response:
        return self.token(grant_type="refresh_token", refresh_token=token)

    def session(self, token: str, **changes: Any) -> requests.Response:
        proof = self.proof("GET", SESSION, token, **changes)
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
        return self.practice.get(SESSION.removeprefix("https://"), headers=headers)


@pytest.fixture
def bluesky(practice: Practice) -> Bluesky:
    return Bluesky(practice)


def test_a_person_signs_in_consents_and_is_known_by_her_did(bluesky: Bluesky) -> None:
    callback = bluesky.consent("anna")
    assert (callback["iss"], callback["state"]) == (ISSUER, "s")
    pair = bluesky.exchange(callback["code"]).json()
    assert (pair["token_type"], pair["scope"]) == ("DPoP", SCOPE)
    session = bluesky.session(pair["access_token"]).json()
    assert session == {"did": pair["sub"], "handle": "alpenglueck.bsky.social", "active": True}


def test_a_way_leads_from_every_handle_to_its_server(practice: Practice) -> None:
    resolver = "public.api.bsky.app/xrpc/com.atproto.identity.resolveHandle"
    for profile in practice.state("bluesky")["profiles"]:
        found = practice.get(resolver, params={"handle": profile["handle"]}).json()["did"]
        assert found == profile["id"]
        own = practice.get(f"{profile['handle']}/.well-known/atproto-did")
        assert own.text == found or own.status_code == 404
        (service,) = practice.get(f"plc.directory/{found}").json()["service"]
        assert service["serviceEndpoint"] == PDS
    resource = practice.get("pds.example/.well-known/oauth-protected-resource").json()
    assert resource["authorization_servers"] == [ISSUER]
    assert practice.get("plc.directory/did:plc:nobody").status_code == 404
    assert practice.get(resolver, params={"handle": "no.example"}).status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"htu": f"{PDS}/xrpc/another"},
        {"htu": "http://localhost/pds.example/xrpc/com.atproto.server.getSession"},
        {"htm": "POST"},
        {"ath": digest("another")},
        {"iat": 1},
        {"jti": 7},
        {"nonce": "guessed"},
    ],
)
def test_a_proof_of_anything_else_proves_nothing(bluesky: Bluesky, changes: dict[str, Any]) -> None:
    token = bluesky.pair()["access_token"]
    answer = bluesky.session(token, **changes)
    expected = "use_dpop_nonce" if "nonce" in changes else "invalid_dpop_proof"
    assert (answer.status_code, answer.json()["error"]) == (401, expected)
    assert answer.headers["DPoP-Nonce"] == bluesky.nonce
    assert bluesky.session(token).status_code == 200


def test_a_proof_counts_once_and_a_token_works_for_its_own_key_alone(bluesky: Bluesky) -> None:
    token = bluesky.pair()["access_token"]
    assert bluesky.session(token, jti="once").status_code == 200
    assert bluesky.session(token, jti="once").json()["message"] == "DPoP proof replayed"
    thief = Bluesky(bluesky.practice)
    thief.nonce = bluesky.nonce
    assert thief.session(token).json()["error"] == "invalid_token"


def test_a_code_is_bound_to_its_key_and_its_verifier(bluesky: Bluesky) -> None:
    code = bluesky.consent("anna")["code"]
    thief = Bluesky(bluesky.practice)
    assert thief.exchange(code).json()["error"] == "invalid_grant"
    assert bluesky.exchange(code, code_verifier="no").json()["error"] == "invalid_grant"
    assert bluesky.exchange(code).status_code == 200
    assert bluesky.exchange(code).json()["error_description"] == "Invalid code"


def test_a_refresh_token_is_for_one_use_and_a_second_one_ends_everything(bluesky: Bluesky) -> None:
    first = bluesky.pair()
    second = bluesky.refresh(first["refresh_token"]).json()
    assert bluesky.session(first["access_token"]).status_code == 401, "it died at once"
    assert bluesky.session(second["access_token"]).status_code == 200
    replayed = bluesky.refresh(first["refresh_token"])
    assert replayed.json()["error_description"] == "Refresh token replayed"
    assert bluesky.session(second["access_token"]).status_code == 401
    gone = bluesky.refresh(second["refresh_token"])
    assert gone.json()["error_description"] == "Invalid refresh token"


def test_a_takedown_ends_every_authorization_for_good(bluesky: Bluesky) -> None:
    pair, pull = bluesky.pair(), bluesky.practice.pull
    status = "pds.example/xrpc/com.atproto.sync.getRepoStatus"
    pull("bluesky", "suspend", person="anna")
    assert bluesky.session(pair["access_token"]).json()["error"] == "invalid_token"
    said = bluesky.practice.get(status, params={"did": pair["sub"]}).json()
    assert (said["active"], said["status"]) == (False, "takendown")
    pull("bluesky", "restore", person="anna")
    assert bluesky.practice.get(status, params={"did": pair["sub"]}).json()["active"] is True
    assert bluesky.refresh(pair["refresh_token"]).status_code == 400


def test_a_new_password_ends_nothing(bluesky: Bluesky) -> None:
    pair = bluesky.pair()
    bluesky.practice.pull("bluesky", "change_password", person="anna")
    assert bluesky.session(pair["access_token"]).status_code == 200


def test_a_revocation_ends_the_session_by_either_token(bluesky: Bluesky) -> None:
    for name in ("access_token", "refresh_token"):
        pair = bluesky.pair()
        form = {"client_id": CLIENT, "token": pair[name]}
        assert bluesky.post(f"{ISSUER}/oauth/revoke", form).json() == {}
        assert bluesky.session(pair["access_token"]).status_code == 401


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"scope": "transition:generic"}, "invalid_scope"),
        ({"scope": f"{SCOPE} transition:email"}, "invalid_scope"),
        ({"redirect_uri": "http://127.0.0.1:8000/elsewhere"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"client_id": "https://somebody.example/client.json"}, "invalid_client"),
    ],
)
def test_what_is_pushed_must_be_what_the_client_is(
    bluesky: Bluesky, change: Query, error: str
) -> None:
    answer = bluesky.push(**change)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_saying_no_comes_back_with_the_senders_name(bluesky: Bluesky) -> None:
    callback = bluesky.consent("anna", "deny")
    assert (callback["error"], callback["iss"]) == ("access_denied", ISSUER)


def test_expiry_of_either_token(bluesky: Bluesky) -> None:
    pair, pull = bluesky.pair(), bluesky.practice.pull
    pull("bluesky", "expire_access", person="anna")
    assert '"exp"' in bluesky.session(pair["access_token"]).json()["message"]
    pull("bluesky", "expire_refresh", person="anna")
    ended = bluesky.refresh(pair["refresh_token"]).json()
    assert ended["error_description"] == "Refresh token expired"

"""Keys that a client proves to hold: DPoP (RFC 9449) and `private_key_jwt` (RFC 7523). ES256."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import ECAlgorithm

from networks.base import Answer, Client, Request
from networks.reading import attempt, said

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFE = 60  # seconds


def new_key() -> str:
    """A private key as PEM."""
    key = generate(SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def private_key(pem: str) -> EllipticCurvePrivateKey:
    """Raises ValueError for anything but a private key on P-256."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (TypeError, ValueError):  # its own words may quote the key
        key = None
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError("not the PEM of a private key on the curve P-256")
    return key


def public_jwk(pem: str) -> dict[str, str]:
    """The public half (RFC 7517), with its thumbprint (RFC 7638) as `kid`."""
    jwk = ECAlgorithm.to_jwk(private_key(pem).public_key(), as_dict=True)
    own = {name: str(jwk[name]) for name in ("crv", "kty", "x", "y")}
    return {**own, "kid": digest(json.dumps(own, separators=(",", ":")))}


def proof(key: str, request: Request, nonce: str = "", access_token: str = "") -> str:
    """The proof that goes with one request (RFC 9449, 4.2); `htu` is the real address."""
    claims = {
        "jti": secrets.token_urlsafe(16),
        "htm": request.method,
        "htu": request.url.partition("?")[0],
        "iat": int(time.time()),
    }
    if nonce:
        claims["nonce"] = nonce
    if access_token:
        claims["ath"] = digest(access_token)
    jwk = {name: value for name, value in public_jwk(key).items() if name != "kid"}
    return signed(claims, key, typ="dpop+jwt", jwk=jwk)


def assertion(client: Client, issuer: str) -> dict[str, str]:
    """What authenticates us in a form (RFC 7523, 2.2); a public client has but its name."""
    form = {"client_id": client.client_id}
    if not client.client_secret:
        return form
    now = int(time.time())
    claims = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": issuer,
        "jti": secrets.token_urlsafe(16),
        "iat": now,
        "exp": now + ASSERTION_LIFE,
    }
    kid = public_jwk(client.client_secret)["kid"]
    token = signed(claims, client.client_secret, kid=kid)
    return {**form, "client_assertion_type": ASSERTION_TYPE, "client_assertion": token}


def ask(
    make: Callable[[], Request], key: str, access_token: str = ""
) -> Generator[Request, Answer, Answer]:
    """Asks with a proof, and once more where the server wants its nonce in it (RFC 9449, 8).

    `make` makes the request anew for that: an assertion, too, is taken but once.
    """
    answer = yield from attempt(proven(make(), key, "", access_token))
    nonce = answer.headers.get("dpop-nonce", "")
    if nonce and wants_nonce(answer):
        answer = yield from attempt(proven(make(), key, nonce, access_token))
    return answer


def proven(request: Request, key: str, nonce: str, access_token: str) -> Request:
    headers = {**request.headers, "DPoP": proof(key, request, nonce, access_token)}
    if access_token:
        headers["Authorization"] = f"DPoP {access_token}"
    return replace(request, headers=headers)


def wants_nonce(answer: Answer) -> bool:
    challenge = answer.headers.get("www-authenticate", "")
    return said(answer).get("error") == "use_dpop_nonce" or '"use_dpop_nonce"' in challenge


def signed(claims: dict[str, Any], key: str, **header: Any) -> str:
    return jwt.encode(claims, private_key(key), algorithm="ES256", headers=header)


def digest(text: str) -> str:
    """SHA-256 in base64url, as all of these RFCs have it."""
    hashed = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()

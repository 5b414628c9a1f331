"""The proofs that a caller holds its key (RFC 9449), as the AT Protocol's servers check them.

Nonces are made of the time and a secret of this run, and are good for three minutes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import Any

import jwt
from aiohttp import web

NONCE_LIFE = 180
PROOF_LIFE = 60


class Proofs:
    """Checks proofs; remembers the ones that it has seen."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._seen: dict[str, float] = {}

    def check(self, request: web.Request, access_token: str = "") -> str:
        """The thumbprint of the key that proved itself. Raises Wrong."""
        proof = request.headers.get("DPoP", "")
        if not proof:
            raise Wrong("invalid_dpop_proof", "DPoP proof required")
        claims, jwk = opened(proof)
        _, host, path = request.path.split("/", 2)
        if claims.get("htm") != request.method:
            raise Wrong("invalid_dpop_proof", 'DPoP "htm" mismatch')
        if claims.get("htu") != f"https://{host}/{path}":
            raise Wrong("invalid_dpop_proof", 'DPoP "htu" mismatch')
        if not isinstance(claims.get("jti"), str) or not self.is_first(claims["jti"]):
            raise Wrong("invalid_dpop_proof", "DPoP proof replayed")
        if abs(time.time() - float(claims.get("iat", 0))) > PROOF_LIFE:
            raise Wrong("invalid_dpop_proof", '"iat" claim timestamp check failed')
        if claims.get("nonce") not in self.nonces():
            why = "Authorization server requires nonce in DPoP proof"
            raise Wrong("use_dpop_nonce", why)
        if claims.get("ath") != (digest(access_token) if access_token else None):
            raise Wrong("invalid_dpop_proof", 'DPoP "ath" mismatch')
        own = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
        return digest(json.dumps(own, separators=(",", ":")))

    def nonces(self) -> list[str]:
        """The one to give out, and the one before it."""
        now = int(time.time() / NONCE_LIFE)
        return [
            hmac.new(self._secret, str(turn).encode(), "sha256").hexdigest()
            for turn in (now, now - 1)
        ]

    def is_first(self, jti: str) -> bool:
        """Whether this proof was never shown; the old ones are forgotten on the way."""
        now = time.time()
        self._seen = {one: at for one, at in self._seen.items() if at > now - 2 * PROOF_LIFE}
        return self._seen.setdefault(jti, now) == now


class Wrong(Exception):
    """A proof that proves nothing: the error's name, and why."""

    def __init__(self, error: str, why: str) -> None:
        super().__init__(why)
        self.error, self.why = error, why


def opened(proof: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Claims and key of a proof whose signature is right."""
    try:
        header = jwt.get_unverified_header(proof)
        jwk = header["jwk"]
        if header.get("typ") != "dpop+jwt" or "d" in jwk:
            raise Wrong("invalid_dpop_proof", "Invalid DPoP proof")
        options: Any = {"verify_aud": False, "verify_iat": False}
        claims = jwt.decode(proof, jwt.PyJWK(jwk, "ES256"), ["ES256"], options=options)
    except (jwt.PyJWTError, KeyError, TypeError, ValueError):
        raise Wrong("invalid_dpop_proof", "Invalid DPoP proof") from None
    return claims, jwk


def digest(text: str) -> str:
    """SHA-256, as every one of these RFCs writes it."""
    hashed = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()

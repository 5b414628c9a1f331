"""An OpenID provider on loopback that says what a test wants; the real one is in tests/peers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client
from django.urls import reverse

from accounts.models import Organization, SingleSignOn

CLIENT_ID = "tokenwacht"


@cache
def rsa_key(name: str = "own") -> rsa.RSAPrivateKey:
    """Made once, since making one takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_keys(kid: str = "k", **more: str) -> dict[str, Any]:
    """The key set by which the provider's tokens are verified."""
    key = jwt.algorithms.RSAAlgorithm.to_jwk(rsa_key().public_key(), as_dict=True)
    return {"keys": [key | {"kid": kid, "use": "sig", "alg": "RS256"} | more]}


def claims_of(issuer: str, nonce: str | None, **more: Any) -> dict[str, Any]:
    now = int(time.time())
    usual = {"iss": issuer, "aud": CLIENT_ID, "sub": "m-4711", "iat": now, "exp": now + 60}
    claims = usual | {"nonce": nonce, **more}
    return {name: value for name, value in claims.items() if value is not None}


def signed(claims: dict[str, Any], key: Any = None, algorithm: str = "RS256") -> str:
    return jwt.encode(claims, key or rsa_key(), algorithm, headers={"kid": "k"})


class OwnProvider:
    """`answers` is what each path says: JSON, or bytes as they are; `asked` what it was asked."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.answers: dict[str, Any] = {"/keys": public_keys()}
        self.describe()

    def describe(self, **more: Any) -> None:
        known = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        self.answers["/.well-known/openid-configuration"] = known | more

    @property
    def place(self) -> str:
        return urlsplit(self.issuer).netloc

    def turn_on(self, organization: Organization, settings: Any) -> SingleSignOn:
        settings.SINGLE_SIGN_ON_HOSTS = [self.place]
        return SingleSignOn.objects.create(
            organization=organization, issuer=self.issuer, client_id=CLIENT_ID
        )

    def grant(self, nonce: str, **more: Any) -> None:
        """What the next code brings."""
        token = signed(claims_of(self.issuer, nonce, **more))
        self.answers["/token"] = {"access_token": "at", "token_type": "Bearer", "id_token": token}


@contextmanager
def provider() -> Iterator[OwnProvider]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            path = urlsplit(self.path).path
            own.asked.append((path, dict(parse_qsl(sent)), dict(self.headers)))
            said = own.answers.get(path)
            body = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(404 if said is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815 - the names are the library's

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    own = OwnProvider(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield own
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def reader() -> Client:
    """Somebody who is not signed in, and whose browser asks for English."""
    return Client(headers={"Accept-Language": "en"})


def leap(client: Client, slug: str = "alpenglueck") -> dict[str, str]:
    """Our form, sent; what the provider is asked in the browser's address."""
    answer = client.post(reverse("accounts:single_sign_on"), {"organization": slug})
    return dict(parse_qsl(urlsplit(answer["Location"]).query))


def arrive(client: Client, state: str, slug: str = "alpenglueck", **more: str) -> Any:
    callback = reverse("accounts:single_sign_on_callback", args=[slug])
    return client.get(callback, {"code": "c", "state": state, **more})

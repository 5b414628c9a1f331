"""XING's check of a signed request, over the real address and not over ours.

Sources: RFC 5849 (by oauthlib's verifying functions) and dev.xing.com, "Authentication":
PLAINTEXT or HMAC-SHA1, version 1.0, a timestamp of at most 24 hours, a nonce used once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web
from oauthlib.common import Request
from oauthlib.oauth1.rfc5849 import signature

from sandbox.network import Answer

if TYPE_CHECKING:
    from sandbox.dialects.xing import Xing

DAY = 86400
FORM = "application/x-www-form-urlencoded"
REQUIRED = ("oauth_consumer_key", "oauth_signature_method", "oauth_signature")


def xing_error(name: str, message: str, status: int = 401) -> Answer:
    """The shape of every refusal."""
    return Answer(status, {"error_name": name, "message": message})


@dataclass(frozen=True)
class Signed:
    """A request whose consumer, clock and nonce are right, and its signature to verify."""

    network: Xing
    request: Any
    parameters: dict[str, str]

    @classmethod
    async def read(cls, request: web.Request, network: Xing) -> Signed:
        """Collect the parameters from query, body and header; check all but the signature."""
        collected = await collect(request)
        address = f"https://{request.raw_path.lstrip('/')}"
        rebuilt: Any = Request(address, body="", headers={})
        rebuilt.http_method = request.method
        rebuilt.params = [pair for pair in collected if pair[0] != "oauth_signature"]
        signed = cls(network, rebuilt, dict(collected))
        signed.check_parameters()
        signed.check_freshness()
        rebuilt.signature = signed.parameters["oauth_signature"]
        return signed

    @property
    def client(self) -> str:
        """The consumer key."""
        return self.parameters["oauth_consumer_key"]

    def oauth(self, name: str) -> str:
        """A parameter that this call cannot do without."""
        value = self.parameters.get(name, "")
        if not value:
            raise xing_error("REQUIRED_PARAMETER_MISSING", f"Missing parameter {name}")
        return value

    def check_parameters(self) -> None:
        """Everything there, by a consumer we know, in a method we speak."""
        for name in REQUIRED:
            self.oauth(name)
        if self.client not in self.network.clients:
            raise xing_error("INVALID_OAUTH_CONSUMER", "Invalid OAuth consumer")
        if self.oauth("oauth_signature_method") not in ("HMAC-SHA1", "PLAINTEXT"):
            raise xing_error("INVALID_OAUTH_SIGNATURE_METHOD", "Invalid signature method")
        if self.parameters.get("oauth_version", "1.0") != "1.0":
            raise xing_error("INVALID_OAUTH_VERSION", "Invalid OAuth version")

    def check_freshness(self) -> None:
        """A clock within a day of ours, and a nonce not seen within that day."""
        text, now = self.oauth("oauth_timestamp"), time.time()
        if not text.isdecimal() or int(text) > now + DAY:
            raise xing_error("INVALID_TIMESTAMP", "Invalid timestamp")
        if int(text) < now - DAY:
            raise xing_error("TIMESTAMP_EXPIRED", "Timestamp expired")
        nonce = self.parameters.get("oauth_nonce", "")
        if not nonce:
            raise xing_error("NONCE_MISSING", "Nonce missing")
        store = self.network.store
        store.run("DELETE FROM nonces WHERE seen < ?", now - DAY)
        seen = f"{self.client}/{nonce}"
        if not store.run("INSERT OR IGNORE INTO nonces VALUES (?, ?)", seen, now):
            raise xing_error("NONCE_ALREADY_USED", "Nonce already used")

    def verify(self, token_secret: str) -> None:
        """The signature, with the consumer's secret and the token's."""
        secret = self.network.clients[self.client]
        if not self.good(secret, token_secret):
            raise xing_error("INVALID_OAUTH_SIGNATURE", "Invalid OAuth signature")

    def good(self, secret: str, token_secret: str) -> bool:
        """Whether the signature is the one that these two secrets make."""
        if self.parameters["oauth_signature_method"] == "PLAINTEXT":
            return bool(signature.verify_plaintext(self.request, secret, token_secret))
        return bool(
            signature.verify_hmac_sha1(
                self.request, client_secret=secret, resource_owner_secret=token_secret
            )
        )


async def collect(request: web.Request) -> list[tuple[str, str]]:
    """All parameters that a signature covers, and the signature itself."""
    body = await request.text() if request.content_type == FORM else ""
    try:
        return signature.collect_parameters(
            uri_query=request.rel_url.raw_query_string,
            body=body,
            headers=dict(request.headers),
            exclude_oauth_signature=False,
        )
    except ValueError:
        raise xing_error("REQUIRED_PARAMETER_MISSING", "Malformed OAuth parameters") from None

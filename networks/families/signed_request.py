"""Meta's `signed_request`, in which it tells an app that somebody put it out.

`<signature>.<payload>`, both base64url without padding; the signature is an HMAC-SHA256 over the
payload as it was sent: https://developers.facebook.com/docs/facebook-login/guides/advanced/deauthorize
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qsl


def verified(signed_request: str, secret: str) -> dict[str, Any]:
    """The payload of a request that was signed with our app's secret; `{}` of any other."""
    signature, _, payload = signed_request.partition(".")
    expected = hmac.new(secret.encode(), payload.encode("utf-8", "replace"), hashlib.sha256)
    body = _payload(payload)
    is_ours = hmac.compare_digest(expected.digest(), _decoded(signature))
    return body if is_ours and str(body.get("algorithm")).upper() == "HMAC-SHA256" else {}


def payload_in(body: bytes) -> dict[str, Any]:
    """What a callback's body says, not verified: JSON, or a form with a `signed_request`."""
    text = body[:100_000].decode("utf-8", "replace").strip()
    told = _object(text)
    form = told or dict(parse_qsl(text))
    signed_request = form.get("signed_request")
    if isinstance(signed_request, str):
        return _payload(signed_request.partition(".")[2])
    return told or _payload(text.partition(".")[2])


def _payload(text: str) -> dict[str, Any]:
    return _object(_decoded(text).decode("utf-8", "replace"))


def _decoded(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}

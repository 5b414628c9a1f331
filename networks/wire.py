"""How a Request is written down: one way, so that both drivers send the same bytes."""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from oauthlib import oauth1

from networks.base import LONGEST_ID, OAuth1Keys, Request, TransportError

logger = logging.getLogger(__name__)

FORM = "application/x-www-form-urlencoded"
# A name and no number, so that it is resolved and looked at; no port, no user, no fragment.
ADDRESS = re.compile(r"https://((?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*)[/?][!\"$-~]*")
# A host that could be somebody's on the Internet, by its name alone (RFC 1123, 2.1; RFC 6761).
HOST = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
LONGEST_HOST = LONGEST_ID - len("https://")  # two less than DNS takes: it fits as an issuer
NEARBY = ("local", "localhost", "internal", "lan", "arpa", "onion", "invalid")


def host_in(text: str) -> str:
    """A public host's name as the door takes it; "" for a number, a port, a single label."""
    try:
        host = text.encode("idna").decode().lower()
    except UnicodeError:
        return ""
    is_one = len(host) <= LONGEST_HOST and re.fullmatch(HOST, host)
    return host if is_one and host.rpartition(".")[2] not in NEARBY else ""


class _EveryHost(Collection[str]):
    def __contains__(self, host: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


# For a network that anybody may run a server of; the door goes to public addresses only.
EVERY_HOST: Collection[str] = _EveryHost()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request as it goes over the wire, its address still the real one, not yet signed."""

    method: str
    url: str
    host: str
    headers: dict[str, str]
    body: str | None
    oauth1: OAuth1Keys | None


def prepare(request: Request, hosts: Collection[str]) -> Prepared:
    """One way to write a request down, so that both drivers send the same bytes.

    Raises TransportError for what cannot be sent, and for a host that is none of `hosts`.
    """
    try:
        body, content_type = _body(request)
        url = request.url
        if request.params:
            url += ("&" if "?" in url else "?") + urlencode(request.params)
    except ValueError:  # a lone surrogate from a network's JSON cannot be written
        raise TransportError("a value that cannot be sent") from None
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "Tokenwacht",
        **({"Content-Type": content_type} if content_type else {}),
        **_authorization(request),
        **request.headers,
    }
    address = ADDRESS.fullmatch(url)
    if not address:
        raise TransportError("not an https address")
    values = "".join(headers.values())
    if not (values.isascii() and values.isprintable()):
        raise TransportError("a header value that cannot be sent")
    host = address[1]
    if host not in hosts:
        logger.warning("refused to ask %s, which is no host of this network", host)
        raise TransportError(f"{host} is no host of this network")
    return Prepared(request.method, url, host, headers, body, request.oauth1)


def _body(request: Request) -> tuple[str | None, str]:
    if request.form is not None:
        return urlencode(request.form), FORM
    if request.json is not None:
        return json.dumps(request.json), "application/json"
    return None, ""


def _authorization(request: Request) -> dict[str, str]:
    if request.bearer:
        return {"Authorization": f"Bearer {request.bearer}"}
    if request.basic:
        pair = ":".join(request.basic).encode("utf-8", "replace")
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    return {}


def signature(keys: OAuth1Keys) -> dict[str, Any]:
    return {
        "resource_owner_key": keys.token or None,
        "resource_owner_secret": keys.token_secret or None,
        "callback_uri": keys.callback or None,
        "verifier": keys.verifier or None,
    }


def signed(prepared: Prepared) -> dict[str, str]:
    if prepared.oauth1 is None:
        return prepared.headers
    keys = prepared.oauth1
    client: Any = oauth1.Client(keys.client_key, keys.client_secret, **signature(keys))
    is_form = prepared.headers.get("Content-Type") == FORM
    body = prepared.body if is_form else None
    _, headers, _ = client.sign(prepared.url, prepared.method, body or None, prepared.headers)
    return {str(name): str(value) for name, value in headers.items()}

"""From a name to the server that may speak for it: https://atproto.com/specs/oauth#identity-authentication

handle -> DID -> DID document -> PDS -> authorization server. Every step may lead to any host.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from networks.base import Answer, Conversation, Get, Refusal, Refused, Request
from networks.reading import attempt, is_page, out_of_reach
from networks.wire import HOST, host_in

ENTRYWAY = "https://bsky.social"
DIRECTORY = "https://plc.directory/"
RESOLVER = "https://public.api.bsky.app/xrpc/com.atproto.identity.resolveHandle"
# https://atproto.com/specs/did: these two methods, and did:web of a whole host only
DID = re.compile(rf"did:plc:[a-z2-7]{{24}}|did:web:{HOST}")
ORIGIN = re.compile(rf"https://{HOST}")


@dataclass(frozen=True, slots=True)
class Server:
    """An authorization server, by its own metadata (RFC 8414, RFC 9126)."""

    issuer: str
    authorization: str
    pushed: str
    token: str
    revocation: str


def name_in(said: str) -> str:
    """A handle, a DID or a server's address ("https://…"), or "" for what is none of these."""
    text = said.strip().strip("\u200e\u200f\u202a\u202c\u2066\u2069").removeprefix("at://")
    if DID.fullmatch(text):
        return text
    text = text.lower()
    profile = re.fullmatch(r"https://[a-z0-9.-]*bsky\.app/profile/([^/?#]+)/?", text)
    if profile:
        return name_in(profile[1])
    text = text.removeprefix("@").removesuffix("/")
    if ORIGIN.fullmatch(text):
        return text if host_in(text.removeprefix("https://")) else ""
    return host_in(text)


def origin(value: Any) -> str:
    """An https address of a host and nothing more, or ""."""
    text = value.removesuffix("/") if isinstance(value, str) else ""
    return text if ORIGIN.fullmatch(text) else ""


def did_of(handle: str) -> Conversation:
    """https://atproto.com/specs/handle#handle-resolution; returns "" where nobody knows it."""
    answer = yield from attempt(Get(f"https://{handle}/.well-known/atproto-did"))
    did = answer.body[:300].decode("utf-8", "replace").strip()
    if answer.status == 200 and DID.fullmatch(did):
        return did
    answer = yield from attempt(Get(RESOLVER, params={"handle": handle}))
    did = str(answer.json.get("did"))
    if answer.status == 200 and DID.fullmatch(did):
        return did
    reachable(answer)
    return ""


def pds_of(did: str) -> Conversation:
    """The server that keeps a person's data, by her DID document. Raises Refused."""
    host = did.removeprefix("did:web:")
    document = (
        DIRECTORY + quote(did, safe=":") if host == did else f"https://{host}/.well-known/did.json"
    )
    body = yield from told(Get(document))
    services = body.get("service")
    for service in services if isinstance(services, list) else []:
        if isinstance(service, dict) and str(service.get("id")).endswith("#atproto_pds"):
            found = origin(service.get("serviceEndpoint"))
            if found and body.get("id") == did:
                return found
    raise Refused(Refusal.NO_SUCH_SERVER)


def issuer_of(pds: str) -> Conversation:
    """Who hands out tokens for a PDS (RFC 9728). Raises Refused."""
    body = yield from told(Get(f"{pds}/.well-known/oauth-protected-resource"))
    servers = body.get("authorization_servers")
    issuer = origin(servers[0]) if isinstance(servers, list) and servers else ""
    if not issuer or origin(body.get("resource")) != pds:
        raise Refused(Refusal.NO_SUCH_SERVER)
    return issuer


def server_of(issuer: str) -> Conversation:
    """An authorization server's metadata; one that names another issuer is refused."""
    body = yield from told(Get(f"{issuer}/.well-known/oauth-authorization-server"))
    if body.get("issuer") != issuer:
        raise Refused(Refusal.NO_SUCH_SERVER)
    names = ("authorization", "pushed_authorization_request", "token", "revocation")
    server = Server(issuer, *(endpoint(body, f"{name}_endpoint") for name in names))
    if not (server.authorization and server.pushed and server.token):
        raise Refused(Refusal.NO_SUCH_SERVER)
    return server


def endpoint(body: Mapping[str, Any], name: str) -> str:
    """An address at a host of its own, with a path; the door looks at where it leads."""
    value = body.get(name)
    is_one = isinstance(value, str) and re.fullmatch(rf"{ORIGIN.pattern}/[!#-;=?-~]*", value)
    return str(value) if is_one else ""


def find(name: str) -> Conversation:
    """`name_in`'s finding -> (DID or "", issuer). A host that is nobody's handle is a server.
    Raises Refused."""
    did = name if name.startswith("did:") else ""
    if not did and not name.startswith("https://"):
        did = yield from did_of(name)
    if did:
        pds = yield from pds_of(did)
        return did, (yield from issuer_of(pds))
    server = origin(name) or f"https://{name}"
    answer = yield from attempt(Get(f"{server}/.well-known/oauth-protected-resource"))
    if answer.status == 0 and name != server:  # nobody's handle, and nobody's server
        raise Refused(Refusal.NO_SUCH_SERVER)
    servers = answer.json.get("authorization_servers")
    if answer.status == 200 and isinstance(servers, list) and servers:
        return "", origin(servers[0]) or server
    return "", server


def told(request: Request) -> Generator[Request, Answer, Mapping[str, Any]]:
    answer = yield from attempt(request)
    reachable(answer)
    if answer.status != 200 or not answer.json:
        raise Refused(Refusal.NO_SUCH_SERVER)
    return answer.json


def reachable(answer: Answer) -> None:
    if out_of_reach(answer) or (answer.status == 200 and is_page(answer)):
        raise Refused(Refusal.NETWORK_UNAVAILABLE)

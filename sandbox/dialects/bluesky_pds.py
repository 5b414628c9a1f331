"""The other servers of the AT Protocol: a PDS, the directory of DIDs, the resolver, the handles.

Source: atproto.com (specs did, handle, xrpc; lexicons of com.atproto), and a real PDS.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.dialects.bluesky_proof import Wrong
from sandbox.network import Answer
from sandbox.world import Profile

if TYPE_CHECKING:
    from sandbox.dialects.bluesky import Bluesky

PDS = "pds.example"
DIRECTORY = "plc.directory"
RESOLVER = "public.api.bsky.app"
# Whose host does not say whose it is: the resolver knows it from the DNS.
SILENT = "bergheim.bsky.social"
CHALLENGE = 'DPoP algs="ES256", error="{}", error_description="{}"'


class Pds:
    """The calls that a client makes before and after it has a token."""

    def __init__(self, network: Bluesky) -> None:
        self.network = network
        self.accounts = {one.id: one for one in network.world.profiles.values()}

    def routes(self) -> Iterable[web.RouteDef]:
        """Each at its own host."""
        xrpc = f"/{PDS}/xrpc"
        yield web.get(f"/{PDS}/.well-known/oauth-protected-resource", self.resource)
        yield web.get(f"{xrpc}/com.atproto.server.getSession", self.session)
        yield web.get(f"{xrpc}/com.atproto.sync.getRepoStatus", self.repo_status)
        yield web.get(f"/{DIRECTORY}/{{did}}", self.document)
        resolve = f"/{RESOLVER}/xrpc/com.atproto.identity.resolveHandle"
        yield web.get(resolve, self.resolve)
        for account in self.accounts.values():
            yield web.get(f"/{account.handle}/.well-known/atproto-did", self.handle)

    async def resource(self, request: web.Request) -> web.StreamResponse:
        """Who hands out tokens for this PDS (RFC 9728)."""
        here = {"resource": f"https://{PDS}", "bearer_methods_supported": ["header"]}
        return web.json_response({**here, "authorization_servers": ["https://bsky.social"]})

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """A handle's own host says whose it is, or does not."""
        host = request.path.split("/")[1]
        if host == SILENT:
            raise web.HTTPNotFound(text="Not Found")
        return web.Response(text=self.by_handle(host).id)

    async def resolve(self, request: web.Request) -> web.StreamResponse:
        """For clients that cannot ask the DNS."""
        found = self.by_handle(request.query.get("handle", "").lower())
        return web.json_response({"did": found.id})

    def by_handle(self, handle: str) -> Profile:
        for one in self.accounts.values():
            if one.handle == handle:
                return one
        raise Answer(400, {"error": "InvalidRequest", "message": "Unable to resolve handle"})

    async def document(self, request: web.Request) -> web.StreamResponse:
        """Where a DID is at home."""
        account = self.accounts.get(request.match_info["did"])
        if account is None:
            why = f"DID not registered: {request.match_info['did']}"
            raise Answer(404, {"message": why})
        service = {
            "id": "#atproto_pds",
            "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": f"https://{PDS}",
        }
        return web.json_response(
            {
                "@context": ["https://www.w3.org/ns/did/v1"],
                "id": account.id,
                "alsoKnownAs": [f"at://{account.handle}"],
                "verificationMethod": [],
                "service": [service],
            }
        )

    async def session(self, request: web.Request) -> web.StreamResponse:
        """Whose token this is."""
        kind, _, value = request.headers.get("Authorization", "").partition(" ")
        if kind != "DPoP":
            raise Answer(401, {"error": "AuthMissing", "message": "Authentication Required"})
        try:
            thumbprint = self.network.proofs.check(request, value)
        except Wrong as wrong:
            raise self.refused(wrong.error, wrong.why) from None
        token = self.network.bound(value, thumbprint)
        if token is None:
            raise self.refused("invalid_token", "Invalid token")
        if not token.live:
            raise self.refused("invalid_token", '"exp" claim timestamp check failed')
        account = self.network.world.of(token.grant.person, "account")
        return web.json_response({"did": account.id, "handle": account.handle, "active": True})

    def refused(self, error: str, why: str) -> Answer:
        """In the body and in the challenge, with the nonce for the next time."""
        headers = {
            "DPoP-Nonce": self.network.proofs.nonces()[0],
            "WWW-Authenticate": CHALLENGE.format(error, why.replace('"', "'")),
        }
        return Answer(401, {"error": error, "message": why}, **headers)

    async def repo_status(self, request: web.Request) -> web.StreamResponse:
        """What everybody may know of an account."""
        did = request.query.get("did", "")
        account = self.accounts.get(did)
        if account is None:
            why = f"Could not find repo for DID: {did}"
            raise Answer(400, {"error": "RepoNotFound", "message": why})
        taken_down = not self.network.serving(account.roles[0][0])
        status = {"active": False, "status": "takendown"} if taken_down else {"active": True}
        return web.json_response({"did": did, **status})

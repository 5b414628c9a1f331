"""Bluesky's authorization server: pushed requests, proofs with nonces, refresh tokens for one use.

Sources: atproto.com/specs/oauth; the reference server's constants and texts (oauth-provider and
pds in bluesky-social/atproto), and what a real PDS was seen to answer.

Where these say nothing, this practice network chose:

* clients are those of developers' machines (``http://localhost?…``), which have no secret:
  nobody could fetch the metadata of another from here;
* one entryway, ``bsky.social``, hands out the tokens for the one PDS, as at Bluesky itself;
* a takedown ends every authorization, for good; a new password ends none; a deactivated
  account is not among the console's levers.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from sandbox.dialects.bluesky_pds import DIRECTORY, PDS, RESOLVER, Pds
from sandbox.dialects.bluesky_proof import Proofs, Wrong
from sandbox.ledger import ACCESS, CODE, REFRESH, REVOKED, Grant, Token
from sandbox.network import Answer, Ask, Refused, form_of, json_answer
from sandbox.oauth2 import DAY, MINUTE, OAuth2Network
from sandbox.settings import Settings
from sandbox.store import Store
from sandbox.world import Person
from sandbox.world_fedi import bluesky as world

ENTRYWAY = "bsky.social"
ISSUER = f"https://{ENTRYWAY}"
HANDLES = tuple(person.login for person in world().people.values())
PUSHED_LIFE = 300


class Bluesky(OAuth2Network):
    """The pages and tokens at bsky.social; bluesky_pds.py is the rest of it."""

    slug = "bluesky"
    title = "Bluesky"
    accent = "#0a66c2"
    pages_host = ENTRYWAY
    hosts = (ENTRYWAY, PDS, DIRECTORY, RESOLVER, *HANDLES)
    authorize_path = "/oauth/authorize"
    access_life = 60 * MINUTE
    refresh_life = 14 * DAY
    known_scopes = frozenset({"atproto", "transition:generic", "transition:email"})

    def __init__(self, settings: Settings, store: Store) -> None:
        super().__init__(settings, store)
        self.proofs = Proofs()
        self.pushed: dict[str, tuple[float, Ask]] = {}

    def routes(self) -> Iterable[web.RouteDef]:
        """What the metadata names, and the metadata."""
        here = f"/{ENTRYWAY}"
        return [
            web.get(f"{here}/.well-known/oauth-authorization-server", self.metadata),
            web.post(f"{here}/oauth/par", self.push),
            web.post(f"{here}/oauth/token", self.token),
            web.post(f"{here}/oauth/revoke", self.revoke),
            *Pds(self).routes(),
        ]

    async def metadata(self, request: web.Request) -> web.StreamResponse:
        """RFC 8414, with what the AT Protocol asks for."""
        return web.json_response(
            {
                "issuer": ISSUER,
                "authorization_endpoint": f"{ISSUER}/oauth/authorize",
                "token_endpoint": f"{ISSUER}/oauth/token",
                "revocation_endpoint": f"{ISSUER}/oauth/revoke",
                "pushed_authorization_request_endpoint": f"{ISSUER}/oauth/par",
                "require_pushed_authorization_requests": True,
                "authorization_response_iss_parameter_supported": True,
                "client_id_metadata_document_supported": True,
                "scopes_supported": sorted(self.known_scopes),
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
                "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
                "dpop_signing_alg_values_supported": ["ES256"],
            }
        )

    # The request, pushed and then shown to a person.

    async def push(self, request: web.Request) -> web.StreamResponse:
        """RFC 9126: the whole request, kept under a name."""
        form = await form_of(request)
        thumbprint = self.proven(request)
        client = self.client(form)
        if form.get("redirect_uri") not in client.get("redirect_uri", []):
            raise failure("invalid_request", "Invalid redirect_uri")
        scopes = tuple(form.get("scope", "").split())
        if "atproto" not in scopes or not set(scopes) <= set(client["scope"][0].split()):
            raise failure("invalid_scope", "Scope is not declared in the client metadata")
        if form.get("code_challenge_method") != "S256" or not form.get("code_challenge"):
            raise failure("invalid_request", "Use of PKCE with S256 is required")
        kept = ("code_challenge", "code_challenge_method", "login_hint")
        more = {name: form[name] for name in kept if name in form} | {"jkt": thumbprint}
        ask = Ask(form["client_id"], form["redirect_uri"], form.get("state", ""), scopes, more)
        name = f"urn:ietf:params:oauth:request_uri:req-{secrets.token_hex(16)}"
        self.pushed[name] = (time.time() + PUSHED_LIFE, ask)
        body = {"request_uri": name, "expires_in": PUSHED_LIFE}
        return json_answer(body, 201)

    def client(self, form: Mapping[str, str]) -> dict[str, list[str]]:
        """What a developer's client says of itself in its own name."""
        parts = urlsplit(form.get("client_id", ""))
        if (parts.scheme, parts.netloc, parts.path) not in (
            ("http", "localhost", ""),
            ("http", "localhost", "/"),
        ):
            raise failure("invalid_client", "Client metadata could not be fetched")
        said = parse_qs(parts.query)
        return {"scope": ["atproto"], "redirect_uri": ["http://127.0.0.1/"], **said}

    def read_ask(self, query: Mapping[str, str]) -> Ask:
        """What was pushed under this name, by this client."""
        until, ask = self.pushed.get(query.get("request_uri", ""), (0.0, None))
        if ask is None or until < time.time() or ask.client != query.get("client_id"):
            raise Refused("Unknown request_uri")
        return ask

    def back(self, ask: Ask, **values: str) -> str:
        """With the sender's name (RFC 9207)."""
        self.pushed = {name: one for name, one in self.pushed.items() if one[1] is not ask}
        return super().back(ask, **values, iss=ISSUER)

    # Tokens.

    async def token(self, request: web.Request) -> web.StreamResponse:
        """A code or a refresh token, for a pair that is bound to the proven key."""
        form = await form_of(request)
        thumbprint = self.proven(request)
        self.client(form)
        if form.get("grant_type") == "refresh_token":
            return self.refreshed(form, thumbprint)
        if form.get("grant_type") != "authorization_code":
            raise failure("invalid_grant", "Grant type is not supported by the server")
        found = self.ledger.find(form.get("code", ""), CODE)
        if found and found.data.get("jkt") != thumbprint:
            raise failure("invalid_grant", "DPoP proof does not match the expected JKT")
        code = self.take_code(form, form["client_id"])
        if code is None:
            raise failure("invalid_grant", "Invalid code")
        return self.pair(code.grant, thumbprint)

    def refreshed(self, form: Mapping[str, str], thumbprint: str) -> web.Response:
        """The next pair; what is shown for a second time ends everything."""
        old = self.ledger.find(form.get("refresh_token", ""), REFRESH)
        if old is None or old.grant.client != form["client_id"] or not self.stands(old.grant):
            raise failure("invalid_grant", "Invalid refresh token")
        if old.data.get("jkt") != thumbprint:
            raise failure("invalid_grant", "DPoP proof does not match the expected JKT")
        if old.status == REVOKED:
            self.ledger.end_grant(old.grant)
            raise failure("invalid_grant", "Refresh token replayed")
        if not old.live:
            raise failure("invalid_grant", "Refresh token expired")
        self.ledger.end_tokens(old.grant)
        return self.pair(old.grant, thumbprint)

    def stands(self, grant: Grant) -> bool:
        """Whether an authorization is still one. A takedown ends it for good."""
        if not self.serving(grant.person):
            self.ledger.disconnect(grant.person)
        live = self.ledger.live_grants(grant.person, grant.client)
        return any(one.id == grant.id for one in live)

    def pair(self, grant: Grant, thumbprint: str) -> web.Response:
        """Access and refresh token, and whose they are."""
        access = self.ledger.issue(grant, ACCESS, self.access_life, jkt=thumbprint)
        refresh = self.ledger.issue(grant, REFRESH, self.refresh_life, jkt=thumbprint)
        body = {
            "access_token": access.value,
            "token_type": "DPoP",
            "refresh_token": refresh.value,
            "scope": " ".join(grant.scopes),
            "expires_in": access.seconds_left,
            "sub": self.did(grant.person),
        }
        return json_answer(body)

    async def revoke(self, request: web.Request) -> web.StreamResponse:
        """RFC 7009: nobody hears whether there was such a token."""
        form = await form_of(request)
        self.proven(request)
        self.client(form)
        token = self.ledger.find(form.get("token", ""), ACCESS, REFRESH)
        if token and token.grant.client == form.get("client_id"):
            self.ledger.end_grant(token.grant)
        return json_answer({})

    def proven(self, request: web.Request) -> str:
        """Which key the caller holds."""
        try:
            return self.proofs.check(request)
        except Wrong as wrong:
            nonce = {"DPoP-Nonce": self.proofs.nonces()[0]}
            body = {"error": wrong.error, "error_description": wrong.why}
            raise Answer(400, body, **nonce) from None

    def did(self, person: str) -> str:
        """Whose name never changes."""
        return self.world.of(person, "account").id

    def bound(self, value: str, thumbprint: str) -> Token | None:
        """An access token that works for this key."""
        token = self.ledger.find(value, ACCESS)
        if token is None or token.data.get("jkt") != thumbprint or not self.stands(token.grant):
            return None
        return token if token.status != REVOKED else None

    def revoked_by_password(self, person: str) -> None:
        """A new password ends no authorization here."""

    def skips_consent(self, ask: Ask, person: Person) -> bool:
        """Consent is asked for every time."""
        return False

    def rate_limited(self, path: str) -> web.Response:
        """The budget of one address: no Retry-After, but the time when it is full again."""
        body = {"error": "RateLimitExceeded", "message": "Rate Limit Exceeded"}
        reset = {"RateLimit-Limit": "3000", "RateLimit-Remaining": "0"}
        reset["RateLimit-Reset"] = str(int(time.time()) + 300)
        return web.json_response(body, status=429, headers=reset)

    def broken(self, path: str) -> web.Response:
        """An error inside."""
        body = {"error": "InternalServerError", "message": "Internal Server Error"}
        return web.json_response(body, status=500)


def failure(error: str, why: str) -> Answer:
    """As the OAuth endpoints print it."""
    return Answer(400, {"error": error, "error_description": why})

"""LinkedIn's authorization: 60-day tokens, a year that refreshing does not lengthen.

Sources: LinkedIn's "3-legged OAuth", "Programmatic refresh tokens" and "Token
introspection" pages on learn.microsoft.com; error bodies as quoted in public threads.

Where these say nothing, this practice network chose:

* a new password ends every token, and introspection then says ``revoked``;
* a blocked member's introspection is a 401 with the API's own body (a draft of the
  documentation says 401, no page shows a body);
* revoking a token ends its whole authorization, and no other (RFC 7009, section 2.1);
* no ``id_token`` comes with ``openid``: nothing here signs, ``userinfo`` says the same.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterable

from aiohttp import web

from sandbox.dialects.linkedin_api import LinkedInApi, restricted
from sandbox.ledger import ACCESS, ACTIVE, REFRESH, Grant, Token
from sandbox.network import Answer, Ask, form_of, json_answer
from sandbox.oauth2 import DAY, MINUTE, OAuth2Network
from sandbox.world import Person

TOKEN_BYTES = 360

BAD_CODE = (
    "Unable to retrieve access token: appid/redirect uri/code verifier does not match "
    "authorization code. Or authorization code expired. Or external member binding exists"
)
BAD_REFRESH = "The provided authorization grant or refresh token is invalid, expired or revoked"


class LinkedIn(OAuth2Network):
    """The pages at www.linkedin.com and the API at api.linkedin.com."""

    slug = "linkedin"
    title = "LinkedIn"
    accent = "#2b5fa3"
    pages_host = "www.linkedin.com"
    hosts = ("www.linkedin.com", "api.linkedin.com")
    authorize_path = "/oauth/v2/authorization"
    code_life = 30 * MINUTE
    access_life = 60 * DAY
    refresh_life = 365 * DAY
    unknown_scope_error = "unauthorized_scope_error"
    cancelled_at_login = "user_cancelled_login"
    cancelled_at_consent = "user_cancelled_authorize"
    known_scopes = frozenset(
        [
            "openid",
            "profile",
            "email",
            "r_basicprofile",
            "w_member_social",
            "w_member_social_feed",
            "r_organization_admin",
            "rw_organization_admin",
            "r_organization_social",
            "w_organization_social",
            "w_organization_social_feed",
        ]
    )

    def routes(self) -> Iterable[web.RouteDef]:
        """The four OAuth endpoints, and the API."""
        oauth = self.at(self.pages_host, "/oauth/v2")
        return [
            web.post(f"{oauth}/accessToken", self.token),
            web.post(f"{oauth}/introspectToken", self.introspect),
            web.post(f"{oauth}/revoke", self.revoke),
            *LinkedInApi(self).routes(),
        ]

    def skips_consent(self, ask: Ask, person: Person) -> bool:
        """A member who is signed in and granted these very scopes is not asked again."""
        return self.granted(ask, person)

    def allow(self, ask: Ask, person: Person, scopes: tuple[str, ...]) -> str:
        """A different set of scopes voids the earlier tokens of this member and app."""
        for grant in self.ledger.live_grants(person.id, ask.client):
            if set(grant.scopes) != set(scopes):
                self.ledger.end_grant(grant)
        return super().allow(ask, person, scopes)

    async def token(self, request: web.Request) -> web.StreamResponse:
        """Exchange a code, or get a new access token for the same refresh token."""
        form = await form_of(request)
        client = self.client(form)
        if form.get("grant_type") == "authorization_code":
            return self.exchange(form, client)
        if form.get("grant_type") == "refresh_token":
            return self.refresh(form, client)
        raise Answer(400, {"error": "unsupported_grant_type", "error_description": "grant_type"})

    def exchange(self, form: dict[str, str], client: str) -> web.Response:
        """The first pair: the year starts here, unless the world says it began before."""
        code = self.take_code(form, client)
        if code is None:
            raise Answer(400, {"error": "invalid_request", "error_description": BAD_CODE})
        member = self.world.people[code.grant.person]
        life: float = self.refresh_life
        if member.first_grant_days and not self.ledger.had_tokens(member.id):
            life = member.first_grant_days * DAY
        grant = self.ledger.start_refresh_clock(code.grant, time.time() + life)
        value = secrets.token_urlsafe(TOKEN_BYTES)
        return self.pair(grant, self.ledger.issue(grant, REFRESH, life, value))

    def refresh(self, form: dict[str, str], client: str) -> web.Response:
        """The refresh token stays as it is, and so does its end."""
        token = self.ledger.find(form.get("refresh_token", ""), REFRESH)
        if token is None or not token.live or token.grant.client != client:
            raise Answer(400, {"error": "invalid_request", "error_description": BAD_REFRESH})
        if not self.serving(token.grant.person):
            raise Answer(400, {"error": "invalid_request", "error_description": BAD_REFRESH})
        return self.pair(token.grant, token)

    def pair(self, grant: Grant, refresh: Token) -> web.Response:
        """Near the end of the year the access token is cut short with it."""
        life = min(self.access_life, refresh.expires - time.time())
        access = self.ledger.issue(grant, ACCESS, life, secrets.token_urlsafe(TOKEN_BYTES))
        return json_answer(
            {
                "access_token": access.value,
                "expires_in": access.seconds_left,
                "refresh_token": refresh.value,
                "refresh_token_expires_in": refresh.seconds_left,
                "scope": " ".join(grant.scopes),
                "token_type": "Bearer",
            }
        )

    async def introspect(self, request: web.Request) -> web.StreamResponse:
        """Status, scopes and clocks of a token, for the client it was given to."""
        form = await form_of(request)
        self.introspecting_client(form)
        token = self.ledger.find(form.get("token", ""), ACCESS, REFRESH)
        if token is None:
            raise Answer(400, {"error": "invalid_request", "error_description": "Invalid token"})
        if token.grant.client != form["client_id"]:
            return json_answer({"active": False})
        if not self.serving(token.grant.person):
            raise restricted()
        return json_answer(
            {
                "active": token.status == ACTIVE,
                "client_id": token.grant.client,
                "authorized_at": int(token.grant.created),
                "created_at": int(token.created),
                "status": token.status,
                "expires_at": int(token.expires),
                "scope": ",".join(token.grant.scopes),
                "auth_type": "3L",
            }
        )

    async def revoke(self, request: web.Request) -> web.StreamResponse:
        """End the authorization that a token belongs to."""
        form = await form_of(request)
        client = self.client(form)
        token = self.ledger.find(form.get("token", ""), ACCESS, REFRESH)
        if token and token.grant.client == client:
            self.ledger.end_grant(token.grant)
        return web.Response()

    def client(self, form: dict[str, str]) -> str:
        """Who calls; id and secret come in the body."""
        client, secret = form.get("client_id", ""), form.get("client_secret", "")
        if client not in self.clients:
            why = "Client authentication failed"
            raise Answer(401, {"error": "invalid_client_id", "error_description": why})
        if not self.client_is_right(client, secret):
            why = "Client authentication failed"
            raise Answer(401, {"error": "invalid_client", "error_description": why})
        return client

    def introspecting_client(self, form: dict[str, str]) -> None:
        """Introspection's own statuses: 400 for a bad id, 401 for a bad secret."""
        if form.get("client_id", "") not in self.clients:
            why = "The passed in client_id is invalid"
            raise Answer(400, {"error": "invalid_request", "error_description": why})
        self.client(form)

    def subject(self, client: str, person: str) -> str:
        """The member as one app sees her: another app sees another id (pairwise)."""
        return hashlib.sha256(f"{client}/{person}".encode()).hexdigest()[:10]

    def rate_limited(self, path: str) -> web.Response:
        """The throttle's answer."""
        message = (
            "Resource level throttle APPLICATION DAY limit for calls to this resource is reached."
        )
        return web.json_response(
            {
                "status": 429,
                "serviceErrorCode": 101,
                "code": "TOO_MANY_REQUESTS",
                "message": message,
            },
            status=429,
        )

    def broken(self, path: str) -> web.Response:
        """The body of a failure inside."""
        body = {
            "errorCode": 0,
            "message": "Internal service error",
            "requestId": secrets.token_hex(5).upper(),
            "status": 500,
            "timestamp": int(time.time() * 1000),
        }
        return web.json_response(body, status=500)

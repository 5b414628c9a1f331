"""X: PKCE, HTTP Basic, and a refresh token that works once.

Sources: docs.x.com, "OAuth 2.0 Authorization Code Flow with PKCE", "Response codes and
errors"; error bodies as quoted in public threads.

Where these say nothing, this practice network chose:

* a new consent ends the earlier one of the same account when its code is exchanged;
* a refresh token that was used already is refused, and the pair that came of it lives;
* a blocked account may refresh, and is told at the API that it is suspended;
* a new password ends every token; a refresh token lives for half a year.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Iterable, Mapping

from aiohttp import web

from sandbox.ledger import ACCESS, REFRESH, Grant, Token
from sandbox.network import Answer, Ask, Refused, bearer, form_of, json_answer
from sandbox.oauth2 import DAY, OAuth2Network

API = "api.x.com"
WINDOW = 15 * 60
LIMIT = 75
PROBLEMS = "https://api.x.com/2/problems"


def oauth_error(status: int, error: str, why: str) -> Answer:
    """The flat error of the token endpoint."""
    return Answer(status, {"error": error, "error_description": why})


def problem(status: int, title: str, detail: str = "", kind: str = "about:blank") -> Answer:
    """RFC 7807, as the API writes it."""
    body = {"title": title, "type": kind, "status": status, "detail": detail or title}
    return Answer(status, body, **budget())


def budget(left: int = LIMIT - 1) -> dict[str, str]:
    """The headers that say how many calls are left; here they are not counted."""
    return {
        "x-rate-limit-limit": str(LIMIT),
        "x-rate-limit-remaining": str(left),
        "x-rate-limit-reset": str(int(time.time()) + WINDOW),
    }


class X(OAuth2Network):
    """The pages at x.com and the API at api.x.com."""

    slug = "x"
    title = "X"
    accent = "#33383d"
    pages_host = "x.com"
    hosts = ("x.com", API)
    authorize_path = "/i/oauth2/authorize"
    code_life = 30
    access_life = 2 * 3600
    refresh_life = 183 * DAY
    known_scopes = frozenset(
        ["users.read", "tweet.read", "tweet.write", "media.write", "offline.access"]
    )

    def routes(self) -> Iterable[web.RouteDef]:
        """Token, revocation, and the answer about oneself."""
        return [
            web.post(self.at(API, "/2/oauth2/token"), self.token),
            web.post(self.at(API, "/2/oauth2/revoke"), self.revoke),
            web.get(self.at(API, "/2/users/me"), self.me),
        ]

    def read_ask(self, query: Mapping[str, str]) -> Ask:
        """Without a challenge nobody is let on."""
        ask = super().read_ask(query)
        if not ask.more.get("code_challenge"):
            raise Refused("You weren't able to give access to the App.")
        return ask

    async def token(self, request: web.Request) -> web.StreamResponse:
        """Exchange a code, or a refresh token for the next pair."""
        client, form = self.client(request), await form_of(request)
        if form.get("grant_type") == "authorization_code":
            return self.exchange(form, client)
        if form.get("grant_type") == "refresh_token":
            return self.refresh(form, client)
        why = "Missing required parameter [grant_type]."
        raise oauth_error(400, "invalid_request", why)

    def exchange(self, form: dict[str, str], client: str) -> web.Response:
        """The first pair; whatever this account gave to this client before is over."""
        code = self.take_code(form, client)
        if code is None:
            why = "Value passed for the authorization code was invalid."
            raise oauth_error(400, "invalid_request", why)
        for grant in self.ledger.live_grants(code.grant.person, client):
            if grant.id != code.grant.id:
                self.ledger.end_grant(grant)
        return self.pair(code.grant)

    def refresh(self, form: dict[str, str], client: str) -> web.Response:
        """A new pair; the refresh token that was sent works no longer."""
        old = self.ledger.find(form.get("refresh_token", ""), REFRESH)
        is_good = old is not None and old.live and old.grant.client == client
        if old is None or not is_good or not self.ledger.end(old):
            why = "Value passed for the token was invalid."
            raise oauth_error(400, "invalid_request", why)
        return self.pair(old.grant)

    def pair(self, grant: Grant) -> web.Response:
        """An access token, and with ``offline.access`` a refresh token."""
        access = self.ledger.issue(grant, ACCESS, self.access_life)
        body: dict[str, object] = {
            "token_type": "bearer",
            "expires_in": access.seconds_left,
            "access_token": access.value,
            "scope": " ".join(grant.scopes),
        }
        if "offline.access" in grant.scopes:
            body["refresh_token"] = self.ledger.issue(grant, REFRESH, self.refresh_life).value
        return json_answer(body)

    async def revoke(self, request: web.Request) -> web.StreamResponse:
        """End the authorization that a token belongs to."""
        client, form = self.client(request), await form_of(request)
        token = self.ledger.find(form.get("token", ""), ACCESS, REFRESH)
        if token is None or not token.live or token.grant.client != client:
            why = "Value passed for the token was invalid."
            raise oauth_error(400, "invalid_request", why)
        self.ledger.end_grant(token.grant)
        return json_answer({"revoked": True})

    async def me(self, request: web.Request) -> web.StreamResponse:
        """Whose token this is."""
        grant = self.caller(request).grant
        if not {"users.read", "tweet.read"} <= set(grant.scopes):
            raise problem(403, "Forbidden")
        account = self.world.of(grant.person, "account")
        data = {"id": account.id, "name": account.name, "username": account.handle}
        return web.json_response({"data": data}, headers=budget())

    def caller(self, request: web.Request) -> Token:
        """Whose call this is; every bad token gets the same answer."""
        token = self.ledger.find(bearer(request), ACCESS)
        if token is None or not token.live:
            raise problem(401, "Unauthorized")
        if not self.serving(token.grant.person):
            why = "The user used for authentication is suspended"
            raise problem(403, "Forbidden", why, f"{PROBLEMS}/user-suspended")
        return token

    def client(self, request: web.Request) -> str:
        """Who calls: HTTP Basic and nothing else."""
        kind, _, text = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "basic":
            why = "Missing valid authorization header"
            raise oauth_error(401, "unauthorized_client", why)
        try:
            pair = base64.b64decode(text.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            pair = ""
        client, _, secret = pair.partition(":")
        if not self.client_is_right(client, secret):
            raise oauth_error(401, "invalid_client", "Client authentication failed")
        return client

    def rate_limited(self, path: str) -> web.Response:
        """More than the window holds."""
        body = {"title": "Too Many Requests", "detail": "Too Many Requests", "status": 429}
        return web.json_response({**body, "type": "about:blank"}, status=429, headers=budget(0))

    def broken(self, path: str) -> web.Response:
        """An error inside."""
        return problem(503, "Service Unavailable").response

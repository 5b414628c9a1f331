"""Pinterest API v5: HTTP Basic, commas, and a refresh token that renews itself.

Sources: Pinterest's OpenAPI description of v5, its guide "Set up authentication and
authorization", and its example error bodies.

Where these say nothing, this practice network chose:

* code 283 comes with HTTP 400, a wrong app id or secret is HTTP 401 with code 2;
* the old refresh token dies when it is used; the old access token lives on to its end;
* the scope of the token answer is separated by spaces, as in the guide's sample;
* consent is asked for every time; saying no comes back as RFC 6749's ``access_denied``;
* a new password, a withdrawn app and a blocked account all look the same from outside.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from collections.abc import Iterable

from aiohttp import web

from sandbox.dialects.pinterest_api import PinterestApi, authentication_failed
from sandbox.ledger import ACCESS, REFRESH, Grant
from sandbox.network import Answer, form_of, json_answer
from sandbox.oauth2 import DAY, OAuth2Network

RATE_LIMITED = (
    "This request exceeded a rate limit. This can happen if the client exceeds one\n"
    "of the published rate limits within a short time window."
)


class Pinterest(OAuth2Network):
    """The pages at www.pinterest.com and the API at api.pinterest.com."""

    slug = "pinterest"
    title = "Pinterest"
    accent = "#b0303a"
    pages_host = "www.pinterest.com"
    hosts = ("www.pinterest.com", "api.pinterest.com")
    authorize_path = "/oauth/"
    access_life = 30 * DAY
    refresh_life = 60 * DAY
    known_scopes = frozenset(
        [
            "user_accounts:read",
            "user_accounts:write",
            "boards:read",
            "boards:read_secret",
            "boards:write",
            "boards:write_secret",
            "pins:read",
            "pins:read_secret",
            "pins:write",
            "pins:write_secret",
        ]
    )

    def routes(self) -> Iterable[web.RouteDef]:
        """The token endpoints, and the API."""
        oauth = self.at("api.pinterest.com", "/v5/oauth/token")
        return [
            web.post(oauth, self.token),
            web.post(f"{oauth}/revoke", self.revoke),
            *PinterestApi(self).routes(),
        ]

    async def token(self, request: web.Request) -> web.StreamResponse:
        """Exchange a code, or a refresh token for the next pair."""
        client, form = self.client(request), await form_of(request)
        if form.get("grant_type") == "authorization_code":
            return self.exchange(form, client)
        if form.get("grant_type") == "refresh_token":
            return self.refresh(form, client)
        raise Answer(400, {"code": 1, "message": "Invalid request: grant_type."})

    def exchange(self, form: dict[str, str], client: str) -> web.Response:
        """The first pair."""
        if form.get("redirect_uri") != self.settings.callback(self.slug):
            message = (
                f"The provided redirect_uri {form.get('redirect_uri', '')} does not match"
                " any of the registered redirect URIs."
            )
            raise Answer(400, {"code": 7, "message": message})
        code = self.take_code(form, client)
        if code is None:
            raise self.bad_grant()
        return self.pair(code.grant, "authorization_code")

    def refresh(self, form: dict[str, str], client: str) -> web.Response:
        """A new pair with sixty new days; the old refresh token is gone."""
        old = self.ledger.find(form.get("refresh_token", ""), REFRESH)
        if old is None or not old.live or old.grant.client != client:
            raise self.bad_grant()
        if not self.serving(old.grant.person) or not self.ledger.end(old):
            raise self.bad_grant()
        return self.pair(old.grant, "refresh_token")

    def pair(self, grant: Grant, kind: str) -> web.Response:
        """An access token and the refresh token that goes with it."""
        access = self.ledger.issue(
            grant, ACCESS, self.access_life, f"pina_{secrets.token_urlsafe(48)}"
        )
        refresh = self.ledger.issue(
            grant, REFRESH, self.refresh_life, f"pinr_{secrets.token_urlsafe(48)}"
        )
        return json_answer(
            {
                "response_type": kind,
                "access_token": access.value,
                "token_type": "bearer",
                "expires_in": access.seconds_left,
                "scope": " ".join(grant.scopes),
                "refresh_token": refresh.value,
                "refresh_token_expires_in": refresh.seconds_left,
                "refresh_token_expires_at": int(time.time()) + refresh.seconds_left,
            }
        )

    async def revoke(self, request: web.Request) -> web.StreamResponse:
        """Only system users' tokens can be revoked, and nobody here has one."""
        self.client(request)
        raise Answer(403, {"code": 29, "message": "You are not permitted to access that resource."})

    def client(self, request: web.Request) -> str:
        """Who calls: HTTP Basic and nothing else."""
        kind, _, text = request.headers.get("Authorization", "").partition(" ")
        try:
            pair = base64.b64decode(text.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            pair = ""
        client, _, secret = pair.partition(":")
        if kind.lower() != "basic" or not self.client_is_right(client, secret):
            raise authentication_failed()
        return client

    def bad_grant(self) -> Answer:
        """A code or refresh token that opens nothing."""
        return Answer(400, {"code": 283, "message": "The authorization grant is invalid"})

    def rate_limited(self, path: str) -> web.Response:
        """The published limits, exceeded."""
        return web.json_response({"code": 8, "message": RATE_LIMITED}, status=429)

    def broken(self, path: str) -> web.Response:
        """An error inside."""
        body = {"code": 12, "message": "Something went wrong on our end. Sorry about that."}
        return web.json_response(body, status=500)

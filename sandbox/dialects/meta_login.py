"""Instagram's and Threads' own logins: one account, sixty days, renewed by the token itself.

Sources: "Business login for Instagram" and "Long-lived access tokens" of Threads on
developers.facebook.com.

Where these say nothing, this practice network chose: the answer to a token that is
too young to be renewed is a 100; a renewal gives a new text, and the old one lives on.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import ClassVar

from aiohttp import web

from sandbox.dialects.meta import MetaNetwork, error, token_of
from sandbox.ledger import ACCESS, Token
from sandbox.network import form_of, json_answer
from sandbox.oauth2 import DAY
from sandbox.world import Profile


class MetaLogin(MetaNetwork):
    """Three token endpoints, and the answer about oneself."""

    token_host: ClassVar[str]
    api_host: ClassVar[str]
    version: ClassVar[str]
    prefix: ClassVar[str]  # of the grant types
    basic_scope: ClassVar[str]

    def routes(self) -> Iterable[web.RouteDef]:
        """The token endpoints carry no version."""
        return [
            web.post(self.at(self.token_host, "/oauth/access_token"), self.token),
            web.get(self.at(self.api_host, "/access_token"), self.exchange),
            web.get(self.at(self.api_host, "/refresh_access_token"), self.refresh),
            web.get(self.at(self.api_host, f"/{self.version}/me"), self.me),
        ]

    async def token(self, request: web.Request) -> web.StreamResponse:
        """A code for an hour."""
        form = await form_of(request)
        client = form.get("client_id", "")
        if not self.client_is_right(client, form.get("client_secret", "")):
            raise self.bad_client()
        code = self.take_code({**form, "code": form.get("code", "").removesuffix("#_")}, client)
        if code is None:
            raise self.bad_code()
        return self.first(self.hand_out(code.grant, ACCESS, self.short_life))

    async def exchange(self, request: web.Request) -> web.StreamResponse:
        """An hour for sixty days."""
        token = self.working(token_of(request, {}), ACCESS)
        secret = request.query.get("client_secret", "")
        if request.query.get("grant_type") != f"{self.prefix}_exchange_token":
            raise error(100, "Unsupported request - method type: get")
        if not self.client_is_right(token.grant.client, secret):
            raise error(1, "Error validating client secret.")
        return self.renewed(token)

    async def refresh(self, request: web.Request) -> web.StreamResponse:
        """Sixty more days, from the second day on and until the last."""
        token = self.working(token_of(request, {}), ACCESS)
        if request.query.get("grant_type") != f"{self.prefix}_refresh_token":
            raise error(100, "Unsupported request - method type: get")
        if time.time() - token.created < DAY:
            raise error(100, "The access token must be at least 24 hours old to be refreshed.")
        if self.basic_scope not in token.grant.scopes:
            raise self.scope_missing()
        return self.renewed(token)

    def renewed(self, token: Token) -> web.Response:
        """A token of sixty days."""
        new = self.hand_out(token.grant, ACCESS, self.long_life)
        body = {"access_token": new.value, "token_type": "bearer", "expires_in": new.seconds_left}
        return json_answer(body)

    async def me(self, request: web.Request) -> web.StreamResponse:
        """Whose token this is."""
        token = self.working(token_of(request, {}), ACCESS)
        if self.basic_scope not in token.grant.scopes:
            raise self.scope_missing()
        return web.json_response(self.shown(self.account(token)))

    def account(self, token: Token) -> Profile:
        """The account that this login is."""
        return self.world.of(token.grant.person, "account")

    # What each says in its own words.

    def first(self, token: Token) -> web.Response:
        """The answer to a code."""
        raise NotImplementedError

    def shown(self, account: Profile) -> object:
        """The answer about oneself."""
        raise NotImplementedError

    def bad_client(self) -> Exception:
        """A wrong id or secret."""
        raise NotImplementedError

    def bad_code(self) -> Exception:
        """A code that is used up or wrong."""
        raise NotImplementedError

    def scope_missing(self) -> Exception:
        """A scope that the person has not granted."""
        raise NotImplementedError

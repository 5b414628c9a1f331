"""XING: OAuth 1.0a, no scopes, no refresh, a token that lives until it is taken away.

Sources: dev.xing.com, "Authentication" (stored copies), and the vendor's Ruby client
xing/xing_api with its response handler's error names.

Where these say nothing, this practice network chose:

* saying no comes back with ``oauth_token`` and ``oauth_problem=user_refused``, and
  without a verifier;
* the two token endpoints answer with HTTP 200, all their refusals with 401;
* a blocked person's token is ``INVALID_OAUTH_TOKEN``, like every dead one;
* an address that is not the registered one is refused as ``INVALID_PARAMETERS``.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from aiohttp import web

from sandbox.dialects.xing_signature import Signed, xing_error
from sandbox.ledger import ACCESS, Token
from sandbox.network import Ask, Network, Refused, go, with_query
from sandbox.world import Person

API = "api.xing.com"
REQUEST_LIFE = 10 * 60
TEN_YEARS = 3650 * 86400


class Xing(Network):
    """Pages and API, both at api.xing.com."""

    slug = "xing"
    title = "XING"
    accent = "#0d6b6b"
    pages_host = API
    hosts = (API, "www.xing.com")
    authorize_path = "/v1/authorize"
    has_refresh_tokens = False

    def routes(self) -> Iterable[web.RouteDef]:
        """The two token endpoints, the answers about oneself, and the older address."""
        return [
            web.post(self.at(API, "/v1/request_token"), self.request_token),
            web.post(self.at(API, "/v1/access_token"), self.access_token),
            web.get(self.at(API, "/v1/users/me"), self.users_me),
            web.get(self.at(API, "/v1/users/me/id_card"), self.id_card),
            web.get(self.at("www.xing.com", "/v1/authorize"), self.moved),
        ]

    async def request_token(self, request: web.Request) -> web.StreamResponse:
        """The first leg: a request token for one callback address."""
        signed = await Signed.read(request, self)
        callback = signed.oauth("oauth_callback")
        if callback != "oob" and callback.partition("?")[0] != self.settings.callback(self.slug):
            raise xing_error("INVALID_PARAMETERS", "Callback address not registered", 403)
        signed.verify("")
        value, secret = secrets.token_hex(10), secrets.token_hex(10)
        self.store.run(
            "INSERT INTO requests (value, client, callback, secret, created)"
            " VALUES (?, ?, ?, ?, ?)",
            value, signed.client, callback, secret, time.time(),
        )  # fmt: skip
        pair = {"oauth_token": value, "oauth_token_secret": secret}
        return form_answer({**pair, "oauth_callback_confirmed": "true"})

    async def access_token(self, request: web.Request) -> web.StreamResponse:
        """The third leg: a verifier becomes an access token, once."""
        signed = await Signed.read(request, self)
        row = self.pending(signed.oauth("oauth_token"))
        if row is None or row["client"] != signed.client:
            raise xing_error("INVALID_OAUTH_TOKEN", "Invalid OAuth token")
        signed.verify(row["secret"])
        if not row["verifier"] or row["verifier"] != signed.oauth("oauth_verifier"):
            raise xing_error("INVALID_OAUTH_TOKEN", "Invalid OAuth token")
        self.store.run("DELETE FROM requests WHERE value = ?", row["value"])
        grant = self.ledger.open(signed.client, row["person"], ())
        secret = secrets.token_hex(10)
        token = self.ledger.issue(grant, ACCESS, TEN_YEARS, secrets.token_hex(10), secret=secret)
        user = self.user_id(row["person"])
        pair = {"oauth_token": token.value, "oauth_token_secret": secret}
        return form_answer({**pair, "user_id": user})

    async def users_me(self, request: web.Request) -> web.StreamResponse:
        """Whose token this is."""
        token = await self.caller(request)
        person = self.world.people[token.grant.person]
        first, _, last = person.name.partition(" ")
        card = self.card(person)
        more = {"first_name": first, "last_name": last, "active_email": person.login}
        return web.json_response({"users": [{**card, **more}]})

    async def id_card(self, request: web.Request) -> web.StreamResponse:
        """The lighter form of the same."""
        token = await self.caller(request)
        return web.json_response({"id_card": self.card(self.world.people[token.grant.person])})

    async def moved(self, request: web.Request) -> web.StreamResponse:
        """Some clients send people to www.xing.com."""
        go(f"{self.at(API, self.authorize_path)}?{request.rel_url.raw_query_string}")

    async def caller(self, request: web.Request) -> Token:
        """Whose call this is, by token and signature."""
        signed = await Signed.read(request, self)
        token = self.ledger.find(signed.oauth("oauth_token"), ACCESS)
        if token is None or not token.live or not self.serving(token.grant.person):
            raise xing_error("INVALID_OAUTH_TOKEN", "Invalid OAuth token")
        if token.grant.client != signed.client:
            raise xing_error("CONSUMER_MISMATCH", "Token belongs to another consumer")
        signed.verify(token.data["secret"])
        return token

    # The second leg, in the browser.

    def read_ask(self, query: Mapping[str, str]) -> Ask:
        """The request token says who asks and where to go back to."""
        row = self.pending(query.get("oauth_token", ""))
        if row is None or row["verifier"]:
            raise Refused("The oauth_token is unknown, used or too old.")
        return Ask(row["client"], row["callback"], row["value"])

    def allow(self, ask: Ask, person: Person, scopes: tuple[str, ...]) -> str:
        """Back with the verifier; or to a page that shows it."""
        verifier = secrets.token_hex(4)
        self.store.run(
            "UPDATE requests SET person = ?, verifier = ? WHERE value = ?",
            person.id, verifier, ask.state,
        )  # fmt: skip
        return with_query(self.target(ask), oauth_token=ask.state, oauth_verifier=verifier)

    def deny(self, ask: Ask, at_login: bool) -> str:
        """Back without a verifier; the request token is spent."""
        self.store.run("DELETE FROM requests WHERE value = ?", ask.state)
        problem = "user_refused"
        return with_query(self.target(ask), oauth_token=ask.state, oauth_problem=problem)

    def target(self, ask: Ask) -> str:
        """Where the person goes: out of band she stays here and reads the address bar."""
        return ask.redirect_uri if ask.redirect_uri != "oob" else f"/{API}/"

    def pending(self, value: str) -> dict[str, str] | None:
        """A request token that is young enough."""
        row = self.store.one(
            "SELECT * FROM requests WHERE value = ? AND created > ?",
            value, time.time() - REQUEST_LIFE,
        )  # fmt: skip
        return dict(row) if row else None

    def user_id(self, person: str) -> str:
        """A person's stable id."""
        return self.world.of(person, "profile").id

    def card(self, person: Person) -> dict[str, object]:
        """What both answers share."""
        handle = self.world.of(person.id, "profile").handle
        return {
            "id": self.user_id(person.id),
            "display_name": person.name,
            "page_name": handle,
            "permalink": f"https://www.xing.com/profile/{handle}",
            "photo_urls": {"large": f"https://www.xing.example/image/{handle}.140x185.jpg"},
        }

    def rate_limited(self, path: str) -> web.Response:
        """XING says "too many" with a 403."""
        return xing_error("RATE_LIMIT_EXCEEDED", "Rate limit exceeded", 403).response

    def broken(self, path: str) -> web.Response:
        """An error inside."""
        return xing_error("INTERNAL_SERVER_ERROR", "Something went wrong", 500).response


def form_answer(values: Mapping[str, str]) -> web.Response:
    """The token endpoints answer as a form."""
    return web.Response(
        text=urlencode(values),
        content_type="application/x-www-form-urlencoded",
        headers={"Cache-Control": "no-store"},
    )

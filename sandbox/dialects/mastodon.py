"""Mastodon: as many servers as there are, each of which registers its own apps.

Sources: docs.joinmastodon.org (methods oauth, apps, accounts; OAuth scopes; rate limits), and
doorkeeper's texts, which come in the language of the account.

Where these say nothing, this practice network chose:

* both servers are of one console: a lever pulled for the network is pulled on both;
* the login is the mail address, and does not say on which server it is: the wrong server
  answers as for a wrong password;
* a sign-in for scopes that were granted before hands out the same token again
  (``reuse_access_token``), and a blocked person's token rests.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping

from aiohttp import web

from sandbox.ledger import ACCESS, REVOKED, Grant, Token
from sandbox.network import Answer, Ask, Refused, SendBack, bearer, form_of, json_answer
from sandbox.oauth2 import DAY, OAuth2Network
from sandbox.world import Person
from sandbox.world_fedi import HOMES, SERVERS

TEXTS = {
    "en": {
        "revoked": "The access token was revoked",
        "expired": "The access token expired",
        "unknown": "The access token is invalid",
    },
    "de": {
        "revoked": "Der Zugriffs-Token wurde widerrufen",
        "expired": "Der Zugriffs-Token ist abgelaufen",
        "unknown": "Der Zugriffs-Token ist ungültig",
    },
}
BAD_GRANT = (
    "The provided authorization grant is invalid, expired, revoked, does not match the redirection"
    " URI used in the authorization request, or was issued to another client."
)
BAD_CLIENT = (
    "Client authentication failed due to unknown client, no client authentication included, or"
    " unsupported authentication method."
)
CHALLENGE = 'Bearer realm="Doorkeeper", error="invalid_token", error_description="{}"'


def refused(status: int, error: str, why: str = "") -> Answer:
    """An error as the OAuth endpoints print it, or without a reason as the API does."""
    return Answer(status, {"error": error, **({"error_description": why} if why else {})})


class Mastodon(OAuth2Network):
    """Two servers; `pages_host` is the one whose pages people start at."""

    slug = "mastodon"
    title = "Mastodon"
    accent = "#563acc"
    pages_host = SERVERS[0]
    page_hosts = SERVERS
    hosts = SERVERS
    authorize_path = "/oauth/authorize"
    has_refresh_tokens = False
    access_life = 3650 * DAY
    known_scopes = frozenset(
        [
            *("read", "write", "follow", "push", "profile"),
            *("read:accounts", "read:statuses", "read:notifications"),
            *("write:statuses", "write:media"),
        ]
    )

    def routes(self) -> Iterable[web.RouteDef]:
        """The same addresses on each server."""
        for host in self.hosts:
            yield web.post(self.at(host, "/api/v1/apps"), self.register)
            yield web.post(self.at(host, "/oauth/token"), self.token)
            yield web.post(self.at(host, "/oauth/revoke"), self.revoke)
            yield web.get(
                self.at(host, "/api/v1/accounts/verify_credentials"), self.verify_credentials
            )

    # Apps.

    async def register(self, request: web.Request) -> web.StreamResponse:
        """An app of this server, and of no other."""
        form = await form_of(request)
        redirect_uri, scopes = form.get("redirect_uris", ""), form.get("scopes", "read").split()
        if not form.get("client_name") or "://" not in redirect_uri:
            raise refused(422, "Validation failed: Redirect URI must be an absolute URI.")
        if not set(scopes) <= self.known_scopes:
            raise refused(422, "Validation failed: Scopes doesn't match configured on the server.")
        client, secret = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        app = {"host": host_of(request), "redirect_uri": redirect_uri, "scopes": " ".join(scopes)}
        self.store.run(
            "INSERT INTO apps VALUES (?, ?, ?, ?, ?)",
            client, secret, *app.values(),
        )  # fmt: skip
        return json_answer(
            {
                "id": str(secrets.randbelow(10**6)),
                "name": form["client_name"],
                "website": form.get("website"),
                "scopes": scopes,
                "redirect_uri": redirect_uri,
                "redirect_uris": [redirect_uri],
                "client_id": client,
                "client_secret": secret,
                "client_secret_expires_at": 0,
            }
        )

    def client(self, request: web.Request, form: Mapping[str, str]) -> str:
        """Who calls, by an app of this very server."""
        client, secret = form.get("client_id", ""), form.get("client_secret", "")
        if not secret or self.app(client, host_of(request)).get("secret") != secret:
            raise refused(401, "invalid_client", BAD_CLIENT)
        return client

    def app(self, client: str, host: str) -> dict[str, str]:
        row = self.store.one("SELECT * FROM apps WHERE id = ? AND host = ?", client, host)
        return dict(row) if row else {}

    # Consent.

    def read_ask(self, query: Mapping[str, str]) -> Ask:
        """The redirect address and the scopes are those of the registration."""
        row = self.store.one("SELECT * FROM apps WHERE id = ?", query.get("client_id", ""))
        if row is None:
            raise Refused(BAD_CLIENT)
        if query.get("redirect_uri") != row["redirect_uri"]:
            raise Refused("The redirect uri included is not valid.")
        bound = ("code_challenge", "code_challenge_method")
        more = {"host": row["host"], **{name: query[name] for name in bound if name in query}}
        scopes = tuple(query.get("scope", "read").split())
        ask = Ask(row["id"], row["redirect_uri"], query.get("state", ""), scopes, more)
        if query.get("response_type") != "code":
            raise SendBack(self.back(ask, error="unsupported_response_type"))
        if not set(ask.scopes) <= set(row["scopes"].split()):
            raise SendBack(self.back(ask, error="invalid_scope"))
        return ask

    def anew(self, query: Mapping[str, str]) -> dict[str, str] | None:
        """``force_login``: whoever is signed in has to do it once more."""
        if query.get("force_login") != "true":
            return None
        return {name: value for name, value in query.items() if name != "force_login"}

    def at_home(self, person: Person, host: str) -> bool:
        """Whether somebody's account is on this server."""
        return HOMES[person.id][0] == host

    def allow(self, ask: Ask, person: Person, scopes: tuple[str, ...]) -> str:
        """An app of one server lets in nobody from another."""
        if not self.at_home(person, ask.more["host"]):
            return self.deny(ask, at_login=False)
        return super().allow(ask, person, scopes)

    # Tokens.

    async def token(self, request: web.Request) -> web.StreamResponse:
        """A code for a token that never ends."""
        form = await form_of(request)
        client = self.client(request, form)
        if form.get("grant_type") == "client_credentials":
            body = {"access_token": secrets.token_urlsafe(32), "token_type": "Bearer"}
            return json_answer({**body, "scope": form.get("scope", "read")})
        if form.get("grant_type") != "authorization_code":
            raise refused(400, "unsupported_grant_type", "The grant type is not supported.")
        code = self.take_code(form, client)
        if code is None:
            raise refused(400, "invalid_grant", BAD_GRANT)
        return json_answer(
            {
                "access_token": self.lasting(code.grant).value,
                "token_type": "Bearer",
                "scope": " ".join(code.grant.scopes),
                "created_at": int(time.time()),
            }
        )

    def lasting(self, grant: Grant) -> Token:
        """The token that stands for these scopes already, or a new one."""
        for old in self.ledger.live_grants(grant.person, grant.client):
            found = self.ledger.newest(old, ACCESS)
            if found and found.live and set(old.scopes) == set(grant.scopes):
                return found
        return self.ledger.issue(grant, ACCESS, self.access_life, secrets.token_urlsafe(32))

    async def revoke(self, request: web.Request) -> web.StreamResponse:
        """RFC 7009, for the app's own tokens."""
        form = await form_of(request)
        client = self.client(request, form)
        token = self.ledger.find(form.get("token", ""), ACCESS)
        if token and token.grant.client != client:
            why = "You are not authorized to revoke this token"
            raise refused(403, "unauthorized_client", why)
        if token:
            self.ledger.end_grant(token.grant)
        return json_answer({})

    async def verify_credentials(self, request: web.Request) -> web.StreamResponse:
        """Whose token this is."""
        host, token = host_of(request), self.ledger.find(bearer(request), ACCESS)
        if token is None or not self.app(token.grant.client, host):
            raise bad_token("en", "unknown")
        person = token.grant.person
        if not token.live:
            raise bad_token(HOMES[person][1], "revoked" if token.status == REVOKED else "expired")
        if not self.serving(person):
            raise refused(403, "Your login is currently disabled")
        if not {"read", "profile", "read:accounts"} & set(token.grant.scopes):
            raise refused(403, "This action is outside the authorized scopes")
        account = self.world.of(person, "account")
        return web.json_response(
            {
                "id": account.id.rpartition("/")[2],
                "username": account.handle,
                "acct": account.handle,
                "display_name": account.name,
                "url": f"https://{host}/@{account.handle}",
                "uri": f"https://{host}/users/{account.handle}",
                "avatar": f"https://{host}/avatars/{account.handle}.png",
            },
            headers=self.budget(),
        )

    # Failing.

    def budget(self, left: int = 299) -> dict[str, str]:
        """What is left of it, and when it is full again: the only network with a date."""
        full = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(time.time() + 300))
        limit = {"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": str(left)}
        return {**limit, "X-RateLimit-Reset": full}

    def rate_limited(self, path: str) -> web.Response:
        """Too many in five minutes."""
        body = {"error": "Too many requests"}
        return web.json_response(body, status=429, headers=self.budget(0))

    def broken(self, path: str) -> web.Response:
        """A race inside."""
        why = "There was a temporary problem serving your request, please try again"
        return web.json_response({"error": why}, status=503)


def host_of(request: web.Request) -> str:
    """Which server was asked."""
    return request.path.split("/")[1]


def bad_token(language: str, cause: str) -> Answer:
    """In the language of the account; the challenge says it once more."""
    text = TEXTS[language][cause]
    return Answer(401, {"error": text}, **{"WWW-Authenticate": CHALLENGE.format(cause)})

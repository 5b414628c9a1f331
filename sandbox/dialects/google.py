"""What Google's practice networks share: its accounts, its tokens, its errors.

Sources: Google's "Using OAuth 2.0 to access Google APIs" and "OAuth 2.0 for web server
applications", the token endpoint's errors as quoted in public threads.

YouTube and Business Profile share these hosts, here as at Google; a call is for the one
whose client or whose token it names.

Where these say nothing, this practice network chose:

* a refused code is ``invalid_grant`` with "Bad Request", like every malformed grant;
* a blocked account's refresh is ``access_denied`` with "Account restricted", its access
  tokens read as invalid;
* revoking a token takes everything back that the person gave to this client;
* no ``id_token`` comes with ``openid``: nothing here signs, ``userinfo`` says the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from sandbox.ledger import ACCESS, REFRESH, Token
from sandbox.network import Answer, Ask, bearer, form_of, json_answer
from sandbox.oauth2 import DAY, OAuth2Network
from sandbox.world import Person

TOKENS = "oauth2.googleapis.com"
HOUR = 3600
# A refresh token ends when nobody uses it for six months.
UNUSED = 183 * DAY
MOST_REFRESH_TOKENS = 100
USERINFO = "https://www.googleapis.com/auth/userinfo."
LONG_SCOPES = {"email": f"{USERINFO}email", "profile": f"{USERINFO}profile"}
SIGN_IN = frozenset(["openid", "email", "profile", *LONG_SCOPES.values()])


def oauth_error(status: int, error: str, why: str = "Bad Request") -> Answer:
    """The flat error of the token endpoint."""
    return Answer(status, {"error": error, "error_description": why})


def api_error(code: int, status: str, message: str, reason: str, domain: str = "global") -> Answer:
    """The envelope of the APIs."""
    errors = [{"message": message, "domain": domain, "reason": reason}]
    error = {"code": code, "message": message, "errors": errors, "status": status}
    return Answer(code, {"error": error})


def unauthenticated() -> Answer:
    """What every API says to a token that opens nothing."""
    message = (
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login "
        "cookie or other valid authentication credential."
    )
    return api_error(401, "UNAUTHENTICATED", message, "authError")


def insufficient() -> Answer:
    """What they say where a scope is missing."""
    message = "Request had insufficient authentication scopes."
    return api_error(403, "PERMISSION_DENIED", message, "insufficientPermissions")


class Google(OAuth2Network):
    """The pages at accounts.google.com and the endpoints at oauth2.googleapis.com."""

    pages_host = "accounts.google.com"
    authorize_path = "/o/oauth2/v2/auth"
    scopes_can_be_refused = True

    def routes(self) -> Iterable[web.RouteDef]:
        """Token, what a token is, and its revocation."""
        return [
            web.post(self.at(TOKENS, "/token"), self.token),
            web.get(self.at(TOKENS, "/tokeninfo"), self.tokeninfo),
            web.post(self.at(TOKENS, "/tokeninfo"), self.tokeninfo),
            web.post(self.at(TOKENS, "/revoke"), self.revoke),
        ]

    async def is_meant(self, request: web.Request) -> bool:
        """By the client, which a page carries on in ``next``, or by the token."""
        said = {**request.query, **await form_of(request)}
        page = dict(parse_qsl(urlsplit(said.get("next", "")).query))
        client = said.get("client_id") or page.get("client_id", "")
        token = bearer(request) or said.get("token") or said.get("access_token", "")
        return client in self.clients or self.ledger.find(token, ACCESS, REFRESH) is not None

    def read_ask(self, query: Mapping[str, str]) -> Ask:
        """As RFC 6749 has it, and what decides over a refresh token."""
        ask = super().read_ask(query)
        more = {name: query[name] for name in ("access_type", "prompt") if name in query}
        scopes = tuple(LONG_SCOPES.get(scope, scope) for scope in ask.scopes)
        return Ask(ask.client, ask.redirect_uri, ask.state, scopes, {**ask.more, **more})

    def skips_consent(self, ask: Ask, person: Person) -> bool:
        """Whoever said yes to these scopes is asked again only where the client wants it."""
        return not ask.more.get("prompt") and self.granted(ask, person)

    async def token(self, request: web.Request) -> web.StreamResponse:
        """Exchange a code, or get a new access token for the same refresh token."""
        form = await form_of(request)
        client = self.client(form)
        if form.get("grant_type") == "authorization_code":
            return self.exchange(form, client)
        if form.get("grant_type") == "refresh_token":
            return self.refresh(form, client)
        why = f"Invalid grant_type: {form.get('grant_type', '')}"
        raise oauth_error(400, "unsupported_grant_type", why)

    def exchange(self, form: dict[str, str], client: str) -> web.Response:
        """A refresh token comes where a person was asked, for an offline client."""
        if form.get("redirect_uri") != self.settings.callback(self.slug):
            raise oauth_error(400, "redirect_uri_mismatch")
        code = self.take_code(form, client)
        if code is None:
            raise oauth_error(400, "invalid_grant")
        answer = self.access(code)
        was_here = self.ledger.had_tokens(code.grant.person)
        is_asked = "consent" in str(code.data.get("prompt", ""))
        if code.data.get("access_type") == "offline" and (is_asked or not was_here):
            answer["refresh_token"] = self.refresh_token(code).value
        return json_answer(answer)

    def refresh_token(self, code: Token) -> Token:
        """A new one; of more than a hundred, the oldest goes without a word."""
        grant = code.grant
        standing = self.ledger.live_grants(grant.person, grant.client)
        for old in standing[MOST_REFRESH_TOKENS:]:
            self.ledger.end_grant(old)
        return self.ledger.issue(grant, REFRESH, UNUSED, "", **self.bound(code))

    def refresh(self, form: dict[str, str], client: str) -> web.Response:
        """A new access token; the refresh token stays, and is not said again."""
        token = self.ledger.find(form.get("refresh_token", ""), REFRESH)
        if token is None:
            raise oauth_error(400, "invalid_grant")
        if token.grant.client != client:
            raise oauth_error(401, "unauthorized_client", "Unauthorized")
        if not token.live:
            raise oauth_error(400, "invalid_grant", "Token has been expired or revoked.")
        if not self.serving(token.grant.person):
            raise oauth_error(400, "access_denied", "Account restricted")
        return json_answer(self.access(token))

    def access(self, source: Token) -> dict[str, object]:
        """An access token for an hour."""
        token = self.ledger.issue(source.grant, ACCESS, HOUR, "", **self.bound(source))
        return {
            "access_token": token.value,
            "expires_in": token.seconds_left - 1,
            "scope": " ".join(token.grant.scopes),
            "token_type": "Bearer",
        }

    def bound(self, source: Token) -> dict[str, object]:
        """What a token keeps of the code that it came from."""
        return {name: source.data[name] for name in self.chosen if name in source.data}

    async def tokeninfo(self, request: web.Request) -> web.StreamResponse:
        """Whose access token this is, for which client, and for how long."""
        said = {**request.query, **await form_of(request)}
        token = self.ledger.find(bearer(request) or said.get("access_token", ""), ACCESS)
        if token is None or not token.live or not self.serving(token.grant.person):
            raise oauth_error(400, "invalid_token", "Invalid Value")
        body: dict[str, object] = {
            "azp": token.grant.client,
            "aud": token.grant.client,
            "scope": " ".join(token.grant.scopes),
            "exp": str(int(token.expires)),
            "expires_in": str(token.seconds_left),
            "access_type": "offline",
        }
        if "openid" in token.grant.scopes:
            body["sub"] = subject(token.grant.person)
        return json_answer(body)

    async def revoke(self, request: web.Request) -> web.StreamResponse:
        """Everything that the person gave to this client."""
        said = {**request.query, **await form_of(request)}
        token = self.ledger.find(said.get("token", ""), ACCESS, REFRESH)
        if token is None or not token.live:
            raise oauth_error(400, "invalid_token", "Token expired or revoked")
        self.ledger.disconnect(token.grant.person, token.grant.client)
        return json_answer({})

    def caller(self, request: web.Request, *scopes: str) -> Token:
        """Whose API call this is, with one of these scopes."""
        token = self.ledger.find(bearer(request), ACCESS)
        if token is None or not token.live or not self.serving(token.grant.person):
            raise unauthenticated()
        if not set(scopes) & set(token.grant.scopes):
            raise insufficient()
        return token

    def client(self, form: dict[str, str]) -> str:
        """Who calls; id and secret come in the body."""
        client = form.get("client_id", "")
        if client not in self.clients:
            raise oauth_error(401, "invalid_client", "The OAuth client was not found.")
        if not self.client_is_right(client, form.get("client_secret", "")):
            raise oauth_error(401, "invalid_client", "Unauthorized")
        return client

    def revoked_by_password(self, person: str) -> None:
        """Nothing: only tokens that read mail end with the password."""

    def rate_limited(self, path: str) -> web.Response:
        """A quota of the project that is used up for this minute."""
        message = "Resource has been exhausted (e.g. check quota)."
        return api_error(429, "RESOURCE_EXHAUSTED", message, "rateLimitExceeded").response

    def broken(self, path: str) -> web.Response:
        """An error inside, in the words of the endpoint."""
        if path.startswith(f"/{TOKENS}"):
            return oauth_error(500, "internal_failure", "Backend Error").response
        return api_error(500, "INTERNAL", "Internal error encountered.", "backendError").response


def subject(person: str) -> str:
    """A person's number at Google, the same for every client."""
    return str(10**20 + int(hashlib.sha256(person.encode()).hexdigest()[:16], 16))

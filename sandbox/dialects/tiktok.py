"""TikTok Login Kit v2: commas, ``client_key``, two hours, and a rotating refresh token.

Sources: developers.tiktok.com, "Login Kit for Web", "Manage User Access Tokens", "Get
User Info", "Error handling", "OAuth error handling"; real error bodies from public logs.

Where these say nothing or contradict each other, this practice network chose:

* a refused grant is HTTP 400 and a refused client 401 (bodies with real log ids show
  that), a malformed request is HTTP **200** with an error in its body (reported too);
* the 180 days of the refresh token count from the consent and do not slide;
* an old access token lives on to its end when the pair is refreshed;
* consent is skipped only for ``disable_auto_auth=0``;
* a new password, a withdrawn app and a blocked account all look the same from outside;
* an advertiser's login comes back as from the Marketing API's portal: with
  ``auth_code``, and without ``code`` or an ``open_id``.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterable

from aiohttp import web

from sandbox.ledger import ACCESS, REFRESH, Grant, Token
from sandbox.network import Answer, Ask, bearer, form_of, json_answer
from sandbox.oauth2 import DAY, OAuth2Network
from sandbox.world import Person

FIELDS = {
    "open_id": "user.info.basic",
    "union_id": "user.info.basic",
    "avatar_url": "user.info.basic",
    "avatar_url_100": "user.info.basic",
    "avatar_large_url": "user.info.basic",
    "display_name": "user.info.basic",
    "username": "user.info.profile",
    "profile_deep_link": "user.info.profile",
    "bio_description": "user.info.profile",
    "is_verified": "user.info.profile",
    "follower_count": "user.info.stats",
    "following_count": "user.info.stats",
    "likes_count": "user.info.stats",
    "video_count": "user.info.stats",
}
API = "open.tiktokapis.com"
BAD_TOKEN = "The access token is invalid or not found in the request."
MALFORMED = "The request parameters are malformed."


def log_id() -> str:
    """TikTok's request id: a time, then hexadecimal digits."""
    return time.strftime("%Y%m%d%H%M%S", time.gmtime()) + secrets.token_hex(9).upper()


def oauth_error(status: int, error: str, why: str) -> Answer:
    """The flat error of the OAuth endpoints."""
    return Answer(status, {"error": error, "error_description": why, "log_id": log_id()})


def api_body(code: str, message: str) -> dict[str, object]:
    """The envelope of the API; its ``error`` is there on success, too."""
    return {"data": {}, "error": {"code": code, "message": message, "log_id": log_id()}}


class TikTok(OAuth2Network):
    """The pages at www.tiktok.com and the API at open.tiktokapis.com."""

    slug = "tiktok"
    title = "TikTok"
    accent = "#a3305c"
    pages_host = "www.tiktok.com"
    hosts = ("www.tiktok.com", API)
    authorize_path = "/v2/auth/authorize/"
    client_parameter = "client_key"
    scopes_can_be_refused = True
    access_life = 2 * 3600
    refresh_life = 180 * DAY
    known_scopes = frozenset(FIELDS.values()) | {"video.publish", "video.upload", "video.list"}

    def routes(self) -> Iterable[web.RouteDef]:
        """Token, revocation, and the answer about oneself."""
        return [
            web.post(self.at(API, "/v2/oauth/token/"), self.token),
            web.post(self.at(API, "/v2/oauth/revoke/"), self.revoke),
            web.get(self.at(API, "/v2/user/info/"), self.user_info),
        ]

    def skips_consent(self, ask: Ask, person: Person) -> bool:
        """The client may ask for that; and the person must have said yes before."""
        return ask.more.get("disable_auto_auth") == "0" and self.granted(ask, person)

    def allow(self, ask: Ask, person: Person, scopes: tuple[str, ...]) -> str:
        """Back with a code and the scopes that were left ticked."""
        if person.advertiser:
            return self.back(ask, auth_code=secrets.token_hex(20))
        code = self.new_code(ask, person, scopes)
        return self.back(ask, code=code.value, scopes=",".join(scopes))

    def challenge_of(self, verifier: str) -> str:
        """TikTok writes the digest in hexadecimal, unlike RFC 7636."""
        return hashlib.sha256(verifier.encode()).hexdigest()

    async def token(self, request: web.Request) -> web.StreamResponse:
        """Exchange a code, or a refresh token for the next pair."""
        form = await form_of(request)
        client = self.client(form)
        if form.get("grant_type") == "authorization_code" and form.get("code"):
            return self.exchange(form, client)
        if form.get("grant_type") == "refresh_token" and form.get("refresh_token"):
            return self.refresh(form, client)
        raise oauth_error(200, "invalid_request", MALFORMED)

    def exchange(self, form: dict[str, str], client: str) -> web.Response:
        """The first pair; from here the 180 days run."""
        code = self.take_code(form, client)
        if code is None:
            raise oauth_error(400, "invalid_grant", "Authorization code is expired.")
        until = time.time() + self.refresh_life
        return self.pair(self.ledger.start_refresh_clock(code.grant, until))

    def refresh(self, form: dict[str, str], client: str) -> web.Response:
        """A new pair; the refresh token that was sent works no longer."""
        old = self.ledger.find(form["refresh_token"], REFRESH)
        if old is None or not old.live or old.grant.client != client:
            raise oauth_error(400, "invalid_grant", "Refresh token is invalid or expired.")
        if not self.serving(old.grant.person) or not self.ledger.end(old):
            raise oauth_error(400, "invalid_grant", "Refresh token is invalid or expired.")
        return self.pair(old.grant)

    def pair(self, grant: Grant) -> web.Response:
        """An access token and the refresh token that goes with it."""
        access = self.ledger.issue(grant, ACCESS, self.access_life, f"act.{secrets.token_hex(32)}")
        left = (grant.refresh_until or 0) - time.time()
        refresh = self.ledger.issue(grant, REFRESH, left, f"rft.{secrets.token_hex(32)}")
        return json_answer(
            {
                "open_id": self.open_id(grant),
                "scope": ",".join(grant.scopes),
                "access_token": access.value,
                "expires_in": access.seconds_left,
                "refresh_token": refresh.value,
                "refresh_expires_in": refresh.seconds_left,
                "token_type": "Bearer",
            }
        )

    async def revoke(self, request: web.Request) -> web.StreamResponse:
        """Disconnect the app from the account of the token's person, everywhere."""
        form = await form_of(request)
        client = self.client(form)
        token = self.ledger.find(form.get("token", ""), ACCESS)
        if token is None or not token.live or token.grant.client != client:
            raise oauth_error(200, "invalid_request", MALFORMED)
        self.ledger.disconnect(token.grant.person, client)
        return json_answer({})

    async def user_info(self, request: web.Request) -> web.StreamResponse:
        """The fields that were asked for, each behind its scope."""
        grant = self.bearer_of(request).grant
        fields = [field for field in request.query.get("fields", "").split(",") if field]
        if not fields or not set(fields) <= set(FIELDS):
            raise Answer(400, api_body("invalid_params", "Fields is missing or invalid."))
        if "user.info.basic" not in grant.scopes:
            why = "The user did not authorize the scope required for completing this request."
            raise Answer(401, api_body("scope_not_authorized", why))
        if not {FIELDS[field] for field in fields} <= set(grant.scopes):
            why = "Access token is invalid, some fields need additional scopes."
            raise Answer(400, api_body("scope_permission_missed", why))
        user = self.user(grant)
        answer = api_body("ok", "")
        answer["data"] = {"user": {field: user[field] for field in fields}}
        return web.json_response(answer)

    def bearer_of(self, request: web.Request) -> Token:
        """Whose call this is; every bad token gets the same answer."""
        token = self.ledger.find(bearer(request), ACCESS)
        if token is None or not token.live or not self.serving(token.grant.person):
            raise Answer(401, api_body("access_token_invalid", BAD_TOKEN))
        return token

    def client(self, form: dict[str, str]) -> str:
        """Who calls; key and secret come in the body."""
        client = form.get("client_key", "")
        if not client:
            raise oauth_error(200, "invalid_request", MALFORMED)
        if not self.client_is_right(client, form.get("client_secret", "")):
            raise oauth_error(401, "invalid_client", "Client authentication failed.")
        return client

    def open_id(self, grant: Grant) -> str:
        """The account as one app sees it."""
        digest = hashlib.sha256(f"{grant.client}/{grant.person}".encode()).hexdigest()
        return f"-000{digest[:32]}"

    def user(self, grant: Grant) -> dict[str, object]:
        """Everything there is to say about an account."""
        account = self.world.of(grant.person, "account")
        avatar = f"https://p16-sign.tiktokcdn.example/{account.handle}.webp"
        union = hashlib.sha256(f"practice/{grant.person}".encode()).hexdigest()[:32]
        return {
            "open_id": self.open_id(grant),
            "union_id": union,
            "avatar_url": avatar,
            "avatar_url_100": avatar,
            "avatar_large_url": avatar,
            "display_name": account.name,
            "username": account.handle,
            "profile_deep_link": f"https://vm.tiktok.com/{account.handle}",
            "bio_description": "",
            "is_verified": False,
            "follower_count": 1200,
            "following_count": 80,
            "likes_count": 5400,
            "video_count": 36,
        }

    def rate_limited(self, path: str) -> web.Response:
        """More than 600 calls in a minute, if they were counted."""
        why = "The API rate limit was exceeded. Please try again later."
        return web.json_response(api_body("rate_limit_exceeded", why), status=429)

    def broken(self, path: str) -> web.Response:
        """An error inside; the OAuth endpoints have only plain text for it."""
        if "/oauth/" in path:
            return web.Response(text="Internal Server Error", status=500)
        why = "There is some internal error. Please try again later."
        return web.json_response(api_body("internal_error", why), status=500)

"""Facebook Login: a person's token of one hour, then of sixty days, and no refresh token.

Sources: "Manually build a login flow", "Long-lived access tokens" and the reference of
user/permissions on developers.facebook.com.

Where these say nothing, this practice network chose: the permissions of Instagram's API
are asked for here as well, and come back to Instagram's own address.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from aiohttp import web

from sandbox.dialects.facebook_api import FacebookApi
from sandbox.dialects.meta import MetaNetwork, error
from sandbox.ledger import ACCESS, Token
from sandbox.network import Ask, json_answer
from sandbox.world import Person

BAD_CODE = "This authorization code has been used."
BAD_ADDRESS = (
    "Error validating verification code. Please make sure your redirect_uri is identical to the"
    " one you used in the OAuth dialog request"
)


class Facebook(MetaNetwork):
    """The pages at www.facebook.com and the API at graph.facebook.com."""

    slug = "facebook"
    title = "Facebook"
    accent = "#0866ff"
    pages_host = "www.facebook.com"
    hosts = ("www.facebook.com", "graph.facebook.com")
    authorize_path = "/v26.0/dialog/oauth"
    known_scopes = frozenset(
        [
            "public_profile",
            "pages_show_list",
            "business_management",
            "pages_manage_posts",
            "pages_read_engagement",
            "pages_manage_engagement",
            "pages_read_user_content",
            "instagram_basic",
            "instagram_content_publish",
            "instagram_manage_comments",
        ]
    )

    def routes(self) -> Iterable[web.RouteDef]:
        """All of the API, whatever the version."""
        return FacebookApi(self).routes()

    def redirect_uris(self) -> tuple[str, ...]:
        """One app for both products."""
        return (self.settings.callback("facebook"), self.settings.callback("instagram"))

    def read_ask(self, query: Any) -> Ask:
        """With `auth_type`, which decides whether a person is asked again."""
        ask = super().read_ask(query)
        return replace(ask, more={**ask.more, "auth_type": query.get("auth_type", "")})

    def skips_consent(self, ask: Ask, person: Person) -> bool:
        """Whoever granted these very scopes is asked again only for a `rerequest`."""
        return ask.more["auth_type"] != "rerequest" and self.granted(ask, person)

    def deny(self, ask: Ask, at_login: bool) -> str:
        """Four words for a "no"."""
        return self.back(
            ask,
            error="access_denied",
            error_code="200",
            error_description="Permissions error",
            error_reason="user_denied",
        )

    def token(self, form: dict[str, str]) -> web.Response:
        """A code for an hour; an hour for sixty days. Id and secret come as parameters."""
        client = form.get("client_id", "")
        if client not in self.clients:
            raise error(101, "Error validating application. Cannot get application info.")
        if not self.client_is_right(client, form.get("client_secret", "")):
            raise error(1, "Error validating client secret.")
        if form.get("grant_type") == "fb_exchange_token":
            return self.exchange(form.get("fb_exchange_token", ""))
        code = self.take_code(form, client)
        if code is None:
            known = form.get("redirect_uri") in self.redirect_uris()
            raise error(100, BAD_CODE if known else BAD_ADDRESS, 36009 if known else 36008)
        return answered(self.hand_out(code.grant, ACCESS, self.short_life))

    def exchange(self, value: str) -> web.Response:
        """Sixty days from now; nothing that has ended is taken."""
        token = self.working(value, ACCESS)
        return answered(self.hand_out(token.grant, ACCESS, self.long_life, long=True))

    def subject(self, client: str, person: str) -> str:
        """The person as one app sees her: a number of that app's."""
        digest = hashlib.sha256(f"{client}/{person}".encode()).hexdigest()
        return str(10**16 + int(digest[:12], 16))


def answered(token: Token) -> web.Response:
    """A token's answer; no scopes, and no refresh token."""
    body = {"access_token": token.value, "token_type": "bearer", "expires_in": token.seconds_left}
    return json_answer(body)

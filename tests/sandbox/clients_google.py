"""A client of each practice network of Google, and of X."""

from __future__ import annotations

from typing import Any

import requests

from tests.sandbox.clients import bearer
from tests.sandbox.driver import Client, Query

VERIFIER = "a-verifier-of-at-least-forty-three-characters"
# RFC 7636, S256, of the above.
CHALLENGE = "mg3QoZgnRJxQy_jYdfW7D8wJkoziCuM8Yhos7PwVvsI"


class Google(Client):
    """What both have: a token, what it is, and its end."""

    authorize = "accounts.google.com/o/oauth2/v2/auth"
    offline = {"access_type": "offline", "prompt": "select_account consent"}

    def token(self, **form: str) -> requests.Response:
        """The token endpoint, with id and secret in the body."""
        body = {"client_id": self.id, "client_secret": self.secret, **form}
        return self.practice.post("oauth2.googleapis.com/token", body)

    def exchange(self, code: str, **more: str) -> requests.Response:
        """A code for tokens."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.callback}
        return self.token(**{**form, **more})

    def refresh(self, token: str, **more: str) -> requests.Response:
        """A new access token."""
        return self.token(grant_type="refresh_token", refresh_token=token, **more)

    def pair(self, person: str, **more: str) -> dict[str, Any]:
        """The whole dance."""
        code = self.consent(person, {**self.offline, **more})["code"]
        body: dict[str, Any] = self.exchange(code).json()
        return body

    def info(self, token: str) -> requests.Response:
        """What a token is."""
        return self.practice.post("oauth2.googleapis.com/tokeninfo", {}, headers=bearer(token))

    def revoke(self, token: str) -> requests.Response:
        """Its end."""
        return self.practice.post("oauth2.googleapis.com/revoke", {"token": token})

    def call(self, address: str, token: str, **query: str) -> requests.Response:
        """An API."""
        return self.practice.get(address, params=query, headers=bearer(token))


class YouTube(Google):
    """Data API v3."""

    network = "youtube"
    scopes = "openid email https://www.googleapis.com/auth/youtube.readonly"

    def channels(self, token: str) -> requests.Response:
        """One's own."""
        return self.call("www.googleapis.com/youtube/v3/channels", token, part="id", mine="true")


class GoogleBusiness(Google):
    """The two APIs of Business Profile."""

    network = "google-business"
    scopes = "openid email https://www.googleapis.com/auth/business.manage"

    def accounts(self, token: str, **query: str) -> requests.Response:
        """In which one has a role."""
        return self.call("mybusinessaccountmanagement.googleapis.com/v1/accounts", token, **query)

    def locations(self, token: str, account: str, **query: str) -> requests.Response:
        """What is in one."""
        address = f"mybusinessbusinessinformation.googleapis.com/v1/{account}/locations"
        return self.call(address, token, **{"readMask": "name,title", **query})


class X(Client):
    """API v2."""

    network = "x"
    authorize = "x.com/i/oauth2/authorize"
    scopes = "users.read tweet.read offline.access"
    challenge = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}

    def token(self, **form: str) -> requests.Response:
        """The token endpoint, with HTTP Basic."""
        return self.practice.post("api.x.com/2/oauth2/token", form, auth=(self.id, self.secret))

    def exchange(self, code: str, **more: str) -> requests.Response:
        """A code for a pair."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.callback,
            "code_verifier": VERIFIER,
        }
        return self.token(**{**form, **more})

    def refresh(self, token: str) -> requests.Response:
        """A refresh token for the next pair."""
        return self.token(grant_type="refresh_token", refresh_token=token)

    def consent(
        self, person: str, asked: Query | None = None, without: tuple[str, ...] = ()
    ) -> Query:
        """With the challenge."""
        return super().consent(person, {**self.challenge, **(asked or {})}, without)

    def pair(self, person: str, **more: str) -> dict[str, Any]:
        """The whole dance."""
        body: dict[str, Any] = self.exchange(self.consent(person, more)["code"]).json()
        return body

    def me(self, token: str) -> requests.Response:
        """Who it is."""
        return self.practice.get("api.x.com/2/users/me", headers=bearer(token))

"""A client for each practice network, with just the calls that the tests need."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import requests
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1
from oauthlib.oauth1 import Client as Signer

from tests.sandbox.driver import Browser, Client, Query


def bearer(token: str) -> dict[str, str]:
    """The header of a call."""
    return {"Authorization": f"Bearer {token}"}


class TikTok(Client):
    """Login Kit."""

    network = "tiktok"
    authorize = "www.tiktok.com/v2/auth/authorize/"
    client_parameter = "client_key"
    scopes = "user.info.basic,user.info.profile,video.publish"

    def token(self, **form: str) -> requests.Response:
        """The token endpoint."""
        body = {"client_key": self.id, "client_secret": self.secret, **form}
        return self.practice.post("open.tiktokapis.com/v2/oauth/token/", body)

    def exchange(self, code: str, **more: str) -> requests.Response:
        """A code for a pair."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.callback}
        return self.token(**{**form, **more})

    def refresh(self, token: str) -> requests.Response:
        """A refresh token for the next pair."""
        return self.token(grant_type="refresh_token", refresh_token=token)

    def pair(self, person: str, without: tuple[str, ...] = ()) -> dict[str, Any]:
        """The whole dance."""
        body: dict[str, Any] = self.exchange(self.consent(person, without=without)["code"]).json()
        return body

    def user(self, token: str, fields: str = "open_id,display_name") -> requests.Response:
        """The answer about oneself."""
        address = "open.tiktokapis.com/v2/user/info/"
        return self.practice.get(address, params={"fields": fields}, headers=bearer(token))


class LinkedIn(Client):
    """3-legged OAuth, introspection and the pages."""

    network = "linkedin"
    authorize = "www.linkedin.com/oauth/v2/authorization"
    scopes = "openid profile rw_organization_admin w_organization_social"
    rest = {"LinkedIn-Version": "202608", "X-Restli-Protocol-Version": "2.0.0"}

    def call(self, endpoint: str, **form: str) -> requests.Response:
        """One of the OAuth endpoints, with id and secret in the body."""
        body = {"client_id": self.id, "client_secret": self.secret, **form}
        return self.practice.post(f"www.linkedin.com/oauth/v2/{endpoint}", body)

    def exchange(self, code: str, **more: str) -> requests.Response:
        """A code for tokens."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.callback}
        return self.call("accessToken", **{**form, **more})

    def refresh(self, token: str) -> requests.Response:
        """A new access token."""
        return self.call("accessToken", grant_type="refresh_token", refresh_token=token)

    def pair(self, person: str, **more: str) -> dict[str, Any]:
        """The whole dance."""
        body: dict[str, Any] = self.exchange(self.consent(person, more)["code"]).json()
        return body

    def introspect(self, token: str, **more: str) -> requests.Response:
        """What the network knows of a token."""
        return self.call("introspectToken", **{"token": token, **more})

    def userinfo(self, token: str) -> requests.Response:
        """Who it is."""
        return self.practice.get("api.linkedin.com/v2/userinfo", headers=bearer(token))

    def acls(self, token: str, **query: str) -> requests.Response:
        """Which pages."""
        headers = {**bearer(token), **self.rest}
        query = {"q": "roleAssignee", **query}
        address = "api.linkedin.com/rest/organizationAcls"
        return self.practice.get(address, params=query, headers=headers)

    def pages(self, token: str, **query: str) -> list[str]:
        """The ids of the pages."""
        elements = self.acls(token, **query).json()["elements"]
        return [element["organization"].rpartition(":")[2] for element in elements]


class Pinterest(Client):
    """API v5."""

    network = "pinterest"
    authorize = "www.pinterest.com/oauth/"
    scopes = "user_accounts:read,boards:read,boards:read_secret,pins:write"

    def token(self, **form: str) -> requests.Response:
        """The token endpoint, with HTTP Basic."""
        return self.practice.post(
            "api.pinterest.com/v5/oauth/token", form, auth=(self.id, self.secret)
        )

    def exchange(self, code: str, **more: str) -> requests.Response:
        """A code for a pair."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.callback}
        return self.token(**{**form, **more})

    def refresh(self, token: str) -> requests.Response:
        """A refresh token for the next pair."""
        return self.token(grant_type="refresh_token", refresh_token=token)

    def pair(self, person: str, **more: str) -> dict[str, Any]:
        """The whole dance."""
        body: dict[str, Any] = self.exchange(self.consent(person, more)["code"]).json()
        return body

    def account(self, token: str) -> requests.Response:
        """Who it is."""
        return self.practice.get("api.pinterest.com/v5/user_account", headers=bearer(token))

    def boards(self, token: str, **query: str) -> requests.Response:
        """One page of boards."""
        address = "api.pinterest.com/v5/boards"
        return self.practice.get(address, params=query, headers=bearer(token))


class Xing(Client):
    """OAuth 1.0a, signed over the real address."""

    network = "xing"
    real = "https://api.xing.com/v1"

    def call(
        self, method: str, path: str, token: Query | None = None, **more: Any
    ) -> requests.Response:
        """A signed call, sent to the practice network's address."""
        token = token or {}
        signer: Any = Signer(
            more.pop("client", self.id),
            client_secret=more.pop("secret", self.secret),
            resource_owner_key=token.get("oauth_token"),
            resource_owner_secret=token.get("oauth_token_secret"),
            signature_method=more.pop("signature_method", SIGNATURE_HMAC_SHA1),
            **more,
        )
        _, headers, _ = signer.sign(f"{self.real}{path}", http_method=method)
        address = f"{self.practice.base}/api.xing.com/v1{path}"
        return self.practice.http.request(method, address, headers=headers, timeout=5)

    def request_token(self, callback: str = "", **more: Any) -> requests.Response:
        """The first leg."""
        return self.call("POST", "/request_token", callback_uri=callback or self.callback, **more)

    def start(self, callback: str = "") -> Query:
        """The first leg, read."""
        return dict(parse_qsl(self.request_token(callback).text))

    def address(self, **more: str) -> str:
        """The second leg."""
        return f"/api.xing.com/v1/authorize?oauth_token={more['oauth_token']}"

    def access_token(self, request: Query, verifier: str) -> requests.Response:
        """The third leg."""
        return self.call("POST", "/access_token", request, verifier=verifier)

    def pair(self, person: str) -> Query:
        """The whole dance."""
        request = self.start()
        back = self.consent(person, {"oauth_token": request["oauth_token"]})
        return dict(parse_qsl(self.access_token(request, back["oauth_verifier"]).text))

    def me(self, token: Query, **more: Any) -> requests.Response:
        """Who it is."""
        return self.call("GET", "/users/me", token, **more)

    def browse(self, browser: Browser, request: Query) -> Query:
        """Open the second leg in a browser."""
        return browser.open(self.address(oauth_token=request["oauth_token"]))

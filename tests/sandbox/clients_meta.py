"""Clients of Meta's practice networks, with just the calls that the tests need."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import requests

from tests.sandbox.clients import bearer
from tests.sandbox.driver import Client


class Facebook(Client):
    """Facebook Login and the Graph API."""

    network = "facebook"
    authorize = "www.facebook.com/v26.0/dialog/oauth"
    scopes = "public_profile,pages_show_list,pages_manage_posts,instagram_basic"

    def token(self, **form: str) -> requests.Response:
        """The token endpoint."""
        body = {"client_id": self.id, "client_secret": self.secret, **form}
        return self.practice.post("graph.facebook.com/v26.0/oauth/access_token", body)

    def exchange(self, code: str, **more: str) -> requests.Response:
        """A code for an hour."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.callback}
        return self.token(**{**form, **more})

    def long(self, person: str, **asked: str) -> str:
        """The whole dance, up to sixty days."""
        short = self.exchange(self.consent(person, asked)["code"]).json()["access_token"]
        answer = self.token(grant_type="fb_exchange_token", fb_exchange_token=short).json()
        token: str = answer["access_token"]
        return token

    def get(self, path: str, token: str, **query: str) -> requests.Response:
        """Any call."""
        address = f"graph.facebook.com/v26.0/{path}"
        return self.practice.get(address, params=query, headers=bearer(token))

    def pages(self, token: str, **query: str) -> list[dict[str, Any]]:
        """One list of pages."""
        fields = "id,name,tasks,access_token,instagram_business_account{id}"
        found: list[dict[str, Any]] = self.get(
            "me/accounts", token, **{"fields": fields, **query}
        ).json()["data"]
        return found

    def batch(self, *paths: str, **more: str) -> requests.Response:
        """Several calls by the app's own token."""
        parts = json.dumps([{"method": "GET", "relative_url": path} for path in paths])
        form = {"access_token": f"{self.id}|{self.secret}", "batch": parts, **more}
        return self.practice.post("graph.facebook.com/v26.0/", form)

    def debug(self, token: str, **more: str) -> tuple[int, dict[str, Any]]:
        """Status and body of one part of a batch."""
        (part,) = self.batch(f"debug_token?input_token={quote(token)}", **more).json()
        body: dict[str, Any] = json.loads(part["body"])
        return part["code"], body


class OwnLogin(Client):
    """Instagram's or Threads' own login."""

    token_host, api_host, version, prefix = "", "", "", ""

    def exchange(self, code: str, **more: str) -> requests.Response:
        """A code for an hour."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.callback}
        own = {"client_id": self.id, "client_secret": self.secret}
        return self.practice.post(f"{self.token_host}/oauth/access_token", {**form, **own, **more})

    def extend(self, short: str, **more: str) -> requests.Response:
        """An hour for sixty days."""
        query = {"grant_type": f"{self.prefix}_exchange_token", "client_secret": self.secret}
        address = f"{self.api_host}/access_token"
        return self.practice.get(address, params={**query, **more}, headers=bearer(short))

    def refresh(self, token: str) -> requests.Response:
        """Sixty more days."""
        query = {"grant_type": f"{self.prefix}_refresh_token"}
        address = f"{self.api_host}/refresh_access_token"
        return self.practice.get(address, params=query, headers=bearer(token))

    def long(self, person: str, **asked: str) -> str:
        """The whole dance, up to sixty days."""
        short = self.exchange(self.consent(person, asked)["code"]).json()["access_token"]
        token: str = self.extend(short).json()["access_token"]
        return token

    def me(self, token: str) -> requests.Response:
        """Who it is."""
        return self.practice.get(f"{self.api_host}/{self.version}/me", headers=bearer(token))


class Instagram(OwnLogin):
    """By Instagram."""

    network = "instagram"
    authorize = "www.instagram.com/oauth/authorize"
    scopes = "instagram_business_basic,instagram_business_content_publish"
    token_host, api_host = "api.instagram.com", "graph.instagram.com"
    version, prefix = "v26.0", "ig"


class Threads(OwnLogin):
    """By Threads."""

    network = "threads"
    authorize = "threads.com/oauth/authorize"
    scopes = "threads_basic,threads_content_publish"
    token_host, api_host = "graph.threads.net", "graph.threads.net"
    version, prefix = "v1.0", "th"

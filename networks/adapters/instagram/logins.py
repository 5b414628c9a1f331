"""Instagram's two logins."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from networks.adapters.instagram.notes import CAPABILITIES, FACEBOOK, FACEBOOK_CAPABILITIES
from networks.base import Answer, Client, Conversation, Grant, Reachable, Request, Verdict
from networks.families.facebook_login import HOSTS, FacebookLogin, with_role
from networks.families.graph import VERSION
from networks.families.own_login import OwnLogin
from networks.reading import a_name, an_id, attempt

__all__ = ["FACEBOOK", "ByFacebook", "ByInstagram"]

# What Facebook calls otherwise what is granted all the same.
BUSINESS_NAMES = {
    "instagram_basic": "instagram_business_basic",
    "instagram_content_publish": "instagram_business_content_publish",
    "instagram_manage_comments": "instagram_business_manage_comments",
}


def page_of(username: str) -> str:
    return f"https://www.instagram.com/{quote(username, safe='')}/" if username else ""


class ByInstagram(OwnLogin):
    """https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login"""

    hosts = ("www.instagram.com", "api.instagram.com", "graph.instagram.com")
    authorization_endpoint = "https://www.instagram.com/oauth/authorize"
    token_endpoint = "https://api.instagram.com/oauth/access_token"  # noqa: S105
    # On no page of the vendor, but used: what it answers is taken at its word.
    revocation_endpoint = f"https://graph.instagram.com/{VERSION}/me/permissions"
    authorization_parameters = {"force_reauth": "true"}
    scopes = tuple(BUSINESS_NAMES.values())
    capabilities = CAPABILITIES
    api = "https://graph.instagram.com"
    me = f"https://graph.instagram.com/{VERSION}/me"
    me_fields = "user_id,username,name"
    id_field = "user_id"  # the account's; `id` is another one for each app
    exchange_grant = "ig_exchange_token"
    refresh_grant = "ig_refresh_token"

    def page_of(self, username: str) -> str:
        return page_of(username)

    def probe_batch(self, client: Client, tokens: list[tuple[Grant, str]]) -> Conversation:
        """Nothing is known of batches at this host: each is probed alone."""
        return [None for _ in tokens]
        yield  # it is a conversation, of no words

    def revoke(self, client: Client, grant: Grant) -> Generator[Request, Answer, bool]:
        request = Request("DELETE", self.revocation_endpoint, bearer=grant.access_token)
        answer = yield from attempt(request)
        return answer.status == 200 and answer.json.get("success") is True


class ByFacebook(FacebookLogin):
    """https://developers.facebook.com/docs/instagram-platform/instagram-api-with-facebook-login"""

    hosts = HOSTS
    scopes = (*BUSINESS_NAMES, "pages_show_list", "pages_read_engagement", "business_management")
    capabilities = FACEBOOK_CAPABILITIES
    page_fields = "id,instagram_business_account{id,username,name}"

    def reachable(self, page: Mapping[str, Any]) -> Reachable | None:
        """The account behind a page: one, or none."""
        account = page.get("instagram_business_account")
        if not isinstance(account, dict) or not an_id(account.get("id")):
            return None
        remote_id = an_id(account["id"])
        username = an_id(account.get("username"))
        name = a_name(account.get("name"), username, remote_id)
        return with_role(Reachable("account", remote_id, name, url=page_of(username)), page)

    def exchange(
        self, client: Client, callback: Mapping[str, str], keep: Mapping[str, str]
    ) -> Conversation:
        grant: Grant = yield from super().exchange(client, callback, keep)
        return replace(grant, scopes=business_names(grant.scopes))

    def probe(self, client: Client, grant: Grant, subject: str) -> Conversation:
        verdict: Verdict = yield from super().probe(client, grant, subject)
        return renamed(verdict)

    def probe_batch(self, client: Client, tokens: list[tuple[Grant, str]]) -> Conversation:
        verdicts: list[Verdict | None] = yield from super().probe_batch(client, tokens)
        return [verdict and renamed(verdict) for verdict in verdicts]

    def revoke(self, client: Client, grant: Grant) -> Generator[Request, Answer, bool]:
        """Only what is Instagram's: the same app may look after this person's pages."""
        confirmed = []
        for scope in BUSINESS_NAMES:
            address = f"{self.revocation_endpoint}/{scope}"
            confirmed.append((yield from self.revoked(client, grant, address)))
        return all(confirmed)


def business_names(scopes: Iterable[str]) -> tuple[str, ...]:
    return tuple(BUSINESS_NAMES.get(scope, scope) for scope in scopes)


def renamed(verdict: Verdict) -> Verdict:
    scopes = None if verdict.scopes is None else business_names(verdict.scopes)
    return replace(verdict, scopes=scopes)

"""Mastodon, on whichever server: https://docs.joinmastodon.org/methods/oauth/"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from networks.adapters.mastodon import answers, notes
from networks.base import (
    ALIVE,
    LONGEST_ID,
    Answer,
    Client,
    Conversation,
    Get,
    Grant,
    Health,
    Identity,
    Known,
    Post,
    Reachable,
    Reason,
    Refusal,
    Refused,
    Request,
    Where,
)
from networks.oauth import OAuth2Network
from networks.reading import (
    NOT_UNDERSTOOD,
    a_name,
    an_id,
    attempt,
    insist,
    out_of_reach,
    token_text,
)
from networks.wire import host_in


class Mastodon(OAuth2Network):
    slug = "mastodon"
    name = "Mastodon"
    colour = "#6364ff"
    initials = "M"
    question = notes.QUESTION
    authorization_endpoint = "{issuer}/oauth/authorize"
    token_endpoint = "{issuer}/oauth/token"  # noqa: S105
    revocation_endpoint = "{issuer}/oauth/revoke"
    # The login form, even for somebody who is signed in: she may have several accounts.
    authorization_parameters = {"force_login": "true"}
    code_challenge_method = "S256"  # since 4.3; servers before that pass it over
    # One set for everybody: a server may hand out the same token again for the same scopes.
    # Not `profile`, which servers before 4.3 refuse: https://docs.joinmastodon.org/api/oauth-scopes/
    scopes = (
        "read:accounts",
        "read:statuses",
        "read:notifications",
        "write:statuses",
        "write:media",
    )
    kinds = notes.KINDS
    capabilities = notes.CAPABILITIES
    login_hint = notes.LOGIN_HINT
    budgets = notes.BUDGETS
    notes = notes.NOTES

    # Which server.

    def issuer_in(self, said: str) -> str:
        """ "mastodon.social", "https://mastodon.social/@anna", "@anna@mastodon.social" ->
        "https://mastodon.social"."""
        text = said.strip()
        if "://" in text:
            scheme, _, rest = text.partition("://")
            place = rest.partition("/")[0] if scheme.lower() in ("https", "http") else ""
        else:
            place = text.partition("/")[0].rpartition("@")[2]
        host = host_in(place)
        if not host:
            raise Refused(Refusal.NO_SUCH_SERVER)
        return f"https://{host}"

    def client_slug(self, issuer: str) -> str:
        """None is configured: each server gives us a client of its own."""
        return ""

    def hosts_of(self, client: Client) -> Collection[str]:
        return (place_of(client),)

    def sent(self, callback: Mapping[str, str]) -> bool:
        """`exchange` compares it with the server of this client."""
        return True

    def register(self, issuer: str, redirect_uri: str) -> Conversation:
        """https://docs.joinmastodon.org/methods/apps/#create"""
        form = {
            "client_name": "Tokenwacht",
            "redirect_uris": redirect_uri,
            "scopes": " ".join(self.scopes),
        }
        answer = yield from attempt(Post(f"{issuer}/api/v1/apps", form=form))
        if out_of_reach(answer):
            raise Refused(Refusal.NETWORK_UNAVAILABLE)
        if answer.status == 422:  # a Mastodon, which does not want us as we are
            raise Refused(Refusal.APP_MISCONFIGURED)
        client_id = token_text(answer.json.get("client_id"))
        secret = token_text(answer.json.get("client_secret"))
        fits = 0 < len(client_id) <= LONGEST_ID
        if not 200 <= answer.status < 300 or not fits or not secret:
            raise Refused(Refusal.NO_SUCH_SERVER)
        return Client(client_id, secret, redirect_uri, issuer)

    def authorize(self, client: Client, state: str, login_hint: str = "") -> Conversation:
        """Servers drop registrations that nobody used, and come back from backups; so ask for a
        token of our own first: https://docs.joinmastodon.org/methods/oauth/#token"""
        form = {"grant_type": "client_credentials", "scope": "read:accounts"}
        answer = yield from attempt(self.post(client, self.token_endpoint, form))
        reason = self.read(Where.CODE_EXCHANGE, answer).reason
        if reason is Reason.APP_DISABLED:
            raise Refused(Refusal.CLIENT_FORGOTTEN)
        if reason is Reason.NETWORK_OUTAGE:
            raise Refused(Refusal.NETWORK_UNAVAILABLE)
        return (yield from super().authorize(client, state, login_hint))

    # Reading: see answers.py.

    def api_reason(self, answer: Answer) -> Reason | None:
        return answers.api_reason(answer)

    def token_reason(self, answer: Answer) -> Reason | None:
        return answers.token_reason(answer)

    # The conversations that need to know the server.

    def exchange(
        self, client: Client, callback: Mapping[str, str], keep: Mapping[str, str]
    ) -> Conversation:
        if callback.get("iss", client.issuer).removesuffix("/") != client.issuer:  # RFC 9207, 2.4
            raise Refused(Refusal.NOT_UNDERSTOOD)
        return (yield from super().exchange(client, callback, keep))

    def exchange_refusal(self, answer: Answer) -> Refusal:
        refusal = super().exchange_refusal(answer)
        return Refusal.CLIENT_FORGOTTEN if refusal is Refusal.APP_MISCONFIGURED else refusal

    def identify(self, client: Client, grant: Grant) -> Conversation:
        answer = yield from insist(self, self.whoami(client, grant), ("read:accounts",))
        identity = person_in(answer.json, client)
        if identity is None:
            raise Refused(Refusal.NOT_UNDERSTOOD)
        return identity

    def reach(self, client: Client, grant: Grant, identity: Identity) -> Conversation:
        answer = yield from insist(self, self.whoami(client, grant), ("read:accounts",))
        person = person_in(answer.json, client)
        if person is None or person.subject != identity.subject:
            raise Refused(Refusal.NOT_UNDERSTOOD)
        url = str(answer.json.get("url"))
        return [Reachable("account", person.subject, person.name, url, is_login=True)]

    def probe(self, client: Client, grant: Grant, subject: str) -> Conversation:
        answer = yield from attempt(self.whoami(client, grant))
        verdict = self.read(Where.PROBE, answer, Known.of(grant))
        if verdict.health is not Health.ALIVE:
            return verdict
        person = person_in(answer.json, client)
        return ALIVE if person and person.subject == subject else NOT_UNDERSTOOD

    def whoami(self, client: Client, grant: Grant) -> Request:
        """https://docs.joinmastodon.org/methods/accounts/#verify_credentials"""
        address = f"{client.issuer}/api/v1/accounts/verify_credentials"
        return Get(address, bearer=grant.access_token)


def place_of(client: Client) -> str:
    return urlsplit(client.issuer).hostname or ""


def person_in(body: Mapping[str, Any], client: Client) -> Identity | None:
    """An id is unique on its server only, so the server is part of ours."""
    own = an_id(body.get("id"))
    place = place_of(client)
    name = a_name(body.get("display_name"), body.get("username"))
    return Identity(f"{own}@{place}", name or f"{own}@{place}") if own and place else None

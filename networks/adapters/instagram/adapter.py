"""Instagram, of professional accounts, by either of its logins.

https://developers.facebook.com/docs/instagram-platform/overview
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from networks.adapters.instagram.logins import FACEBOOK, ByFacebook, ByInstagram
from networks.adapters.instagram.notes import (
    BUDGETS,
    CAPABILITIES,
    KINDS,
    LOGIN_HINT,
    NOTES,
    PUSH,
    QUESTION,
    REQUIRED_ROLE,
)
from networks.base import (
    NOTHING_KNOWN,
    Answer,
    Client,
    Conversation,
    Grant,
    Identity,
    Known,
    Network,
    Verdict,
    Where,
)
from networks.families.graph_batch import BATCH
from networks.oauth import OAuth2Network

BY_INSTAGRAM, BY_FACEBOOK = ByInstagram(), ByFacebook()


class Instagram(Network):
    """One network of two logins: `client.issuer` says by which. Both find the same accounts,
    and name what is granted by the words of Instagram's own."""

    slug = "instagram"
    name = "Instagram"
    colour = "#c13584"
    initials = "ig"
    hosts = (*ByInstagram.hosts, *ByFacebook.hosts)
    authorization_endpoint = ByInstagram.authorization_endpoint
    token_endpoint = ByInstagram.token_endpoint
    revocation_endpoint = ByInstagram.revocation_endpoint
    scopes = ByInstagram.scopes
    scope_separator = ByInstagram.scope_separator
    refresh_extends = True
    names_errors_with_5xx = True
    batch_size = BATCH
    question = QUESTION
    kinds = KINDS
    required_role = REQUIRED_ROLE
    login_hint = LOGIN_HINT
    capabilities = CAPABILITIES
    notes = NOTES
    budgets = BUDGETS
    push = PUSH

    def client_slug(self, issuer: str) -> str:
        return "facebook" if issuer == FACEBOOK else self.slug

    def by(self, client: Client) -> OAuth2Network:
        return BY_FACEBOOK if client.issuer == FACEBOOK else BY_INSTAGRAM

    def read(self, where: Where, answer: Answer, known: Known = NOTHING_KNOWN) -> Verdict:
        return BY_INSTAGRAM.read(where, answer, known)

    def authorize(self, client: Client, state: str, login_hint: str = "") -> Conversation:
        return self.by(client).authorize(client, state, login_hint)

    def exchange(
        self, client: Client, callback: Mapping[str, str], keep: Mapping[str, str]
    ) -> Conversation:
        return self.by(client).exchange(client, callback, keep)

    def identify(self, client: Client, grant: Grant) -> Conversation:
        return self.by(client).identify(client, grant)

    def reach(self, client: Client, grant: Grant, identity: Identity) -> Conversation:
        return self.by(client).reach(client, grant, identity)

    def probe(self, client: Client, grant: Grant, subject: str) -> Conversation:
        return self.by(client).probe(client, grant, subject)

    def probe_batch(self, client: Client, tokens: list[tuple[Grant, str]]) -> Conversation:
        return self.by(client).probe_batch(client, tokens)

    def refresh(self, client: Client, grant: Grant) -> Conversation:
        return self.by(client).refresh(client, grant)

    def revoke(self, client: Client, grant: Grant) -> Any:
        return self.by(client).revoke(client, grant)

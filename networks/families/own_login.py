"""A login of Instagram's or Threads' own: one account, and a token that renews itself.

https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/business-login
https://developers.facebook.com/docs/threads/get-started/long-lived-tokens
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

from networks.base import (
    NOTHING_KNOWN,
    Answer,
    Client,
    Conversation,
    Get,
    Grant,
    Identity,
    Known,
    Reachable,
    Refused,
    Request,
    Verdict,
    Where,
)
from networks.families.graph import GraphNetwork, only
from networks.reading import a_name, an_id, attempt, insist


class OwnLogin(GraphNetwork):
    refresh_extends = True
    api: ClassVar[str]  # the host of tokens and calls
    me: ClassVar[str]  # who one is
    me_fields: ClassVar[str]
    id_field: ClassVar[str]
    exchange_grant: ClassVar[str]
    refresh_grant: ClassVar[str]

    def page_of(self, username: str) -> str:
        """Where the account is seen by everybody."""
        raise NotImplementedError

    def read(self, where: Where, answer: Answer, known: Known = NOTHING_KNOWN) -> Verdict:
        """Nothing heals what has ended here: the refresh takes the very token that is dead."""
        return super().read(where, answer, replace(known, refreshable=False))

    def code_in(self, callback: Mapping[str, str]) -> str:
        """The vendor's page says to strip these two marks."""
        return super().code_in({**callback, "code": callback.get("code", "").removesuffix("#_")})

    def exchange(
        self, client: Client, callback: Mapping[str, str], keep: Mapping[str, str]
    ) -> Conversation:
        """The code brings one hour, and that token sixty days. The vendor documents the second
        step as a GET with the secret in its query, and nothing else."""
        short = yield from super().exchange(client, callback, keep)
        params = {"grant_type": self.exchange_grant, "client_secret": client.client_secret}
        request = Get(f"{self.api}/access_token", params=params, bearer=short.access_token)
        answer = yield from attempt(request)
        grant = self.grant_in(answer, short)
        if grant is None:
            raise Refused(self.exchange_refusal(answer))
        return grant

    def probe(self, client: Client, grant: Grant, subject: str) -> Conversation:
        """Read with the end that it really has, and not with the one it is renewed by."""
        whole = replace(grant, expires_at=grant.refresh_expires_at or grant.expires_at)
        return (yield from super().probe(client, whole, subject))

    def refresh_request(self, client: Client, grant: Grant) -> Request:
        params = {"grant_type": self.refresh_grant}
        return Get(f"{self.api}/refresh_access_token", params=params, bearer=grant.refresh_token)

    def grant_in(self, answer: Answer, old: Grant | None = None) -> Grant | None:
        """The long-lived token is its own refresh token. It can be renewed once it is a day old
        and until its end, so it counts as an access token for half of its life: thirty days are
        left for a renewal that fails, and none is ever asked for in its first day."""
        grant = super().grant_in(answer, old)
        if grant is None or old is None or grant.expires_at is None:
            return grant
        half = (grant.expires_at - datetime.now(UTC)) / 2
        return replace(
            grant,
            refresh_token=grant.access_token,
            expires_at=grant.expires_at - half,
            refresh_expires_at=grant.expires_at,
        )

    def identity_request(self, grant: Grant) -> Request:
        return Get(self.me, params={"fields": self.me_fields}, bearer=grant.access_token)

    def identity_in(self, body: Mapping[str, Any]) -> Identity | None:
        body = only(body)
        subject = an_id(body.get(self.id_field))
        return (
            Identity(subject, a_name(body.get("name"), body.get("username"), subject))
            if subject
            else None
        )

    def reach(self, client: Client, grant: Grant, identity: Identity) -> Conversation:
        """The login is the profile, and its only one."""
        answer = yield from insist(self, self.identity_request(grant))
        found = self.identity_in(answer.json)
        if found is None or found.subject != identity.subject:
            return []
        username = an_id(only(answer.json).get("username"))
        url = self.page_of(username) if username else ""
        return [Reachable("account", found.subject, found.name, url=url, is_login=True)]

"""Who gave which client access: grants, and the codes and tokens that hang on them.

A grant is one authorization: one person said yes to one client for some scopes. Codes,
access tokens and refresh tokens are rows of one table that differ by ``kind``. A row
ends by being used, revoked or replaced; a grant that ends takes all its rows with it.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.store import Store

CODE, ACCESS, REFRESH = "code", "access", "refresh"
ACTIVE, EXPIRED, REVOKED = "active", "expired", "revoked"

_SELECT = """
SELECT t.value, t.kind, t.created, t.expires, t.ended, t.data, g.id, g.client, g.person,
       g.scopes, g.created AS granted, g.refresh_until, g.ended AS grant_ended
FROM tokens t JOIN grants g ON g.id = t.grant_id
"""


@dataclass(frozen=True)
class Grant:
    """One person's yes to one client."""

    id: int
    client: str
    person: str
    scopes: tuple[str, ...]
    created: float
    refresh_until: float | None


@dataclass(frozen=True)
class Token:
    """A code, an access token or a refresh token."""

    value: str
    kind: str
    created: float
    expires: float
    ended: bool
    data: dict[str, Any]
    grant: Grant

    @property
    def status(self) -> str:
        """``revoked`` wins over ``expired``: what was taken away does not also run out."""
        if self.ended:
            return REVOKED
        return EXPIRED if self.expires <= time.time() else ACTIVE

    @property
    def live(self) -> bool:
        """Whether it still opens anything."""
        return self.status == ACTIVE

    @property
    def seconds_left(self) -> int:
        """For the ``expires_in`` of an answer."""
        return max(0, round(self.expires - time.time()))


class Ledger:
    """The grants and tokens of one network."""

    def __init__(self, store: Store, network: str) -> None:
        self.store, self.network = store, network

    def open(self, client: str, person: str, scopes: Iterable[str]) -> Grant:
        """Write down that a person said yes."""
        now, kept = time.time(), tuple(scopes)
        grant = self.store.add(
            "INSERT INTO grants (network, client, person, scopes, created) VALUES (?, ?, ?, ?, ?)",
            self.network, client, person, " ".join(kept), now,
        )  # fmt: skip
        return Grant(grant, client, person, kept, now, None)

    def issue(self, grant: Grant, kind: str, life: float, value: str = "", **data: object) -> Token:
        """Hand out a code or token that hangs on a grant."""
        now, value = time.time(), value or secrets.token_urlsafe(48)
        self.store.run(
            "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, 0, ?)",
            value, grant.id, kind, now, now + life, json.dumps(data),
        )  # fmt: skip
        return Token(value, kind, now, now + life, False, dict(data), grant)

    def find(self, value: str, *kinds: str) -> Token | None:
        """The code or token with this value, if this network ever issued it."""
        row = self.store.one(f"{_SELECT} WHERE t.value = ? AND g.network = ?", value, self.network)
        return _token(row) if row and row["kind"] in kinds else None

    def end(self, token: Token) -> bool:
        """Use a code up, or replace a refresh token; false when somebody was faster."""
        return bool(
            self.store.run("UPDATE tokens SET ended = 1 WHERE value = ? AND ended = 0", token.value)
        )

    def newest(self, grant: Grant, kind: str) -> Token | None:
        """What was handed out last on a grant."""
        row = self.store.one(
            f"{_SELECT} WHERE t.grant_id = ? AND t.kind = ? ORDER BY t.created DESC LIMIT 1",
            grant.id, kind,
        )  # fmt: skip
        return _token(row) if row else None

    def end_tokens(self, grant: Grant) -> None:
        """End what was handed out so far, and not the authorization itself."""
        self.store.run("UPDATE tokens SET ended = 1 WHERE grant_id = ?", grant.id)

    def end_grant(self, grant: Grant) -> None:
        """End one authorization and everything that was issued for it."""
        self.store.run("UPDATE grants SET ended = 1 WHERE id = ?", grant.id)

    def disconnect(self, person: str, client: str = "") -> None:
        """Take every authorization of a person away from one client, or from all."""
        self.store.run(
            "UPDATE grants SET ended = 1 WHERE network = ? AND person = ? AND ? IN ('', client)",
            self.network, person, client,
        )  # fmt: skip

    def narrow(self, person: str, client: str, scope: str) -> None:
        """Take one scope out of a person's authorizations."""
        for grant in self.live_grants(person, client):
            left = " ".join(one for one in grant.scopes if one != scope)
            self.store.run("UPDATE grants SET scopes = ? WHERE id = ?", left, grant.id)

    def live_grants(self, person: str, client: str) -> list[Grant]:
        """Authorizations that still stand, the newest first."""
        rows = self.store.all(
            "SELECT * FROM grants WHERE network = ? AND person = ? AND client = ? AND ended = 0"
            " ORDER BY id DESC",
            self.network, person, client,
        )  # fmt: skip
        return [_grant(row, row["created"]) for row in rows]

    def clients_of(self, person: str) -> list[str]:
        """Which clients a person has said yes to and not yet taken it back."""
        rows = self.store.all(
            "SELECT DISTINCT client FROM grants WHERE network = ? AND person = ? AND ended = 0",
            self.network, person,
        )  # fmt: skip
        return [row["client"] for row in rows]

    def start_refresh_clock(self, grant: Grant, until: float) -> Grant:
        """Set, once, when a person must say yes again."""
        self.store.run("UPDATE grants SET refresh_until = ? WHERE id = ?", until, grant.id)
        return Grant(grant.id, grant.client, grant.person, grant.scopes, grant.created, until)

    def had_tokens(self, person: str) -> bool:
        """Whether this person ever got as far as a refresh token."""
        row = self.store.one(
            f"{_SELECT} WHERE g.network = ? AND g.person = ? AND t.kind = ? LIMIT 1",
            self.network, person, REFRESH,
        )  # fmt: skip
        return row is not None

    def expire(self, person: str, kind: str) -> None:
        """Put the end of a person's tokens of one kind into the past."""
        self.store.run(
            "UPDATE tokens SET expires = min(expires, ?) WHERE kind = ? AND grant_id IN"
            " (SELECT id FROM grants WHERE network = ? AND person = ?)",
            time.time() - 1, kind, self.network, person,
        )  # fmt: skip


def _grant(row: Any, created: float) -> Grant:
    scopes = tuple(row["scopes"].split())
    return Grant(row["id"], row["client"], row["person"], scopes, created, row["refresh_until"])


def _token(row: Any) -> Token:
    return Token(
        row["value"],
        row["kind"],
        row["created"],
        row["expires"],
        bool(row["ended"] or row["grant_ended"]),
        json.loads(row["data"]),
        _grant(row, row["granted"]),
    )

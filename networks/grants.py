"""Who we are at a network, what it granted us, and what we know of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self


@dataclass(frozen=True, slots=True)
class Client:
    """Our registration at a network (RFC 6749, 2): what names us in every conversation.

    `issuer`: which authorization server of the network it is registered at (RFC 8414, 2), where
    there are several. Where we sign with a key (private_key_jwt), `client_secret` is that key.
    """

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str = ""
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """A token pair as a network gave it, with every clock its answer named (aware datetimes).

    For OAuth 1.0a `refresh_token` is the token secret and nothing ever ends. `reauthorize_by`:
    when the network itself wants a person again. `keep` is what belongs to the grant and is as
    secret: a key that it is bound to, or the tokens of single pages. A refresh returns a whole
    Grant, `keep` included.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ()
    expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    reauthorize_by: datetime | None = None
    keep: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Known:
    """What we know of a token before the network answers."""

    ended: bool = False  # its recorded end has passed
    refresh_ended: bool = False
    refreshable: bool = False
    # Since its issue, where somebody knows. Not from a Grant: the engine believes what may be too
    # early only when it is said again after `Network.confirm_after`.
    age: timedelta | None = None

    @classmethod
    def of(cls, grant: Grant) -> Self:
        now = datetime.now(UTC)
        return cls(
            ended=grant.expires_at is not None and grant.expires_at <= now,
            refresh_ended=grant.refresh_expires_at is not None and grant.refresh_expires_at <= now,
            refreshable=bool(grant.refresh_token),
        )


NOTHING_KNOWN = Known()

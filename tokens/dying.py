"""When an access died, as far as anybody can know, and when that was found.

It died between the network's last word that it lives and the first that it does not, or at the
end that a clock of ours had foretold. A probe speaks of the login and a listing of the profile, so
each has its own last word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from networks.base import Reason
from tokens.models import Access, StatusChange, Token


def foretold_end(token: Token, reason: Reason | None, now: datetime) -> datetime | None:
    """The end that our own clocks knew of, where that is what the network says."""
    end = token.ends_for_people_at
    return end if reason is Reason.EXPIRED and end and end <= now else None


@dataclass(frozen=True, slots=True)
class Heard:
    """What the network had said of one access before it changes: when that its login lives, when
    that it lists the profile, and since when a probe or a listing makes us suspect its death."""

    probed_at: datetime | None
    listed_at: datetime | None
    suspected_at: datetime | None
    by_listing: bool

    def keep_on(self, access: Access) -> None:
        """Keep on the access what a suspicion will have to know when it is confirmed."""
        access.alive_at = (
            self._alive_at(access.suspected_by_listing) if access.suspected_at else None
        )

    def fill_in(self, loss: StatusChange, access: Access) -> None:
        """The path of this death up to the moment of writing."""
        by_listing = not access.token.reason
        loss.alive_at, loss.found_at = self._alive_at(by_listing), loss.at
        if self.suspected_at and self.by_listing == by_listing:
            loss.found_at = self.suspected_at
        end = foretold_end(access.token, access.effective_reason(), loss.found_at)
        if end and loss.alive_at and loss.alive_at <= end:  # it outlived no clock
            loss.ended_at = end

    def _alive_at(self, by_listing: bool) -> datetime | None:
        return self.listed_at if by_listing else self.probed_at


def note(
    before: Mapping[UUID, Heard], accesses: Iterable[Access], changes: Iterable[StatusChange]
) -> None:
    """Put it down, in memory, where something is suspected or lost after the change."""
    for access in accesses:
        before[access.pk].keep_on(access)
    for change in changes:
        if change.reason and change.access:
            before[change.access.pk].fill_in(change, change.access)


def heard(accesses: Iterable[Access]) -> dict[UUID, Heard]:
    """Of each access, by its id; to be asked before anything changes.

    While a death is suspected, the token's clocks tell of that, and the access has kept what was
    before. A refresh is no last word: the session that finds a death may have begun with one.
    """
    doubted = {
        access.token_id: access.alive_at
        for access in accesses
        if access.suspected_at and not access.suspected_by_listing
    }
    return {access.pk: _heard(access, doubted) for access in accesses}


def _heard(access: Access, doubted: dict[UUID, datetime | None]) -> Heard:
    token, by_listing = access.token, access.suspected_by_listing
    if token.pk in doubted:
        probed_at = doubted[token.pk]
    else:
        probed_at = max(token.probed_at or token.consented_at, token.consented_at)
    is_unlisted = access.suspected_at and by_listing
    listed_at = access.alive_at if is_unlisted else token.listed_at
    return Heard(probed_at, listed_at, access.suspected_at, by_listing)

"""What follows from the engine's findings: confirm, turn red, turn green, ask again."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import random
from uuid import UUID

from django.db import DataError, IntegrityError, transaction
from django.utils import timezone

from networks.base import Health, Identity, Kind, Reachable, Reason, Verdict, unclear
from tokens import clocks, learning, leases, reaching, schedule
from tokens.dying import foretold_end
from tokens.holding import Doubt
from tokens.models import Access, Token
from tokens.siblings import ask_siblings
from tokens.status import lock_tokens, settle
from tokens.storing import confirm_after

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listing:
    """Whose login it is now, and all that it reaches. `lacks_scope`: the network says that this
    token may not even ask for that."""

    identity: Identity | None
    reached: list[Reachable]
    lacks_scope: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """What one token's session brought: a verdict, and the listing where it was read, or what
    kept us from reading it.

    `token` is the row as it was claimed: its lease and `issued_at` guard the write back.
    `is_renewed`: a refresh gave it other tokens, scopes and ends meanwhile.
    """

    token: Token
    verdict: Verdict
    listing: Listing | None = None
    trouble: Reason | None = None
    is_renewed: bool = False

    @property
    def brings_profiles(self) -> bool:
        """Whether the listing may name profiles that we do not look after yet and shall."""
        if self.listing is None or not any(
            kind.comes_and_goes for kind in self.token.network.kinds
        ):
            return False
        return bool(self.listing.reached)

    @property
    def strikes(self) -> bool:
        """Whether a living token was found dead, and no clock of ours foretold it."""
        end = self.token.ends_for_people_at
        foretold = self.verdict.reason is Reason.EXPIRED or (end and end <= timezone.now())
        return self.verdict.health is Health.DEAD and not self.token.reason and not foretold

    @property
    def changes_nothing(self) -> bool:
        """Whether only clocks move, unless somebody suspects the token's accesses."""
        verdict, token = self.verdict, self.token
        scopes = token.scopes if verdict.scopes is None else verdict.scopes
        if self.listing or self.is_renewed or set(scopes) != set(token.scopes):
            return False
        if verdict.health is Health.UNCLEAR:
            return True
        return verdict.health is Health.ALIVE and not token.reason


SLICE = 100


def write_down(findings: list[Finding]) -> int:
    """Write a batch of one network; returns how many StatusChanges followed. A finding about a
    token that was reconnected meanwhile, or whose lease is no longer ours, is dropped.

    The living come first: what is said of a death for the second time is weighed against them.
    """
    now = timezone.now()
    left = _move_clocks([one for one in findings if one.changes_nothing], now)
    others = [one for one in findings if not one.changes_nothing or one.token.pk in left]
    return _write_slices(others, now)


def _write_slices(findings: list[Finding], now: datetime) -> int:
    """A slice at a time, each in one transaction. What brings profiles in stands alone: it locks
    more than its slice could foresee."""
    alone = [finding for finding in findings if finding.brings_profiles]
    others = [finding for finding in findings if not finding.brings_profiles]
    slices = [others[start : start + SLICE] for start in range(0, len(others), SLICE)]
    return sum(_write_what_can_be(some, now) for some in [*slices, *([one] for one in alone)])


def _write_what_can_be(findings: list[Finding], now: datetime) -> int:
    """One that the database refuses costs the others nothing, and counts as not understood."""
    try:
        return _write_slice(findings, now)
    except (DataError, IntegrityError, ValueError) as error:
        if len(findings) > 1:
            middle = len(findings) // 2
            parts = findings[:middle], findings[middle:]
            return sum(_write_what_can_be(part, now) for part in parts)
        [one] = findings  # by its kind alone: its text may quote a row
        logger.error("token %s cannot be written: %s", one.token.pk, type(error).__name__)
        _move_clocks([Finding(one.token, unclear(Reason.NOT_UNDERSTOOD))], now)
        return 0


def _move_clocks(findings: list[Finding], now: datetime) -> set[UUID]:
    """Write what changes nothing in one statement. Returns the tokens that were left alone
    (`clocks.move`)."""
    if not findings:
        return set()
    doubt = Doubt(findings[0].token.network_slug, now)
    for finding in findings:
        _apply(finding, finding.token, [], doubt)
    return clocks.move(finding.token for finding in findings)


def _write_slice(findings: list[Finding], now: datetime) -> int:
    by_id = {finding.token.pk: finding for finding in findings}
    doubt = Doubt(findings[0].token.network_slug, now)
    with transaction.atomic():
        ours = _ours(by_id)
        new: set[UUID] = set()
        for token in ours:
            listing = by_id[token.pk].listing
            if listing and by_id[token.pk].brings_profiles:
                new |= reaching.bring_in(token, listing.reached)
        changes = settle(
            ours, lambda token, own: _apply(by_id[token.pk], token, own, doubt), now=now, new=new
        )
        ask_siblings([token for token in ours if by_id[token.pk].strikes], now)
        doubt.settle()
    return len(changes)


def _ours(found: Mapping[UUID, Finding]) -> list[Token]:
    """Locked, the rows whose lease was ours until now and whose pair is what was read."""
    leased = leases.end(finding.token for finding in found.values())
    return [
        token for token in lock_tokens(leased) if token.issued_at == found[token.pk].token.issued_at
    ]


def _apply(finding: Finding, token: Token, accesses: list[Access], doubt: Doubt) -> None:
    verdict, now = finding.verdict, doubt.now
    if verdict.health is Health.UNCLEAR:
        waits = _unclear(verdict, token, accesses, now)
    elif verdict.health is Health.ALIVE:
        was_held = any(doubt.was_held(access) for access in accesses)
        _asked(token, now, finding.trouble, is_released=was_held)
        waits = _alive(finding, token, accesses, doubt)
    else:
        unclear_since = token.unclear_since
        _asked(token, now, None)
        waits = _dead(verdict, token, accesses, doubt)
        if waits:  # nothing is clear before the second answer
            token.unclear_since = unclear_since
    if waits and not doubt.covers(token):
        asked_to_wait = timedelta(seconds=verdict.retry_after or 0)
        again = now + max(confirm_after(token.network), asked_to_wait)
        token.next_probe_at = min(token.next_probe_at, again)


def _asked(
    token: Token, now: datetime, trouble: Reason | None, *, is_released: bool = False
) -> None:
    """The network spoke. `trouble` is with its listing, and for the operator to see. What is
    released is so within minutes of many others, and spread out as if it had never been asked."""
    traits = learning.traits(token)
    if is_released:
        traits = traits._replace(probed_at=None)
    token.probed_at = now
    token.unclear_since = (token.unclear_since or now) if trouble else None
    token.unclear_reason, token.unclear_count = trouble or "", 0
    ends = learning.known_ends(token)
    chance = random()  # noqa: S311 - a jitter, no secret
    token.next_probe_at = schedule.next_probe(now, learning.pace(), traits, ends, chance)


def _unclear(verdict: Verdict, token: Token, accesses: list[Access], now: datetime) -> bool:
    """Nothing is known, so nothing changes: ask again, later and later, but not too late for a
    suspicion that waits. Returns whether one does."""
    token.unclear_since = token.unclear_since or now
    token.unclear_reason = verdict.reason or Reason.NOT_UNDERSTOOD
    token.unclear_count += 1
    token.next_probe_at = schedule.after_unclear(
        now, learning.pace(), token.unclear_count, verdict.retry_after
    )
    return any(access.suspected_at for access in accesses)


def _dead(verdict: Verdict, token: Token, accesses: list[Access], doubt: Doubt) -> bool:
    """Turn red, or wait for the second answer; returns whether it waits.

    A token that is red already keeps its first reason: later answers only get vaguer.
    """
    reason = verdict.reason or Reason.INVALID_TOKEN_UNSPECIFIED
    if token.reason:
        return False
    if not foretold_end(token, reason, doubt.now):  # else our own clocks say so too
        plainly = not verdict.ambiguous
        believed = [doubt.counts(one, token, reason, plainly=plainly) for one in accesses]
        if not all(believed):
            return True
    token.reason, token.died_at = reason, doubt.now
    _take_over_scopes(verdict, token)
    for access in accesses:
        access.suspected_at, access.suspected_reason = None, ""
    return False


def _alive(finding: Finding, token: Token, accesses: list[Access], doubt: Doubt) -> bool:
    """Turn green what was red, and check each access against the listing where it was read.

    Returns whether an access waits for a second look at the listing.
    """
    token.reason = ""
    _take_over_scopes(finding.verdict, token)
    listing = finding.listing
    if listing is None:
        _forget_dead_suspicion(token, accesses, doubt)
        return any(access.suspected_at for access in accesses)
    if listing.identity:
        token.subject_name = listing.identity.name[:255]
    listed = {(one.kind, one.remote_id): one for one in listing.reached}
    for access in accesses:
        one = listed.get((access.profile.kind_slug, access.profile.remote_id))
        _compare(access, one, listing, token, doubt)
    waits = any(access.suspected_at for access in accesses)
    token.listed_at = None if waits else doubt.now
    return waits


def _compare(
    access: Access, one: Reachable | None, listing: Listing, token: Token, doubt: Doubt
) -> None:
    """One access with its line of the listing. What is missing there counts when it is missing
    a second time."""
    reason = _reason_to_doubt(access.profile.kind, one, listing)
    if reason is None:
        doubt.recovers(access, token)
        access.reason, access.suspected_at, access.suspected_reason = "", None, ""
        if one:
            reaching.take_over(access, one)
    elif not access.reason and doubt.counts(access, token, reason, about_listing=True):
        access.reason = reason
        access.role = one.role[:200] if one else ""
        access.suspected_at, access.suspected_reason = None, ""


def _reason_to_doubt(kind: Kind, one: Reachable | None, listing: Listing) -> Reason | None:
    if one:
        return Reason.PERMISSION_LOST if one.missing_role else None
    if kind.reads_role or (kind.comes_and_goes and listing.lacks_scope):
        return Reason.PERMISSION_LOST
    return Reason.NO_LONGER_LISTED if kind.comes_and_goes else None


def _take_over_scopes(verdict: Verdict, token: Token) -> None:
    """Once they are believed: what was heard once would otherwise confirm itself."""
    if verdict.scopes is not None:
        token.scopes = list(verdict.scopes)


def _forget_dead_suspicion(token: Token, accesses: list[Access], doubt: Doubt) -> None:
    """The token lives: only a missing role, which this probe did not look at, stays suspected."""
    for access in accesses:
        if not access.suspected_by_listing:
            doubt.recovers(access, token)
            access.suspected_at, access.suspected_reason = None, ""

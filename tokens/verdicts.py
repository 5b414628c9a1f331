"""What follows from the engine's findings: confirm, turn red, turn green, ask again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from networks.base import Health, Reachable, Reason, Verdict
from tokens import schedule
from tokens.models import Access, Token
from tokens.schedule import Pace
from tokens.status import lock_tokens, settle
from tokens.storing import confirm_after, take_over


@dataclass(frozen=True, slots=True)
class Finding:
    """What one token's session brought: a verdict, and the listing where it was read, or what
    kept us from reading it.

    `token` is the row as it was claimed: its lease and `issued_at` guard the write back.
    """

    token: Token
    verdict: Verdict
    reached: list[Reachable] | None = None
    trouble: Reason | None = None


SLICE = 100


def write_down(findings: list[Finding]) -> None:
    """Write a batch, a slice at a time, each in one transaction. A finding about a token that was
    reconnected meanwhile, or whose lease is no longer ours, is dropped."""
    for start in range(0, len(findings), SLICE):
        _write_slice(findings[start : start + SLICE])


def _write_slice(findings: list[Finding]) -> None:
    by_id = {finding.token.pk: finding for finding in findings}
    now = timezone.now()
    with transaction.atomic():
        ours = [token for token in lock_tokens(by_id) if _is_ours(token, by_id[token.pk].token)]
        settle(ours, lambda token, own: _apply(by_id[token.pk], token, own, now), now=now)


def _is_ours(stored: Token, claimed: Token) -> bool:
    return stored.lease == claimed.lease and stored.issued_at == claimed.issued_at


def _apply(finding: Finding, token: Token, accesses: list[Access], now: datetime) -> None:
    verdict = finding.verdict
    token.lease = None
    if verdict.health is Health.UNCLEAR:
        waits = _unclear(verdict, token, accesses, now)
    elif verdict.health is Health.ALIVE:
        _asked(token, now, finding.trouble)
        waits = _alive(finding, token, accesses, now)
    else:
        _asked(token, now, None)
        waits = _dead(verdict, token, accesses, now)
    if waits:
        asked_to_wait = timedelta(seconds=verdict.retry_after or 0)
        again = now + max(confirm_after(token.network), asked_to_wait)
        token.next_probe_at = min(token.next_probe_at, again)


def _pace() -> Pace:
    return Pace(timedelta(seconds=settings.PROBE_INTERVAL))


def _asked(token: Token, now: datetime, trouble: Reason | None) -> None:
    """The network spoke. `trouble` is with its listing, and for the operator to see."""
    token.probed_at = now
    token.unclear_since = (token.unclear_since or now) if trouble else None
    token.unclear_reason, token.unclear_count = trouble or "", 0
    renewal = schedule.refresh_due(token.expires_at, token.issued_at)
    ends = (renewal if token.refresh_token else None, token.expires_at, token.reauthorize_by)
    token.next_probe_at = schedule.next_probe(now, _pace(), *ends)


def _unclear(verdict: Verdict, token: Token, accesses: list[Access], now: datetime) -> bool:
    """Nothing is known, so nothing changes: ask again, later and later, but not too late for a
    suspicion that waits. Returns whether one does."""
    token.unclear_since = token.unclear_since or now
    token.unclear_reason = verdict.reason or Reason.NOT_UNDERSTOOD
    token.unclear_count += 1
    token.next_probe_at = schedule.after_unclear(
        now, _pace(), token.unclear_count, verdict.retry_after
    )
    return any(access.suspected_at for access in accesses)


def _dead(verdict: Verdict, token: Token, accesses: list[Access], now: datetime) -> bool:
    """Turn red, or wait for the second answer; returns whether it waits.

    A token that is red already keeps its first reason: later answers only get vaguer.
    """
    reason = verdict.reason or Reason.INVALID_TOKEN_UNSPECIFIED
    if token.reason:
        return False
    if verdict.ambiguous and accesses:
        seen = [_seen_before(access, reason, token, now) for access in accesses]
        if not all(seen):
            return True
    token.reason = reason
    for access in accesses:
        access.suspected_at, access.suspected_reason = None, ""
    return False


def _alive(finding: Finding, token: Token, accesses: list[Access], now: datetime) -> bool:
    """Turn green what was red, and check each access against the listing where it was read.

    Returns whether an access waits for a second look at the listing.
    """
    token.reason = ""
    if finding.reached is None:
        _forget_dead_suspicion(accesses)
        return any(access.suspected_at for access in accesses)
    token.listed_at = now
    holds = {(one.kind, one.remote_id): one for one in finding.reached if not one.missing_role}
    for access in accesses:
        one = holds.get((access.profile.kind_slug, access.profile.remote_id))
        if one or not access.profile.kind.reads_role:
            access.reason, access.suspected_at, access.suspected_reason = "", None, ""
            if one:
                take_over(access, one)
        elif not access.reason and _seen_before(access, Reason.PERMISSION_LOST, token, now):
            access.reason = Reason.PERMISSION_LOST
            access.suspected_at, access.suspected_reason = None, ""
    waits = any(access.suspected_at for access in accesses)
    token.listed_at = None if waits else now
    return waits


def _forget_dead_suspicion(accesses: list[Access]) -> None:
    """The token lives: only a missing role, which this probe did not look at, stays suspected."""
    for access in accesses:
        if access.suspected_reason != Reason.PERMISSION_LOST:
            access.suspected_at, access.suspected_reason = None, ""


def _seen_before(access: Access, reason: Reason, token: Token, now: datetime) -> bool:
    """Whether this death was seen once already, long enough ago; notes it down if not.

    A lost role and a dead token are two suspicions; one does not confirm the other.
    """
    about_a_role = reason is Reason.PERMISSION_LOST
    was_about_a_role = access.suspected_reason == Reason.PERMISSION_LOST
    if access.suspected_at and about_a_role == was_about_a_role:
        return now - access.suspected_at >= confirm_after(token.network)
    access.suspected_at, access.suspected_reason = now, reason
    return False

"""The engine: claim due tokens, ask the network, write down what it said.

A claim is one statement and pushes `next_probe_at` ahead as its lease: what a crashed worker held
comes back by itself. Every write back checks that the lease is still ours and that `issued_at` is
what was read, so a late probe never overwrites a fresh reconnect (design rule 3).
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from networks.base import (
    ALIVE,
    Client,
    Conversation,
    Grant,
    Health,
    Identity,
    Reason,
    Refusal,
    Refused,
    TransportError,
    Verdict,
    dead,
    unclear,
)
from networks.http import TIME_LIMIT
from tokens import schedule
from tokens.conversations import AT_ONCE, Batch, Conversations
from tokens.keys import CannotOpen
from tokens.models import GRANT_FIELDS, Token
from tokens.storing import reauthorize_by
from tokens.verdicts import Finding, write_down

logger = logging.getLogger(__name__)

# As many as are held at once: nobody waits in a queue while its lease runs.
BATCH = AT_ONCE
# A session holds at most four conversations, and renews its lease before the one that must not
# be held twice, the refresh (rule 4).
LEASE = timedelta(seconds=5 * TIME_LIMIT)
Session = Generator[Conversation, Any, Finding]


@dataclass(slots=True)
class Claim:
    """A leased token, as it was read. `grant` is opened, and renewed by a refresh."""

    token: Token
    client: Client
    grant: Grant
    issued_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.issued_at = self.token.issued_at


def probe_due(network_slug: str, talk: Conversations, limit: int = BATCH) -> int:
    """Probe one batch of the network's due tokens; returns how many were claimed."""
    tokens = {token.pk: token for token in _claim(network_slug, limit)}
    sessions = {key: _session(token) for key, token in tokens.items()}
    batch = talk.batch()
    findings = [_go_on(batch, tokens[key], sessions[key], None) for key in tokens]
    findings += [_go_on(batch, tokens[key], sessions[key], result) for key, result in batch]
    write_down([finding for finding in findings if finding])
    return len(tokens)


def _go_on(batch: Batch, token: Token, session: Session, result: Any) -> Finding | None:
    """Hand a session the last result and begin its next conversation, or return its finding.

    Whatever a session raises is a defect of ours about this one token: it is logged by its name
    alone, since its text may quote the token, and costs none of the others.
    """
    try:
        is_trouble = isinstance(result, Exception)
        conversation = session.throw(result) if is_trouble else session.send(result)
        batch.begin(token.pk, conversation, token.network.hosts)
    except StopIteration as end:
        finding: Finding = end.value
        return finding
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:  # noqa: BLE001 - the boundary of one token, as said above
        logger.error("asking token %s failed: %s", token.pk, type(error).__name__)
        return Finding(token, unclear(Reason.NOT_UNDERSTOOD))
    return None


def _claim(network_slug: str, limit: int) -> list[Token]:
    """Lease up to `limit` due tokens in one statement; workers pass each other's rows by."""
    now = timezone.now()
    due = (
        Token.objects.select_for_update(skip_locked=True, no_key=True)
        .filter(network_slug=network_slug, next_probe_at__lte=now)
        .order_by("next_probe_at")
    )
    lease = uuid4()
    with transaction.atomic():
        ids = list(due.values_list("pk", flat=True)[:limit])
        Token.objects.filter(pk__in=ids).update(lease=lease, next_probe_at=now + LEASE)
    return list(Token.objects.select_related("app", "data_key").filter(pk__in=ids, lease=lease))


def _session(token: Token) -> Session:
    """Everything that is asked of one token; without its key or its app nothing can be."""
    client = token.app.client()
    if client is None:
        return Finding(token, unclear(Reason.APP_DISABLED))
    try:
        claim = Claim(token, client, token.open())
    except CannotOpen as error:
        logger.error("token %s does not open: %s", token.pk, error)
        return Finding(token, unclear(Reason.NOT_UNDERSTOOD))
    verdict = yield from _verdict(claim)
    if verdict.health is not Health.ALIVE:
        return Finding(token, verdict)
    if set(token.network.required_scopes) - set(token.scopes):  # lost at a refresh (rule 6)
        return Finding(token, dead(Reason.PERMISSION_LOST))
    return (yield from _listing(claim, verdict))


def _verdict(claim: Claim) -> Generator[Conversation, Any, Verdict]:
    """Refresh what is about to end, probe, heal what can be healed and probe again."""
    token = claim.token
    refreshed: Verdict | None = None
    if schedule.needs_refresh(timezone.now(), token.expires_at, token.issued_at):
        refreshed = yield from _refresh(claim)
    verdict = yield from _probe(claim)
    if not verdict.renewable:
        return verdict
    if refreshed is None:
        refreshed = yield from _refresh(claim)
        if refreshed is ALIVE:
            verdict = yield from _probe(claim)
    if refreshed is not ALIVE:
        return refreshed
    # A pair that came a moment ago and reads as ended: ask once more before believing it.
    return replace(verdict, ambiguous=True) if verdict.renewable else verdict


def _probe(claim: Claim) -> Generator[Conversation, Any, Verdict]:
    network = claim.token.network
    try:
        verdict: Verdict = yield network.probe(claim.client, claim.grant, claim.token.subject)
    except (TransportError, Refused):
        return unclear(Reason.NETWORK_OUTAGE)
    return verdict


def _refresh(claim: Claim) -> Generator[Conversation, Any, Verdict]:
    """Renew the pair and commit it at once; ALIVE when that worked, else what the network said.

    Without a refresh token nothing is asked: only a person can renew the access.
    """
    if not claim.grant.refresh_token:
        return dead(Reason.EXPIRED)
    if not _mine(claim).update(next_probe_at=timezone.now() + LEASE):
        return unclear(Reason.NOT_A_TOKEN_PROBLEM)  # somebody else's by now; it is dropped later
    try:
        result = yield claim.token.network.refresh(claim.client, claim.grant)
    except (TransportError, Refused):
        return unclear(Reason.NETWORK_OUTAGE)
    if isinstance(result, Verdict):
        return result
    _commit(claim, result)
    return ALIVE


def _mine(claim: Claim) -> QuerySet[Token]:
    """The token's row, as long as it is what we read and leased."""
    return Token.objects.filter(
        pk=claim.token.pk, lease=claim.token.lease, issued_at=claim.issued_at
    )


def _commit(claim: Claim, grant: Grant) -> None:
    """Store a refreshed pair on arrival, unless somebody reconnected meanwhile."""
    token, now = claim.token, timezone.now()
    claim.grant = grant
    with transaction.atomic():
        # A rotation may have moved the row to another data key since it was claimed. So it is
        # locked first and its key read afterwards: joined in one query, a row that had to be
        # waited for would drop out, as it no longer fits the key as of before.
        stored = _mine(claim).select_for_update(no_key=True).first()
        if stored is None:
            return
        token.data_key, token.refresh_token = stored.data_key, stored.refresh_token
        token.seal(grant)
        token.issued_at = now
        renewed_by = reauthorize_by(token.network, token.consented_at, token.refresh_expires_at)
        ends = [end for end in (renewed_by, token.reauthorize_by) if end]
        token.reauthorize_by = min(ends, default=None)
        _mine(claim).update(**{name: getattr(token, name) for name in GRANT_FIELDS})
    claim.issued_at = now


def _listing(claim: Claim, verdict: Verdict) -> Session:
    """Now and then, see which profiles the login still reaches with the role they need."""
    token = claim.token
    if not _listing_is_due(token):
        return Finding(token, verdict)
    identity = Identity(token.subject, token.subject_name)
    try:
        reached = yield token.network.reach(claim.client, claim.grant, identity)
    except TransportError:
        return Finding(token, verdict)
    except Refused as error:
        if error.refusal is Refusal.SCOPE_MISSING:  # the network says that it reaches nothing
            return Finding(token, verdict, [])
        if error.refusal is Refusal.NETWORK_UNAVAILABLE:
            return Finding(token, verdict)
        return Finding(token, verdict, trouble=Reason.NOT_UNDERSTOOD)
    return Finding(token, verdict, reached)


def _listing_is_due(token: Token) -> bool:
    if not any(kind.reads_role for kind in token.network.kinds):
        return False
    oldest = timezone.now() - timedelta(seconds=settings.LISTING_INTERVAL)
    return token.listed_at is None or token.listed_at <= oldest

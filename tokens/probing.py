"""The engine: claim due tokens, ask the network, write down what it said.

A claim is one statement and pushes `next_probe_at` ahead as its lease: what a crashed worker held
comes back by itself. Every write back checks that the lease is still ours and that `issued_at` is
what was read, so a late probe never overwrites a fresh reconnect (design rule 3).
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from networks.base import (
    Client,
    Conversation,
    Grant,
    Health,
    Identity,
    Reachable,
    Reason,
    Refused,
    TransportError,
    Verdict,
    unclear,
)
from networks.http import TIME_LIMIT
from tokens import schedule, vault
from tokens.conversations import Conversations
from tokens.models import Token
from tokens.storing import reauthorize_by
from tokens.verdicts import Finding, write_down

logger = logging.getLogger(__name__)

BATCH = 1000
# A token is held through at most four conversations (refresh, probe, refresh, listing); the
# lease outlives them all, so that no second worker refreshes the same token (rule 4).
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
    tokens = _claim(network_slug, limit)
    sessions: dict[UUID, Session] = {}
    findings: list[Finding] = []
    for token in tokens:
        claim = _open(token)
        if isinstance(claim, Finding):
            findings.append(claim)
            continue
        sessions[token.pk] = _ask(claim)
        talk.begin(token.pk, next(sessions[token.pk]))
    for key, result in talk:
        try:
            talk.begin(key, _tell(sessions[key], result))
        except StopIteration as end:
            findings.append(end.value)
    write_down(findings)
    return len(tokens)


def _tell(session: Session, result: Any) -> Conversation:
    """Hand a result to a session; returns its next conversation. Raises StopIteration."""
    if isinstance(result, TransportError | Refused):
        return session.throw(result)
    return session.send(result)


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
    return list(Token.objects.select_related("app").filter(pk__in=ids, lease=lease))


def _open(token: Token) -> Claim | Finding:
    """The claim ready to ask, or the finding that we cannot: both are the operator's trouble."""
    client = token.app.client()
    if client is None:
        return Finding(token, unclear(Reason.APP_DISABLED))
    try:
        return Claim(token, client, token.open())
    except vault.CannotOpen as error:
        logger.error("token %s does not open: %s", token.pk, error)
        return Finding(token, unclear(Reason.NOT_UNDERSTOOD))


def _ask(claim: Claim) -> Session:
    """What is asked of one token, in order: refresh what is about to end, probe, refresh what
    the probe says can be healed and probe again, and now and then read the listing."""
    token, network = claim.token, claim.token.network
    refused: Verdict | None = None
    if schedule.needs_refresh(timezone.now(), token.expires_at, token.issued_at):
        refused = yield from _refresh(claim)
    verdict = yield from _probe(claim)
    if verdict.renewable and refused is None:
        refused = yield from _refresh(claim)
        verdict = verdict if refused else (yield from _probe(claim))
    if verdict.renewable and refused is not None:
        verdict = refused
    if verdict.health is not Health.ALIVE or not _listing_is_due(token):
        return Finding(token, verdict)
    try:
        identity = Identity(token.subject, token.subject_name)
        reached: list[Reachable] = yield network.reach(claim.client, claim.grant, identity)
    except (TransportError, Refused):
        return Finding(token, verdict)
    return Finding(token, verdict, reached)


def _probe(claim: Claim) -> Generator[Conversation, Any, Verdict]:
    network = claim.token.network
    try:
        return (yield network.probe(claim.client, claim.grant, claim.token.subject))
    except (TransportError, Refused):
        return unclear(Reason.NETWORK_OUTAGE)


def _refresh(claim: Claim) -> Generator[Conversation, Any, Verdict | None]:
    """Renew the pair and commit it at once; None when that worked, else what the network said.

    Without a refresh token nothing is asked: the access token has ended, and only a person can
    renew it.
    """
    if not claim.grant.refresh_token:
        return Verdict(Health.DEAD, Reason.EXPIRED)
    try:
        result = yield claim.token.network.refresh(claim.client, claim.grant)
    except (TransportError, Refused):
        return unclear(Reason.NETWORK_OUTAGE)
    if isinstance(result, Verdict):
        return result
    _commit(claim, result)
    return None


def _commit(claim: Claim, grant: Grant) -> None:
    """Store a refreshed pair on arrival, if the token is still what we read and leased."""
    token, now = claim.token, timezone.now()
    token.seal(grant)
    token.issued_at = now
    renewed_by = reauthorize_by(token.network, token.consented_at, token.refresh_expires_at)
    ends = [end for end in (renewed_by, token.reauthorize_by) if end]
    token.reauthorize_by = min(ends, default=None)
    fields = (
        "access_token",
        "refresh_token",
        "scopes",
        "issued_at",
        "expires_at",
        "refresh_expires_at",
        "reauthorize_by",
    )
    stored = Token.objects.filter(pk=token.pk, lease=token.lease, issued_at=claim.issued_at)
    if stored.update(**{name: getattr(token, name) for name in fields}):
        claim.issued_at = now
    claim.grant = grant


def _listing_is_due(token: Token) -> bool:
    if not any(kind.reads_role for kind in token.network.kinds):
        return False
    oldest = timezone.now() - timedelta(seconds=settings.LISTING_INTERVAL)
    return token.listed_at is None or token.listed_at <= oldest

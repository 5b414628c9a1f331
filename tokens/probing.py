"""The engine: claim due tokens, ask the network about all of them at once, write down what it said.

A claim is one statement and pushes `next_probe_at` ahead as its lease: what a crashed worker held
comes back by itself. Every write back checks that the lease is still ours and that `issued_at` is
what was read, so a late probe never overwrites a fresh reconnect (design rule 3).
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

from celery.exceptions import SoftTimeLimitExceeded
from django.db import transaction
from django.utils import timezone

from networks.base import Network, Reason, unclear
from networks.registry import NETWORKS
from tokens.asking import LEASE, Ask, session_of
from tokens.conversations import AT_ONCE, Conversations
from tokens.models import Token
from tokens.verdicts import Finding, write_down

logger = logging.getLogger(__name__)

# As many as are held at once: nobody waits in a queue while its lease runs.
BATCH = AT_ONCE


def probe_due(network_slug: str, talk: Conversations, limit: int = BATCH) -> int:
    """Probe one batch of the network's due tokens; returns how many were claimed."""
    tokens = _claim(network_slug, limit)
    if not tokens:
        return 0
    write_down(list(Round(NETWORKS[network_slug], tokens, talk).findings()))
    return len(tokens)


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


class Round:
    """One batch of tokens, their sessions, and what is under way for them.

    Where a network answers about many tokens of one app in one request, the first question of
    all sessions waits until it can be asked together; whatever comes later is asked at once.
    """

    def __init__(self, network: Network, tokens: list[Token], talk: Conversations) -> None:
        self.network = network
        self.tokens = {token.pk: token for token in tokens}
        self.sessions = {token.pk: session_of(token) for token in tokens}
        self.batch = talk.batch()
        self.waiting: dict[UUID, list[Ask]] = defaultdict(list)
        self.together: dict[UUID, list[Ask]] = {}

    def findings(self) -> Iterator[Finding]:
        collect = self.network.batch_size > 1
        for key in self.tokens:
            yield from self._go_on(key, None, collect=collect)
        for asks in self.waiting.values():
            self._begin_together(asks)
        for key, result in self.batch:
            for own_key, own_result in self._told_apart(key, result):
                yield from self._go_on(own_key, own_result)

    def _go_on(self, key: UUID, result: Any, *, collect: bool = False) -> Iterator[Finding]:
        """Hand a session the last result and begin what it asks next, or return its finding.

        Whatever a session raises is a defect of ours about this one token: it is logged by its
        name alone, since its text may quote the token, and costs none of the others.
        """
        session = self.sessions[key]
        try:
            ask = session.throw(result) if isinstance(result, Exception) else session.send(result)
            if ask.is_probe and collect:
                self.waiting[ask.claim.token.app_id].append(ask)
            else:
                self._begin(ask)
        except StopIteration as end:
            yield end.value
        except SoftTimeLimitExceeded:
            raise
        except Exception as error:  # noqa: BLE001 - the boundary of one token, as said above
            logger.error("asking token %s failed: %s", key, type(error).__name__)
            yield Finding(self.tokens[key], unclear(Reason.NOT_UNDERSTOOD))

    def _begin(self, ask: Ask) -> None:
        hosts = self.network.hosts_of(ask.claim.client)
        self.batch.begin(ask.claim.token.pk, ask.conversation, hosts)

    def _begin_together(self, asks: list[Ask]) -> None:
        client, size = asks[0].claim.client, self.network.batch_size
        for start in range(0, len(asks), size):
            key, some = uuid4(), asks[start : start + size]
            tokens = [(ask.claim.grant, ask.claim.token.subject) for ask in some]
            self.together[key] = some
            asking = self.network.probe_batch(client, tokens)
            self.batch.begin(key, asking, self.network.hosts_of(client))

    def _told_apart(self, key: UUID, result: Any) -> Iterator[tuple[UUID, Any]]:
        """One result for each session: of many that were asked about together, each its own.
        One that the network left out is asked about alone."""
        asks = self.together.pop(key, None)
        if asks is None:
            yield key, result
            return
        if not isinstance(result, Exception) and len(result) != len(asks):
            result = ValueError("another number of verdicts than of tokens")
        verdicts = [result] * len(asks) if isinstance(result, Exception) else result
        for ask, verdict in zip(asks, verdicts, strict=True):
            if verdict is None:
                self._begin(ask)
            else:
                yield ask.claim.token.pk, verdict

"""People's own conversations with a network: held at once, whatever the budgets say, and counted
there afterwards, so that the engine makes room for them."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.utils import timezone
from redis import Redis
from redis.exceptions import RedisError

from networks.base import Answer, Client, Conversation
from networks.http import hold
from networks.wire import Prepared
from tokens import tallies
from tokens.allowances import Account, Charge
from tokens.budgets import TIMEOUT, default_budget
from tokens.gcra import DAY, SCRIPT, Batch
from tokens.models import OAuthApp
from tokens.tallies import Count

logger = logging.getLogger(__name__)


def talk(app: OAuthApp, client: Client, conversation: Conversation) -> Any:
    """Hold a conversation with the network of `app`; returns what it returned. Raises
    TransportError, and what the conversation raises."""
    account = Account(app.network, app.pk, default_budget(settings.CALLS_PER_SECOND))
    charges: list[list[Charge]] = []

    def heard(prepared: Prepared, answer: Answer) -> None:
        charges.append(account.charges(prepared.url, ()))
        account.bill(prepared.url, answer)

    try:
        return hold(conversation, app.network.hosts_of(client), heard)
    finally:
        if charges:
            _spend(charges)
            count = Count(app.pk, app.network_slug, timezone.now())
            count.calls, count.cost = len(charges), account.cost
            tallies.add_calls(count)


def _spend(charges: list[list[Charge]]) -> None:
    """Take these calls from what everybody shares; what has been sent cannot be refused."""
    batch = Batch()
    for one in charges:
        takes = ((batch.number(key, limit), calls) for key, limit, calls in one)
        batch.rows.append([DAY, *(number for take in takes for number in take)])
    try:
        with _shared() as redis:
            redis.eval(SCRIPT, 0, batch.encoded())
    except (RedisError, OSError) as error:
        logger.warning("Valkey is away (%s): a person's calls go uncounted", type(error).__name__)


def _shared() -> Redis:
    return Redis.from_url(
        settings.REDIS_URL, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT
    )

"""The engine's tasks. They carry a network's name and no secret."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from celery.signals import worker_process_shutdown
from django.utils import timezone

from tokens import probing
from tokens.conversations import Conversations
from tokens.deleting import delete_unused
from tokens.models import Token

UNUSED_AFTER = timedelta(days=1)

_talk: Conversations | None = None


def conversations() -> Conversations:
    """This process's event loop, started with its first batch and kept over batches."""
    global _talk
    if _talk is None:
        _talk = Conversations().__enter__()
    return _talk


@worker_process_shutdown.connect  # type: ignore[untyped-decorator]
def close_conversations(**_: object) -> None:
    """Close the HTTP session with the process (Celery's signal, not one of ours)."""
    global _talk
    if _talk is not None:
        _talk.__exit__(None, None, None)
        _talk = None


@shared_task  # type: ignore[untyped-decorator]
def probe_network(network_slug: str) -> int:
    """Probe the network's due tokens, batch after batch; returns how many were asked."""
    asked = 0
    while claimed := probing.probe_due(network_slug, conversations()):
        asked += claimed
        if claimed < probing.BATCH:
            break
    return asked


@shared_task  # type: ignore[untyped-decorator]
def forget_unused() -> None:
    """Destroy tokens that somebody fetched and then chose no profile for."""
    before = timezone.now() - UNUSED_AFTER
    delete_unused(
        Token.objects.filter(accesses=None, issued_at__lt=before).select_related("app")[:100]
    )

"""The engine's tasks. They carry a network's name and no secret."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from celery.signals import worker_process_shutdown
from django.utils import timezone

from tokens import probing
from tokens.connecting import STATE_AGE
from tokens.conversations import Conversations
from tokens.deleting import delete_unused
from tokens.models import AuthorizationRequest, Token

UNUSED_AFTER = timedelta(days=1)
UNUSED_AT_ONCE = 8  # each may wait for its network as long as a conversation lasts

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
    """Probe a batch of the network's due tokens; returns how many were asked.

    A full batch leaves more to do: the task sends itself again, so that none runs for long.
    """
    asked = probing.probe_due(network_slug, conversations())
    if asked == probing.BATCH:
        probe_network.delay(network_slug)
    return asked


@shared_task  # type: ignore[untyped-decorator]
def forget_unused() -> None:
    """Destroy trips that nobody came back from, and some of the tokens that somebody fetched and
    then chose no profile for."""
    AuthorizationRequest.objects.filter(created_at__lt=timezone.now() - STATE_AGE).delete()
    before = timezone.now() - UNUSED_AFTER
    unused = Token.objects.filter(accesses=None, consented_at__lt=before).select_related("app")
    delete_unused(unused[:UNUSED_AT_ONCE])

"""The engine's tasks. They carry a network's name and no secret."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

from celery import current_app, shared_task
from celery.signals import worker_process_shutdown
from django.conf import settings
from django.utils import timezone
from kombu.exceptions import OperationalError

from tokens import learning, leases, watching
from tokens.connecting import STATE_AGE
from tokens.deleting import delete_unused
from tokens.engine import Engine
from tokens.models import AuthorizationRequest, Token

UNUSED_AFTER = timedelta(days=1)
UNUSED_AT_ONCE = 8  # each may wait for its network as long as a conversation lasts

logger = logging.getLogger(__name__)
_engine: Engine | None = None
_starting = threading.Lock()


def engine() -> Engine:
    """This process's engine, started with its first task and kept over tasks."""
    global _engine
    with _starting:
        if _engine is None:
            _engine = Engine(on_changes=tell)
            _engine.__enter__()
        return _engine


def tell() -> None:
    """Wake whoever writes to people; without a broker, beat does so when there is one again."""
    try:
        current_app.send_task(settings.AFTER_CHANGES)
    except OperationalError as error:
        logger.warning("nobody was told of changes: %s", type(error).__name__)


@worker_process_shutdown.connect  # type: ignore[untyped-decorator]
def close_engine(**_: object) -> None:
    """Finish or hand back what is claimed, with the process (Celery's signal, not one of ours)."""
    global _engine
    if _engine is not None:
        _engine.__exit__(None, None, None)
        _engine = None


@shared_task  # type: ignore[untyped-decorator]
def probe_network(network_slug: str) -> None:
    """See to what is due at a network. The task ends at once; a lane of this process does it."""
    if Token.objects.filter(network_slug=network_slug, next_probe_at__lte=timezone.now()).exists():
        engine().wake(network_slug)


@shared_task  # type: ignore[untyped-decorator]
def count_deaths() -> None:
    """Learn how tokens die; the schedule follows within minutes."""
    learning.count()


@shared_task  # type: ignore[untyped-decorator]
def watch() -> None:
    """See to what fails, and to how far the engine is behind."""
    watching.watch()


@shared_task  # type: ignore[untyped-decorator]
def count_watched() -> None:
    """Count the living tokens of each network."""
    watching.count_watched()


@shared_task  # type: ignore[untyped-decorator]
def forget_unused() -> None:
    """Destroy trips that nobody came back from, some of the tokens that somebody fetched and then
    chose no profile for, and leases of tokens that are no more."""
    leases.forget()
    AuthorizationRequest.objects.filter(created_at__lt=timezone.now() - STATE_AGE).delete()
    before = timezone.now() - UNUSED_AFTER
    unused = Token.objects.filter(accesses=None, consented_at__lt=before).select_related("app")
    delete_unused(unused[:UNUSED_AT_ONCE])

"""What one would build first: a Celery task for each token, with requests and two statements.

`measure` has a real worker with two processes work off a queue in the real Valkey.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import requests
from celery import Celery
from celery.signals import worker_process_init
from django.conf import settings
from django.utils import timezone

from accounts.walls import ENGINE
from bench.answerer import ADDRESS, SLUG, Answerer
from config.environment import signed_in_as

PROCESSES = 2
INTERVAL = timedelta(hours=4)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("task_per_token")
app.config_from_object(
    {
        "broker_url": settings.CELERY_BROKER_URL,
        "task_ignore_result": True,
        "task_default_queue": "task_per_token",
    }
)
_session = requests.Session()


@worker_process_init.connect  # type: ignore[untyped-decorator]
def spare_a_statement(**_: object) -> None:
    """Two statements are meant, and no third that asks whether the connection is still there."""
    from django.db import connection

    connection.settings_dict["CONN_HEALTH_CHECKS"] = False


@app.task  # type: ignore[untyped-decorator]
def ask(token_id: str) -> None:
    from networks.http import public_address
    from tokens.models import Token

    token = Token.objects.select_related("data_key").get(pk=token_id)
    headers = {"Authorization": f"Bearer {token.open().access_token}"}
    answer = _session.get(public_address(ADDRESS), headers=headers, timeout=10)
    is_alive = answer.ok and answer.json()["id"] == token.subject
    now = timezone.now()
    Token.objects.filter(pk=token_id).update(
        probed_at=now, next_probe_at=now + INTERVAL, reason="" if is_alive else "expired"
    )


def measure(answerer: Answerer, token_ids: Sequence[UUID]) -> float:
    """Tokens a second, from the first answer that was written to the last: what it takes to fill
    the queue and to start the worker does not count."""
    from django.db.models import Max, Min

    from tokens.models import Token

    start = timezone.now()
    for token_id in token_ids:
        ask.delay(str(token_id))
    asked: Any = Token.objects.filter(network_slug=SLUG, probed_at__gte=start)
    with subprocess.Popen(_worker(), env=_environment(answerer)) as worker:
        while asked.count() < len(token_ids):
            assert worker.poll() is None
            time.sleep(0.5)
        worker.terminate()
    ends = asked.aggregate(first=Min("probed_at"), last=Max("probed_at"))
    return (len(token_ids) - 1) / float((ends["last"] - ends["first"]).total_seconds())


def _worker() -> list[str]:
    options = ["--concurrency", str(PROCESSES), "--loglevel", "error", "--without-mingle"]
    return [sys.executable, "-m", "celery", "-q", "-A", "bench.task_per_token", "worker", *options]


def _environment(answerer: Answerer) -> dict[str, str]:
    return os.environ | {
        "DATABASE_URL": signed_in_as(ENGINE, os.environ["DATABASE_URL"]),
        "NETWORK_HOSTS": json.dumps(answerer.hosts),
        "PYTHONWARNINGS": "ignore",  # it advises against root, whoever asks it to
    }

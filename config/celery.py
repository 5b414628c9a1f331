"""The Celery application and its schedule, made from the registry of networks."""

import os
import sys
from typing import Any

from celery import Celery
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("tokenwacht")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def _every(seconds: float) -> dict[str, Any]:
    """`expires`: what a stopped worker left lying is not caught up, the next tick asks again."""
    return {"schedule": seconds, "options": {"expires": max(seconds, 1.0)}}


def schedule(slugs: list[str], tick: float) -> dict[str, dict[str, Any]]:
    """One entry for each network, so that a slow one delays no other."""
    entry = _every(tick)
    probes = {
        f"probe {slug}": {"task": "tokens.tasks.probe_network", "args": [slug], **entry}
        for slug in slugs
    }
    return probes | {
        "sweep notices": {"task": "notifications.tasks.plan_and_send", **entry},
        "look ahead": {"task": "notifications.tasks.look_ahead", **_every(600.0)},
        "post events": {"task": "notifications.tasks.post_events", **entry},
        "tell operators": {"task": "notifications.tasks.tell_operators", **entry},
        "count deaths": {"task": "tokens.tasks.count_deaths", **_every(3600.0)},
        "watch": {"task": "tokens.tasks.watch", **entry},
        "count watched": {"task": "tokens.tasks.count_watched", **_every(600.0)},
        "forget unused": {"task": "tokens.tasks.forget_unused", **_every(3600.0)},
        "forget old events": {
            "task": "notifications.tasks.forget_what_is_over",
            **_every(3600.0),
        },
        "left invitations": {"task": "accounts.tasks.send_what_was_left", **_every(900.0)},
        "forget what is over": {"task": "accounts.tasks.forget_what_is_over", **_every(3600.0)},
        "heartbeat": {"task": "config.tasks.heartbeat", **entry},
    }


@app.on_after_finalize.connect
def set_schedule(sender: Celery, **_: Any) -> None:
    from django.conf import settings

    from networks.registry import NETWORKS

    sender.conf.beat_schedule = schedule(list(NETWORKS), settings.PROBE_TICK)


@worker_init.connect
def refuse(**_: Any) -> None:
    from django.core.exceptions import ImproperlyConfigured

    from accounts.walls import ENGINE
    from config.startup import refuse_to_start_unsafe

    try:
        refuse_to_start_unsafe(ENGINE)
    except ImproperlyConfigured as error:
        sys.exit(str(error))  # celery logs other exceptions of a signal, and goes on

"""A Celery application whose leases and patience are shorter than in production, so that what the
killed leave behind comes back within seconds. `celery -A chaos.worker worker`.

It says in a file, named by CHAOS_BUSY, whether it holds claimed work right now.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any

import networks.http

# A conversation's limit, and with it the lease of a token, which is five times as long.
networks.http.TIME_LIMIT = 2.0

from config.celery import app  # noqa: E402

MAIL_LEASE = timedelta(seconds=15)
PATIENCE = 2  # seconds for each answer of the mail server
BUSY = Path(os.environ.get("CHAOS_BUSY", os.devnull))


def noted(claim: Callable[..., Any]) -> Callable[..., Any]:
    """What was claimed is held until nothing more was found."""

    @wraps(claim)
    def claiming(*args: Any, **kwargs: Any) -> Any:
        found = claim(*args, **kwargs)
        BUSY.write_text(f"{claim.__module__} {len(found)}" if found else "")
        return found

    return claiming


@app.on_after_finalize.connect  # type: ignore[untyped-decorator]
def hurry(**_: Any) -> None:
    from django.conf import settings

    from notifications import delivery, sending
    from tokens import probing

    settings.EMAIL_TIMEOUT = PATIENCE
    delivery.BACK_OFF = [timedelta(seconds=1)]
    delivery.SERVER_AWAY = timedelta(seconds=1)
    # The names under which those modules hold what they import.
    vars(sending).update(LEASE=MAIL_LEASE, claim=noted(sending.claim))
    vars(probing).update(claim=noted(vars(probing)["claim"]))

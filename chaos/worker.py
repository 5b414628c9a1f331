"""A Celery application whose leases and patience are shorter than in production, so that what the
killed leave behind comes back within seconds. `celery -A chaos.worker worker`.

It says in a file, named by CHAOS_BUSY, whether it holds claimed work right now.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sized
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


# What is held right now, by what it is: lanes and the sending of mails share this process.
held: Counter[str] = Counter()


def _note() -> None:
    BUSY.write_text(" ".join(f"{count} {what}" for what, count in held.items() if count > 0))


def claiming_tokens(claim: Callable[..., Any]) -> Callable[..., Any]:
    """They are held until they are written or handed back."""

    @wraps(claim)
    def claims(*args: Any, **kwargs: Any) -> Any:
        found = claim(*args, **kwargs)
        held["tokens"] += len(found)
        _note()
        return found

    return claims


def letting_go(act: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(act)
    def acts(some: Sized) -> Any:
        result = act(some)
        held["tokens"] -= len(some)
        _note()
        return result

    return acts


def ending(run: Callable[..., Any]) -> Callable[..., Any]:
    """A lane that breaks off has let go, too: what it held comes back with its lease."""

    @wraps(run)
    def runs(*args: Any, **kwargs: Any) -> Any:
        try:
            return run(*args, **kwargs)
        finally:
            held["tokens"] = 0
            _note()

    return runs


def claiming_mail(claim: Callable[..., Any]) -> Callable[..., Any]:
    """One after the other: a mail is held until the next is looked for."""

    @wraps(claim)
    def claims(*args: Any, **kwargs: Any) -> Any:
        found = claim(*args, **kwargs)
        held["notices"] = len(found)
        _note()
        return found

    return claims


@app.on_after_finalize.connect  # type: ignore[untyped-decorator]
def hurry(**_: Any) -> None:
    from django.conf import settings

    from notifications import delivery, sending
    from tokens import probing

    settings.EMAIL_TIMEOUT = PATIENCE
    delivery.BACK_OFF = [timedelta(seconds=1)]
    delivery.SERVER_AWAY = timedelta(seconds=1)
    # The names under which those modules hold what they import.
    vars(sending).update(LEASE=MAIL_LEASE, claim=claiming_mail(sending.claim))
    own = vars(probing)
    own.update(claim=claiming_tokens(own["claim"]))
    own.update({name: letting_go(own[name]) for name in ("write_down", "hand_back")})
    probing.Lane.run = ending(probing.Lane.run)  # type: ignore[method-assign]

"""/healthz: the database, the broker and the last beat, for the load balancer and for people."""

import time
from collections.abc import Callable
from contextlib import closing

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

BEAT_KEY = "tokenwacht:beat"
TIMEOUT = 2.0


def broker() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT
    )


def note_beat() -> None:
    """Called by a task that beat asked for: so it proves beat, broker and one worker."""
    with closing(broker()) as client:
        client.set(BEAT_KEY, time.time())


def database_answers() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return True


def broker_answers() -> bool:
    with closing(broker()) as client:
        return bool(client.ping())


def beat_is_recent() -> bool:
    with closing(broker()) as client:
        noted = client.get(BEAT_KEY)
    return noted is not None and time.time() - float(noted) < beat_patience()


def beat_patience() -> float:
    """Seconds without a beat that are no trouble: a restart, a long batch."""
    return float(max(60.0, 5 * settings.PROBE_TICK))


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    parts: dict[str, Callable[[], bool]] = {
        "database": database_answers,
        "broker": broker_answers,
        "beat": beat_is_recent,
    }
    answers = {name: works(part) for name, part in parts.items()}
    words = {name: "ok" if answer else "down" for name, answer in answers.items()}
    return JsonResponse(words, status=200 if all(answers.values()) else 503)


def works(part: Callable[[], bool]) -> bool:
    """Why it does not work is for the log of that part; an address in here would leak."""
    try:
        return part()
    except (DatabaseError, redis.RedisError):
        return False

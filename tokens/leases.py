"""How workers share one table: a claim leases due tokens, and every write back checks the lease.

A lease is a name in the row and an end in `next_probe_at`, so what a crashed worker held comes
back by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.utils import timezone
from psycopg.types.datetime import TimestamptzLoader

from networks.http import TIME_LIMIT
from tokens.models import OAuthApp, Token
from tokens.vault import DataKey

if TYPE_CHECKING:
    from tokens.asking import PutOff

# A session holds at most four conversations in a row, and renews its lease before the one that must
# not be held twice, the refresh (design rule 4).
LEASE = timedelta(seconds=5 * TIME_LIMIT)

FIELDS = [field.attname for field in Token._meta.concrete_fields]
COLUMNS = ", ".join(f"token.{field.column}" for field in Token._meta.concrete_fields)
# One statement; workers pass each other's rows by. By the one clock that all of them share: that
# of a worker may be minutes ahead.
CLAIM = f"""
    WITH due AS (
        SELECT id FROM tokens_token
        WHERE network_slug = %(network)s AND next_probe_at <= statement_timestamp()
            AND app_id <> ALL (%(but_of)s)
        ORDER BY next_probe_at LIMIT %(limit)s
        FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE tokens_token AS token
    SET lease = %(lease)s, next_probe_at = statement_timestamp() + %(for)s
    FROM due WHERE token.id = due.id
    RETURNING {COLUMNS}
"""  # noqa: S608 - names of our own columns
# Locked in the order of their ids, as everywhere (tokens/status.py).
HAND_BACK = """
    WITH ours AS (
        SELECT token.id, said.at FROM tokens_token AS token JOIN
            unnest(%(ids)s::uuid[], %(leases)s::uuid[], %(ats)s::timestamptz[])
            AS said (id, lease, at) USING (id)
        WHERE token.lease = said.lease ORDER BY token.id FOR NO KEY UPDATE OF token
    )
    UPDATE tokens_token AS token SET lease = NULL, next_probe_at = ours.at
    FROM ours WHERE token.id = ours.id
"""


def claim(network_slug: str, limit: int, but_of: Iterable[UUID] = ()) -> list[Token]:
    """Lease up to `limit` due tokens, the longest due first, with their apps and data keys; none
    of the apps in `but_of`.

    In one transaction, so that no rotation drops a key between the two reads.
    """
    values: dict[str, Any] = {"network": network_slug, "limit": limit}
    values |= {"but_of": list(but_of), "lease": uuid4(), "for": LEASE}
    with transaction.atomic(), connection.cursor() as cursor:
        # Django's own loader is written in Python, and is half of what a claim costs.
        cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
        cursor.execute(CLAIM, values)
        tokens = [Token.from_db(connection.alias, FIELDS, row) for row in cursor.fetchall()]
        keys = DataKey.objects.in_bulk({token.data_key_id for token in tokens})
        apps = OAuthApp.objects.in_bulk({token.app_id for token in tokens})
    for token in tokens:
        token.data_key, token.app = keys[token.data_key_id], apps[token.app_id]
    return tokens


def hand_back(put_off: Sequence[PutOff]) -> None:
    """Let go of claimed tokens that nobody was asked about."""
    if not put_off:
        return
    now = timezone.now()
    values: dict[str, list[object]] = {
        "ids": [one.token.pk for one in put_off],
        "leases": [one.token.lease for one in put_off],
        "ats": [now + timedelta(seconds=one.seconds) for one in put_off],
    }
    with connection.cursor() as cursor:
        cursor.execute(HAND_BACK, values)

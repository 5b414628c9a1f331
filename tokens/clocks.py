"""Moving the clocks of many tokens in one statement: what most findings come to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from uuid import UUID

from django.db import connection

from tokens.models import Token

# They come as JSON, which costs half of what eight arrays do.
CLOCKS = {
    "id": "uuid",
    "lease": "uuid",
    "issued_at": "timestamptz",
    "probed_at": "timestamptz",
    "next_probe_at": "timestamptz",
    "unclear_since": "timestamptz",
    "unclear_reason": "text",
    "unclear_count": "int",
}
# Rows are locked in the order of their ids, as everywhere (tokens/status.py).
MOVE = f"""
    WITH said AS MATERIALIZED (
        SELECT * FROM json_to_recordset(%s) AS said ({", ".join(map(" ".join, CLOCKS.items()))})
    ), ours AS (
        SELECT token.id FROM tokens_token AS token JOIN said USING (id)
            JOIN tokens_lease AS lease ON lease.token_id = token.id AND lease.name = said.lease
        WHERE token.issued_at = said.issued_at AND NOT EXISTS (
            SELECT FROM tokens_access AS access
            WHERE access.token_id = token.id AND access.suspected_at IS NOT NULL
        )
        ORDER BY token.id FOR NO KEY UPDATE OF lease, token
    ), ended AS (
        DELETE FROM tokens_lease AS lease USING ours WHERE lease.token_id = ours.id
    )
    UPDATE tokens_token AS token SET
        probed_at = said.probed_at, next_probe_at = said.next_probe_at,
        unclear_since = said.unclear_since, unclear_reason = said.unclear_reason,
        unclear_count = said.unclear_count
    FROM ours JOIN said USING (id) WHERE token.id = ours.id
    RETURNING token.id
"""  # noqa: S608 - names of our own columns


def move(tokens: Iterable[Token]) -> set[UUID]:
    """Write the clocks of these claimed tokens and let go of them. Returns whose rows were as they
    were read, and without a suspicion: that is left to `status.settle`."""
    rows = [{name: getattr(token, name) for name in CLOCKS} for token in tokens]
    with connection.cursor() as cursor:
        cursor.execute(MOVE, [json.dumps(rows, default=str)])
        return {token_id for (token_id,) in cursor.fetchall()}

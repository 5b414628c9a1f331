"""Writing some columns of many rows in one statement.

`QuerySet.bulk_update` does the same, and takes longer to build its statement than PostgreSQL does
to run it: a network that fails has thousands of rows written by it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from django.db import connection
from django.db.models import Model

AT_ONCE = 500


def update(rows: Sequence[Model], names: Sequence[str]) -> None:
    """Write the fields of these `names`, of rows of one model that the caller has locked, and
    whose key is a UUID.

    Raises DataError for what a column cannot hold; nothing of that statement is written then.
    """
    for start in range(0, len(rows), AT_ONCE):
        _update(rows[start : start + AT_ONCE], names)


def _update(rows: Sequence[Model], names: Sequence[str]) -> None:
    meta = rows[0]._meta
    fields = [field for field in meta.concrete_fields if field.name in names]
    types = [f"{field.column} {field.db_type(connection)}" for field in fields]
    sets = [f"{field.column} = said.{field.column}" for field in fields]
    statement = (
        f'UPDATE "{meta.db_table}" AS row SET {", ".join(sets)} '  # noqa: S608 - our own columns
        f"FROM json_to_recordset(%s) AS said (id uuid, {', '.join(types)}) WHERE row.id = said.id"
    )
    said = [
        {"id": row.pk} | {str(field.column): getattr(row, field.attname) for field in fields}
        for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.execute(statement, [json.dumps(said, default=str)])

"""How long each part of the path of a loss takes: death, found, written, sent, reconnected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from accounts.models import Organization

SPAN = timedelta(days=90)
# `losses` is a function of the database: what counts as a loss, and when its path was where.
MEANS = """
    SELECT count(*), count(sent_at), count(mended_at), avg(found_at - died_at),
        avg(written_at - found_at), avg(sent_at - written_at), avg(mended_at - written_at)
    FROM losses(%s) WHERE organization_id = %s
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of the losses in SPAN: how many, how many were told and mended, and the mean times of the
    path; None where there were none.

    It begins with a death, whose moment is an estimate where no clock foretold it. It is found by
    the first answer that says so, and written down when that counts; from then it takes so long
    `until_mail`, the first one that did not come back, and `until_mended`, the next valid access.
    No mail is tracked: when it was read, nobody knows.
    """

    lost: int
    told: int
    mended: int
    until_found: timedelta | None
    until_written: timedelta | None
    until_mail: timedelta | None
    until_mended: timedelta | None


def figures_of(organization: Organization, now: datetime) -> Figures:
    """In one query."""
    with connection.cursor() as cursor:
        cursor.execute(MEANS, [now - SPAN, organization.pk])
        return Figures(*cursor.fetchone())

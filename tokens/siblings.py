"""When one token of a login dies without notice, its others may have died of the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from tokens.models import Token


def ask_siblings(struck: Iterable[Token], now: datetime) -> int:
    """Make the living tokens of the same logins due now; returns how many were moved ahead.

    A login is a subject at an OAuth app, in whatever organization. In the transaction that writes
    the deaths down, which holds other locks: rows that somebody else has locked are skipped, since
    they are being asked or reconnected, and so nobody waits in a circle. So are those whose own
    suspicion waits for its second answer. What a worker is asking is due already.
    """
    logins: dict[UUID, list[str]] = defaultdict(list)
    for token in struck:
        logins[token.app_id].append(token.subject)
    if not logins:
        return 0
    same = Q()
    for app, subjects in logins.items():
        same |= Q(app=app, subject__in=subjects)
    waiting = Token.objects.filter(same, reason="", next_probe_at__gt=now)
    waiting = waiting.exclude(accesses__suspected_at__isnull=False)
    free = waiting.select_for_update(skip_locked=True, no_key=True).order_by("pk")
    return Token.objects.filter(pk__in=free.values("pk")).update(next_probe_at=now)

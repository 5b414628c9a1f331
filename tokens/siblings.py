"""The tokens of one login: what ends one of them without notice may have ended the others.

A login is a subject at a network, by whichever of our apps there its tokens came.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from django.db.models import OuterRef, Q, QuerySet

from tokens.holding import is_suspected
from tokens.models import OAuthApp, Token

# What makes two tokens those of one login, to one organization.
LOGIN = ("organization", "network_slug", "subject")
# How long after one of them died the others may go on to say whether they did too. It is enough for
# a claim by a worker that is killed (2.5 minutes), a second answer (5) and two ticks of beat.
TOGETHER = timedelta(minutes=10)


def login_id(organization_id: UUID, network_slug: str, subject: str) -> UUID:
    """One id for a login, by whichever app."""
    return uuid5(organization_id, f"{network_slug} {subject}")


def logins_of(tokens: Iterable[UUID]) -> dict[UUID, UUID]:
    """The id of the login behind each of these tokens."""
    rows = Token.objects.filter(pk__in=set(tokens)).values_list("pk", *LOGIN)
    return {pk: login_id(*login) for pk, *login in rows}


def same_login(outer: str, inner: str = "") -> dict[str, Any]:
    """For the filter of a subquery: its token (at `inner`) and the outer row's (at `outer`) are of
    one login."""
    return {f"{inner}{name}": OuterRef(f"{outer}{name}") for name in LOGIN}


def still_to_answer(change: str) -> QuerySet[Token]:
    """For a subquery, about the StatusChange that the outer row has at `change`: other tokens of
    that login that live as far as we know, and will say within TOGETHER of it whether they do.

    Whose turn comes as always, hours later, is none of them, and neither is who has answered since.
    """
    at = OuterRef(f"{change}__at")
    is_silent = Q(probed_at=None) | Q(probed_at__lt=at) | Q(is_suspected())
    living = Token.objects.filter(is_silent, reason="", next_probe_at__lte=at + TOGETHER)
    return living.filter(~Q(pk=OuterRef(f"{change}__token")), **same_login(f"{change}__token__"))


def ask_siblings(struck: Iterable[Token], now: datetime) -> int:
    """Make the living tokens of the same logins due now; returns how many were moved ahead.

    Of all our apps at the network, and in whatever organization. In the transaction that writes
    the deaths down, which holds other locks: rows that somebody else has locked are skipped, since
    they are being written or reconnected, and so nobody waits in a circle. So are those whose own
    suspicion waits for its second answer. What a worker is asking is due already.
    """
    logins: dict[str, list[str]] = defaultdict(list)
    for token in struck:
        logins[token.network_slug].append(token.subject)
    if not logins:
        return 0
    same = Q()
    for network, subjects in logins.items():
        apps = OAuthApp.objects.filter(network_slug=network)
        same |= Q(app__in=apps, subject__in=subjects)
    waiting = Token.objects.filter(same, reason="", next_probe_at__gt=now)
    waiting = waiting.exclude(accesses__suspected_at__isnull=False)
    free = waiting.select_for_update(skip_locked=True, no_key=True).order_by("pk")
    return Token.objects.filter(pk__in=free.values("pk")).update(next_probe_at=now)

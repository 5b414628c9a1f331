"""How workers share one table: a claim leases due tokens, and every write back ends the leases.

A lease is a row with an end, so what a crashed worker held comes back by itself. It is under its
name that a worker writes; a person's reconnect needs none, since it changes `issued_at`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from psycopg.types.datetime import TimestamptzLoader

from networks.http import TIME_LIMIT
from tokens.models import Lease, OAuthApp, Token
from tokens.status import lock_tokens
from tokens.vault import DataKey

if TYPE_CHECKING:
    from tokens.asking import PutOff

# A session holds at most four conversations in a row, and renews its lease before the one that must
# not be held twice, the refresh (design rule 4).
LEASE = timedelta(seconds=5 * TIME_LIMIT)

FIELDS = [field.attname for field in Token._meta.concrete_fields]
# What belongs to a claimed token is put where Django keeps it: to assign it asks the routers first.
APP, DATA_KEY = Token._meta.get_field("app"), Token._meta.get_field("data_key")
COLUMNS = ", ".join(f"token.{field.column}" for field in Token._meta.concrete_fields)
# One claim of a network at a time, so that the next one sees which tokens this one has leased. A
# worker that is frozen meanwhile (a paused machine, a cut line) does not keep the others for long,
# whether PostgreSQL waits for what it will say or for it to hear.
TAKE_TURNS = """
    SET LOCAL idle_in_transaction_session_timeout = '30s';
    SET LOCAL tcp_user_timeout = '30s';
    SELECT pg_advisory_xact_lock('tokens_lease'::regclass::oid::int, hashtext(%s))
"""
# By the one clock that all workers share: that of one may be minutes ahead. Nothing is written to
# the tokens, or locked: each comes with its data key, or a rotation would move it to another one
# meanwhile. A lease that has ended is taken over unless its worker is just writing or renewing,
# which nobody waits for. What is held is looked up in a hash (NOT IN): with NOT EXISTS each due
# token is compared with each lease, since nobody knows beforehand how many there are.
CLAIM = f"""
    WITH ended AS MATERIALIZED (
        SELECT token_id FROM tokens_lease WHERE until <= statement_timestamp()
        FOR UPDATE SKIP LOCKED
    ), held AS MATERIALIZED (
        SELECT token_id FROM tokens_lease WHERE token_id NOT IN (SELECT token_id FROM ended)
    ), due AS MATERIALIZED (
        SELECT {COLUMNS}, key.wrapped AS key
        FROM tokens_token AS token JOIN tokens_datakey AS key ON key.id = token.data_key_id
        WHERE network_slug = %(network)s AND next_probe_at <= statement_timestamp()
            AND app_id <> ALL (%(but_of)s)
            AND token.id NOT IN (SELECT token_id FROM held)
        ORDER BY next_probe_at LIMIT %(limit)s
    ), leased AS (
        INSERT INTO tokens_lease (token_id, name, until)
        SELECT id, %(lease)s, statement_timestamp() + %(for)s FROM due
        ON CONFLICT (token_id) DO UPDATE SET name = excluded.name, until = excluded.until
        RETURNING token_id
    )
    SELECT due.* FROM due JOIN leased ON leased.token_id = due.id ORDER BY due.next_probe_at
"""  # noqa: S608 - names of our own columns
# Locked in the order of their ids, as everywhere: nobody waits in a circle.
END = """
    WITH ours AS (
        SELECT token_id FROM tokens_lease AS lease
            JOIN unnest(%(ids)s::uuid[], %(names)s::uuid[]) AS said (token_id, name)
            USING (token_id, name)
        ORDER BY token_id FOR UPDATE OF lease
    )
    DELETE FROM tokens_lease AS lease USING ours WHERE lease.token_id = ours.token_id
    RETURNING lease.token_id
"""
PUT_OFF = """
    UPDATE tokens_token AS token SET next_probe_at = said.at
    FROM unnest(%(ids)s::uuid[], %(ats)s::timestamptz[]) AS said (id, at) WHERE token.id = said.id
"""


def claim(network_slug: str, limit: int, but_of: Iterable[UUID] = ()) -> list[Token]:
    """Lease up to `limit` due tokens, the longest due first, with their apps and data keys; none
    of the apps in `but_of`."""
    values: dict[str, Any] = {"network": network_slug, "limit": limit}
    values |= {"but_of": list(but_of), "lease": (name := uuid4()), "for": LEASE}
    with transaction.atomic(), connection.cursor() as cursor:
        # Django's own loader is written in Python, and is half of what a claim costs.
        cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
        cursor.execute(TAKE_TURNS, [network_slug])
        cursor.execute(CLAIM, values)
        rows = cursor.fetchall()
    tokens = [Token.from_db(connection.alias, FIELDS, row[:-1]) for row in rows]
    apps = OAuthApp.objects.in_bulk({token.app_id for token in tokens})
    keys: dict[UUID, DataKey] = {}
    for token, row in zip(tokens, rows, strict=True):
        token.lease = name
        APP.set_cached_value(token, apps[token.app_id])
        if token.data_key_id not in keys:
            mine = {"pk": token.data_key_id, "organization_id": token.organization_id}
            keys[token.data_key_id] = DataKey(**mine, wrapped=row[-1])
        DATA_KEY.set_cached_value(token, keys[token.data_key_id])
    return tokens


def renew(token: Token, issued_at: datetime) -> bool:
    """Whether the claimed token is still ours, and its pair still the one of `issued_at`; then for
    as long as a lease lasts."""
    mine = Lease.objects.filter(token=token.pk, name=token.lease)
    same_pair = Token.objects.filter(pk=OuterRef("token"), issued_at=issued_at)
    return bool(mine.filter(Exists(same_pair)).update(until=Now() + LEASE))


def end(tokens: Iterable[Token]) -> set[UUID]:
    """Let go of claimed tokens. Returns the ids of those that were ours until now."""
    names = {token.pk: token.lease for token in tokens}
    with connection.cursor() as cursor:
        cursor.execute(END, {"ids": list(names), "names": list(names.values())})
        return {token_id for (token_id,) in cursor.fetchall()}


def hand_back(put_off: Sequence[PutOff]) -> None:
    """Let go of claimed tokens that nobody was asked about. One that was reconnected meanwhile
    keeps its time."""
    if not put_off:
        return
    now, asked = timezone.now(), {one.token.pk: one for one in put_off}
    with transaction.atomic(), connection.cursor() as cursor:
        ours = lock_tokens(end(one.token for one in put_off))
        same = [token.pk for token in ours if token.issued_at == asked[token.pk].token.issued_at]
        late = [pk for pk in same if asked[pk].seconds]
        ats = [now + timedelta(seconds=asked[pk].seconds) for pk in late]
        cursor.execute(PUT_OFF, {"ids": late, "ats": ats})


def take_away(tokens: QuerySet[Token], span: timedelta) -> None:
    """From all workers for so long: none asks about these tokens, and what one has just heard of
    them counts no more."""
    name, until = uuid4(), timezone.now() + span
    ids = tokens.order_by("pk").values_list("pk", flat=True)
    Lease.objects.bulk_create(
        (Lease(token_id=pk, name=name, until=until) for pk in ids),
        update_conflicts=True,
        unique_fields=["token"],
        update_fields=["name", "until"],
    )


def is_leased(at: str = "pk") -> Q:
    """For a filter: somebody is asking about the token whose id a row has at `at`."""
    return Q(Exists(Lease.objects.filter(token=OuterRef(at), until__gt=Now())))


def forget() -> None:
    """Those of tokens that are no more: their workers were killed, or the tokens taken away."""
    gone = ~Exists(Token.objects.filter(pk=OuterRef("token")))
    Lease.objects.filter(gone, until__lt=Now()).delete()

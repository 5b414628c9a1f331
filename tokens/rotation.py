"""Rotation: other master keys around the data keys, other data keys around the texts.

It keeps no books. What is left to do stands in the rows: a data key that another key than the
first one wraps, a row under a retired data key. So a rotation that was killed is finished by the
next, and two at once share the work. Each step is one short transaction: it locks its rows and
reads back what it has written before the old one is gone. Everybody else works on meanwhile.

This is the one place where keys are handled across organizations.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.db.models import BinaryField, QuerySet
from django.db.models.functions import Substr
from django.utils import timezone

from accounts.actor import OPERATOR
from tokens import vault
from tokens.keys import FORMAT, CannotOpen, key_source
from tokens.models import AuthorizationRequest, OAuthApp, Token
from tokens.vault import DataKey

if TYPE_CHECKING:
    from tokens.vault import Row

Table = type[Token] | type[AuthorizationRequest]
SEALED: dict[Table, tuple[str, ...]] = {
    Token: ("access_token", "refresh_token", "keep"),
    AuthorizationRequest: ("keep",),
}
WRAPPED: tuple[type[DataKey] | type[OAuthApp], ...] = (DataKey, OAuthApp)
AT_ONCE = 100
# Called after each step with how many rows of how many are done.
Tell = Callable[[int, int], None]


class NotWhatWasWritten(Exception):
    """What was read back does not open to what it was. The step is undone."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} did not open to what it was before. That step was undone.")


def rewrap(tell: Tell) -> list[str]:
    """Wrap with the first master key each key that another one wraps: the organizations' data
    keys, and those of the registrations that a server gave us.

    Returns a line about each that does not unwrap; it is left as it is.
    """
    return [
        line
        for model in WRAPPED
        for line in _sweep(_wrapped_otherwise(model), partial(_rewrap, model), tell)
    ]


def is_under_way() -> bool:
    """Whether a round was begun and not finished: it goes on, before there is another one."""
    return _retired().exists()


def begin_round() -> int:
    """Retire every current data key and put a new one in its place; returns how many. None at
    all where another process has begun a round a moment ago."""
    with transaction.atomic():
        current = DataKey.objects.filter(retired_at=None).select_related("organization")
        keys = list(current.select_for_update(of=("self",), no_key=True).order_by("pk"))
        if is_under_way():
            return 0
        current.filter(pk__in=[key.pk for key in keys]).update(retired_at=timezone.now())
        DataKey.objects.bulk_create([DataKey.new(key.organization_id) for key in keys])
        for key in keys:
            OPERATOR.record("keys_rotated", key.organization)
    return len(keys)


def finish_round(tell: Tell) -> list[str]:
    """Move every row under a retired data key to the current one, and drop the retired keys.

    Sweeps again for what somebody stored under a retired key meanwhile. Returns a line about each
    row that does not open; it is left as it is, and so is its key.
    """
    stuck: list[str] = []
    while is_under_way() and not stuck:
        for model in SEALED:
            rows = model._default_manager.filter(data_key__in=_retired())
            stuck += _sweep(rows, partial(_move, model), tell)
        _drop_unused()
    return stuck


def _wrapped_otherwise(model: type[DataKey] | type[OAuthApp]) -> QuerySet[Any]:
    first = FORMAT + key_source().ids()[0]
    start = Substr("wrapped", 1, len(first), output_field=BinaryField())
    wrapped = model._default_manager.exclude(wrapped=b"").alias(start=start)
    return wrapped.exclude(start=first)


def _retired() -> QuerySet[DataKey]:
    return DataKey.objects.exclude(retired_at=None)


def _sweep(rows: QuerySet[Any], step: Callable[[list[UUID]], list[str]], tell: Tell) -> list[str]:
    """Take `step` with the rows that are there now, some at a time."""
    ids = list(rows.order_by("pk").values_list("pk", flat=True))
    stuck = []
    for start in range(0, len(ids), AT_ONCE):
        stuck += step(ids[start : start + AT_ONCE])
        tell(min(start + AT_ONCE, len(ids)), len(ids))
    return stuck


@transaction.atomic
def _rewrap(model: type[DataKey] | type[OAuthApp], ids: list[UUID]) -> list[str]:
    locked = _wrapped_otherwise(model).filter(pk__in=ids).select_for_update(no_key=True)
    stuck, before = [], {}
    for key in locked.order_by("pk"):
        wrapped = bytes(key.wrapped)
        try:
            key.rewrap()
        except CannotOpen as error:
            stuck.append(f"{model._meta.verbose_name} {key.pk}: {error}")
            continue
        key.save(update_fields=["wrapped"])
        before[key.pk] = wrapped
    for key in model._default_manager.filter(pk__in=before):
        if not key.holds_what_was_in(before[key.pk]):
            raise NotWhatWasWritten(f"{model._meta.verbose_name} {key.pk}")
    return stuck


@transaction.atomic
def _move(model: Table, ids: list[UUID]) -> list[str]:
    rows: QuerySet[Any] = model._default_manager.select_related("data_key").filter(pk__in=ids)
    locked = rows.filter(data_key__in=_retired()).select_for_update(of=("self",), no_key=True)
    found = list(locked.order_by("pk"))
    current = {home: DataKey.current(home) for home in {row.organization_id for row in found}}
    stuck, before, moved = [], {}, []
    for row in found:
        try:
            texts = _open(row)
            _seal(row, current[row.organization_id], texts)
        except CannotOpen as error:
            stuck.append(f"{model._meta.verbose_name} {row.pk}: {error}")
            continue
        before[row.pk] = texts
        moved.append(row)
    model._default_manager.bulk_update(moved, ["data_key", *SEALED[model]])
    for row in rows.filter(pk__in=before):
        if _open(row) != before[row.pk]:
            raise NotWhatWasWritten(f"{model._meta.verbose_name} {row.pk}")
    return stuck


def _open(row: Row) -> dict[str, str]:
    return vault.open_all(row, *(field for field in SEALED[type(row)] if getattr(row, field)))


def _seal(row: Row, data_key: DataKey, texts: dict[str, str]) -> None:
    row.data_key = data_key
    for field, text in texts.items():
        setattr(row, field, vault.seal(row, field, text))


@transaction.atomic
def _drop_unused() -> None:
    """Whoever is storing something under a retired key holds it, and is waited for: the second
    statement sees it, and the key stays."""
    locked = [key.pk for key in _retired().select_for_update().order_by("pk")]
    retired = DataKey.objects.filter(pk__in=locked)
    of_tokens = Token.objects.values("data_key")
    of_trips = AuthorizationRequest.objects.values("data_key")
    retired.exclude(pk__in=of_tokens).exclude(pk__in=of_trips).delete()

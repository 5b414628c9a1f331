"""Sealing token texts: each organization has a data key, which a master key wraps.

A sealed text opens under the data key of its row, in that row of that organization, and in that
field; a wrapped data key opens as that key of that organization (tokens/keys.py).
"""

from __future__ import annotations

import os
import uuid
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Self, TypeAlias
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.db import connection, models
from django.utils import timezone

from accounts import sealing
from accounts.models import Organization
from tokens.keys import KEY_LENGTH, CannotOpen, Key, KeySource, key_source

if TYPE_CHECKING:
    from tokens.models import AuthorizationRequest, OAuthApp, Token

    Row: TypeAlias = "Token | AuthorizationRequest"

# Organizations whose key a process remembers. A wrapped key is kept with what it opened to, so
# that one which was moved or changed is not found here, and is refused.
REMEMBERED = 4096


class Wrapped(models.Model):
    """A row with a key of its own, which a master key wraps for this very `place`."""

    wrapped = models.BinaryField()

    class Meta:
        abstract = True

    @property
    def place(self) -> bytes:
        raise NotImplementedError

    def rewrap(self) -> None:
        """Wrap it with the first master key; writes nothing. Raises CannotOpen."""
        source = key_source()
        self.wrapped = source.wrap(source.unwrap(bytes(self.wrapped), self.place), self.place)

    def holds_what_was_in(self, wrapped: bytes) -> bool:
        """Whether this is the same key as when it was wrapped so. Raises CannotOpen."""
        source = key_source()
        before = source.unwrap(wrapped, self.place)
        return source.unwrap(bytes(self.wrapped), self.place) == before


class DataKey(Wrapped):
    """The key that an organization's token texts are sealed with, wrapped by a master key.

    `retired_at` is empty for the current one, which new rows use. A retired one stays until a
    rotation has moved the last row away from it (tokens/rotation.py).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(null=True)

    # The lock that PostgreSQL takes for a foreign key: it keeps the row from being deleted, and
    # from nothing else.
    HELD: ClassVar[str] = """
        SELECT * FROM tokens_datakey
        WHERE organization_id = %s AND retired_at IS NULL FOR KEY SHARE
    """

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=models.Q(retired_at=None),
                name="one_current_data_key",
            )
        ]

    @classmethod
    def current(cls, organization_id: UUID) -> Self:
        """The organization's key for new rows, made when there is none yet.

        To be called in the transaction that stores the row: it keeps a rotation from dropping
        the key before. Raises CannotOpen.
        """
        while (held := next(iter(cls.objects.raw(cls.HELD, [organization_id])), None)) is None:
            new = cls.new(organization_id)
            cls.objects.bulk_create([new], ignore_conflicts=True)  # somebody else's is as good
        return held

    @classmethod
    def new(cls, organization_id: UUID) -> Self:
        """A key that nothing is sealed with, not stored yet. Raises CannotOpen."""
        key = cls(organization_id=organization_id)
        key.wrapped = key_source().wrap(os.urandom(KEY_LENGTH), key.place)
        return key

    @property
    def place(self) -> bytes:
        return _place(self.organization_id, self.pk, "wrapped")


def seal_secret(app: OAuthApp, secret: str) -> None:
    """Put the secret that a network gave us at our registration into the app's row, under a key
    of its own: it belongs to no organization. Writes nothing. Raises CannotOpen."""
    key = os.urandom(KEY_LENGTH)
    app.wrapped = key_source().wrap(key, app.place)
    app.sealed_secret = Key(app.pk.bytes, key).seal(secret.encode(), app.pk.bytes + b"secret")


def open_secret(app: OAuthApp) -> str:
    """Raises CannotOpen."""
    key = Key(app.pk.bytes, key_source().unwrap(bytes(app.wrapped), app.place))
    return key.open(bytes(app.sealed_secret), app.pk.bytes + b"secret").decode()


def seal(row: Row, field: str, text: str) -> bytes:
    """`text` for this field of this row, under the row's data key. Raises CannotOpen where that
    key cannot be had."""
    return _key_of(row).seal(text.encode(), _place(row.organization_id, row.pk, field))


def open_(row: Row, field: str) -> str:
    """The text sealed in this field of this row. Raises CannotOpen."""
    return open_all(row, field)[field]


def open_all(row: Row, *fields: str) -> dict[str, str]:
    """The texts sealed in these fields of this row. Raises CannotOpen."""
    texts, key = {}, _key_of(row)
    for field in fields:
        try:
            place = _place(row.organization_id, row.pk, field)
            texts[field] = key.open(bytes(getattr(row, field)), place).decode()
        except CannotOpen as error:
            raise CannotOpen(f"{field}: {error}") from None
    return texts


def key_ids_in_use() -> set[str]:
    """The ids of the master keys that wrap a stored data key, over all organizations: a function
    of the database tells them, and no more, to processes that see one organization at a time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT token_key_ids()")
        return {key_id for (key_id,) in cursor.fetchall()}


def require_keys() -> None:
    """Stop a process that could not read what is stored. Reads key ids, touches no data.

    Raises ImproperlyConfigured, naming the missing key's id and what to do.
    """
    known = {key_id.hex() for key_id in key_source().ids()} | sealing.known_ids()
    if missing := sorted((key_ids_in_use() | sealing.key_ids_in_use()) - known):
        raise ImproperlyConfigured(
            f"TOKEN_KEYS lacks the key {', '.join(missing)} that stored tokens are sealed with. "
            "Nothing was changed. Put the old key back at the end of TOKEN_KEYS and start again."
        )


def _key_of(row: Row) -> Key:
    """The row's data key, unwrapped as one of the row's own organization."""
    data_key = row.data_key
    return _unwrap(key_source(), row.organization_id, data_key.pk, bytes(data_key.wrapped))


@lru_cache(maxsize=REMEMBERED)
def _unwrap(source: KeySource, organization_id: UUID, data_key_id: UUID, wrapped: bytes) -> Key:
    place = _place(organization_id, data_key_id, "wrapped")
    return Key(data_key_id.bytes, source.unwrap(wrapped, place))


def _place(organization_id: UUID, row_id: UUID, field: str) -> bytes:
    return organization_id.bytes + row_id.bytes + field.encode()

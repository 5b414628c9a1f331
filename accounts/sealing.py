"""How secrets that belong to no token are kept: what an app's codes are made from, the seed of the
recovery codes, and what higher apps add to KEEPERS.

Sealed is `id of the master key | : | Fernet`, with a key that is derived from one of TOKEN_KEYS, so
that no key serves two purposes. The first of them seals, all open. The id is the one that
rotate_token_keys and the start-up check call that key by.
"""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any, Protocol

from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, Left

PURPOSE = b"accounts.second_factor"
ID_LENGTH = 8
# Where the secret stands in a factor's data: an app's, and that of the recovery codes.
PLACES = ("secret", "seed")


class CannotOpen(Exception):
    """It was changed, or its key is not in TOKEN_KEYS. The message holds nothing of it."""


def seal(text: str) -> str:
    key_id, key = next(iter(_keys().items()))
    return f"{key_id}:{key.encrypt(text.encode()).decode()}"


def open_(sealed: str) -> str:
    """Raises CannotOpen."""
    key_id, _, rest = sealed.partition(":")
    if key_id not in _keys():
        raise CannotOpen(f"key {key_id[:ID_LENGTH]} is not in TOKEN_KEYS")
    try:
        return _keys()[key_id].decrypt(rest.encode()).decode()
    except InvalidToken:
        raise CannotOpen("it was changed") from None


def known_ids() -> set[str]:
    return set(_keys())


class Keeper(Protocol):
    """Rows with something sealed in them."""

    label: str

    def key_ids(self) -> Mapping[Any, str]:
        """Of each row, by its id, the id of the key that it is under."""

    def reseal(self, pk: Any) -> None:
        """Seal the row anew with the first key. Raises CannotOpen."""


class SecondFactors:
    label = "second factor"

    def key_ids(self) -> Mapping[Any, str]:
        return dict(self._rows().order_by("pk").values_list("pk", "key_id"))

    @transaction.atomic
    def reseal(self, pk: Any) -> None:
        """Locked: a recovery code that is used right now must not come back."""
        for factor in self._rows().filter(pk=pk).select_for_update(of=("self",)):
            for place in set(PLACES) & set(factor.data):
                factor.data[place] = seal(open_(factor.data[place]))
            factor.save(update_fields=["data"])

    def _rows(self) -> QuerySet[Authenticator]:
        """Factors that have a secret, with the id of the key it is under."""
        secret = Coalesce(*(KeyTextTransform(place, "data") for place in PLACES))
        sealed: QuerySet[Authenticator] = Authenticator.objects.exclude(
            type=Authenticator.Type.WEBAUTHN
        )
        sealed = sealed.only("data").annotate(key_id=Left(secret, ID_LENGTH))
        return sealed


KEEPERS: list[Keeper] = [SecondFactors()]


def key_ids_in_use() -> set[str]:
    return {key_id for keeper in KEEPERS for key_id in keeper.key_ids().values()}


def reseal(tell: Callable[[int, int], None]) -> list[str]:
    """Seal anew, with the first key, what another one has sealed; `tell` how many of how many.

    Returns a line about each that does not open; it is left as it is.
    """
    first = next(iter(_keys()))
    left = [(one, pk) for one in KEEPERS for pk, key in one.key_ids().items() if key != first]
    stuck = []
    for done, (keeper, pk) in enumerate(left, 1):
        try:
            keeper.reseal(pk)
        except CannotOpen as error:
            stuck.append(f"{keeper.label} {pk}: {error}")
        tell(done, len(left))
    return stuck


def _keys() -> dict[str, Fernet]:
    return _load(tuple(settings.TOKEN_KEYS))


@lru_cache(maxsize=4)
def _load(encoded: tuple[str, ...]) -> dict[str, Fernet]:
    secrets = [b64decode(one) for one in encoded]
    return {sha256(one).hexdigest()[:ID_LENGTH]: Fernet(_derived(one)) for one in secrets}


def _derived(master: bytes) -> bytes:
    return urlsafe_b64encode(HKDF(SHA256(), length=32, salt=None, info=PURPOSE).derive(master))

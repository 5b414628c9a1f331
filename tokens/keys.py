"""Keys: how one seals, and where the master keys come from that wrap all others."""

from __future__ import annotations

import os
from base64 import b64decode
from collections.abc import Hashable, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

FORMAT = b"\x02"
MASTER_ID_LENGTH = 4
KEY_LENGTH = 32
NONCE_LENGTH = 12
TAG_LENGTH = 16


class CannotOpen(Exception):
    """Something sealed does not open: it was moved, changed or cut, or its key cannot be had.

    The message names keys by their ids, and nothing that is or was sealed.
    """


class Key:
    """One AES-256-GCM key, and the id by which everything sealed with it names it.

    Sealed is `format (1 byte) | key id | nonce (12 bytes) | ciphertext and tag`. That header and
    the place it is for are associated data: it opens nowhere else (NIST SP 800-38D).
    """

    def __init__(self, key_id: bytes, secret: bytes) -> None:
        self.id = key_id
        self._header = FORMAT + key_id
        self._cipher = AESGCM(secret)

    def seal(self, content: bytes, place: bytes) -> bytes:
        nonce = os.urandom(NONCE_LENGTH)
        return self._header + nonce + self._cipher.encrypt(nonce, content, self._header + place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """What was sealed with this key for this place. Raises CannotOpen."""
        start = len(self._header)
        if sealed[:1] != FORMAT:
            raise CannotOpen("it is not sealed in a known format")
        if len(sealed) < start + NONCE_LENGTH + TAG_LENGTH:
            raise CannotOpen("it was cut short")
        if sealed[1:start] != self.id:
            raise CannotOpen(f"it names key {sealed[1:start].hex()}, which is not {self.id.hex()}")
        nonce, ciphertext = sealed[start : start + NONCE_LENGTH], sealed[start + NONCE_LENGTH :]
        try:
            return self._cipher.decrypt(nonce, ciphertext, self._header + place)
        except InvalidTag:
            raise CannotOpen("it belongs elsewhere, or was changed") from None


class KeySource(Hashable, Protocol):
    """Where the master keys are: TOKEN_KEYS below, a key management service elsewhere.

    TOKEN_KEY_SOURCE names a class that is made without arguments, once in each process, and
    used by several threads at once. It promises:

    - `ids`: every key that it can unwrap with, the one that wraps first. An id is four bytes, and
      the same ones for the same key for ever.
    - `wrap`: 32 bytes under the first of `ids`, bound to `place`. What it returns begins with
      FORMAT and that id, by which the database knows the key; what follows is its own affair.
    - `unwrap`: gives back what was wrapped with any of `ids` for this very place.

    Whatever keeps `wrap` or `unwrap` from it raises CannotOpen: an unknown key, another place, a
    changed byte, a service that is away for now. Nothing is written then, and tokens are asked
    about again later. A source that is set up wrongly raises ImproperlyConfigured, best of all
    when it is made. No message, `repr` or log line holds a key or what is wrapped. Both may take
    as long as a network call: the vault remembers what it has unwrapped.
    """

    def ids(self) -> Sequence[bytes]: ...

    def wrap(self, secret: bytes, place: bytes) -> bytes: ...

    def unwrap(self, wrapped: bytes, place: bytes) -> bytes: ...


class SettingsKeys:
    """TOKEN_KEYS, from the environment or from the file that TOKEN_KEYS_FILE names.

    The id of a key is the start of its SHA-256, so that it needs no bookkeeping.
    """

    def __init__(self) -> None:
        if not settings.TOKEN_KEYS:
            raise ImproperlyConfigured("TOKEN_KEYS is empty: no token can be stored or read.")
        secrets = [_decode(position, key) for position, key in enumerate(settings.TOKEN_KEYS, 1)]
        keys = [Key(sha256(secret).digest()[:MASTER_ID_LENGTH], secret) for secret in secrets]
        self._keys = {key.id: key for key in keys}

    def ids(self) -> Sequence[bytes]:
        return list(self._keys)

    def wrap(self, secret: bytes, place: bytes) -> bytes:
        first = next(iter(self._keys.values()))
        return first.seal(secret, place)

    def unwrap(self, wrapped: bytes, place: bytes) -> bytes:
        key_id = wrapped[1 : 1 + MASTER_ID_LENGTH]
        if key_id not in self._keys:
            raise CannotOpen(f"key {key_id.hex()} is not in TOKEN_KEYS")
        return self._keys[key_id].open(wrapped, place)


def key_source() -> KeySource:
    """This process's source. Raises ImproperlyConfigured, in words for the operator."""
    return _make(settings.TOKEN_KEY_SOURCE, tuple(settings.TOKEN_KEYS))


@lru_cache(maxsize=4)
def _make(path: str, _keys: tuple[str, ...]) -> KeySource:
    """Made anew only where the settings are others: in tests."""
    try:
        made: KeySource = import_string(path)()
    except ImportError:
        raise ImproperlyConfigured(
            f"TOKEN_KEY_SOURCE is {path!r}, and there is no such class (docs/configuration.md)."
        ) from None
    return made


def _decode(position: int, encoded: str) -> bytes:
    try:
        secret = b64decode(encoded, validate=True)
    except ValueError:
        secret = b""
    if len(secret) != KEY_LENGTH:
        raise ImproperlyConfigured(
            f"Key {position} of TOKEN_KEYS is not 32 bytes in base64. Make one with: "
            "python -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())'"
        )
    return secret

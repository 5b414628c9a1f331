"""Encryption of token texts: AES-256-GCM, bound to organization, row and field.

A sealed text is `format (1 byte) | key id (4 bytes) | nonce (12 bytes) | ciphertext and tag`.
The key id is the start of the key's SHA-256, so that it needs no bookkeeping. Organization, row
and field are associated data: a sealed text copied elsewhere does not open (NIST SP 800-38D).
"""

from __future__ import annotations

import os
from base64 import b64decode
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

FORMAT = b"\x01"
KEY_ID_LENGTH = 4
NONCE_LENGTH = 12
HEADER_LENGTH = len(FORMAT) + KEY_ID_LENGTH
STORED_KEY_IDS = """
    SELECT encode(substr(access_token, 2, %(length)s), 'hex') FROM tokens_token
    UNION SELECT encode(substr(refresh_token, 2, %(length)s), 'hex') FROM tokens_token
        WHERE refresh_token <> ''
    UNION SELECT encode(substr(keep, 2, %(length)s), 'hex') FROM tokens_authorizationrequest
"""


class CannotOpen(Exception):
    """A sealed text does not open: it was moved, changed or cut, or its key is missing."""


def seal(text: str, organization_id: UUID, row_id: UUID, field: str) -> bytes:
    """`text` encrypted with the first of TOKEN_KEYS for exactly this place."""
    key_id, cipher = next(iter(_keys().items()))
    header = FORMAT + key_id
    nonce = os.urandom(NONCE_LENGTH)
    place = _associated_data(header, organization_id, row_id, field)
    return header + nonce + cipher.encrypt(nonce, text.encode(), place)


def open_(sealed: bytes, organization_id: UUID, row_id: UUID, field: str) -> str:
    """The text sealed for this place. Raises CannotOpen, which never says what was inside."""
    header, nonce = sealed[:HEADER_LENGTH], sealed[HEADER_LENGTH : HEADER_LENGTH + NONCE_LENGTH]
    if header[:1] != FORMAT or len(nonce) < NONCE_LENGTH:
        raise CannotOpen("not a sealed text of a known format")
    cipher = _keys().get(header[1:])
    if cipher is None:
        raise CannotOpen(f"key {header[1:].hex()} is not in TOKEN_KEYS")
    place = _associated_data(header, organization_id, row_id, field)
    try:
        return cipher.decrypt(nonce, sealed[HEADER_LENGTH + NONCE_LENGTH :], place).decode()
    except InvalidTag:
        raise CannotOpen(f"{field} does not belong to row {row_id}, or was changed") from None


def require_keys() -> None:
    """Stop a process that could not read what is stored. Reads key ids, touches no data.

    Raises ImproperlyConfigured, naming the missing key's id and what to do.
    """
    with connection.cursor() as cursor:
        cursor.execute(STORED_KEY_IDS, {"length": KEY_ID_LENGTH})
        stored = {row[0] for row in cursor.fetchall()}
    known = {key_id.hex() for key_id in _keys()}
    if missing := sorted(stored - known):
        raise ImproperlyConfigured(
            f"TOKEN_KEYS lacks the key {', '.join(missing)} that stored tokens are sealed with. "
            "Nothing was changed. Put the old key back at the end of TOKEN_KEYS and start again."
        )


def _associated_data(header: bytes, organization_id: UUID, row_id: UUID, field: str) -> bytes:
    return header + organization_id.bytes + row_id.bytes + field.encode()


def _keys() -> dict[bytes, AESGCM]:
    return _load(tuple(settings.TOKEN_KEYS))


@lru_cache(maxsize=4)
def _load(encoded_keys: tuple[str, ...]) -> dict[bytes, AESGCM]:
    """Key id -> cipher, in the order of TOKEN_KEYS. Deriving once costs 1/8 of each use."""
    if not encoded_keys:
        raise ImproperlyConfigured("TOKEN_KEYS is empty: no token can be stored or read.")
    ciphers = {}
    for position, encoded in enumerate(encoded_keys, start=1):
        try:
            key = b64decode(encoded, validate=True)
        except ValueError:
            key = b""
        if len(key) != 32:
            raise ImproperlyConfigured(
                f"Key {position} of TOKEN_KEYS is not 32 bytes in base64. Make one with: "
                "python -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())'"
            )
        ciphers[sha256(key).digest()[:KEY_ID_LENGTH]] = AESGCM(key)
    return ciphers

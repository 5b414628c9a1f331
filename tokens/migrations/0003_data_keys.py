"""Each organization gets a data key, and what TOKEN_KEYS sealed directly is sealed with that.

Sealed until now, format 1: `01 | key id (4) | nonce (12) | ciphertext and tag`, the key id being
the start of the SHA-256 of one of TOKEN_KEYS. From now on, format 2, for texts and for wrapped
data keys: `02 | key id (16, or 4 for a master key) | nonce (12) | ciphertext and tag`. What stands
here is a copy of the code of that day.
"""

from __future__ import annotations

import logging
import os
import uuid
from base64 import b64decode
from hashlib import sha256
from typing import Any
from uuid import UUID

import django.db.models.deletion
import django.utils.timezone
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.management.base import CommandError
from django.db import migrations, models

from accounts.policies import Referable, Reference, Wall
from accounts.walls import ENGINE, WEB

logger = logging.getLogger(__name__)

OLD, NEW = b"\x01", b"\x02"
SEALED = {"Token": ("access_token", "refresh_token"), "AuthorizationRequest": ("keep",)}
# The ciphers by the header of what they seal; the first one seals.
Keys = dict[bytes, AESGCM]


def to_data_keys(apps: Any, schema_editor: Any) -> None:
    """All in the migration's one transaction: what goes wrong leaves everything as it was."""
    organizations = {
        organization_id
        for model, _ in tables(apps)
        for organization_id in model.objects.values_list("organization_id", flat=True).distinct()
    }
    if not organizations:
        return
    old, wrapping = masters(OLD), masters(NEW)
    texts = (
        text
        for model, names in tables(apps)
        for row in model.objects.values_list(*names)
        for text in row
    )
    require(old, texts, OLD)
    for organization_id in sorted(organizations):
        secret, key_id = AESGCM.generate_key(256), uuid.uuid4()
        wrapped = seal(wrapping, secret, place(organization_id, key_id, "wrapped"))
        apps.get_model("tokens", "DataKey").objects.create(
            id=key_id, organization_id=organization_id, wrapped=wrapped
        )
        for model, names in tables(apps):
            own = model.objects.filter(organization_id=organization_id)
            own.update(data_key=key_id)
            convert(own, names, old, {NEW + key_id.bytes: AESGCM(secret)})


def from_data_keys(apps: Any, schema_editor: Any) -> None:
    data_keys = apps.get_model("tokens", "DataKey").objects.all()
    if not data_keys:
        return
    old, wrapping = masters(OLD), masters(NEW)
    require(wrapping, (data_key.wrapped for data_key in data_keys), NEW)
    for data_key in data_keys:
        at = place(data_key.organization_id, data_key.pk, "wrapped")
        secret = open_(wrapping, bytes(data_key.wrapped), at)
        if secret is None:
            continue
        for model, names in tables(apps):
            rows = model.objects.filter(data_key=data_key)
            convert(rows, names, {NEW + data_key.pk.bytes: AESGCM(secret)}, old)


def tables(apps: Any) -> list[tuple[Any, tuple[str, ...]]]:
    return [(apps.get_model("tokens", name), names) for name, names in SEALED.items()]


def convert(rows: Any, names: tuple[str, ...], before: Keys, after: Keys) -> None:
    """A text that did not open stays what it is: it may be wanted, and does not open either."""
    for row in rows.iterator():
        for name in names:
            at, sealed = place(row.organization_id, row.pk, name), bytes(getattr(row, name))
            text = open_(before, sealed, at) if sealed else None
            if text is not None:
                setattr(row, name, seal(after, text, at))
            elif sealed:
                logger.warning("%s of row %s did not open, and still does not", name, row.pk)
        row.save(update_fields=names)


def masters(header: bytes) -> Keys:
    keys = {}
    for encoded in settings.TOKEN_KEYS:
        try:
            key = b64decode(encoded, validate=True)
        except ValueError:
            key = b""
        if len(key) != 32:
            raise CommandError(
                "A key in TOKEN_KEYS is not 32 bytes in base64. Nothing was changed."
            )
        keys[header + sha256(key).digest()[:4]] = AESGCM(key)
    return keys


def require(keys: Keys, texts: Any, header: bytes) -> None:
    named = {bytes(text)[:5] for text in texts if bytes(text)[:1] == header}
    if missing := sorted(header[1:].hex() for header in named - set(keys)):
        raise CommandError(
            f"TOKEN_KEYS lacks the key {', '.join(missing)} that stored tokens are sealed with. "
            "Nothing was changed. Put it back at the end of TOKEN_KEYS, and migrate again."
        )


def place(organization_id: UUID, row_id: UUID, name: str) -> bytes:
    return organization_id.bytes + row_id.bytes + name.encode()


def seal(keys: Keys, content: bytes, at: bytes) -> bytes:
    header, nonce = next(iter(keys)), os.urandom(12)
    sealed = header + nonce + keys[header].encrypt(nonce, content, header + at)
    assert open_(keys, sealed, at) == content  # noqa: S101
    return sealed


def open_(keys: Keys, sealed: bytes, at: bytes) -> bytes | None:
    for header, cipher in keys.items():
        if sealed.startswith(header):
            nonce, rest = sealed[len(header) : len(header) + 12], sealed[len(header) + 12 :]
            try:
                return cipher.decrypt(nonce, rest, header + at)
            except (InvalidTag, ValueError):
                return None
    return None


# Web processes see one organization at a time, and must know at their start whether a key is
# missing: this tells them the ids of the master keys in use, and nothing else.
KEY_IDS = f"""
    CREATE FUNCTION token_key_ids() RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    BEGIN ATOMIC
        SELECT DISTINCT encode(substr(wrapped, 2, 4), 'hex') FROM public.tokens_datakey;
    END;
    REVOKE ALL ON FUNCTION token_key_ids FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION token_key_ids TO {WEB}, {ENGINE};
"""
# What a rotation does to trips under way.
MOVE_TRIPS = f"GRANT UPDATE (data_key_id, keep) ON tokens_authorizationrequest TO {ENGINE}"
NO_MOVE = f"REVOKE UPDATE (data_key_id, keep) ON tokens_authorizationrequest FROM {ENGINE}"
# PostgreSQL alters no table with checks pending.
CHECK_NOW = "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED"


def data_key_field(**options: Any) -> models.ForeignKey[Any, Any]:
    return models.ForeignKey(
        db_constraint=False,
        on_delete=django.db.models.deletion.RESTRICT,
        related_name="+",
        to="tokens.datakey",
        **options,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_walls"),
        ("tokens", "0002_walls"),
    ]

    operations = [
        migrations.CreateModel(
            name="DataKey",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("wrapped", models.BinaryField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("retired_at", models.DateTimeField(null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("retired_at", None)),
                        fields=("organization",),
                        name="one_current_data_key",
                    )
                ],
            },
        ),
        # To hold a key while something is stored under it is an UPDATE, for PostgreSQL: WEB has
        # the privilege on the one column that nothing depends on.
        Wall(
            "DataKey",
            web="SELECT, INSERT, UPDATE (created_at)",
            engine="SELECT, INSERT, UPDATE, DELETE",
        ),
        Referable("DataKey"),
        migrations.AddField("token", "data_key", data_key_field(null=True)),
        migrations.AddField("authorizationrequest", "data_key", data_key_field(null=True)),
        migrations.RunPython(to_data_keys, from_data_keys),
        migrations.RunSQL(CHECK_NOW, migrations.RunSQL.noop),
        migrations.AlterField("token", "data_key", data_key_field()),
        migrations.AlterField("authorizationrequest", "data_key", data_key_field()),
        Reference("Token", "data_key"),
        Reference("AuthorizationRequest", "data_key"),
        migrations.RunSQL(KEY_IDS, "DROP FUNCTION token_key_ids()"),
        migrations.RunSQL(MOVE_TRIPS, NO_MOVE),
    ]

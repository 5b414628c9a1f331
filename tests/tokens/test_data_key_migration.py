"""Upgrading an installation whose tokens TOKEN_KEYS sealed directly: nothing is lost."""

from __future__ import annotations

import base64
import os
from hashlib import sha256
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from tokens import vault
from tokens.models import AuthorizationRequest, Token
from tokens.vault import DataKey

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE = [("tokens", "0002_walls")]
OLD, OTHER = (base64.b64encode(letter * 32).decode() for letter in (b"a", b"b"))


def seal_as_before(master: str, row, field: str, text: str) -> bytes:
    """Format 1, as tokens/vault.py of that day wrote it."""
    key = base64.b64decode(master)
    header, nonce = b"\x01" + sha256(key).digest()[:4], os.urandom(12)
    place = header + row.organization_id.bytes + row.pk.bytes + field.encode()
    return header + nonce + AESGCM(key).encrypt(nonce, text.encode(), place)


def open_as_before(master: str, row, field: str) -> str:
    sealed, place = bytes(getattr(row, field)), row.organization_id.bytes + row.pk.bytes
    header, nonce, rest = sealed[:5], sealed[5:17], sealed[17:]
    cipher = AESGCM(base64.b64decode(master))
    return cipher.decrypt(nonce, rest, header + place + field.encode()).decode()


class Installation:
    """As it was before, and what was stored there."""

    def __init__(self) -> None:
        MigrationExecutor(connection).migrate(BEFORE)
        loader = MigrationExecutor(connection).loader
        self.get_model = loader.project_state(list(loader.applied_migrations)).apps.get_model
        self.app = self.get_model("tokens", "OAuthApp").objects.create(
            network_slug="tiktok", client_id="tests"
        )

    def organization(self, slug: str):
        return self.get_model("accounts", "Organization").objects.create(slug=slug, name=slug)

    def login(self, organization, name: str, master: str, refresh: str = ""):
        token = self.get_model("tokens", "Token")(
            id=uuid4(), organization=organization, app=self.app, network_slug="tiktok"
        )
        token.subject = token.subject_name = name
        token.issued_at = token.consented_at = timezone.now()
        token.access_token = seal_as_before(master, token, "access_token", f"access of {name}")
        if refresh:
            token.refresh_token = seal_as_before(master, token, "refresh_token", refresh)
        token.save()
        return token

    def trip(self, organization, master: str, text: str):
        user = self.get_model("accounts", "User").objects.create(email=f"{uuid4()}@example.org")
        self.get_model("accounts", "Membership").objects.create(
            organization=organization, user=user
        )
        trip = self.get_model("tokens", "AuthorizationRequest")(
            id=uuid4(), organization=organization, app=self.app, user=user
        )
        trip.state_digest = os.urandom(32)
        trip.keep = seal_as_before(master, trip, "keep", text)
        trip.save()


def upgrade() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


@pytest.fixture
def before(settings):
    settings.TOKEN_KEYS = [OLD, OTHER]
    yield Installation()
    settings.TOKEN_KEYS = [OLD, OTHER]
    upgrade()


def test_every_text_opens_after_the_upgrade_under_a_key_of_its_organization(before):
    alpenglueck, nordwind = before.organization("alpenglueck"), before.organization("nordwind")
    before.organization("empty")
    before.login(alpenglueck, "Anna", OLD, refresh="refresh of Anna")
    before.login(alpenglueck, "Ben", OTHER)
    before.login(nordwind, "Nils", OLD)
    before.trip(alpenglueck, OTHER, "a verifier")
    upgrade()
    tokens = {token.subject_name: token for token in Token.objects.select_related("data_key")}
    assert {name: token.open().access_token for name, token in tokens.items()} == {
        name: f"access of {name}" for name in ("Anna", "Ben", "Nils")
    }
    assert tokens["Anna"].open().refresh_token == "refresh of Anna"
    assert bytes(tokens["Ben"].refresh_token) == b""
    trip = AuthorizationRequest.objects.get()
    assert vault.open_(trip, "keep") == "a verifier"
    assert DataKey.objects.count() == 2
    for token in tokens.values():
        assert token.data_key.organization_id == token.organization_id
        assert DataKey.current(token.organization_id) == token.data_key
    assert vault.key_ids_in_use() == {sha256(b"a" * 32).hexdigest()[:8]}


def test_an_installation_without_tokens_needs_no_keys(before, settings):
    before.organization("alpenglueck")
    settings.TOKEN_KEYS = []
    upgrade()
    assert not DataKey.objects.exists()


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ([OLD], f"lacks the key {sha256(b'b' * 32).hexdigest()[:8]} .*Nothing was changed"),
        ([OLD, "kurz"], "not 32 bytes in base64. Nothing was changed"),
    ],
)
def test_an_upgrade_without_a_key_is_refused_before_anything_is_changed(
    before, settings, keys, words
):
    home = before.organization("alpenglueck")
    before.login(home, "Anna", OLD)
    before.login(home, "Ben", OTHER)
    texts = before.get_model("tokens", "Token").objects.order_by("pk").values_list("access_token")
    stored = list(texts.all())
    settings.TOKEN_KEYS = keys
    with pytest.raises(CommandError, match=words):
        call_command("migrate", verbosity=0)
    assert list(texts.all()) == stored
    assert "tokens_datakey" not in connection.introspection.table_names()
    settings.TOKEN_KEYS = [OLD, OTHER]
    upgrade()
    assert {token.open().access_token for token in Token.objects.all()} == {
        "access of Anna",
        "access of Ben",
    }


def test_a_text_that_did_not_open_stays_and_is_named(before, caplog):
    token = before.login(before.organization("alpenglueck"), "Anna", OLD)
    damaged = token.access_token[:-1] + bytes([token.access_token[-1] ^ 1])
    before.get_model("tokens", "Token").objects.update(access_token=damaged)
    upgrade()
    assert bytes(Token.objects.get().access_token) == damaged
    assert f"access_token of row {token.pk} did not open" in caplog.text


def test_the_way_back_loses_nothing_either(before):
    token = before.login(before.organization("alpenglueck"), "Anna", OLD, refresh="refresh of Anna")
    upgrade()
    MigrationExecutor(connection).migrate(BEFORE)
    stored = before.get_model("tokens", "Token").objects.get()
    for field, text in (("access_token", "access of Anna"), ("refresh_token", "refresh of Anna")):
        assert bytes(getattr(stored, field)) != bytes(getattr(token, field))
        assert open_as_before(OLD, stored, field) == text
    upgrade()
    assert Token.objects.get().open().access_token == "access of Anna"


def test_the_way_back_is_refused_without_the_key(before, settings):
    before.login(before.organization("alpenglueck"), "Anna", OLD)
    upgrade()
    settings.TOKEN_KEYS = [OTHER]
    with pytest.raises(CommandError, match="lacks the key .*Nothing was changed"):
        MigrationExecutor(connection).migrate(BEFORE)
    settings.TOKEN_KEYS = [OLD]
    upgrade()
    assert Token.objects.get().open().access_token == "access of Anna"

"""A sealed text opens in one place only, and says nothing when it does not."""

import base64
import os
from uuid import uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured

from networks.base import Grant
from tests.builders import token
from tokens import vault

HERE = (uuid4(), uuid4(), "access_token")


def key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def test_what_is_sealed_opens_where_it_was_sealed():
    assert vault.open_(vault.seal("geheim", *HERE), *HERE) == "geheim"


def test_the_same_text_is_never_sealed_twice_alike():
    assert vault.seal("geheim", *HERE) != vault.seal("geheim", *HERE)


def test_a_text_moved_to_another_organization_row_or_field_does_not_open():
    organization, row, field = HERE
    sealed = vault.seal("geheim", *HERE)
    places = [(uuid4(), row, field), (organization, uuid4(), field), (organization, row, "other")]
    for place in places:
        with pytest.raises(vault.CannotOpen):
            vault.open_(sealed, *place)


@pytest.mark.parametrize("length", [0, 1, 5, 10, 17, 25, 32])
def test_a_cut_text_does_not_open(length):
    with pytest.raises(vault.CannotOpen):
        vault.open_(vault.seal("geheim", *HERE)[:length], *HERE)


def test_a_changed_byte_does_not_open():
    for position in range(len(vault.seal("geheim", *HERE))):
        sealed = bytearray(vault.seal("geheim", *HERE))
        sealed[position] ^= 1
        with pytest.raises(vault.CannotOpen):
            vault.open_(bytes(sealed), *HERE)


def test_an_old_key_still_opens_and_the_first_one_seals(settings):
    old, new = key(), key()
    settings.TOKEN_KEYS = [old]
    sealed = vault.seal("geheim", *HERE)
    settings.TOKEN_KEYS = [new, old]
    assert vault.open_(sealed, *HERE) == "geheim"
    settings.TOKEN_KEYS = [new]
    with pytest.raises(vault.CannotOpen) as refusal:
        vault.open_(sealed, *HERE)
    assert "not in TOKEN_KEYS" in str(refusal.value)


def test_an_error_never_shows_the_text():
    with pytest.raises(vault.CannotOpen) as refusal:
        vault.open_(vault.seal("geheim", *HERE), uuid4(), *HERE[1:])
    assert "geheim" not in repr(refusal.value)


@pytest.mark.parametrize("bad", [[], ["kurz"], [base64.b64encode(b"16 bytes are few").decode()]])
def test_a_key_that_is_none_is_refused_in_words(settings, bad):
    settings.TOKEN_KEYS = bad
    with pytest.raises(ImproperlyConfigured, match="TOKEN_KEYS"):
        vault.seal("geheim", *HERE)


@pytest.mark.django_db
def test_a_key_missing_from_token_keys_stops_the_start_and_touches_nothing(settings, world):
    row = token(world.alpenglueck)
    row.seal(Grant("geheim", "auch geheim"))
    row.save()
    stored = bytes(row.access_token)
    vault.require_keys()
    settings.TOKEN_KEYS = [key()]
    with pytest.raises(ImproperlyConfigured, match=f"lacks the key {stored[1:5].hex()}"):
        vault.require_keys()
    row.refresh_from_db()
    assert bytes(row.access_token) == stored

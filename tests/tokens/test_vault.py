"""A sealed text opens in one place only, and says nothing when it does not."""

from __future__ import annotations

import base64
import os
from uuid import UUID, uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, connection, transaction
from django.db.models import RestrictedError

from accounts.walls import ENGINE, WEB
from networks.base import Grant
from tests import builders
from tests.practice import at_once
from tests.roles import acting_as
from tokens import keys, leases, vault
from tokens.keys import CannotOpen
from tokens.models import AuthorizationRequest, Token
from tokens.vault import DataKey

TEXT = "a-text-that-must-never-be-shown"


def new_master() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def row(organization_id: UUID | None = None, **fields) -> Token:
    """A token with a data key of its own, which nothing has stored."""
    organization_id = organization_id or uuid4()
    made = Token(organization_id=organization_id, data_key=DataKey.new(organization_id), **fields)
    made.access_token = vault.seal(made, "access_token", TEXT)
    return made


def does_not_open(one, field="access_token") -> str:
    """What the refusal says; never anything of the text."""
    with pytest.raises(CannotOpen) as refusal:
        vault.open_(one, field)
    assert TEXT not in repr(refusal.value)
    assert refusal.value.__context__ is None or refusal.value.__suppress_context__
    return str(refusal.value)


# Where it opens, and nowhere else


def test_what_is_sealed_opens_where_it_was_sealed():
    assert vault.open_(row(), "access_token") == TEXT


def test_the_same_text_is_never_sealed_twice_alike():
    one = row()
    assert vault.seal(one, "access_token", TEXT) != vault.seal(one, "access_token", TEXT)


def test_a_text_moved_to_another_row_does_not_open():
    one = row()
    other = Token(organization_id=one.organization_id, data_key=one.data_key)
    other.access_token = one.access_token
    assert "belongs elsewhere" in does_not_open(other)


def test_a_text_moved_to_another_table_under_the_same_id_does_not_open():
    one = row()
    trip = AuthorizationRequest(pk=one.pk, organization_id=one.organization_id)
    trip.data_key, trip.keep = one.data_key, one.access_token
    assert "belongs elsewhere" in does_not_open(trip, "keep")


def test_a_text_moved_to_another_field_does_not_open():
    one = row()
    one.refresh_token = one.access_token
    assert "belongs elsewhere" in does_not_open(one, "refresh_token")


def test_a_row_moved_to_another_organization_does_not_open_with_its_key_or_with_theirs():
    one, neighbour = row(), uuid4()
    assert vault.open_(one, "access_token") == TEXT, "so that the key is remembered"
    one.organization_id = neighbour
    assert "belongs elsewhere" in does_not_open(one)
    one.data_key = DataKey.new(neighbour)
    assert "names key" in does_not_open(one)


def test_a_text_under_the_key_of_another_row_names_its_own_key():
    one = row()
    was = one.data_key
    one.data_key = DataKey.new(one.organization_id)
    said = does_not_open(one)
    assert was.pk.hex in said
    assert one.data_key.pk.hex in said


def test_a_wrapped_key_moved_to_another_organization_does_not_unwrap():
    one, other = row(), row()
    assert vault.open_(one, "access_token") == TEXT, "so that the key is remembered"
    other.data_key.wrapped = one.data_key.wrapped
    assert "belongs elsewhere" in does_not_open(other)


def test_a_wrapped_key_under_another_id_of_its_organization_does_not_unwrap():
    one = row()
    assert vault.open_(one, "access_token") == TEXT, "so that the key is remembered"
    one.data_key = DataKey(organization_id=one.organization_id, wrapped=one.data_key.wrapped)
    assert "belongs elsewhere" in does_not_open(one)


# What was cut or changed


def test_a_text_cut_at_any_length_does_not_open():
    one = row()
    whole = one.access_token
    for length in range(len(whole)):
        one.access_token = whole[:length]
        does_not_open(one)


def test_a_text_that_grew_does_not_open():
    one = row()
    one.access_token = bytes(one.access_token) + b"\x00"
    does_not_open(one)


def flipped(whole: bytes):
    """`whole` with each of its bits flipped, one at a time."""
    for position in range(len(whole) * 8):
        changed = bytearray(whole)
        changed[position // 8] ^= 1 << position % 8
        yield bytes(changed)


def test_a_text_with_any_bit_flipped_does_not_open():
    one = row()
    for changed in flipped(bytes(one.access_token)):
        one.access_token = changed
        does_not_open(one)


def test_a_wrapped_key_cut_or_with_any_bit_flipped_does_not_unwrap():
    one = row()
    whole = bytes(one.data_key.wrapped)
    cuts = (whole[:length] for length in range(len(whole)))
    for changed in (*flipped(whole), *cuts):
        one.data_key.wrapped = changed
        does_not_open(one)


@pytest.mark.parametrize("number", [b"\x00", b"\x01", b"\x03", b"\xff"])
def test_a_format_that_is_not_known_is_named_so(number):
    one = row()
    one.access_token = number + one.access_token[1:]
    assert does_not_open(one) == "access_token: it is not sealed in a known format"


# Master keys


def test_an_old_key_still_unwraps_and_the_first_one_wraps(settings):
    old, new = new_master(), new_master()
    settings.TOKEN_KEYS = [old]
    one = row()
    settings.TOKEN_KEYS = [new, old]
    assert vault.open_(one, "access_token") == TEXT
    assert row().data_key.wrapped[:5] != one.data_key.wrapped[:5]
    settings.TOKEN_KEYS = [new]
    assert f"key {one.data_key.wrapped[1:5].hex()} is not in TOKEN_KEYS" in does_not_open(one)


@pytest.mark.parametrize("bad", [[], ["kurz"], [base64.b64encode(b"16 bytes are few").decode()]])
def test_a_key_that_is_none_is_refused_in_words(settings, bad):
    settings.TOKEN_KEYS = bad
    with pytest.raises(ImproperlyConfigured, match="TOKEN_KEYS") as refusal:
        row()
    assert not bad or bad[0] not in str(refusal.value)


@pytest.mark.parametrize("path", ["tokens.keys.Nowhere", "nowhere.Keys", "Keys"])
def test_a_key_source_that_is_none_is_refused_in_words(settings, path):
    settings.TOKEN_KEY_SOURCE = path
    with pytest.raises(ImproperlyConfigured, match=f"TOKEN_KEY_SOURCE is '{path}'"):
        vault.require_keys()


class Elsewhere(keys.SettingsKeys):
    """A key service, as slow and as unreliable as one is."""

    asked = 0
    is_away = False

    def unwrap(self, wrapped: bytes, place: bytes) -> bytes:
        if Elsewhere.is_away:
            raise CannotOpen("the key service does not answer")
        Elsewhere.asked += 1
        return super().unwrap(wrapped, place)


@pytest.fixture
def elsewhere(settings, monkeypatch):
    settings.TOKEN_KEY_SOURCE = f"{__name__}.Elsewhere"
    monkeypatch.setattr(Elsewhere, "asked", 0)
    monkeypatch.setattr(Elsewhere, "is_away", False)
    return Elsewhere


def test_another_key_source_is_asked_once_for_each_data_key(elsewhere):
    one = row()
    for _ in range(3):
        assert vault.open_(one, "access_token") == TEXT
    assert elsewhere.asked == 1


@pytest.mark.django_db
def test_while_the_key_source_is_away_tokens_stay_and_people_are_told(
    elsewhere, browser, world, caplog
):
    anna = browser(world.anna, world.alpenglueck)
    choice = anna.add("linkedin", "anna")["Location"]
    stored = bytes(Token.objects.get().access_token)
    elsewhere.is_away = True
    vault._unwrap.cache_clear()
    page = anna.client.get(choice)
    assert "The access tokens cannot be opened" in page.content.decode()
    assert "the key service does not answer" in caplog.text
    leap = anna.client.post("/o/alpenglueck/profiles/add/linkedin/")
    assert "The access tokens cannot be opened" in leap.content.decode()
    assert bytes(Token.objects.get().access_token) == stored
    elsewhere.is_away = False
    assert anna.client.get(choice).context["choices"]


def test_no_key_shows_itself(settings):
    settings.TOKEN_KEYS = [new_master(), new_master()]
    one, source = row(network_slug="tiktok"), keys.SettingsKeys()
    place = one.data_key.place
    secrets = [
        source.unwrap(bytes(one.data_key.wrapped), place),
        *map(base64.b64decode, settings.TOKEN_KEYS),
    ]
    things = [one, one.data_key, vault._key_of(one), source, *source._keys.values()]
    seen = " ".join(f"{thing!r} {thing} {vars(thing)}" for thing in things)
    for secret in secrets:
        assert repr(secret) not in seen
        assert secret.hex() not in seen
        assert base64.b64encode(secret).decode() not in seen


# What is stored


def stored_login(organization, name="Anna Huber") -> Token:
    token = builders.token(organization, "tiktok", name)
    token.seal(Grant(f"access of {name}", f"refresh of {name}"))
    token.save()
    return token


@pytest.mark.django_db
def test_a_key_missing_from_token_keys_stops_the_start_and_touches_nothing(settings, world):
    token = stored_login(world.alpenglueck)
    stored = bytes(token.access_token)
    vault.require_keys()
    wrapped = bytes(DataKey.objects.get().wrapped)
    settings.TOKEN_KEYS = [new_master()]
    with pytest.raises(ImproperlyConfigured, match=f"lacks the key {wrapped[1:5].hex()}"):
        vault.require_keys()
    token.refresh_from_db()
    assert bytes(token.access_token) == stored


@pytest.mark.django_db
def test_the_database_tells_the_ids_of_keys_and_nothing_else(settings, world):
    for master, organization in ((new_master(), world.alpenglueck), (new_master(), world.nordwind)):
        settings.TOKEN_KEYS = [master]
        DataKey.current(organization.pk)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM token_key_ids()")
        told = cursor.fetchall()
        wrapped = DataKey.objects.values_list("wrapped", flat=True)
        assert sorted(told) == sorted((bytes(one)[1:5].hex(),) for one in wrapped)
        cursor.execute("SELECT prosecdef, proconfig FROM pg_proc WHERE proname = 'token_key_ids'")
        assert cursor.fetchall() == [(True, ["search_path=pg_catalog, pg_temp"])]
        cursor.execute("SELECT has_function_privilege('pg_monitor', 'token_key_ids()', 'EXECUTE')")
        assert cursor.fetchall() == [(False,)], "nobody but our own roles"
    for role in (WEB, ENGINE):
        with acting_as(role):
            assert vault.key_ids_in_use() == {key_id for (key_id,) in told}


@pytest.mark.django_db
def test_an_organization_has_one_current_key(world):
    first = DataKey.current(world.alpenglueck.pk)
    assert DataKey.current(world.alpenglueck.pk) == first
    assert DataKey.current(world.nordwind.pk) != first
    with pytest.raises(IntegrityError, match="one_current_data_key"), transaction.atomic():
        DataKey.new(world.alpenglueck.pk).save()


@pytest.mark.django_db(transaction=True)
def test_of_many_who_make_the_first_key_at_once_all_get_the_same(world):
    made: list[UUID] = []

    def ask() -> None:
        with transaction.atomic():
            made.append(DataKey.current(world.alpenglueck.pk).pk)

    at_once(*[ask] * 8)
    assert len(made) == 8
    assert set(made) == {DataKey.objects.get().pk}


@pytest.mark.django_db
def test_the_database_refuses_to_drop_a_key_in_use(world):
    token = stored_login(world.alpenglueck)
    with pytest.raises(RestrictedError):
        token.data_key.delete()
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM tokens_datakey")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert Token.objects.get().open().access_token == "access of Anna Huber"


@pytest.mark.django_db
@pytest.mark.parametrize("many", [1, 50])
def test_a_batch_of_many_organizations_opens_without_a_query_for_each_token(
    settings, world, django_assert_num_queries, many
):
    from accounts.models import Organization

    settings.OAUTH_CLIENTS = {"tiktok": ("tests", "tests-secret")}
    homes = [Organization.objects.create(slug=f"home-{n}", name=f"Home {n}") for n in range(10)]
    for number in range(many):
        stored_login(homes[number % 10], f"Person {number}")
    vault._unwrap.cache_clear()
    # Savepoint, turn, rows with their keys, release, and the apps.
    with django_assert_num_queries(5):
        claimed = leases.claim("tiktok", 100)
        texts = {token.subject_name: token.open().access_token for token in claimed}
    assert texts == {f"Person {n}": f"access of Person {n}" for n in range(many)}

"""Keys are rotated while everything runs, and whatever happens to it, everything opens."""

from __future__ import annotations

import base64
import io
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from accounts import walls
from accounts.actor import Actor
from accounts.models import AuditEvent, Organization, User
from accounts.walls import ENGINE, OWNER, WEB
from config.environment import signed_in_as
from networks.base import ALIVE, Grant, Identity
from networks.registry import NETWORKS
from tests import builders
from tests.factors import app_of, code_now
from tests.practice import at_once
from tests.roles import acting_as, as_role
from tests.tokens.racing import until_somebody_waits
from tokens import asking, leases, probing, rotation, storing, vault
from tokens.connecting import Arrival, app_for, client_of
from tokens.conversations import Conversations
from tokens.keys import key_source
from tokens.models import AuthorizationRequest, OAuthApp, Token
from tokens.vault import DataKey

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
SECRET = "a-text-that-must-never-be-shown"


def new_master() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def id_of(master: str) -> str:
    return sha256(base64.b64decode(master)).hexdigest()[:8]


@dataclass
class Masters:
    old: str
    new: str


@pytest.fixture
def masters(settings):
    """The installation has one master key, and is about to get another one."""
    both = Masters(settings.TOKEN_KEYS[0], new_master())
    settings.TOKEN_KEYS = [both.old]
    return both


def store(organization: Organization, *names: str, user=None) -> None:
    """Logins with both texts, and a trip that has begun."""
    for name in names:
        token = builders.token(organization, "tiktok", name)
        token.seal(Grant(f"access of {name} {SECRET}", f"refresh of {name} {SECRET}"))
        token.save()
    if user:
        app, _ = OAuthApp.objects.get_or_create(network_slug="tiktok", client_id="tests")
        trip = AuthorizationRequest(organization=organization, user=user, app=app)
        trip.state_digest, trip.data_key = os.urandom(32), DataKey.current(organization.pk)
        trip.keep = vault.seal(trip, "keep", f"verifier of {user.name} {SECRET}")
        trip.save()


@pytest.fixture
def stored(world, masters):
    """Two organizations whose texts are sealed, and whose keys are wrapped with the old key."""
    store(world.alpenglueck, "Anna", "Ben", user=world.anna)
    store(world.nordwind, "Nils", user=world.nils)
    return {
        *(f"access of {name} {SECRET}" for name in ("Anna", "Ben", "Nils")),
        *(f"refresh of {name} {SECRET}" for name in ("Anna", "Ben", "Nils")),
        f"verifier of Anna Huber {SECRET}",
        f"verifier of Nils Petersen {SECRET}",
    }


def opened() -> set[str]:
    """Every stored text, freshly read and opened."""
    vault._unwrap.cache_clear()
    found = set()
    for token in Token.objects.select_related("data_key"):
        grant = token.open()
        found |= {grant.access_token, grant.refresh_token}
    for trip in AuthorizationRequest.objects.select_related("data_key"):
        found.add(vault.open_(trip, "keep"))
    return found


def rotate(*arguments: str, into: io.StringIO | None = None) -> str:
    said = into or io.StringIO()
    as_role(ENGINE, call_command)("rotate_token_keys", *arguments, stdout=said)
    return said.getvalue()


def retired():
    return DataKey.objects.exclude(retired_at=None)


# What it does


def test_data_keys_are_wrapped_anew_and_texts_stay_as_they_are(settings, stored, masters):
    before = set(Token.objects.values_list("pk", "access_token", "refresh_token", "data_key"))
    settings.TOKEN_KEYS = [masters.new, masters.old]
    said = rotate()
    assert "Data keys wrapped anew: 2 of 2" in said
    assert f"Key {id_of(masters.old)}, number 2, wraps nothing any more and may leave" in said
    settings.TOKEN_KEYS = [masters.new]
    vault.require_keys()
    assert opened() == stored
    assert (
        set(Token.objects.values_list("pk", "access_token", "refresh_token", "data_key")) == before
    )


def test_a_key_that_second_factors_are_sealed_with_may_not_leave_before_they_are_sealed_anew(
    settings, stored, masters, world
):
    """Or everybody who has one would be shut out."""
    from tokens.management.commands.rotate_token_keys import Command

    app = app_of(world.anna)
    code = code_now(app)
    settings.TOKEN_KEYS = [masters.new]
    with pytest.raises(ImproperlyConfigured, match=f"lacks the key {id_of(masters.old)}"):
        vault.require_keys()
    settings.TOKEN_KEYS = [masters.new, masters.old]
    early = io.StringIO()
    rotation.rewrap(lambda done, total: None)
    Command(stdout=early)._say_what_may_leave()
    assert f"Key {id_of(masters.old)}, number 2, is still in use" in early.getvalue()
    said = rotate()
    assert "Second factors sealed anew: 2 of 2" in said
    assert f"Key {id_of(masters.old)}, number 2, wraps nothing any more and may leave" in said
    settings.TOKEN_KEYS = [masters.new]
    vault.require_keys()
    app.refresh_from_db()
    assert code_now(app) == code


def test_what_is_done_is_not_done_again(settings, stored, masters):
    settings.TOKEN_KEYS = [masters.new, masters.old]
    rotate()
    wrapped = set(DataKey.objects.values_list("wrapped"))
    assert "wrapped anew" not in rotate()
    assert set(DataKey.objects.values_list("wrapped")) == wrapped


def test_with_one_key_only_nothing_is_to_be_done(stored):
    said = rotate()
    assert "wrapped anew" not in said
    assert "may leave" not in said
    assert opened() == stored


def test_a_key_that_a_process_with_old_settings_still_uses_may_not_leave(
    settings, world, stored, masters
):
    settings.TOKEN_KEYS = [masters.new, masters.old]
    rotate()
    settings.TOKEN_KEYS = [masters.old]
    late = Organization.objects.create(slug="late", name="Late")
    DataKey.current(late.pk)
    settings.TOKEN_KEYS = [masters.new, masters.old]
    said = io.StringIO()
    from tokens.management.commands.rotate_token_keys import Command

    Command(stdout=said)._say_what_may_leave()
    assert f"Key {id_of(masters.old)}, number 2, is still in use" in said.getvalue()
    assert "may leave" in rotate()


def test_a_rotation_without_the_old_key_is_refused_before_it_begins(settings, stored, masters):
    before = set(DataKey.objects.values_list())
    settings.TOKEN_KEYS = [masters.new]
    with pytest.raises(CommandError, match=f"TOKEN_KEYS lacks the key {id_of(masters.old)}"):
        rotate("--data-keys")
    assert set(DataKey.objects.values_list()) == before


@pytest.mark.parametrize("role", [OWNER, WEB])
def test_a_role_that_sees_less_or_more_than_it_should_is_refused(stored, role):
    with (
        acting_as(role),
        pytest.raises(CommandError, match=f"as {role} and must do so as {ENGINE}"),
    ):
        call_command("rotate_token_keys")


def test_data_keys_are_renewed_and_the_old_ones_are_gone(stored):
    before = set(DataKey.objects.values_list("pk", flat=True))
    assert len(before) == 2
    said = rotate("--data-keys")
    assert "Organizations with a new data key: 2." in said
    assert "Rows sealed anew: 3 of 3" in said
    after = DataKey.objects.all()
    assert len(after) == 2
    assert not before & {key.pk for key in after}
    assert not retired().exists()
    assert opened() == stored


def test_the_audit_log_says_that_a_key_was_renewed(stored, world):
    rotate("--data-keys")
    events = AuditEvent.objects.filter(verb="keys_rotated")
    assert {event.organization for event in events} == {world.alpenglueck, world.nordwind}


def test_a_login_without_a_refresh_token_still_has_none(stored):
    Token.objects.update(refresh_token=b"")
    rotate("--data-keys")
    assert {bytes(token.refresh_token) for token in Token.objects.all()} == {b""}


def test_nothing_is_said_about_what_is_sealed(settings, stored, masters, caplog):
    caplog.set_level("DEBUG")
    Token.objects.filter(subject_name="Ben").update(access_token=b"\x02 damaged")
    settings.TOKEN_KEYS = [masters.new, masters.old]
    said = io.StringIO()
    with pytest.raises(CommandError) as refusal:
        rotate("--data-keys", into=said)
    for text in (said.getvalue(), str(refusal.value), caplog.text):
        for secret in (SECRET, masters.old, masters.new):
            assert secret not in text


# Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_one_line_is_rewritten(settings, stored, masters, monkeypatch):
    monkeypatch.setattr(rotation, "AT_ONCE", 1)
    settings.TOKEN_KEYS = [masters.new, masters.old]
    said = Terminal()
    rotate(into=said)
    assert said.getvalue().startswith(
        f"\rData keys wrapped anew [{'#' * 15}{'.' * 15}] 1 of 2"
        f"\rData keys wrapped anew [{'#' * 30}] 2 of 2\n"
    )


# What goes wrong


def test_a_text_that_does_not_open_is_named_and_keeps_its_key(stored, world):
    broken = Token.objects.get(subject_name="Ben")
    was = broken.data_key_id
    Token.objects.filter(pk=broken.pk).update(access_token=b"\x02 damaged")
    with pytest.raises(CommandError, match=f"token {broken.pk}: access_token: it was cut short"):
        rotate("--data-keys")
    broken.refresh_from_db()
    assert (bytes(broken.access_token), broken.data_key_id) == (b"\x02 damaged", was)
    assert [key.pk for key in retired()] == [was]
    assert Token.objects.filter(data_key=was).count() == 1
    broken.seal(Grant("connected again", "and renewed"))
    broken.save()
    assert "An earlier round is not finished: it goes on." in rotate("--data-keys")
    assert not retired().exists()
    assert "connected again" in opened()


def test_a_data_key_that_does_not_unwrap_is_named_and_the_others_go_on(settings, stored, masters):
    broken = DataKey.objects.get(organization__slug="alpenglueck")
    whole = bytes(broken.wrapped)
    DataKey.objects.filter(pk=broken.pk).update(wrapped=whole[:-1] + bytes([whole[-1] ^ 1]))
    settings.TOKEN_KEYS = [masters.new, masters.old]
    with pytest.raises(CommandError, match=f"data key {broken.pk}: it belongs elsewhere"):
        rotate()
    assert vault.key_ids_in_use() == {id_of(masters.old), id_of(masters.new)}
    DataKey.objects.filter(pk=broken.pk).update(wrapped=whole)
    rotate()
    assert vault.key_ids_in_use() == {id_of(masters.new)}
    assert opened() == stored


def test_a_key_that_was_wrapped_wrongly_is_not_kept(settings, stored, masters, monkeypatch):
    source = type(key_source())
    wrap = source.wrap
    monkeypatch.setattr(source, "wrap", lambda self, secret, place: wrap(self, bytes(32), place))
    settings.TOKEN_KEYS = [masters.new, masters.old]
    with pytest.raises(CommandError, match="That step was undone"):
        rotate()
    assert vault.key_ids_in_use() == {id_of(masters.old)}
    assert opened() == stored


def test_a_text_that_was_sealed_wrongly_is_not_kept(stored, monkeypatch):
    seal = vault.seal
    monkeypatch.setattr(vault, "seal", lambda row, field, text: seal(row, field, text + "?"))
    with pytest.raises(CommandError, match="That step was undone"):
        rotate("--data-keys")
    assert opened() == stored
    monkeypatch.undo()
    rotate("--data-keys")
    assert opened() == stored


# Killed


class Killed(BaseException):
    pass


def run_until(number: int) -> bool:
    """A rotation that ends for good where it sends its statement of that number; whether it came
    to its own end before."""
    sent = 0

    def execute(run, *arguments):
        nonlocal sent
        sent += 1
        if sent == number:
            raise Killed
        return run(*arguments)

    try:
        with connection.execute_wrapper(execute):
            rotate("--data-keys")
    except Killed:
        return False
    return True


def test_a_rotation_that_is_killed_at_any_statement_is_finished_by_the_next(
    settings, stored, masters, monkeypatch
):
    monkeypatch.setattr(rotation, "AT_ONCE", 1)
    was_killed, number = True, 0
    while was_killed:
        number += 1
        settings.TOKEN_KEYS = [new_master(), settings.TOKEN_KEYS[0]]
        was_killed = not run_until(number)
        assert opened() == stored
        rotate("--data-keys")
        assert opened() == stored
        assert not retired().exists()
        assert vault.key_ids_in_use() == {id_of(settings.TOKEN_KEYS[0])}
    assert number > 60, "every statement had its turn"


def process(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """manage.py in a process of its own, on this test's database, as the engine."""
    name = connection.settings_dict["NAME"]
    address = urlsplit(signed_in_as(ENGINE, os.environ["DATABASE_URL"]))._replace(path=f"/{name}")
    return subprocess.Popen(
        [sys.executable, "-u", "manage.py", *arguments],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": address.geturl()} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


@pytest.mark.django_db(transaction=True)
def test_a_process_that_is_killed_leaves_nothing_behind(world, masters, settings):
    store(world.alpenglueck, *(f"Person {number}" for number in range(350)), user=world.anna)
    store(world.nordwind, *(f"Neighbour {number}" for number in range(150)), user=world.nils)
    before = opened()
    settings.TOKEN_KEYS = [masters.new, masters.old]
    both = ",".join(settings.TOKEN_KEYS)
    for lines in (1, 3, 3):
        running = process("rotate_token_keys", "--data-keys", TOKEN_KEYS=both)
        assert running.stdout
        for _ in range(lines):
            running.stdout.readline()
        running.send_signal(signal.SIGKILL)
        running.stdout.close()
        assert running.wait() == -signal.SIGKILL
        assert opened() == before
    assert Token.objects.filter(data_key__in=retired()).exists(), "killed in the midst of it"
    rotate("--data-keys")
    assert not retired().exists()
    assert AuditEvent.objects.filter(verb="keys_rotated").count() == 2, "one round"
    settings.TOKEN_KEYS = [masters.new]
    assert opened() == before


# While others work


@pytest.fixture
def tiktok(settings):
    settings.OAUTH_CLIENTS = {"tiktok": ("tests", "tests-secret")}
    return NETWORKS["tiktok"]


@pytest.fixture
def renews(monkeypatch, tiktok):
    """`renews(change)`: TikTok's tokens live, and a refresh of one brings `change(grant)`."""

    def patch(change):
        def probe(self, client, grant, subject):
            return ALIVE
            yield  # a conversation, of no words

        def refresh(self, client, grant):
            return change(grant)
            yield

        monkeypatch.setattr(type(tiktok), "probe", probe)
        monkeypatch.setattr(type(tiktok), "refresh", refresh)

    return patch


def sign_in_as(subject: str, text: str, organization: Organization, user: User) -> None:
    """What a person's sign-in at TikTok brings, stored."""
    app, grant = app_for(NETWORKS["tiktok"]), Grant(text, f"refresh {text}")
    arrival = Arrival(app, grant, Identity(subject, subject), [])
    storing.add(organization, arrival, by=Actor(user))


@pytest.mark.django_db(transaction=True)
def test_two_rotations_at_once_share_the_work(settings, stored, masters, monkeypatch):
    monkeypatch.setattr(rotation, "AT_ONCE", 1)
    settings.TOKEN_KEYS = [masters.new, masters.old]
    finished: list[str] = []
    at_once(*[lambda: finished.append(rotate("--data-keys"))] * 3)
    assert len(finished) == 3
    assert not retired().exists()
    assert vault.key_ids_in_use() == {id_of(masters.new)}
    assert opened() == stored


@pytest.mark.django_db(transaction=True)
def test_a_round_that_begins_twice_at_once_is_one_round(stored):
    began: list[int] = []
    at_once(*[as_role(ENGINE, lambda: began.append(rotation.begin_round()))] * 3)
    assert sorted(began) == [0, 0, 2]
    assert rotation.begin_round() == 0, "nor afterwards, before it is finished"
    assert DataKey.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_a_key_that_somebody_is_about_to_use_is_not_dropped(world, stored, tiktok):
    """The sign-in has its key and has stored nothing yet; the rotation waits for it."""
    held, finished = threading.Event(), threading.Event()

    def sign_in() -> None:
        with walls.inside(world.alpenglueck.pk):
            sign_in_as("late", "late login", world.alpenglueck, world.anna)
            held.set()
            until_somebody_waits(or_else=finished.is_set)

    def rotation_now() -> None:
        held.wait(20)
        rotate("--data-keys")
        finished.set()

    at_once(as_role(WEB, sign_in), rotation_now)
    assert "late login" in opened()
    assert finished.is_set()
    assert not retired().exists()


@pytest.fixture
def claim(world, stored, tiktok) -> asking.Claim:
    """The engine has claimed Anna's login, and asks the network for a new pair."""
    Token.objects.exclude(subject_name="Anna").delete()
    Token.objects.update(next_probe_at=timezone.now())
    (token,) = leases.claim("tiktok", 1)
    return asking.Claim(token, client_of(token.app), token.open())


RENEWED = Grant("renewed", "")  # and the refresh token stays
KEPT = ("renewed", f"refresh of Anna {SECRET}")


def pair() -> tuple[str, str]:
    grant = Token.objects.get().open()
    return grant.access_token, grant.refresh_token


@pytest.mark.django_db(transaction=True)
def test_a_refresh_that_arrives_after_its_key_was_dropped_is_kept(claim):
    """The pair at the network is the new one already: it must not be lost."""
    rotate("--data-keys")
    assert not DataKey.objects.filter(pk=claim.token.data_key_id).exists()
    as_role(ENGINE, asking._commit)(claim, RENEWED)
    assert pair() == KEPT


@pytest.mark.django_db(transaction=True)
def test_a_refresh_that_arrives_while_its_row_is_moved_is_kept(claim):
    locked, done = threading.Event(), threading.Event()

    def rotation_now() -> None:
        rotation.begin_round()
        with transaction.atomic():
            rotation._move(Token, [claim.token.pk])
            locked.set()
            until_somebody_waits(or_else=done.is_set)

    def refresh() -> None:
        locked.wait(20)
        asking._commit(claim, RENEWED)
        done.set()

    at_once(as_role(ENGINE, rotation_now), as_role(ENGINE, refresh))
    assert pair() == KEPT


@pytest.mark.django_db(transaction=True)
def test_logins_are_added_reconnected_and_refreshed_while_keys_are_rotated(
    renews, settings, world, masters, tiktok, monkeypatch
):
    monkeypatch.setattr(rotation, "AT_ONCE", 3)
    store(world.alpenglueck, *(f"Person {number}" for number in range(10)))
    ends, refreshed = threading.Event(), {}
    homes = ((world.alpenglueck, world.anna), (world.nordwind, world.nils))

    def renew(grant: Grant) -> Grant:
        name = grant.access_token.split(" | ")[0]
        refreshed[name] = f"{name} | renewed {time.monotonic()}"
        return Grant(refreshed[name], f"refresh {refreshed[name]}", tiktok.scopes)

    renews(renew)

    def engine() -> None:
        with Conversations() as talk:
            while not ends.is_set():
                soon = timezone.now()
                Token.objects.filter(subject_name__startswith="Person").update(
                    next_probe_at=soon, expires_at=soon
                )
                probing.probe_due("tiktok", talk)

    def people() -> None:
        number = 0
        while not ends.is_set():
            number += 1
            for organization, user in homes:
                name = f"{organization.slug} {number % 5}"
                sign_in_as(name, f"{name} | connected {number}", organization, user)
                refreshed[name] = f"{name} | connected {number}"

    def keys() -> None:
        try:
            rounds = 0
            while rounds < 6 or len(refreshed) < 20:
                settings.TOKEN_KEYS = [new_master(), *settings.TOKEN_KEYS[:2]]
                rotate("--data-keys")
                rounds += 1
        finally:
            ends.set()

    at_once(as_role(ENGINE, engine), as_role(WEB, people), keys)
    rotate("--data-keys")
    assert not retired().exists()
    settings.TOKEN_KEYS = settings.TOKEN_KEYS[:1]
    latest = set(refreshed.values())
    assert opened() == latest | {f"refresh {text}" for text in latest}

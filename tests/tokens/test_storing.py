"""What a sign-in writes down: other apps, missing parts, shared boards, and who comes meanwhile."""

import base64
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.actor import Actor
from accounts.models import AuditEvent
from accounts.walls import OWNER
from networks.base import Reachable, Reason
from networks.registry import NETWORKS
from profiles.models import Profile
from tests import builders
from tests.practice import HOME, at_once
from tests.roles import acting_as
from tests.tokens.racing import PATIENCE, until_somebody_waits
from tokens import connecting, deleting, storing
from tokens.keys import CannotOpen
from tokens.models import Access, OAuthApp, StatusChange, Token
from tokens.status import lock_profiles, lock_tokens

pytestmark = pytest.mark.django_db
ALPENGLUECK, KARRIERE = "40010001", "40010002"  # pages of LinkedIn; Jonas is admin of both
HUETTEN = "549755900001000001"  # a board of Anna's at Pinterest


@pytest.fixture
def anna(browser, world):
    return browser(world.anna, world.alpenglueck)


@pytest.fixture
def mara(browser, world):
    return browser(world.mara, world.alpenglueck)


def text_of(answer):
    return " ".join(answer.content.decode().split())


def profile(remote_id):
    return Profile.objects.get(remote_id=remote_id)


def way_back(person, network, login, url=""):
    """The address of our callback that the network sends the browser to."""
    url = url or reverse("tokens:add_network", args=["alpenglueck", network])
    back = person.practice.visitor(network, login).travel(person.leap(url), HOME)
    return back.removeprefix(HOME)


def refresh_of(found):
    return reverse("tokens:refresh", args=["alpenglueck", found.pk])


def delete(person, found):
    return person.client.post(reverse("tokens:delete", args=["alpenglueck", found.pk]))


@pytest.fixture
def reaches(monkeypatch):
    """`reaches("linkedin", change)`: that network's listings are `change(listing)` from now on."""

    def patch(slug, change):
        reach = type(NETWORKS[slug]).reach

        def changed(self, client, grant, identity):
            found = yield from reach(self, client, grant, identity)
            return change(found)

        monkeypatch.setattr(type(NETWORKS[slug]), "reach", changed)

    return patch


# An app that is no longer configured


@pytest.fixture
def both_pages(anna):
    anna.add("linkedin", "jonas", "Alpenglück", "Alpenglück Karriere")
    return profile(ALPENGLUECK), profile(KARRIERE)


def change_the_client_id():
    """What is stored was given to an app that the settings no longer name."""
    OAuthApp.objects.update(client_id="an earlier one")


def test_after_a_reconnect_an_app_of_yesterday_keeps_no_profile_green(
    anna, both_pages, practice, probe
):
    page, other = both_pages
    change_the_client_id()
    anna.refresh(page, "jonas")
    assert page.accesses.get().token.app.client
    practice.pull("linkedin", "revoke_app", person="jonas")
    probe("linkedin", times=2)
    page.refresh_from_db()
    assert page.status == "lost"


def test_a_profile_that_was_not_connected_again_keeps_what_it_has(anna, both_pages):
    page, other = both_pages
    change_the_client_id()
    anna.refresh(page, "jonas")
    anna.add("linkedin", "jonas")
    assert other.accesses.count() == 1
    other.refresh_from_db()
    assert other.is_valid


def test_a_page_picked_under_the_new_app_leaves_the_old_one(anna, both_pages):
    change_the_client_id()
    anna.add("linkedin", "jonas", "Alpenglück Karriere")
    page, other = both_pages
    assert other.accesses.get().token.app.client
    assert page.accesses.get().token.app.client is None


def test_a_new_app_takes_the_old_ones_ends_with_it_and_raises_no_alarm(anna, both_pages):
    page, _ = both_pages
    change_the_client_id()
    late = timezone.now() + timedelta(days=4000)
    Token.objects.update(reauthorize_by=late, refresh_expires_at=late)
    anna.refresh(page, "jonas")
    page.refresh_from_db()
    assert page.next_end == page.accesses.get().token.reauthorize_by
    assert page.next_end < late
    assert not StatusChange.objects.filter(profile_valid=False).exists()
    change = StatusChange.objects.latest("id")
    assert change.profile_was_valid, "it was green before, and nobody is told that it came back"


def test_an_app_that_is_still_configured_keeps_its_access(anna, mara, both_pages, monkeypatch):
    page, _ = both_pages
    change_the_client_id()
    monkeypatch.setattr(OAuthApp, "is_configured", True)
    mara.refresh(page, "anna")
    assert page.accesses.count() == 2


# What a sign-in proves


def test_a_sign_in_turns_green_only_what_it_reaches(anna, both_pages, practice, probe):
    page, other = both_pages
    practice.pull("linkedin", "revoke_app", person="jonas")
    probe("linkedin", times=2)
    practice.pull("linkedin", "remove_role", person="jonas", profile=KARRIERE)
    anna.refresh(page, "jonas")
    page.refresh_from_db()
    other.refresh_from_db()
    assert page.is_valid
    assert not other.is_valid
    assert other.accesses.get().reason == Reason.PERMISSION_LOST


def test_a_sign_in_alone_turns_nothing_red_and_has_the_listing_read_again(
    anna, both_pages, practice
):
    page, other = both_pages
    practice.pull("linkedin", "remove_role", person="jonas", profile=KARRIERE)
    anna.refresh(page, "jonas")
    other.refresh_from_db()
    assert other.is_valid
    assert Token.objects.get().listed_at is None


# What a grant or a listing lacks, or has too much of


def test_a_reconnect_without_a_refresh_token_keeps_the_one_we_have_and_its_end(anna, monkeypatch):
    anna.add("tiktok", "anna")
    before = Token.objects.get()
    assert before.refresh_expires_at
    exchange = type(before.network).exchange

    def without(self, client, callback, keep):
        grant = yield from exchange(self, client, callback, keep)
        return replace(grant, refresh_token="", refresh_expires_at=None)

    monkeypatch.setattr(type(before.network), "exchange", without)
    anna.refresh(Profile.objects.get(), "anna")
    after = Token.objects.get()
    assert after.open().access_token != before.open().access_token
    assert after.open().refresh_token == before.open().refresh_token
    assert after.refresh_expires_at == before.refresh_expires_at


def test_a_listing_that_names_everything_twice_doubles_nothing(anna, reaches):
    reaches("pinterest", lambda found: found + found)
    anna.add("pinterest", "anna")
    assert Profile.objects.count() == Access.objects.count() == 4


def test_a_page_that_is_picked_twice_is_there_once(anna, reaches):
    reaches("linkedin", lambda found: found + found)
    anna.add("linkedin", "anna", "Alpenglück")
    assert Profile.objects.count() == Access.objects.count() == 1


@pytest.mark.parametrize(("said", "kept"), [("Neuer Name", "Neuer Name"), (ALPENGLUECK, "before")])
def test_names_and_addresses_are_taken_over_at_a_reconnect(anna, reaches, said, kept):
    anna.add("linkedin", "anna", "Alpenglück")
    Profile.objects.update(name="before", url="https://page.example/before")
    reaches("linkedin", lambda found: [replace(one, name=said) for one in found])
    anna.refresh(profile(ALPENGLUECK), "anna")
    found = profile(ALPENGLUECK)
    assert found.name == kept
    assert found.url == "https://www.linkedin.com/company/alpenglueck"


# A board that two accounts share


@pytest.fixture
def shared_board(anna, practice):
    practice.pull("pinterest", "grant_role", person="mia", profile=HUETTEN)
    anna.add("pinterest", "anna")
    anna.add("pinterest", "mia")
    return profile(HUETTEN)


def test_a_shared_board_stays_where_it_hangs(shared_board):
    assert shared_board.parent == Profile.objects.get(name="Alpenglück")
    assert shared_board.accesses.count() == 2


def test_a_shared_board_outlives_one_of_its_accounts(anna, shared_board):
    delete(anna, shared_board.parent)
    deleted = AuditEvent.objects.filter(verb="profile_deleted")
    assert {event.object_name for event in deleted} == {"Alpenglück", "Rezepte", "Wanderwege"}
    shared_board.refresh_from_db()
    assert shared_board.parent is None
    assert shared_board.is_valid
    assert not Profile.objects.filter(name__in=["Rezepte", "Wanderwege"]).exists()
    anna.add("pinterest", "mia")
    shared_board.refresh_from_db()
    assert shared_board.parent == Profile.objects.get(name="Bergheim Hotels")


# Gone meanwhile


def test_reconnecting_a_profile_that_was_deleted_meanwhile_writes_nothing(anna, monkeypatch):
    anna.add("linkedin", "anna", "Alpenglück")
    page = profile(ALPENGLUECK)
    arrive = connecting.arrive

    def deleted_on_the_way(trip, callback):
        arrival = arrive(trip, callback)
        delete(anna, page)
        return arrival

    monkeypatch.setattr(connecting, "arrive", deleted_on_the_way)
    answer = anna.refresh(page, "jonas")
    assert answer.status_code == 400
    assert "The profile is gone" in text_of(answer)
    assert refresh_of(page) not in answer.content.decode()
    assert not (Token.objects.exists() or Profile.objects.exists() or Access.objects.exists())


def test_a_trip_for_a_profile_that_is_gone_ends_on_a_page(anna):
    anna.add("linkedin", "anna", "Alpenglück")
    back = way_back(anna, "linkedin", "jonas", refresh_of(profile(ALPENGLUECK)))
    delete(anna, profile(ALPENGLUECK))
    assert anna.come_back(back).status_code == 400
    assert not Token.objects.exists()


def test_choosing_for_a_token_that_is_gone_is_not_found(anna, monkeypatch):
    choice = anna.add("linkedin", "anna")["Location"]
    reach_again = connecting.reach_again

    def deleted_on_the_way(token):
        found = reach_again(token)
        with acting_as(OWNER):
            Token.objects.all().delete()
        return found

    monkeypatch.setattr(connecting, "reach_again", deleted_on_the_way)
    assert anna.client.post(choice, {"chosen": f"page {ALPENGLUECK}"}).status_code == 404
    assert anna.client.get(choice).status_code == 404
    assert not Profile.objects.exists()


# Two at once


@pytest.fixture
def deleting_waits(monkeypatch):
    """An event: somebody deletes, holds every lock, and goes on when somebody else waits."""
    locked = threading.Event()
    lock = deleting._lock

    def then_wait(profile):
        going = lock(profile)
        locked.set()
        until_somebody_waits()
        return going

    monkeypatch.setattr(deleting, "_lock", then_wait)
    return locked


@pytest.fixture
def answers():
    """What `then` was answered."""
    return []


def then(event, call, answers):
    assert event.wait(PATIENCE)
    answers.append(call())


@pytest.mark.django_db(transaction=True)
def test_a_login_can_be_connected_while_it_is_being_deleted(anna, mara, deleting_waits, answers):
    anna.add("pinterest", "anna")
    account = Profile.objects.get(parent=None)
    call = partial(mara.come_back, way_back(mara, "pinterest", "anna"))
    at_once(partial(delete, anna, account), partial(then, deleting_waits, call, answers))
    assert [answer.status_code for answer in answers] == [302]
    assert Token.objects.count() == 1
    assert Profile.objects.filter(status="valid").count() == 4


@pytest.mark.django_db(transaction=True)
def test_a_page_can_be_picked_by_another_login_while_it_is_being_deleted(
    anna, mara, deleting_waits, answers
):
    anna.add("linkedin", "anna", "Alpenglück")
    choice = mara.add("linkedin", "jonas")["Location"]
    call = partial(mara.client.post, choice, {"chosen": f"page {ALPENGLUECK}"})
    delete_it = partial(delete, anna, profile(ALPENGLUECK))
    at_once(delete_it, partial(then, deleting_waits, call, answers))
    assert [answer.status_code for answer in answers] == [302]
    assert profile(ALPENGLUECK).is_valid
    assert Access.objects.get().token.subject_name == "Jonas Berg"


@pytest.mark.django_db(transaction=True)
def test_a_reconnect_while_the_profile_is_being_deleted_finds_it_gone(
    anna, mara, deleting_waits, answers
):
    anna.add("linkedin", "anna", "Alpenglück")
    page = profile(ALPENGLUECK)
    call = partial(mara.come_back, way_back(mara, "linkedin", "jonas", refresh_of(page)))
    at_once(partial(delete, anna, page), partial(then, deleting_waits, call, answers))
    assert "The profile is gone" in text_of(answers[0])
    assert not (Token.objects.exists() or Profile.objects.exists())


@contextmanager
def slow_inserts():
    """Every row of a profile takes its time, so that two statements meet halfway."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_sleep(0.4); RETURN NEW; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER linger BEFORE INSERT ON profiles_profile "
            "FOR EACH ROW EXECUTE FUNCTION linger()"
        )
        try:
            yield
        finally:
            cursor.execute("DROP TRIGGER linger ON profiles_profile; DROP FUNCTION linger()")


@pytest.mark.django_db(transaction=True)
def test_two_people_who_pick_the_same_pages_at_once_do_not_wait_in_a_circle(
    anna, mara, practice, monkeypatch, answers
):
    practice.pull("linkedin", "grant_role", person="anna", profile=KARRIERE)
    choices = [anna.add("linkedin", "anna"), mara.add("linkedin", "jonas")]
    reach_again = connecting.reach_again

    def in_two_orders(token):
        found = reach_again(token)
        return found if token.subject_name == "Anna Huber" else found[::-1]

    monkeypatch.setattr(connecting, "reach_again", in_two_orders)
    picked = {"chosen": [f"page {ALPENGLUECK}", f"page {KARRIERE}"]}

    def pick(person, choice):
        answers.append(person.client.post(choice["Location"], picked).status_code)

    with slow_inserts():
        at_once(partial(pick, anna, choices[0]), partial(pick, mara, choices[1]))
    assert answers == [302, 302]
    assert Profile.objects.filter(status="valid").count() == 2
    assert Access.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_a_reconnect_locks_the_profiles_of_its_login_in_the_order_of_the_engine(
    anna, both_pages, answers
):
    first, last = sorted(both_pages, key=lambda page: page.pk)
    back = way_back(anna, "linkedin", "jonas", refresh_of(last))
    locked = threading.Event()

    def like_a_probe_of_another_login():
        with transaction.atomic():
            lock_profiles(Q(pk=first.pk))
            locked.set()
            until_somebody_waits()
            lock_profiles(Q(pk=last.pk))

    come_back = partial(then, locked, partial(anna.client.get, back), answers)
    at_once(like_a_probe_of_another_login, come_back)
    assert [answer.status_code for answer in answers] == [302]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("lock", ["tokens", "profiles"])
def test_rows_are_locked_in_the_order_of_their_ids_wherever_they_lie(world, lock):
    for number in (2, 1):  # the last one lies first
        if lock == "tokens":
            builders.token(world.alpenglueck, id=UUID(int=number))
        else:
            builders.profile(world.alpenglueck, id=UUID(int=number))
    first, last = UUID(int=1), UUID(int=2)
    held = threading.Event()

    def lock_them(*ids):
        if lock == "tokens":
            lock_tokens(ids)
        else:
            lock_profiles(Q(pk__in=ids))

    def one_after_the_other():
        with transaction.atomic():
            lock_them(first)
            held.set()
            until_somebody_waits()
            lock_them(last)

    def both():
        assert held.wait(PATIENCE)
        with transaction.atomic():
            lock_them(last, first)

    at_once(one_after_the_other, both)


def test_a_page_without_the_role_is_given_no_access_whoever_asks(anna, world):
    anna.add("linkedin", "ben")
    token = Token.objects.get()
    one = Reachable("page", ALPENGLUECK, "Alpenglück", missing_role="ADMINISTRATOR")
    assert storing.choose(token, [one], by=Actor(world.anna)) == []
    assert not Profile.objects.exists()


# Keys that are gone


@pytest.fixture
def another_key(settings):
    """Puts the key that sealed everything so far out of reach."""

    def change():
        settings.TOKEN_KEYS = [base64.b64encode(b"another key of thirty-two bytes!").decode()]

    return change


def test_a_token_that_does_not_open_ends_on_a_page(anna, another_key):
    choice = anna.add("linkedin", "anna")["Location"]
    another_key()
    for answer in (anna.client.get(choice), anna.client.post(choice, {"chosen": "page 1"})):
        assert answer.status_code == 200
        assert "The access tokens cannot be opened" in text_of(answer)
        assert "The operator of this installation has to settle that" in text_of(answer)
    assert not Profile.objects.exists()


def test_a_trip_that_does_not_open_ends_on_a_page(anna, another_key):
    back = way_back(anna, "linkedin", "anna")
    another_key()
    assert "The access tokens cannot be opened" in text_of(anna.come_back(back))
    assert not Token.objects.exists()


def test_nobody_is_sent_to_a_network_while_nothing_can_be_stored(anna, another_key):
    anna.add("tiktok", "anna")
    another_key()
    url = reverse("tokens:add_network", args=["alpenglueck", "tiktok"])
    answer = anna.client.post(url)
    assert answer.status_code == 200
    assert "The access tokens cannot be opened" in text_of(answer)


def test_what_cannot_be_stored_when_it_comes_ends_on_a_page(anna, monkeypatch):
    def lost(*_):
        raise CannotOpen("key 0badc0de is not in TOKEN_KEYS")

    back = way_back(anna, "tiktok", "anna")
    monkeypatch.setattr("tokens.vault.seal", lost)
    assert "The access tokens cannot be opened" in text_of(anna.come_back(back))
    assert not Token.objects.exists()


def test_a_refresh_token_that_stays_stays_under_the_key_of_its_row(anna, reaches, monkeypatch):
    anna.add("tiktok", "anna")
    token = Token.objects.get()
    was = token.open().refresh_token
    token.data_key.retired_at = timezone.now()
    token.data_key.save()
    exchange = type(NETWORKS["tiktok"]).exchange

    def without_refresh_token(self, *args):
        grant = yield from exchange(self, *args)
        return replace(grant, refresh_token="")

    monkeypatch.setattr(type(NETWORKS["tiktok"]), "exchange", without_refresh_token)
    anna.add("tiktok", "anna")
    assert Token.objects.get().open().refresh_token == was

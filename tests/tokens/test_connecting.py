"""Adding profiles and refreshing connections, through pages and real networks of practice."""

import threading
from functools import partial

import pytest
from django.core.checks import run_checks
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from accounts.models import AuditEvent, Membership, Role
from networks.base import TransportError
from networks.registry import NETWORKS
from profiles.models import Profile
from tests.practice import HOME, at_once
from tests.tokens.racing import PATIENCE, until_somebody_waits
from tokens import connecting, storing
from tokens.models import Access, AuthorizationRequest, StatusChange, Token
from tokens.views.connecting import STATES

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna(browser, world):
    return browser(world.anna, world.alpenglueck)


@pytest.fixture
def page(anna):
    """The LinkedIn page Alpenglück, connected by Anna."""
    anna.add("linkedin", "anna", "Alpenglück")
    return Profile.objects.get(name="Alpenglück", kind_slug="page")


def nothing_written():
    return not (Token.objects.exists() or Profile.objects.exists() or Access.objects.exists())


def text_of(answer):
    return " ".join(answer.content.decode().split())


# Adding


def test_a_linkedin_page_is_chosen_from_what_the_login_reaches(anna, page):
    assert page.is_valid
    assert page.next_end is not None
    assert Profile.objects.count() == 1
    change = StatusChange.objects.get()
    assert (change.profile_was_valid, change.profile_valid) == (False, True)
    assert AuditEvent.objects.filter(verb="connected", object_id=str(page.pk)).count() == 1


def test_the_callback_leads_to_the_choice_and_then_to_the_list(anna, world):
    answer = anna.add("linkedin", "anna")
    assert "/choose/" in answer["Location"]
    choice = anna.client.get(answer["Location"])
    assert [c["one"].name for c in choice.context["choices"]] == ["Anna Huber", "Alpenglück"]
    picked = anna.client.post(answer["Location"], {"chosen": "page 40010001"})
    assert picked["Location"] == reverse("tokens:profile_list", args=["alpenglueck"])


def test_a_tiktok_account_is_there_at_once(anna):
    anna.add("tiktok", "anna")
    profile = Profile.objects.get()
    assert (profile.network_slug, profile.is_valid) == ("tiktok", True)


def test_a_xing_profile_is_connected_by_oauth_1(anna):
    anna.add("xing", "anna")
    assert Profile.objects.get().is_valid
    assert Token.objects.get().ends_for_people_at is None


def test_a_pinterest_account_brings_all_its_boards_under_it(anna):
    anna.add("pinterest", "anna")
    account = Profile.objects.get(parent=None)
    assert {board.name for board in account.children.all()} == {
        "Hütten im Herbst",
        "Rezepte",
        "Wanderwege",
    }
    assert all(board.is_valid for board in account.children.all())
    assert Token.objects.count() == 1


def test_what_we_can_renew_for_ever_has_no_end_that_a_person_must_know(anna):
    anna.add("pinterest", "anna")
    assert Token.objects.get().refresh_expires_at
    assert not Profile.objects.exclude(next_end=None).exists()


@pytest.mark.parametrize(("person", "boards"), [("leer", 0), ("archiv", 600)])
def test_an_account_with_no_board_or_hundreds_is_loaded_whole(anna, person, boards):
    anna.add("pinterest", person)
    assert Profile.objects.filter(kind_slug="board").count() == boards
    assert Profile.objects.filter(kind_slug="account", status="valid").count() == 1


def test_adding_the_same_login_again_renews_it_and_doubles_nothing(anna):
    anna.add("pinterest", "anna")
    before = bytes(Token.objects.get().access_token)
    anna.add("pinterest", "anna")
    assert Profile.objects.count() == 4
    assert StatusChange.objects.count() == 4
    assert bytes(Token.objects.get().access_token) != before


def test_a_person_without_the_super_admin_role_reads_which_page_lacks_it(anna):
    answer = anna.add("linkedin", "ben")
    choice = anna.client.get(answer["Location"])
    missing = {c["one"].name: c["one"].missing_role for c in choice.context["choices"]}
    assert missing["Alpenglück"] == "ADMINISTRATOR"
    picked = anna.client.post(answer["Location"], {"chosen": "page 40010001"})
    assert picked.status_code == 200
    assert not Profile.objects.exists()


def test_an_ad_account_is_refused_with_that_sentence(anna):
    answer = anna.add("tiktok", "ads")
    # The same sentence stands in the notes about every sign-in.
    assert answer.context["explanation"].title == "Ad accounts cannot be connected"
    assert nothing_written()


def test_a_cancelled_consent_changes_nothing(anna):
    for network in ("linkedin", "tiktok", "pinterest", "xing"):
        answer = anna.add(network, "anna", decision="deny")
        assert answer.context["explanation"].title.startswith("You cancelled"), network
    assert nothing_written()


def test_a_refused_scope_is_named_and_nothing_is_written(anna):
    answer = anna.add("tiktok", "anna", refuse=("video.publish",))
    assert "video.publish" in text_of(answer)
    assert nothing_written()


def test_a_network_without_a_client_id_is_not_offered(anna, settings):
    settings.OAUTH_CLIENTS = settings.OAUTH_CLIENTS | {"xing": ("", "")}
    settings.OAUTH_CLIENTS.pop("tiktok")
    settings.OAUTH_CLIENTS.pop("bluesky")
    page = anna.client.get(reverse("tokens:add", args=["alpenglueck"]))
    offered = {network.slug for network in page.context["networks"]}
    # A server of Mastodon gives us one when it is first asked.
    assert offered == NETWORKS.keys() - {"tiktok", "xing", "bluesky"}
    for slug in ("tiktok", "xing", "bluesky"):
        url = reverse("tokens:add_network", args=["alpenglueck", slug])
        assert anna.client.get(url).status_code == 404


def test_a_network_that_fails_between_code_and_token_changes_nothing(anna, practice):
    url = reverse("tokens:add_network", args=["alpenglueck", "linkedin"])
    back = practice.visitor("linkedin", "anna").travel(anna.leap(url), HOME)
    practice.pull("linkedin", "outage", mode="5xx")
    answer = anna.come_back(back)
    assert "not answering" in text_of(answer)
    assert nothing_written()


def test_a_network_that_hangs_is_waited_for_and_then_refused(anna, practice, monkeypatch):
    monkeypatch.setattr("networks.http.REQUEST_LIMIT", 0.5)
    url = reverse("tokens:add_network", args=["alpenglueck", "pinterest"])
    back = practice.visitor("pinterest", "anna").travel(anna.leap(url), HOME)
    practice.pull("pinterest", "outage", mode="timeout")
    answer = anna.come_back(back)
    assert "not answering" in text_of(answer)
    assert nothing_written()


def test_a_wrong_client_secret_is_the_operators_trouble(anna, settings):
    settings.OAUTH_CLIENTS = settings.OAUTH_CLIENTS | {"linkedin": ("practice-linkedin", "wrong")}
    answer = anna.add("linkedin", "anna")
    assert "does not accept our app" in text_of(answer)
    assert nothing_written()


# `state`


@pytest.fixture
def way_back(anna, practice):
    """Anna stands before our callback, coming from LinkedIn."""
    url = reverse("tokens:add_network", args=["alpenglueck", "linkedin"])
    back = practice.visitor("linkedin", "anna").travel(anna.leap(url), HOME)
    return back.removeprefix(HOME)


def test_a_state_is_good_once(anna, way_back):
    assert anna.come_back(way_back).status_code == 302
    Token.objects.all().delete()
    again = anna.come_back(way_back)
    assert again.status_code == 400
    assert nothing_written()


def test_a_missing_or_invented_state_is_refused(anna, way_back):
    address, query = way_back.split("?")
    for forged in ("code=abc", "code=abc&state=", "code=abc&state=invented"):
        assert anna.come_back(f"{address}?{forged}").status_code == 400
    assert nothing_written()
    assert AuthorizationRequest.objects.count() == 1


@pytest.mark.parametrize("name", ["mara", "anna"])
def test_a_state_of_another_session_is_refused(browser, way_back, world, name):
    elsewhere = browser(getattr(world, name), world.alpenglueck)
    assert elsewhere.come_back(way_back).status_code == 400
    assert nothing_written()
    assert AuthorizationRequest.objects.exists(), "whose it is can still use it"


def test_a_state_of_another_person_is_refused_even_in_her_session(browser, way_back, world, anna):
    mara = browser(world.mara, world.alpenglueck)
    session = mara.client.session
    session[STATES] = anna.client.session[STATES]
    session.save()
    assert mara.come_back(way_back).status_code == 400
    assert nothing_written()


def test_a_state_made_for_another_network_is_refused(anna, way_back):
    answer = anna.come_back(way_back.replace("/linkedin/", "/pinterest/"))
    assert answer.status_code == 400
    assert nothing_written()


def test_a_state_that_only_the_session_knows_is_refused(anna, way_back):
    AuthorizationRequest.objects.all().delete()
    assert anna.come_back(way_back).status_code == 400
    assert nothing_written()


def test_a_state_older_than_an_hour_is_refused(anna, way_back):
    AuthorizationRequest.objects.update(created_at=timezone.now() - connecting.STATE_AGE * 1.01)
    assert anna.come_back(way_back).status_code == 400
    assert nothing_written()


def test_a_person_who_lost_the_right_while_away_writes_nothing(anna, way_back, world):
    Membership.objects.filter(user=world.anna).update(role=Role.MEMBER)
    answer = anna.come_back(way_back)
    assert answer.status_code == 403
    assert "You may not connect this any more" in text_of(answer)
    assert nothing_written()


def test_a_person_who_left_the_organization_while_away_writes_nothing(anna, way_back, world):
    Membership.objects.filter(user=world.anna).delete()
    answer = anna.come_back(way_back)
    assert answer.status_code == 400
    assert "you do not work for that organization any more" in text_of(answer)
    assert "/o/alpenglueck/" not in text_of(answer), "a door that does not open any more"
    assert nothing_written()


def test_an_owner_who_lost_the_profile_while_away_writes_nothing(
    browser, world, practice, anna, page
):
    otto = browser(world.otto, world.alpenglueck)
    page.ownerships.create(organization=world.alpenglueck, user=world.otto)
    url = reverse("tokens:refresh", args=["alpenglueck", page.pk])
    back = practice.visitor("linkedin", "jonas").travel(otto.leap(url), HOME)
    page.ownerships.all().delete()
    assert otto.come_back(back).status_code == 403
    assert Token.objects.count() == 1


def test_a_signed_out_person_signs_in_first_and_finds_nothing_written(anna, way_back):
    anna.client.logout()
    assert "/accounts/login/" in anna.come_back(way_back)["Location"]
    assert nothing_written()


def test_an_invented_code_is_refused_and_nothing_is_written(anna, way_back):
    state = way_back.split("state=")[1].split("&")[0]
    answer = anna.come_back(f"/oauth/linkedin/callback/?code=invented&state={state}")
    assert "did not accept the sign-in" in text_of(answer)
    assert nothing_written()


def test_a_sign_in_that_takes_too_long_in_all_is_refused(anna, way_back, monkeypatch):
    def endless(self, client, grant, identity):
        raise TransportError("the conversation took too long")
        yield  # a conversation, of no words

    monkeypatch.setattr(type(NETWORKS["linkedin"]), "reach", endless)
    assert "not answering" in text_of(anna.come_back(way_back))
    assert nothing_written()


def test_members_add_nothing_and_outsiders_find_nothing(anna, browser, world):
    choice = anna.add("linkedin", "anna")["Location"]
    add = reverse("tokens:add", args=["alpenglueck"])
    add_network = reverse("tokens:add_network", args=["alpenglueck", "linkedin"])
    for user, expected in ((world.otto, 403), (world.nils, 404)):
        client = browser(user, world.alpenglueck).client
        for url in (add, add_network, choice):
            assert client.get(url).status_code == expected
        for url in (add_network, choice):
            answer = client.post(url, {"chosen": "page 40010001"})
            assert answer.status_code == expected
    assert not AuthorizationRequest.objects.exists()
    assert not Profile.objects.exists()


def test_a_neighbours_login_is_not_chosen_from(anna, browser, world):
    theirs = anna.add("linkedin", "anna")["Location"]
    nils = browser(world.nils, world.nordwind)
    ours = theirs.replace("/alpenglueck/", "/nordwind/")
    assert nils.client.get(ours).status_code == 404
    assert nils.client.post(ours, {"chosen": "page 40010001"}).status_code == 404


def test_a_network_without_a_client_id_is_named_by_a_system_check(settings):
    settings.OAUTH_CLIENTS = {slug: ("id", "secret") for slug in NETWORKS if slug != "xing"}
    (said,) = [one for one in run_checks() if one.id == "tokens.I001"]
    assert "XING is not offered" in said.msg
    assert "XING_CLIENT_ID" in str(said.hint)


@pytest.mark.parametrize("path", ["add_network", "refresh"])
def test_a_trip_to_a_network_without_a_client_id_does_not_begin(anna, page, settings, path):
    settings.OAUTH_CLIENTS = {}
    more = page.pk if path == "refresh" else "linkedin"
    answer = anna.client.post(reverse(f"tokens:{path}", args=["alpenglueck", more]))
    assert answer.status_code == {"refresh": 200, "add_network": 404}[path]
    assert not AuthorizationRequest.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_callbacks_with_one_state_are_one(anna, way_back):
    cookies = anna.client.cookies
    led_to = []

    def come_back():
        client = type(anna.client)()
        client.cookies = cookies
        led_to.append(client.get(way_back)["Location"])

    at_once(come_back, come_back)
    assert sorted("outcome" in address for address in led_to) == [False, True]
    assert Token.objects.count() == 1


# Refreshing


@pytest.fixture
def dead_page(page, practice, probe):
    practice.pull("linkedin", "change_password", person="anna")
    probe("linkedin", times=2)
    page.refresh_from_db()
    assert not page.is_valid
    return page


def test_the_same_login_renews_its_token_and_the_check_is_green(anna, dead_page):
    answer = anna.refresh(dead_page, "anna")
    assert answer.status_code == 302
    dead_page.refresh_from_db()
    assert dead_page.is_valid
    assert Token.objects.count() == 1
    assert Token.objects.get().reason == ""
    assert AuditEvent.objects.filter(verb="reconnected").count() == 1


def test_one_login_heals_everything_that_hangs_on_it(anna, practice, probe):
    anna.add("pinterest", "anna")
    practice.pull("pinterest", "revoke_app", person="anna")
    probe("pinterest", times=2)
    assert not Profile.objects.filter(status="valid").exists()
    board = Profile.objects.filter(kind_slug="board").first()
    anna.refresh(board, "anna")
    assert Profile.objects.filter(status="valid").count() == 4


def test_another_account_is_refused_and_nothing_is_written(anna, dead_page):
    before = Token.objects.values().get()
    answer = anna.refresh(dead_page, "mia")
    words = text_of(answer)
    assert "Alpenglück" in words
    assert "Mia Lang" in words
    assert "Last time that was Anna Huber." in words
    assert Token.objects.values().get() == before
    assert StatusChange.objects.count() == 2
    dead_page.refresh_from_db()
    assert not dead_page.is_valid


def test_a_login_that_sees_the_page_without_the_role_is_refused(anna, dead_page):
    answer = anna.refresh(dead_page, "ben")
    assert "Ben Maier" in text_of(answer)
    assert Token.objects.count() == 1


def test_another_login_with_the_role_becomes_a_second_access_to_this_profile_only(anna, dead_page):
    anna.refresh(dead_page, "jonas")
    dead_page.refresh_from_db()
    assert dead_page.is_valid
    assert Token.objects.count() == 2
    second = Token.objects.get(subject_name="Jonas Berg")
    assert [access.profile for access in second.accesses.all()] == [dead_page]
    assert not Profile.objects.filter(name="Alpenglück Karriere").exists()


def test_for_a_profile_that_is_the_login_only_that_login_is_right(anna, practice, probe):
    anna.add("tiktok", "anna")
    profile = Profile.objects.get()
    answer = anna.refresh(profile, "ben")
    assert answer.status_code == 200
    assert Token.objects.count() == 1
    assert Profile.objects.count() == 1


def test_an_owner_may_refresh_what_is_hers_and_nothing_else(browser, world, anna, dead_page):
    otto = browser(world.otto, world.alpenglueck)
    url = reverse("tokens:refresh", args=["alpenglueck", dead_page.pk])
    assert otto.client.get(url).status_code == 404
    dead_page.ownerships.create(organization=world.alpenglueck, user=world.otto)
    assert otto.client.get(url).status_code == 200
    otto.refresh(dead_page, "anna")
    dead_page.refresh_from_db()
    assert dead_page.is_valid


def test_who_only_works_with_a_profile_does_not_refresh_it(browser, world, dead_page):
    dead_page.team_assignments.create(organization=world.alpenglueck, team=world.kitchen)
    tim = browser(world.tim, world.alpenglueck)
    assert tim.client.get(reverse("tokens:profile_list", args=["alpenglueck"])).status_code == 200
    url = reverse("tokens:refresh", args=["alpenglueck", dead_page.pk])
    assert tim.client.get(url).status_code == 404
    assert tim.client.post(url).status_code == 404


def test_a_neighbours_profile_is_not_refreshed(browser, world, dead_page):
    nils = browser(world.nils, world.nordwind)
    url = reverse("tokens:refresh", args=["nordwind", dead_page.pk])
    assert nils.client.get(url).status_code == 404
    assert nils.client.post(url).status_code == 404


def test_a_neighbours_reconnect_leaves_our_token_alone(browser, world, anna, page):
    ours = Token.objects.values().get()
    nils = browser(world.nils, world.nordwind)
    nils.add("linkedin", "anna", "Alpenglück")
    assert Token.objects.filter(organization=world.alpenglueck).values().get() == ours
    assert Profile.objects.filter(name="Alpenglück").count() == 2


def test_before_the_leap_one_reads_who_must_sign_in(anna):
    for network in NETWORKS.values():
        page = anna.client.get(reverse("tokens:add_network", args=["alpenglueck", network.slug]))
        assert str(escape(network.login_hint)) in page.content.decode(), network.slug


def test_no_page_before_the_leap_writes_on_get(anna, page):
    counts = (Token.objects.count(), AuthorizationRequest.objects.count())
    for name, *more in (("add",), ("add_network", "linkedin"), ("refresh", page.pk)):
        url = reverse(f"tokens:{name}", args=["alpenglueck", *more])
        assert anna.client.get(url).status_code == 200
    assert (Token.objects.count(), AuthorizationRequest.objects.count()) == counts


@pytest.mark.django_db(transaction=True)
def test_two_reconnects_at_once_leave_one_living_token(
    browser, world, dead_page, practice, monkeypatch
):
    people = [browser(world.anna, world.alpenglueck), browser(world.mara, world.alpenglueck)]
    url = reverse("tokens:refresh", args=["alpenglueck", dead_page.pk])
    backs = [practice.visitor("linkedin", "anna").travel(one.leap(url), HOME) for one in people]

    first, second = (
        partial(one.client.get, back.removeprefix(HOME))
        for one, back in zip(people, backs, strict=True)
    )
    renew, first_holds, second_is_back = storing._renew, threading.Event(), threading.Event()

    def slowly(*args):
        if not first_holds.is_set():
            first_holds.set()
            until_somebody_waits(or_else=second_is_back.is_set)
        renew(*args)

    def come_second():
        assert first_holds.wait(PATIENCE)
        second()
        second_is_back.set()

    monkeypatch.setattr(storing, "_renew", slowly)
    at_once(first, come_second)
    assert Token.objects.count() == 1
    dead_page.refresh_from_db()
    assert dead_page.is_valid
    assert StatusChange.objects.filter(reason="").count() == 2

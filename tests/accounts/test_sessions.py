"""Where a person is signed in, for how long, and what ends it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from accounts import tasks
from accounts.devices import device
from accounts.models import User
from tests.accounts.conftest import PASSWORD
from tests.accounts.test_settings import read
from tests.people import World, sign_in
from tests.roles import queries_of

URL = reverse("accounts:sessions")
HOME = "/account/settings/"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


def enter(user: User, agent: str = WINDOWS, address: str = "203.0.113.9") -> Client:
    """Through the sign-in page."""
    client = Client(REMOTE_ADDR=address, HTTP_USER_AGENT=agent)
    sent = {"login": user.email, "password": "secret"}
    assert client.post(reverse("account_login"), sent).status_code == 302
    return client


def is_in(client: Client) -> bool:
    return client.get(HOME).status_code == 200


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """`later(60)`: a minute on, for clocks of Python and of Django alike."""
    now, moment = time.time(), timezone.now()

    def go(seconds: float) -> None:
        there = timedelta(seconds=seconds)
        monkeypatch.setattr(time, "time", lambda: now + seconds)
        monkeypatch.setattr("django.utils.timezone.now", lambda: moment + there)

    return go


# --- The list -----------------------------------------------------------------------------------


def test_the_list_says_where_since_when_and_which_is_this_one(world: World) -> None:
    enter(world.otto)
    here = enter(world.otto, "Mozilla/5.0 (iPhone) Version/17 Safari/604", "2001:db8::1")
    sign_in(Client(), world.mara)
    page = here.get(URL)
    lines = [(one.user_agent, one.ip) for one in page.context["sessions"]]
    assert [ip for _, ip in lines] == ["2001:db8::1", "203.0.113.9"]
    words = read(page)
    assert words.index("Safari, iPhone this session") < words.index("Firefox, Windows")
    assert page.content.decode().count('name="session"') == 1, "not for this one"


def test_one_session_is_ended_and_others_go_on(world: World) -> None:
    lost, other, here = (enter(world.otto) for _ in range(3))
    pk = UserSession.objects.get(session_key=lost.session.session_key).pk
    here.post(URL, {"session": pk})
    assert [is_in(one) for one in (lost, other, here)] == [False, True, True]


def test_all_others_are_ended_at_once(world: World) -> None:
    lost, other, here, neighbour = *(enter(world.otto) for _ in range(3)), enter(world.mara)
    here.post(URL)
    assert [is_in(one) for one in (lost, other, here)] == [False, False, True]
    assert is_in(neighbour)


def test_nobody_ends_another_persons_session(world: World) -> None:
    theirs, mine = enter(world.mara), enter(world.otto)
    pk = UserSession.objects.get(user=world.mara).pk
    for chosen in (str(pk), "0", "nonsense", "9" * 30):
        assert mine.post(URL, {"session": chosen}).status_code == 404
    assert is_in(theirs)


def test_the_list_asks_the_database_four_times_and_thrice_for_each_session(world: World) -> None:
    """Each is looked at, so that none is listed that has ended."""
    here = enter(world.otto)
    one = len(queries_of(lambda: here.get(URL)))
    enter(world.otto)
    two = len(queries_of(lambda: here.get(URL)))
    assert (one, two - one) == (7, 3)


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (WINDOWS, "Firefox, Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X) Chrome/140 Safari/537", "Chrome, Mac"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140 Safari/537 Edg/140", "Edge, Windows"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140 Mobile Safari/537", "Chrome, Android"),
        ("Mozilla/5.0 (iPhone; CPU like Mac OS X) CriOS/140 Safari/604", "Chrome, iPhone"),
        ("curl/8", "Unknown browser"),
        ("<script>alert(1)</script>", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_is_called_as_people_call_it(agent: str, words: str) -> None:
    with override("en"):
        assert device(agent) == words


# --- What ends a session ------------------------------------------------------------------------


def test_a_new_password_ends_all_sessions_but_the_one_it_was_chosen_in(
    world: World, mailoutbox: Any
) -> None:
    other, here = enter(world.otto), enter(world.otto)
    sent = {"oldpassword": "secret", "password1": PASSWORD, "password2": PASSWORD}
    here.post(reverse("account_change_password"), sent)
    assert [is_in(one) for one in (other, here)] == [False, True]
    assert len(here.get(URL).context["sessions"]) == 1
    assert [mail.subject for mail in mailoutbox] == ["Your password was changed"]


def test_a_password_chosen_by_a_mailed_link_ends_all_sessions(
    world: World, mailoutbox: Any
) -> None:
    inside, client = enter(world.otto), Client()
    client.post(reverse("account_reset_password"), {"email": world.otto.email})
    link = next(word for word in mailoutbox[0].body.split() if "/reset/key/" in word)
    page = client.get(link, follow=True)
    sent = {"password1": PASSWORD, "password2": PASSWORD}
    client.post(page.redirect_chain[-1][0], sent)
    assert not is_in(inside)
    assert [mail.subject for mail in mailoutbox][1:] == ["Your password was changed"]


@pytest.mark.parametrize("end", ["switch off", "remove"])
def test_sessions_of_an_account_that_is_gone_are_over_at_once(world: World, end: str) -> None:
    client = enter(world.otto)
    assert is_in(client)
    if end == "switch off":
        User.objects.filter(pk=world.otto.pk).update(is_active=False)
    else:
        User.objects.filter(pk=world.otto.pk).delete()
    assert not is_in(client)


def test_a_session_that_nobody_uses_ends(world: World, later: Callable[[float], None]) -> None:
    client = enter(world.otto)
    later(settings.SESSION_COOKIE_AGE - 60)
    assert is_in(client), "and lives on from here"
    later(2 * settings.SESSION_COOKIE_AGE - 120)
    assert is_in(client)
    later(3 * settings.SESSION_COOKIE_AGE)
    assert not is_in(client)


def test_a_page_that_refreshes_itself_is_no_use(
    world: World, later: Callable[[float], None]
) -> None:
    client = enter(world.otto)
    later(settings.SESSION_COOKIE_AGE - 60)
    client.get("/o/alpenglueck/profiles/", headers={"HX-Request": "true"})
    later(settings.SESSION_COOKIE_AGE + 60)
    assert not is_in(client)


def test_a_session_ends_after_its_lifetime_however_much_it_is_used(
    world: World, later: Callable[[float], None]
) -> None:
    client = enter(world.otto)
    step = settings.SESSION_COOKIE_AGE // 2
    for seconds in range(0, settings.SESSION_LIFETIME, step):
        later(seconds)
        assert is_in(client)
    later(settings.SESSION_LIFETIME + 1)
    page = client.get(HOME, follow=True)
    assert "You were signed in for a long time" in read(page)
    assert not is_in(client)


def test_last_seen_is_written_down_every_five_minutes_and_not_at_every_page(
    world: World, later: Callable[[float], None]
) -> None:
    client = enter(world.otto)
    usual = len(queries_of(lambda: client.get(HOME)))
    later(299)
    assert len(queries_of(lambda: client.get(HOME))) == usual
    later(301)
    assert len(queries_of(lambda: client.get(HOME))) > usual
    seen = UserSession.objects.get(user=world.otto)
    assert (seen.last_seen_at - seen.created_at).total_seconds() == pytest.approx(301, abs=5)


def test_what_is_over_is_forgotten_and_what_lives_stays(world: World) -> None:
    over, here = enter(world.otto), enter(world.otto)
    Session.objects.filter(pk=over.session.session_key).update(expire_date=timezone.now())
    tasks.forget_what_is_over()
    assert [one.session_key for one in UserSession.objects.all()] == [here.session.session_key]
    assert is_in(here)


# --- The cookie ---------------------------------------------------------------------------------


def test_the_cookie_is_for_us_alone(world: World) -> None:
    cookie = enter(world.otto).cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and not cookie["domain"]
    assert cookie["path"] == "/"
    assert cookie["max-age"] == settings.SESSION_COOKIE_AGE


def test_signing_in_takes_no_session_over_that_somebody_planted(world: World) -> None:
    client = Client()
    client.get(reverse("account_reset_password"))
    session = client.session
    session["planted"] = True
    session.save()
    planted = str(session.session_key)
    client.cookies[settings.SESSION_COOKIE_NAME] = planted
    client.post(reverse("account_login"), {"login": world.otto.email, "password": "secret"})
    assert client.session.session_key != planted
    assert not Session.objects.filter(pk=planted).exists()

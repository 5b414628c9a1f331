"""How often: guesses, codes and mails; and that nobody's limit is another person's trouble."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from allauth.account import app_settings
from allauth.account.models import EmailAddress
from allauth.core.internal.ratelimit import parse_rates
from allauth.mfa import app_settings as mfa_settings
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from config.limits import LIMITS
from tests.accounts.conftest import PASSWORD
from tests.accounts.test_settings import read
from tests.factors import app_of, code_now
from tests.people import World, sign_in

SIGN_IN = reverse("account_login")
RESET = reverse("account_reset_password")
INVITE = "/o/alpenglueck/members/invite/"


def guess(email: str, address: str = "203.0.113.9", password: str = "guess") -> Any:
    return Client(REMOTE_ADDR=address).post(SIGN_IN, {"login": email, "password": password})


def is_refused(answer: Any) -> bool:
    return answer.status_code == 429 or "Das waren zu viele Versuche" in read(answer)


def opens(email: str, address: str) -> bool:
    return bool(guess(email, address, "secret").status_code == 302)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    now = time.time()

    def go(seconds: float) -> None:
        monkeypatch.setattr(time, "time", lambda: now + seconds)

    return go


@pytest.fixture
def fewer(settings: Any) -> None:
    """As many limits as ever, with smaller numbers, so that a day of guesses takes seconds."""
    settings.ACCOUNT_RATE_LIMITS = LIMITS | {
        "login_failed": "20/m/ip,30/d/ip,5/5m/key,8/d/key",
        "login_failed_anywhere": "40/d/key",
    }


# --- Passwords ----------------------------------------------------------------------------------


def test_one_stranger_shuts_nobody_out_anywhere_else(
    fewer: None, world: World, later: Callable[[float], None]
) -> None:
    """Not by five guesses, nor by going on at it for a day."""
    for half_hour in range(47):
        later(half_hour * 1800.0)
        guess(world.otto.email, "198.51.100.7")
    assert is_refused(guess(world.otto.email, "198.51.100.7", "secret"))
    assert opens(world.otto.email, "203.0.113.9")


def test_a_whole_network_of_ipv6_is_one_stranger(
    fewer: None, world: World, later: Callable[[float], None]
) -> None:
    for number in range(47):
        later(number * 1800.0)
        guess(world.otto.email, f"2001:db8:0:1::{number:x}")
    assert is_refused(guess(world.otto.email, "2001:db8:0:1::ffff", "secret"))
    assert opens(world.otto.email, "2001:db8:0:2::1")


def test_one_client_guesses_five_times_at_one_account(world: World) -> None:
    answers = [guess(world.otto.email) for _ in range(6)]
    assert [is_refused(one) for one in answers] == [False] * 5 + [True]
    assert not is_refused(guess(world.mara.email)), "at another one it may go on"


def test_stuffing_from_one_client_stays_bounded_over_all_accounts(
    fewer: None, world: World, later: Callable[[float], None]
) -> None:
    tried = 0
    for number in range(40):
        later(number * 60.0)
        tried += not is_refused(guess(f"somebody-{number}@nowhere.example"))
    assert tried == 30


def test_slow_guessing_at_one_account_stays_bounded_over_all_clients(
    fewer: None, world: World, later: Callable[[float], None]
) -> None:
    tried = 0
    for number in range(50):
        later(number * 900.0)
        tried += not is_refused(guess(world.otto.email, f"198.51.100.{number}"))
    assert tried == 40


def test_who_is_shut_out_by_many_gets_in_by_a_new_password(
    fewer: None, world: World, mailoutbox: Any
) -> None:
    for number in range(41):
        guess(world.otto.email, f"198.51.100.{number}")
    page = guess(world.otto.email, "203.0.113.9", "secret")
    assert "Passwort vergessen?" in read(page)
    client = Client()
    client.post(RESET, {"email": world.otto.email})
    link = next(word for word in mailoutbox[0].body.split() if "/reset/key/" in word)
    page = client.get(link, follow=True)
    sent = {"password1": PASSWORD, "password2": PASSWORD}
    client.post(page.redirect_chain[-1][0], sent)
    assert guess(world.otto.email, "203.0.113.9", PASSWORD).status_code == 302


def test_unknown_accounts_are_limited_like_known_ones(world: World) -> None:
    known, unknown = world.otto.email, "nobody@nowhere.example"
    answers = [
        [read(guess(email)).replace(email, "…") for _ in range(6)] for email in (known, unknown)
    ]
    assert answers[0] == answers[1]


def test_a_sign_in_that_works_counts_for_nothing(world: World) -> None:
    for _ in range(12):
        assert opens(world.otto.email, "203.0.113.9")


def test_a_client_that_only_its_proxy_knows_is_one_client(world: World, settings: Any) -> None:
    """Too few entries in X-Forwarded-For are no error page."""
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
    client = Client(REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="198.51.100.7")
    sent = {"login": world.otto.email, "password": "secret"}
    assert client.post(SIGN_IN, sent).status_code == 302


# --- Codes --------------------------------------------------------------------------------------


def test_codes_are_guessed_five_times_and_twenty_times_a_day(
    world: World, later: Callable[[float], None]
) -> None:
    app = app_of(world.otto)
    tried = 0
    for number in range(25):
        later(number * 240.0)
        client = Client(REMOTE_ADDR=f"198.51.100.{number}")
        client.post(SIGN_IN, {"login": world.otto.email, "password": "secret"})
        answer = client.post(reverse("mfa_authenticate"), {"code": "000000"})
        tried += not is_refused(answer)
    assert tried == 20
    answer = client.post(reverse("mfa_authenticate"), {"code": code_now(app)})
    assert is_refused(answer), "the right one does not help any more"


def test_asking_again_is_limited_too(world: World) -> None:
    client = sign_in(Client(), world.otto)
    url = reverse("account_reauthenticate")
    answers = [client.post(url, {"password": "guess"}) for _ in range(11)]
    assert "too many attempts" in read(answers[5])
    assert answers[10].status_code == 429


# --- Mails --------------------------------------------------------------------------------------


def test_a_stranger_is_written_to_three_times_an_hour_and_ten_times_a_day(
    world: World, mailoutbox: Any, later: Callable[[float], None]
) -> None:
    for minute in range(0, 24 * 60, 15):
        later(minute * 60.0)
        Client(REMOTE_ADDR=f"198.51.{minute % 200}.1").post(
            RESET, {"email": "stranger@nowhere.example"}
        )
        if minute == 45:
            assert len(mailoutbox) == 3
    assert len(mailoutbox) == 10


def test_one_client_asks_for_five_links_a_minute(world: World, mailoutbox: Any) -> None:
    for number in range(8):
        answer = Client().post(RESET, {"email": f"somebody-{number}@nowhere.example"})
    assert answer.status_code == 429
    assert len(mailoutbox) == 5


def test_the_page_of_a_forgotten_password_does_not_tell_who_has_an_account(
    world: World, mailoutbox: Any
) -> None:
    answers = []
    for email in (world.otto.email, "nobody@nowhere.example"):
        page = Client().post(RESET, {"email": email}, follow=True)
        answers.append((page.redirect_chain, read(page)))
    assert answers[0] == answers[1]
    assert [mail.to for mail in mailoutbox] == [[world.otto.email], ["nobody@nowhere.example"]]


def test_an_invitation_goes_to_one_address_three_times_an_hour(world: World) -> None:
    client = sign_in(Client(), world.anna)
    sent = {"email": "nora@alpenglueck.example", "role": "member"}
    answers = [client.post(INVITE, sent) for _ in range(4)]
    assert [one.status_code for one in answers] == [302, 302, 302, 422]
    assert "Try again tomorrow" in read(answers[3])


def test_a_new_address_is_written_to_three_times_an_hour(world: World, mailoutbox: Any) -> None:
    url = reverse("account_email")
    for user in (world.otto, world.mara):
        client = sign_in(Client(), user)
        answers = [client.post(url, {"email": "stranger@nowhere.example"}) for _ in range(2)]
    assert [one.status_code for one in answers] == [302, 422]
    assert sum(mail.to == ["stranger@nowhere.example"] for mail in mailoutbox) == 3


def test_the_confirmation_of_an_address_is_sent_once_in_three_minutes(
    world: World, mailoutbox: Any
) -> None:
    EmailAddress.objects.filter(user=world.otto).update(verified=False)
    client = sign_in(Client(), world.otto)
    for _ in range(2):
        page = client.post(reverse("accounts:email_confirmation"), follow=True)
    assert "We have just sent you a mail" in read(page)
    assert [mail.to for mail in mailoutbox] == [[world.otto.email]]


# --- The page, and the counting -----------------------------------------------------------------


def test_the_page_of_too_many_says_what_to_do_next_and_looks_like_ours(world: World) -> None:
    for number in range(8):
        page = Client().post(RESET, {"email": f"somebody-{number}@nowhere.example"})
    assert page.status_code == 429
    assert "Warte ein paar Minuten" in read(page)
    assert "frame.css" in page.content.decode()


def test_attempts_count_over_all_processes(world: World) -> None:
    for _ in range(5):
        guess(world.otto.email)
    keys = cache._cache.get_client().keys("*login_failed*")  # type: ignore[attr-defined]
    assert keys, "in Valkey, and not in this process"


@pytest.mark.parametrize("action", LIMITS)
def test_every_limit_reads_as_django_allauth_reads_it(action: str) -> None:
    rates = parse_rates(app_settings.RATE_LIMITS[action])
    assert rates and {rate.per for rate in rates} <= {"ip", "user", "key"}
    assert mfa_settings.RATE_LIMITS["webauthn_login"]


def test_five_clients_at_least_shut_somebody_out() -> None:
    """What one may do in a day is a fifth of what all may."""

    def a_day(action: str) -> int:
        rates = parse_rates(LIMITS[action])
        return min(
            int(rate.amount) for rate in rates if rate.per == "key" and rate.duration == 86400
        )

    assert a_day("login_failed") * 5 <= a_day("login_failed_anywhere")

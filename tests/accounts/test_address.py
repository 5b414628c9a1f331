"""A new email address, which the old and the new one both confirm."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse

from accounts import address, tasks
from accounts.address import NEW, OLD
from accounts.models import EmailChange, User
from tests.accounts.test_settings import read
from tests.people import World, sign_in

URL = reverse("account_email")
BEFORE, AFTER = "otto@alpenglueck.example", "otto.owner@new.example"


@pytest.fixture
def otto(client: Client, world: World) -> Client:
    return sign_in(client, world.otto)


@pytest.fixture
def links(otto: Client, mailoutbox: Any) -> dict[str, str]:
    """Otto has asked for another address; the path that went to each of the two."""
    otto.post(URL, {"email": AFTER})
    sides = {BEFORE: OLD, AFTER: NEW}
    found = {sides[mail.to[0]]: str(re.search(r"http\S+", mail.body)[0]) for mail in mailoutbox}  # type: ignore[index]
    mailoutbox.clear()
    return {side: link.removeprefix("http://testserver") for side, link in found.items()}


def address_of(user: User) -> str:
    user.refresh_from_db()
    return user.email


@pytest.mark.parametrize("order", [(OLD, NEW), (NEW, OLD)])
def test_the_change_counts_when_both_have_said_yes(
    world: World, links: dict[str, str], mailoutbox: Any, order: tuple[str, str]
) -> None:
    anyone = Client()
    first, second = (links[side] for side in order)
    waited_for = AFTER if order[0] == OLD else BEFORE
    assert waited_for in read(anyone.post(first))
    assert address_of(world.otto) == BEFORE
    page = anyone.post(second)
    assert "Deine E-Mail-Adresse ist geändert" in read(page)
    assert address_of(world.otto) == AFTER
    (stored,) = EmailAddress.objects.filter(user=world.otto)
    assert (stored.email, stored.verified, stored.primary) == (AFTER, True, True)
    assert [(mail.to, mail.subject) for mail in mailoutbox] == [
        ([BEFORE], "Your email address was changed")
    ]


def test_the_new_address_signs_in_and_the_old_one_does_not(
    world: World, links: dict[str, str]
) -> None:
    for link in links.values():
        Client().post(link)
    for email, status in ((BEFORE, 200), (AFTER, 302)):
        sent = {"login": email, "password": "secret"}
        assert Client().post(reverse("account_login"), sent).status_code == status


def test_opening_a_link_changes_nothing(world: World, links: dict[str, str]) -> None:
    for link in links.values():
        for method in ("get", "head"):
            assert getattr(Client(), method)(link).status_code == 200
    change = EmailChange.objects.get()
    assert not change.confirmed_by_old_at and not change.confirmed_by_new_at


@pytest.mark.parametrize("side", [OLD, NEW])
def test_one_side_alone_changes_nothing_however_often_it_says_yes(
    world: World, links: dict[str, str], side: str
) -> None:
    assert Client().post(links[side]).status_code == 200
    for method in ("get", "post"):
        answer = getattr(Client(), method)(links[side])
        assert answer.status_code == 410
        assert "verbraucht" in read(answer)
    assert address_of(world.otto) == BEFORE


def test_a_link_of_a_change_that_is_done_is_used_up(world: World, links: dict[str, str]) -> None:
    for link in links.values():
        Client().post(link)
    User.objects.filter(pk=world.otto.pk).update(email=BEFORE)
    assert [Client().post(link).status_code for link in links.values()] == [410, 410]
    assert address_of(world.otto) == BEFORE


def test_a_forged_link_opens_nothing(world: World, links: dict[str, str]) -> None:
    token = links[OLD].removesuffix("/") + "x/"
    answer = Client().post(token)
    assert answer.status_code == 404
    assert "Dieser Link ist nicht vollständig" in read(answer)
    assert not EmailChange.objects.get().confirmed_by_old_at


def test_a_links_signature_is_worth_nothing_elsewhere(world: World, links: dict[str, str]) -> None:
    token = links[OLD].rstrip("/").rpartition("/")[2]
    assert Client().get(reverse("accounts:invitation", args=[token])).status_code == 404


def test_an_expired_link_says_so_and_changes_nothing(world: World, links: dict[str, str]) -> None:
    Client().post(links[OLD])
    change = EmailChange.objects.get()
    EmailChange.objects.update(created_at=change.created_at - timedelta(hours=24))
    answer = Client().post(links[NEW])
    assert answer.status_code == 410
    assert "abgelaufen" in read(answer)
    assert address_of(world.otto) == BEFORE
    tasks.forget_what_is_over()
    assert not EmailChange.objects.exists()


def test_asking_once_more_replaces_the_links(otto: Client, links: dict[str, str]) -> None:
    otto.post(URL, {"email": "third@new.example"})
    assert [Client().post(link).status_code for link in links.values()] == [410, 410]


def test_a_change_is_taken_back(otto: Client, world: World, links: dict[str, str]) -> None:
    assert AFTER in read(otto.get(URL))
    otto.post(URL, {"withdraw": "yes"})
    assert AFTER not in read(otto.get(URL))
    assert [Client().post(link).status_code for link in links.values()] == [410, 410]


def test_links_of_an_account_that_is_switched_off_open_nothing(
    world: World, links: dict[str, str]
) -> None:
    User.objects.update(is_active=False)
    assert [Client().post(link).status_code for link in links.values()] == [410, 410]


# --- Whose address is it? -----------------------------------------------------------------------


def test_who_asks_does_not_learn_whether_an_address_has_an_account(
    otto: Client, world: World, mailoutbox: Any
) -> None:
    answers = []
    for email in (world.nils.email, "nobody@nowhere.example"):
        answer = otto.post(URL, {"email": email}, follow=True)
        answers.append(read(answer).replace(email, "…"))
        assert [mail.to[0] for mail in mailoutbox] == [BEFORE, email]
        mailoutbox.clear()
    assert answers[0] == answers[1]


@pytest.mark.parametrize("order", [(OLD, NEW), (NEW, OLD)])
def test_an_address_of_another_account_is_not_taken_from_it(
    otto: Client, world: World, order: tuple[str, str]
) -> None:
    otto.post(URL, {"email": world.nils.email})
    change = EmailChange.objects.get()
    answers = [Client().post(address.path(change, side)) for side in order]
    assert answers[1].status_code == 409
    assert "Es gibt ein anderes Konto mit dieser Adresse" in read(answers[1])
    assert (address_of(world.otto), address_of(world.nils)) == (BEFORE, "nils@nordwind.example")


@pytest.mark.parametrize(
    ("typed", "word"), [("nowhere", ""), ("", ""), ("OTTO@alpenglueck.example", "already")]
)
def test_what_is_no_new_address_is_named(
    otto: Client, mailoutbox: Any, typed: str, word: str
) -> None:
    page = otto.post(URL, {"email": typed, "action_add": ""})
    assert page.status_code == 422
    assert word in read(page)
    assert mailoutbox == []


def test_django_allauths_own_way_to_a_second_address_is_shut(
    otto: Client, world: World, mailoutbox: Any
) -> None:
    """It would ask nobody at the old one."""
    EmailAddress.objects.create(user=world.otto, email=AFTER, verified=True)
    for action in ("action_add", "action_primary", "action_remove", "action_send"):
        otto.post(URL, {action: "", "email": AFTER})
    assert address_of(world.otto) == BEFORE
    assert EmailAddress.objects.get(user=world.otto, primary=True).email == BEFORE


def test_mails_speak_the_language_of_the_account(
    client: Client, world: World, mailoutbox: Any
) -> None:
    User.objects.filter(pk=world.otto.pk).update(language="de")
    world.otto.refresh_from_db()
    sign_in(client, world.otto).post(URL, {"email": AFTER})
    assert [mail.subject for mail in mailoutbox] == [
        "Möchtest du deine E-Mail-Adresse ändern?",
        "Ist das deine neue E-Mail-Adresse?",
    ]
    assert BEFORE in mailoutbox[1].body and AFTER in mailoutbox[0].body


def test_a_mail_server_that_is_down_is_no_error_page(
    otto: Client, settings: Any, world: World
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    page = otto.post(URL, {"email": AFTER}, follow=True)
    assert "could not be sent just now" in read(page)

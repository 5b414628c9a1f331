"""What a person sets for herself."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts.views import settings as views
from tests.people import World

URL = "/account/settings/"
VALID = {"name": "Otto Owner", "language": "en", "time_zone": "America/New_York"}


def read(answer: Any) -> str:
    return " ".join(BeautifulSoup(answer.content, "html.parser").get_text(" ").split())


def test_settings_are_saved(client: Client, world: World) -> None:
    client.force_login(world.otto)
    answer = client.post(URL, {**VALID, "name": "Otto O.", "wants_token_mail": "on"})
    assert answer.headers["Location"] == URL
    world.otto.refresh_from_db()
    saved = (world.otto.name, world.otto.language, world.otto.time_zone)
    assert saved == ("Otto O.", "en", "America/New_York")
    assert world.otto.wants_token_mail


def test_a_name_stays_on_its_line(client: Client, world: World) -> None:
    """Else whoever invites could write the mail's first paragraphs."""
    client.force_login(world.otto)
    client.post(URL, {**VALID, "name": "Otto\r\n\r\nDear\u2028all,\x07 \u202eowner"})
    world.otto.refresh_from_db()
    assert world.otto.name == "Otto Dear all, owner"


def test_a_name_of_nothing_visible_is_none(client: Client, world: World) -> None:
    client.force_login(world.otto)
    assert client.post(URL, {**VALID, "name": "\u202e \x07"}).status_code == 422


def test_the_mail_checkbox_can_be_taken_out_again(client: Client, world: World) -> None:
    world.otto.wants_token_mail = True
    world.otto.save()
    client.force_login(world.otto)
    client.post(URL, VALID)
    world.otto.refresh_from_db()
    assert not world.otto.wants_token_mail


def test_the_page_answers_in_the_language_just_chosen(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "_", lambda text: f"{translation.get_language()}: {text}")
    client.force_login(world.otto)
    page = client.post(URL, VALID, follow=True)
    assert 'lang="en"' in page.content.decode()
    assert "en: Your settings have been saved." in read(page)


def test_the_persons_language_wins_over_the_browsers(client: Client, world: World) -> None:
    world.otto.language = "de"
    world.otto.save()
    client.force_login(world.otto)
    page = client.get(URL, headers={"Accept-Language": "en"})
    assert page.headers["Content-Language"] == "de"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 151),
        ("name", "a\x00b"),
        ("language", "fr"),
        ("language", ""),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../../etc/passwd"),
        ("time_zone", ""),
    ],
)
def test_a_wrong_value_is_named_and_nothing_typed_is_lost(
    client: Client, world: World, field: str, value: str
) -> None:
    client.force_login(world.otto)
    before = {name: getattr(world.otto, name) for name in VALID}
    answer = client.post(URL, {**VALID, "name": "Otto the Second", field: value})
    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == {field}
    if field != "name":
        assert "Otto the Second" in answer.content.decode()
    world.otto.refresh_from_db()
    assert {name: getattr(world.otto, name) for name in VALID} == before


def test_nobody_changes_an_address_or_a_right_by_the_settings_form(
    client: Client, world: World
) -> None:
    client.force_login(world.otto)
    client.post(URL, {**VALID, "email": "x@x.example", "is_staff": "on", "is_superuser": "on"})
    world.otto.refresh_from_db()
    assert world.otto.email == "otto@alpenglueck.example"
    assert not world.otto.is_staff and not world.otto.is_superuser


def test_a_confirmed_address_is_shown_as_confirmed(client: Client, world: World) -> None:
    client.force_login(world.otto)
    page = client.get(URL)
    assert world.otto.email in read(page)
    assert page.context["email_is_confirmed"]
    assert reverse("account_email") in page.content.decode()
    assert reverse("account_change_password") in page.content.decode()


def test_an_unconfirmed_address_is_called_so_and_can_be_confirmed_from_here(
    client: Client, world: World, mailoutbox: Any
) -> None:
    EmailAddress.objects.filter(user=world.otto).update(verified=False)
    client.force_login(world.otto)
    page = client.get(URL)
    assert not page.context["email_is_confirmed"]
    form = BeautifulSoup(page.content, "html.parser").select_one(
        "form.confirm-address, #confirm-address"
    )
    assert form is not None
    client.post(str(form["action"]), {"action_send": "", "email": world.otto.email})
    assert [mail.to for mail in mailoutbox] == [[world.otto.email]]

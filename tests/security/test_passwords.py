"""What may be a password, what becomes of it, and how it is typed."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.test import Client
from django.urls import reverse

from accounts import invitations, links
from accounts.actor import Actor
from accounts.models import Role, User
from tests.config.test_settings import Load, load  # noqa: F401 - a fixture
from tests.people import World

WELCOME = [
    "8412903751",
    "nur kleine buchstaben",
    "  mit Leerzeichen am Rand ",
    "Schlüßel und 🗝️ Emoji",
    "a long one " * 12,
]
USUAL = ["password123", "qwertyuiop", "1234567890", "iloveyou123"]


@pytest.fixture(autouse=True)
def in_no_hurry(settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = False  # would answer in place of the forms


def sign_up(world: World, password: str) -> tuple[Client, Any]:
    invited = invitations.invite(
        world.alpenglueck, "nora@alpenglueck.example", Role.MEMBER, by=Actor(world.anna)
    )
    client = Client()
    form = {"name": "Nora Neumann", "password": password, "language": "en"}
    return client, client.post(links.path_of(invited), form)


def may_sign_in(email: str, password: str) -> bool:
    client = Client()
    client.post(reverse("account_login"), {"login": email, "password": password})
    return "_auth_user_id" in client.session


@pytest.mark.parametrize("password", WELCOME)
def test_any_password_of_ten_is_welcome_and_taken_as_it_is(world: World, password: str) -> None:
    _, answer = sign_up(world, password)
    assert answer.status_code == 302
    assert may_sign_in("nora@alpenglueck.example", password)
    for other in {password.strip(), password.upper(), password[:64]} - {password}:
        assert not may_sign_in("nora@alpenglueck.example", other)


@pytest.mark.parametrize("password", ["nine char", *USUAL, "nora@alpenglueck.example"])
def test_a_short_or_usual_password_or_ones_own_name_is_refused(world: World, password: str) -> None:
    _, answer = sign_up(world, password)
    assert answer.status_code == 422
    assert not User.objects.filter(email="nora@alpenglueck.example").exists()


def test_changing_a_password_asks_for_the_current_one(world: World) -> None:
    client, _ = sign_up(world, "the first of them")
    new = {"password1": "the second of them", "password2": "the second of them"}
    for wrong in ({}, {"oldpassword": "a guess of mine"}):
        client.post(reverse("account_change_password"), {**new, **wrong})
    assert may_sign_in("nora@alpenglueck.example", "the first of them")
    client.post(reverse("account_change_password"), {**new, "oldpassword": "the first of them"})
    assert may_sign_in("nora@alpenglueck.example", "the second of them")
    assert not may_sign_in("nora@alpenglueck.example", "the first of them")


def test_what_is_typed_is_hidden_and_may_be_pasted_or_filled_in(world: World) -> None:
    invited = invitations.invite(
        world.alpenglueck, "nora@alpenglueck.example", Role.MEMBER, by=Actor(world.anna)
    )
    anna = Client()
    anna.force_login(world.anna)
    pages = [
        Client().get(reverse("account_login")),
        Client().get(links.path_of(invited)),
        anna.get(reverse("account_change_password")),
    ]
    for page in pages:
        fields = BeautifulSoup(page.content, "html.parser").select("input[name*=password]")
        assert fields
        for field in fields:
            assert field["type"] == "password"
            assert field["autocomplete"] in ("current-password", "new-password")
            assert not [name for name in field.attrs if name.startswith("on")]
            assert "maxlength" not in field.attrs or int(str(field["maxlength"])) >= 64


def test_a_stolen_hash_is_slow_to_try(load: Load) -> None:  # noqa: F811
    assert "PASSWORD_HASHERS" not in load(), "Django's own, of which the first is the one below"
    assert PBKDF2PasswordHasher.iterations >= 600_000
    assert PBKDF2PasswordHasher.algorithm == "pbkdf2_sha256"

"""A session that somebody left open is not enough for what hurts: the product asks who is there."""

from __future__ import annotations

import time

import pytest
from django.test import Client
from django.urls import reverse

from accounts import sessions
from accounts.models import EmailChange, Invitation, Membership, Role
from profiles.models import Profile
from tests import builders
from tests.accounts.test_settings import read
from tests.factors import Passkey, app_of, code_now
from tests.people import World, sign_in

PASSWORD = reverse("account_reauthenticate")
CODE = reverse("mfa_reauthenticate")
MEMBERS = "/o/alpenglueck/members/"
INVITE = MEMBERS + "invite/"


@pytest.fixture
def left_open(client: Client, world: World) -> Client:
    """Anna's, who signed in long ago."""
    client.force_login(world.anna)
    return client


@pytest.fixture
def sensitive(world: World) -> dict[str, str]:
    """What is asked for again: name -> page."""
    otto = Membership.objects.get(user=world.otto)
    profile = builders.profile(world.alpenglueck)
    return {
        "role": f"/o/alpenglueck/members/{otto.pk}/role/?role=admin",
        "removal": f"/o/alpenglueck/members/{otto.pk}/remove/",
        "deletion": reverse("tokens:delete", args=["alpenglueck", profile.pk]),
        "requirement": "/o/alpenglueck/security/second-factor/",
        "address": reverse("account_email"),
        "sessions": reverse("accounts:sessions"),
        "app": reverse("mfa_activate_totp"),
        "passkey": reverse("mfa_add_webauthn"),
        "recovery codes": reverse("mfa_generate_recovery_codes"),
    }


SENSITIVE = [
    "role", "removal", "deletion", "requirement", "address", "sessions", "app", "passkey",
    "recovery codes",
]  # fmt: skip


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", SENSITIVE)
def test_what_is_sensitive_asks_first_and_leads_back(
    left_open: Client, sensitive: dict[str, str], name: str, method: str
) -> None:
    page = sensitive[name]
    answer = getattr(left_open, method)(page, {"role": "admin"} if method == "post" else None)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(PASSWORD)
    answer = left_open.get(answer.headers["Location"])
    sent = {"password": "secret", "next": page}
    answer = left_open.post(PASSWORD, sent)
    if answer.status_code == 302:  # django-allauth shows its own page at once instead
        assert answer.headers["Location"] == page
        assert left_open.get(page).status_code == 200


def test_nothing_of_it_was_done_meanwhile(
    left_open: Client, world: World, sensitive: dict[str, str]
) -> None:
    for name in ("role", "removal", "deletion", "address", "requirement"):
        left_open.post(sensitive[name], {"role": "admin", "email": "a@b.example"})
    assert Membership.objects.get(user=world.otto).role == Role.MEMBER
    assert Profile.objects.exists() and not EmailChange.objects.exists()


def test_a_wrong_password_opens_nothing(left_open: Client, sensitive: dict[str, str]) -> None:
    page = left_open.post(PASSWORD, {"password": "guess", "next": sensitive["removal"]})
    assert "This is not your password" in read(page)
    assert left_open.get(sensitive["removal"]).status_code == 302


def test_a_sign_in_counts_for_a_quarter_of_an_hour(
    client: Client, world: World, sensitive: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, world.anna)
    now = time.time()
    for age, status in ((14 * 60, 200), (16 * 60, 302)):
        monkeypatch.setattr(time, "time", lambda age=age: now + age)
        assert client.get(sensitive["removal"]).status_code == status


def test_who_has_a_second_factor_shows_that_and_not_the_password(
    left_open: Client, world: World, sensitive: dict[str, str]
) -> None:
    app = app_of(world.anna)
    Passkey().stored_for(world.anna)
    page = sensitive["removal"]
    answer = left_open.get(page)
    assert answer.headers["Location"].startswith(CODE)
    assert left_open.post(PASSWORD, {"password": "secret"}).headers["Location"].startswith(CODE)
    assert left_open.get(page).status_code == 302, "the password alone does not do"
    asked = left_open.get(answer.headers["Location"])
    ways = [way["description"] for way in asked.context["reauthentication_alternatives"]]
    assert ways == ["With a passkey"]
    sent = {"code": code_now(app), "next": page}
    assert left_open.post(CODE, sent).headers["Location"] == page
    assert left_open.get(page).status_code == 200


def test_it_leads_to_no_other_site(left_open: Client) -> None:
    sent = {"password": "secret", "next": "https://evil.example/"}
    assert left_open.post(PASSWORD, sent).headers["Location"] == "/"


# --- What was typed when the time had run out ---------------------------------------------------


def test_inviting_an_admin_asks_and_what_was_typed_is_still_there(
    left_open: Client, world: World
) -> None:
    typed = {"email": "new@alpenglueck.example", "role": "admin"}
    page = left_open.post(INVITE, typed, follow=True)
    assert "Nothing has happened yet" in read(page)
    answer = left_open.post(PASSWORD, {"password": "secret", "next": MEMBERS})
    form = left_open.get(answer.headers["Location"]).context["form"]
    assert {name: form[name].value() for name in typed} == typed
    assert not Invitation.objects.exists()
    left_open.post(INVITE, typed)
    assert Invitation.objects.get().role == Role.ADMIN


def test_other_roles_are_given_by_invitation_without_asking(
    left_open: Client, world: World
) -> None:
    left_open.post(INVITE, {"email": "new@alpenglueck.example", "role": "manager"})
    assert Invitation.objects.exists()


def test_a_new_address_that_was_typed_is_still_there_once(left_open: Client) -> None:
    page = reverse("account_email")
    left_open.post(page, {"email": "new@alpenglueck.example"})
    left_open.post(PASSWORD, {"password": "secret", "next": page})
    values = [left_open.get(page).context["form"]["email"].value() for _ in range(2)]
    assert values == ["new@alpenglueck.example", None]


def test_what_was_typed_goes_into_no_other_page(left_open: Client, world: World) -> None:
    left_open.post(reverse("account_email"), {"email": "new@alpenglueck.example"})
    left_open.post(PASSWORD, {"password": "secret"})
    assert left_open.get(MEMBERS).context["form"]["email"].value() is None


def test_the_role_is_still_in_the_address_afterwards(
    left_open: Client, world: World, sensitive: dict[str, str]
) -> None:
    answer = left_open.post(sensitive["role"], {"role": "admin"})
    assert answer.headers["Location"].endswith("role%2F%3Frole%3Dadmin")


# --- Passwords ----------------------------------------------------------------------------------


def test_the_password_page_asks_for_the_old_one_itself(left_open: Client, world: World) -> None:
    url = reverse("account_change_password")
    new = "a quiet harbour at dawn"
    sent = {"oldpassword": "guess", "password1": new, "password2": new}
    assert "This is not your current password" in read(left_open.post(url, sent))
    world.anna.refresh_from_db()
    assert world.anna.check_password("secret")


def test_no_password_is_kept_for_later(left_open: Client) -> None:
    left_open.post(reverse("account_email"), {"email": "a@b.example", "password": "secret 2"})
    assert "secret 2" not in str(dict(left_open.session))
    assert sessions.BEGUN in left_open.session

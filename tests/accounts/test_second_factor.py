"""Setting up a second factor, signing in with it, and what is stored of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth
from bs4 import BeautifulSoup
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts import sealing
from accounts.models import AuditEvent, User
from accounts.second_factor import has_second_factor
from tests.accounts.test_settings import read
from tests.factors import HOST, Passkey, app_of, code_now, code_of
from tests.people import World, sign_in

SETUP = reverse("mfa_activate_totp")
SIGN_IN = reverse("account_login")
SECOND_STEP = reverse("mfa_authenticate")
KEYS = "b" * 43 + "=", "dGVzdHMgc2VhbCB3aXRoIHRoaXMga2V5LCAzMiBieXQ="


def type_password(client: Client, user: User, next_page: str = "/") -> Any:
    return client.post(
        SIGN_IN, {"login": user.email, "password": "secret", "next": next_page}, headers=AT
    )


AT = {"host": HOST}


@pytest.fixture(autouse=True)
def reachable(settings: Any) -> None:
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, HOST]


def options(page: Any) -> dict[str, Any]:
    """What the page hands to the browser's script."""
    found = BeautifulSoup(page.content, "html.parser").find(id="passkey_data")
    assert found is not None
    data: dict[str, dict[str, Any]] = json.loads(found.get_text())
    return data.get("creation_options") or data["request_options"]


# --- An app ---------------------------------------------------------------------------------------


def test_an_app_is_set_up_by_its_first_code_and_recovery_codes_come_with_it(
    transactional_db: None, client: Client, world: World, mailoutbox: Any
) -> None:
    sign_in(client, world.otto)
    page = client.get(SETUP)
    drawn = BeautifulSoup(page.content, "html.parser").select_one("svg.qr path")
    secret = page.context["form"].secret
    assert drawn is not None and secret in read(page)
    answer = client.post(SETUP, {"code": code_of(secret)})
    assert answer.headers["Location"] == reverse("mfa_view_recovery_codes")
    codes = client.get(answer.headers["Location"]).context["unused_codes"]
    assert len(set(codes)) == 10
    assert has_second_factor(world.otto)
    assert [mail.subject for mail in mailoutbox] == ["Authenticator app set up"]
    assert "127.0.0.1" in mailoutbox[0].body


def test_a_page_with_a_qr_code_keeps_the_policy_of_every_other_page(
    client: Client, world: World
) -> None:
    page = sign_in(client, world.otto).get(SETUP)
    assert page.headers["Content-Security-Policy"].count("img-src 'self';") == 1
    assert "data:" not in page.headers["Content-Security-Policy"] + page.content.decode()
    assert "no-store" in page.headers["Cache-Control"]


def test_a_wrong_code_sets_nothing_up_and_the_key_stays_the_same(
    client: Client, world: World
) -> None:
    secret = sign_in(client, world.otto).get(SETUP).context["form"].secret
    page = client.post(SETUP, {"code": "000000"})
    assert "Take the code that is shown now" in read(page)
    assert page.context["form"].secret == secret
    assert not has_second_factor(world.otto)


def test_who_has_an_app_is_asked_for_its_code(client: Client, world: World) -> None:
    app = app_of(world.otto)
    answer = type_password(client, world.otto, "/account/settings/")
    assert answer.headers["Location"] == SECOND_STEP
    assert client.get("/account/settings/", headers=AT).status_code == 302, "not in yet"
    answer = client.post(SECOND_STEP, {"code": code_now(app)}, headers=AT)
    assert answer.headers["Location"] == "/account/settings/"
    assert client.get("/account/settings/", headers=AT).status_code == 200


def test_a_code_opens_once(world: World) -> None:
    app = app_of(world.otto)
    code = code_now(app)
    for status in (302, 200):
        client = Client()
        type_password(client, world.otto)
        assert client.post(SECOND_STEP, {"code": code}, headers=AT).status_code == status


def test_a_recovery_code_opens_once(world: World) -> None:
    app_of(world.otto)
    code = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()[3]
    for status in (302, 200):
        client = Client()
        type_password(client, world.otto)
        assert client.post(SECOND_STEP, {"code": code}, headers=AT).status_code == status


def test_the_second_step_needs_the_first(client: Client, world: World) -> None:
    app = app_of(world.otto)
    answer = client.post(SECOND_STEP, {"code": code_now(app)}, headers=AT)
    assert answer.headers["Location"] == SIGN_IN
    assert client.get("/account/settings/", headers=AT).status_code == 302


def test_with_the_last_factor_its_recovery_codes_go_and_a_mail_says_so(
    client: Client, world: World, mailoutbox: Any
) -> None:
    sign_in(client, world.otto, app_of(world.otto))
    client.post(reverse("mfa_deactivate_totp"))
    assert not Authenticator.objects.exists()
    assert [mail.subject for mail in mailoutbox] == ["Authenticator app removed"]


# --- How its secrets are kept ---------------------------------------------------------------------


def test_what_is_stored_of_a_factor_opens_nothing(world: World) -> None:
    secret = auth.generate_totp_secret()
    stored = json.dumps(auth.TOTP.activate(world.otto, secret).instance.data)
    assert secret not in stored
    codes = app_of(world.mara).user.authenticator_set.get(type="recovery_codes")
    seed = json.dumps(codes.data)
    assert not any(code in seed for code in codes.wrap().get_unused_codes())


def test_with_a_new_key_in_front_factors_open_and_are_sealed_anew(
    world: World, settings: Any
) -> None:
    app, (new, old) = app_of(world.otto), KEYS
    code = code_now(app)
    settings.TOKEN_KEYS = [new, old]
    assert code_now(app) == code
    told: list[tuple[int, int]] = []
    for _ in range(2):
        assert sealing.reseal(lambda done, total: told.append((done, total))) == []
    assert told == [(1, 2), (2, 2)], "the app's and that of the recovery codes, once"
    settings.TOKEN_KEYS = [new]
    app.refresh_from_db()
    assert code_now(app) == code
    settings.TOKEN_KEYS = [old]
    with pytest.raises(sealing.CannotOpen, match="is not in TOKEN_KEYS"):
        code_now(app)


def test_a_secret_that_was_changed_is_named_and_left_and_the_others_go_on(
    world: World, settings: Any
) -> None:
    broken, whole = app_of(world.otto), app_of(world.mara)
    sealed = broken.data["secret"][:-4] + "AAAA"
    Authenticator.objects.filter(pk=broken.pk).update(data={"secret": sealed})
    settings.TOKEN_KEYS = list(KEYS)
    stuck = sealing.reseal(lambda done, total: None)
    assert stuck == [f"second factor {broken.pk}: it was changed"]
    assert Authenticator.objects.get(pk=broken.pk).data == {"secret": sealed}
    settings.TOKEN_KEYS = [KEYS[0]]
    whole.refresh_from_db()
    assert code_now(whole)


# --- Passkeys -------------------------------------------------------------------------------------


def added(client: Client, passkey: Passkey, name: str = "Laptop") -> Any:
    page = client.get(reverse("mfa_add_webauthn"), headers=AT)
    credential = json.dumps(passkey.register(options(page)))
    sent = {"name": name, "credential": credential, "passwordless": "on"}
    return client.post(reverse("mfa_add_webauthn"), sent, headers=AT)


def enter_alone(client: Client, passkey: Passkey) -> Any:
    """With the passkey and nothing else."""
    url = reverse("mfa_login_webauthn")
    asked = client.get(url, headers={**AT, "accept": "application/json"}).json()
    credential = json.dumps(passkey.answer(asked["request_options"]))
    return client.post(url, {"credential": credential}, headers=AT)


def test_a_passkey_signs_in_alone(world: World, mailoutbox: Any) -> None:
    passkey = Passkey()
    assert added(sign_in(Client(), world.otto), passkey).status_code == 302
    assert [mail.subject for mail in mailoutbox] == ["Passkey added"]
    client = Client()
    assert enter_alone(client, passkey).headers["Location"] == "/"
    assert client.get("/account/settings/", headers=AT).status_code == 200


def test_a_passkey_is_the_second_step_after_the_password(client: Client, world: World) -> None:
    passkey = Passkey()
    passkey.stored_for(world.otto)
    assert type_password(client, world.otto).headers["Location"] == SECOND_STEP
    credential = json.dumps(passkey.answer(options(client.get(SECOND_STEP, headers=AT))))
    answer = client.post(SECOND_STEP, {"credential": credential}, headers=AT)
    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost.evil.example"])
def test_what_was_made_for_another_site_opens_nothing(
    client: Client, world: World, origin: str
) -> None:
    passkey = Passkey()
    passkey.stored_for(world.otto)
    passkey.origin = origin
    assert enter_alone(client, passkey).headers["Location"] == SIGN_IN
    assert client.get("/account/settings/", headers=AT).status_code == 302


def test_another_key_of_the_same_name_opens_nothing(client: Client, world: World) -> None:
    real, forged = Passkey(), Passkey()
    real.stored_for(world.otto)
    forged.id, forged.person = real.id, real.person
    assert enter_alone(client, forged).headers["Location"] == SIGN_IN
    assert client.get("/account/settings/", headers=AT).status_code == 302


def test_an_answer_opens_once(world: World) -> None:
    passkey, client = Passkey(), Client()
    passkey.stored_for(world.otto)
    url = reverse("mfa_login_webauthn")
    asked = client.get(url, headers={**AT, "accept": "application/json"}).json()
    sent = {"credential": json.dumps(passkey.answer(asked["request_options"]))}
    assert client.post(url, sent, headers=AT).headers["Location"] == "/"
    client.post(reverse("account_logout"), headers=AT)
    assert client.post(url, sent, headers=AT).headers["Location"] == SIGN_IN


def test_an_account_that_is_switched_off_stays_shut_to_its_passkey(
    client: Client, world: World
) -> None:
    passkey = Passkey()
    passkey.stored_for(world.otto)
    User.objects.filter(pk=world.otto.pk).update(is_active=False)
    assert enter_alone(client, passkey).headers["Location"] == reverse("account_inactive")
    assert client.get("/account/settings/", headers=AT).status_code == 302


def test_nobody_touches_another_persons_passkey(client: Client, world: World) -> None:
    theirs = Passkey().stored_for(world.mara)
    sign_in(client, world.otto, app_of(world.otto))
    for name in ("mfa_remove_webauthn", "mfa_edit_webauthn"):
        url = reverse(name, args=[theirs.pk])
        assert client.post(url, {"name": "mine"}).status_code == 404
    theirs.refresh_from_db()
    assert theirs.data["name"] == "Laptop"


# --- When all of it is lost -----------------------------------------------------------------------


def test_an_operator_resets_a_factor_and_that_ends_every_session(world: World) -> None:
    app = app_of(world.otto)
    Passkey().stored_for(world.otto)
    inside, neighbour = sign_in(Client(), world.otto, app), sign_in(Client(), world.mara)
    call_command("reset_second_factor", "OTTO@alpenglueck.example")
    assert not Authenticator.objects.filter(user=world.otto).exists()
    assert inside.get("/account/settings/").status_code == 302
    assert neighbour.get("/account/settings/").status_code == 200
    event = AuditEvent.objects.get(verb="second_factor_reset")
    assert event.organization == world.alpenglueck
    assert event.object_name == "Otto Owner (otto@alpenglueck.example)"
    answer = type_password(Client(), world.otto)
    assert answer.headers["Location"] == "/", "the password alone opens again"


@pytest.mark.parametrize("email", ["nobody@nowhere.example", "mara@alpenglueck.example"])
def test_a_reset_that_resets_nothing_says_so(world: World, email: str) -> None:
    app_of(world.otto)
    with pytest.raises(CommandError, match=email.split("@")[0]):
        call_command("reset_second_factor", email)
    assert has_second_factor(world.otto) and not AuditEvent.objects.exists()

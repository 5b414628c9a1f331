"""How a person comes in: by a mailed link, once, within 72 hours."""

from __future__ import annotations

import smtplib
import threading
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from bs4 import BeautifulSoup
from django.core import signing
from django.core.mail import EmailMultiAlternatives
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import invitations, links, mails, tasks
from accounts.actor import Actor
from accounts.links import LinkRefused
from accounts.models import AuditEvent, Invitation, Membership, Organization, Role, User
from tests.accounts.test_settings import read
from tests.people import World, sign_in

ENGLISH = {"Accept-Language": "en"}
PROFILES = "tokens:profile_list"


@pytest.fixture
def as_anna(client: Client, world: World) -> Client:
    world.anna.language = "en"
    world.anna.save()
    return sign_in(client, world.anna)


def invite(client: Client, email: str, role: str = "member") -> Any:
    url = reverse("accounts:invite", args=["alpenglueck"])
    return client.post(url, {"email": email, "role": role}, follow=True)


# --- inviting ----------------------------------------------------------------------------------


def test_an_invitation_is_written_logged_and_mailed_after_the_commit(
    as_anna: Client,
    world: World,
    tasks_at_once: None,
    mailoutbox: list[EmailMultiAlternatives],
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        invite(as_anna, "Nora@Alpenglueck.example", "manager")
        assert mailoutbox == []
    invitation = Invitation.objects.get()
    assert (invitation.email, invitation.role) == ("nora@alpenglueck.example", "manager")
    assert invitation.sent_at
    assert [mail.to for mail in mailoutbox] == [["nora@alpenglueck.example"]]
    event = AuditEvent.objects.get()
    assert (event.verb, event.object_name) == ("invited", "nora@alpenglueck.example")


def test_the_mail_says_who_invites_where_to_and_until_when(
    world: World, invitation: Invitation, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    tasks.send_invitation(str(invitation.pk))
    (mail,) = mailoutbox
    html = str(mail.alternatives[0][0])
    link = "http://testserver" + links.path_of(invitation)
    assert "Alpenglück GmbH" in mail.subject and "\n" not in mail.subject
    for text in (mail.body, html):
        assert "Anna Huber" in text
        assert "Alpenglück GmbH" in text
        assert link in text
        assert "72" in text
    button = BeautifulSoup(html, "html.parser").select_one(f'a[href="{link}"]')
    assert button is not None and button["style"]  # mail programs drop style sheets


def test_names_in_the_mail_are_text_and_never_markup(
    world: World, invitation: Invitation, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    Organization.objects.update(name="A & B\r\nBcc: x@x.example <b>bold</b>")
    tasks.send_invitation(str(invitation.pk))
    (mail,) = mailoutbox
    assert "\n" not in mail.subject
    assert "<b>bold</b>" in mail.body and "A & B" in mail.body
    assert "<b>bold</b>" not in str(mail.alternatives[0][0])


@pytest.mark.parametrize(("language", "word"), [("de", "Einladung"), ("en", "invit")])
def test_the_mail_speaks_the_language_of_who_invites(
    world: World,
    invitation: Invitation,
    mailoutbox: list[EmailMultiAlternatives],
    language: str,
    word: str,
) -> None:
    User.objects.filter(pk=world.anna.pk).update(language=language)
    tasks.send_invitation(str(invitation.pk))
    assert f'lang="{language}"' in str(mailoutbox[0].alternatives[0][0])


def test_the_mail_speaks_the_language_of_who_is_invited_where_we_know_it(
    world: World, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    User.objects.filter(pk=world.nils.pk).update(language="en")
    invitation = invitations.invite(
        world.alpenglueck, world.nils.email, Role.MEMBER, by=Actor(world.anna)
    )
    tasks.send_invitation(str(invitation.pk))
    assert 'lang="en"' in str(mailoutbox[0].alternatives[0][0])


def test_a_mail_server_that_is_down_is_asked_again(
    invitation: Invitation,
    tasks_at_once: None,
    mailoutbox: list[EmailMultiAlternatives],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = [ConnectionRefusedError(), smtplib.SMTPServerDisconnected(), None]
    send = mails.send_invitation

    def moody(invitation: Invitation) -> None:
        if answer := answers.pop(0):
            raise answer
        send(invitation)

    monkeypatch.setattr(mails, "send_invitation", moody)
    tasks.send_invitation.delay(str(invitation.pk))
    assert answers == [] and len(mailoutbox) == 1


def test_a_task_that_runs_twice_mails_once(
    invitation: Invitation, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    tasks.send_invitation(str(invitation.pk))
    tasks.send_invitation(str(invitation.pk))
    assert len(mailoutbox) == 1


@pytest.mark.parametrize("end", ["revoked", "accepted", "expired"])
def test_an_invitation_that_has_ended_is_not_mailed(
    world: World, invitation: Invitation, mailoutbox: list[EmailMultiAlternatives], end: str
) -> None:
    pk = str(invitation.pk)
    bring_to_an_end(invitation, end, world)
    tasks.send_invitation(pk)
    assert mailoutbox == []


def bring_to_an_end(invitation: Invitation, end: str, world: World) -> None:
    if end == "revoked":
        invitations.revoke(invitation, by=Actor(world.anna))
    elif end == "accepted":
        Invitation.objects.filter(pk=invitation.pk).update(accepted_at=timezone.now())
    else:
        long_ago = timezone.now() - timedelta(hours=72, seconds=1)
        Invitation.objects.filter(pk=invitation.pk).update(created_at=long_ago)


def test_with_the_broker_down_the_invitation_stands_and_shows_as_not_sent(
    as_anna: Client, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    def down(*_: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(tasks.send_invitation, "delay", down)
    with django_capture_on_commit_callbacks(execute=True):
        page = invite(as_anna, "nora@alpenglueck.example")
    assert page.status_code == 200
    assert "nora@alpenglueck.example" in read(page)
    assert Invitation.objects.get().sent_at is None


@pytest.mark.parametrize(
    "email", ["", "nora", "nora@", "a@b.example\x00", "x" * 250 + "@a.example"]
)
def test_what_is_no_address_is_not_invited_and_stays_in_the_form(
    as_anna: Client, email: str
) -> None:
    page = invite(as_anna, email)
    assert page.status_code == 422
    assert page.context["form"].errors.keys() == {"email"}
    assert not Invitation.objects.exists()


def test_a_member_is_not_invited_again(as_anna: Client, world: World) -> None:
    page = invite(as_anna, "OTTO@alpenglueck.example")
    assert page.status_code == 422
    assert "Otto Owner is already a member." in read(page)
    assert not Invitation.objects.exists()


def test_a_member_is_known_by_every_address_he_has_confirmed(as_anna: Client, world: World) -> None:
    EmailAddress.objects.create(user=world.otto, email="otto@home.example", verified=True)
    assert invite(as_anna, "otto@home.example").status_code == 422


def test_a_second_invitation_takes_the_place_of_the_first(
    as_anna: Client, client: Client, world: World, invitation: Invitation, link: str
) -> None:
    invite(as_anna, "nora@alpenglueck.example", "admin")
    (second,) = Invitation.objects.all()
    assert second.role == Role.ADMIN
    assert client.get(link).status_code == 410
    assert client.get(links.path_of(second)).status_code == 200


def test_two_organizations_may_invite_the_same_person(world: World, invitation: Invitation) -> None:
    invitations.invite(world.nordwind, invitation.email, Role.MEMBER, by=Actor(world.nils))
    assert Invitation.objects.count() == 2


def test_open_invitations_are_listed_for_admins_and_expired_ones_say_so(
    as_anna: Client, world: World, invitation: Invitation
) -> None:
    url = reverse("accounts:members", args=["alpenglueck"])
    assert invitation.email in read(as_anna.get(url))
    bring_to_an_end(invitation, "expired", world)
    assert "Expired" in read(as_anna.get(url))


# --- accepting ---------------------------------------------------------------------------------


def test_opening_the_link_accepts_nothing(
    client: Client, world: World, invitation: Invitation, link: str
) -> None:
    for method in (client.get, client.head):
        assert method(link).status_code == 200
    assert not User.objects.filter(email=invitation.email).exists()
    assert Invitation.objects.get().accepted_at is None


def test_a_new_person_sets_a_name_and_a_password_and_is_in(
    client: Client, world: World, link: str, sign_up: dict[str, str]
) -> None:
    answer = client.post(link, sign_up)
    assert answer.headers["Location"] == reverse(PROFILES, args=["alpenglueck"])
    nora = User.objects.get(email="nora@alpenglueck.example")
    assert (nora.name, nora.language) == ("Nora Neumann", "en")
    assert nora.check_password(sign_up["password"])
    assert client.session["_auth_user_id"] == str(nora.pk)
    assert Membership.objects.get(user=nora).role == Role.MANAGER
    assert AuditEvent.objects.filter(verb="joined", actor_id=str(nora.pk)).count() == 1


def test_the_address_is_confirmed_since_the_link_came_by_mail(
    client: Client, world: World, link: str, sign_up: dict[str, str]
) -> None:
    client.post(link, sign_up)
    address = EmailAddress.objects.get(user__email="nora@alpenglueck.example")
    assert address.verified and address.primary


def test_who_has_signed_up_can_sign_in_again(
    client: Client, world: World, link: str, sign_up: dict[str, str]
) -> None:
    client.post(link, sign_up)
    client.logout()
    client.post(
        reverse("account_login"),
        {"login": "nora@alpenglueck.example", "password": sign_up["password"]},
    )
    assert "_auth_user_id" in client.session


def test_nobody_signs_up_with_another_address_or_role_than_the_invitations(
    client: Client, world: World, link: str, sign_up: dict[str, str]
) -> None:
    client.post(link, {**sign_up, "email": "evil@x.example", "role": "admin", "is_staff": "on"})
    nora = User.objects.get(name="Nora Neumann")
    assert (nora.email, nora.is_staff) == ("nora@alpenglueck.example", False)
    assert Membership.objects.get(user=nora).role == Role.MANAGER


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "a\x00b"),
        ("name", "x" * 151),
        ("password", ""),
        ("password", "nine char"),
        ("password", "1234567890123"),
        ("password", "nora@alpenglueck.example"),
        ("password", "a\x00bcdefghijklmnop"),
        ("language", "fr"),
    ],
)
def test_a_wrong_value_is_named_and_the_invitation_stays_open(
    client: Client, world: World, link: str, sign_up: dict[str, str], field: str, value: str
) -> None:
    page = client.post(link, {**sign_up, field: value})
    assert page.status_code == 422
    assert page.context["form"].errors.keys() == {field}
    assert not User.objects.filter(email="nora@alpenglueck.example").exists()
    assert client.post(link, sign_up).status_code == 302


def test_a_signed_in_person_with_that_address_joins_by_one_click(
    client: Client, world: World
) -> None:
    invitation = invitations.invite(
        world.alpenglueck, "NILS@nordwind.example", Role.MEMBER, by=Actor(world.anna)
    )
    client.force_login(world.nils)
    link = links.path_of(invitation)
    assert client.get(link).context["situation"] == "join"
    client.post(link)
    assert world.alpenglueck.memberships.get(user=world.nils).role == Role.MEMBER
    assert world.nordwind.memberships.get(user=world.nils).role == Role.ADMIN


def test_joining_confirms_an_address_that_was_not_confirmed_yet(
    client: Client, world: World
) -> None:
    EmailAddress.objects.filter(user=world.nils).update(verified=False)
    invitation = invitations.invite(
        world.alpenglueck, world.nils.email, Role.MEMBER, by=Actor(world.anna)
    )
    client.force_login(world.nils)
    client.post(links.path_of(invitation))
    assert EmailAddress.objects.get(user=world.nils).verified


def test_who_has_an_account_and_is_signed_out_is_led_to_the_sign_in_and_back(
    client: Client, world: World
) -> None:
    invitation = invitations.invite(
        world.alpenglueck, world.nils.email, Role.MEMBER, by=Actor(world.anna)
    )
    link = links.path_of(invitation)
    page = client.get(link)
    assert page.context["situation"] == "sign_in"
    way = f"{reverse('account_login')}?next={link.replace(':', '%3A')}"
    assert way in page.content.decode()
    assert client.post(link, {"name": "Evil", "password": "stolen account 1"}).status_code == 409
    world.nils.refresh_from_db()
    assert world.nils.check_password("secret")
    assert not world.alpenglueck.memberships.filter(user=world.nils).exists()


def test_who_is_signed_in_as_somebody_else_is_told_so_and_does_not_join(
    client: Client, world: World, link: str
) -> None:
    User.objects.filter(pk=world.nils.pk).update(language="en")
    client.force_login(world.nils)
    page = read(client.get(link))
    assert "nora@alpenglueck.example" in page and "nils@nordwind.example" in page
    assert client.post(link).status_code == 409
    assert not world.alpenglueck.memberships.filter(user=world.nils).exists()


def test_an_invitation_changes_no_role_of_who_is_a_member_already(
    client: Client, world: World, invitation: Invitation, link: str
) -> None:
    EmailAddress.objects.create(user=world.otto, email=invitation.email, verified=True)
    client.force_login(world.otto)
    client.post(link)
    assert world.alpenglueck.memberships.get(user=world.otto).role == Role.MEMBER


# --- links that open nothing -------------------------------------------------------------------


@pytest.mark.parametrize("end", ["revoked", "accepted", "expired"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_ended_invitation_says_what_to_do_next_and_lets_nobody_in(
    client: Client,
    world: World,
    invitation: Invitation,
    link: str,
    sign_up: dict[str, str],
    end: str,
    method: str,
) -> None:
    bring_to_an_end(invitation, end, world)
    page = getattr(client, method)(link, sign_up, headers=ENGLISH)
    assert page.status_code == 410
    title, what_next = {
        "revoked": ("This invitation has been withdrawn or replaced.", "ask the person"),
        "accepted": ("This invitation has already been accepted.", "sign in"),
        "expired": ("This invitation has expired.", "Ask the person who invited you"),
    }[end]
    assert title in read(page) and what_next in read(page)
    assert not User.objects.filter(email="nora@alpenglueck.example").exists()


def test_an_invitation_lives_72_hours_and_no_second_longer(
    client: Client, invitation: Invitation, link: str
) -> None:
    for age, status in ((timedelta(hours=71, minutes=59), 200), (timedelta(hours=72), 410)):
        Invitation.objects.update(created_at=timezone.now() - age)
        assert client.get(link).status_code == status


def test_a_link_works_once(
    client: Client, world: World, link: str, sign_up: dict[str, str]
) -> None:
    client.post(link, sign_up)
    client.logout()
    again = client.post(link, {**sign_up, "name": "Second Nora"})
    assert again.status_code == 410
    assert User.objects.filter(email="nora@alpenglueck.example").count() == 1


def forgeries(invitation: Invitation) -> dict[str, str]:
    pk, token = str(invitation.pk), links.path_of(invitation).split("/")[2]
    return {
        "no signature": pk,
        "one letter changed": token[:-1] + ("A" if token[-1] != "A" else "B"),
        "cut off": token[:-5],
        "signed for something else": signing.dumps(pk, salt="another.purpose"),
        "nonsense": "x:y:z",
        "null": "\x00",
    }


@pytest.mark.parametrize("kind", ["no signature", "one letter changed", "cut off",
                                  "signed for something else", "nonsense", "null"])  # fmt: skip
def test_a_forged_link_opens_nothing(client: Client, invitation: Invitation, kind: str) -> None:
    url = reverse("accounts:invitation", args=[forgeries(invitation)[kind]])
    page = client.get(url, headers=ENGLISH)
    assert page.status_code == 404
    assert "Open it from the mail once more" in read(page)


def test_an_invitation_accepted_by_now_is_not_revoked(as_anna: Client, world: World) -> None:
    invitation = invitations.invite(
        world.alpenglueck, world.nils.email, Role.MEMBER, by=Actor(world.anna)
    )
    invitations.join(invitation, world.nils)
    url = reverse("accounts:invitation_revoke", args=["alpenglueck", invitation.pk])
    page = as_anna.post(url, follow=True)
    assert "Remove the person from the members instead" in read(page)
    assert not AuditEvent.objects.filter(verb="invitation_revoked").exists()


def test_a_revoked_invitation_is_logged(
    as_anna: Client, world: World, invitation: Invitation
) -> None:
    as_anna.post(reverse("accounts:invitation_revoke", args=["alpenglueck", invitation.pk]))
    event = AuditEvent.objects.get(verb="invitation_revoked")
    assert event.object_name == "nora@alpenglueck.example"


@pytest.mark.django_db(transaction=True)
def test_of_two_clicks_at_the_same_moment_one_gets_through(world: World) -> None:
    invitation = invitations.invite(
        world.alpenglueck, world.nils.email, Role.MEMBER, by=Actor(world.anna)
    )
    refused: list[LinkRefused] = []

    def second_click() -> None:
        try:
            invitations.join(invitation, world.nils)
        except LinkRefused as refusal:
            refused.append(refusal)
        finally:
            connection.close()

    other = threading.Thread(target=second_click)
    with transaction.atomic():
        invitations.join(invitation, world.nils)
        other.start()
        other.join(0.5)  # it has to wait for us
    other.join()
    assert [type(refusal) for refusal in refused] == [invitations.Used]
    assert AuditEvent.objects.filter(verb="joined").count() == 1

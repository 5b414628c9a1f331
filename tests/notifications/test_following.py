"""What follows a loss that nobody mends: reminders, and at last the admins."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Organization, Role, User
from notifications.kinds import NoticeKind
from notifications.letters import letter
from notifications.models import Digest, Notice, Outcome, Preferences, RefusedAddress
from notifications.planning import plan
from notifications.tasks import look_ahead, plan_and_send
from profiles.models import Ownership, Profile
from tests.notifications.conftest import Killed, Looked, Postbox, killed_at
from tests.people import World
from tests.roles import queries_of


def days_pass(days: float) -> None:
    """Everything is that much longer ago."""
    by = timedelta(days=days)
    for notice in Notice.objects.select_related("change"):
        for name in ("sent_at", "follow_up_at", "next_attempt_at", "created_at"):
            if value := getattr(notice, name):
                setattr(notice, name, value - by)
        notice.save()
        if notice.change:
            notice.change.at -= by
            notice.change.save()


@pytest.fixture
def page(looked: Looked, postbox: Postbox) -> Profile:
    """A page whose owner Otto has just been told that it has no valid access."""
    page = looked.profile("Alpenglück", token=looked.login())
    looked.lose(page)
    plan_and_send()
    assert len(postbox.mails) == 1
    return page


@pytest.fixture
def escalating(world: World) -> None:
    Organization.objects.filter(pk=world.alpenglueck.pk).update(escalates=True)


def body(mail: Any, version: str = "plain") -> str:
    return str(mail.get_body((version,)).get_content())


@pytest.mark.usefixtures("page")
def test_the_first_reminder_comes_after_two_days(postbox: Postbox) -> None:
    days_pass(1.9)
    look_ahead()
    assert len(postbox.mails) == 1

    days_pass(0.2)
    look_ahead()

    assert len(postbox.mails) == 2
    assert "for 2 days now" in body(postbox.mails[1])


@pytest.mark.usefixtures("page")
def test_six_reminders_and_no_more(world: World, postbox: Postbox) -> None:
    days_pass(2)
    for _ in range(12):
        look_ahead()
        days_pass(5)

    assert len(postbox.to(world.otto)) == 1 + 6
    assert "our last reminder" in body(postbox.mails[-1])
    assert "our last reminder" not in body(postbox.mails[-2])


@pytest.mark.usefixtures("page")
def test_a_reminder_follows_five_days_after_the_one_before(postbox: Postbox) -> None:
    days_pass(2)
    look_ahead()
    days_pass(4.9)
    look_ahead()
    assert len(postbox.mails) == 2

    days_pass(0.2)
    look_ahead()

    assert len(postbox.mails) == 3


@pytest.mark.usefixtures("page")
def test_a_reminder_stands_in_the_thread_of_the_first_mail(postbox: Postbox) -> None:
    days_pass(2)
    look_ahead()

    first, reminder = postbox.mails
    assert reminder["References"] == reminder["In-Reply-To"] == first["Message-ID"]
    assert reminder["Message-ID"] != first["Message-ID"]


def test_nobody_is_reminded_of_what_works_again(
    looked: Looked, postbox: Postbox, page: Profile
) -> None:
    looked.recover(page)
    days_pass(2)

    look_ahead()

    assert len(postbox.mails) == 1
    assert not Notice.objects.filter(kind=NoticeKind.REMINDER).exists()


def test_a_reminder_whose_profile_recovers_before_it_leaves_is_not_sent(
    looked: Looked, postbox: Postbox, page: Profile
) -> None:
    days_pass(2)
    postbox.at_data = "451 later"
    look_ahead()
    looked.recover(page)
    postbox.at_data = "250 OK"
    days_pass(1)

    look_ahead()

    assert len(postbox.mails) == 1


@pytest.mark.usefixtures("page")
def test_who_has_stopped_reminders_gets_none(world: World, postbox: Postbox) -> None:
    Preferences.objects.create(user=world.otto, kinds=[])
    days_pass(2)

    look_ahead()

    assert len(postbox.mails) == 1


def test_forty_boards_are_one_reminder(looked: Looked, postbox: Postbox) -> None:
    token = looked.login()
    looked.lose(*(looked.profile(f"Board {number}", token=token) for number in range(40)))
    plan_and_send()
    days_pass(2)

    look_ahead()

    assert len(postbox.mails) == 2
    assert "40 " in postbox.mails[1]["Subject"]


@pytest.mark.usefixtures("page")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("statement", range(1, 8))
def test_a_crash_neither_forgets_a_reminder_nor_sends_it_twice(
    postbox: Postbox, statement: int
) -> None:
    days_pass(2)
    with pytest.raises(Killed), killed_at(statement):
        look_ahead()

    look_ahead()
    look_ahead()

    assert Notice.objects.filter(kind=NoticeKind.REMINDER).count() == 1
    days_pass(0.1)
    look_ahead()
    assert len(postbox.mails) == 2


TOLD = "Its owners were told by mail, but nobody has refreshed the connection."
UNTOLD = "No owner could be reached by mail."
EITHER = "No owner could be reached by mail, or none has refreshed the connection"


@pytest.mark.usefixtures("page", "escalating")
def test_after_the_last_reminder_the_admins_are_told(world: World, postbox: Postbox) -> None:
    days_pass(2)
    for _ in range(6):
        look_ahead()
        assert not postbox.to(world.anna)
        days_pass(5)

    look_ahead()
    days_pass(5)
    look_ahead()

    [mail] = postbox.to(world.anna)
    assert "nobody has renewed it" in mail["Subject"]
    assert TOLD in body(mail)


@pytest.mark.usefixtures("escalating")
def test_of_two_owners_past_the_last_reminder_the_admins_hear_once(
    world: World, looked: Looked, postbox: Postbox
) -> None:
    User.objects.filter(pk=world.mara.pk).update(wants_token_mail=True)
    page = looked.profile(token=looked.login())
    looked.own(page, world.mara)
    looked.lose(page)
    plan_and_send()
    days_pass(2)
    for _ in range(8):
        look_ahead()
        days_pass(5)

    assert len(postbox.to(world.mara)) == len(postbox.to(world.otto)) == 7
    assert len(postbox.to(world.anna)) == 1


@pytest.mark.usefixtures("escalating")
def test_where_no_owner_can_be_told_the_admins_are_at_once(
    world: World, looked: Looked, postbox: Postbox
) -> None:
    page = looked.profile(token=looked.login())
    Ownership.objects.all().delete()
    looked.lose(page)

    plan_and_send()

    [mail] = postbox.mails
    assert mail["To"] == world.anna.email
    assert UNTOLD in body(mail)


@pytest.mark.usefixtures("escalating")
def test_that_one_admin_was_told_does_not_count_for_the_other(
    world: World, looked: Looked, postbox: Postbox
) -> None:
    Membership.objects.filter(user=world.mara).update(role=Role.ADMIN)
    page = looked.profile(token=looked.login())
    Ownership.objects.all().delete()
    looked.lose(page)

    plan_and_send()

    assert len(postbox.mails) == 2
    assert all(UNTOLD in body(mail) for mail in postbox.mails)


@pytest.mark.usefixtures("escalating")
def test_where_the_only_owners_address_is_refused_the_admins_are_told(
    world: World, looked: Looked, postbox: Postbox
) -> None:
    looked.lose(looked.profile(token=looked.login()))
    postbox.at_recipient = "550 5.1.1 no such user"
    plan_and_send()
    postbox.at_recipient = "250 OK"

    look_ahead()

    assert RefusedAddress.objects.get().email == world.otto.email
    [mail] = postbox.mails
    assert mail["To"] == world.anna.email
    assert UNTOLD in body(mail)


@pytest.mark.usefixtures("escalating")
def test_to_whom_no_mail_could_leave_was_not_told(
    world: World, looked: Looked, postbox: Postbox
) -> None:
    looked.lose(looked.profile(token=looked.login()))
    plan()
    Notice.objects.all().give_up(Outcome.BAD_ADDRESS, "", now=timezone.now())

    look_ahead()

    [mail] = postbox.to(world.anna)
    assert UNTOLD in body(mail)


@pytest.mark.usefixtures("page", "escalating")
def test_whose_mail_came_back_was_not_told(world: World, postbox: Postbox) -> None:
    Notice.objects.update(outcome=Outcome.REFUSED, follow_up_at=timezone.now())
    RefusedAddress.objects.create(email=world.otto.email)

    look_ahead()

    [mail] = postbox.to(world.anna)
    assert UNTOLD in body(mail)


@pytest.mark.usefixtures("escalating")
@pytest.mark.parametrize(
    ("logins", "said"), [(1, [EITHER]), (2, [TOLD, UNTOLD])], ids=["one login", "two"]
)
def test_each_entry_says_whether_the_owners_of_its_losses_were_told(
    world: World, looked: Looked, postbox: Postbox, logins: int, said: list[str]
) -> None:
    """Otto, who stops the reminders, was told of the one loss, and nobody of the other."""
    Preferences.objects.create(user=world.anna, digest=Digest.WEEKLY)
    tokens = [looked.login() for _ in range(logins)]
    pages = [looked.profile(name, token=tokens[at % logins]) for at, name in enumerate("AB")]
    Ownership.objects.filter(profile=pages[1]).delete()
    looked.lose(*pages)
    plan_and_send()
    Preferences.objects.create(user=world.otto, kinds=[])
    days_pass(2)
    look_ahead()
    days_pass(7)

    look_ahead()

    [mail] = postbox.to(world.anna)
    assert all(words in body(mail) for words in said)
    assert sum(body(mail).count(words) for words in (TOLD, UNTOLD, EITHER)) == len(said)


@pytest.mark.usefixtures("escalating")
def test_what_was_told_is_asked_once_a_mail_and_for_admins_alone(looked: Looked) -> None:
    pages = [looked.profile(token=looked.login()) for _ in range(4)]
    Ownership.objects.filter(profile__in=pages[:2]).delete()
    looked.lose(*pages)
    plan()
    rows = Notice.objects.select_related("user", "organization", "profile", "change")
    for kind, queries in {NoticeKind.ACCESS_LOST: 0, NoticeKind.ESCALATION: 1}.items():
        owed = list(rows.filter(kind=kind))
        assert len(owed) == 2
        owed[0].digest_at = timezone.now()
        assert len(queries_of(partial(letter, owed))) == queries


@pytest.mark.usefixtures("escalating")
def test_while_another_owner_is_told_the_admins_are_not(
    world: World, looked: Looked, postbox: Postbox
) -> None:
    User.objects.filter(pk=world.mara.pk).update(wants_token_mail=True)
    RefusedAddress.objects.create(email=world.otto.email)
    page = looked.profile(token=looked.login())
    looked.own(page, world.mara)
    looked.lose(page)

    plan_and_send()
    look_ahead()

    assert [mail["To"] for mail in postbox.mails] == [world.mara.email]


@pytest.mark.usefixtures("escalating")
def test_while_another_owner_was_told_a_refused_address_is_no_case_for_admins(
    world: World, looked: Looked, postbox: Postbox
) -> None:
    User.objects.filter(pk=world.mara.pk).update(wants_token_mail=True)
    page = looked.profile(token=looked.login())
    looked.own(page, world.mara)
    looked.lose(page)
    plan()
    Notice.objects.filter(user=world.otto).give_up(Outcome.REFUSED, "550", now=timezone.now())

    plan_and_send()
    look_ahead()

    assert [mail["To"] for mail in postbox.mails] == [world.mara.email]


def test_without_the_setting_no_admin_is_written_to(looked: Looked, postbox: Postbox) -> None:
    looked.lose(looked.profile(token=looked.login()))
    Ownership.objects.all().delete()

    plan_and_send()

    assert not postbox.mails


@pytest.mark.usefixtures("escalating")
def test_a_muted_profile_is_not_escalated(looked: Looked, postbox: Postbox) -> None:
    looked.lose(looked.profile(token=looked.login(), mail_when_lost=False))

    plan_and_send()

    assert not postbox.mails


@pytest.mark.usefixtures("escalating")
def test_an_admin_who_has_switched_that_kind_off_is_not_written_to(
    world: World, looked: Looked, postbox: Postbox
) -> None:
    Preferences.objects.create(user=world.anna, kinds=[])
    looked.lose(looked.profile(token=looked.login(), mail_when_lost=True))
    Ownership.objects.all().delete()

    plan_and_send()

    assert not postbox.mails


@pytest.mark.usefixtures("escalating")
def test_a_neighbours_admin_hears_nothing(world: World, looked: Looked, postbox: Postbox) -> None:
    Organization.objects.update(escalates=True)
    Ownership.objects.all().delete()
    page = looked.profile(token=looked.login())
    Ownership.objects.all().delete()
    looked.lose(page)

    plan_and_send()

    assert not postbox.to(world.nils)


@pytest.mark.usefixtures("escalating")
@pytest.mark.parametrize("digest", [Digest.NONE, Digest.WEEKLY])
def test_admins_are_led_to_where_an_owner_is_entered(
    world: World, looked: Looked, postbox: Postbox, digest: Digest
) -> None:
    Preferences.objects.create(user=world.anna, digest=digest)
    page = looked.profile(token=looked.login())
    Ownership.objects.all().delete()
    looked.lose(page)
    plan_and_send()
    days_pass(7)

    look_ahead()

    [mail] = postbox.to(world.anna)
    path = reverse("profiles:settings", args=[world.alpenglueck.slug, page.pk])
    assert re.search(rf"/refresh/\s+Add an owner:\s+\S+{path}\s", body(mail))
    html = BeautifulSoup(body(mail, "html"), "html.parser")
    [link] = html.select(f"a[href$='{path}']")
    assert link.get_text() == "Add an owner"
    assert not link.get("class")


@pytest.mark.usefixtures("page")
def test_owners_are_not_asked_to_enter_another(postbox: Postbox) -> None:
    for version in ("plain", "html"):
        assert "Add an owner" not in body(postbox.mails[0], version)

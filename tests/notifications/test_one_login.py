"""One login, several tokens: what ends them together is one mail, and none waits for long."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.conf import settings as configured
from django.utils import timezone

from accounts.models import Organization, User
from networks.base import Network, Reason
from notifications.kinds import NoticeKind
from notifications.letters import letter
from notifications.models import Notice, Preferences
from notifications.planning import plan
from notifications.sending import send_due
from notifications.tasks import look_ahead, plan_and_send
from profiles.models import Profile
from tests.notifications.conftest import Killed, Looked, Postbox, killed_at, let_time_pass
from tests.people import World
from tests.roles import queries_of
from tokens.leases import LEASE
from tokens.models import Access, StatusChange, Token
from tokens.siblings import TOGETHER, login_id


@pytest.fixture
def tokens(looked: Looked) -> list[Token]:
    """Of one login, each with a page of its own."""
    first = looked.login("Anna Huber")
    pair = [first, looked.sibling(first)]
    for name, token in zip(("Erste", "Zweite"), pair, strict=True):
        looked.profile(name, token=token)
    return pair


def dies(looked: Looked, token: Token) -> None:
    """As the engine writes it down: all that hangs on it, and the other tokens of its login are
    due."""
    Token.objects.filter(pk=token.pk).update(
        reason=Reason.PASSWORD_CHANGED, probed_at=timezone.now()
    )
    living = Token.objects.filter(subject=token.subject, reason="")
    living.update(next_probe_at=timezone.now())
    looked.lose(*Profile.objects.filter(accesses__token=token), reason=Reason.PASSWORD_CHANGED)


def answers(token: Token, **more: Any) -> None:
    """It lives, unless more is said, and is asked again in its turn."""
    now = timezone.now()
    more = {"probed_at": now, "next_probe_at": now + timedelta(hours=4)} | more
    Token.objects.filter(pk=token.pk).update(**more)


def minutes_pass(minutes: float) -> None:
    by = timedelta(minutes=minutes)
    for model, names in (
        (Notice, ["created_at", "next_attempt_at"]),
        (StatusChange, ["at"]),
        (Token, ["probed_at", "next_probe_at"]),
        (Access, ["suspected_at"]),
    ):
        for row in model.objects.all():
            for name in names:
                if moment := getattr(row, name):
                    setattr(row, name, moment - by)
            row.save()


def body(mail: Any) -> str:
    return str(mail.get_body(("plain",)).get_content())


# Together


def test_two_tokens_of_one_login_that_die_are_one_mail(
    looked: Looked, tokens: list[Token], postbox: Postbox
) -> None:
    for token in tokens:
        dies(looked, token)

    plan_and_send()

    [mail] = postbox.mails
    assert mail["Subject"] == "LinkedIn, 2 profiles of Anna Huber: no valid access permission"


def test_the_mail_waits_while_the_other_is_due_and_while_its_second_answer_is_to_come(
    looked: Looked, tokens: list[Token], postbox: Postbox
) -> None:
    first, second = tokens
    dies(looked, first)
    plan_and_send()
    assert not postbox.mails, "it is due"

    second.accesses.update(suspected_at=timezone.now())
    answers(second, next_probe_at=timezone.now() + Network.confirm_after)
    plan_and_send()
    assert not postbox.mails, "it seems to have died"

    dies(looked, second)
    plan_and_send()
    [mail] = postbox.mails
    assert "Erste" in body(mail)
    assert "Zweite" in body(mail)


def test_it_waits_for_a_change_of_the_other_that_is_still_to_be_planned(
    looked: Looked, tokens: list[Token], postbox: Postbox
) -> None:
    for token in tokens:
        dies(looked, token)
    plan(1)

    send_due()
    assert not postbox.mails
    plan_and_send()

    assert len(postbox.mails) == 1


def test_a_login_of_that_id_in_another_organization_or_network_is_another(
    world: World, looked: Looked, tokens: list[Token], postbox: Postbox
) -> None:
    first, second = tokens
    elsewhere = looked.sibling(looked.login(network="xing"))
    Token.objects.filter(pk=elsewhere.pk).update(
        subject=first.subject, next_probe_at=timezone.now()
    )
    Token.objects.filter(pk=second.pk).delete()
    away = Looked(world.nordwind, world.nils).sibling(first)
    dies(looked, first)
    assert Token.objects.get(pk=away.pk).next_probe_at <= timezone.now()

    plan_and_send()

    assert len(postbox.mails) == 1, "at once"
    looked.lose(looked.profile(token=elsewhere, kind="profile"))
    let_time_pass()
    plan_and_send()
    assert len({notice.cause for notice in Notice.objects.all()}) == len(postbox.mails) == 2


def test_the_reminders_of_both_are_one_mail_too(
    looked: Looked, tokens: list[Token], postbox: Postbox
) -> None:
    for token in tokens:
        dies(looked, token)
    plan_and_send()
    Notice.objects.update(follow_up_at=timezone.now())

    look_ahead()

    assert len(postbox.mails) == 2
    assert "2 profiles of Anna Huber" in postbox.mails[1]["Subject"]


def test_the_admins_of_whom_no_owner_hears_get_one_mail_too(
    world: World, looked: Looked, tokens: list[Token], postbox: Postbox
) -> None:
    Organization.objects.update(escalates=True)
    world.otto.wants_token_mail = False
    world.otto.save()
    for token in tokens:
        dies(looked, token)

    plan_and_send()

    assert [mail["To"] for mail in postbox.mails] == [world.anna.email]


# At once


def test_a_login_of_one_token_is_told_at_once(looked: Looked, postbox: Postbox) -> None:
    token = looked.login()
    looked.profile(token=token)
    dies(looked, token)

    plan_and_send()

    assert len(postbox.mails) == 1


def test_it_leaves_when_the_other_has_said_that_it_lives(
    looked: Looked, tokens: list[Token], postbox: Postbox
) -> None:
    """Even where it is asked every minute."""
    first, second = tokens
    dies(looked, first)
    answers(second, next_probe_at=timezone.now() + timedelta(minutes=1))

    plan_and_send()

    [mail] = postbox.mails
    assert "Zweite" not in body(mail)


def test_it_does_not_wait_for_one_whose_turn_is_hours_away(
    looked: Looked, tokens: list[Token], postbox: Postbox
) -> None:
    """A lost role, say, or an end that our clock foretold: nobody asks the others because of it."""
    looked.lose(Profile.objects.get(name="Erste"), reason=Reason.PERMISSION_LOST)

    plan_and_send()

    assert len(postbox.mails) == 1


def test_it_does_not_wait_for_one_that_is_red_already(
    looked: Looked, tokens: list[Token], postbox: Postbox
) -> None:
    first, second = tokens
    answers(second, reason=Reason.EXPIRED, next_probe_at=timezone.now())
    dies(looked, first)

    plan_and_send()

    assert len(postbox.mails) == 1


def test_what_lives_again_is_told_at_once(
    world: World, looked: Looked, tokens: list[Token], postbox: Postbox
) -> None:
    Preferences.objects.create(user=world.otto, kinds=[NoticeKind.RESTORED])
    first, second = tokens
    dies(looked, first)
    answers(second)
    plan_and_send()
    Token.objects.filter(pk=second.pk).update(
        probed_at=timezone.now() - timedelta(hours=4), next_probe_at=timezone.now()
    )
    looked.recover(Profile.objects.get(name="Erste"))

    plan_and_send()

    assert len(postbox.mails) == 2


# Not for long


def test_one_that_says_nothing_delays_the_mail_by_ten_minutes_and_no_more(
    looked: Looked, tokens: list[Token], postbox: Postbox
) -> None:
    dies(looked, tokens[0])
    plan_and_send()
    minutes_pass(9.9)
    plan_and_send()
    assert not postbox.mails

    minutes_pass(0.2)
    plan_and_send()

    assert len(postbox.mails) == 1


def test_one_after_the_other_they_delay_the_mail_no_longer_than_one(
    looked: Looked, tokens: list[Token], postbox: Postbox
) -> None:
    third = looked.sibling(tokens[0])
    looked.profile("Dritte", token=third)
    dies(looked, tokens[0])
    plan_and_send()
    minutes_pass(9)
    dies(looked, tokens[1])
    plan()
    newest = Notice.objects.filter(profile__name="Zweite")
    newest.update(id=UUID(int=1))  # stands for all of them
    send_due()
    assert not postbox.mails

    minutes_pass(2)
    plan_and_send()

    [mail] = postbox.mails
    assert "Zweite" in body(mail)


def test_one_that_dies_after_the_mail_left_is_a_mail_of_its_own(
    looked: Looked, tokens: list[Token], postbox: Postbox
) -> None:
    dies(looked, tokens[0])
    plan()
    minutes_pass(11)
    plan_and_send()
    dies(looked, tokens[1])

    plan_and_send()

    first, second = postbox.mails
    assert ("Zweite" in body(first), "Erste" in body(second)) == (False, False)


def test_there_is_time_for_a_killed_worker_and_a_second_answer() -> None:
    ticks = 2 * timedelta(seconds=configured.PROBE_TICK)
    assert LEASE + Network.confirm_after + ticks <= TOGETHER


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("statement", range(1, 12))
def test_nobody_is_forgotten_after_a_crash_at_any_statement(
    looked: Looked, tokens: list[Token], postbox: Postbox, statement: int
) -> None:
    for token in tokens:
        dies(looked, token)
    plan()

    try:
        with killed_at(statement):
            send_due()
    except Killed:
        let_time_pass()
        send_due()

    assert len({mail["Message-ID"] for mail in postbox.mails}) == 1
    assert Notice.objects.exclude(sent_at=None).count() == 2


def test_a_mail_about_many_tokens_costs_no_more_queries_than_one_about_one(
    looked: Looked, postbox: Postbox
) -> None:
    def queries(count: int) -> int:
        first = looked.login()
        several = [first, *(looked.sibling(first) for _ in range(count - 1))]
        for token in several:
            looked.profile(token=token)
            dies(looked, token)
        plan()
        return len(queries_of(send_due))

    assert queries(1) == queries(4)
    assert len(postbox.mails) == 2


# The mail


@pytest.fixture
def lost(looked: Looked, tokens: list[Token]) -> list[Notice]:
    """Six pages of each token, named after it."""
    for name, token in zip(("Erste", "Zweite"), tokens, strict=True):
        for number in range(5):
            looked.profile(f"{name} {number}", token=token)
        dies(looked, token)
    plan()
    rows = Notice.objects.select_related("user", "organization", "profile__parent", "change")
    return list(rows.order_by("change"))


def html_of(mail: Any) -> str:
    return str(mail.alternatives[0][0])


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("read", [lambda mail: mail.body, html_of], ids=["text", "html"])
def test_the_mail_leads_to_each_connection_of_the_login_once(
    world: World, lost: list[Notice], language: str, read: Callable[[Any], str]
) -> None:
    User.objects.filter(pk=world.otto.pk).update(language=language)
    said = {
        "de": ["an 2 Verbindungen dieser Anmeldung", "Verbindung aktualisieren: Erste"],
        "en": ["on 2 connections of this login", "Refresh connection: Erste"],
    }[language]
    for notice in lost:
        notice.user.refresh_from_db()

    content = read(letter(lost))

    for words in said:
        assert words in content
    linked = re.findall("/profiles/([^/]*)/refresh/", content)
    found = Access.objects.filter(profile__in=linked).values_list("token", flat=True)
    assert len(linked) == len(set(found)) == 2


def test_a_digest_leads_to_each_of_them_too(lost: list[Notice]) -> None:
    for notice in lost:
        notice.digest_at = timezone.now()

    mail = letter(lost)

    assert mail.body.count("/refresh/") == html_of(mail).count("/refresh/") == 2
    assert re.search("\nRefresh connection: Zweite.*\nhttp", str(mail.body))


@pytest.mark.parametrize("digest_at", [None, timezone.now()])
def test_a_mail_about_one_connection_names_none(looked: Looked, digest_at: datetime | None) -> None:
    token = looked.login()
    for name in ("Erste", "Zweite"):
        looked.profile(name, token=token)
    dies(looked, token)
    plan()
    rows = Notice.objects.select_related("user", "organization", "profile__parent", "change")
    notices = list(rows.order_by("change"))
    for notice in notices:
        notice.digest_at = digest_at

    mail = letter(notices)

    for content in (mail.body, html_of(mail)):
        assert content.count("/refresh/") == 1
        assert "connections of this login" not in content
        assert "Refresh connection: " not in content


# Those who upgrade


def test_what_is_owed_at_the_upgrade_is_still_one_mail(
    looked: Looked, tokens: list[Token], postbox: Postbox
) -> None:
    """It was planned before, each token a cause of its own, and the token of one is gone."""
    for token in tokens:
        dies(looked, token)
    gone = looked.login()
    looked.profile("Dritte", token=gone)
    dies(looked, gone)
    plan()
    for notice in Notice.objects.select_related("change"):
        notice.cause = notice.change.token_id
        notice.save()
    cause = gone.pk
    gone.delete()

    import_module("notifications.migrations.0008_logins").name_the_login(apps, None)

    first = tokens[0]
    login = login_id(first.organization_id, first.network_slug, first.subject)
    assert set(Notice.objects.values_list("cause", flat=True)) == {login, cause}
    send_due()
    assert len(postbox.mails) == 2

"""What the operator is told, over a real mail server: that something fails, and that it is over."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.utils import timezone

from accounts.models import User
from networks.base import Reason
from notifications import operators
from notifications.models import Notice, OperatorNotice, Outcome, Phase
from notifications.operators import plan, send_due
from notifications.tasks import plan_and_send, tell_operators
from tests.notifications.conftest import Killed, Looked, Postbox, killed_at
from tests.people import World, person
from tests.roles import queries_of
from tokens.models import Failure, OAuthApp

BEGUN = datetime(2026, 7, 1, 10, 30, tzinfo=UTC)


def operator(name: str = "Rita Sommer", **fields: Any) -> User:
    made = person(name)
    User.objects.filter(pk=made.pk).update(is_staff=True, **fields)
    made.refresh_from_db()
    return made


@pytest.fixture
def rita(db: Any) -> User:
    return operator()


def fails(network: str = "linkedin", **fields: Any) -> Failure:
    seen = {"logins": 40, "asked": 41, "expected": 0.3, "held": 1204, "opened_at": BEGUN}
    what = {"health": "dead", "reason": Reason.INVALID_TOKEN_UNSPECIFIED}
    return Failure.objects.create(network_slug=network, **{**seen, **what, **fields})


def close(failure: Failure) -> None:
    Failure.objects.filter(pk=failure.pk).update(
        closed_at=failure.opened_at + timedelta(hours=3, minutes=12)
    )


def let_time_pass() -> None:
    """Leases end and the next attempts fall due."""
    for notice in OperatorNotice.objects.all():
        notice.next_attempt_at -= timedelta(days=1)
        notice.save()


def text(mail: Any) -> str:
    return str(mail.get_body(("plain",)).get_content())


def html(mail: Any) -> str:
    return str(mail.get_body(("html",)).get_content())


# --- What is told ---


def test_a_failure_that_opens_is_one_mail_with_all_that_counts(
    rita: User, postbox: Postbox, settings: Any
) -> None:
    settings.BASE_URL = "https://tokenwacht.example"
    fails()

    tell_operators()
    tell_operators()

    [mail] = postbox.mails
    assert mail["To"] == rita.email
    assert mail["Subject"].strip() == (
        "LinkedIn answers 40 of 41 logins with “invalid”: 1,204 accesses held back"
    )
    assert mail["Auto-Submitted"] == "auto-generated"
    for content in (text(mail), html(mail)):
        for fact in (
            "since 1 Jul 2026, 12:30 (CEST); normally it would be less than one in this time.",
            "1,204 accesses are held back, and no owner is written to.",
            "developer console of LinkedIn",
            "https://tokenwacht.example/operator/",
            "because you are an operator",
        ):
            assert fact in " ".join(content.split()), fact


def test_when_it_is_over_one_mail_says_for_how_long(rita: User, postbox: Postbox) -> None:
    failure = fails()
    tell_operators()
    close(failure)

    tell_operators()
    tell_operators()

    _, mail = postbox.mails
    assert mail["Subject"] == "LinkedIn answers as usual again (it lasted 3 hours 12 minutes)"
    for content in (text(mail), html(mail)):
        said = " ".join(content.split())
        assert "LinkedIn answered 40 of 41 logins with “invalid”, from 1 Jul 2026, 12:30" in said
        assert "to 1 Jul 2026, 15:42 (CEST). No owner was written to about it." in said
        assert "You don’t need to do anything." in said
    assert OperatorNotice.objects.exclude(sent_at=None).count() == 2


def test_the_mail_of_its_end_does_not_say_that_nobody_was_told_where_they_were(
    rita: User, postbox: Postbox
) -> None:
    failure = fails(believed_at=timezone.now(), told_opening_at=timezone.now())
    close(failure)
    tell_operators()

    [mail] = postbox.mails
    assert (
        mail["Subject"] == "LinkedIn: nothing is held back any more (it lasted 3 hours 12 minutes)"
    )
    for content in (text(mail), html(mail)):
        said = " ".join(content.split())
        assert "the owners of what had ended were told" in said
        assert "No owner was written to" not in said


@pytest.mark.parametrize(
    ("language", "subject"),
    [
        ("de", "LinkedIn antwortet auf 40 von 41 Anmeldungen mit „ungültig“: 1.204 Zugriffe"),
        ("", "LinkedIn antwortet auf 40 von 41 Anmeldungen mit „ungültig“: 1.204 Zugriffe"),
        ("en", "LinkedIn answers 40 of 41 logins with “invalid”: 1,204 accesses"),
    ],
)
def test_it_is_in_the_language_of_its_reader(
    db: Any, postbox: Postbox, language: str, subject: str
) -> None:
    operator(language=language)
    fails()

    tell_operators()

    assert postbox.mails[0]["Subject"].strip().startswith(subject)


def test_an_outage_that_holds_nothing_does_not_speak_of_what_is_held(
    rita: User, postbox: Postbox
) -> None:
    fails(health="unclear", reason=Reason.NETWORK_OUTAGE, held=0)

    tell_operators()

    [mail] = postbox.mails
    assert mail["Subject"] == "LinkedIn does not answer 40 of 41 logins"
    assert "No profile turns red because of it, and no owner is written to." in text(mail)
    assert "held" not in text(mail)


def test_the_name_of_a_server_breaks_no_line_and_no_markup(rita: User, postbox: Postbox) -> None:
    hostile = "<b>x</b>\r\nBcc: all@nordwind.example\u202e"
    app = OAuthApp.objects.create(network_slug="mastodon", client_id=hostile)
    fails("mastodon", app=app)

    tell_operators()

    [mail] = postbox.mails
    assert mail["Bcc"] is None
    assert "\u202e" not in mail["Subject"]
    assert "<b>x" not in html(mail)


# --- Who is told ---


def test_each_operator_is_told_once(rita: User, postbox: Postbox) -> None:
    other = operator("Ole Operator", language="de")
    fails()

    tell_operators()
    tell_operators()

    assert sorted(mail["To"] for mail in postbox.mails) == sorted([rita.email, other.email])


def test_no_owner_and_no_admin_is_told(world: World, postbox: Postbox, looked: Looked) -> None:
    fails()
    tell_operators()
    plan_and_send()
    assert not postbox.mails


def deactivated(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def dismissed(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_staff=False)


def unconfirmed(user: User) -> None:
    EmailAddress.objects.filter(user=user).update(verified=False)


@pytest.mark.parametrize("change", [deactivated, dismissed, unconfirmed])
def test_who_is_no_operator_with_a_confirmed_address_is_not_written_to(
    rita: User, postbox: Postbox, change: Callable[[User], None]
) -> None:
    fails()
    change(rita)
    tell_operators()
    assert not OperatorNotice.objects.exists()

    fails("x")
    dismissed(rita)
    assert not postbox.mails


@pytest.mark.parametrize("change", [deactivated, dismissed, unconfirmed])
def test_nor_who_stopped_being_one_before_the_mail_left(
    rita: User, postbox: Postbox, change: Callable[[User], None]
) -> None:
    fails()
    plan()
    change(rita)

    send_due()

    assert not postbox.mails
    assert OperatorNotice.objects.get().outcome == Outcome.NOT_WANTED


def test_where_there_is_no_operator_the_log_says_so_once_for_each_phase(
    db: Any, postbox: Postbox, caplog: pytest.LogCaptureFixture
) -> None:
    failure = fails()
    with caplog.at_level(logging.WARNING, logger=operators.__name__):
        tell_operators()
        tell_operators()
        close(failure)
        tell_operators()
        tell_operators()
    assert [record.message for record in caplog.records] == [
        "linkedin fails (invalid_token_unspecified), and there is no operator to write to "
        "(docs/operations.md)",
        "linkedin works again, and there is no operator to write to (docs/operations.md)",
    ]


def test_who_becomes_an_operator_meanwhile_is_told_of_the_end(db: Any, postbox: Postbox) -> None:
    failure = fails()
    tell_operators()
    rita = operator()
    close(failure)

    tell_operators()

    assert [mail["To"] for mail in postbox.mails] == [rita.email]


# --- Once, and nobody forgotten ---


def test_what_was_over_before_anybody_was_told_is_one_mail_that_says_both(
    rita: User, postbox: Postbox
) -> None:
    close(fails())

    tell_operators()

    [mail] = postbox.mails
    assert "as usual again" in mail["Subject"]
    assert "LinkedIn answered 40 of 41 logins" in text(mail)
    assert OperatorNotice.objects.get().phase == Phase.CLOSING


def test_so_is_what_was_over_before_the_mail_server_took_the_first_mail(
    rita: User, postbox: Postbox
) -> None:
    postbox.at_recipient = "451 4.7.1 Try again"
    failure = fails()
    tell_operators()
    postbox.at_recipient = "250 OK"
    close(failure)
    let_time_pass()

    tell_operators()

    [mail] = postbox.mails
    assert "as usual again" in mail["Subject"]
    assert OperatorNotice.objects.get(phase=Phase.OPENING).outcome == Outcome.RECOVERED


def test_a_network_that_fails_again_is_told_again(rita: User, postbox: Postbox) -> None:
    close(fails())
    tell_operators()
    fails()
    tell_operators()
    assert len(postbox.mails) == 2


def test_a_refusal_for_now_is_tried_again_with_growing_pauses(rita: User, postbox: Postbox) -> None:
    postbox.at_recipient = "451 4.7.1 Try again"
    fails()
    pauses = []
    for _ in range(3):
        tell_operators()
        wait = OperatorNotice.objects.get().next_attempt_at - timezone.now()
        pauses.append(round(wait.total_seconds() / 60))
        let_time_pass()
    assert pauses == [1, 5, 30]

    postbox.at_recipient = "250 OK"
    tell_operators()

    assert len(postbox.mails) == 1


def test_a_refusal_for_good_stops(rita: User, postbox: Postbox) -> None:
    postbox.at_recipient = "550 5.1.1 No such mailbox"
    fails()
    tell_operators()
    let_time_pass()
    postbox.at_recipient = "250 OK"
    tell_operators()
    assert not postbox.mails
    assert OperatorNotice.objects.get().outcome == Outcome.REFUSED


def test_a_mail_server_that_is_away_is_found_out_by_one_mail_and_not_by_each(
    rita: User, postbox: Postbox, settings: Any
) -> None:
    operator("Ole Operator")
    fails()
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1

    tell_operators()
    tell_operators()

    assert sorted(OperatorNotice.objects.values_list("attempts", flat=True)) == [0, 1]
    settings.EMAIL_PORT = port
    let_time_pass()
    tell_operators()
    assert len(postbox.mails) == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("statement", range(1, 16))
def test_no_operator_is_forgotten_after_a_crash_at_any_statement(
    postbox: Postbox, statement: int
) -> None:
    """And who gets the mail twice gets it under one Message-ID, which mail programs fold."""
    operator()
    fails()

    try:
        with killed_at(statement):
            plan()
            send_due()
    except Killed:
        let_time_pass()
        plan()
        send_due()

    assert len({mail["Message-ID"] for mail in postbox.mails}) == 1
    assert OperatorNotice.objects.get().sent_at


@pytest.mark.django_db(transaction=True)
def test_four_workers_tell_each_operator_once(postbox: Postbox) -> None:
    for number in range(4):
        operator(f"Operator{number} Sommer")
    for network in ("linkedin", "x"):
        fails(network)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            plan()
            send_due()
        except BaseException as failure:
            failures.append(failure)
            raise
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    send_due()

    assert not failures
    assert len(postbox.mails) == len({mail["Message-ID"] for mail in postbox.mails}) == 8


def test_planning_costs_as_many_queries_for_many_failures_as_for_one(rita: User) -> None:
    def cost(networks: list[str]) -> int:
        for network in networks:
            fails(network)
        return len(queries_of(plan))

    assert len(queries_of(plan)) == 1, "where nothing is new"
    one = cost(["linkedin"])
    operator("Ole Operator")
    assert cost(["x", "tiktok", "pinterest"]) == one == 5


def test_an_owners_mail_and_an_operators_do_not_wait_for_each_other(
    world: World, rita: User, looked: Looked, postbox: Postbox
) -> None:
    looked.lose(looked.profile(token=looked.login()))
    fails()

    plan_and_send()
    assert [mail["To"] for mail in postbox.mails] == [world.otto.email]
    tell_operators()

    assert [mail["To"] for mail in postbox.mails] == [world.otto.email, rita.email]
    assert Notice.objects.count() == OperatorNotice.objects.count() == 1

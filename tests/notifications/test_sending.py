"""What is sent, over a real mail server: everything that is owed, once, and nothing else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings as configured
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Membership
from notifications import delivery
from notifications.delivery import SERVER_AWAY
from notifications.models import Notice, Outcome
from notifications.planning import plan
from notifications.sending import claim, send_due
from notifications.tasks import plan_and_send
from profiles.models import Ownership, Profile, Status
from tests.notifications.conftest import Killed, Looked, Postbox, killed_at, let_time_pass
from tests.people import World


@pytest.fixture
def lost(looked: Looked) -> Profile:
    """One page that has just lost its last access; Otto is owed a mail."""
    profile = looked.profile(token=looked.login())
    looked.lose(profile)
    plan()
    return profile


def test_the_owner_is_written_to_once(world: World, looked: Looked, postbox: Postbox) -> None:
    looked.lose(looked.profile(token=looked.login()))

    plan_and_send()
    let_time_pass()
    plan_and_send()

    assert len(postbox.to(world.otto)) == len(postbox.mails) == 1
    assert Notice.objects.get().sent_at


def test_forty_boards_of_one_login_are_one_mail(
    world: World, looked: Looked, postbox: Postbox
) -> None:
    token = looked.login()
    looked.lose(*(looked.profile(f"Board {number}", token=token) for number in range(40)))

    plan_and_send()

    [mail] = postbox.mails
    assert "40 " in mail["Subject"]
    assert Notice.objects.exclude(sent_at=None).count() == 40


def test_two_logins_are_two_mails(looked: Looked, postbox: Postbox) -> None:
    looked.lose(looked.profile(token=looked.login()), looked.profile(token=looked.login()))

    plan_and_send()

    assert len(postbox.mails) == 2


def test_two_owners_get_a_mail_each_about_their_own_profiles(
    world: World, looked: Looked, postbox: Postbox
) -> None:
    world.mara.wants_token_mail = True
    world.mara.save()
    token = looked.login()
    shared, ottos = looked.profile("Gemeinsam", token=token), looked.profile("Geheim", token=token)
    looked.own(shared, world.mara)
    looked.lose(shared, ottos)

    plan_and_send()

    assert "Geheim" in body(postbox.to(world.otto)[0])
    assert "Geheim" not in body(postbox.to(world.mara)[0])


def body(mail: Any) -> str:
    return str(mail.get_body(("plain",)).get_content())


def test_a_mail_waits_for_the_rest_of_its_cause(looked: Looked, postbox: Postbox) -> None:
    """A planner that took half of a login's changes does not make two mails of them."""
    token = looked.login()
    looked.lose(*(looked.profile(token=token) for _ in range(4)))
    plan(2)

    send_due()
    assert not postbox.mails
    plan(2)
    send_due()

    assert len(postbox.mails) == 1


def test_a_recovered_profile_is_not_mailed(looked: Looked, postbox: Postbox, lost: Profile) -> None:
    looked.recover(lost)

    plan_and_send()

    assert not postbox.mails
    assert Notice.objects.get().outcome == Outcome.RECOVERED


def test_what_the_list_shows_as_valid_is_not_mailed(postbox: Postbox, lost: Profile) -> None:
    Profile.objects.update(status=Status.VALID)

    plan_and_send()

    assert not postbox.mails


def test_what_was_lost_recovered_and_lost_again_is_one_mail(
    looked: Looked, postbox: Postbox, lost: Profile
) -> None:
    looked.recover(lost)
    looked.lose(lost, token=looked.login("Somebody else"))

    plan_and_send()

    [mail] = postbox.mails
    assert "Somebody else" in body(mail)
    assert Notice.objects.get(sent_at=None).outcome == Outcome.RECOVERED


def opt_out(world: World) -> None:
    world.otto.wants_token_mail = False
    world.otto.save()


def mute(world: World) -> None:
    Profile.objects.update(mail_when_lost=False)


def leave(world: World) -> None:
    Membership.objects.filter(user=world.otto).delete()


def give_away(world: World) -> None:
    Ownership.objects.filter(user=world.otto).delete()


@pytest.mark.parametrize("change_of_mind", [opt_out, mute, leave, give_away])
def test_who_is_no_longer_to_be_told_is_not_written_to(
    world: World, postbox: Postbox, lost: Profile, change_of_mind: Callable[[World], None]
) -> None:
    change_of_mind(world)

    plan_and_send()

    assert not postbox.mails
    notice = Notice.objects.get()
    assert notice.outcome == Outcome.NOT_WANTED
    assert notice.detail
    assert notice.given_up_at


def test_a_profile_deleted_meanwhile_is_not_mailed(postbox: Postbox, lost: Profile) -> None:
    lost.delete()

    plan_and_send()

    assert not postbox.mails


@pytest.mark.django_db(transaction=True)
def test_four_senders_send_one_mail(looked: Looked, postbox: Postbox) -> None:
    tokens = [looked.login() for _ in range(8)]
    looked.lose(*(looked.profile(token=token) for token in tokens for _ in range(5)))
    while plan():
        pass
    failures: list[BaseException] = []

    def sender() -> None:
        try:
            send_due()
        except BaseException as failure:
            failures.append(failure)
            raise
        finally:
            connection.close()

    senders = [threading.Thread(target=sender) for _ in range(4)]
    for thread in senders:
        thread.start()
    for thread in senders:
        thread.join()

    assert not failures
    assert len(postbox.mails) == 8
    assert Notice.objects.exclude(sent_at=None).count() == 40


@pytest.mark.django_db(transaction=True)
def test_a_second_sender_takes_the_other_mail_and_does_not_wait(
    looked: Looked, postbox: Postbox
) -> None:
    looked.lose(*(looked.profile(token=looked.login()) for _ in range(2)))
    plan()

    def second() -> None:
        send_due()
        connection.close()

    thread = threading.Thread(target=second)
    with transaction.atomic():
        [claimed] = claim(timezone.now())
        thread.start()
        thread.join(5)
        assert len(postbox.mails) == 1
    thread.join()

    assert Notice.objects.exclude(pk=claimed.pk).get().sent_at


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("statement", range(1, 12))
def test_nobody_is_forgotten_after_a_crash_at_any_statement(
    looked: Looked, postbox: Postbox, statement: int
) -> None:
    """And who gets the mail twice gets it under one Message-ID, which mail programs fold."""
    looked.lose(looked.profile(token=looked.login()))
    plan()

    try:
        with killed_at(statement):
            send_due()
    except Killed:
        let_time_pass()
        send_due()

    assert len({mail["Message-ID"] for mail in postbox.mails}) == 1
    assert Notice.objects.get().sent_at


@pytest.mark.django_db(transaction=True)
def test_killed_after_the_servers_250_the_same_message_is_sent_again(
    looked: Looked, postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even when a further loss of that login came in between: that is another message."""
    token = looked.login()
    looked.lose(looked.profile("Erste", token=token))
    plan()
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("notifications.models.NoticeQuerySet.mark_sent", die)
        send_due()
    looked.lose(looked.profile("Zweite", token=token))
    let_time_pass()

    plan_and_send()

    first, *others = [(mail["Message-ID"], "Zweite" in body(mail)) for mail in postbox.mails]
    assert len(others) == 2
    assert first in others
    assert first[1] is False
    assert Notice.objects.filter(sent_at=None).count() == 0


def die(*args: object, **kwargs: object) -> None:
    raise Killed


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_the_mail_server_works(
    looked: Looked, postbox: Postbox
) -> None:
    idle: list[int] = []

    def look() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
            )
            idle.append(cursor.fetchone()[0])
        connection.close()

    postbox.while_receiving = look
    looked.lose(looked.profile(token=looked.login()))

    plan_and_send()

    assert idle == [0]


def waits() -> timedelta:
    return Notice.objects.get().next_attempt_at - timezone.now()


def test_a_permanent_refusal_stops(postbox: Postbox, lost: Profile) -> None:
    postbox.at_recipient = "550 5.1.1 No such mailbox"

    send_due()
    let_time_pass()
    postbox.at_recipient = "250 OK"
    send_due()

    notice = Notice.objects.get()
    assert not postbox.mails
    assert notice.outcome == Outcome.REFUSED
    assert notice.detail == "550 5.1.1 No such mailbox"
    assert notice.given_up_at


def test_a_server_that_says_what_cannot_be_stored_is_understood(
    postbox: Postbox, lost: Profile
) -> None:
    postbox.at_recipient = "550 5.1.1 No such \0mailbox \N{RIGHT-TO-LEFT OVERRIDE}"

    send_due()

    assert Notice.objects.get().detail == "550 5.1.1 No such mailbox"


def test_content_refused_for_good_stops(postbox: Postbox, lost: Profile) -> None:
    postbox.at_data = "554 5.6.0 Not this"

    send_due()

    assert Notice.objects.get().outcome == Outcome.REFUSED


@pytest.mark.parametrize("answer", ["500 Error: internal", "503 Bad sequence", "530 Sign in first"])
def test_a_server_that_is_confused_has_not_refused_the_reader(
    postbox: Postbox, lost: Profile, answer: str
) -> None:
    postbox.at_recipient = answer

    send_due()

    assert Notice.objects.get().given_up_at is None


def away_for_now(postbox: Postbox) -> None:
    postbox.at_recipient = "451 4.7.1 Greylisted, try again"


def away_at_data(postbox: Postbox) -> None:
    postbox.at_data = "452 4.2.2 Mailbox full"


def hangs_up(postbox: Postbox) -> None:
    postbox.hangs_up = True


@pytest.mark.parametrize("trouble", [away_for_now, away_at_data])
def test_a_passing_trouble_is_tried_again_with_growing_pauses(
    postbox: Postbox, lost: Profile, trouble: Callable[[Postbox], None]
) -> None:
    trouble(postbox)
    pauses = []
    for _ in range(7):
        send_due()
        pauses.append(round(waits().total_seconds() / 60))
        let_time_pass()
    assert pauses == [1, 5, 30, 120, 360, 360, 360]
    assert not postbox.mails
    assert Notice.objects.get().detail

    postbox.at_recipient = postbox.at_data = "250 OK"
    postbox.hangs_up = False
    send_due()

    assert len(postbox.mails) == 1


def test_a_server_that_was_away_for_long_is_asked_again_within_minutes(
    postbox: Postbox, lost: Profile
) -> None:
    hangs_up(postbox)
    for _ in range(6):
        send_due()
        assert waits() <= SERVER_AWAY
        let_time_pass()


@pytest.mark.parametrize(
    "words",
    [
        "554 5.7.1 Relay access denied",
        "550 5.7.23 SPF validation failed",
        "550 relay not permitted",
        "550 5.1.7 Bad sender address syntax",
        "550 5.1.8 <tokenwacht@localhost>: Sender address rejected: Domain not found",
        "550 5.2.1 The user is receiving mail at a rate that prevents more",
    ],
)
def test_what_the_operator_can_mend_costs_no_alarm(
    postbox: Postbox, lost: Profile, words: str
) -> None:
    postbox.at_recipient = words
    send_due()
    assert Notice.objects.get().given_up_at is None
    postbox.at_recipient = "250 OK"
    let_time_pass()
    send_due()
    assert len(postbox.mails) == 1


def test_it_is_not_tried_again_before_its_time(postbox: Postbox, lost: Profile) -> None:
    away_for_now(postbox)
    send_due()
    postbox.at_recipient = "250 OK"

    send_due()

    assert not postbox.mails


def test_one_mailbox_that_is_full_does_not_delay_the_others(
    world: World, looked: Looked, postbox: Postbox
) -> None:
    world.mara.wants_token_mail = True
    world.mara.save()
    profile = looked.profile(token=looked.login())
    looked.own(profile, world.mara)
    looked.lose(profile)
    away_for_now(postbox)

    plan_and_send()

    assert Notice.objects.filter(attempts=1).count() == 2


@pytest.fixture
def silent_server(settings: Any) -> Iterator[None]:
    """Accepts the connection, and then nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = listening.getsockname()
        settings.EMAIL_TIMEOUT = 0.2
        yield


@pytest.mark.usefixtures("silent_server")
def test_a_mail_server_that_says_nothing_is_asked_once_and_then_left_alone_for_a_minute(
    looked: Looked,
) -> None:
    looked.lose(*(looked.profile(token=looked.login()) for _ in range(3)))

    plan_and_send()
    plan_and_send()

    assert sorted(Notice.objects.values_list("attempts", flat=True)) == [0, 0, 1]
    let_time_pass(by=timedelta(minutes=1))
    plan_and_send()
    assert sum(Notice.objects.values_list("attempts", flat=True)) == 2
    assert not Notice.objects.exclude(given_up_at=None).exists()


def test_a_mail_server_that_is_not_there_stops_nothing_for_good(
    postbox: Postbox, settings: Any, lost: Profile
) -> None:
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1

    send_due()
    settings.EMAIL_PORT = port
    let_time_pass()
    send_due()

    assert len(postbox.mails) == 1


def test_a_refused_sender_is_the_operators_trouble_and_not_the_readers(
    postbox: Postbox, lost: Profile
) -> None:
    postbox.at_sender = "553 5.7.1 Not your domain"

    send_due()

    assert Notice.objects.get().given_up_at is None
    assert "553" in Notice.objects.get().detail


def test_an_address_with_a_line_break_stops_that_mail_alone(
    world: World, looked: Looked, postbox: Postbox
) -> None:
    world.mara.wants_token_mail = True
    world.mara.save()
    profile = looked.profile(token=looked.login())
    looked.own(profile, world.mara)
    looked.lose(profile)
    plan()
    broken = "otto@alpenglueck.example\nBcc: all@nordwind.example"
    EmailAddress.objects.filter(user=world.otto).update(email=broken)
    world.otto.email = broken
    world.otto.save()

    send_due()

    assert Notice.objects.get(user=world.otto).outcome == Outcome.BAD_ADDRESS
    assert [mail["To"] for mail in postbox.mails] == [world.mara.email]


def test_the_lease_outlives_every_conversation_with_a_mail_server_and_every_task() -> None:
    commands = 12  # banner, EHLO, STARTTLS, EHLO, AUTH (3), MAIL, RCPT, DATA, the mail, QUIT
    assert delivery.LEASE.total_seconds() > commands * configured.EMAIL_TIMEOUT
    assert delivery.LEASE.total_seconds() > configured.CELERY_TASK_TIME_LIMIT
    assert delivery.ROUND.total_seconds() < configured.CELERY_TASK_SOFT_TIME_LIMIT

"""When a reader wants to read: quiet hours and digests, by the reader's own clock."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, User
from notifications.kinds import NoticeKind
from notifications.models import Digest, Notice, Preferences
from notifications.planning import plan
from notifications.sending import send_due
from notifications.tasks import plan_and_send
from notifications.timing import digest_at, not_before
from tests.notifications.conftest import Looked, Postbox
from tests.people import World

LOST = NoticeKind.ACCESS_LOST


def prefers(zone: str = "Europe/Berlin", **what: Any) -> Preferences:
    return Preferences(user=User(time_zone=zone), **what)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "sent"),
    [
        ("2026-07-01 20:30", "2026-07-02 05:00"),  # 22:30 in Berlin
        ("2026-07-01 19:59", "2026-07-01 19:59"),  # 21:59
        ("2026-07-02 04:59", "2026-07-02 05:00"),  # 6:59
        ("2026-07-02 05:00", "2026-07-02 05:00"),
        # The nights in which the clocks change.
        ("2026-03-28 22:00", "2026-03-29 05:00"),
        ("2026-10-24 21:00", "2026-10-25 06:00"),
    ],
)
def test_quiet_hours_end_by_the_readers_clock(now: str, sent: str) -> None:
    quiet = prefers(quiet_from=time(22), quiet_until=time(7))

    assert not_before(quiet, LOST, at(now)) == at(sent)


def test_quiet_hours_may_lie_within_a_day() -> None:
    lunch = prefers("Asia/Tokyo", quiet_from=time(12), quiet_until=time(13))

    assert not_before(lunch, LOST, at("2026-07-01 03:30")) == at("2026-07-01 04:00")
    assert not_before(lunch, LOST, at("2026-07-01 04:30")) == at("2026-07-01 04:30")


def test_an_end_in_the_hour_that_is_skipped_is_never_before_now() -> None:
    """At 2:30 of 29 March 2026 no clock in Berlin stands."""
    quiet = prefers(quiet_from=time(22), quiet_until=time(2, 30))
    now = at("2026-03-29 00:45")

    assert now <= not_before(quiet, LOST, now) <= now + timedelta(hours=1)


def test_what_is_urgent_waits_for_nothing() -> None:
    quiet = prefers(quiet_from=time(22), quiet_until=time(7), urgent=[LOST], digest=Digest.WEEKLY)
    now = at("2026-07-01 22:00")

    assert not_before(quiet, LOST, now) == now
    assert digest_at(quiet, LOST, now) is None
    assert digest_at(quiet, NoticeKind.RESTORED, now)


@pytest.mark.parametrize(
    ("digest", "now", "due"),
    [
        (Digest.DAILY, "2026-07-01 05:59", "2026-07-01 06:00"),
        (Digest.DAILY, "2026-07-01 06:00", "2026-07-02 06:00"),
        (Digest.WEEKLY, "2026-07-01 12:00", "2026-07-06 06:00"),
        (Digest.WEEKLY, "2026-07-06 05:00", "2026-07-06 06:00"),
        (Digest.WEEKLY, "2026-07-06 06:00", "2026-07-13 06:00"),
        (Digest.DAILY, "2026-10-24 12:00", "2026-10-25 07:00"),
    ],
)
def test_a_digest_comes_at_eight(digest: Digest, now: str, due: str) -> None:
    assert digest_at(prefers(digest=digest), LOST, at(now)) == at(due)


def rest(world: World, **what: Any) -> None:
    Preferences.objects.create(user=world.otto, **what)


def it_is_time() -> None:
    Notice.objects.filter(sent_at=None).update(next_attempt_at=timezone.now())


def around_now(world: World) -> dict[str, time]:
    """Quiet hours in which it is now, by Otto's clock."""
    User.objects.filter(pk=world.otto.pk).update(time_zone="UTC")
    now = timezone.now()
    begin, end = now - timedelta(hours=1), now + timedelta(hours=1)
    return {"quiet_from": begin.time(), "quiet_until": end.time()}


def test_in_quiet_hours_nothing_is_sent_and_afterwards_all_is(
    world: World, looked: Looked, postbox: Postbox
) -> None:
    rest(world, **around_now(world))
    looked.lose(looked.profile(token=looked.login()))
    plan_and_send()
    assert not postbox.mails
    notice = Notice.objects.get()
    assert notice.next_attempt_at > timezone.now() + timedelta(minutes=50)
    assert not notice.attempts, "what is still to come may join that mail"

    Preferences.objects.update(quiet_from=None, quiet_until=None)
    it_is_time()
    plan_and_send()

    assert len(postbox.mails) == 1


def test_another_try_does_not_break_the_quiet(
    world: World, looked: Looked, postbox: Postbox
) -> None:
    looked.lose(looked.profile(token=looked.login()))
    postbox.at_data = "451 later"
    plan_and_send()
    rest(world, **around_now(world))
    postbox.at_data = "250 OK"
    it_is_time()

    plan_and_send()

    assert not postbox.mails
    assert Notice.objects.get().next_attempt_at > timezone.now() + timedelta(minutes=50)


def test_a_digest_is_one_mail_about_all_that_happened(
    world: World, looked: Looked, postbox: Postbox
) -> None:
    User.objects.filter(pk=world.otto.pk).update(language="en")
    rest(world, digest=Digest.DAILY, kinds=["partly_lost"])
    pages = [looked.profile(f"Page {number}", token=looked.login()) for number in range(3)]
    looked.lose(*pages)
    plan_and_send()
    assert not postbox.mails
    it_is_time()

    plan_and_send()
    plan_and_send()

    [mail] = postbox.mails
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert mail["Subject"] == "Tokenwacht: 3 profiles need you"
    assert all(f"LinkedIn Page {page.name}: no valid access" in text for page in pages)
    assert all(f"/profiles/{page.pk}/refresh/" in text for page in pages)
    assert len(set(Notice.objects.values_list("mail", flat=True))) == 1


@pytest.mark.usefixtures("looked")
def test_each_entry_of_a_digest_says_whose_it_is_and_who_can_help(
    world: World, postbox: Postbox
) -> None:
    rest(world, digest=Digest.DAILY)
    Membership.objects.create(organization=world.nordwind, user=world.otto)
    for organization in (world.alpenglueck, world.nordwind):
        there = Looked(organization, world.otto)
        there.lose(there.profile(token=there.login()))
    plan_and_send()
    it_is_time()

    plan_and_send()

    [mail] = postbox.mails
    for version in ("plain", "html"):
        content = mail.get_body((version,)).get_content()  # type: ignore[union-attr]
        for name in (world.alpenglueck.name, world.nordwind.name):
            assert content.count(f"Organization: {name}") == 1
            assert content.count(f"or ask the admins of {name}.") == 1


def test_a_digest_leaves_out_what_recovered(world: World, looked: Looked, postbox: Postbox) -> None:
    rest(world, digest=Digest.DAILY)
    stays, recovers = (looked.profile(name, token=looked.login()) for name in ("Stays", "Recovers"))
    looked.lose(stays, recovers)
    plan_and_send()
    looked.recover(recovers)
    it_is_time()

    plan_and_send()

    text = postbox.mails[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "Stays" in text
    assert "Recovers" not in text


def test_the_urgent_one_leaves_the_digest_alone(
    world: World, looked: Looked, postbox: Postbox
) -> None:
    """Two kinds of one cause: one at once, the other in the digest."""
    rest(world, digest=Digest.DAILY, kinds=["restored"], urgent=["access_lost"])
    page = looked.profile(token=looked.login())
    looked.lose(page)
    plan_and_send()
    looked.recover(page)
    plan_and_send()

    assert len(postbox.mails) == 1
    assert Notice.objects.get(kind=NoticeKind.RESTORED).digest_at


def test_a_digest_of_nothing_to_do_needs_nobody(
    world: World, looked: Looked, postbox: Postbox
) -> None:
    User.objects.filter(pk=world.otto.pk).update(language="en")
    rest(world, digest=Digest.DAILY, kinds=["restored"], urgent=["access_lost"])
    page = looked.profile(token=looked.login())
    looked.lose(page)
    plan_and_send()
    looked.recover(page)
    plan_and_send()
    it_is_time()

    plan_and_send()

    assert postbox.mails[-1]["Subject"] == "Tokenwacht: one piece of news about your profiles"


def test_one_click_in_a_digest_stops_its_kinds(
    client: Client, world: World, looked: Looked, postbox: Postbox
) -> None:
    rest(world, digest=Digest.DAILY, kinds=["reminder", "partly_lost"])
    page = looked.profile(token=looked.login())
    looked.lose(page)
    Notice.objects.all().delete()
    plan_and_send()
    Notice.objects.update(kind=NoticeKind.REMINDER)
    it_is_time()
    plan_and_send()
    link = str(postbox.mails[0]["List-Unsubscribe"]).strip("<> \r\n")

    client.post("/" + link.split("/", 3)[3])

    assert Preferences.objects.get().kinds == ["partly_lost"]
    world.otto.refresh_from_db()
    assert world.otto.wants_token_mail


@pytest.mark.parametrize(
    ("begin", "end", "said"),
    [
        ("22:00", "", "Type both times"),
        ("", "7:00", "Type both times"),
        ("22:00", "22:00", "Both times are the same"),
        ("25:00", "7:00", "valid time"),
    ],
)
def test_quiet_hours_that_make_no_sense_are_refused(
    client: Client, world: World, begin: str, end: str, said: str
) -> None:
    User.objects.filter(pk=world.otto.pk).update(language="en")
    client.force_login(world.otto)

    answer = client.post(
        reverse("notifications:preferences"), {"quiet_from": begin, "quiet_until": end}
    )

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Preferences.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_four_senders_send_one_digest(world: World, looked: Looked, postbox: Postbox) -> None:
    rest(world, digest=Digest.DAILY)
    looked.lose(*(looked.profile(token=looked.login()) for _ in range(40)))
    while plan():
        pass
    it_is_time()

    def sender() -> None:
        send_due()
        connection.close()

    senders = [threading.Thread(target=sender) for _ in range(4)]
    for thread in senders:
        thread.start()
    for thread in senders:
        thread.join()

    assert len(postbox.mails) == 1
    assert Notice.objects.exclude(sent_at=None).count() == 40

"""Ends that a person must prevent are told 30, 14, 7 and 1 days ahead, and no others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from networks.base import Reason
from notifications.kinds import NoticeKind
from notifications.models import Notice, Preferences
from notifications.tasks import look_ahead
from notifications.warning import step_of
from profiles.models import Profile, Status
from tests.notifications.conftest import Looked, Postbox
from tests.people import World
from tokens.models import Token

YEAR = timedelta(days=365)
NOW = datetime(2026, 3, 28, 12, tzinfo=UTC)


def ending(looked: Looked, days: float, *, life: timedelta = YEAR, **fields: Any) -> Profile:
    """A page whose access ends in so many days unless somebody signs in."""
    end = timezone.now() + timedelta(days=days)
    token = looked.login()
    token.reauthorize_by, token.consented_at = end, end - life
    token.save()
    return looked.profile(token=token, next_end=end, **fields)


def move(profile: Profile, by: timedelta) -> None:
    """The end comes nearer, or goes away."""
    token = Token.objects.get(accesses__profile=profile)
    assert token.reauthorize_by
    token.reauthorize_by += by
    token.consented_at += by
    token.save()
    Profile.objects.filter(pk=profile.pk).update(next_end=token.reauthorize_by)


def a_day_passes(profile: Profile) -> None:
    move(profile, -timedelta(days=1))
    for notice in Notice.objects.all():
        assert notice.ends_at
        notice.ends_at -= timedelta(days=1)
        notice.save()


@pytest.mark.parametrize(
    ("days", "step"),
    [(40, None), (30.1, None), (29.9, 30), (14, 14), (13, 14), (7, 7), (1.5, 7), (0.9, 1)],
)
def test_the_step_is_the_nearest_that_has_begun(days: float, step: int | None) -> None:
    end = NOW + timedelta(days=days)

    assert step_of(end, end - YEAR, NOW) == step


@pytest.mark.parametrize(("life", "step"), [(60, 30), (59, None), (28, None)])
def test_who_has_just_signed_in_is_not_warned(life: int, step: int | None) -> None:
    """A step counts in the second half of a token's life alone."""
    end = NOW + timedelta(days=25)

    assert step_of(end, end - timedelta(days=life), NOW) == step


def test_a_day_is_24_hours_when_the_clocks_change() -> None:
    """In Berlin the night to 29 March 2026 has an hour less."""
    end = NOW + timedelta(hours=24)

    assert step_of(end, end - YEAR, NOW) == 1
    assert step_of(end + timedelta(seconds=1), end - YEAR, NOW) == 7


def test_each_step_is_told_once(world: World, looked: Looked, postbox: Postbox) -> None:
    page = ending(looked, 35)
    for _ in range(36):
        look_ahead()
        look_ahead()
        a_day_passes(page)

    assert len(postbox.to(world.otto)) == 4
    assert list(Notice.objects.order_by("created_at").values_list("step", flat=True)) == [
        30,
        14,
        7,
        1,
    ]


def test_the_mail_says_by_when_and_what_to_do(looked: Looked, postbox: Postbox) -> None:
    page = ending(looked, 6.5)

    look_ahead()

    [mail] = postbox.mails
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "sign in again by" in mail["Subject"]
    assert "ends in 7 days, on" in text
    assert f"/profiles/{page.pk}/refresh/" in text


def test_an_end_that_moves_by_seconds_is_the_same_end(looked: Looked, postbox: Postbox) -> None:
    """Networks say how long a token lasts, and each answer says it a little later."""
    page = ending(looked, 6)
    for _ in range(5):
        look_ahead()
        move(page, timedelta(seconds=3))

    assert len(postbox.mails) == 1


def test_a_new_end_is_warned_of_anew(looked: Looked, postbox: Postbox) -> None:
    page = ending(looked, 6)
    look_ahead()
    move(page, YEAR)
    look_ahead()
    move(page, -YEAR + timedelta(days=5))

    look_ahead()

    assert len(postbox.mails) == 2


@pytest.mark.usefixtures("postbox")
def test_what_was_renewed_before_the_mail_left_is_not_mailed(
    looked: Looked, postbox: Postbox
) -> None:
    page = ending(looked, 6)
    postbox.at_data = "451 later"
    look_ahead()
    move(page, YEAR)
    postbox.at_data = "250 OK"
    Notice.objects.update(next_attempt_at=timezone.now())

    look_ahead()

    assert not postbox.mails
    assert Notice.objects.get().outcome == "overtaken"


def muted(world: World, page: Profile) -> None:
    Profile.objects.update(mail_when_lost=False)


def opted_out(world: World, page: Profile) -> None:
    world.otto.wants_token_mail = False
    world.otto.save()


def stopped(world: World, page: Profile) -> None:
    Preferences.objects.create(user=world.otto, kinds=[NoticeKind.REMINDER])


def lost(world: World, page: Profile) -> None:
    Profile.objects.update(status=Status.LOST, reason=Reason.EXPIRED)


def renewed_by_machine(world: World, page: Profile) -> None:
    Profile.objects.update(next_end=None)


@pytest.mark.parametrize("obstacle", [muted, opted_out, stopped, lost, renewed_by_machine])
def test_nobody_is_warned_in_vain(
    world: World, looked: Looked, postbox: Postbox, obstacle: Any
) -> None:
    obstacle(world, ending(looked, 6))

    look_ahead()

    assert not postbox.mails


def test_boards_of_one_login_are_one_warning(looked: Looked, postbox: Postbox) -> None:
    end = timezone.now() + timedelta(days=6)
    token = looked.login()
    token.reauthorize_by, token.consented_at = end, end - YEAR
    token.save()
    for _ in range(12):
        looked.profile(token=token, next_end=end)

    look_ahead()

    assert len(postbox.mails) == 1
    assert "12 " in postbox.mails[0]["Subject"]


def test_an_access_that_lasts_longer_speaks_for_the_profile(
    looked: Looked, postbox: Postbox
) -> None:
    """Two logins: the profile ends with the later one, whose name the mail has."""
    page = ending(looked, 6)
    other = looked.login("Berta Berg")
    other.reauthorize_by = timezone.now() + timedelta(days=20)
    other.consented_at = other.reauthorize_by - YEAR
    other.save()
    looked.connect(page, other)
    Profile.objects.update(next_end=other.reauthorize_by)

    look_ahead()

    text = postbox.mails[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "Berta Berg" in text
    assert Notice.objects.get().step == 30

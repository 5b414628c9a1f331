"""How long each part of the path of a loss takes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.walls import WEB, inside
from networks.base import Reason
from notifications.figures import Figures, figures_of
from notifications.models import Notice, Outcome
from notifications.planning import plan
from tests.notifications.conftest import Looked
from tests.people import World
from tests.roles import acting_as
from tokens.models import StatusChange

MINUTE = timedelta(minutes=1)


@pytest.fixture
def story(looked: Looked) -> None:
    """Three losses an hour ago. One lived 100 minutes before it was found, and one is known to have
    ended 10 minutes before; of the third, nobody knows. They counted 4, 2 and 0 minutes later. Told
    after 2 and 6 minutes and not at all; one mended after 30."""
    ago = timezone.now() - 60 * MINUTE
    pages = [looked.profile(token=looked.login()) for _ in range(3)]
    changes = looked.lose(*pages)
    found = [ago - 4 * MINUTE, ago - 2 * MINUTE, ago]
    for change, found_at in zip(changes, found, strict=True):
        StatusChange.objects.filter(pk=change.pk).update(at=ago, found_at=found_at)
    StatusChange.objects.filter(pk=changes[0].pk).update(alive_at=found[0] - 100 * MINUTE)
    StatusChange.objects.filter(pk=changes[1].pk).update(
        alive_at=found[1] - 500 * MINUTE, ended_at=found[1] - 10 * MINUTE
    )
    plan()
    for change, minutes in zip(changes, (2, 6), strict=False):
        Notice.objects.filter(change=change).update(sent_at=ago + minutes * MINUTE)
    mended = looked.recover(pages[0])
    StatusChange.objects.filter(pk=mended.pk).update(at=ago + 30 * MINUTE)


@pytest.mark.usefixtures("story")
def test_the_means_are_of_what_was_told_and_mended_and_of_what_is_known(
    world: World, django_assert_num_queries: Any
) -> None:
    """Of a death between two answers the middle is the estimate; a known end is exact."""
    with django_assert_num_queries(1):
        figures = figures_of(world.alpenglueck, timezone.now())

    assert (figures.lost, figures.told, figures.mended) == (3, 2, 1)
    assert figures.until_found == (50 + 10) / 2 * MINUTE
    assert figures.until_written == (4 + 2 + 0) / 3 * MINUTE
    assert figures.until_mail == 4 * MINUTE
    assert figures.until_mended == 30 * MINUTE


@pytest.mark.usefixtures("story")
def test_a_mail_that_came_back_told_nobody(world: World) -> None:
    Notice.objects.filter(sent_at__isnull=False).update(outcome=Outcome.REFUSED)
    assert figures_of(world.alpenglueck, timezone.now()).told == 0


@pytest.mark.usefixtures("story")
def test_a_neighbours_losses_do_not_count(world: World) -> None:
    assert figures_of(world.nordwind, timezone.now()) == Figures(0, 0, 0, None, None, None, None)


@pytest.mark.usefixtures("story")
def test_behind_the_wall_of_a_neighbour_there_are_none_whoever_is_asked_for(world: World) -> None:
    with acting_as(WEB), inside(world.nordwind.pk):
        assert figures_of(world.alpenglueck, timezone.now()).lost == 0


@pytest.mark.usefixtures("story")
def test_what_is_long_ago_does_not_count(world: World) -> None:
    assert figures_of(world.alpenglueck, timezone.now() + timedelta(days=90)).lost == 0


def test_a_profile_that_the_network_has_no_more_is_no_loss(looked: Looked, world: World) -> None:
    looked.lose(looked.profile(token=looked.login()), reason=Reason.NO_LONGER_LISTED)
    assert figures_of(world.alpenglueck, timezone.now()).lost == 0


def page(world: World, language: str = "en") -> str:
    User.objects.filter(pk=world.anna.pk).update(language=language)
    client = Client()
    client.force_login(world.anna)
    answer = client.get(reverse("notifications:organization", args=["alpenglueck"]))
    return " ".join(answer.content.decode().split())


@pytest.mark.usefixtures("story")
def test_admins_see_them(world: World) -> None:
    shown = page(world)
    for said in ("30 minutes", "2 minutes", "4 minutes", "Told: 2 of 3. Refreshed: 1 of 3."):
        assert said in shown
    assert "an estimate" in shown


def test_what_nobody_knows_is_left_open(looked: Looked, world: World) -> None:
    """As of losses from before this was written down."""
    looked.lose(looked.profile(token=looked.login()))
    assert page(world).count("<strong>–</strong>") == 4

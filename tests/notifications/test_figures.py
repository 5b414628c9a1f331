"""How long it takes from a loss to the mail, and to the connection."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from notifications.figures import Figures, figures_of
from notifications.models import Notice
from notifications.planning import plan
from tests.notifications.conftest import Looked
from tests.people import World
from tokens.models import StatusChange


@pytest.fixture
def story(looked: Looked) -> None:
    """Three losses an hour ago: told after 2 and 6 minutes and not at all; one mended after 30."""
    ago = timezone.now() - timedelta(hours=1)
    pages = [looked.profile(token=looked.login()) for _ in range(3)]
    changes = looked.lose(*pages)
    StatusChange.objects.update(at=ago)
    plan()
    for change, minutes in zip(changes, (2, 6), strict=False):
        sent_at = ago + timedelta(minutes=minutes)
        Notice.objects.filter(change=change).update(sent_at=sent_at)
    mended = looked.recover(pages[0])
    StatusChange.objects.filter(pk=mended.pk).update(at=ago + timedelta(minutes=30))


@pytest.mark.usefixtures("story")
def test_the_means_are_of_what_was_told_and_mended(
    world: World, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        figures = figures_of(world.alpenglueck, timezone.now())

    assert figures == Figures(3, 2, 1, timedelta(minutes=4), timedelta(minutes=30))


@pytest.mark.usefixtures("story")
def test_a_neighbours_losses_do_not_count(world: World) -> None:
    assert figures_of(world.nordwind, timezone.now()) == Figures(0, 0, 0, None, None)


@pytest.mark.usefixtures("story")
def test_what_is_long_ago_does_not_count(world: World) -> None:
    assert figures_of(world.alpenglueck, timezone.now() + timedelta(days=90)).lost == 0


@pytest.mark.usefixtures("story")
def test_admins_see_them(world: World) -> None:
    User.objects.filter(pk=world.anna.pk).update(language="en")
    client = Client()
    client.force_login(world.anna)

    answer = client.get(reverse("notifications:organization", args=["alpenglueck"]))

    shown = " ".join(answer.content.decode().split())
    assert "4 minutes" in shown
    assert "30 minutes" in shown
    assert "Told: 2 of 3. Refreshed: 1 of 3." in shown

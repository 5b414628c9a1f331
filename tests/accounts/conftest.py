"""What the tests of accounts share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from accounts import invitations, links
from accounts.actor import Actor
from accounts.models import Invitation, Role
from config.celery import app
from tests.people import World

PASSWORD = "a quiet harbour at dawn"


@pytest.fixture
def tasks_at_once() -> Iterator[None]:
    """Celery runs a task where it is called, so that its effect can be seen."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


@pytest.fixture
def invitation(world: World) -> Invitation:
    """Anna has invited Nora, who has no account yet, as a manager."""
    return invitations.invite(
        world.alpenglueck, "nora@alpenglueck.example", Role.MANAGER, by=Actor(world.anna)
    )


@pytest.fixture
def link(invitation: Invitation) -> str:
    return links.path_of(invitation)


@pytest.fixture
def sign_up() -> dict[str, str]:
    return {"name": "Nora Neumann", "password": PASSWORD, "language": "en"}

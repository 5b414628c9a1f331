"""A fresh practice world for each test, on ports of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.settings import Settings
from tests.sandbox.driver import Practice, free_port


@pytest.fixture
def practice(tmp_path: Path) -> Iterator[Practice]:
    """The practice networks, running."""
    world = Practice(Settings(port=free_port(), data=tmp_path / "practice"))
    world.start()
    yield world
    world.stop()

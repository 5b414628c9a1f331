"""The plumbing of all tests. Real PostgreSQL and Valkey; nothing beyond this machine."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from config import messages

pytest_plugins = ["tests.people", "tests.practice", "tests.roles", "tests.saying"]


def pytest_configure(config: pytest.Config) -> None:
    """Pages are in German by default, so what they say must not depend on `make install`."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        messages.compile_all(messages.BASE_DIR)


class WayOut(AssertionError):
    """A test asked for something outside of this machine."""


def is_local(address: Any) -> bool:
    """Unix sockets, loopback addresses and the name `localhost`."""
    if not isinstance(address, tuple):
        return True
    host = address[0]
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in ("", "localhost")


@pytest.fixture(autouse=True, scope="session")
def no_way_out() -> Iterator[None]:
    connect = socket.socket.connect

    def local_only(self: socket.socket, address: Any) -> None:
        if not is_local(address):
            raise WayOut(f"A test tried to reach {address[0]!r}.")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", local_only)
        yield


@pytest.fixture(autouse=True)
def nothing_counted_yet() -> None:
    """Limits count in Valkey, which outlives a test, and a process keeps what was learnt."""
    from tokens import learning

    cache.clear()
    learning.forget()

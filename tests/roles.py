"""Tests prepare and look as the owner of the database; the product under test works as the role
that its process has, so that row-level security holds in every test."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
from celery import Task
from django.db import connection
from django.test.client import ClientHandler
from django.test.utils import CaptureQueriesContext

from accounts.walls import ENGINE, OWNER, WEB

NO_ROWS = "^(SAVEPOINT|RELEASE)|set_config"


@contextmanager
def acting_as(role: str) -> Iterator[None]:
    """Under the ORM, so that no test counts these two as queries of the product."""
    before = current_role()
    connection.connection.execute(f"SET ROLE {role}")
    try:
        yield
    finally:
        if connection.connection is not None and not connection.connection.closed:
            connection.connection.execute(f"SET ROLE {before}")


def current_role() -> str:
    connection.ensure_connection()
    return str(connection.connection.execute("SELECT current_user").fetchone()[0])


def is_owner() -> bool:
    """Not in a task that a request called, nor in a test that has no database."""
    try:
        return current_role() == OWNER
    except RuntimeError:
        return False


def queries_of(call: Callable[[], object]) -> list[str]:
    """What a call asks the database; without who asks (accounts/walls.py), and without the
    savepoints, which in a test stand for transactions."""
    with CaptureQueriesContext(connection) as captured:
        call()
    return [one["sql"] for one in captured if not re.search(NO_ROWS, one["sql"])]


def as_role(role: str, call: Callable[..., Any]) -> Callable[..., Any]:
    def acting(*args: Any, **kwargs: Any) -> Any:
        with acting_as(role) if is_owner() else nullcontext():
            return call(*args, **kwargs)

    return acting


@pytest.fixture(autouse=True, scope="session")
def every_process_has_its_role() -> Iterator[None]:
    """Requests come as WEB, tasks as ENGINE."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ClientHandler, "__call__", as_role(WEB, ClientHandler.__call__))
        patch.setattr(Task, "__call__", as_role(ENGINE, Task.__call__))
        yield

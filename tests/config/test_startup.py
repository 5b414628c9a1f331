"""No process serves that could not read what is stored, or that walks through walls."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest
from celery.signals import worker_init
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from psycopg import sql

from accounts.walls import ENGINE, OWNER, WEB, require_role
from config.startup import warn_of_trouble_ahead
from tests.roles import acting_as

SENTENCE = "TOKEN_KEYS lacks the key 0badc0de."


@pytest.fixture
def a_key_is_missing(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise ImproperlyConfigured(SENTENCE)

    monkeypatch.setattr("config.startup.require_keys", refuse)


@pytest.fixture(autouse=True)
def the_tests_connection_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing it would roll the test's transaction back."""
    monkeypatch.setattr("config.startup.connections.close_all", lambda: None)


def start_web(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delitem(sys.modules, "config.wsgi", raising=False)
    return importlib.import_module("config.wsgi").application


@pytest.mark.usefixtures("a_key_is_missing")
def test_the_worker_refuses_in_one_sentence() -> None:
    with acting_as(ENGINE), pytest.raises(SystemExit, match=SENTENCE):
        worker_init.send(sender=None)


@pytest.mark.usefixtures("a_key_is_missing")
def test_the_web_process_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with acting_as(WEB), pytest.raises(ImproperlyConfigured, match=SENTENCE):
        start_web(monkeypatch)


@pytest.mark.django_db
def test_both_start_as_their_roles_when_no_key_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with acting_as(WEB):
        assert callable(start_web(monkeypatch))
    with acting_as(ENGINE):
        worker_init.send(sender=None)


@pytest.mark.django_db
@pytest.mark.parametrize("role", [OWNER, ENGINE])
def test_the_web_process_serves_as_no_other_role(
    monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    with acting_as(role), pytest.raises(ImproperlyConfigured, match=f"must do so as {WEB}"):
        start_web(monkeypatch)


@pytest.mark.django_db
@pytest.mark.parametrize("role", [OWNER, WEB])
def test_the_worker_serves_as_no_other_role(role: str) -> None:
    """As WEB it would find nothing due, and miss every dead token in silence."""
    with acting_as(role), pytest.raises(SystemExit, match=f"must do so as {ENGINE}"):
        worker_init.send(sender=None)


@pytest.fixture
def strong(db: None, request: Any) -> Iterator[str]:
    """A role that somebody made stronger than it should be; roles belong to the whole server."""
    name = f"tests_strong_{os.getpid()}"
    address = connection.get_connection_params()
    with psycopg.connect(
        host=address["host"], user="postgres", dbname="postgres", autocommit=True
    ) as superuser:
        role, owner = sql.Identifier(name), sql.Identifier(OWNER)
        superuser.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
        superuser.execute(sql.SQL("GRANT {} TO {}").format(role, owner))
        superuser.execute(sql.SQL(request.param).format(role=role, owner=owner))
        connection.ensure_connection()
        yield name
        connection.connection.execute("RESET ROLE")
        superuser.execute(sql.SQL("DROP ROLE {}").format(role))


@pytest.mark.parametrize(
    "strong",
    [
        "ALTER ROLE {role} SUPERUSER",
        "ALTER ROLE {role} BYPASSRLS",
        "ALTER ROLE {role} CREATEROLE",
    ],
    indirect=True,
)
def test_a_role_that_walks_through_walls_is_refused(strong: str) -> None:
    with acting_as(strong), pytest.raises(ImproperlyConfigured, match="walks through"):
        require_role(strong)


@pytest.mark.django_db
def test_the_role_that_owns_the_tables_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="walks through"):
        require_role(OWNER)


@pytest.mark.django_db
def test_no_role_of_ours_stands_above_the_walls() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)"
            "AND NOT (rolsuper OR rolbypassrls OR rolcreaterole OR rolreplication)",
            [[OWNER, WEB, ENGINE]],
        )
        assert {name for (name,) in cursor.fetchall()} == {OWNER, WEB, ENGINE}


def test_what_the_operator_has_to_change_before_long_is_logged(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.LINKEDIN_VERSION = "202501"
    warn_of_trouble_ahead(date(2026, 11, 23))
    assert "set LINKEDIN_VERSION to a newer month" in caplog.text

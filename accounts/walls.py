"""The walls between organizations: PostgreSQL's row-level security (accounts/policies.py builds
them). A query outside of these two blocks finds no organization's rows, and a write fails.

Each process signs in to the database as one of three roles, none of which stands above the
walls: the owner runs migrations, WEB serves people, and ENGINE works across organizations, on
the few tables that the migrations named `walls` open to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction

OWNER = "tokenwacht"
WEB = "tokenwacht_web"
ENGINE = "tokenwacht_engine"

ORGANIZATION = "app.organization"
PERSON = "app.person"
# Evaluated left to right: what was, then what is until the transaction ends.
SET_LOCAL = "SELECT current_setting(%(name)s, true), set_config(%(name)s, %(value)s, true)"
STRENGTH = """
    SELECT current_user, rolsuper OR rolbypassrls OR rolcreaterole OR EXISTS (
        SELECT FROM pg_class
        WHERE relrowsecurity AND pg_has_role(current_user, relowner, 'MEMBER')
    )
    FROM pg_roles WHERE rolname = current_user
"""


@contextmanager
def inside(organization_id: UUID) -> Iterator[None]:
    """One transaction in which this organization's rows exist, and no other's."""
    with _transaction_with(ORGANIZATION, organization_id):
        yield


@contextmanager
def seen_by(user_id: UUID) -> Iterator[None]:
    """One transaction in which this person's memberships, and the organizations they are of, can
    be read: what has to be known before an organization is."""
    with _transaction_with(PERSON, user_id):
        yield


def require_role(name: str, *, above_walls: bool = False) -> None:
    """Stop a process that signs in to the database as anybody but `name`, or as a role that
    walks through walls, unless it may. Raises ImproperlyConfigured, which says what to set."""
    with connection.cursor() as cursor:
        cursor.execute(STRENGTH)
        role, is_stronger = cursor.fetchone()
    if role != name:
        raise ImproperlyConfigured(
            f"This process signs in to PostgreSQL as {role} and must do so as {name}: give it a "
            "DATABASE_URL of its own (docs/configuration.md)."
        )
    if is_stronger and not above_walls:
        raise ImproperlyConfigured(
            f"{name} walks through row-level security: it owns a table, or is a SUPERUSER, or has "
            "BYPASSRLS or CREATEROLE. Take that from it, and start again."
        )


@contextmanager
def _transaction_with(name: str, value: UUID) -> Iterator[None]:
    """Within another transaction, `name` is afterwards what it was before: a setting would
    outlive its savepoint, unless an error takes that back."""
    is_nested = connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SET_LOCAL, {"name": name, "value": str(value)})
        before, _ = cursor.fetchone()
        yield
        if is_nested:
            cursor.execute(SET_LOCAL, {"name": name, "value": before or ""})

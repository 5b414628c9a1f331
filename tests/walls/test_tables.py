"""Every table of an organization, on the real database, as the role that serves people."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.models import ForeignKey
from psycopg import errors, sql
from psycopg.types.json import Jsonb

from accounts.models import EmailChange, Organization, User
from accounts.walls import ENGINE, WEB
from notifications.models import OperatorNotice, Preferences, RefusedAddress
from tests.people import World
from tests.walls.conftest import OURS, TABLES, TENANTS, column, is_of_an_organization, within
from tokens.models import Backlog, Experience, Failure, Lease, OAuthApp, Tally

# What belongs to no organization: people, and what the operator registered.
# A person's own, the operator's, and no organization's.
OPERATORS = {
    User,
    EmailChange,
    OAuthApp,
    Backlog,
    Experience,
    Failure,
    Lease,
    Tally,
    OperatorNotice,
    Preferences,
    RefusedAddress,
}
APPEND_ONLY = "accounts_auditevent"
KEYS_OF_TOKENS = "tokens_datakey"
# What the role that serves people may change and delete, within its organization.
CHANGEABLE = [table for table in TABLES if table not in (APPEND_ONLY, KEYS_OF_TOKENS)]
# All that the engine may do, over all organizations. What is not here it cannot even read.
ENGINE_MAY = {
    "account_emailaddress": {"SELECT"},
    "accounts_auditevent": {"SELECT", "INSERT"},
    "accounts_emailchange": {"DELETE", "SELECT (created_at, id)"},
    "accounts_invitation": {"SELECT", "UPDATE (sent_at)"},
    "accounts_membership": {"SELECT"},
    "accounts_organization": {"SELECT"},
    "accounts_user": {"SELECT"},
    "django_migrations": {"SELECT"},
    "django_session": {"DELETE", "SELECT (expire_date, session_key)"},
    "mfa_authenticator": {"SELECT (data, id, type)", "UPDATE (data)"},
    "notifications_notice": {"SELECT", "INSERT", "UPDATE"},
    "notifications_preferences": {"SELECT"},
    "notifications_refusedaddress": {"SELECT", "INSERT", "UPDATE"},
    "notifications_webhook": {"SELECT", "UPDATE (secret, stopped_at, why_stopped)"},
    "notifications_webhookdelivery": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "notifications_operatornotice": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "profiles_ownership": {"SELECT", "INSERT"},
    "profiles_profile": {
        "SELECT",
        "INSERT",
        "UPDATE (capabilities, name, next_end, parent_id, reason, since, status, url)",
    },
    "tokens_access": {
        "SELECT",
        "INSERT",
        "DELETE",
        "UPDATE (alive_at, reason, role, suspected_at, suspected_by_listing, suspected_reason)",
    },
    "tokens_authorizationrequest": {"SELECT", "DELETE", "UPDATE (data_key_id, keep)"},
    "tokens_backlog": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "tokens_datakey": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "tokens_experience": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "tokens_failure": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "tokens_lease": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "tokens_oauthapp": {"SELECT", "UPDATE (wrapped)"},
    "tokens_statuschange": {"SELECT", "INSERT", "UPDATE (access_id, planned_at, token_id)"},
    "tokens_tally": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "tokens_token": {"SELECT", "UPDATE", "DELETE"},
    "usersessions_usersession": {"DELETE", "SELECT (id, session_key)"},
}
GRANTS = """
    SELECT table_name, privilege_type AS privilege, '' AS columns
    FROM information_schema.role_table_grants WHERE grantee = %(role)s
    UNION
    SELECT table_name, privilege_type,
        ' (' || string_agg(column_name, ', ' ORDER BY column_name) || ')'
    FROM information_schema.role_column_grants one WHERE grantee = %(role)s AND NOT EXISTS (
        SELECT FROM information_schema.role_table_grants whole
        WHERE whole.grantee = one.grantee AND whole.table_name = one.table_name
            AND whole.privilege_type = one.privilege_type
    )
    GROUP BY table_name, privilege_type
"""
KEYS = """
    SELECT pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = %s::regclass AND contype = 'f'
"""
REFERENCES = [
    pytest.param(model, field, id=f"{model._meta.db_table}.{field.name}")
    for model in TENANTS
    for field in model._meta.get_fields()
    if isinstance(field, ForeignKey) and field.related_model in TENANTS
    if field.name != "organization"
]


def execute(db: psycopg.Connection[Any], query: str, *names: str, **values: Any) -> Any:
    """`names` are identifiers of the database."""
    return db.execute(sql.SQL(query).format(*map(sql.Identifier, names)), values or None)


@pytest.mark.django_db
@pytest.mark.parametrize("table", TABLES)
def test_a_table_of_an_organization_has_its_wall(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relrowsecurity FROM pg_class WHERE oid = %s::regclass", [table])
        assert cursor.fetchone() == (True,)
        cursor.execute("SELECT roles, policyname FROM pg_policies WHERE tablename = %s", [table])
        policies = cursor.fetchall()
    assert [WEB] in [roles for roles, _ in policies]
    assert {role for roles, _ in policies for role in roles} <= {WEB, ENGINE}


def test_every_table_of_ours_belongs_to_an_organization_or_to_the_operator() -> None:
    ours = {model for app in OURS for model in apps.get_app_config(app).get_models()}
    assert ours - set(TENANTS) == OPERATORS


def test_no_many_to_many_table_of_an_organization_is_an_automatic_one() -> None:
    """Django would make it without an organization, and so without a wall."""
    automatic = [
        model._meta.label
        for app in OURS
        for model in apps.get_app_config(app).get_models(include_auto_created=True)
        if model._meta.auto_created and not is_of_an_organization(model)
    ]
    assert automatic == ["accounts.User_groups", "accounts.User_user_permissions"]


@pytest.mark.parametrize("table", TABLES)
def test_without_an_organization_nothing_is_there(two: World, sign_in: Any, table: str) -> None:
    with sign_in(WEB) as web:
        assert not execute(web, "SELECT * FROM {}", table).fetchall()


@pytest.mark.parametrize("table", TABLES)
def test_only_the_own_rows_are_there(two: World, sign_in: Any, table: str) -> None:
    with sign_in(WEB) as web:
        for own in (two.alpenglueck, two.nordwind):
            web.execute(within(own))
            rows = execute(web, "SELECT * FROM {}", table).fetchall()
            assert {row[column(table)] for row in rows} == {own.pk}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("inside", [True, False])
def test_a_row_cannot_be_written_for_another_organization(
    two: World, sign_in: Any, table: str, inside: bool
) -> None:
    with sign_in(WEB) as web:
        web.execute(within(two.nordwind))
        theirs = execute(web, "SELECT * FROM {} LIMIT 1", table).fetchone()
        web.rollback()
        web.execute(within(two.alpenglueck if inside else None))
        names = sql.SQL(", ").join(map(sql.Identifier, theirs))
        values = sql.SQL(", ").join(map(sql.Placeholder, theirs))
        insert = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})")
        adapted = {
            name: Jsonb(value) if isinstance(value, dict) else value
            for name, value in theirs.items()
        }
        with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
            web.execute(insert.format(sql.Identifier(table), names, values), adapted)


@pytest.mark.parametrize("table", CHANGEABLE)
def test_a_neighbours_rows_are_neither_changed_nor_deleted(
    two: World, sign_in: Any, table: str
) -> None:
    with sign_in(WEB) as web:
        web.execute(within(two.alpenglueck))
        of_theirs = {"theirs": two.nordwind.pk}
        name = column(table)
        update = "UPDATE {0} SET {1} = {1} WHERE {1} = %(theirs)s"
        assert execute(web, update, table, name, **of_theirs).rowcount == 0
        delete = "DELETE FROM {} WHERE {} = %(theirs)s"
        assert execute(web, delete, table, name, **of_theirs).rowcount == 0


@pytest.mark.parametrize("table", CHANGEABLE)
def test_an_own_row_cannot_be_handed_to_a_neighbour(two: World, sign_in: Any, table: str) -> None:
    with sign_in(WEB) as web:
        web.execute(within(two.alpenglueck))
        with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
            execute(
                web, "UPDATE {} SET {} = %(theirs)s", table, column(table), theirs=two.nordwind.pk
            )


@pytest.mark.parametrize("role", [WEB, ENGINE])
@pytest.mark.parametrize("deed", ["UPDATE {} SET verb = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_audit_log_is_append_only(two: World, sign_in: Any, role: str, deed: str) -> None:
    with sign_in(role) as db:
        db.execute(within(two.alpenglueck))
        with pytest.raises(errors.InsufficientPrivilege, match="permission denied"):
            execute(db, deed, APPEND_ONLY)


@pytest.mark.parametrize(
    "deed", ["UPDATE {} SET wrapped = 'x'", "UPDATE {} SET retired_at = now()", "DELETE FROM {}"]
)
def test_a_page_makes_and_uses_keys_and_changes_none(two: World, sign_in: Any, deed: str) -> None:
    with sign_in(WEB) as web:
        web.execute(within(two.alpenglueck))
        with pytest.raises(errors.InsufficientPrivilege, match="permission denied"):
            execute(web, deed, KEYS_OF_TOKENS)


@pytest.mark.django_db
def test_the_engine_may_do_what_it_needs_and_nothing_else() -> None:
    may: dict[str, set[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(GRANTS, {"role": ENGINE})
        for table, privilege, columns in cursor.fetchall():
            may.setdefault(table, set()).add(privilege + columns)
    assert may == ENGINE_MAY


@pytest.mark.parametrize("table", sorted(set(TABLES) & set(ENGINE_MAY)))
def test_the_engine_works_across_organizations(two: World, sign_in: Any, table: str) -> None:
    with sign_in(ENGINE) as engine:
        rows = execute(engine, "SELECT * FROM {}", table).fetchall()
        assert {row[column(table)] for row in rows} == {two.alpenglueck.pk, two.nordwind.pk}


@pytest.mark.django_db
@pytest.mark.parametrize(("model", "field"), REFERENCES)
def test_a_reference_carries_the_organization(model: Any, field: Any) -> None:
    target = field.related_model._meta.db_table
    wanted = (
        f"FOREIGN KEY (organization_id, {field.column}) REFERENCES {target}(organization_id, id)"
    )
    with connection.cursor() as cursor:
        cursor.execute(KEYS, [model._meta.db_table])
        keys = [key for (key,) in cursor.fetchall()]
    assert any(key.startswith(wanted) for key in keys)


@pytest.mark.parametrize(("model", "field"), REFERENCES)
def test_a_reference_never_leads_to_a_neighbour(two: World, model: Any, field: Any) -> None:
    """Even the owner of the tables cannot make one."""
    mine = model.objects.filter(organization=two.alpenglueck, **{f"{field.name}__isnull": False})
    theirs = field.related_model.objects.filter(organization=two.nordwind).first()
    with pytest.raises(IntegrityError, match="_wall"), transaction.atomic():
        assert mine.update(**{field.name: theirs})


@pytest.mark.parametrize("model", [Organization])
def test_an_organization_is_its_own_wall(two: World, sign_in: Any, model: Any) -> None:
    with sign_in(WEB) as web:
        web.execute(within(two.alpenglueck))
        [row] = execute(web, "SELECT slug FROM {}", model._meta.db_table).fetchall()
        assert row["slug"] == "alpenglueck"

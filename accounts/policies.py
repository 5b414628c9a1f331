"""What migrations build the walls of: policies, grants and composite keys.

A reference between two tables of an organization is a composite key (organization, id), which
PostgreSQL checks, so that no row points at a neighbour's. Django knows only the second column,
and leaves it unconstrained (`db_constraint=False`).
"""

from __future__ import annotations

from typing import Any

from django.db.migrations.operations.base import Operation
from django.db.models import Model

from accounts.walls import ENGINE, ORGANIZATION, PERSON, WEB

# In a subquery: asked once for each statement, and not once for each row.
CURRENT = "(SELECT nullif(current_setting('{}', true), '')::uuid)"
CURRENT_ORGANIZATION = CURRENT.format(ORGANIZATION)
CURRENT_PERSON = CURRENT.format(PERSON)


class _OnTable(Operation):
    """Statements about the table of `model`."""

    reversible = True
    reduces_to_sql = True

    def __init__(self, model: str) -> None:
        self.model = model

    def describe(self) -> str:
        return f"{type(self).__name__} {self.model}"

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Columns stay as Django knows them."""

    def database_forwards(self, app: str, editor: Any, before: Any, after: Any) -> None:
        for statement in self.build(after.apps.get_model(app, self.model)):
            editor.execute(statement)

    def database_backwards(self, app: str, editor: Any, before: Any, after: Any) -> None:
        for statement in self.remove(before.apps.get_model(app, self.model)):
            editor.execute(statement)

    def build(self, model: type[Model]) -> list[str]:
        raise NotImplementedError

    def remove(self, model: type[Model]) -> list[str]:
        raise NotImplementedError


class Wall(_OnTable):
    """WEB sees and writes the rows of the organization that is set, with the privileges `web`;
    ENGINE all rows, with the privileges `engine`, and nothing where there are none."""

    def __init__(
        self,
        model: str,
        *,
        engine: str = "",
        web: str = "SELECT, INSERT, UPDATE, DELETE",
        column: str = "organization_id",
    ) -> None:
        super().__init__(model)
        self.engine, self.web, self.column = engine, web, column

    def build(self, model: type[Model]) -> list[str]:
        table = model._meta.db_table
        mine = f"{self.column} = {CURRENT_ORGANIZATION}"
        statements = [
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"CREATE POLICY {WEB} ON {table} TO {WEB} USING ({mine})",
            f"REVOKE ALL ON {table} FROM {WEB}",
            f"GRANT {self.web} ON {table} TO {WEB}",
        ]
        if self.engine:
            statements += [
                f"CREATE POLICY {ENGINE} ON {table} TO {ENGINE} USING (true)",
                f"GRANT {self.engine} ON {table} TO {ENGINE}",
            ]
        return statements

    def remove(self, model: type[Model]) -> list[str]:
        table = model._meta.db_table
        return [
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
            f"DROP POLICY {WEB} ON {table}",
            f"DROP POLICY IF EXISTS {ENGINE} ON {table}",
            f"REVOKE ALL ON {table} FROM {ENGINE}",
        ]


class Referable(_OnTable):
    """Other tables of an organization refer to this one."""

    def build(self, model: type[Model]) -> list[str]:
        table = model._meta.db_table
        return [f"ALTER TABLE {table} ADD CONSTRAINT {table}_wall UNIQUE (organization_id, id)"]

    def remove(self, model: type[Model]) -> list[str]:
        table = model._meta.db_table
        return [f"ALTER TABLE {table} DROP CONSTRAINT {table}_wall"]


class Reference(_OnTable):
    """The foreign key `field` leads to a row of the same organization."""

    def __init__(self, model: str, field: str) -> None:
        super().__init__(model)
        self.field = field

    def target(self, model: type[Model]) -> str:
        related: Any = model._meta.get_field(self.field).related_model
        return f"{related._meta.db_table} (organization_id, id)"

    def build(self, model: type[Model]) -> list[str]:
        return [
            f"ALTER TABLE {model._meta.db_table} ADD CONSTRAINT {self._name(model)} "
            f"FOREIGN KEY (organization_id, {self.field}_id) REFERENCES {self.target(model)} "
            "DEFERRABLE INITIALLY DEFERRED"
        ]

    def remove(self, model: type[Model]) -> list[str]:
        return [f"ALTER TABLE {model._meta.db_table} DROP CONSTRAINT {self._name(model)}"]

    def _name(self, model: type[Model]) -> str:
        return f"{model._meta.db_table}_{self.field}_wall"


class ReferenceToMember(Reference):
    """The person in `field` is a member: the row goes when the membership goes, and rows of those
    who have left go now."""

    def build(self, model: type[Model]) -> list[str]:
        table = model._meta.db_table
        left = (
            f"DELETE FROM {table} WHERE NOT EXISTS (SELECT FROM accounts_membership AS member "
            f"WHERE member.organization_id = {table}.organization_id "
            f"AND member.user_id = {table}.{self.field}_id)"
        )
        return [left, *super().build(model)]

    def target(self, model: type[Model]) -> str:
        return "accounts_membership (organization_id, user_id) ON DELETE CASCADE"

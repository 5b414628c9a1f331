"""Row-level security on the tables of accounts, and who may do what to every other table."""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.utils import OperationalError

from accounts.policies import (
    CURRENT_PERSON,
    Referable,
    Reference,
    ReferenceToMember,
    Wall,
)
from accounts.walls import ENGINE, WEB


def require_roles(apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [[WEB, ENGINE]])
        missing = {WEB, ENGINE} - {name for (name,) in cursor.fetchall()}
    if missing:
        raise OperationalError(
            f"PostgreSQL lacks the role {', '.join(sorted(missing))}. Create it as config/"
            "postgres-roles.sh does (docs/operations.md), and migrate again. Nothing was changed."
        )


# What belongs to no organization: accounts, sessions, and the tables of the libraries. Tables of
# organizations are granted one by one, by their walls.
GRANTS = f"""
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {WEB};
    ALTER DEFAULT PRIVILEGES IN SCHEMA public
        GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {WEB};
    REVOKE ALL ON django_migrations FROM {WEB};
    GRANT SELECT ON django_migrations TO {WEB};
    GRANT SELECT ON accounts_user, account_emailaddress, django_migrations TO {ENGINE};
"""
NO_GRANTS = f"""
    ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM {WEB};
    REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {WEB}, {ENGINE};
"""
OWN = f"""
    CREATE POLICY own ON accounts_membership FOR SELECT TO {WEB} USING (user_id = {CURRENT_PERSON});
    CREATE POLICY own ON accounts_organization FOR SELECT TO {WEB} USING (id IN (
        SELECT organization_id FROM accounts_membership WHERE user_id = {CURRENT_PERSON}
    ));
"""
NOT_OWN = """
    DROP POLICY own ON accounts_organization;
    DROP POLICY own ON accounts_membership;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]
    operations = [
        migrations.RunPython(require_roles, migrations.RunPython.noop),
        migrations.RunSQL(GRANTS, NO_GRANTS),
        migrations.AlterField(
            "teammembership",
            "team",
            models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="memberships",
                to="accounts.team",
            ),
        ),
        Wall("Organization", column="id", engine="SELECT"),
        Wall("Membership", engine="SELECT"),
        Wall("Team"),
        Referable("Team"),
        Wall("TeamMembership"),
        Reference("TeamMembership", "team"),
        ReferenceToMember("TeamMembership", "user"),
        Wall("Invitation", engine="SELECT, UPDATE (sent_at)"),
        # Append-only, but for the owner, who deletes organizations.
        Wall("AuditEvent", web="SELECT, INSERT", engine="SELECT, INSERT"),
        migrations.RunSQL(OWN, NOT_OWN),
    ]

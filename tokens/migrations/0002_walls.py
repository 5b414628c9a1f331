"""Row-level security on the tables of tokens, and what the engine needs of them."""

import django.db.models.deletion
from django.db import migrations, models

from accounts.policies import Referable, Reference, ReferenceToMember, Wall
from accounts.walls import ENGINE, WEB

# The one question about neighbours that WEB may ask: some networks disconnect the app from a
# person everywhere when one of her tokens is revoked.
LIVES_ELSEWHERE = f"""
    CREATE FUNCTION login_lives_elsewhere(token uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    BEGIN ATOMIC
        SELECT EXISTS (
            SELECT FROM public.tokens_token mine JOIN public.tokens_token other
                ON other.app_id = mine.app_id AND other.subject = mine.subject
            WHERE mine.id = token AND other.id <> mine.id AND other.reason = ''
        );
    END;
    REVOKE ALL ON FUNCTION login_lives_elsewhere FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION login_lives_elsewhere TO {WEB}, {ENGINE};
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_walls"),
        ("profiles", "0002_walls"),
        ("tokens", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="access",
            name="profile",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="accesses",
                to="profiles.profile",
            ),
        ),
        migrations.AlterField(
            model_name="access",
            name="token",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="accesses",
                to="tokens.token",
            ),
        ),
        migrations.AlterField(
            model_name="authorizationrequest",
            name="profile",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="profiles.profile",
            ),
        ),
        migrations.AlterField(
            model_name="statuschange",
            name="access",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="changes",
                to="tokens.access",
            ),
        ),
        migrations.AlterField(
            model_name="statuschange",
            name="profile",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="changes",
                to="profiles.profile",
            ),
        ),
        migrations.AlterField(
            model_name="statuschange",
            name="token",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="tokens.token",
            ),
        ),
        Wall("Token", engine="SELECT, UPDATE, DELETE"),
        Referable("Token"),
        Wall(
            "Access",
            engine="SELECT, DELETE, UPDATE (role, reason, suspected_at, suspected_reason)",
        ),
        Referable("Access"),
        Reference("Access", "token"),
        Reference("Access", "profile"),
        Wall(
            "StatusChange",
            engine="SELECT, INSERT, UPDATE (planned_at, access_id, token_id)",
        ),
        Referable("StatusChange"),
        Reference("StatusChange", "profile"),
        Reference("StatusChange", "access"),
        Reference("StatusChange", "token"),
        Wall("AuthorizationRequest", engine="SELECT, DELETE"),
        Reference("AuthorizationRequest", "profile"),
        ReferenceToMember("AuthorizationRequest", "user"),
        migrations.RunSQL(f"GRANT SELECT ON tokens_oauthapp TO {ENGINE}", migrations.RunSQL.noop),
        migrations.RunSQL(LIVES_ELSEWHERE, "DROP FUNCTION login_lives_elsewhere(uuid)"),
    ]

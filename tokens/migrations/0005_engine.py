"""What the engine knows of its own work: tallies, failures, backlogs and experience."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from accounts.walls import ENGINE, WEB

OPERATORS = "tokens_tally, tokens_failure, tokens_backlog, tokens_experience"
# The engine writes them; pages show them to the operator, who may say that a failure is none.
GRANTS = f"""
    REVOKE ALL ON {OPERATORS} FROM {WEB};
    GRANT SELECT ON {OPERATORS} TO {WEB};
    GRANT UPDATE (believed_at, believed_by) ON tokens_failure TO {WEB};
    GRANT INSERT (app_id, network_slug, minute, calls, cost), UPDATE (calls, cost)
        ON tokens_tally TO {WEB};
    GRANT SELECT, INSERT, UPDATE, DELETE ON {OPERATORS} TO {ENGINE};
    GRANT UPDATE (suspected_by_listing) ON tokens_access TO {ENGINE};
"""
UNDO = f"REVOKE ALL ON {OPERATORS} FROM {WEB}, {ENGINE}"


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_single_sign_on"),
        ("profiles", "0003_what_it_can"),
        ("tokens", "0004_servers"),
    ]

    operations = [
        migrations.CreateModel(
            name="Backlog",
            fields=[
                (
                    "network_slug",
                    models.CharField(max_length=30, primary_key=True, serialize=False),
                ),
                ("seen_at", models.DateTimeField()),
                ("oldest_due_at", models.DateTimeField(null=True)),
                ("due", models.PositiveIntegerField(default=0)),
                ("watched", models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Experience",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("network_slug", models.CharField(max_length=30)),
                ("age", models.PositiveSmallIntegerField()),
                ("history", models.PositiveSmallIntegerField()),
                ("token_days", models.FloatField(default=0.0)),
                ("deaths", models.FloatField(default=0.0)),
                ("living", models.PositiveIntegerField(default=0)),
                ("counted_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Failure",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("network_slug", models.CharField(max_length=30)),
                (
                    "health",
                    models.CharField(
                        choices=[("alive", "alive"), ("dead", "dead"), ("unclear", "unclear")],
                        max_length=10,
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("expired", "expired"),
                            ("revoked_by_user", "revoked_by_user"),
                            ("password_changed", "password_changed"),
                            ("permission_lost", "permission_lost"),
                            ("account_suspended", "account_suspended"),
                            ("invalid_token_unspecified", "invalid_token_unspecified"),
                            ("rate_limited", "rate_limited"),
                            ("network_outage", "network_outage"),
                            ("app_disabled", "app_disabled"),
                            ("not_a_token_problem", "not_a_token_problem"),
                            ("not_understood", "not_understood"),
                            ("no_longer_listed", "no_longer_listed"),
                        ],
                        max_length=30,
                    ),
                ),
                ("opened_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("closed_at", models.DateTimeField(null=True)),
                ("logins", models.PositiveIntegerField(default=0)),
                ("asked", models.PositiveIntegerField(default=0)),
                ("expected", models.FloatField(default=0.0)),
                ("held", models.PositiveIntegerField(default=0)),
                (
                    "canaries",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), default=list, size=None
                    ),
                ),
                ("canaries_at", models.DateTimeField(null=True)),
                ("told_opening_at", models.DateTimeField(null=True)),
                ("told_closing_at", models.DateTimeField(null=True)),
                ("believed_at", models.DateTimeField(null=True)),
                ("believed_by", models.CharField(blank=True, default="", max_length=200)),
            ],
        ),
        migrations.AddField(
            model_name="access",
            name="suspected_by_listing",
            field=models.BooleanField(default=False),
        ),
        migrations.CreateModel(
            name="Tally",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("network_slug", models.CharField(max_length=30)),
                ("minute", models.DateTimeField()),
                ("calls", models.PositiveIntegerField(db_default=0)),
                ("asked", models.PositiveIntegerField(db_default=0)),
                ("alive", models.PositiveIntegerField(db_default=0)),
                ("dead", models.PositiveIntegerField(db_default=0)),
                ("unclear", models.PositiveIntegerField(db_default=0)),
                ("exposure", models.FloatField(db_default=0.0)),
                ("cost", models.DecimalField(decimal_places=6, db_default=0, max_digits=14)),
            ],
        ),
        migrations.AddField(
            model_name="token",
            name="died_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="token",
            name="app",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tokens",
                to="tokens.oauthapp",
            ),
        ),
        migrations.AlterField(
            model_name="token",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="accounts.organization",
            ),
        ),
        migrations.AddIndex(
            model_name="access",
            index=models.Index(
                condition=models.Q(("suspected_at", None), _negated=True),
                fields=["token"],
                name="access_suspected",
            ),
        ),
        migrations.AddIndex(
            model_name="access",
            index=models.Index(
                condition=models.Q(("suspected_at", None), _negated=True),
                fields=["suspected_at"],
                name="access_suspected_at",
            ),
        ),
        migrations.AddIndex(
            model_name="statuschange",
            index=models.Index(fields=["at"], name="change_at"),
        ),
        migrations.AddIndex(
            model_name="token",
            index=models.Index(fields=["app", "subject"], name="token_login"),
        ),
        migrations.AddConstraint(
            model_name="experience",
            constraint=models.UniqueConstraint(
                fields=("network_slug", "age", "history"), name="cell_once"
            ),
        ),
        migrations.AddField(
            model_name="failure",
            name="app",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="failures",
                to="tokens.oauthapp",
            ),
        ),
        migrations.AddField(
            model_name="tally",
            name="app",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tokens.oauthapp"
            ),
        ),
        migrations.AddConstraint(
            model_name="failure",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at", None)),
                fields=("network_slug", "app", "health"),
                name="failure_open_once",
                nulls_distinct=False,
            ),
        ),
        migrations.AddIndex(
            model_name="tally",
            index=models.Index(fields=["network_slug", "minute"], name="tally_of_network"),
        ),
        migrations.AddConstraint(
            model_name="tally",
            constraint=models.UniqueConstraint(fields=("app", "minute"), name="tally_once"),
        ),
        migrations.RunSQL(GRANTS, UNDO),
    ]

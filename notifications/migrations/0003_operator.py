"""What is owed to the operator: of no organization, and the engine's business alone."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from accounts.walls import ENGINE, WEB

TABLE = "notifications_operatornotice"
GRANTS = f"""
    REVOKE ALL ON {TABLE} FROM {WEB};
    GRANT SELECT, INSERT, UPDATE, DELETE ON {TABLE} TO {ENGINE};
"""
UNDO = f"REVOKE ALL ON {TABLE} FROM {ENGINE}"


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0002_walls"),
        ("tokens", "0005_engine"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="OperatorNotice",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("sent_at", models.DateTimeField(null=True)),
                ("given_up_at", models.DateTimeField(null=True)),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("recovered", "Recovered"),
                            ("not_wanted", "Not Wanted"),
                            ("refused", "Refused"),
                            ("bad_address", "Bad Address"),
                        ],
                        max_length=20,
                    ),
                ),
                ("detail", models.CharField(blank=True, max_length=200)),
                (
                    "phase",
                    models.CharField(
                        choices=[("opening", "Opening"), ("closing", "Closing")], max_length=10
                    ),
                ),
                (
                    "failure",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notices",
                        to="tokens.failure",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("given_up_at", None), ("sent_at", None)),
                        fields=["next_attempt_at"],
                        name="operator_notice_owed",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("failure", "phase", "user"), name="operator_told_once"
                    )
                ],
            },
        ),
        migrations.RunSQL(GRANTS, UNDO),
    ]

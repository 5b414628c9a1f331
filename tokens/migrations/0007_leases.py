"""Leases in a small table of their own, which is the engine's alone."""

import django.db.models.deletion
from django.db import migrations, models

from accounts.walls import ENGINE, WEB

GRANTS = f"""
    REVOKE ALL ON tokens_lease FROM {WEB};
    GRANT SELECT, INSERT, UPDATE, DELETE ON tokens_lease TO {ENGINE};
"""


class Migration(migrations.Migration):
    dependencies = [("tokens", "0006_path_of_a_death")]

    operations = [
        migrations.CreateModel(
            name="Lease",
            fields=[
                (
                    "token",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="tokens.token",
                    ),
                ),
                ("name", models.UUIDField()),
                ("until", models.DateTimeField()),
            ],
        ),
        # What is leased in this moment is due when its lease ends, as it would have been.
        migrations.RemoveField(model_name="token", name="lease"),
        migrations.RunSQL(GRANTS, migrations.RunSQL.noop),
    ]

"""When an access died, as far as is known, and when that was found."""

from django.db import migrations, models

from accounts.walls import ENGINE


class Migration(migrations.Migration):
    dependencies = [("tokens", "0005_engine")]

    operations = [
        migrations.AddField("access", "alive_at", models.DateTimeField(null=True)),
        migrations.AddField("backlog", "dead", models.PositiveIntegerField(db_default=0)),
        migrations.AddField("statuschange", "alive_at", models.DateTimeField(null=True)),
        migrations.AddField("statuschange", "ended_at", models.DateTimeField(null=True)),
        migrations.AddField("statuschange", "found_at", models.DateTimeField(null=True)),
        migrations.RunSQL(
            f"GRANT UPDATE (alive_at) ON tokens_access TO {ENGINE}", migrations.RunSQL.noop
        ),
    ]

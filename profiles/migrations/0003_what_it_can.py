"""What works with a profile, and boards that come and go by themselves."""

import django.contrib.postgres.fields
from django.db import migrations, models

from accounts.walls import ENGINE

# What the engine looks after by itself, it has to write down.
ENGINE_WRITES = f"""
    GRANT INSERT, UPDATE (capabilities, parent_id) ON profiles_profile TO {ENGINE};
    GRANT INSERT ON profiles_ownership TO {ENGINE};
"""
UNDO = f"""
    REVOKE INSERT, UPDATE (capabilities, parent_id) ON profiles_profile FROM {ENGINE};
    REVOKE INSERT ON profiles_ownership FROM {ENGINE};
"""


class Migration(migrations.Migration):
    dependencies = [
        ("profiles", "0002_walls"),
    ]

    operations = [
        migrations.AddField(
            model_name="profile",
            name="capabilities",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=50), default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="profile",
            name="left_out",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=255), default=list, size=None
            ),
        ),
        migrations.AlterField(
            model_name="profile",
            name="status",
            field=models.CharField(
                choices=[
                    ("valid", "Valid"),
                    ("lost", "No valid access permission"),
                    ("gone", "No longer in the network"),
                ],
                default="lost",
                max_length=10,
            ),
        ),
        migrations.RunSQL(ENGINE_WRITES, UNDO),
    ]

"""Row-level security on what is owed to whom."""

import django.db.models.deletion
from django.db import migrations, models

from accounts.policies import Reference, Wall


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_walls"),
        ("notifications", "0001_initial"),
        ("tokens", "0002_walls"),
    ]

    operations = [
        migrations.AlterField(
            model_name="notice",
            name="change",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="notices",
                to="tokens.statuschange",
            ),
        ),
        Wall("Notice", engine="SELECT, INSERT, UPDATE"),
        Reference("Notice", "change"),
    ]

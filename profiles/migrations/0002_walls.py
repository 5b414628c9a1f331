"""Row-level security on the tables of profiles."""

import django.db.models.deletion
from django.db import migrations, models

from accounts.policies import Referable, Reference, ReferenceToMember, Wall


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_walls"),
        ("accounts", "0002_walls"),
        ("profiles", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="ownership",
            name="profile",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="ownerships",
                to="profiles.profile",
            ),
        ),
        migrations.AlterField(
            model_name="profile",
            name="parent",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="children",
                to="profiles.profile",
            ),
        ),
        migrations.AlterField(
            model_name="teamassignment",
            name="profile",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="team_assignments",
                to="profiles.profile",
            ),
        ),
        migrations.AlterField(
            model_name="teamassignment",
            name="team",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="profile_assignments",
                to="accounts.team",
            ),
        ),
        Wall(
            "Profile",
            engine="SELECT, UPDATE (status, reason, since, next_end, name, url)",
        ),
        Referable("Profile"),
        Reference("Profile", "parent"),
        Wall("Ownership", engine="SELECT"),
        Reference("Ownership", "profile"),
        ReferenceToMember("Ownership", "user"),
        Wall("TeamAssignment"),
        Reference("TeamAssignment", "profile"),
        Reference("TeamAssignment", "team"),
    ]

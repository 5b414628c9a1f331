"""When somebody wants to read."""

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models

KINDS = [
    ("access_lost", "A profile has no valid access permission any more."),
    ("reminder", "Reminders while a profile has none: after 2 days, then every 5, six at most."),
    ("renewal_due", "Warnings 30, 14, 7 days and one day before somebody has to sign in again."),
    ("partly_lost", "One of several accesses is lost, and another still works."),
    ("restored", "A profile that you were told of works again."),
    (
        "escalation",
        "As an admin: no owner of a profile without access can be reached, or none acts.",
    ),
]
DIGESTS = [
    ("", "Each mail at once"),
    ("daily", "One mail a day, at 8 o’clock"),
    ("weekly", "One mail a week, on Monday at 8 o’clock"),
]


class Migration(migrations.Migration):
    dependencies = [("notifications", "0004_kinds")]

    operations = [
        migrations.AddField("notice", "digest_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "preferences",
            "urgent",
            ArrayField(
                base_field=models.CharField(choices=KINDS, max_length=20), default=list, size=None
            ),
        ),
        migrations.AddField(
            "preferences",
            "digest",
            models.CharField(blank=True, choices=DIGESTS, default="", max_length=10),
        ),
        migrations.AddField("preferences", "quiet_from", models.TimeField(blank=True, null=True)),
        migrations.AddField("preferences", "quiet_until", models.TimeField(blank=True, null=True)),
    ]

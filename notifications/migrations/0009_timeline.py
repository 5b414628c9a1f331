"""Mails in the order of the timeline, and old events that the engine forgets."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Coalesce

from accounts.walls import ENGINE

GRANT = f"GRANT DELETE ON notifications_webhookdelivery TO {ENGINE}"
UNDO = f"REVOKE DELETE ON notifications_webhookdelivery FROM {ENGINE}"
IN_ORDER = models.Index(
    models.F("profile"),
    Coalesce("sent_at", "given_up_at", "created_at").desc(),
    models.F("id").desc(),
    name="notice_timeline",
)


class Migration(migrations.Migration):
    dependencies = [("notifications", "0008_logins")]

    operations = [
        migrations.AddIndex("notice", IN_ORDER),
        migrations.AlterField(
            "notice",
            "profile",
            models.ForeignKey(
                "profiles.profile",
                on_delete=django.db.models.deletion.CASCADE,
                related_name="notices",
                db_constraint=False,
                db_index=False,
            ),
        ),
        migrations.AddIndex(
            "webhookdelivery", models.Index(fields=["created_at"], name="delivery_age")
        ),
        migrations.RunSQL(GRANT, UNDO),
    ]

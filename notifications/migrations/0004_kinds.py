"""Kinds of mail that each reader can stop alone, what follows from a mail, and addresses that
refuse them."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import notifications.models
from accounts.policies import Reference
from accounts.walls import ENGINE, WEB

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
OUTCOMES = [
    ("recovered", "Recovered"),
    ("overtaken", "Overtaken"),
    ("not_wanted", "Not Wanted"),
    ("refused", "Refused"),
    ("bad_address", "Bad Address"),
]
# Of a person's and of nobody's organization. The engine sends, and learns what is refused.
GRANTS = f"""
    GRANT SELECT ON notifications_preferences TO {ENGINE};
    GRANT SELECT, INSERT, UPDATE ON notifications_refusedaddress TO {ENGINE};
    REVOKE INSERT, UPDATE ON notifications_refusedaddress FROM {WEB};
"""
UNDO = f"REVOKE ALL ON notifications_preferences, notifications_refusedaddress FROM {ENGINE}"
OF_CHANGE = """
    UPDATE notifications_notice AS notice SET profile_id = change.profile_id
    FROM tokens_statuschange AS change WHERE change.id = notice.change_id
"""
# Those that an installation sent before there were reminders end as they are: nobody is
# reminded, all at once, of what is weeks ago.


def profile(**options: object) -> models.Field:  # type: ignore[type-arg]
    return models.ForeignKey(
        "profiles.profile",
        on_delete=django.db.models.deletion.CASCADE,
        related_name="notices",
        db_constraint=False,
        **options,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_escalation"),
        ("profiles", "0003_what_it_can"),
        ("notifications", "0003_operator"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Preferences",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="notice_preferences",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(choices=KINDS, max_length=20),
                        default=notifications.models.at_first,
                        size=None,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RefusedAddress",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("email", models.EmailField(max_length=254, unique=True)),
                ("said", models.CharField(blank=True, max_length=200)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.RunSQL(GRANTS, UNDO),
        migrations.RemoveConstraint("notice", "told_once"),
        migrations.AddField("notice", "profile", profile(null=True)),
        migrations.RunSQL(OF_CHANGE, migrations.RunSQL.noop),
        migrations.AlterField("notice", "profile", profile()),
        migrations.AddField("notice", "step", models.PositiveSmallIntegerField(default=0)),
        migrations.AddField("notice", "ends_at", models.DateTimeField(null=True)),
        migrations.AddField("notice", "follow_up_at", models.DateTimeField(null=True)),
        migrations.AlterField(
            "notice",
            "change",
            models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="notices",
                to="tokens.statuschange",
            ),
        ),
        migrations.AlterField("notice", "kind", models.CharField(choices=KINDS, max_length=20)),
        migrations.AlterField(
            "notice", "outcome", models.CharField(blank=True, choices=OUTCOMES, max_length=20)
        ),
        migrations.AlterField(
            "operatornotice",
            "outcome",
            models.CharField(blank=True, choices=OUTCOMES, max_length=20),
        ),
        migrations.AddIndex(
            "notice",
            models.Index(
                condition=models.Q(("follow_up_at", None), _negated=True),
                fields=["follow_up_at"],
                name="notice_to_follow_up",
            ),
        ),
        migrations.AddConstraint(
            "notice",
            models.UniqueConstraint(fields=("change", "user", "kind", "step"), name="told_once"),
        ),
        migrations.AddConstraint(
            "notice",
            models.UniqueConstraint(
                fields=("profile", "user", "kind", "ends_at", "step"), name="warned_once"
            ),
        ),
        Reference("Notice", "profile"),
    ]

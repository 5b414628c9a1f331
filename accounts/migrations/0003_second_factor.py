import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from accounts.walls import ENGINE

# The engine clears away what is over without reading it, and seals second factors anew when keys
# are rotated.
GRANTS = f"""
    GRANT SELECT (session_key, expire_date), DELETE ON django_session TO {ENGINE};
    GRANT SELECT (id, session_key), DELETE ON usersessions_usersession TO {ENGINE};
    GRANT SELECT (id, created_at), DELETE ON accounts_emailchange TO {ENGINE};
    GRANT SELECT (id, type, data), UPDATE (data) ON mfa_authenticator TO {ENGINE};
"""
NO_GRANTS = f"""
    REVOKE ALL ON django_session, usersessions_usersession, accounts_emailchange FROM {ENGINE};
    REVOKE ALL ON mfa_authenticator FROM {ENGINE};
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_walls"),
        ("mfa", "0003_authenticator_type_uniq"),
        ("sessions", "0001_initial"),
        ("usersessions", "0001_initial"),
    ]
    operations = [
        migrations.AddField(
            model_name="organization",
            name="requires_second_factor",
            field=models.BooleanField(default=False),
        ),
        migrations.CreateModel(
            name="EmailChange",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("email", models.EmailField(max_length=254, verbose_name="email address")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("confirmed_by_old_at", models.DateTimeField(null=True)),
                ("confirmed_by_new_at", models.DateTimeField(null=True)),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="email_change",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.RunSQL(GRANTS, NO_GRANTS),
    ]

"""What is owed because of one login is one mail, by whichever of our apps its tokens came.

Of what is still to be sent or followed up: the cause was the token.
"""

from typing import Any

from django.db import migrations
from django.db.models import Q

from tokens.siblings import login_id


def name_the_login(apps: Any, schema_editor: Any) -> None:
    notices = apps.get_model("notifications", "Notice").objects
    pending = Q(sent_at=None, given_up_at=None) | Q(follow_up_at__isnull=False)
    rows = notices.filter(pending, change__token__isnull=False)
    login = [f"change__token__{name}" for name in ("organization", "network_slug", "subject")]
    for token, *names in rows.values_list("change__token", *login).distinct():
        rows.filter(change__token=token).update(cause=login_id(*names))


class Migration(migrations.Migration):
    dependencies = [("notifications", "0007_figures"), ("tokens", "0007_leases")]

    operations = [migrations.RunPython(name_the_login, migrations.RunPython.noop)]

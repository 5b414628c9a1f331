"""Whether admins hear of what no owner hears of."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_single_sign_on")]

    operations = [
        migrations.AddField("organization", "escalates", models.BooleanField(default=False))
    ]

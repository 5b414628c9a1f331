"""The OpenID provider of an organization, and the one question that is asked about it before
anybody is signed in."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from accounts.policies import CURRENT_PERSON, Wall
from accounts.walls import WEB

# A session that came by a provider opens nothing once that provider is gone.
OWN = f"""
    CREATE POLICY own ON accounts_singlesignon FOR SELECT TO {WEB} USING (organization_id IN (
        SELECT organization_id FROM accounts_membership WHERE user_id = {CURRENT_PERSON}
    ));
"""
# Runs with the rights of the tables' owner, and says nothing else about an organization.
BY_NAME = f"""
    CREATE FUNCTION single_sign_on(name text) RETURNS TABLE (
        id uuid, organization_id uuid, organization_name text, issuer text, client_id text
    )
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    BEGIN ATOMIC
        SELECT provider.id, provider.organization_id, place.name, provider.issuer,
            provider.client_id
        FROM public.accounts_singlesignon provider
            JOIN public.accounts_organization place ON place.id = provider.organization_id
        WHERE place.slug = single_sign_on.name;
    END;
    REVOKE ALL ON FUNCTION single_sign_on FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION single_sign_on TO {WEB};
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_audit_filters"),
    ]

    operations = [
        migrations.CreateModel(
            name="SingleSignOn",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("issuer", models.CharField(max_length=200)),
                ("client_id", models.CharField(max_length=191)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="single_sign_on",
                        to="accounts.organization",
                    ),
                ),
            ],
        ),
        Wall("SingleSignOn"),
        migrations.RunSQL(OWN, "DROP POLICY own ON accounts_singlesignon"),
        migrations.RunSQL(BY_NAME, "DROP FUNCTION single_sign_on(text)"),
    ]

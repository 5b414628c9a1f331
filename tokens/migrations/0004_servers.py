"""Registrations at single servers of a network, and what belongs to a grant besides its tokens."""

import django.contrib.postgres.fields
from django.db import migrations, models

from accounts.walls import ENGINE

# The keys of registrations are wrapped by the same master keys.
KEY_IDS = """
    CREATE OR REPLACE FUNCTION token_key_ids() RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    BEGIN ATOMIC
        SELECT encode(substr(wrapped, 2, 4), 'hex') FROM public.tokens_datakey
        UNION
        SELECT encode(substr(wrapped, 2, 4), 'hex') FROM public.tokens_oauthapp
            WHERE wrapped <> '';
    END;
"""
KEY_IDS_BEFORE = """
    CREATE OR REPLACE FUNCTION token_key_ids() RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    BEGIN ATOMIC
        SELECT DISTINCT encode(substr(wrapped, 2, 4), 'hex') FROM public.tokens_datakey;
    END;
"""
# One registration can serve two networks (Facebook and Instagram by Facebook), and some networks
# take back everything at once: what counts is the client, and not our row of it.
LIVES_ELSEWHERE = """
    CREATE OR REPLACE FUNCTION login_lives_elsewhere(token uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    BEGIN ATOMIC
        SELECT EXISTS (
            SELECT FROM public.tokens_token mine
                JOIN public.tokens_oauthapp ours ON ours.id = mine.app_id
                JOIN public.tokens_token other ON other.subject = mine.subject
                JOIN public.tokens_oauthapp theirs ON theirs.id = other.app_id
            WHERE mine.id = token AND other.id <> mine.id AND other.reason = ''
                AND theirs.client_id = ours.client_id
                AND (theirs.id = ours.id OR theirs.network_slug <> ours.network_slug)
        );
    END;
"""
LIVED_ELSEWHERE = """
    CREATE OR REPLACE FUNCTION login_lives_elsewhere(token uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    BEGIN ATOMIC
        SELECT EXISTS (
            SELECT FROM public.tokens_token mine JOIN public.tokens_token other
                ON other.app_id = mine.app_id AND other.subject = mine.subject
            WHERE mine.id = token AND other.id <> mine.id AND other.reason = ''
        );
    END;
"""
# What the engine looks after by itself, and what a rotation of keys moves.
ENGINE_WRITES = f"""
    GRANT INSERT ON tokens_access TO {ENGINE};
    GRANT UPDATE (wrapped) ON tokens_oauthapp TO {ENGINE};
"""
UNDO = f"""
    REVOKE INSERT ON tokens_access FROM {ENGINE};
    REVOKE UPDATE (wrapped) ON tokens_oauthapp FROM {ENGINE};
"""


class Migration(migrations.Migration):
    dependencies = [
        ("profiles", "0003_what_it_can"),
        ("tokens", "0003_data_keys"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="oauthapp",
            options={"verbose_name": "registration"},
        ),
        migrations.RemoveConstraint(
            model_name="oauthapp",
            name="app_once",
        ),
        migrations.AddField(
            model_name="oauthapp",
            name="issuer",
            field=models.CharField(blank=True, max_length=255),
        ),
        migrations.AddField(
            model_name="oauthapp",
            name="sealed_secret",
            field=models.BinaryField(default=b""),
        ),
        migrations.AddField(
            model_name="oauthapp",
            name="wrapped",
            field=models.BinaryField(default=b""),
        ),
        migrations.AddField(
            model_name="token",
            name="keep",
            field=models.BinaryField(default=b""),
        ),
        migrations.AlterField(
            model_name="access",
            name="role",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AlterField(
            model_name="token",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=200), default=list, size=None
            ),
        ),
        migrations.AddConstraint(
            model_name="oauthapp",
            constraint=models.UniqueConstraint(
                fields=("network_slug", "issuer", "client_id"), name="app_once"
            ),
        ),
        migrations.RunSQL(KEY_IDS, KEY_IDS_BEFORE),
        migrations.RunSQL(LIVES_ELSEWHERE, LIVED_ELSEWHERE),
        migrations.RunSQL(ENGINE_WRITES, UNDO),
    ]

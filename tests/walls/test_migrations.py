"""An installation from before the walls gets them, and loses nothing that is anybody's."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accounts.models import Membership
from profiles.models import Ownership
from tests.people import World
from tests.walls.conftest import TABLES

APPS = ("notifications", "tokens", "profiles", "accounts")


@pytest.mark.django_db(transaction=True)
def test_walls_go_up_around_what_was_there_before(two: World) -> None:
    """Who had left was still noted as an owner then, and would be again when invited again."""
    before = [(app, "0001_initial") for app in APPS]
    with connection.cursor() as cursor:
        cursor.execute("SELECT organization_id, id FROM profiles_profile ORDER BY id")
        profiles = cursor.fetchall()
    MigrationExecutor(connection).migrate(before)
    try:
        assert not walled()
        Membership.objects.filter(user=two.nils).delete()
        assert Ownership.objects.filter(user=two.nils).exists()
    finally:
        call_command("migrate", verbosity=0)
    assert walled() == set(TABLES)
    assert not Ownership.objects.filter(user=two.nils).exists()
    assert Ownership.objects.filter(user=two.anna).exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT organization_id, id FROM profiles_profile ORDER BY id")
        assert cursor.fetchall() == profiles


def walled() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relrowsecurity")
        return {name for (name,) in cursor.fetchall()}

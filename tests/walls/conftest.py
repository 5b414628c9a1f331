"""Two organizations with a row in every table, and connections that really sign in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.db import connection
from django.db.models import Model
from psycopg.rows import dict_row

from accounts import invitations
from accounts.actor import Actor
from accounts.models import Organization, Role, SingleSignOn, Team, TeamMembership, User
from accounts.walls import ORGANIZATION, PERSON
from notifications.kinds import NoticeKind
from notifications.models import Notice, Webhook, WebhookDelivery
from tests import builders
from tests.people import World
from tokens.models import AuthorizationRequest

OURS = ("accounts", "profiles", "tokens", "notifications")
Query = Callable[..., list[dict[str, Any]]]


def is_of_an_organization(model: type[Model]) -> bool:
    return any(field.name == "organization" for field in model._meta.get_fields())


TENANTS = [
    model
    for app in OURS
    for model in apps.get_app_config(app).get_models()
    if is_of_an_organization(model) or model is Organization
]
TABLES = [model._meta.db_table for model in TENANTS]


def column(table: str) -> str:
    return "id" if table == Organization._meta.db_table else "organization_id"


@pytest.fixture
def sign_in() -> Iterator[Callable[[str], psycopg.Connection[Any]]]:
    """`sign_in(role)`: a connection of its own to the test's database, as that role."""
    with ExitStack() as stack:

        def connect(role: str) -> psycopg.Connection[Any]:
            wanted = connection.get_connection_params() | {"user": role}
            address = {name: wanted[name] for name in ("host", "dbname", "user") if name in wanted}
            return stack.enter_context(psycopg.connect(**address, row_factory=dict_row))

        yield connect


def fill(organization: Organization, admin: User) -> None:
    """One row at least in every table of an organization."""
    team = Team.objects.create(organization=organization, name="Werft")
    TeamMembership.objects.create(organization=organization, team=team, user=admin)
    parent = builders.profile(organization, owners=(admin,), teams=(team,))
    profile = builders.profile(organization, parent=parent)
    token = builders.token(organization)
    change = builders.change(builders.access(token, profile), was=True, now=False)
    Notice.objects.create(
        organization=organization,
        profile=profile,
        change=change,
        user=admin,
        kind=NoticeKind.ACCESS_LOST,
        cause=token.pk,
    )
    hook = Webhook.objects.create(
        organization=organization, url="https://events.example.com/", secret="x"
    )
    WebhookDelivery.objects.create(
        organization=organization, webhook=hook, change=change, event="profile.access_lost"
    )
    AuthorizationRequest.objects.create(
        organization=organization,
        user=admin,
        app=token.app,
        profile=profile,
        state_digest=organization.pk.bytes,
        data_key=token.data_key,
        keep=b"x",
    )
    by = Actor(admin)
    SingleSignOn.objects.create(
        organization=organization, issuer=f"https://{organization.slug}.example", client_id="x"
    )
    invitations.invite(organization, f"new@{organization.slug}.example", Role.MEMBER, by=by)
    by.record("connected", organization, profile)


@pytest.fixture
def two(transactional_db: None, world: World) -> World:
    """Both organizations filled and committed."""
    fill(world.alpenglueck, world.anna)
    fill(world.nordwind, world.nils)
    return world


def within(organization: Organization | None, person: User | None = None) -> str:
    """The settings of one transaction, as accounts/walls.py makes them."""
    place, who = (str(one.pk) if one else "" for one in (organization, person))
    return (
        f"SELECT set_config('{ORGANIZATION}', '{place}', true), "
        f"set_config('{PERSON}', '{who}', true)"
    )

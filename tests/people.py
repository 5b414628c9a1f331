"""The people of every test: two organizations that must never see each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from allauth.account.internal.flows.login import record_authentication
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.http import HttpRequest
from django.test import Client

from accounts.models import Membership, Organization, Role, Team, TeamMembership, User


def person(name: str, organization: Organization | None = None, role: str = Role.MEMBER) -> User:
    """A user with a confirmed address, `<first name>@<slug>.example`, language English."""
    slug = organization.slug if organization else "nowhere"
    user = User.objects.create_user(
        f"{name.split()[0].lower()}@{slug}.example", "secret", name=name, language="en"
    )
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    if organization:
        Membership.objects.create(organization=organization, user=user, role=role)
    return user


def sign_in(client: Client, user: User, factor: Authenticator | None = None) -> Client:
    """As the sign-in page leaves it: with the password just now, and with `factor` where given.
    `client.force_login` alone is a session whose person was last asked long ago."""
    client.force_login(user)
    request = HttpRequest()
    request.session = client.session
    record_authentication(request, user, "password")
    if factor:
        record_authentication(request, user, "mfa", id=factor.pk, type=factor.type)
    request.session.save()
    return client


@dataclass
class World:
    """Alpenglück with admin Anna, manager Mara, owner Otto and team member Tim (team Küche);
    Nordwind with its admin Nils, who must see nothing of Alpenglück."""

    alpenglueck: Organization
    nordwind: Organization
    anna: User
    mara: User
    otto: User
    tim: User
    nils: User
    kitchen: Team


@pytest.fixture
def world(db: Any) -> World:
    alpenglueck = Organization.objects.create(slug="alpenglueck", name="Alpenglück GmbH")
    nordwind = Organization.objects.create(slug="nordwind", name="Nordwind Reederei")
    kitchen = Team.objects.create(organization=alpenglueck, name="Küche")
    people = World(
        alpenglueck=alpenglueck,
        nordwind=nordwind,
        anna=person("Anna Huber", alpenglueck, Role.ADMIN),
        mara=person("Mara Manager", alpenglueck, Role.MANAGER),
        otto=person("Otto Owner", alpenglueck),
        tim=person("Tim Team", alpenglueck),
        nils=person("Nils Petersen", nordwind, Role.ADMIN),
        kitchen=kitchen,
    )
    TeamMembership.objects.create(organization=alpenglueck, team=kitchen, user=people.tim)
    return people

"""Two organizations, their people, and profiles connected through the real flow."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

import requests
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import resolve
from django.utils import timezone

from accounts.actor import Actor
from accounts.models import Membership, Organization, Role, Team, TeamMembership, User
from config.visitor import Visitor, query_of
from networks.registry import NETWORKS
from profiles.models import Ownership, Profile, TeamAssignment
from tokens import connecting, probing, storing
from tokens.conversations import Conversations
from tokens.models import Token

PASSWORD = "tokenwacht"  # noqa: S105 - the example's, printed at every start

PEOPLE = {
    "alpenglueck": [
        ("admin@alpenglueck.example", "Anna Huber", Role.ADMIN),
        ("manager@alpenglueck.example", "Mara Brandl", Role.MANAGER),
        ("owner@alpenglueck.example", "Otto Lechner", Role.MEMBER),
        ("team@alpenglueck.example", "Tim Koller", Role.MEMBER),
    ],
    "nordwind": [("admin@nordwind.example", "Nils Petersen", Role.ADMIN)],
}
# Who runs the installation, and belongs to no organization.
OPERATOR = ("operator@tokenwacht.example", "Rita Sommer")
NAMES = {"alpenglueck": "Alpenglück GmbH", "nordwind": "Nordwind Reederei"}
TEAMS = {"Küche": ["team@alpenglueck.example"], "Karriere": ["owner@alpenglueck.example"]}

# organization, network, the person's id there, and what that person picks where there is a choice
CONNECTIONS = [
    ("alpenglueck", "facebook", "anna", ["Alpenglück"]),
    ("alpenglueck", "instagram", "ben", ["Alpenglück Küche"]),
    ("alpenglueck", "linkedin", "mia", ["Bergheim Hotels"]),
    ("alpenglueck", "linkedin", "jonas", ["Alpenglück Karriere"]),
    ("alpenglueck", "mastodon", "ben", []),
    ("alpenglueck", "pinterest", "mia", []),
    ("alpenglueck", "tiktok", "ben", []),
    ("alpenglueck", "xing", "jonas", []),
    ("alpenglueck", "youtube", "jonas", []),
    ("nordwind", "linkedin", "nils", ["Nordwind Reederei"]),
    ("nordwind", "tiktok", "nils", []),
]
# What these people answer where the network asks something before the leap.
SAID = {"mastodon": "kueche@alpen.social.example"}
# Whose password is changed, so that the first page tells the story.
CHANGED_PASSWORD = ("linkedin", "jonas")


class Command(BaseCommand):
    help = "Loads the example world, once; it lives on the practice networks."

    def handle(self, *args: Any, **options: Any) -> None:
        if Organization.objects.filter(slug="alpenglueck").exists():
            self.stdout.write("The example world is there already.")
            return
        if not settings.NETWORK_HOSTS:
            raise CommandError("The example world needs the practice networks: use `make run`.")
        console = Console(next(iter(settings.NETWORK_HOSTS.values())))
        for slug, people in PEOPLE.items():
            make_organization(slug, people)
        make_person(*OPERATOR, is_staff=True)
        make_teams(Organization.objects.get(slug="alpenglueck"))
        for slug, network_slug, person, wanted in CONNECTIONS:
            connect(Organization.objects.get(slug=slug), network_slug, console, person, wanted)
        share()
        console.pull(CHANGED_PASSWORD[0], "change_password", CHANGED_PASSWORD[1])
        probe_until_confirmed(CHANGED_PASSWORD[0])
        self.stdout.write(f"Loaded {Profile.objects.count()} profiles.")


class Console:
    """The practice networks' own console, by its JSON."""

    def __init__(self, practice_host: str) -> None:
        parts = urlsplit(practice_host)
        self.session = requests.Session()
        self.session.trust_env = False  # behind no proxy
        self.address = f"{parts.scheme}://{parts.netloc}/_control"

    def visitor(self, network: str, person: str) -> Visitor:
        state = self.session.get(f"{self.address}/state", timeout=10).json()
        people = state["networks"][network]["people"]
        found = next(one for one in people if one["id"] == person)
        return Visitor(found["login"], found["password"])

    def pull(self, network: str, do: str, person: str) -> None:
        lever = {"network": network, "do": do, "person": person}
        self.session.post(self.address, json=lever, timeout=10).raise_for_status()


def make_organization(slug: str, people: list[tuple[str, str, Role]]) -> None:
    organization = Organization.objects.create(slug=slug, name=NAMES[slug])
    for email, name, role in people:
        user = make_person(email, name)
        Membership.objects.create(organization=organization, user=user, role=role)


def make_person(email: str, name: str, **fields: Any) -> User:
    user = User.objects.create_user(email, PASSWORD, name=name, **fields)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def make_teams(organization: Organization) -> None:
    for name, emails in TEAMS.items():
        team = Team.objects.create(organization=organization, name=name)
        for email in emails:
            user = User.objects.get(email=email)
            TeamMembership.objects.create(organization=organization, team=team, user=user)


def connect(
    organization: Organization, network_slug: str, console: Console, person: str, wanted: list[str]
) -> None:
    """As an admin would: out to the network, sign in there, come back, choose."""
    user = User.objects.get(email=f"admin@{organization.slug}.example")
    network = NETWORKS[network_slug]
    address, state = connecting.begin(organization, user, network, said=SAID.get(network_slug, ""))
    back = console.visitor(network_slug, person).travel(address, settings.BASE_URL)
    server = resolve(urlsplit(back).path).kwargs.get("server", "")
    trip = connecting.take(state, organization.pk, user, network, server)
    arrival = connecting.arrive(trip, query_of(back))
    token, _ = storing.add(organization, arrival, by=Actor(user))
    chosen = [one for one in arrival.reachables if one.name in wanted and not one.missing_role]
    if chosen:
        storing.choose(token, chosen, by=Actor(user))


def share() -> None:
    """Owners and teams, so that each kind of person sees something of their own."""
    kitchen = Team.objects.get(name="Küche")
    career = Team.objects.get(name="Karriere")
    manager = User.objects.get(email="manager@alpenglueck.example")
    for name, team in [
        ("Frühstück", kitchen),
        ("Alpenglück Küche", kitchen),
        ("Alpenglück Karriere", career),
    ]:
        for profile in Profile.objects.filter(name=name):
            TeamAssignment.objects.create(
                organization_id=profile.organization_id, profile=profile, team=team
            )
    User.objects.filter(pk=manager.pk).update(wants_token_mail=True)
    for profile in Profile.objects.filter(organization__slug="alpenglueck", parent=None):
        Ownership.objects.create(
            organization_id=profile.organization_id, profile=profile, user=manager
        )
        Profile.objects.filter(pk=profile.pk).update(mail_when_lost=True)


def probe_until_confirmed(network_slug: str) -> None:
    """What the worker does by itself, now: see the death, wait, see it again."""
    confirm = storing.confirm_after(NETWORKS[network_slug]).total_seconds()
    with Conversations() as talk:
        for _ in range(2):
            Token.objects.filter(network_slug=network_slug).update(next_probe_at=timezone.now())
            probing.probe_due(network_slug, talk)
            time.sleep(min(confirm, 5))

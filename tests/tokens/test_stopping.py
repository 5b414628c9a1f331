"""A worker process as docker-compose.yml starts it, on its way out, and beside what hangs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from celery import current_app
from django.db import connection
from django.utils import timezone

from accounts.walls import ENGINE
from config.environment import signed_in_as, variable
from networks.http import TIME_LIMIT
from networks.registry import NETWORKS
from tests.saying import login
from tokens.models import Lease, Token

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("our_client_ids")]
BASE_DIR = Path(__file__).resolve().parent.parent.parent
WORKER = yaml.safe_load((BASE_DIR / "docker-compose.yml").read_text())["services"]["worker"]
GRACE = int(WORKER["stop_grace_period"].removesuffix("s"))
SLUGS = ("pinterest", "linkedin")
OUR_CLIENT = ("CLIENT_ID", "CLIENT_SECRET")
PATIENCE = 20.0
SLOW = 2.0
FINISHED, HALF_ASKED = 10, 10  # together as many as are claimed of an unknown app


@dataclass
class Slow:
    """Networks that take their time: `seconds` for each network's answer, by a word in its path.
    `heard` is set with the first request."""

    seconds: dict[str, float] = field(default_factory=dict)
    heard: threading.Event = field(default_factory=threading.Event)
    paths: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    address: str = ""

    def answer(self, path: str, text: str) -> dict[str, Any]:
        self.paths.append(path)
        self.heard.set()
        wait = next((one for slug, one in self.seconds.items() if slug in path), 0.0)
        self.over.wait(wait)
        return {"id": text.removeprefix("Bearer access of "), "username": "somebody"}


@pytest.fixture
def slow() -> Iterator[Slow]:
    network = Slow()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            said = network.answer(self.path, self.headers.get("Authorization", ""))
            body = json.dumps(said).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(ConnectionError):  # who asked is gone
                self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            """To nobody."""

    class Server(ThreadingHTTPServer):
        daemon_threads, request_queue_size = True, 100

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    network.address = f"http://127.0.0.1:{server.server_port}"
    yield network
    network.over.set()
    server.shutdown()
    thread.join()
    server.server_close()


def environment(slow: Slow) -> dict[str, str]:
    """This test's database, as the engine; and networks that are led to the slow server."""
    name = connection.settings_dict["NAME"]
    database = urlsplit(signed_in_as(ENGINE, os.environ["DATABASE_URL"]))._replace(path=f"/{name}")
    hosts = [host for slug in SLUGS for host in NETWORKS[slug].hosts]
    clients = {variable(slug, one): "tests" for slug in SLUGS for one in OUR_CLIENT}
    own = {
        "DATABASE_URL": database.geturl(),
        "NETWORK_HOSTS": json.dumps({host: f"{slow.address}/{host}" for host in hosts}),
        "PYTHONWARNINGS": "ignore",  # celery's, about root
    }
    return os.environ | clients | own


@contextmanager
def started(slow: Slow) -> Iterator[subprocess.Popen[str]]:
    """The worker, with the words of docker-compose.yml; ready for tasks."""
    celery, *words, _ = WORKER["command"]
    command = [sys.executable, "-m", celery, *words, "--concurrency=1"]
    program = subprocess.Popen(
        command,
        cwd=BASE_DIR,
        env=environment(slow),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield program
    finally:
        if program.poll() is None:
            os.killpg(program.pid, signal.SIGKILL)
        program.communicate()


def sweep(slug: str) -> None:
    Token.objects.filter(network_slug=slug).update(next_probe_at=timezone.now())
    current_app.send_task("tokens.tasks.probe_network", [slug])


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return holds()


def tokens(world: Any, count: int, name: str, **fields: Any) -> None:
    for number in range(count):
        login(world.alpenglueck, f"{name} {number}", "pinterest", probed_at=None, **fields)


def test_a_worker_that_is_told_to_stop_finishes_or_hands_back_what_it_claimed(world, slow):
    tokens(world, FINISHED, "Said")
    tokens(world, HALF_ASKED, "Half", listed_at=None)
    slow.seconds = {"pinterest": SLOW}
    with started(slow) as worker:
        sweep("pinterest")
        assert slow.heard.wait(PATIENCE)
        assert within(SLOW / 2, lambda: len(slow.paths) == FINISHED + HALF_ASKED)
        assert Lease.objects.count() == Token.objects.count()
        start = time.monotonic()
        worker.terminate()
        said, _ = worker.communicate(timeout=GRACE)
        assert worker.returncode == 0, said
        assert time.monotonic() - start < SLOW + 8
    assert not Lease.objects.exists()
    half = Token.objects.filter(subject__startswith="Half")
    assert half.filter(next_probe_at__lte=timezone.now(), probed_at=None).count() == HALF_ASKED
    whole = Token.objects.filter(subject__startswith="Said", next_probe_at__gt=timezone.now())
    assert whole.exclude(probed_at=None).count() == FINISHED
    assert len(slow.paths) == FINISHED + HALF_ASKED, "nothing new was asked"


def test_a_worker_that_is_told_twice_hurries_no_conversation(world, slow):
    tokens(world, FINISHED, "Said")
    slow.seconds = {"pinterest": SLOW}
    with started(slow) as worker:
        sweep("pinterest")
        assert slow.heard.wait(PATIENCE)
        worker.terminate()
        time.sleep(SLOW / 3)
        worker.terminate()
        said, _ = worker.communicate(timeout=GRACE)
        assert worker.returncode == 0, said
    assert not Lease.objects.exists()
    asked = Token.objects.filter(next_probe_at__gt=timezone.now())
    assert asked.exclude(probed_at=None).count() == FINISHED


def test_the_longest_conversation_is_over_before_patience_is():
    """docker sends SIGKILL then; what is written afterwards takes its time, too."""
    assert GRACE >= TIME_LIMIT + 20


def test_a_network_that_hangs_holds_up_no_other_of_the_same_process(world, slow):
    tokens(world, 3, "Anna")
    login(world.alpenglueck, "Mia Lang", "linkedin")
    slow.seconds = {"linkedin": 3 * PATIENCE}
    with started(slow):
        sweep("linkedin")
        assert slow.heard.wait(PATIENCE)
        sweep("pinterest")
        asked = Token.objects.filter(network_slug="pinterest").exclude(probed_at=None)
        assert within(8, lambda: asked.count() == 3)
        assert Lease.objects.get().token.network_slug == "linkedin"

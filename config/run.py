"""`make run`: the whole product on this machine, with practice networks and an example world."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from accounts.walls import ENGINE, WEB
from config import checkout, embedded
from config.environment import registered, signed_in_as, variable
from config.servers import ServerError
from config.supervisor import Stopped, Supervisor, say
from networks.registry import NETWORKS

BASE_DIR = checkout.BASE_DIR
PYTHON = sys.executable
SMTP_OFFSET = 25
PATIENCE = 60.0
# Where anybody may run a server, these are the ones to practise with.
PRACTICE_SERVERS = {
    "mastodon": ("alpen.social.example", "nordsee.social.example"),
    "bluesky": (
        "bsky.social",
        "pds.example",
        "plc.directory",
        "public.api.bsky.app",
        "alpenglueck.bsky.social",
        "bergheim.bsky.social",
        "nordwind.example",
    ),
}
# Whatever proxy this machine has, our own programs are not behind it.
HERE = urllib.request.build_opener(urllib.request.ProxyHandler({}))

WELCOME = """
  Tokenwacht            {product}
    password of all     tokenwacht
    Alpenglück          admin@alpenglueck.example, manager@alpenglueck.example
                        owner@alpenglueck.example, team@alpenglueck.example
    Nordwind            admin@nordwind.example
    of the installation operator@tokenwacht.example
  Practice networks     {practice}/_control (logins, passwords, levers)
    their inbox         {practice}/mail

  Ctrl-C ends everything; the data stays (`make reset` starts over).
"""


class CannotRun(Exception):
    """Why not, in a sentence for the person at the terminal."""


def port(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not (text.isdecimal() and 0 < int(text) < 65536 - SMTP_OFFSET):
        raise CannotRun(f"{name} must be the number of a port, not {text!r}.")
    return int(text)


def require_free(number: int, name: str) -> None:
    with socket.socket() as probe:
        # As the servers do it: without, a port that was in use a minute ago seems taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            raise CannotRun(
                f"Port {number} is in use. Choose another one: {name}={number + 1000} make run"
            ) from None


def environment(product_port: int, practice_port: int) -> dict[str, str]:
    """What makes it a demonstration: hosts led to the practice networks, and no patience."""
    mail = f"smtp://127.0.0.1:{practice_port + SMTP_OFFSET}"
    practice = f"http://localhost:{practice_port}"
    hosts = {host: f"{practice}/{host}" for host in practice_hosts()}
    product = f"http://127.0.0.1:{product_port}"
    local = checkout.local_folder()
    demonstration = {
        "BASE_URL": product,
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "EMAIL_URL": mail,
        "NETWORK_HOSTS": json.dumps(hosts),
        "PROBE_INTERVAL": "5",
        "PROBE_TICK": "2",
        "CONFIRM_AFTER": "2",
        "LISTING_INTERVAL": "10",
        "PRACTICE_PORT": str(practice_port),
        "PRODUCT_URL": product,
        "PRACTICE_DATA": str(local / "sandbox"),
        "LOCAL_DIR": str(local),
        "PYTHONUNBUFFERED": "1",
        # Said by celery to root; on a developer's machine it is only noise.
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
    }
    return demonstration | practice_clients() | inherited()


def practice_hosts() -> list[str]:
    """Everything that is led to the practice networks."""
    own = [host for network in NETWORKS.values() for host in network.hosts]
    return own + [host for servers in PRACTICE_SERVERS.values() for host in servers]


def practice_clients() -> dict[str, str]:
    """What the practice networks know us by; where anybody runs a server, none is configured."""
    clients = {}
    for slug in registered(NETWORKS.values()):
        clients[variable(slug, "CLIENT_ID")] = f"practice-{slug}"
        clients[variable(slug, "CLIENT_SECRET")] = f"practice-{slug}-secret"
    return clients


def inherited() -> dict[str, str]:
    """Our own environment, which wins; but what a test run has for itself stays there."""
    own = {"PYTEST_VERSION", "DATABASE_URL", "REDIS_URL"} if "PYTEST_VERSION" in os.environ else ()
    return {name: value for name, value in os.environ.items() if name not in own}


def add_servers(variables: dict[str, str]) -> None:
    """Addresses of PostgreSQL and Valkey; ours where the environment names none."""
    if not (variables.get("DATABASE_URL") and variables.get("REDIS_URL")):
        addresses = embedded.hold(checkout.local_folder() / checkout.SERVERS)
        for name, address in addresses._asdict().items():
            variables[name.upper()] = variables.get(name.upper()) or address
    for name, what in (("DATABASE_URL", "PostgreSQL"), ("REDIS_URL", "Valkey")):
        address = urlsplit(variables[name])
        # Not the whole address, which may hold a password.
        folder = address.query.partition("host=")[2] or address.path
        say("servers", f"{what} at {address.hostname or folder}")


def manage(variables: dict[str, str], *command: str) -> None:
    done = subprocess.run(
        [PYTHON, "manage.py", *command],
        cwd=BASE_DIR,
        env=variables,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    for line in done.stdout.splitlines():
        say("setup", line)
    if done.returncode:
        raise CannotRun(f"`manage.py {' '.join(command)}` failed, see above.")


def wait_for(address: str, programs: Supervisor) -> None:
    """Until it answers 200; a program that has ended will never answer."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and not programs.ended():
        try:
            HERE.open(address, timeout=2).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    if not programs.ended():
        raise CannotRun(f"{address} did not answer within {PATIENCE:.0f} seconds.")


def start_all(programs: Supervisor, product: str, practice: str) -> None:
    bind = urlsplit(product).netloc
    programs.start("practice", [PYTHON, "-m", "sandbox"])
    manage(programs.environment, "migrate", "--verbosity=0")
    wait_for(f"{practice}/_control/state", programs)
    gunicorn = [PYTHON, "-m", "gunicorn", "config.wsgi", "--bind", bind, "--threads=8"]
    database = programs.environment["DATABASE_URL"]
    web = {"DATABASE_URL": signed_in_as(WEB, database)}
    engine = {"DATABASE_URL": signed_in_as(ENGINE, database)}
    programs.start("web", [*gunicorn, "--log-level=warning", "--no-control-socket"], web)
    manage(programs.environment, "load_example_world")
    celery = [PYTHON, "-m", "celery", "--quiet", "--app=config.celery"]
    worker = [*celery, "worker", "--concurrency=2", "--loglevel=WARNING"]
    programs.start("worker", worker, engine)
    programs.start("beat", [*celery, "beat", "--loglevel=WARNING"])
    wait_for(f"{product}/accounts/login/", programs)
    say("web", f"pages at {product}")
    wait_for(f"{product}/healthz", programs)
    say("worker", "takes tasks")
    say("beat", f"asks for probes every {programs.environment['PROBE_TICK']} seconds")


def run() -> int:
    ports = port("PORT", 8000), port("PRACTICE_PORT", 8100)
    for number, name in zip(
        (*ports, ports[1] + SMTP_OFFSET), ("PORT", "PRACTICE_PORT", "PRACTICE_PORT"), strict=True
    ):
        require_free(number, name)
    checkout.prepare(checkout.local_folder())
    variables = environment(*ports)
    programs = Supervisor(BASE_DIR, variables)
    programs.listen()
    product, practice = variables["BASE_URL"], f"http://127.0.0.1:{ports[1]}"
    try:
        add_servers(variables)
        programs.environment = variables
        start_all(programs, product, practice)
        if not programs.ended():
            sys.stdout.write(WELCOME.format(product=product, practice=practice) + "\n")
            sys.stdout.flush()  # into a pipe, too
        name, code = programs.wait_until_one_ends()
        raise CannotRun(f"{name} has ended with code {code}, so everything ends.")
    except Stopped:
        say("run", "ending everything")
        return 0
    finally:
        programs.end_all()
        embedded.release_all()


if __name__ == "__main__":
    try:
        sys.exit(run())
    except (CannotRun, ServerError) as error:
        sys.exit(f"make run: {error}")

"""`python -m bench [name …] [--tokens 40000 …]`: servers of its own, an empty database for each
bench, and a line of JSON for each figure."""

from __future__ import annotations

import argparse
import importlib
import inspect
import os
import secrets
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

# These speak to no server.
CALCULATED = ("detection",)
BENCHES = (
    "walls",
    "audit",
    "pages",
    "vault",
    "budgets",
    "sweep",
    "workers",
    "claims",
    "kills",
    "outages",
    *CALCULATED,
)


def prepare(folder: Path) -> None:
    """A product in production's settings, on servers that end with this process. PostgreSQL has
    its usual settings: what is committed is on the disk."""
    from config import embedded

    addresses = embedded.hold(folder / "servers")
    os.environ |= {
        "LOCAL_DIR": str(folder),
        "CALLS_PER_SECOND": "10000000",  # the answerer has no limits of its own
        "DATABASE_URL": addresses.database_url,
        "REDIS_URL": addresses.redis_url,
        "STATIC_ROOT": str(folder / "static"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DEBUG": "off",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "TOKEN_KEYS": b64encode(secrets.token_bytes(32)).decode(),
        "BASE_URL": "http://testserver",
        "EMAIL_URL": "memorymail://",
        "LOG_LEVEL": "ERROR",
        "PINTEREST_CLIENT_ID": "bench",
        "PINTEREST_CLIENT_SECRET": "bench",
    }
    import django
    from django.core.management import call_command

    django.setup()
    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("migrate", verbosity=0)


def arguments() -> tuple[list[str], dict[str, Any]]:
    """The names of benches, and the sizes that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(BENCHES))
    for size in ("tokens", "rows", "profiles", "workers"):
        parser.add_argument(f"--{size}", type=int, nargs="+", help="sizes to measure at")
    for size in ("runs", "tasks", "kills"):
        parser.add_argument(f"--{size}", type=int, help="how many")
    given = {name: value for name, value in vars(parser.parse_args()).items() if value is not None}
    return given.pop("names") or list(BENCHES), given


def report(name: str, given: dict[str, Any]) -> None:
    """Run a bench with those of the sizes that it knows."""
    run: Callable[..., Any] = importlib.import_module(f"bench.{name}").run
    known = inspect.signature(run).parameters
    for figure in run(**{size: value for size, value in given.items() if size in known}):
        print(figure, flush=True)


def run_alone(name: str, given: dict[str, Any]) -> None:
    from config import embedded

    # In a folder that PostgreSQL's own user can reach, where root runs this.
    with tempfile.TemporaryDirectory(prefix="tokenwacht-bench-") as folder:
        Path(folder).chmod(0o755)
        prepare(Path(folder))
        try:
            report(name, given)
        finally:
            from django.db import connections

            connections.close_all()
            embedded.release_all()


def main() -> None:
    names, given = arguments()
    if len(names) > 1:  # each in a process of its own
        options = [word for word in sys.argv[1:] if word not in names]
        for name in names:
            subprocess.run([sys.executable, "-m", "bench", name, *options], check=True)
    elif names[0] in CALCULATED:
        report(names[0], given)
    else:
        run_alone(names[0], given)


if __name__ == "__main__":
    main()

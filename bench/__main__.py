"""`python -m bench [name …]`: servers of its own, an empty database, then each bench in turn."""

from __future__ import annotations

import importlib
import os
import secrets
import sys
import tempfile
from base64 import b64encode
from pathlib import Path

BENCHES = ("walls", "audit", "vault")


def prepare(folder: Path) -> None:
    """A product in production's settings, on servers that vanish with this process."""
    from config import embedded

    addresses = embedded.hold(folder / "servers", throw_away=True)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LOCAL_DIR": str(folder),
        "DATABASE_URL": addresses.database_url,
        "REDIS_URL": addresses.redis_url,
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


def main(names: list[str]) -> None:
    from config import embedded

    # In a folder that PostgreSQL's own user can reach, where root runs this.
    with tempfile.TemporaryDirectory(prefix="tokenwacht-bench-") as name:
        Path(name).chmod(0o755)
        os.environ["STATIC_ROOT"] = str(Path(name) / "static")
        prepare(Path(name))
        for bench in names or BENCHES:
            for comparison in importlib.import_module(f"bench.{bench}").run():
                print(comparison, flush=True)
        embedded.release_all()


if __name__ == "__main__":
    main(sys.argv[1:])

"""`check --deploy` with no more than .env.example asks for, as in a fresh installation."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

from networks import dpop

BASE_DIR = Path(__file__).resolve().parent.parent


def example(path: Path) -> dict[str, str]:
    """Names and values of an environment file; a commented-out line offers a default."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def filled(variables: dict[str, str]) -> dict[str, str]:
    """What an operator would fill in where the example leaves a gap."""
    made_up = {name: value or secrets.token_urlsafe(50) for name, value in variables.items()}
    made_up["TOKEN_KEYS"] = b64encode(secrets.token_bytes(32)).decode()
    made_up["BLUESKY_PRIVATE_KEY"] = dpop.new_key()
    # What docker-compose.yml puts together from the database's password.
    addresses = {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    return addresses | made_up | {"DEBUG": "off", "LOCAL_DIR": os.devnull}


def main() -> int:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [sys.executable, "-W", "error", "manage.py", "check", "--deploy"]
    done = subprocess.run(
        [*command, "--fail-level", "WARNING"],
        cwd=BASE_DIR,
        env=inherited | filled(example(BASE_DIR / ".env.example")),
        check=False,
    )
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())

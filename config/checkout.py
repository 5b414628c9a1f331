"""What one checkout keeps in `.local/`; `python -m config.checkout reset` starts over."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from base64 import b64encode
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SERVERS = "servers"


def local_folder() -> Path:
    return Path(os.environ.get("LOCAL_DIR") or BASE_DIR / ".local").resolve()


def prepare(local: Path) -> None:
    """Secrets of this checkout, made once: with new ones, stored tokens would not open."""
    local.mkdir(parents=True, exist_ok=True)
    try:
        file = os.open(local / "env", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    lines = (
        "# Settings of this checkout, read by config/settings.py. The environment wins.",
        "DEBUG=on",
        f"SECRET_KEY={secrets.token_urlsafe(50)}",
        f"TOKEN_KEYS={b64encode(secrets.token_bytes(32)).decode()}",
    )
    with os.fdopen(file, "w", encoding="utf-8") as output:
        output.write("\n".join(lines) + "\n")


def reset(local: Path) -> None:
    """Back to the state after `make install`. Refused while something runs on the data."""
    from config import embedded, servers  # here, because `prepare` needs no wheel

    if embedded.is_guarded(local / SERVERS):
        sys.exit("Something still uses the databases of this checkout: end `make run` first.")
    shutil.rmtree(servers.data_folder(local / SERVERS), ignore_errors=True)
    shutil.rmtree(local, ignore_errors=True)
    prepare(local)


if __name__ == "__main__":
    if sys.argv[1:] == ["reset"]:
        reset(local_folder())
    else:
        prepare(local_folder())

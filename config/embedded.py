"""PostgreSQL and Valkey where DATABASE_URL or REDIS_URL are not set: development and tests.

Whoever needs them calls `hold()`. The first call starts a guardian process, which starts both
servers and ends them when the last holder has gone. Holding is a shared file lock: the kernel
lets go of it however a process ends, so nothing is counted and nothing is left behind.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO, NamedTuple

import redis

from accounts.walls import OWNER
from config import servers

BASE_DIR = Path(__file__).resolve().parent.parent
ADDRESSES = "servers.json"
LEFTOVERS = "leftovers.json"
POLL = 0.1


class Addresses(NamedTuple):
    database_url: str
    redis_url: str


_held: dict[Path, int] = {}


def hold(folder: Path, *, throw_away: bool = False) -> Addresses:
    """Start or join the servers of `folder`, and keep them until this process ends.

    `throw_away`: quick rather than durable, and the data goes when the servers go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if folder not in _held:
        holder = os.open(folder / "holders.lock", os.O_RDWR | os.O_CREAT)
        fcntl.flock(holder, fcntl.LOCK_SH)  # waits while a guardian is on its way out
        _held[folder] = holder
    with locked(folder / "start.lock"):
        guardian = None if is_guarded(folder) else start_guardian(folder, throw_away)
        return wait_for_addresses(folder, guardian)


def release(folder: Path) -> None:
    """Let go, and if we were the last, wait until both servers have ended."""
    holder = _held.pop(folder)
    with suppress(BlockingIOError):
        fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(holder, fcntl.LOCK_UN)
        os.close(holder)
        while is_guarded(folder):
            time.sleep(POLL)
        return
    os.close(holder)


def release_all() -> None:
    for folder in list(_held):
        release(folder)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_guarded(folder: Path) -> bool:
    path = folder / "guardian.lock"
    if not path.exists():
        return False
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def start_guardian(folder: Path, throw_away: bool) -> subprocess.Popen[bytes]:
    with suppress(FileNotFoundError):  # of a guardian that was killed outright
        (folder / ADDRESSES).rename(folder / LEFTOVERS)
    command = [sys.executable, "-m", "config.embedded", str(folder)]
    with (folder / "guardian.log").open("wb") as log:
        return subprocess.Popen(
            [*command, *(["--throw-away"] if throw_away else [])],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=BASE_DIR,
            start_new_session=True,  # Ctrl-C is for the holders; it ends when they have.
        )


def wait_for_addresses(folder: Path, guardian: subprocess.Popen[bytes] | None) -> Addresses:
    while guardian.poll() is None if guardian else is_guarded(folder):
        with suppress(FileNotFoundError):
            addresses = Addresses(**json.loads((folder / ADDRESSES).read_text()))
            if guardian:
                guardian.returncode = 0  # it outlives us on purpose: no ResourceWarning
            return addresses
        time.sleep(POLL / 5)
    log = (folder / "guardian.log").read_text()[-2000:]
    raise servers.ServerError(f"The embedded servers did not start:\n{log}")


def guard(folder: Path, *, throw_away: bool) -> None:
    """The guardian's life: start both, wait until nobody holds them, end both."""
    with locked(folder / "guardian.lock"), ExitStack() as stack:
        # Opened first and so closed last: who wants to join waits until both have ended.
        holders = stack.enter_context((folder / "holders.lock").open("a"))
        end_leftovers(folder)
        sockets = stack.enter_context(short_folder())
        children = [
            stack.enter_context(servers.valkey(folder, sockets)),
            stack.enter_context(servers.postgresql(folder, sockets, throw_away=throw_away)),
        ]
        stack.callback((folder / ADDRESSES).unlink, missing_ok=True)
        write_addresses(folder, sockets)
        while not is_let_go(holders):
            if any(child.poll() is not None for child in children):
                raise servers.ServerError("PostgreSQL or Valkey has ended by itself.")
            time.sleep(POLL)
    if throw_away:
        shutil.rmtree(folder, ignore_errors=True)


def is_let_go(holders: IO[str]) -> bool:
    try:
        fcntl.flock(holders, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def short_folder() -> Iterator[Path]:
    """For the sockets: their paths may have 100 characters, a checkout's may have more."""
    # Root's own TMPDIR may be closed to the user that PostgreSQL runs as.
    place = "/tmp" if os.geteuid() == 0 else None  # noqa: S108
    with tempfile.TemporaryDirectory("", "tokenwacht-", place, True) as name:
        servers.give_away(Path(name))
        yield Path(name)


def write_addresses(folder: Path, sockets: Path) -> None:
    addresses = Addresses(
        f"postgresql://{OWNER}@/{OWNER}?host={sockets}",
        f"unix://{sockets}/valkey.sock?db=0",
    )
    unfinished = folder / f"{ADDRESSES}.new"
    unfinished.write_text(json.dumps(addresses._asdict()))
    unfinished.rename(folder / ADDRESSES)


def end_leftovers(folder: Path) -> None:
    """A guardian that was killed outright leaves its servers: end them by their sockets."""
    with suppress(FileNotFoundError):
        addresses = Addresses(**json.loads((folder / LEFTOVERS).read_text()))
        (folder / LEFTOVERS).unlink()
        with suppress(redis.ConnectionError):
            redis.Redis.from_url(addresses.redis_url).shutdown(nosave=True)
        sockets = Path(addresses.database_url.partition("host=")[2])
        if (sockets / ".s.PGSQL.5432").exists():
            with suppress(servers.ServerError):
                data = servers.data_folder(folder)
                servers.run(servers.programs() / "pg_ctl", "-D", data, "-m", "fast", "stop")
        shutil.rmtree(sockets, ignore_errors=True)


def on_terminate(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, on_terminate)
    try:
        guard(Path(sys.argv[1]), throw_away="--throw-away" in sys.argv)
    except servers.ServerError as error:
        sys.exit(str(error))

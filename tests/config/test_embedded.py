"""PostgreSQL and Valkey of a checkout: started once, joined by all, gone with the last."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from django.db import connection

from config import embedded, servers


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    if tmp_path in embedded._held:
        embedded.release(tmp_path)
    shutil.rmtree(servers.data_folder(tmp_path), ignore_errors=True)


def holder(folder: Path) -> subprocess.Popen[bytes]:
    """Another process that holds the servers until it is killed."""
    code = (
        "import sys, time; from pathlib import Path; from config.embedded import hold;"
        "hold(Path(sys.argv[1]), throw_away=True); print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], cwd=embedded.BASE_DIR, stdout=subprocess.PIPE
    )
    assert process.stdout and process.stdout.readline() == b"held\n"
    return process


def answers(addresses: embedded.Addresses) -> bool:
    try:
        psycopg.connect(addresses.database_url).close()
        redis.Redis.from_url(addresses.redis_url).ping()
    except (psycopg.OperationalError, redis.ConnectionError):
        return False
    return True


def wait_until_unguarded(folder: Path) -> None:
    until = time.monotonic() + 20
    while embedded.is_guarded(folder):
        assert time.monotonic() < until, "the guardian did not go"
        time.sleep(0.05)


def test_the_servers_go_when_the_last_holder_is_killed(folder: Path) -> None:
    other = holder(folder)
    addresses = embedded.hold(folder, throw_away=True)
    assert answers(addresses)
    with other:
        other.kill()
    time.sleep(3 * embedded.POLL)
    assert answers(addresses), "one holder is left"
    embedded.release(folder)
    assert not answers(addresses)
    assert not Path(addresses.database_url.partition("host=")[2]).exists()


def test_thrown_away_data_leave_no_folder(folder: Path) -> None:
    embedded.hold(folder, throw_away=True)
    data = servers.data_folder(folder)
    assert data.exists()
    embedded.release(folder)
    assert not data.exists()
    assert not folder.exists()


def test_a_second_start_keeps_the_data(folder: Path) -> None:
    for create in (True, False):
        addresses = embedded.hold(folder)
        with psycopg.connect(addresses.database_url) as database:
            if create:
                database.execute("CREATE TABLE kept AS SELECT 7 AS number")
            assert database.execute("SELECT number FROM kept").fetchone() == (7,)
        embedded.release(folder)


def test_servers_of_a_killed_guardian_are_ended_before_new_ones_start(folder: Path) -> None:
    other = holder(folder)
    first = embedded.hold(folder, throw_away=True)
    guardian = guardian_of(folder)
    with other:
        other.kill()
    os.close(embedded._held.pop(folder))
    os.kill(guardian, signal.SIGKILL)
    wait_until_unguarded(folder)
    assert answers(first), "left behind"
    second = embedded.hold(folder, throw_away=True)
    assert answers(second)
    assert not answers(first)


def guardian_of(folder: Path) -> int:
    """By the operating system's list: nothing of ours writes it down."""
    listed = subprocess.run(["ps", "-wweo", "pid,args"], capture_output=True, text=True, check=True)
    lines = [line.split(maxsplit=1) for line in listed.stdout.splitlines()]
    return next(int(pid) for pid, args in lines if f"config.embedded {folder}" in args)


def test_a_server_that_cannot_start_says_why(folder: Path) -> None:
    data = servers.data_folder(folder)
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9.6\n")
    servers.give_away(data)
    with pytest.raises(servers.ServerError, match="did not start"):
        embedded.hold(folder, throw_away=True)


def test_a_folder_closed_to_others_is_never_opened(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    assert not servers.is_open(closed)
    if servers.is_root():
        assert servers.OUTSIDE in servers.data_folder(closed).parents
    assert closed.stat().st_mode & 0o777 == 0o700


@pytest.mark.django_db
def test_the_products_role_does_not_walk_through_row_level_security() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False, False)

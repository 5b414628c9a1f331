"""Several programs as one: their lines with a name in front, all ended when one ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

PATIENCE = 8.0
POLL = 0.1
NAME_WIDTH = 9


class Stopped(Exception):
    """Somebody asked us to end: Ctrl-C, a closed terminal, SIGTERM."""


def say(name: str, line: str) -> None:
    # One write, so that lines of several programs never mix.
    sys.stdout.write(f"{name:<{NAME_WIDTH}} | {line}\n")
    sys.stdout.flush()


class Supervisor:
    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = dict(environment)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.readers: list[threading.Thread] = []

    def listen(self) -> None:
        """Turn every polite signal into Stopped; a shell's `&` would have SIGINT ignored."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.stop)

    def stop(self, number: int, frame: FrameType | None) -> None:
        for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(other, signal.SIG_IGN)  # ending is under way, and is not interrupted
        raise Stopped

    def start(
        self, name: str, command: Sequence[str], own: Mapping[str, str] | None = None
    ) -> None:
        """`own`: variables of this program alone."""
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={**self.environment, **(own or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches us only, and we end it in order
        )
        self.processes[name] = process
        reader = threading.Thread(target=self.pass_on, args=(name, process), daemon=True)
        reader.start()
        self.readers.append(reader)

    def pass_on(self, name: str, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout  # noqa: S101 - we asked for a pipe
        with process.stdout as lines:
            for line in lines:
                if text := line.decode(errors="replace").rstrip():
                    say(name, text)

    def ended(self) -> str:
        """The name of a program that has ended, or nothing."""
        gone = (name for name, process in self.processes.items() if process.poll() is not None)
        return next(gone, "")

    def wait_until_one_ends(self) -> tuple[str, int]:
        while not (name := self.ended()):
            time.sleep(POLL)
        return name, self.processes[name].returncode

    def end_all(self) -> None:
        """Ask all, wait, then insist, on each one's children too."""
        for process in self.processes.values():
            if process.poll() is None:
                process.terminate()
        until = time.monotonic() + PATIENCE
        for process in self.processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(until - time.monotonic(), 0))
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for reader in self.readers:
            reader.join(1)

"""The product as a person meets it: `make run` on ports of its own, and Chromium."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, sync_playwright

from tests.practice import Practice
from tests.sandbox.driver import free_port

BASE_DIR = Path(__file__).resolve().parent.parent.parent
START = 120.0  # seconds; a slow machine that also compiles needs them


class Running(Practice):
    """The running product with its practice networks."""

    def __init__(self, product: str, practice: str, folder: Path) -> None:
        super().__init__(practice)
        self.product, self.folder = product, folder

    def change(self, code: str) -> None:
        """Run a few lines of Python on its database."""
        command = [sys.executable, "manage.py", "shell", "--verbosity=0", "--command", code]
        subprocess.run(command, cwd=BASE_DIR, env=environment(self.folder), check=True)

    def mails_to(self, address: str) -> list[dict[str, Any]]:
        mails = requests.get(f"{self.address}/_control/mail", timeout=10).json()
        return [mail for mail in mails if mail["to"] == address]


def environment(folder: Path) -> dict[str, str]:
    """Ours, without what this test run has for itself."""
    own = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
    kept = {n: v for n, v in os.environ.items() if "PYTEST" not in n and n not in own}
    return kept | {"LOCAL_DIR": str(folder)}


@contextmanager
def product(folder: Path) -> Iterator[Running]:
    port, practice_port = free_port(), free_port()
    ports = {"PORT": str(port), "PRACTICE_PORT": str(practice_port)}
    log = (folder / "run.log").open("w")
    program = subprocess.Popen(
        [sys.executable, "-m", "config.run"],
        cwd=BASE_DIR,
        env=environment(folder) | ports,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}/healthz", program, folder / "run.log")
        yield Running(f"http://127.0.0.1:{port}", f"http://localhost:{practice_port}", folder)
    finally:
        program.send_signal(signal.SIGINT)
        program.wait(timeout=60)
        log.close()


def _wait_until_ready(address: str, program: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        assert program.poll() is None, log.read_text()[-3000:]
        try:
            if requests.get(address, timeout=2).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.3)
    raise AssertionError(log.read_text()[-3000:])


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A fresh example world; a world that was lived in would make tests depend on each other."""
    # Not below tmp_path: PostgreSQL's user must be able to enter the folder.
    folder = Path("/tmp") / f"tokenwacht-e2e-{os.getpid()}-{tmp_path.name}"  # noqa: S108
    folder.mkdir(mode=0o755)
    try:
        with product(folder) as program:
            yield program
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    assert path, "make e2e needs Chromium: apt-get install chromium"
    with sync_playwright() as playwright, pytest.MonkeyPatch.context() as patch:
        # Playwright runs a loop in this thread, in which Django would refuse queries.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@pytest.fixture
def person(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """`person("de-DE")`: a window of its own, with its own cookies."""
    contexts = []

    def window(locale: str, width: int = 1280) -> Page:
        context = chromium.new_context(locale=locale, viewport={"width": width, "height": 900})
        context.set_default_timeout(15_000)
        contexts.append(context)
        return context.new_page()

    yield window
    for context in contexts:
        context.close()

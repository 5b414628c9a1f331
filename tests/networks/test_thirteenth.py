"""docs/adding_a_network.md, followed to the letter by somebody outside of this repository."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from networks.registry import NETWORKS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs/adding_a_network.md").read_text()
FILE = re.search(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)[1]  # type: ignore[index]
# What the document says to set, in place of … a registration.
SET = dict(re.findall(r"^(\w+)=(\S+)$", DOCUMENT, re.MULTILINE))

SEEN = """
import json
import django
django.setup()
from django.utils import translation
from networks.registry import NETWORKS
from tokens.connecting import offered_networks
network = NETWORKS["example"]
notes = {}
for language in ("de", "en"):
    with translation.override(language):
        texts = [note.text for note in network.notes] + [network.login_hint, network.kinds[0].label]
        notes[language] = [*map(str, texts), network.kinds[0].counted % {"count": 2}]
print(json.dumps({"offered": [one.slug for one in offered_networks()], "notes": notes}))
"""


@pytest.fixture
def elsewhere(tmp_path: Path) -> dict[str, str]:
    """The environment of a process that has the file, and is told of it."""
    module = SET["ADDITIONAL_NETWORKS"].partition(".")[0]
    (tmp_path / f"{module}.py").write_text(FILE)
    paths = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
    return {**os.environ, **SET, **paths, "DJANGO_SETTINGS_MODULE": "config.settings"}


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=55,
    )


def test_it_is_offered_with_its_notes_in_both_languages(elsewhere: dict[str, str]) -> None:
    done = run(elsewhere, "-c", SEEN)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert "example" in seen["offered"]
    german, english = seen["notes"]["de"], seen["notes"]["en"]
    assert german[0] == "Bei Example siehst du, welche Apps Zugriff haben."
    assert english[0] == "You can see at Example which apps have access."
    assert (german[-1], english[-1]) == ("2 Konten", "2 accounts")
    assert not set(german) & set(english)


@pytest.mark.timeout(120)
def test_it_keeps_the_contract_of_all_networks(elsewhere: dict[str, str]) -> None:
    contract = ["-m", "pytest", "tests/networks/test_contract.py", "-k", "example", "-q"]
    done = run(elsewhere, *contract, "-p", "no:xdist", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) >= 25


def test_it_is_not_there_without_its_line() -> None:
    assert "example" not in NETWORKS


def test_a_network_that_breaks_the_contract_is_seen(
    elsewhere: dict[str, str], tmp_path: Path
) -> None:
    """A contract that every file keeps would be none."""
    broken = FILE.replace("return API_ERRORS.get(", "return API_ERRORS.get(answer.json['code'] or ")
    assert broken != FILE
    (tmp_path / "our_network.py").write_text(broken)
    reading = "tests/networks/test_contract.py::test_what_fills_the_whole_door_is_read_in_time"
    done = run(elsewhere, "-m", "pytest", reading, "-k", "example", "-q", "-p", "no:xdist",
               "-p", "no:cacheprovider")  # fmt: skip
    assert done.returncode == 1 and "KeyError" in done.stdout


def test_its_answers_are_classified(elsewhere: dict[str, str], tmp_path: Path) -> None:
    record = {"id": 1, "network": "example", "where": "probe", "http_status": 401}
    (tmp_path / "one.jsonl").write_text(json.dumps({**record, "body": '{"error": "bad_token"}'}))
    done = run(elsewhere, "manage.py", "classify", str(tmp_path / "one.jsonl"))
    assert json.loads(done.stdout)["reason"] == "invalid_token_unspecified"

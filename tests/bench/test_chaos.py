"""The chaos, tiny: whatever is killed, everybody is told, once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chaos.judging import NONE

BASE_DIR = Path(__file__).resolve().parent.parent.parent


@pytest.mark.timeout(300)
def test_whatever_is_killed_everybody_is_told_once() -> None:
    own = ("DATABASE_URL", "REDIS_URL")
    environment = {n: v for n, v in os.environ.items() if "PYTEST" not in n and n not in own}
    ran = subprocess.run(
        [sys.executable, "-m", "chaos", "--rounds", "3", "--aimed", "1", "--logins", "40"],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    durable, *lines = [json.loads(line) for line in ran.stdout.splitlines()]
    said = {line["figure"]: line["value"] for line in lines}

    assert set(durable.values()) == {"on"}, ran.stderr
    assert {none: said[none] for none in NONE} == dict.fromkeys(NONE, 0), ran.stderr
    assert said["kills"] == 3
    assert said["aimed kills with exactly one duplicate"] == 1

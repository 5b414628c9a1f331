"""Real answers of the networks, with the reason that people who know them gave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from networks.base import NOTHING_KNOWN, Answer, Health, Reason, Where
from networks.registry import NETWORKS

RECORDS: list[dict[str, Any]] = [
    json.loads(line) for line in Path(__file__).with_name("answers.jsonl").read_text().splitlines()
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record["id"])
def test_a_recorded_answer_is_read_as_its_label_says(record: dict[str, Any]) -> None:
    headers = {name.lower(): value for name, value in record.get("headers", {}).items()}
    answer = Answer(record["http_status"], headers, record["body"].encode())

    verdict = NETWORKS[record["network"]].read(Where(record["where"]), answer, NOTHING_KNOWN)

    read = verdict.reason.value if verdict.reason else "alive"
    assert read in [record["expected"], *record.get("also_ok", [])]
    assert (verdict.health is Health.DEAD) == (bool(verdict.reason) and Reason(read).is_dead)

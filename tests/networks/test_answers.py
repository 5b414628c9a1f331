"""Real answers of the networks, with the reason that people who know them gave (answers.jsonl), and
what stands beside them in the vendors' tables and in logs (neighbours.jsonl)."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from networks.records import Figures, Record, record_in, word_of
from networks.registry import NETWORKS


def records(name: str) -> list[Record]:
    lines = Path(__file__).with_name(name).read_bytes().splitlines()
    return [record_in(line, NETWORKS) for line in lines]


RECORDS = records("answers.jsonl")
NEIGHBOURS = records("neighbours.jsonl")


@pytest.mark.parametrize("record", RECORDS + NEIGHBOURS, ids=lambda record: record.id)
def test_a_recorded_answer_is_read_as_its_label_says(record: Record) -> None:
    assert word_of(record.read()) in (record.expected, *record.also_ok)


def test_no_living_token_is_called_dead_and_no_dead_one_is_missed() -> None:
    """Each network for itself: a good one must not make up for a bad one."""
    figures: dict[str, Figures] = defaultdict(Figures)
    for record in RECORDS:
        figures[record.network.slug].count(record, record.read())
    for slug, counted in figures.items():
        assert (counted.false_dead, counted.missed_dead) == (0, 0), slug
        assert counted.lenient >= 0.97 * counted.records, slug
    assert sum(one.strict for one in figures.values()) >= 0.9 * len(RECORDS)

"""docs/security.md and docs/asvs.md promise nothing that no test holds, and leave nothing out."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from config.limits import LIMITS

ROOT = Path(__file__).resolve().parent.parent
SECURITY, ASVS = ROOT / "docs/security.md", ROOT / "docs/asvs.md"
TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")
# A line without a test says which of these it is, and why.
EXCUSE = re.compile(r"^(not ours|not met|not applicable): \S+ \S+")
FILE = re.compile(r"`([\w./-]+\.\w+|Dockerfile|Makefile)`|\]\((?!http)([^)#]+)")

# The sections of RFC 9700 and RFC 6819 that say something to somebody.
RFC_9700 = ["2.1", "2.1.1", "2.1.2", "2.2.1", "2.2.2", "2.3", "2.4", "2.5", "2.6"] + [
    f"4.{n}" for n in range(1, 18)
]
RFC_6819 = [
    f"{part}.{number}"
    for part, last in {
        **{"4.1": 5, "4.2": 4, "4.3": 5, "4.4.1": 13, "4.4.2": 6, "4.4.3": 6, "4.5": 4, "4.6": 7},
        **{"5.1": 3, "5.1.4.1": 5, "5.1.4.2": 5, "5.1.5": 11, "5.2.1": 1, "5.2.2": 6, "5.2.3": 7},
        **{"5.2.4": 5, "5.3": 5, "5.4": 3},
    }.items()
    for number in range(1, last + 1)
] + ["4.4.4", "5.1.6", "5.5"]
# How many requirements of level 1 and 2 each section of ASVS 5.0.0 has: they come first there.
# fmt: off
LEVEL_2 = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1,
    "3.2": 2, "3.3": 4, "3.4": 6, "3.5": 5, "3.7": 2, "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4,
    "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3, "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5,
    "6.6": 3, "6.8": 4, "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2, "8.1": 2,
    "8.2": 3, "8.3": 1, "8.4": 1, "9.1": 3, "9.2": 4, "10.1": 2, "10.2": 2, "10.3": 4, "10.4": 11,
    "10.5": 5, "10.6": 2, "10.7": 3, "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1,
    "11.6": 1, "12.1": 3, "12.2": 2, "12.3": 4, "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5,
    "14.1": 2, "14.2": 4, "14.3": 3, "15.1": 3, "15.2": 3, "15.3": 7, "16.1": 1, "16.2": 5,
    "16.3": 4, "16.4": 3, "16.5": 3, "17.1": 1, "17.2": 4, "17.3": 2,
}
# fmt: on
STATES = ("met", "not met", "not applicable")


class Line(NamedTuple):
    number: int
    heading: str
    cells: list[str]


def lines_of(path: Path) -> list[Line]:
    """The rows of all tables, without their heads."""
    found: list[Line] = []
    heading, table = "", 0
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if text.startswith("#"):
            heading = text.lstrip("# ")
        table = table + 1 if text.startswith("|") else 0
        if table > 2:
            cells = [cell.strip() for cell in text.strip().strip("|").split("|")]
            found.append(Line(number, heading, cells))
    return found


PROMISES = [
    line
    for line in lines_of(SECURITY)
    if line.heading.startswith(("The walls", "RFC 9700", "RFC 6819", "Limits"))
]
REQUIREMENTS = [line for line in lines_of(ASVS) if line.cells[0].startswith("v5.0.0-")]
each_document = pytest.mark.parametrize("document", [SECURITY, ASVS], ids=["security", "asvs"])


@cache
def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8")) if path.exists() else ast.parse("")
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def sections(of: str) -> set[str]:
    """`4.1.5`, or several in one line: `5.2.3.1–5.2.3.7, 5.5`."""
    found: set[str] = set()
    for line in PROMISES:
        if not line.heading.startswith(of):
            continue
        for part in line.cells[0].split(", "):
            first, _, last = part.partition("–")
            head, _, begin = first.rpartition(".")
            end = (last or first).rpartition(".")[2]
            found |= {f"{head}.{number}" for number in range(int(begin), int(end) + 1)}
    return found


@each_document
def test_every_test_that_is_named_exists(document: Path) -> None:
    named = TEST.findall(document.read_text(encoding="utf-8"))
    assert named
    missing = [
        f"{path}::{name}" for path, name in named if name not in names_in(ROOT / "tests" / path)
    ]
    assert missing == []


@each_document
def test_every_file_that_is_named_exists(document: Path) -> None:
    for named in FILE.finditer(document.read_text(encoding="utf-8")):
        place = ROOT / named[1] if named[1] else document.parent / named[2]
        assert place.exists(), named[0]


def test_every_promise_names_its_test_or_says_why_it_is_none_of_ours() -> None:
    assert PROMISES
    for line in PROMISES:
        last = line.cells[-1]
        assert TEST.search(last) or EXCUSE.match(last), f"docs/security.md:{line.number}"


@pytest.mark.parametrize(("of", "all_of"), [("RFC 9700", RFC_9700), ("RFC 6819", RFC_6819)])
def test_no_section_is_left_out(of: str, all_of: list[str]) -> None:
    assert sections(of) == set(all_of)


def test_every_requirement_of_level_2_stands_there_once() -> None:
    wanted = [
        f"v5.0.0-{section}.{number}"
        for section, last in LEVEL_2.items()
        for number in range(1, last + 1)
    ]
    assert len(wanted) == 253
    assert [line.cells[0] for line in REQUIREMENTS] == wanted


def test_every_requirement_has_a_state_and_what_shows_it() -> None:
    for line in REQUIREMENTS:
        where = f"docs/asvs.md:{line.number}"
        assert len(line.cells) == 4, where
        _, subject, state, why = line.cells
        assert 2 <= len(subject.split()) <= 9, where
        assert state in STATES, where
        shown = TEST.search(why) or FILE.search(why)
        assert shown if state == "met" else len(why.split()) >= 2, where


def test_every_limit_stands_there_as_it_is_counted() -> None:
    spans = {"m": "a minute", "3m": "three minutes", "5m": "five minutes", "h": "an hour"}
    spans["d"] = "a day"
    for action, rates in LIMITS.items():
        for rate in rates.split(","):
            amount, span, _ = rate.split("/")
            said = re.compile(rf"\b{amount}( wrong ones)? in {spans[span]}")
            assert any(said.search(line.cells[1]) for line in PROMISES), f"{action}: {rate}"


def test_the_sums_are_those_of_the_table() -> None:
    counted = Counter(line.cells[2] for line in REQUIREMENTS)
    (total,) = [line for line in lines_of(ASVS) if line.cells[0] == "**sum**"]
    assert [int(cell.strip("*")) for cell in total.cells[2:]] == [counted[one] for one in STATES]
    for line in lines_of(ASVS):
        if re.fullmatch(r"V\d+", line.cells[0]):
            chapter = f"v5.0.0-{line.cells[0][1:]}."
            here = Counter(r.cells[2] for r in REQUIREMENTS if r.cells[0].startswith(chapter))
            assert [int(cell) for cell in line.cells[2:]] == [here[one] for one in STATES]

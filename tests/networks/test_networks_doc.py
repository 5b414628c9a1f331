"""docs/networks.md says what the adapters declare."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from networks.base import Network
from networks.registry import NETWORKS

DOC = (Path(__file__).parents[2] / "docs" / "networks.md").read_text()
TABLES = (
    "What it allows",
    "Signing in",
    "Clocks",
    "Probe, listing, revocation",
    "Budgets and signals",
)
SPANS = {1: "second", 60: "minute", 300: "5 minutes", 900: "15 minutes", 3600: "hour", 86400: "day"}

every_network = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)


def rows(section: str) -> dict[str, list[str]]:
    """The first table below a heading, by its first column."""
    text = DOC.split(f"## {section}\n", 1)[1].split("\n## ", 1)[0]
    lines = re.findall(r"^\| (.*) \|$", text, re.MULTILINE)
    cells = [[cell.strip(" |") for cell in line.split(" | ")] for line in lines]
    return {first: rest for first, *rest in cells if not set(first) <= {"-"}}


@pytest.mark.parametrize("section", TABLES)
def test_every_table_has_a_row_for_each_network(section: str) -> None:
    names = {network.name for network in NETWORKS.values()}
    assert rows(section).keys() - {"network"} == names


@every_network
def test_the_matrix_says_what_the_adapter_allows(network: Network) -> None:
    columns = rows("What it allows")["network"][:4]
    said = dict(zip(columns, rows("What it allows")[network.name], strict=False))
    allowed = {name: "yes" if one.allowed else "no" for name, one in network.capabilities.items()}
    assert said == allowed


@every_network
def test_the_budgets_are_those_that_the_adapter_declares(network: Network) -> None:
    said = rows("Budgets and signals")[network.name][0]
    for budget in network.budgets:
        assert str(budget.calls) in said
        assert SPANS[budget.seconds] in said
        assert {"app": "the app", "login": "a login", "address": "our address"}[budget.each] in said


@every_network
def test_the_signals_are_those_that_the_adapter_declares(network: Network) -> None:
    said = rows("Budgets and signals")[network.name][2]
    assert (said == "none") == (not network.push)
    assert all(push.name.split()[0] in said for push in network.push)


@every_network
def test_pkce_is_told_as_it_is_declared(network: Network) -> None:
    assert (rows("Signing in")[network.name][2] == "S256") == (
        network.code_challenge_method == "S256"
    )

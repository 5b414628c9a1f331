"""What is learnt of how tokens die."""

from datetime import timedelta
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokens.hazards import AGES, HISTORIES, USUAL, Cell, Hazards, Seen, cell_of, learn

DAY = timedelta(days=1)
CELLS = st.builds(
    Cell, st.sampled_from("abc"), st.integers(0, len(AGES)), st.integers(0, len(HISTORIES))
)
SEEN = st.dictionaries(CELLS, st.builds(Seen, st.floats(0, 1e9), st.floats(0, 1e6)))
TRUE = Hazards({"calm": 0.1 / 365, "usual": 1 / 365, "wild": 3 / 365}, (5.0, 1.5, 1.0), (3.0, 1.0))


def year_of(true, tokens, chance):
    """What a year of so many tokens in each cell shows, by chance."""
    spent = tokens * 365.0
    cells = [Cell(*one) for one in product(true.networks, range(3), range(2))]
    return {cell: Seen(spent, deaths(spent * true.of(cell), chance)) for cell in cells}


def deaths(expected, chance):
    """Poisson: how many exponential gaps fit."""
    count, left = 0, expected - chance.expovariate(1)
    while left > 0:
        count, left = count + 1, left - chance.expovariate(1)
    return float(count)


@pytest.mark.parametrize(
    ("age", "since_death", "cell"),
    [
        (0 * DAY, None, Cell("a", 0, 1)),
        (7 * DAY - timedelta.resolution, None, Cell("a", 0, 1)),
        (7 * DAY, None, Cell("a", 1, 1)),
        (30 * DAY, 90 * DAY - timedelta.resolution, Cell("a", 2, 0)),
        (9000 * DAY, 90 * DAY, Cell("a", 2, 1)),
        (-DAY, -DAY, Cell("a", 0, 0)),
    ],
)
def test_a_class_ends_where_the_next_begins(age, since_death, cell):
    assert cell_of("a", age, since_death) == cell


def test_with_nothing_seen_the_beliefs_come_back():
    assert learn({}) == Hazards()
    assert learn({Cell("a", 2, 1): Seen()}).of(Cell("a", 2, 1)) == pytest.approx(USUAL)


def test_what_is_seen_of_many_tokens_outweighs_every_belief():
    learnt = learn(year_of(TRUE, 2000, Random(1)))  # noqa: S311
    for name, rate in TRUE.networks.items():
        assert learnt.networks[name] == pytest.approx(rate, rel=0.1)
    assert learnt.ages == pytest.approx(TRUE.ages, rel=0.1)
    assert learnt.histories == pytest.approx(TRUE.histories, rel=0.1)


def test_one_death_among_few_tokens_does_not_make_a_network_a_dangerous_one():
    seen = {Cell("a", 2, 1): Seen(token_days=30.0, deaths=1.0)}
    assert 1 < learn(seen).networks["a"] / USUAL < 2


def test_a_network_without_a_death_in_a_token_year_counts_half():
    seen = {Cell("a", 2, 1): Seen(token_days=365.0)}
    assert learn(seen).networks["a"] == pytest.approx(USUAL / 2, rel=0.01)


def test_what_one_network_shows_of_age_holds_for_all():
    young, old = Cell("a", 0, 1), Cell("a", 2, 1)
    seen = {young: Seen(1e5, 5e3), old: Seen(1e5, 1e3), Cell("b", 2, 1): Seen(1e5, 1e2)}
    learnt = learn(seen)
    assert learnt.of(Cell("b", 0, 1)) / learnt.of(Cell("b", 2, 1)) == pytest.approx(5, rel=0.05)


@given(seen=SEEN, cell=CELLS)
def test_whatever_was_seen_every_hazard_is_a_positive_number(seen, cell):
    assert 0 < learn(seen).of(cell) < float("inf")

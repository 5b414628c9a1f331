"""GCRA: Valkey's decision and the process's own are the same, and neither lets too much through."""

from uuid import uuid4

import pytest
import redis
from django.conf import settings
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from networks.base import Budget
from networks.registry import NETWORKS
from tokens.allowances import LATE, SHARE, limit_for, limits_of
from tokens.gcra import DAY, SCRIPT, SECOND, Batch, Decision, Limit, decide

START = 1_700_000_000 * SECOND
LIMITS = [
    Limit("app", "app", "", 100_000, 5),
    Limit("address", "address", "", 1_000_000, 1),
    Limit("login", "login", "", 10_000_000, 3),
]
takes = st.dictionaries(st.integers(0, 2), st.integers(1, 60), min_size=1)
rows = st.lists(st.tuples(st.integers(0, 5 * SECOND), takes), max_size=20)
pauses = st.dictionaries(st.integers(0, 2), st.integers(0, 2 * DAY))
known = st.dictionaries(st.integers(0, 2), st.integers(0, 30 * SECOND))


@pytest.fixture(scope="module")
def valkey():
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        yield client


def batch_of(rows, pauses=None, known=None, prefix="", now=START):
    batch = Batch()
    known = known or {}
    numbers = [
        batch.number(prefix + one.key, one, now + known[k] if k in known else None)
        for k, one in enumerate(LIMITS)
    ]
    for patience, takes in rows:
        flat = [part for k, calls in takes.items() for part in (numbers[k], calls)]
        batch.rows.append([patience, *flat])
    batch.pauses = [(numbers[k], pause) for k, pause in (pauses or {}).items()]
    return batch


@hypothesis(deadline=None)
@given(steps=st.lists(st.tuples(rows, pauses, known), min_size=1, max_size=4))
def test_valkey_decides_as_the_process_does(valkey, steps):
    prefix, script = f"test:{uuid4()}:", valkey.register_script(SCRIPT)
    store: dict[str, int] = {}
    now = START
    for rows, pauses, known in steps:
        batch = batch_of(rows, pauses, known, prefix, now)
        told = Decision.read(script(args=[batch.encoded()]))
        assert told == decide(batch, store, told.now)
        now = told.now


@given(
    budgets=st.lists(
        st.tuples(st.integers(1, 500), st.sampled_from([1, 60, 900, 86_400])),
        min_size=1,
        max_size=3,
    ),
    each=st.sampled_from(["app", "address", "login"]),
    gaps=st.lists(st.integers(0, 20 * SECOND), min_size=1, max_size=150),
)
def test_no_window_ever_holds_more_than_its_budget(budgets, each, gaps):
    limit = limit_for(
        "key", each, "", [Budget(calls, seconds, each, "") for calls, seconds in budgets]
    )
    store: dict[str, int] = {}
    sent, now = [], START
    for gap in gaps:
        now += gap
        batch = Batch()
        batch.rows.append([2 * SECOND, batch.number("key", limit), 1])
        (wait,) = decide(batch, store, now).waits
        if wait >= 0:
            sent.append(now + wait)
    for calls, seconds in budgets:
        for first, beyond in zip(sent, sent[calls:], strict=False):
            assert beyond - first >= seconds * SECOND


@pytest.mark.parametrize("late", [0, LATE])
@pytest.mark.parametrize("each", ["app", "address", "login"])
@pytest.mark.parametrize(
    ("calls", "seconds"), [(1, 60), (10, 1), (100, 60), (1000, 1), (1000, 86_400)]
)
def test_who_asks_without_a_pause_gets_no_more_than_the_budget(calls, seconds, each, late):
    """Not even where all are late up to one moment, and none is from then on."""
    limit = limit_for("key", each, "", [Budget(calls, seconds, each, "")])
    store: dict[str, int] = {}
    sent: list[int] = []
    now = START
    while len(sent) < 3 * calls:
        batch = Batch()
        batch.rows.append([0, batch.number("key", limit), 1])
        (wait,) = decide(batch, store, now).waits
        if wait < 0:
            now -= wait
        else:
            sent.append(now)
    pivot = sent[len(sent) // 2]
    sent = sorted(moment + late * SECOND * (moment < pivot) for moment in sent)
    share = max(int(SHARE * calls), 1)
    for first, beyond in zip(sent, sent[share:], strict=False):
        assert beyond - first >= seconds * SECOND


def test_an_even_pace_uses_nearly_all_of_its_share():
    limit = limit_for("key", "app", "", [Budget(600, 60, "app", "")])
    assert 0.93 * 600 * SHARE <= 60 * SECOND / limit.interval <= 600 * SHARE


def test_who_is_refused_together_is_told_to_come_one_after_the_other():
    waits = decide(batch_of([(0, {1: 1})] * 5), {}, START).waits
    assert waits == [0, -SECOND, -2 * SECOND, -3 * SECOND, -4 * SECOND]


def test_who_waits_for_one_budget_counts_in_the_others_when_it_is_sent():
    """Otherwise a burst would meet it there."""
    store = {"address": START + 4 * SECOND}
    decide(batch_of([(5 * SECOND, {0: 1, 1: 1})]), store, START)
    assert store["app"] == START + 4 * SECOND + LIMITS[0].interval


def test_a_refused_call_takes_nothing_of_any_budget():
    store = {"address": START + 4 * SECOND}
    decide(batch_of([(SECOND, {0: 1, 1: 1})]), store, START)
    assert store["app"] == START


def test_nothing_comes_in_a_pause_and_no_burst_after_it():
    store: dict[str, int] = {}
    decide(batch_of([], pauses={0: 10 * SECOND}), store, START)
    row = (0, {0: 1})
    assert decide(batch_of([row]), store, START + 10 * SECOND - 1).waits[0] < 0
    after = decide(batch_of([row] * 3), store, START + 10 * SECOND).waits
    assert [wait >= 0 for wait in after] == [True, False, False]


def test_a_tat_that_somebody_remembers_is_believed_for_a_day_at_most():
    store: dict[str, int] = {}
    decide(batch_of([], known={0: 90 * DAY}), store, START)
    assert store["app"] == START + DAY


def test_without_valkey_pace_and_burst_are_a_fraction():
    """Four processes that cannot see each other then stay within the budget."""
    rows = [(0, {0: 1})] * 8
    store: dict[str, int] = {}
    assert sum(wait >= 0 for wait in decide(batch_of(rows), store, START, slack=4).waits) == 2
    assert store["app"] == START + 2 * 4 * LIMITS[0].interval


@pytest.mark.parametrize("slug", NETWORKS)
def test_keys_name_network_and_app_and_expire_by_themselves(valkey, slug):
    app_id = uuid4()
    limits = limits_of(NETWORKS[slug], app_id)
    for limit in limits:
        assert limit.key.startswith(f"budget:{slug}:")
        assert (str(app_id) in limit.key) == (limit.each != "address")
        batch = Batch()
        batch.rows.append([0, batch.number(f"{limit.key}:{app_id}", limit), 1])
        valkey.register_script(SCRIPT)(args=[batch.encoded()])
        assert 0 < valkey.pttl(f"{limit.key}:{app_id}") <= limit.interval / 1000 + 1

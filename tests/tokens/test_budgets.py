"""No network is asked beyond its budgets, by all workers together; with a real Valkey."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
import redis
from django.utils import timezone

from config import servers
from networks.allowance import OverBudget
from networks.base import Answer, Budget, Get, Network, Price, Reason, unclear
from networks.driver import Driver
from networks.registry import NETWORKS
from networks.wire import prepare
from tests.networks import loopback
from tests.tokens import asker
from tokens import budgets as module
from tokens.budgets import Budgets, default_budget
from tokens.gcra import Decision

APP = uuid4()
SUBJECT = "the-id-of-a-login"
TOKEN = "a-text-that-must-never-be-shown"  # noqa: S105 - a canary
WELL = Answer(200)


@pytest.fixture
def valkey(settings):
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        yield client


def network_of(*budgets, prices=()):
    """One that is asked at network.example, and reads a 429 as all do."""

    class Example(Network):
        slug = "example"
        hosts = ("network.example",)

        def read(self, where, answer, known=None):
            wait = answer.headers.get("retry-after")
            return unclear(Reason.RATE_LIMITED, retry_after=float(wait) if wait else None)

    Example.budgets, Example.prices = budgets, prices
    return Example()


def request_to(path="/me", host="network.example"):
    return prepare(Get(f"https://{host}{path}", bearer=TOKEN), (host,))


ME = request_to()
APP_BUDGET = Budget(60, 60, "app", "")  # nine tenths of it: a burst of 2, then one in 1.1 seconds
SLOW_BUDGET = Budget(6, 60, "app", "")  # one in 12 seconds
LOGIN_BUDGET = Budget(10, 600, "login", "")  # a burst of 4, then one in 100 seconds
ADDRESS_BUDGET = Budget(10, 600, "address", "")


async def spent(budgets, network, subject=SUBJECT, request=ME, app=APP):
    """Seconds that it took to get leave, or those of the refusal, below 0."""
    start = time.monotonic()
    try:
        await budgets.allowance(network, app, subject).spend(request)
    except OverBudget as error:
        return -error.seconds
    return time.monotonic() - start


async def spent_all(budgets, network, subjects, **kwargs):
    return await asyncio.gather(*(spent(budgets, network, one, **kwargs) for one in subjects))


def granted(waits):
    return sum(wait >= 0 for wait in waits)


def at(budget, *, workers=1):
    """Runs a coroutine function with the budgets of so many workers."""

    async def run():
        made = [Budgets() for _ in range(workers)]
        try:
            return await budget(*made)
        finally:
            for one in made:
                await one.__aexit__()

    return asyncio.run(run())


LOGINS = [f"login {number}" for number in range(40)]


# The pace


def busiest(moments, seconds):
    """The most that came within so many seconds."""
    moments = sorted(moments)
    most = start = 0
    for end, moment in enumerate(moments):
        while moment - moments[start] >= seconds:
            start += 1
        most = max(most, end + 1 - start)
    return most


def test_two_processes_together_never_exceed_a_budget_of_the_app(settings, monkeypatch):
    moments = []
    echo = loopback.echo

    async def noted(request):
        moments.append(time.monotonic())
        return await echo(request)

    monkeypatch.setitem(loopback.PAGES, "echo", noted)
    with loopback.served() as server:
        command = [sys.executable, "-m", "tests.tokens.asker", settings.REDIS_URL, server, "4"]
        askers = [subprocess.Popen(command) for _ in range(2)]
        assert [one.wait(60) for one in askers] == [0, 0]
    assert busiest(moments, 1.0) <= asker.CALLS
    assert len(moments) > 2 * asker.CALLS


def test_who_misses_a_turn_takes_another():
    """What a busy process held up would come together with what is due then."""

    async def ask(budgets):
        moments = []

        async def one(subject):
            if await spent(budgets, network_of(Budget(100, 1, "app", "")), subject) >= 0:
                moments.append(time.monotonic())

        asyncio.get_running_loop().call_later(0.3, time.sleep, 0.6)
        await asyncio.gather(*(one(str(number)) for number in range(150)))
        (count,) = budgets.spent("example")
        return moments, count.calls

    moments, calls = at(ask)
    assert busiest(moments, 1.0) <= 90
    assert calls == len(moments) > 70, "a turn that was missed is no call"


def test_who_misses_every_turn_is_put_off(monkeypatch):
    monkeypatch.setattr(module.Turn, "late", 0.5)

    async def ask(budgets):
        network = network_of(Budget(600, 60, "app", ""))
        return await asyncio.wait_for(spent_all(budgets, network, LOGINS), 10)

    assert granted(at(ask)) < 30, "little more than the burst, which waits for nothing"


def test_a_turn_that_goes_by_while_its_answer_lies_here_is_missed(monkeypatch):
    decisions: list[bytes] = []
    decide = Budgets._decision

    async def held_up(budgets, batch):
        script = budgets._script

        async def late(**kwargs):
            told = await script(**kwargs)
            time.sleep(0.6 if not decisions else 0)
            decisions.append(told)
            return told

        with monkeypatch.context() as patch:
            patch.setattr(budgets, "_script", late)
            return await decide(budgets, batch)

    monkeypatch.setattr(Budgets, "_decision", held_up)

    async def ask(budgets):
        network = network_of(Budget(600, 60, "app", ""))  # the 28th comes after 0.12 seconds
        return await spent_all(budgets, network, LOGINS[:28])

    assert granted(at(ask)) == 28
    assert len(decisions) == 2


def test_a_valkey_that_decides_late_lets_nobody_go_early(monkeypatch):
    async def ask(one, other):
        script, moments = one._script, []

        async def late(**kwargs):
            await asyncio.sleep(0.5)
            return await script(**kwargs)

        monkeypatch.setattr(one, "_script", late)

        async def call(budgets, subject):
            if await spent(budgets, network_of(Budget(100, 1, "app", "")), subject) >= 0:
                moments.append(time.monotonic())

        numbers = range(80)
        calls = [call(budgets, str(number)) for number in numbers for budgets in (one, other)]
        await asyncio.gather(*calls)
        return moments

    assert busiest(at(ask, workers=2), 1.0) <= 90


def test_a_turn_that_is_missed_costs_a_login_nothing(monkeypatch):
    budgets_of_both = Budget(600, 60, "app", ""), LOGIN_BUDGET

    async def ask(budgets):
        network, login = network_of(*budgets_of_both), "late"
        asyncio.get_running_loop().call_later(0.05, time.sleep, 0.5)
        first = await spent_all(budgets, network, [*LOGINS[:29], login])
        return first, await spent_all(budgets, network, [login] * 4)

    first, more = at(ask)
    assert granted(first) == 30
    assert granted(more) == 3, "of a burst of four"


def test_calls_come_evenly_and_not_at_once():
    async def ask(budgets):
        network = network_of(Budget(600, 60, "app", ""))  # 26 at once, then 8.5 a second
        return await spent_all(budgets, network, [str(number) for number in range(100)])

    waits = at(ask)
    slept = sorted(wait for wait in waits if wait > 0.1)
    assert 0.08 < (slept[-1] - slept[0]) / (len(slept) - 1) < 0.16
    assert granted(waits) < 50


def test_who_would_have_to_wait_for_long_is_put_off_each_to_another_moment():
    async def ask(budgets):
        return await spent_all(budgets, network_of(APP_BUDGET), LOGINS)

    waits = at(ask)
    assert granted(waits) == 3
    put_off = sorted(-wait for wait in waits if wait < 0)
    assert put_off[0] > 2
    assert put_off[-1] > len(put_off)  # as long as they need one after the other
    assert len(set(put_off)) == len(put_off)


def test_an_app_is_told_from_another_and_a_login_from_another():
    async def ask(budgets):
        by_app = network_of(APP_BUDGET)
        by_login = network_of(LOGIN_BUDGET)
        await spent_all(budgets, by_app, LOGINS)
        await spent_all(budgets, by_login, [SUBJECT] * 10, app=uuid4())
        return [
            await spent(budgets, by_app, app=uuid4()),
            *await spent_all(budgets, by_login, [SUBJECT, "another"], app=uuid4()),
        ]

    assert granted(at(ask)) == 3


def test_the_budget_of_a_login_is_counted_by_all_workers():
    async def ask(one, other):
        network = network_of(LOGIN_BUDGET)
        waits = [await spent(worker, network) for worker in (one, other) * 5]
        return granted(waits), await spent(one, network, "another login")

    calls, other_login = at(ask, workers=2)
    assert calls == 4
    assert other_login >= 0


def test_our_address_is_one_for_all_apps_and_another_for_each_server():
    async def ask(budgets):
        network = network_of(ADDRESS_BUDGET)
        first = await spent_all(budgets, network, LOGINS)
        same = await spent(budgets, network, app=uuid4())
        other = await spent(budgets, network, request=request_to(host="other.example"))
        return granted(first), same, other

    calls, same, other = at(ask)
    assert calls == 1
    assert same < 0 <= other


def test_an_endpoint_has_a_budget_of_its_own():
    async def ask(budgets):
        network = network_of(Budget(1, 60, "app", "", endpoint="/data/"))
        calls = [await spent(budgets, network, request=request_to("/data/one")) for _ in range(3)]
        return granted(calls), await spent(budgets, network, request=request_to("/me"))

    calls, other = at(ask)
    assert calls == 1
    assert other >= 0


def test_where_no_budget_is_published_for_the_app_the_installations_own_holds(settings):
    settings.CALLS_PER_SECOND = 0.05

    async def ask(budgets):
        declared = await spent_all(budgets, network_of(Budget(6000, 60, "app", "")), LOGINS[:20])
        own = await spent_all(budgets, network_of(LOGIN_BUDGET), LOGINS[:20], app=uuid4())
        return granted(declared), granted(own)

    assert at(ask) == (20, 1)


@pytest.mark.parametrize(("rate", "calls", "seconds"), [(50, 50, 1), (0.5, 1, 2), (0, 1, 86_400)])
def test_the_installations_own_budget_may_be_less_than_one_call_a_second(rate, calls, seconds):
    budget = default_budget(rate)
    assert (budget.calls, budget.seconds, budget.each) == (calls, seconds, "app")


def test_many_logins_in_one_request_are_as_many_calls():
    async def ask(budgets):
        network = network_of(Budget(600, 60, "app", ""), LOGIN_BUDGET)
        await budgets.allowance(network, APP, *LOGINS).spend(ME)
        (count,) = budgets.spent("example")
        return count.calls, [await spent(budgets, network, LOGINS[0]) for _ in range(5)]

    calls, after = at(ask)
    assert calls == 40
    assert granted(after) <= 3


def test_what_has_begun_waits_longer_than_what_has_not():
    async def ask(budgets):
        network = network_of(Budget(20, 60, "app", ""))  # one in 3.3 seconds
        allowance = budgets.allowance(network, APP, SUBJECT)
        await allowance.spend(ME)
        waited = await spent(budgets, network)
        start = time.monotonic()
        await allowance.spend(ME)
        return waited, time.monotonic() - start

    refused, slept = at(ask)
    assert refused < 0
    assert 2.5 < slept < 5


def test_a_thousand_that_ask_at_once_are_a_few_round_trips(settings, monkeypatch):
    settings.CALLS_PER_SECOND = 10**6
    trips, decide = [], Budgets._decision

    async def counted(budgets, batch):
        trips.append(batch)
        return await decide(budgets, batch)

    monkeypatch.setattr(Budgets, "_decision", counted)  # the server's own count is of all tests

    async def ask(budgets):
        return await spent_all(budgets, network_of(), [str(number) for number in range(1000)])

    assert granted(at(ask)) == 1000
    assert len(trips) < 20


# What networks say


def answered(status=200, **headers):
    return Answer(status, {name.replace("_", "-"): str(value) for name, value in headers.items()})


def after(answer, network, *, of="another login"):
    """What a second worker is told once a login was answered so."""

    async def ask(*made):
        first = made[0].allowance(network, APP, SUBJECT)
        await first.spend(ME)
        first.heard(ME, answer)
        await asyncio.sleep(0.1)
        return await spent(made[1], network, of)

    return -at(ask, workers=2)


FULL = Budget(6000, 60, "app", "")


def test_retry_after_stops_the_app_for_all_workers():
    assert 29 < after(answered(429, retry_after=30), network_of(FULL)) < 36


def test_retry_after_stops_the_login_where_the_network_counts_by_logins():
    network = network_of(Budget(6000, 60, "login", ""))
    assert 29 < after(answered(429, retry_after=30), network, of=SUBJECT) < 36


def test_retry_after_stops_no_other_login_there():
    network = network_of(Budget(6000, 60, "login", ""))
    assert after(answered(429, retry_after=30), network) < 1


def test_a_refusal_that_does_not_say_for_how_long_stops_for_a_minute():
    assert 59 < after(answered(429), network_of(FULL)) < 70


def test_a_header_that_says_that_nothing_is_left_stops_until_it_is_filled_up():
    answer = answered(200, x_ratelimit_remaining=0, x_ratelimit_reset=20)
    assert 19 < after(answer, network_of(FULL)) < 25


def test_a_header_that_says_that_something_is_left_stops_nobody():
    answer = answered(200, x_ratelimit_remaining=10, x_ratelimit_reset=20)
    assert after(answer, network_of(FULL)) < 1


def test_a_service_that_asks_for_time_gets_it_of_everybody():
    network = network_of(Budget(6000, 60, "login", ""))
    assert 29 < after(answered(503, retry_after=30), network) < 36


def test_nobody_is_made_to_wait_for_more_than_a_day():
    assert after(answered(429, retry_after=10**7), network_of(FULL)) < 86_400 * 1.11


def test_a_second_login_that_is_refused_meanwhile_stops_the_app_for_a_while():
    async def ask(budgets):
        network = network_of(Budget(6000, 60, "login", ""))
        for subject in ("one", "one", "two"):
            before = await spent(budgets, network, "another login")
            allowance = budgets.allowance(network, APP, subject)
            allowance.heard(ME, answered(429, retry_after=7200))
            await asyncio.sleep(0.1)
        return before, await spent(budgets, network, "another login")

    before, stopped = at(ask)
    assert before >= 0
    assert 900 <= -stopped < 1000


def test_who_sleeps_already_is_stopped_too():
    async def ask(budgets):
        network = network_of(APP_BUDGET)
        waiting = asyncio.create_task(spent_all(budgets, network, LOGINS[:3]))
        await asyncio.sleep(0.3)
        budgets.allowance(network, APP, SUBJECT).heard(ME, answered(429, retry_after=30))
        return await waiting

    assert sorted(at(ask))[0] < -25


def test_who_is_stopped_together_does_not_come_back_together():
    async def ask(budgets):
        network = network_of(Budget(600, 60, "app", ""))

        async def comes_back(subject):
            wait = await spent(budgets, network, subject)
            return time.monotonic() - wait if wait < -25 else 0

        waiting = asyncio.gather(*(comes_back(one) for one in LOGINS))
        await asyncio.sleep(0.3)
        budgets.allowance(network, APP, SUBJECT).heard(ME, answered(429, retry_after=30))
        return await waiting

    moments = [moment for moment in at(ask) if moment]
    assert len(moments) > 5
    assert max(moments) - min(moments) > 0.5


# Without Valkey


@contextmanager
def own_valkey():
    with tempfile.TemporaryDirectory(prefix="tokenwacht-budgets-") as name:
        folder = Path(name)
        with servers.valkey(folder, folder):
            yield f"unix://{folder}/valkey.sock?db=0", folder


def test_a_valkey_that_lost_its_keys_lets_nobody_through_whom_somebody_remembers(valkey):
    async def ask(budgets):
        network = network_of(SLOW_BUDGET)
        await spent_all(budgets, network, LOGINS)
        valkey.flushdb()
        again = await spent_all(budgets, network, LOGINS)
        async with Budgets() as stranger:
            return granted(again), granted(await spent_all(stranger, network, LOGINS))

    again, stranger = at(ask)
    assert again == 0
    assert stranger == 0  # the first one has told it to Valkey


def test_keys_that_nobody_remembers_are_worth_one_burst(valkey):
    async def ask(one, other):
        network = network_of(SLOW_BUDGET)
        before = granted(await spent_all(one, network, LOGINS))
        valkey.flushdb()
        return before, granted(await spent_all(other, network, LOGINS))

    assert at(ask, workers=2) == (1, 1)


def test_a_scripts_absence_is_no_trouble(valkey):
    async def ask(budgets):
        network = network_of(FULL)
        await spent(budgets, network)
        valkey.script_flush()
        return await spent(budgets, network)

    assert at(ask) >= 0


def test_without_valkey_it_goes_on_more_slowly_and_says_so_once(monkeypatch, caplog):
    monkeypatch.setattr(module, "AWAY", 0.1)
    caplog.set_level(logging.WARNING)
    network = network_of(Budget(600, 60, "app", ""))
    with own_valkey() as (url, folder):
        pass

    async def ask():
        async with Budgets(url) as budgets:
            alone = [granted(await spent_all(budgets, network, LOGINS)) for _ in range(2)]
            words = len(caplog.records)
            with servers_again(folder):
                await asyncio.sleep(0.2)
                await spent_all(budgets, network, LOGINS)
                return alone, words, redis_keys(url)

    alone, words, keys = asyncio.run(ask())
    assert alone[0] <= 26 / 4 + 2 * 8.5 / 4 + 1
    assert alone[1] <= 2 * 8.5 / 4 + 1  # the burst is used up
    assert words == 1
    assert "paced alone" in caplog.text
    assert "is back" in caplog.text
    assert any(key.startswith(b"budget:example") for key in keys)


@contextmanager
def servers_again(folder):
    folder.mkdir()
    with servers.valkey(folder, folder):
        yield


def redis_keys(url):
    with redis.Redis.from_url(url) as client:
        return client.keys()


def test_a_defect_leaves_nobody_waiting(monkeypatch):
    def broken(text):
        raise ValueError

    async def ask(budgets):
        monkeypatch.setattr(Decision, "read", broken)
        asked = asyncio.wait_for(spent(budgets, network_of(FULL)), 5)
        return await asyncio.gather(asked, return_exceptions=True)

    assert [type(error) for error in at(ask)] == [ValueError]


def test_what_is_over_is_not_remembered_for_ever(monkeypatch):
    monkeypatch.setattr(module, "REMEMBERED", 3)

    async def ask(budgets):
        network = network_of(FULL, Budget(1, 1, "login", ""))
        for subject in LOGINS:
            budgets.allowance(network, APP, subject).heard(ME, answered(429, retry_after=0.01))
        await asyncio.sleep(0.1)
        await spent(budgets, network)
        return len(budgets._known), len(budgets._paused)

    assert max(at(ask)) <= 3


def test_no_key_and_no_value_tells_a_login_or_a_token_and_all_expire(valkey):
    async def ask(budgets):
        network = network_of(SLOW_BUDGET, LOGIN_BUDGET, ADDRESS_BUDGET)
        await spent(budgets, network)

    at(ask)
    keys = valkey.keys()
    assert len(keys) == 3
    for key in keys:
        assert key.startswith(b"budget:example:")
        assert SUBJECT.encode() not in key + valkey.get(key)
        assert TOKEN.encode() not in key + valkey.get(key)
        assert valkey.pttl(key) > 0


# What the engine asks


def test_calls_and_what_they_cost_are_counted_once(db):
    price = Price(Decimal("0.010"), "USD", "/2/users/me", "")

    async def ask(budgets):
        network = network_of(FULL, prices=(price,))
        for path, answer in (
            ("/2/users/me?x=1", WELL),
            ("/2/users/me", Answer(401)),
            ("/2/oauth2/token", WELL),
        ):
            allowance = budgets.allowance(network, APP, SUBJECT)
            await allowance.spend(request_to(path))
            allowance.heard(request_to(path), answer)
        first, again = budgets.spent("example"), budgets.spent("example")
        await budgets.allowance(network, APP, SUBJECT).spend(ME)
        return first, again, budgets.spent("another"), budgets.spent("example")

    (count,), again, other, (later,) = at(ask)
    assert (count.app_id, count.network_slug) == (APP, "example")
    assert (count.calls, count.cost) == (3, Decimal("0.010"))  # errors are not billed
    assert again == other == []
    assert (later.calls, later.cost) == (1, 0)


def test_x_says_what_a_probe_costs():
    (price,) = NETWORKS["x"].prices
    assert (price.amount, price.currency, price.endpoint) == (
        Decimal("0.010"),
        "USD",
        "/2/users/me",
    )


def test_a_lane_claims_no_more_than_there_is_room_for():
    async def ask(budgets):
        network = network_of(Budget(600, 60, "app", ""))
        unknown = budgets.room("example")
        await spent(budgets, network)
        fresh = budgets.room("example")
        await spent_all(budgets, network, LOGINS)
        return unknown, fresh, budgets.dry("example"), budgets.room("example")

    unknown, fresh, dry, left = at(ask)
    assert unknown == left == module.STRANGERS
    assert 38 <= fresh <= 44  # a burst of 27, and 2 seconds of 8.5
    assert list(dry) == [APP]
    assert 0.5 < (dry[APP] - timezone.now()).total_seconds() < 5


def test_an_app_that_is_paused_is_dry_until_then():
    async def ask(budgets):
        network = network_of(FULL)
        allowance = budgets.allowance(network, APP, SUBJECT)
        await allowance.spend(ME)
        before = budgets.dry("example")
        allowance.heard(ME, answered(429, retry_after=600))
        return before, budgets.dry("example")

    before, dry = at(ask)
    assert before == {}
    assert 590 < (dry[APP] - timezone.now()).total_seconds() < 610


def test_a_budget_that_sessions_do_not_begin_with_makes_no_app_dry():
    async def ask(budgets):
        network = network_of(Budget(1, 86_400, "app", "", endpoint="/data/"))
        allowance = budgets.allowance(network, APP, SUBJECT)
        await allowance.spend(ME)
        await allowance.spend(request_to("/data/"))
        return budgets.dry("example")

    assert at(ask) == {}


# The door


def test_a_conversation_that_is_over_budget_is_closed_and_nothing_was_sent(settings, monkeypatch):
    asked, closed = [], []
    echo = loopback.echo

    async def noted(request):
        asked.append(request.path)
        return await echo(request)

    def question():
        try:
            yield Get("https://network.example/echo")
        except BaseException as error:
            closed.append(type(error))
            raise

    monkeypatch.setitem(loopback.PAGES, "echo", noted)

    async def ask(budgets):
        network = network_of(Budget(1, 60, "app", ""))
        async with Driver() as driver:
            await driver.hold(question(), network.hosts, budgets.allowance(network, APP, "one"))
            with pytest.raises(OverBudget) as over:
                await driver.hold(question(), network.hosts, budgets.allowance(network, APP, "two"))
        return over.value.seconds

    with loopback.served() as server:
        settings.NETWORK_HOSTS = {"network.example": server}
        assert 55 < at(ask) < 70
    assert len(asked) == 1
    assert closed == [GeneratorExit]

"""Lanes: what hangs, breaks off or ends costs nobody else anything."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from networks.base import ALIVE, Answer, Budget, Get, Grant, Reason, Verdict, dead, unclear
from networks.registry import NETWORKS
from tests.networks import loopback
from tests.saying import login, whose
from tokens import asking, budgets, leases, outbox, probing
from tokens.conversations import Conversations
from tokens.engine import Engine
from tokens.models import Lease, OAuthApp, Tally, Token
from tokens.outbox import LaneEnded

pytestmark = pytest.mark.django_db(transaction=True)

SOON = 5.0  # seconds; the silent server answers after thirty


@pytest.fixture
def silent(settings: Any) -> Iterator[Callable[[], Any]]:
    """A conversation with a server that accepts the connection and then says nothing."""
    host = NETWORKS["tiktok"].hosts[0]
    with loopback.served() as address:
        settings.NETWORK_HOSTS = {host: address}

        def conversation() -> Any:
            yield Get(f"https://{host}/silent")
            return ALIVE

        yield conversation


@pytest.fixture
def hangs(silent: Any, says: Any, monkeypatch: Any) -> Callable[..., None]:
    """`hangs("tiktok", "Mia Lang")`: that login's probe hangs; of nobody in particular, all do."""

    def hang(slug: str, *names: str) -> None:
        def probe(self: Any, client: Any, grant: Any, subject: str) -> Any:
            return (yield from silent()) if not names or whose(grant) in names else ALIVE

        monkeypatch.setattr(type(NETWORKS[slug]), "probe", probe)

    return hang


def make_due() -> None:
    Token.objects.update(next_probe_at=timezone.now())


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return False


def asked(**which: Any) -> Callable[[], bool]:
    """Whether every one of these tokens was asked and let go."""
    some = Token.objects.filter(**which)
    return lambda: not some.filter(next_probe_at__lte=timezone.now()).exists()


def claimed_of(slug: str) -> bool:
    return Lease.objects.filter(token__network_slug=slug).exists()


@pytest.fixture
def engine(monkeypatch: Any) -> Iterator[Engine]:
    monkeypatch.setattr("networks.http.REQUEST_LIMIT", SOON + 2)
    with Engine() as running:
        yield running


def test_a_network_that_hangs_holds_up_no_other(world, says, hangs, engine):
    login(world.alpenglueck, "Anna Huber", "tiktok")
    login(world.alpenglueck, "Mia Lang", "pinterest")
    hangs("tiktok")
    says("pinterest", probe=ALIVE)
    make_due()
    engine.wake("tiktok")
    assert within(SOON, lambda: claimed_of("tiktok"))
    engine.wake("pinterest")
    assert within(SOON, asked(network_slug="pinterest"))
    assert not asked(network_slug="tiktok")()


def test_a_login_that_hangs_holds_up_none_of_its_network(world, hangs, engine):
    for name in ("Anna Huber", "Mia Lang", "Jonas Berg"):
        login(world.alpenglueck, name)
    hangs("tiktok", "Mia Lang")
    make_due()
    engine.wake("tiktok")
    assert within(SOON, asked(subject__in=["Anna Huber", "Jonas Berg"]))
    assert not asked(subject="Mia Lang")()


def test_what_falls_due_while_a_lane_is_at_work_does_not_wait_for_its_end(world, hangs, engine):
    login(world.alpenglueck, "Mia Lang")
    hangs("tiktok", "Mia Lang")
    make_due()
    engine.wake("tiktok")
    assert within(SOON, lambda: Lease.objects.exists())
    login(world.alpenglueck, "Anna Huber", next_probe_at=timezone.now())
    engine.wake("tiktok")
    assert within(SOON, asked(subject="Anna Huber"))
    assert not asked(subject="Mia Lang")()


def test_no_more_are_claimed_than_can_be_held_at_once(world, hangs, engine, monkeypatch):
    monkeypatch.setattr(probing, "AT_ONCE", 4)
    monkeypatch.setattr(probing, "CLAIM", 2)
    for number in range(7):
        login(world.alpenglueck, f"Person {number}")
    hangs("tiktok")
    make_due()
    engine.wake("tiktok")
    assert within(SOON, lambda: Lease.objects.count() == 4)
    time.sleep(0.5)
    assert Lease.objects.count() == 4


def test_what_is_claimed_when_the_process_ends_is_handed_back(world, says):
    """What is being said is heard to its end; the next question is nobody's any more."""
    login(world.alpenglueck, listed_at=None)
    said, go_on = threading.Event(), threading.Event()

    def probe(grant: Any) -> Verdict:
        said.set()
        assert go_on.wait(SOON)
        return ALIVE

    listed = says("tiktok", probe=probe, reach=[])
    make_due()
    with Engine() as engine:
        engine.wake("tiktok")
        assert said.wait(SOON)
        threading.Timer(0.3, go_on.set).start()
    token = Token.objects.get()
    assert [verb for verb, _ in listed] == ["probe"]
    assert not Lease.objects.exists()
    assert token.next_probe_at <= timezone.now()


def test_a_lane_that_broke_off_leaves_its_claims_to_their_leases(world, says, monkeypatch, caplog):
    login(world.alpenglueck)
    says("tiktok", probe=ALIVE)
    make_due()
    with Engine() as engine:
        with monkeypatch.context() as broken:
            broken.setattr(probing, "write_down", fail)
            engine.wake("tiktok")
            assert within(SOON, lambda: not engine._lanes)
        assert "SECRET" not in caplog.text
        assert "the lane of tiktok broke off: RuntimeError" in caplog.text
        engine.wake("tiktok")
        assert within(SOON, lambda: not engine._lanes)
        Lease.objects.update(until=timezone.now())
        engine.wake("tiktok")
        assert within(SOON, asked())


def fail(*_: Any) -> int:
    raise RuntimeError("SECRET")


def test_who_must_know_is_told_when_something_changed_and_only_then(world, says):
    login(world.alpenglueck)
    told: list[int] = []
    says("tiktok", probe=dead(Reason.REVOKED_BY_USER))
    make_due()
    with Engine(on_changes=lambda: told.append(1)) as engine:
        assert engine.sweep("tiktok") == 1
        assert told == [1]
        make_due()
        assert engine.sweep("tiktok") == 1
    assert told == [1]


def test_sessions_under_way_are_not_searched_for_garbage_again_and_again(world):
    before = gc.get_threshold()
    with Engine():
        assert gc.get_threshold()[0] > 10 * probing.AT_ONCE
    assert gc.get_threshold() == before


# Budgets


@pytest.fixture
def refusing(settings: Any, says: Any, monkeypatch: Any) -> Iterator[dict[str, float]]:
    """A network that is really asked. While `seconds` is there, it asks for so many, and says so
    of its app as a whole."""
    network, wait = type(NETWORKS["tiktok"]), {"seconds": 0.0}
    host = network.hosts[0]

    def probe(self: Any, client: Any, grant: Any, subject: str) -> Any:
        yield Get(f"https://{host}/echo")
        seconds = wait["seconds"]
        return unclear(Reason.RATE_LIMITED, retry_after=seconds) if seconds else ALIVE

    def read(self: Any, where: Any, answer: Answer, known: Any = None) -> Verdict:
        return unclear(Reason.RATE_LIMITED, retry_after=wait["seconds"])

    async def page(request: Any) -> Any:
        answer = await echo(request)
        if wait["seconds"]:
            answer.set_status(429)
        return answer

    echo = loopback.PAGES["echo"]
    monkeypatch.setitem(loopback.PAGES, "echo", page)
    monkeypatch.setattr(network, "probe", probe)
    monkeypatch.setattr(network, "read", read)
    monkeypatch.setattr(network, "budgets", (Budget(6000, 60, "app", ""),))
    with loopback.served() as address:
        settings.NETWORK_HOSTS = {host: address}
        yield wait


def another_app(token: Token) -> None:
    token.app = OAuthApp.objects.create(
        network_slug="tiktok", issuer="https://other.example", client_id="tests"
    )
    token.save()


def test_what_is_asked_is_counted(world, refusing, engine):
    login(world.alpenglueck)
    make_due()
    assert engine.sweep("tiktok") == 1
    tally = Tally.objects.get()
    assert (tally.calls, tally.asked, tally.alive) == (1, 1, 1)


def test_of_a_network_that_nobody_has_asked_yet_a_few_are_claimed_first(
    world, hangs, engine, monkeypatch
):
    monkeypatch.setattr(budgets, "STRANGERS", 3)
    for number in range(7):
        login(world.alpenglueck, f"Person {number}")
    hangs("tiktok")
    make_due()
    engine.wake("tiktok")
    assert within(SOON, lambda: Lease.objects.count() > 0)
    assert Lease.objects.count() == 3


def test_nothing_is_claimed_of_an_app_that_is_to_be_left_alone(world, refusing, engine):
    first, second = login(world.alpenglueck), login(world.alpenglueck, "Mia Lang")
    another_app(second)
    Token.objects.filter(pk=first.pk).update(next_probe_at=timezone.now())
    refusing["seconds"] = 600.0
    Token.objects.filter(pk=second.pk).update(next_probe_at=timezone.now() + timedelta(hours=1))
    assert engine.sweep("tiktok") == 1
    refusing["seconds"] = 0.0
    make_due()
    assert engine.sweep("tiktok") == 1
    assert asked(pk=second.pk)()
    assert Token.objects.get(pk=first.pk).next_probe_at <= timezone.now(), "it stays due"


def test_an_app_that_is_to_be_left_alone_for_a_moment_is_waited_for(world, refusing, engine):
    """And not left to the next tick, by when more would have queued up."""
    login(world.alpenglueck)
    make_due()
    refusing["seconds"] = 1.0
    assert engine.sweep("tiktok") == 1
    refusing["seconds"] = 0.0
    make_due()
    assert engine.sweep("tiktok") == 1
    assert Token.objects.get().unclear_reason == ""


def test_whom_there_is_room_for_does_not_make_a_lane_ask_the_database_all_the_time(
    world, refusing, engine, monkeypatch
):
    """Of one app there is nothing due, and of the other only what has to wait for a moment."""
    monkeypatch.setattr(type(NETWORKS["tiktok"]), "budgets", (Budget(60_000, 60, "app", ""),))
    first, second = login(world.alpenglueck), login(world.alpenglueck, "Mia Lang")
    another_app(second)
    make_due()
    assert engine.sweep("tiktok") == 2
    refusing["seconds"] = 2.0
    Token.objects.filter(pk=first.pk).update(next_probe_at=timezone.now())
    assert engine.sweep("tiktok") == 1
    claims: list[int] = []

    def counted(*args: Any, **kwargs: Any) -> list[Token]:
        claims.append(1)
        return leases.claim(*args, **kwargs)

    monkeypatch.setattr(probing, "claim", counted)
    assert engine.sweep("tiktok") == 0
    assert 1 < len(claims) < 10


# Refreshes


@pytest.fixture
def refreshing(settings: Any, says: Any, monkeypatch: Any) -> Iterator[Callable[..., None]]:
    """`refreshing("tiktok", page)`: a refresh there is answered when that page of the loopback
    server is."""
    with ExitStack() as stack:

        def refresh_by(slug: str, page: Any) -> None:
            network = type(NETWORKS[slug])
            host = network.hosts[0]

            def refresh(self: Any, client: Any, grant: Grant) -> Any:
                yield Get(f"https://{host}/echo")
                return Grant("renewed", "renewed-refresh", network.scopes)

            monkeypatch.setitem(loopback.PAGES, "echo", page)
            monkeypatch.setattr(network, "refresh", refresh)
            settings.NETWORK_HOSTS = {host: stack.enter_context(loopback.served())}
            says(slug, probe=dead(Reason.REVOKED_BY_USER))

        yield refresh_by


def about_to_end(world: Any, number: int) -> None:
    now = timezone.now()
    for each in range(number):
        name, began = f"Login {each}", now - timedelta(hours=1)
        login(world.alpenglueck, name, issued_at=began, expires_at=now)
    make_due()


def test_no_more_refreshes_are_under_way_than_are_soon_stored(
    world, refreshing, monkeypatch, settings
):
    """A pair that waits to be stored is lost when the process is killed."""
    echo, under_way, store = loopback.PAGES["echo"], [0], asking._commit_surely

    async def page(request: Any) -> Any:
        under_way.append(under_way[-1] + 1)
        await asyncio.sleep(0.1)
        return await echo(request)

    def stored(*args: Any) -> None:
        time.sleep(0.02)
        store(*args)
        under_way.append(under_way[-1] - 1)

    monkeypatch.setattr(asking, "_commit_surely", stored)

    monkeypatch.setattr(outbox, "REFRESHES", 5)
    settings.CALLS_PER_SECOND = 1000
    refreshing("tiktok", page)
    about_to_end(world, 20)
    with Conversations() as talk:
        assert probing.probe_due("tiktok", talk) == 20
    assert [token.open().access_token for token in Token.objects.all()] == ["renewed"] * 20
    assert max(under_way) == 5


def test_a_pair_is_stored_before_the_session_goes_on(world, refreshing, says, monkeypatch):
    order, store = [], asking._commit_surely

    def stored(*args: Any) -> None:
        time.sleep(0.1)
        store(*args)
        order.append("stored")

    def probed(grant: Grant) -> Verdict:
        order.append(f"probed with {grant.access_token}")
        return ALIVE

    monkeypatch.setattr(asking, "_commit_surely", stored)
    refreshing("tiktok", loopback.PAGES["echo"])
    says("tiktok", probe=probed)
    about_to_end(world, 1)
    Token.objects.update(listed_at=None)
    with Conversations() as talk:
        probing.probe_due("tiktok", talk)
    assert order == ["stored", "probed with renewed"]


def test_who_loses_the_lease_while_waiting_to_be_refreshed_asks_nothing(
    world, refreshing, monkeypatch
):
    echo, asked_for = loopback.PAGES["echo"], []

    def take_over() -> None:
        Lease.objects.update(name=uuid4())
        connection.close()

    async def page(request: Any) -> Any:
        asked_for.append(request)
        await asyncio.to_thread(take_over)
        return await echo(request)

    monkeypatch.setattr(outbox, "REFRESHES", 1)
    refreshing("tiktok", page)
    about_to_end(world, 3)
    with Conversations() as talk:
        probing.probe_due("tiktok", talk)
    assert len(asked_for) == 1


def test_who_waits_for_too_long_to_be_refreshed_is_put_off(world, refreshing, monkeypatch):
    echo = loopback.PAGES["echo"]

    async def page(request: Any) -> Any:
        await asyncio.sleep(0.6)
        return await echo(request)

    monkeypatch.setattr(outbox, "REFRESHES", 1)
    monkeypatch.setattr(outbox, "PATIENCE", 0.3)
    refreshing("tiktok", page)
    about_to_end(world, 3)
    with Conversations() as talk:
        assert probing.probe_due("tiktok", talk) == 3
    renewed = [one for one in Token.objects.all() if one.open().access_token == "renewed"]
    assert len(renewed) == 1
    others = Token.objects.exclude(pk__in=[one.pk for one in renewed])
    soon = timezone.now() + timedelta(seconds=2)
    assert others.filter(next_probe_at__lt=soon, reason="", unclear_reason="").count() == 2
    assert not Lease.objects.exists()


def test_who_waits_to_be_refreshed_when_the_engine_stops_is_handed_back(
    world, refreshing, monkeypatch
):
    echo, asked_for = loopback.PAGES["echo"], threading.Event()

    async def page(request: Any) -> Any:
        asked_for.set()
        await asyncio.sleep(0.6)
        return await echo(request)

    monkeypatch.setattr(outbox, "REFRESHES", 1)
    refreshing("tiktok", page)
    about_to_end(world, 3)
    with Engine() as engine:
        engine.wake("tiktok")
        assert asked_for.wait(SOON)
    renewed = [one for one in Token.objects.all() if one.open().access_token == "renewed"]
    assert len(renewed) == 1, "what is being said is heard to its end"
    assert Token.objects.filter(next_probe_at__lte=timezone.now()).count() == 2
    assert not Lease.objects.exists()


# Ends


def test_a_lane_that_finds_nothing_due_ends_at_once(monkeypatch):
    monkeypatch.setattr(probing, "PATIENCE", SOON)
    with Conversations() as talk:
        start = time.monotonic()
        assert probing.probe_due("tiktok", talk) == 0
        assert time.monotonic() - start < SOON / 2


def test_who_is_nudged_after_it_was_stopped_claims_nothing(world, says):
    login(world.alpenglueck)
    says("tiktok", probe=ALIVE)
    make_due()
    with Conversations() as talk:
        lane = probing.Lane(NETWORKS["tiktok"], talk)
        lane.stop()
        lane.nudge()
        assert lane.run() == 0


def test_a_lane_that_breaks_off_stores_the_pair_that_comes_and_refreshes_nobody_else(
    world, refreshing, monkeypatch, caplog
):
    """Its refresh token is used up by then: without the new one the login would be dead."""
    echo, asked_for, broke_off = loopback.PAGES["echo"], threading.Event(), threading.Event()
    asked = []

    async def page(request: Any) -> Any:
        asked.append(request)
        asked_for.set()
        await asyncio.to_thread(broke_off.wait, SOON)
        return await echo(request)

    def break_off() -> None:
        assert asked_for.wait(SOON)
        threading.Timer(0.2, broke_off.set).start()
        raise OSError("SECRET")

    monkeypatch.setattr(outbox, "REFRESHES", 1)
    refreshing("tiktok", page)
    login(world.alpenglueck)
    about_to_end(world, 3)
    with Engine(on_changes=break_off) as engine:
        engine.wake("tiktok")
        assert within(SOON, lambda: not engine._lanes)
    assert "the lane of tiktok broke off: OSError" in caplog.text
    renewed = [one for one in Token.objects.all() if one.open().access_token == "renewed"]
    assert (len(asked), len(renewed)) == (1, 1)


def test_an_engine_that_has_ended_wakes_nobody(world, says):
    login(world.alpenglueck)
    says("tiktok", probe=ALIVE)
    make_due()
    with Engine() as engine:
        pass
    engine.wake("tiktok")
    assert not engine._lanes
    assert not Lease.objects.exists()


def test_nobody_waits_for_a_lane_that_has_ended():
    with Conversations() as talk:
        box = talk.outbox()

        def write() -> Any:
            return asyncio.run_coroutine_threadsafe(box.write(lambda: None), talk._loop)

        before = write()
        assert within(SOON, lambda: not box._queue.empty())
        box.close()
        after = write()
        for waiting in (before, after):
            with pytest.raises(LaneEnded):
                waiting.result(SOON)

"""What the probe engine's driver does with its connections."""

from __future__ import annotations

import asyncio
import gc
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pycurl
import pytest

from networks import addresses, http
from networks.base import Answer, Conversation, Get, Post, Request, TransportError
from networks.driver import Driver
from networks.http import hold
from networks.wire import Prepared
from tests.networks import loopback
from tests.networks.talk import hold_in_a_driver

HOSTS = ("network.example",)
ADDRESS = "https://network.example/"
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Server:
    """Notes each request that has arrived as a whole, by its connection and its method, and breaks
    off where `answers` says so."""

    def __init__(self) -> None:
        self.arrived: list[tuple[int, str]] = []
        self.answers: Callable[[int], bytes] = lambda number: HELLO
        self.connections: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):  # it was closed
            for number in range(1000):
                connection, _ = self._listening.accept()
                self.connections.append(connection)
                threading.Thread(target=self._speak, args=(connection, number), daemon=True).start()

    def _speak(self, connection: socket.socket, number: int) -> None:
        with suppress(OSError), connection, connection.makefile("rb") as coming:
            while request := coming.readline():
                length = 0
                while (line := coming.readline()) not in (b"\r\n", b""):
                    found = re.match(rb"content-length: (\d+)", line.lower())
                    length = int(found[1]) if found else length
                coming.read(length)
                self.arrived.append((number, request.split()[0].decode()))
                answer = self.answers(len(self.arrived))
                if not answer:
                    return
                connection.sendall(answer)

    def hang_up(self) -> None:
        """On everybody who keeps a connection."""
        for connection in self.connections:
            connection.shutdown(socket.SHUT_RDWR)
        self.connections.clear()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@pytest.fixture
def server(settings: Any) -> Iterator[Server]:
    server = Server()
    settings.NETWORK_HOSTS = {"network.example": f"http://127.0.0.1:{server.port}"}
    yield server
    server.close()


def ask(*requests: Request) -> Conversation:
    for request in requests:
        answer = yield request
    return answer


def test_a_connection_is_kept_for_the_next_conversation(server: Server) -> None:
    async def twice() -> None:
        async with Driver() as driver:
            await driver.hold(ask(Get(ADDRESS)), HOSTS)
            await driver.hold(ask(Post(ADDRESS, form={"a": "b"})), HOSTS)

    asyncio.run(twice())
    assert server.arrived == [(0, "GET"), (0, "POST")]


@pytest.mark.parametrize("held", [hold, hold_in_a_driver], ids=["plain", "asynchronous"])
@pytest.mark.parametrize("form", [{"refresh_token": "of a test"}, {}, None])
def test_a_refresh_that_arrived_is_not_sent_a_second_time(
    server: Server, held: Any, form: dict[str, str] | None
) -> None:
    """Where a kept connection breaks off, nobody knows whether the refresh token is spent; with
    some networks, to use it twice ends the login (RFC 9700, 4.14.2)."""
    server.answers = lambda number: HELLO if number == 1 else b""
    with pytest.raises(TransportError):
        held(ask(Get(ADDRESS), Post(ADDRESS, form=form)), HOSTS)
    assert [method for _, method in server.arrived] == ["GET", "POST"]


def test_a_question_that_broke_off_with_a_kept_connection_is_asked_once_more(
    server: Server,
) -> None:
    async def asked() -> None:
        async with Driver() as driver:
            asking = (driver.hold(ask(Get(ADDRESS)), HOSTS) for _ in range(20))
            await asyncio.gather(*asking)  # twenty connections are kept
            server.arrived.clear()
            server.answers = lambda number: b"" if number == 1 else HELLO
            await driver.hold(ask(Get(ADDRESS)), HOSTS)
            assert len(server.arrived) == 2
            server.answers = lambda number: b""
            with pytest.raises(TransportError):
                await driver.hold(ask(Get(ADDRESS)), HOSTS)
            assert len(server.arrived) == 4

    server.answers = together(20)
    asyncio.run(asked())


def together(number: int) -> Callable[[int], bytes]:
    """Answers when so many have asked: each on a connection of its own."""
    meeting = threading.Barrier(number)

    def answer(_: int) -> bytes:
        meeting.wait(10)
        return HELLO

    return answer


def test_what_a_server_hung_up_on_makes_room_for_others(server: Server) -> None:
    """New sockets get the numbers of those that were closed, and are waited for as new ones."""

    async def asked() -> None:
        async with Driver() as driver, asyncio.timeout(8):
            for _ in range(3):
                server.answers = together(20)
                asking = (driver.hold(ask(Get(ADDRESS), Get(ADDRESS)), HOSTS) for _ in range(20))
                await asyncio.gather(*asking)
                server.hang_up()
                await asyncio.sleep(0.05)

    asyncio.run(asked())
    assert len({number for number, _ in server.arrived}) == 60


def test_who_was_never_let_in_makes_room_for_others(server: Server, settings: Any) -> None:
    """Here a new socket gets the number of one that was still waited for to be connected."""
    well, crowd = settings.NETWORK_HOSTS, ExitStack()

    async def asked() -> int:
        async with Driver() as driver:
            settings.NETWORK_HOSTS = {"network.example": full(crowd)}
            asking = (driver.hold(ask(Get(ADDRESS)), HOSTS) for _ in range(5))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.gather(*asking), 0.2)
            settings.NETWORK_HOSTS = well
            asking = (driver.hold(ask(Get(ADDRESS)), HOSTS) for _ in range(5))
            answers = await asyncio.wait_for(asyncio.gather(*asking), 3)
            return len(answers)

    with crowd:
        assert asyncio.run(asked()) == 5


def full(crowd: ExitStack) -> str:
    """Where nobody is let in any more: as many wait as there is room for."""
    listening = crowd.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
    for _ in range(3):
        waiting = crowd.enter_context(socket.socket())
        waiting.setblocking(False)
        waiting.connect_ex(listening.getsockname())
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_a_server_that_hangs_up_keeps_nobody_busy(server: Server) -> None:
    async def busy() -> float:
        async with Driver() as driver:
            await driver.hold(ask(Get(ADDRESS)), HOSTS)
            server.hang_up()
            await asyncio.sleep(0.05)
            before = time.process_time()
            await asyncio.sleep(0.4)
            return time.process_time() - before

    assert asyncio.run(busy()) < 0.2


@pytest.mark.parametrize("how", ["cut off", "too large"])
def test_nothing_of_a_request_that_failed_is_kept(server: Server, how: str) -> None:
    """Not even until the next collection of garbage, which the engine makes seldom."""
    large = b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + bytes(1500000)
    server.answers = lambda number: large if how == "too large" else b""

    async def failing() -> None:
        async with Driver() as driver:
            with suppress(TransportError):  # pytest.raises would keep it
                await driver.hold(ask(Post(ADDRESS, form={"a": "b"})), HOSTS)
            await asyncio.sleep(0)  # the loop lets go of what woke this task
            assert [one for one in held() if not any(one is other for other in others)] == []

    def held() -> list[Any]:
        return [one for one in gc.get_objects() if type(one) in (pycurl.Curl, Prepared)]

    gc.collect()
    others = held()  # of other tests
    gc.disable()
    try:
        asyncio.run(failing())
    finally:
        gc.enable()


def test_what_comes_behind_the_body_is_no_header(server: Server) -> None:
    """A trailer must not pass for one (RFC 9110, 6.5.1)."""
    server.answers = lambda number: (
        b"HTTP/1.1 200 OK\r\nRetry-After: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\n{}\r\n0\r\nRetry-After: 99\r\n\r\n"
    )
    answer = hold_in_a_driver(ask(Get(ADDRESS)), HOSTS)
    assert (answer.body, answer.headers["retry-after"]) == (b"{}", "1")


@pytest.mark.parametrize("held", [hold, hold_in_a_driver], ids=["plain", "asynchronous"])
def test_what_comes_before_the_answer_is_not_of_it(server: Server, held: Any) -> None:
    server.answers = lambda number: b"HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\n" + HELLO
    answer = held(ask(Get(ADDRESS)), HOSTS)
    assert (answer.status, answer.body, answer.headers) == (200, b"{}", {"content-length": "2"})


def test_what_is_left_in_the_middle_disturbs_nobody(server: Server) -> None:
    troubles: list[Any] = []
    go_on = threading.Event()

    def half(_: int) -> bytes:
        go_on.wait(10)
        return b""

    async def left() -> int:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, trouble: troubles.append(trouble))
        async with Driver() as driver:
            server.answers = half
            waiting = asyncio.create_task(driver.hold(ask(Get(ADDRESS)), HOSTS))
            while not server.arrived:
                await asyncio.sleep(0.01)
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
            server.answers = lambda number: HELLO
            go_on.set()  # nobody waits for it now
            answer = await driver.hold(ask(Get(ADDRESS)), HOSTS)
            await asyncio.sleep(0.1)
            return int(answer.status)

    assert (asyncio.run(left()), troubles) == (200, [])


def test_what_is_under_way_when_the_driver_is_closed_fails(server: Server) -> None:
    go_on = threading.Event()
    server.answers = lambda number: HELLO if go_on.wait(10) else b""

    async def closed() -> None:
        async with Driver() as driver:
            waiting = asyncio.create_task(driver.hold(ask(Get(ADDRESS)), HOSTS))
            while not server.arrived:
                await asyncio.sleep(0.01)
        with pytest.raises(TransportError, match="E_ABORTED_BY_CALLBACK"):
            await asyncio.wait_for(waiting, 2)

    asyncio.run(closed())
    go_on.set()


def test_nothing_of_one_request_is_in_the_next(settings: Any) -> None:
    """A transfer is used again: neither its body, nor its headers, nor its method may stay."""
    base = "https://network.example/echo"
    first = Post(base, form={"a": "b"}, headers={"X-Version": "1"}, bearer="of a test")

    async def seen(request: Request, driver: Driver) -> dict[str, Any]:
        return dict((await driver.hold(ask(request), HOSTS)).json)

    async def one_by_one() -> tuple[dict[str, Any], ...]:
        async with Driver() as driver:
            await seen(first, driver)
            asked = await seen(Get(base), driver)
            await seen(first, driver)
            return asked, await seen(Post(base), driver)

    with loopback.served() as server:
        settings.NETWORK_HOSTS = {"network.example": f"{server}/network.example"}
        asked, posted = asyncio.run(one_by_one())
    usual = {"host", "user-agent", "accept", "accept-encoding"}
    assert (asked["method"], asked["body"], set(asked["headers"])) == ("GET", "", usual)
    assert (posted["method"], posted["body"]) == ("POST", "")
    assert set(posted["headers"]) == usual | {"content-length"}


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that were looked up, one by one."""
    names: list[str] = []
    real = socket.getaddrinfo

    def watched(host: Any, *args: Any, **kwargs: Any) -> Any:
        names.append(host)
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", watched)
    return names


def test_a_name_is_looked_up_once_for_all_who_ask(server: Server, looked_up: list[str]) -> None:
    async def hundred() -> None:
        async with Driver() as driver:
            asking = (driver.hold(ask(Get(ADDRESS)), HOSTS) for _ in range(100))
            await asyncio.gather(*asking)

    asyncio.run(hundred())
    assert (looked_up, len(server.arrived)) == (["127.0.0.1"], 100)


def test_a_name_is_looked_up_before_its_turn_is_taken(server: Server, looked_up: list[str]) -> None:
    """Those who waited for it would go together, whatever their turns were."""

    class Allowed:
        async def spend(self, prepared: Prepared) -> None:
            assert looked_up
            assert not server.arrived

        def heard(self, prepared: Prepared, answer: Answer) -> None:
            """Nothing comes of it."""

    assert hold_in_a_driver(ask(Get(ADDRESS)), HOSTS, Allowed()).status == 200


def test_a_name_is_looked_up_again_after_a_while(
    server: Server, looked_up: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "KEPT", 0.0)
    hold_in_a_driver(ask(Get(ADDRESS), Get(ADDRESS)), HOSTS)
    assert looked_up == ["127.0.0.1"] * 2


def test_a_name_that_leads_nowhere_is_looked_up_again_at_once(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def once(*_: Any, **__: Any) -> Any:
        monkeypatch.setattr(socket, "getaddrinfo", real)
        raise socket.gaierror(socket.EAI_AGAIN, "not now")

    monkeypatch.setattr(socket, "getaddrinfo", once)

    def brave() -> Conversation:
        with pytest.raises(TransportError, match="gaierror at network.example"):
            yield Get(ADDRESS)
        answer = yield Get(ADDRESS)
        return answer.status

    assert hold_in_a_driver(brave(), HOSTS) == 200


def test_a_look_up_that_fails_late_is_a_transport_error_for_all(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no name server answers, that takes longer than a name is kept."""

    def late(*_: Any, **__: Any) -> Any:
        time.sleep(0.3)
        raise socket.gaierror(socket.EAI_AGAIN, "nobody answers")

    monkeypatch.setattr(socket, "getaddrinfo", late)
    monkeypatch.setattr(addresses, "KEPT", 0.1)
    troubles: list[Any] = []

    async def asked() -> list[Any]:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, trouble: troubles.append(trouble))

        async def after(seconds: float, driver: Driver) -> Any:
            await asyncio.sleep(seconds)
            return await driver.hold(ask(Get(ADDRESS)), HOSTS)

        async with Driver() as driver:
            asking = [after(seconds, driver) for seconds in (0, 0.2, 0.35)]
            found = await asyncio.gather(*asking, return_exceptions=True)
            with pytest.MonkeyPatch.context() as patch:  # nobody waits for this one any more
                patch.setattr(http, "REQUEST_LIMIT", 0.1)
                found += await asyncio.gather(after(0, driver), return_exceptions=True)
            await asyncio.sleep(0.4)
        gc.collect()
        return found

    assert [type(one) for one in asyncio.run(asked())] == [TransportError] * 4
    assert troubles == []


def test_a_request_whose_name_took_all_its_time_is_not_sent(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What leaves with a millisecond to go may arrive, and its answer would be lost."""
    real = socket.getaddrinfo

    class Slow:
        async def spend(self, prepared: Prepared) -> None:
            await asyncio.sleep(0.3)

        def heard(self, prepared: Prepared, answer: Answer) -> None:
            """Nothing is."""

    def slowly(*args: Any, **kwargs: Any) -> Any:
        time.sleep(0.3)
        return real(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    monkeypatch.setattr(http, "TIME_LIMIT", 0.55)
    with pytest.raises(TransportError, match="took too long"):
        hold_in_a_driver(ask(Get(ADDRESS)), HOSTS, Slow())
    monkeypatch.setattr(http, "TIME_LIMIT", 1.1)
    monkeypatch.setattr(addresses, "KEPT", 0.0)
    assert hold_in_a_driver(ask(Get(ADDRESS)), HOSTS, Slow()).status == 200
    assert len(server.arrived) == 1


def test_a_conversation_whose_time_is_over_takes_no_turn(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Counting:
        turns = 0

        async def spend(self, prepared: Prepared) -> None:
            self.turns += 1

        def heard(self, prepared: Prepared, answer: Answer) -> None:
            """Nothing is."""

    def slow() -> Conversation:
        yield Get(ADDRESS)
        time.sleep(0.4)  # the process is held up
        yield Get(ADDRESS)

    monkeypatch.setattr(http, "TIME_LIMIT", 0.3)
    counting = Counting()
    with pytest.raises(TransportError, match="took too long"):
        hold_in_a_driver(slow(), HOSTS, counting)
    assert (counting.turns, len(server.arrived)) == (1, 1)


def test_the_time_of_a_request_has_that_of_its_name_in_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Less than a millisecond may be left: libcurl takes none for no limit."""
    real = socket.getaddrinfo

    def slowly(*args: Any, **kwargs: Any) -> Any:
        time.sleep(0.9)
        return real(*args, **kwargs)

    never = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    monkeypatch.setattr(http, "REQUEST_LIMIT", 1.0)
    server.answers = lambda number: HELLO if never.wait(3) else b""
    begun = time.monotonic()
    with pytest.raises(TransportError):
        hold_in_a_driver(ask(Get(ADDRESS)), HOSTS)
    assert time.monotonic() - begun < 1.6

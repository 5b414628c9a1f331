"""Both drivers, against a real server: what one does, the other does too."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import socket
import tracemalloc
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

import pytest
from oauthlib import oauth1

from networks import http
from networks.base import (
    Answer,
    Conversation,
    Get,
    OAuth1Keys,
    Post,
    Request,
    TransportError,
)
from networks.driver import Driver
from networks.http import hold, public_address
from tests.networks import loopback, talk

Hold = Callable[[Conversation], Any]
HOSTS = ("network.example",)
BASE = "https://network.example"
SECRET = "secret-token-text"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with loopback.served() as address:
        yield address


@pytest.fixture(autouse=True)
def _mapped(server: str, settings: Any) -> None:
    settings.NETWORK_HOSTS = {"network.example": f"{server}/network.example"}


def hold_plainly(conversation: Conversation) -> Any:
    return hold(conversation, HOSTS)


def hold_in_a_driver(conversation: Conversation) -> Any:
    return talk.hold_in_a_driver(conversation, HOSTS)


@pytest.fixture(params=[hold_plainly, hold_in_a_driver], ids=["plain", "asynchronous"])
def held(request: pytest.FixtureRequest) -> Hold:
    driver: Hold = request.param
    return driver


def ask(request: Request) -> Conversation:
    answer = yield request
    return answer


def seen(held: Hold, request: Request) -> dict[str, Any]:
    return dict(held(ask(request)).json)


REQUESTS = [
    Get(f"{BASE}/echo", params={"q": "a b&c=ü/~*+", "empty": ""}, bearer=SECRET),
    Get(f"{BASE}/echo?already=1", params={"and": "2"}, headers={"X-Version": "202608"}),
    Post(f"{BASE}/echo", form={"token": "a b&c=ü/~*+", "empty": ""}, basic=("id", "s:ü")),
    Post(f"{BASE}/echo", json={"name": "Alpenglück", "list": [1, None]}),
    Get(f"{BASE}/elsewhere/../echo", bearer=SECRET),
    Post(f"{BASE}/echo"),
    Request("DELETE", f"{BASE}/echo", bearer=SECRET),
]


@pytest.mark.parametrize("request_", REQUESTS)
def test_both_drivers_send_the_same_bytes(request_: Request) -> None:
    plain, asynchronous = seen(hold_plainly, request_), seen(hold_in_a_driver, request_)
    assert plain == asynchronous


def test_a_request_arrives_as_it_was_meant(held: Hold) -> None:
    arrived = seen(held, REQUESTS[0])
    assert arrived["path"] == "/network.example/echo?q=a+b%26c%3D%C3%BC%2F~%2A%2B&empty="
    assert arrived["headers"]["authorization"] == f"Bearer {SECRET}"
    form = seen(held, REQUESTS[2])
    assert form["body"] == "token=a+b%26c%3D%C3%BC%2F~%2A%2B&empty="
    assert form["headers"]["content-type"] == "application/x-www-form-urlencoded"


def test_an_answer_has_lower_case_headers(held: Hold) -> None:
    answer = held(ask(Get(f"{BASE}/echo")))
    assert (answer.status, answer.headers["x-once"]) == (200, "1")


@pytest.mark.parametrize("form", [None, {"status": "a b&c=ü"}])
def test_a_signature_is_over_the_real_address_and_the_same_in_both_drivers(
    form: dict[str, str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oauthlib.oauth1.rfc5849.generate_nonce", lambda: "nonce")
    monkeypatch.setattr("oauthlib.oauth1.rfc5849.generate_timestamp", lambda: "1")
    keys = OAuth1Keys("key", "key-secret", "token", "token-secret", "https://us.example/?s=1", "v")
    request = Post(f"{BASE}/echo", params={"q": "a b"}, form=form, oauth1=keys)

    plain, asynchronous = seen(hold_plainly, request), seen(hold_in_a_driver, request)

    assert plain == asynchronous
    signed = plain["headers"]["authorization"]
    assert signed.startswith("OAuth ")
    # What a verifier computes who knows the real address only, and not the practice one.
    assert f'oauth_signature="{signature_over(request)}"' in signed


def signature_over(request: Request) -> str:
    keys = request.oauth1
    assert keys is not None
    client: Any = oauth1.Client(
        keys.client_key,
        keys.client_secret,
        keys.token,
        keys.token_secret,
        keys.callback,
        verifier=keys.verifier,
    )
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if request.form else {}
    _, headers, _ = client.sign(
        f"{request.url}?q=a+b", "POST", request.form and dict(request.form), headers
    )
    found = re.search('oauth_signature="([^"]+)"', headers["Authorization"])
    assert found
    return found[1]


def test_a_redirect_is_an_answer_and_is_not_followed(held: Hold) -> None:
    answer = held(ask(Get(f"{BASE}/elsewhere")))
    assert (answer.status, answer.body) == (302, b"go")


@pytest.mark.parametrize("page", ["big", "big_redirect", "zipped_big", "bomb"])
def test_an_answer_that_is_too_large_is_no_answer(held: Hold, page: str) -> None:
    with pytest.raises(TransportError, match="too large"):
        held(ask(Get(f"{BASE}/{page}")))


@pytest.mark.parametrize("page", ["bomb", "bomb_redirect"])
def test_a_bomb_is_not_unpacked_first_and_measured_then(held: Hold, page: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(TransportError, match="too large"):
            held(ask(Get(f"{BASE}/{page}")))
        assert tracemalloc.get_traced_memory()[1] < len(loopback.BOMB) + 10 * http.BODY_LIMIT
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("page", ["long_header", "many_headers", "heavy_headers"])
def test_headers_that_are_too_large_are_no_answer(held: Hold, page: str) -> None:
    with pytest.raises(TransportError):
        held(ask(Get(f"{BASE}/{page}")))


@pytest.mark.parametrize("page", ["cut", "garbage", "no_gzip"])
def test_an_answer_that_is_cut_off_or_no_http_is_no_answer(held: Hold, page: str) -> None:
    with pytest.raises(TransportError):
        held(ask(Get(f"{BASE}/{page}")))


@pytest.mark.parametrize("page", ["silent", "dripping", "endless_status"])
def test_a_network_that_is_silent_or_drips_is_left_in_time(
    held: Hold, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "REQUEST_LIMIT", 0.3)
    begun = monotonic()
    with pytest.raises(TransportError):
        held(ask(Get(f"{BASE}/{page}")))
    assert monotonic() - begun < 2


def test_a_refused_connection_is_no_answer(held: Hold, settings: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        settings.NETWORK_HOSTS = {"network.example": f"http://127.0.0.1:{port}"}
        with pytest.raises(TransportError):
            held(ask(Get(f"{BASE}/echo")))


def test_a_conversation_as_a_whole_has_an_end(held: Hold, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TIME_LIMIT", 0.3)

    def endless() -> Conversation:
        while True:
            yield Get(f"{BASE}/echo")

    begun = monotonic()
    with pytest.raises(TransportError):
        held(endless())
    assert monotonic() - begun < 2


def test_even_a_conversation_that_swallows_its_end_has_one(
    held: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "TIME_LIMIT", 0.2)

    def stubborn() -> Conversation:
        while True:
            try:
                yield Get(f"{BASE}/echo")
            except TransportError:
                continue

    begun = monotonic()
    with pytest.raises(TransportError):
        held(stubborn())
    assert monotonic() - begun < 2


@pytest.mark.parametrize(
    "request_",
    [
        Get(f"{BASE}/echo", bearer=f"{SECRET}\r\nX-Evil: 1"),
        Get(f"{BASE}/echo", bearer="\x00"),
        Get(f"{BASE}/echo", headers={"X-A": "ü"}),
        Post(f"{BASE}/echo", form={"token": "\ud800"}),
        Get(f"{BASE}/echo", params={"q": "\ud800"}),
        Get("http://network.example/echo"),
        Get("https://user@network.example/echo"),
        Get(f"{BASE}/echo\r\nX-Evil: 1"),
        Get(f"{BASE}/a b"),
        Get("https:///echo"),
        Get("https://network.example:8443/echo"),
        Get(f"{BASE}/echo#fragment"),
        Get("https://NETWORK.example/echo"),
        Get("https://network.example./echo"),
        Get("https://network.example\\@elsewhere.example/echo"),
        Get("https://127.0.0.1/echo"),
        Get("https://2130706433/echo"),
        Get("https://0x7f.1/echo"),
        Get("https://[::1]/echo"),
        Get("https://localhost/echo"),
        Get("file:///etc/passwd"),
    ],
)
def test_what_cannot_be_sent_safely_is_not_sent(held: Hold, request_: Request) -> None:
    with pytest.raises(TransportError):
        held(ask(request_))


def test_a_transport_error_is_thrown_into_the_conversation(held: Hold) -> None:
    def brave() -> Conversation:
        try:
            yield Get(f"{BASE}/cut")
        except TransportError:
            answer = yield Get(f"{BASE}/echo")
            return answer.status

    assert held(brave()) == 200


def test_the_conversation_is_closed_however_it_ends(held: Hold) -> None:
    closed = []

    def careful(path: str) -> Conversation:
        try:
            yield Get(f"{BASE}/{path}")
        finally:
            closed.append(path)

    held(careful("echo"))
    with pytest.raises(TransportError):
        held(careful("cut"))
    assert closed == ["echo", "cut"]


def test_no_cookie_is_kept_between_requests(held: Hold, server: str, settings: Any) -> None:
    named = server.replace("127.0.0.1", "localhost")  # numbers are sent no cookies at all
    settings.NETWORK_HOSTS = {"network.example": f"{named}/network.example"}

    def twice() -> Conversation:
        yield Get(f"{BASE}/echo")
        answer = yield Get(f"{BASE}/echo")
        return answer

    assert "cookie" not in held(twice()).json["headers"]


def test_no_token_stands_in_an_exception_or_a_log(
    held: Hold, caplog: pytest.LogCaptureFixture
) -> None:
    keys = OAuth1Keys("key", f"{SECRET}-c", f"{SECRET}-t", f"{SECRET}-s")
    caplog.set_level(logging.DEBUG)
    held(ask(Get(f"{BASE}/echo", params={"input_token": SECRET}, oauth1=keys)))
    with pytest.raises(TransportError) as raised:
        held(ask(Get(f"{BASE}/cut", params={"input_token": SECRET}, bearer=SECRET)))
    assert SECRET not in caplog.text
    assert SECRET not in f"{raised.value!r}{raised.value.__cause__!r}{raised.value.__context__!r}"


def test_hundreds_are_held_at_once_and_one_bad_token_spoils_none() -> None:
    async def all_of_them() -> list[Any]:
        tokens = [f"t{n}" for n in range(300)]
        tokens[7] = "bad\x00token"
        async with Driver() as driver:
            conversations = [driver.hold(ask(Get(f"{BASE}/echo", bearer=t)), HOSTS) for t in tokens]
            return await asyncio.gather(*conversations, return_exceptions=True)

    answers = asyncio.run(all_of_them())
    assert isinstance(answers.pop(7), TransportError)
    assert {one.status for one in answers if isinstance(one, Answer)} == {200}
    assert len({json.loads(one.body)["headers"]["authorization"] for one in answers}) == 299


def test_the_browser_is_sent_where_the_door_goes(settings: Any) -> None:
    settings.NETWORK_HOSTS = {"www.linkedin.com": "http://localhost:8100/www.linkedin.com/"}
    assert (
        public_address("https://www.linkedin.com/oauth/v2/authorization?a=b%20c")
        == "http://localhost:8100/www.linkedin.com/oauth/v2/authorization?a=b%20c"
    )
    assert public_address("https://www.tiktok.com/v2/") == "https://www.tiktok.com/v2/"

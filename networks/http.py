"""The one door out: every request to a network leaves through here, held in one of two ways.

`hold` is for a person's web request; `networks.driver.Driver` holds hundreds of conversations at
once for the probe engine. Both are told the hosts that a conversation may speak with, which are its
network's (`Network.hosts`), and connect to public addresses only (networks/addresses.py). Both
prepare a request alike, trust the same authorities, follow no redirect, keep no cookie, read
neither a proxy nor a .netrc of the machine, take at most HEADER_LIMIT and BODY_LIMIT (unpacked),
and give a whole conversation TIME_LIMIT seconds. Where there is no answer, a TransportError is
thrown into the conversation; one that it does not catch reaches the caller.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from time import monotonic
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from requests_oauthlib import OAuth1

from networks.addresses import connect, public_address
from networks.base import Answer, Conversation, TransportError
from networks.wire import Prepared, prepare, signature

__all__ = ["TIME_LIMIT", "hold", "public_address"]

TIME_LIMIT = 30.0  # seconds for a whole conversation: the lease on a token must be longer
REQUEST_LIMIT = 10.0
CONNECT_LIMIT = 5.0
HEADER_LIMIT = 64 * 1024
BODY_LIMIT = 1024 * 1024
CHUNK = 64 * 1024
AUTHORITIES = DEFAULT_CA_BUNDLE_PATH

Heard = Callable[[Prepared, Answer], object]

# At DEBUG these write signed headers and whole addresses into the log.
for _talkative in ("oauthlib", "requests_oauthlib", "urllib3"):
    logging.getLogger(_talkative).setLevel(logging.INFO)


def time_left(deadline: float, taken: float = 0.0) -> float:
    """Seconds for a request that has `taken` some already. Raises TransportError."""
    remaining = min(REQUEST_LIMIT - taken, deadline - monotonic())
    if remaining <= 0:
        raise TransportError("the conversation took too long")
    return remaining


def failure_of(error: Exception, prepared: Prepared) -> TransportError:
    """Names the kind of failure and the host; the error itself may quote a token."""
    return TransportError(f"{type(error).__name__} at {prepared.host}")


def hold(conversation: Conversation, hosts: Collection[str], heard: Heard | None = None) -> Any:
    """Holds one conversation to its end, in this thread; it may speak with `hosts` alone. `heard`
    is told of each answer."""
    deadline = monotonic() + TIME_LIMIT
    with closing(conversation), _Session() as session:
        try:
            request = next(conversation)
            while True:
                try:
                    answer = session.ask(prepared := prepare(request, hosts), deadline)
                except TransportError as error:
                    request = conversation.throw(error)
                    time_left(deadline)  # it was told once; asking on would never end
                else:
                    if heard:
                        heard(prepared, answer)
                    request = conversation.send(answer)
        except StopIteration as end:
            return end.value


class _Session(requests.Session):
    """A requests session whose only way out is the door."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False  # a .netrc or a proxy of the machine is none of ours
        self.verify = AUTHORITIES
        self.headers.clear()
        self.door = Door()
        self.mount("https://", self.door)
        self.mount("http://", self.door)

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: requests would otherwise read a redirect's whole body to look ahead."""

    def ask(self, prepared: Prepared, deadline: float) -> Answer:
        remaining = time_left(deadline)
        self.cookies = RequestsCookieJar()
        try:
            with self.door.cut_off_after(remaining):
                return self._ask(prepared, remaining)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            failure = failure_of(error, prepared)
        except ValueError as error:  # a header or an address that cannot be sent
            failure = failure_of(error, prepared)
        raise failure

    def _ask(self, prepared: Prepared, remaining: float) -> Answer:
        keys = prepared.oauth1
        auth = OAuth1(keys.client_key, keys.client_secret, **signature(keys)) if keys else None
        with self.request(
            prepared.method,
            prepared.url,
            data=prepared.body,
            headers=prepared.headers,
            auth=auth,
            timeout=(CONNECT_LIMIT, remaining),
            allow_redirects=False,
            stream=True,
        ) as response:
            body = b""
            for chunk in response.iter_content(CHUNK):
                body = _grown(body, chunk)
        return Answer(response.status_code, lowered(response.headers.items()), body)


def lowered(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    lower: dict[str, str] = {}
    size = 0
    for name, value in headers:
        name = name.lower()
        size += len(name) + len(value)
        if size > HEADER_LIMIT:
            raise TransportError("the answer's headers are too large")
        lower[name] = f"{lower[name]}, {value}" if name in lower else value
    return lower


def _grown(body: bytes, chunk: bytes) -> bytes:
    if len(body) + len(chunk) > BODY_LIMIT:
        raise TransportError("the answer is too large")
    return body + chunk


class Door(HTTPAdapter):
    """Rewrites hosts by NETWORK_HOSTS, connects where it may, and cuts off what drips for ever."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self._end = 0.0
        super().__init__()

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        rewritten = request.copy()
        rewritten.url = public_address(request.url or "")
        return super().send(rewritten, *args, **kwargs)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        make = type(pool).ConnectionCls

        def watched(*args: Any, **kwargs: Any) -> Any:
            connection = make(*args, **kwargs)
            # Below TLS, which goes on to ask for the certificate of the name.
            connection._new_conn = lambda: self._connect(connection.host, connection.port)
            return connection

        pool.ConnectionCls = watched
        return pool

    def _connect(self, host: str, port: int) -> socket.socket:
        """A read timeout starts anew with every byte, so remember what there is to cut."""
        sock = connect(host, port, min(CONNECT_LIMIT, self._end - monotonic()))
        self._sockets.append(sock.dup())
        if monotonic() >= self._end:  # the timer has rung meanwhile
            sock.close()
            raise TimeoutError
        return sock

    @contextmanager
    def cut_off_after(self, seconds: float) -> Iterator[None]:
        self._end = monotonic() + seconds
        timer = threading.Timer(seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
        if monotonic() >= self._end:  # a body that was cut may look like a whole one
            raise TransportError("the answer took too long")

    def _cut(self) -> None:
        for sock in self._sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        super().close()
        while self._sockets:
            self._sockets.pop().close()

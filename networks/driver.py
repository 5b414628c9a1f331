"""The door for the probe engine: hundreds of conversations at once, over libcurl."""

from __future__ import annotations

from collections.abc import Awaitable, Collection
from contextlib import closing
from time import monotonic
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import pycurl

from networks import http
from networks.addresses import PORTS, Names, public_address
from networks.allowance import Allowance
from networks.base import Answer, Conversation, TransportError
from networks.transfers import TransferFailed, Transfers
from networks.wire import Prepared, prepare, signed

T = TypeVar("T")

# What every request is made with. libcurl by itself follows nothing, keeps no cookie and reads no
# .netrc; it would read the proxy of the machine.
OPTIONS: dict[int, Any] = {
    pycurl.NOSIGNAL: 1,
    pycurl.PROTOCOLS: pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS,
    pycurl.HTTP_VERSION: pycurl.CURL_HTTP_VERSION_1_1,
    pycurl.PROXY: "",
    pycurl.CONNECTTIMEOUT_MS: int(http.CONNECT_LIMIT * 1000),
    # Those that were idle for longer are closed, as a server may have done on its side.
    pycurl.MAXAGE_CONN: 15,
    # Asked for identity, some pack it all the same.
    pycurl.ACCEPT_ENCODING: "gzip, deflate",
}

# How often a request may leave where kept connections break off, nobody knowing whether it arrived:
# a question once more, but not a refresh token, which was spent the first time.
MOST_SENT = {"GET": 2}


class Driver:
    """Holds hundreds of conversations at once over shared connections.

    One per process and event loop; it puts no limit on connections, the engine's batch does.
    """

    def __init__(self) -> None:
        self._transfers: Transfers | None = None
        self._names = Names()
        self._idle: list[EasyHandle] = []

    async def __aenter__(self) -> Self:
        self._transfers = Transfers()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._transfers is not None:
            self._transfers.close()
            self._transfers = None
            self._idle.clear()

    async def hold(
        self,
        conversation: Conversation,
        hosts: Collection[str],
        allowance: Allowance | None = None,
    ) -> Any:
        """As `networks.http.hold`, within an `allowance`: where that is used up, the conversation
        is closed, and its OverBudget reaches the caller."""
        deadline = monotonic() + http.TIME_LIMIT
        with closing(conversation):
            try:
                request = next(conversation)
                while True:
                    try:
                        answer = await self._ask(prepare(request, hosts), deadline, allowance)
                    except TransportError as error:
                        request = conversation.throw(error)
                        http.time_left(deadline)
                    else:
                        request = conversation.send(answer)
            except StopIteration as end:
                return end.value

    async def _ask(
        self, prepared: Prepared, deadline: float, allowance: Allowance | None
    ) -> Answer:
        """The name is looked up first: who waited for it would go together with all who did."""
        address, start = public_address(prepared.url), monotonic()
        host, port = host_and_port(address)
        left = http.time_left(deadline)
        found = self._names.known(host, port)
        if found is None:
            found = await self._heard(prepared, self._names.permitted(host, port, left))
        looked_up = monotonic() - start
        if allowance is not None:
            await allowance.spend(prepared)
        # As libcurl wants to be told, so that it looks no name up by itself. A number (a practice
        # network at [::1]) is none.
        places = [] if ":" in host else [f"{host}:{port}:{','.join(found)}"]
        sending = self._send(prepared, address, places, http.time_left(deadline, looked_up))
        answer = await self._heard(prepared, sending)
        if allowance is not None:
            allowance.heard(prepared, answer)
        return answer

    async def _heard(self, prepared: Prepared, coming: Awaitable[T]) -> T:
        """Raises TransportError for whatever kept it from coming."""
        try:
            return await coming
        except TransferFailed as error:
            failure = TransportError(f"{error} at {prepared.host}")
        except (pycurl.error, OSError, ValueError) as error:
            failure = http.failure_of(error, prepared)
        try:
            raise failure
        finally:
            del failure  # it holds this frame, and would hold itself

    async def _send(
        self, prepared: Prepared, address: str, places: list[str], seconds: float
    ) -> Answer:
        if self._transfers is None:
            raise RuntimeError("hold conversations inside `async with Driver()`")
        handle = self._idle.pop() if self._idle else EasyHandle(self._transfers.easy())
        handle.set_out(prepared, address, places, seconds)
        try:
            await self._transfers.perform(handle.curl)
        except TransferFailed:
            if handle.coming.is_too_large:
                raise TransportError("the answer is too large") from None
            raise
        answer = handle.answer()
        self._idle.append(handle)
        return answer


def host_and_port(address: str) -> tuple[str, int]:
    """Where an address leads."""
    parts = urlsplit(address)
    return parts.hostname or "", parts.port or PORTS[parts.scheme]


class Coming:
    """An answer on its way, as libcurl tells of it; one that is too large is not taken to its
    end. It knows nothing of who tells, or both would keep each other."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.body = b""
        self.is_too_large = False
        self._left = 0

    def expect(self, most_sent: int) -> None:
        """A new one, to a request that may be sent so often."""
        self._left = most_sent

    def is_sent(self, *_: object) -> int:
        """Where a kept connection breaks off, libcurl would send on others again and again."""
        self._left -= 1
        return pycurl.PREREQFUNC_OK if self._left >= 0 else pycurl.PREREQFUNC_ABORT

    def take(self, chunk: bytes) -> int:
        """How much of it was taken: with less than all, libcurl gives up."""
        self.is_too_large = len(self.body) + len(chunk) > http.BODY_LIMIT
        if self.is_too_large:
            return 0
        self.body += chunk
        return len(chunk)

    def answer(self, status: int) -> Answer:
        """Handed over, and kept no longer. Raises TransportError where the headers are too
        large."""
        text = b"".join(self.lines).decode("latin-1").replace("\r\n", "\n")
        body, self.body = self.body, b""
        self.lines.clear()
        return Answer(status, http.lowered(pairs_in(text)), body)


class EasyHandle:
    """libcurl's, and what it hears: for one request after the other, until one fails."""

    def __init__(self, curl: pycurl.Curl) -> None:
        self.curl, self.coming = curl, Coming()
        for option, value in OPTIONS.items():
            self.curl.setopt(option, value)
        self.curl.setopt(pycurl.CAINFO, http.AUTHORITIES)
        self.curl.setopt(pycurl.PREREQFUNCTION, self.coming.is_sent)
        self.curl.setopt(pycurl.HEADERFUNCTION, self.coming.lines.append)
        self.curl.setopt(pycurl.WRITEFUNCTION, self.coming.take)

    def set_out(self, prepared: Prepared, address: str, places: list[str], seconds: float) -> None:
        """All that this request has, whatever the one before had."""
        self.coming.expect(MOST_SENT.get(prepared.method, 1))
        curl, headers = self.curl, signed(prepared)
        curl.setopt(pycurl.URL, address)
        curl.setopt(pycurl.RESOLVE, places)
        curl.setopt(pycurl.TIMEOUT_MS, max(int(seconds * 1000), 1))  # 0 would be for ever
        if prepared.method != "GET":
            headers = {"Content-Type": "", **headers}
            curl.setopt(pycurl.POSTFIELDS, (prepared.body or "").encode())
        else:
            curl.setopt(pycurl.HTTPGET, 1)
        curl.setopt(pycurl.CUSTOMREQUEST, prepared.method)
        # Without a value, libcurl sends none of that name.
        curl.setopt(pycurl.HTTPHEADER, [f"{name}: {value}" for name, value in headers.items()])

    def answer(self) -> Answer:
        """What came. Raises TransportError where the headers are too large."""
        return self.coming.answer(self.curl.getinfo(pycurl.RESPONSE_CODE))


def pairs_in(text: str) -> list[tuple[str, str]]:
    """Each header's name and value: not of what came before the answer, nor of what came behind
    its body (RFC 9110, 15.2 and 6.5)."""
    head, _, _behind = text[text.rfind("\nHTTP/") + 1 :].partition("\n\n")
    lines = (line.partition(":") for line in head.split("\n")[1:])
    return [(name, value.strip()) for name, colon, value in lines if colon]

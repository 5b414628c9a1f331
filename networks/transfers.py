"""libcurl's transfers on an asyncio loop: libcurl says which sockets it waits for and until when,
the loop tells it what is ready (https://curl.se/libcurl/c/libcurl-multi.html, "multi_socket")."""

from __future__ import annotations

import asyncio
from selectors import DefaultSelector

import pycurl

# Connections that are kept; where there are more, the one that was idle longest is closed.
CONNECTIONS = 1000

# E_MULTI_… are of the whole, with numbers of their own.
NAMES = [name for name in dir(pycurl) if name.startswith("E_") and "_MULTI_" not in name]
CODES = {getattr(pycurl, name): name for name in NAMES}


class TransferFailed(OSError):
    """Says which of libcurl's errors it was, by name; its own message may quote an address."""

    def __init__(self, code: int) -> None:
        super().__init__(CODES.get(code, f"E_{code}"))


class Transfers:
    """As many as there are, over shared connections. For the loop that runs when it is made."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._under_way: dict[pycurl.Curl, asyncio.Future[None]] = {}
        # The loop waits for it as a whole: to tell the loop about each socket costs as much as to
        # send a request.
        self._sockets = DefaultSelector()
        # What is registered there for each socket, and the sockets that libcurl waits for now.
        self._registered: dict[int, int] = {}
        self._awaited: set[int] = set()
        self._loop.add_reader(self._sockets, self._go_on)
        self._timer: asyncio.Handle | None = None
        self._is_due = False
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, CONNECTIONS)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._wake_after)

    def easy(self) -> pycurl.Curl:
        """An easy handle for `perform`, to be used for one request after the other."""
        curl = pycurl.Curl()
        curl.setopt(pycurl.SOCKOPTFUNCTION, self._opened)
        return curl

    async def perform(self, curl: pycurl.Curl) -> None:
        """Do what `curl` is set to. Raises TransferFailed."""
        self._multi.add_handle(curl)
        done = self._under_way[curl] = self._loop.create_future()
        try:
            await done
        finally:
            if self._under_way.pop(curl, None):  # nobody waits for it any more
                self._multi.remove_handle(curl)
            del done  # a failure holds this frame, and would hold itself

    def close(self) -> None:
        """Everything at once; what is under way fails."""
        for curl in list(self._under_way):
            self._end(curl, TransferFailed(pycurl.E_ABORTED_BY_CALLBACK))
        self._wake_after(-1)
        self._loop.remove_reader(self._sockets)
        self._multi.close()
        self._sockets.close()

    def _watch(self, events: int, descriptor: int, _multi: object, _data: object) -> None:
        """libcurl's numbers for events are those of `selectors`: 1 to read, 2 to write.

        A socket that it does not wait for any more stays registered: the connection is kept, and
        most likely waited for in the same way by the next transfer."""
        if events == pycurl.POLL_REMOVE:
            self._awaited.discard(descriptor)
            return
        self._awaited.add(descriptor)
        if self._registered.get(descriptor) != events:
            self._forget(descriptor)
            self._sockets.register(descriptor, events)
            self._registered[descriptor] = events

    def _forget(self, descriptor: int) -> None:
        if self._registered.pop(descriptor, None):
            self._sockets.unregister(descriptor)

    def _opened(self, descriptor: int, _purpose: int) -> int:
        """A new socket, before it is watched. Had an earlier one its number, that was closed: what
        is registered of it is not there any more."""
        self._forget(descriptor)
        return pycurl.SOCKOPT_OK

    def _wake_after(self, milliseconds: int) -> None:
        """-1: not at all. At once (0) is said by each transfer that begins."""
        if self._is_due and milliseconds == 0:
            return
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._is_due = milliseconds == 0
        if milliseconds >= 0:
            self._timer = self._loop.call_later(milliseconds / 1000, self._wake)

    def _wake(self) -> None:
        self._timer, self._is_due = None, False
        self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        self._collect()

    def _go_on(self) -> None:
        for key, events in self._sockets.select(0):
            if key.fd in self._awaited:
                self._multi.socket_action(key.fd, events)
            else:  # most likely the server hung up on a connection that was kept: libcurl will see
                self._forget(key.fd)
        self._collect()

    def _collect(self) -> None:
        left = 1
        while left:
            left, succeeded, failed = self._multi.info_read()
            for curl in succeeded:
                self._end(curl)
            for curl, code, _message in failed:
                self._end(curl, TransferFailed(code))

    def _end(self, curl: pycurl.Curl, failure: TransferFailed | None = None) -> None:
        self._multi.remove_handle(curl)
        done = self._under_way.pop(curl)
        if done.cancelled():
            return
        if failure:
            done.set_exception(failure)
        else:
            done.set_result(None)

"""Where the door may connect to: public addresses, and practice hosts exactly as configured.

NETWORK_HOSTS (a setting) maps a real host to a base address, for the practice networks:
{"www.linkedin.com": "http://localhost:8100/www.linkedin.com"}. Adapters never see it, and
signatures are over the real address.

A name is resolved once for each connection, and the addresses that were looked at are the ones
connected to: a name that answers a public address first and a private one later gains nothing.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from ipaddress import IPv6Address, IPv6Network, ip_address
from time import monotonic
from urllib.parse import urlsplit

from django.conf import settings
from urllib3.util.connection import create_connection

logger = logging.getLogger(__name__)

# What is routed today (RFC 4291, 2.4). Outside of it: loopback, unique local, link-local and
# multicast addresses, IPv4 in IPv6 (mapped, compatible), and NAT64, which leads anywhere in IPv4.
GLOBAL_UNICAST = IPv6Network("2000::/3")
PORTS = {"http": 80, "https": 443}
KEPT = 10.0  # seconds in which a name leads where it led


class ForbiddenAddress(OSError):
    """The name leads to no address that the door may connect to."""


def is_public(address: str) -> bool:
    """Whether `address` is one on the Internet, and nothing nearer."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address) and (ip not in GLOBAL_UNICAST or ip.sixtofour):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def public_address(url: str) -> str:
    """Where the browser, or the door, really goes for a network's address."""
    parts = urlsplit(url)
    base = _practice_hosts().get(parts.hostname or "")
    if not base:
        return url
    return base.rstrip("/") + url[len(f"{parts.scheme}://{parts.netloc}") :]


def _practice_hosts() -> Mapping[str, str]:
    return getattr(settings, "NETWORK_HOSTS", {})


def _practice_places() -> Iterator[tuple[str, int]]:
    """Host and port of each base address: these may be anywhere, on this machine too."""
    for base in _practice_hosts().values():
        parts = urlsplit(base)
        yield parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)


def permitted(host: str, port: int, addresses: Iterable[str]) -> set[str]:
    """Those of a name's addresses that may be connected to. Raises ForbiddenAddress."""
    found = set(addresses)
    if (host, port) in _practice_places():
        return found
    good = {address for address in found if is_public(address)}
    if not good:
        logger.warning("%s leads to no public address, so nothing was asked", host)
        raise ForbiddenAddress(f"{host} leads to no public address")
    return good


def connect(host: str, port: int, seconds: float) -> socket.socket:
    """A connection to the first permitted address that takes one within `seconds` in all.

    Raises OSError.
    """
    end = monotonic() + seconds
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    good = permitted(host, port, (str(place[0]) for *_, place in found))
    failure: OSError = TimeoutError(f"{host} took too long")
    for *_, place in found:
        if place[0] not in good or (left := end - monotonic()) <= 0:
            continue
        try:  # an address and no name: nothing is resolved a second time
            return create_connection(
                (str(place[0]), int(place[1])),
                left,
                socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
            )
        except OSError as error:
            failure = error
    raise failure


class Names:
    """What names lead to, for connections that are made elsewhere: looked up in a thread, once for
    all who ask meanwhile, and kept for KEPT seconds."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], list[str]] = {}
        self._asked: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    def known(self, host: str, port: int) -> list[str] | None:
        """What `permitted` found a moment ago; None where it is to be asked."""
        return self._known.get((host, port))

    async def permitted(self, host: str, port: int, seconds: float) -> list[str]:
        """The addresses that may be connected to, the preferred first. Raises OSError, also where
        it takes longer than `seconds`."""
        place = host, port
        asked = self._asked.get(place)
        if asked is None:
            asked = self._asked[place] = asyncio.ensure_future(_look_up(host, port))
            asked.add_done_callback(partial(self._keep, place))
        return await asyncio.wait_for(asyncio.shield(asked), seconds)

    def _keep(self, place: tuple[str, int], asked: asyncio.Future[list[str]]) -> None:
        """For a while; what failed is looked up again by the next who asks."""
        del self._asked[place]
        if not asked.cancelled() and not asked.exception():
            self._known[place] = asked.result()
            asyncio.get_running_loop().call_later(KEPT, self._known.pop, place, None)


async def _look_up(host: str, port: int) -> list[str]:
    look_up = asyncio.get_running_loop().getaddrinfo
    found = await look_up(host, port, type=socket.SOCK_STREAM)
    named = [str(place[0]) for *_, place in found]
    good = permitted(host, port, named)
    return [address for address in named if address in good]

"""Where the door leads: to the hosts of one network, at public addresses, and nowhere else.

Both drivers, over real sockets and TLS. What stands in for DNS is `getaddrinfo`, which both ask.
"""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pycurl
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from networks import addresses, driver, http
from networks.addresses import is_public
from networks.base import Conversation, Get, TransportError
from networks.driver import Driver
from networks.http import hold
from tests.networks import loopback
from tests.networks.talk import hold_in_a_driver

Held = Callable[..., Any]
HOSTS = ("network.example",)
ECHO = "https://network.example/echo"
getaddrinfo = socket.getaddrinfo


def ask(address: str) -> Conversation:
    answer = yield Get(address)
    return answer


@pytest.fixture(params=[hold, hold_in_a_driver], ids=["plain", "asynchronous"])
def held(request: pytest.FixtureRequest) -> Held:
    driver: Held = request.param
    return driver


# --- A server with a certificate -------------------------------------------------------------


def certified(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS for `name`, and the file of the authority to trust for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    authority, secret = folder / f"{name}.pem", folder / f"{name}.key"
    authority.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, secret)
    return context, authority


class Server:
    """A server on loopback; `names` are those that clients asked for by SNI."""

    def __init__(self, port: int, names: list[str | None]) -> None:
        self.port, self.names = port, names


@pytest.fixture
def server(request: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """With a certificate for network.example (or what the test names), which both drivers trust."""
    context, authority = certified(tmp_path, getattr(request, "param", "network.example"))
    monkeypatch.setattr(http, "AUTHORITIES", str(authority))
    names: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    with loopback.served(context) as base:
        yield Server(int(base.rsplit(":", 1)[1]), names)


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch, server: Server) -> dict[str, list[list[str]]]:
    """What each further look at a name answers; the last answer stays. Ports lead to `server`."""
    answers: dict[str, list[list[str]]] = {}

    def asked(host: Any, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
        if host not in answers:
            return getaddrinfo(host, port, *args, **kwargs)
        given = answers[host].pop(0) if len(answers[host]) > 1 else answers[host][0]
        return [
            found
            for address in given
            for found in getaddrinfo(address, server.port, type=socket.SOCK_STREAM)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", asked)
    # libcurl takes the port from the address that it asks, and not from what a name led to.
    monkeypatch.setitem(addresses.PORTS, "https", server.port)
    there = {pycurl.CONNECT_TO: [f"network.example:443::{server.port}"]}
    monkeypatch.setattr(driver, "OPTIONS", driver.OPTIONS | there)
    return answers


@pytest.fixture
def loopback_is_public(monkeypatch: pytest.MonkeyPatch) -> None:
    """127.0.0.1 plays the Internet; 127.0.0.2 stays what it is."""
    monkeypatch.setattr(addresses, "is_public", lambda address: address == "127.0.0.1")


# --- Which addresses -------------------------------------------------------------------------

PRIVATE = [
    "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.2.1", "192.168.1.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8",
    "64:ff9b::7f00:1", "64:ff9b::8.8.8.8", "64:ff9b:1::a00:1", "100::1", "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1",
    "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%1", "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_no_address_that_is_near_or_leads_there_is_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "108.174.10.10", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"]
)
def test_addresses_on_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1"])
def test_a_declared_host_that_leads_here_is_not_connected_to(
    held: Held, server: Server, dns: Any, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    dns["network.example"] = [[address]]
    with pytest.raises(TransportError):
        held(ask(ECHO), HOSTS)
    assert server.names == [], "nobody came"
    assert "network.example leads to no public address" in caplog.text


def test_of_several_addresses_only_the_public_one_is_connected_to(
    held: Held, server: Server, dns: Any, loopback_is_public: None
) -> None:
    dns["network.example"] = [["127.0.0.2", "127.0.0.1"]]
    with socket.create_server(("127.0.0.2", server.port)) as near:
        near.setblocking(False)
        assert held(ask(ECHO), HOSTS).status == 200
        with pytest.raises(BlockingIOError):  # nobody stands there
            near.accept()


def test_a_name_that_answers_otherwise_the_second_time_gains_nothing(
    held: Held, server: Server, dns: Any, loopback_is_public: None
) -> None:
    """DNS rebinding: what was looked at is what is connected to, and no second look is taken."""
    dns["network.example"] = [["127.0.0.1"], ["127.0.0.2"]]
    assert held(ask(ECHO), HOSTS).status == 200
    assert dns["network.example"] == [["127.0.0.2"]], "asked once"


def test_the_certificate_is_asked_for_and_checked_by_name_and_not_by_address(
    held: Held, server: Server, dns: Any, loopback_is_public: None
) -> None:
    dns["network.example"] = [["127.0.0.1"]]
    answer = held(ask(ECHO), HOSTS)
    assert server.names == ["network.example"]
    assert answer.json["headers"]["host"] == "network.example"


@pytest.mark.parametrize("server", ["other.example"], indirect=True)
def test_a_certificate_of_another_name_is_no_answer(
    held: Held, server: Server, dns: Any, loopback_is_public: None
) -> None:
    dns["network.example"] = [["127.0.0.1"]]
    with pytest.raises(TransportError, match="network.example"):
        held(ask(ECHO), HOSTS)
    assert server.names == ["network.example"]


def test_a_certificate_that_nobody_vouches_for_is_no_answer(
    held: Held,
    server: Server,
    dns: Any,
    loopback_is_public: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http, "AUTHORITIES", DEFAULT_CA_BUNDLE_PATH)
    dns["network.example"] = [["127.0.0.1"]]
    with pytest.raises(TransportError):
        held(ask(ECHO), HOSTS)


# --- Which hosts -----------------------------------------------------------------------------


def test_a_conversation_reaches_no_host_of_another_network(
    held: Held, server: Server, dns: Any, loopback_is_public: None, caplog: Any
) -> None:
    dns["other.example"] = [["127.0.0.1"]]
    with pytest.raises(TransportError, match=r"other\.example is no host of this network"):
        held(ask("https://other.example/echo"), HOSTS)
    assert server.names == []
    assert "refused to ask other.example" in caplog.text


def test_a_practice_host_is_reached_where_it_was_configured(held: Held, settings: Any) -> None:
    with loopback.served() as base:
        for address in (base, base.replace("127.0.0.1", "localhost")):
            settings.NETWORK_HOSTS = {"network.example": f"{address}/network.example"}
            assert held(ask(ECHO), HOSTS).status == 200


def test_a_practice_host_may_stand_at_an_ipv6_address(held: Held, settings: Any) -> None:
    with loopback.served(host="::1") as base:
        settings.NETWORK_HOSTS = {"network.example": f"{base}/network.example"}
        assert held(ask(ECHO), HOSTS).status == 200


def test_a_name_may_lead_to_an_ipv6_address(held: Held, settings: Any) -> None:
    with loopback.served(host="::1") as base, pytest.MonkeyPatch.context() as patch:
        port = int(base.rsplit(":", 1)[1])

        def asked(host: Any, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
            if host != "practice.example":
                return getaddrinfo(host, port, *args, **kwargs)
            return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0))]

        patch.setattr(socket, "getaddrinfo", asked)
        settings.NETWORK_HOSTS = {"network.example": f"http://practice.example:{port}"}
        assert held(ask(ECHO), HOSTS).status == 200


def test_a_practice_host_opens_no_other_port_and_no_other_name(
    held: Held, server: Server, dns: Any, settings: Any
) -> None:
    """That practice networks run on this machine makes nothing else of it reachable."""
    settings.NETWORK_HOSTS = {"practice.example": "http://localhost:1/practice.example"}
    dns["network.example"] = dns["localhost"] = [["127.0.0.1"]]
    with pytest.raises(TransportError):
        held(ask(ECHO), HOSTS)
    settings.NETWORK_HOSTS = {"practice.example": "http://network.example:1"}
    with pytest.raises(TransportError):
        held(ask(ECHO), HOSTS)
    assert server.names == []


# --- What the machine has of its own ------------------------------------------------------------


@pytest.fixture
def trap() -> Iterator[tuple[str, list[bytes]]]:
    """A proxy that says what it was sent."""
    caught: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.2)
        done = threading.Event()

        def listen() -> None:
            while not done.is_set():
                try:
                    taken, _ = listening.accept()
                except TimeoutError:
                    continue
                with taken:
                    caught.append(taken.recv(1000))

        thread = threading.Thread(target=listen)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", caught
        done.set()
        thread.join()


def test_a_proxy_of_the_machine_sees_nothing(
    held: Held, settings: Any, trap: tuple[str, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, caught = trap
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, address)
        monkeypatch.setenv(name.upper(), address)
    with loopback.served() as base:
        settings.NETWORK_HOSTS = {"network.example": f"{base}/network.example"}
        assert held(ask(ECHO), HOSTS).status == 200
    assert caught == []


def test_a_netrc_of_the_machine_signs_nobody_in(
    held: Held, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login us password secret\ndefault login us password secret")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    with loopback.served() as base:
        settings.NETWORK_HOSTS = {"network.example": f"{base}/network.example"}
        assert "authorization" not in held(ask(ECHO), HOSTS).json["headers"]


def test_a_cookie_of_one_conversation_is_not_sent_in_the_next(settings: Any) -> None:
    async def twice() -> Any:
        async with Driver() as driver:
            await driver.hold(ask(ECHO), HOSTS)
            return await driver.hold(ask(ECHO), HOSTS)

    with loopback.served() as base:
        base = base.replace("127.0.0.1", "localhost")  # numbers are sent no cookies at all
        settings.NETWORK_HOSTS = {"network.example": f"{base}/network.example"}
        assert "cookie" not in asyncio.run(twice()).json["headers"]

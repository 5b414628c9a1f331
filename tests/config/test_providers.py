"""The way out to addresses that an organization's admin types in."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from accounts.openid import ProviderTrouble
from config.providers import ProviderSession
from tests.networks.loopback import served


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with served() as address:
        yield address


def ask(address: str) -> Any:
    with ProviderSession() as session:
        return session.get(address)


@pytest.mark.parametrize(
    "address",
    [
        "http://login.example/",
        "http://127.0.0.1:5432/",
        "file:///etc/passwd",
        "ftp://login.example/",
        "https://user:password@login.example/",
        "https:///nowhere",
        "https://login.example:port/",
        "",
    ],
)
def test_only_https_is_spoken(address: str) -> None:
    with pytest.raises(ProviderTrouble, match="address"):
        ask(address)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.8", "169.254.169.254", "192.168.1.1", "::1", "fd00::1"]
)
def test_a_name_that_leads_inside_is_not_connected_to(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, address: str
) -> None:
    def resolved(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    with pytest.raises(ProviderTrouble, match="silent: login.example"):
        ask("https://login.example/")
    assert "leads to no public address" in caplog.text


def test_a_host_that_the_operator_names_may_be_inside(server: str, settings: Any) -> None:
    place = server.removeprefix("http://")
    with pytest.raises(ProviderTrouble, match="address"):
        ask(f"{server}/echo")
    settings.SINGLE_SIGN_ON_HOSTS = [place]
    assert ask(f"{server}/echo").json()["method"] == "GET"
    with pytest.raises(ProviderTrouble, match="address"):
        ask("http://127.0.0.1:1/")


@pytest.mark.parametrize("page", ["elsewhere", "big_redirect"])
def test_no_redirect_is_followed(server: str, settings: Any, page: str) -> None:
    settings.SINGLE_SIGN_ON_HOSTS = [server.removeprefix("http://")]
    if page == "elsewhere":
        assert ask(f"{server}/{page}").status_code == 302
    else:
        with pytest.raises(ProviderTrouble, match="silent"):
            ask(f"{server}/{page}")


@pytest.mark.parametrize("page", ["big", "bomb", "dripping", "silent", "cut", "garbage"])
def test_an_answer_is_bounded_in_size_and_time(
    server: str, settings: Any, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    monkeypatch.setattr("config.providers.REQUEST_LIMIT", 0.5)
    settings.SINGLE_SIGN_ON_HOSTS = [server.removeprefix("http://")]
    with pytest.raises(ProviderTrouble, match="silent"):
        ask(f"{server}/{page}")


def test_it_sends_no_credentials_of_the_machine(
    server: str, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login root password toor\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    settings.SINGLE_SIGN_ON_HOSTS = [server.removeprefix("http://")]
    assert "authorization" not in ask(f"{server}/echo").json()["headers"]

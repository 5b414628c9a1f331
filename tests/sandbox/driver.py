"""Drives the practice networks: a browser that fills in forms, and the calls of a client."""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import requests
from bs4 import BeautifulSoup

from sandbox.server import running
from sandbox.settings import HOST, SMTP_OFFSET, Settings

Query = dict[str, str]


# Below those that the kernel gives to outgoing connections: one of these, made in another test,
# would take the port between our look and the server's start.
PORTS = range(15_000, 32_000)


def free_port() -> int:
    """A port that is free and whose companion for mails is free, too. Not by the seed of the
    tests, which is the same in every process."""
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as web, socket.socket() as smtp:
            try:
                web.bind((HOST, port))
                smtp.bind((HOST, port + SMTP_OFFSET))
            except OSError:
                continue
            return port


class Practice:
    """The server in a thread, and the levers."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.base = f"http://127.0.0.1:{settings.port}"
        self.http = requests.Session()

    def start(self) -> None:
        """Start, and wait until both ports answer."""
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)))
        self._thread.start()
        assert ready.wait(5)

    def stop(self) -> None:
        """Stop as SIGTERM would."""
        self.http.close()
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)
        assert not self._thread.is_alive()

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with running(self.settings):
            ready.set()
            await self._stop.wait()

    def get(self, path: str, **more: Any) -> requests.Response:
        """Call an address, given as host and path of the real one."""
        return self.http.get(f"{self.base}/{path}", timeout=5, **more)

    def post(self, path: str, data: Query | None = None, **more: Any) -> requests.Response:
        """Post a form."""
        return self.http.post(f"{self.base}/{path}", data=data, timeout=5, **more)

    def state(self, network: str) -> dict[str, Any]:
        """One network as the contract prints it."""
        found: dict[str, Any] = self.get("_control/state").json()["networks"][network]
        return found

    def pull(self, network: str, do: str, **more: str) -> dict[str, Any]:
        """Pull a lever; it must work."""
        answer = self.http.post(
            f"{self.base}/_control", json={"network": network, "do": do, **more}, timeout=5
        )
        assert answer.status_code == 200, answer.text
        state: dict[str, Any] = answer.json()
        return state

    def callback(self, network: str) -> str:
        """The product's registered address."""
        return self.settings.callback(network)


class Browser:
    """A person's browser: follows redirects until it leaves for the product."""

    def __init__(self, practice: Practice) -> None:
        self.practice, self.http = practice, requests.Session()
        self.response = requests.Response()

    def open(self, address: str) -> Query:
        """Go somewhere; the callback's query if that is where one ends up."""
        return self._follow(self.http.get(self._full(address), allow_redirects=False, timeout=5))

    @property
    def page(self) -> BeautifulSoup:
        """What is on the screen."""
        return BeautifulSoup(self.response.text, "html.parser")

    def has(self, selector: str) -> bool:
        """Whether there is such an element."""
        return self.page.select_one(selector) is not None

    def text(self, selector: str) -> str:
        """The text of an element that must be there."""
        found = self.page.select_one(selector)
        assert found is not None, self.response.text
        return found.get_text()

    def click(self, selector: str) -> Query:
        """Follow a link."""
        link = self.page.select_one(selector)
        assert link is not None, self.response.text
        return self.open(str(link["href"]))

    def sign_in(self, login: str, password: str) -> Query:
        """Fill in the sign-in form."""
        return self._submit({"login": login, "password": password})

    def decide(self, decision: str, without: tuple[str, ...] = (), **chosen: str) -> Query:
        """Press a button on the consent page, with some scopes unticked and more chosen."""
        boxes = [str(box["value"]) for box in self.page.select("input[name=scope][checked]")]
        pairs = [("scope", scope) for scope in boxes if scope not in without]
        return self._submit([*pairs, *chosen.items(), ("decision", decision)])

    def close(self) -> None:
        """Put it away."""
        self.http.close()

    def _submit(self, fields: Any) -> Query:
        form = self.page.select_one("form")
        assert form is not None, self.response.text
        target = self._full(str(form["action"]))
        return self._follow(self.http.post(target, fields, allow_redirects=False, timeout=5))

    def _follow(self, response: requests.Response) -> Query:
        while "Location" in response.headers:
            target = urljoin(response.url, response.headers["Location"])
            if target.startswith(self.practice.settings.product_url):
                return dict(parse_qsl(urlsplit(target).query, keep_blank_values=True))
            response = self.http.get(target, allow_redirects=False, timeout=5)
        self.response = response
        return {}

    def _full(self, address: str) -> str:
        return urljoin(f"http://localhost:{self.practice.settings.port}/", address)


class Client:
    """A client of one network: builds its authorization address and speaks to its API."""

    network = ""
    authorize = ""
    client_parameter = "client_id"
    scopes = ""

    def __init__(self, practice: Practice, own: bool = False) -> None:
        self.practice = practice
        self.id = f"practice-{self.network}{'-own' if own else ''}"
        self.secret = f"{self.id}-secret"
        self.callback = practice.callback(self.network)

    def address(self, **more: str) -> str:
        """Where the person is sent."""
        query = {
            self.client_parameter: self.id,
            "redirect_uri": self.callback,
            "response_type": "code",
            "scope": self.scopes,
            "state": "st/a+te=1",
        }
        return f"/{self.authorize}?{urlencode({**query, **more})}"

    def consent(
        self, person: str, asked: Query | None = None, without: tuple[str, ...] = ()
    ) -> Query:
        """A person signs in in a fresh browser and says yes."""
        browser = Browser(self.practice)
        try:
            found = browser.open(self.address(**(asked or {}))) or self.sign_in(browser, person)
            return found or browser.decide("allow", without)
        finally:
            browser.close()

    def sign_in(self, browser: Browser, person: str) -> Query:
        """With the login and password that the console shows."""
        people = {one["id"]: one for one in self.practice.state(self.network)["people"]}
        return browser.sign_in(people[person]["login"], people[person]["password"])

"""A real PDS (@atproto/pds, on Node), its people, and what its admin can do to them."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.db import connections
from django.test import Client

from tests.peers.conftest import FOLDER, NODE

HOST = "pds.example"
HOME = f"https://{HOST}"
ADMIN = ("admin", "peers-admin")
PASSWORD = "peers-password"
# A name that nobody can have outside; .example and example.com are refused by the PDS.
OUR_HOME = "https://tokenwacht.internal"
API = "/@atproto/oauth-provider/~api"
# As a browser writes them: the PDS looks at who sends a person, and from where.
LEAP = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
OWN = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "same-origin", "Sec-Fetch-Dest": "empty"}
BACK = {**LEAP, "Sec-Fetch-Site": "same-origin"}


class Pds:
    """The two programs behind one process, and where they are to be found."""

    def __init__(self, client: str) -> None:
        self.program = subprocess.Popen(
            [str(NODE), "pds.mjs", HOST, ADMIN[1], OUR_HOME, client],
            cwd=FOLDER,
            env={**os.environ, "LOG_ENABLED": "false"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.program.stdout is not None
        places = self.program.stdout.readline().split()
        assert len(places) == 2, "the PDS did not start: make peers installs what it needs"
        self.address, self.directory = places

    def hosts(self, *handles: str) -> dict[str, str]:
        """For NETWORK_HOSTS. No handle answers at its own host: the resolver is asked instead,
        which the PDS is for its own people."""
        silent = dict.fromkeys(handles, f"{self.address}/nothing-here")
        known = {HOST: self.address, "public.api.bsky.app": self.address}
        return {**known, "plc.directory": self.directory, **silent}

    def call(self, name: str, **body: Any) -> requests.Response:
        """As the admin. Some calls take no body at all, and refuse an empty one."""
        return self.ask(name, body, auth=ADMIN)

    def ask(self, name: str, body: dict[str, Any], **more: Any) -> requests.Response:
        answer = requests.post(f"{self.address}/xrpc/{name}", json=body or None, timeout=10, **more)
        assert answer.ok, f"{name}: {answer.text}"
        return answer

    def stop(self) -> None:
        self.program.communicate(timeout=10)  # its standard input ends, and so does it


class Person:
    """Somebody with an account there, and a browser that keeps its cookies."""

    def __init__(self, pds: Pds, handle: str) -> None:
        self.pds, self.handle = pds, handle
        account = {"handle": handle, "email": f"{handle}@mail.example", "password": PASSWORD}
        self.did = str(pds.ask("com.atproto.server.createAccount", account).json()["did"])
        self.cookies: dict[str, str] = {}

    # What she does, or what is done to her.

    def deactivate(self, active: bool = False) -> None:
        login = {"identifier": self.did, "password": PASSWORD}
        session = self.pds.ask("com.atproto.server.createSession", login).json()
        bearer = {"Authorization": f"Bearer {session['accessJwt']}"}
        verb = "activateAccount" if active else "deactivateAccount"
        body = {} if active else {"deleteAfter": "2099-01-01T00:00:00Z"}
        self.pds.ask(f"com.atproto.server.{verb}", body, headers=bearer)

    def take_down(self, applied: bool = True) -> None:
        subject = {"$type": "com.atproto.admin.defs#repoRef", "did": self.did}
        self.pds.call(
            "com.atproto.admin.updateSubjectStatus", subject=subject, takedown={"applied": applied}
        )

    def delete(self) -> None:
        self.pds.call("com.atproto.admin.deleteAccount", did=self.did)

    # Her browser.

    def consent(self, page: str, decision: str = "consent") -> str:
        """From the page where she is asked, to the address that leads back to us. The page is a
        program; this is what it sends when she signs in and presses the button."""
        self.opened(page, LEAP)
        sent = {"locale": "en", "username": self.did, "password": PASSWORD}
        signed_in = self.sent("sign-in", page, sent)
        body = {"sub": signed_in["account"]["sub"]} if decision == "consent" else {}
        token = {"Authorization": f"Bearer {signed_in['ephemeralToken']}"}
        leads_to = self.sent(decision, page, body, **token)["url"]
        real = leads_to.replace(HOME, self.pds.address)
        return self.opened(real, {**BACK, "Referer": self.real(page)}).headers["Location"]

    def taken_back(self) -> None:
        """She takes every app off her account, on its page."""
        page = f"{self.pds.address}/account/{self.did}"
        self.opened(page, {**LEAP, "Sec-Fetch-Site": "none"})
        sent = {"locale": "en", "username": self.did, "password": PASSWORD, "remember": True}
        self.sent("sign-in", page, sent)
        answer = requests.get(
            f"{self.pds.address}{API}/oauth-sessions",
            params={"sub": self.did},
            headers=self.headers(page),
            timeout=10,
        )
        for session in answer.json():
            gone = {"sub": self.did, "tokenId": session["tokenId"]}
            self.sent("revoke-oauth-session", page, gone)

    def sent(self, what: str, page: str, body: dict[str, Any], **more: str) -> dict[str, Any]:
        address = f"{self.pds.address}{API}/{what}"
        headers = {**self.headers(page), **more}
        answer = self.kept(requests.post(address, json=body, headers=headers, timeout=10))
        assert answer.ok, f"{what}: {answer.text}"
        return dict(answer.json())

    def opened(self, address: str, headers: dict[str, str]) -> requests.Response:
        sent = {**headers, "Cookie": self.cookie}
        answer = requests.get(address, headers=sent, allow_redirects=False, timeout=10)
        assert answer.status_code < 400, answer.text[:500]
        return self.kept(answer)

    def headers(self, page: str) -> dict[str, str]:
        own = {"Origin": HOME, "Referer": self.real(page), "Cookie": self.cookie}
        return {**OWN, **own, "x-csrf-token": self.cookies["csrf-token"]}

    @property
    def cookie(self) -> str:
        """They are for HTTPS only, so no library would send them here."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def kept(self, answer: requests.Response) -> requests.Response:
        for line in answer.raw.headers.getlist("Set-Cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def real(self, page: str) -> str:
        parts = urlsplit(page)
        return f"{HOME}{parts.path}" + (f"?{parts.query}" if parts.query else "")


class OurPages(BaseHTTPRequestHandler):
    """What the PDS reads of us, by the product's own view."""

    def do_GET(self) -> None:
        answer = Client().get(self.path, secure=True, HTTP_HOST=urlsplit(OUR_HOME).netloc)
        connections.close_all()  # this thread's own, or the test's database cannot be dropped
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer.headers.get("Content-Type", "text/plain"))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


@pytest.fixture(scope="session")
def pds() -> Iterator[Pds]:
    pages = ThreadingHTTPServer(("127.0.0.1", 0), OurPages)
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    program = Pds(f"http://127.0.0.1:{pages.server_port}")
    yield program
    program.stop()
    pages.shutdown()
    pages.server_close()

"""``/_control``: the levers as JSON for programs, and as pages for people."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from sandbox.consolepages import console_page
from sandbox.inbox import Inbox
from sandbox.levers import Levers, WrongLever
from sandbox.network import form_of, go

OUR_NAMES = ("localhost", "127.0.0.1")


class Console:
    """State, levers, inbox."""

    def __init__(self, levers: Levers, inbox: Inbox) -> None:
        self.levers, self.inbox = levers, inbox

    def routes(self) -> Iterable[web.RouteDef]:
        """Two contracts and the pages."""
        return [
            web.get("/_control/state", self.state),
            web.get("/_control/mail", self.mail),
            web.get("/_control", self.everything),
            web.get("/_control/{network}", self.only_one),
            web.post("/_control", self.pull),
            web.post("/_control/reset", self.reset),
        ]

    async def state(self, request: web.Request) -> web.StreamResponse:
        """All networks with their people and profiles."""
        return readable(self.levers.state())

    async def mail(self, request: web.Request) -> web.StreamResponse:
        """All mails, the newest last."""
        return readable(self.inbox.mails())

    async def reset(self, request: web.Request) -> web.StreamResponse:
        """Start over, for rehearsals that must not depend on each other."""
        if not from_our_pages(request):
            raise web.HTTPForbidden(text="Only the console's own pages and programs may do this.")
        self.inbox.store.clear()
        return readable(self.levers.state())

    async def everything(self, request: web.Request) -> web.StreamResponse:
        """Every network on one page."""
        return console_page(self.levers, list(self.levers.networks), request.query)

    async def only_one(self, request: web.Request) -> web.StreamResponse:
        """One network on a page of its own."""
        slug = request.match_info["network"]
        if slug not in self.levers.networks:
            raise web.HTTPNotFound
        return console_page(self.levers, [slug], request.query)

    async def pull(self, request: web.Request) -> web.StreamResponse:
        """Pull a lever: JSON is answered in JSON, a form by going back to the page."""
        fields, is_form = await read_fields(request)
        if is_form and not from_our_pages(request):
            raise web.HTTPForbidden(text="Only the console's own pages may send this form.")
        try:
            network = self.levers.pull(fields)
        except WrongLever as wrong:
            if is_form:
                go(f"/_control?{urlencode({'wrong': str(wrong)})}")
            return readable({"error": str(wrong)}, 400)
        if is_form:
            go(f"{back_to(fields)}?{urlencode({'done': told(fields)})}#{network.slug}")
        return readable(self.levers.state_of(network))


async def read_fields(request: web.Request) -> tuple[dict[str, str], bool]:
    """The fields, and whether a page's form sent them."""
    text = await request.text()
    if request.content_type == "application/json" or text.lstrip().startswith("{"):
        return json_fields(text), False
    return await form_of(request), True


def json_fields(text: str) -> dict[str, str]:
    """A JSON object's fields as text; null is as good as missing."""
    try:
        body = json.loads(text or "{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        message = json.dumps({"error": "the body must be a JSON object"})
        raise web.HTTPBadRequest(text=message, content_type="application/json")
    return {name: str(value) for name, value in body.items() if value is not None}


def from_our_pages(request: web.Request) -> bool:
    """Browsers name the page a form comes from; no other site may pull levers."""
    origin = request.headers.get("Origin", "")
    return not origin or urlsplit(origin).hostname in OUR_NAMES


def back_to(fields: dict[str, str]) -> str:
    """The page that the form stood on."""
    return f"/_control/{fields['network']}" if fields.get("page") == "one" else "/_control"


def told(fields: dict[str, str]) -> str:
    """What was done, in a line."""
    names = ("do", "network", "person", "profile", "mode")
    return " ".join(fields[name] for name in names if fields.get(name))


def readable(body: Any, status: int = 200) -> web.Response:
    """JSON with real umlauts and line breaks: people read it, too."""
    text = json.dumps(body, ensure_ascii=False, indent=1)
    headers = {"Cache-Control": "no-store"}
    return web.Response(text=text, content_type="application/json", status=status, headers=headers)

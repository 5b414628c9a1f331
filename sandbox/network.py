"""What every practice network has, whatever its dialect."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NoReturn
from urllib.parse import parse_qsl, urlencode, urlsplit

from aiohttp import web
from yarl import URL

from sandbox.html import Html
from sandbox.ledger import Ledger
from sandbox.people import People
from sandbox.settings import Settings
from sandbox.store import Store
from sandbox.world import Person
from sandbox.worlds import WORLD


class Answer(Exception):
    """The network answers, here and now; the middleware turns it into a response."""

    def __init__(self, status: int, body: object, **headers: str) -> None:
        super().__init__(status)
        self.response = web.json_response(body, status=status, headers=headers)


class Refused(Exception):
    """An authorization request so wrong that the person is not sent back at all."""


class SendBack(Exception):
    """The person is sent back to the client, with an error in the query."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


@dataclass(frozen=True)
class Ask:
    """What a client asks of a person, as read from the authorization request."""

    client: str
    redirect_uri: str
    state: str
    scopes: tuple[str, ...] = ()
    more: Mapping[str, str] = field(default_factory=dict)


class Network(ABC):
    """One practice network: its hosts, its clients, its people, its answers."""

    slug: ClassVar[str]
    title: ClassVar[str]
    accent: ClassVar[str]
    pages_host: ClassVar[str]
    page_hosts: ClassVar[tuple[str, ...]] = ()  # where it is not only `pages_host`
    hosts: ClassVar[tuple[str, ...]]
    authorize_path: ClassVar[str]
    scopes_can_be_refused: ClassVar[bool] = False
    has_refresh_tokens: ClassVar[bool] = True
    chosen: ClassVar[tuple[str, ...]] = ()

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings, self.store = settings, store
        self.world = WORLD[self.slug]
        self.people = People(store, self.slug, self.world)
        self.ledger = Ledger(store, self.slug)
        self.clients = {
            f"practice-{self.slug}": f"practice-{self.slug}-secret",
            f"practice-{self.slug}-own": f"practice-{self.slug}-own-secret",
        }

    # What a dialect must say.

    @abstractmethod
    def routes(self) -> Iterable[web.RouteDef]:
        """The endpoints a client calls, under their real host and path."""

    @abstractmethod
    def read_ask(self, query: Mapping[str, str]) -> Ask:
        """Read an authorization request; raise Refused or SendBack when it is wrong."""

    @abstractmethod
    def allow(self, ask: Ask, person: Person, scopes: tuple[str, ...]) -> str:
        """The person said yes: where to send her now."""

    @abstractmethod
    def deny(self, ask: Ask, at_login: bool) -> str:
        """The person said no: where to send her now."""

    async def is_meant(self, request: web.Request) -> bool:
        """Whether a call is for this network, where it shares the host with another one."""
        return True

    def choice(self, ask: Ask, person: Person) -> Html:
        """What else the page of consent asks: fields that come back in ``Ask.more``."""
        return Html("")

    def skips_consent(self, ask: Ask, person: Person) -> bool:
        """Whether somebody who is signed in is not asked again."""
        return False

    @abstractmethod
    def rate_limited(self, path: str) -> web.Response:
        """The network's own words for "too many requests"."""

    @abstractmethod
    def broken(self, path: str) -> web.Response:
        """The network's own words for an error of its own (not the HTML page)."""

    def anew(self, query: Mapping[str, str]) -> Mapping[str, str] | None:
        """The request without its wish for a new sign-in; None where it has none."""
        return None

    def at_home(self, person: Person, host: str) -> bool:
        """Whether somebody's login is one of this host's, where a network has several."""
        return True

    # What they share.

    def at(self, host: str, path: str) -> str:
        """A real address as a path of this program."""
        return f"/{host}{path}"

    @property
    def cookie(self) -> str:
        """The name of the browser session's cookie."""
        return f"practice_{self.slug}"

    def serving(self, person: str) -> bool:
        """Whether the network lets this person's tokens work: not while it refuses them all."""
        refuses = "SELECT 1 FROM faults WHERE network = ? AND mode = 'refused'"
        return not self.people.suspended(person) and not self.store.one(refuses, self.slug)

    def revoked_by_password(self, person: str) -> None:
        """What a new password does to the tokens: all of these networks drop them."""
        self.ledger.disconnect(person)


def with_query(address: str, **values: str) -> str:
    """An address with more in its query, keeping what it has."""
    parts = urlsplit(address)
    query = parse_qsl(parts.query, keep_blank_values=True)
    return parts._replace(query=urlencode([*query, *values.items()])).geturl()


def go(location: str) -> NoReturn:
    """Send the browser on by GET, with the address exactly as it is written."""
    raise web.HTTPSeeOther(URL(location, encoded=True), headers={"Cache-Control": "no-store"})


async def form_of(request: web.Request) -> dict[str, str]:
    """The text fields of a form body; anything else is an empty form."""
    if request.content_type != "application/x-www-form-urlencoded":
        return {}
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def bearer(request: web.Request) -> str:
    """The token of an ``Authorization: Bearer`` header, or nothing."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def json_answer(body: Any, status: int = 200) -> web.Response:
    """A JSON answer that nobody may keep, as RFC 6749 wants it for tokens."""
    return web.json_response(body, status=status, headers={"Cache-Control": "no-store"})

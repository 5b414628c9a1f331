"""A person at a practice network, without a browser: signs in, says yes, comes back.

For the example world and the tests, which both go through the real flow. It fills in whatever
forms the network shows, as a person would, and knows no network by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests

LONGEST_TRIP = 12


@dataclass
class Form:
    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class Forms(HTMLParser):
    """The forms of a page, with what a browser would send if nothing were changed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(values.get("action", "")))
        if not self.found or "name" not in values:
            return
        pair = (values["name"], values.get("value", ""))
        if tag == "button":
            self.found[-1].buttons.append(pair)
        elif tag == "input" and (values.get("type") != "checkbox" or "checked" in values):
            self.found[-1].fields.append(pair)


class Visitor:
    """One person with one cookie jar. `refuse` names scopes that the person unticks."""

    def __init__(self, login: str, password: str, refuse: tuple[str, ...] = ()) -> None:
        self.session = requests.Session()
        self.session.trust_env = False  # the practice networks are here, behind no proxy
        self.login, self.password, self.refuse = login, password, refuse

    def travel(self, address: str, home: str, *, decision: str = "allow") -> str:
        """Follow `address` through sign-in and consent until it leads back to `home`.

        Returns the address that the browser would open there. Raises AssertionError where the
        trip ends elsewhere, with the page it ended on.
        """
        answer = self.session.get(address, allow_redirects=False, timeout=10)
        for _ in range(LONGEST_TRIP):
            target = urljoin(answer.url, answer.headers.get("Location", ""))
            if answer.is_redirect and target.startswith(home):
                return target
            if answer.is_redirect:
                answer = self.session.get(target, allow_redirects=False, timeout=10)
            else:
                answer = self._fill_in(answer, decision)
        raise AssertionError(f"the trip to {urlsplit(address).path} does not end")

    def _fill_in(self, page: requests.Response, decision: str) -> requests.Response:
        forms = Forms(page.text).found
        if not page.ok or not forms:
            raise AssertionError(f"{urlsplit(page.url).path} answered {page.status_code}, no form")
        form = next((one for one in forms if one.buttons), forms[0])
        sent = [pair for pair in form.fields if pair[1] not in self.refuse]
        filled = dict(sent) | {"login": self.login, "password": self.password}
        data = [
            (name, filled[name] if name in ("login", "password") else value) for name, value in sent
        ]
        data += [pair for pair in form.buttons if pair[1] == decision]
        target = urljoin(page.url, form.action)
        return self.session.post(target, data=data, allow_redirects=False, timeout=10)


def query_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))

"""Every page in Chromium, under the policy that it is sent with: nothing is refused that is ours,
and what is not ours is."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect

from tests.e2e.conftest import Running
from tests.e2e.test_story import add, sign_in
from tests.e2e.words import ENGLISH

Window = Callable[..., Page]
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
# Leaving would end the walk.
NOT_WALKED = ("/accounts/logout/",)

pytestmark = pytest.mark.timeout(600)


def complaints(page: Page) -> list[str]:
    """What the browser warns of on its console from now on, errors of scripts among it."""
    said: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("warning", "error"):
            said.append(f"{page.url}: {message.text}")

    page.on("console", heard)
    page.on("pageerror", lambda error: said.append(f"{page.url}: {error}"))
    return said


def links(page: Page, running: Running) -> set[str]:
    addresses = page.eval_on_selector_all("a[href]", "all => all.map(one => one.href)")
    own = {urldefrag(urljoin(page.url, address)).url for address in addresses}
    return {one for one in own if one.startswith(running.product + "/")}


def walk(page: Page, running: Running, look: Callable[[Page], None] = lambda _: None) -> set[str]:
    """Every page that links lead to, one of each kind; returns the kinds."""
    waiting, seen = links(page, running), set()
    while waiting:
        address = waiting.pop()
        kind = UUID.sub("…", urlsplit(address).path)
        if kind in seen or kind in NOT_WALKED:
            continue
        seen.add(kind)
        answer = page.goto(address)
        assert answer is not None
        assert answer.ok, address
        page.wait_for_load_state("networkidle")
        look(page)
        waiting |= links(page, running)
    return seen


def test_no_page_asks_for_what_its_policy_refuses(running: Running, person: Window) -> None:
    page = person("en-GB")
    said = complaints(page)
    sign_in(page, running, "admin@alpenglueck.example")
    kinds = walk(page, running)
    assert {"/o/alpenglueck/profiles/", "/o/alpenglueck/profiles/…/", "/account/settings/"} <= kinds
    assert len(kinds) > 12, sorted(kinds)
    add(page, running, ENGLISH, "tiktok", "TikTok")  # the leap there and back
    expect(page.locator("main")).to_contain_text("1 profile added.")
    page.locator("li[id^=row-] summary").first.click()
    page.locator("#id_search").fill("Alpen")
    page.wait_for_timeout(6000)  # the list asks for news
    assert said == []
    nothing_foreign_runs(page, said)


def nothing_foreign_runs(page: Page, said: list[str]) -> None:
    """The same page, had a name come into it as markup."""
    page.evaluate(
        """() => {
          document.querySelector("main").insertAdjacentHTML("beforeend",
            "<img src=x onerror='window.taken=1'><a href='javascript:window.taken=1'>a</a>");
          const inline = script => script.textContent = "window.taken=1";
          const ours = script => script.src = "/static/live.js";
          for (const make of [inline, ours]) {
            const script = document.createElement("script");
            make(script);
            document.body.append(script);
          }
          document.querySelector("main a[href^=javascript]").click();
        }"""
    )
    page.wait_for_timeout(500)
    assert page.evaluate("window.taken") is None
    refused = [one for one in said if "Content Security Policy" in one]
    assert len(refused) >= 4, said


def test_a_form_that_somebody_smuggled_in_sends_nothing_away(
    running: Running, person: Window
) -> None:
    page = person("en-GB")
    said = complaints(page)
    sign_in(page, running, "admin@alpenglueck.example")
    page.goto(f"{running.product}/account/settings/")
    page.evaluate(
        """address => {
          document.querySelector("main").insertAdjacentHTML("beforeend",
            `<form id=smuggled method=post action="${address}"><button>x</button></form>`);
          document.querySelector("#smuggled button").click();
        }""",
        f"{running.address}/taken",
    )
    page.wait_for_timeout(500)
    assert page.url == f"{running.product}/account/settings/"
    assert any("form-action" in one for one in said)


def test_the_form_behind_a_mailed_link_is_taken(running: Running, person: Window) -> None:
    """Its address is named to nobody; had it named no origin either, the form would be refused."""
    admin = person("en-GB")
    sign_in(admin, running, "admin@alpenglueck.example")
    admin.goto(f"{running.product}/o/alpenglueck/members/")
    admin.locator("input[name=email]").fill("nora@alpenglueck.example")
    admin.locator("main form button").last.click()
    admin.wait_for_load_state()
    for _ in range(60):
        if mails := running.mails_to("nora@alpenglueck.example"):
            break
        admin.wait_for_timeout(500)
    (link,) = [link for link in mails[0]["links"] if "/invitation/" in link]
    nora = person("en-GB")
    referrers: list[str | None] = []
    nora.on("request", lambda request: referrers.append(request.headers.get("referer")))
    nora.goto(link)
    nora.locator("input[name=name]").fill("Nora Neu")
    nora.locator("input[name=password]").fill("a long and good one")
    nora.locator("main form button").last.click()
    expect(nora.locator("main")).to_contain_text("Welcome")
    assert not any("/invitation/" in (one or "") for one in referrers)

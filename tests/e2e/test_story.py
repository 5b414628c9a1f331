"""The story of the help article, in Chromium, against the running product."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Running
from tests.e2e.words import ENGLISH, GERMAN

Window = Callable[..., Page]

pytestmark = pytest.mark.timeout(600)


def sign_in(page: Page, running: Running, email: str) -> None:
    page.goto(f"{running.product}/accounts/login/")
    fill_in_password(page, email)


def fill_in_password(page: Page, email: str) -> None:
    page.locator("input[name=login]").fill(email)
    page.locator("input[name=password]").fill("tokenwacht")
    page.locator("main form button").first.click()


def rows(page: Page, name: str) -> Locator:
    return page.locator("li[id^=row-]").filter(has=page.get_by_role("link", name=name, exact=True))


def row(page: Page, name: str) -> Locator:
    """LinkedIn's of that name, which the story is about."""
    linkedin = page.locator("section[aria-labelledby=network-linkedin]")
    return linkedin.locator(rows(page, name))


def at_the_network(page: Page, running: Running, network: str, person: str) -> None:
    """Sign in there with the password of now, and say yes where the network asks again."""
    people = {one["id"]: one for one in running.state(network)["people"]}
    page.locator("input[name=login]").fill(people[person]["login"])
    page.locator("input[name=password]").fill(people[person]["password"])
    page.locator("form button[type=submit]").first.click()
    page.wait_for_load_state()
    if page.locator("#allow").count():
        page.locator("#allow").click()


def add(page: Page, running: Running, words: SimpleNamespace, network: str, name: str) -> None:
    page.get_by_role("link", name=words.settings).first.click()
    page.get_by_role("link", name=words.add).first.click()
    page.get_by_role("link", name=name).click()
    page.get_by_role("button", name=words.to.format(name)).click()
    assert page.url.startswith(running.address), "the sign-in is on another site"
    at_the_network(page, running, network, "anna")


def open_menu(page: Page, name: str, item: str) -> None:
    row(page, name).locator("summary").click()
    row(page, name).get_by_role("link", name=item).click()


@pytest.mark.parametrize("words", [GERMAN, ENGLISH], ids=lambda words: words.code)
def test_the_story_of_the_help_article(
    words: SimpleNamespace, running: Running, person: Window
) -> None:
    admin = person(words.locale)
    sign_in(admin, running, "admin@alpenglueck.example")
    the_first_page_tells_the_story(admin, words)
    everything_is_connected(admin, running, words)
    owner = person(words.locale)
    the_owner_opts_in(admin, owner, running, words)
    the_password_changes(admin, running, words)
    mail = the_owner_is_told_once(running, words)
    the_owner_reconnects(person(words.locale), running, words, mail, admin)
    an_outage_turns_nothing_red(admin, running, words)
    a_neighbour_sees_nothing(person(words.locale), running)
    a_removed_member_is_led_out(person(words.locale), owner, running)


def the_first_page_tells_the_story(admin: Page, words: SimpleNamespace) -> None:
    expect(row(admin, "Bergheim Hotels")).to_contain_text(words.ends)
    expect(row(admin, "Alpenglück Karriere")).to_contain_text(words.lost)


def everything_is_connected(admin: Page, running: Running, words: SimpleNamespace) -> None:
    add(admin, running, words, "linkedin", "LinkedIn")
    admin.get_by_label(re.compile("Alpenglück")).check()
    admin.get_by_role("button", name=words.connect, exact=True).click()
    add(admin, running, words, "tiktok", "TikTok")
    add(admin, running, words, "pinterest", "Pinterest")
    add(admin, running, words, "xing", "XING")
    for name in ("Hütten im Herbst", "Rezepte", "Wanderwege", "Anna Huber"):
        expect(rows(admin, name)).to_contain_text(words.valid)
    for one in rows(admin, "Alpenglück").all():
        expect(one).to_contain_text(words.valid)


def the_owner_opts_in(admin: Page, owner: Page, running: Running, words: SimpleNamespace) -> None:
    open_menu(admin, "Alpenglück", words.page_settings)
    expect(admin.locator("body")).to_contain_text(words.owners)
    expect(admin.locator("body")).to_contain_text(words.page_group)
    admin.get_by_role("checkbox", name="Otto Lechner").check()
    admin.get_by_label(words.page_checkbox).check()
    admin.get_by_role("button", name=words.save).click()
    expect(admin.get_by_role("checkbox", name="Otto Lechner")).to_be_checked()
    expect(admin.get_by_label(words.page_checkbox)).to_be_checked()
    sign_in(owner, running, "owner@alpenglueck.example")
    owner.goto(f"{running.product}/account/settings/")
    expect(owner.locator("body")).to_contain_text(words.account_group)
    owner.get_by_label(words.account_checkbox).check()
    owner.locator("select[name=language]").select_option(words.code)
    owner.get_by_role("button", name=words.save).first.click()
    expect(owner.get_by_label(words.account_checkbox)).to_be_checked()


def the_password_changes(admin: Page, running: Running, words: SimpleNamespace) -> None:
    admin.get_by_role("link", name=words.settings).first.click()
    expect(row(admin, "Alpenglück")).to_contain_text(words.valid)
    running.pull("linkedin", "change_password", person="anna")
    # Without a reload: the page keeps itself up to date.
    expect(row(admin, "Alpenglück")).to_contain_text(words.lost, timeout=30_000)
    expect(row(admin, "Alpenglück")).to_contain_text("LinkedIn")


def the_owner_is_told_once(running: Running, words: SimpleNamespace) -> dict[str, object]:
    deadline = time.monotonic() + 30
    while not (mails := running.mails_to("owner@alpenglueck.example")):
        assert time.monotonic() < deadline, "no mail came within 30 seconds"
        time.sleep(0.5)
    time.sleep(5)  # two ticks more: nobody is told twice
    mails = running.mails_to("owner@alpenglueck.example")
    assert [mail["subject"] for mail in mails] == [words.subject]
    text = str(mails[0]["text"])
    assert words.password.lower() in text.lower(), "a possible cause is named"
    return dict(mails[0])


def the_owner_reconnects(
    page: Page, running: Running, words: SimpleNamespace, mail: dict[str, object], admin: Page
) -> None:
    links = [str(link) for link in mail["links"] if "/refresh/" in str(link)]  # type: ignore[attr-defined]
    page.goto(links[0])
    fill_in_password(page, "owner@alpenglueck.example")
    expect(page.get_by_role("heading", name=words.refresh)).to_be_visible()
    another_account_changes_nothing(page, running, words)
    page.goto(links[0])
    page.get_by_role("button", name=words.to.format("LinkedIn")).click()
    sign_out_there(page, running)
    page.goto(links[0])
    page.get_by_role("button", name=words.to.format("LinkedIn")).click()
    at_the_network(page, running, "linkedin", "anna")
    expect(row(page, "Alpenglück")).to_contain_text(words.valid)
    # In the admin's window the row turns green by itself.
    expect(row(admin, "Alpenglück")).to_contain_text(words.valid, timeout=15_000)


def another_account_changes_nothing(page: Page, running: Running, words: SimpleNamespace) -> None:
    page.get_by_role("button", name=words.to.format("LinkedIn")).click()
    at_the_network(page, running, "linkedin", "mia")
    expect(page.locator("main")).to_contain_text("Mia Lang")
    expect(page.locator("main")).to_contain_text(words.expected)


def sign_out_there(page: Page, running: Running) -> None:
    page.goto(f"{running.address}/www.linkedin.com/logout")


def an_outage_turns_nothing_red(admin: Page, running: Running, words: SimpleNamespace) -> None:
    before = len(running.mails_to("owner@alpenglueck.example"))
    reds = admin.locator("li[id^=row-]", has_text=words.lost).count()
    running.pull("tiktok", "outage", mode="5xx")
    admin.wait_for_timeout(12_000)  # two probes of every token
    admin.reload()
    assert admin.locator("li[id^=row-]", has_text=words.lost).count() == reds
    assert len(running.mails_to("owner@alpenglueck.example")) == before
    running.pull("tiktok", "recover")


def a_neighbour_sees_nothing(neighbour: Page, running: Running) -> None:
    sign_in(neighbour, running, "admin@nordwind.example")
    expect(neighbour.locator("body")).to_contain_text("Nordwind Reederei")
    expect(neighbour.locator("main")).not_to_contain_text("Alpenglück")
    answer = neighbour.goto(f"{running.product}/o/alpenglueck/profiles/")
    assert answer is not None
    assert answer.status == 404


def a_removed_member_is_led_out(admin: Page, owner: Page, running: Running) -> None:
    """The list that he has open asks for news by itself, and learns that it is not his any more."""
    owner.goto(f"{running.product}/o/alpenglueck/profiles/")
    expect(row(owner, "Alpenglück")).to_be_visible()
    sign_in(admin, running, "admin@alpenglueck.example")
    admin.goto(f"{running.product}/o/alpenglueck/members/")
    member = admin.locator("li", has_text="owner@alpenglueck.example")
    member.locator("summary").click()
    member.locator("a.danger").click()
    expect(admin.locator(".notice-warning")).to_contain_text("Alpenglück")
    admin.locator("main form button").first.click()
    owner.bring_to_front()
    expect(owner).to_have_url(f"{running.product}/", timeout=15_000)
    expect(owner.locator(".messages")).to_be_visible()

"""Pages full of hostile names, as Chromium reads them: nothing runs, and nothing is markup."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.e2e.conftest import Running
from tests.e2e.test_policy import complaints, walk
from tests.e2e.test_story import sign_in
from tests.hostile import MARK

Window = Callable[..., Page]

# Of everything that has a name; LinkedIn's pages get theirs back with the next listing.
RENAME = """
from itertools import cycle
from accounts.models import Organization, Team, User
from profiles.models import Profile
from tests.hostile import HOSTILE
from tokens.models import Token
names = cycle(name.replace(chr(0), "")[:150] for name in HOSTILE)
for model, field in (
    (Profile, "name"), (Team, "name"), (User, "name"), (Organization, "name"),
    (Token, "subject_name"),
):
    for row in model.objects.all():
        model.objects.filter(pk=row.pk).update(**{field: next(names)[:100]})
"""
MARKED = f"all => all.filter(one => one.matches('{MARK}, [{MARK}], [onerror], [onload]')).length"

pytestmark = pytest.mark.timeout(600)


def test_no_name_runs_or_becomes_markup(running: Running, person: Window) -> None:
    page = person("de-DE")
    said = complaints(page)
    dialogs: list[Dialog] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog))
    sign_in(page, running, "admin@alpenglueck.example")
    running.change(RENAME)

    def look(page: Page) -> None:
        assert page.evaluate(f"window.{MARK}") is None, page.url
        assert page.eval_on_selector_all("*", MARKED) == 0, page.url

    page.goto(f"{running.product}/o/alpenglueck/profiles/")  # before the next listings
    expect(page.locator("main")).to_contain_text(f"{MARK}>")
    look(page)
    kinds = walk(page, running, look)
    assert len(kinds) > 12
    page.goto(f"{running.product}/o/alpenglueck/profiles/")
    page.locator("#id_search").fill("<")
    page.wait_for_timeout(6000)  # the list is filtered, and asks for news
    look(page)
    assert (said, dialogs) == ([], [])

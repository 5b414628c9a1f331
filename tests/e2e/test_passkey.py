"""A passkey in Chromium, whose virtual authenticator stands in for a fingerprint."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Running
from tests.e2e.test_story import Window, fill_in_password

pytestmark = pytest.mark.timeout(300)

ADMIN = "admin@alpenglueck.example"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def test_a_passkey_is_added_signs_in_alone_and_is_the_second_step(
    running: Running, person: Window
) -> None:
    # An address with numbers has no passkeys; `localhost` needs no TLS for them.
    numbers, running.product = running.product, running.product.replace("127.0.0.1", "localhost")
    page = person("en-GB")
    complaints: list[str] = []
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    page.goto(f"{running.product}/accounts/login/")
    fill_in_password(page, ADMIN)
    add_one(page, running)
    sign_out(page)
    page.locator("#passkey_login").click()
    expect(page).to_have_url(re.compile("/o/alpenglueck/profiles/"))
    sign_out(page)
    fill_in_password(page, ADMIN)
    page.locator("#passkey_authenticate").click()
    expect(page).to_have_url(re.compile("/o/alpenglueck/profiles/"))
    page.goto(f"{numbers}/accounts/login/")
    page.locator("#passkey_login").click()
    expect(page.locator("[data-passkey-problem]")).to_be_visible()
    assert complaints == [], "the Content-Security-Policy let all of it run"


def add_one(page: Page, running: Running) -> None:
    page.goto(f"{running.product}/account/settings/")
    page.locator("select[name=language]").select_option("en")
    page.get_by_role("button", name="Save").first.click()
    page.goto(f"{running.product}/accounts/second-factor/webauthn/add/")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    expect(page.locator("#codes li")).to_have_count(10)


def sign_out(page: Page) -> None:
    page.locator("header .menu summary").click()
    page.get_by_role("button", name=re.compile("Sign out|Abmelden")).click()
    expect(page.locator("input[name=login]")).to_be_visible()

"""Mastodon's dialect: servers that register whoever asks, and speak their people's language."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from tests.sandbox.clients import bearer
from tests.sandbox.driver import Browser, Practice, Query

ALPEN, NORDSEE = "alpen.social.example", "nordsee.social.example"
CALLBACK = "http://127.0.0.1:8000/oauth/mastodon/callback/alpen.social.example/"
SCOPES = "read:accounts write:statuses"


class Mastodon:
    """A client of one of the servers, registered there."""

    def __init__(self, practice: Practice, host: str = ALPEN) -> None:
        self.practice, self.host = practice, host
        form = {"client_name": "Test", "redirect_uris": CALLBACK, "scopes": SCOPES}
        self.app = practice.post(f"{host}/api/v1/apps", form).json()
        self.own = {name: self.app[name] for name in ("client_id", "client_secret")}

    def address(self, **more: str) -> str:
        query = {"response_type": "code", "scope": SCOPES, "redirect_uri": CALLBACK, "state": "s"}
        query["client_id"] = self.app["client_id"]
        return f"/{self.host}/oauth/authorize?{urlencode({**query, **more})}"

    def consent(self, person: str, **more: str) -> Query:
        browser = Browser(self.practice)
        try:
            browser.open(self.address(**more))
            return self.sign_in(browser, person) or browser.decide("allow")
        finally:
            browser.close()

    def sign_in(self, browser: Browser, person: str) -> Query:
        people = {one["id"]: one for one in self.practice.state("mastodon")["people"]}
        return browser.sign_in(people[person]["login"], people[person]["password"])

    def token(self, code: str, **more: str) -> requests.Response:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        return self.practice.post(f"{self.host}/oauth/token", {**form, **self.own, **more})

    def access(self, person: str, **more: str) -> str:
        body: dict[str, Any] = self.token(self.consent(person, **more)["code"]).json()
        return str(body["access_token"])

    def me(self, token: str) -> requests.Response:
        address = f"{self.host}/api/v1/accounts/verify_credentials"
        return self.practice.get(address, headers=bearer(token))


@pytest.fixture
def alpen(practice: Practice) -> Mastodon:
    return Mastodon(practice)


def test_a_person_signs_in_consents_and_is_known(alpen: Mastodon) -> None:
    account = alpen.me(alpen.access("anna")).json()
    assert account["id"] == "109300000000000001"
    assert account["url"] == f"https://{ALPEN}/@alpenglueck"


def test_each_server_has_numbers_apps_and_people_of_its_own(
    alpen: Mastodon, practice: Practice
) -> None:
    nordsee = Mastodon(practice, NORDSEE)
    nils = nordsee.access("nils")
    assert nordsee.me(nils).json()["id"] == alpen.me(alpen.access("anna")).json()["id"]
    assert alpen.me(nils).status_code == 401
    nordsee.app, nordsee.own = alpen.app, alpen.own
    assert nordsee.token("any").json()["error"] == "invalid_client"
    browser = Browser(practice)
    browser.open(alpen.address())
    alpen.sign_in(browser, "nils")
    assert browser.has("[role=alert]"), "nobody of that name is here"
    browser.close()


@pytest.mark.parametrize(
    ("person", "text"),
    [
        ("anna", "Der Zugriffs-Token wurde widerrufen"),
        ("ben", "The access token was revoked"),
    ],
)
@pytest.mark.parametrize("lever", ["revoke_app", "change_password"])
def test_a_revoked_token_is_told_in_the_language_of_the_account(
    alpen: Mastodon, person: str, text: str, lever: str
) -> None:
    token = alpen.access(person)
    alpen.practice.pull("mastodon", lever, person=person)
    answer = alpen.me(token)
    assert (answer.status_code, answer.json()) == (401, {"error": text})
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_a_blocked_login_is_refused_and_its_token_rests(alpen: Mastodon) -> None:
    token = alpen.access("anna")
    alpen.practice.pull("mastodon", "suspend", person="anna")
    assert alpen.me(token).json()["error"] == "Your login is currently disabled"
    alpen.practice.pull("mastodon", "restore", person="anna")
    assert alpen.me(token).status_code == 200


def test_the_same_scopes_bring_the_same_token_again(alpen: Mastodon) -> None:
    assert alpen.access("anna") == alpen.access("anna")
    assert alpen.access("anna") != alpen.access("anna", scope="read:accounts")


def test_force_login_asks_whoever_is_signed_in_once_more(alpen: Mastodon) -> None:
    browser = Browser(alpen.practice)
    browser.open(alpen.address())
    alpen.sign_in(browser, "anna")
    browser.open(alpen.address(force_login="true"))
    assert browser.has("input[name=password]")
    alpen.sign_in(browser, "ben")
    assert browser.text("#signed-in-as") == "Ben Maier"
    browser.close()


def test_a_code_needs_its_verifier_and_its_app(alpen: Mastodon, practice: Practice) -> None:
    code = alpen.consent("anna", code_challenge="x", code_challenge_method="plain")["code"]
    assert alpen.token(code).json()["error"] == "invalid_grant"
    other = Mastodon(practice)
    assert other.token(alpen.consent("anna")["code"]).json()["error"] == "invalid_grant"
    assert alpen.token("x", client_secret="no").status_code == 401


def test_a_scope_that_was_not_registered_cannot_be_asked_for(alpen: Mastodon) -> None:
    assert alpen.consent("anna", scope=SCOPES)["code"]
    browser = Browser(alpen.practice)
    assert browser.open(alpen.address(scope="write"))["error"] == "invalid_scope"
    browser.close()


def test_a_token_of_another_app_is_not_revoked(alpen: Mastodon, practice: Practice) -> None:
    token, other = alpen.access("anna"), Mastodon(practice)
    address = f"{ALPEN}/oauth/revoke"
    assert practice.post(address, {"token": token, **other.own}).status_code == 403
    assert alpen.me(token).status_code == 200
    assert practice.post(address, {"token": token, **alpen.own}).json() == {}
    assert alpen.me(token).status_code == 401


def test_a_budget_names_the_date_when_it_is_full_again(alpen: Mastodon) -> None:
    alpen.practice.pull("mastodon", "outage", mode="429")
    answer = alpen.me("any")
    assert answer.status_code == 429
    assert answer.headers["X-RateLimit-Reset"].endswith("Z")
    assert answer.headers["X-RateLimit-Remaining"] == "0"

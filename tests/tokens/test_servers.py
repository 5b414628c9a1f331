"""Networks of many servers, through our own pages and with servers to practise."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from accounts.models import AuditEvent
from networks.base import Reason
from profiles.models import Profile
from tests.practice import HOME, Browser
from tokens.models import Access, OAuthApp, Token

pytestmark = pytest.mark.django_db
ALPEN, NORDSEE = "alpen.social.example", "nordsee.social.example"


@pytest.fixture
def anna(browser: Any, world: Any) -> Browser:
    found: Browser = browser(world.anna, world.alpenglueck)
    return found


def reason(profile: Profile) -> Reason | None:
    return Access.objects.select_related("token").get(profile=profile).effective_reason()


def test_the_same_number_on_two_servers_is_two_profiles(anna: Browser) -> None:
    anna.add("mastodon", "anna", said=f"@alpenglueck@{ALPEN}")
    anna.add("mastodon", "nils", said=NORDSEE)
    found = Profile.objects.order_by("remote_id").values_list("remote_id", "name")
    assert [tuple(one) for one in found] == [
        (f"109300000000000001@{ALPEN}", "Alpenglück"),
        (f"109300000000000001@{NORDSEE}", "Nordwind"),
    ]
    assert {app.issuer for app in OAuthApp.objects.all()} == {
        f"https://{ALPEN}",
        f"https://{NORDSEE}",
    }


def test_a_server_registers_us_once_and_anew_when_it_forgot(anna: Browser, practice: Any) -> None:
    anna.add("mastodon", "anna", said=ALPEN)
    anna.add("mastodon", "ben", said=ALPEN)
    assert OAuthApp.objects.count() == 1
    practice.reset()
    anna.refresh(Profile.objects.get(name="Alpenglück"), "anna")
    forgotten, fresh = OAuthApp.objects.order_by("created_at")
    assert forgotten.issuer == fresh.issuer
    assert Token.objects.get(app=fresh).accesses.get().effective_reason() is None


def test_an_answer_at_another_servers_address_is_refused_before_its_code_is_shown(
    anna: Browser, practice: Any
) -> None:
    """A server that leads the browser on to another one must not be brought the other's code."""
    page = reverse("tokens:add_network", args=["alpenglueck", "mastodon"])
    visitor = practice.visitor("mastodon", "anna", ())
    back = visitor.travel(anna.leap(page, said=ALPEN), HOME)
    told = anna.come_back(back.replace(f"/callback/{ALPEN}/", f"/callback/{NORDSEE}/"))
    assert told.context["explanation"].title == "This sign-in cannot be finished here"
    assert AuditEvent.objects.filter(verb="mixed_up").exists()
    assert not Token.objects.exists()


def test_what_a_german_server_says_is_understood(anna: Browser, practice: Any, probe: Any) -> None:
    anna.add("mastodon", "anna", said=ALPEN)
    practice.pull("mastodon", "revoke_app", person="anna")
    probe("mastodon", times=2)
    assert reason(Profile.objects.get()) is Reason.REVOKED_BY_USER


def test_a_blocked_login_is_suspended_and_comes_back(
    anna: Browser, practice: Any, probe: Any
) -> None:
    anna.add("mastodon", "anna", said=ALPEN)
    practice.pull("mastodon", "suspend", person="anna")
    probe("mastodon", times=2)
    assert reason(Profile.objects.get()) is Reason.ACCOUNT_SUSPENDED
    practice.pull("mastodon", "restore", person="anna")
    probe("mastodon")
    assert reason(Profile.objects.get()) is None


@pytest.mark.parametrize("said", ["alpenglueck.bsky.social", "bergheim.bsky.social", "pds.example"])
def test_a_bluesky_account_is_found_from_a_handle_or_its_server(anna: Browser, said: str) -> None:
    person = "mia" if said.startswith("bergheim") else "anna"
    anna.add("bluesky", person, said=said)
    profile = Profile.objects.get()
    assert profile.remote_id.startswith("did:plc:")
    assert profile.name == ("bergheim" if person == "mia" else "alpenglueck") + ".bsky.social"
    assert Token.objects.get().open().keep["issuer"] == "https://bsky.social"


def test_a_bluesky_account_is_reconnected_by_its_did_and_by_nobody_else(
    anna: Browser, practice: Any, probe: Any
) -> None:
    anna.add("bluesky", "anna", said="alpenglueck.bsky.social")
    profile = Profile.objects.get()
    practice.pull("bluesky", "expire_access", person="anna")
    probe("bluesky")
    assert reason(profile) is None, "renewed, with its key"
    practice.pull("bluesky", "revoke_app", person="anna")
    probe("bluesky", times=2)
    assert reason(profile) is Reason.INVALID_TOKEN_UNSPECIFIED
    page = anna.refresh(profile, "mia")
    assert page.context["explanation"].title == "Another account came back"
    anna.refresh(profile, "anna")
    assert reason(profile) is None


def test_a_takedown_is_told_from_a_refused_token_by_a_second_question(
    anna: Browser, practice: Any, probe: Any
) -> None:
    anna.add("bluesky", "anna", said="alpenglueck.bsky.social")
    practice.pull("bluesky", "suspend", person="anna")
    probe("bluesky", times=2)
    assert reason(Profile.objects.get()) is Reason.ACCOUNT_SUSPENDED


@pytest.mark.parametrize("said", ["nowhere.example", "127.0.0.1", "localhost:8000"])
def test_a_server_that_is_none_is_said_where_it_was_typed(anna: Browser, said: str) -> None:
    page = anna.client.post("/o/alpenglueck/profiles/add/mastodon/", {"said": said})
    assert page.status_code == 200
    assert "no server of Mastodon" in page.context["form"].errors["said"][0]

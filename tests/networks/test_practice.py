"""The adapters against the practice networks, which were written from the same facts by others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.run import practice_hosts
from networks import http
from networks.base import (
    Client,
    Conversation,
    Grant,
    Health,
    Identity,
    Network,
    Reason,
    Refusal,
    Refused,
)
from networks.http import public_address
from networks.registry import NETWORKS
from sandbox.settings import Settings
from tests.sandbox.driver import Browser, Practice, free_port


@pytest.fixture
def practice(tmp_path: Path, settings: Any) -> Iterator[Practice]:
    world = Practice(Settings(port=free_port(), data=tmp_path / "practice"))
    world.start()
    settings.NETWORK_HOSTS = {
        host: f"http://localhost:{world.settings.port}/{host}" for host in practice_hosts()
    }
    yield world
    world.stop()


SERVER = "https://alpen.social.example"


def hold(network: Network, conversation: Conversation) -> Any:
    return http.hold(conversation, network.hosts_of(Client("", "", issuer=SERVER)))


def our_client(practice: Practice, network: Network, secret: str = "") -> Client:
    """Configured; or known by an address of ours; or fetched from the server itself."""
    callback = practice.callback(network.slug)
    client_id, key = network.client_at(practice.settings.product_url, "")
    if client_id:
        return Client(client_id, key, callback)
    if not network.client_slug(SERVER):
        client: Client = hold(network, network.register(SERVER, callback))
        return replace(client, client_secret=secret or client.client_secret)
    name = f"practice-{network.slug}"
    return Client(name, secret or f"{name}-secret", callback)


def allowed(
    practice: Practice,
    network: Network,
    person: str = "",
    without: tuple[str, ...] = (),
    chosen: dict[str, str] | None = None,
    client: Client | None = None,
) -> tuple[dict[str, str], Any]:
    """The person signs in and allows it; the callback's query and what was kept."""
    client = client or our_client(practice, network)
    people = practice.state(network.slug)["people"]
    who = next(one for one in people if person in ("", one["id"]))
    authorization = hold(network, network.authorize(client, "our-state", hint(network, who)))
    browser = Browser(practice)
    try:
        back = browser.open(public_address(authorization.url))
        back = back or browser.sign_in(who["login"], who["password"])
        back = back or browser.decide("allow", without, **(chosen or {}))
    finally:
        browser.close()
    return back, authorization.keep


def hint(network: Network, who: dict[str, str]) -> str:
    return who["login"] if network.slug == "bluesky" else ""


def connected(practice: Practice, network: Network, person: str = "") -> tuple[Grant, Identity]:
    client = our_client(practice, network)
    callback, keep = allowed(practice, network, person, client=client)
    assert callback["state"] == "our-state"
    grant = hold(network, network.exchange(client, callback, keep))
    return grant, hold(network, network.identify(client, grant))


def probed(practice: Practice, network: Network, grant: Grant, subject: str) -> Any:
    """Some while later: right after a token's issue a network may not be asked at all."""
    soon = datetime.now(UTC) + timedelta(minutes=30)
    grant = replace(grant, expires_at=min(grant.expires_at or soon, soon))
    return hold(network, network.probe(prober(practice, network), grant, subject))


def prober(practice: Practice, network: Network) -> Client:
    """Who asks with a token: where each server registers us, no probe needs more than its name."""
    if network.slug in ("mastodon", "bluesky"):
        return Client("", "", issuer=SERVER)
    return our_client(practice, network)


every_network = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
META = ("facebook", "instagram", "threads")
KEEPS_REFRESH_TOKEN = {"linkedin", "youtube", "google-business"}
OUTLIVES_PASSWORD = {"youtube", "google-business"}
dated = pytest.mark.parametrize("slug", ["linkedin", "pinterest", "tiktok"])
refreshing = pytest.mark.parametrize(
    "slug", ["linkedin", "pinterest", "tiktok", "youtube", "google-business", "x", "bluesky"]
)


@every_network
def test_a_person_connects_and_the_token_is_alive(practice: Practice, network: Network) -> None:
    grant, identity = connected(practice, network)
    assert probed(practice, network, grant, identity.subject).health is Health.ALIVE
    found = hold(network, network.reach(prober(practice, network), grant, identity))
    assert found
    assert {one.remote_id for one in found if one.is_login} <= {identity.subject}


@every_network
def test_a_changed_password_ends_it_in_the_networks_own_words(
    practice: Practice, network: Network
) -> None:
    if network.slug == "bluesky":  # a new password ends no authorization there
        pytest.skip("tests/networks/test_bluesky.py")
    grant, identity = connected(practice, network)
    person = practice.state(network.slug)["people"][0]["id"]
    practice.pull(network.slug, "change_password", person=person)

    verdict = probed(practice, network, grant, identity.subject)
    if verdict.renewable:
        verdict = hold(network, network.refresh(our_client(practice, network), grant))
    if network.slug in OUTLIVES_PASSWORD:
        assert verdict.health is Health.ALIVE
        return
    expected = Reason.INVALID_TOKEN_UNSPECIFIED
    if network.slug in ("linkedin", "mastodon"):
        expected = Reason.REVOKED_BY_USER
    if network.slug in META:
        expected = Reason.PASSWORD_CHANGED
    assert (verdict.health, verdict.reason) == (Health.DEAD, expected)


@every_network
@pytest.mark.parametrize("mode", ["5xx", "429", "garbage"])
def test_an_outage_is_unclear_and_over_when_it_is_over(
    practice: Practice, network: Network, mode: str
) -> None:
    grant, identity = connected(practice, network)
    practice.pull(network.slug, "outage", mode=mode)
    assert probed(practice, network, grant, identity.subject).health is Health.UNCLEAR
    practice.pull(network.slug, "recover")
    assert probed(practice, network, grant, identity.subject).health is Health.ALIVE


@refreshing
def test_an_ended_access_token_is_renewed(practice: Practice, slug: str) -> None:
    network = NETWORKS[slug]
    grant, identity = connected(practice, network)
    person = practice.state(slug)["people"][0]["id"]
    practice.pull(slug, "expire_access", person=person)
    verdict = probed(practice, network, grant, identity.subject)
    assert verdict.health is Health.DEAD
    assert verdict.renewable

    renewed = hold(network, network.refresh(our_client(practice, network), grant))

    assert isinstance(renewed, Grant)
    assert renewed.refresh_token
    assert renewed.scopes
    assert probed(practice, network, renewed, identity.subject).health is Health.ALIVE
    assert (renewed.refresh_token == grant.refresh_token) is (slug in KEEPS_REFRESH_TOKEN)


@refreshing
def test_an_ended_refresh_token_is_dead(practice: Practice, slug: str) -> None:
    network = NETWORKS[slug]
    grant, _ = connected(practice, network)
    person = practice.state(slug)["people"][0]["id"]
    practice.pull(slug, "expire_access", person=person)
    practice.pull(slug, "expire_refresh", person=person)
    verdict = hold(network, network.refresh(our_client(practice, network), grant))
    expected = Reason.EXPIRED if slug == "bluesky" else Reason.INVALID_TOKEN_UNSPECIFIED
    assert (verdict.health, verdict.reason) == (Health.DEAD, expected)


@dated
def test_clocks_are_those_of_the_answer(practice: Practice, slug: str) -> None:
    grant, _ = connected(practice, NETWORKS[slug])
    now = datetime.now(UTC)
    assert grant.expires_at is not None
    assert grant.expires_at > now
    assert grant.refresh_expires_at is not None
    assert timedelta(days=30) < grant.refresh_expires_at - now < timedelta(days=366)


@every_network
def test_a_wrong_secret_is_the_operators_trouble(practice: Practice, network: Network) -> None:
    wrong = our_client(practice, network, secret="wrong")
    if not wrong.client_secret:
        pytest.skip("a client that is known by its address alone")
    with pytest.raises(Refused) as refused:
        if network.slug == "xing":
            hold(network, network.authorize(wrong, "our-state"))
        callback, keep = allowed(practice, network, client=wrong)
        hold(network, network.exchange(wrong, callback, keep))
    is_fetched = not network.client_slug(SERVER)  # and is fetched again
    expected = Refusal.CLIENT_FORGOTTEN if is_fetched else Refusal.APP_MISCONFIGURED
    assert refused.value.refusal is expected


@every_network
def test_a_code_is_spent_once(practice: Practice, network: Network) -> None:
    client = our_client(practice, network)
    callback, keep = allowed(practice, network, client=client)
    hold(network, network.exchange(client, callback, keep))
    with pytest.raises(Refused) as refused:
        hold(network, network.exchange(client, callback, keep))
    assert refused.value.refusal is Refusal.CODE_REFUSED


@every_network
def test_a_person_who_says_no_has_cancelled(practice: Practice, network: Network) -> None:
    client = our_client(practice, network)
    who = practice.state(network.slug)["people"][0]
    authorization = hold(network, network.authorize(client, "our-state", hint(network, who)))
    browser = Browser(practice)
    browser.open(public_address(authorization.url))
    browser.sign_in(who["login"], who["password"])
    callback = browser.decide("deny")
    browser.close()
    with pytest.raises(Refused) as refused:
        hold(network, network.exchange(client, callback, authorization.keep))
    assert refused.value.refusal is Refusal.CANCELLED


def test_a_scope_that_was_unticked_is_named(practice: Practice) -> None:
    network = NETWORKS["tiktok"]
    callback, keep = allowed(practice, network, without=("video.publish",))
    with pytest.raises(Refused) as refused:
        hold(network, network.exchange(our_client(practice, network), callback, keep))
    assert refused.value.missing == ("video.publish",)


def test_a_revocation_is_confirmed_and_ends_the_token(practice: Practice) -> None:
    slugs = "linkedin tiktok google-business x facebook instagram bluesky mastodon"
    for slug in slugs.split():
        network, client = NETWORKS[slug], our_client(practice, NETWORKS[slug])
        callback, keep = allowed(practice, network, client=client)
        grant = hold(network, network.exchange(client, callback, keep))
        identity = hold(network, network.identify(client, grant))
        assert hold(network, network.revoke(client, grant)) is True
        assert probed(practice, network, grant, identity.subject).health is Health.DEAD


def test_everybody_reaches_what_the_console_says(practice: Practice) -> None:
    network = NETWORKS["linkedin"]
    state = practice.state("linkedin")
    for person in state["people"]:
        grant, identity = connected(practice, network, person["id"])
        found = hold(network, network.reach(our_client(practice, network), grant, identity))
        pages = {one.remote_id for one in found if one.kind == "page" and not one.missing_role}
        listed = [one for one in state["profiles"] if person["id"] in one["admins"]]
        assert pages == {one["id"] for one in listed}
        assert {one["name"] for one in listed} <= {one.name for one in found}


def test_an_advertisers_login_is_refused_with_its_own_reason(practice: Practice) -> None:
    network = NETWORKS["tiktok"]
    callback, keep = allowed(practice, network, "ads")
    with pytest.raises(Refused) as refused:
        hold(network, network.exchange(our_client(practice, network), callback, keep))
    assert refused.value.refusal is Refusal.AD_ACCOUNT


@pytest.mark.parametrize(("person", "boards"), [("leer", 0), ("archiv", 600)])
def test_an_account_brings_all_its_boards(practice: Practice, person: str, boards: int) -> None:
    network = NETWORKS["pinterest"]
    grant, identity = connected(practice, network, person)
    found = hold(network, network.reach(our_client(practice, network), grant, identity))
    assert len(found) == 1 + boards


def test_a_lost_role_is_seen_and_the_other_pages_stay(practice: Practice) -> None:
    network = NETWORKS["linkedin"]
    grant, identity = connected(practice, network, "jonas")
    practice.pull("linkedin", "remove_role", person="jonas", profile="40010001")
    found = hold(network, network.reach(our_client(practice, network), grant, identity))
    held = [one.remote_id for one in found if one.kind == "page" and not one.missing_role]
    assert held == ["40010002"]


def test_a_login_with_two_channels_is_the_one_that_was_chosen(practice: Practice) -> None:
    network = NETWORKS["youtube"]
    first, second = (one["id"] for one in practice.state("youtube")["profiles"][:2])
    client = our_client(practice, network)
    grants = {}
    for channel in (first, second):
        callback, keep = allowed(practice, network, "anna", chosen={"channel": channel})
        grants[channel] = hold(network, network.exchange(client, callback, keep))
    for channel, grant in grants.items():
        identity = hold(network, network.identify(client, grant))
        found = hold(network, network.reach(client, grant, identity))
        assert [one.remote_id for one in found] == [identity.subject] == [channel]
        assert probed(practice, network, grant, channel).health is Health.ALIVE


def test_a_login_without_a_channel_has_nothing_to_look_after(practice: Practice) -> None:
    with pytest.raises(Refused) as refused:
        connected(practice, NETWORKS["youtube"], "ben")
    assert refused.value.refusal is Refusal.NOTHING_THERE


def test_a_channel_that_was_taken_away_is_reached_no_more(practice: Practice) -> None:
    network = NETWORKS["youtube"]
    grant, identity = connected(practice, network, "jonas")
    practice.pull("youtube", "remove_role", person="jonas", profile=identity.subject)
    assert hold(network, network.reach(our_client(practice, network), grant, identity)) == []


def test_locations_of_all_accounts_are_reached_with_the_role_there(practice: Practice) -> None:
    network = NETWORKS["google-business"]

    def reached(person: str) -> dict[str, tuple[str, str]]:
        grant, identity = connected(practice, network, person)
        found = hold(network, network.reach(our_client(practice, network), grant, identity))
        return {one.name: (one.role, one.missing_role) for one in found}

    assert reached("anna") == {
        "Alpenglück, Garmisch": ("PRIMARY_OWNER", ""),
        "Alpenglück Hotel, Mittenwald": ("OWNER", ""),
        "Alpenglück Hotel, Füssen": ("OWNER", ""),
        "Alpenglück Restaurant, Füssen": ("OWNER", ""),
    }
    assert set(reached("jonas").values()) == {("MANAGER", "")}
    assert set(reached("ben").values()) == {("SITE_MANAGER", "MANAGER")}
    assert reached("leer") == {}


def test_a_location_whose_role_was_taken_is_gone_and_the_others_stay(practice: Practice) -> None:
    network = NETWORKS["google-business"]
    grant, identity = connected(practice, network, "anna")
    lost = practice.state("google-business")["profiles"][1]["id"]
    practice.pull("google-business", "remove_role", person="anna", profile=lost)
    found = hold(network, network.reach(our_client(practice, network), grant, identity))
    assert len(found) == 3
    assert lost not in {one.remote_id for one in found}


def test_a_blocked_google_account_is_named_at_its_refresh(practice: Practice) -> None:
    network = NETWORKS["youtube"]
    grant, identity = connected(practice, network)
    practice.pull("youtube", "suspend", person="anna")
    assert probed(practice, network, grant, identity.subject).renewable
    verdict = hold(network, network.refresh(our_client(practice, network), grant))
    assert (verdict.health, verdict.reason) == (Health.DEAD, Reason.ACCOUNT_SUSPENDED)


def test_a_second_sign_in_at_x_ends_the_first(practice: Practice) -> None:
    network = NETWORKS["x"]
    first, identity = connected(practice, network)
    second, _ = connected(practice, network)
    assert probed(practice, network, first, identity.subject).health is Health.DEAD
    assert probed(practice, network, second, identity.subject).health is Health.ALIVE


def test_a_suspended_account_is_named_by_x(practice: Practice) -> None:
    network = NETWORKS["x"]
    grant, identity = connected(practice, network)
    practice.pull("x", "suspend", person="anna")
    verdict = probed(practice, network, grant, identity.subject)
    assert (verdict.health, verdict.reason) == (Health.DEAD, Reason.ACCOUNT_SUSPENDED)


def test_an_outage_of_one_of_two_that_share_their_hosts_is_its_own(practice: Practice) -> None:
    youtube, business = NETWORKS["youtube"], NETWORKS["google-business"]
    channel, location = connected(practice, youtube), connected(practice, business)
    practice.pull("google-business", "outage", mode="5xx")
    assert probed(practice, youtube, channel[0], channel[1].subject).health is Health.ALIVE
    assert (
        probed(practice, business, location[0], location[1].subject).reason is Reason.NETWORK_OUTAGE
    )

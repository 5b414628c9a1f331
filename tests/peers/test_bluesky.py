"""Bluesky against a real PDS, through our own pages and our own engine, with no fake in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from networks import dpop
from networks.base import Grant, Health, Reason, Verdict
from networks.http import hold
from networks.registry import NETWORKS
from profiles.models import Profile
from tests.peers.bluesky import OUR_HOME, Pds, Person, pds  # noqa: F401 - a fixture
from tests.people import World, sign_in
from tokens import probing
from tokens.conversations import Conversations
from tokens.models import Access, Token

HOME = "http://127.0.0.1:8000"
BLUESKY = NETWORKS["bluesky"]
OUR_KEY = dpop.new_key()
NUMBERS = count(1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def somebody(pds: Pds, settings: Any) -> Callable[[], Person]:  # noqa: F811
    """`somebody()`: an account of its own, at a PDS that we know as we would know any."""
    settings.BASE_URL = HOME
    settings.OAUTH_CLIENTS = {"bluesky": BLUESKY.client_at(HOME, "")}
    settings.CONFIRM_AFTER = 0
    settings.NETWORK_HOSTS = {}

    def new() -> Person:
        person = Person(pds, f"somebody-{next(NUMBERS)}.test")
        settings.NETWORK_HOSTS = {**settings.NETWORK_HOSTS, **pds.hosts(person.handle)}
        return person

    return new


@pytest.fixture
def person(somebody: Callable[[], Person]) -> Person:
    return somebody()


@pytest.fixture
def mara(world: World) -> Client:
    return sign_in(Client(), world.mara)


@pytest.fixture
def profile(mara: Client, person: Person) -> Profile:
    assert added(mara, person, person.handle).status_code == 302
    return Profile.objects.get(remote_id=person.did)


@pytest.fixture
def in_production(settings: Any) -> None:
    """With an address and a key: the PDS reads our document, and holds us to it."""
    settings.BASE_URL = OUR_HOME
    settings.ALLOWED_HOSTS = [OUR_HOME.removeprefix("https://"), "testserver"]
    settings.OAUTH_CLIENTS = {"bluesky": BLUESKY.client_at(OUR_HOME, OUR_KEY)}


def leap(client: Client, page: str, **fields: str) -> str:
    answer = client.post(page, fields)
    assert answer.status_code == 302, answer.content.decode()[:3000]
    return str(answer["Location"])


def come_back(client: Client, address: str) -> Any:
    """Our callback, or the page that says what went wrong."""
    answer = client.get(address.removeprefix(HOME).removeprefix(OUR_HOME))
    gone_wrong = "/outcome/" in answer.headers.get("Location", "")
    return client.get(answer["Location"]) if gone_wrong else answer


def added(client: Client, person: Person, said: str, decision: str = "consent") -> Any:
    page = reverse("tokens:add_network", args=["alpenglueck", "bluesky"])
    return come_back(client, person.consent(leap(client, page, said=said), decision))


def reconnected(client: Client, profile: Profile, person: Person) -> Any:
    page = reverse("tokens:refresh", args=["alpenglueck", profile.pk])
    return come_back(client, person.consent(leap(client, page)))


def asked(times: int = 1) -> None:
    """Every token, as the worker would."""
    with Conversations() as talk:
        for _ in range(times):
            Token.objects.update(next_probe_at=timezone.now(), listed_at=None)
            probing.probe_due("bluesky", talk)


def held(conversation: Any) -> Any:
    token = Token.objects.select_related("app", "data_key").get()
    client = token.app.client
    assert client is not None
    return hold(conversation(client, token.open()), BLUESKY.hosts_of(client))


def refreshed() -> Grant | Verdict:
    """By hand, and not written down."""
    result: Grant | Verdict = held(BLUESKY.refresh)
    return result


def reason(profile: Profile) -> Reason | None:
    return Access.objects.select_related("token").get(profile=profile).effective_reason()


def test_a_handle_leads_to_its_server_and_the_account_is_connected_by_its_did(
    profile: Profile, person: Person
) -> None:
    assert (profile.name, profile.kind_slug) == (person.handle, "account")
    token = Token.objects.get()
    assert token.subject == person.did
    assert set(token.scopes) == {"atproto", "transition:generic"}
    assert token.expires_at is not None
    assert timedelta(minutes=50) < token.expires_at - timezone.now() < timedelta(minutes=61)


@pytest.mark.parametrize("said", ["did", "@handle", "https://pds.example", "pds.example"])
def test_a_did_or_a_server_will_do_as_well(mara: Client, person: Person, said: str) -> None:
    words = {"did": person.did, "@handle": f"@{person.handle} "}
    added(mara, person, words.get(said, said))
    assert Profile.objects.get().remote_id == person.did


def test_in_production_the_server_reads_who_we_are_and_takes_our_signature(
    mara: Client, person: Person, in_production: None
) -> None:
    assert added(mara, person, person.handle).status_code == 302
    token = Token.objects.get()
    assert token.reauthorize_by is not None
    assert token.reauthorize_by - timezone.now() > timedelta(days=80), "a public client has 14"
    new = refreshed()
    assert isinstance(new, Grant)
    assert alone(BLUESKY.revoke, new) is True


def test_a_signature_by_another_key_is_the_operators_trouble(
    mara: Client, person: Person, in_production: None, settings: Any
) -> None:
    added(mara, person, person.handle)
    address = BLUESKY.client_at(OUR_HOME, dpop.new_key())
    settings.OAUTH_CLIENTS = {"bluesky": address}
    verdict = refreshed()
    assert isinstance(verdict, Verdict)
    assert (verdict.health, verdict.reason) == (Health.UNCLEAR, Reason.APP_DISABLED)


def test_a_handle_that_nobody_has_is_refused_beside_the_field(
    mara: Client, person: Person, settings: Any
) -> None:
    settings.NETWORK_HOSTS["nobody.test"] = settings.NETWORK_HOSTS[person.handle]
    page = reverse("tokens:add_network", args=["alpenglueck", "bluesky"])
    answer = mara.post(page, {"said": "nobody.test"})
    assert "Check the spelling" in answer.content.decode()


def test_who_says_no_has_cancelled(mara: Client, person: Person) -> None:
    answer = added(mara, person, person.handle, "reject")
    assert "You cancelled" in answer.content.decode()
    assert not Token.objects.exists()


def test_another_account_than_was_named_is_not_taken(
    mara: Client, somebody: Callable[[], Person]
) -> None:
    named, came = somebody(), somebody()
    answer = added(mara, came, named.handle)
    assert "Another account came back" in answer.content.decode()
    assert not Token.objects.exists()


def test_the_account_lives_and_a_probe_says_so(profile: Profile) -> None:
    asked()
    assert reason(profile) is None
    assert Token.objects.get().probed_at is not None


def test_a_refresh_renews_both_tokens_once_and_a_second_use_ends_it_all(profile: Profile) -> None:
    old = held(lambda client, grant: kept(grant))
    new = refreshed()
    assert isinstance(new, Grant)
    assert new.refresh_token not in ("", old.refresh_token)
    assert new.access_token != old.access_token
    assert dict(new.keep) == dict(old.keep)
    again = refreshed()
    assert isinstance(again, Verdict)
    assert (again.health, again.reason) == (Health.DEAD, Reason.INVALID_TOKEN_UNSPECIFIED)
    assert isinstance(alone(BLUESKY.refresh, new), Verdict)


def kept(grant: Grant) -> Iterator[Any]:
    """A conversation of no words, for what is stored."""
    return grant  # type: ignore[return-value]
    yield


def alone(verb: Any, grant: Grant) -> Any:
    return held(lambda client, _: verb(client, grant))


def test_an_ended_access_token_is_renewed_by_the_engine(profile: Profile) -> None:
    before = bytes(Token.objects.get().access_token)
    Token.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    asked()
    assert reason(profile) is None
    assert bytes(Token.objects.get().access_token) != before


def test_an_account_that_was_taken_down_is_suspended_and_needs_a_person_afterwards(
    profile: Profile, person: Person, mara: Client
) -> None:
    person.take_down()
    asked(2)
    assert reason(profile) is Reason.ACCOUNT_SUSPENDED
    person.take_down(applied=False)
    asked(2)
    assert reason(profile) is not None, "its tokens are gone for good"
    assert reconnected(mara, profile, person).status_code == 302
    assert reason(profile) is None


def test_a_deactivated_account_is_suspended_and_comes_back_by_itself(
    profile: Profile, person: Person
) -> None:
    person.deactivate()
    asked(2)
    assert reason(profile) is Reason.ACCOUNT_SUSPENDED
    person.deactivate(active=True)
    asked()
    assert reason(profile) is None


def test_a_deactivated_account_is_not_connected(mara: Client, person: Person) -> None:
    person.deactivate()
    answer = added(mara, person, person.did)
    assert "nothing to look after" in answer.content.decode()


def test_a_deleted_account_is_suspended(profile: Profile, person: Person) -> None:
    person.delete()
    asked(2)
    assert reason(profile) is Reason.ACCOUNT_SUSPENDED


def test_what_a_person_takes_back_is_dead_until_she_grants_it_again(
    profile: Profile, person: Person, mara: Client
) -> None:
    person.taken_back()
    asked(2)
    assert reason(profile) is Reason.INVALID_TOKEN_UNSPECIFIED
    assert reconnected(mara, profile, person).status_code == 302
    asked()
    assert reason(profile) is None
    assert Token.objects.get().subject == person.did


def test_a_profile_is_not_reconnected_by_another_account(
    profile: Profile, somebody: Callable[[], Person], mara: Client
) -> None:
    answer = reconnected(mara, profile, somebody())
    assert "Another account came back" in answer.content.decode()
    assert Token.objects.get().subject == profile.remote_id


def test_a_revocation_is_confirmed_and_ends_both_tokens(profile: Profile) -> None:
    assert held(BLUESKY.revoke) is True
    assert isinstance(refreshed(), Verdict)
    asked(2)
    assert reason(profile) is Reason.INVALID_TOKEN_UNSPECIFIED


def test_a_pds_that_is_down_is_an_outage(profile: Profile, settings: Any) -> None:
    nowhere = dict.fromkeys(settings.NETWORK_HOSTS, "http://localhost:9")
    settings.NETWORK_HOSTS = nowhere
    asked(2)
    assert reason(profile) is None

"""Single sign-on against a real OpenID provider, by its own pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.test import Client
from django.urls import reverse

from accounts import members
from accounts.actor import Actor
from accounts.models import AuditEvent, Membership, Organization, Role, SingleSignOn, User
from config.visitor import Visitor, query_of
from tests.openid import reader
from tests.peers.conftest import Peer, leap, sign_in, travel
from tests.people import World, person
from tests.people import sign_in as sign_in_with_password

TurnOn = Callable[[Organization, Peer], SingleSignOn]


@pytest.fixture
def client() -> Client:
    return reader()


@pytest.fixture
def peer(world: World, turn_on: TurnOn, alpenglueck_peer: Peer) -> Peer:
    turn_on(world.alpenglueck, alpenglueck_peer)
    return alpenglueck_peer


def profiles(slug: str = "alpenglueck") -> str:
    return reverse("tokens:profile_list", args=[slug])


def status(client: Client, address: str) -> int:
    return client.get(address).status_code


def test_a_member_comes_in_by_her_organizations_provider(
    client: Client, world: World, peer: Peer
) -> None:
    peer.know("m-4711", world.mara.email)
    answer = sign_in(client, "m-4711", "alpenglueck")
    assert answer["Location"] == profiles()
    page = client.get(profiles())
    assert page.status_code == 200 and page.context["user"] == world.mara
    login = SocialAccount.objects.get()
    assert (login.user, login.uid, login.extra_data) == (world.mara, "m-4711", {})
    assert not SocialApp.objects.exists() and not SocialToken.objects.exists()
    assert AuditEvent.objects.get(verb="signed_in_by_provider").actor_id == str(world.mara.pk)


def test_the_second_time_the_subject_counts_and_not_the_address(
    client: Client, world: World, peer: Peer
) -> None:
    peer.know("m-4711", world.mara.email)
    sign_in(client, "m-4711", "alpenglueck")
    peer.know("m-4711", world.anna.email)
    again = reader()
    sign_in(again, "m-4711", "alpenglueck")
    assert again.get(profiles()).context["user"] == world.mara


def test_an_address_that_went_to_somebody_else_does_not_bring_her_in(
    client: Client, world: World, peer: Peer
) -> None:
    peer.know("m-4711", world.mara.email)
    sign_in(client, "m-4711", "alpenglueck")
    peer.know("n-4712", world.mara.email)
    answer = sign_in(reader(), "n-4712", "alpenglueck")
    assert answer.status_code == 403 and b"already connected" in answer.content


def test_a_stranger_is_told_to_ask_for_an_invitation(
    client: Client, world: World, peer: Peer
) -> None:
    people = User.objects.count()
    peer.know("s-1", "stranger@nowhere.example")
    answer = sign_in(client, "s-1", "alpenglueck")
    assert answer.status_code == 403 and b"invitation" in answer.content
    assert status(client, profiles()) == 302
    assert User.objects.count() == people and not SocialAccount.objects.exists()


@pytest.mark.parametrize("verified", [False, "true", None])
def test_an_address_that_the_provider_does_not_vouch_for_is_no_address(
    client: Client, world: World, peer: Peer, verified: Any
) -> None:
    peer.know("m-4711", world.mara.email, verified=verified)
    answer = sign_in(client, "m-4711", "alpenglueck")
    assert answer.status_code == 403 and b"email_verified" in answer.content
    assert status(client, profiles()) == 302


def test_an_address_that_the_member_has_not_confirmed_is_not_hers(
    client: Client, world: World, peer: Peer
) -> None:
    EmailAddress.objects.filter(user=world.mara).update(verified=False)
    peer.know("m-4711", world.mara.email)
    assert sign_in(client, "m-4711", "alpenglueck").status_code == 403


def test_who_is_removed_is_out_at_once_and_stays_out(
    client: Client, world: World, peer: Peer
) -> None:
    peer.know("m-4711", world.mara.email)
    sign_in(client, "m-4711", "alpenglueck")
    membership = world.alpenglueck.memberships.get(user=world.mara)
    members.remove(membership, by=Actor(world.anna))
    assert status(client, profiles()) == 404
    assert sign_in(reader(), "m-4711", "alpenglueck").status_code == 403
    assert not SocialAccount.objects.exists()


def test_a_closed_account_does_not_come_in(client: Client, world: World, peer: Peer) -> None:
    peer.know("m-4711", world.mara.email)
    sign_in(client, "m-4711", "alpenglueck")
    User.objects.filter(pk=world.mara.pk).update(is_active=False)
    assert sign_in(reader(), "m-4711", "alpenglueck").status_code == 403


def test_the_session_of_one_provider_does_not_open_another_organization(
    client: Client, world: World, peer: Peer, turn_on: TurnOn, nordwind_peer: Peer
) -> None:
    turn_on(world.nordwind, nordwind_peer)
    Membership.objects.create(organization=world.nordwind, user=world.mara, role=Role.ADMIN)
    peer.know("m-4711", world.mara.email)
    nordwind_peer.know("m-4711", world.mara.email)
    sign_in(client, "m-4711", "alpenglueck")
    assert (status(client, profiles()), status(client, profiles("nordwind"))) == (200, 404)
    other = reader()
    sign_in(other, "m-4711", "nordwind")
    assert (status(other, profiles()), status(other, profiles("nordwind"))) == (404, 200)
    both = sign_in_with_password(reader(), world.mara)
    assert (status(both, profiles()), status(both, profiles("nordwind"))) == (200, 200)


def test_a_provider_that_names_a_neighbours_admin_gets_nothing(
    client: Client, world: World, peer: Peer
) -> None:
    peer.know("evil", world.nils.email)
    assert sign_in(client, "evil", "alpenglueck").status_code == 403
    assert status(client, profiles("nordwind")) == status(client, profiles()) == 302


def test_a_provider_never_opens_the_account_of_a_member_of_both(
    client: Client, world: World, peer: Peer
) -> None:
    """The worst that an admin can do with his provider: be his own colleagues, in his house."""
    Membership.objects.create(organization=world.alpenglueck, user=world.nils)
    peer.know("evil", world.nils.email)
    sign_in(client, "evil", "alpenglueck")
    assert (status(client, profiles()), status(client, profiles("nordwind"))) == (200, 404)
    for name in ("accounts:settings", "accounts:sessions", "account_email", "mfa_index"):
        assert status(client, reverse(name)) == 403


def test_it_stands_in_for_the_second_factor_that_the_organization_requires(
    client: Client, world: World, peer: Peer
) -> None:
    world.alpenglueck.requires_second_factor = True
    world.alpenglueck.save()
    peer.know("m-4711", world.mara.email)
    sign_in(client, "m-4711", "alpenglueck")
    assert status(client, profiles()) == 200


def test_a_session_with_a_password_ends_where_one_by_a_provider_begins(
    client: Client, world: World, peer: Peer
) -> None:
    peer.know("m-4711", world.mara.email)
    address = travel(client, "m-4711", "alpenglueck")
    states = client.session["socialaccount_states"]
    sign_in_with_password(client, world.otto)
    moved = client.session
    moved["socialaccount_states"] = states
    moved["kept_input"] = "what Otto typed"
    moved.save()
    client.get(address)
    assert client.get(profiles()).context["user"] == world.mara
    assert "kept_input" not in client.session


def test_a_callback_that_another_browser_began_is_refused(
    client: Client, world: World, peer: Peer
) -> None:
    peer.know("evil", world.mara.email)
    address = travel(reader(), "evil", "alpenglueck")
    answer = client.get(address)
    assert answer.status_code == 400 and b"did not begin here" in answer.content
    assert status(client, profiles()) == 302


def test_a_callback_counts_once(client: Client, world: World, peer: Peer) -> None:
    peer.know("m-4711", world.mara.email)
    address = travel(client, "m-4711", "alpenglueck")
    assert client.get(address).status_code == 302
    assert client.get(address).status_code == 400


def test_the_answer_of_one_provider_is_not_taken_for_anothers(
    client: Client, world: World, peer: Peer, turn_on: TurnOn, nordwind_peer: Peer
) -> None:
    turn_on(world.nordwind, nordwind_peer)
    peer.know("n", world.nils.email)
    nordwind_peer.know("n", world.nils.email)
    theirs = query_of(travel(client, "n", "alpenglueck"))
    ours = query_of(leap(client, "nordwind")["Location"])
    callback = reverse("accounts:single_sign_on_callback", args=["nordwind"])
    mixed = {
        "their state": theirs,
        "their code": theirs | {"state": ours["state"]},
        "no sender": {"code": theirs["code"], "state": ours["state"]},
    }
    for what, query in mixed.items():
        assert client.get(callback, query).status_code == 400, what
    assert status(client, profiles("nordwind")) == 302


def test_who_says_no_at_the_provider_is_told_that_nothing_happened(
    client: Client, world: World, peer: Peer
) -> None:
    state = query_of(leap(client, "alpenglueck")["Location"])["state"]
    callback = reverse("accounts:single_sign_on_callback", args=["alpenglueck"])
    query = {"error": "access_denied", "state": state, "iss": peer.issuer}
    answer = client.get(callback, query)
    assert answer.status_code == 400 and b"You did not sign in" in answer.content


def test_a_provider_that_is_down_leaves_a_clear_page(
    client: Client, world: World, start: Callable[[str], Peer], turn_on: TurnOn
) -> None:
    peer = start("alpenglueck")
    turn_on(world.alpenglueck, peer)
    peer.know("m-4711", world.mara.email)
    address = travel(client, "m-4711", "alpenglueck")
    peer.stop()
    for answer in (client.get(address), leap(client, "alpenglueck")):
        assert answer.status_code == 400 and b"Try again in a few minutes" in answer.content
    assert status(client, profiles()) == 302


def test_switched_off_its_sessions_open_nothing(client: Client, world: World, peer: Peer) -> None:
    peer.know("a-1", world.anna.email)
    sign_in(client, "a-1", "alpenglueck")
    page = reverse("accounts:security_single_sign_on", args=["alpenglueck"])
    assert client.post(page, {"off": "yes"}).status_code == 302
    assert status(client, profiles()) == 404
    assert b"opens nothing any more" in client.get("/").content
    assert not SocialAccount.objects.exists()


def test_an_admin_sets_it_up_and_the_provider_is_asked_first(
    client: Client, world: World, alpenglueck_peer: Peer, settings: Any
) -> None:
    sign_in_with_password(client, world.anna)
    page = reverse("accounts:security_single_sign_on", args=["alpenglueck"])
    sent = {"issuer": alpenglueck_peer.issuer, "client_id": "tokenwacht"}
    assert client.post(page, sent).status_code == 422, "plain HTTP at no host that is named"
    settings.SINGLE_SIGN_ON_HOSTS = [alpenglueck_peer.place]
    wrong = sent | {"issuer": alpenglueck_peer.issuer + "/"}
    assert alpenglueck_peer.issuer in client.post(page, wrong).content.decode()
    assert not SingleSignOn.objects.exists()
    assert client.post(page, sent).status_code == 302
    assert SingleSignOn.objects.get().issuer == alpenglueck_peer.issuer
    alpenglueck_peer.know("m", world.mara.email)
    assert sign_in(reader(), "m", "alpenglueck").status_code == 302


def test_before_a_sensitive_act_the_provider_asks_the_person_again(
    client: Client, world: World, peer: Peer, settings: Any
) -> None:
    peer.know("a-1", world.anna.email)
    visitor = Visitor("a-1", "any")
    client.get(travel(client, "a-1", "alpenglueck", visitor=visitor))
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0
    page = reverse("accounts:security_second_factor", args=["alpenglueck"])
    ask = client.get(page)["Location"]
    assert ask.startswith(reverse("accounts:single_sign_on"))
    assert "sign in once more" in client.get(ask).content.decode()
    asked = client.post(ask)["Location"]
    # A provider that answers by the session it has, without asking anybody, is not believed.
    peers_own = dict(query_of(asked))
    assert (peers_own["prompt"], peers_own["max_age"]) == ("login", "0")
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
    back = client.get(visitor.travel(asked, "http://testserver"))
    assert back["Location"] == page
    assert client.get(page).status_code == 200


def test_any_address_counts_that_the_member_has_confirmed_in_whatever_case(
    client: Client, world: World, peer: Peer
) -> None:
    """A member by another confirmed address of hers."""
    lena = person("Lena Later", world.alpenglueck)
    EmailAddress.objects.create(user=lena, email="l.later@corp.example", verified=True)
    peer.know("l", "L.Later@corp.example")
    sign_in(client, "l", "alpenglueck")
    assert client.get(profiles()).context["user"] == lena

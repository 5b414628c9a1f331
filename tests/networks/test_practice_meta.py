"""Meta's adapters against Meta's practice networks, in the stories that no other network has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from networks.base import Client, Grant, Health, Identity, Network, Reason, Refusal, Refused
from networks.http import public_address
from networks.registry import NETWORKS
from tests.networks.test_practice import hold, our_client, practice, probed
from tests.sandbox.driver import Browser, Practice

__all__ = ["practice"]  # the fixture

FACEBOOK, INSTAGRAM = NETWORKS["facebook"], NETWORKS["instagram"]
ALPENGLUECK, KARRIERE = "101010000000001", "101010000000002"
ACCOUNT = "17841400000000001"


def client_by_facebook(practice: Practice) -> Client:
    client = our_client(practice, FACEBOOK)
    callback = practice.callback("instagram")
    return replace(client, redirect_uri=callback, issuer="https://www.facebook.com")


def connected(
    practice: Practice, network: Network, client: Client, person: str, without: tuple[str, ...] = ()
) -> tuple[Grant, Identity]:
    authorization = hold(network, network.authorize(client, "our-state"))
    browser = Browser(practice)
    browser.open(public_address(authorization.url))
    domain = "nordwind" if person == "nils" else "practice" if person == "leer" else "alpenglueck"
    browser.sign_in(f"{person}@{domain}.example", f"{person}-facebook")
    callback = browser.decide("allow", without)
    browser.close()
    grant: Grant = hold(network, network.exchange(client, callback, authorization.keep))
    return grant, hold(network, network.identify(client, grant))


def on_facebook(practice: Practice, person: str, **more: Any) -> tuple[Grant, Identity]:
    return connected(practice, FACEBOOK, our_client(practice, FACEBOOK), person, **more)


def reached(practice: Practice, grant: Grant, identity: Identity) -> dict[str, Any]:
    client = our_client(practice, FACEBOOK)
    return {one.remote_id: one for one in hold(FACEBOOK, FACEBOOK.reach(client, grant, identity))}


def test_pages_stay_connected_when_their_persons_token_has_ended(practice: Practice) -> None:
    grant, identity = on_facebook(practice, "jonas")
    assert grant.expires_at is None
    before = reached(practice, grant, identity)
    practice.pull("facebook", "expire_access", person="jonas")

    verdict = probed(practice, FACEBOOK, grant, identity.subject)

    assert verdict.health is Health.ALIVE
    assert set(FACEBOOK.required_scopes) <= set(verdict.scopes or ())
    assert hold(FACEBOOK, FACEBOOK.identify(our_client(practice, FACEBOOK), grant)) == identity
    assert reached(practice, grant, identity) == before
    practice.pull("facebook", "remove_role", person="jonas", profile=ALPENGLUECK)
    assert reached(practice, grant, identity).keys() == {KARRIERE}
    practice.pull("facebook", "revoke_app", person="jonas")
    verdict = probed(practice, FACEBOOK, grant, identity.subject)
    assert verdict.reason is Reason.REVOKED_BY_USER


def test_a_lost_role_is_seen_and_the_other_page_stays(practice: Practice) -> None:
    grant, identity = on_facebook(practice, "jonas")
    practice.pull("facebook", "remove_role", person="jonas", profile=ALPENGLUECK)
    assert reached(practice, grant, identity).keys() == {KARRIERE}


def test_who_may_only_moderate_sees_the_page_and_cannot_connect_it(practice: Practice) -> None:
    (page,) = reached(practice, *on_facebook(practice, "ben")).values()
    assert (page.missing_role, page.role.split()[0]) == ("CREATE_CONTENT", "MODERATE")


def test_a_person_without_pages_is_told_so(practice: Practice) -> None:
    with pytest.raises(Refused) as refused:
        on_facebook(practice, "leer")
    assert refused.value.refusal is Refusal.NOTHING_THERE


def test_a_scope_that_was_unticked_is_named(practice: Practice) -> None:
    with pytest.raises(Refused) as refused:
        on_facebook(practice, "anna", without=("pages_manage_posts",))
    assert refused.value.missing == ("pages_manage_posts",)


def test_a_checkpoint_is_suspended_until_it_is_over(practice: Practice) -> None:
    grant, identity = on_facebook(practice, "anna")
    practice.pull("facebook", "suspend", person="anna")
    verdict = probed(practice, FACEBOOK, grant, identity.subject)
    assert verdict.reason is Reason.ACCOUNT_SUSPENDED
    practice.pull("facebook", "restore", person="anna")
    verdict = probed(practice, FACEBOOK, grant, identity.subject)
    assert verdict.health is Health.ALIVE


def test_many_are_asked_about_at_once_and_each_answers_for_itself(practice: Practice) -> None:
    client = our_client(practice, FACEBOOK)
    found = {person: on_facebook(practice, person) for person in ("anna", "ben", "jonas", "nils")}
    tokens = [(grant, identity.subject) for grant, identity in found.values()]
    practice.pull("facebook", "change_password", person="ben")
    practice.pull("facebook", "suspend", person="jonas")
    practice.pull("facebook", "expire_access", person="nils")
    anna, ben, jonas, nils = hold(FACEBOOK, FACEBOOK.probe_batch(client, tokens))
    assert anna.health is Health.ALIVE
    assert ben.reason is Reason.PASSWORD_CHANGED
    assert jonas is None, "it failed on its own, and is asked about alone"
    assert nils is None, "its pages are to be asked"


def test_another_apps_secret_kills_nobody(practice: Practice) -> None:
    grant, identity = on_facebook(practice, "anna")
    wrong = our_client(practice, FACEBOOK, secret="wrong")
    own = Client("practice-facebook-own", "practice-facebook-own-secret")
    for client in (wrong, own):
        verdict = hold(FACEBOOK, FACEBOOK.probe(client, grant, identity.subject))
        assert verdict.reason is Reason.APP_DISABLED


def test_instagram_by_facebook_finds_the_account_behind_the_page(practice: Practice) -> None:
    client = client_by_facebook(practice)
    grant, identity = connected(practice, INSTAGRAM, client, "anna")
    (account,) = hold(INSTAGRAM, INSTAGRAM.reach(client, grant, identity))
    assert (account.kind, account.remote_id, account.missing_role) == ("account", ACCOUNT, "")
    assert set(INSTAGRAM.required_scopes) <= set(grant.scopes)
    verdict = hold(INSTAGRAM, INSTAGRAM.probe(client, grant, identity.subject))
    assert set(INSTAGRAM.required_scopes) <= set(verdict.scopes)


def test_instagram_taken_back_leaves_the_pages_connected(practice: Practice) -> None:
    pages, owner = on_facebook(practice, "anna")
    client = client_by_facebook(practice)
    grant, identity = connected(practice, INSTAGRAM, client, "anna")
    assert hold(INSTAGRAM, INSTAGRAM.revoke(client, grant)) is True
    verdict = hold(INSTAGRAM, INSTAGRAM.probe(client, grant, identity.subject))
    assert not set(INSTAGRAM.required_scopes) & set(verdict.scopes)
    assert probed(practice, FACEBOOK, pages, owner.subject).health is Health.ALIVE

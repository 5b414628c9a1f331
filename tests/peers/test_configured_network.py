"""A network that is configured and not coded, against a real OAuth 2.0 and OpenID server."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from config.visitor import Visitor, query_of
from networks import http
from networks.adapters.configured import ConfiguredNetwork
from networks.base import (
    Client,
    Conversation,
    Grant,
    Health,
    Identity,
    Reason,
    Refusal,
    Refused,
    Verdict,
)
from networks.configured import read_networks
from networks.http import public_address
from tests.networks.test_configured import EXAMPLE
from tests.peers.conftest import FOLDER, NODE

HOME = "http://testserver"
CLIENT = Client("tokenwacht", "a secret: with/odd characters", f"{HOME}/oauth/example/callback/")
(NETWORK,) = read_networks(EXAMPLE)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    command = [NETWORK.issuer, CLIENT.redirect_uri, CLIENT.client_id, CLIENT.client_secret]
    with subprocess.Popen(
        [str(NODE), "oauth.mjs", *command],
        cwd=FOLDER,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        started = server.stdout.readline().strip()
        assert started, "the server did not start: make peers installs what it needs"
        yield started
        server.kill()


@pytest.fixture(autouse=True)
def led_here(settings: Any, address: str) -> None:
    settings.NETWORK_HOSTS = dict.fromkeys(NETWORK.hosts, address)


def hold(conversation: Conversation, network: ConfiguredNetwork = NETWORK) -> Any:
    return http.hold(conversation, network.hosts)


def arrived() -> tuple[dict[str, str], Any]:
    """The query that the browser comes back with, and what was kept."""
    leap = hold(NETWORK.authorize(CLIENT, "our-state"))
    back = Visitor("brand", "any").travel(public_address(leap.url), HOME)
    return query_of(back), leap.keep


@pytest.fixture
def grant() -> Grant:
    callback, keep = arrived()
    assert callback["state"] == "our-state"
    assert NETWORK.sent(callback) and not NETWORK.sent(callback | {"iss": "https://evil.example"})
    given: Grant = hold(NETWORK.exchange(CLIENT, callback, keep))
    return given


def probed(grant: Grant, client: Client = CLIENT) -> Verdict:
    verdict: Verdict = hold(NETWORK.probe(client, grant, "brand"))
    return verdict


def test_a_login_is_connected_and_known_by_its_subject(grant: Grant) -> None:
    assert set(grant.scopes) == set(NETWORK.scopes)
    assert grant.expires_at and grant.refresh_token
    identity = hold(NETWORK.identify(CLIENT, grant))
    assert identity == Identity("brand", "The brand")
    (account,) = hold(NETWORK.reach(CLIENT, grant, identity))
    assert (account.remote_id, account.is_login) == ("brand", True)


def test_introspection_says_that_it_lives_and_what_it_may(grant: Grant) -> None:
    verdict = probed(grant)
    assert verdict.health is Health.ALIVE
    assert set(verdict.scopes or ()) == set(NETWORK.scopes)


def test_another_login_or_a_bad_secret_proves_nothing(grant: Grant) -> None:
    assert hold(NETWORK.probe(CLIENT, grant, "somebody")).reason is Reason.NOT_UNDERSTOOD
    wrong = probed(grant, replace(CLIENT, client_secret="another"))
    assert (wrong.health, wrong.reason) == (Health.UNCLEAR, Reason.APP_DISABLED)


def test_a_refresh_token_rotates_and_the_used_one_is_dead(grant: Grant) -> None:
    renewed = hold(NETWORK.refresh(CLIENT, grant))
    assert renewed.refresh_token and renewed.refresh_token != grant.refresh_token
    assert probed(renewed).health is Health.ALIVE
    again = hold(NETWORK.refresh(CLIENT, grant))
    assert (again.health, again.reason) == (Health.DEAD, Reason.INVALID_TOKEN_UNSPECIFIED)
    after = probed(renewed)
    assert after.health is Health.DEAD, "a token used twice ends them all"
    assert after.renewable and after.ambiguous


def test_what_is_given_back_is_gone(grant: Grant) -> None:
    assert hold(NETWORK.revoke(CLIENT, grant)) is True
    assert probed(grant).reason is Reason.INVALID_TOKEN_UNSPECIFIED
    assert hold(NETWORK.refresh(CLIENT, grant)).health is Health.DEAD


def test_by_userinfo_the_same_deaths_are_seen(grant: Grant) -> None:
    (plain,) = read_networks(EXAMPLE)
    vars(plain)["introspection_endpoint"] = ""
    assert hold(plain.probe(CLIENT, grant, "brand"), plain).health is Health.ALIVE
    assert hold(plain.probe(CLIENT, grant, "somebody"), plain).reason is Reason.NOT_UNDERSTOOD
    hold(NETWORK.revoke(CLIENT, grant))
    verdict = hold(plain.probe(CLIENT, grant, "brand"), plain)
    assert (verdict.health, verdict.reason) == (Health.DEAD, Reason.INVALID_TOKEN_UNSPECIFIED)


def test_a_code_counts_once_and_only_with_what_was_kept() -> None:
    callback, keep = arrived()
    with pytest.raises(Refused) as refused:
        hold(NETWORK.exchange(CLIENT, callback, {**keep, "code_verifier": "x" * 43}))
    assert refused.value.refusal is Refusal.CODE_REFUSED
    callback, keep = arrived()
    hold(NETWORK.exchange(CLIENT, callback, keep))
    with pytest.raises(Refused) as refused:
        hold(NETWORK.exchange(CLIENT, callback, keep))
    assert refused.value.refusal is Refusal.CODE_REFUSED


def test_who_says_no_is_told_so() -> None:
    callback = {"error": "access_denied", "state": "our-state", "iss": NETWORK.issuer}
    with pytest.raises(Refused) as refused:
        hold(NETWORK.exchange(CLIENT, callback, {}))
    assert refused.value.refusal is Refusal.CANCELLED

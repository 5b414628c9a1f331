"""The rules for an OAuth client (RFC 9700, RFC 6819) that hold for every network alike.

docs/security.md lists them all; what one network or one page does stands in the tests of its own.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from networks.base import Answer, Conversation, Identity, Network, Refusal, Refused, Request
from networks.oauth import OAuth2Network
from networks.registry import NETWORKS
from tests.networks.talk import CLIENT, GRANT, exchange_refusal
from tests.people import World
from tests.test_doors import DOORS, ROUTES, Rows, rows  # noqa: F401 - a fixture
from tests.test_fuzz import undone
from tokens.models import AuthorizationRequest, OAuthApp

SECRETS = ("access-1", "refresh-1", "our-secret", "verifier-1", "code-1")
CODE = {"code": "code-1", "state": "s"}
KEPT = {"code_verifier": "verifier-1", "oauth_token": "t", "oauth_token_secret": "secret-1"}

# Those of one server. What the others do on their way to theirs stands in the tests of their own
# (networks/test_bluesky.py, networks/test_mastodon.py, tokens/test_servers.py).
ONE_SERVER = {slug: one for slug, one in NETWORKS.items() if one.hosts}
# The vendor documents this exchange as a GET with our secret in its query, and nothing else:
# https://developers.facebook.com/docs/threads/get-started/long-lived-tokens
SECRET_IN_QUERY = (
    "https://graph.instagram.com/access_token",
    "https://graph.threads.net/access_token",
)

OAUTH2 = {slug: one for slug, one in ONE_SERVER.items() if isinstance(one, OAuth2Network)}
every_network_of_one_server = pytest.mark.parametrize(
    "network", ONE_SERVER.values(), ids=ONE_SERVER
)
every_oauth2_network = pytest.mark.parametrize("network", OAUTH2.values(), ids=OAUTH2)


def asked(conversation: Conversation) -> list[Request]:
    """The requests of a conversation that is answered with much of what it may hope for."""
    hopes = {
        "access_token": "access-1",
        "refresh_token": "refresh-1",
        "active": True,
        "id": "1",
        "sub": "1",
        "items": [],
        "elements": [],
        "users": [{"id": "1"}],
    }
    requests: list[Request] = []
    try:
        request = next(conversation)
        while len(requests) < 20:
            requests.append(request)
            request = conversation.send(Answer(200, {}, json.dumps(hopes).encode()))
    except (StopIteration, Refused):
        pass
    return requests


@every_oauth2_network
def test_only_a_code_is_asked_for(network: OAuth2Network) -> None:
    with pytest.raises(StopIteration) as end:
        next(network.authorize(CLIENT, "s"))
    query = parse_qs(urlsplit(end.value.value.url).query)
    assert query["response_type"] == ["code"]


@every_oauth2_network
def test_a_token_that_comes_in_a_callback_is_not_taken(network: OAuth2Network) -> None:
    injected = {"access_token": "stolen", "token_type": "Bearer", "state": "s"}
    assert exchange_refusal(network, injected) is Refusal.NOT_UNDERSTOOD


@every_oauth2_network
def test_tokens_are_asked_for_with_a_code_or_a_refresh_token_and_never_with_a_password(
    network: OAuth2Network,
) -> None:
    sent = asked(network.exchange(CLIENT, CODE, KEPT)) + asked(network.refresh(CLIENT, GRANT))
    grants = [one.form["grant_type"] for one in sent if one.form and "grant_type" in one.form]
    assert grants[0] == "authorization_code"
    assert set(grants[1:]) <= {"refresh_token", "fb_exchange_token"}
    assert not any("password" in (one.form or {}) for one in sent)


@every_network_of_one_server
def test_no_token_code_or_secret_travels_in_an_address(network: Network) -> None:
    conversations = [
        network.exchange(CLIENT, {**CODE, "oauth_token": "t", "oauth_verifier": "code-1"}, KEPT),
        network.identify(CLIENT, GRANT),
        network.reach(CLIENT, GRANT, Identity("1", "Name")),
        network.probe(CLIENT, GRANT, "1"),
        network.refresh(CLIENT, GRANT),
        network.revoke(CLIENT, GRANT),
    ]
    requests = [request for one in conversations for request in asked(one)]
    assert len(requests) >= 3
    for request in requests:
        address = f"{request.url} {dict(request.params or {})}"
        if request.url in SECRET_IN_QUERY:
            address = address.replace("our-secret", "")
        assert not any(secret in address for secret in SECRETS), address


@every_network_of_one_server
@pytest.mark.parametrize(
    "issuer",
    [
        "https://evil.example", "https://{host}.evil.example", "http://{host}", "//{host}", "x",
        "https://{host}@evil.example", "https://{host}:8443",
    ],
)  # fmt: skip
def test_an_answer_that_names_another_issuer_is_refused(network: Network, issuer: str) -> None:
    assert not network.sent({**CODE, "iss": issuer.format(host=network.hosts[0])})


@every_network_of_one_server
def test_an_answer_that_names_its_own_network_is_taken(network: Network) -> None:
    assert network.sent(CODE)
    assert network.sent({**CODE, "iss": network.issuer or f"https://{network.hosts[0]}/oauth"})


def test_an_issuer_that_is_declared_is_compared_to_the_letter() -> None:
    network = NETWORKS["linkedin"]
    for near in ("https://www.linkedin.com", f"{network.issuer}/", network.issuer.upper()):
        assert not network.sent({**CODE, "iss": near})


def test_where_a_network_always_names_itself_silence_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = NETWORKS["linkedin"]
    monkeypatch.setattr(type(network), "authorization_response_iss_parameter_supported", True)
    assert network.sent({**CODE, "iss": network.issuer})
    for silent in (CODE, {**CODE, "iss": ""}):
        assert not network.sent(silent)


# Through the pages


@pytest.fixture
def anna(world: World, client: Client, settings: Any) -> Client:
    settings.OAUTH_CLIENTS = dict.fromkeys(NETWORKS, ("id", "secret"))
    client.force_login(world.anna)
    return client


def leap(client: Client, slug: str, **more: str) -> dict[str, list[str]]:
    answer = client.post(reverse("tokens:add_network", args=["alpenglueck", slug]), more)
    return parse_qs(urlsplit(answer["Location"]).query)


def test_each_network_has_a_redirect_uri_of_its_own_that_no_visitor_can_move(
    anna: Client, settings: Any
) -> None:
    moved = {"redirect_uri": "https://evil.example/", "callback": "https://evil.example/"}
    sent = {slug: leap(anna, slug, **moved)["redirect_uri"] for slug in OAUTH2}
    for slug, (address,) in sent.items():
        assert address == settings.BASE_URL + reverse("tokens:callback", args=[slug])
        assert urlsplit(address).query == ""
    known = {OAuthApp(network_slug=slug, client_id="id").redirect_uri for slug in ONE_SERVER}
    assert {address for (address,) in sent.values()} <= known
    assert len(known) == len(ONE_SERVER)


def test_a_state_cannot_be_guessed_and_is_not_kept_in_clear(anna: Client) -> None:
    states = {leap(anna, "linkedin")["state"][0] for _ in range(3)}
    assert len(states) == 3
    assert all(len(state) >= 43 for state in states), "256 bits"
    for trip in AuthorizationRequest.objects.values():
        assert not any(state in str(trip) for state in states)


def test_the_page_behind_a_callback_gives_its_address_to_nobody(anna: Client) -> None:
    """Nothing is shown there: the browser is led to an address without code and `state`."""
    query = {"state": "the-state", "code": "the-code", "error_description": "the-words"}
    for client in (anna, Client()):
        answer = client.get(reverse("tokens:callback", args=["linkedin"]), query)
        assert (answer.status_code, answer.content) == (302, b"")
        assert "no-store" in answer["Cache-Control"]
        led: Any = client.get(answer["Location"], follow=True)
        for address, _ in [(answer["Location"], 302), *led.redirect_chain]:
            assert not any(word in address for word in query.values()), address
        assert not any(word in led.content.decode() for word in query.values())


REFERRER = "https://evil.example/page"
ELSEWHERE = (
    "https://evil.example/", "//evil.example/", "/\\evil.example/", "\\\\evil.example",
    "https:evil.example", "https:///evil.example", "/\t/evil.example", "\t//evil.example",
    "javascript:alert(1)", "https://testserver@evil.example/", "//testserver:80@evil.example",
)  # fmt: skip


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_no_address_of_ours_sends_the_browser_elsewhere(
    rows: Rows,  # noqa: F811
    elsewhere: str,
    settings: Any,
) -> None:
    settings.ACCOUNT_RATE_LIMITS = False
    names = ("next", "return_to", "url", "redirect_uri", "callback", "state")
    sent_on = dict.fromkeys(names, elsewhere)
    leaps = 0
    for name in ROUTES:
        address = rows.address(name)
        for who in ("nobody", "anna"):
            fields = {**sent_on, **DOORS[name].sent}
            with undone():
                got = rows.client(who).get(address, fields, headers={"Referer": REFERRER})
                leaps += elsewhere_of(got)
            with undone():
                posted = rows.client(who).post(f"{address}?next={elsewhere}", fields)
                leaps += elsewhere_of(posted)
    came_from = rows.client("nobody").post("/language/setlang/", headers={"Referer": REFERRER})
    assert elsewhere_of(came_from) == 0
    assert leaps == 2, "to the network's sign-in, for adding and for refreshing"


def test_a_sign_in_leads_nowhere_else(world: World, client: Client, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = False
    for elsewhere in ELSEWHERE:
        form = {"login": world.anna.email, "password": "secret", "next": elsewhere}
        answer = client.post(f"{reverse('account_login')}?next={elsewhere}", form)
        assert answer.status_code == 302
        assert elsewhere_of(answer) == 0, elsewhere
        client.logout()


def elsewhere_of(answer: Any) -> int:
    """1 where the browser is sent to a network, 0 where it stays; nowhere else it may go."""
    list(answer)  # a file that nobody reads to its end stays open
    # As browsers read it: \ is /, and tabs are nothing.
    location = re.sub(r"[\x00-\x20]", "", answer.headers.get("Location", "")).replace("\\", "/")
    parts = urlsplit(location)
    if not parts.netloc or parts.netloc == "testserver":
        assert parts.scheme in ("", "http"), location
        assert not location.startswith("//")
        return 0
    host = parts.hostname
    assert host in {host for network in NETWORKS.values() for host in network.hosts}, location
    return 1

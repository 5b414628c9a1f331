"""What every registered adapter keeps, however its network answers."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.utils.functional import Promise
from hypothesis import given, settings
from hypothesis import strategies as st

from networks import dpop
from networks.base import (
    WEB_PAGE,
    Answer,
    Authorization,
    Client,
    Conversation,
    Get,
    Grant,
    Health,
    Identity,
    Known,
    Network,
    Reachable,
    Refused,
    TransportError,
    Verdict,
    Where,
)
from networks.http import BODY_LIMIT
from networks.registry import NETWORKS
from networks.wire import prepare
from tests.networks.talk import CLIENT, GRANT, talk

IDENTITY = Identity("subject", "Name")
ENDLESS = 2000
UNHURRIED = settings(max_examples=40, deadline=None)  # a busy machine is no failure

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
# The words that adapters look for, with values of every kind: near misses are the hard ones.
# fmt: off
WORDS = [
    "access_token", "refresh_token", "expires_in", "scope", "error", "error_description",
    "error_name", "code", "data", "user", "users", "id", "open_id", "sub", "name", "active",
    "status", "items", "bookmark", "elements", "paging", "links", "message", "organization",
    "role", "state", "serviceErrorCode", "refresh_expires_in", "refresh_token_expires_in",
]
# fmt: on
FORMS: dict[str, Callable[[str, int], bytes]] = {
    "half of it": lambda text, n: text.encode()[:n],
    "numbers as strings": lambda text, _: re.sub(r"(?<=: )(-?\d+)", r'"\1"', text).encode(),
    "in a list": lambda text, _: f"[{text}]".encode(),
    "in a line of a log": lambda text, n: f"{'x' * n} failed: {text} at 12:00".encode(),
    "in a string": lambda text, _: json.dumps(text).encode(),
    "printed by Python": lambda text, _: repr(json.loads(text)).encode(),
    "UTF-16": lambda text, _: text.encode("utf-16"),
    "Latin-1": lambda text, n: f"{chr(0xE4) * n}{text}".encode("latin-1", "replace"),
    "with a mark": lambda text, _: text.encode("utf-8-sig"),
}


def in_another_form(value: Any, form: str, number: int) -> bytes:
    return FORMS[form](json.dumps(value), number)


near_misses = st.dictionaries(st.sampled_from(WORDS), json_values, max_size=6)
bodies = (
    st.binary(max_size=200)
    | (json_values | near_misses | st.lists(near_misses, max_size=2)).map(
        lambda value: json.dumps(value).encode()
    )
    | st.text(max_size=200).map(lambda text: f"<html>{text}</html>".encode("utf-8", "replace"))
    | st.builds(in_another_form, near_misses, st.sampled_from(sorted(FORMS)), st.integers(0, 60))
)
HEADERS = [
    "retry-after", "content-type", "www-authenticate", "dpop-nonce", "location", "date",
    "x-ratelimit-reset", "ratelimit-reset", "x-rate-limit-reset", "x-app-usage",
]  # fmt: skip
headers = st.dictionaries(
    st.sampled_from(HEADERS) | st.text(max_size=8), st.text(max_size=40) | st.just("9" * 400)
)
answers = st.builds(
    Answer,
    st.sampled_from([200, 201, 204, 301, 400, 401, 403, 404, 410, 418, 426, 429, 500, 503, 599])
    | st.integers(100, 999),
    headers,
    bodies,
)

SERVER = "https://server.example"
CALLBACK = {"code": "code", "oauth_token": "token", "oauth_verifier": "verifier", "state": "s"}
CALLBACK |= {"iss": SERVER}
# What a callback, or a grant, may need again: of every network something, and all of it here.
KEPT = {"code_verifier": "v", "oauth_token": "token", "oauth_token_secret": "secret"}
KEPT |= {"dpop_key": dpop.new_key(), "did": f"did:plc:{'a' * 24}", "issuer": SERVER, "pds": SERVER}
GIVEN = replace(GRANT, keep=KEPT)
CONVERSATIONS: dict[str, tuple[Callable[[Network], Conversation], type | tuple[type, ...]]] = {
    "authorize": (lambda n: n.authorize(client(n), "state"), Authorization),
    "exchange": (lambda n: n.exchange(client(n), CALLBACK, KEPT), Grant),
    "identify": (lambda n: n.identify(client(n), GIVEN), Identity),
    "reach": (lambda n: n.reach(client(n), GIVEN, IDENTITY), list),
    "probe": (lambda n: n.probe(client(n), GIVEN, "subject"), Verdict),
    "refresh": (lambda n: n.refresh(client(n), GIVEN), (Grant, Verdict)),
    "revoke": (lambda n: n.revoke(client(n), GIVEN), bool),
}


def client(network: Network) -> Client:
    """Us, at one of the servers where there are several; where we sign, with a key."""
    key = network.client_at("https://tokenwacht.example", KEPT["dpop_key"])[1]
    return replace(CLIENT, issuer=SERVER, client_secret=key or CLIENT.client_secret)


every_network = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
every_conversation = pytest.mark.parametrize("verb", CONVERSATIONS)


def held(network: Network, verb: str, answer: Answer | TransportError) -> Any:
    """Gives the same answer to whatever is asked, which must be asked of the network's hosts."""
    conversation = CONVERSATIONS[verb][0](network)
    try:
        request = next(conversation)
        for _ in range(ENDLESS):
            assert prepare(request, network.hosts_of(client(network)))
            if isinstance(answer, TransportError):
                request = conversation.throw(answer)
            else:
                request = conversation.send(answer)
    except StopIteration as end:
        return end.value
    raise AssertionError("it never ends")


@every_network
@every_conversation
@UNHURRIED
@given(answer=answers)
def test_whatever_comes_back_a_conversation_keeps_its_word(
    network: Network, verb: str, answer: Answer
) -> None:
    kind = CONVERSATIONS[verb][1]
    try:
        result = held(network, verb, answer)
    except Refused as refused:
        assert verb in ("authorize", "exchange", "identify", "reach")
        assert refused.refusal
        return
    assert isinstance(result, kind)
    if isinstance(result, list):
        assert all(isinstance(one, Reachable) and one.remote_id for one in result)


@every_network
@UNHURRIED
@given(
    where=st.sampled_from(Where),
    answer=answers,
    known=st.builds(
        Known, st.booleans(), st.booleans(), st.booleans(), st.none() | st.timedeltas()
    ),
)
def test_reading_never_raises_and_an_outage_is_never_a_death(
    network: Network, where: Where, answer: Answer, known: Known
) -> None:
    verdict = network.read(where, answer, known)
    assert (verdict.reason is None) == (verdict.health is Health.ALIVE)
    if verdict.health is Health.DEAD:
        assert verdict.reason is not None
        assert verdict.reason.is_dead
    if answer.status == 429 or (answer.status >= 500 and not network.names_errors_with_5xx):
        assert verdict.health is Health.UNCLEAR


@every_network
@pytest.mark.parametrize("where", Where)
def test_what_fills_the_whole_door_is_read_in_time(network: Network, where: Where) -> None:
    """The door takes no more than this of an answer of ten megabytes."""
    begun = process_time()
    for piece in (b"{", b'{"error":', b"[[", b'a: "', b"{'code': 1, ", b"<html>", b'\\"{', b"\xff"):
        body = (piece * (BODY_LIMIT // len(piece) + 1))[:BODY_LIMIT]
        assert network.read(where, Answer(400, {}, body)).health is not Health.DEAD
    assert process_time() - begun < 10


unheard_of = st.text(alphabet="qxyz", min_size=3, max_size=12) | st.integers(10**7, 10**9)


@every_network
@UNHURRIED
@given(
    where=st.sampled_from(sorted(set(Where) - {Where.WEBHOOK})),
    status=st.sampled_from([200, 201, 302, 400, 404, 409, 410, 418, 422, 429, 500, 503]),
    body=st.dictionaries(st.sampled_from(WORDS), unheard_of, min_size=1, max_size=4),
    inside=st.sampled_from(["", "error", "data", "meta"]),
)
def test_a_code_that_nobody_has_heard_of_is_never_dead(
    network: Network, where: Where, status: int, body: dict[str, Any], inside: str
) -> None:
    """With 401 too, unless the network's words are in the reader's language (Mastodon)."""
    raw = json.dumps({inside: body} if inside else body).encode()
    assert network.read(where, Answer(status, {}, raw)).health is not Health.DEAD


@every_network
@UNHURRIED
@given(where=st.sampled_from(Where), status=st.integers(100, 999), body=st.binary(max_size=100))
def test_what_is_not_understood_is_never_dead(
    network: Network, where: Where, status: int, body: bytes
) -> None:
    assert network.read(where, Answer(status, {}, body)).health is not Health.DEAD


@every_network
@every_conversation
def test_no_answer_at_all_is_unclear_or_try_again(network: Network, verb: str) -> None:
    try:
        result = held(network, verb, TransportError("timeout"))
    except Refused as refused:
        assert refused.refusal.value == "network_unavailable"
        return
    if isinstance(result, Verdict):
        assert result.health is Health.UNCLEAR
    else:
        assert result is False or isinstance(result, (Authorization, list))


@every_network
def test_every_endpoint_is_https_and_its_host_is_declared(network: Network) -> None:
    endpoints = [
        network.authorization_endpoint,
        network.token_endpoint,
        network.introspection_endpoint,
        network.revocation_endpoint,
    ]
    for endpoint in filter(None, endpoints):
        address = urlsplit(endpoint.replace("{issuer}", SERVER))
        assert address.scheme == "https"
        assert address.hostname in network.hosts_of(client(network))


@every_network
def test_every_declared_host_is_a_name_that_the_door_takes(network: Network) -> None:
    for host in network.hosts:
        assert prepare(Get(f"https://{host}/"), network.hosts).host == host


@every_network
@every_conversation
def test_every_request_goes_to_a_declared_host(network: Network, verb: str) -> None:
    conversation = CONVERSATIONS[verb][0](network)
    try:
        request = next(conversation)
    except StopIteration:
        return
    assert urlsplit(request.url).hostname in network.hosts_of(client(network))
    assert "access-1" not in request.url
    assert "access-1" not in repr(request)
    conversation.close()


@every_network
def test_state_and_pkce_are_sent_as_declared(network: Network) -> None:
    pair = b"oauth_token=a&oauth_token_secret=b"
    conversation = network.authorize(client(network), "our-state")
    try:
        request = next(conversation)
        if request.oauth1 is None:  # the server is asked something first
            conversation.send(Answer(200, {}, b'{"access_token": "our-own"}'))
        else:
            assert "our-state" in request.oauth1.callback
            conversation.send(Answer(200, {}, pair))
    except Refused:  # it wants to know more before: tests/networks/test_bluesky.py
        assert network.slug == "bluesky"
    except StopIteration as end:
        url = end.value.url
        assert network.code_challenge_method in ("", "S256"), "never plain"
        assert ("code_challenge=" in url) is bool(network.code_challenge_method)
        assert ("code_verifier" in end.value.keep) is bool(network.code_challenge_method)
        assert "our-state" in url or "oauth_token=" in url


@every_network
def test_the_required_scopes_are_asked_for(network: Network) -> None:
    assert set(network.required_scopes) <= set(network.scopes)
    for capability in network.capabilities.values():
        assert set(capability.scopes) <= set(network.scopes)


@every_network
def test_a_network_says_what_it_can_and_why_not(network: Network) -> None:
    names = {"connect", "publish_post", "publish_comment", "comment_on_incoming"}
    assert names <= network.capabilities.keys()
    assert all(one.allowed or str(one.reason) for one in network.capabilities.values())


@every_network
def test_what_people_read_can_be_translated(network: Network) -> None:
    texts = [note.text for note in network.notes] + [network.login_hint]
    texts += [note.link[0] for note in network.notes if note.link]
    texts += [text for kind in network.kinds for text in (kind.label, kind.settings_label)]
    assert network.notes
    assert all(isinstance(text, Promise) and str(text) for text in texts)
    links = [note.link[1] for note in network.notes if note.link]
    assert links
    assert all(link.startswith("https://") for link in links)


@every_network
def test_what_we_count_on_has_a_page_of_the_vendor(network: Network) -> None:
    sources = [one.source for one in network.budgets] + [one.source for one in network.push]
    assert all(WEB_PAGE.fullmatch(source) for source in sources)
    for budget in network.budgets:
        assert budget.each in ("app", "login", "address")
        assert budget.calls > 0 < budget.seconds


MOST_CODE = 150


@every_network
def test_an_adapter_can_be_read_at_one_sitting(network: Network) -> None:
    """Its tables and texts stand beside it, and what several share in networks/."""
    path = sys.modules[type(network).__module__].__file__
    assert path
    assert len(lines_of_code(Path(path).read_text())) <= MOST_CODE


def lines_of_code(source: str) -> list[str]:
    """Lines that are neither blank, comment, docstring nor import."""
    other: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            other |= set(range(node.lineno, (node.end_lineno or 0) + 1))
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            words = node.body[0] if ast.get_docstring(node) else None
            other |= set(range(words.lineno, (words.end_lineno or 0) + 1)) if words else set()
    lines = enumerate(source.splitlines(), start=1)
    return [one for n, one in lines if n not in other and one.strip() and one.strip()[:1] != "#"]


def test_what_counts_as_code() -> None:
    top = '"""Doc."""\nimport a\nfrom b import (\n    c,\n)\n# word\n\n\n'
    source = top + 'def f():\n    """D."""\n    return 1\n'
    assert lines_of_code(source) == ["def f():", "    return 1"]


@every_network
def test_a_slug_is_fit_for_an_address_and_a_column(network: Network) -> None:
    assert NETWORKS[network.slug] is network
    assert network.slug.isascii()
    assert network.slug.islower()
    assert len(network.slug) <= 30
    assert all(network.kind(kind.slug) is kind for kind in network.kinds)


def test_talk_itself_notices_an_unforeseen_request() -> None:
    with pytest.raises(AssertionError):
        talk(NETWORKS["linkedin"].probe(CLIENT, GRANT, "subject"))

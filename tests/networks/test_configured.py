"""A network that an installation describes: what its file may say, and what its answers mean."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import translation

from networks import registry
from networks.adapters.configured import ConfiguredNetwork
from networks.base import Answer, Grant, Health, Identity, Reason
from networks.configured import FIELDS, REQUIRED, read_networks
from tests.networks.talk import CLIENT, GRANT, answer, talk

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs/configuration.md").read_text()
EXAMPLE = re.search(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)[1]  # type: ignore[index]
(NETWORK,) = read_networks(EXAMPLE)


def probed(given: Answer) -> Any:
    return talk(NETWORK.probe(CLIENT, GRANT, "brand"), given).result


def test_the_example_of_the_document_is_a_network_in_both_languages() -> None:
    assert (NETWORK.slug, NETWORK.code_challenge_method) == ("example", "S256")
    for language, words in (("de", "Melde dich"), ("en", "Sign in")):
        with translation.override(language):
            assert str(NETWORK.login_hint).startswith(words)
            assert str(NETWORK.notes[0].text)


def test_connecting_takes_the_scopes_that_nothing_else_needs() -> None:
    assert NETWORK.capabilities["connect"].scopes == ("openid", "offline_access", "profile")
    assert NETWORK.capabilities["publish_post"].scopes == ("posts",)
    refused = NETWORK.capabilities["publish_comment"]
    assert not refused.allowed and str(refused.reason)


def test_every_field_is_documented_and_no_other() -> None:
    section = DOCUMENT.partition("## A network of your own")[2].partition("\n## ")[0]
    documented = re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE)
    named = {name for cell in documented for name in re.findall(r"`(\w+)`", cell)}
    assert named == set(FIELDS)
    assert set(REQUIRED) <= named


def without(name: str) -> str:
    return re.sub(rf"^{name} = .*\n", "", EXAMPLE, flags=re.MULTILINE)


def changed(name: str, value: str) -> str:
    return without(name).replace("[[network]]\n", f"[[network]]\n{name} = {value}\n", 1)


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_field_is_named(name: str) -> None:
    text = without(name) if name != "notes" else EXAMPLE.partition("[[network.notes]]")[0]
    with pytest.raises(ImproperlyConfigured, match=f"the field {name} is missing"):
        read_networks(text)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("slug", '"A b"', "small letters"),
        ("slug", "7", "small letters"),
        ("colour", '"red"', 'a colour such as "#336699"'),
        ("initials", '"Example"', "one to three letters"),
        ("token_endpoint", '"http://login.example.org/token"', "https address"),
        ("token_endpoint", '"https://login.example.org:8443/token"', "no port"),
        ("token_endpoint", '"https://10.0.0.1/token"', "https address"),
        ("token_endpoint_auth_method", '"none"', "client_secret_basic"),
        ("code_challenge_method", '"plain"', '"S256"'),
        ("scopes", '"openid"', "a list of words"),
        ("scopes", "[]", "a list of words"),
        ("login_hint", '"Sign in"', "a text in both languages"),
        ("login_hint", '{en = "Sign in"}', "a text in both languages"),
        ("refresh_extends", '"yes"', "true or false"),
        ("capabilities", '{fly = ["posts"]}', "publish_post"),
        ("capabilities", '{publish_post = ["wings"]}', "wings, which is none of the scopes"),
        ("colours", '"#ffffff"', "there is no field colours"),
    ],
)
def test_a_bad_field_is_named_with_what_it_has_to_be(name: str, value: str, words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^NETWORKS, network .*{re.escape(words)}"):
        read_networks(changed(name, value))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[network", "is no TOML"),
        ('slug = "example"', "must hold"),
        ("network = 3", "must hold"),
        ("network = [3]", "must hold"),
        ("[network]\n", "must hold"),
    ],
)
def test_a_bad_file_is_told_clearly(text: str, words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=words):
        read_networks(text)


def test_no_file_is_no_network() -> None:
    assert read_networks("") == []


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    copy = dict(registry.NETWORKS)
    monkeypatch.setattr(registry, "NETWORKS", copy)
    return copy


def test_a_network_is_added_once(own_registry: dict[str, Any]) -> None:
    registry.add([], EXAMPLE)
    assert isinstance(own_registry["example"], ConfiguredNetwork)
    with pytest.raises(ImproperlyConfigured, match="network example already"):
        registry.add([], EXAMPLE)
    with pytest.raises(ImproperlyConfigured, match="network xing already"):
        registry.add(["networks.adapters.xing.adapter.Xing"], "")


@pytest.mark.parametrize(
    "path", ["nowhere.Example", "Example", "networks.base.Missing", "networks.base.Answer", "re.I"]
)
@pytest.mark.usefixtures("own_registry")
def test_a_class_that_is_none_is_named(path: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"ADDITIONAL_NETWORKS, {path}"):
        registry.add([path], "")


def test_introspection_decides_for_this_subject_alone() -> None:
    alive = probed(answer({"active": True, "sub": "brand", "scope": "openid posts"}))
    assert (alive.health, alive.scopes) == (Health.ALIVE, ("openid", "posts"))
    assert probed(answer({"active": True})).scopes is None
    assert probed(answer({"active": True, "sub": "other"})).reason is Reason.NOT_UNDERSTOOD
    dead = probed(answer({"active": False}))
    assert (dead.reason, dead.renewable) == (Reason.INVALID_TOKEN_UNSPECIFIED, True)


@pytest.mark.parametrize(
    "given",
    [
        answer({"active": "false"}),
        answer({"active": 0}),
        answer({"active": [False]}),
        answer({"active": None}),
        answer({}),
        answer({"error": "invalid_client"}, 401),
        answer({"error": "invalid_client"}),
        answer(b"<html>"),
        answer({"active": False}, 503),
    ],
)
def test_a_probe_that_proves_nothing_is_unclear(given: Answer) -> None:
    assert probed(given).health is Health.UNCLEAR


def test_the_refresh_token_is_given_back_where_there_is_one() -> None:
    held = talk(NETWORK.revoke(CLIENT, GRANT), answer(b""))
    assert held.result is True
    assert held.requests[0].form == {"token": "refresh-1"}
    alone = talk(NETWORK.revoke(CLIENT, Grant("access-1")), answer(b""))
    assert alone.requests[0].form == {"token": "access-1"}


def test_an_identity_may_lie_deeper_in_the_answer() -> None:
    facts = {**vars(NETWORK), "subject_field": "data.id", "name_fields": ("data.title",)}
    network = ConfiguredNetwork(facts)
    body = {"data": {"id": 7, "title": "The brand"}}
    assert network.identity_in(body) == Identity("7", "The brand")
    assert network.identity_in({"data": [7]}) is None
    assert network.identity_in({}) is None

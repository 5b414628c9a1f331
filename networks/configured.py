"""Reads the networks that an installation describes in a file (networks/adapters/configured.py).

The text is TOML with one [[network]] table for each. Fields are named as the RFCs name them (8414,
7591, OpenID Connect Discovery); docs/configuration.md has an example.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from networks.adapters.configured import ConfiguredNetwork
from networks.base import Capability, Note
from networks.facts import says

NOT_SET_UP = Capability(False, _("This installation has not set that up for this network."))
CAPABILITIES = ("connect", "publish_post", "publish_comment", "comment_on_incoming")


def read_networks(text: str) -> list[ConfiguredNetwork]:
    """The networks of a text in TOML. Raises ImproperlyConfigured, which says what to change."""
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ImproperlyConfigured(f"NETWORKS is no TOML: {error}.") from None
    tables = given.pop("network", [])
    if given or not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        raise ImproperlyConfigured("NETWORKS must hold [[network]] tables and nothing else.")
    return [network_in(table, number) for number, table in enumerate(tables, start=1)]


def network_in(table: Mapping[str, Any], number: int) -> ConfiguredNetwork:
    try:
        return ConfiguredNetwork(facts_in(table))
    except ValueError as error:
        name = table.get("slug", f"number {number}")
        raise ImproperlyConfigured(f"NETWORKS, network {name}: {error}.") from None


def facts_in(table: Mapping[str, Any]) -> dict[str, Any]:
    """Raises ValueError."""
    unknown = sorted(set(table) - set(FIELDS))
    if unknown:
        raise ValueError(f"there is no field {unknown[0]}; there are {', '.join(sorted(FIELDS))}")
    missing = [name for name in REQUIRED if name not in table]
    if missing:
        raise ValueError(f"the field {missing[0]} is missing")
    facts = {name: checked(name, value) for name, value in table.items()}
    endpoints = [facts[name] for name in facts if name.endswith("_endpoint")]
    facts["hosts"] = tuple(dict.fromkeys(str(urlsplit(one).hostname) for one in endpoints))
    facts["capabilities"] = capabilities_in(facts)
    return facts


def checked(name: str, value: Any) -> Any:
    try:
        return FIELDS[name](value)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ValueError(f"{name} must be {WORDS[FIELDS[name]]}, not {value!r}") from None


def capabilities_in(facts: Mapping[str, Any]) -> dict[str, Capability]:
    """Connecting takes what was not named for anything else."""
    named: dict[str, tuple[str, ...]] = facts.get("capabilities", {})
    unknown = [s for scopes in named.values() for s in scopes if s not in facts["scopes"]]
    if unknown:
        raise ValueError(f"capabilities need {unknown[0]}, which is none of the scopes")
    taken = {scope for scopes in named.values() for scope in scopes}
    rest = tuple(scope for scope in facts["scopes"] if scope not in taken)
    allowed = {"connect": rest, **named}
    return {
        name: Capability(True, scopes=allowed[name]) if name in allowed else NOT_SET_UP
        for name in CAPABILITIES
    }


def matching(pattern: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if re.fullmatch(pattern, value):
            return str(value)
        raise ValueError

    return check


def a_flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError


def a_list(value: Any) -> tuple[str, ...]:
    if isinstance(value, list) and value and all(isinstance(one, str) and one for one in value):
        return tuple(value)
    raise ValueError


def a_text(value: Any) -> Any:
    return says(en=a_word(value["en"]), de=a_word(value["de"]))


def some_notes(value: Any) -> tuple[Note, ...]:
    return tuple(a_note(one) for one in value)


def a_note(value: Mapping[str, Any]) -> Note:
    link = value.get("link")
    return Note(a_text(value), (a_text(link), an_address(link["url"])) if link else None)


def parameters(value: Any) -> dict[str, str]:
    return {name: a_word(one) for name, one in value.items()}


def some_capabilities(value: Any) -> dict[str, tuple[str, ...]]:
    if set(value) <= set(CAPABILITIES):
        return {name: a_list(scopes) for name, scopes in value.items()}
    raise ValueError


a_slug = matching(r"[a-z][a-z0-9-]{1,29}")
a_word = matching(r"\S(?:[^\n]*\S)?")
a_mark = matching(r"\S{1,3}")
a_colour = matching(r"#[0-9a-f]{6}")
an_address = matching(r"https://(?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*(?:/[!#-;=?-~]*)?")
a_method = matching(r"client_secret_(?:post|basic)")
pkce = matching("S256")

WORDS: Mapping[Callable[[Any], Any], str] = {
    a_slug: "2 to 30 small letters, digits and hyphens",
    a_word: "a text of one line",
    a_mark: "one to three letters",
    a_colour: 'a colour such as "#336699"',
    an_address: "an https address with a name and no port",
    a_method: '"client_secret_basic" or "client_secret_post"',
    pkce: '"S256"',
    a_flag: "true or false",
    a_list: "a list of words",
    a_text: 'a text in both languages, {en = "…", de = "…"}',
    some_notes: 'tables with en, de and perhaps link = {en = "…", de = "…", url = "https://…"}',
    parameters: "a table of words",
    some_capabilities: f"scopes for some of {', '.join(CAPABILITIES)}",
}
REQUIRED = (
    "slug",
    "name",
    "colour",
    "initials",
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "scopes",
    "login_hint",
    "notes",
)
FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "slug": a_slug,
    "name": a_word,
    "colour": a_colour,
    "initials": a_mark,
    "issuer": an_address,
    "authorization_endpoint": an_address,
    "token_endpoint": an_address,
    "userinfo_endpoint": an_address,
    "introspection_endpoint": an_address,
    "revocation_endpoint": an_address,
    "token_endpoint_auth_method": a_method,
    "code_challenge_method": pkce,
    "authorization_response_iss_parameter_supported": a_flag,
    "authorization_parameters": parameters,
    "scopes": a_list,
    "subject_field": a_word,
    "name_fields": a_list,
    "refresh_extends": a_flag,
    "login_hint": a_text,
    "notes": some_notes,
    "capabilities": some_capabilities,
}

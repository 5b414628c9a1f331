"""What an adapter declares about its network: what there is, what is allowed, what it costs.

Texts are msgids (`gettext_lazy`); a network from outside this repository, which has no part in
our message files, brings both languages itself (`says`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise, lazystr
from django.utils.translation import get_language


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of profile. `label`, `settings_label` (the menu item) and `counted` («3 boards»)
    are msgids; `counted` is bent by its `count`.

    `choose`: the person picks which ones to connect; otherwise all are taken at once.
    `reads_role`: absence from the listing means that the login lost its role there.
    `comes_and_goes`: absence from the listing means that there is no such profile any more, and
    what is new there is looked after without anybody's doing (a Pinterest board).
    """

    slug: str
    label: Any
    settings_label: Any
    counted: Any
    choose: bool = False
    reads_role: bool = False
    comes_and_goes: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """One thing to know before leaving for the network; `link` is (label, address) or None."""

    text: Any
    link: tuple[Any, str] | None = None


@dataclass(frozen=True, slots=True)
class Capability:
    """What the network's API allows today; `reason` says why where it does not.

    It takes all of `scopes`, and one of `roles` (the network's own words) where any are named.
    """

    allowed: bool
    reason: Any = ""
    scopes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()

    def held_by(self, scopes: Collection[str], roles: Collection[str]) -> bool:
        """Whether somebody who was granted `scopes` and has `roles` there can do it."""
        has_role = not self.roles or not set(self.roles).isdisjoint(roles)
        return self.allowed and has_role and set(self.scopes) <= set(scopes)


@dataclass(frozen=True, slots=True)
class Question:
    """What a person has to say before the leap: which server, or by which of several logins.

    `choices` are (issuer, label), the first one being meant where nothing was chosen; without
    any, people type, and `Network.issuer_in` reads it.
    """

    label: Any
    help: Any = ""
    example: str = ""
    choices: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Budget:
    """So many calls in so many seconds, for each "app", "login" or "address" (ours).

    `endpoint`: the beginning of the paths that it counts; "" counts them all.
    """

    calls: int
    seconds: int
    each: str
    source: str
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class Price:
    """What one call costs us where the network bills it; `endpoint` is how its path begins."""

    amount: Decimal
    currency: str
    endpoint: str
    source: str


@dataclass(frozen=True, slots=True)
class Push:
    """A signal that the network sends by itself when an access ends; `source` describes it."""

    name: str
    source: str


def says(*, en: str, de: str) -> Promise:
    """A text in both languages, for adapters that live outside this repository."""
    return lazystr(_Bilingual(en, de))


class _Bilingual:
    def __init__(self, en: str, de: str) -> None:
        self.en, self.de = en, de

    def __str__(self) -> str:
        return self.de if (get_language() or "").startswith("de") else self.en

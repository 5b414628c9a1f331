"""The people of Facebook, Instagram and Threads, and what they look after there."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.world import OWNER, Person, Profile, World

MANAGE, MODERATE = "MANAGE", "MODERATE"

# Which Instagram account is linked to which page.
ACCOUNT_BEHIND: Mapping[str, str] = {
    "101010000000001": "17841400000000001",
    "101010000000003": "17841400000000003",
}


def _people(network: str, *people: tuple[str, str, str]) -> dict[str, Person]:
    return {
        id: Person(id, name, f"{id}@{domain}.example", f"{id}-{network}")
        for id, name, domain in people
    }


ANNA = ("anna", "Anna Huber", "alpenglueck")
JONAS = ("jonas", "Jonas Berg", "alpenglueck")
BEN = ("ben", "Ben Maier", "alpenglueck")
NILS = ("nils", "Nils Petersen", "nordwind")
LEO = ("leer", "Leo Leer", "practice")  # nothing to look after


def facebook() -> World:
    """Pages with administrators, and one with somebody who may only moderate."""
    pages = [
        _page("101010000000001", "Alpenglück", "alpenglueck", ("anna", MANAGE), ("jonas", MANAGE),
              ("ben", MODERATE)),
        _page("101010000000002", "Alpenglück Karriere", "alpenglueck.karriere", ("jonas", MANAGE)),
        _page("101010000000003", "Nordwind Reederei", "nordwind.reederei", ("nils", MANAGE)),
    ]  # fmt: skip
    people = _people("facebook", ANNA, JONAS, BEN, NILS, LEO)
    return World(people, {page.id: page for page in pages}, MANAGE, frozenset({"page"}))


def _page(id: str, name: str, handle: str, *roles: tuple[str, str]) -> Profile:
    return Profile(id, name, "page", roles, handle)


def instagram() -> World:
    """Professional accounts, each with a login of its own."""
    return _accounts(
        "instagram",
        ("17841400000000001", "Alpenglück", "alpenglueck", ANNA),
        ("17841400000000002", "Alpenglück Küche", "alpenglueck.kueche", BEN),
        ("17841400000000003", "Nordwind Reederei", "nordwind.reederei", NILS),
    )


def threads() -> World:
    """The same accounts, with ids of their own."""
    return _accounts(
        "threads",
        ("25000000000000001", "Alpenglück", "alpenglueck", ANNA),
        ("25000000000000002", "Alpenglück Küche", "alpenglueck.kueche", BEN),
        ("25000000000000003", "Nordwind Reederei", "nordwind.reederei", NILS),
    )


def _accounts(network: str, *accounts: tuple[str, str, str, tuple[str, str, str]]) -> World:
    profiles = {
        id: Profile(id, name, "account", ((person[0], OWNER),), handle)
        for id, name, handle, person in accounts
    }
    return World(_people(network, *(one[3] for one in accounts)), profiles)

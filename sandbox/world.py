"""The people of the practice networks and what they look after: plain data.

Nothing here changes while the program runs. What the console changes (a new password,
a suspension, a role given or taken) lies in the store, on top of this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ADMINISTRATOR = "ADMINISTRATOR"
CONTENT_ADMINISTRATOR = "CONTENT_ADMINISTRATOR"
OWNER = "OWNER"


@dataclass(frozen=True)
class Person:
    """Somebody with a login at one network.

    ``first_grant_days``: the first authorization is an old one with so many days left.
    ``advertiser``: an advertiser's login, which has no profile at all.
    """

    id: str
    name: str
    login: str
    password: str
    first_grant_days: int = 0
    advertiser: bool = False


@dataclass(frozen=True)
class Profile:
    """Something that people look after at one network, and who has which role there."""

    id: str
    name: str
    kind: str
    roles: tuple[tuple[str, str], ...]
    handle: str = ""
    secret: bool = False
    parent: str = ""


@dataclass(frozen=True)
class World:
    """One network's people and profiles."""

    people: Mapping[str, Person]
    profiles: Mapping[str, Profile]
    admin_role: str = OWNER
    shared_kinds: frozenset[str] = field(default=frozenset())

    def of(self, person: str, kind: str) -> Profile:
        """The profile of a kind that is this person's own."""
        for profile in self.profiles.values():
            if profile.kind == kind and (person, self.admin_role) in profile.roles:
                return profile
        raise LookupError(f"{person} has no {kind}")


def _world(
    people: list[Person],
    profiles: list[Profile],
    admin_role: str = OWNER,
    shared_kinds: frozenset[str] = frozenset(),
) -> World:
    by_person = {person.id: person for person in people}
    by_profile = {profile.id: profile for profile in profiles}
    return World(by_person, by_profile, admin_role, shared_kinds)


def _person(
    network: str,
    id: str,
    name: str,
    domain: str,
    first_grant_days: int = 0,
    advertiser: bool = False,
) -> Person:
    login = f"{id}@{domain}.example"
    return Person(id, name, login, f"{id}-{network}", first_grant_days, advertiser)


def linkedin() -> World:
    people = [
        _person("linkedin", "anna", "Anna Huber", "alpenglueck"),
        _person("linkedin", "jonas", "Jonas Berg", "alpenglueck"),
        _person("linkedin", "mia", "Mia Lang", "bergheim", first_grant_days=12),
        _person("linkedin", "ben", "Ben Maier", "alpenglueck"),
        _person("linkedin", "nils", "Nils Petersen", "nordwind"),
    ]
    content = ("ben", CONTENT_ADMINISTRATOR)
    pages = [
        _page("40010001", "Alpenglück", "alpenglueck", "anna", "jonas", other=(content,)),
        _page("40010002", "Alpenglück Karriere", "alpenglueck-karriere", "jonas"),
        _page("40020001", "Bergheim Hotels", "bergheim-hotels", "mia"),
        _page("40030001", "Nordwind Reederei", "nordwind-reederei", "nils"),
    ]
    return _world(people, pages, admin_role=ADMINISTRATOR, shared_kinds=frozenset({"page"}))


def _page(
    id: str, name: str, handle: str, *admins: str, other: tuple[tuple[str, str], ...] = ()
) -> Profile:
    roles = tuple((person, ADMINISTRATOR) for person in admins)
    return Profile(id, name, "page", roles + other, handle)


def tiktok() -> World:
    people = [
        _person("tiktok", "anna", "Anna Huber", "alpenglueck"),
        _person("tiktok", "ben", "Ben Maier", "alpenglueck"),
        _person("tiktok", "nils", "Nils Petersen", "nordwind"),
        _person("tiktok", "ads", "Alpenglück Ads", "alpenglueck", advertiser=True),
    ]
    accounts = [
        _account("alpenglueck", "Alpenglück", "anna", "alpenglueck"),
        _account("alpenglueck.kueche", "Alpenglück Küche", "ben", "alpenglueck.kueche"),
        _account("nordwind.reederei", "Nordwind Reederei", "nils", "nordwind.reederei"),
    ]
    return _world(people, accounts)


def _account(id: str, name: str, person: str, handle: str) -> Profile:
    return Profile(id, name, "account", ((person, OWNER),), handle)


def _boards(account: str, person: str, *names: str, secret: str = "") -> list[Profile]:
    return [
        Profile(
            f"{account}{number:06d}",
            name,
            "board",
            ((person, OWNER),),
            secret=name == secret,
            parent=account,
        )
        for number, name in enumerate(names, start=1)
    ]


def pinterest() -> World:
    people = [
        _person("pinterest", "anna", "Anna Huber", "alpenglueck"),
        _person("pinterest", "mia", "Mia Lang", "bergheim"),
        _person("pinterest", "leer", "Leo Leer", "practice"),
        _person("pinterest", "archiv", "Archiv Alpen", "practice"),
        _person("pinterest", "nils", "Nils Petersen", "nordwind"),
    ]
    hundreds = [f"Archivkiste {number:03d}" for number in range(1, 601)]
    alpine = ("Hütten im Herbst", "Rezepte", "Wanderwege")
    profiles = [
        _account("549755900001", "Alpenglück", "anna", "alpenglueck"),
        *_boards("549755900001", "anna", *alpine, secret="Rezepte"),
        _account("549755900002", "Bergheim Hotels", "mia", "bergheim"),
        *_boards("549755900002", "mia", "Zimmer", "Frühstück", "Ausblicke"),
        _account("549755900003", "Leer", "leer", "leer"),
        _account("549755900004", "Archiv", "archiv", "archiv"),
        *_boards("549755900004", "archiv", *hundreds),
        _account("549755900005", "Nordwind Reederei", "nils", "nordwind"),
        *_boards("549755900005", "nils", "Schiffe", "Häfen"),
    ]
    return _world(people, profiles, shared_kinds=frozenset({"board"}))


def xing() -> World:
    people = [
        _person("xing", "anna", "Anna Huber", "alpenglueck"),
        _person("xing", "jonas", "Jonas Berg", "alpenglueck"),
        _person("xing", "nils", "Nils Petersen", "nordwind"),
    ]
    ids = ("10010001_a1b2c3", "10010002_d4e5f6", "10030001_0f9e8d")
    profiles = [
        Profile(id, one.name, "profile", ((one.id, OWNER),), one.name.replace(" ", "_"))
        for id, one in zip(ids, people, strict=True)
    ]
    return _world(people, profiles)

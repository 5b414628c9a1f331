"""The people of the practice networks of Google and of X, and what they look after: plain data."""

from __future__ import annotations

from sandbox.world import OWNER, Person, Profile, World

MANAGER = "MANAGER"
SITE_MANAGER = "SITE_MANAGER"
PERSONAL, GROUP = "PERSONAL", "LOCATION_GROUP"

# Accounts of business profiles: number, name, type, and whose it is where it is personal.
ACCOUNTS = (
    ("110000000000000000001", "Anna Huber", PERSONAL, "anna"),
    ("110000000000000000002", "Alpenglück Hotels", GROUP, ""),
    ("110000000000000000003", "Nils Petersen", PERSONAL, "nils"),
)


def _people(network: str, *people: tuple[str, str, str]) -> dict[str, Person]:
    return {
        id: Person(id, name, f"{id}@{domain}.example", f"{id}-{network}")
        for id, name, domain in people
    }


def _owned(id: str, name: str, kind: str, handle: str, *people: str) -> Profile:
    return Profile(id, name, kind, tuple((person, OWNER) for person in people), handle)


def youtube() -> World:
    """Anna's login has two channels, Ben's has none."""
    people = _people(
        "youtube",
        ("anna", "Anna Huber", "alpenglueck"),
        ("jonas", "Jonas Berg", "alpenglueck"),
        ("ben", "Ben Maier", "alpenglueck"),
        ("nils", "Nils Petersen", "nordwind"),
    )
    channels = (
        _owned("UCalpenglueck0000000001A", "Alpenglück", "channel", "@alpenglueck", "anna"),
        _owned("UCalpenglueck0000000002Q", "Alpenglück Küche", "channel", "@kueche", "anna"),
        _owned("UCalpenglueck0000000003g", "Alpenglück Karriere", "channel", "@jobs", "jonas"),
        _owned("UCnordwind0000000000001w", "Nordwind Reederei", "channel", "@nordwind", "nils"),
    )
    by_id = {channel.id: channel for channel in channels}
    return World(people, by_id, shared_kinds=frozenset({"channel"}))


def google_business() -> World:
    """Anna has an account of her own and a share in another, which Jonas manages; Ben may not
    do enough there."""
    people = _people(
        "google-business",
        ("anna", "Anna Huber", "alpenglueck"),
        ("jonas", "Jonas Berg", "alpenglueck"),
        ("ben", "Ben Maier", "alpenglueck"),
        ("leer", "Leo Leer", "practice"),
        ("nils", "Nils Petersen", "nordwind"),
    )
    own, hotels, north = (number for number, _name, _type, _person in ACCOUNTS)
    team = (("anna", OWNER), ("jonas", MANAGER), ("ben", SITE_MANAGER))
    locations = [
        _location(1, own, "Alpenglück", "Garmisch", ("anna", OWNER)),
        _location(2, hotels, "Alpenglück Hotel", "Mittenwald", *team),
        _location(3, hotels, "Alpenglück Hotel", "Füssen", *team),
        _location(4, hotels, "Alpenglück Restaurant", "Füssen", ("anna", OWNER)),
        _location(5, north, "Nordwind Reederei", "Hamburg", ("nils", OWNER)),
    ]
    by_id = {location.id: location for location in locations}
    return World(people, by_id, shared_kinds=frozenset({"location"}))


def _location(number: int, account: str, title: str, town: str, *roles: tuple[str, str]) -> Profile:
    id = f"locations/{12000000000000000000 + number}"
    return Profile(id, f"{title}, {town}", "location", roles, town, parent=account)


def x() -> World:
    """An account each."""
    people = _people(
        "x",
        ("anna", "Anna Huber", "alpenglueck"),
        ("ben", "Ben Maier", "alpenglueck"),
        ("nils", "Nils Petersen", "nordwind"),
    )
    accounts = (
        _owned("1600000000000000001", "Alpenglück", "account", "alpenglueck", "anna"),
        _owned("1600000000000000002", "Alpenglück Küche", "account", "alpenkueche", "ben"),
        _owned("1600000000000000003", "Nordwind Reederei", "account", "nordwind", "nils"),
    )
    return World(people, {account.id: account for account in accounts})

"""The people of the networks that anybody may run a server of."""

from __future__ import annotations

from sandbox.world import OWNER, Person, Profile, World

# Which server somebody is at home on, and in which language it speaks to her.
SERVERS = ("alpen.social.example", "nordsee.social.example")
HOMES = {
    "anna": (SERVERS[0], "de"),
    "ben": (SERVERS[0], "en"),
    "nils": (SERVERS[1], "en"),
}


def mastodon() -> World:
    """Anna and Nils have the same number, each on a server of their own."""
    people = [
        Person("anna", "Anna Huber", "anna@alpenglueck.example", "anna-mastodon"),
        Person("ben", "Ben Maier", "ben@alpenglueck.example", "ben-mastodon"),
        Person("nils", "Nils Petersen", "nils@nordwind.example", "nils-mastodon"),
    ]
    profiles = [
        Profile("109300000000000001", "Alpenglück", "account", (("anna", OWNER),), "alpenglueck"),
        Profile("109300000000000002", "Alpenglück Küche", "account", (("ben", OWNER),), "kueche"),
        Profile(
            "nordsee/109300000000000001", "Nordwind", "account", (("nils", OWNER),), "nordwind"
        ),
    ]
    return World({one.id: one for one in people}, {one.id: one for one in profiles})


def bluesky() -> World:
    """A profile's id is its DID, its handle a host name; people sign in with the handle, too."""
    people = [
        Person("anna", "Anna Huber", "alpenglueck.bsky.social", "anna-bluesky"),
        Person("mia", "Mia Lang", "bergheim.bsky.social", "mia-bluesky"),
        Person("nils", "Nils Petersen", "nordwind.example", "nils-bluesky"),
    ]
    ids = ("alpenglueck2345672345672", "bergheim2345672345672345", "nordwind2345672345672345")
    profiles = [
        Profile(f"did:plc:{id}", one.login, "account", ((one.id, OWNER),), one.login)
        for id, one in zip(ids, people, strict=True)
    ]
    return World({one.id: one for one in people}, {one.id: one for one in profiles})

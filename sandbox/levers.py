"""What the console can do to a network and its people.

The state and the verbs are a contract: third parties drive the product by them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from sandbox.faults import MODES, Faults
from sandbox.ledger import ACCESS, REFRESH
from sandbox.network import Network
from sandbox.world import Person, Profile

Fields = Mapping[str, str]


class WrongLever(Exception):
    """A lever that cannot be pulled like that; the text names what would do."""


class Levers:
    """All networks, how they are, and what can be done to them."""

    def __init__(self, networks: Mapping[str, Network], faults: Faults) -> None:
        self.networks, self.faults = networks, faults
        self.verbs: Mapping[str, Callable[[Network, Fields], None]] = {
            "change_password": self.change_password,
            "revoke_app": self.revoke_app,
            "suspend": self.suspend,
            "restore": self.restore,
            "remove_role": self.remove_role,
            "grant_role": self.grant_role,
            "expire_access": self.expire_access,
            "expire_refresh": self.expire_refresh,
            "outage": self.outage,
            "recover": self.recover,
        }

    def pull(self, fields: Fields) -> Network:
        """Do what is asked, or say what is missing."""
        network = self.networks[one_of(fields, "network", self.networks)]
        self.verbs[one_of(fields, "do", self.verbs)](network, fields)
        return network

    # How things are.

    def state(self) -> dict[str, object]:
        """Everything, as ``GET /_control/state`` prints it."""
        return {"networks": {slug: self.state_of(one) for slug, one in self.networks.items()}}

    def state_of(self, network: Network) -> dict[str, object]:
        """One network's fault, people and profiles."""
        admins = network.people.admins()
        return {
            "fault": self.faults.of(network.slug),
            "people": [person_state(network, one) for one in network.world.people.values()],
            "profiles": [
                profile_state(one, admins[one.id]) for one in network.world.profiles.values()
            ],
        }

    # The verbs.

    def change_password(self, network: Network, fields: Fields) -> None:
        """A new password; what that does to the tokens is the network's business."""
        person = person_of(network, fields)
        network.people.change_password(person)
        network.revoked_by_password(person)

    def revoke_app(self, network: Network, fields: Fields) -> None:
        """The person takes every app off her account."""
        network.ledger.disconnect(person_of(network, fields))

    def suspend(self, network: Network, fields: Fields) -> None:
        """The network blocks the person; her tokens wait."""
        network.people.suspend(person_of(network, fields), True)

    def restore(self, network: Network, fields: Fields) -> None:
        """The network lets the person in again; her tokens work as before."""
        network.people.suspend(person_of(network, fields), False)

    def remove_role(self, network: Network, fields: Fields) -> None:
        """The person is no longer administrator of the profile."""
        person, profile = person_of(network, fields), profile_of(network, fields)
        network.people.set_role(profile, person, False)

    def grant_role(self, network: Network, fields: Fields) -> None:
        """The person becomes administrator of the profile."""
        person, profile = person_of(network, fields), profile_of(network, fields)
        network.people.set_role(profile, person, True)

    def expire_access(self, network: Network, fields: Fields) -> None:
        """The person's access tokens run out now."""
        network.ledger.expire(person_of(network, fields), ACCESS)

    def expire_refresh(self, network: Network, fields: Fields) -> None:
        """The person's refresh tokens run out now."""
        if not network.has_refresh_tokens:
            raise WrongLever(f"{network.title} has no refresh tokens")
        network.ledger.expire(person_of(network, fields), REFRESH)

    def outage(self, network: Network, fields: Fields) -> None:
        """The whole network fails, in the given way or with 5xx."""
        mode = one_of(fields, "mode", MODES) if fields.get("mode") else MODES[0]
        self.faults.begin(network.slug, mode)

    def recover(self, network: Network, fields: Fields) -> None:
        """The whole network works again."""
        self.faults.end(network.slug)


def person_state(network: Network, person: Person) -> dict[str, object]:
    """A person as the contract prints her, and the apps she let in."""
    return {
        "id": person.id,
        "login": person.login,
        "password": network.people.password(person.id),
        "name": person.name,
        "suspended": network.people.suspended(person.id),
        "apps": network.ledger.clients_of(person.id),
    }


def profile_state(profile: Profile, admins: list[str]) -> dict[str, object]:
    """A profile as the contract prints it, and what else helps to find it."""
    return {
        "id": profile.id,
        "name": profile.name,
        "kind": profile.kind,
        "admins": admins,
        "handle": profile.handle,
        "parent": profile.parent,
        "secret": profile.secret,
    }


def person_of(network: Network, fields: Fields) -> str:
    """Whom the lever is for."""
    return one_of(fields, "person", network.world.people)


def profile_of(network: Network, fields: Fields) -> str:
    """Which profile the lever is for, of those whose administrators can change."""
    shared = [
        profile.id
        for profile in network.world.profiles.values()
        if profile.kind in network.world.shared_kinds
    ]
    if not shared:
        raise WrongLever(f"{network.title} has no roles that could be given or taken")
    return one_of(fields, "profile", shared)


def one_of(fields: Fields, name: str, valid: Iterable[str]) -> str:
    """A field that must be there and must be one of these."""
    value, names = fields.get(name, ""), list(valid)
    if value in names:
        return value
    shown = ", ".join(names[:20]) + (f", … ({len(names)} in all)" if len(names) > 20 else "")
    what = f"{name} '{value}' is unknown" if value else f"{name} is missing"
    raise WrongLever(f"{what}; valid values: {shown}")

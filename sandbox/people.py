"""One network's people as they are now: the world, and what the console changed of it."""

from __future__ import annotations

import secrets
from hmac import compare_digest
from typing import Any

from sandbox.store import Store
from sandbox.world import Person, Profile, World


class People:
    """Passwords, suspensions, roles and who is signed in where."""

    def __init__(self, store: Store, network: str, world: World) -> None:
        self.store, self.network, self.world = store, network, world

    def password(self, person: str) -> str:
        """The password that signs this person in at the moment."""
        row = self._row(person)
        return str((row and row["password"]) or self.world.people[person].password)

    def suspended(self, person: str) -> bool:
        """Whether the network has blocked this person."""
        row = self._row(person)
        return bool(row and row["suspended"])

    def check(self, login: str, password: str) -> Person | None:
        """Who signs in with this login and password."""
        for person in self.world.people.values():
            if person.login.casefold() == login.strip().casefold():
                expected = self.password(person.id).encode()
                return person if compare_digest(expected, password.encode()) else None
        return None

    def change_password(self, person: str) -> None:
        """Give a new password, and sign the person out in every browser."""
        row = self._row(person)
        changes = (row["changes"] if row else 0) + 1
        new = f"{self.world.people[person].password}-{changes + 1}"
        self._touch(person)
        self.store.run(
            "UPDATE people SET password = ?, changes = ? WHERE network = ? AND person = ?",
            new, changes, self.network, person,
        )  # fmt: skip
        self._sign_out_everywhere(person)

    def suspend(self, person: str, suspended: bool) -> None:
        """Block a person, or let her in again."""
        self._touch(person)
        self.store.run(
            "UPDATE people SET suspended = ? WHERE network = ? AND person = ?",
            suspended, self.network, person,
        )  # fmt: skip
        if suspended:
            self._sign_out_everywhere(person)

    def set_role(self, profile: str, person: str, held: bool) -> None:
        """Give or take the network's administrator role on one profile."""
        self.store.run(
            "INSERT OR REPLACE INTO roles VALUES (?, ?, ?, ?)",
            self.network, profile, person, held,
        )  # fmt: skip

    def admins(self) -> dict[str, list[str]]:
        """For each profile, the people who hold the network's administrator role."""
        role = self.world.admin_role
        found = {
            profile.id: [person for person, held in profile.roles if held == role]
            for profile in self.world.profiles.values()
        }
        for row in self.store.all("SELECT * FROM roles WHERE network = ?", self.network):
            people = found.get(row["profile"])
            if people is None:
                continue
            if row["held"] and row["person"] not in people:
                people.append(row["person"])
            if not row["held"] and row["person"] in people:
                people.remove(row["person"])
        return found

    def roles_of(self, person: str) -> list[tuple[Profile, str]]:
        """Every role that this person has anywhere, in the order of the world."""
        admins, found = self.admins(), []
        for profile in self.world.profiles.values():
            if person in admins[profile.id]:
                found.append((profile, self.world.admin_role))
            for holder, role in profile.roles:
                if holder == person and role != self.world.admin_role:
                    found.append((profile, role))
        return found

    def sign_in(self, person: str) -> str:
        """Open a browser session; say its secret."""
        session = secrets.token_urlsafe(24)
        self.store.run("INSERT INTO sessions VALUES (?, ?, ?)", session, self.network, person)
        return session

    def signed_in(self, session: str) -> Person | None:
        """Whose browser session this is."""
        row = self.store.one(
            "SELECT person FROM sessions WHERE id = ? AND network = ?", session, self.network
        )
        return self.world.people.get(row["person"]) if row else None

    def sign_out(self, session: str) -> None:
        """End one browser session."""
        self.store.run("DELETE FROM sessions WHERE id = ?", session)

    def _sign_out_everywhere(self, person: str) -> None:
        self.store.run(
            "DELETE FROM sessions WHERE network = ? AND person = ?", self.network, person
        )

    def _row(self, person: str) -> dict[str, Any] | None:
        row = self.store.one(
            "SELECT * FROM people WHERE network = ? AND person = ?", self.network, person
        )
        return dict(row) if row else None

    def _touch(self, person: str) -> None:
        self.store.run(
            "INSERT OR IGNORE INTO people (network, person) VALUES (?, ?)", self.network, person
        )

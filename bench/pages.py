"""What people wait for: the pages about profiles in an organization of 10,000, next to one of 100.

Both stand in one database, behind the walls, and every page shows as many rows in both, so that
what is compared is what it takes to find, to filter, to count and to sort them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Organization, Role, Team, TeamMembership, User
from accounts.walls import OWNER, WEB
from bench.measure import Figure, Prepare, compare
from bench.walls import a_token, prepared
from networks.base import Reason
from profiles.models import Ownership, Profile, Status, TeamAssignment
from tokens.models import Access, OAuthApp, StatusChange, Token
from tokens.views.listing import PAGE_SIZE

OF_A_LOGIN = 10  # an account and its boards
PEOPLE = 4  # each profile has two of them, so that each owns half of all
DEAD = 10  # one login of so many
SEEN = re.compile(r'"X-Seen": "([^"]+)"')


@dataclass(frozen=True, slots=True)
class Home:
    """An organization of `size` profiles, with an admin and a member of one of its two teams."""

    size: int
    organization: Organization
    admin: Client
    member: Client
    owner: User
    team: Team
    profile: Profile

    def address(self, name: str, *more: object) -> str:
        return reverse(name, args=[self.organization.slug, *more])

    def listing(self, query: str = "", who: Client | None = None) -> Callable[[], None]:
        address = f"{self.address('tokens:profile_list')}?{query}"

        def show() -> None:
            answer = (who or self.admin).get(address)
            rows = 0 if "nobody" in query else PAGE_SIZE
            assert (answer.status_code, answer.content.count(b'id="row-')) == (200, rows)

        return show

    def news(self) -> Callable[[], None]:
        """Of a page that is open, and has asked for news; there are none."""
        address = self.address("tokens:profile_list")
        found = SEEN.search(self.admin.get(address).content.decode())
        assert found

        def ask() -> None:
            assert self.admin.get(address, headers={"X-Seen": found[1]}).status_code == 204

        return ask

    def page(self, name: str, *more: object) -> Callable[[], None]:
        address = self.address(name, *more)

        def show() -> None:
            assert self.admin.get(address).status_code == 200

        return show


PAGES: dict[str, Callable[[Home], Callable[[], None]]] = {
    "page 1": lambda home: home.listing(),
    "the last page": lambda home: home.listing(f"page={home.size // PAGE_SIZE}"),
    "a search that all match": lambda home: home.listing("search=alpine"),
    "a search that nothing matches": lambda home: home.listing("search=nobody"),
    "one network": lambda home: home.listing("network=pinterest"),
    "one status": lambda home: home.listing("status=valid"),
    "one owner": lambda home: home.listing(f"owner={home.owner.pk}"),
    "one team": lambda home: home.listing(f"team={home.team.pk}"),
    "what a member of a team sees": lambda home: home.listing(who=home.member),
    "news of an open page": lambda home: home.news(),
    "a profile's settings": lambda home: home.page("profiles:settings", home.profile.pk),
    "a profile's accesses": lambda home: home.page("tokens:profile_accesses", home.profile.pk),
    "a profile's timeline": lambda home: home.page("notifications:timeline", home.profile.pk),
}


def run(profiles: Sequence[int] = (100, 10_000), runs: int = 5) -> Iterator[Figure]:
    """`profiles`: of each organization, a multiple of 100; the least of them is the baseline."""
    homes = [fill(count) for count in sorted(profiles)]
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    least = homes[0]
    for home in homes[1:]:
        for name, of in PAGES.items():
            title, against = f"{name}, {home.size:,} profiles", f"{least.size:,} profiles"
            measured, baseline = prepared(WEB, of(home)), prepared(WEB, of(least))
            yield queries(title, measured, against, baseline)
            yield compare("pages", title, measured, against, baseline, rounds=runs)
    connection.close()
    connection.settings_dict["USER"] = OWNER


def queries(title: str, measured: Prepare, against: str, baseline: Prepare) -> Figure:
    counts = []
    for prepare in (measured, baseline):
        show = prepare()
        with CaptureQueriesContext(connection) as captured:
            show()
        counts.append(len(captured))
    assert counts[0] == counts[1], f"{title}: {counts[0]} queries and not {counts[1]}"
    return Figure("pages", title, counts[0], "queries", against, counts[1], 1.0)


def fill(size: int) -> Home:
    organization = Organization.objects.create(slug=f"pages-{size}", name=f"Alpine {size}")
    people = [a_person(organization, number) for number in range(PEOPLE)]
    admin, member = (a_person(organization, who, role) for who, role in MEMBERS.items())
    teams = [Team.objects.create(organization=organization, name=name) for name in ("A", "B")]
    TeamMembership.objects.create(organization=organization, team=teams[0], user=member)
    profiles = fill_profiles(organization, size)
    give_to(organization, profiles, people, teams)
    return Home(
        size, organization, signed_in(admin), signed_in(member), people[0], teams[0], profiles[1]
    )


MEMBERS = {"admin": Role.ADMIN, "member": Role.MEMBER}


def a_person(organization: Organization, who: object, role: str = Role.MEMBER) -> User:
    user = User.objects.create_user(f"{who}@{organization.slug}.example", name=f"Anna {who}")
    Membership.objects.create(organization=organization, user=user, role=role)
    return user


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def fill_profiles(organization: Organization, size: int) -> list[Profile]:
    """Of each login an account and what hangs below it, and what has happened to each."""
    app, _ = OAuthApp.objects.get_or_create(network_slug="pinterest", client_id="bench")
    tokens, profiles, accesses, changes = [], [], [], []
    for number in range(size // OF_A_LOGIN):
        token = a_token(organization, app, f"{organization.slug}-{number}")
        token.reason = Reason.REVOKED_BY_USER if number % DEAD == 3 else ""
        token.subject_name = f"Mara {number}"
        tokens.append(token)
        account = a_profile(token, f"Alpine {number}", "account", None)
        boards = [
            a_profile(token, f"Alpine {number} board {board}", "board", account)
            for board in range(1, OF_A_LOGIN)
        ]
        for profile in (account, *boards):
            access = Access(organization=organization, token=token, profile=profile)
            profiles.append(profile)
            accesses.append(access)
            changes.append(a_change(access))
    Token.objects.bulk_create(tokens)
    Profile.objects.bulk_create(profiles)
    Access.objects.bulk_create(accesses)
    StatusChange.objects.bulk_create(changes)
    return profiles


def a_profile(token: Token, name: str, kind: str, parent: Profile | None) -> Profile:
    return Profile(
        organization=token.organization,
        network_slug=token.network_slug,
        kind_slug=kind,
        remote_id=f"{kind} {name}",
        name=name,
        parent=parent,
        status=Status.LOST if token.reason else Status.VALID,
        reason=token.reason,
        next_end=timezone.now() + timedelta(days=90),
    )


def a_change(access: Access) -> StatusChange:
    is_valid = not access.token.reason
    return StatusChange(
        organization=access.organization,
        profile=access.profile,
        access=access,
        token=access.token,
        login_name=access.token.subject_name,
        reason=access.token.reason,
        profile_was_valid=not is_valid,
        profile_valid=is_valid,
        planned_at=timezone.now(),
    )


def give_to(
    organization: Organization, profiles: list[Profile], people: list[User], teams: list[Team]
) -> None:
    owners = cycle([people[:2], people[2:]])
    Ownership.objects.bulk_create(
        Ownership(organization=organization, profile=profile, user=user)
        for profile, some in zip(profiles, owners, strict=False)
        for user in some
    )
    TeamAssignment.objects.bulk_create(
        TeamAssignment(organization=organization, profile=profile, team=team)
        for profile, team in zip(profiles, cycle(teams), strict=False)
    )

"""One page of the profile list as the template draws it: groups of networks, rows of profiles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, cast
from uuid import UUID

from django.db.models import Count, F, Prefetch, QuerySet
from django.db.models.functions import Coalesce, Lower
from django.utils.translation import ngettext

from accounts.models import Membership, Team, User
from networks.base import Network
from networks.registry import NETWORKS
from profiles.models import Profile
from tokens.models import SEALED_FIELDS, Access, Token
from tokens.views.condition import Condition, latest_silence

FACES = 3  # as many owners are drawn; the others are counted


@dataclass(frozen=True, slots=True)
class Row:
    """`access` is the one to name: the newest good one, else the newest. `others`: how many
    further good ones there are. `is_below`: its parent stands above it on the same page."""

    profile: Profile
    condition: Condition
    access: Access | None
    others: int
    parent_name: str
    is_below: bool
    may_refresh: bool
    unreachable_since: datetime | None

    @property
    def token(self) -> Token | None:
        return self.access.token if self.access else None

    @property
    def owners(self) -> list[User]:
        return list(self.profile.owners.all())[:FACES]

    @property
    def more_owners(self) -> list[User]:
        return list(self.profile.owners.all())[FACES:]

    @property
    def teams(self) -> list[Team]:
        return list(self.profile.teams.all())


@dataclass(frozen=True, slots=True)
class Group:
    network: Network
    counted: str
    rows: list[Row]

    @property
    def switched_off(self) -> list[Any]:
        """Why the network does not let us do something, each reason once."""
        off = [one for one in self.network.capabilities.values() if not one.allowed]
        return list(dict.fromkeys(one.reason for one in off if one.reason))


class Counts:
    """How many profiles there are of each network and kind; one query, however many."""

    def __init__(self, profiles: QuerySet[Profile]) -> None:
        counted = profiles.order_by().values("network_slug", "kind_slug")
        self.lines = list(counted.annotate(number=Count("pk"), below=Count("parent")))

    @property
    def total(self) -> int:
        return sum(line["number"] for line in self.lines)

    def of(self, network: Network) -> str:
        """«4 profiles», or by kind where some hang below others: «1 account, 3 boards»."""
        lines = [line for line in self.lines if line["network_slug"] == network.slug]
        if any(line["below"] for line in lines):
            number = {line["kind_slug"]: line["number"] for line in lines}
            present = [kind for kind in network.kinds if kind.slug in number]
            return ", ".join(kind.counted % {"count": number[kind.slug]} for kind in present)
        total = sum(line["number"] for line in lines)
        return ngettext("%(count)d profile", "%(count)d profiles", total) % {"count": total}


def in_order(profiles: QuerySet[Profile]) -> QuerySet[Profile]:
    """By network, then by name, each account followed by what hangs below it."""
    return profiles.order_by(
        "network_slug",
        Lower(Coalesce("parent__name", "name")),
        Coalesce("parent_id", "id"),
        F("parent_id").asc(nulls_first=True),
        Lower("name"),
        "id",
    )


def with_details(profiles: QuerySet[Profile]) -> QuerySet[Profile]:
    """Everything that a row shows, in one query for each kind of it."""
    accesses = Access.objects.select_related("token").order_by("-token__issued_at", "id")
    return profiles.prefetch_related(
        Prefetch("owners", User.objects.order_by("name", "email")),
        "teams",
        # The list has no business with sealed token texts.
        Prefetch("accesses", accesses.defer(*(f"token__{name}" for name in SEALED_FIELDS))),
    )


def groups(profiles: Iterable[Profile], counts: Counts, membership: Membership) -> list[Group]:
    rows = list(_rows(list(profiles), membership))
    by_network = groupby(rows, key=lambda row: row.profile.network_slug)
    return [
        Group(NETWORKS[slug], counts.of(NETWORKS[slug]), list(rows)) for slug, rows in by_network
    ]


def _rows(profiles: list[Profile], membership: Membership) -> Iterator[Row]:
    here = {profile.pk for profile in profiles}
    parents = {profile.parent_id for profile in profiles if profile.parent_id} - here
    # Who was given a board has not been given its account: it is named only to those who see it.
    visible = Profile.objects.visible_to(membership).filter(pk__in=parents)
    names: dict[UUID | None, str] = dict(visible.values_list("pk", "name"))
    for profile in profiles:
        good = [one for one in profile.accesses.all() if one.effective_reason() is None]
        any_access = [*good, *profile.accesses.all()]
        yield Row(
            profile=profile,
            condition=Condition(cast(Any, profile).condition),
            access=any_access[0] if any_access else None,
            others=max(len(good) - 1, 0),
            parent_name=names.get(profile.parent_id, ""),
            is_below=profile.parent_id in here,
            may_refresh=membership.is_manager
            or membership.user_id in {owner.pk for owner in profile.owners.all()},
            unreachable_since=latest_silence(good),
        )

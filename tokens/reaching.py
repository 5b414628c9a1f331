"""What a login reaches, as rows: profiles, and accesses to them.

Whoever calls this has locked the token; profiles are locked here, all at once and in one order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q

from accounts.actor import OPERATOR, Actor
from networks.base import Reachable
from profiles.models import Ownership, Profile
from tokens.models import Access, Token
from tokens.status import lock_profiles


def profiles_of(token: Token) -> Q:
    return Q(pk__in=token.accesses.values("profile"))


def take_over(access: Access, one: Reachable) -> None:
    """The role, the name and the address as the network gives them now. A name that is only the
    id means that it did not say one."""
    access.role = one.role[:200]
    if one.name and one.name != one.remote_id:
        access.profile.name = one.name[:255]
    access.profile.url = one.url or access.profile.url


def bring_in(token: Token, reached: Iterable[Reachable]) -> set[UUID]:
    """Look after what has appeared below a profile that this locked token works with: its owners
    are those of the profile above, and nobody is written to (the checkbox is off).

    Not what somebody deleted here. Returns the ids of the new Accesses.
    """
    known = {profile.remote_id: profile for profile in Profile.objects.filter(profiles_of(token))}
    appeared = [
        one
        for one in reached
        if token.network.kind(one.kind).comes_and_goes
        and one.remote_id not in known
        and (parent := known.get(one.parent_remote_id))
        and one.remote_id not in parent.left_out
    ]
    if not appeared:
        return set()
    here = Profile.objects.filter(
        organization=token.organization_id, network_slug=token.network_slug
    )
    ids = [one.remote_id for one in appeared]
    known_before = set(here.filter(remote_id__in=ids).values_list("remote_id", flat=True))
    new = give_access(token, appeared)
    profiles = [access.profile for access in new]
    _inherit_owners([one for one in profiles if one.remote_id not in known_before])
    record("profile_appeared", OPERATOR, token, [access.profile for access in new])
    return {access.pk for access in new}


def _inherit_owners(profiles: list[Profile]) -> None:
    above = {profile.parent_id for profile in profiles}
    owners: dict[UUID | None, list[UUID]] = defaultdict(list)
    for parent, user in Ownership.objects.filter(profile__in=above).values_list("profile", "user"):
        owners[parent].append(user)
    rows = [
        Ownership(organization_id=profile.organization_id, profile=profile, user_id=user)
        for profile in profiles
        for user in owners[profile.parent_id]
    ]
    Ownership.objects.bulk_create(rows, ignore_conflicts=True)


def give_access(token: Token, wanted: Iterable[Reachable]) -> list[Access]:
    """Profiles and Accesses for what is wanted and reachable; returns the new Accesses."""
    by_id = {(one.kind, one.remote_id): one for one in wanted if not one.missing_role}
    usable = [by_id[key] for key in sorted(by_id)]  # one order: two inserts must not cross
    profiles = _profiles_for(token, usable)
    known = set(token.accesses.values_list("profile_id", flat=True))
    new = [
        Access(organization_id=token.organization_id, token=token, profile=profile, role=one.role)
        for one, profile in zip(usable, profiles, strict=True)
        if profile.pk not in known
    ]
    return Access.objects.bulk_create(new)


def _profiles_for(token: Token, usable: list[Reachable]) -> list[Profile]:
    """The Profile rows of what is reachable, inserted where there are none yet, and locked with
    all the others of the token. One that is deleted meanwhile is inserted again."""
    home = {"organization_id": token.organization_id, "network_slug": token.network_slug}
    rows = [
        Profile(
            **home, kind_slug=one.kind, remote_id=one.remote_id, name=one.name[:255], url=one.url
        )
        for one in usable
    ]
    keys = [(one.kind, one.remote_id) for one in usable]
    wanted = Q(**home, remote_id__in=[one.remote_id for one in usable])
    stored: dict[tuple[str, str], Profile] = {}
    while not stored.keys() >= set(keys):
        Profile.objects.bulk_create(rows, ignore_conflicts=True)
        locked = lock_profiles(profiles_of(token) | wanted)
        stored = {(row.kind_slug, row.remote_id): row for row in locked}
    profiles = [stored[key] for key in keys]
    _hang_under_parents(usable, profiles, above=stored.values())
    return profiles


def _hang_under_parents(
    usable: list[Reachable], profiles: list[Profile], above: Iterable[Profile]
) -> None:
    by_remote_id = {profile.remote_id: profile for profile in above}
    moved = []
    for one, profile in zip(usable, profiles, strict=True):
        parent = by_remote_id.get(one.parent_remote_id)
        if parent and profile.parent_id is None:  # a board that two accounts share stays put
            profile.parent = parent
            moved.append(profile)
    Profile.objects.bulk_update(moved, ["parent"], batch_size=500)


def record(verb: str, by: Actor, token: Token, profiles: Iterable[Profile]) -> None:
    for profile in profiles:
        by.record(
            verb,
            token.organization,
            profile,
            network=token.network.name,
            login=token.subject_name,
        )

"""The one place where a Token or an Access becomes good or bad.

Whoever changes them comes through `settle`, which locks, lets the caller change them in memory,
and writes down what follows: StatusChange rows and the status columns of Profile, all in the
caller's transaction. Locks are taken in one order, tokens by id and then profiles by id (and
leases before both, tokens/leases.py), so that two accesses of one profile that die at once see each
other, and nobody waits in a circle.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Model, Q

from networks.base import Reason
from profiles.models import Profile, Status
from tokens import bulk
from tokens.dying import heard, note
from tokens.models import Access, StatusChange, Token

Change = Callable[[Token, list[Access]], None]
TOKEN_FIELDS = [
    "subject_name",
    "scopes",
    "reason",
    "died_at",
    "probed_at",
    "listed_at",
    "unclear_since",
    "unclear_reason",
    "unclear_count",
    "next_probe_at",
]
ACCESS_FIELDS = [
    "role",
    "reason",
    "suspected_at",
    "suspected_reason",
    "suspected_by_listing",
    "alive_at",
]
PROFILE_FIELDS = ["status", "reason", "since", "next_end", "capabilities", "name", "url"]
SLICE = 500


def lock_tokens(token_ids: Iterable[UUID]) -> list[Token]:
    """The rows, locked in the order of their ids. First of the two locks."""
    rows = Token.objects.select_for_update(no_key=True).filter(pk__in=token_ids)
    return list(rows.order_by("pk"))


def lock_profiles(which: Q) -> list[Profile]:
    """The rows, locked in the order of their ids. Second of the two locks, and taken for all at
    once: whoever holds some and waits for others may wait in a circle."""
    return list(Profile.objects.select_for_update(no_key=True).filter(which).order_by("pk"))


def settle(
    tokens: Iterable[Token],
    change: Change,
    *,
    now: datetime,
    new: Collection[UUID] = (),
    actor_name: str = "",
) -> list[StatusChange]:
    """Apply `change` to each locked token and its accesses, and write what follows.

    `tokens` come from `lock_tokens`. `new` holds the ids of accesses that the caller has just
    inserted: they were not good before. `actor_name` is the person who reconnected, empty for a
    probe. Returns the StatusChanges written.
    """
    by_id = {token.pk: token for token in tokens}
    accesses = _lock_profiles_of(by_id)
    profiles = list({access.profile_id: access.profile for access in accesses}.values())
    read = _values(accesses, ACCESS_FIELDS) | _values(profiles, PROFILE_FIELDS)
    was_good = {access.pk: _is_good(access) and access.pk not in new for access in accesses}
    before = heard(accesses)
    _apply(change, by_id.values(), accesses)
    changes = _changes(accesses, was_good, now, actor_name)
    note(before, accesses, changes)
    _fill_in_profiles(accesses, changes, now)
    bulk.update(list(by_id.values()), TOKEN_FIELDS)
    _write_changed(accesses, ACCESS_FIELDS, read)
    _write_changed(profiles, PROFILE_FIELDS, read)
    StatusChange.objects.bulk_create(changes, batch_size=SLICE)
    return changes


def _apply(change: Change, tokens: Iterable[Token], accesses: list[Access]) -> None:
    own: dict[UUID, list[Access]] = defaultdict(list)
    for access in accesses:
        own[access.token_id].append(access)
    for token in tokens:
        change(token, own[token.pk])


def _values(rows: Sequence[Model], fields: list[str]) -> dict[UUID, list[object]]:
    return {row.pk: [getattr(row, field) for field in fields] for row in rows}


def _write_changed(
    rows: Sequence[Model], fields: list[str], read: dict[UUID, list[object]]
) -> None:
    """Write the rows that are not what they were when read: at most probes, none."""
    now = _values(rows, fields)
    changed = [row for row in rows if now[row.pk] != read[row.pk]]
    bulk.update(changed, fields)


def _is_good(access: Access) -> bool:
    return access.effective_reason() is None


def _lock_profiles_of(tokens: dict[UUID, Token]) -> list[Access]:
    """Every access of every profile that the tokens touch, the profiles locked before reading."""
    touched = Access.objects.filter(token__in=tokens).values("profile")
    profiles = {profile.pk: profile for profile in lock_profiles(Q(pk__in=touched))}
    accesses = Access.objects.filter(profile__in=profiles).select_related("token").order_by("pk")
    for access in accesses:
        access.profile = profiles[access.profile_id]
        access.token = tokens.get(access.token_id, access.token)
    return list(accesses)


def _changes(
    accesses: list[Access], was_good: dict[UUID, bool], now: datetime, actor_name: str
) -> list[StatusChange]:
    """One row per access that turned, counted one after the other, so that of two deaths in one
    transaction exactly one took the last valid access."""
    good: dict[UUID, int] = defaultdict(int)
    for access in accesses:
        good[access.profile_id] += was_good[access.pk]
    changes = []
    # What is gone counts first: whoever then loses the last access loses it for a reason to tell.
    for access in sorted(accesses, key=lambda one: one.reason != Reason.NO_LONGER_LISTED):
        if was_good[access.pk] == _is_good(access):
            continue
        profile_was_valid = good[access.profile_id] > 0
        good[access.profile_id] += 1 if _is_good(access) else -1
        changes.append(
            StatusChange(
                organization_id=access.organization_id,
                profile=access.profile,
                access=access,
                token=access.token,
                login_name=access.token.subject_name,
                at=now,
                reason=access.effective_reason() or "",
                profile_was_valid=profile_was_valid,
                profile_valid=good[access.profile_id] > 0,
                actor_name=actor_name,
            )
        )
    return changes


def _fill_in_profiles(accesses: list[Access], changes: list[StatusChange], now: datetime) -> None:
    """Bring the columns that lists show and filter in line with the accesses."""
    by_profile: dict[UUID, list[Access]] = defaultdict(list)
    for access in accesses:
        by_profile[access.profile_id].append(access)
    for change in changes:
        if change.profile_was_valid != change.profile_valid:
            change.profile.status = _status(change)
            change.profile.reason = change.reason
            change.profile.since = now
    for group in by_profile.values():
        group[0].profile.next_end = _next_end(group)
        group[0].profile.capabilities = _capabilities(group)


def _status(change: StatusChange) -> Status:
    if change.profile_valid:
        return Status.VALID
    return Status.GONE if change.reason == Reason.NO_LONGER_LISTED else Status.LOST


def _capabilities(accesses: list[Access]) -> list[str]:
    """What can be done with a profile: what its network allows, by one good access at least that
    has the scopes and a role for it (rule 6)."""
    declared = accesses[0].profile.network.capabilities
    good = [access for access in accesses if _is_good(access)]
    return [
        name
        for name, capability in declared.items()
        if any(capability.held_by(access.token.scopes, access.role.split()) for access in good)
    ]


def _next_end(accesses: list[Access]) -> datetime | None:
    """When the last good access ends unless a person signs in; None while one never does."""
    ends = [access.token.ends_for_people_at for access in accesses if _is_good(access)]
    known = [end for end in ends if end]
    return max(known) if ends and len(known) == len(ends) else None

"""Deleting a profile or an organization, and revoking at the networks what nobody needs then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from accounts import walls
from accounts.actor import Actor
from accounts.models import Organization
from networks.base import Client, Grant, Network, Refused, TransportError
from profiles.models import Profile
from tokens import leases
from tokens.keys import CannotOpen
from tokens.models import Access, StatusChange, Token
from tokens.people import talk
from tokens.status import lock_profiles, lock_tokens

# For how long nobody asks about what is being revoked: longer than that takes.
LEFT_ALONE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Farewell:
    """What became of one login that nothing hangs on any more.

    `revoked`: the network confirmed it. Otherwise the token is destroyed here, and the person
    can remove our app at the network. `shared`: it was not asked, since another organization
    lives by the same login.
    """

    network: Network
    login_name: str
    revoked: bool
    shared: bool = False


def delete_profile(profile: Profile, *, by: Actor) -> list[Farewell]:
    """Delete a profile with its children; revoke each token that is left without a profile.

    A network is asked to revoke only where no other live token of the same app and login exists
    in any organization: some networks disconnect the app from that person everywhere. The rows
    are gone first: a crash before the revocation leaves a token at the network that nobody
    holds, and never a profile that turns red.
    """
    with walls.inside(profile.organization_id):
        tokens = lock_tokens(_tokens_of(profile))
        going = _lock(profile)
        _remember_left_out(profile)
        for one in going:
            by.record("profile_deleted", profile.organization, one, network=one.network.name)
        profile.delete()
        orphans = [token for token in tokens if not token.accesses.exists()]
        revocable = [_revocable(token) for token in orphans]
        Token.objects.filter(pk__in=[token.pk for token in orphans]).delete()
    return [_say_goodbye(token, keys) for token, keys in zip(orphans, revocable, strict=True)]


def delete_unused(tokens: Iterable[Token]) -> None:
    """Destroy tokens that were connected and never given a profile; revoke where we may."""
    for token in tokens:
        with walls.inside(token.organization_id):
            locked = lock_tokens([token.pk])
            if not locked or locked[0].accesses.exists():
                continue
            keys = _revocable(locked[0])
            locked[0].delete()
        _say_goodbye(token, keys)


def revoke_all(organization: Organization) -> Iterator[Farewell]:
    """Revoke an organization's living tokens, one after the other, where no other organization
    lives by the same login. To be done before it is deleted: what is interrupted can be done again.

    No worker asks about them meanwhile, or the owners would be written to.
    """
    own = Token.objects.filter(organization=organization)
    leases.take_away(own, LEFT_ALONE)
    for token in own.filter(reason="").select_related("app", "data_key").order_by("created_at"):
        if _lives_elsewhere(token):
            yield Farewell(token.network, token.subject_name, revoked=False, shared=True)
        else:
            yield _say_goodbye(token, _keys_of(token))


def delete_organization(organization: Organization) -> None:
    """Everything of an organization, its data keys too, in one transaction.

    Raises Organization.DoesNotExist where somebody else was faster. Locked in everybody's order,
    and the organization last: what others are about to store for it has to wait, and fails.
    """
    mine = {"organization": organization}
    with transaction.atomic():
        lock_tokens(Token.objects.filter(**mine).values_list("pk", flat=True))
        lock_profiles(Q(**mine))
        list(StatusChange.objects.select_for_update().filter(**mine).values_list("pk"))
        Organization.objects.select_for_update().get(pk=organization.pk)
        organization.delete()


def _tokens_of(profile: Profile) -> list[UUID]:
    gone = Access.objects.filter(Q(profile=profile) | Q(profile__parent=profile))
    return list(gone.values_list("token_id", flat=True).distinct())


def _lock(profile: Profile) -> list[Profile]:
    """The profile and the children that go with it, locked. A child that another login reaches
    too (a board of two accounts) stays, and stands for itself from now on."""
    family = Q(pk=profile.pk) | Q(parent=profile)
    above = Q(pk=profile.parent_id)
    locked = Profile.objects.filter(family | above).select_for_update().order_by("pk")
    rows = [row for row in locked if row.pk != profile.parent_id]
    own = profile.accesses.values("token")
    shared = Access.objects.filter(profile__parent=profile).exclude(token__in=own)
    staying = set(shared.values_list("profile_id", flat=True))
    Profile.objects.filter(pk__in=staying).update(parent=None)
    going = [row for row in rows if row.pk not in staying]
    # Whoever plans notices passes locked changes by, and writes none that would hold us up.
    list(StatusChange.objects.select_for_update().filter(profile__in=going).values_list("pk"))
    return going


def _remember_left_out(profile: Profile) -> None:
    """What a listing would bring back stays away, until somebody adds the login again."""
    if profile.parent and profile.kind.comes_and_goes:
        left_out = {*profile.parent.left_out, profile.remote_id}
        Profile.objects.filter(pk=profile.parent.pk).update(left_out=sorted(left_out))


def _revocable(token: Token) -> tuple[Client, Grant] | None:
    """What it takes to revoke, or None where we must not or cannot."""
    return None if _lives_elsewhere(token) else _keys_of(token)


def _keys_of(token: Token) -> tuple[Client, Grant] | None:
    try:
        client = token.app.client
        return (client, token.open()) if client else None
    except CannotOpen:
        return None


def _lives_elsewhere(token: Token) -> bool:
    """Whether another live token is of this app and login, in whatever organization."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT login_lives_elsewhere(%s)", [token.pk])
        return bool(cursor.fetchone()[0])


def _say_goodbye(token: Token, keys: tuple[Client, Grant] | None) -> Farewell:
    revoked = False
    if keys is not None:
        try:
            revoking = token.network.revoke(*keys)
            revoked = bool(talk(token.app, keys[0], revoking))
        except (TransportError, Refused):
            revoked = False
    return Farewell(token.network, token.subject_name, revoked)

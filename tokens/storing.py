"""Writing down what a sign-in brought: the token, its profiles, and what follows from them.

One transaction each. The right account is checked before the first line is written (rule 5).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from accounts import walls
from accounts.actor import Actor
from accounts.models import Organization
from networks.base import Grant, Identity, Network, Reachable, Reason
from profiles.models import Profile
from tokens.connecting import Arrival
from tokens.models import Access, Token
from tokens.reaching import give_access, profiles_of, record, take_over
from tokens.status import Change, lock_profiles, lock_tokens, settle
from tokens.vault import DataKey


class WrongAccount(Exception):
    """The login that came back does not reach the profile; nothing was written.

    `missing_role` is the role it would need, where it sees the profile and lacks the role.
    """

    def __init__(self, profile: Profile, came: Identity, missing_role: str) -> None:
        super().__init__("another account")
        self.profile, self.came, self.missing_role = profile, came, missing_role


class ProfileGone(Exception):
    """The profile was deleted while the person was away; nothing was written."""


def add(organization: Organization, arrival: Arrival, *, by: Actor) -> tuple[Token, list[Profile]]:
    """Store what came back, with every profile that its network brings in by itself.

    Returns the token and the profiles that are new to it; what a person may choose from comes
    next, by `choose`. A login that came before renews its Token and all that hangs on it.
    """
    network = arrival.app.network
    by_itself = [one for one in arrival.reachables if not network.kind(one.kind).choose]
    now = timezone.now()
    with walls.inside(organization.pk):
        token = _lock_or_insert(organization, arrival, now)
        _renew(token, arrival, now)
        new = give_access(token, by_itself)
        Profile.objects.filter(profiles_of(token)).exclude(left_out=[]).update(left_out=[])
        _settle(token, _proven(arrival), new, by)
        record("connected", by, token, [access.profile for access in new])
        if not new:
            known = Profile.objects.filter(accesses__token=token)
            record("reconnected", by, token, known.order_by("pk"))
    return token, [access.profile for access in new]


def choose(token: Token, chosen: Iterable[Reachable], *, by: Actor) -> list[Profile]:
    """Connect what a person picked from what the token reaches; returns the new profiles.

    Raises Token.DoesNotExist where somebody deleted the token meanwhile.
    """
    with walls.inside(token.organization_id):
        locked = next(iter(lock_tokens([token.pk])), None)
        if locked is None:
            raise Token.DoesNotExist
        new = give_access(locked, chosen)
        _settle(locked, lambda *_: None, new, by)
        record("connected", by, locked, [access.profile for access in new])
    return [access.profile for access in new]


def reconnect(profile: Profile, arrival: Arrival, *, by: Actor) -> Token:
    """Renew the access to `profile`. Raises WrongAccount or ProfileGone, having written nothing.

    The right account is any login that reaches this profile with the needed role. The same login
    renews its Token; another one becomes a second Token with an Access to this profile alone.
    """
    key = (profile.kind_slug, profile.remote_id)
    found = next((one for one in arrival.reachables if (one.kind, one.remote_id) == key), None)
    if found is None or found.missing_role:
        raise WrongAccount(profile, arrival.identity, found.missing_role if found else "")
    now = timezone.now()
    with walls.inside(profile.organization_id):
        token = _lock_or_insert(profile.organization, arrival, now)
        if profile not in lock_profiles(profiles_of(token) | Q(pk=profile.pk)):
            raise ProfileGone
        _renew(token, arrival, now)
        new = give_access(token, [found])
        _settle(token, _proven(arrival), new, by)
        record("reconnected", by, token, [profile])
    return token


def reauthorize_by(network: Network, consented_at: datetime, grant: Grant) -> datetime | None:
    """When a person must consent again: the network's rule counted from the consent, an earlier
    end of the last refresh token, or what the network itself named."""
    ends = [grant.reauthorize_by]
    if network.reauthorize_after:
        ends.append(consented_at + network.reauthorize_after)
        if not network.refresh_extends:
            ends.append(grant.refresh_expires_at)
    return min((end for end in ends if end), default=None)


def confirm_after(network: Network) -> timedelta:
    """How long an ambiguous death waits for its second answer."""
    if settings.CONFIRM_AFTER is None:
        return network.confirm_after
    return timedelta(seconds=settings.CONFIRM_AFTER)


def _lock_or_insert(organization: Organization, arrival: Arrival, now: datetime) -> Token:
    """The one row for this login, locked. Two that come at once get the same row, in turn; one
    that is deleted between insert and lock is inserted again."""
    home = {"organization": organization, "app": arrival.app, "subject": arrival.identity.subject}
    fresh = Token(**home, network_slug=arrival.app.network_slug, issued_at=now, consented_at=now)
    fresh.data_key = DataKey.current(organization.pk)
    fresh.seal(arrival.grant)
    locked: list[Token] = []
    while not locked:
        Token.objects.bulk_create([fresh], ignore_conflicts=True)
        locked = lock_tokens(Token.objects.filter(**home).values_list("pk", flat=True))
    return locked[0]


def _settle(token: Token, change: Change, new: list[Access], by: Actor) -> None:
    """Write what follows from a sign-in, and drop the accesses that it supersedes.

    Tokens of an app that is no longer configured cannot be asked any more. Where this one gives
    good access, theirs go, or they would count as good for ever.
    """
    now = timezone.now()
    settle([token], change, now=now, new={access.pk for access in new}, actor_name=str(by))
    looked_after = Access.objects.good().filter(token=token).values("profile")
    others = Access.objects.filter(profile__in=looked_after).exclude(token__app=token.app_id)
    old = [one.pk for one in others.select_related("token__app") if not one.token.app.is_configured]
    if old:
        Access.objects.filter(pk__in=old).delete()
        settle([token], lambda *_: None, now=now)  # the profiles' ends are this token's from now on


def _renew(token: Token, arrival: Arrival, now: datetime) -> None:
    """The new pair and its clocks. With `issued_at` a probe under way loses its right to write.

    Some networks give a refresh token at the first consent only: the one we have stays then, and
    its end with it.
    """
    grant = arrival.grant
    if not grant.refresh_token:
        grant = replace(grant, refresh_expires_at=token.refresh_expires_at)
    token.seal(grant)
    token.subject_name = arrival.identity.name[:255]
    token.issued_at = token.consented_at = token.listed_at = now
    token.reauthorize_by = reauthorize_by(token.network, now, grant)
    token.next_probe_at = now + confirm_after(token.network)
    token.save()


def _proven(arrival: Arrival) -> Change:
    """The change that follows from a sign-in: the token lives, and so does what it reaches.

    What the login should list and does not stays red where it was red; where it was green, the
    next probe reads the listing again before anybody is told.
    """
    reached = {(one.kind, one.remote_id): one for one in arrival.reachables}

    def change(token: Token, accesses: list[Access]) -> None:
        was_dead = bool(token.reason)
        token.reason = token.unclear_reason = ""
        token.unclear_since, token.unclear_count = None, 0
        for access in accesses:
            one = reached.get((access.profile.kind_slug, access.profile.remote_id))
            access.suspected_at, access.suspected_reason = None, ""
            if one and not one.missing_role:
                access.reason = ""
                take_over(access, one)
            elif access.profile.kind.reads_role:
                token.listed_at = None
                access.reason = Reason.PERMISSION_LOST if was_dead else access.reason
            elif access.profile.kind.comes_and_goes:
                token.listed_at = None

    return change

"""The one line above the list: what a person should do next, if anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from accounts.models import Membership
from networks.base import Network
from networks.registry import NETWORKS
from profiles.models import Profile, Status
from tokens.models import Access


@dataclass(frozen=True, slots=True)
class Needs:
    """`together` of the `count` lost profiles hang on one login; refreshing `profile` is the
    step that brings back most."""

    count: int
    together: int
    login_name: str
    profile: Profile

    @property
    def network(self) -> Network:
        return NETWORKS[self.profile.network_slug]


def what_needs_doing(membership: Membership) -> dict[str, Any]:
    """Over everything that this person may refresh, whatever the list is filtered by."""
    mine = Profile.objects.refreshable_by(membership).filter(status=Status.LOST)
    count = mine.count()
    # A login that itself is dead takes everything with it that hangs on it; where only a role
    # is lost, signing in again would not bring it back.
    dead = Access.objects.filter(profile__in=mine).exclude(token__reason="")
    logins = dead.values("token", "token__subject_name").annotate(number=Count("profile"))
    most = logins.order_by("-number", "token__subject_name", "token").first()
    hanging = mine.filter(accesses__token=most["token"]) if most else mine
    first = hanging.order_by("since", "name", "pk").first()
    if first is None:
        return {"needs": None}
    together, name = (most["number"], most["token__subject_name"]) if most else (1, "")
    return {"needs": Needs(count, together, name, first)}

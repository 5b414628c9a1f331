"""What can be done to teams. Each verb writes its rows and its audit line together."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.actor import Actor
from accounts.members import Refused, lock
from accounts.models import Organization, Team, TeamMembership, User


@transaction.atomic
def create(organization: Organization, name: str, *, by: Actor) -> Team:
    lock(organization)
    _refuse_if_taken(organization, name)
    team = Team.objects.create(organization=organization, name=name)
    by.record("team_created", organization, team)
    return team


@transaction.atomic
def rename(team: Team, name: str, *, by: Actor) -> None:
    lock(team.organization)
    before = team.name
    if name == before:
        return
    _refuse_if_taken(team.organization, name, but=team)
    team.name = name
    team.save(update_fields=["name"])
    by.record("team_renamed", team.organization, team, before=before, after=name)


@transaction.atomic
def delete(team: Team, *, by: Actor) -> None:
    lock(team.organization)  # nobody who assigns profiles to teams right now may meet half a team
    by.record("team_deleted", team.organization, team)
    team.delete()


@transaction.atomic
def set_members(team: Team, users: Iterable[User], *, by: Actor) -> None:
    """Exactly these people, as far as they still are members of the organization."""
    lock(team.organization)
    here = User.objects.filter(memberships__organization=team.organization)
    wanted = set(here.filter(pk__in=[user.pk for user in users]))
    present = set(team.members.all())
    added, removed = wanted - present, present - wanted
    if not added and not removed:
        return
    TeamMembership.objects.filter(team=team, user__in=removed).delete()
    TeamMembership.objects.bulk_create(
        TeamMembership(organization=team.organization, team=team, user=user) for user in added
    )
    by.record("team_members_changed", team.organization, team, added=added, removed=removed)


def _refuse_if_taken(organization: Organization, name: str, but: Team | None = None) -> None:
    if (
        organization.teams.filter(name__iexact=name)
        .exclude(pk__in=[but.pk] if but else [])
        .exists()
    ):
        raise Refused(_("There is already a team with this name. Choose another name."))

"""What can be set for a profile: who answers for it, who works with it, who hears of a loss."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from accounts.actor import Actor
from accounts.members import lock
from accounts.models import Team, User
from profiles.models import Ownership, Profile, TeamAssignment


@transaction.atomic
def change_settings(
    profile: Profile,
    *,
    owners: Iterable[User],
    teams: Iterable[Team],
    mail_when_lost: bool,
    by: Actor,
) -> None:
    """Exactly these owners and teams, as far as they still belong to the organization."""
    lock(profile.organization)  # nobody leaves it, and no team is deleted, while we look
    locked = Profile.objects.select_for_update(no_key=True).get(pk=profile.pk)
    here = User.objects.filter(memberships__organization=profile.organization_id)
    teams_here = Team.objects.filter(organization=profile.organization_id)
    _set_owners(locked, here.filter(pk__in={owner.pk for owner in owners}), by)
    _set_teams(locked, teams_here.filter(pk__in={team.pk for team in teams}), by)
    _set_mail(locked, mail_when_lost, by)


def _set_owners(profile: Profile, wanted: Iterable[User], by: Actor) -> None:
    after, before = set(wanted), set(profile.owners.all())
    if after == before:
        return
    came, went = after - before, before - after
    Ownership.objects.filter(profile=profile, user__in=went).delete()
    Ownership.objects.bulk_create(
        Ownership(organization_id=profile.organization_id, profile=profile, user=user)
        for user in came
    )
    by.record("owners_changed", profile.organization, profile, added=came, removed=went)


def _set_teams(profile: Profile, wanted: Iterable[Team], by: Actor) -> None:
    after, before = set(wanted), set(profile.teams.all())
    if after == before:
        return
    came, went = after - before, before - after
    TeamAssignment.objects.filter(profile=profile, team__in=went).delete()
    TeamAssignment.objects.bulk_create(
        TeamAssignment(organization_id=profile.organization_id, profile=profile, team=team)
        for team in came
    )
    by.record("teams_changed", profile.organization, profile, added=came, removed=went)


def _set_mail(profile: Profile, after: bool, by: Actor) -> None:
    before, profile.mail_when_lost = profile.mail_when_lost, after
    if after == before:
        return
    profile.save(update_fields=["mail_when_lost"])
    by.record("mail_changed", profile.organization, profile, before=before, after=after)

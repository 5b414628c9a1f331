"""What can be set for a profile: who answers for it, who works with it, who hears of a loss."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db import models, transaction
from django.http import HttpRequest

from accounts.members import lock
from accounts.models import AuditEvent, Team, User
from profiles.models import Ownership, Profile, TeamAssignment


@transaction.atomic
def change_settings(
    profile: Profile,
    *,
    owners: Iterable[User],
    teams: Iterable[Team],
    mail_when_lost: bool,
    by: User,
    request: HttpRequest | None = None,
) -> None:
    """Exactly these owners and teams, as far as they still belong to the organization."""
    lock(profile.organization)  # nobody leaves it, and no team is deleted, while we look
    locked = Profile.objects.select_for_update(no_key=True).get(pk=profile.pk)
    here = User.objects.filter(memberships__organization=profile.organization_id)
    teams_here = Team.objects.filter(organization=profile.organization_id)
    audit = _Audit(locked, by, request)
    audit.moved("owners_changed", *_set_owners(locked, here.filter(pk__in={o.pk for o in owners})))
    audit.moved(
        "teams_changed", *_set_teams(locked, teams_here.filter(pk__in={t.pk for t in teams}))
    )
    audit.switched("mail_changed", locked.mail_when_lost, mail_when_lost)
    locked.mail_when_lost = mail_when_lost
    locked.save(update_fields=["mail_when_lost"])


def _set_owners(profile: Profile, wanted: Iterable[User]) -> tuple[set[User], set[User]]:
    """Returns who came and who went."""
    after, before = set(wanted), set(profile.owners.all())
    Ownership.objects.filter(profile=profile, user__in=before - after).delete()
    Ownership.objects.bulk_create(
        Ownership(organization_id=profile.organization_id, profile=profile, user=user)
        for user in after - before
    )
    return after - before, before - after


def _set_teams(profile: Profile, wanted: Iterable[Team]) -> tuple[set[Team], set[Team]]:
    """Returns which came and which went."""
    after, before = set(wanted), set(profile.teams.all())
    TeamAssignment.objects.filter(profile=profile, team__in=before - after).delete()
    TeamAssignment.objects.bulk_create(
        TeamAssignment(organization_id=profile.organization_id, profile=profile, team=team)
        for team in after - before
    )
    return after - before, before - after


class _Audit:
    """The lines of the log about one visit to the settings; nothing changed writes nothing."""

    def __init__(self, profile: Profile, by: User, request: HttpRequest | None) -> None:
        self.profile, self.by, self.request = profile, by, request

    def moved(
        self, verb: str, added: Collection[models.Model], removed: Collection[models.Model]
    ) -> None:
        if added or removed:
            self._record(verb, added=sorted(map(str, added)), removed=sorted(map(str, removed)))

    def switched(self, verb: str, before: bool, after: bool) -> None:
        if before != after:
            self._record(verb, before=before, after=after)

    def _record(self, verb: str, **details: object) -> None:
        AuditEvent.record(
            verb,
            organization=self.profile.organization,
            actor=self.by,
            target=self.profile,
            request=self.request,
            **details,
        )

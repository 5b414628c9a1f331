"""What people look after on a network, who owns it, and which teams work with it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Organization, Team, User
from networks.base import Reason
from networks.registry import NETWORKS

if TYPE_CHECKING:
    from networks.base import Kind, Network


class Status(models.TextChoices):
    VALID = "valid", _("Valid")
    LOST = "lost", _("No valid access permission")
    GONE = "gone", _("No longer in the network")


class ProfileQuerySet(models.QuerySet["Profile"]):
    def visible_to(self, membership: Membership) -> ProfileQuerySet:
        """All of the organization for managers and admins; for members those of their teams and
        those they own. The only way a view gets at a profile."""
        mine = self.filter(organization=membership.organization_id)
        if membership.is_manager:
            return mine
        user = membership.user_id
        return mine.filter(
            models.Q(pk__in=Ownership.objects.filter(user=user).values("profile"))
            | models.Q(pk__in=TeamAssignment.objects.filter(team__members=user).values("profile"))
        )

    def refreshable_by(self, membership: Membership) -> ProfileQuerySet:
        """Those the person may reconnect: all for managers and admins, else those they own."""
        visible = self.visible_to(membership)
        if membership.is_manager:
            return visible
        owned = Ownership.objects.filter(user=membership.user_id).values("profile")
        return visible.filter(pk__in=owned)


class Profile(models.Model):
    """A page, an account, a board. `remote_id` is the network's stable id, never the name.

    `status`, `reason`, `since`, `next_end` and `capabilities` are written by `tokens` alone, in
    the transaction of the StatusChange. `next_end`: when valid access ends unless a person signs
    in again. `left_out`: the remote ids of what hangs below it and was deleted here, so that the
    next listing does not bring it back.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="profiles"
    )
    network_slug = models.CharField(max_length=30)
    kind_slug = models.CharField(max_length=30)
    remote_id = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    url = models.URLField(max_length=500, blank=True)
    parent = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="children",
        db_constraint=False,
    )
    owners = models.ManyToManyField(User, through="Ownership", related_name="owned_profiles")
    teams = models.ManyToManyField(Team, through="TeamAssignment", related_name="profiles")
    mail_when_lost = models.BooleanField(_("There are no valid access permissions."), default=False)
    status = models.CharField(max_length=10, choices=Status, default=Status.LOST)
    reason = models.CharField(max_length=30, blank=True)
    since = models.DateTimeField(default=timezone.now)
    next_end = models.DateTimeField(null=True)
    capabilities = ArrayField(models.CharField(max_length=50), default=list)
    left_out = ArrayField(models.CharField(max_length=255), default=list)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ProfileQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "network_slug", "kind_slug", "remote_id"],
                name="profile_once",
            )
        ]
        indexes = [
            models.Index(
                fields=["organization", "network_slug", "name"], name="profile_list_order"
            ),
            models.Index(fields=["organization", "status"], name="profile_by_status"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def network(self) -> Network:
        return NETWORKS[self.network_slug]

    @property
    def kind(self) -> Kind:
        return self.network.kind(self.kind_slug)

    @property
    def is_valid(self) -> bool:
        return self.status == Status.VALID

    def can(self, capability: str) -> bool:
        """Whether `capability` (networks.facts) works here now: the network allows it, and some
        good access has the scopes and the role for it. The one question that code asks."""
        return self.is_valid and capability in self.capabilities

    def get_reason(self) -> Reason | None:
        return Reason(self.reason) if self.reason else None


class Ownership(models.Model):
    """That a person answers for a profile, and hears of it when access is lost."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    profile = models.ForeignKey(
        Profile, on_delete=models.CASCADE, related_name="ownerships", db_constraint=False
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="ownerships")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["profile", "user"], name="owner_once")]


class TeamAssignment(models.Model):
    """That a team may see and work with a profile."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    profile = models.ForeignKey(
        Profile, on_delete=models.CASCADE, related_name="team_assignments", db_constraint=False
    )
    team = models.ForeignKey(
        Team, on_delete=models.CASCADE, related_name="profile_assignments", db_constraint=False
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["profile", "team"], name="team_once")]

"""People, the organizations they work for, and what they did there."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person with an account. `is_staff` is the operator, who stands outside organizations."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(_("email address"), unique=True)
    name = models.CharField(_("name"), max_length=150)
    language = models.CharField(_("language"), max_length=5, choices=settings.LANGUAGES, default="")
    time_zone = models.CharField(_("time zone"), max_length=64, default="Europe/Berlin")
    wants_token_mail = models.BooleanField(
        _("Receive notifications when an access token has expired."), default=False
    )
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects = UserManager()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_any_case")]

    def __str__(self) -> str:
        return self.name or self.email


class EmailChange(models.Model):
    """An address that a person wants in place of hers; it counts when the holders of both have
    said yes within AGE. Asking for another one takes its place, and its links with it."""

    AGE: ClassVar[timedelta] = timedelta(hours=24)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="email_change")
    email = models.EmailField(_("email address"))
    created_at = models.DateTimeField(default=timezone.now)
    confirmed_by_old_at = models.DateTimeField(null=True)
    confirmed_by_new_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.email

    @property
    def expires_at(self) -> datetime:
        return self.created_at + self.AGE

    @property
    def has_expired(self) -> bool:
        return timezone.now() >= self.expires_at

    @property
    def is_confirmed(self) -> bool:
        return bool(self.confirmed_by_old_at and self.confirmed_by_new_at)


class Organization(models.Model):
    """The tenant. Every row but User and the operator's belongs to exactly one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(unique=True)
    name = models.CharField(_("name"), max_length=150)
    requires_second_factor = models.BooleanField(default=False)
    # Admins hear of a lost access of which no owner does, or about which none does anything.
    escalates = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    ADMIN = "admin", _("Admin")
    MANAGER = "manager", _("Manager")
    MEMBER = "member", _("Member")


class Membership(models.Model):
    """That a person works for an organization, and what they may do there."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="memberships"
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=10, choices=Role, default=Role.MEMBER)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="one_membership")
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.role}"

    @property
    def is_admin(self) -> bool:
        return self.role == Role.ADMIN

    @property
    def is_manager(self) -> bool:
        """Managers and admins: all profiles, their owners, teams and settings."""
        return self.role in (Role.ADMIN, Role.MANAGER)


class Team(models.Model):
    """People who may see and work with the same profiles."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="teams")
    name = models.CharField(_("name"), max_length=100)
    members = models.ManyToManyField(User, through="TeamMembership", related_name="teams")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint("organization", Lower("name"), name="team_name_once")
        ]

    def __str__(self) -> str:
        return self.name


class TeamMembership(models.Model):
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    team = models.ForeignKey(
        Team, on_delete=models.CASCADE, related_name="memberships", db_constraint=False
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="team_memberships")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="once_in_a_team")]


class SingleSignOn(models.Model):
    """The OpenID provider of an organization. Never changed, only replaced: its id names it in the
    sessions and in the connected logins (SocialAccount) that came by it, which end with it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, related_name="single_sign_on"
    )
    issuer = models.CharField(max_length=200)
    client_id = models.CharField(max_length=191)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.issuer


class Invitation(models.Model):
    """Accepted once, within AGE of `created_at`; revoked means deleted."""

    AGE: ClassVar[timedelta] = timedelta(hours=72)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="invitations"
    )
    email = models.EmailField(_("email address"))
    role = models.CharField(_("role"), max_length=10, choices=Role, default=Role.MEMBER)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "organization",
                Lower("email"),
                condition=models.Q(accepted_at=None),
                name="one_open_invitation",
            )
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def expires_at(self) -> datetime:
        return self.created_at + self.AGE

    @property
    def has_expired(self) -> bool:
        return timezone.now() >= self.expires_at


class AuditEvent(models.Model):
    """Who did what to what, as it was called then. Append-only; names are kept as text. Written
    by accounts.actor."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    actor_id = models.CharField(max_length=36, blank=True)
    actor_name = models.CharField(max_length=254, blank=True)
    actor_email = models.CharField(max_length=254, blank=True)
    verb = models.CharField(max_length=50)
    object_id = models.CharField(max_length=36, blank=True)
    object_name = models.TextField(blank=True)
    details = models.JSONField(default=dict)
    ip_address = models.GenericIPAddressField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["organization", "-id"], name="audit_newest_first"),
            models.Index(fields=["organization", "verb", "-id"], name="audit_by_verb"),
            models.Index(fields=["organization", "actor_id", "-id"], name="audit_by_actor"),
            models.Index(fields=["organization", "object_id", "-id"], name="audit_by_object"),
            models.Index(fields=["organization", "at"], name="audit_by_day"),
        ]

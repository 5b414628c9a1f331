"""Tokens, what they may work with, and every change of that: the outbox of the house."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Organization, User
from networks.base import Grant, Reason
from networks.registry import NETWORKS
from profiles.models import Profile
from tokens import vault
from tokens.experience import Experience
from tokens.failures import Backlog, Failure, Tally
from tokens.oauth_apps import OAuthApp, redirect_uri
from tokens.vault import DataKey

if TYPE_CHECKING:
    from networks.base import Network

# fmt: off
__all__ = [
    "GRANT_FIELDS", "SEALED_FIELDS", "Access", "AuthorizationRequest", "Backlog", "DataKey",
    "Experience", "Failure", "OAuthApp", "StatusChange", "Tally", "Token", "redirect_uri",
]
# fmt: on


# Of a Token, what only its data key opens.
SEALED_FIELDS = ("access_token", "refresh_token", "keep")
# What a grant fills in, and a refresh renews.
GRANT_FIELDS = (
    "access_token",
    "refresh_token",
    "scopes",
    "issued_at",
    "expires_at",
    "refresh_expires_at",
    "reauthorize_by",
    "keep",
)


class Token(models.Model):
    """One person's authorization at one network for one OAuth app.

    `reason` is empty while it lives; `died_at` is when it last died, if ever. `issued_at` is when
    its pair came: whoever writes back checks that it is what they read.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Every index is written with every probe: those of these two are the beginnings of others.
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    app = models.ForeignKey(
        OAuthApp, on_delete=models.PROTECT, related_name="tokens", db_index=False
    )
    network_slug = models.CharField(max_length=30)
    subject = models.CharField(max_length=255)
    subject_name = models.CharField(max_length=255)
    data_key = models.ForeignKey(
        DataKey, on_delete=models.RESTRICT, related_name="+", db_constraint=False
    )
    access_token = models.BinaryField()
    refresh_token = models.BinaryField(default=b"")
    keep = models.BinaryField(default=b"")
    scopes = ArrayField(models.CharField(max_length=200), default=list)
    issued_at = models.DateTimeField()
    consented_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    refresh_expires_at = models.DateTimeField(null=True)
    reauthorize_by = models.DateTimeField(null=True)
    reason = models.CharField(max_length=30, blank=True)
    died_at = models.DateTimeField(null=True)
    probed_at = models.DateTimeField(null=True)
    listed_at = models.DateTimeField(null=True)
    unclear_since = models.DateTimeField(null=True)
    unclear_reason = models.CharField(max_length=30, blank=True)
    unclear_count = models.PositiveIntegerField(default=0)
    next_probe_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)

    lease: uuid.UUID  # the name of the claim that brought it; on what `leases.claim` returns alone

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "app", "subject"], name="token_once")
        ]
        indexes = [
            models.Index(fields=["network_slug", "next_probe_at"], name="token_due"),
            models.Index(fields=["app", "subject"], name="token_login"),
        ]

    def __str__(self) -> str:
        return f"{self.network.name}: {self.subject_name}"

    @property
    def network(self) -> Network:
        return NETWORKS[self.network_slug]

    @property
    def ends_for_people_at(self) -> datetime | None:
        """When a person must sign in again at the latest; None where nobody ever must."""
        if not self.refresh_token:
            machine_end = self.expires_at
        elif self.network.refresh_extends:
            is_overdue = self.expires_at and self.expires_at <= timezone.now()
            machine_end = self.refresh_expires_at if is_overdue else None
        else:
            machine_end = self.refresh_expires_at
        ends = [end for end in (self.reauthorize_by, machine_end) if end]
        return min(ends, default=None)

    def seal(self, grant: Grant) -> None:
        """Take over a grant's tokens, scopes and clocks; encrypts, and writes nothing.

        Both texts are always under the row's one data key. Raises CannotOpen.
        """
        self.access_token = vault.seal(self, "access_token", grant.access_token)
        if grant.refresh_token:  # an empty one never replaces a stored one (rule 4)
            self.refresh_token = vault.seal(self, "refresh_token", grant.refresh_token)
        self.keep = vault.seal(self, "keep", json.dumps(dict(grant.keep))) if grant.keep else b""
        self.scopes = list(grant.scopes)
        self.expires_at = grant.expires_at
        self.refresh_expires_at = grant.refresh_expires_at

    def open(self) -> Grant:
        """The decrypted grant. Raises CannotOpen.

        Rows are read together with their data keys (`select_related`), or locked: a rotation may
        drop the key between two queries.
        """
        others = [name for name in ("refresh_token", "keep") if getattr(self, name)]
        texts = vault.open_all(self, "access_token", *others)
        return Grant(
            access_token=texts["access_token"],
            refresh_token=texts.get("refresh_token", ""),
            scopes=tuple(self.scopes),
            expires_at=self.expires_at,
            refresh_expires_at=self.refresh_expires_at,
            keep=json.loads(texts["keep"]) if "keep" in texts else {},
        )


class Lease(models.Model):
    """A worker is asking about a token, and nobody else is to before `until` (tokens/leases.py).

    `name` is that of its claim. A table of its own, which stays small: a claim that wrote to a
    thousand tokens' rows would write a thousand pages, and as many of each index. The key is not
    checked, since that locks the token's row, which writes it.
    """

    token = models.OneToOneField(
        Token, primary_key=True, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False
    )
    name = models.UUIDField()
    until = models.DateTimeField()


class AccessQuerySet(models.QuerySet["Access"]):
    def good(self) -> AccessQuerySet:
        return self.filter(reason="", token__reason="")


class Access(models.Model):
    """That a token may work with a profile. It can be lost while the token lives.

    `reason` is empty while the login keeps its role there. `suspected_at`: a death that was
    seen once and waits for its confirmation; `suspected_by_listing`: what was seen is the listing,
    and no probe can say more of it. `alive_at`: when the network had last said that it lives, kept
    while a death is suspected, since the clocks of its token move on.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    token = models.ForeignKey(
        Token, on_delete=models.CASCADE, related_name="accesses", db_constraint=False
    )
    profile = models.ForeignKey(
        Profile, on_delete=models.CASCADE, related_name="accesses", db_constraint=False
    )
    role = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=30, blank=True)
    suspected_at = models.DateTimeField(null=True)
    suspected_reason = models.CharField(max_length=30, blank=True)
    suspected_by_listing = models.BooleanField(default=False)
    alive_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = AccessQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "profile"], name="access_once")]
        indexes = [
            models.Index(
                fields=["token"], condition=~Q(suspected_at=None), name="access_suspected"
            ),
            models.Index(
                fields=["suspected_at"], condition=~Q(suspected_at=None), name="access_suspected_at"
            ),
        ]

    def effective_reason(self) -> Reason | None:
        """Why this access is not good: the token's trouble before its own; None while it is."""
        reason = self.token.reason or self.reason
        return Reason(reason) if reason else None


class StatusChange(models.Model):
    """One Access became good or stopped being so. Append-only but for `planned_at`.

    `reason` is empty when it became good; `profile_valid` is the profile's state afterwards.
    `actor_name` is the person who signed in, empty where a probe found it.

    Of a loss (tokens/dying.py): it died after `alive_at` and before `found_at`, and at `ended_at`
    where a clock had foretold that; empty where nobody knows.
    """

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    profile = models.ForeignKey(
        Profile, on_delete=models.CASCADE, related_name="changes", db_constraint=False
    )
    access = models.ForeignKey(
        Access, null=True, on_delete=models.SET_NULL, related_name="changes", db_constraint=False
    )
    token = models.ForeignKey(
        Token, null=True, on_delete=models.SET_NULL, related_name="+", db_constraint=False
    )
    login_name = models.CharField(max_length=255)
    at = models.DateTimeField(default=timezone.now)
    alive_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    found_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=30, blank=True)
    profile_valid = models.BooleanField()
    profile_was_valid = models.BooleanField()
    actor_name = models.CharField(max_length=254, blank=True)
    planned_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["profile", "-id"], name="change_timeline"),
            models.Index(fields=["id"], condition=Q(planned_at=None), name="change_unplanned"),
            models.Index(fields=["at"], name="change_at"),
        ]

    @property
    def lost_the_last(self) -> bool:
        """The article's alarm: after this change the profile has no valid access any more. Not
        where there is no profile any more: the login is well, and nobody has to do anything."""
        is_gone = self.reason == Reason.NO_LONGER_LISTED
        return self.profile_was_valid and not self.profile_valid and not is_gone


class AuthorizationRequest(models.Model):
    """One trip to a network and back (RFC 6749, 4.1.1), used once.

    `state_digest` is the SHA-256 of `state`; the session holds the state itself. `profile` is
    the one to reconnect, or empty where profiles are being added. `keep` is sealed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    app = models.ForeignKey(OAuthApp, on_delete=models.CASCADE, related_name="+")
    profile = models.ForeignKey(
        Profile, null=True, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    state_digest = models.BinaryField(unique=True)
    data_key = models.ForeignKey(
        DataKey, on_delete=models.RESTRICT, related_name="+", db_constraint=False
    )
    keep = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

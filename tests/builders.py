"""Rows for tests, as connecting would have left them: `profile`, `token`, `access`, `change`."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.models import Organization, Team, User
from networks.base import Reason
from profiles.models import Ownership, Profile, Status, TeamAssignment
from tokens.models import Access, OAuthApp, StatusChange, Token
from tokens.vault import DataKey

_numbers = itertools.count(1)


def profile(
    organization: Organization,
    network: str = "linkedin",
    kind: str = "page",
    *,
    owners: tuple[User, ...] = (),
    teams: tuple[Team, ...] = (),
    **fields: Any,
) -> Profile:
    """Valid, unless told otherwise, and with no access behind it yet."""
    number = next(_numbers)
    defaults = {"name": f"Profile {number}", "remote_id": f"remote-{number}"}
    made = Profile.objects.create(
        organization=organization,
        network_slug=network,
        kind_slug=kind,
        **{**defaults, "status": Status.VALID, **fields},
    )
    Ownership.objects.bulk_create(
        Ownership(organization=organization, profile=made, user=user) for user in owners
    )
    TeamAssignment.objects.bulk_create(
        TeamAssignment(organization=organization, profile=made, team=team) for team in teams
    )
    return made


def token(
    organization: Organization,
    network: str = "linkedin",
    name: str = "Anna Huber",
    **fields: Any,
) -> Token:
    """A living login. Its sealed texts open with no key: nothing here may need them."""
    app, _ = OAuthApp.objects.get_or_create(network_slug=network, client_id="tests")
    now = timezone.now()
    defaults: dict[str, Any] = {"issued_at": now, "consented_at": now, "probed_at": now}
    defaults |= {"subject": f"login-{next(_numbers)}"}
    return Token.objects.create(
        organization=organization,
        app=app,
        network_slug=network,
        subject_name=name,
        data_key=DataKey.current(organization.pk),
        access_token=b"x",
        **{**defaults, **fields},
    )


def access(token: Token, profile: Profile, **fields: Any) -> Access:
    return Access.objects.create(
        organization=profile.organization, token=token, profile=profile, **fields
    )


def change(
    access: Access,
    reason: Reason | None = None,
    *,
    was: bool,
    now: bool,
    at: datetime | None = None,
    **fields: Any,
) -> StatusChange:
    """`was` and `now`: whether the profile had valid access before and after."""
    return StatusChange.objects.create(
        organization=access.organization,
        profile=access.profile,
        access=access,
        token=access.token,
        login_name=access.token.subject_name,
        reason=reason or "",
        profile_was_valid=was,
        profile_valid=now,
        at=at or timezone.now(),
        **fields,
    )

"""Who does something, and from where: what every verb is handed, and every line of the log says."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_ipv46_address
from django.db.models import Model
from django.http import HttpRequest

from accounts.models import AuditEvent, Organization, User
from accounts.names import name_of, one_line

if TYPE_CHECKING:
    from accounts.tenancy import PersonRequest


@dataclass(frozen=True, slots=True)
class Actor:
    """A person at an address; the operator, by a command, is neither."""

    user: User | None = None
    address: str | None = None

    def __str__(self) -> str:
        return str(self.user or "")

    @classmethod
    def of(cls, request: PersonRequest) -> Actor:
        """Whoever is signed in."""
        return cls(request.user, client_address(request))

    def record(
        self, verb: str, organization: Organization, target: Model | None = None, **details: Any
    ) -> AuditEvent:
        """Write one line of the log, in the caller's transaction, so that both stand or neither.

        `verb` is one of accounts.audit.VERBS, `target` what it was done to. `details` must not
        hold a secret: numbers, words, and people or things, alone or several, whose names stay.
        """
        return AuditEvent.objects.create(
            organization=organization,
            actor_id=str(self.user.pk) if self.user else "",
            actor_name=one_line(str(self)),
            actor_email=self.user.email if self.user else "",
            verb=verb,
            object_id=str(target.pk) if target else "",
            object_name=name_of(target) if target else "",
            details={key: _as_text(value) for key, value in details.items()},
            ip_address=self.address,
        )


OPERATOR = Actor()


def client_address(request: HttpRequest) -> str | None:
    """Where a request comes from: what the first of our own PROXY_COUNT proxies saw."""
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    count = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    if not count:
        return request.META.get("REMOTE_ADDR")
    address = hops[-count].strip() if len(hops) >= count else ""
    return address if is_address(address) else None


def is_address(text: str) -> bool:
    try:
        validate_ipv46_address(text)
    except ValidationError:
        return False
    return True


def _as_text(value: Any) -> Any:
    if isinstance(value, Model):
        return name_of(value)
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, Collection):
        return sorted(map(_as_text, value))
    return value

"""Webhooks: what is owed to them, and what admins do with them.

Events are signed as Standard Webhooks describes (https://www.standardwebhooks.com), so that a
receiver checks them with a library that exists.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Left
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import sealing
from accounts.actor import Actor
from accounts.members import Refused, lock
from accounts.models import Organization
from notifications.kinds import NoticeKind
from notifications.models import OWED, Webhook, WebhookDelivery
from notifications.notices import kind_of
from tokens.models import StatusChange

ROWS = WebhookDelivery
MOST = 10  # of one organization
TRIAL = "webhook.trial"
KEPT = timedelta(days=30)  # the log of what was posted
FORGOTTEN_AT_ONCE = 5_000
EVENTS = {
    NoticeKind.ACCESS_LOST: "profile.access_lost",
    NoticeKind.PARTLY_LOST: "profile.access_partly_lost",
    NoticeKind.RESTORED: "profile.access_restored",
}


def owed(changes: Sequence[StatusChange], now: datetime) -> Iterator[WebhookDelivery]:
    """One event for every webhook of the organization in which something changed."""
    hooks: dict[Any, list[Webhook]] = {}
    organizations = {change.organization_id for change in changes}
    for hook in Webhook.objects.filter(organization__in=organizations, stopped_at=None):
        hooks.setdefault(hook.organization_id, []).append(hook)
    for change in changes:
        kind = kind_of(change)
        if kind is None:
            continue
        for hook in hooks.get(change.organization_id, ()):
            yield WebhookDelivery(
                organization_id=change.organization_id,
                webhook=hook,
                change=change,
                event=EVENTS[kind],
                created_at=now,
                next_attempt_at=now,
            )


@transaction.atomic
def add(organization: Organization, url: str, *, by: Actor) -> str:
    """Take an address, and try it. Returns the secret, which is shown once. Raises Refused."""
    lock(organization)
    if organization.webhooks.count() >= MOST:
        raise Refused(_("There are ten webhooks already. Delete one that is not needed any more."))
    secret = "whsec_" + b64encode(secrets.token_bytes(32)).decode()
    hook = Webhook.objects.create(organization=organization, url=url, secret=sealing.seal(secret))
    by.record("webhook_added", organization, url=url)
    attempt(hook)
    return secret


@transaction.atomic
def delete(hook: Webhook, *, by: Actor) -> None:
    by.record("webhook_deleted", hook.organization, url=hook.url)
    hook.delete()


@transaction.atomic
def attempt(hook: Webhook) -> None:
    """Owe it a trial; one that was stopped goes on."""
    Webhook.objects.filter(pk=hook.pk).update(stopped_at=None, why_stopped="")
    WebhookDelivery.objects.create(
        organization_id=hook.organization_id,
        webhook=hook,
        event=TRIAL,
        next_attempt_at=timezone.now(),
    )


def forget(now: datetime) -> int:
    """Forget some of what was posted or given up long ago. Returns how many events it were."""
    over = WebhookDelivery.objects.exclude(OWED).filter(created_at__lt=now - KEPT)
    some = over.order_by("created_at").values("pk")[:FORGOTTEN_AT_ONCE]
    return int(WebhookDelivery.objects.filter(pk__in=some).delete()[0])


class Secrets:
    """For the rotation of keys."""

    label = "webhook"

    def key_ids(self) -> Mapping[Any, str]:
        rows = Webhook.objects.annotate(key_id=Left("secret", sealing.ID_LENGTH))
        return dict(rows.values_list("pk", "key_id"))

    @transaction.atomic
    def reseal(self, pk: Any) -> None:
        for hook in Webhook.objects.filter(pk=pk).select_for_update(no_key=True):
            hook.secret = sealing.seal(sealing.open_(hook.secret))
            hook.save(update_fields=["secret"])

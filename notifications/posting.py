"""Posting events to webhooks: signed, one after the other, again and again where it fails.

A worker that is killed between the answer and our commit posts the event again under the same
`webhook-id`, by which receivers know it.
"""

from __future__ import annotations

import hmac
import json
from base64 import b64decode, b64encode
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from accounts import sealing
from networks.base import Answer, Conversation, Post, TransportError
from networks.http import hold
from notifications.delivery import LEASE, Delivery, send_round
from notifications.models import Outcome, Webhook, WebhookDelivery, WhyStopped

# After the first, second, ... failed attempt; three days in all, as Standard Webhooks advises.
BACK_OFF = [
    *(timedelta(seconds=seconds) for seconds in (5, 300, 1800)),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
]
GONE = 410  # RFC 9110, 15.5.11: and likely for good


def send_due() -> None:
    """Post what is due to webhooks."""
    send_round(_send_next, WebhookDelivery.objects.owed())


def _send_next(now: datetime) -> Delivery | None:
    """One event; None where none is due."""
    owed = _claim(now)
    if owed is None:
        return None
    if owed.webhook.stopped_at:
        _rows(owed).give_up(Outcome.NOT_WANTED, owed.webhook.why_stopped, now=now)
        return Delivery.DONE
    try:
        answer: Answer = hold(_post(owed, now), {urlsplit(owed.webhook.url).hostname or ""})
    except (TransportError, sealing.CannotOpen) as error:
        return _failed(owed, f"{type(error).__name__}: {error}")
    if 200 <= answer.status < 300:
        _rows(owed).mark_sent(now=timezone.now())
        return Delivery.DONE
    if answer.status == GONE:
        _stop(owed, WhyStopped.GONE, str(GONE))
        return Delivery.DONE
    return _failed(owed, str(answer.status))


def _rows(owed: WebhookDelivery) -> Any:
    return WebhookDelivery.objects.filter(pk=owed.pk)


def _claim(now: datetime) -> WebhookDelivery | None:
    """Lease one event that nobody else has."""
    due = WebhookDelivery.objects.owed().filter(next_attempt_at__lte=now)
    with transaction.atomic():
        first = due.order_by("next_attempt_at").select_for_update(skip_locked=True).first()
        if first is None:
            return None
        _rows(first).update(attempts=F("attempts") + 1, next_attempt_at=now + LEASE)
        found: WebhookDelivery = (
            _rows(first).select_related("webhook", "organization", "change__profile").get()
        )
    return found


def _post(owed: WebhookDelivery, now: datetime) -> Conversation:
    content = event_of(owed)
    # The door writes JSON in this very way, and nothing else: what is signed is what is sent.
    body = json.dumps(content)
    stamp = str(int(now.timestamp()))
    headers = {
        "webhook-id": str(owed.pk),
        "webhook-timestamp": stamp,
        "webhook-signature": sign(sealing.open_(owed.webhook.secret), str(owed.pk), stamp, body),
    }
    answer = yield Post(owed.webhook.url, json=content, headers=headers)
    return answer


def sign(secret: str, name: str, stamp: str, body: str) -> str:
    """As https://www.standardwebhooks.com says: HMAC-SHA256 of the id, the time and the body."""
    key = b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{name}.{stamp}.{body}".encode(), sha256)
    return "v1," + b64encode(digest).decode()


def event_of(owed: WebhookDelivery) -> dict[str, Any]:
    """What is posted: names and ids, and never a token."""
    change = owed.change
    content: dict[str, Any] = {
        "type": owed.event,
        "timestamp": (change.at if change else owed.created_at).isoformat(),
        "data": {"organization": owed.organization.slug},
    }
    if change:
        profile = change.profile
        path = reverse("tokens:refresh", args=[owed.organization.slug, profile.pk])
        content["data"] |= {
            "profile": {
                "id": str(profile.pk),
                "network": profile.network_slug,
                "kind": profile.kind_slug,
                "name": profile.name,
                "url": profile.url,
            },
            "login": change.login_name,
            "reason": change.reason,
            "has_valid_access": change.profile_valid,
            "refresh_url": settings.BASE_URL + path,
        }
    return content


def _failed(owed: WebhookDelivery, why: str) -> Delivery:
    """Try again later; others for the same address wait too, so that a server that hangs does not
    hold up the webhooks of everybody."""
    if owed.attempts > len(BACK_OFF):
        _stop(owed, WhyStopped.FAILING, why)
        return Delivery.DONE
    now = timezone.now()
    _rows(owed).put_off(now + BACK_OFF[owed.attempts - 1], why)
    same = WebhookDelivery.objects.owed().filter(webhook=owed.webhook, next_attempt_at__lte=now)
    with transaction.atomic():
        free = same.select_for_update(skip_locked=True).values("pk")
        WebhookDelivery.objects.filter(pk__in=free).update(next_attempt_at=now + BACK_OFF[1])
    return Delivery.LATER


@transaction.atomic
def _stop(owed: WebhookDelivery, why: WhyStopped, said: str) -> None:
    """Nothing more is posted there until an admin tries it again."""
    now = timezone.now()
    _rows(owed).give_up(Outcome.EXHAUSTED, said, now=now)
    Webhook.objects.filter(pk=owed.webhook_id).update(stopped_at=now, why_stopped=why)

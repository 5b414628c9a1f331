"""What comes back: reports that a mail of ours did not arrive after its server had taken it.

A report (RFC 3464) counts only where it names the Message-ID of a mail that we sent: that is
random, and known to nobody but its reader and the servers on the way.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from notifications.addresses import refuse
from notifications.models import SEQUEL, Notice

log = logging.getLogger(__name__)

# RFC 3463, 3: for good, and about the address (x.1) or the mailbox (x.2); 5.2.2 is a full one.
LOST = re.compile(r"5\.(1\.\d{1,3}|2\.(?!2\b)\d{1,3})")
MESSAGE_ID = re.compile(
    r"^Message-ID:\s*<([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@", re.IGNORECASE | re.MULTILINE
)


def read(report: bytes) -> str:
    """Mark the address that a report is about. Returns it; empty where nothing follows from the
    report: it is none, it will pass, or it is about no mail of ours. Raises nothing for what is
    no mail at all."""
    message = message_from_bytes(report, policy=policy.default)
    said = next(_failures(message), "")
    named = MESSAGE_ID.search(_returned(message))
    return _mark(UUID(named[1]), said) if said and named else ""


@transaction.atomic
def _mark(mail: UUID, said: str) -> str:
    notices = Notice.objects.filter(mail=mail, sent_at__isnull=False)
    notice = notices.select_related("user").first()
    if notice is None:
        return ""
    refuse(notice.user.email, said)
    # It reached nobody, so somebody else may have to hear of it now.
    notices.filter(kind__in=SEQUEL).update(follow_up_at=timezone.now())
    log.warning("Mail %s came back: %s", mail, said[:5])
    return str(notice.user.email)


def _failures(message: EmailMessage) -> Iterator[str]:
    """«5.1.1 smtp; 550 no such user» of each recipient who was not reached and will not be."""
    for part in message.walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        payload = part.get_payload()
        for fields in payload if isinstance(payload, list) else ():
            if isinstance(fields, Message) and _is_final(fields):
                words = " ".join(str(fields.get("Diagnostic-Code", "")).split())
                yield f"{fields['Status']} {words}".strip()


def _is_final(fields: Message) -> bool:
    action, status = str(fields.get("Action", "")), str(fields.get("Status", ""))
    return action.strip().lower() == "failed" and bool(LOST.match(status.strip()))


def _returned(message: EmailMessage) -> str:
    """The headers of the mail that came back, as the report quotes them."""
    for part in message.walk():
        if part.get_content_type() in ("message/rfc822", "text/rfc822-headers"):
            payload = part.get_payload()
            inner = payload[0] if isinstance(payload, list) and payload else payload
            return inner.as_string() if isinstance(inner, Message) else str(inner)
    return ""

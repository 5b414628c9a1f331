"""What comes back: reports that a mail of ours did not arrive after its server had taken it.

A report (RFC 3464) counts only where it names the Message-ID of a mail that we sent: that is
random, and known to nobody but its reader and the servers on the way.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from email import message_from_string
from email.message import Message
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from notifications.addresses import refuse
from notifications.models import DETAIL, SEQUEL, Notice, Outcome
from notifications.names import shown
from notifications.replies import About, about

log = logging.getLogger(__name__)

# Wherever it stands: in the mail or the headers that came back, which is the third and optional
# part, or among the fields of the report. The report's own is none of ours.
MESSAGE_ID = re.compile(
    r"^(?:X-Original-)?Message-ID:\s*<([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@",
    re.IGNORECASE | re.MULTILINE,
)
# RFC 6533 has the same in UTF-8.
STATUSES = ("message/delivery-status", "message/global-delivery-status")
# «smtp; 550 5.1.1 no such user», «smtp;550-5.1.1 no such user» (RFC 3464, 2.3.6).
REPLY = re.compile(r"smtp\s*;\s*(\d{3})[ -]\s*(.*)", re.IGNORECASE | re.DOTALL)
# Exim's reports without a delivery status quote the last line of each reply, alone or behind the
# name of the host; at their end stands what came back.
QUOTED = re.compile(r"^[ \t]+(?:.*: )?([45]\d\d) (.*)$", re.MULTILINE)
CAME_BACK = re.compile(r"^-+ This is a copy of the message", re.MULTILINE)


def read(report: bytes) -> str:
    """Mark the address that a report is about. Returns it; empty where nothing follows from the
    report: it is none, it will pass, or it is about no mail of ours. Raises nothing for what is
    no mail at all."""
    text = report.decode(errors="replace")
    try:
        verdicts = list(_verdicts(message_from_string(text)))
    except RecursionError:  # a mail in a mail in a mail
        return ""
    # Of one that was forwarded to several, one may have it, or may get it still.
    if not verdicts or any(what is not About.ADDRESS for what, _ in verdicts):
        return ""
    return _mark(set(map(UUID, MESSAGE_ID.findall(text))), verdicts[0][1], text)


@transaction.atomic
def _mark(named: set[UUID], words: str, report: str) -> str:
    notices = Notice.objects.filter(mail__in=named, sent_at__isnull=False)
    notice = notices.select_related("user").first()
    if notice is None:
        return ""
    said, address = shown(words, DETAIL), str(notice.user.email)
    # It reached nobody, so somebody else may have to hear of it now.
    notices.filter(kind__in=SEQUEL).update(follow_up_at=timezone.now())
    notices.update(outcome=Outcome.REFUSED, detail=said)
    log.warning("Mail %s came back: %s", notice.mail, said[:5])
    if address.lower() not in report.lower():  # it is another one by now
        return ""
    refuse(address, said)
    return address


def _verdicts(message: Message) -> Iterator[tuple[About, str]]:
    """What is said of each recipient, and in which words."""
    fields = [one for part in message.walk() for one in _recipients(part)]
    if not fields and "X-Failed-Recipients" in message:
        yield from _quoted(message)
    for one in fields:
        status, words = (
            " ".join(one.get(name, "").split()) for name in ("Status", "Diagnostic-Code")
        )
        yield _about(one.get("Action", ""), status, words), f"{status} {words}".strip()


def _recipients(part: Message) -> Iterator[Message]:
    """The fields of each recipient (RFC 3464, 2.3)."""
    is_status = part.get_content_type() in STATUSES and part.is_multipart()
    blocks: Any = part.get_payload() if is_status else ()
    for block in blocks:
        # Python's parser knows only the older type: of the other it takes the first block.
        others = re.split(r"\n\s*\n", _text(block))
        for fields in (block, *map(message_from_string, others)):
            if "Final-Recipient" in fields:
                yield fields


def _text(message: Any) -> str:
    payload = message.get_payload()
    return payload if isinstance(payload, str) else ""


def _about(action: str, status: str, words: str) -> About:
    """Delayed, delivered, relayed and expanded (RFC 3464, 2.3.3) are no failures."""
    if action.strip().lower() != "failed":
        return About.NEITHER
    reply = REPLY.match(words)
    if reply and status.startswith("5.0."):  # all that Exim says, and others of bare replies
        return about(int(reply[1]), reply[2])
    return about(500, f"{status} {words}")


def _quoted(message: Message) -> Iterator[tuple[About, str]]:
    """From the text, where it quotes a reply for each address that failed."""
    failed = message["X-Failed-Recipients"].split(",")
    replies = QUOTED.findall(CAME_BACK.split(_text(message))[0])
    if len(replies) >= len(failed):
        yield from ((about(int(code), words), f"{code} {words}") for code, words in replies)

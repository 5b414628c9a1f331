"""What a refusal of a mail server is about, and so what follows from it.

A reply has a code (RFC 5321, 4.2.3) and mostly an enhanced status code before its words, which is
more exact (RFC 3463, 3): x.1 speaks of the address, x.2 of the mailbox, x.6 of the content; x.7 is
policy (relaying, sign-in, reputation), which is the operator's trouble and may be mended.
"""

from __future__ import annotations

import re
from enum import Enum

ENHANCED = re.compile(r"5\.(\d{1,3})\.(\d{1,3})\b")
# Of x.1 and x.2, what says nothing against the reader's address: our own is bad (1.7, 1.8), the
# mailbox is full (2.2), the mail too long for it (2.3).
OUR_OWN = {("1", "7"), ("1", "8")}
OF_THIS_MAIL = {("2", "2"), ("2", "3")}
# Google says 2.1 of a closed mailbox, and of one that is sent more than it takes at once:
# https://support.google.com/a/answer/3726730
TOO_MUCH = "at a rate"
# What servers say that send no enhanced code, some of them of relaying, too.
NO_SUCH_MAILBOX = (550, 551, 553)


class About(Enum):
    """ADDRESS: no mail will ever arrive there. MAIL: this one will not. NEITHER: it may pass."""

    ADDRESS = "address"
    MAIL = "mail"
    NEITHER = "neither"


def about(code: int, words: str) -> About:
    if code // 100 != 5 or TOO_MUCH in words:
        return About.NEITHER
    if enhanced := ENHANCED.match(words):
        return _about_status(enhanced[1], enhanced[2])
    is_gone = code in NO_SUCH_MAILBOX and "relay" not in words.lower()
    return About.ADDRESS if is_gone else About.NEITHER


def _about_status(subject: str, detail: str) -> About:
    if subject == "6" or (subject, detail) in OF_THIS_MAIL:
        return About.MAIL
    is_the_readers = subject in ("1", "2") and (subject, detail) not in OUR_OWN
    return About.ADDRESS if is_the_readers else About.NEITHER

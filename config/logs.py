"""How a log line looks."""

import logging
import re
import time

# Whoever has such a link is whom it was mailed to: it opens an account, or changes one.
SIGNED_LINK = re.compile(
    r"(/(?:invitation|mail/stop|password/reset/key|confirm-email|account/email)/)[^/\s]+"
)
# What networks send browsers back to us with.
ANSWER = re.compile(r"([?&](?:code|state|oauth_token|oauth_verifier)=)[^&\s\"']+")


class OneLine(logging.Formatter):
    """One line for each record, of characters that can be seen: nothing that a traceback or a
    hostile header holds forges another line, or paints on a terminal. And without the links that
    we mail, which are as good as passwords, and what networks answer. Times are UTC, and say so.
    """

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        line = "".join(map(visible, super().format(record)))
        return ANSWER.sub(r"\1…", SIGNED_LINK.sub(r"\1…", line))


def visible(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode()


def no_health_check(record: logging.LogRecord) -> bool:
    """Who asks /healthz reads the answer; a line every few seconds tells nobody more."""
    return getattr(getattr(record, "request", None), "path", "") != "/healthz"

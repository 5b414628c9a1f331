"""How a log line looks."""

import logging
import re
import time

# Whoever has such a link is whom it was mailed to: it opens an account, or changes one.
SIGNED_LINK = re.compile(r"(/(?:invitation|mail/stop|password/reset/key|confirm-email)/)[^/\s]+")


class OneLine(logging.Formatter):
    """One line for each record, a traceback or a hostile header cannot forge another one; and
    without the links that we mail, which are as good as passwords. Times are UTC, and say so."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record).replace("\r", "\\r").replace("\n", "\\n")
        return SIGNED_LINK.sub(r"\1…", line)


def no_health_check(record: logging.LogRecord) -> bool:
    """Who asks /healthz reads the answer; a line every few seconds tells nobody more."""
    return getattr(getattr(record, "request", None), "path", "") != "/healthz"

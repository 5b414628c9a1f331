"""How a log line looks."""

import logging


class OneLine(logging.Formatter):
    """One line for each record: a traceback or a hostile header cannot forge another one."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\r", "\\r").replace("\n", "\\n")


def no_health_check(record: logging.LogRecord) -> bool:
    """Who asks /healthz reads the answer; a line every few seconds tells nobody more."""
    return getattr(getattr(record, "request", None), "path", "") != "/healthz"

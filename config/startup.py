"""What every serving process makes sure of before its first request or task."""

import logging
from datetime import date

from django.db import connections
from django.utils import timezone

from accounts.walls import require_role
from networks.registry import NETWORKS
from tokens.vault import require_keys

logger = logging.getLogger(__name__)


def refuse_to_start_unsafe(role: str) -> None:
    """Better not to start than to find out later that stored tokens do not open, or that a
    database role sees more than it should, or less. Raises ImproperlyConfigured.

    `role` is the one that this process must sign in to the database as.
    """
    require_role(role)
    require_keys()
    warn_of_trouble_ahead(timezone.localdate())
    connections.close_all()  # processes are forked after this, and must not share it


def warn_of_trouble_ahead(today: date) -> None:
    for warning in filter(None, (one.trouble_ahead(today) for one in NETWORKS.values())):
        logger.warning(warning)

"""What every serving process makes sure of before its first request or task."""

from django.db import connections

from accounts.walls import require_role
from tokens.vault import require_keys


def refuse_to_start_unsafe(role: str) -> None:
    """Better not to start than to find out later that stored tokens do not open, or that a
    database role sees more than it should, or less. Raises ImproperlyConfigured.

    `role` is the one that this process must sign in to the database as.
    """
    require_role(role)
    require_keys()
    connections.close_all()  # processes are forked after this, and must not share it

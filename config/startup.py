"""What every serving process makes sure of before its first request or task."""

from django.db import connections

from tokens.vault import require_keys


def refuse_without_keys() -> None:
    """Better not to start than to find out later that stored tokens do not open."""
    require_keys()
    connections.close_all()  # processes are forked after this, and must not share it

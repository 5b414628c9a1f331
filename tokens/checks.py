"""System checks: what an operator should know before the first user finds out."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Info, register

from networks.registry import NETWORKS
from tokens.connecting import offered_networks


@register
def networks_without_client_id(**_: Any) -> list[CheckMessage]:
    """A network without a client id is not offered; say so, rather than let people wonder."""
    return [
        Info(
            f"{network.name} is not offered: it has no client id.",
            hint=f"Set {slug.upper()}_CLIENT_ID and {slug.upper()}_CLIENT_SECRET, "
            "or leave it so (docs/configuration.md).",
            id="tokens.I001",
        )
        for slug, network in NETWORKS.items()
        if network not in offered_networks()
    ]

"""System checks: what an operator should know before the first user finds out."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Info, register

from networks.base import Network
from networks.registry import NETWORKS
from tokens.connecting import offered_networks


@register
def networks_without_client_id(**_: Any) -> list[CheckMessage]:
    """A network without a client id is not offered; say so, rather than let people wonder."""
    return [
        Info(
            f"{network.name} is not offered: it has no client id.",
            hint=f"Set {_variables(network)}, or leave it so (docs/configuration.md).",
            id="tokens.I001",
        )
        for network in NETWORKS.values()
        if network not in offered_networks()
    ]


def _variables(network: Network) -> str:
    """As config/environment.py names them."""
    name = network.slug.upper().replace("-", "_")
    if network.publishes_client_metadata:
        return f"{name}_PRIVATE_KEY"
    return f"{name}_CLIENT_ID and {name}_CLIENT_SECRET"

"""Our registrations at the networks."""

from __future__ import annotations

import uuid
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from django.utils import timezone

from networks.base import Client
from networks.registry import NETWORKS
from tokens import vault
from tokens.vault import Wrapped

if TYPE_CHECKING:
    from networks.base import Network


class OAuthApp(Wrapped):
    """One registration of ours at a network, and there at `issuer` where it has several servers.

    The secret stays in the settings, unless the network's servers gave it to us themselves
    (`Network.register`): then it is sealed here.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    network_slug = models.CharField(max_length=30)
    issuer = models.CharField(max_length=255, blank=True)
    client_id = models.CharField(max_length=255)
    wrapped = models.BinaryField(default=b"")
    sealed_secret = models.BinaryField(default=b"")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "registration"
        constraints = [
            models.UniqueConstraint(fields=["network_slug", "issuer", "client_id"], name="app_once")
        ]

    def __str__(self) -> str:
        return f"{self.network_slug} {self.client_id}"

    @property
    def network(self) -> Network:
        return NETWORKS[self.network_slug]

    @property
    def place(self) -> bytes:
        return self.pk.bytes + b"wrapped"

    @property
    def redirect_uri(self) -> str:
        return redirect_uri(self.network_slug, self.server)

    @property
    def server(self) -> str:
        """The host of the server that gave us this registration; "" where we brought our own."""
        return str(urlsplit(self.issuer).hostname) if self.sealed_secret else ""

    @property
    def is_configured(self) -> bool:
        """Whether we can still speak to the network with it."""
        slug = self.network.client_slug(self.issuer)
        configured = settings.OAUTH_CLIENTS.get(slug, ("", ""))[0]
        return bool(self.sealed_secret) or configured == self.client_id

    @cached_property
    def client(self) -> Client | None:
        """What names us at the network; None where this app is no longer configured. Raises
        CannotOpen where the server gave us the secret and its key cannot be had.

        Made once for each object: hundreds of claimed tokens share one."""
        if not self.is_configured:
            return None
        if self.sealed_secret:
            secret = vault.open_secret(self)
        else:
            secret = settings.OAUTH_CLIENTS[self.network.client_slug(self.issuer)][1]
        return Client(self.client_id, secret, self.redirect_uri, self.issuer)


def redirect_uri(network_slug: str, server: str = "") -> str:
    """One per network and server, so that none can pass off another's code (RFC 9700, 4.4.2)."""
    path = f"callback/{server}/" if server else "callback/"
    return f"{settings.BASE_URL}/oauth/{network_slug}/{path}"

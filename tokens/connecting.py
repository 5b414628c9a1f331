"""The trip to a network and back: `state`, the leap, the code, and whose login came.

Nothing of the grant is stored here, and no transaction is open while a network is called; what
came back is written down by tokens.storing.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from accounts import walls
from accounts.models import Organization, User
from networks.base import (
    Client,
    Conversation,
    Grant,
    Identity,
    Network,
    Reachable,
    Refusal,
    Refused,
    TransportError,
)
from networks.http import hold, public_address
from networks.registry import NETWORKS
from profiles.models import Profile
from tokens import vault
from tokens.models import AuthorizationRequest, OAuthApp, Token
from tokens.vault import DataKey

STATE_AGE = timedelta(hours=1)


class StateRefused(Exception):
    """The callback's `state` is missing, used, too old, or belongs to somebody else."""


class MixedUp(StateRefused):
    """The answer came from another network than the one that was asked."""

    def __init__(self, trip: AuthorizationRequest) -> None:
        super().__init__("another network")
        self.trip = trip


class NoLongerAllowed(Exception):
    """The person lost the right to connect this while she was away."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A grant that came back, and everything its login reaches. Not stored yet."""

    app: OAuthApp
    grant: Grant
    identity: Identity
    reachables: list[Reachable]


def offered_networks() -> list[Network]:
    """The networks that this installation has a client id for."""
    return [network for network in NETWORKS.values() if _client_id(network)]


def app_for(network: Network) -> OAuthApp:
    """The installation's registration at `network`, as a row. Raises Refused without one."""
    client_id = _client_id(network)
    if not client_id:
        raise Refused(Refusal.APP_MISCONFIGURED)
    return OAuthApp.objects.get_or_create(network_slug=network.slug, client_id=client_id)[0]


def _client_id(network: Network) -> str:
    return str(settings.OAUTH_CLIENTS.get(network.slug, ("", ""))[0])


def begin(
    organization: Organization, user: User, network: Network, profile: Profile | None = None
) -> tuple[str, str]:
    """Start a trip to `network`, to add profiles or to reconnect `profile`.

    Returns the address to send the browser to, and the `state` to put into its session.
    Raises Refused, and CannotOpen.
    """
    app = app_for(network)
    state = secrets.token_urlsafe(32)
    authorization = _ask(network, network.authorize(client_of(app), state))
    trip = AuthorizationRequest(organization=organization, user=user, app=app, profile=profile)
    trip.state_digest = _digest(state)
    with walls.inside(organization.pk):
        trip.data_key = DataKey.current(organization.pk)
        trip.keep = vault.seal(trip, "keep", json.dumps(dict(authorization.keep)))
        trip.save(force_insert=True)
    return public_address(authorization.url), state


def take(state: str, organization_id: UUID, user: User, network: Network) -> AuthorizationRequest:
    """Use up `state`, whatever comes of it. Raises StateRefused.

    The row is deleted in one statement, so that of two callbacks with one state one gets it. A
    state made for another network is refused too, as MixedUp (RFC 9700, 4.4).
    """
    trips = AuthorizationRequest.objects.filter(
        state_digest=_digest(state), created_at__gte=timezone.now() - STATE_AGE
    ).select_related("organization", "user", "app", "profile", "data_key")
    with walls.inside(organization_id):
        trip = trips.first()
        if trip is None or not trips.delete()[0]:
            raise StateRefused
    if trip.user_id != user.pk:
        raise StateRefused
    if trip.app.network_slug != network.slug:
        raise MixedUp(trip)
    return trip


def arrive(trip: AuthorizationRequest, callback: Mapping[str, str]) -> Arrival:
    """Exchange the code and find out who came. Writes nothing. Raises Refused, CannotOpen, or
    MixedUp before the code is shown to anybody."""
    network, client = trip.app.network, client_of(trip.app)
    if not network.sent(callback):
        raise MixedUp(trip)
    keep = json.loads(vault.open_(trip, "keep"))
    grant = _ask(network, network.exchange(client, callback, keep))
    identity = _ask(network, network.identify(client, grant))
    reachables = _ask(network, network.reach(client, grant, identity))
    return Arrival(trip.app, grant, identity, reachables)


def reach_again(token: Token) -> list[Reachable]:
    """What the login of a stored token reaches now. Raises Refused, CannotOpen."""
    identity = Identity(token.subject, token.subject_name)
    reaching = token.network.reach(client_of(token.app), token.open(), identity)
    return list(_ask(token.network, reaching))


def client_of(app: OAuthApp) -> Client:
    """What names us at the app's network. Raises Refused where it is no longer configured."""
    client = app.client()
    if client is None:
        raise Refused(Refusal.APP_MISCONFIGURED)
    return client


def _ask(network: Network, conversation: Conversation) -> Any:
    try:
        return hold(conversation, network.hosts)
    except TransportError:
        raise Refused(Refusal.NETWORK_UNAVAILABLE) from None


def _digest(state: str) -> bytes:
    return sha256(state.encode()).digest()

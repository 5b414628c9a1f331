"""The trip to a network and back: `state`, the leap, the code, and whose login came.

Nothing of the grant is stored here, and no transaction is open while a network is called; what
came back is written down by tokens.storing.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from accounts import walls
from accounts.models import Organization, User
from networks.base import (
    LONGEST_ID,
    Authorization,
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
from tokens.models import AuthorizationRequest, OAuthApp, Token, redirect_uri
from tokens.people import talk
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
    """The networks that we have a registration at, or that give us one themselves."""
    return [network for network in NETWORKS.values() if _is_offered(network)]


def _is_offered(network: Network) -> bool:
    if network.question and network.question.choices:
        return bool(choices_of(network))
    slug = network.client_slug("")
    return not slug or bool(_client_id(slug))


def choices_of(network: Network) -> list[tuple[str, Any]]:
    """Of the network's several logins those that we are registered for."""
    choices = network.question.choices if network.question else ()
    return [choice for choice in choices if _client_id(network.client_slug(choice[0]))]


def app_for(network: Network, issuer: str = "") -> OAuthApp:
    """The installation's registration at `network` (and there at `issuer`), as a row; a server
    that registers whoever asks is asked once. Raises Refused, and CannotOpen."""
    slug = network.client_slug(issuer)
    ours = OAuthApp.objects.filter(network_slug=network.slug, issuer=issuer)
    if not slug:
        return ours.order_by("-created_at").first() or _register(network, issuer)
    client_id = _client_id(slug)
    if not client_id:
        raise Refused(Refusal.APP_MISCONFIGURED)
    return ours.get_or_create(network_slug=network.slug, issuer=issuer, client_id=client_id)[0]


def _client_id(slug: str) -> str:
    return str(settings.OAUTH_CLIENTS.get(slug, ("", ""))[0])


def _register(network: Network, issuer: str) -> OAuthApp:
    server = str(urlsplit(issuer).hostname)
    asking = network.register(issuer, redirect_uri(network.slug, server))
    nobody = Client("", "", issuer=issuer)
    client: Client = _answer(lambda: hold(asking, network.hosts_of(nobody)))
    names = {"network_slug": network.slug, "issuer": issuer, "client_id": client.client_id}
    app = OAuthApp.objects.filter(**names).first() or OAuthApp(**names)
    app.created_at = timezone.now()
    vault.seal_secret(app, client.client_secret)
    app.save()
    return app


def begin(
    organization: Organization,
    user: User,
    network: Network,
    profile: Profile | None = None,
    said: str = "",
) -> tuple[str, str]:
    """Start a trip to `network`, to add profiles or to reconnect `profile`; `said` is the answer
    to the network's question, where it has one.

    Returns the address to send the browser to, and the `state` to put into its session.
    Raises Refused, and CannotOpen.
    """
    state = secrets.token_urlsafe(32)
    app, login_hint = _destination(organization, network, profile, said)
    try:
        authorization = _authorize(app, state, login_hint)
    except Refused as error:
        if error.refusal is not Refusal.CLIENT_FORGOTTEN:
            raise
        app = _register(network, app.issuer)
        authorization = _authorize(app, state, login_hint)
    trip = AuthorizationRequest(organization=organization, user=user, app=app, profile=profile)
    trip.state_digest = _digest(state)
    with walls.inside(organization.pk):
        trip.data_key = DataKey.current(organization.pk)
        trip.keep = vault.seal(trip, "keep", json.dumps(dict(authorization.keep)))
        trip.save(force_insert=True)
    return public_address(authorization.url), state


def _destination(
    organization: Organization, network: Network, profile: Profile | None, said: str
) -> tuple[OAuthApp, str]:
    """By which registration to go, and whom to expect. What is reconnected goes where it came
    from the last time."""
    if profile is None:
        choices = choices_of(network)
        if choices and said not in dict(choices):
            said = choices[0][0]
        return app_for(network, network.issuer_in(said)), said
    with walls.inside(organization.pk):
        latest = profile.accesses.select_related("token__app").order_by("-token__issued_at").first()
        login_hint = (profile.parent or profile).remote_id
    issuer = latest.token.app.issuer if latest else network.issuer_in(said)
    return app_for(network, issuer), login_hint


def _authorize(app: OAuthApp, state: str, login_hint: str) -> Authorization:
    client = client_of(app)
    asking = app.network.authorize(client, state, login_hint)
    authorization: Authorization = _ask(app, asking, client)
    return authorization


def take(
    state: str, organization_id: UUID, user: User, network: Network, server: str = ""
) -> AuthorizationRequest:
    """Use up `state`, whatever comes of it. Raises StateRefused.

    The row is deleted in one statement, so that of two callbacks with one state one gets it. A
    state made for another network, or another server of it, is refused too, as MixedUp
    (RFC 9700, 4.4).
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
    if (trip.app.network_slug, trip.app.server) != (network.slug, server):
        raise MixedUp(trip)
    return trip


def arrive(trip: AuthorizationRequest, callback: Mapping[str, str]) -> Arrival:
    """Exchange the code and find out who came. Writes nothing. Raises Refused, CannotOpen, or
    MixedUp before the code is shown to anybody."""
    app, network, client = trip.app, trip.app.network, client_of(trip.app)
    if not network.sent(callback):
        raise MixedUp(trip)
    keep = json.loads(vault.open_(trip, "keep"))
    grant = _ask(app, network.exchange(client, callback, keep), client)
    identity = _ask(app, network.identify(client, grant), client)
    reachables = _ask(app, network.reach(client, grant, identity), client)
    ids = (identity.subject, *(one.remote_id for one in reachables))
    if max(map(len, ids)) > LONGEST_ID:
        raise Refused(Refusal.NOT_UNDERSTOOD)
    return Arrival(app, grant, identity, reachables)


def reach_again(token: Token) -> list[Reachable]:
    """What the login of a stored token reaches now. Raises Refused, CannotOpen."""
    identity = Identity(token.subject, token.subject_name)
    client = client_of(token.app)
    reaching = token.network.reach(client, token.open(), identity)
    return list(_ask(token.app, reaching, client))


def client_of(app: OAuthApp) -> Client:
    """What names us at the app's network. Raises Refused where it is no longer configured."""
    client = app.client
    if client is None:
        raise Refused(Refusal.APP_MISCONFIGURED)
    return client


def _ask(app: OAuthApp, conversation: Conversation, client: Client) -> Any:
    return _answer(lambda: talk(app, client, conversation))


def _answer(asking: Callable[[], Any]) -> Any:
    try:
        return asking()
    except TransportError:
        raise Refused(Refusal.NETWORK_UNAVAILABLE) from None


def _digest(state: str) -> bytes:
    return sha256(state.encode()).digest()

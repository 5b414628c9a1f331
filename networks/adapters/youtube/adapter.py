"""YouTube, Data API v3: https://developers.google.com/youtube/v3/docs"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from networks.adapters.youtube.notes import (
    BUDGETS,
    CAPABILITIES,
    KINDS,
    LOGIN_HINT,
    NOTES,
    READ,
    SCOPES,
)
from networks.base import (
    Answer,
    Client,
    Conversation,
    Get,
    Grant,
    Identity,
    Reachable,
    Refusal,
    Refused,
    Request,
)
from networks.families.google import GoogleNetwork, heard
from networks.reading import a_name, accept, an_id, attempt

CHANNELS = "https://www.googleapis.com/youtube/v3/channels"
LIST = "youtube#channelListResponse"
# https://developers.google.com/youtube/v3/docs/errors#youtube.common
NO_CHANNEL = {
    "youtubeSignupRequired",
    "authenticatedUserNotChannel",
    "authenticatedUserAccountSuspended",
    "authenticatedUserAccountClosed",
    "channelSuspended",
    "channelClosed",
}


class YouTube(GoogleNetwork):
    """A token is bound to the channel that was chosen on the way, and one Google account may
    hold several: so the login is the channel, not the person."""

    slug = "youtube"
    name = "YouTube"
    colour = "#d90000"
    initials = "YT"
    hosts = ("accounts.google.com", "oauth2.googleapis.com", "www.googleapis.com")
    # No revocation_endpoint: Google takes back all that a person gave to our project, and so the
    # person's other channels, too.
    # https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke
    scopes = SCOPES
    kinds = KINDS
    login_hint = LOGIN_HINT
    capabilities = CAPABILITIES
    notes = NOTES
    budgets = BUDGETS

    def identity_request(self, grant: Grant) -> Request:
        """One unit of the day's 10,000."""
        params = {"part": "id,snippet", "mine": "true"}
        return Get(CHANNELS, params=params, bearer=grant.access_token)

    def identity_in(self, body: Mapping[str, Any]) -> Identity | None:
        """By the id that begins with UC: title and handle can change."""
        channels = channels_in(body)
        return Identity(channels[0].remote_id, channels[0].name) if channels else None

    def identify(self, client: Client, grant: Grant) -> Conversation:
        channels = yield from self.channels(grant)
        if not channels:
            raise Refused(Refusal.NOTHING_THERE)
        return Identity(channels[0].remote_id, channels[0].name)

    def reach(self, client: Client, grant: Grant, identity: Identity) -> Conversation:
        """The channel, or nothing where it is gone."""
        channels = yield from self.channels(grant)
        return [one for one in channels if one.remote_id == identity.subject]

    def channels(self, grant: Grant) -> Generator[Request, Answer, list[Reachable]]:
        """The one that the token is bound to. Google's list of none comes without `items`.
        https://developers.google.com/youtube/v3/docs/channels/list#response"""
        answer = yield from attempt(self.identity_request(grant))
        codes, _message = heard(answer)
        if NO_CHANNEL.intersection(codes):
            return []
        accept(self, answer, (READ,))
        if "items" not in answer.json and answer.json.get("kind") != LIST:
            raise Refused(Refusal.NOT_UNDERSTOOD)
        return channels_in(answer.json)

    def is_of(self, subject: str, body: Mapping[str, Any]) -> bool:
        """Tokeninfo names the person and never the channel; but a token's channel cannot change,
        and this token was identified."""
        return True


def channels_in(body: Mapping[str, Any]) -> list[Reachable]:
    items = body.get("items")
    entries = items if isinstance(items, list) else []
    return [one for one in map(channel_in, entries) if one]


def channel_in(item: Any) -> Reachable | None:
    channel = an_id(item.get("id")) if isinstance(item, dict) else ""
    if not channel:
        return None
    snippet = item.get("snippet")
    title = snippet.get("title") if isinstance(snippet, dict) else ""
    url = f"https://www.youtube.com/channel/{channel}"
    return Reachable("channel", channel, a_name(title, channel), url=url, is_login=True)

"""YouTube's Data API: the channel that a token is bound to.

Sources: Google's "Channels: list" and "Errors" of the YouTube Data API v3.

Where these say nothing, this practice network chose: an account without a channel gets a
list without ``items`` (a 401 ``youtubeSignupRequired`` is seen, too), and a channel that
the person no longer looks after is gone from the list.
"""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from sandbox.dialects.google import SIGN_IN, Google, api_error
from sandbox.html import Html, fill, join
from sandbox.ledger import Token
from sandbox.network import Ask
from sandbox.world import Person, Profile

API = "www.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/youtube"
READING = (SCOPE, f"{SCOPE}.readonly", f"{SCOPE}.force-ssl")

CHOICE = """<label class="field">Channel <select name="channel">{options}</select></label>"""
OPTION = """<option value="{id}">{name}</option>"""


class YouTube(Google):
    """The API at www.googleapis.com."""

    slug = "youtube"
    title = "YouTube"
    accent = "#a32b2b"
    hosts = ("accounts.google.com", "oauth2.googleapis.com", API)
    chosen = ("channel",)
    known_scopes = SIGN_IN | {*READING, f"{SCOPE}.upload"}

    def routes(self) -> Iterable[web.RouteDef]:
        """Google's, and the list of channels."""
        return [*super().routes(), web.get(self.at(API, "/youtube/v3/channels"), self.channels)]

    def choice(self, ask: Ask, person: Person) -> Html:
        """Google's own question, where a login has more than one channel."""
        channels = self.channels_of(person.id)
        if len(channels) < 2:
            return Html("")
        options = join(fill(OPTION, id=one.id, name=one.name) for one in channels)
        return fill(CHOICE, options=options)

    def allow(self, ask: Ask, person: Person, scopes: tuple[str, ...]) -> str:
        """The token is bound to the channel that was chosen, or to the only one."""
        ids = [channel.id for channel in self.channels_of(person.id)]
        chosen = ask.more.get("channel")
        channel = chosen if chosen in ids else (ids or [""])[0]
        more = {**ask.more, "channel": channel}
        return super().allow(
            Ask(ask.client, ask.redirect_uri, ask.state, ask.scopes, more), person, scopes
        )

    async def channels(self, request: web.Request) -> web.StreamResponse:
        """One's own channel; of others' nothing is known here."""
        token = self.caller(request, *READING)
        if request.query.get("mine") != "true":
            why = "No filter selected. Expected one of: mine"
            raise api_error(400, "INVALID_ARGUMENT", why, "missingRequiredParameter")
        found = [item_of(channel) for channel in self.channels_behind(token)]
        body: dict[str, object] = {
            "kind": "youtube#channelListResponse",
            "etag": "practice",
            "pageInfo": {"totalResults": len(found), "resultsPerPage": 5},
        }
        return web.json_response(body | ({"items": found} if found else {}))

    def channels_behind(self, token: Token) -> list[Profile]:
        """The one that a token is bound to, as long as the person looks after it."""
        channels = self.channels_of(token.grant.person)
        return [channel for channel in channels if channel.id == token.data.get("channel")]

    def channels_of(self, person: str) -> list[Profile]:
        return [profile for profile, _role in self.people.roles_of(person)]

    def rate_limited(self, path: str) -> web.Response:
        """The day's units are used up: a 403, at the API."""
        if not path.startswith(f"/{API}"):
            return super().rate_limited(path)
        message = (
            "The request cannot be completed because you have exceeded your "
            '<a href="/youtube/v3/getting-started#quota">quota</a>.'
        )
        errors = [{"message": message, "domain": "youtube.quota", "reason": "quotaExceeded"}]
        body = {"error": {"code": 403, "message": message, "errors": errors}}
        return web.json_response(body, status=403)


def item_of(channel: Profile) -> dict[str, object]:
    """A channel as the API describes it."""
    avatar = f"https://yt3.example/{channel.id}"
    return {
        "kind": "youtube#channel",
        "id": channel.id,
        "snippet": {
            "title": channel.name,
            "customUrl": channel.handle,
            "thumbnails": {"default": {"url": avatar, "width": 88, "height": 88}},
        },
    }

"""What Meta's dialects share: tokens that know why they ended, and the error that says it.

Sources: "Handling errors" and "Access token debugging" on developers.facebook.com; error
bodies as quoted in public threads.

Where these say nothing, this practice network chose: a new password and a withdrawn app
end every token of the person, with their own subcodes; a blocked account is a checkpoint.
"""

from __future__ import annotations

import secrets
import time
from typing import ClassVar

from aiohttp import web

from sandbox.ledger import EXPIRED, REVOKED, Grant, Token
from sandbox.network import Answer, bearer
from sandbox.oauth2 import DAY, OAuth2Network

HOUR = 3600
PREFIX = "Error validating access token: "
CHECKPOINT = (
    "You cannot access the app till you log in to www.facebook.com and follow the"
    " instructions given."
)
NEW_PASSWORD = (
    f"{PREFIX}The session has been invalidated because the user changed their password or"
    " Facebook has changed the session for security reasons."
)
BAD_TOKEN = "Invalid OAuth access token - Cannot parse access token"


def fault(code: int, message: str, subcode: int = 0, kind: str = "OAuthException") -> object:
    """The error object of every answer."""
    error: dict[str, object] = {"message": message, "type": kind, "code": code}
    if subcode:
        error["error_subcode"] = subcode
    return {"error": {**error, "fbtrace_id": f"A{secrets.token_urlsafe(16)}"}}


def error(code: int, message: str, subcode: int = 0, status: int = 400) -> Answer:
    """An error: nearly always a 400."""
    return Answer(status, fault(code, message, subcode))


class MetaNetwork(OAuth2Network):
    """Long-lived tokens, and a reason for each that has ended."""

    has_refresh_tokens = False
    scopes_can_be_refused = True
    short_life: ClassVar[int] = HOUR
    long_life: ClassVar[int] = 60 * DAY

    def hand_out(self, grant: Grant, kind: str, life: float, **more: object) -> Token:
        """A token that remembers which password it was given for."""
        password = self.people.password(grant.person)
        value = f"EAA{secrets.token_urlsafe(90)}"
        return self.ledger.issue(grant, kind, life, value, password=password, **more)

    def trouble(self, token: Token | None) -> tuple[int, int, str] | None:
        """Code, subcode and words for a token that opens nothing any more."""
        if token is None:
            return 190, 0, BAD_TOKEN
        if token.status == REVOKED:
            if token.data.get("password") != self.people.password(token.grant.person):
                return 190, 460, NEW_PASSWORD
            app = f"The user has not authorized application {token.grant.client}."
            return 190, 458, PREFIX + app
        if not self.serving(token.grant.person):
            return 190, 459, CHECKPOINT
        if token.status == EXPIRED:
            zone = "%A, %d-%b-%y %H:%M:%S PST"
            ended = time.strftime(zone, time.gmtime(token.expires))
            return 190, 463, f"{PREFIX}Session has expired on {ended}."
        return None

    def working(self, value: str, *kinds: str) -> Token:
        """The token of a call, which must work."""
        token = self.ledger.find(value, *kinds)
        trouble = self.trouble(token)
        if token is None or trouble:
            code, subcode, message = trouble or (190, 0, BAD_TOKEN)
            raise error(code, message, subcode)
        return token

    def rate_limited(self, path: str) -> web.Response:
        """Too many calls: with status 400, and a type as if of a token."""
        usage = '{"call_count":100,"total_cputime":15,"total_time":12}'
        body = fault(4, "(#4) Application request limit reached")
        return web.json_response(body, status=400, headers={"X-App-Usage": usage})

    def broken(self, path: str) -> web.Response:
        """An error inside, in words that read as if of a token."""
        message = "An unexpected error has occurred. Please retry your request later."
        inner = {"message": message, "type": "OAuthException", "code": 2, "is_transient": True}
        return web.json_response({"error": inner}, status=500)


def token_of(request: web.Request, form: dict[str, str]) -> str:
    """The token of a call: in the header, in the form, or in the query."""
    return bearer(request) or form.get("access_token") or request.query.get("access_token", "")

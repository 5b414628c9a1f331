"""Facebook's Graph API: oneself, the pages, what a token is, and fifty calls in one.

Sources: the references of debug_token, user/accounts and user/permissions, and "Batch
requests" on developers.facebook.com.

Where these say nothing, this practice network chose: a checkpoint answers outside of the
`data` of debug_token; a page whose role was taken answers 190 with subcode 492; the
second `null` that a real batch may hold does not come here.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from aiohttp import web

from sandbox.dialects.meta import BAD_TOKEN, error, token_of
from sandbox.ledger import ACCESS, Token
from sandbox.network import Answer, form_of
from sandbox.oauth2 import DAY
from sandbox.world import Profile
from sandbox.world_meta import ACCOUNT_BEHIND, MANAGE, MODERATE

if TYPE_CHECKING:
    from sandbox.dialects.facebook import Facebook

PAGE = "page"  # a page's own token, without an end
NEVER = 3650 * DAY
DATA_ACCESS = 90 * DAY
MOST_PARTS = 50
MISSING = (
    "Unsupported get request. Object with ID '{id}' does not exist, cannot be loaded due to"
    " missing permissions, or does not support this operation"
)
TASKS = {
    MANAGE: ["ADVERTISE", "ANALYZE", "CREATE_CONTENT", "MESSAGING", "MODERATE", "MANAGE"],
    MODERATE: ["ANALYZE", "MESSAGING", "MODERATE"],
}


class FacebookApi:
    """The calls under graph.facebook.com."""

    def __init__(self, network: Facebook) -> None:
        self.network = network

    def routes(self) -> Iterable[web.RouteDef]:
        """Everything, with the version in front or without."""
        return [web.route("*", "/graph.facebook.com/{path:.*}", self.call)]

    async def call(self, request: web.Request) -> web.StreamResponse:
        """One call, or fifty."""
        form, path = await form_of(request), re.sub(r"^v\d+\.\d+/", "", request.match_info["path"])
        fields = {**request.query, **form}
        if path == "oauth/access_token":
            return self.network.token(fields)
        token = token_of(request, form)
        if path == "" and "batch" in fields:
            return web.json_response(self.batch(fields["batch"], token))
        return web.json_response(self.answer(request.method, path, fields, token))

    def batch(self, text: str, token: str) -> list[dict[str, Any]]:
        """Each part is answered on its own, with status and body of its own."""
        try:
            parts: list[Mapping[str, str]] = json.loads(text)
        except ValueError:
            raise error(100, "(#100) Invalid parameter: batch") from None
        if len(parts) > MOST_PARTS:
            wrong = "Too many requests in batch message. Maximum batch size is 50"
            raise Answer(400, {"error": {"message": wrong, "type": "GraphBatchException"}})
        return [self.part(one, token) for one in parts]

    def part(self, part: Mapping[str, str], token: str) -> dict[str, Any]:
        """One part of a batch."""
        path, _, query = part["relative_url"].partition("?")
        fields, own = dict(parse_qsl(query)), part.get("access_token", token)
        try:
            return {"code": 200, "body": json.dumps(self.answer(part["method"], path, fields, own))}
        except Answer as refused:
            return {"code": refused.response.status, "body": refused.response.text}

    def answer(self, method: str, path: str, fields: Mapping[str, str], value: str) -> object:
        """What one call answers, whichever way it came."""
        if path == "debug_token":
            return self.debug_token(fields.get("input_token", ""), value)
        token = self.network.working(value, ACCESS, PAGE)
        self.check_proof(token, fields)
        if path == "me":
            return self.me(token)
        if path == "me/accounts":
            return self.accounts(token, fields)
        if path.startswith("me/permissions"):
            return self.permissions(method, token, path.partition("me/permissions")[2].strip("/"))
        return self.page(token, path, fields)

    def check_proof(self, token: Token, fields: Mapping[str, str]) -> None:
        """A proof that is sent must be right."""
        secret = self.network.clients[token.grant.client]
        right = hmac.new(secret.encode(), token.value.encode(), hashlib.sha256).hexdigest()
        if fields.get("appsecret_proof", right) != right:
            raise error(100, "Invalid appsecret_proof provided in the API argument")

    def debug_token(self, value: str, app_token: str) -> object:
        """What a token is, for the app that it was given to; always a 200."""
        client, _, secret = app_token.partition("|")
        if not self.network.client_is_right(client, secret):
            raise error(190, "Invalid OAuth access token signature.")
        token = self.network.ledger.find(value, ACCESS, PAGE)
        if token is not None and token.grant.client != client:
            wrong = "The App_id in the input_token did not match the Viewing App"
            inner = {"code": 100, "message": wrong}
            return {"data": {"error": inner, "is_valid": False, "scopes": []}}
        trouble = self.network.trouble(token)
        if token is None or trouble:
            code, subcode, message = trouble or (190, 0, BAD_TOKEN)
            inner = {"code": code, "message": message, "subcode": subcode}
            if subcode == 459:
                raise Answer(400, {"error": inner})
            return {"data": {"app_id": client, "error": inner, "is_valid": False, "scopes": []}}
        return {"data": self.described(token)}

    def described(self, token: Token) -> dict[str, object]:
        """A living token, with its clocks."""
        grant = token.grant
        own = {"profile_id": token.data["page"]} if token.kind == PAGE else {}
        return {
            "app_id": grant.client,
            "type": "PAGE" if token.kind == PAGE else "USER",
            "application": "Tokenwacht",
            "data_access_expires_at": int(grant.created + DATA_ACCESS),
            "expires_at": 0 if token.kind == PAGE else int(token.expires),
            "issued_at": int(token.created),
            "is_valid": True,
            "scopes": list(grant.scopes),
            "user_id": self.network.subject(grant.client, grant.person),
            **own,
        }

    def me(self, token: Token) -> object:
        """Who it is."""
        person = self.network.world.people[token.grant.person]
        return {"id": self.network.subject(token.grant.client, person.id), "name": person.name}

    def accounts(self, token: Token, fields: Mapping[str, str]) -> object:
        """The person's pages, a list at a time."""
        if "pages_show_list" not in token.grant.scopes:
            raise error(200, "(#200) Requires pages_show_list permission to manage the object")
        found = self.network.people.roles_of(token.grant.person)
        start, limit = int(fields.get("after") or 0), int(fields.get("limit", "25"))
        part = [self.shown(page, role, token, fields) for page, role in found]
        paging: dict[str, object] = {"cursors": {"before": "0", "after": str(start + limit)}}
        if start + limit < len(part):
            paging["next"] = f"https://graph.facebook.com/me/accounts?access_token={token.value}"
        return {"data": part[start : start + limit], "paging": paging}

    def shown(
        self, page: Profile, role: str, token: Token, fields: Mapping[str, str]
    ) -> dict[str, object]:
        """A page as one of the list."""
        found = {**self.fields_of(page, token, fields), "tasks": TASKS[role]}
        if "access_token" in fields.get("fields", ""):
            is_long = bool(token.data.get("long"))
            life, kind = (NEVER, PAGE) if is_long else (token.seconds_left, PAGE)
            own = self.network.hand_out(token.grant, kind, life, page=page.id)
            found["access_token"] = own.value
        return found

    def fields_of(
        self, page: Profile, token: Token, fields: Mapping[str, str]
    ) -> dict[str, object]:
        """What is shown of a page: the account behind it, too, where one may see that."""
        found: dict[str, object] = {"id": page.id, "name": page.name, "username": page.handle}
        account = ACCOUNT_BEHIND.get(page.id)
        wanted = "instagram_business_account" in fields.get("fields", "")
        if account and wanted and "instagram_basic" in token.grant.scopes:
            names = {"id": account, "username": page.handle, "name": page.name}
            found["instagram_business_account"] = names
        return found

    def page(self, token: Token, id: str, fields: Mapping[str, str]) -> object:
        """One page, with the token of the page or of a person who works on it."""
        page = self.network.world.profiles.get(id)
        roles = {one.id for one, _ in self.network.people.roles_of(token.grant.person)}
        if page is None or token.data.get("page", id) != id:
            raise error(100, MISSING.format(id=id), 33)
        if id not in roles:
            why = "Error validating access token: The user has no role on the page."
            raise error(190, why, 492)
        return self.fields_of(page, token, fields)

    def permissions(self, method: str, token: Token, scope: str) -> object:
        """What was granted; or take it back, one or all."""
        grant, network = token.grant, self.network
        if method != "DELETE":
            held = [{"permission": one, "status": "granted"} for one in grant.scopes]
            return {"data": held}
        if scope:
            network.ledger.narrow(grant.person, grant.client, scope)
        else:
            network.ledger.disconnect(grant.person, grant.client)
        return {"success": True}

"""Instagram's own login: errors of two shapes, lists around single objects.

Sources: "Business login for Instagram" on developers.facebook.com; the error bodies of
api.instagram.com as quoted in public threads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from aiohttp import web

from sandbox.dialects.meta import error, fault, token_of
from sandbox.dialects.meta_login import MetaLogin
from sandbox.ledger import ACCESS, Token
from sandbox.network import Answer, json_answer
from sandbox.world import Profile


class Instagram(MetaLogin):
    """The pages at www.instagram.com, codes at api., everything else at graph."""

    slug = "instagram"
    title = "Instagram"
    accent = "#c13584"
    pages_host = "www.instagram.com"
    hosts = ("www.instagram.com", "api.instagram.com", "graph.instagram.com")
    authorize_path = "/oauth/authorize"
    token_host, api_host, version = "api.instagram.com", "graph.instagram.com", "v26.0"
    prefix = "ig"
    basic_scope = "instagram_business_basic"
    known_scopes = frozenset(
        [
            "instagram_business_basic",
            "instagram_business_content_publish",
            "instagram_business_manage_comments",
        ]
    )

    def routes(self) -> Iterable[web.RouteDef]:
        """Besides, a way to take everything back that is on no page of the vendor."""
        address = self.at(self.api_host, f"/{self.version}/me/permissions")
        return [*super().routes(), web.delete(address, self.permissions)]

    async def permissions(self, request: web.Request) -> web.StreamResponse:
        """The person's yes to this app is gone."""
        grant = self.working(token_of(request, {}), ACCESS).grant
        self.ledger.disconnect(grant.person, grant.client)
        return web.json_response({"success": True})

    def first(self, token: Token) -> web.Response:
        """Names the account, and what was left ticked."""
        account = self.account(token)
        return json_answer(
            {
                "access_token": token.value,
                "user_id": int(account.id),
                "permissions": list(token.grant.scopes),
            }
        )

    def shown(self, account: Profile) -> object:
        """A list of one, as newer pages of the vendor have it."""
        scoped = hashlib.sha256(account.id.encode()).hexdigest()[:12]
        found = {"user_id": account.id, "id": str(int(scoped, 16))}
        return {"data": [{**found, "username": account.handle, "name": account.name}]}

    def bad_client(self) -> Exception:
        """An app that there is not."""
        return old_error("Invalid platform app")

    def bad_code(self) -> Exception:
        """A code that is used up."""
        return old_error("Matching code was not found or was already used")

    def scope_missing(self) -> Exception:
        """As at Facebook."""
        return error(10, "(#10) Application does not have permission for this action")

    def rate_limited(self, path: str) -> web.Response:
        """A 403 that calls itself transient."""
        message = "Application request limit reached"
        body = fault(4, message, 1349210)
        usage = '{"17841400000000001":[{"type":"instagram","call_count":100,"total_cputime":25,'
        usage += '"total_time":25,"estimated_time_to_regain_access":3}]}'
        headers = {"X-Business-Use-Case-Usage": usage}
        return web.json_response(body, status=403, headers=headers)


def old_error(message: str) -> Answer:
    """The flat error of api.instagram.com."""
    return Answer(400, {"error_type": "OAuthException", "code": 400, "error_message": message})

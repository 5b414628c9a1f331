"""LinkedIn's API: who somebody is, and which pages she administers.

Sources: "Sign In with LinkedIn using OpenID Connect", "Organization access control" and
the versioning pages on learn.microsoft.com; error bodies as quoted in public threads.

Where these say nothing, this practice network chose: a missing version or protocol
header is a 400, a page whose administrator one is not is a 403.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from aiohttp import web

from sandbox.ledger import ACCESS, EXPIRED, REVOKED, Grant
from sandbox.network import Answer, bearer
from sandbox.world import Profile

if TYPE_CHECKING:
    from sandbox.dialects.linkedin import LinkedIn

LIST = re.compile(r"List\((\d+(?:,\d+)*)\)")
LIVING_VERSIONS = frozenset(
    ["202512", "202601", "202602", "202603", "202604", "202605", "202606", "202607", "202608"]
)
ADMIN_SCOPES = ("rw_organization_admin", "r_organization_admin")


def unauthorized(number: int, code: str, message: str) -> Answer:
    """A 401 in the API's shape."""
    body = {"status": 401, "serviceErrorCode": number, "code": code, "message": message}
    return Answer(401, body)


def restricted() -> Answer:
    """What a blocked member's token answers."""
    return unauthorized(65608, "RESTRICTED_MEMBER", "Member is restricted")


def forbidden(what: str) -> Answer:
    """A 403 that names the permission that is missing."""
    message = f"Not enough permissions to access: {what}"
    body = {"status": 403, "serviceErrorCode": 100, "code": "ACCESS_DENIED", "message": message}
    return Answer(403, body)


def bad_request(code: str, message: str) -> Answer:
    """A 400 in the API's shape."""
    return Answer(400, {"status": 400, "code": code, "message": message})


class LinkedInApi:
    """The calls under api.linkedin.com."""

    def __init__(self, network: LinkedIn) -> None:
        self.network = network

    def routes(self) -> Iterable[web.RouteDef]:
        """Two answers about oneself, two about pages."""
        host = "/api.linkedin.com"
        return [
            web.get(f"{host}/v2/userinfo", self.userinfo),
            web.get(f"{host}/v2/me", self.me),
            web.get(f"{host}/rest/organizationAcls", self.organization_acls),
            web.get(f"{host}/rest/organizations/{{id}}", self.organization),
            web.get(f"{host}/rest/organizationsLookup", self.organizations_lookup),
        ]

    async def userinfo(self, request: web.Request) -> web.StreamResponse:
        """OpenID Connect's answer; needs no version header."""
        grant = self.grant(request)
        if not {"openid", "profile"} <= set(grant.scopes):
            raise forbidden("userinfo.GET.NO_VERSION")
        member = self.network.world.people[grant.person]
        given, _, family = member.name.partition(" ")
        body: dict[str, object] = {
            "sub": self.network.subject(grant.client, member.id),
            "name": member.name,
            "given_name": given,
            "family_name": family,
            "locale": {"country": "DE", "language": "de"},
        }
        if "email" in grant.scopes:
            body |= {"email": member.login, "email_verified": True}
        return web.json_response(body)

    async def me(self, request: web.Request) -> web.StreamResponse:
        """The older answer about oneself."""
        grant = self.grant(request)
        if "r_basicprofile" not in grant.scopes:
            raise forbidden("GET /me")
        member = self.network.world.people[grant.person]
        given, _, family = member.name.partition(" ")
        return web.json_response(
            {
                "id": self.network.subject(grant.client, member.id),
                "localizedFirstName": given,
                "localizedLastName": family,
                "vanityName": member.name.lower().replace(" ", "-"),
            }
        )

    async def organization_acls(self, request: web.Request) -> web.StreamResponse:
        """The member's roles on pages, a page of answers at a time."""
        grant, version = self.grant(request), self.version(request)
        if not set(ADMIN_SCOPES) & set(grant.scopes):
            raise forbidden(f"organizationAcls.FINDER-roleAssignee.{version}01")
        if request.query.get("q") != "roleAssignee":
            raise bad_request("ILLEGAL_ARGUMENT", "No finder of that name: use q=roleAssignee")
        start, count = (
            self.number(request, "start", 0, 10**6),
            self.number(request, "count", 10, 100),
        )
        found = self.acls(request, grant)
        links = []
        if start + count < len(found):
            query = {**request.query, "start": start + count, "count": count}
            href = f"/rest/organizationAcls?{urlencode(query)}"
            links.append({"rel": "next", "type": "application/json", "href": href})
        paging = {"start": start, "count": count, "links": links, "total": len(found)}
        return web.json_response({"elements": found[start : start + count], "paging": paging})

    def acls(self, request: web.Request, grant: Grant) -> list[dict[str, str]]:
        """Every role of the member that the filters let through; all are approved."""
        role, state = request.query.get("role"), request.query.get("state")
        if state not in (None, "APPROVED"):
            return []
        subject = self.network.subject(grant.client, grant.person)
        return [
            {
                "role": held,
                "state": "APPROVED",
                "roleAssignee": f"urn:li:person:{subject}",
                "organization": f"urn:li:organization:{profile.id}",
            }
            for profile, held in self.network.people.roles_of(grant.person)
            if role in (None, held)
        ]

    async def organization(self, request: web.Request) -> web.StreamResponse:
        """One page's details, for its administrators."""
        grant, version = self.grant(request), self.version(request)
        page = self.network.world.profiles.get(request.match_info["id"])
        if page is None:
            message = f"Could not find entity with id {request.match_info['id']}"
            raise Answer(404, {"status": 404, "code": "NOT_FOUND", "message": message})
        admins = self.network.people.admins()[page.id]
        if not set(ADMIN_SCOPES) & set(grant.scopes) or grant.person not in admins:
            raise forbidden(f"organizations.GET.{version}01")
        return web.json_response(_details(page))

    async def organizations_lookup(self, request: web.Request) -> web.StreamResponse:
        """What every member may read of pages: names, and no more. The ids come as ``List(1,2)``,
        its parentheses as they are."""
        self.grant(request)
        version = self.version(request)
        wanted = LIST.fullmatch(dict(_raw_query(request)).get("ids", ""))
        if wanted is None:
            raise bad_request("ILLEGAL_ARGUMENT", f"Invalid query parameters ({version}01)")
        pages = {id: self.network.world.profiles.get(id) for id in wanted[1].split(",")}
        found = {id: page for id, page in pages.items() if page is not None}
        return web.json_response(
            {
                "results": {id: _short(page) for id, page in found.items()},
                "statuses": {id: 200 if id in found else 404 for id in pages},
                "errors": {},
            }
        )

    def grant(self, request: web.Request) -> Grant:
        """Whose call this is; or a 401 that says what is wrong with the token."""
        value = bearer(request)
        if not value:
            message = "Empty oauth2_access_token"
            raise Answer(401, {"message": message, "serviceErrorCode": 401, "status": 401})
        token = self.network.ledger.find(value, ACCESS)
        if token is None:
            raise unauthorized(65600, "INVALID_ACCESS_TOKEN", "Invalid access token")
        settling = time.time() - token.created < self.network.settings.linkedin_settling
        if token.status == REVOKED or settling:
            message = "The token used in the request has been revoked by the user"
            raise unauthorized(65601, "REVOKED_ACCESS_TOKEN", message)
        if token.status == EXPIRED:
            message = "The token used in the request has expired"
            raise unauthorized(65602, "EXPIRED_ACCESS_TOKEN", message)
        if not self.network.serving(token.grant.person):
            raise restricted()
        return token.grant

    def version(self, request: web.Request) -> str:
        """The version that the call asks for, and the protocol it must speak."""
        version = request.headers.get("LinkedIn-Version", "")
        if not version:
            raise bad_request("VERSION_MISSING", "A version must be present.")
        if version not in LIVING_VERSIONS:
            message = f"Requested version {version}01 is not active"
            raise Answer(426, {"status": 426, "code": "NONEXISTENT_VERSION", "message": message})
        if request.headers.get("X-Restli-Protocol-Version") != "2.0.0":
            raise bad_request("ILLEGAL_ARGUMENT", "X-Restli-Protocol-Version must be 2.0.0")
        return version

    def number(self, request: web.Request, name: str, default: int, most: int) -> int:
        """A paging number of the query."""
        text = request.query.get(name, str(default))
        if not text.isdecimal() or int(text) > most or (name == "count" and int(text) == 0):
            raise bad_request("ILLEGAL_ARGUMENT", f"{name} must be a number up to {most}")
        return int(text)


def _raw_query(request: web.Request) -> Iterable[tuple[str, str]]:
    """The query as it was sent: LinkedIn tells an escaped parenthesis from a plain one."""
    for pair in request.raw_path.partition("?")[2].split("&"):
        name, _, value = pair.partition("=")
        yield name, value


def _short(page: Profile) -> dict[str, object]:
    return {"id": int(page.id), "localizedName": page.name, "vanityName": page.handle}


def _details(page: Profile) -> dict[str, object]:
    return {
        "id": int(page.id),
        "localizedName": page.name,
        "vanityName": page.handle,
        "name": {
            "localized": {"de_DE": page.name},
            "preferredLocale": {"country": "DE", "language": "de"},
        },
        "$URN": f"urn:li:organization:{page.id}",
    }

"""Google Business Profile: accounts, and the locations in them.

Sources: Google's reference of the Account Management API and the Business Information API.

Where these say nothing, this practice network chose: a role counts on one location and
shows as the role in its account, a personal account names none, and whoever has nothing
at all still has a personal account without locations.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from aiohttp import web

from sandbox.dialects.google import SIGN_IN, Google, api_error, subject
from sandbox.network import bearer
from sandbox.world import Profile
from sandbox.world_google import ACCOUNTS, PERSONAL

MANAGEMENT = "mybusinessaccountmanagement.googleapis.com"
INFORMATION = "mybusinessbusinessinformation.googleapis.com"
OPENID = "openidconnect.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/business.manage"


class GoogleBusiness(Google):
    """The two APIs, and userinfo."""

    slug = "google-business"
    title = "Google Business Profile"
    accent = "#2b5fa3"
    hosts = ("accounts.google.com", "oauth2.googleapis.com", OPENID, MANAGEMENT, INFORMATION)
    known_scopes = SIGN_IN | {SCOPE}

    def routes(self) -> Iterable[web.RouteDef]:
        """Google's, who it is, the accounts and what is in them."""
        return [
            *super().routes(),
            web.get(self.at(OPENID, "/v1/userinfo"), self.userinfo),
            web.get(self.at(MANAGEMENT, "/v1/accounts"), self.accounts),
            web.get(self.at(INFORMATION, "/v1/accounts/{id}/locations"), self.locations),
        ]

    async def userinfo(self, request: web.Request) -> web.StreamResponse:
        """OpenID Connect's answer; a bad token is an ``invalid_request`` here."""
        token = self.ledger.find(bearer(request), "access")
        if token is None or not token.live or not self.serving(token.grant.person):
            body = {"error": "invalid_request", "error_description": "Invalid Credentials"}
            return web.json_response(body, status=401)
        person = self.world.people[token.grant.person]
        body = {"sub": subject(person.id), "name": person.name, "email": person.login}
        return web.json_response(body)

    async def accounts(self, request: web.Request) -> web.StreamResponse:
        """Every account in which the person has a role, 20 at a time."""
        person = self.caller(request, SCOPE).grant.person
        found = []
        for number, name, kind, owner in ACCOUNTS:
            role = self.role(person, number)
            account = {"name": f"accounts/{number}", "accountName": name, "type": kind}
            if owner == person:
                found.append(account)
            elif role and kind != PERSONAL:
                found.append({**account, "role": role})
        return self.page(request, "accounts", found, 20)

    def role(self, person: str, account: str) -> str:
        """The role on the account's locations; the first is the highest here."""
        roles = [role for one, role in self.people.roles_of(person) if one.parent == account]
        return roles[0] if roles else ""

    async def locations(self, request: web.Request) -> web.StreamResponse:
        """What an account holds, for whoever has a role there."""
        person = self.caller(request, SCOPE).grant.person
        if not request.query.get("readMask"):
            why = "Request contains an invalid argument."
            raise api_error(400, "INVALID_ARGUMENT", why, "badRequest")
        account = request.match_info["id"]
        is_own = any((number, owner) == (account, person) for number, *_, owner in ACCOUNTS)
        held = [one for one, _role in self.people.roles_of(person) if one.parent == account]
        if not held and not is_own:
            why = "The caller does not have permission"
            raise api_error(403, "PERMISSION_DENIED", why, "forbidden")
        return self.page(request, "locations", [described(one) for one in held], 100)

    def page(
        self, request: web.Request, name: str, entries: Sequence[Any], most: int
    ) -> web.Response:
        """One page of a list; an empty one has no entry of its name."""
        size = request.query.get("pageSize", "10")
        start = request.query.get("pageToken", "0")
        if not (size.isdecimal() and start.isdecimal()):
            why = "Request contains an invalid argument."
            raise api_error(400, "INVALID_ARGUMENT", why, "badRequest")
        end = int(start) + min(int(size) or 10, most)
        body: dict[str, object] = {}
        if entries[int(start) : end]:
            body[name] = entries[int(start) : end]
        if end < len(entries):
            body["nextPageToken"] = str(end)
        return web.json_response(body)


def described(location: Profile) -> dict[str, object]:
    """A location as the API describes it."""
    title, _, town = location.name.partition(", ")
    return {
        "name": location.id,
        "title": title,
        "storefrontAddress": {"regionCode": "DE", "locality": town},
        "metadata": {
            "mapsUri": f"https://maps.google.com/maps?cid={location.id.rpartition('/')[2]}",
            "hasVoiceOfMerchant": True,
        },
    }

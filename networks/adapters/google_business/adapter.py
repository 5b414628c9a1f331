"""Google Business Profile: https://developers.google.com/my-business/reference/rest"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from networks.adapters.google_business.notes import (
    BUDGETS,
    CAPABILITIES,
    KINDS,
    LOGIN_HINT,
    MANAGE,
    MANAGER,
    NOTES,
    RANKS,
    REQUIRED_ROLE,
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
from networks.families.google import GoogleNetwork, as_object
from networks.reading import a_name, an_id, insist

USERINFO = "https://openidconnect.googleapis.com/v1/userinfo"
ACCOUNTS = "https://mybusinessaccountmanagement.googleapis.com/v1/accounts"
INFORMATION = "https://mybusinessbusinessinformation.googleapis.com/v1/"
MOST_PAGES = 100  # a listing that never ends is not one

Entries = Generator[Request, Answer, list[Mapping[str, Any]]]


class GoogleBusiness(GoogleNetwork):
    slug = "google-business"
    name = "Google Business Profile"
    colour = "#1a73e8"
    initials = "G"
    hosts = (
        "accounts.google.com",
        "oauth2.googleapis.com",
        "openidconnect.googleapis.com",
        "mybusinessaccountmanagement.googleapis.com",
        "mybusinessbusinessinformation.googleapis.com",
    )
    # Takes back all that the person gave to our Google Cloud project: YouTube wants its own.
    # https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke
    revocation_endpoint = "https://oauth2.googleapis.com/revoke"
    scopes = SCOPES
    kinds = KINDS
    required_role = REQUIRED_ROLE
    login_hint = LOGIN_HINT
    capabilities = CAPABILITIES
    notes = NOTES
    budgets = BUDGETS

    def identity_request(self, grant: Grant) -> Request:
        return Get(USERINFO, bearer=grant.access_token)

    def identity_in(self, body: Mapping[str, Any]) -> Identity | None:
        """By `sub`: the e-mail address can change. Yet it is how people know their logins."""
        subject = an_id(body.get("sub"))
        name = a_name(body.get("email"), body.get("name"), subject)
        return Identity(subject, name) if subject else None

    def reach(self, client: Client, grant: Grant, identity: Identity) -> Conversation:
        """Every location once, with the highest role that the login has on it."""
        found: dict[str, Reachable] = {}
        accounts = yield from listed(self, grant, ACCOUNTS, "accounts", {"pageSize": "20"})
        for account in accounts:
            address = f"{INFORMATION}{an_id(account.get('name'))}/locations"
            params = {"readMask": "name,title,storefrontAddress,metadata", "pageSize": "100"}
            try:
                locations = yield from listed(self, grant, address, "locations", params)
            except Refused as error:  # of this one account, where the list of accounts was given
                if error.refusal is not Refusal.SCOPE_MISSING:
                    raise
                continue
            for one in (location_in(entry, role_in(account)) for entry in locations):
                if one and rank(one) > rank(found.get(one.remote_id)):
                    found[one.remote_id] = one
        return list(found.values())


def listed(
    network: GoogleBusiness, grant: Grant, address: str, name: str, params: Mapping[str, str]
) -> Entries:
    """All pages of a list; the same page token twice is the end of it. A page without entries
    comes without their name, too."""
    found: list[Mapping[str, Any]] = []
    page, seen = "", {""}
    while len(seen) <= MOST_PAGES:
        query = {**params, "pageToken": page} if page else params
        request = Get(address, params=query, bearer=grant.access_token)
        answer = yield from insist(network, request, (MANAGE,))
        entries = answer.json.get(name, [])
        if not isinstance(entries, list):
            raise Refused(Refusal.NOT_UNDERSTOOD)
        found += [entry for entry in entries if is_named(entry, name)]
        page = answer.json.get("nextPageToken") or ""
        if not isinstance(page, str) or page in seen:
            return found
        seen.add(page)
    raise Refused(Refusal.NOT_UNDERSTOOD)


def is_named(entry: Any, kind: str) -> bool:
    """Whether it is an object with a resource name like `locations/123`, fit for an address."""
    collection, _, number = an_id(as_object(entry).get("name")).rpartition("/")
    return collection == kind and number.isalnum() and number.isascii()


def role_in(account: Mapping[str, Any]) -> str:
    """The login's role in an account. A personal account is the login's own, and says none.
    https://developers.google.com/my-business/reference/accountmanagement/rest/v1/accounts"""
    own = "PRIMARY_OWNER" if account.get("type") == "PERSONAL" else ""
    return a_name(account.get("role"), own)[:60]


def location_in(entry: Mapping[str, Any], role: str) -> Reachable:
    """https://developers.google.com/my-business/reference/businessinformation/rest/v1/accounts.locations"""
    location = an_id(entry.get("name"))
    town = a_name(as_object(entry.get("storefrontAddress")).get("locality"))
    title = a_name(entry.get("title"), location)
    return Reachable(
        "location",
        location,
        f"{title}, {town}" if town and town not in title else title,
        url=an_address(as_object(entry.get("metadata")).get("mapsUri")),
        role=role,
        missing_role="" if role in RANKS else MANAGER,
    )


def an_address(value: Any) -> str:
    return value[:500] if isinstance(value, str) else ""


def rank(one: Reachable | None) -> int:
    """How much a role may do: none is less than one that is not enough."""
    return -1 if one is None else RANKS.get(one.role, 0)

"""LinkedIn: https://learn.microsoft.com/en-us/linkedin/shared/authentication/authentication"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from networks.adapters.linkedin.answers import API_ERRORS, API_MESSAGES, INTROSPECTION
from networks.adapters.linkedin.notes import NOTES
from networks.base import (
    Answer,
    Capability,
    Client,
    Conversation,
    Get,
    Grant,
    Health,
    Identity,
    Kind,
    Known,
    Reachable,
    Reason,
    Refusal,
    Refused,
    Request,
    Where,
)
from networks.oauth import OAuth2Network
from networks.reading import NOT_UNDERSTOOD, a_name, an_id, attempt, insist, said, succeeded
from networks.rfc6749 import TOKEN_ERRORS

USERINFO = "https://api.linkedin.com/v2/userinfo"
ORGANIZATIONS = "https://api.linkedin.com/rest/organizations/"
# What everybody may read of a page; the list's parentheses must not be escaped.
# https://learn.microsoft.com/en-us/linkedin/marketing/community-management/organizations/organization-lookup-api
ORGANIZATIONS_LOOKUP = "https://api.linkedin.com/rest/organizationsLookup?ids=List({})"
ORGANIZATION_ACLS = "https://api.linkedin.com/rest/organizationAcls"
ORGANIZATION = re.compile(r"urn:li:organization(?:Brand)?:(\d{1,30})")
SUPER_ADMIN = "ADMINISTRATOR"
MOST_PAGES = 1000  # a listing that never ends is not one


class LinkedIn(OAuth2Network):
    slug = "linkedin"
    name = "LinkedIn"
    colour = "#0a66c2"
    initials = "in"
    hosts = ("www.linkedin.com", "api.linkedin.com")
    # https://www.linkedin.com/oauth/.well-known/openid-configuration
    issuer = "https://www.linkedin.com/oauth"
    authorization_endpoint = "https://www.linkedin.com/oauth/v2/authorization"
    token_endpoint = "https://www.linkedin.com/oauth/v2/accessToken"  # noqa: S105
    introspection_endpoint = "https://www.linkedin.com/oauth/v2/introspectToken"
    # On no page of the vendor, but used by many: what it answers is taken at its word.
    revocation_endpoint = "https://www.linkedin.com/oauth/v2/revoke"
    # One set for everything: asking for another voids all earlier tokens of that person.
    # https://learn.microsoft.com/en-us/linkedin/shared/authentication/authorization-code-flow
    scopes = (
        "openid",
        "profile",
        "w_member_social",
        "rw_organization_admin",
        "w_organization_social",
        "r_organization_social",
    )
    token_errors = {**TOKEN_ERRORS, "invalid_client_id": Reason.APP_DISABLED}
    # A token just issued may read 65601 for some seconds (omniauth-linkedin-oauth2, #17).
    doubtful = frozenset({Reason.REVOKED_BY_USER})
    reauthorize_after = timedelta(days=365)
    kinds = (
        Kind(
            "page",
            _("Page"),
            _("Page settings"),
            ngettext_lazy("%(count)d page", "%(count)d pages", "count"),
            choose=True,
            reads_role=True,
        ),
        Kind(
            "person",
            _("Profile"),
            _("Profile settings"),
            ngettext_lazy("%(count)d profile", "%(count)d profiles", "count"),
            choose=True,
        ),
    )
    required_role = _("super admin")
    login_hint = _("Sign in as the person who is super admin of the page.")
    capabilities = {
        "connect": Capability(True, scopes=("openid", "profile", "rw_organization_admin")),
        "publish_post": Capability(True, scopes=("w_member_social", "w_organization_social")),
        # Newer pages name *_feed scopes for comments, and some apps are refused all the same.
        "publish_comment": Capability(True, scopes=("w_member_social", "w_organization_social")),
        "comment_on_incoming": Capability(
            True, scopes=("r_organization_social", "w_organization_social")
        ),
    }
    notes = NOTES

    def api_reason(self, answer: Answer) -> Reason | None:
        if succeeded(answer):
            return introspected(answer.json) if "active" in answer.json else None
        if answer.status == 426:  # our LinkedIn-Version was retired: everybody's call at once
            return Reason.NOT_A_TOKEN_PROBLEM
        body = said(answer)
        for marker in ("serviceErrorCode", "code", "error"):
            reason = API_ERRORS.get(str(body.get(marker)))
            if reason is not None:
                return reason
        message = str(body.get("message")).lower()
        return next((r for words, r in API_MESSAGES if words in message), Reason.NOT_UNDERSTOOD)

    def token_reason(self, answer: Answer) -> Reason | None:
        """A dead refresh token is an `invalid_request` here, told apart by its description:
        https://learn.microsoft.com/en-us/linkedin/shared/authentication/programmatic-refresh-tokens
        """
        body = said(answer)
        description = str(body.get("error_description")).lower()
        if body.get("error") == "invalid_request" and "refresh token is invalid" in description:
            return Reason.INVALID_TOKEN_UNSPECIFIED
        return super().token_reason(answer)

    def refresh_life(self, body: Mapping[str, Any], *, first: bool) -> timedelta | None:
        """The vendor's samples say seconds and print 525600, which is a year in minutes. A
        refresh token that ends in a week, right after the consent, is read as such."""
        life = super().refresh_life(body, first=first)
        if life and first and life <= timedelta(minutes=366 * 24):
            return life * 60
        return life

    def probe(self, client: Client, grant: Grant, subject: str) -> Conversation:
        """Introspection: needs no scope, and is the only place that names the cause. It names
        no person either; a token's person cannot change, and this token was identified."""
        form = {"token": grant.access_token}
        answer = yield from attempt(self.post(client, self.introspection_endpoint, form))
        verdict = self.read(Where.PROBE, answer, Known.of(grant))
        if verdict.health is Health.ALIVE and "active" not in answer.json:
            return NOT_UNDERSTOOD
        return verdict

    def identity_request(self, grant: Grant) -> Request:
        return Get(USERINFO, bearer=grant.access_token)

    def identity_in(self, body: Mapping[str, Any]) -> Identity | None:
        subject = an_id(body.get("sub"))
        return Identity(subject, a_name(body.get("name"), subject)) if subject else None

    def reach(self, client: Client, grant: Grant, identity: Identity) -> Conversation:
        found = [Reachable("person", identity.subject, identity.name, is_login=True)]
        roles = yield from self.roles(grant)
        for page, role in roles.items():
            answer = yield from attempt(Get(described(page, role), **rest(grant)))
            found.append(page_in(page, role, answer.json))
            if answer.status == 0:  # time is up: the pages count, their names can follow
                break
        rest_of_them = list(roles.items())[len(found) - 1 :]
        return found + [page_in(page, role, {}) for page, role in rest_of_them]

    def roles(self, grant: Grant) -> Generator[Request, Answer, dict[str, str]]:
        """The login's role on every page it has one on; the highest where there are two.
        https://learn.microsoft.com/en-us/linkedin/marketing/community-management/organizations/organization-access-control-by-role
        """
        roles: dict[str, str] = {}
        start = 0
        while start < MOST_PAGES:
            params = {"q": "roleAssignee", "state": "APPROVED", "start": str(start), "count": "100"}
            request = Get(ORGANIZATION_ACLS, params=params, **rest(grant))
            answer = yield from insist(self, request, ("rw_organization_admin",))
            elements = answer.json.get("elements")
            if not isinstance(elements, list):
                raise Refused(Refusal.NOT_UNDERSTOOD)
            for page, role in filter(None, map(approved, elements)):
                if roles.get(page) != SUPER_ADMIN:
                    roles[page] = role
            start += len(elements)
            if not elements or not has_next(answer.json):
                return roles
        raise Refused(Refusal.NOT_UNDERSTOOD)


def rest(grant: Grant) -> dict[str, Any]:
    """https://learn.microsoft.com/en-us/linkedin/marketing/versioning"""
    version = getattr(settings, "LINKEDIN_VERSION", "202608")
    headers = {"LinkedIn-Version": version, "X-Restli-Protocol-Version": "2.0.0"}
    return {"bearer": grant.access_token, "headers": headers}


def described(page: str, role: str) -> str:
    """Where a page is described: in full for its super admins, in short for everybody else."""
    if role == SUPER_ADMIN:
        return ORGANIZATIONS + page
    return ORGANIZATIONS_LOOKUP.format(page)


def introspected(body: Mapping[str, Any]) -> Reason | None:
    active, status = body["active"], body.get("status", "")
    if active is True and status in ("active", ""):
        return None
    if active is False and isinstance(status, str):
        return INTROSPECTION.get(status, Reason.NOT_UNDERSTOOD)
    return Reason.NOT_UNDERSTOOD


def approved(element: Any) -> tuple[str, str] | None:
    """(page, role) of one entry of the access list; older versions name it otherwise."""
    if not isinstance(element, dict) or element.get("state", "APPROVED") != "APPROVED":
        return None
    urn = element.get("organization") or element.get("organizationalTarget")
    page = ORGANIZATION.fullmatch(urn) if isinstance(urn, str) else None
    role = a_name(element.get("role"))[:60]
    return (page[1], role) if page and role else None


def has_next(body: Mapping[str, Any]) -> bool:
    paging = body.get("paging")
    links = paging.get("links") if isinstance(paging, dict) else None
    return isinstance(links, list) and any(
        isinstance(link, dict) and link.get("rel") == "next" for link in links
    )


def page_in(page: str, role: str, body: Mapping[str, Any]) -> Reachable:
    results = body.get("results")  # the short description comes in a map
    if isinstance(results, dict):
        body = results[page] if isinstance(results.get(page), dict) else {}
    vanity = an_id(body.get("vanityName"))
    return Reachable(
        "page",
        page,
        a_name(body.get("localizedName"), vanity, page),
        url=f"https://www.linkedin.com/company/{quote(vanity or page, safe='')}"[:500],
        role=role,
        missing_role="" if role == SUPER_ADMIN else SUPER_ADMIN,
    )

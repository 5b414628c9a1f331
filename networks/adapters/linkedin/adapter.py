"""LinkedIn: https://learn.microsoft.com/en-us/linkedin/shared/authentication/authentication"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from django.conf import settings

from networks.adapters.linkedin import notes as of_linkedin
from networks.adapters.linkedin.answers import (
    A_DAY,
    API_ERRORS,
    API_MESSAGES,
    INTROSPECTION,
    REFRESH_TOKEN,
    TOKEN_ERRORS,
)
from networks.base import (
    NOTHING_KNOWN,
    Answer,
    Client,
    Conversation,
    Get,
    Grant,
    Health,
    Identity,
    Known,
    Reachable,
    Reason,
    Refusal,
    Refused,
    Request,
    Verdict,
    Where,
    alive,
    unclear,
)
from networks.oauth import OAuth2Network
from networks.reading import (
    NOT_UNDERSTOOD,
    a_name,
    an_id,
    attempt,
    insist,
    mentioned,
    said,
    spoken,
    succeeded,
    told,
)
from networks.rfc6749 import cause_in, split_scopes

USERINFO = "https://api.linkedin.com/v2/userinfo"
ORGANIZATIONS = "https://api.linkedin.com/rest/organizations/"
# What everybody may read of a page; the list's parentheses must not be escaped.
# https://learn.microsoft.com/en-us/linkedin/marketing/community-management/organizations/organization-lookup-api
ORGANIZATIONS_LOOKUP = "https://api.linkedin.com/rest/organizationsLookup?ids=List({})"
ORGANIZATION_ACLS = "https://api.linkedin.com/rest/organizationAcls"
ORGANIZATION = re.compile(r"urn:li:organization(?:Brand)?:(\d{1,30})")
SUPER_ADMIN = "ADMINISTRATOR"
VERSION = re.compile(r"20\d\d(?:0[1-9]|1[0-2])")
MONTHS_AHEAD = timedelta(days=60)
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
    token_errors = TOKEN_ERRORS
    scopes, kinds, capabilities = of_linkedin.SCOPES, of_linkedin.KINDS, of_linkedin.CAPABILITIES
    notes, login_hint = of_linkedin.NOTES, of_linkedin.LOGIN_HINT
    required_role = of_linkedin.REQUIRED_ROLE
    reauthorize_after, doubtful = of_linkedin.REAUTHORIZE_AFTER, of_linkedin.DOUBTFUL

    def read(self, where: Where, answer: Answer, known: Known = NOTHING_KNOWN) -> Verdict:
        """A limit of the day is lifted at midnight UTC, which no header says:
        https://learn.microsoft.com/en-us/linkedin/shared/api-guide/concepts/rate-limits"""
        verdict = super().read(where, answer, known)
        if verdict.reason is Reason.RATE_LIMITED and A_DAY in spoken(answer).lower():
            return unclear(Reason.RATE_LIMITED, retry_after=until_midnight(datetime.now(UTC)))
        return verdict

    def api_reason(self, answer: Answer) -> Reason | None:
        body = said(answer)
        if succeeded(answer) and "serviceErrorCode" not in body:
            return introspected(body) if "active" in body else None
        if answer.status == 426:  # our LinkedIn-Version was retired: everybody's call at once
            return Reason.NOT_A_TOKEN_PROBLEM
        for marker in ("serviceErrorCode", "code", "error"):
            reason = API_ERRORS.get(str(body.get(marker)))
            if reason is not None:
                return reason
        named = told(str(body.get("message", "")), API_MESSAGES)
        return named or told(spoken(answer), API_MESSAGES) or mentioned(answer, API_ERRORS)

    def token_reason(self, answer: Answer) -> Reason | None:
        body = said(answer)
        description = str(body.get("error_description", ""))
        if body.get("error") == "invalid_request" and REFRESH_TOKEN in description.lower():
            return cause_in(description)
        reason = super().token_reason(answer)
        return self.api_reason(answer) or reason if reason is Reason.NOT_UNDERSTOOD else reason

    def refresh_life(self, body: Mapping[str, Any], *, first: bool) -> timedelta | None:
        """The vendor's samples say seconds and print 525600, which is a year in minutes. A
        refresh token that ends in a week, right after the consent, is read as such."""
        life = super().refresh_life(body, first=first)
        if life and first and life <= timedelta(minutes=366 * 24):
            return life * 60
        return life

    def trouble_ahead(self, today: date) -> str:
        """A version is served for a year, counted from the middle of its month:
        https://learn.microsoft.com/en-us/linkedin/marketing/versioning"""
        version = settings.LINKEDIN_VERSION
        if not VERSION.fullmatch(version):
            return f"LINKEDIN_VERSION is {version!r}, and has to be a month such as 202608."
        end = date(int(version[:4]) + 1, int(version[4:]), 15)
        if end - today > MONTHS_AHEAD:
            return ""
        return (
            f"LinkedIn serves version {version} of its API until about {end}: set "
            "LINKEDIN_VERSION to a newer month (docs/configuration.md)."
        )

    def probe(self, client: Client, grant: Grant, subject: str) -> Conversation:
        """Introspection: needs no scope, and is the only place that names the cause. It names
        no person either; a token's person cannot change, and this token was identified."""
        form = {"token": grant.access_token}
        answer = yield from attempt(self.post(client, self.introspection_endpoint, form))
        verdict = self.read(Where.PROBE, answer, Known.of(grant))
        if verdict.health is not Health.ALIVE:
            return verdict
        scope = answer.json.get("scope")
        granted = split_scopes(scope) if isinstance(scope, str) and scope.strip() else None
        return alive(granted) if "active" in answer.json else NOT_UNDERSTOOD

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


def until_midnight(now: datetime) -> float:
    return 86400.0 - (now - now.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()


def rest(grant: Grant) -> dict[str, Any]:
    """https://learn.microsoft.com/en-us/linkedin/marketing/versioning"""
    headers = {"LinkedIn-Version": settings.LINKEDIN_VERSION, "X-Restli-Protocol-Version": "2.0.0"}
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

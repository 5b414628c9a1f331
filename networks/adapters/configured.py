"""A network that is configured and not coded: OAuth 2.0, with an identity of OpenID Connect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from networks.base import (
    Answer,
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
    Request,
    Where,
    alive,
)
from networks.oauth import OAuth2Network
from networks.reading import NOT_UNDERSTOOD, a_name, an_id, attempt, said, succeeded
from networks.rfc6749 import TOKEN_ERRORS, error_of, split_scopes

# RFC 6750, 3.1, and what a refused client hears at the introspection endpoint.
API_ERRORS: Mapping[str, Reason] = {
    **TOKEN_ERRORS,
    "invalid_token": Reason.INVALID_TOKEN_UNSPECIFIED,
    "insufficient_scope": Reason.PERMISSION_LOST,
}
KINDS = (
    Kind(
        "account",
        _("Account"),
        _("Profile settings"),
        ngettext_lazy("%(count)d account", "%(count)d accounts", "count"),
    ),
)


class ConfiguredNetwork(OAuth2Network):
    """A network whose facts are given. Probes by introspection where it has an endpoint for that
    (RFC 7662), else by userinfo; revokes by RFC 7009."""

    kinds = KINDS
    userinfo_endpoint: str
    subject_field: str = "sub"
    name_fields: tuple[str, ...] = ("name", "preferred_username")

    def __init__(self, facts: Mapping[str, Any]) -> None:
        vars(self).update(facts)

    def api_reason(self, answer: Answer) -> Reason | None:
        """`active` is introspection's, and alone decides (RFC 7662, 2.2)."""
        body = said(answer)
        if not succeeded(answer) or error_of(body):
            return API_ERRORS.get(error_of(body), Reason.NOT_UNDERSTOOD)
        if not self.introspection_endpoint or "active" not in body:
            return None
        active = {True: None, False: Reason.INVALID_TOKEN_UNSPECIFIED}
        is_bool = isinstance(body["active"], bool)
        return active[body["active"]] if is_bool else Reason.NOT_UNDERSTOOD

    def probe(self, client: Client, grant: Grant, subject: str) -> Conversation:
        if not self.introspection_endpoint:
            return (yield from super().probe(client, grant, subject))
        form = {"token": grant.access_token, "token_type_hint": "access_token"}
        answer = yield from attempt(self.post(client, self.introspection_endpoint, form))
        verdict = self.read(Where.PROBE, answer, Known.of(grant))
        if verdict.health is not Health.ALIVE:
            return verdict
        if "active" not in answer.json or an_id(answer.json.get("sub", subject)) != subject:
            return NOT_UNDERSTOOD
        scope = answer.json.get("scope")
        return alive((split_scopes(scope) or None) if isinstance(scope, str) else None)

    def revoke(self, client: Client, grant: Grant) -> Conversation:
        """A refresh token takes its access tokens along; the other way round it need not be so
        (RFC 7009, 2.1)."""
        token = grant.refresh_token or grant.access_token
        return (yield from super().revoke(client, replace(grant, access_token=token)))

    def identity_request(self, grant: Grant) -> Request:
        return Get(self.userinfo_endpoint, bearer=grant.access_token)

    def identity_in(self, body: Mapping[str, Any]) -> Identity | None:
        subject = an_id(at(body, self.subject_field))
        names = (at(body, field) for field in self.name_fields)
        return Identity(subject, a_name(*names, subject)) if subject else None

    def reach(self, client: Client, grant: Grant, identity: Identity) -> Conversation:
        return [Reachable("account", identity.subject, identity.name, is_login=True)]
        yield  # nothing to ask


def at(body: Mapping[str, Any], field: str) -> Any:
    """A field of an object, or of one inside of it: `data.id`."""
    value: Any = body
    for name in field.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value

"""What all of Google's networks share: https://developers.google.com/identity/protocols/oauth2

A refresh is what proves a refresh token, and happens each hour anyway; between two of them,
`tokeninfo` tells whether the access token lives, and costs no quota.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Any

from django.conf import settings

from networks.base import (
    Answer,
    Client,
    Conversation,
    Grant,
    Health,
    Known,
    Post,
    Push,
    Reason,
    Request,
    Where,
    alive,
)
from networks.families.google_answers import (
    API_ERRORS,
    DOMAINS,
    ERROR_INFO,
    GRANT_MESSAGES,
    MESSAGES,
    OAUTH_ERRORS,
    RISC_EVENTS,
    STATUSES,
)
from networks.oauth import OAuth2Network
from networks.reading import NOT_UNDERSTOOD, attempt, is_page, succeeded, token_text
from networks.rfc6749 import split_scopes

TOKENINFO = "https://oauth2.googleapis.com/tokeninfo"
SECURITY_EVENT = "https://schemas.openid.net/secevent/"
EMAIL = "https://www.googleapis.com/auth/userinfo.email"
PROFILE = "https://www.googleapis.com/auth/userinfo.profile"
WORD = re.compile(r"[A-Za-z]+(?:_?[A-Za-z0-9]+)*")
# In a text, a word of one piece is an error code only where it is called one.
NAMED = re.compile(r"""\b(?:reason|error|status)["']?\s*[:=]\s*["']?(\w+)""")


class GoogleNetwork(OAuth2Network):
    """A network whose logins are Google accounts."""

    # https://accounts.google.com/.well-known/openid-configuration
    issuer = "https://accounts.google.com"
    authorization_endpoint = "https://accounts.google.com/o/oauth2/v2/auth"
    token_endpoint = "https://oauth2.googleapis.com/token"  # noqa: S105
    introspection_endpoint = TOKENINFO
    code_challenge_method = "S256"  # the configuration above names it, for every client
    # A refresh token comes with the first consent only, unless the consent is asked for again.
    # No include_granted_scopes: a token holds what this network needs, and no other's scopes.
    # https://developers.google.com/identity/protocols/oauth2/web-server#creatingclient
    authorization_parameters = {"access_type": "offline", "prompt": "select_account consent"}
    # https://developers.google.com/identity/protocols/risc
    push = (Push("RISC", "https://developers.google.com/identity/protocols/risc"),)

    def api_reason(self, answer: Answer) -> Reason | None:
        return None if succeeded(answer) and not answer.json.get("error") else named(answer)

    def token_reason(self, answer: Answer) -> Reason | None:
        body = answer.json
        if succeeded(answer) and not body.get("error") and token_text(body.get("access_token")):
            return None
        return named(answer)

    def push_reason(self, answer: Answer) -> Reason | None:
        """A security event token (RFC 8417). Only its meaning is read here: whoever received it
        has verified who signed it, or must not believe a word."""
        events = as_object((answer.json or claims_in(answer.body)).get("events"))
        if not events:
            return Reason.NOT_UNDERSTOOD
        kinds = [name.removeprefix(SECURITY_EVENT) for name in events]
        said = [RISC_EVENTS.get(kind, Reason.NOT_A_TOKEN_PROBLEM) for kind in kinds]
        return next((reason for reason in said if reason and reason.is_dead), said[0])

    def revoke(self, client: Client, grant: Grant) -> Generator[Request, Answer, bool]:
        """Google takes back all that the person gave the project. Where another network is
        registered in it too, that would end her other connections: then it is left to her.
        https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke"""
        ids = {slug: registered for slug, (registered, _) in settings.OAUTH_CLIENTS.items()}
        others = [one for slug, one in ids.items() if slug != self.slug]
        if project_of(client.client_id) in map(project_of, others):
            return False
        return (yield from super().revoke(client, grant))

    def probe(self, client: Client, grant: Grant, subject: str) -> Conversation:
        """The token in a header, as Google's own client does it, and never in the address:
        https://github.com/googleapis/google-auth-library-nodejs, src/auth/oauth2client.ts"""
        answer = yield from attempt(Post(TOKENINFO, form={}, bearer=grant.access_token))
        verdict = self.read(Where.PROBE, answer, Known.of(grant))
        if verdict.health is not Health.ALIVE:
            return verdict
        body = answer.json
        scope = body.get("scope")
        is_ours = client.client_id in (body.get("aud"), body.get("azp"))
        if not is_ours or not isinstance(scope, str) or not self.is_of(subject, body):
            return NOT_UNDERSTOOD
        return alive(split_scopes(scope) or None)

    def is_of(self, subject: str, body: Mapping[str, Any]) -> bool:
        """Whether what tokeninfo says is said of this login."""
        return body.get("sub") == subject

    def revocable(self, grant: Grant) -> str:
        """The longer living of the two; either ends both."""
        return grant.refresh_token or grant.access_token


def named(answer: Answer) -> Reason:
    """The reason that a refusal names: by a code, then in words, then by its bare status."""
    if is_page(answer):  # "Your client has issued a malformed request", or a gateway speaks
        return Reason.NOT_A_TOKEN_PROBLEM if answer.status in (400, 404) else Reason.NOT_UNDERSTOOD
    words, message = heard(answer)
    if "invalid_grant" in words:
        message = f"{message} {' '.join(words)}"
        default = Reason.INVALID_TOKEN_UNSPECIFIED
        return next((reason for part, reason in GRANT_MESSAGES if part in message), default)
    if message == "invalid value":  # tokeninfo, v3, has no code for a bad token
        return Reason.INVALID_TOKEN_UNSPECIFIED
    return (
        coded(words, ERROR_INFO, API_ERRORS)
        or next((reason for part, reason in MESSAGES if part in message), None)
        or coded(words, OAUTH_ERRORS, STATUSES, DOMAINS)
        or Reason.NOT_UNDERSTOOD
    )


def coded(words: list[str], *tables: Mapping[str, Reason]) -> Reason | None:
    found = (table[word] for table in tables for word in words if word in table)
    return next(found, None)


def heard(answer: Answer) -> tuple[list[str], str]:
    """Every code that a refusal holds, and its sentence in small letters: of an object as RFC
    6749 or Google's APIs write it, or of a text that holds one."""
    body = answer.json
    if not body:
        text = answer.body[:20_000].decode("utf-8", "replace")
        return [*NAMED.findall(text), *codes_in(text)], text.lower()
    error = body.get("error")
    inner = error if isinstance(error, dict) else body
    said = [error, body.get("error_subtype"), *reasons(inner), inner.get("status")]
    message = inner.get("error_description") or inner.get("message")
    text = message[:20_000] if isinstance(message, str) else ""
    words = [word for word in said if isinstance(word, str)]
    return [*words, *codes_in(text)], text.strip().lower()


def codes_in(text: str) -> list[str]:
    """The words of a text that are written as codes are: in several pieces, or in capitals."""
    return [word for word in WORD.findall(text) if "_" in word or not word[1:].islower()]


def reasons(error: Mapping[str, Any]) -> Iterator[Any]:
    """`details[].reason` (google.rpc.ErrorInfo), then `errors[].reason`, its own, and where it
    was said."""
    for name in ("details", "errors"):
        listed = error.get(name)
        entries: Iterable[Any] = listed if isinstance(listed, list) else ()
        for entry in map(as_object, entries):
            yield from (entry.get("reason"), entry.get("domain"))
    yield error.get("reason")


def as_object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def claims_in(body: bytes) -> dict[str, Any]:
    """The claims of a signed token (RFC 7519), its signature not looked at; {} where it is none."""
    parts = body.strip().split(b".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + b"=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return dict(as_object(claims))


def project_of(client_id: str) -> str:
    """Of `<number>-<random>.apps.googleusercontent.com`; another id is a project of its own."""
    number, _, rest = client_id.partition("-")
    return number if rest.endswith(".apps.googleusercontent.com") else client_id

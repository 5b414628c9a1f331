"""OAuth 2.0 (RFC 6749) as conversations: what is alike everywhere, with a dialect's words as
class attributes. oauthlib builds the bodies; nothing here opens a socket.

Not oauthlib's own parsing: it cannot speak TikTok's dialect, and it treats a consent with
fewer scopes as an error without a name.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

from oauthlib.oauth2 import WebApplicationClient

from networks.base import (
    ALIVE,
    NOTHING_KNOWN,
    Answer,
    Authorization,
    Client,
    Conversation,
    Grant,
    Health,
    Identity,
    Known,
    Network,
    Post,
    Reason,
    Refusal,
    Refused,
    Request,
    Verdict,
    Where,
    dead,
    unclear,
)
from networks.reading import (
    NOT_UNDERSTOOD,
    attempt,
    insist,
    mentioned,
    refusal_of,
    said,
    seconds,
    token_text,
    understood,
)
from networks.rfc6749 import (
    CALLBACK_ERRORS,
    TOKEN_ERRORS,
    cause_in,
    error_of,
    redirect_reason,
    split_scopes,
)


class OAuth2Network(Network):
    """A network that speaks OAuth 2.0; an adapter says where its dialect differs."""

    client_id_parameter: ClassVar[str] = "client_id"
    refresh_expires_in_parameter: ClassVar[str] = "refresh_token_expires_in"
    authorization_parameters: ClassVar[Mapping[str, str]] = {}
    exchange_parameters: ClassVar[Mapping[str, str]] = {}
    token_errors: ClassVar[Mapping[str, Reason]] = TOKEN_ERRORS

    # What an adapter says itself.

    def api_reason(self, answer: Answer) -> Reason | None:
        """Why an API call was refused, None where it was not."""
        raise NotImplementedError

    def identity_request(self, grant: Grant) -> Request:
        raise NotImplementedError

    def identity_in(self, body: Mapping[str, Any]) -> Identity | None:
        raise NotImplementedError

    # What an adapter may say otherwise.

    def token_reason(self, answer: Answer) -> Reason | None:
        """Why the token endpoint refused, None where it did not."""
        body = said(answer)
        error = error_of(body)
        if error or not 200 <= answer.status < 300:
            unnamed = mentioned(answer, self.token_errors)
            reason = self.token_errors.get(error, Reason.NOT_UNDERSTOOD) if error else unnamed
            dead = reason is Reason.INVALID_TOKEN_UNSPECIFIED
            return cause_in(str(body.get("error_description", ""))) if dead else reason
        return None if token_text(body.get("access_token")) else Reason.NOT_UNDERSTOOD

    def push_reason(self, answer: Answer) -> Reason | None:
        """What a signal that the network sent by itself says of a token (`push`)."""
        return Reason.NOT_UNDERSTOOD

    def code_in(self, callback: Mapping[str, str]) -> str:
        code = callback.get("code", "")
        if not token_text(code):
            raise Refused(Refusal.NOT_UNDERSTOOD)
        return code

    def revocable(self, grant: Grant) -> str:
        """The token to take back where a whole grant ends."""
        return grant.access_token

    def refresh_life(self, body: Mapping[str, Any], *, first: bool) -> timedelta | None:
        """How long the refresh token lives; `first`: it was given for a person's consent."""
        return seconds(body.get(self.refresh_expires_in_parameter))

    # The conversations.

    def read(self, where: Where, answer: Answer, known: Known = NOTHING_KNOWN) -> Verdict:
        return understood(self, where, answer, known, self.tables.get(where, self.api_reason))

    @property
    def tables(self) -> Mapping[Where, Callable[[Answer], Reason | None]]:
        return {
            Where.REFRESH: self.token_reason,
            Where.CODE_EXCHANGE: self.token_reason,
            Where.AUTHORIZE_REDIRECT: redirect_reason,
            Where.WEBHOOK: self.push_reason,
        }

    def authorize(self, client: Client, state: str, login_hint: str = "") -> Conversation:
        """Asks the network nothing: the browser carries it all (RFC 6749, 4.1.1)."""
        keep: dict[str, str] = {}
        query = {
            "response_type": "code",
            self.client_id_parameter: client.client_id,
            "redirect_uri": client.redirect_uri,
            "scope": self.scope_separator.join(self.scopes),
            "state": state,
            **self.authorization_parameters,
        }
        if self.code_challenge_method:  # RFC 7636
            keep["code_verifier"] = secrets.token_urlsafe(48)
            query["code_challenge"] = code_challenge(keep["code_verifier"])
            query["code_challenge_method"] = self.code_challenge_method
        address = self.at(client, self.authorization_endpoint)
        return Authorization(f"{address}?{urlencode(query)}", keep)
        yield  # it is a conversation, of no words

    def exchange(
        self, client: Client, callback: Mapping[str, str], keep: Mapping[str, str]
    ) -> Conversation:
        error = callback.get("error", "")
        if error:
            raise Refused(CALLBACK_ERRORS.get(error, Refusal.NOT_UNDERSTOOD))
        answer = yield from attempt(self.code_request(client, self.code_in(callback), keep))
        return self.granted(answer)

    def granted(self, answer: Answer) -> Grant:
        """The grant of a code exchange. Raises Refused."""
        grant = self.grant_in(answer)
        if grant is None:
            raise Refused(self.exchange_refusal(answer))
        missing = tuple(scope for scope in self.required_scopes if scope not in grant.scopes)
        if missing:
            raise Refused(Refusal.SCOPE_MISSING, missing=missing)
        return grant

    def exchange_refusal(self, answer: Answer) -> Refusal:
        """A code was refused only where the network's own words say so: a redirect, or a bare
        status, speaks of where we asked."""
        verdict = self.read(Where.CODE_EXCHANGE, answer)
        named = self.tables[Where.CODE_EXCHANGE](answer)
        if verdict.reason is Reason.NOT_A_TOKEN_PROBLEM and named is not Reason.NOT_UNDERSTOOD:
            return Refusal.CODE_REFUSED
        return refusal_of(verdict)

    def identify(self, client: Client, grant: Grant) -> Conversation:
        answer = yield from insist(self, self.identity_request(grant))
        identity = self.identity_in(answer.json)
        if identity is None:
            raise Refused(Refusal.NOT_UNDERSTOOD)
        return identity

    def probe(self, client: Client, grant: Grant, subject: str) -> Conversation:
        answer = yield from attempt(self.identity_request(grant))
        verdict = self.read(Where.PROBE, answer, Known.of(grant))
        if verdict.health is Health.ALIVE:
            identity = self.identity_in(answer.json)
            return ALIVE if identity and identity.subject == subject else NOT_UNDERSTOOD
        return verdict

    def refresh(self, client: Client, grant: Grant) -> Conversation:
        known = Known.of(grant)
        if not grant.refresh_token:
            return dead(Reason.EXPIRED) if known.ended else unclear(Reason.NOT_A_TOKEN_PROBLEM)
        answer = yield from attempt(self.refresh_request(client, grant))
        renewed = self.grant_in(answer, grant)
        if renewed is not None:
            return renewed
        return self.read(Where.REFRESH, answer, known)

    def revoke(self, client: Client, grant: Grant) -> Generator[Request, Answer, bool]:
        """RFC 7009, 2.2: 200 is the confirmation; an error inside it is not."""
        if not self.revocation_endpoint:
            return False
        form = {"token": self.revocable(grant)}
        answer = yield from attempt(self.post(client, self.revocation_endpoint, form))
        is_object = bool(answer.json) or answer.body.strip() in (b"", b"{}")
        return answer.status == 200 and is_object and not error_of(answer.json)

    # The bodies.

    def at(self, client: Client, endpoint: str) -> str:
        """An endpoint's address, where it is declared with the place of its issuer."""
        return endpoint.replace("{issuer}", client.issuer)

    def post(self, client: Client, endpoint: str, form: Mapping[str, str]) -> Request:
        return Post(self.at(client, endpoint), **self.authenticated(client, form))

    def authenticated(self, client: Client, form: Mapping[str, str]) -> dict[str, Any]:
        """Client authentication (RFC 6749, 2.3.1), for every call that needs it."""
        if self.token_endpoint_auth_method == "client_secret_basic":  # noqa: S105 - a method
            return {"form": form, "basic": (client.client_id, client.client_secret)}
        own = {self.client_id_parameter: client.client_id, "client_secret": client.client_secret}
        return {"form": {**form, **own}}

    def code_request(self, client: Client, code: str, keep: Mapping[str, str]) -> Request:
        body = WebApplicationClient(client.client_id).prepare_request_body(
            code=code,
            redirect_uri=client.redirect_uri,
            code_verifier=keep.get("code_verifier"),
            include_client_id=False,
            **self.exchange_parameters,
        )
        return Post(
            self.at(client, self.token_endpoint), **self.authenticated(client, _pairs(body))
        )

    def refresh_request(self, client: Client, grant: Grant) -> Request:
        body = WebApplicationClient(client.client_id).prepare_refresh_body(
            refresh_token=grant.refresh_token
        )
        return Post(
            self.at(client, self.token_endpoint), **self.authenticated(client, _pairs(body))
        )

    def grant_in(self, answer: Answer, old: Grant | None = None) -> Grant | None:
        """The grant of a token endpoint's answer. A refresh token and its end stay together:
        where no new one came, the old one is kept, and so is its clock."""
        body = answer.json
        access_token = token_text(body.get("access_token"))
        if not 200 <= answer.status < 300 or error_of(body) or not access_token:
            return None
        refresh_token = token_text(body.get("refresh_token"))
        refresh_expires_at = _at(self.refresh_life(body, first=old is None))
        if old is not None and refresh_token in ("", old.refresh_token):
            refresh_token = old.refresh_token
            refresh_expires_at = old.refresh_expires_at or refresh_expires_at
        scope = body.get("scope")
        # RFC 6749, 5.1: a scope that is not named is the one that was asked for.
        asked = old.scopes if old is not None else self.scopes
        return Grant(
            access_token,
            refresh_token,
            split_scopes(scope) if isinstance(scope, str) and scope.strip() else asked,
            _at(seconds(body.get("expires_in"))),
            refresh_expires_at,
            keep=old.keep if old is not None else {},
        )


def code_challenge(verifier: str) -> str:
    """RFC 7636, 4.2, S256."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def _at(life: timedelta | None) -> datetime | None:
    return None if life is None else datetime.now(UTC) + life


def _pairs(body: str) -> dict[str, str]:
    return dict(parse_qsl(body, keep_blank_values=True))

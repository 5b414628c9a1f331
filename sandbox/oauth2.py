"""What the OAuth 2.0 dialects share: reading the request, handing out and taking codes."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from hmac import compare_digest
from typing import ClassVar

from sandbox.ledger import CODE, Token
from sandbox.network import Ask, Network, Refused, SendBack, with_query
from sandbox.world import Person

MINUTE, DAY = 60, 86400


class OAuth2Network(Network):
    """RFC 6749's authorization code grant, with the words each network has for it."""

    client_parameter: ClassVar[str] = "client_id"
    known_scopes: ClassVar[frozenset[str]]
    code_life: ClassVar[int] = 10 * MINUTE
    unknown_scope_error: ClassVar[str] = "invalid_scope"
    cancelled_at_login: ClassVar[str] = "access_denied"
    cancelled_at_consent: ClassVar[str] = "access_denied"

    def read_ask(self, query: Mapping[str, str]) -> Ask:
        """Client and redirect address first: only a right address is ever sent anything."""
        client, redirect_uri = query.get(self.client_parameter, ""), query.get("redirect_uri", "")
        if client not in self.clients:
            raise Refused(f"The {self.client_parameter} is not the one of a registered app.")
        if redirect_uri not in self.redirect_uris():
            raise Refused("The redirect_uri does not match the registered value.")
        scopes = tuple(dict.fromkeys(re.findall(r"[^,\s]+", query.get("scope", ""))))
        more = {
            name: query[name]
            for name in ("code_challenge", "code_challenge_method", "disable_auto_auth")
            if name in query
        }
        ask = Ask(client, redirect_uri, query.get("state", ""), scopes, more)
        if query.get("response_type") != "code":
            raise SendBack(self.back(ask, error="unsupported_response_type"))
        unknown = [scope for scope in scopes or ("",) if scope not in self.known_scopes]
        if unknown:
            why = f'Scope "{unknown[0]}" is not authorized for your application'
            error = self.unknown_scope_error
            raise SendBack(self.back(ask, error=error, error_description=why))
        return ask

    def redirect_uris(self) -> tuple[str, ...]:
        """The registered addresses."""
        return (self.settings.callback(self.slug),)

    def back(self, ask: Ask, **values: str) -> str:
        """The client's address with an answer; ``state`` comes back as it came."""
        if ask.state:
            values["state"] = ask.state
        return with_query(ask.redirect_uri, **values)

    def deny(self, ask: Ask, at_login: bool) -> str:
        """Back with the network's word for a person who would not."""
        error = self.cancelled_at_login if at_login else self.cancelled_at_consent
        why = "The user cancelled the sign-in." if at_login else "The user denied the request."
        return self.back(ask, error=error, error_description=why)

    def allow(self, ask: Ask, person: Person, scopes: tuple[str, ...]) -> str:
        """Back with a code."""
        return self.back(ask, code=self.new_code(ask, person, scopes).value)

    def new_code(self, ask: Ask, person: Person, scopes: tuple[str, ...]) -> Token:
        """Write the grant down and hand out its code, bound to client and address."""
        grant = self.ledger.open(ask.client, person.id, scopes)
        bound = {"redirect_uri": ask.redirect_uri, **ask.more}
        return self.ledger.issue(grant, CODE, self.code_life, **bound)

    def granted(self, ask: Ask, person: Person) -> bool:
        """Whether the newest authorization that still stands has these very scopes."""
        grants = self.ledger.live_grants(person.id, ask.client)
        return bool(grants) and set(grants[0].scopes) == set(ask.scopes)

    def client_is_right(self, client: str, secret: str) -> bool:
        """Whether id and secret belong together."""
        expected = self.clients.get(client, "")
        return bool(expected) and compare_digest(expected.encode(), secret.encode())

    def take_code(self, form: Mapping[str, str], client: str) -> Token | None:
        """Use a code up: right client, right address, in time, for the first time."""
        code = self.ledger.find(form.get("code", ""), CODE)
        if code is None or not code.live or code.grant.client != client:
            return None
        if code.data["redirect_uri"] != form.get("redirect_uri"):
            return None
        if not self.challenge_met(code, form.get("code_verifier", "")):
            return None
        if not self.serving(code.grant.person) or not self.ledger.end(code):
            return None
        return code

    def challenge_met(self, code: Token, verifier: str) -> bool:
        """RFC 7636, for a request that carried a challenge; none of these demand one."""
        challenge = str(code.data.get("code_challenge", ""))
        if not challenge:
            return True
        if code.data.get("code_challenge_method", "plain") == "S256":
            verifier = self.challenge_of(verifier)
        return compare_digest(challenge.encode(), verifier.encode())

    def challenge_of(self, verifier: str) -> str:
        """The S256 challenge of a verifier: base64url, as RFC 7636 has it."""
        digest = hashlib.sha256(verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

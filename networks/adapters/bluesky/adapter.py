"""Bluesky, and whoever speaks the AT Protocol: https://atproto.com/specs/oauth"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Generator, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from networks import dpop
from networks.adapters.bluesky import answers, notes, whereabouts
from networks.adapters.bluesky.grants import MOVED, SESSION, Grants
from networks.base import (
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
    Where,
    dead,
)
from networks.reading import NOT_UNDERSTOOD, a_name, refusal_of
from networks.wire import EVERY_HOST

LOOPBACK = re.compile(r"http://(?:127\.0\.0\.1|\[::1\])(?::\d+)?")


class Bluesky(Grants):
    slug = "bluesky"
    name = "Bluesky"
    colour = "#0085ff"
    initials = "Bs"
    question = notes.QUESTION
    publishes_client_metadata = True
    # As a rule; what counts is what the server's metadata says (whereabouts.Server).
    authorization_endpoint = "{issuer}/oauth/authorize"
    token_endpoint = "{issuer}/oauth/token"  # noqa: S105
    revocation_endpoint = "{issuer}/oauth/revoke"
    token_endpoint_auth_method = "private_key_jwt"  # noqa: S105 - a method
    authorization_response_iss_parameter_supported = True
    code_challenge_method = "S256"
    scopes = ("atproto", "transition:generic")
    refresh_extends = True
    reauthorize_after = SESSION
    kinds = notes.KINDS
    capabilities = notes.CAPABILITIES
    login_hint = notes.LOGIN_HINT
    budgets = notes.BUDGETS
    push = notes.PUSH
    notes = notes.NOTES

    # Who we are, and where to.

    def client_at(self, base_url: str, private_key: str) -> tuple[str, str]:
        """https://atproto.com/specs/oauth#clients: by our metadata's address; a program on a
        developer's machine, which no server can ask, says in its name what it is."""
        if LOOPBACK.fullmatch(base_url):
            redirect = f"{base_url}/oauth/{self.slug}/callback/"
            query = urlencode({"redirect_uri": redirect, "scope": " ".join(self.scopes)})
            return f"http://localhost?{query}", ""
        if not base_url.startswith("https://") or not private_key:
            return "", ""
        dpop.private_key(private_key)
        return f"{base_url}/oauth/{self.slug}/client-metadata.json", private_key

    def client_metadata(self, client: Client) -> Mapping[str, Any]:
        parts = urlsplit(client.client_id)
        key = dpop.public_jwk(client.client_secret)
        return {
            "client_id": client.client_id,
            "client_name": "Tokenwacht",
            "client_uri": f"{parts.scheme}://{parts.netloc}",
            "application_type": "web",
            "redirect_uris": [client.redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "scope": " ".join(self.scopes),
            "dpop_bound_access_tokens": True,
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": "ES256",
            "jwks": {"keys": [{**key, "use": "sig", "alg": "ES256"}]},
        }

    def hosts_of(self, client: Client) -> Collection[str]:
        """Anybody may run a server; the door goes to public addresses only."""
        return EVERY_HOST

    def issuer_in(self, said: str) -> str:
        """There is one client for all servers, so none is named; but what was typed must lead
        somewhere."""
        if not whereabouts.name_in(said):
            raise Refused(Refusal.NO_SUCH_SERVER)
        return ""

    def sent(self, callback: Mapping[str, str]) -> bool:
        """Whether it is the issuer of this trip is seen in `exchange`, which knows the trip."""
        return bool(whereabouts.origin(callback.get("iss")))

    # Reading: see answers.py.

    def api_reason(self, answer: Answer) -> Reason | None:
        return answers.api_reason(answer)

    @property
    def tables(self) -> Mapping[Where, Callable[[Answer], Reason | None]]:
        return {
            **super().tables,
            Where.PROBE: answers.probe_reason,
            Where.REFRESH: answers.token_reason,
            Where.CODE_EXCHANGE: answers.token_reason,
            Where.WEBHOOK: answers.push_reason,
        }

    # Asking; how a grant is had, renewed and given back, see grants.py.

    def identify(self, client: Client, grant: Grant) -> Conversation:
        answer = yield from self.session(grant)
        verdict = self.read(Where.PROBE, answer)
        did, handle = answer.json.get("did"), answer.json.get("handle")
        if verdict.reason is Reason.ACCOUNT_SUSPENDED:  # a deactivated account may sign in
            raise Refused(Refusal.NOTHING_THERE)
        if verdict.health is not Health.ALIVE:
            raise Refused(refusal_of(verdict))
        if not did or did != grant.keep["did"]:
            raise Refused(Refusal.NOT_UNDERSTOOD)
        handle = "" if handle == "handle.invalid" else handle
        return Identity(str(did), a_name(handle, did))

    def reach(self, client: Client, grant: Grant, identity: Identity) -> Conversation:
        """Asked anew: the handle may have changed, and is the name."""
        now = yield from self.identify(client, grant)
        page = f"https://bsky.app/profile/{now.subject}"
        return [Reachable("account", now.subject, now.name, page, is_login=True)]

    def probe(self, client: Client, grant: Grant, subject: str) -> Conversation:
        known = Known.of(grant)
        answer = yield from self.session(grant)
        verdict = self.read(Where.PROBE, answer, known)
        if verdict.health is Health.ALIVE:
            return verdict if answer.json.get("did") == subject else NOT_UNDERSTOOD
        if answer.status == 0 or verdict.reason is Reason.ACCOUNT_SUSPENDED:
            if (yield from self.home(grant)) not in ("", grant.keep["pds"]):
                # She moved: what the old server says of her counts no more, and a refresh shows
                # whether the same authorization server speaks for the new one.
                return dead(MOVED, ambiguous=True, renewable=known.refreshable)
        elif verdict.reason is Reason.INVALID_TOKEN_UNSPECIFIED and not verdict.renewable:
            return (yield from self.second_question(verdict, grant, grant.keep["pds"]))
        return verdict

    def session(self, grant: Grant) -> Generator[Request, Answer, Answer]:
        request = Get(f"{grant.keep['pds']}/xrpc/com.atproto.server.getSession")
        return (yield from dpop.ask(lambda: request, grant.keep["dpop_key"], grant.access_token))

"""Bluesky, and whoever speaks the AT Protocol: https://atproto.com/specs/oauth"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Collection, Generator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from networks import dpop
from networks.adapters.bluesky import answers, notes, whereabouts
from networks.adapters.bluesky.whereabouts import Server
from networks.base import (
    Answer,
    Authorization,
    Client,
    Conversation,
    Get,
    Grant,
    Health,
    Identity,
    Known,
    Post,
    Reachable,
    Reason,
    Refusal,
    Refused,
    Request,
    Verdict,
    Where,
    dead,
    unclear,
)
from networks.oauth import OAuth2Network, code_challenge
from networks.reading import NOT_UNDERSTOOD, a_name, attempt, is_page, refusal_of, said
from networks.rfc6749 import CALLBACK_ERRORS
from networks.wire import EVERY_HOST

# https://github.com/bluesky-social/atproto/blob/main/packages/oauth/oauth-provider/src/constants.ts
SESSION = timedelta(days=730)
PUBLIC_SESSION = timedelta(days=14)
UNUSED = timedelta(days=90)
MOVED = Reason.INVALID_TOKEN_UNSPECIFIED
LOOPBACK = re.compile(r"http://(?:127\.0\.0\.1|\[::1\])(?::\d+)?")


class Bluesky(OAuth2Network):
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

    # The conversations.

    def authorize(self, client: Client, state: str, login_hint: str = "") -> Conversation:
        """The request is pushed (RFC 9126); the browser carries a reference to it."""
        name = whereabouts.name_in(login_hint or whereabouts.ENTRYWAY)
        did, issuer = yield from whereabouts.find(name)
        server = yield from whereabouts.server_of(issuer)
        key, verifier = dpop.new_key(), secrets.token_urlsafe(48)
        form = {
            "response_type": "code",
            "redirect_uri": client.redirect_uri,
            "scope": " ".join(self.scopes),
            "state": state,
            "code_challenge": code_challenge(verifier),
            "code_challenge_method": self.code_challenge_method,
            "prompt": "login",
            **({} if name.startswith("https://") or not did else {"login_hint": name}),
        }
        answer = yield from self.post_to(client, server, server.pushed, form, key)
        request_uri = answer.json.get("request_uri")
        if not 200 <= answer.status < 300 or not isinstance(request_uri, str):
            raise Refused(refusal_of(self.read(Where.CODE_EXCHANGE, answer)))
        query = urlencode({"client_id": client.client_id, "request_uri": request_uri})
        keep = {"code_verifier": verifier, "dpop_key": key, "issuer": issuer, "did": did}
        return Authorization(f"{server.authorization}?{query}", keep)

    def exchange(
        self, client: Client, callback: Mapping[str, str], keep: Mapping[str, str]
    ) -> Conversation:
        """Nothing is believed that the person's own DID does not lead to:
        https://atproto.com/specs/oauth#identity-authentication"""
        if callback.get("error"):
            raise Refused(CALLBACK_ERRORS.get(callback["error"], Refusal.NOT_UNDERSTOOD))
        if callback.get("iss") != keep["issuer"]:
            raise Refused(Refusal.NOT_UNDERSTOOD)
        server = yield from whereabouts.server_of(keep["issuer"])
        form = {
            "grant_type": "authorization_code",
            "code": self.code_in(callback),
            "redirect_uri": client.redirect_uri,
            "code_verifier": keep["code_verifier"],
        }
        answer = yield from self.post_to(client, server, server.token, form, keep["dpop_key"])
        grant = self.granted(answer)
        did = str(answer.json.get("sub"))
        if not whereabouts.DID.fullmatch(did) or not is_bound(answer):
            raise Refused(Refusal.NOT_UNDERSTOOD)
        if keep["did"] not in ("", did):
            raise Refused(Refusal.OTHER_LOGIN)
        pds = yield from whereabouts.pds_of(did)
        if (yield from whereabouts.issuer_of(pds)) != keep["issuer"]:
            raise Refused(Refusal.NOT_UNDERSTOOD)
        lasts = SESSION if client.client_secret else PUBLIC_SESSION
        kept = {"dpop_key": keep["dpop_key"], "issuer": keep["issuer"], "did": did, "pds": pds}
        return replace(grant, keep=kept, reauthorize_by=datetime.now(UTC) + lasts)

    def refresh_life(self, body: Mapping[str, Any], *, first: bool) -> timedelta | None:
        return UNUSED  # no answer says it

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
        page = f"https://bsky.app/profile/{identity.subject}"
        return [Reachable("account", identity.subject, identity.name, page, is_login=True)]
        yield  # it is a conversation, of no words

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

    def refresh(self, client: Client, grant: Grant) -> Conversation:
        """The refresh token is used up by being shown, so first make sure that this server may
        still speak for the person: https://atproto.com/specs/oauth#tokens-and-session-lifetime"""
        known, keep = Known.of(grant), grant.keep
        if not grant.refresh_token:
            return dead(Reason.EXPIRED) if known.ended else unclear(Reason.NOT_A_TOKEN_PROBLEM)
        pds = (yield from self.home(grant)) or keep["pds"]
        try:
            if pds != keep["pds"] and (yield from whereabouts.issuer_of(pds)) != keep["issuer"]:
                return dead(MOVED, ambiguous=True)
            server = yield from whereabouts.server_of(keep["issuer"])
        except Refused:
            return unclear(Reason.NETWORK_OUTAGE)
        form = {"grant_type": "refresh_token", "refresh_token": grant.refresh_token}
        answer = yield from self.post_to(client, server, server.token, form, keep["dpop_key"])
        renewed = self.grant_in(answer, grant)
        if renewed and is_bound(answer) and answer.json.get("sub") == keep["did"]:
            return replace(renewed, keep={**keep, "pds": pds}, reauthorize_by=grant.reauthorize_by)
        verdict = self.read(Where.REFRESH, answer, known)
        if verdict.health is Health.ALIVE:
            return NOT_UNDERSTOOD
        return (yield from self.second_question(verdict, grant, pds))

    def revoke(self, client: Client, grant: Grant) -> Generator[Request, Answer, bool]:
        """The refresh token, which ends the session (RFC 7009, 2.1)."""
        try:
            server = yield from whereabouts.server_of(grant.keep["issuer"])
        except Refused:
            return False
        if not server.revocation:
            return False
        form = {"token": grant.refresh_token or grant.access_token}
        key = grant.keep["dpop_key"]
        answer = yield from self.post_to(client, server, server.revocation, form, key)
        return answer.status == 200 and not said(answer).get("error") and not is_page(answer)

    # The parts.

    def post_to(
        self, client: Client, server: Server, address: str, form: Mapping[str, str], key: str
    ) -> Generator[Request, Answer, Answer]:
        def make() -> Request:
            return Post(address, form={**form, **dpop.assertion(client, server.issuer)})

        return (yield from dpop.ask(make, key))

    def session(self, grant: Grant) -> Generator[Request, Answer, Answer]:
        request = Get(f"{grant.keep['pds']}/xrpc/com.atproto.server.getSession")
        return (yield from dpop.ask(lambda: request, grant.keep["dpop_key"], grant.access_token))

    def home(self, grant: Grant) -> Conversation:
        """The person's server as of now; "" where nobody says."""
        try:
            return (yield from whereabouts.pds_of(grant.keep["did"]))
        except Refused:
            return ""

    def second_question(self, verdict: Verdict, grant: Grant, pds: str) -> Conversation:
        """A refused token does not say why; the server tells everybody how the account is."""
        if verdict.reason is not Reason.INVALID_TOKEN_UNSPECIFIED:
            return verdict
        params = {"did": grant.keep["did"]}
        answer = yield from attempt(
            Get(f"{pds}/xrpc/com.atproto.sync.getRepoStatus", params=params)
        )
        if self.read(Where.PROBE, answer).reason is Reason.ACCOUNT_SUSPENDED:
            return dead(Reason.ACCOUNT_SUSPENDED)
        return verdict


def is_bound(answer: Answer) -> bool:
    """RFC 9449, 5: a token that is bound to our key, and nothing that works without it."""
    return str(answer.json.get("token_type")).lower() == "dpop"

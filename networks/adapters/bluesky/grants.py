"""How a grant of the AT Protocol is had, renewed and given back: https://atproto.com/specs/oauth

Every form is sent with a proof, and authenticated by a key; every name is followed to the server
that may speak for it, before anything secret is shown to one or believed of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Generator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from networks import dpop
from networks.adapters.bluesky import whereabouts
from networks.adapters.bluesky.whereabouts import Server
from networks.base import (
    Answer,
    Authorization,
    Client,
    Conversation,
    Get,
    Grant,
    Health,
    Known,
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
from networks.oauth import OAuth2Network, code_challenge
from networks.reading import NOT_UNDERSTOOD, attempt, is_page, refusal_of, said, token_text
from networks.rfc6749 import CALLBACK_ERRORS

# https://github.com/bluesky-social/atproto/blob/main/packages/oauth/oauth-provider/src/constants.ts
SESSION = timedelta(days=730)
PUBLIC_SESSION = timedelta(days=14)
UNUSED = timedelta(days=90)
# Of a person whose old server no longer speaks for her.
MOVED = Reason.INVALID_TOKEN_UNSPECIFIED


class Grants(OAuth2Network):
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
        request_uri = token_text(answer.json.get("request_uri"))
        if not 200 <= answer.status < 300 or not request_uri:
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

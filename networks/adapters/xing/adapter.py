"""XING, API v1 (OAuth 1.0a): https://dev.xing.com/docs/authentication

The network has ended the support of its API and gives no new keys to the public. Where an
operator has one, the profile is connected and probed; where nothing answers, or a page where
data should be, nobody is asked to reconnect: that is unclear.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from networks.adapters.xing.answers import API_ERRORS, TEXTS
from networks.adapters.xing.notes import CAPABILITIES, KINDS, LOGIN_HINT, NOTES, SILENCE
from networks.base import (
    ALIVE,
    NOTHING_KNOWN,
    Answer,
    Authorization,
    Client,
    Conversation,
    Get,
    Grant,
    Health,
    Identity,
    Known,
    Network,
    OAuth1Keys,
    Post,
    Reachable,
    Reason,
    Refusal,
    Refused,
    Request,
    Verdict,
    Where,
    unclear,
)
from networks.reading import (
    NOT_UNDERSTOOD,
    a_name,
    an_id,
    attempt,
    insist,
    mentioned,
    refusal_of,
    said,
    spoken,
    succeeded,
    token_text,
    told,
    understood,
)

REQUEST_TOKEN = "https://api.xing.com/v1/request_token"  # noqa: S105
ME = "https://api.xing.com/v1/users/me"
NO_PAIR = ("", "")


class Xing(Network):
    slug = "xing"
    name = "XING"
    colour = "#006567"
    initials = "Xi"
    kinds, capabilities, notes, login_hint = KINDS, CAPABILITIES, NOTES, LOGIN_HINT
    silence = SILENCE
    hosts = ("api.xing.com",)
    authorization_endpoint = "https://api.xing.com/v1/authorize"
    token_endpoint = "https://api.xing.com/v1/access_token"  # noqa: S105
    token_endpoint_auth_method = "oauth1"  # noqa: S105 - RFC 5849 signs every request

    def read(self, where: Where, answer: Answer, known: Known = NOTHING_KNOWN) -> Verdict:
        table = redirect_reason if where is Where.AUTHORIZE_REDIRECT else api_reason
        return understood(self, where, answer, known, table)

    def authorize(self, client: Client, state: str, login_hint: str = "") -> Conversation:
        """OAuth 1.0a knows no `state`: ours travels in the query of the callback's address."""
        callback = f"{client.redirect_uri}?{urlencode({'state': state})}"
        keys = OAuth1Keys(client.client_id, client.client_secret, callback=callback)
        answer = yield from attempt(Post(REQUEST_TOKEN, oauth1=keys))
        token, secret = pair_in(answer)
        if not token:
            raise Refused(self.refusal(answer, ours=Refusal.APP_MISCONFIGURED))
        url = f"{self.authorization_endpoint}?{urlencode({'oauth_token': token})}"
        return Authorization(url, {"oauth_token": token, "oauth_token_secret": secret})

    def exchange(
        self, client: Client, callback: Mapping[str, str], keep: Mapping[str, str]
    ) -> Conversation:
        if {"denied", "oauth_problem", "error"} & callback.keys():
            raise Refused(Refusal.CANCELLED)
        token, verifier = callback.get("oauth_token", ""), callback.get("oauth_verifier", "")
        if not token_text(token) or not token_text(verifier):
            raise Refused(Refusal.NOT_UNDERSTOOD)
        if not secrets.compare_digest(token, keep.get("oauth_token", "")):
            raise Refused(Refusal.CODE_REFUSED)  # the answer to another tab's question
        secret = keep.get("oauth_token_secret", "")
        keys = OAuth1Keys(client.client_id, client.client_secret, token, secret, verifier=verifier)
        answer = yield from attempt(Post(self.token_endpoint, oauth1=keys))
        access_token, access_secret = pair_in(answer)
        if not access_token:
            raise Refused(self.refusal(answer, ours=Refusal.CODE_REFUSED))
        return Grant(access_token, access_secret)

    def refusal(self, answer: Answer, *, ours: Refusal) -> Refusal:
        """`ours`: what an answer that speaks of no stored token means at this step."""
        verdict, named = self.read(Where.CODE_EXCHANGE, answer), api_reason(answer)
        if verdict.reason is not Reason.NOT_A_TOKEN_PROBLEM:
            return refusal_of(verdict) if verdict.reason else Refusal.NOT_UNDERSTOOD
        return ours if named is not Reason.NOT_UNDERSTOOD else Refusal.NOT_UNDERSTOOD

    def identify(self, client: Client, grant: Grant) -> Conversation:
        answer = yield from insist(self, me(client, grant))
        identity = identity_in(answer.json)
        if identity is None:
            raise Refused(Refusal.NOT_UNDERSTOOD)
        return identity

    def reach(self, client: Client, grant: Grant, identity: Identity) -> Conversation:
        return [Reachable("profile", identity.subject, identity.name, is_login=True)]
        yield  # nothing to ask

    def probe(self, client: Client, grant: Grant, subject: str) -> Conversation:
        answer = yield from attempt(me(client, grant))
        verdict = self.read(Where.PROBE, answer)
        if verdict.health is Health.ALIVE:
            identity = identity_in(answer.json)
            return ALIVE if identity and identity.subject == subject else NOT_UNDERSTOOD
        return verdict

    def refresh(self, client: Client, grant: Grant) -> Conversation:
        return unclear(Reason.NOT_A_TOKEN_PROBLEM)
        yield  # OAuth 1.0a has nothing to refresh

    def revoke(self, client: Client, grant: Grant) -> Conversation:
        return False
        yield  # nor a way to give a token back


def api_reason(answer: Answer) -> Reason | None:
    """The API answers with objects, the token endpoints with a form."""
    body = said(answer)
    if pair_in(answer) != NO_PAIR or (succeeded(answer) and "error_name" not in body):
        return None
    if answer.status in (404, 410) and not body:
        return Reason.NETWORK_OUTAGE  # these addresses never move: the API is no longer there
    if "error_name" in body:
        return API_ERRORS.get(str(body["error_name"]), Reason.NOT_UNDERSTOOD)
    text = str(body.get("message", "")) or spoken(answer)
    return told(text, TEXTS) or mentioned(answer, API_ERRORS)


def redirect_reason(answer: Answer) -> Reason | None:
    """The query that a browser came back with (RFC 5849, 2.2)."""
    query = dict(parse_qsl(answer.body.decode("utf-8", "replace")))
    return None if "oauth_verifier" in query else Reason.NOT_A_TOKEN_PROBLEM


def me(client: Client, grant: Grant) -> Request:
    keys = OAuth1Keys(
        client.client_id, client.client_secret, grant.access_token, grant.refresh_token
    )
    return Get(ME, oauth1=keys)


def pair_in(answer: Answer) -> tuple[str, str]:
    """The token and its secret of a form-encoded answer (RFC 5849, 2.1 and 2.3), or ("", "")."""
    if not 200 <= answer.status < 300:
        return NO_PAIR
    form = dict(parse_qsl(answer.body.decode("utf-8", "replace")))
    token = token_text(form.get("oauth_token"))
    secret = token_text(form.get("oauth_token_secret"))
    return (token, secret) if token and secret else NO_PAIR


def identity_in(body: Mapping[str, Any]) -> Identity | None:
    users = body.get("users")
    user = users[0] if isinstance(users, list) and users else None
    if not isinstance(user, dict):
        return None
    subject = an_id(user.get("id"))
    return Identity(subject, a_name(user.get("display_name"), subject)) if subject else None

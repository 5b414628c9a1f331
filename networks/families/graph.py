"""Reading what Meta's Graph API says, alike at Facebook, Instagram and Threads.

Its HTTP status says next to nothing: a throttle is a 400, an invalid token under `debug_token`
a 200, a missing scope at Threads a 500. So what decides is the error's code and subcode, and its
words only where these are silent: https://developers.facebook.com/docs/graph-api/guides/error-handling
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from networks.base import NOTHING_KNOWN, Answer, Client, Grant, Known, Reason, Verdict, Where
from networks.families.graph_answers import (
    CODES,
    OBJECT_FAULT,
    OBJECT_GONE,
    OVERRULING,
    SCOPE_MISSING,
    SUBCODES,
    THROTTLES,
    TOKEN_CODES,
    TOKEN_SUBCODES,
    TOKEN_WORDS,
    TYPES,
    UNCODED_WORDS,
)
from networks.families.graph_usage import regained_in
from networks.families.signed_request import payload_in
from networks.oauth import OAuth2Network
from networks.reading import is_page, said, token_text
from networks.rfc6749 import redirect_reason

# Lives two years at least; a call to one that has ended is served by the next oldest:
# https://developers.facebook.com/docs/graph-api/changelog/versions
VERSION = "v26.0"
GRAPH = f"https://graph.facebook.com/{VERSION}"

WORDS = ("message", "error_message", "error_msg", "error_description", "error_user_title")
KINDS = ("type", "error_type")
# Printed into a text: "(#4) …", "code=100; subcode=33", "error: 190", but not "status code 400".
PRINTED_CODE = (
    re.compile(r"\(#(\d{1,7})\)"),
    re.compile(r"(?<!status )\bcode[=: ]+(\d{1,7})"),
    re.compile(r"\berror:? #?(?![45]\d\d\b)(\d{1,7})"),
)
PRINTED_SUBCODE = (re.compile(r"subcode[=: ]+(\d{1,8})"),)


@dataclass(frozen=True, slots=True)
class Fault:
    """One error of the Graph API; `words` in lower case."""

    code: int | None
    subcode: int | None
    kind: str
    words: str
    is_transient: bool

    @classmethod
    def of(cls, error: Mapping[str, Any]) -> Fault:
        said = [error.get(name) for name in (*WORDS, "error_user_msg")]
        words = " ".join(text for text in said if isinstance(text, str)).lower()
        kinds = [error[name] for name in KINDS if isinstance(error.get(name), str)]
        code = _number(error, "code", "error_code")
        subcode = _number(error, "error_subcode", "subcode")
        return cls(
            _printed(PRINTED_CODE, words) if code is None else code,
            _printed(PRINTED_SUBCODE, words) if subcode is None else subcode,
            kinds[0] if kinds else "",
            words,
            str(error.get("is_transient")).lower() == "true",
        )


def reason_of(fault: Fault, *, of_profile: bool = False) -> Reason:
    """What an error says. `of_profile`: it was the profile itself that was asked for.

    The order is the point: what is no word on this token comes first, whatever code it has.
    """
    code = fault.code
    for number in (fault.subcode, code):
        if number is not None and number in SUBCODES:
            return SUBCODES[number]
    if code in THROTTLES:
        return Reason.RATE_LIMITED
    if fault.is_transient:  # with whatever wording: https://github.com/snarfed/bridgy/issues/450
        return Reason.NETWORK_OUTAGE
    overruled = _first(OVERRULING, fault.words)
    if overruled:
        return overruled
    if code in TOKEN_CODES or (code is None and fault.subcode in TOKEN_SUBCODES):
        named = TOKEN_SUBCODES.get(fault.subcode or 0) or _first(TOKEN_WORDS, fault.words)
        return named or Reason.INVALID_TOKEN_UNSPECIFIED
    if code == 100:
        return _of_request(fault, of_profile)
    if code is not None and code in CODES:
        return CODES[code]
    named = _first((*TOKEN_WORDS, *UNCODED_WORDS), fault.words)
    return named or TYPES.get(fault.kind, Reason.NOT_UNDERSTOOD)


def _of_request(fault: Fault, of_profile: bool) -> Reason:
    if SCOPE_MISSING.search(fault.words):
        return Reason.PERMISSION_LOST
    if fault.subcode == 33 and OBJECT_FAULT in fault.words:
        return Reason.NETWORK_OUTAGE
    if of_profile and OBJECT_GONE in fault.words:
        return Reason.PERMISSION_LOST
    return Reason.NOT_A_TOKEN_PROBLEM


def graph_reason(answer: Answer, *, of_profile: bool = False) -> Reason | None:
    """Why a call was refused, None where it was not."""
    fault = fault_in(answer)
    reason = reason_of(fault, of_profile=of_profile) if fault else None
    is_valid = inspected(answer).get("is_valid", True)
    if is_valid is False and reason in (None, Reason.NOT_UNDERSTOOD):
        return Reason.INVALID_TOKEN_UNSPECIFIED
    if reason:
        return reason
    is_good = 200 <= answer.status < 300 and is_valid is True
    return None if is_good and (answer.status == 204 or loaded(answer)) else Reason.NOT_UNDERSTOOD


def inspected(answer: Answer) -> dict[str, Any]:
    """What `debug_token` says of a token."""
    data = answer.json.get("data")
    return data if isinstance(data, dict) else {}


def fault_in(answer: Answer) -> Fault | None:
    """The error that an answer carries, in whichever of its places and however it was printed."""
    if is_page(answer):
        return None
    for body in _bodies(answer):
        error = _error_in(body)
        if error is not None:
            return Fault.of(error)
    if 200 <= answer.status < 400:
        return None
    header = answer.headers.get("www-authenticate", "")
    bare = answer.json.get("message") or (header if header.startswith("OAuth ") else "")
    return Fault.of({"message": bare}) if bare else None


def loaded(answer: Answer) -> Any:
    """The body, whatever JSON it is; None where it is none."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def _bodies(answer: Answer) -> Iterator[Any]:
    body = loaded(answer)
    if body is not None:
        yield body
        return
    text = answer.body[:20_000].decode("utf-8", "replace")
    decoder, start = json.JSONDecoder(), text.find("{")
    for _ in range(20):  # in a line of a log, perhaps behind other objects
        if start < 0:
            break
        with suppress(ValueError, RecursionError):
            yield decoder.raw_decode(text, start)[0]
        start = text.find("{", start + 1)
    pairs = said(answer)
    if pairs or (text.strip() and not 200 <= answer.status < 400):
        yield {"error": {**pairs, "error_user_msg": text}}


def _error_in(body: Any) -> Mapping[str, Any] | None:
    if isinstance(body, list):
        parts = [part for part in body if isinstance(part, dict) and "body" in part]
        return next((error for part in parts if (error := _error_in(part)) is not None), None)
    if not isinstance(body, dict):
        return None
    inner = body.get("body")
    if isinstance(inner, str) and "code" in body:  # one part of a batch
        return _error_in(loaded(Answer(200, {}, inner.encode("utf-8", "replace"))))
    data = body.get("data")
    for holder, name in ((body, "error"), (data, "error"), (body, "meta")):
        error = holder.get(name) if isinstance(holder, dict) else None
        if isinstance(error, dict) and (name == "error" or "error_type" in error):
            return error
    if any(isinstance(body.get(name), str) for name in ("error", "error_type", *WORDS[1:3])):
        return {"message": body.get("error"), **body}
    has_marks = any(name in body for name in ("error_subcode", "fbtrace_id", "type"))
    return body if has_marks and "code" in body and isinstance(body.get("message"), str) else None


def _number(error: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        text = str(error.get(name))
        if re.fullmatch(r"-?\d{1,9}", text):
            return int(text)
    return None


def _printed(patterns: tuple[re.Pattern[str], ...], words: str) -> int | None:
    found = filter(None, (pattern.search(words) for pattern in patterns))
    return next((int(one[1]) for one in found), None)


def _first(table: tuple[tuple[str, Reason], ...], words: str) -> Reason | None:
    return next((reason for word, reason in table if word in words), None)


def appsecret_proof(client: Client, token: str) -> str:
    """https://developers.facebook.com/docs/graph-api/guides/secure-requests"""
    return hmac.new(client.client_secret.encode(), token.encode(), hashlib.sha256).hexdigest()


def sent_back_reason(answer: Answer) -> Reason | None:
    """What the browser brought back: an app that nobody may use is no person's "no"."""
    query = dict(parse_qsl(answer.body.decode("utf-8", "replace")))
    fault = fault_in(answer) or Fault.of(query)
    if "code" not in query and reason_of(fault) is Reason.APP_DISABLED:
        return Reason.APP_DISABLED
    return redirect_reason(answer)


def pushed_reason(answer: Answer) -> Reason | None:
    """What a callback of Meta's says: the person or a page put the app out, or (a webhook) took
    a permission back. https://developers.facebook.com/docs/graph-api/webhooks/reference/permissions
    """
    body = payload_in(answer.body)
    if "algorithm" in body and ("user_id" in body or "profile_id" in body):
        return Reason.REVOKED_BY_USER
    if "object" not in body:
        return Reason.NOT_UNDERSTOOD
    if body["object"] == "permissions" and '"revoke' in json.dumps(body):
        return Reason.PERMISSION_LOST
    return Reason.NOT_A_TOKEN_PROBLEM


class GraphNetwork(OAuth2Network):
    scope_separator = ","
    names_errors_with_5xx = True  # Threads says so that a scope is missing

    def api_reason(self, answer: Answer) -> Reason | None:
        return graph_reason(answer)

    def token_reason(self, answer: Answer) -> Reason | None:
        reason = graph_reason(answer)
        has_token = token_text(token_body(answer).get("access_token"))
        return reason if reason or has_token else Reason.NOT_UNDERSTOOD

    def push_reason(self, answer: Answer) -> Reason | None:
        return pushed_reason(answer)

    @property
    def tables(self) -> Mapping[Where, Callable[[Answer], Reason | None]]:
        return {
            **super().tables,
            Where.PROBE: lambda answer: graph_reason(answer, of_profile=True),
            Where.AUTHORIZE_REDIRECT: sent_back_reason,
        }

    def read(self, where: Where, answer: Answer, known: Known = NOTHING_KNOWN) -> Verdict:
        verdict = super().read(where, answer, known)
        if verdict.reason is Reason.RATE_LIMITED and verdict.retry_after is None:
            return replace(verdict, retry_after=regained_in(answer.headers))
        return verdict

    def grant_in(self, answer: Answer, old: Grant | None = None) -> Grant | None:
        body = json.dumps(token_body(answer)).encode()
        return super().grant_in(replace(answer, body=body), old)


def only(body: Mapping[str, Any]) -> dict[str, Any]:
    """The object of an answer: itself, or the one in its list; newer pages show it so."""
    data = body.get("data")
    inner = data[0] if isinstance(data, list) and data else body
    return dict(inner) if isinstance(inner, dict) else {}


def token_body(answer: Answer) -> dict[str, Any]:
    """A token endpoint's answer, its permissions named as the scope that they are."""
    body = only(answer.json)
    given = body.get("permissions")
    names = given if isinstance(given, list) else [given]
    scope = ",".join(name for name in names if isinstance(name, str))
    return {**body, "scope": scope} if scope else body

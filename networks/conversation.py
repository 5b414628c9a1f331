"""What travels in a conversation: requests out, answers (or a TransportError) back in."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


@dataclass(frozen=True, slots=True)
class OAuth1Keys:
    """The keys that sign one OAuth 1.0a request (RFC 5849, 3.4)."""

    client_key: str
    client_secret: str = field(repr=False)
    token: str = field(default="", repr=False)
    token_secret: str = field(default="", repr=False)
    callback: str = ""
    verifier: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request a conversation wants made. The address is always the network's real one."""

    method: str
    url: str
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    json: Any = field(default=None, repr=False)
    bearer: str = field(default="", repr=False)
    basic: tuple[str, str] | None = field(default=None, repr=False)
    oauth1: OAuth1Keys | None = field(default=None, repr=False)


def Get(url: str, **kwargs: Any) -> Request:  # noqa: N802 - reads as the HTTP verb it is
    return Request("GET", url, **kwargs)


def Post(url: str, **kwargs: Any) -> Request:  # noqa: N802
    return Request("POST", url, **kwargs)


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers with lower-case names, and the raw body.

    Status 0: nothing came back (`networks.reading.attempt`).
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)

    @cached_property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object, which nobody changes; `{}` where it is anything else."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):  # a thousand brackets are not our trouble
            return {}
        return value if isinstance(value, dict) else {}


class TransportError(Exception):
    """No answer: timeout, refused connection, TLS, DNS, a body too large or cut off."""


Conversation = Generator[Request, Answer, Any]

"""What a network is, what may be asked of it, and what its answer means.

Nothing here knows of organizations, profiles or a database, and nothing here opens a socket:
an adapter declares facts and holds *conversations*, generators that yield a Request and
receive an Answer (or have a TransportError thrown in). `networks.http` has the two drivers.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar


class Health(StrEnum):
    ALIVE = "alive"
    DEAD = "dead"
    UNCLEAR = "unclear"


class Reason(StrEnum):
    """Why a token or an access is dead, or why nobody can tell. See docs/networks.md."""

    EXPIRED = "expired"
    REVOKED_BY_USER = "revoked_by_user"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a reason, not a password
    PERMISSION_LOST = "permission_lost"
    ACCOUNT_SUSPENDED = "account_suspended"
    INVALID_TOKEN_UNSPECIFIED = "invalid_token_unspecified"  # noqa: S105
    RATE_LIMITED = "rate_limited"
    NETWORK_OUTAGE = "network_outage"
    APP_DISABLED = "app_disabled"
    NOT_A_TOKEN_PROBLEM = "not_a_token_problem"  # noqa: S105
    NOT_UNDERSTOOD = "not_understood"

    @property
    def is_dead(self) -> bool:
        return self in DEAD_REASONS


DEAD_REASONS = frozenset(
    {
        Reason.EXPIRED,
        Reason.REVOKED_BY_USER,
        Reason.PASSWORD_CHANGED,
        Reason.PERMISSION_LOST,
        Reason.ACCOUNT_SUSPENDED,
        Reason.INVALID_TOKEN_UNSPECIFIED,
    }
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one conversation proved.

    `ambiguous`: the same answer is known to come from living tokens too, so a death counts
    only when a second probe says it again. `retry_after`: seconds the network asked us to wait.
    `renewable`: the access token has ended, and a refresh token may heal it: refresh first.
    """

    health: Health
    reason: Reason | None = None
    ambiguous: bool = False
    renewable: bool = False
    retry_after: float | None = None


ALIVE = Verdict(Health.ALIVE)


def dead(reason: Reason, *, ambiguous: bool = False, renewable: bool = False) -> Verdict:
    return Verdict(Health.DEAD, reason, ambiguous=ambiguous, renewable=renewable)


def unclear(reason: Reason, *, retry_after: float | None = None) -> Verdict:
    return Verdict(Health.UNCLEAR, reason, retry_after=retry_after)


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
    params: Mapping[str, str] = field(default_factory=dict)
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


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers with lower-case names, and the raw body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)

    @property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object; `{}` where it is anything else."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


class TransportError(Exception):
    """No answer: timeout, refused connection, TLS, DNS, a body too large or cut off."""


@dataclass(frozen=True, slots=True)
class Client:
    """Our registration at a network (RFC 6749, 2): what names us in every conversation."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """A token pair as a network gave it, with every clock its answer named (aware datetimes).

    For OAuth 1.0a `refresh_token` is the token secret and nothing ever ends.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ()
    expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Authorization:
    """Where to send the browser, and what the callback will need again.

    `keep` is secret (PKCE verifier, OAuth 1.0a request token secret): the caller seals it.
    """

    url: str
    keep: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose network login a token belongs to: the stable id, and a name for people."""

    subject: str
    name: str


@dataclass(frozen=True, slots=True)
class Reachable:
    """Something a login can reach at its network.

    `role` is the network's own word for the role the login has there; `missing_role` is the
    role it would need and lacks ("" where it has what it needs). `is_login`: this profile is
    the login itself.
    """

    kind: str
    remote_id: str
    name: str
    url: str = ""
    parent_remote_id: str = ""
    role: str = ""
    missing_role: str = ""
    is_login: bool = False


class Refusal(StrEnum):
    """Why connecting did not work; `tokens` has a sentence for each, with what to do next."""

    CANCELLED = "cancelled"
    SCOPE_MISSING = "scope_missing"
    CODE_REFUSED = "code_refused"
    AD_ACCOUNT = "ad_account"
    NETWORK_UNAVAILABLE = "network_unavailable"
    APP_MISCONFIGURED = "app_misconfigured"
    NOT_UNDERSTOOD = "not_understood"


class Refused(Exception):
    """A connect conversation ended without a grant. `missing` names scopes, never a token."""

    def __init__(self, refusal: Refusal, *, missing: tuple[str, ...] = ()) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal
        self.missing = missing


Conversation = Generator[Request, Answer, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of profile. `label` and `plural` are msgids; `settings_label` is the menu item.

    `choose`: the person picks which ones to connect; otherwise all are taken at once.
    `reads_role`: absence from the listing means that the login lost its role there.
    """

    slug: str
    label: Any
    settings_label: Any
    choose: bool = False
    reads_role: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """One thing to know before leaving for the network; `link` is (label, address) or None."""

    text: Any
    link: tuple[Any, str] | None = None


@dataclass(frozen=True, slots=True)
class Capability:
    """What the network's API allows today; `reason` says why where it does not."""

    allowed: bool
    reason: Any = ""
    scopes: tuple[str, ...] = ()


class Network:
    """Facts and conversations of one network; an adapter is a subclass with one instance."""

    slug: ClassVar[str]
    name: ClassVar[str]
    colour: ClassVar[str]
    initials: ClassVar[str]
    kinds: ClassVar[tuple[Kind, ...]]
    notes: ClassVar[tuple[Note, ...]] = ()
    login_hint: ClassVar[Any] = ""
    required_role: ClassVar[Any] = ""
    capabilities: ClassVar[Mapping[str, Capability]] = {}
    authorization_endpoint: ClassVar[str]
    token_endpoint: ClassVar[str]
    introspection_endpoint: ClassVar[str] = ""
    revocation_endpoint: ClassVar[str] = ""
    token_endpoint_auth_method: ClassVar[str] = "client_secret_post"
    code_challenge_method: ClassVar[str] = ""
    scopes: ClassVar[tuple[str, ...]] = ()
    scope_separator: ClassVar[str] = " "
    # Whose sign-out at the network ends every token of that person, in all organizations.
    revocation_disconnects_person: ClassVar[bool] = False
    # Counted from the person's consent, where the network wants a human again by then.
    reauthorize_after: ClassVar[timedelta | None] = None
    # How long after a token's issue, or a first "dead", the same answer may still be wrong.
    confirm_after: ClassVar[timedelta] = timedelta(minutes=5)
    hosts: ClassVar[tuple[str, ...]] = ()

    def kind(self, slug: str) -> Kind:
        return next(kind for kind in self.kinds if kind.slug == slug)

    def authorize(self, client: Client, state: str) -> Conversation:
        """Returns an Authorization. Raises Refused."""
        raise NotImplementedError

    def exchange(
        self, client: Client, callback: Mapping[str, str], keep: Mapping[str, str]
    ) -> Conversation:
        """`callback` is the query the browser came back with. Returns a Grant. Raises Refused."""
        raise NotImplementedError

    def identify(self, client: Client, grant: Grant) -> Conversation:
        """Returns an Identity. Raises Refused."""
        raise NotImplementedError

    def reach(self, client: Client, grant: Grant, identity: Identity) -> Conversation:
        """Returns every Reachable, parents before children. Raises Refused."""
        raise NotImplementedError

    def probe(self, client: Client, grant: Grant, subject: str) -> Conversation:
        """Returns a Verdict; ALIVE only where the network named this very subject."""
        raise NotImplementedError

    def refresh(self, client: Client, grant: Grant) -> Conversation:
        """Returns the new Grant, or a Verdict where there is none."""
        raise NotImplementedError

    def revoke(self, client: Client, grant: Grant) -> Conversation:
        """Returns whether the network confirmed that the grant is gone."""
        raise NotImplementedError

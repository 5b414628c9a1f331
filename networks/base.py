"""What a network is, what may be asked of it, and what its answer means.

Nothing here knows of organizations, profiles or a database, and nothing here opens a socket:
an adapter declares facts and holds *conversations*, generators that yield a Request and
receive an Answer (or have a TransportError thrown in). `networks.http` has the two drivers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, ClassVar

from networks.conversation import (
    Answer,
    Conversation,
    Get,
    OAuth1Keys,
    Post,
    Request,
    TransportError,
)
from networks.facts import Budget, Capability, Kind, Note, Price, Push, Question
from networks.grants import NOTHING_KNOWN, Client, Grant, Known
from networks.verdict import ALIVE, DEAD_REASONS, Health, Reason, Verdict, alive, dead, unclear

# fmt: off
__all__ = [
    "ALIVE", "DEAD_REASONS", "NOTHING_KNOWN", "Answer", "Authorization", "Budget", "Capability",
    "Client", "Conversation", "Get", "Grant", "Health", "Identity", "Kind", "Known", "Network",
    "Note", "OAuth1Keys", "Post", "Price", "Push", "Question", "Reachable", "Reason", "Refusal",
    "Refused", "Request", "TransportError", "Verdict", "Where", "alive", "dead", "unclear",
]
# fmt: on


# A link that a page may offer: of a host that has a name, and without a user's.
WEB_PAGE = re.compile(r"https://(?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*(?:/[!#-;=?-~]*)?")
# What a row holds of a page's address, and of an id; a server that anybody runs may say more.
LONGEST_PAGE, LONGEST_ID = 500, 255


class Where(StrEnum):
    """The place an answer came from: the same words mean other things elsewhere."""

    PROBE = "probe"
    REFRESH = "refresh"
    CODE_EXCHANGE = "code_exchange"
    API_CALL = "api_call"
    # These two come to us, and have no status: whoever reads them says 200.
    AUTHORIZE_REDIRECT = "authorize_redirect"  # the query that the browser came back with
    WEBHOOK = "webhook"


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

    `role` is the network's own word for the role the login has there, or several with blanks
    between them; `missing_role` is the role it would need and lacks ("" where it has what it
    needs), a msgid or the network's word. `is_login`: this profile is
    the login itself. `name` is the `remote_id` where the network did not say it: whoever knows
    a better one keeps it. `url` is an https address that fits its column, or "" whatever was given.
    """

    kind: str
    remote_id: str
    name: str
    url: str = ""
    parent_remote_id: str = ""
    role: str = ""
    missing_role: str = ""
    is_login: bool = False

    def __post_init__(self) -> None:
        if len(self.url) > LONGEST_PAGE or not WEB_PAGE.fullmatch(self.url):
            object.__setattr__(self, "url", "")


class Refusal(StrEnum):
    """Why connecting did not work; `tokens` has a sentence for each, with what to do next."""

    CANCELLED = "cancelled"
    SCOPE_MISSING = "scope_missing"
    CODE_REFUSED = "code_refused"
    AD_ACCOUNT = "ad_account"
    OTHER_LOGIN = "other_login"  # somebody else came than was named before the leap
    NOTHING_THERE = "nothing_there"  # this login has nothing that could be looked after
    NO_SUCH_SERVER = "no_such_server"  # what was typed names none of the network's servers
    CLIENT_FORGOTTEN = "client_forgotten"  # a server dropped the registration it had given us
    NETWORK_UNAVAILABLE = "network_unavailable"
    APP_MISCONFIGURED = "app_misconfigured"
    NOT_UNDERSTOOD = "not_understood"


class Refused(Exception):
    """A connect conversation ended without a grant. `missing` names scopes, never a token;
    `reason` is what the network's answer was read as, where one was."""

    def __init__(
        self, refusal: Refusal, *, missing: tuple[str, ...] = (), reason: Reason | None = None
    ) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal
        self.missing = missing
        self.reason = reason


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
    # What people read of a network that does not answer, where more is known than that.
    silence: ClassVar[Any] = ""
    capabilities: ClassVar[Mapping[str, Capability]] = {}
    issuer: ClassVar[str] = ""  # RFC 8414, 2; an answer that names another one is refused
    authorization_response_iss_parameter_supported: ClassVar[bool] = False  # RFC 9207, 3
    authorization_endpoint: ClassVar[str]
    token_endpoint: ClassVar[str]
    introspection_endpoint: ClassVar[str] = ""
    revocation_endpoint: ClassVar[str] = ""
    token_endpoint_auth_method: ClassVar[str] = "client_secret_post"  # noqa: S105 - a method
    code_challenge_method: ClassVar[str] = ""
    scopes: ClassVar[tuple[str, ...]] = ()
    scope_separator: ClassVar[str] = " "
    # Each refresh moves the refresh token's end ahead: while we refresh, no person must come.
    refresh_extends: ClassVar[bool] = False
    # Counted from the person's consent, where the network wants a human again by then.
    reauthorize_after: ClassVar[timedelta | None] = None
    # How long after a token's issue, or a first "dead", the same answer may still be wrong.
    confirm_after: ClassVar[timedelta] = timedelta(minutes=5)
    # Reasons that this network has been seen to give for tokens that were alive.
    doubtful: ClassVar[frozenset[Reason]] = frozenset()
    # Whether the body of a 5xx may still name a token's trouble, and is read before the status.
    names_errors_with_5xx: ClassVar[bool] = False
    hosts: ClassVar[tuple[str, ...]] = ()
    question: ClassVar[Question | None] = None
    # Whether our client id is the address of a document about us, in place of a registration, and
    # our secret a key that we sign with (`client_at`, `client_metadata`).
    publishes_client_metadata: ClassVar[bool] = False
    # As many tokens of one app as one request may ask about; `probe_batch` then asks.
    batch_size: ClassVar[int] = 1
    budgets: ClassVar[tuple[Budget, ...]] = ()
    prices: ClassVar[tuple[Price, ...]] = ()
    push: ClassVar[tuple[Push, ...]] = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.slug!r})"

    def hosts_of(self, client: Client) -> Collection[str]:
        """The hosts that a conversation may speak with."""
        return self.hosts

    def issuer_in(self, said: str) -> str:
        """The authorization server that a person's answer to `question` names; "" where the
        network has but one. Raises Refused(NO_SUCH_SERVER)."""
        choices = self.question.choices if self.question else ()
        return said if said in dict(choices) else ""

    def client_slug(self, issuer: str) -> str:
        """Whose configured client id and secret serve at this issuer; "" where none is
        configured and `register` fetches one."""
        return self.slug

    def trouble_ahead(self, today: date) -> str:
        """What the operator has to change before long, in English as all logs; "" for nothing."""
        return ""

    def client_at(self, base_url: str, private_key: str) -> tuple[str, str]:
        """Our client id, and the key that signs for us; "" where this address or key will not do,
        and the network is not offered. Raises ValueError for a key that is none."""
        return "", ""

    def client_metadata(self, client: Client) -> Mapping[str, Any]:
        """The document at our client id (RFC 7591, 2)."""
        return {}

    def kind(self, slug: str) -> Kind:
        return next(kind for kind in self.kinds if kind.slug == slug)

    @cached_property
    def required_scopes(self) -> tuple[str, ...]:
        """What a consent must grant: the scopes of the two capabilities nobody does without."""
        needed = (self.capabilities.get(name) for name in ("connect", "publish_post"))
        return tuple(dict.fromkeys(s for one in needed if one and one.allowed for s in one.scopes))

    def sent(self, callback: Mapping[str, str]) -> bool:
        """Whether a callback is an answer of this network, as far as it says (RFC 9207, 2.4).
        Where the network declares no issuer, one that is named must stand on a host of its own."""
        iss = callback.get("iss", "")
        if not iss:
            return not self.authorization_response_iss_parameter_supported
        if self.issuer:
            return iss == self.issuer
        return any(f"{iss}/".startswith(f"https://{host}/") for host in self.hosts)

    def read(self, where: Where, answer: Answer, known: Known = NOTHING_KNOWN) -> Verdict:
        """What one answer means; pure, and never an exception. Not understood is unclear."""
        raise NotImplementedError

    def register(self, issuer: str, redirect_uri: str) -> Conversation:
        """Register us at one of the network's servers. Returns a Client. Raises Refused."""
        raise NotImplementedError

    def authorize(self, client: Client, state: str, login_hint: str = "") -> Conversation:
        """`login_hint`: whom we expect, as far as we know (OpenID Connect Core, 3.1.2.1): what
        was typed, or the `remote_id` to reconnect. Returns an Authorization. Raises Refused."""
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
        """Returns a Verdict; alive only where the network named this very subject."""
        raise NotImplementedError

    def probe_batch(self, client: Client, tokens: list[tuple[Grant, str]]) -> Conversation:
        """As `probe`, for up to `batch_size` (grant, subject) of one app. Returns a list of
        Verdicts in their order; None for one that has to be probed alone."""
        raise NotImplementedError

    def refresh(self, client: Client, grant: Grant) -> Conversation:
        """Returns the new Grant, or a Verdict where there is none."""
        raise NotImplementedError

    def revoke(self, client: Client, grant: Grant) -> Conversation:
        """Returns whether the network confirmed that the grant is gone."""
        raise NotImplementedError

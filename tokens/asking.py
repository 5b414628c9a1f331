"""Everything that is asked of one token while it is leased: a session, as a generator.

It yields what it wants asked of the network, and is sent the result; `tokens/conversations.py`
holds hundreds of them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from networks.allowance import OverBudget
from networks.base import (
    ALIVE,
    Client,
    Conversation,
    Grant,
    Health,
    Reason,
    Refusal,
    Refused,
    TransportError,
    Verdict,
    dead,
    unclear,
)
from tokens import leases, schedule
from tokens.keys import CannotOpen
from tokens.models import GRANT_FIELDS, Lease, Token
from tokens.storing import reauthorize_by
from tokens.verdicts import Finding, Listing

logger = logging.getLogger(__name__)

HOPE = timedelta(days=3)


@dataclass(slots=True)
class Claim:
    """A leased token, as it was read. `grant` is opened, and renewed by a refresh."""

    token: Token
    client: Client
    grant: Grant
    issued_at: datetime = field(init=False)
    is_renewed: bool = False

    def __post_init__(self) -> None:
        self.issued_at = self.token.issued_at


@dataclass(frozen=True, slots=True)
class Ask:
    """What a session wants asked. `is_probe`: a network that answers about many tokens at once
    may be asked about this one together with others."""

    claim: Claim
    conversation: Conversation
    is_probe: bool = False


@dataclass(frozen=True, slots=True)
class Renew:
    """A refresh: nothing is asked unless `renew_lease` returns True, and a pair that comes is given
    to `store` at once. Sent: the pair, what the network says instead, or None where the token is
    somebody else's by now."""

    claim: Claim
    conversation: Conversation
    renew_lease: Callable[[], bool]
    store: Callable[[Grant], None]


@dataclass(frozen=True, slots=True)
class PutOff:
    """Nobody was asked about this token, and it is due again in so many seconds."""

    token: Token
    seconds: float


Step = Ask | Renew
Session = Generator[Step, Any, Finding]


def session_of(token: Token) -> Session:
    """Everything that is asked of one token; without its key or its app nothing can be.

    Raises OverBudget where nobody may be asked now.
    """
    try:
        client = token.app.client
        if client is None:
            return Finding(token, unclear(Reason.APP_DISABLED))
        claim = Claim(token, client, token.open())
    except CannotOpen as error:
        logger.error("token %s does not open: %s", token.pk, error)
        return Finding(token, unclear(Reason.NOT_UNDERSTOOD))
    finding = yield from _finding(claim)
    return replace(finding, is_renewed=True) if claim.is_renewed else finding


def _finding(claim: Claim) -> Session:
    token = claim.token
    verdict = yield from _verdict(claim)
    if verdict.health is not Health.ALIVE:
        return Finding(token, verdict)
    granted = token.scopes if verdict.scopes is None else verdict.scopes
    if set(token.network.required_scopes) - set(granted):  # since the consent (rule 6)
        lost = dead(Reason.PERMISSION_LOST, ambiguous=verdict.scopes is not None)
        return Finding(token, replace(lost, scopes=tuple(granted)))
    return (yield from _listing(claim, verdict))


def _verdict(claim: Claim) -> Generator[Step, Any, Verdict]:
    """Refresh what is about to end, probe, heal what can be healed and probe again."""
    token = claim.token
    refreshed: Verdict | None = None
    if schedule.needs_refresh(timezone.now(), token.expires_at, token.issued_at):
        refreshed = yield from _refresh(claim)
        if refreshed is ALIVE and not _is_listing_due(token):
            return ALIVE  # it has just answered: that was the probe
    try:
        verdict = yield from _probe(claim)
    except OverBudget:
        if refreshed is ALIVE:
            return ALIVE
        raise
    if not verdict.renewable:
        return verdict
    if refreshed is None:
        refreshed = yield from _refresh(claim)
        if refreshed is ALIVE:
            verdict = yield from _probe(claim)
    if refreshed is not ALIVE:
        return _without_hope(token, refreshed)
    # A pair that came a moment ago and reads as ended: ask once more before believing it.
    return replace(verdict, ambiguous=True) if verdict.renewable else verdict


def _without_hope(token: Token, refreshed: Verdict) -> Verdict:
    """A refresh token that is refused in words that nobody knows will not be taken any more when it
    is past its recorded end, or when nothing else was heard for days of an access token that has
    ended: nobody can work with it, whatever the words mean."""
    is_refusal = refreshed.reason in (Reason.NOT_A_TOKEN_PROBLEM, Reason.NOT_UNDERSTOOD)
    hope = token.unclear_since and token.unclear_since + HOPE
    ends = [end for end in (token.refresh_expires_at, hope) if end]
    if is_refusal and ends and min(ends) <= timezone.now():
        return dead(Reason.EXPIRED, ambiguous=True)
    return refreshed


def _probe(claim: Claim) -> Generator[Step, Any, Verdict]:
    probe = claim.token.network.probe(claim.client, claim.grant, claim.token.subject)
    try:
        verdict: Verdict = yield Ask(claim, probe, is_probe=True)
    except (TransportError, Refused):
        return unclear(Reason.NETWORK_OUTAGE)
    return verdict


def _refresh(claim: Claim) -> Generator[Step, Any, Verdict]:
    """Renew the pair and commit it at once; ALIVE when that worked, else what the network said.

    Without a refresh token nothing is asked: only a person can renew the access.
    """
    if not claim.grant.refresh_token:
        return dead(Reason.EXPIRED)
    asking = claim.token.network.refresh(claim.client, claim.grant)
    renew_lease = partial(leases.renew, claim.token, claim.issued_at)
    try:
        result = yield Renew(claim, asking, renew_lease, partial(_commit_surely, claim))
    except (TransportError, Refused):
        return unclear(Reason.NETWORK_OUTAGE)
    if result is None:
        return unclear(Reason.NOT_A_TOKEN_PROBLEM)  # it is dropped later
    return result if isinstance(result, Verdict) else ALIVE


def _mine(claim: Claim) -> QuerySet[Token]:
    """The token's row, as long as it is what we read and leased."""
    lease = Lease.objects.filter(token=OuterRef("pk"), name=claim.token.lease)
    return Token.objects.filter(Exists(lease), pk=claim.token.pk, issued_at=claim.issued_at)


def _commit_surely(claim: Claim, grant: Grant) -> None:
    """A connection that broke is made anew: the pair before is spent, so this one must not be
    lost."""
    try:
        _commit(claim, grant)
    except OperationalError:
        connection.close_if_unusable_or_obsolete()
        _commit(claim, grant)


def _commit(claim: Claim, grant: Grant) -> None:
    """Store a refreshed pair on arrival, unless somebody reconnected meanwhile."""
    token, now = claim.token, timezone.now()
    claim.grant = grant
    with transaction.atomic():
        # A rotation may have moved the row to another data key since it was claimed. So it is
        # locked first and its key read afterwards: joined in one query, a row that had to be
        # waited for would drop out, as it no longer fits the key as of before.
        stored = _mine(claim).select_for_update(no_key=True).first()
        if stored is None:
            return
        token.data_key, token.refresh_token = stored.data_key, stored.refresh_token
        token.seal(grant)
        token.issued_at = now
        renewed_by = reauthorize_by(token.network, token.consented_at, grant)
        ends = [end for end in (renewed_by, token.reauthorize_by) if end]
        token.reauthorize_by = min(ends, default=None)
        token.save(update_fields=GRANT_FIELDS)
    claim.issued_at, claim.is_renewed = now, True


def _is_listing_due(token: Token) -> bool:
    oldest = timezone.now() - timedelta(seconds=settings.LISTING_INTERVAL)
    return not token.listed_at or token.listed_at <= oldest


def _listing(claim: Claim, verdict: Verdict) -> Session:
    """Now and then, see what the login is called, and which profiles it still reaches with the
    role they need."""
    token, network = claim.token, claim.token.network
    if not _is_listing_due(token):
        return Finding(token, verdict)
    try:
        identity = yield Ask(claim, network.identify(claim.client, claim.grant))
        if identity.subject != token.subject:
            return Finding(token, verdict, trouble=Reason.NOT_UNDERSTOOD)
        reached = yield Ask(claim, network.reach(claim.client, claim.grant, identity))
    except (TransportError, OverBudget):
        return Finding(token, verdict)
    except Refused as error:
        return _unlisted(token, verdict, error)
    return Finding(token, verdict, Listing(identity, reached))


def _unlisted(token: Token, verdict: Verdict, error: Refused) -> Finding:
    """What follows where the listing was refused. Some networks say only there that an account
    was blocked (YouTube); it counts when it is said twice."""
    if error.reason is Reason.ACCOUNT_SUSPENDED:
        return Finding(token, dead(Reason.ACCOUNT_SUSPENDED, ambiguous=True))
    names_it_granted = bool(verdict.scopes) and set(error.missing) <= set(verdict.scopes or ())
    match error.refusal:
        case Refusal.SCOPE_MISSING if not names_it_granted:  # it says that it reaches nothing
            return Finding(token, verdict, Listing(None, [], lacks_scope=True))
        case Refusal.NOTHING_THERE:
            return Finding(token, verdict, Listing(None, []))
        case Refusal.NETWORK_UNAVAILABLE:
            return Finding(token, verdict)
        case _:
            return Finding(token, verdict, trouble=Reason.NOT_UNDERSTOOD)

"""What became of tokens whose workers were killed, beside what their network knows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from django.db.models import Exists, OuterRef

from bench import leasing
from bench.answerer import SLUG, calls_beyond
from bench.measure import Figure
from bench.rotating import Call, Truth, number_of
from networks.registry import NETWORKS
from tokens.models import Access, Token

TWICE, OVERLAPPING = "calls one too many within a lease", "leases before another's end"
OVERWRITTEN, LOST, BEYOND = "reconnects overwritten", "tokens lost", "calls beyond a budget"
UNAVOIDABLE, ALIVE, DEAD = "tokens lost between a new pair and its commit", "alive", "dead"
# From a new pair to its commit, where hundreds are renewed at once on a busy machine.
LONGEST = 5.0
NONE = (TWICE, OVERLAPPING, OVERWRITTEN, LOST, BEYOND)


@dataclass(slots=True)
class Evidence:
    """What was asked; when which worker was killed; which pair a person's reconnect brought."""

    calls: list[Call] = field(default_factory=list)
    killed: dict[str, float] = field(default_factory=dict)
    reconnected: dict[str, int] = field(default_factory=dict)


def judge(evidence: Evidence, truth: Truth, rate: int) -> Iterator[Figure]:
    """`rate`: calls a second that all workers together may make."""
    calls, held = evidence.calls, leasing.held()
    leases = sum(map(len, held.leases.values()))
    of = f"{len(calls):,} calls, {leases:,} leases, {len(evidence.killed)} kills"
    yield Figure("kills", TWICE, leasing.asked_twice(calls, held.leases), "calls", of=of)
    yield Figure("kills", OVERLAPPING, held.overlapping, "leases", of=of)
    fates = Counter(fates_of(evidence, truth))
    of = f"{len(evidence.reconnected):,} logins reconnected"
    yield Figure("kills", OVERWRITTEN, fates[OVERWRITTEN], "tokens", of=of)
    of = f"{fates.total():,} tokens, {fates[ALIVE]:,} alive, {fates[DEAD]:,} rightly dead or held"
    yield Figure("kills", LOST, fates[LOST], "tokens", of=of)
    of = f"{len(last_rotations(calls)):,} logins whose pair was rotated"
    yield Figure("kills", UNAVOIDABLE, fates[UNAVOIDABLE], "tokens", of=of)
    of = f"{len(calls):,} calls"
    yield Figure("kills", BEYOND, beyond_budgets(calls, rate), "calls", of=of)


def fates_of(evidence: Evidence, truth: Truth) -> Iterator[str]:
    """Each token's. A death that is held for many others at once is a verdict, too: what a killed
    worker costs may look like the failure of a network (tokens/breaker.py)."""
    rotations = last_rotations(evidence.calls)
    suspected = Exists(Access.objects.filter(token=OuterRef("pk"), suspected_at__isnull=False))
    for token in Token.objects.annotate(is_suspected=suspected).select_related("data_key"):
        subject, number = token.subject, number_of(token.open().refresh_token)[1]
        is_revoked = subject in truth.revoked
        is_taken = number == truth.current.get(subject, 0) and not is_revoked
        is_bad = bool(token.reason) or token.is_suspected
        if number < evidence.reconnected.get(subject, 0):
            yield OVERWRITTEN
        elif is_bad == is_taken or token.unclear_reason:
            yield LOST
        elif is_taken or is_revoked:
            yield ALIVE if is_taken else DEAD
        else:
            was_killed = is_killed_with(rotations.get(subject), evidence.killed)
            yield UNAVOIDABLE if was_killed else LOST


def last_rotations(calls: Iterable[Call]) -> dict[str, Call]:
    return {call.subject: call for call in calls if call.kind == "refresh" and call.is_granted}


def is_killed_with(rotation: Call | None, killed: Mapping[str, float]) -> bool:
    """Whether whoever asked for a pair was killed before it can have been committed, if nothing
    stands still: even while the question was under way."""
    if rotation is None or rotation.worker not in killed:
        return False
    return killed[rotation.worker] - rotation.at < LONGEST


def beyond_budgets(calls: Iterable[Call], rate: int) -> int:
    """Calls beyond what the network allows a login, and the installation its app."""
    by_login: defaultdict[str, list[float]] = defaultdict(list)
    for call in calls:
        by_login[call.subject].append(call.at)
    beyond = calls_beyond(sorted(moment for some in by_login.values() for moment in some), rate, 1)
    for budget in NETWORKS[SLUG].budgets:
        for times in by_login.values():
            beyond += calls_beyond(sorted(times), budget.calls, budget.seconds)
    return beyond

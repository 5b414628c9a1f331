"""The engine: claim due tokens, ask the network about all of them at once, write down what it said.

Every write back checks that the lease is still ours and that `issued_at` is what was read, so a
late probe never overwrites a fresh reconnect (design rule 3).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from time import monotonic

from django.db import connection
from django.utils import timezone

from networks.base import Network
from networks.http import TIME_LIMIT
from networks.registry import NETWORKS
from tokens import tallies
from tokens.asking import PutOff
from tokens.conversations import Conversations
from tokens.leases import claim, hand_back
from tokens.outbox import Outcome, Wanted
from tokens.verdicts import Finding, write_down

# Sessions that a lane has under way at once, and tokens that it claims at once: while some are
# claimed or written, the others talk.
AT_ONCE, CLAIM = 1000, 500
BATCH = AT_ONCE
PATIENCE = 1.0
# An app that is over its budget for longer than that is left to the next tick.
A_WHILE = timedelta(seconds=10)


def probe_due(network_slug: str, talk: Conversations, limit: int = BATCH) -> int:
    """Probe up to `limit` of the network's due tokens; returns how many were claimed."""
    return Lane(NETWORKS[network_slug], talk).run(limit)


class Lane:
    """One network's tokens on their way: claimed, under way on the loop, written down.

    The thread that calls `run` is the one that talks to the database. `nudge` and `stop` are for
    others.
    """

    def __init__(
        self, network: Network, talk: Conversations, on_changes: Callable[[], object] = lambda: None
    ) -> None:
        self.network = network
        self.has_more = True
        self._talk = talk
        self._on_changes = on_changes
        self._under_way = 0
        self._is_stopped = False

    def nudge(self) -> None:
        """Look again for what is due."""
        self.has_more = not self._is_stopped

    def stop(self) -> None:
        """Claim nothing more."""
        self._is_stopped, self.has_more = True, False

    def run(self, limit: int | None = None) -> int:
        """Ask whatever is due, up to `limit`; returns how many were claimed."""
        asked, self._outbox = 0, self._talk.outbox()
        try:
            while self.has_more or self._under_way:
                while self.has_more and self._under_way <= AT_ONCE - CLAIM:
                    wanted = CLAIM if limit is None else min(CLAIM, limit - asked)
                    room = self._talk.budgets.room(self.network.slug)
                    begun = self._begin(min(wanted, room))
                    asked += begun
                    # What was claimed has to spend before there is more; and where only an app
                    # that is over its budget has something due, there is nothing but to wait.
                    if not begun or room < CLAIM:
                        break
                if self.has_more or self._under_way:
                    self._take_in(self._outbox.take(PATIENCE))
        except Exception:
            self._let_end()
            raise
        finally:
            self._outbox.close()
        return asked

    def _let_end(self) -> None:
        """It breaks off. What is under way comes back with its lease, but not a pair for which a
        refresh token was used up (rule 4): that is stored still."""
        self._outbox.breaks_off = True
        connection.close_if_unusable_or_obsolete()
        end = monotonic() + TIME_LIMIT
        while self._under_way > 0 and monotonic() < end:
            for outcome in self._outbox.take(PATIENCE):
                if isinstance(outcome, Wanted):
                    outcome.settle()
                else:
                    self._under_way -= 1

    def _begin(self, wanted: int) -> int:
        self.has_more = False
        dry = self._talk.budgets.dry(self.network.slug)
        tokens = claim(self.network.slug, wanted, but_of=dry)
        soon = timezone.now() + A_WHILE
        if (tokens and len(tokens) == wanted) or any(until < soon for until in dry.values()):
            self.nudge()
        if tokens:
            self._under_way += len(tokens)
            self._talk.begin(self.network, tokens, self._outbox)
        return len(tokens)

    def _take_in(self, outcomes: list[Outcome]) -> None:
        for wanted in outcomes:
            if isinstance(wanted, Wanted):
                wanted.settle()
        findings = [outcome for outcome in outcomes if isinstance(outcome, Finding)]
        put_off = [outcome for outcome in outcomes if isinstance(outcome, PutOff)]
        self._under_way -= len(findings) + len(put_off)
        hand_back(put_off)
        answers = ((finding.token, finding.verdict.health) for finding in findings)
        answered = tallies.of_answers(answers, timezone.now())
        tallies.add([*answered, *self._talk.budgets.spent(self.network.slug)])
        if write_down(findings):
            self._on_changes()

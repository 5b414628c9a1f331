"""What one OAuth app may ask of its network, and one token as its share of it."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import defaultdict
from decimal import Decimal
from random import uniform
from typing import TYPE_CHECKING
from uuid import UUID

from networks.allowance import OverBudget
from networks.base import Answer, Budget, Network
from networks.usage import Pause, pause_in
from networks.wire import Prepared
from tokens.gcra import SECOND, Limit

if TYPE_CHECKING:
    from tokens.budgets import Budgets, Turn

# Of what a network allows. The rest is for people, whose requests are never held up, and for how
# unevenly the Internet delivers.
SHARE = 0.9
# A call that had to wait is made within so many seconds of its turn, or it takes another: what a
# busy process held up would come at once. Of those that need not wait, it holds up a burst at most.
LATE = 0.1
# How much of it may come at once: a login's calls come by the session, all others spread evenly.
BURST = {"app": 0.05, "address": 0.05, "login": 0.5}
# How long a session waits for its turn before it begins, and then between its requests.
PATIENCE = 2 * SECOND
BEGUN_PATIENCE = 5 * SECOND
# Two logins that are refused one after the other may mean that the app is; it is no proof.
SUSPICION = 900.0


# A key, its limit, and how many calls a request takes there.
Charge = tuple[str, Limit, int]


def limit_for(key: str, each: str, endpoint: str, budgets: list[Budget]) -> Limit:
    """The one pace that keeps all of these budgets, in every window: a burst and what then comes
    evenly make, over `seconds`, no more than SHARE of `calls`, be some late and some not."""
    shares = [(max(int(one.calls * SHARE), 1), one.seconds) for one in budgets]
    burst = min(max(int(calls * BURST[each]), 1) for calls, _ in shares)
    interval = max(
        -(-int((seconds + LATE) * SECOND) // (calls - burst + 1)) for calls, seconds in shares
    )
    return Limit(key, each, endpoint, interval, burst)


def limits_of(network: Network, app_id: UUID) -> list[Limit]:
    """One for each scope and endpoint that the network declares budgets for. Our address is one
    for all apps, and counts for each of the network's servers."""
    scopes: dict[tuple[str, str], list[Budget]] = defaultdict(list)
    for budget in network.budgets:
        scopes[budget.each, budget.endpoint].append(budget)
    limits = []
    for (each, endpoint), budgets in scopes.items():
        whose = "" if each == "address" else app_id
        key = f"budget:{network.slug}:{whose}:{each}:{endpoint}"
        limits.append(limit_for(key, each, endpoint, budgets))
    return limits


class Account:
    """An app at its network: its limits, and what was spent since the process began.

    Counters only grow, on the loop's thread; who takes them away (`Budgets.spent`) remembers how
    far it came, so that nothing has to be locked.
    """

    def __init__(self, network: Network, app_id: UUID, default: Budget) -> None:
        self.network, self.app_id = network, app_id
        self.limits = limits_of(network, app_id)
        key = f"budget:{network.slug}:{app_id}:app"
        self.default = limit_for(key, "app", "", [default])
        self.calls, self.cost = 0, Decimal(0)
        self.written = (0, Decimal(0))
        # What a session begins with, without logins: whether it is worth claiming tokens.
        self.opening: dict[str, Limit] = {}
        self.refused_subject, self.refused_until = "", 0.0
        self._always = None if any(one.endpoint for one in self.limits) else self.at("")

    def at(self, path: str) -> list[Limit]:
        """The limits that count a call of this path; the installation's own where the network
        publishes none for the app."""
        found = [limit for limit in self.limits if path.startswith(limit.endpoint)]
        if not any(limit.each == "app" for limit in found):
            found.append(self.default)
        return found

    def charges(self, url: str, subjects: tuple[str, ...]) -> list[Charge]:
        host, slash, path = url[8:].partition("/")
        limits = self.at(slash + path) if self._always is None else self._always
        charges: list[Charge] = []
        calls = len(subjects) or 1
        for limit in limits:
            if not limit.is_shared:
                for subject in subjects:
                    charges.append((f"{limit.key}:{digest(subject)}", limit, 1))
            elif limit.each == "address":
                charges.append((f"{limit.key}:{host}", limit, calls))
            else:
                charges.append((limit.key, limit, calls))
        return charges

    def bill(self, url: str, answer: Answer, calls: int = 1) -> None:
        """Add what an answer costs; errors are not billed."""
        if answer.status >= 400:
            return
        path = url[url.find("/", 8) :]
        for price in self.network.prices:
            if path.startswith(price.endpoint):
                self.cost += price.amount * calls


def digest(subject: str) -> str:
    """A login's id, for a key that others may read."""
    return hashlib.blake2b(subject.encode("utf-8", "replace"), digest_size=12).hexdigest()


class TokenAllowance:
    """`networks.allowance.Allowance` for one session; `subjects` are the logins that it asks
    about, several where one request asks about many."""

    __slots__ = ("_account", "_begun", "_budgets", "_subjects")

    def __init__(self, budgets: Budgets, account: Account, subjects: tuple[str, ...]) -> None:
        self._budgets, self._account, self._subjects = budgets, account, subjects
        self._begun = False

    async def spend(self, prepared: Prepared) -> None:
        account = self._account
        charges = account.charges(prepared.url, self._subjects)
        if not self._begun:
            for key, limit, _ in charges:
                if limit.is_shared:
                    account.opening[key] = limit
        await self._wait(charges, BEGUN_PATIENCE if self._begun else PATIENCE)
        self._begun = True
        account.calls += len(self._subjects) or 1

    async def _wait(self, charges: list[Charge], patience: int) -> None:
        """For one's turn, and for another where it is missed. That costs a login's own budget
        nothing: its calls come one after the other."""
        end = time.monotonic() + patience / SECOND
        turn = await self._turn(charges, patience)
        shared = [one for one in charges if one[1].is_shared]
        while turn.wait and turn.late > LATE and shared:
            left = int((end - time.monotonic()) * SECOND)
            turn = await self._turn(shared, max(left, 0))

    async def _turn(self, charges: list[Charge], patience: int) -> Turn:
        """One that has come."""
        turn = await self._budgets.take(charges, patience)
        wait = turn.wait
        if wait > 0:
            await asyncio.sleep(wait / SECOND)
            wait = -self._budgets.paused(charges)  # meanwhile the network may have said so
        if wait < 0:
            seconds = -wait / SECOND
            raise OverBudget(seconds + uniform(0, 1 + seconds / 10))  # noqa: S311 - a jitter
        return turn

    def heard(self, prepared: Prepared, answer: Answer) -> None:
        account = self._account
        if account.network.prices:
            account.bill(prepared.url, answer, len(self._subjects) or 1)
        pause = pause_in(account.network, answer)
        if pause is not None:
            self._obey(account.charges(prepared.url, self._subjects), pause)

    def _obey(self, charges: list[Charge], pause: Pause) -> None:
        """Pause the narrowest that the network counts: which of its budgets is used up, no network
        says. When a second login is refused meanwhile, suspect the app, or our address."""
        logins = [one for one in charges if not one[1].is_shared]
        wide = [one for one in charges if one[1].each == "address"]
        wide = wide or [one for one in charges if one[1].each == "app"]
        if pause.everybody:
            return self._budgets.pause(wide, pause.seconds)
        is_declared = any(one[1] is not self._account.default for one in wide)
        if len(logins) == 1:
            self._budgets.pause(logins, pause.seconds)
        elif is_declared and not logins:
            return self._budgets.pause(wide, pause.seconds)
        if self._is_second(pause.seconds):
            self._budgets.pause(wide, min(pause.seconds, SUSPICION))
        return None

    def _is_second(self, seconds: float) -> bool:
        """Whether another login was refused a moment ago."""
        account, now = self._account, asyncio.get_running_loop().time()
        subject = self._subjects[0] if self._subjects else ""
        is_second = now < account.refused_until and subject != account.refused_subject
        account.refused_subject, account.refused_until = subject, now + min(seconds, SUSPICION)
        return is_second

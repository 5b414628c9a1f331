"""What happens: logins die and recover, the mail server has its moods, and somebody is killed."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import OperationalError, connection

from bench.rotating import Rotating
from chaos.postbox import MOODS, Postbox
from chaos.stage import WORKERS, Stage
from notifications.models import Notice
from profiles.models import Profile, Status
from tokens.models import StatusChange

ANY_WORKER = "a worker"
VICTIMS = (*[ANY_WORKER] * 9, "PostgreSQL", "Valkey", "beat")
DEATHS, RECOVERIES = 3, 2  # a round
BETWEEN = (1.0, 4.0)  # seconds from one kill to the next
LONGEST = 2.5  # seconds more, until somebody has work
APART = 0.2  # seconds, at most, between the instants of a round
SETTLED = 240.0  # seconds in which everything must have come to rest


@dataclass
class Story:
    """`failing`: the logins that their network refuses now; `turned`: when it began, and ended."""

    stage: Stage
    box: Postbox
    network: Rotating
    logins: int
    chance: random.Random
    failing: set[str] = field(default_factory=set)
    turned: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def round(self) -> None:
        self._turn()
        self.box.mood = self.chance.choice(MOODS)
        # Whoever was killed before is up again by then: else nobody ever ends what he has begun.
        time.sleep(self.chance.uniform(*BETWEEN))
        victim = self.chance.choice(VICTIMS)
        if victim == ANY_WORKER:
            victim = self._worker_with_work()
        self.stage.kill(victim)
        self.stage.start(victim)

    def _worker_with_work(self) -> str:
        """Looks at random instants, and names whoever holds claimed work at that one: it may be
        at its beginning or at its end."""
        until = time.monotonic() + LONGEST
        while time.monotonic() < until:
            busy = [name for name in WORKERS if self.stage.is_busy(name)]
            if busy:
                return self.chance.choice(busy)
            time.sleep(self.chance.uniform(0, APART))
        return self.chance.choice(WORKERS)

    def _turn(self) -> None:
        for _ in range(DEATHS):
            self._set(str(self.chance.randrange(self.logins)), True)
        for subject in self.chance.sample(sorted(self.failing), min(RECOVERIES, len(self.failing))):
            self._set(subject, False)
        self.network.fail(self.failing)

    def _set(self, subject: str, is_failing: bool) -> None:
        if (subject in self.failing) == is_failing:
            return
        self.turned[subject].append(time.time())
        (self.failing.add if is_failing else self.failing.remove)(subject)

    def aim(self) -> bool:
        """Kill all workers between the taking of one mail and the answer to it. False where no
        mail came."""
        done: list[float] = []

        def strike() -> None:
            self.stage.kill(*WORKERS)
            done.append(time.time())

        self.box.mood, self.box.before_the_answer = "well", strike
        ill = set(self.failing)
        while self.failing <= ill:  # the dice may have named only those who were ill already
            self._turn()
        until = time.monotonic() + 60
        while not done and time.monotonic() < until:
            time.sleep(0.05)
        self.box.before_the_answer = None
        for name in WORKERS if done else ():
            self.stage.start(name)
        return bool(done)

    def rest(self) -> bool:
        """Until nothing is owed any more, and everything stands as the network has it."""
        self.box.mood = "well"
        return wait(self._is_at_rest, SETTLED)

    def _is_at_rest(self) -> bool:
        is_unplanned = StatusChange.objects.filter(planned_at=None).exists()
        is_owed = Notice.objects.owed().exists()
        return not (is_unplanned or is_owed or self.standing_wrong())

    def standing_wrong(self) -> set[str]:
        """The logins whose profile does not stand as their network has it."""
        lost = Profile.objects.filter(status=Status.LOST)
        return set(lost.values_list("remote_id", flat=True)) ^ self.failing


def wait(holds: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if holds():
                return True
        except OperationalError:  # it has been killed, and comes back
            pass
        connection.close()
        time.sleep(0.3)
    return False

"""Workers that are killed while they sweep, at a network that rotates refresh tokens: who was asked
twice, whose reconnect was overwritten, whose pair was lost, and how long the one moment lasts in
which a pair can be lost.

The database notes each lease (bench/leasing.py), the network each call and what is true
(bench/rotating.py). A conversation's time limit, and with it the lease, is shorter than in
production, so that what the killed leave behind comes back while the others sweep.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from statistics import median, quantiles

from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts.actor import Actor
from bench import filling, leasing
from bench.answerer import SLUG
from bench.judging import Evidence, judge
from bench.measure import Figure
from bench.rotating import Call, Rotating, number_of, rotating
from bench.sweeping import Worker
from networks.base import Identity, Reachable
from profiles.models import Profile
from tokens import storing
from tokens.connecting import Arrival
from tokens.models import Lease, OAuthApp, Token

WORKERS = 3
RATE = 1000  # calls a second for all of them together
LATEST = 1.0  # seconds after which one is killed at the latest, from when it is ready
ROTATING = 0.05  # of the tokens are refreshed when they are asked
REVOKED = 0.01  # of the people took their access away
HERD = 2000
ROUNDS = 6
SOME = 50
AIMED = 3  # fewer than the circuit breaker would take for a failure of all
AIMING = "killed between a new pair and its commit"
CLOCK = {"CALLS_PER_SECOND": str(RATE), "CONFIRM_AFTER": "1"}

# What is not due is due again, and some of it is to be refreshed.
MAKE_DUE = """
    UPDATE tokens_token SET next_probe_at = now(),
        expires_at = CASE WHEN random() < %(rotating)s THEN now() ELSE expires_at END
    WHERE id IN (
        SELECT id FROM tokens_token
        WHERE next_probe_at > now() AND subject <> ALL (%(but)s)
        LIMIT %(most)s FOR NO KEY UPDATE SKIP LOCKED
    )
"""


def make_due(rotating: float, but: Sequence[str] = (), most: int | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(MAKE_DUE, {"rotating": rotating, "but": list(but), "most": most})


@dataclass(slots=True)
class Scene:
    """A network, its workers' time limit, and what has come of it so far."""

    network: Rotating
    limit: float
    tokens: int
    evidence: Evidence = field(default_factory=Evidence)

    @property
    def lease(self) -> float:
        return 5 * self.limit

    def worker(self) -> Worker:
        return Worker(self.network, self.limit, **CLOCK)

    def hear(self) -> list[Call]:
        """The calls since this was asked last."""
        calls = self.network.calls()
        self.evidence.calls += calls
        return calls

    def kill(self, worker: Worker) -> None:
        self.evidence.killed[worker.name] = worker.kill()

    @contextmanager
    def sweeping(self) -> Iterator[Worker]:
        worker = self.worker().wait_until_ready()
        try:
            yield worker
        finally:
            worker.end()

    def wait_for(self, holds: Callable[[], bool]) -> None:
        """Until something holds, which nothing but a lease or two may put off."""
        start = time.monotonic()
        while not holds():
            assert time.monotonic() - start < 60 + 3 * self.lease, "it never came"
            time.sleep(0.1)


def run(
    tokens: Sequence[int] = (20_000,), kills: int = 100, limit: float = 4.0
) -> Iterator[Figure]:
    """`limit`: seconds that a conversation may last; a lease is five times as long."""
    count = max(tokens)
    filling.add_tokens(0, count)
    filling.make_due()
    with rotating() as network, watched():
        scene = Scene(network, limit, count)
        yield from windows(scene)
        yield from aimed(scene)
        with reconnecting(scene):
            sweep_and_kill(scene, kills)
        settle(scene)
        yield from judge(scene.evidence, network.truth(), RATE)


@contextmanager
def watched() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(leasing.WATCH)
        try:
            yield
        finally:
            cursor.execute(leasing.UNWATCH)


# The window


def windows(scene: Scene) -> Iterator[Figure]:
    """How long a pair that the network has given is not committed yet."""
    for share, most, title in (
        (ROTATING, scene.tokens, f"{ROTATING:.0%} of those asked"),
        (1.0, min(HERD, scene.tokens), "all at once"),
    ):
        worker = scene.worker().wait_until_ready()
        scene.wait_for(is_quiet)
        scene.hear()
        make_due(share, most=most)
        scene.wait_for(is_quiet)
        committed = worker.end()
        rotated = [call for call in scene.hear() if call.kind == "refresh" and call.is_granted]
        heard = [call for call in rotated if call.subject in committed]
        times = [1000 * (committed[call.subject] - call.answered) for call in heard]
        name, of = f"from a new pair to its commit, {title}", f"{len(times):,} rotations"
        yield Figure("kills", f"{name}: median", median(times), "ms", of=of)
        yield Figure("kills", f"{name}: 95 of 100", quantiles(times, n=20)[-1], "ms", of=of)


def is_quiet() -> bool:
    """Nothing is due, and nobody holds anything."""
    now = timezone.now()
    is_held = Lease.objects.filter(until__gt=now).exists()
    return not is_held and not Token.objects.filter(next_probe_at__lte=now).exists()


def aimed(scene: Scene) -> Iterator[Figure]:
    """Kill a worker when a pair has arrived and is not committed; see what becomes of the token."""
    waits, asked, reasons = [], [], set()
    subjects = [str(number) for number in range(AIMED)]
    for subject in subjects:
        while is_as_the_network_has_it(scene, subject):  # else it was quicker than the signal
            kill_within(scene, subject, subjects)
        scene.hear()
        with scene.sweeping():
            is_red = partial(is_red_while_others_are_asked, subject, subjects)
            scene.wait_for(is_red)
            waits.append(time.time() - max(scene.evidence.killed.values()))
        asked.append(sum(call.subject == subject for call in scene.hear()))
        reasons.add(Token.objects.get(subject=subject).reason)
    of = f"{AIMED} kills"
    said = ", ".join(sorted(reasons))
    yield Figure("kills", f"{AIMING}: red, {said}", max(waits), "s", "lease", scene.lease, of=of)
    yield Figure("kills", f"{AIMING}: calls until it is red", max(asked), "calls", of=of)


def is_as_the_network_has_it(scene: Scene, subject: str) -> bool:
    grant = Token.objects.select_related("data_key").get(subject=subject).open()
    return number_of(grant.refresh_token)[1] == scene.network.truth().current.get(subject, 0)


def kill_within(scene: Scene, subject: str, but: Sequence[str]) -> None:
    """Have a worker refresh one token among others, and the network kill it then."""
    scene.network.aim(subject)
    make_due(0, but=but)
    now = timezone.now()
    Token.objects.filter(subject=subject).update(next_probe_at=now, expires_at=now)
    Lease.objects.filter(token__subject=subject).delete()  # of one who was killed too late
    worker = scene.worker().wait_until_ready()
    scene.wait_for(lambda: worker.is_gone)
    scene.kill(worker)


def is_red_while_others_are_asked(subject: str, but: Sequence[str]) -> bool:
    """A death is believed when enough others were heard and live (tokens/breaker.py)."""
    make_due(0, but=but, most=SOME)
    return Token.objects.filter(subject=subject).exclude(reason="").exists()


# The kills


def sweep_and_kill(scene: Scene, kills: int) -> None:
    """Several workers sweep; one after the other is killed at any moment, and replaced."""
    for subject in random.sample(range(scene.tokens), round(scene.tokens * REVOKED)):
        scene.network.revoke(str(subject))
    with ExitStack() as stack:
        workers = [scene.worker() for _ in range(WORKERS)]
        for _ in range(kills):
            worker = workers.pop(0).wait_until_ready()
            make_due(ROTATING)
            time.sleep(random.uniform(0, LATEST))  # noqa: S311
            scene.kill(worker)
            workers.append(scene.worker())
            scene.hear()
        for worker in workers:
            stack.callback(worker.wait_until_ready().end)


@contextmanager
def reconnecting(scene: Scene) -> Iterator[None]:
    """Meanwhile a person after the other signs in anew: best while her token is being renewed, else
    while it is being asked."""
    has_ended = threading.Event()

    def go_on() -> None:
        app = OAuthApp.objects.get(network_slug=SLUG)
        while not has_ended.wait(0.02):
            reconnect(scene, app, scene.network.renewing() or somebody())
        connection.close()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        has_ended.set()
        thread.join()


def somebody() -> str:
    leased = Exists(Lease.objects.filter(token=OuterRef("pk")))
    return Token.objects.order_by(leased.desc(), "?").values_list("subject", flat=True)[0]


def reconnect(scene: Scene, app: OAuthApp, subject: str) -> None:
    """As the callback of a sign-in does it."""
    profile = Profile.objects.select_related("organization").get(
        network_slug=SLUG, remote_id=subject
    )
    grant = scene.network.consent(subject)
    identity = Identity(subject, f"Login {subject}")
    found = [Reachable("account", subject, profile.name, is_login=True)]
    storing.reconnect(profile, Arrival(app, grant, identity, found), by=Actor())
    scene.evidence.reconnected[subject] = number_of(grant.refresh_token)[1]


def settle(scene: Scene) -> None:
    """Until what the killed held has come back, and everybody was asked twice more: an answer
    that a busy machine did not hear in time is no verdict, and asked for again."""
    with scene.sweeping():
        for number in range(ROUNDS):
            scene.wait_for(is_quiet)
            if number >= 2 and not Token.objects.exclude(unclear_reason="").exists():
                break
            make_due(0)
        scene.wait_for(is_quiet)
    scene.hear()

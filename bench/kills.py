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
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from statistics import median, quantiles

from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.actor import Actor
from bench import filling, leasing
from bench.answerer import SLUG, calls_beyond
from bench.measure import Figure
from bench.rotating import Call, Rotating, number_of, rotating
from bench.sweeping import Worker
from networks.base import Identity, Reachable
from networks.registry import NETWORKS
from profiles.models import Profile
from tokens import storing
from tokens.connecting import Arrival
from tokens.models import Access, OAuthApp, Token

WORKERS = 3
RATE = 1000  # calls a second for all of them together
LATEST = 1.0  # seconds after which one is killed at the latest, from when it is ready
ROTATING = 0.05  # of the tokens are refreshed when they are asked
REVOKED = 0.01  # of the people took their access away
HERD = 2000
AIMED = 3  # fewer than the circuit breaker would take for a failure of all
CLOCK = {"CALLS_PER_SECOND": str(RATE), "CONFIRM_AFTER": "1"}

# What nobody holds is due again, and some of it is to be refreshed.
MAKE_DUE = """
    UPDATE tokens_token SET next_probe_at = now(),
        expires_at = CASE WHEN random() < %(rotating)s THEN now() ELSE expires_at END
    WHERE id IN (
        SELECT id FROM tokens_token
        WHERE lease IS NULL AND next_probe_at > now() AND subject <> ALL (%(but)s)
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
    calls: list[Call] = field(default_factory=list)
    killed: dict[str, float] = field(default_factory=dict)
    reconnected: dict[str, int] = field(default_factory=dict)

    @property
    def lease(self) -> float:
        return 5 * self.limit

    def worker(self) -> Worker:
        return Worker(self.network, self.limit, **CLOCK)

    def hear(self) -> list[Call]:
        """The calls since this was asked last."""
        calls = self.network.calls()
        self.calls += calls
        return calls

    def kill(self, worker: Worker) -> None:
        self.killed[worker.name] = worker.kill()

    @contextmanager
    def sweeping(self) -> Iterator[Worker]:
        worker = self.worker().wait_until_ready()
        yield worker
        worker.end()

    def wait_for(self, holds: Callable[[], bool]) -> float:
        """Seconds until something holds, which nothing but a lease or two may put off."""
        start = time.monotonic()
        while not holds():
            assert time.monotonic() - start < 60 + 3 * self.lease, "it never came"
            time.sleep(0.1)
        return time.monotonic() - start


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
        yield from judge(scene)


@contextmanager
def watched() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(leasing.WATCH)
        yield
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
        times = [1000 * (committed[call.subject] - call.at) for call in rotated]
        name, of = f"from a new pair to its commit, {title}", f"{len(times):,} rotations"
        yield Figure("kills", f"{name}: median", median(times), "ms", of=of)
        yield Figure("kills", f"{name}: 95 of 100", quantiles(times, n=20)[-1], "ms", of=of)


def is_quiet() -> bool:
    """Nothing is due, and nobody holds anything."""
    busy = Q(lease__isnull=False) | Q(next_probe_at__lte=timezone.now())
    return not Token.objects.filter(busy).exists()


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
            waits.append(scene.wait_for(is_red))
        asked.append(sum(call.subject == subject for call in scene.hear()))
        reasons.add(Token.objects.get(subject=subject).reason)
    title, of = "killed between a new pair and its commit", f"{AIMED} kills"
    said = ", ".join(sorted(reasons))
    yield Figure("kills", f"{title}: red, {said}", max(waits), "s", "lease", scene.lease, of=of)
    yield Figure("kills", f"{title}: calls until it is red", max(asked), "calls", of=of)


def is_as_the_network_has_it(scene: Scene, subject: str) -> bool:
    grant = Token.objects.select_related("data_key").get(subject=subject).open()
    return number_of(grant.refresh_token)[1] == scene.network.truth().current.get(subject, 0)


def kill_within(scene: Scene, subject: str, but: Sequence[str]) -> None:
    """Have a worker refresh one token among others, and the network kill it then."""
    scene.network.aim(subject)
    make_due(0, but=but)
    now = timezone.now()  # a lease is that of one who was killed too late
    Token.objects.filter(subject=subject).update(next_probe_at=now, expires_at=now, lease=None)
    worker = scene.worker().wait_until_ready()
    scene.wait_for(lambda: worker.is_gone)
    scene.kill(worker)


def is_red_while_others_are_asked(subject: str, but: Sequence[str]) -> bool:
    """A death is believed when enough others were heard and live (tokens/breaker.py)."""
    make_due(0, but=but)
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
    """Meanwhile a person after the other signs in anew, best while her token is being asked."""
    has_ended = threading.Event()

    def go_on() -> None:
        app = OAuthApp.objects.get(network_slug=SLUG)
        while not has_ended.wait(0.02):
            leased = Token.objects.filter(lease__isnull=False).order_by("?")
            subject = leased.values_list("subject", flat=True).first()
            reconnect(scene, app, subject or str(random.randrange(scene.tokens)))  # noqa: S311
        connection.close()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        has_ended.set()
        thread.join()


def reconnect(scene: Scene, app: OAuthApp, subject: str) -> None:
    """As the callback of a sign-in does it."""
    profile = Profile.objects.select_related("organization").get(
        network_slug=SLUG, remote_id=subject
    )
    grant = scene.network.consent(subject)
    identity = Identity(subject, f"Login {subject}")
    found = [Reachable("account", subject, profile.name, is_login=True)]
    time.sleep(random.uniform(0, 0.05))  # noqa: S311 - it asks the network whose login it is
    storing.reconnect(profile, Arrival(app, grant, identity, found), by=Actor())
    scene.reconnected[subject] = number_of(grant.refresh_token)[1]


def settle(scene: Scene) -> None:
    """Until what the killed held has come back, and everybody was asked twice more."""
    with scene.sweeping():
        for _ in range(2):
            scene.wait_for(is_quiet)
            make_due(0)
        scene.wait_for(is_quiet)
    scene.hear()


# The judgement


def judge(scene: Scene) -> Iterator[Figure]:
    held = leasing.held()
    leases = sum(map(len, held.leases.values()))
    twice = leasing.asked_twice(scene.calls, held.leases)
    of = f"{len(scene.calls):,} calls, {leases:,} leases, {len(scene.killed)} kills"
    yield Figure("kills", "asked twice within a lease", twice, "calls", of=of)
    yield Figure("kills", "leased twice at once", held.overlapping, "tokens", of=of)
    yield from fates(scene)
    beyond, of = beyond_budgets(scene.calls), f"{len(scene.calls):,} calls"
    yield Figure("kills", "calls beyond a budget", beyond, "calls", of=of)


def fates(scene: Scene) -> Iterator[Figure]:
    """Each token beside what the network knows of it."""
    truth, rotations = scene.network.truth(), last_rotations(scene.calls)
    suspected = Exists(Access.objects.filter(token=OuterRef("pk"), suspected_at__isnull=False))
    overwritten = lost = in_the_window = 0
    for token in Token.objects.annotate(is_suspected=suspected).select_related("data_key"):
        subject, number = token.subject, number_of(token.open().refresh_token)[1]
        is_taken = number == truth.current.get(subject, 0) and subject not in truth.revoked
        is_bad = bool(token.reason) or token.is_suspected
        overwritten += number < scene.reconnected.get(subject, 0)
        if is_bad == is_taken or token.unclear_reason:
            lost += 1
        elif is_bad and subject not in truth.revoked:
            was_killed = is_killed_with(rotations.get(subject), scene.killed)
            in_the_window += was_killed
            lost += not was_killed
    of = f"{len(scene.reconnected):,} logins reconnected"
    yield Figure("kills", "reconnects overwritten", overwritten, "logins", of=of)
    yield Figure("kills", "tokens lost", lost, "tokens", of=f"{scene.tokens:,} tokens")
    of = f"{len(rotations):,} logins whose refresh token was rotated"
    yield Figure("kills", "lost between pair and commit", in_the_window, "tokens", of=of)


def last_rotations(calls: Iterable[Call]) -> dict[str, Call]:
    return {call.subject: call for call in calls if call.kind == "refresh" and call.is_granted}


def is_killed_with(rotation: Call | None, killed: Mapping[str, float]) -> bool:
    """Whether whoever was given a pair was killed soon afterwards."""
    return rotation is not None and 0 <= killed.get(rotation.worker, 0.0) - rotation.at < LATEST


def beyond_budgets(calls: Iterable[Call]) -> int:
    """Calls beyond what the network allows a login, and the installation its app."""
    by_login: defaultdict[str, list[float]] = defaultdict(list)
    for call in calls:
        by_login[call.subject].append(call.at)
    everything = sorted(moment for times in by_login.values() for moment in times)
    beyond = calls_beyond(everything, RATE, 1)
    for budget in NETWORKS[SLUG].budgets:
        for times in by_login.values():
            beyond += calls_beyond(sorted(times), budget.calls, budget.seconds)
    return beyond

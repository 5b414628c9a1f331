"""Who held which token when: noted by the database itself, whoever writes there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection

from bench.rotating import Call

# Every change of a lease, with who made it. The function is the owner's, so that a worker need not
# be allowed to write there.
WATCH = """
    CREATE TABLE IF NOT EXISTS bench_lease (
        id bigserial, at float8, worker text, token uuid, old uuid, new uuid, until float8
    );
    TRUNCATE bench_lease;
    CREATE OR REPLACE FUNCTION bench_note_lease() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql
    AS $$ BEGIN
        INSERT INTO bench_lease (at, worker, token, old, new, until) VALUES (
            extract(epoch FROM clock_timestamp()), current_setting('application_name'),
            coalesce(NEW.token_id, OLD.token_id), OLD.name, NEW.name,
            extract(epoch FROM NEW.until)
        );
        RETURN NULL;
    END $$;
    CREATE OR REPLACE TRIGGER bench_lease AFTER INSERT OR UPDATE OR DELETE ON tokens_lease
        FOR EACH ROW EXECUTE FUNCTION bench_note_lease();
"""
READ = """
    SELECT token.subject, at, worker, old, new, until
    FROM bench_lease AS noted JOIN tokens_token AS token ON token.id = noted.token
    ORDER BY noted.id
"""
UNWATCH = """
    DROP TRIGGER bench_lease ON tokens_lease;
    DROP FUNCTION bench_note_lease;
    DROP TABLE bench_lease;
"""


@dataclass(slots=True)
class Lease:
    """From when to when a worker had a token, or would have had it; how often it asked."""

    worker: str
    begun: float
    until: float
    probes: int = 0
    refreshes: int = 0

    def covers(self, at: float) -> bool:
        return self.begun <= at <= self.until

    @property
    def is_kept(self) -> bool:
        """Refresh, probe, heal, probe again: no more is asked of a token in one session."""
        return self.refreshes <= 1 and self.probes <= 1 + self.refreshes


@dataclass(frozen=True, slots=True)
class Held:
    """`leases` by login; `overlapping`: how many began before the one before had ended."""

    leases: dict[str, list[Lease]]
    overlapping: int


def held() -> Held:
    """The leases since `WATCH`."""
    leases: defaultdict[str, list[Lease]] = defaultdict(list)
    overlapping = 0
    with connection.cursor() as cursor:
        cursor.execute(READ)
        for subject, at, worker, old, new, until in cursor.fetchall():
            own = leases[subject]
            if new and new == old:
                own[-1].until = until
                continue
            if old and own and own[-1].until > at:
                if new:
                    overlapping += 1
                own[-1].until = at
            if new:
                own.append(Lease(worker, at, until))
    return Held(dict(leases), overlapping)


def asked_twice(calls: Iterable[Call], leases: dict[str, list[Lease]]) -> int:
    """Calls within a lease that were one too many, and those of somebody who had no lease."""
    strangers = sum(not _is_noted(call, leases.get(call.subject, ())) for call in calls)
    return strangers + sum(not lease.is_kept for own in leases.values() for lease in own)


def _is_noted(call: Call, leases: Sequence[Lease]) -> bool:
    """Note a call at the asker's own lease; False where there is none that it may come by."""
    own = [one for one in leases if one.worker == call.worker and one.begun <= call.at]
    if not own:
        return False
    if call.kind == "probe":
        own[-1].probes += 1
    else:
        own[-1].refreshes += 1
    return own[-1].covers(call.at)

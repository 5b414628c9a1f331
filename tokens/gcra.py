"""GCRA, the generic cell rate algorithm, for many keys and many calls in one decision.

The name is that of ITU-T I.371 (Annex A, "virtual scheduling algorithm"): a key remembers nothing
but its theoretical arrival time (TAT), when the next call would come if all came evenly. A call may
come so much earlier that a burst fits in, and each one moves the TAT on by an interval. There is
nothing to reset, and what nobody asks for any more expires by itself.

The same decision stands here twice: `SCRIPT` for Valkey, whose clock and keys all workers share,
and `decide` for one process that has lost it. All times are whole microseconds of the wall clock.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field

SECOND = 1_000_000
DAY = 86_400 * SECOND


@dataclass(frozen=True, slots=True)
class Limit:
    """One call each `interval` microseconds, of which `burst` may come at once.

    `key` names it, and what it counts for is added (`each` of app, login, address);
    `endpoint` is the beginning of the paths that it counts, "" for all.
    """

    key: str
    each: str
    endpoint: str
    interval: int
    burst: int

    @property
    def tolerance(self) -> int:
        return (self.burst - 1) * self.interval


@dataclass(slots=True)
class Batch:
    """Calls to decide upon together, in their order. Each is a row: how long it can wait, then
    pairs of a key's number and how many calls it takes there. `known`: TATs that somebody still
    remembers, should the store have lost them. `pauses`: pairs of a key's number and the
    microseconds for which nothing may come there."""

    numbers: dict[str, int] = field(default_factory=dict)
    intervals: list[int] = field(default_factory=list)
    tolerances: list[int] = field(default_factory=list)
    known: list[int] = field(default_factory=list)
    rows: list[list[int]] = field(default_factory=list)
    pauses: list[tuple[int, int]] = field(default_factory=list)

    def number(self, key: str, limit: Limit, known: int = 0) -> int:
        number = self.numbers.get(key)
        if number is None:
            number = self.numbers[key] = len(self.numbers)
            self.intervals.append(limit.interval)
            self.tolerances.append((limit.burst - 1) * limit.interval)
            self.known.append(known)
        return number

    def encoded(self) -> str:
        keys = list(self.numbers)
        columns = (keys, self.intervals, self.tolerances, self.known, self.rows, self.pauses)
        return json.dumps(columns, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Decision:
    """`now` and the TAT of each key after it; for each row the wait for its turn, which it has,
    or where that is too long, the negative wait after which to ask again."""

    now: int
    tats: list[int]
    waits: list[int]

    @classmethod
    def read(cls, text: bytes) -> Decision:
        now, tats, waits = text.split(b";")
        return cls(int(now), list(map(int, tats.split(b","))), [int(w) for w in waits.split()])


# A row that is refused is told to come when all who were refused before it in this batch have come.
SCRIPT = """
local keys, intervals, tolerances, known, rows, pauses = unpack(cjson.decode(ARGV[1]))
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local tats, changed, refused, waits = redis.call('MGET', unpack(keys)), {}, {}, {}
for k = 1, #keys do
    local remembered = math.min(known[k], now + 86400000000)
    tats[k] = math.max(tonumber(tats[k]) or 0, remembered, now)
end
for _, pause in ipairs(pauses) do
    local k = pause[1] + 1
    tats[k] = math.max(tats[k], now + pause[2] + tolerances[k])
    changed[k] = true
end
for r, row in ipairs(rows) do
    local wait, tightest = 0, 0
    for i = 2, #row, 2 do
        local k = row[i] + 1
        local early = math.max(tolerances[k] - (row[i + 1] - 1) * intervals[k], 0)
        local own = tats[k] - early - now
        if own > wait then wait, tightest = own, i end
    end
    if wait <= row[1] then
        for i = 2, #row, 2 do
            local k = row[i] + 1
            tats[k] = math.max(tats[k], now + wait) + row[i + 1] * intervals[k]
            changed[k] = true
        end
        waits[r] = wait
    else
        local k, count = row[tightest] + 1, row[tightest + 1]
        waits[r] = -(wait + (refused[k] or 0))
        refused[k] = (refused[k] or 0) + count * intervals[k]
    end
    waits[r] = string.format('%.0f', waits[r])
end
for k in pairs(changed) do
    if tats[k] > now then
        local life = string.format('%.0f', math.ceil((tats[k] - now) / 1000))
        redis.call('SET', keys[k], string.format('%.0f', tats[k]), 'PX', life)
    end
end
for k = 1, #keys do tats[k] = string.format('%.0f', tats[k]) end
tats, waits = table.concat(tats, ','), table.concat(waits, ' ')
return string.format('%.0f', now) .. ';' .. tats .. ';' .. waits
"""


def decide(batch: Batch, store: MutableMapping[str, int], now: int, slack: int = 1) -> Decision:
    """What SCRIPT does, with a mapping for a store; `slack` times more slowly."""
    keys = list(batch.numbers)
    intervals = [interval * slack for interval in batch.intervals]
    tolerances = [tolerance * slack for tolerance in batch.tolerances]
    tats = [
        max(store.get(key, 0), min(known, now + DAY), now)
        for key, known in zip(keys, batch.known, strict=True)
    ]
    for k, pause in batch.pauses:
        tats[k] = max(tats[k], now + pause + tolerances[k])
    refused = [0] * len(keys)
    waits = []
    for patience, *rest in batch.rows:
        pairs = list(_pairs(rest))
        waiting = [
            (tats[k] - max(tolerances[k] - (count - 1) * intervals[k], 0) - now, i)
            for i, (k, count) in enumerate(pairs)
        ]
        wait, tightest = max(waiting, key=lambda one: (one[0], -one[1]), default=(0, 0))
        wait = max(wait, 0)
        if wait <= patience:
            for k, count in pairs:
                tats[k] = max(tats[k], now + wait) + count * intervals[k]
            waits.append(wait)
        else:
            k, count = pairs[tightest]
            waits.append(-(wait + refused[k]))
            refused[k] += count * intervals[k]
    store.update(zip(keys, tats, strict=True))
    return Decision(now, tats, waits)


def _pairs(flat: list[int]) -> Iterator[tuple[int, int]]:
    return zip(flat[::2], flat[1::2], strict=True)

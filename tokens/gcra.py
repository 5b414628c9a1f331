"""GCRA, the generic cell rate algorithm, for many keys and many calls in one decision.

The name is that of ITU-T I.371 (Annex A, "virtual scheduling algorithm"): a key remembers nothing
but its theoretical arrival time (TAT), when the next call would come if all came evenly. A call may
come so much earlier that a burst fits in, and each one moves the TAT on by an interval. There is
nothing to reset, and what nobody asks for any more expires by itself.

The same decision stands here twice: `SCRIPT` for Valkey, whose clock and keys all workers share,
and `decide` for one process that has lost it. All times are whole microseconds of the wall clock.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field

import orjson

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
    tolerance: int = field(init=False)  # how much before its TAT a call may come
    is_shared: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tolerance", (self.burst - 1) * self.interval)
        object.__setattr__(self, "is_shared", self.each != "login")


@dataclass(slots=True)
class Batch:
    """Calls to decide upon together, in their order.

    `keys`: the number of each, and `kinds` the number of its limit. `rows`: for each call how long
    it can wait, then pairs of a key's number and how many calls it takes there. `known`: pairs of
    a key's number and a TAT that somebody remembers, should the store have lost it; these are told
    again. `pauses`: pairs of a key's number and for how long nothing may come there.
    """

    keys: dict[str, int] = field(default_factory=dict)
    kinds: list[int] = field(default_factory=list)
    limits: dict[tuple[int, int], int] = field(default_factory=dict)
    rows: list[list[int]] = field(default_factory=list)
    known: list[tuple[int, int]] = field(default_factory=list)
    pauses: list[tuple[int, int]] = field(default_factory=list)

    def number(self, key: str, limit: Limit, known: int | None = None) -> int:
        number = self.keys.get(key)
        if number is None:
            number = self.keys[key] = len(self.keys)
            kind = (limit.interval, limit.tolerance)
            self.kinds.append(self.limits.setdefault(kind, len(self.limits)))
            if known is not None:
                self.known.append((number, known))
        return number

    def encoded(self) -> bytes:
        names, limits = list(self.keys), list(self.limits)
        return orjson.dumps((names, self.kinds, limits, self.rows, self.known, self.pauses))


@dataclass(frozen=True, slots=True)
class Decision:
    """`now`, and the TATs of what was `known`; for each row the wait for its turn, which it has,
    or where that is too long, the negative wait after which to ask again."""

    now: int
    tats: list[int]
    waits: list[int]

    @classmethod
    def read(cls, text: bytes) -> Decision:
        now, tats, waits = text.split(b";")
        return cls(int(now), list(map(int, tats.split())), list(map(int, waits.split())))


# A row that is refused is told to come when all who were refused before it in this batch have come.
SCRIPT = """
local keys, kinds, limits, rows, known, pauses = unpack(cjson.decode(ARGV[1]))
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function whole(number) return number == 0 and '0' or string.format('%.0f', number) end
local tats, changed, refused, waits = redis.call('MGET', unpack(keys)), {}, {}, {}
for k = 1, #keys do tats[k] = math.max(tonumber(tats[k] or 0), now) end
for _, one in ipairs(known) do
    local k = one[1] + 1
    local remembered = math.min(one[2], now + 86400000000)
    if remembered > tats[k] then tats[k], changed[k] = remembered, true end
end
for _, one in ipairs(pauses) do
    local k = one[1] + 1
    tats[k] = math.max(tats[k], now + one[2] + limits[kinds[k] + 1][2])
    changed[k] = true
end
for r, row in ipairs(rows) do
    local wait, tightest = 0, 0
    for i = 2, #row, 2 do
        local k = row[i] + 1
        local limit = limits[kinds[k] + 1]
        local own = tats[k] - math.max(limit[2] - (row[i + 1] - 1) * limit[1], 0) - now
        if own > wait then wait, tightest = own, i end
    end
    if wait <= row[1] then
        for i = 2, #row, 2 do
            local k = row[i] + 1
            tats[k] = math.max(tats[k], now + wait) + row[i + 1] * limits[kinds[k] + 1][1]
            changed[k] = true
        end
        waits[r] = whole(wait)
    else
        local k = row[tightest] + 1
        waits[r] = whole(-wait - (refused[k] or 0))
        refused[k] = (refused[k] or 0) + row[tightest + 1] * limits[kinds[k] + 1][1]
    end
end
for k in pairs(changed) do
    if tats[k] > now then
        redis.call('SET', keys[k], whole(tats[k]), 'PX', whole(math.ceil((tats[k] - now) / 1000)))
    end
end
local told = {}
for i, one in ipairs(known) do told[i] = whole(tats[one[1] + 1]) end
return whole(now) .. ';' .. table.concat(told, ' ') .. ';' .. table.concat(waits, ' ')
"""


def decide(batch: Batch, store: MutableMapping[str, int], now: int, slack: int = 1) -> Decision:
    """What SCRIPT does, with a mapping for a store; `slack` times more slowly, with as much smaller
    a burst."""
    limits = [(interval * slack, tolerance) for interval, tolerance in batch.limits]
    kinds = [limits[kind] for kind in batch.kinds]
    tats = [max(store.get(key, 0), now) for key in batch.keys]
    for k, tat in batch.known:
        tats[k] = max(tats[k], min(tat, now + DAY))
    for k, pause in batch.pauses:
        tats[k] = max(tats[k], now + pause + kinds[k][1])
    refused = [0] * len(tats)
    waits = []
    for patience, *flat in batch.rows:
        takes = list(zip(flat[::2], flat[1::2], strict=True))
        wait, tightest = 0, 0
        for i, (k, calls) in enumerate(takes):
            interval, tolerance = kinds[k]
            own = tats[k] - max(tolerance - (calls - 1) * interval, 0) - now
            if own > wait:
                wait, tightest = own, i
        if wait <= patience:
            for k, calls in takes:
                tats[k] = max(tats[k], now + wait) + calls * kinds[k][0]
            waits.append(wait)
        else:
            k, calls = takes[tightest]
            waits.append(-wait - refused[k])
            refused[k] += calls * kinds[k][0]
    store.update(zip(batch.keys, tats, strict=True))
    return Decision(now, [tats[k] for k, _ in batch.known], waits)

"""Projection: what of one item will be there, kept so that no question adds up from the beginning.

What comes and what goes stands in blocks with their sums and lows: what may be taken from some moment on is found by walking back
over whole blocks. What was put or taken can be taken back, which is how a planner tries something.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import accumulate, islice

_BLOCK = 128
"""Events in a block before it is cut in two."""


class Projection:
    """What of one item will be there: what is on hand, and what comes and goes later.

    At one moment what comes is there before what goes. Amounts are whole steps, times epoch seconds.

    >>> oil = Projection(10)
    >>> oil.put(50, 20)
    >>> oil.take(60, 25)
    >>> oil.least(0), oil.earliest(5, 0)
    (5, 0)
    """

    __slots__ = ("_blocks", "_firsts", "on_hand", "total")

    def __init__(self, on_hand: int = 0) -> None:
        """Nothing comes and nothing goes."""
        self.on_hand = on_hand
        self.total = on_hand
        self._blocks: list[_Block] = [_Block([], [])]
        self._firsts: list[int] = [-1]

    def put(self, at: int, steps: int) -> None:
        """So many steps come."""
        self.total += steps
        firsts = self._firsts
        block = self._blocks[bisect_right(firsts, at) - 1 if len(firsts) > 1 else 0]
        times = block.times
        where = bisect_left(times, at)
        times.insert(where, at)
        block.deltas.insert(where, steps)
        block.sum += steps
        block.low = None
        if len(times) > _BLOCK:
            self._cut(block)

    def take(self, at: int, steps: int) -> None:
        """So many steps go."""
        self.total -= steps
        firsts = self._firsts
        block = self._blocks[bisect_right(firsts, at) - 1 if len(firsts) > 1 else 0]
        times = block.times
        where = bisect_right(times, at)
        times.insert(where, at)
        block.deltas.insert(where, -steps)
        block.sum -= steps
        block.low = None
        if len(times) > _BLOCK:
            self._cut(block)

    def back(self, at: int, delta: int) -> None:
        """As if this had never been put (or, below zero, taken)."""
        self.total -= delta
        block = self._blocks[bisect_right(self._firsts, at) - 1]
        times, deltas = block.times, block.deltas
        where = bisect_left(times, at)
        while deltas[where] != delta or times[where] != at:
            where += 1
        del times[where], deltas[where]
        block.sum -= delta
        block.low = None

    def _cut(self, block: _Block) -> None:
        half = len(block.times) // 2
        while half < len(block.times) and block.times[half] == block.times[half - 1]:
            half += 1  # what happens at one moment stays together
        if half == len(block.times):
            return
        place = self._blocks.index(block)
        later = _Block(block.times[half:], block.deltas[half:])
        del block.times[half:], block.deltas[half:]
        block.sum, block.low = sum(block.deltas), None
        self._blocks.insert(place + 1, later)
        self._firsts.insert(place + 1, later.times[0])

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Every event as (instant, difference), in order."""
        for block in self._blocks:
            yield from zip(block.times, block.deltas, strict=True)

    # asking -----------------------------------------------------------------------------------------------------------

    def level(self, at: int) -> int:
        """What is there at a moment, after everything that happens at it."""
        place = bisect_right(self._firsts, at) - 1
        block = self._blocks[place]
        before = self.on_hand + sum([one.sum for one in self._blocks[:place]])
        return before + sum(block.deltas[: bisect_right(block.times, at)])

    def least(self, at: int) -> int:
        """The least that is ever there from a moment on: what may be taken then without anybody's loss."""
        blocks, firsts = self._blocks, self._firsts
        last = len(firsts) - 1
        level = least = self.total
        if not last:
            times = blocks[0].times
            if not times or times[-1] <= at:
                return level
            tail = blocks[0].deltas[bisect_right(times, at) :]
            return min(accumulate(tail, initial=level - sum(tail)))
        while last > 0 and firsts[last] > at:
            block = blocks[last]
            level -= block.sum
            low = block.low
            if low is None:
                low = block.low = min(accumulate(block.deltas), default=0)
            least = min(least, level + low)
            last -= 1
        block = blocks[last]
        times = block.times
        if times and times[-1] > at:
            tail = block.deltas[bisect_right(times, at) :]
            level -= sum(tail)
            level = min(accumulate(tail, initial=level))
        return min(least, level)

    def least_between(self, at: int, until: int) -> int:
        """The least that is there from a moment on and before another; what happens at `until` does not count any more."""
        least = self.level(at)
        for level, _, deltas, low in self._pieces(at, until):
            now = level + (min(accumulate(deltas)) if low is None else low)
            least = min(least, now)
        return least

    def earliest(self, steps: int, at: int, until: int | None = None) -> int | None:
        """The first moment from `at` on from which so many steps are there until `until` (default for ever); None for never."""
        pieces = [*self._pieces(at, until)]
        while pieces:
            level, times, deltas, low = pieces.pop()
            if low is not None and level + low >= steps:
                continue
            after = [*accumulate(deltas, initial=level)]
            for place in range(len(times), 0, -1):
                if after[place] < steps and (place == len(times) or times[place] > times[place - 1]):
                    return times[place] if place < len(times) else self._next(times[-1], until)
        return at if self.level(at) >= steps else self._next(at, until)

    def _next(self, at: int, until: int | None) -> int | None:
        """When something happens next after a moment and before another."""
        return next((times[0] for _, times, _, _ in self._pieces(at, until)), None)

    def lack(self, at: int) -> tuple[int, int]:
        """When the stock falls below zero for the first time from a moment on, and how far it ever falls then."""
        since = at if self.level(at) < 0 else None
        for level, times, deltas, low in self._pieces(at, None) if since is None else ():
            if low is not None and level + low >= 0:
                continue
            rows = zip(times, islice(accumulate(deltas, initial=level), 1, None), strict=True)
            since = next((moment for moment, now in rows if now < 0), None)
            if since is not None:
                break
        return (at, 0) if since is None else (since, -self.least(since))

    def _pieces(self, at: int, until: int | None) -> Iterator[tuple[int, list[int], list[int], int | None]]:
        """What happens after a moment and before another, block by block: the level before, moments, differences, low if known."""
        firsts, blocks = self._firsts, self._blocks
        place = bisect_right(firsts, at) - 1
        level = self.on_hand
        for block in blocks[:place]:
            level += block.sum
        first = True
        for block in blocks[place:]:
            times, deltas = block.times, block.deltas
            start = bisect_right(times, at) if first else 0
            stop = len(times) if until is None or not times or times[-1] < until else bisect_left(times, until)
            if start:
                level += sum(deltas[:start])
            if stop - start == len(times) and stop:
                low = block.low
                if low is None:
                    low = block.low = min(accumulate(deltas))
                yield level, times, deltas, low
            elif stop > start:
                yield level, times[start:stop], deltas[start:stop], None
            if stop < len(times):
                return
            level += block.sum - (sum(deltas[:start]) if start else 0)
            first = False

    def levels(self, at: int, until: int | None) -> list[tuple[int, int]]:
        """(moment, what is there after all that happens at it): for `at`, and for every later moment before `until`."""
        firsts, blocks = self._firsts, self._blocks
        place = bisect_right(firsts, at) - 1
        level = self.on_hand
        for block in blocks[:place]:
            level += block.sum
        block = blocks[place]
        where = bisect_right(block.times, at)
        level += sum(block.deltas[:where])
        rows = [(at, level)]
        for block in blocks[place:]:
            times, deltas = block.times, block.deltas
            count = len(times) if until is None or not times or times[-1] < until else bisect_left(times, until)
            for index in range(where, count):
                level += deltas[index]
                if times[index] == rows[-1][0]:
                    rows[-1] = times[index], level
                else:
                    rows.append((times[index], level))
            if count < len(times):
                break
            where = 0
        return rows


class _Block:
    __slots__ = ("deltas", "low", "sum", "times")

    def __init__(self, times: list[int], deltas: list[int]) -> None:
        self.times = times
        self.deltas = deltas
        self.sum = sum(deltas)
        self.low: int | None = None

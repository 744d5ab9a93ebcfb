"""Gaps: the free time of a work center, kept so that no search walks from the beginning.

Times are *working seconds* since the start of the work center's calendar: a job that pauses overnight is one piece there. Every gap
stands in a list of its size class (powers of two), so the first or the last gap that is long enough is found by a bisection per class.
What was booked can be given back, which is how a planner tries something.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from fractions import Fraction

from krafte_core.timelines import Timeline


class Gaps:
    """The free time of a work center that does one job at a time.

    Args:
        timeline: its open hours.
        since: nothing is planned before this instant.
        busy: what is booked already, as (start, end) instants.

    >>> week = Timeline.of("kettle", (0, 1000), [(0, 100), (200, 300)])
    >>> kettle = Gaps(week, 0, [(10, 40)])
    >>> kettle.book(*kettle.first(0, 80))  # 60 seconds up to closing time, 20 after it
    >>> kettle.first(0, 5), kettle.last(300, 5)
    ((0, 5), (195, 200))
    """

    __slots__ = ("_classes", "_ends", "_starts", "now", "pace", "timeline", "total")

    def __init__(self, timeline: Timeline, since: int, busy: Iterable[tuple[int, int]] = (), *, pace: Fraction | None = None) -> None:
        """Everything after `since` is free, but for what is booked."""
        self.timeline = timeline
        self.pace = pace
        self.now = timeline.working(since)
        self.total = timeline.total
        self._starts: list[int] = []
        self._ends: dict[int, int] = {}
        self._classes: list[list[int]] = [[] for _ in range(self.total.bit_length() + 1)]
        if self.total > self.now:
            self._open(self.now, self.total)
        for first, last in self._taken(busy):
            self.block(first, last)

    def _taken(self, busy: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """What is booked, in working seconds; what is booked in a closed hour takes the second after it, so that no job spans it."""
        for start, end in busy:
            first, last = max(self.now, self.timeline.working(start)), self.timeline.working(end)
            if last >= first and first < self.total:
                yield first, max(last, first + 1)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """The gaps, in order."""
        return ((start, self._ends[start]) for start in self._starts)

    # finding ----------------------------------------------------------------------------------------------------------

    def first(self, at: int, seconds: int) -> tuple[int, int] | None:
        """The earliest free (start, end) of so many seconds that does not start before `at`; None beyond the horizon."""
        starts, ends = self._starts, self._ends
        place = bisect_right(starts, at)
        if place and ends[starts[place - 1]] - at >= seconds:
            return at, at + seconds
        if place == len(starts):
            return None
        found = starts[place]
        if ends[found] - found >= seconds:
            return found, found + seconds
        best = self._after(at, seconds)
        return None if best < 0 else (best, best + seconds)

    def _after(self, at: int, seconds: int) -> int:
        """Where the first gap begins that does not begin before `at` and is long enough; below zero for none."""
        size, best = seconds.bit_length(), -1
        ends, classes = self._ends, self._classes
        for longer in classes[size + 1 :]:
            if longer:
                place = bisect_left(longer, at)
                if place < len(longer) and (best < 0 or longer[place] < best):
                    best = longer[place]
        same = classes[size] if size < len(classes) else []
        for place in range(bisect_left(same, at), len(same)):
            found = same[place]
            if 0 <= best < found:
                break
            if ends[found] - found >= seconds:
                return found
        return best

    def last(self, by: int, seconds: int) -> tuple[int, int] | None:
        """The latest free (start, end) of so many seconds that does not end after `by`; None where there is none any more."""
        starts, ends = self._starts, self._ends
        place = bisect_left(starts, by)
        if not place:
            return None
        here = starts[place - 1]
        stop = min(by, ends[here])
        if stop - here >= seconds:
            return stop - seconds, stop
        if place == 1:
            return None
        found = starts[place - 2]
        stop = ends[found]
        if stop - found >= seconds:
            return stop - seconds, stop
        best = self._before(here, seconds)
        return None if best < 0 else (ends[best] - seconds, ends[best])

    def _before(self, here: int, seconds: int) -> int:
        """Where the last gap begins that begins before `here` and is long enough; below zero for none."""
        size, best = seconds.bit_length(), -1
        ends, classes = self._ends, self._classes
        for longer in classes[size + 1 :]:
            if longer:
                place = bisect_left(longer, here)
                if place and longer[place - 1] > best:
                    best = longer[place - 1]
        same = classes[size] if size < len(classes) else []
        for place in range(bisect_left(same, here) - 1, -1, -1):
            found = same[place]
            if found < best:
                break
            if ends[found] - found >= seconds:
                return found
        return best

    def next(self, at: int, seconds: int, *, pausable: bool) -> tuple[int, int]:
        """The first slot from a moment on; one that must not pause lies in one opening.

        Raises:
            BeyondHorizon: (beyond_horizon) there is none. NeverFits: (never_fits) no opening is so long.
        """
        timeline = self.timeline
        if not pausable and seconds > timeline.longest:
            timeline.fit(timeline.first, seconds)  # says why
        slot = self.first(at, seconds)
        while slot is not None:
            opening = bisect_right(timeline.worked, slot[0]) - 1
            if pausable or slot[1] <= timeline.done[opening]:
                return slot
            slot = self.first(timeline.done[opening], seconds)
        raise timeline.beyond()

    def whole(self, slot: tuple[int, int], seconds: int) -> tuple[int, int] | None:
        """The slot, or the next one before it, that lies in one opening; None where there is none any more.

        Raises:
            NeverFits: (never_fits) no opening is so long.
        """
        timeline = self.timeline
        if seconds > timeline.longest:
            timeline.fit(timeline.first, seconds)  # says why
        found: tuple[int, int] | None = slot
        while found is not None:
            opening = bisect_right(timeline.worked, found[0]) - 1
            if found[1] <= timeline.done[opening]:
                return found
            found = self.last(timeline.done[opening], seconds)
        return None

    def begin(self, at: int) -> int:
        """Where the gap around a free moment begins."""
        return self._starts[bisect_right(self._starts, at) - 1]

    @property
    def places(self) -> int:
        """How many jobs run at once."""
        return 1

    def booked(self, first: int, last: int) -> int:
        """Working seconds that are taken between two moments, all places together; before `now` nothing is known."""
        since = max(first, self.now)
        free = sum(max(0, min(self._ends[start], last) - max(start, since)) for start in self._starts)
        return max(0, last - since) - free

    # what else than one job at one place needs, in instants (see `krafte_core.placing.Held`) ---------------------------

    def blocked(self, start: int, end: int, places: int) -> int | None:
        """The moment from which on so many places may be free, if they are not free in all of [start, end)."""
        timeline = self.timeline
        found = self._blocked(timeline.working(start), timeline.working(end), places)
        if found is None:
            return None
        if found >= self.total:
            raise timeline.beyond()
        return timeline.latest(found)

    def _blocked(self, first: int, last: int, places: int) -> int | None:
        starts = self._starts
        place = bisect_right(starts, first)
        if place and self._ends[starts[place - 1]] >= last:
            return None
        return starts[place] if place < len(starts) else self.total

    def blocked_before(self, start: int, end: int, places: int) -> int | None:
        """The moment by which a job must end for which so many places are free, if they are not free in all of [start, end)."""
        timeline = self.timeline
        found = self._blocked_before(timeline.working(start), timeline.working(end), places)
        return None if found is None else timeline.instant(found)

    def _blocked_before(self, first: int, last: int, places: int) -> int | None:
        starts, ends = self._starts, self._ends
        place = bisect_left(starts, last) - 1
        if place < 0:
            return 0
        if ends[starts[place]] < last:
            return ends[starts[place]]
        if starts[place] <= first:
            return None
        return ends[starts[place - 1]] if place else 0

    # booking ----------------------------------------------------------------------------------------------------------

    def book(self, start: int, end: int) -> None:
        """Take a piece of one gap."""
        starts, ends, classes = self._starts, self._ends, self._classes
        place = bisect_right(starts, start) - 1
        begin = starts[place]
        stop = ends[begin]
        size = (stop - begin).bit_length()
        if begin < start:
            ends[begin] = start
            now = (start - begin).bit_length()
            if now != size:
                one = classes[size]
                del one[bisect_left(one, begin)]
                insort(classes[now], begin)
            if end < stop:
                starts.insert(place + 1, end)
                ends[end] = stop
                insort(classes[(stop - end).bit_length()], end)
            return
        one = classes[size]
        del one[bisect_left(one, begin)], ends[begin]
        if end < stop:
            starts[place] = end
            ends[end] = stop
            insort(classes[(stop - end).bit_length()], end)
        else:
            del starts[place]

    def back(self, start: int, end: int) -> None:
        """Give a piece back that was taken; it grows together with what is free around it."""
        starts, ends = self._starts, self._ends
        place = bisect_left(starts, start)
        if place < len(starts) and starts[place] == end:
            stop = ends[end]
            self._close(end)
            end = stop
        if place and ends[starts[place - 1]] == start:
            begin = starts[place - 1]
            self._close(begin)
            start = begin
        self._open(start, end)

    def block(self, start: int, end: int) -> None:
        """Take everything that is free between two moments; they need not lie in one gap."""
        for begin, stop in [(begin, self._ends[begin]) for begin in self._starts if begin < end and self._ends[begin] > start]:
            self.book(max(begin, start), min(stop, end))

    def _open(self, start: int, end: int) -> None:
        insort(self._starts, start)
        self._ends[start] = end
        insort(self._classes[(end - start).bit_length()], start)

    def _close(self, start: int) -> None:
        one = self._classes[(self._ends.pop(start) - start).bit_length()]
        del one[bisect_left(one, start)]
        del self._starts[bisect_left(self._starts, start)]


class Lanes(Gaps):
    """The free time of a work center that does several jobs at a time: its gaps are the times when at least one place is free.

    >>> week = Timeline.of("ovens", (0, 100), [(0, 100)])
    >>> ovens = Lanes(week, 0, 2)
    >>> for _ in range(3):
    ...     ovens.book(*ovens.first(0, 30))
    >>> [*ovens]
    [(30, 100)]
    >>> ovens.load(10), ovens.load(45)
    (2, 1)
    """

    __slots__ = ("_loads", "_marks", "capacity")

    def __init__(
        self, timeline: Timeline, since: int, capacity: int, busy: Iterable[tuple[int, int]] = (), *, pace: Fraction | None = None
    ) -> None:
        """Every place is free after `since`, but for what is booked."""
        self.capacity = capacity
        self._marks = [timeline.working(since)]
        self._loads = [0]
        super().__init__(timeline, since, pace=pace)
        for first, last in self._taken(busy):
            self.book(first, last)

    @property
    def places(self) -> int:
        """How many jobs run at once."""
        return self.capacity

    def booked(self, first: int, last: int) -> int:
        """See `Gaps`."""
        ends = [*self._marks[1:], self.total]
        rows = zip(self._marks, ends, self._loads, strict=True)
        return sum(load * max(0, min(end, last) - max(start, first)) for start, end, load in rows)

    def _blocked(self, first: int, last: int, places: int) -> int | None:
        loads, marks = self._loads, self._marks
        for place in range(max(0, bisect_right(marks, first) - 1), len(marks)):
            if marks[place] >= last:
                return None
            if loads[place] + places > self.capacity:
                return marks[place + 1] if place + 1 < len(marks) else self.total
        return None

    def _blocked_before(self, first: int, last: int, places: int) -> int | None:
        loads, marks = self._loads, self._marks
        if first < marks[0]:
            return 0
        for place in range(bisect_left(marks, last) - 1, -1, -1):
            if loads[place] + places > self.capacity:
                return marks[place]
            if marks[place] <= first:
                break
        return None

    def load(self, at: int) -> int:
        """How many jobs run at a moment."""
        return self._loads[bisect_right(self._marks, at) - 1]

    def book(self, start: int, end: int) -> None:
        """Take one place; where it was the last one, nothing is free any more."""
        loads, marks, full = self._loads, self._marks, self.capacity
        for place in range(self._cut(start), self._cut(end)):
            loads[place] += 1
            if loads[place] == full:
                Gaps.book(self, marks[place], marks[place + 1])

    def back(self, start: int, end: int) -> None:
        """Give one place back."""
        loads, marks, full = self._loads, self._marks, self.capacity
        for place in range(self._cut(start), self._cut(end)):
            if loads[place] == full:
                Gaps.back(self, marks[place], marks[place + 1])
            loads[place] -= 1

    def _cut(self, at: int) -> int:
        place = bisect_right(self._marks, at)
        if self._marks[place - 1] == at:
            return place - 1
        self._marks.insert(place, at)
        self._loads.insert(place, self._loads[place - 1])
        return place

"""Busy work centers: what is booked of one, and the first gap that a job fits into."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from fractions import Fraction

from krafte_core.timelines import Timeline


class Busy:
    """The bookings of one work center, and the first gap that a job fits into.

    >>> from datetime import date
    >>> from krafte_core.calendars import Calendar, compile_calendar
    >>> week = compile_calendar(Calendar("kettle", "24/7"), date(2026, 1, 1), date(2026, 1, 7))
    >>> kettle = Busy(week, 1, [(week.starts[0], week.starts[0] + 60)])
    >>> kettle.first_fit(week.starts[0], 30, pausable=False)[0] - week.starts[0]
    60
    """

    def __init__(
        self,
        timeline: Timeline,
        capacity: int,
        intervals: Iterable[tuple[int, int]],
        pace: Fraction | None = None,
        *,
        code: str = "",
        relaxed: bool = False,
    ) -> None:
        """The open hours, how many jobs run at once, what is booked already; `relaxed` thinks every queue away."""
        self.timeline = timeline
        self.capacity = capacity
        self.pace = pace
        self.code = code
        self.relaxed = relaxed
        self.intervals = sorted(intervals)
        self.longest = max((end - start for start, end in self.intervals), default=0)

    def opening(self, at: int, seconds: int, *, pausable: bool) -> tuple[int, int]:
        """Start and end of the job in the first opening that holds it, bookings not looked at.

        Raises:
            NeverFits: (`never_fits`), BeyondHorizon: (`beyond_horizon`)
        """
        if pausable:
            start = self.timeline.next_open(at)
            return start, self.timeline.add(start, seconds)
        start = self.timeline.fit(at, seconds)
        return start, start + seconds

    def first_fit(self, at: int, seconds: int, *, pausable: bool) -> tuple[int, int]:
        """Start and end of the job in the first gap that holds it."""
        while True:
            start, end = self.opening(at, seconds, pausable=pausable)
            until = self._taken(start, end)
            if until is None:
                return start, end
            at = until

    def blocked(self, start: int, end: int, places: int) -> int | None:
        """See `krafte_core.placing.Held`."""
        return None if self.relaxed else self._taken(start, end, self.capacity - places + 1)

    def blocked_before(self, start: int, end: int, places: int) -> int | None:
        """See `krafte_core.placing.Held`."""
        if self.relaxed:
            return None
        room = self.capacity - places + 1
        overlapping = [one for one in self.intervals if one[0] < end and one[1] > start]
        for _, stop in sorted(overlapping, key=lambda one: -one[1]) if len(overlapping) >= room else ():
            last = min(stop, end) - 1
            begins = sorted(begin for begin, until in overlapping if begin <= last < until)
            if len(begins) >= room:
                return begins[room - 1]
        return None

    def _taken(self, start: int, end: int, room: int = 0) -> int | None:
        """The moment from which on a place may be free, if all places (or so many) are taken somewhere in [start, end)."""
        room = room or self.capacity
        first = bisect_left(self.intervals, (start - self.longest, start - self.longest))
        last = bisect_left(self.intervals, (end, end))
        overlapping = [one for one in self.intervals[first:last] if one[1] > start]
        if len(overlapping) < room:
            return None
        for here, _ in overlapping:
            ends = sorted(stop for begin, stop in overlapping if begin <= max(here, start) < stop)
            if len(ends) >= room:
                return ends[-room]
        return None

    def add(self, start: int, end: int) -> None:
        """Book [start, end)."""
        insort(self.intervals, (start, end))
        self.longest = max(self.longest, end - start)

    def remove(self, start: int, end: int) -> None:
        """Take the booking back."""
        del self.intervals[bisect_right(self.intervals, (start, end)) - 1]

"""Timeline: a calendar written out for a span of days, so that every question is one or two bisections.

Times are whole seconds since 1970 (UTC), openings are half-open `[start, end)`, touching openings are one. Outside the span
there is no answer: `BeyondHorizon`, never a guess. A timeline comes from `krafte_core.calendars.compile_calendar`::

    working   0    4    8                12          cumulative working time, never falling
    openings  |####|    |####|           |####|
              starts[0] ends[0]

>>> shifts = Timeline.of("bench", (0, 172_800), [(28_800, 57_600), (115_200, 144_000)])
>>> shifts.add(50_400, 4 * 3600)  # two hours today, two tomorrow
122400
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime

import attrs

from krafte_core.durations import spelled
from krafte_core.errors import BeyondHorizon, InvalidInput, NeverFits, NotPositive, OutOfRange
from krafte_core.times import DAY, UTC_WALL, WallClock, moment, time_zone


def merged(openings: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The openings in order, overlapping and touching ones as one, empty ones left out.

    >>> merged([(5, 9), (1, 3), (2, 5), (7, 7)])
    [(1, 9)]
    """
    result: list[tuple[int, int]] = []
    for start, end in sorted(openings):
        if end <= start:
            continue
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def _next_longer(lengths: Sequence[int]) -> tuple[int, ...]:
    """For each opening the index of the next longer one, or the number of openings (monotonic stack, one pass)."""
    result = [len(lengths)] * len(lengths)
    waiting: list[int] = []
    for index, length in enumerate(lengths):
        while waiting and lengths[waiting[-1]] < length:
            result[waiting.pop()] = index
        waiting.append(index)
    return tuple(result)


@attrs.frozen(cache_hash=True)
class Timeline:
    """The openings of one calendar between two moments, with the working time added up.

    Attributes:
        name: the calendar's name, for errors.
        clock: what the wall shows in the calendar's zone.
        first: the first known second; last: the second after the last known one.
        starts, ends: the openings, in order, apart from each other, cut off at `first` and `last`.
        days: numbers (days since 1970) of the local days on which a shift begins.
        bound: seconds of the longest opening that an ordinary week has; None where it is not known or has no end.
        worked, done: working seconds since `first` before and after each opening.

    >>> Timeline.of("never", (0, 10), []).total
    0
    """

    name: str
    clock: WallClock = attrs.field(repr=False)
    first: int
    last: int
    starts: tuple[int, ...] = attrs.field(repr=False)
    ends: tuple[int, ...] = attrs.field(repr=False)
    days: Sequence[int] = attrs.field(repr=False)
    bound: int | None = attrs.field(repr=False)
    worked: tuple[int, ...] = attrs.field(init=False, eq=False, repr=False)
    done: tuple[int, ...] = attrs.field(init=False, eq=False, repr=False)
    longest: int = attrs.field(init=False, eq=False, repr=False)
    _after: tuple[int, ...] = attrs.field(init=False, eq=False, repr=False)
    _before: tuple[int, ...] = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Add up the working time; link each opening to the next longer one on both sides, which is how `fit` jumps."""
        lengths = [end - start for start, end in zip(self.starts, self.ends, strict=True)]
        done: list[int] = []
        total = 0
        for length in lengths:
            total += length
            done.append(total)
        count = len(lengths)
        put = object.__setattr__
        put(self, "done", tuple(done))
        put(self, "worked", (0, *done[:-1]) if done else ())
        put(self, "longest", max(lengths, default=0))
        put(self, "_after", _next_longer(lengths))
        put(self, "_before", tuple(count - 1 - index for index in reversed(_next_longer(lengths[::-1]))))

    @classmethod
    def of(
        cls,
        name: str,
        span: tuple[int, int],
        openings: Iterable[tuple[int, int]],
        *,
        days: Sequence[int] = (),
        bound: int | None = None,
        clock: WallClock = UTC_WALL,
    ) -> Timeline:
        """A timeline from openings in any order: merged, and cut off at the span.

        Raises:
            InvalidInput: (invalid_input) a span that ends before it starts.

        >>> Timeline.of("x", (0, 10), [(5, 20), (2, 5)]).starts
        (2,)
        """
        first, last = span
        if last < first:
            raise InvalidInput("span", span, "an end that is not before the start")
        cut = merged((max(start, first), min(end, last)) for start, end in openings)
        return cls(name, clock, first, last, tuple(start for start, _ in cut), tuple(end for _, end in cut), days, bound)

    @property
    def total(self) -> int:
        """All working seconds between `first` and `last`."""
        return self.done[-1] if self.done else 0

    # ------------------------------------------------------------------------------------------------ refusals

    def _wall(self, at: int) -> datetime:
        return moment(at).astimezone(time_zone(self.clock.zone))

    def beyond(self, wanted: int | None = None) -> BeyondHorizon:
        """The error (not raised) that says which days are known, in the calendar's own zone; `wanted` None means later.

        >>> str(Timeline.of("x", (0, DAY), []).beyond())
        "calendar 'x' knows 1970-01-01 to 1970-01-01, not later"
        """
        try:
            asked = None if wanted is None else self._wall(wanted)
        except (OutOfRange, OverflowError):
            asked = None
        return BeyondHorizon(self.name, asked, self._wall(self.first), self._wall(max(self.first, self.last - 1)))

    def _check(self, at: int, seconds: int = 0) -> None:
        if not self.first <= at <= self.last:
            raise self.beyond(at)
        if seconds < 0:
            raise NotPositive("seconds", seconds, "zero or more")

    def _check_fit(self, at: int, seconds: int) -> None:
        """Longer than an ordinary week and every opening known: never. Cut off by the horizon or not found: beyond it."""
        self._check(at, seconds)
        if self.bound is not None and seconds > max(self.bound, self.longest):
            raise NeverFits(self.name, spelled(seconds), spelled(max(self.bound, self.longest)))

    # ------------------------------------------------------------------------------------------- cumulative time

    def working(self, at: int) -> int:
        """Working seconds from the start of the span to this moment.

        Raises:
            BeyondHorizon: (beyond_horizon) a moment outside the span.

        >>> Timeline.of("x", (0, 100), [(10, 20), (30, 40)]).working(35)
        15
        """
        if not self.first <= at <= self.last:
            raise self.beyond(at)
        index = bisect_right(self.starts, at) - 1
        return self.worked[index] + min(at, self.ends[index]) - self.starts[index] if index >= 0 else 0

    def instant(self, working: int) -> int:
        """The earliest moment by which so many working seconds have passed since the start of the span.

        Raises:
            BeyondHorizon: (beyond_horizon) less than zero, or more than the span has.

        >>> Timeline.of("x", (0, 100), [(10, 20), (30, 40)]).instant(10)
        20
        """
        if working == 0:
            return self.first
        index = bisect_left(self.done, working)
        if working < 0 or index == len(self.done):
            raise self.beyond()
        return self.starts[index] + working - self.worked[index]

    def latest(self, working: int) -> int:
        """The latest moment by which no more than so many working seconds have passed since the start of the span.

        Raises:
            BeyondHorizon: (beyond_horizon) less than zero, or all that the span has and more: the next opening is unknown.

        >>> Timeline.of("x", (0, 100), [(10, 20), (30, 40)]).latest(10)
        30
        """
        if not 0 <= working < self.total:
            raise self.beyond()
        index = bisect_right(self.worked, working) - 1
        return self.starts[index] + working - self.worked[index]

    def add(self, start: int, seconds: int) -> int:
        """The end of so many working seconds begun at `start` or as soon after it as the calendar opens.

        Zero seconds are no work: they end where they start, also in a closed hour.

        Raises:
            BeyondHorizon: (beyond_horizon) a start outside the span, or an end after it.
            NotPositive: (not_positive) less than zero seconds; `subtract` goes back.

        >>> Timeline.of("x", (0, 100), [(10, 20), (30, 40)]).add(15, 7)
        32
        """
        if seconds <= 0 or not self.first <= start <= self.last:
            self._check(start, seconds)
            return start
        starts = self.starts
        index = bisect_right(starts, start) - 1
        if index >= 0:
            end = self.ends[index]
            if start + seconds <= end:
                return start + seconds
            seconds += self.worked[index] + start - starts[index] if start < end else self.done[index]
        index = bisect_left(self.done, seconds)
        if index == len(starts):
            raise self.beyond()
        return starts[index] + seconds - self.worked[index]

    def subtract(self, end: int, seconds: int) -> int:
        """The latest start of so many working seconds that are done by `end`; zero seconds start where they end.

        Raises:
            BeyondHorizon: (beyond_horizon) an end outside the span, or a start before it.
            NotPositive: (not_positive) less than zero seconds.

        >>> Timeline.of("x", (0, 100), [(10, 20), (30, 40)]).subtract(32, 7)
        15
        """
        self._check(end, seconds)
        return self.latest(self.working(end) - seconds) if seconds else end

    def between(self, start: int, end: int) -> int:
        """Working seconds from `start` to `end`.

        Raises:
            BeyondHorizon: (beyond_horizon) a moment outside the span.
            InvalidInput: (invalid_input) an end before its start.

        >>> Timeline.of("x", (0, 100), [(10, 20), (30, 40)]).between(15, 35)
        10
        """
        if end < start:
            raise InvalidInput("end", self._wall(end).isoformat(), f"not before its start {self._wall(start).isoformat()}")
        return self.working(end) - self.working(start)

    # ------------------------------------------------------------------------------------------------- openings

    def next_open(self, at: int) -> int:
        """The moment itself where the calendar is open, else the next moment at which it opens.

        Raises:
            BeyondHorizon: (beyond_horizon) a moment outside the span, or no opening after it.

        >>> Timeline.of("x", (0, 100), [(10, 20), (30, 40)]).next_open(20)
        30
        """
        self._check(at)
        index = bisect_right(self.ends, at)
        if index == len(self.ends):
            raise self.beyond()
        return max(at, self.starts[index])

    def opening(self, at: int) -> tuple[int, int] | None:
        """Start and end of the opening around this moment, as far as the span knows it; None in a closed hour.

        Raises:
            BeyondHorizon: (beyond_horizon) a moment outside the span, its very end included.

        >>> Timeline.of("x", (0, 100), [(10, 20), (30, 40)]).opening(30)
        (30, 40)
        """
        if not self.first <= at < self.last:
            raise self.beyond(at)
        index = bisect_right(self.starts, at) - 1
        return (self.starts[index], self.ends[index]) if index >= 0 and at < self.ends[index] else None

    def is_open(self, at: int) -> bool:
        """Whether work is possible in the second that begins here; an opening's end is closed.

        Raises:
            BeyondHorizon: (beyond_horizon) a moment outside the span, its very end included.

        >>> Timeline.of("x", (0, 100), [(10, 20)]).is_open(20)
        False
        """
        return self.opening(at) is not None

    def fit(self, at: int, seconds: int) -> int:
        """The earliest start from `at` on with which the whole job lies in one opening; zero seconds fit anywhere.

        Too short openings are not walked: links lead from each one to the next longer one, so a search takes no more
        steps than there are shift lengths.

        Raises:
            BeyondHorizon: (beyond_horizon) a moment outside the span, or no such opening up to its end.
            NeverFits: (never_fits) longer than every opening, of the span and of an ordinary week.
            NotPositive: (not_positive) less than zero seconds.

        >>> Timeline.of("x", (0, 100), [(10, 20), (30, 50)]).fit(15, 12)
        30
        """
        self._check_fit(at, seconds)
        if not seconds:
            return at
        starts, ends = self.starts, self.ends
        index, count = bisect_right(ends, at), len(ends)
        if index < count and ends[index] - (start := max(at, starts[index])) >= seconds:
            return start
        index += 1  # the one around `at` is too short now, whatever its whole length
        while index < count and ends[index] - starts[index] < seconds:
            index = self._after[index]
        if index >= count:
            raise self.beyond()
        return starts[index]

    def fit_before(self, end: int, seconds: int) -> int:
        """The latest start with which the whole job lies in one opening and is done by `end`.

        Raises:
            BeyondHorizon: (beyond_horizon) a moment outside the span, or no such opening since its start.
            NeverFits: (never_fits) longer than every opening, of the span and of an ordinary week.
            NotPositive: (not_positive) less than zero seconds.

        >>> Timeline.of("x", (0, 100), [(10, 20), (30, 50)]).fit_before(35, 8)
        12
        """
        self._check_fit(end, seconds)
        if not seconds:
            return end
        starts, ends = self.starts, self.ends
        index = bisect_left(starts, end) - 1
        if index >= 0 and (stop := min(end, ends[index])) - starts[index] >= seconds:
            return stop - seconds
        index -= 1
        while index >= 0 and ends[index] - starts[index] < seconds:
            index = self._before[index]
        if index < 0:
            raise self.beyond()
        return ends[index] - seconds

    # --------------------------------------------------------------------------------------------- working days

    def add_days(self, at: int, days: int) -> int:
        """The same time on the wall, so many working days later. Zero days leave `at` where it is.

        A working day is a local day of the calendar's zone on which a shift begins (a night shift counts for the evening). The
        day of `at` itself never counts, as in section 187 (1) of the German Civil Code and article 3 of Regulation (EEC) 1182/71;
        so one working day after any moment of Friday, or of the weekend, is Monday.

        Raises:
            BeyondHorizon: (beyond_horizon) a moment outside the span, or too few working days up to its end.
            NotPositive: (not_positive) less than zero days; `subtract_days` goes back.

        >>> Timeline.of("x", (0, 9 * DAY), [], days=(1, 2, 5)).add_days(2 * DAY, 1)
        432000
        """
        return self._shift_days(at, days, days)

    def subtract_days(self, at: int, days: int) -> int:
        """The same time on the wall, so many working days earlier; the mirror of `add_days`.

        Raises:
            BeyondHorizon: (beyond_horizon) a moment outside the span, or too few working days since its start.
            NotPositive: (not_positive) less than zero days.

        >>> Timeline.of("x", (0, 9 * DAY), [], days=(1, 2, 5)).subtract_days(5 * DAY, 1)
        172800
        """
        return self._shift_days(at, days, -days)

    def _shift_days(self, at: int, days: int, step: int) -> int:
        if days <= 0 or not self.first <= at <= self.last:
            self._check(at)
            if days < 0:
                raise NotPositive("days", days, "zero or more")
            return at
        number, time = divmod(self.clock.local(at), DAY)
        index = bisect_right(self.days, number) + step - 1 if step > 0 else bisect_left(self.days, number) + step
        if not 0 <= index < len(self.days):
            raise self.beyond()
        return self.clock.utc(self.days[index] * DAY + time)

"""Placing: when the operations of a batch are done that need more than one free machine.

An operation may be done in several ways: at its own work center or at another one that can do it, too, each with its own hours, its
own efficiency and its own people. It may begin before the one before it is done, as soon as a first part is there (`transfer`), and
it may have to begin before what waits for it has spoilt (`spoils_after`). The search for a promise and the planner place such batches
with the functions of this module, so that they agree; plain operations, which are by far the most, they place themselves.

Times are epoch seconds. Each function finds the earliest (or the latest) time by pushing: what cannot be is moved to the first
moment at which it can, and what depends on it follows. Nothing is ever moved further than it must be.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import attrs

from krafte_core.durations import Duration, spelled
from krafte_core.errors import BeyondHorizon, NeverFits
from krafte_core.operations import Operation
from krafte_core.timelines import Timeline

MOST_PARTS = 200
"""A batch is handed on in no more parts than these; smaller ones are put together."""
After = Callable[[float, Duration], float]
"""The instant so much later (or earlier): waits are elapsed time or working days of the recipe's calendar."""


class Held(Protocol):
    """A work center or a crew: its hours, its pace (None: as the recipe says), and which of its places are taken."""

    timeline: Timeline
    pace: Fraction | None

    def blocked(self, start: int, end: int, places: int) -> int | None:
        """The moment from which on so many places may be free, if they are not free in all of [start, end)."""

    def blocked_before(self, start: int, end: int, places: int) -> int | None:
        """The moment by which a job must end for which so many places are free, if they are not free in all of [start, end)."""


class Books(Protocol):
    """Where a placed operation takes its time, and where that is given back."""

    def mark(self) -> Any:
        """Where we are."""

    def undo(self, mark: Any) -> None:
        """Come back to it."""

    def hold(self, held: Any, start: int, end: int, places: int) -> None:
        """Take so many places."""


class Way(NamedTuple):
    """One way of doing an operation: the operation as it is done then, when everything that it needs is open, and what it takes."""

    operation: Operation
    timeline: Timeline | None
    holds: tuple[tuple[Any, int], ...]
    pace: Fraction | None

    def seconds(self, share: Fraction) -> tuple[int, int]:
        """Set-up, and all working seconds of a batch that is `share` times what the recipe makes."""
        setup, whole = (self.operation.setup.seconds if self.operation.setup else 0), self.operation.seconds(share)
        return (setup, whole) if self.pace is None else (paced(setup, self.pace), paced(whole, self.pace))


class Stage(NamedTuple):
    """One operation of a batch: its ways in the order of preference, each with its set-up and working seconds, and its parts."""

    operation: Operation
    ways: tuple[Way, ...]
    seconds: tuple[tuple[int, int], ...]
    parts: int


class Placed(NamedTuple):
    """An operation in time: ready for it, the first opening that would do, the work, and the end of the wait after it."""

    operation: Operation
    ready: int
    opened: int
    start: int
    worked: int
    end: int
    way: Way
    setup: int
    seconds: int


def paced(seconds: int, pace: Fraction) -> int:
    """Working seconds at a work center of this efficiency, rounded up.

    >>> paced(60, Fraction(4, 5))
    75
    """
    return -(-seconds * pace.denominator // pace.numerator)


def ways_of(operation: Operation, held: Callable[[str], Any], *, free: bool = False) -> tuple[Way, ...]:
    """The ways of doing an operation, in the order of preference; `free` takes nobody's time, as at a partner's."""
    if operation.at is None:
        return (Way(operation, None, (), None),)
    people: tuple[tuple[Any, int], ...] = () if operation.people is None else ((held(operation.people), operation.hands),)
    found = []
    for code in (operation.at, *operation.alternatives):
        one = held(code)
        timeline = one.timeline if not people else both(one.timeline, people[0][0].timeline)
        found.append(Way(done_at(operation, code), timeline, () if free else ((one, 1), *people), one.pace))
    return tuple(found)


@lru_cache(maxsize=1024)
def done_at(operation: Operation, code: str) -> Operation:
    """The operation as it is done at one of its work centers.

    >>> done_at(Operation("cook", at="pot 1", alternatives=["pot 2"], run="1 h"), "pot 2").at
    'pot 2'
    """
    return attrs.evolve(operation, at=code, alternatives=()) if operation.alternatives else operation


@lru_cache(maxsize=256)
def both(one: Timeline, other: Timeline) -> Timeline:
    """The time in which both are open.

    >>> day, shift = Timeline.of("kettle", (0, 100), [(0, 60)]), Timeline.of("crew", (0, 100), [(40, 90)])
    >>> both(day, shift).starts, both(day, shift).ends
    ((40,), (60,))
    """
    openings, place, row = [], 0, 0
    while place < len(one.starts) and row < len(other.starts):
        start, end = max(one.starts[place], other.starts[row]), min(one.ends[place], other.ends[row])
        if start < end:
            openings.append((start, end))
        if one.ends[place] < other.ends[row]:
            place += 1
        else:
            row += 1
    span = max(one.first, other.first), min(one.last, other.last)
    longest = max((end - start for start, end in openings), default=0)
    bound = longest if one.starts and other.starts else None  # what is closed for good may open beyond the horizon
    return Timeline.of(f"{one.name} and {other.name}", span, openings, bound=bound, clock=one.clock)


def stages_of(operations: Sequence[Operation], ways: Callable[[Operation], tuple[Way, ...]], formula: Any, steps: int) -> list[Stage]:
    """The operations of a batch of so many steps."""
    share, found = formula.share(steps), []
    for operation in operations:
        parts = 1
        if operation.transfer is not None:
            parts = min(MOST_PARTS, -(-steps // formula.item.positive(operation.transfer, "transfer")))
        rows = ways(operation)
        found.append(Stage(operation, rows, tuple([way.seconds(share) for way in rows]), parts))
    return found


# one job -----------------------------------------------------------------------------------------------------------------


def first_fit(way: Way, at: int, seconds: int) -> tuple[int, int, int]:
    """The first opening that would do, and start and end of the job in the first time in which everything that it needs is free.

    Raises:
        NeverFits: (`never_fits`), BeyondHorizon: (`beyond_horizon`)
    """
    timeline, pausable = way.timeline, way.operation.pausable
    assert timeline is not None  # noqa: S101 - only work has a place
    if timeline.bound == 0 and not timeline.starts:
        raise NeverFits(timeline.name, spelled(seconds), spelled(0))
    opened = None
    while True:
        start = timeline.next_open(at) if pausable else timeline.fit(at, seconds)
        end = timeline.add(start, seconds) if pausable else start + seconds
        opened = start if opened is None else opened
        until = max((free for held, places in way.holds if (free := held.blocked(start, end, places)) is not None), default=None)
        if until is None:
            return opened, start, end
        at = until


def last_fit(way: Way, by: int, seconds: int, since: int) -> tuple[int, int] | None:
    """Start and end of the job in the last time that ends by a moment and in which everything is free; None where it began too early.

    Raises:
        NeverFits: (`never_fits`)
    """
    timeline = way.timeline
    assert timeline is not None  # noqa: S101 - only work has a place
    by = min(by, timeline.last)
    while by > since and timeline.working(by) - timeline.working(since) >= seconds:
        if way.operation.pausable:
            start = timeline.subtract(by, seconds)
            end = timeline.add(start, seconds)
        else:
            try:
                start = timeline.fit_before(by, seconds)
            except BeyondHorizon:
                return None
            end = start + seconds
        if start < since:
            return None
        until = [free for held, places in way.holds if (free := held.blocked_before(start, end, places)) is not None]
        if not until:
            return start, end
        by = min(until)
    return None


# a whole batch, as early as can be -----------------------------------------------------------------------------------------


def forward(stages: Sequence[Stage], at: int, after: After, books: Books) -> list[Placed]:
    """Place the operations as early as they can be done from a moment on, and book them.

    Raises:
        NeverFits: (`never_fits`) longer than every opening, or what comes before it has always spoilt.
        BeyondHorizon: (`beyond_horizon`)
    """
    try:
        return _forward(stages, at, after, books)
    except BeyondHorizon as problem:
        raise _always_spoilt(stages, at, after) or problem from None


class _Nobody:
    """Books in which nothing stands."""

    def mark(self) -> None:
        """Nothing to come back to."""

    def undo(self, mark: None) -> None:
        """Nothing was done."""

    def hold(self, held: Any, start: int, end: int, places: int) -> None:
        """Nobody holds anything."""


def _always_spoilt(stages: Sequence[Stage], at: int, after: After) -> NeverFits | None:
    """The first operation that can never follow the one before it in time, by the hours alone and whatever is booked."""
    free = [one._replace(ways=tuple([way._replace(holds=()) for way in one.ways])) for one in stages]
    lasting = [one._replace(ways=tuple([way._replace(operation=_lasting(way.operation)) for way in one.ways])) for one in free]
    if not _placeable(lasting, at, after):
        return None  # it is the horizon that is too near
    for number in range(1, len(stages)):
        before, now = stages[number - 1], stages[number]
        spoilt = before.operation.spoils_after
        if spoilt is not None and not _placeable([*free[: number + 1]], at, after):
            names = [way.timeline.name for one in (before, now) for way in one.ways if way.timeline is not None]
            shortest = _shortest(before, now, at, after)
            least = "" if shortest is None or shortest <= spoilt.seconds else spelled(shortest)
            hours = " and ".join(dict.fromkeys(names))
            return NeverFits(hours, spelled(spoilt.seconds), "", now.operation.name, before.operation.name, least)
    return None


def _lasting(operation: Operation) -> Operation:
    return attrs.evolve(operation, spoils_after=None)


def _placeable(stages: Sequence[Stage], at: int, after: After) -> bool:
    try:
        _forward(stages, at, after, _Nobody())
    except (BeyondHorizon, NeverFits):
        return False
    return True


def _shortest(before: Stage, now: Stage, since: int, after: After) -> int | None:
    """How long the next work waits at the least for its beginning, where each is done whole and in one way."""
    (one, *more), (other, *others) = before.ways, now.ways
    if more or others or one.timeline is None or other.timeline is None or before.parts > 1:
        return None
    found = []
    for start, end in zip(one.timeline.starts, one.timeline.ends, strict=True):
        if start >= since and (one.operation.pausable or end - start >= before.seconds[0][1]):
            ready = end if before.operation.wait is None else math.ceil(after(end, before.operation.wait))
            try:
                found.append(first_fit(other._replace(holds=()), ready, now.seconds[0][1])[1] - end)
            except BeyondHorizon:
                break
    return min(found, default=None)


def _forward(stages: Sequence[Stage], at: int, after: After, books: Books) -> list[Placed]:
    floors = [at] * len(stages)
    placed: list[Placed] = []
    marks: list[Any] = []
    while len(placed) < len(stages):
        number = len(placed)
        marks.append(books.mark())
        now = _soonest(stages, number, placed[-1] if placed else None, max(floors[number], at), after)
        before = placed[-1] if placed else None
        if before is not None and (spoilt := before.operation.spoils_after) is not None:
            wanted = now.start - spoilt.seconds
            if before.worked < wanted:
                floors[number - 1] = _later(before, wanted)
                books.undo(marks[number - 1])
                del marks[number - 1 :], placed[number - 1 :]
                continue
        _book(books, now)
        placed.append(now)
    return placed


def _book(books: Books, one: Placed) -> None:
    for held, places in one.way.holds if one.seconds else ():
        books.hold(held, one.start, one.worked, places)


def _soonest(stages: Sequence[Stage], number: int, before: Placed | None, floor: int, after: After) -> Placed:
    """The way that is done first; the preferred one of those that are done together."""
    stage, best, problem = stages[number], None, None
    operation = stage.operation
    for way, (setup, seconds) in zip(stage.ways, stage.seconds, strict=True):
        ready = floor if before is None else max(floor, _ready(stages[number - 1].parts, before, way, setup, seconds, after))
        try:
            opened, start, worked = first_fit(way, ready, seconds) if way.timeline is not None and seconds else (ready, ready, ready)
        except (NeverFits, BeyondHorizon) as found:
            problem = problem or found
            continue
        if best is None or worked < best.worked:
            end = worked if operation.wait is None else math.ceil(after(worked, operation.wait))
            best = Placed(way.operation, ready, opened, start, worked, end, way, setup, seconds)
    if best is None:
        raise problem  # type: ignore[misc]
    return best


def _ready(parts: int, before: Placed, way: Way, setup: int, seconds: int, after: After) -> int:
    """When the next operation may begin: when all is done, or so that no part is missing when its turn comes."""
    mine, theirs = way.timeline, before.way.timeline
    if parts <= 1 or mine is None or theirs is None or not before.seconds:
        return before.end
    ready, least = before.end, 0
    for part in range(1, parts + 1):
        done = theirs.add(before.start, before.setup - (-(before.seconds - before.setup) * part // parts))
        there = done if before.operation.wait is None else math.ceil(after(done, before.operation.wait))
        if part == 1:
            ready, least = there, mine.working(there)
        else:
            least = max(least, mine.working(there) - setup - (seconds - setup) * (part - 1) // parts)
    return ready if least <= mine.working(ready) else mine.latest(least)


def _later(one: Placed, end: int) -> int:
    """The earliest moment from which the job may begin so that its work ends at or after another moment."""
    timeline, seconds = one.way.timeline, one.seconds
    if timeline is None or not seconds:
        return max(end, one.start + 1)
    if one.operation.pausable:
        start = timeline.subtract(end, seconds)
        return max(one.start + 1, start if timeline.add(start, seconds) >= end else start + 1)
    return max(one.start + 1, end - seconds)


# a whole batch, as late as can be -------------------------------------------------------------------------------------------


def backward(stages: Sequence[Stage], by: int, since: int, after: After, before: After, books: Books) -> list[Placed] | None:
    """Place the operations as late as they can be done by a moment, and book them; None where they would begin before `since`.

    Raises:
        NeverFits: (`never_fits`)
    """
    last = len(stages) - 1
    ceilings: list[float] = [math.inf] * len(stages)
    placed: list[Placed] = []  # the last operation first
    marks: list[Any] = []
    while len(placed) < len(stages):
        number = last - len(placed)
        marks.append(books.mark())
        behind = placed[-1] if placed else None
        now = _latest(stages, number, behind, by, ceilings[number], since, after, before)
        if now is None:
            books.undo(marks[0])
            return None
        spoilt = now.operation.spoils_after
        if behind is not None and spoilt is not None and behind.start > now.worked + spoilt.seconds:
            ceilings[number + 1] = _sooner(behind, now.worked + spoilt.seconds)
            books.undo(marks[-2])
            del marks[-2:], placed[-1:]
            continue
        _book(books, now)
        placed.append(now)
    return placed[::-1]


def _latest(
    stages: Sequence[Stage],
    number: int,
    behind: Placed | None,
    by: int,
    ceiling: float,
    since: int,
    after: After,
    before: After,
) -> Placed | None:
    """The first way in the order of preference that is done in time."""
    stage = stages[number]
    operation, problem = stage.operation, None
    for way, (setup, seconds) in zip(stage.ways, stage.seconds, strict=True):
        wait = operation.wait
        until = _until(stage.parts, behind, way, setup, seconds, before, wait) if behind is not None else by
        if behind is None and wait is not None:
            until = math.floor(before(by, wait))
        until = int(min(until, ceiling))
        if until < since:
            continue
        try:
            slot = last_fit(way, until, seconds, since) if way.timeline is not None and seconds else (until, until)
        except NeverFits as found:
            problem = problem or found
            continue
        if slot is not None:
            end = slot[1] if wait is None else math.ceil(after(slot[1], wait))
            return Placed(way.operation, slot[0], slot[0], *slot, end, way, setup, seconds)
    if problem is not None:
        raise problem
    return None


def _until(parts: int, behind: Placed, way: Way, setup: int, seconds: int, before: After, wait: Duration | None) -> int:
    """By when the work must be done: before the next operation begins, or so that no part is missing when its turn comes."""
    mine, theirs = way.timeline, behind.way.timeline

    def waited(at: int) -> int:
        return at if wait is None else math.floor(before(at, wait))

    if parts <= 1 or mine is None or theirs is None or not behind.seconds or not seconds:
        return waited(behind.start)
    begun, latest = theirs.working(behind.start), math.inf
    for part in range(1, parts + 1):
        turn = behind.start
        if part > 1:
            turn = theirs.latest(begun + behind.setup + (behind.seconds - behind.setup) * (part - 1) // parts)
        done = setup - (-(seconds - setup) * part // parts)
        latest = min(latest, mine.working(waited(turn)) - done)
    return mine.instant(int(latest) + seconds) if latest >= 0 else mine.first


def _sooner(one: Placed, start: int) -> int:
    """The latest moment by which the job must be done so that it begins at or before another moment."""
    timeline, seconds = one.way.timeline, one.seconds
    if timeline is None or not seconds:
        return min(start, one.worked - 1)
    opening = timeline.opening(start)
    if opening is None:
        end = timeline.instant(timeline.working(start) + (seconds - 1 if one.operation.pausable else 0))
    else:
        end = timeline.add(start, seconds) if one.operation.pausable else min(start + seconds, opening[1])
    return min(end, one.worked - 1)

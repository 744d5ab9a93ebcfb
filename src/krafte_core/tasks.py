"""Tasks: when the operations of a planned batch are done, as late as a moment allows or as early as can be.

The part of the planner (`krafte_core.planner`) that books work centers. Plain operations it places itself; those that need more than
a free place it leaves to `krafte_core.placing`, as promises do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from krafte_core.batching import Batching
from krafte_core.board import Source
from krafte_core.errors import NeverFits
from krafte_core.gaps import Gaps
from krafte_core.placing import Placed, Stage, backward, forward, stages_of
from krafte_core.portions import Chain
from krafte_core.promise import spans_of
from krafte_core.recipes import Formula, Operation

Task = tuple[str, str | None, int, int, int]
"""An operation in time: its name, its work center or None, start, end of the work, end of the wait."""
SNUG = 2
"""A batch moves up to the one before it where the crack between them would be shorter than so many times the batch."""


class Tasks(Batching):
    """What the planner inherits: it takes everything back through one log."""

    _snug = SNUG

    def _place_by(self, source: Source, formula: Formula, steps: int, end: int) -> tuple[int, int, Any] | None:
        """Start, end and tasks of a batch that is done by `end`, as late as its work centers allow."""
        recipe = formula.recipe
        if source.ways:
            return self._elaborate_by(source, formula, steps, end)
        if len(source.works) == 1:
            operation, gaps, wait, fixed, run = source.works[0]
            if gaps is not None and wait is None:
                return self._place_one(operation, gaps, fixed - (-run * steps // formula.makes), end, source.materials)
        if recipe.lead_time is not None:
            return self.board.before(end, recipe.lead_time, recipe.calendar), end, ()
        at = done = end
        rows: list[Task] = []
        for work in source.works[::-1]:
            operation, gaps, wait, _, _ = work
            begun = worked = at if wait is None else self.board.before(at, wait, recipe.calendar)
            if begun < self.now:
                return None
            if gaps is not None:
                timeline, seconds = gaps.timeline, work.seconds(steps, formula.makes)
                slot = self._last(gaps, timeline.working(begun), seconds, source.materials, pausable=operation.pausable)
                if slot is None:
                    return None
                gaps.book(*slot)
                self._log.append((gaps, *slot))
                begun, worked = timeline.latest(slot[0]), timeline.instant(slot[1])
            after = worked if wait is None else self.board.later(worked, wait, recipe.calendar)
            done = done if rows else after
            rows.append((operation.name, operation.at, begun, worked, after))
            at = begun
        return at, done, tuple(rows[::-1])

    def _elaborate_by(self, source: Source, formula: Formula, steps: int, end: int) -> tuple[int, int, Any] | None:
        """The same for operations that need more than a free place at one work center; see `krafte_core.placing`."""
        board, recipe = self.board, formula.recipe
        stages = _stages(source, formula, steps)
        placed = backward(
            stages,
            end,
            self.now,
            lambda at, time: board.later(at, time, recipe.calendar),
            lambda at, time: board.before(int(at), time, recipe.calendar),
            self,
        )
        if placed is None:
            return None
        return placed[0].start, placed[-1].end, _tasks(placed)

    def hold(self, held: Gaps, start: int, end: int, places: int) -> None:
        """Take so many places of a work center."""
        first, last = held.timeline.working(start), held.timeline.working(end)
        for _ in range(places):
            held.book(first, last)
            self._log.append((held, first, last))

    def _place_one(self, operation: Operation, gaps: Gaps, seconds: int, end: int, fence: int) -> tuple[int, int, Any] | None:
        """The same for the plainest of batches: one operation and nothing after it."""
        timeline = gaps.timeline
        slot = self._last(gaps, timeline.working(end), seconds, fence, pausable=operation.pausable)
        if slot is None:
            return None
        first, last = slot
        gaps.book(first, last)
        self._log.append((gaps, first, last))
        start, worked = timeline.latest(first), timeline.instant(last)
        return start, worked, ((operation.name, operation.at, start, worked, worked),)

    def _last(self, gaps: Gaps, by: int, seconds: int, fence: int, *, pausable: bool) -> tuple[int, int] | None:
        slot = gaps.last(by, seconds)
        if slot is None:
            return None
        if not pausable:
            return gaps.whole(slot, seconds)
        if self._snug:
            before = gaps.begin(slot[0])
            if 0 < slot[0] - before < seconds * self._snug:
                timeline = gaps.timeline
                far = timeline.working(fence) if timeline.first <= fence <= timeline.last else 0
                if not before < far <= slot[0]:  # not for the price of materials that cannot be replaced
                    return before, before + seconds
        return slot

    def _place(self, source: Source, formula: Formula, steps: int, at: int) -> tuple[int, int, Any, Chain]:
        recipe, start = formula.recipe, at
        if recipe.lead_time is not None:
            end = self.board.later(at, recipe.lead_time, recipe.calendar)
            return at, end, (), (("production", source.code, at, end),)
        if source.ways:
            return self._elaborate(source, formula, steps, at)
        rows: list[Task] = []
        spans: list[tuple[str, str, float, float]] = []
        for place, work in enumerate(source.works):
            operation, gaps, wait, _, _ = work
            begun = worked = at
            if gaps is not None:
                timeline, seconds = gaps.timeline, work.seconds(steps, formula.makes)
                slot = gaps.next(timeline.working(at), seconds, pausable=operation.pausable)
                gaps.book(*slot)
                self._log.append((gaps, *slot))
                begun, worked = timeline.latest(slot[0]), timeline.instant(slot[1])
                opened = min(begun, timeline.next_open(at) if operation.pausable else timeline.fit(at, seconds))
                spans += [("closed", operation.at or "", at, opened), ("queue", operation.at or "", opened, begun)]
                spans.append(("operation", operation.name, begun, worked))
            after = worked if wait is None else self.board.later(worked, wait, recipe.calendar)
            if wait is not None:
                spans.append(("wait", operation.name, worked, after))
            rows.append((operation.name, operation.at, begun, worked, after))
            start = begun if place == 0 else start
            at = after
        return start, at, tuple(rows), tuple(span for span in spans if span[3] > span[2])

    def _elaborate(self, source: Source, formula: Formula, steps: int, at: int) -> tuple[int, int, Any, Chain]:
        board, recipe = self.board, formula.recipe
        stages = _stages(source, formula, steps)
        try:
            placed = forward(stages, at, lambda when, time: board.later(when, time, recipe.calendar), self)
        except NeverFits as reason:
            source.never[steps] = reason
            raise
        spans = spans_of([one[:6] for one in placed], at)
        return placed[0].start, placed[-1].end, _tasks(placed), tuple(spans)


def _tasks(placed: Sequence[Placed]) -> tuple[Task, ...]:
    return tuple([(one.operation.name, one.operation.at, one.start, one.worked, one.end) for one in placed])


def _stages(source: Source, formula: Formula, steps: int) -> list[Stage]:
    """The operations of a batch; one that was found to be impossible is not tried again."""
    if steps in source.never:
        raise source.never[steps].with_traceback(None)
    return stages_of(formula.recipe.operations, lambda one: source.ways[one.name], formula, steps)

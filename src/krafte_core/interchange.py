"""Interchange: one need gives way, and several that waited for the same thing are in time.

A plan places need after need. Who came first took what there was, and where something cannot be had again for weeks, one large order
may have taken what three small ones after it lack. When all are placed, those that are late are looked at once more: does one that is
in time, of the same or a lower priority, take so much of what they wait for that fewer are late without it, or all together less long?
Then the smallest of those who wait are placed first, and it comes after them. (Moore and Hodgson's rule for the fewest late jobs, one
step at a time.)

Nobody gives way to a need of lower priority, and neither the number of the late nor their days together ever grow. Whoever does not
take part keeps his date. Times are epoch seconds, amounts whole steps.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import attrs

from krafte_core.board import Source
from krafte_core.coverage import NEVER, UNPLANNED
from krafte_core.planner import Make, Planner
from krafte_core.portions import Chain
from krafte_core.recipes import Line

TRIES = 6
"""How many exchanges are tried in vain, at most, for each thing that is waited for, and how many are made."""
LOOKS = 8
"""Of how many batches, at most, it is asked whether they are still needed."""


@attrs.define(eq=False)
class Turn:
    """A need that was placed: when it is met, and what it waits for where it is late."""

    number: int
    priority: int
    source: Source
    steps: int
    due: float
    lasts: float
    at: float
    chain: Chain

    @property
    def late(self) -> float:
        """Seconds after the due date."""
        return max(0, self.at - self.due)

    @property
    def waits_for(self) -> str:
        """The item that it waits for first of all, where it is late for the want of one."""
        return self.chain[0][1] if self.late and self.chain and self.chain[0][0] in ("purchase", "supply") else ""

    @property
    def place(self) -> tuple[int, float, int]:
        """Its place in the queue."""
        return self.priority, self.due, self.number


class Exchange(NamedTuple):
    """What is to be expected if one gives way to others: how many fewer are late, and how many seconds less."""

    fewer: int
    sooner: float
    number: int
    giver: Turn
    takers: tuple[Turn, ...]


class Interchange:
    """The needs that may change places: those that are late, and those that are due before more could be had."""

    def __init__(self, planner: Planner) -> None:
        """Nobody yet."""
        self._planner = planner
        self._turns: dict[int, Turn] = {}
        self._users: dict[str, list[tuple[str, int, int, Line]]] = {}
        """Per item what it goes into, and how much of it."""
        self._batches: dict[str, list[tuple[int, int]]] = {}
        """Per item the end of each batch and its place among all."""
        self._gone: set[int] = set()
        """The places of the batches that are not made after all."""

    def placed(self, turn: Turn) -> None:
        """A need was placed."""
        if turn.at < NEVER and turn.due < NEVER:
            self._turns[turn.number] = turn

    def run(self) -> list[Turn]:
        """Let them change places; those that were placed anew."""
        moved: dict[int, Turn] = {}
        late = {turn.number: turn for turn in self._turns.values() if turn.waits_for}
        if late:
            self._look()
        for item in dict.fromkeys([turn.waits_for for turn in late.values()]):
            for _ in range(TRIES):
                found = self._once(item, [turn for turn in (late | moved).values() if turn.waits_for == item])
                moved |= {turn.number: turn for turn in found}
                if not found:
                    break
        self._drop()
        return [*moved.values()]

    def _look(self) -> None:
        """What was made, and what goes into what."""
        for place, (_, item, _, _, end, _, _, version, takes) in enumerate(self._planner.makes.bare):
            if not version and not takes:
                self._batches.setdefault(item, []).append((end, place))
        for rows in self._batches.values():
            rows.sort()
        for user in self._planner.board.sources():
            for one, numerator, denominator, line in user.inputs:
                self._users.setdefault(one.code, []).append((user.code, numerator, denominator, line))

    # who gives way to whom --------------------------------------------------------------------------------------------

    def _once(self, item: str, waiting: Sequence[Turn]) -> Sequence[Turn]:
        """The best exchange that holds what it promises; nothing if there is none."""
        if not waiting:
            return ()
        for offer in sorted(self._offers(self._planner.board.source(item), waiting), key=lambda one: one[:3], reverse=True)[:TRIES]:
            after = sorted({offer.giver, *waiting} - {*offer.takers}, key=lambda turn: turn.place)
            if self._placed_anew((*offer.takers, *after)):
                return (*offer.takers, *after)
        return ()

    def _offers(self, source: Source, waiting: Sequence[Turn]) -> Iterator[Exchange]:
        there = max(turn.chain[0][3] for turn in waiting)
        spare = max(0, source.stock.least_between(self._planner.now, int(there)))
        taken, takes = self._taken(source, there), self._taken(source, NEVER)
        share = {source.code: 1.0}
        needs = {turn.number: takes.get(turn.number) or math.ceil(turn.steps * _share(turn.source, share)) for turn in waiting}
        small = sorted(waiting, key=lambda turn: (turn.priority, needs[turn.number], turn.number))
        for number, gives in taken.items():
            giver = self._turns.get(number)
            if giver is not None and not giver.late:
                takers = _first([turn for turn in small if turn.priority <= giver.priority], needs, spare + gives)
                waits = max(0, there - giver.due)
                fewer, sooner = len(takers) - (waits > 0), sum([turn.late for turn in takers]) - waits
                if takers and fewer >= 0 and (fewer or sooner > 0):
                    yield Exchange(fewer, sooner, number, giver, takers)

    def _taken(self, source: Source, before: float) -> Mapping[int, int]:
        """How much of an item goes into batches that begin before a moment, by the need that they were planned for."""
        found: dict[int, int] = {}
        makes = self._planner.makes.bare
        for user, numerator, denominator, line in self._users.get(source.code, ()):
            for _, place in self._batches.get(user, ()):
                _, _, steps, start, _, _, reason, *_ = makes[place]
                if start < before and place not in self._gone:
                    found[reason] = found.get(reason, 0) + _input(steps, numerator, denominator, line)
        return found

    def _placed_anew(self, group: Sequence[Turn]) -> bool:
        """Take all of them out and place them in this order; False where that makes nothing better, and all is as it was."""
        mark, gone = self._planner.mark(), set(self._gone)
        if all(self._left_over(turn.source, turn.steps, int(turn.at)) for turn in group):
            found = self._again(group)
            late = [max(0, at - turn.due) for turn, (at, _) in zip(group, found, strict=False)]
            before = sum([turn.late > 0 for turn in group]), sum([turn.late for turn in group])
            after = sum([one > 0 for one in late]), sum(late)
            if len(found) == len(group) and after != before and after[0] <= before[0] and after[1] <= before[1]:
                for turn, (at, chain) in zip(group, found, strict=True):
                    turn.at, turn.chain = at, chain
                self._planner.settle()
                return True
        self._planner.undo(mark)
        self._gone = gone
        return False

    def _again(self, group: Sequence[Turn]) -> list[tuple[float, Chain]]:
        """Place them one after the other, up to the first that cannot be placed within the horizon."""
        planner, found = self._planner, list[tuple[float, Chain]]()
        for turn in group:
            planner.reason = turn.number
            try:
                found.append(planner.plan(turn.source, turn.steps, turn.due, turn.lasts))
            except UNPLANNED:
                break
        return found

    # taking out -------------------------------------------------------------------------------------------------------

    def _left_over(self, source: Source, steps: int, at: int) -> bool:
        """So much of an item is not needed from a moment on: what is made for nobody then is not made, nor what would go into it.

        False where that cannot be told: of lots that would be lost some day, of work that needs more than a free place, and of batches
        that choose what goes in or bring something besides.
        """
        if source.lots or source.ways or source.tied:
            return False
        stock, left = source.stock, steps
        self._planner.put(stock, at, steps)
        for place in self._latest(source.code, at):
            make = self._planner.makes[place]
            if make.steps <= left and stock.least(make.end) >= make.steps:
                left -= make.steps
                self._gone.add(place)
                if not self._unmade(source, make):
                    return False
        return True

    def _latest(self, item: str, at: int) -> list[int]:
        """The last batches that are there at a moment, the largest first."""
        rows = [place for end, place in self._batches.get(item, ()) if end <= at and place not in self._gone]
        return sorted(rows[: -LOOKS - 1 : -1], key=lambda place: -self._planner.makes[place].steps)

    def _unmade(self, source: Source, make: Make) -> bool:
        planner = self._planner
        planner.put(source.stock, make.end, -make.steps)
        for work, (_, _, start, worked, _) in zip(source.works, make.tasks, strict=False):  # a lead time has no tasks
            if work.gaps is not None:
                planner.release(work.gaps, work.gaps.timeline.working(start), work.gaps.timeline.working(worked))
        inputs = [(one, _input(make.steps, numerator, denominator, line)) for one, numerator, denominator, line in source.inputs]
        return all(self._left_over(one, need, make.start) for one, need in inputs)

    def _drop(self) -> None:
        """The batches of those that were placed anew are gone; the others are numbered again."""
        if self._gone:
            makes = self._planner.makes.bare
            left = [one for place, one in enumerate(makes) if place not in self._gone]
            makes[:] = [(f"make-{number}", *one[1:]) for number, one in enumerate(left, 1)]


def _input(steps: int, numerator: int, denominator: int, line: Line) -> int:
    return -(-steps * numerator // denominator) if line.rule is None else line.requirement(steps)


def _share(source: Source, known: dict[str, float]) -> float:
    """How much of what is known goes into a step of an item, stock of what lies between not counted."""
    found = known.get(source.code)
    if found is None:
        rows = [row for row in source.inputs if not row[3].from_stock]
        found = known[source.code] = sum([_share(one, known) * numerator / denominator for one, numerator, denominator, _ in rows])
    return found


def _first(turns: Sequence[Turn], needs: Mapping[int, int], free: int) -> tuple[Turn, ...]:
    """Those for whom it is enough, one after the other."""
    found = []
    for turn in turns:
        if 0 < needs[turn.number] <= free:
            free -= needs[turn.number]
            found.append(turn)
    return tuple(found)

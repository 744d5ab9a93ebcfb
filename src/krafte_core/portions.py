"""Portions: what a batch of a plan takes where that depends on the lots that are there, and what it brings besides its product.

The part of the planner (`krafte_core.planner`) for lines that are kept by content, lines that follow them, and substitutes; and for
co-products. It decides as the search of `krafte_core.scheduling` does: lots by their own content first, what else comes counts at
target content; a substitute stands in only from stock, and only where the item itself would have to be waited for.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from operator import itemgetter
from typing import Any, NamedTuple

from krafte_core.board import Board, Source
from krafte_core.charges import drawn, real_needs, sides
from krafte_core.choices import substituted
from krafte_core.coverage import NEVER
from krafte_core.projection import Projection
from krafte_core.recipes import Line
from krafte_core.roles import target

Chain = tuple[tuple[str, str, float, float], ...]
"""Steps without gaps between them: kind, name, from, until."""


class Portion(NamedTuple):
    """So many steps of an item are taken for a line, and cover so many of its need."""

    line: str
    item: str
    takes: int
    covers: int


class Portions:
    """What the planner inherits: it places, makes and buys, and takes everything back through one log."""

    board: Board
    now: int
    _log: list[tuple[Any, int, int]]

    # what the planner has -----------------------------------------------------------------------------------------------

    def mark(self) -> Any:
        """Where we are; `undo` comes back to it."""
        raise NotImplementedError

    def undo(self, mark: Any) -> None:
        """Take back everything since the mark."""
        raise NotImplementedError

    def _by(self, source: Source, steps: int, at: int, until: float = 0) -> bool:
        raise NotImplementedError

    def _get(self, source: Source, steps: int, until: float = 0) -> tuple[float, Chain]:
        raise NotImplementedError

    def _take(self, stock: Projection, at: int, steps: int) -> None:
        raise NotImplementedError

    def _from_lots(self, source: Source, steps: int, at: int, until: float) -> int:
        raise NotImplementedError

    # co-products --------------------------------------------------------------------------------------------------------

    def _besides(self, source: Source, steps: int, end: int) -> None:
        """What a batch brings besides its product."""
        for one, coming in source.besides:
            came = coming.expected(steps)
            if came:
                one.stock.put(end, came)
                self._log.append((one.stock, end, came))

    # what goes into a batch ---------------------------------------------------------------------------------------------

    def _charge_by(self, source: Source, steps: int, at: int) -> tuple[Portion, ...] | None:
        """What a batch takes that begins at a moment; None where something would not be there."""
        found, taken, inputs = list[Portion](), dict[str, Fraction](), {line.ref: one for one, _, _, line in source.inputs}
        first, after = sides(source.recipe.lines)
        for line in first:
            rows = self._line_by(inputs[line.ref], line, line.requirement(steps), at)
            if rows is None:
                return None
            found += rows
            taken |= _active(line, rows)
        needed = real_needs(source.recipe, steps, taken) if after else {}
        for line in after:
            real = needed[line.ref]
            if not self._own_by(inputs[line.ref], line, real, at):
                return None
            found.append(Portion(line.ref, line.item, real, line.requirement(steps)))
        return tuple(found)

    def _charge(self, source: Source, steps: int, good: float) -> tuple[float, Chain, tuple[Portion, ...]]:
        """What a batch takes that begins as soon as can be: from when, what that waits for, and what; lots are good until a moment."""
        found, taken, inputs = list[Portion](), dict[str, Fraction](), {line.ref: one for one, _, _, line in source.inputs}
        first, after = sides(source.recipe.lines)
        waits: list[tuple[float, Chain]] = [(self.now, ())]
        for line in first:
            at, behind, rows = self._line_get(inputs[line.ref], line, line.requirement(steps), good)
            if at == NEVER:
                return NEVER, behind, ()
            waits.append((at, behind))
            found += rows
            taken |= _active(line, rows)
        needed = real_needs(source.recipe, steps, taken) if after else {}
        for line in after:
            at, behind = self._own_get(inputs[line.ref], line, needed[line.ref], good)
            if at == NEVER:
                return NEVER, behind, ()
            waits.append((at, behind))
            found.append(Portion(line.ref, line.item, needed[line.ref], line.requirement(steps)))
        return *max(waits, key=itemgetter(0)), tuple(found)

    def plan_line(self, line: Line, source: Source, steps: int, due: float) -> tuple[float, Chain, Sequence[Portion]]:
        """The same for what a run that exists still lacks of one line, told at target content: when, what that waits for, and what."""
        mark = self.mark()
        if self.now <= due < NEVER:
            rows = self._line_by(source, line, steps, int(due))
            if rows is not None:
                return due, (), rows
            self.undo(mark)
        found = self._line_get(source, line, steps, 0)
        if found[0] == NEVER:
            self.undo(mark)
        return found

    # one line -----------------------------------------------------------------------------------------------------------

    def _line_by(self, source: Source, line: Line, need: int, at: int) -> list[Portion] | None:
        """Cover a line at a moment: its own item, by content; where that would come later, substitutes from stock besides."""
        took, covers = self._by_content(source, line, need, at, 0)
        left, mark = need - covers, self.mark()
        if self._own_by(source, line, left, at):
            return [Portion(line.ref, line.item, took + left, need)]
        self.undo(mark)
        if not line.substitutes:
            return None
        own = self._there(source, line, left, at)
        instead, left = self._instead(line, left - own, at, 0)
        if not self._own_by(source, line, left, at):
            return None
        return [Portion(line.ref, line.item, took + own + left, covers + own + left), *instead]

    def _line_get(self, source: Source, line: Line, need: int, good: float) -> tuple[float, Chain, list[Portion]]:
        """Cover a line as soon as can be; a substitute stands in where that is not now."""
        took, covers = self._by_content(source, line, need, self.now, good)
        left, mark = need - covers, self.mark()
        at, chain = self._own_get(source, line, left, good)
        if at <= self.now or not line.substitutes:
            return at, chain, [Portion(line.ref, line.item, took + left, need)]
        self.undo(mark)
        own = self._there(source, line, left, self.now)
        instead, left = self._instead(line, left - own, self.now, good)
        at, chain = self._own_get(source, line, left, good)
        return at, chain, [Portion(line.ref, line.item, took + own + left, covers + own + left), *instead]

    def _own_by(self, source: Source, line: Line, steps: int, at: int) -> bool:
        """What no lot covers is there at a moment, at target content."""
        until = NEVER if target(line) is not None else 0  # its lots were asked already
        if not steps:
            return True
        return self._from_stock(source, steps, at, until) if line.from_stock else self._by(source, steps, at, until)

    def _own_get(self, source: Source, line: Line, steps: int, good: float) -> tuple[float, Chain]:
        until = NEVER if target(line) is not None else good
        if not steps:
            return self.now, ()
        return self._only_stock(source, steps, until) if line.from_stock else self._get(source, steps, until)

    def _from_stock(self, source: Source, steps: int, at: int, until: float = 0) -> bool:
        """Take it from what is there at a moment; nothing is made or bought."""
        steps -= self._from_lots(source, steps, at, until)
        if steps and source.stock.least(at) < steps:
            return False
        self._off(source, at, steps)
        return True

    def _only_stock(self, source: Source, steps: int, until: float = 0) -> tuple[float, Chain]:
        """The same as soon as can be."""
        steps -= self._from_lots(source, steps, self.now, until)
        at = source.stock.earliest(steps, self.now) if steps else self.now
        if at is None:
            return NEVER, (("stock", source.code, self.now, NEVER),)
        self._off(source, at, steps)
        return at, (("supply", source.code, self.now, at),) if at > self.now else ()

    def _by_content(self, source: Source, line: Line, need: int, at: int, until: float) -> tuple[int, int]:
        """Take lots by their own content: steps of them, and what they cover of the need."""
        if target(line) is None:
            return 0, 0
        rows = [lot for lot in source.lots if lot.left and lot.end > max(at, until)]
        parts = drawn(line, need, [(row.lot, row.left) for row in rows])
        for row, (takes, _) in zip(rows, parts, strict=True):
            if takes:
                row.use(at, takes)
                self._log.append((row, at, takes))
        return sum([takes for takes, _ in parts]), sum([covers for _, covers in parts])

    def _there(self, source: Source, line: Line, steps: int, at: int) -> int:
        """Take of the item itself what is free at a moment."""
        took = 0 if target(line) is not None else self._from_lots(source, steps, at, 0)
        more = min(steps - took, max(0, source.stock.least(at)))
        self._off(source, at, more)
        return took + more

    def _off(self, source: Source, at: int, steps: int) -> None:
        if steps:
            self._take(source.stock, at, steps)

    def _instead(self, line: Line, left: int, at: int, until: float) -> tuple[list[Portion], int]:
        """Substitutes from stock, the preferred first; and what they do not cover."""
        others = {stand.item: self.board.source(stand.item) for stand in line.substitutes}
        last = max(at, until)
        free = {
            item: sum([lot.left for lot in other.lots if lot.end > last]) + max(0, other.stock.least(self.now))
            for item, other in others.items()
        }
        found = substituted(line, left, free)
        for item, takes, _ in found.taken:
            rest = takes - self._from_lots(others[item], takes, at, until)
            self._off(others[item], at, rest)
        return [Portion(line.ref, *row) for row in found.taken], found.missing


def _active(line: Line, rows: Sequence[Portion]) -> dict[str, Fraction]:
    """What an active line takes in all; what stands in for it counts at target content."""
    if target(line) is None:
        return {}
    return {line.ref: Fraction(sum([row.takes if row.item == line.item else row.covers for row in rows]))}

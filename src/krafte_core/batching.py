"""Batching: in how many batches of which size, and by which recipe, the planner makes what is needed.

The part of the planner (`krafte_core.planner`) between a need and its batches. Where the recipe splits freely, a need is made in as
few batches as are done by the date, and, where it cannot be met, in those that are done first.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

from krafte_core.board import Source
from krafte_core.coverage import NEVER, UNPLANNED
from krafte_core.portions import Chain, Portions
from krafte_core.recipes import Formula


class Batching(Portions):
    """What the planner inherits: it places the single batch."""

    _freely = True
    """Whether needs may be split freely: what goes into a batch is not, while ways of splitting are tried."""

    def _make_by(self, source: Source, formula: Formula, steps: int, end: int) -> bool:
        raise NotImplementedError

    def _make(self, source: Source, formula: Formula, steps: int) -> tuple[float, Chain]:
        raise NotImplementedError

    def _make_all(self, source: Source, steps: int, at: int) -> bool:
        """Batches by a moment."""
        maker, sizes = self._batches(source, steps)
        if maker is None:
            return False
        formula = maker.recipe
        if formula.freely and self._freely and source.brought is None:
            return self._split_by(maker, formula, steps, at)
        return all(self._make_by(maker, formula, size, at) for size in sizes)

    def _made_new(self, source: Source, steps: int) -> tuple[float, Chain]:
        """Batches as soon as can be: when, and what that waits for."""
        maker, sizes = self._batches(source, steps)
        if maker is None:
            return NEVER, (("missing", source.code, self.now, NEVER),)
        formula = maker.recipe
        if formula.freely and self._freely and source.brought is None:
            sizes = self._soonest(maker, formula, steps)
        return max([self._make(maker, formula, size) for size in sizes], key=itemgetter(0))

    def _batches(self, source: Source, steps: int) -> tuple[Source | None, Sequence[int]]:
        """Who makes it, or brings it besides, and the fewest batches that bring at least so much."""
        maker = self.board.maker(source, steps) if source.versions else source
        if maker is None:
            return None, ()
        if maker.formula is not None:
            return maker, (steps,) if maker.formula.recipe.batch is None else maker.formula.batches(steps)
        if source.brought is None:
            return None, ()
        maker, coming = source.brought
        return maker, maker.recipe.bringing(coming, steps)

    def _split_by(self, maker: Source, formula: Formula, steps: int, at: int) -> bool:
        """The fewest batches that are done by a moment; where none are, the fewest, and what goes into them is split freely."""
        mark = self.mark()
        for sizes in formula.ways(steps):
            if self._all_by(maker, formula, sizes, at, freely=False):
                return True
            self.undo(mark)
        return self._all_by(maker, formula, formula.batches(steps), at, freely=True)

    def _all_by(self, maker: Source, formula: Formula, sizes: Sequence[int], at: int, *, freely: bool) -> bool:
        self._freely = freely
        try:
            return all(self._make_by(maker, formula, size, at) for size in sizes)
        except UNPLANNED:
            return False  # where no way is possible, it is said when they are made as soon as can be
        finally:
            self._freely = True

    def _soonest(self, maker: Source, formula: Formula, steps: int) -> Sequence[int]:
        """The split that is done first; of several that are, the one of the fewest batches."""
        best, soonest, problem = list[int](), NEVER, None
        for sizes in formula.ways(steps):
            mark, self._freely = self.mark(), False
            try:
                ready = max([self._make(maker, formula, size)[0] for size in sizes])
                if not best or ready < soonest:
                    best, soonest = sizes, ready
            except UNPLANNED as reason:
                problem = problem or reason
            self._freely = True
            self.undo(mark)
        if problem is not None and not best:
            raise problem
        return best

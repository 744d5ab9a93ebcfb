"""The planner: places one demand after the other on the board, just in time where it can, as early as it can where it must.

A demand is first planned backward from its due date: each batch goes into the last gap that ends before it is needed, each purchase
arrives when it is needed. Where that would begin in the past, it is planned forward from now, and then everything beside the longest
chain is put just in time again.

Stock follows one rule on all levels. Up to its *fence*, the earliest moment at which an item could be bought or made anew, what is
there is all there is; beyond it, everything can be replaced. So who needs an item before the fence may take what later demands count
on (`"borrow"`), and these are re-supplied, just in time; where that is not possible, nobody takes it. With `"untouchable"` nothing
is ever taken that somebody counts on.

Times are epoch seconds, amounts whole steps. Whatever was tried is taken back through one log.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from krafte_core.board import Board, Buying, Perishable, Source
from krafte_core.coverage import NEVER
from krafte_core.gaps import Gaps
from krafte_core.portions import Chain, Portion
from krafte_core.projection import Projection
from krafte_core.recipes import Formula, Line
from krafte_core.rows import Rows
from krafte_core.tasks import SNUG, Task, Tasks

TAKING = ("borrow", "untouchable")
MOST_PARTS = 100
"""What may come in parts comes in no more than these and a rest."""
LOANS = 3
"""How many moments are tried at which something might be lent."""
PIECES = 8
"""In how many pieces what was lent is made again."""


class Make(NamedTuple):
    """A batch of the plan, with its operations in time.

    `ref` names it within the plan, `reason` is the number of the demand that it was planned for. `version` names the recipe where it
    takes its item apart, or is not the one for usual amounts; `takes` is what goes in, where that depends on the lots that are there.
    """

    ref: str
    item: str
    steps: int
    start: int
    end: int
    tasks: tuple[Task, ...]
    reason: int
    version: str = ""
    takes: tuple[Portion, ...] = ()


class Buy(NamedTuple):
    """A purchase of the plan: `needed` of `steps` were wanted when it was planned, by the demand `reason`."""

    ref: str
    item: str
    supplier: str
    needed: int
    steps: int
    order_at: int
    at: int
    reason: int


class Loan(NamedTuple):
    """So many steps were taken that somebody counts on, who is supplied again by `since`."""

    item: str
    steps: int
    since: int


class PlannedPart(NamedTuple):
    """So many steps of a need are there at a moment, and what that waited for."""

    at: float
    steps: int
    chain: Chain


Mark = tuple[int, int, int, int]


class _Released(NamedTuple):
    """A piece of a work center's time that was given back."""

    gaps: Gaps

    def back(self, first: int, last: int) -> None:
        """As if it had not been."""
        self.gaps.book(first, last)


class Planner(Tasks):
    """Plans demands on a board, one after the other.

    Args:
        board: what there is; the planner changes it.
        taking: `"borrow"` or `"untouchable"`.
    """

    def __init__(self, board: Board, *, taking: str = "borrow") -> None:
        """Nothing planned."""
        self.board = board
        self.now = board.now
        self.taking = taking
        self._makes: list[tuple[Any, ...]] = []
        self._buys: list[tuple[Any, ...]] = []
        self.loans: list[Loan] = []
        self.soonest: tuple[list[Make], list[Buy]] = [], []
        """What was made and bought when the last demand was placed as early as could be, before all beside its chain was put off."""
        self.reason = -1
        """The demand that is being planned, by its number; what is made and bought remembers it."""
        self._log: list[tuple[Any, int, int]] = []
        self._borrow = taking == "borrow"

    @property
    def makes(self) -> Rows[Make]:
        """What is made."""
        return Rows(Make, self._makes)

    @property
    def buys(self) -> Rows[Buy]:
        """What is bought."""
        return Rows(Buy, self._buys)

    # one demand -------------------------------------------------------------------------------------------------------

    def plan(self, source: Source, steps: int, due: float, until: float = 0) -> tuple[float, Chain]:
        """When so many steps are there: at `due` if that can be, else as early as can be, with the chain that it waits for.

        Args:
            source: the item; `steps`: how much, zero takes no time.
            due: when it is wanted; `NEVER` for as late as nobody minds is not a date: it is planned for as early as can be.
            until: lots must be good until then (default: when they are used).
        """
        if steps <= 0:
            return self.now, ()
        mark = self.mark()
        if self.now <= due < NEVER:
            if self._by(source, steps, int(due), until):
                return due, ()
            self.undo(mark)
            if self._tight(source, steps, int(due), until):
                return due, ()
        self.undo(mark)
        at, chain = self._soon(source, steps, until)
        self.soonest = self.makes[mark[1] :], self.buys[mark[2] :]
        if at == NEVER:
            self.undo(mark)
            return NEVER, chain
        wanted = due if at <= due < NEVER else at
        if wanted > self.now:
            self.undo(mark)
            if self._tight(source, steps, int(wanted), until):
                return wanted, () if wanted == due else chain
            self.undo(mark)
            at, chain = self._soon(source, steps, until)
        return at, () if at <= due < NEVER else chain

    def _tight(self, source: Source, steps: int, at: int, until: float) -> bool:
        """Cover a need at a moment without moving any batch up to the one before it: each is as late as it can be."""
        self._snug = 0
        try:
            return self._by(source, steps, at, until)
        finally:
            self._snug = SNUG

    def plan_parts(
        self, source: Source, steps: int, due: float, until: float, least: int, latest: float
    ) -> tuple[list[PlannedPart], int]:
        """When parts of a need are there: as much as can be on the due date, then as much as can be as soon as anything can be.

        Args:
            source, steps, due, until: as for `plan`.
            least: the smallest part, and the smallest rest.
            latest: what would come later is not wanted any more.

        Returns:
            The parts, and how much is never there.
        """
        parts, left = list[PlannedPart](), steps
        if self.now <= due < NEVER:
            took = self._most(source, left, int(due), until, least)
            parts += [PlannedPart(due, took, ())] if took else []
            left -= took
        while left > 0:
            mark = self.mark()
            wanted = left if len(parts) >= MOST_PARTS else min(least, left)
            at, chain = self._soon(source, wanted, until)
            self.undo(mark)
            if at == NEVER or at > latest:
                break
            took = self._most(source, left, int(at), until, wanted)
            if not took:  # what can be done forward cannot always be done backward
                self._soon(source, wanted, until)
                took = wanted
            parts.append(PlannedPart(at, took, chain))
            left -= took
        return parts, left

    def _most(self, source: Source, steps: int, at: int, until: float, least: int) -> int:
        """Take as much as can be there at a moment: all, or a part that is not below the least and leaves no rest below it."""
        low, high, mark = 0, steps, self.mark()
        while low < high:
            tried = high if high == steps else (low + high + 1) // 2
            fits = self._by(source, tried, at, until)
            self.undo(mark)
            low, high = (tried, high) if fits else (low, tried - 1)
        low = steps - least if steps - least < low < steps else low
        if low < least or not self._by(source, low, at, until):
            self.undo(mark)
            return 0
        return low

    def _soon(self, source: Source, steps: int, until: float) -> tuple[float, Chain]:
        """As early as can be; lots that would be too old by then are left alone."""
        while True:
            mark = self.mark()
            at, chain = self._get(source, steps, until)
            if at <= until or at == NEVER or self._keeps(mark, at):
                return at, chain
            self.undo(mark)
            until = at

    def _keeps(self, mark: Mark, at: float) -> bool:
        """Whether every lot that was used since the mark is still good at a moment."""
        return all(what.end > at for what, _, _ in self._log[mark[0] :] if isinstance(what, Perishable))

    def mark(self) -> Mark:
        """Where we are; `undo` comes back to it."""
        return len(self._log), len(self._makes), len(self._buys), len(self.loans)

    def undo(self, mark: Mark) -> None:
        """Take back everything since the mark."""
        log, length = self._log, mark[0]
        while len(log) > length:
            what, one, other = log.pop()
            what.back(one, other)
        del self._makes[mark[1] :], self._buys[mark[2] :], self.loans[mark[3] :]

    def settle(self) -> None:
        """What was planned so far will not be taken back."""
        self._log.clear()

    def put(self, stock: Projection, at: int, steps: int) -> None:
        """So much more (below zero: less) is there from a moment on."""
        if steps > 0:
            stock.put(at, steps)
        else:
            stock.take(at, -steps)
        self._log.append((stock, at, steps))

    def release(self, gaps: Gaps, first: int, last: int) -> None:
        """Give back a piece of a work center's time."""
        gaps.back(first, last)
        self._log.append((_Released(gaps), first, last))

    def ahead(self, source: Source, steps: int, at: int) -> None:
        """Make (or buy) at once what several needs from a moment on will take, as far as it is not there; else nothing."""
        lacks = steps - max(0, source.stock.least(at))
        mark = self.mark()
        if lacks > 0 and at >= self.now and not self._make_all(source, lacks, at):
            self.undo(mark)
            if source.formula is None and at >= source.soonest:
                self._buy(source, lacks, at)

    def refill(self, source: Source, minimum: int, target: int) -> None:
        """Keep an item in stock: if less than the minimum will be left of all that is there and comes, it is filled up to the target.

        What is made or bought for that is there when the stock would fall below the minimum, or as soon after it as can be.
        """
        stock, total = source.stock, source.total
        wanted, shelf = target - total, total - stock.total
        if total >= minimum:
            return
        at = next((when for when, level in stock.levels(self.now, None) if level + shelf < minimum), self.now)
        mark = self.mark()
        if self._make_all(source, wanted, at):
            return
        self.undo(mark)
        if (source.formula is not None or source.brought is not None) and source.soonest > at:
            if self._made_new(source, wanted)[0] < NEVER:
                return
            self.undo(mark)
        if source.soonest < NEVER:
            self._buy(source, wanted, max(at, int(source.soonest)))

    # backward: everything by a moment ---------------------------------------------------------------------------------

    def _by(self, source: Source, steps: int, at: int, until: float = 0) -> bool:
        """Cover a need at a moment; False leaves what was tried on the log."""
        stock = source.stock
        if source.lots:
            steps -= self._from_lots(source, steps, at, until)
        free = stock.least(at)
        if free >= steps:
            if steps:
                stock.take(at, steps)
                self._log.append((stock, at, -steps))
            return True
        if source.formula is None and source.brought is None:
            return self._buy_by(source, steps, max(0, free), at)
        mark = self.mark()
        if self._borrow and at < source.fence < NEVER:
            fence = int(source.fence)
            near = stock.least_between(at, fence)
            if near > free and self._borrow_by(source, min(steps, near), steps, at, fence):
                return True
            self.undo(mark)
        if self._make_all(source, steps - max(0, free), at):
            self._take(stock, at, steps)
            return True
        self.undo(mark)
        if source.offers and self._buy_by(source, steps, max(0, free), at):
            return True
        self.undo(mark)
        return self._borrow and stock.level(at) >= steps and self._borrow_by(source, steps, steps, at, at)

    def _borrow_by(self, source: Source, loan: int, steps: int, at: int, fence: int) -> bool:
        """Take what later demands count on, have it replaced when they need it, and make the rest."""
        stock = source.stock
        self._take(stock, at, loan)
        if not self._replaced(source, at, fence):
            return False
        if steps > loan:
            if not self._make_all(source, steps - loan, at):
                return False
            self._take(stock, at, steps - loan)
        return True

    def _replaced(self, source: Source, at: int, fence: int) -> bool:
        """Have what was taken at a moment made again: all of it by when somebody lacks it first, or each piece when it is lacking."""
        stock = source.stock
        since, lacks = stock.lack(fence)
        for _ in range(PIECES):
            if not lacks:
                return True
            if since <= at:
                return False
            mark, first = self.mark(), -stock.level(since)
            if self._make_all(source, lacks, since):
                self.loans.append(Loan(source.code, lacks, since))
                return True
            self.undo(mark)
            if not 0 < first < lacks or not self._make_all(source, first, since):
                return False
            self.loans.append(Loan(source.code, first, since))
            since, lacks = stock.lack(fence)
        return False

    def _take(self, stock: Projection, at: int, steps: int) -> None:
        stock.take(at, steps)
        self._log.append((stock, at, -steps))

    def _from_lots(self, source: Source, steps: int, at: int, until: float) -> int:
        """What comes from lots that would be lost some day, the first to be lost first."""
        wanted, last = steps, max(at, until)
        for lot in source.lots:
            if wanted and lot.left and lot.end > last:
                use = min(wanted, lot.left)
                lot.use(at, use)
                self._log.append((lot, at, use))
                wanted -= use
        return steps - wanted

    def _buy_by(self, source: Source, steps: int, free: int, at: int) -> bool:
        stock, fence = source.stock, source.soonest
        if at >= fence:
            self._buy(source, steps - free, at, steps)
            return True
        if not self._borrow or fence == NEVER or stock.least_between(at, int(fence)) < steps:
            return False
        self._take(stock, at, steps)
        since, lacks = stock.lack(int(fence))
        if lacks:
            self._buy(source, lacks, since)
            self.loans.append(Loan(source.code, lacks, since))
        return True

    def _buy(self, source: Source, needed: int, by: int, use: int = 0) -> None:
        """From the first in the list who delivers in time; so much of it is used at once."""
        for buying in source.offers:
            if buying[2] <= by:
                break
        supplier, _, soonest, least, multiple, lead = buying
        order_at, at = (by - lead, by) if lead >= 0 else self._called(source, buying, by)
        if order_at < self.now:
            order_at, at = self.now, soonest
        steps = -(-(max(least, needed)) // multiple) * multiple
        stock = source.stock
        if at < by and use:
            self._take(stock, by, use)
            use = 0
        if steps > use:
            stock.put(at, steps - use)
            self._log.append((stock, at, steps - use))
        elif steps < use:
            self._take(stock, at, use - steps)
        ref = f"buy-{len(self._buys) + 1}"
        self._buys.append((ref, source.code, supplier.code, needed, steps, order_at, at, self.reason))

    def _called(self, source: Source, buying: Buying, by: int) -> tuple[int, int]:
        """When to order what is not just a sum: as late as can be, or as soon as can be where that is too soon."""
        calling, item = self.board.calling, self.board.situation.item(source.code)
        dates = calling.latest(buying.supplier, buying.offer, item, by)
        if dates is None or dates.at > by:
            dates = calling.soonest(buying.supplier, buying.offer, item)
            assert dates is not None  # noqa: S101 - the board knows only offers that are valid
        return dates.order_at, dates.at

    def _make_by(self, source: Source, formula: Formula, steps: int, end: int) -> bool:
        placed = self._place_by(source, formula, steps, end - source.hold)
        if placed is None or placed[0] < self.now:
            return False
        start, end, tasks = placed
        end += source.hold
        takes = self._charge_by(source, steps, start) if source.choice else ()
        if takes is None:
            return False
        inputs = () if source.choice else source.inputs
        if inputs and not self._inputs_by(inputs, steps, start) and not self._inputs_by(inputs[::-1], steps, start):
            return False
        self._made(source, steps, start, end, tasks, takes)
        return True

    def _made(self, source: Source, steps: int, start: int, end: int, tasks: Any, takes: tuple[Portion, ...]) -> None:
        source.stock.put(end, steps)
        self._log.append((source.stock, end, steps))
        if source.besides:
            self._besides(source, steps, end)
        ref = f"make-{len(self._makes) + 1}"
        self._makes.append((ref, source.code, steps, start, end, tasks, self.reason, source.version, takes))

    def _inputs_by(self, inputs: tuple[tuple[Source, int, int, Line], ...], steps: int, start: int) -> bool:
        mark = self.mark()
        for one, numerator, denominator, line in inputs:
            need = -(-steps * numerator // denominator) if line.rule is None else line.requirement(steps)
            if not (self._from_stock(one, need, start) if line.from_stock else self._by(one, need, start)):
                self.undo(mark)
                return False
        return True

    # forward: as early as can be --------------------------------------------------------------------------------------

    def _get(self, source: Source, steps: int, until: float = 0) -> tuple[float, Chain]:
        """Take so many steps as soon as they are there; when, and what that waits for."""
        now, stock = self.now, source.stock
        if source.lots:
            steps -= self._from_lots(source, steps, now, until)
        if not steps:
            return now, ()
        there = stock.earliest(steps, now)
        if there == now:
            self._take(stock, now, steps)
            return now, ()
        mark = self.mark()
        lent = self._loan(source, steps, NEVER if there is None else there) if self._borrow else None
        if lent == now:
            return now, ()
        self.undo(mark)
        soon = lent if lent is not None else there
        new = self._new(source, steps)
        if new[0] < NEVER and (soon is None or new[0] <= soon):
            self._take(stock, int(new[0]), steps)
            return new
        self.undo(mark)
        if soon is None:
            return new
        if lent is None:
            self._take(stock, soon, steps)
        else:
            self._loan(source, steps, soon + 1)
        return soon, (("supply", source.code, now, soon),)

    def _loan(self, source: Source, steps: int, before: float) -> int | None:
        """Take what is there for somebody else who can be re-supplied: the first moment at which that works."""
        stock, now = source.stock, self.now
        if source.formula is None and source.brought is None:
            at = stock.earliest(steps, now, int(source.soonest)) if now < source.soonest < NEVER else None
            return at if at is not None and at < before and self._buy_by(source, steps, 0, at) else None
        tried = 0
        for at, level in stock.levels(now, None if before == NEVER else int(before)):
            if level >= steps:
                mark = self.mark()
                if self._lend(source, steps, at):
                    return at
                self.undo(mark)
                tried += 1
                if tried == LOANS:
                    break
        return None

    def _lend(self, source: Source, steps: int, at: int) -> bool:
        self._take(source.stock, at, steps)
        return self._replaced(source, at, at)

    def _new(self, source: Source, steps: int) -> tuple[float, Chain]:
        """Make or buy what is not free, whichever is there first."""
        free = max(0, source.stock.least(self.now))
        made: tuple[float, Chain] = (NEVER, (("missing", source.code, self.now, NEVER),))
        fence = source.soonest
        if source.formula is not None or source.brought is not None:
            mark = self.mark()
            made = self._made_new(source, steps - free)
            if made[0] <= fence and made[0] < NEVER:
                return made
            self.undo(mark)
        if fence == NEVER:
            return NEVER, made[1]
        self._buy(source, steps - free, int(fence))
        return fence, (("purchase", source.code, self.now, fence),)

    def _make(self, source: Source, formula: Formula, steps: int) -> tuple[float, Chain]:
        """One batch, from when its inputs are there."""
        good = 0
        while True:
            mark = self.mark()
            ready, chain = float(self.now), ()  # type: tuple[float, Chain]
            takes: tuple[Portion, ...] = ()
            if source.choice:
                ready, chain, takes = self._charge(source, steps, good)
                if ready == NEVER:
                    return NEVER, chain
            for one, numerator, denominator, line in () if source.choice else source.inputs:
                need = -(-steps * numerator // denominator) if line.rule is None else line.requirement(steps)
                at, behind = self._only_stock(one, need, good) if line.from_stock else self._get(one, need, good)
                if at == NEVER:
                    return NEVER, behind
                if at > ready:
                    ready, chain = at, behind
            start, end, tasks, spans = self._place(source, formula, steps, int(ready))
            if source.hold:
                spans = (*spans, ("inspection", source.code, end, end + source.hold))
                end += source.hold
            if start <= good or self._keeps(mark, start):
                break
            self.undo(mark)  # what would be too old by then is not for this batch
            good = start
        self._made(source, steps, start, end, tasks, takes)
        return end, (*chain, *spans)

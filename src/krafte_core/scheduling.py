"""Scheduling: by when can a need be covered, from what, and which work at which work center does it take.

One forward search per need. It takes free stock first; for the rest it compares what is already on its way, a new purchase and new
batches, and takes what is ready first. Each batch waits for its last input and then goes into the first fitting gap of its work
centers. Every node keeps what it took, so that the date can be explained and the plan can be written down.

The search is pure: it works on a `Situation` that somebody has read, and tells what it would do. Times are epoch seconds; a time
that nobody can tell is `NEVER`.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from krafte_core.allocation import Incoming
from krafte_core.busy import Busy
from krafte_core.calendars import Calendar
from krafte_core.charges import Asking, inputs_of
from krafte_core.coverage import NEVER, UNPLANNED, Batch, Cover, Extra, Purchase, Situation, Task, booked, spoils
from krafte_core.durations import Duration
from krafte_core.items import MOST_STEPS
from krafte_core.placing import forward, paced, stages_of, ways_of
from krafte_core.recipes import Coming, Formula, Operation
from krafte_core.stock import LAZY, Picked, Stocked, Taken, first, pick
from krafte_core.straight import straight
from krafte_core.supplying import EVERY_DAY, Calling, inspected, plain

_put, _drop = dict.__setitem__, dict.pop
_cover, _batch = straight(Cover), straight(Batch)


class Search:
    """A forward search over one situation; several needs asked one after the other share what is left.

    Args:
        situation: what was read.
        make: whether new batches are allowed; `buy`: whether new purchases are.
        relaxing: steps to think away, as (`"purchase"`, item) or (`"queue"`, work center): what would help?
    """

    def __init__(
        self,
        situation: Situation,
        *,
        make: bool = True,
        buy: bool = True,
        relaxing: frozenset[tuple[str, str]] = frozenset(),
    ) -> None:
        """An empty plan."""
        self.situation = situation
        self.now = situation.now
        self.today = situation.day(situation.now)
        self.make = make
        self.buy = buy
        self.freely = True
        """Whether a need may be split freely, where the recipe allows it."""
        self.relaxing = relaxing
        self.certain = True
        """Whether no other choice of material could do better."""
        self.aged = False
        """Whether a lot was left alone because it would have been too old by then."""
        self.queued = False
        """Whether different batches compete for a work center and one of them had to queue."""
        self.lacks = False
        """Whether anything had to be bought or was missing in any way that was tried."""
        self._lots: dict[str, dict[tuple[str, str], int]] = {}
        self._incoming: dict[tuple[str, str, str], int] = {}
        self._surplus: dict[str, list[Batch | Extra]] = {}
        self._busy: dict[str, Busy] = {}
        self._journal: list[tuple[Any, ...]] = []
        self._ready_new: dict[str, float] = {}
        """Per item when what was made last would have been ready: where to look first the next time."""
        self._wanted: dict[str, Any] = {}
        """Per item the first kind of need, whether there are others, and whether stock was not enough for one of them."""
        self._wanted_on: dict[Any, Any] = {}
        """Per work center the first kind of work and its batch, whether there are others of each, and whether one had to queue."""

    @property
    def proven(self) -> bool:
        """Whether nothing earlier is possible."""
        return self.certain and not self.queued

    # what is taken, and how it is put back when another way is better -------------------------------------------------

    def _rollback(self, mark: int) -> None:
        while len(self._journal) > mark:
            undo, *what = self._journal.pop()
            undo(*what)

    def _count(self, table: dict[Any, int], key: Any, steps: int) -> None:
        before = table.get(key, 0)
        table[key] = before + steps
        self._journal.append((_put, table, key, before))

    def _use(self, batch: Batch | Extra, steps: int) -> None:
        batch.left -= steps
        self._journal.append((setattr, batch, "left", batch.left + steps))

    # covering a need --------------------------------------------------------------------------------------------------

    def cover(
        self,
        item: str,
        steps: int,
        on: date | None = None,
        *,
        make: bool = True,
        by: object = None,
        places: Container[str] | None = None,
    ) -> Cover:
        """How so many steps of the item would be covered, and by when.

        Args:
            item: the item's code.
            steps: whole steps, zero or more; zero takes no time.
            on: the day on which lots must be good; default today.
            make: False takes what is there or on its way, and nothing new is made.
            by: who wants it: needs of the same kind are alike, so that it does not matter which of them comes first.
            places: only what stands at these places (a partner's), and nothing that is on its way, made or bought.
        """
        if steps <= 0:
            return Cover(item, 0, self.now)
        situation, journal = self.situation, self._journal
        rule, order = situation.picking(item)
        rows = situation.stock(item, order)
        used = self._lots.get(item)
        if used:
            rows = _not_taken(rows, used)
        within = situation.usable_places if places is None else places
        taken: Sequence[tuple[Stocked, int]]
        if rule in LAZY:
            taken, _, missing = first(rows, steps, on or self.today, within, situation.owners)
        else:
            taken, _, missing = pick(rule, rows, steps, on or self.today, usable_places=within, owners=situation.owners)
        if used is None:
            used = self._lots[item] = {}
            journal.append((_drop, self._lots, item))
            for (lot, place, _, _), took in taken:
                used[lot.code, place] = took
        else:
            for (lot, place, _, _), took in taken:
                self._count(used, (lot.code, place), took)
        found = _cover(item, steps, self.now, taken)
        wanted = self._wanted
        if item in wanted:
            self._want(item, by or found, scarce=missing > 0)
        else:
            wanted[item] = by or found, False, missing > 0
            journal.append((_drop, wanted, item))
        if missing and places is None:
            self.rest(found, missing, make=make)
        elif missing:
            found.missing, found.ready, self.lacks = missing, NEVER, True
        return found

    def rest(self, found: Cover, steps: int, *, make: bool) -> None:
        """What stock does not cover: the prefix of what is on its way, with something new for the remainder, that is ready first."""
        coming = self._coming(found.item)
        if not coming:
            found.ready = self._new(found, steps, make=make)
            return
        here, left = [float(self.now)], steps  # when each prefix is there
        for at, free, _ in coming:
            here.append(at)
            left -= free
            if left <= 0:
                break
        last = len(here) - 1
        soon, late = -1, last if left <= 0 else last + 1
        if late <= last and (here[late] <= self.now or here[late] <= self._not_before(found.item)):
            self._take_coming(found, coming, steps, make=make)
            return
        mark, tried, ready = len(self._journal), -1, NEVER
        trial = Cover(found.item, steps, self.now)
        # A longer prefix is there later and leaves less to make: find where the two meet, first where they met the last time.
        probe = min(late - 1, bisect_right(here, self._ready_new.get(found.item, NEVER)) - 1)
        while late - soon > 1:
            self._rollback(mark)
            trial, tried = Cover(found.item, steps, self.now), probe
            self._take_coming(trial, coming[:probe], steps, make=make)
            if trial.ready > here[probe]:
                soon, ready = probe, trial.ready
                late = min(late, max(soon + 1, bisect_left(here, ready)))  # what is there later cannot be sooner
            else:
                late = probe
            probe = (soon + late) // 2
        choice = late if late <= last and (soon < 0 or here[late] <= ready) else soon  # a tie uses more of what is on its way
        if tried != choice:
            self._rollback(mark)
            trial = Cover(found.item, steps, self.now)
            self._take_coming(trial, coming[:choice], steps, make=make)
        found.expected, found.made, found.bought = trial.expected, trial.made, trial.bought
        found.missing, found.ready = trial.missing, trial.ready

    def _not_before(self, item: str) -> float:
        """A new batch is not ready before an earlier one that is no larger; nor is a purchase, or it had been chosen."""
        surplus, formula = self._surplus.get(item), self.situation.formula(item)
        if not surplus or formula is None:
            return -1
        least = min(formula.batches(1))
        return max((batch.end for batch in surplus if batch.left > 0 and batch.steps <= least), default=-1)

    def _coming(self, item: str) -> list[tuple[float, int, Incoming | Batch | Extra]]:
        on_its_way, surplus = self.situation.incoming(item), self._surplus.get(item)
        if not on_its_way and not surplus:
            return []
        rows: list[tuple[float, int, Incoming | Batch | Extra]] = []
        for row in on_its_way:
            free = row.free - self._incoming.get((row.source, row.ref, row.line), 0)
            if free > 0:
                rows.append((max(row.at, self.now), free, row))
        rows += [(batch.end, batch.left, batch) for batch in surplus or () if batch.left > 0]
        return sorted(rows, key=lambda row: row[0])

    def _take_coming(self, found: Cover, coming: list[tuple[float, int, Incoming | Batch | Extra]], steps: int, *, make: bool) -> None:
        for at, free, source in coming:
            took = min(free, steps)
            if took <= 0:
                break
            if isinstance(source, Batch):
                self._use(source, took)
                found.made = [*found.made, (source, took)]
            elif isinstance(source, Extra):
                self._use(source, took)
                found.made = [*found.made, (source.batch, took)]
            else:
                self._count(self._incoming, (source.source, source.ref, source.line), took)
                found.expected = [*found.expected, (source, took)]
            found.ready = max(found.ready, at)
            steps -= took
        if steps > 0:
            found.ready = max(found.ready, self._new(found, steps, make=make))

    def _new(self, found: Cover, steps: int, *, make: bool) -> float:
        """Make it or buy it, whichever is ready first; making wins a tie."""
        formula = self.situation.formula(found.item, steps) if make and self.make else None
        purchase = self._purchase(found.item, steps) if self.buy else None
        self.lacks = self.lacks or formula is None or purchase is not None
        if formula is not None:
            mark = len(self._journal)
            sizes = self.sizes(formula, steps)
            if len(sizes) > 1 and _grow_with_need(formula):
                self.certain = False  # three smaller batches may be ready before two larger ones: more stock could delay
            batches, ready = [], float(self.now)
            for size in sizes:  # no comprehension: a frame less per level
                batches.append(self.batch(formula, size))
                ready = max(ready, batches[-1].end)
            self._ready_new[found.item] = ready
            if purchase is None or ready <= purchase.at:
                self._hand_out(found, batches, steps)
                return ready
            self._rollback(mark)
        besides = self.situation.besides(found.item) if formula is None and make and self.make else None
        if besides is not None:
            mark = len(self._journal)
            ready = self._make_for(found, steps, *besides)
            if purchase is None or ready <= purchase.at:
                return ready
            self._rollback(mark)
        if purchase is not None:
            found.bought = purchase
            return purchase.at
        found.missing = steps
        return NEVER

    def sizes(self, formula: Formula, steps: int) -> list[int]:
        """The batches in which so much is made: the fewest; of a recipe that splits freely those that are ready first.

        While its ways are tried, what goes into the batches is split at its size; or each level would multiply the ways.
        """
        if not formula.freely or not self.freely:
            return formula.batches(steps)
        best, soonest, problem, self.freely = list[int](), math.inf, None, False
        for sizes in formula.ways(steps):
            mark = len(self._journal)
            try:
                ready = max([self.batch(formula, size).end for size in sizes])
                if not best or ready < soonest:
                    best, soonest = sizes, ready
            except UNPLANNED as reason:
                problem = problem or reason
            self._rollback(mark)
            self.certain = self.certain and (len(sizes) == 1 or not _grow_with_need(formula))  # uneven ones might do better
        self.freely = True
        if problem is not None and not best:
            raise problem
        return best

    def _make_for(self, found: Cover, steps: int, formula: Formula, coming: Coming) -> float:
        """Batches of something else that bring so much of it besides; all that they bring more is free."""
        sizes = formula.bringing(coming, steps)
        self.certain, ready, before = False, float(self.now), found.made
        batches = [self.batch(formula, one) for one in sizes]
        for batch in batches:
            if formula.recipe.apart:
                batch.left = 0
            took = min(steps, coming.expected(batch.steps))
            found.made = [*found.made, (batch, took)]
            steps -= took
            ready = max(ready, batch.end)
            self._besides(batch, found.item, took)
            if batch.left:
                surplus = self._surplus.setdefault(formula.item.code, [])
                surplus.append(batch)
                self._journal.append((surplus.pop,))
        self._journal.append((setattr, found, "made", before))
        return ready

    def _besides(self, batch: Batch, item: str = "", took: int = 0) -> None:
        """What a batch brings besides is there for other needs, less what of one item is taken."""
        for coming in batch.formula.outputs:
            left = coming.expected(batch.steps) - (took if coming.item == item else 0)
            if left > 0:
                surplus = self._surplus.setdefault(coming.item, [])
                surplus.append(Extra(batch, left))
                self._journal.append((surplus.pop,))

    def _hand_out(self, found: Cover, batches: list[Batch], steps: int) -> None:
        surplus = self._surplus.setdefault(found.item, [])
        for batch in batches:
            took = min(batch.left, steps)
            self._use(batch, took)
            found.made = [*found.made, (batch, took)]
            steps -= took
            surplus.append(batch)
            self._journal.append((surplus.pop,))
            if batch.formula.outputs:
                self._besides(batch)

    def _purchase(self, item: str, steps: int) -> Purchase | None:
        known, best = self.situation.item(item), None
        for supplier, offer in self.situation.offers(item):
            order_at: float = self.now
            if ("purchase", item) in self.relaxing:
                at: float = self.now
            elif plain(supplier, offer, known):
                at = self.after(self.now, offer.lead_time, supplier.calendar)
            else:
                calling = Calling(self.now, self.situation.zone, self.situation.timeline, self.after, self.after)
                dates = calling.soonest(supplier, offer, known)
                if dates is None:
                    continue
                order_at, at = dates.order_at, dates.at
            if best is None or at < best.at:
                best = Purchase(item, supplier, offer, steps, offer.order_size(known, steps), at, order_at)
        return best

    # making ---------------------------------------------------------------------------------------------------------

    def batch(self, formula: Formula, steps: int, *, at: str | None = None, places: Container[str] | None = None) -> Batch:
        """A batch as early as its inputs and work centers allow; lots that would expire before its start are not for it.

        One that a partner makes (`at`) takes its inputs from `places`, and no time of our work centers.
        """
        on, kind = self.today, (formula.recipe.code, steps)
        while True:
            mark = len(self._journal)
            batch = _batch(formula, steps, steps, at=at)
            ready: float = self.now
            inputs = batch.inputs
            if formula.by_choice:
                wanted = [(line, line.requirement(steps)) for line in formula.lines]
                found = inputs_of(self, formula, steps, wanted, Asking(on, kind, places))
                inputs += zip(formula.lines, found, strict=True)
                ready = max([ready, *(cover.ready for cover in found)])
            for line in formula.lines if not inputs else ():
                need = -(-steps * line.numerator // line.denominator) if line.rule is None else line.requirement(steps)
                cover = self.cover(line.item, need, on, make=not line.from_stock, by=kind, places=places)
                inputs.append((line, cover))
                if cover.ready > ready:  # noqa: PLR1730 - one comparison in the loop of every need
                    ready = cover.ready
            batch.ready = ready
            if ready < NEVER:
                self._work(batch)
                used_on = self.situation.day(batch.tasks[0].start if batch.tasks else ready)
                if used_on > on and spoils(batch, used_on):
                    self._rollback(mark)
                    self.aged, on = True, used_on
                    continue
            return batch

    def usable(self, item: str, need: int, on: date, places: Container[str] | None) -> Picked:
        """The lots that may be used, in the order of the item's rule, with what is free of each; and the others, with the reason."""
        situation = self.situation
        rule, order = situation.picking(item)
        rows, used = situation.stock(item, order), self._lots.get(item)
        within = situation.usable_places if places is None else places
        found = pick(
            rule, _not_taken(rows, used) if used else rows, need if rule == "single_lot" else MOST_STEPS, on,
            usable_places=within, owners=situation.owners,
        )  # fmt: skip
        self._wanted.setdefault(item, (found, False, False))
        self._want(item, found, scarce=sum([steps for _, steps in found.taken]) < need)
        return found

    def take(self, rows: Iterable[Taken]) -> None:
        """These lots are taken by somebody."""
        for (lot, place, _, _), steps in rows:
            self._count(self._lots.setdefault(lot.item, {}), (lot.code, place), steps)

    def counts_on(self) -> list[str]:
        """The papers whose supply on its way was taken."""
        return [ref for (_, ref, _), steps in self._incoming.items() if steps] if self._incoming else []

    def busy(self, work_center: str) -> Busy:
        """The bookings of a work center, those of this search included."""
        return self._center(work_center)

    def place(self, batch: Batch) -> None:
        """Place the work of a batch that exists already, from when its inputs are there."""
        self._work(batch)

    def _work(self, batch: Batch) -> None:
        recipe, at = batch.formula.recipe, batch.ready
        if recipe.lead_time is not None:
            at = self.after(at, recipe.lead_time, recipe.calendar)
        if recipe.elaborate:
            at = self._elaborate(batch, math.ceil(at))
        elif recipe.operations:
            share = batch.formula.share(batch.steps)
            for operation in recipe.operations:
                at = self._operation(batch, operation, operation.seconds(share), at)
        batch.end = at if batch.formula.item.inspection is None else at + inspected(batch.formula.item)

    def _operation(self, batch: Batch, operation: Operation, seconds: int, at: float) -> float:
        opened = start = worked = at
        if operation.at is not None and seconds:
            center, whole = self._center(operation.at), math.ceil(at)
            if center.pace is not None:
                seconds = paced(seconds, center.pace)
            opened = start = center.opening(whole, seconds, pausable=operation.pausable)[0]
            if batch.at is not None or ("queue", operation.at) in self.relaxing:
                worked = center.opening(whole, seconds, pausable=operation.pausable)[1]
            else:
                first, last = center.first_fit(whole, seconds, pausable=operation.pausable)
                center.add(first, last)
                self._journal.append((center.remove, first, last))
                start, worked = first, last
                self._compete(operation.at, operation.name, batch, waits=start > opened)
        end = worked if operation.wait is None else self.after(worked, operation.wait, batch.formula.recipe.calendar)
        batch.tasks.append(Task(operation, at, opened, start, worked, end))
        return end

    def _elaborate(self, batch: Batch, at: int) -> float:
        """Operations that need more than a free place at one work center; see `krafte_core.placing`."""
        recipe = batch.formula.recipe
        rows = {one.name: ways_of(one, self._center, free=batch.at is not None) for one in recipe.operations}
        stages = stages_of(recipe.operations, lambda one: rows[one.name], batch.formula, batch.steps)
        for one in forward(stages, at, lambda when, time: self.after(when, time, recipe.calendar), self):
            batch.tasks.append(Task(one.operation, one.ready, one.opened, one.start, one.worked, one.end))
        chained = any(one.transfer is not None or one.spoils_after is not None for one in recipe.operations)
        if chained and any(one.alternatives for one in recipe.operations):
            self.certain = False  # what is done first there may be worse for what comes before or after it
        for operation, task in zip(recipe.operations, batch.tasks, strict=True):
            for code in operation.centers if batch.at is None else ():
                self._compete(code, operation.name, batch, waits=task.start > task.opened)
        return batch.tasks[-1].end

    def mark(self) -> int:
        """Where the search is; `undo` comes back to it."""
        return len(self._journal)

    def undo(self, mark: int) -> None:
        """Take back everything since the mark."""
        self._rollback(mark)

    def free(self, batch: Batch) -> None:
        """Give back the time that a batch takes."""
        for task in batch.tasks if batch.at is None else ():
            for row in booked(task.operation, task.start, task.worked, ""):
                center = self._center(row.work_center)
                if not center.relaxed:
                    center.remove(row.start, row.end)
                    self._journal.append((center.add, row.start, row.end))

    def hold(self, held: Busy, start: int, end: int, places: int) -> None:
        """Take so many places of a work center."""
        if not held.relaxed:
            for _ in range(places):
                held.add(start, end)
                self._journal.append((held.remove, start, end))

    def _compete(self, center: str, operation: str, batch: Batch, *, waits: bool) -> None:
        """First-fit is exact for alike batches; different ones that queue for a work center might do better in another order."""
        kind = (batch.formula.recipe.code, batch.steps, operation)
        before = self._wanted_on.get(center)
        first, one, kinds, batches, queue = before or (kind, batch, False, False, False)
        after = (first, one, kinds or kind != first, batches or batch is not one, queue or waits)
        if after != before:
            self._wanted_on[center] = after
            self._journal.append((_put, self._wanted_on, center, before))
            self.queued = self.queued or all(after[2:])

    def _want(self, item: str, kind: object, *, scarce: bool) -> None:
        """Where stock is not enough for needs of different kinds, another order of them might do better."""
        before = first, kinds, short = self._wanted[item]
        after = first, kinds or kind != first, short or scarce
        if after != before:
            self.certain = self.certain and not (after[1] and after[2])
            self._wanted[item] = after
            self._journal.append((_put, self._wanted, item, before))

    def _center(self, code: str) -> Busy:
        found = self._busy.get(code)
        if found is None:
            center = self.situation.work_center(code)
            booked = ((row.start, row.end) for row in self.situation.bookings(code))
            relaxed = ("queue", code) in self.relaxing
            timeline = self.situation.timeline(center.opening())
            found = self._busy[code] = Busy(timeline, center.capacity, booked, center.pace, code=code, relaxed=relaxed)
        return found

    def after(self, at: float, time: Duration, calendar: Calendar | None) -> float:
        """The instant so much later: elapsed time on the wall, working days on the calendar (default every day)."""
        if at == NEVER:
            return NEVER
        if time.kind == "working days":
            return self.situation.timeline(calendar or EVERY_DAY).add_days(math.ceil(at), time.days)
        return at + time.seconds


def _not_taken(rows: Iterable[Stocked], used: Mapping[tuple[str, str], int]) -> Iterator[Stocked]:
    for row in rows:
        took = used.get((row.lot.code, row.place))
        yield row._replace(allocated=row.allocated + took) if took else row


def _grow_with_need(formula: Formula) -> bool:
    """Whether the size of a batch, and with it its work, depends on how much is needed."""
    size = formula.recipe.batch
    return size is not None and size.exactly is None and any(operation.at is not None for operation in formula.recipe.operations)

"""Netting: what of an order or a run is still open, and how a search's plan becomes links, runs and bookings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import attrs

from krafte_core.allocation import LOT, QUOTED, RESERVED, RUN, Allocation, Loss, displaced, from_lot, rank, shrink, without
from krafte_core.availability import reasons
from krafte_core.charges import Choice, in_proportion
from krafte_core.charging import Charge, as_content
from krafte_core.coverage import NEVER, Batch, Booking, Cover, booked
from krafte_core.events import CoverLost, ProductionPlanned
from krafte_core.orders import CustomerOrder, OrderNeed, Quote
from krafte_core.production import COMING, ProductionOrder, between
from krafte_core.quantities import Quantity
from krafte_core.recipes import Line
from krafte_core.stock import Lot, left_for_good, line_of
from krafte_core.store import AllocationKey, SupplyKey
from krafte_core.straight import straight
from krafte_core.times import moment
from krafte_core.work import Work, arrived

_new = tuple.__new__  # half the cost of a NamedTuple's own constructor
_production, _planned = straight(ProductionOrder), straight(ProductionPlanned)


class OpenNeed(NamedTuple):
    """Steps of an item that a paper still needs and that nothing covers yet."""

    demand: str
    line: str
    item: str
    steps: int


@attrs.frozen
class Displaced:
    """Who lost supply because of a fact: an order or a production, which line, which item, and how much is open again."""

    order: str | None
    production: str | None
    line: str
    item: str
    amount: Quantity


def shipped(work: Work, order: str) -> Mapping[str, int]:
    """Steps per need that have left for the customer, less what came back for another try."""
    sums: dict[str, int] = {}
    for posting in work.reader.postings(papers=[order]):
        for move in posting.moves:
            if move.line.startswith(order + "/"):
                line = move.line[len(order) + 1 :]
                sums[line] = sums.get(line, 0) + left_for_good(posting, move)
    return sums


def open_needs(work: Work, order: CustomerOrder, links: Sequence[Allocation], *, fresh: bool = False) -> list[tuple[OrderNeed, int]]:
    """Per need the steps that are neither shipped nor linked; `fresh` says that nothing can have been."""
    if fresh and not links:
        return [(need, need.steps) for need in order.needs]
    covered: dict[str, int] = {}
    for link in links:
        covered[link.line] = covered.get(link.line, 0) + link.covers
    gone = {} if fresh else shipped(work, order.number)
    enough = {line.ref for line in order.lines if line.under is not None and gone.get(line.ref, 0) >= line.least} if gone else ()
    return [(need, 0 if need[0] in enough else need[3] - covered.get(need[0], 0) - gone.get(need[0], 0)) for need in order.needs]


def linked_runs(work: Work, numbers: Iterable[str]) -> list[tuple[ProductionOrder, str, Sequence[Allocation]]]:
    """The open runs of these numbers and behind them, level by level, each with its state and its own links."""
    found: list[tuple[ProductionOrder, str, Sequence[Allocation]]] = []
    seen: set[str] = set()
    frontier = list(dict.fromkeys(numbers))
    while frontier:
        seen.update(frontier)
        filed = work.reader.papers(frontier)
        work.known(filed.values())
        own = work.reader.links(frontier)
        work.reader.diary(frontier)
        rows = [(row.paper, work.state(row.paper), own[number]) for number, row in filed.items()]
        found += [row for row in rows if row[1] in COMING]
        frontier = [ref for ref in dict.fromkeys(link.ref for row in rows for link in row[2] if link.source == RUN) if ref not in seen]
    return found


def open_inputs(work: Work, run: ProductionOrder, links: Sequence[Allocation], *, begun: bool = False) -> list[OpenNeed]:
    """Per need of a run the steps that are not linked; of one that has begun also neither made up nor on its line."""
    if run.by_choice and not begun:
        return _open_by_choice(work, run, links, 0)
    covered: dict[str, int] = {}
    for link in links:
        covered[link.line] = covered.get(link.line, 0) + link.covers
    made, there = 0, dict[str, int]()
    if begun:
        made = max(0, arrived(work, [run]).get((run.number, run.item), 0))
        if run.by_choice:
            return _open_by_choice(work, run, links, made)
        for row in work.reader.at_place(line_of(run.number)):
            there[row.lot.item] = there.get(row.lot.item, 0) + row.on_hand
    rows = []
    for line in run.lines:
        left = between(line, made, run.steps) - covered.get(line.ref, 0)
        brought = min(max(0, left), there.get(line.item, 0))
        if brought:
            there[line.item] -= brought
        if left > brought:
            rows.append(OpenNeed(run.number, line.ref, line.item, left - brought))
    return rows


def _open_by_choice(work: Work, run: ProductionOrder, links: Sequence[Allocation], made: int) -> list[OpenNeed]:
    open_ = Charge(work, run, links).open(made)
    return [OpenNeed(run.number, line.ref, line.item, open_[line.ref]) for line in run.lines if open_[line.ref]]


class Writer:
    """Turns covers into rows: links to lots and to what is on its way, new runs with their bookings and inputs.

    Args:
        work: the command.
        firmness: of the links.
        step: the first step of new runs: `"plan"`, or `"propose"` for a quote.
    """

    def __init__(self, work: Work, firmness: str = RESERVED, step: str = "plan") -> None:
        """Nothing written."""
        self.work = work
        self.firmness = firmness
        self.step = step
        self.runs: dict[int, ProductionOrder] = {}

    def write(self, cover: Cover, demand: str, line: str, links: Sequence[Allocation] = ()) -> None:
        """Link the demand's line to everything that the cover found; what is missing or must be bought stays open."""
        work = self.work
        before: Mapping[Any, Allocation] = {link[:6]: link for link in links} if links else {}
        if cover.choice is not None:
            self._write_choice(cover, cover.choice, demand, line, before)
            return
        if before or work.changes.lots:
            for stocked, steps in cover.taken:
                row = from_lot(demand, line, stocked, steps, self.firmness)
                work.link(row, before.get(row[:6]))
                work.guard(stocked.lot)
        else:
            work.reserve(demand, ((line, cover.taken),), self.firmness)
        for supply, steps in cover.expected:
            if supply.source == LOT:  # it waits for a decision
                work.guard(work.lot(supply.item, supply.ref))
            row = Allocation(demand, line, supply.source, supply.item, supply.ref, supply.line, steps, steps, self.firmness)
            work.link(row, before.get(row[:6]))
        for batch, steps in cover.made:
            run = self._run(batch)
            if steps:
                work.link(Allocation(demand, line, RUN, cover.item, run.number, "", steps, steps, self.firmness))

    def _write_choice(self, cover: Cover, choice: Choice, demand: str, line: str, before: Mapping[Any, Allocation]) -> None:
        """Links that take other amounts than they cover: by content, in proportion, or of a substitute."""
        work = self.work
        takes = [steps for rows in (cover.taken, cover.expected, cover.made) for _, steps in rows]
        covers = [*choice.covers, *takes[len(choice.covers) :]] if choice.covers else in_proportion(choice.need, choice.real, takes)
        counts = iter(covers)
        for stocked, steps in cover.taken:
            row = from_lot(demand, line, stocked, steps, self.firmness)._replace(covers=next(counts))
            work.link(row, before.get(row[:6]))
            work.guard(stocked.lot)
        for supply, steps in cover.expected:
            row = Allocation(demand, line, supply.source, supply.item, supply.ref, supply.line, steps, next(counts), self.firmness)
            work.link(row, before.get(row[:6]))
        for batch, steps in cover.made:
            run, part = self._run(batch), next(counts)
            work.link(Allocation(demand, line, RUN, cover.item, run.number, "", steps, part, self.firmness))
        for other, _ in choice.instead:
            self._write_choice(other, other.choice, demand, line, before)

    def _run(self, batch: Batch) -> ProductionOrder:
        run = self.runs.get(id(batch))
        if run is None:
            run = self.runs[id(batch)] = self._new_run(batch)
            self._write_inputs(run.number, batch.inputs)
        return run

    def _write_inputs(self, run: str, inputs: Sequence[tuple[Line, Cover]]) -> None:
        """What a new run needs; where all of it is in stock, as nearly always, in one go."""
        taken = []
        for line, cover in inputs:
            if cover.expected or cover.made or cover.choice is not None:
                break
            taken.append((line.ref, cover.taken))
        else:
            if not self.work.changes.lots:
                self.work.reserve(run, taken, self.firmness)
                return
        for line, cover in inputs:
            self.write(cover, run, line.ref)

    def _step(self, run: ProductionOrder, batch: Batch) -> None:
        """The first step of a run, with the reasons for what stands in."""
        chosen = reasons([cover for _, cover in batch.inputs], self.work.item)
        self.work.step(run, "", self.step, details=tuple([(one.item, one.text) for one in chosen]))

    def _new_run(self, batch: Batch) -> ProductionOrder:
        work, formula = self.work, batch.formula
        item = formula.item
        number = work.number("PB")
        start = batch.tasks[0].start if batch.tasks else batch.ready
        run = _production(
            number,
            item.code,
            item.quantity(batch.steps),
            batch.steps,
            formula.recipe,
            formula.lines,
            planned_at=work.at,
            planned_start=_instant(start),
            planned_end=_instant(batch.end),
            at=batch.at,
            outputs=formula.outputs,
            by_choice=formula.by_choice,
        )
        work.file(run, new=True)
        if run.by_choice:
            self._step(run, batch)
        else:
            work.step(run, "", self.step)
        self._book(number, batch)
        work.tell(_planned(work.at, number, item.code, run.planned))
        return run

    def _book(self, number: str, batch: Batch) -> None:
        for task in batch.tasks if batch.at is None else ():
            operation = task.operation
            if operation.people is not None:
                for row in booked(operation, task.start, task.worked, number):
                    self.work.book(row)
            elif operation.at is not None and task.worked > task.start:
                self.work.book(Booking(operation.at, int(task.start), int(task.worked), number, operation.name))

    def move(self, run: ProductionOrder, batch: Batch) -> None:
        """Write down that a run which has not begun will be made at another time."""
        for booking in self.work.reader.booked_for((run.number,))[run.number]:
            self.work.unbook(booking)
        self._book(run.number, batch)
        start, end = batch.tasks[0].start if batch.tasks else batch.ready, batch.end
        self.work.file(attrs.evolve(run, planned_start=_instant(start), planned_end=_instant(end), version=run.version + 1))


def _instant(at: float) -> datetime | None:
    return None if at == NEVER else moment(int(at))


def lose(work: Work, losses: Iterable[Loss], reason: str) -> tuple[Displaced, ...]:
    """Take from links what a fact took from their supply, and tell everybody who lost."""
    rows = []
    for loss in losses:
        link = loss.allocation
        work.unlink(link, loss.takes, loss.covers)
        work.touch(link.demand)
        if not loss.covers:
            continue  # the rest of a container that was kept as a whole: nobody counted on it
        filed = work.reader.papers((link.demand,)).get(link.demand)
        paper = filed.paper if filed else None
        code = (
            next((need.item for need in paper.needs if need.line == link.line), link.item)
            if isinstance(paper, ProductionOrder)
            else link.item
        )
        amount = work.item(code).quantity(loss.covers)
        run = link.demand if isinstance(paper, ProductionOrder) else None
        rows.append(Displaced(None if run else link.demand, run, link.line, code, amount))
        work.tell(CoverLost(work.at, link.demand, link.line, code, amount, reason))
    return tuple(rows)


def squeeze(work: Work, links: Sequence[Allocation], excess: int, reason: str, same: str = "") -> tuple[Displaced, ...]:
    """Free so many steps of a supply from its links, in release order."""
    if excess <= 0:
        return ()
    ranks = demand_ranks(work, links)
    return lose(work, displaced(links, excess, lambda link: ranks[link.demand], same), reason)


def hand_over(
    work: Work, supply: SupplyKey, line: str, lot: Lot | None, place: str, steps: int, still_coming: int, reason: str
) -> tuple[Displaced, ...]:
    """Supply that was on its way has come, into a lot: its links follow, the most urgent first.

    Args:
        supply: the run or purchase, and `line` of it.
        lot: where it went, or None where nothing came; `place` where that stands.
        steps: what came, and may be linked.
        still_coming: what is still on its way afterwards; links beyond it are lost, in release order.
    """
    links = [link for link in work.reader.claims([supply])[supply] if link.place == line]
    less: tuple[Displaced, ...] = ()
    if lot is not None and lot.attributes and not still_coming:
        less, links = _anew(work, links, lot, f"{lot.item} {lot.code} covers less by its content")
    wanted = sum([link.takes for link in links])
    before = _linked_already(work, lot)
    if lot is not None and wanted <= steps:  # enough for all
        for link in links:
            demand, need, _, _, _, _, takes, covers, firmness = link
            work.unlink(link)
            row = _new(Allocation, (demand, need, LOT, lot.item, lot.code, place, takes, covers, firmness))
            if lot.attributes:
                row = _by_content(work, row, lot)
            work.link(row, before.get(row[:6]) if before else None)
            work.touch(demand)
        return less
    excess = wanted - steps - still_coming
    ranks = demand_ranks(work, links) if wanted > steps else {}
    losses = displaced(links, excess, lambda link: ranks[link.demand]) if excess > 0 else []
    rows = lose(work, losses, reason) if losses else ()
    lost = {loss.allocation[:6]: loss for loss in losses}
    for link in sorted(links, key=lambda link: (ranks[link.demand], link[:6])) if ranks else links:
        kept = without(link, lost[link[:6]]) if link[:6] in lost else link
        if kept is None or lot is None or steps <= 0:
            continue
        moved = kept if kept.takes <= steps else without(kept, shrink(kept, kept.takes - steps))
        if moved is not None:
            steps -= moved.takes
            work.unlink(link, moved.takes, moved.covers)
            row = moved._replace(source=LOT, item=lot.item, ref=lot.code, place=place)
            if lot.attributes:
                row = _by_content(work, row, lot)
            work.link(row, before.get(row[:6]))
            work.touch(link.demand)
    return less + rows


def count_again(work: Work, lot: Lot, reason: str) -> tuple[Displaced, ...]:
    """The links of a lot whose content is told anew: what is too much is free, and who is covered less is named."""
    return _anew(work, [*lot_links(work, [(lot.item, lot.code)])], lot, reason)[0]


def _anew(work: Work, links: Sequence[Allocation], lot: Lot, reason: str) -> tuple[tuple[Displaced, ...], list[Allocation]]:
    """The links as the lot's content makes them cover, and who is covered less by it."""
    real = [_by_content(work, link, lot) for link in links]
    pairs = [(link, row) for link, row in zip(links, real, strict=True) if row != link]
    return lose(work, [Loss(link, link.takes - row.takes, link.covers - row.covers) for link, row in pairs], reason), real


def _by_content(work: Work, link: Allocation, lot: Lot) -> Allocation:
    """What has come covers by its own content where the run that takes it counts on that."""
    run = work.reader.papers((link.demand,))[link.demand].paper
    return as_content(link, lot, run.lines) if isinstance(run, ProductionOrder) and run.by_choice else link


def _linked_already(work: Work, lot: Lot | None) -> Mapping[AllocationKey, Allocation]:
    """The links that a lot has from an earlier part of its run; a lot that this command writes has none."""
    if lot is None or work.changes.lot_guards.get((lot.item, lot.code)) == 0:
        return {}
    return {link[:6]: link for link in lot_links(work, [(lot.item, lot.code)])}


def demand_ranks(work: Work, links: Iterable[Allocation]) -> Mapping[str, object]:
    """The place in the queue of every demand behind links; a run stands where the most urgent order that it serves stands."""
    numbers = list(dict.fromkeys(link.demand for link in links))
    ranks: dict[str, object] = {}
    for number, row in work.reader.papers(numbers).items():
        paper = row.paper
        if isinstance(paper, CustomerOrder):
            ranks[number] = rank(paper.priority, paper.requested, paper.placed_at, number)
        else:
            due = paper.planned_start.date() if paper.planned_start else None
            claims = work.reader.claims(paper.supplies)
            served = [link for supply in paper.supplies for link in claims[supply]]
            above = demand_ranks(work, served) if served else {}
            ranks[number] = min(above.values(), default=rank(0, due, paper.planned_at, number))  # type: ignore[type-var]
    return ranks


def release_runs(work: Work, runs: Iterable[ProductionOrder], step: str, reason: str = "") -> None:
    """Take runs back that have not begun: their inputs are free again, their work centers too."""
    rows = [*runs]
    numbers = [run.number for run in rows]
    links, booked = work.reader.links(numbers), work.reader.booked_for(numbers)
    for run in rows:
        work.step(run, work.state(run), step, reason=reason)
        for link in links[run.number]:
            work.unlink(link)
        for booking in booked[run.number]:
            work.unbook(booking)


def end_quote(work: Work, quote: Quote, step: str) -> None:
    """End a quote: what it held is free again, the runs that it proposed are withdrawn."""
    links = [link for link in work.reader.links((quote.order,))[quote.order] if link.firmness == QUOTED]
    runs = [run for run, state, _ in linked_runs(work, [link.ref for link in links if link.source == RUN]) if state == "proposed"]
    for link in links:
        work.unlink(link)
    release_runs(work, runs, "withdraw")
    work.step(quote, "open", step)
    work.touch(quote.order)


def drop_expired_quotes(work: Work, items: Sequence[str]) -> bool:
    """Quotes that ran out stop counting at once: whoever next touches what they held removes them, as a decision before its own.

    Says whether there was any quote for the items, expired or not.
    """
    quotes = work.reader.open_papers("quote", items)
    if not quotes:
        return False
    rows = {row.paper.number: row for found in quotes.values() for row in found}
    late = sorted((row.paper for row in rows.values() if row.paper.until <= work.at), key=lambda quote: (quote.until, quote.number))
    if late:
        work.known(rows.values())
        for quote in late:
            end_quote(work, quote, "expire")
        work.settle()
    return True


def lot_links(work: Work, keys: Iterable[tuple[str, str]]) -> Iterator[Allocation]:
    """The links that draw on any of these lots."""
    wanted = [(LOT, item, code) for item, code in keys]
    found = work.reader.claims(wanted)
    for key in wanted:
        yield from found[key]

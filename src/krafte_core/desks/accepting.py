"""Accepting a plan: its batches become runs, its purchases purchase orders, and its pegs links that the planner may still move."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import attrs

from krafte_core.allocation import LOT, PEGGED, PURCHASE, RUN, Allocation, from_lot
from krafte_core.coverage import booked
from krafte_core.desks.replanning import choose
from krafte_core.events import Event, ProductionPlanned, PurchaseOrdered
from krafte_core.plan import Plan
from krafte_core.planner import Buy, Make
from krafte_core.production import ProductionOrder
from krafte_core.purchasing import PurchaseLine, PurchaseOrder
from krafte_core.roles import follows_contents
from krafte_core.scheduling import Search
from krafte_core.supplying import inspected
from krafte_core.times import moment
from krafte_core.work import Seen, Work


@attrs.frozen
class Accepted:
    """What was written of a plan: the numbers of the runs and of the purchase orders."""

    productions: tuple[str, ...]
    purchases: tuple[str, ...]
    events: tuple[Event, ...]


def write_plan(work: Work, plan: Plan, makes: Collection[str], buys: Collection[str]) -> Accepted:
    """Write the chosen batches and purchases of a plan, and every peg whose both ends exist then."""
    papers = {make.ref: _run(work, plan, make) for make in plan.makes if make.ref in makes}
    runs = {ref: run.number for ref, run in papers.items()}
    bought = {buy.ref: _purchase(work, buy) for buy in plan.buys if buy.ref in buys}
    _link(work, plan, papers, runs, bought)
    return Accepted(tuple(runs.values()), tuple(bought.values()), tuple(work.changes.events))


def _run(work: Work, plan: Plan, make: Make) -> ProductionOrder:
    formula = plan.made_by(make)
    run = ProductionOrder(
        work.number("PB"),
        make.item,
        formula.item.quantity(make.steps),
        make.steps,
        formula.recipe,
        formula.lines,
        planned_at=work.at,
        planned_start=moment(make.start),
        planned_end=moment(make.end),
        outputs=formula.outputs,
        by_choice=formula.by_choice,
    )
    work.file(run, new=True)
    work.step(run, "", "plan")
    for operation, start, worked, _ in plan.work_of(make):
        for row in booked(operation, start, worked, run.number):
            work.book(row)
    work.tell(ProductionPlanned(work.at, run.number, make.item, run.planned))
    return run


def _purchase(work: Work, buy: Buy) -> str:
    amount = work.item(buy.item).quantity(buy.steps)
    lines = (PurchaseLine(buy.item, amount, ref="1", given=str(amount), steps=buy.steps),)
    here = moment(buy.at - inspected(work.item(buy.item)))
    paper = PurchaseOrder(work.number("PO"), buy.supplier, lines, ordered_at=work.at, expected=here)
    work.file(paper, new=True)
    work.step(paper, "", "order")
    work.tell(PurchaseOrdered(work.at, paper.number, buy.supplier))
    return paper.number


def _link(work: Work, plan: Plan, papers: Mapping[str, ProductionOrder], runs: Mapping[str, str], bought: Mapping[str, str]) -> None:
    """The pegs as links; what comes from stock is taken from lots by the picking rule of the item.

    A run whose inputs depend on the lots that are there gets these last, as everywhere: by their content, or a substitute.
    """
    known = {demand.ref for demand in plan.demands if demand.kind in ("order", "run")}
    new = {*runs.values()}
    choosing = _choosing(work, plan, papers.values())
    following = {(run.number, line.ref) for run in choosing.values() for line in run.lines if follows_contents(line)}
    search = Search(Seen(work, ()), make=False, buy=False)
    before: dict[Any, Allocation] = {link[:6]: link for links in work.reader.links(known).values() for link in links}
    for item, steps, source, supply, supply_line, _, need, line, when in plan.pegs:
        demand = runs.get(need, need)
        if (demand not in new and demand not in known) or (demand, line) in following:
            continue
        if source == "stock":
            for stocked, took in search.cover(item, steps, work.day(when)).taken if demand not in choosing else ():
                row = from_lot(demand, line, stocked, took, PEGGED)
                work.link(row, before.get(row[:6]))
                work.guard(stocked.lot)
        else:
            number = runs.get(supply) or bought.get(supply) or (supply if source in (RUN, PURCHASE, LOT) else None)
            if number is None:
                continue  # it was not chosen
            kind = {"make": RUN, "buy": PURCHASE}.get(source, source)
            place = "1" if source == "buy" else supply_line
            if kind == LOT:
                work.guard(work.lot(item, number))
            row = Allocation(demand, line, kind, item, number, place, steps, steps, PEGGED)
            work.link(row, before.get(row[:6]))
        if demand in known:
            work.touch(demand)
    if choosing:
        work.settle()
        choose(work, [*choosing], PEGGED)


def _choosing(work: Work, plan: Plan, new: Iterable[ProductionOrder]) -> Mapping[str, ProductionOrder]:
    """The runs of the plan whose inputs depend on the lots that are there, in the order in which they begin."""
    numbers = dict.fromkeys(demand.ref for demand in plan.demands if demand.kind == "run")
    runs = [run for run in (*new, *(work.paper(ProductionOrder, number) for number in numbers)) if run.by_choice]
    return {run.number: run for run in sorted(runs, key=lambda run: (run.planned_start or work.at, run.number))}

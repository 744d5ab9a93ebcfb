"""Accepting a plan: its batches become runs, its purchases purchase orders, and its pegs links that the planner may still move."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import attrs

from krafte_core.allocation import LOT, PEGGED, PURCHASE, RUN, Allocation, from_lot
from krafte_core.coverage import booked
from krafte_core.desks.replanning import choose
from krafte_core.events import Event, ProductionPlanned, PurchaseOrdered
from krafte_core.planner import Buy, Make
from krafte_core.planning import Plan
from krafte_core.production import ProductionOrder
from krafte_core.purchasing import PurchaseLine, PurchaseOrder
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
    runs = {make.ref: _run(work, plan, make) for make in plan.makes if make.ref in makes}
    bought = {buy.ref: _purchase(work, buy) for buy in plan.buys if buy.ref in buys}
    chosen = _by_choice(work, plan, runs)
    _link(work, plan, runs, bought, chosen)
    if chosen:
        work.settle()
        choose(work, chosen, PEGGED)
    return Accepted(tuple(runs.values()), tuple(bought.values()), tuple(work.changes.events))


def _run(work: Work, plan: Plan, make: Make) -> str:
    formula = plan.formulas[make.item]
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
    for operation, start, worked, _ in make.tasks:
        for row in booked(operation, start, worked, run.number):
            work.book(row)
    work.tell(ProductionPlanned(work.at, run.number, make.item, run.planned))
    return run.number


def _purchase(work: Work, buy: Buy) -> str:
    amount = work.item(buy.item).quantity(buy.steps)
    lines = (PurchaseLine(buy.item, amount, ref="1", given=str(amount), steps=buy.steps),)
    here = moment(buy.at - inspected(work.item(buy.item)))
    paper = PurchaseOrder(work.number("PO"), buy.supplier, lines, ordered_at=work.at, expected=here)
    work.file(paper, new=True)
    work.step(paper, "", "order")
    work.tell(PurchaseOrdered(work.at, paper.number, buy.supplier))
    return paper.number


def _by_choice(work: Work, plan: Plan, runs: Mapping[str, str]) -> list[str]:
    """The runs whose lots are chosen by what is in them: a peg knows only how much, so what they take from stock is netted anew."""
    filed = work.reader.papers([demand.ref for demand in plan.demands if demand.kind == "run"])
    known = [number for number, row in filed.items() if isinstance(row.paper, ProductionOrder) and row.paper.by_choice]
    return known + [runs[make.ref] for make in plan.makes if make.ref in runs and plan.formulas[make.item].by_choice]


def _link(work: Work, plan: Plan, runs: Mapping[str, str], bought: Mapping[str, str], chosen: Collection[str]) -> None:
    """The pegs as links; what comes from stock is taken from lots by the picking rule of the item."""
    known = {demand.ref for demand in plan.demands if demand.kind in ("order", "run")}
    new = {*runs.values()}
    search = Search(Seen(work, ()), make=False, buy=False)
    before: dict[Any, Allocation] = {link[:6]: link for links in work.reader.links(known).values() for link in links}
    for item, steps, source, supply, supply_line, _, need, line, when in plan.pegs:
        demand = runs.get(need, need)
        if demand not in new and demand not in known:
            continue
        if source == "stock" and demand in chosen:
            continue
        if source == "stock":
            for stocked, took in search.cover(item, steps, work.day(when)).taken:
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

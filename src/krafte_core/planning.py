"""Planning: the whole order book at once.

A plan is a proposal: nothing is written before somebody accepts it. Demands are placed in the order of the queue (priority, then need
date, then who came first), each as `krafte_core.planner` says. What exists already, runs and purchases, stays where it is; what it
should rather do is said in messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from krafte_core.board import Board
from krafte_core.coverage import NEVER, UNPLANNED
from krafte_core.demands import KEPT, Asked, Demand, Keep, Outcome
from krafte_core.errors import KrafteError
from krafte_core.interchange import Interchange, Turn
from krafte_core.lotsizing import Window, together, windows
from krafte_core.plan import Plan
from krafte_core.planner import Planner
from krafte_core.portions import Chain, Portion
from krafte_core.promise import only_stock, unmade
from krafte_core.rows import Rows
from krafte_core.snapshot import SituationSnapshot
from krafte_core.times import moment

Progress = Callable[[int, int], object]
"""Called with how many demands are planned and how many there are; what it raises ends the planning."""
REPORT = 1000
"""Progress is told after so many demands."""


def plan_all(planner: Planner, demands: Iterable[Demand], progress: Progress | None = None, asked: Asked | None = None) -> Plan:
    """Plan demands in the order of the queue.

    Args:
        planner: on a board; what it has planned already stays.
        demands: in any order.
        progress: told now and then how far it is; to cancel, let it raise.
    """
    brought = {one.code for maker in planner.board.makers() for one, _ in maker.besides}  # which their products may bring
    queue = sorted(demands, key=lambda one: (one.kind != "run", one.rank[0], one.due, one.rank, one.item in brought, one.line))
    outcomes = Rows(Outcome, [])
    turns, how = Interchange(planner), asked or Asked(taking=planner.taking)
    ahead = _periods(queue, dict(how.cover)) if how.cover else {}
    skip = 0
    for number, demand in enumerate(queue):
        if number < skip:
            continue
        planner.reason = number
        if number in ahead:
            _ahead(planner, ahead[number])
        if demand.together or demand.least or demand.latest < NEVER:
            skip = number + 1
            while demand.together and skip < len(queue) and queue[skip].together and queue[skip].ref == demand.ref:
                skip += 1
            outcomes.bare.extend(map(tuple, _special(planner, number, queue[number:skip])))
        else:
            outcomes.bare.append(tuple(_plain(planner, number, demand, turns)))
        planner.settle()
        if progress is not None and not (number + 1) % REPORT:
            progress(number + 1, len(queue))
    for turn in turns.run() if how.taking == "borrow" else ():
        outcomes.bare[turn.number] = tuple(Outcome(turn.at, turn.chain))
    if how.cover:
        together(planner, dict(how.cover))
    planner.reason, left = KEPT, {}
    for one in how.keep:
        left[one.item] = _refill(planner, one)
    if progress is not None:
        progress(len(queue), len(queue))
    return Plan(planner, queue, outcomes, how, left)


def _plain(planner: Planner, number: int, demand: Demand, turns: Interchange) -> Outcome:
    """A need that is met in one piece, whenever that may be."""
    mark, source = planner.mark(), planner.board.source(demand.item)
    try:
        if demand.of is not None:
            return _outcome(planner, *planner.plan_line(demand.of, source, demand.steps, demand.due))
        at, chain = planner.plan(source, demand.steps, demand.due, demand.lasts)
    except UNPLANNED as problem:
        planner.undo(mark)
        return _refused(problem)
    if demand.kind != "run" and (at > demand.due or demand.due < source.fence):
        turns.placed(Turn(number, demand.rank[0], source, demand.steps, demand.due, demand.lasts, at, chain))
    return _outcome(planner, at, chain)


def _outcome(planner: Planner, at: float, chain: Chain, takes: Sequence[Portion] = ()) -> Outcome:
    return Outcome(at, chain, takes=tuple(takes)) if at < NEVER else Outcome(NEVER, chain, nobody(planner, chain), code="no_source")


def _refused(problem: KrafteError) -> Outcome:
    return Outcome(NEVER, (), str(problem), code=problem.code)


def nobody(planner: Planner, chain: Chain) -> str:
    """What cannot be had, why, and where else it comes from."""
    kind, item, *_ = chain[-1]
    if kind == "stock":
        return only_stock(item)
    makers = [one.recipe.recipe.code for one in planner.board.makers() if any(coming.item == item for _, coming in one.besides)]
    besides = f"; it only comes out besides, of {', '.join(makers)}: plan that by hand" if makers else ""
    return unmade(planner.board.situation, item) + besides


def _refill(planner: Planner, keep: Keep) -> tuple[int, int, str]:
    """What is left of an item that is kept in stock: before it is filled up, and after, and what was in the way."""
    source = planner.board.source(keep.item)
    before, mark, problem = source.total, planner.mark(), ""
    try:
        planner.refill(source, keep.minimum, keep.target)
        if before < keep.minimum and source.total < keep.target:
            problem = unmade(planner.board.situation, keep.item, keep.target - before)
    except UNPLANNED as refusal:
        planner.undo(mark)
        problem = str(refusal)
    planner.settle()
    return before, source.total, problem


def _periods(queue: Sequence[Demand], cover: Mapping[str, int]) -> Mapping[int, Window]:
    return windows([(number, one.item, one.steps, one.due) for number, one in enumerate(queue) if one.due < NEVER], cover)


def _ahead(planner: Planner, window: Window) -> None:
    mark = planner.mark()
    try:
        planner.ahead(planner.board.source(window.item), window.steps, window.at)
    except UNPLANNED:
        planner.undo(mark)  # each need says it for itself


def _special(planner: Planner, number: int, demands: Sequence[Demand]) -> list[Outcome]:
    """Needs that may be met in parts, that are not wanted any more after a moment, or all of one paper on one date."""
    mark = planner.mark()
    found = _each(planner, number, demands, None)
    if len(demands) > 1 and (last := max([one.at for one in found])) < NEVER and any(one.at < last for one in found):
        planner.undo(mark)
        found = _each(planner, number, demands, last)
    return found


def _each(planner: Planner, number: int, demands: Sequence[Demand], on: float | None) -> list[Outcome]:
    found = []
    for place, demand in enumerate(demands):
        planner.reason = number + place
        mark = planner.mark()
        try:
            outcome = _one(planner, demand if on is None else demand._replace(due=on))
        except UNPLANNED as problem:
            outcome = _refused(problem)
        if outcome.at == NEVER and not outcome.parts:
            planner.undo(mark)
        found.append(outcome)
    return found


def _one(planner: Planner, demand: Demand) -> Outcome:
    source = planner.board.source(demand.item)
    mark = planner.mark()
    at, chain = planner.plan(source, demand.steps, demand.due, demand.lasts)
    if at <= demand.due or (at <= demand.latest and at < NEVER and not demand.least):
        return Outcome(at, chain)
    why = nobody(planner, chain) if at == NEVER else f"it would be there on {moment(int(at)):%Y-%m-%d %H:%M}"
    planner.undo(mark)
    code = "no_source" if at == NEVER else ""
    if not demand.least:
        return Outcome(NEVER, (), f"{why}, and nobody wants it any more then", code=code)
    parts, left = planner.plan_parts(source, demand.steps, demand.due, demand.lasts, demand.least, demand.latest)
    if left:
        lacks = planner.board.situation.item(demand.item).quantity(left)
        return Outcome(NEVER, (), f"{lacks} of {demand.item} are missing: {why}", tuple(parts), code=code)
    return Outcome(parts[-1].at, parts[-1].chain, "", tuple(parts))


class Case(NamedTuple):
    """All that a plan is made of, as plain values: it can be planned here or in another process, with the same result."""

    snapshot: SituationSnapshot
    demands: tuple[Demand, ...]
    asked: Asked


def plan_case(case: Case, progress: Progress | None = None) -> Plan:
    """Plan a case."""
    board = Board(case.snapshot)
    for code in case.snapshot.codes:
        board.source(code)
    return plan_all(Planner(board, taking=case.asked.taking), case.demands, progress, case.asked)

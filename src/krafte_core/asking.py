"""Asking on top of a plan: when could something more be there, and why then? Every need of the plan keeps its date, and nothing stays.

>>> from krafte_core.plan import steps_of
>>> [step.waits_for for step in steps_of((("purchase", "lye", 0, 60), ("operation", "mix", 60, 90)))]
['', 'lye']
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from krafte_core.coverage import NEVER
from krafte_core.plan import Plan, steps_of
from krafte_core.planner import Buy, Loan, Make, Mark, Planner
from krafte_core.planning import nobody
from krafte_core.portions import Chain
from krafte_core.promise import RELAXABLE, Borrowed, LinePromise, Promise, Slack, Step, ToBuy, ToMake
from krafte_core.times import moment


class Want(NamedTuple):
    """So many steps of an item that somebody asks for, under the name of a line."""

    line: str
    item: str
    steps: int


class Found(NamedTuple):
    """What was tried for all wants: when each is there and what that waits for, and all that would be made and bought."""

    answers: Sequence[tuple[float, Chain]]
    makes: Sequence[Make]
    buys: Sequence[Buy]
    loans: Sequence[Loan]
    spare: Mapping[tuple[str, str], int]
    """Per purchase and batch the seconds between the earliest and the latest moment that do for the date."""

    @property
    def ready(self) -> float:
        """When the last of them is there."""
        return max((at for at, _ in self.answers), default=0)


def tried(planner: Planner, wants: Sequence[Want]) -> Found:
    """Place the wants on the board, look, and take them back."""
    mark = planner.mark()
    source = planner.board.source
    planner.reason = -1
    answers, spare = list[tuple[float, Chain]](), dict[tuple[str, str], int]()
    try:
        for want in wants:
            since = planner.mark()
            answers.append(planner.plan(source(want.item), want.steps, NEVER))
            _spare(spare, planner, since, answers[-1][1])
        return Found(answers, planner.makes[mark[1] :], planner.buys[mark[2] :], planner.loans[mark[3] :], spare)
    finally:
        planner.undo(mark)


def _spare(spare: dict[tuple[str, str], int], planner: Planner, since: Mark, chain: Chain) -> None:
    """Compare what was placed since a mark with the same as early as it can be: the first of each item with the first.

    What is on the chain has no slack, also where it may begin a little later because somebody is closed after it.
    """
    makes, buys = planner.soonest
    steps = {(name, start) for _, name, start, _ in chain}
    beside = [one for one in makes if not any((name, start) in steps for name, _, start, *_ in one.tasks)]
    first = {("production", one.item): one.start for one in sorted(beside, key=lambda one: -one.start)}
    first |= {("purchase", one.item): one.at for one in sorted(buys, key=lambda one: -one.at)}
    for make in planner.makes[since[1] :]:
        _least(spare, first, ("production", make.item), make.start)
    for buy in planner.buys[since[2] :]:
        _least(spare, first, ("purchase", buy.item), buy.at)


def _least(spare: dict[tuple[str, str], int], first: Mapping[tuple[str, str], int], key: tuple[str, str], at: int) -> None:
    if key in first:
        spare[key] = min(spare.get(key, at - first[key]), at - first[key])


def asked(
    plan: Plan,
    wants: Sequence[Want],
    *,
    arrival: Callable[[float], float],
    method: str | None,
    requested: date | None,
    zone: str,
    relax: bool = True,
) -> Promise:
    """The promise for the wants on top of a plan; `arrival` adds transit to an instant.

    Args:
        relax: whether to look for the binding step, which takes a search for every purchase and queue of the chain.
    """
    planner = plan.planner
    board, items = planner.board, plan.items
    found = tried(planner, wants)
    ready = max(found.ready, board.now)
    arrives = arrival(ready) if ready < NEVER else NEVER
    steps = _steps(found, ready, arrives, method)
    never = [chain for at, chain in found.answers if at == NEVER]
    on_chain = {(step.kind, step.name) for step in steps}
    best = _binding(planner, wants, steps, ready) if relax and ready < NEVER else None
    return Promise(
        order="",
        date=board.situation.day(arrives) if arrives < NEVER else None,
        arrival=_moment(arrives),
        requested=requested,
        critical_path=steps,
        binding=best[1] if best else None,
        slack=tuple(Slack(*key, spare) for key, spare in found.spare.items() if spare > 0 and key not in on_chain),
        lines=tuple(
            LinePromise(want.line, want.item, items[want.item].quantity(want.steps), _moment(arrival(at) if at < NEVER else NEVER))
            for want, (at, _) in zip(wants, found.answers, strict=True)
        ),
        to_buy=tuple(
            ToBuy(
                one.item,
                one.supplier,
                items[one.item].quantity(one.needed),
                items[one.item].quantity(one.steps),
                moment(one.at),
                moment(one.order_at),
            )
            for one in found.buys
        ),
        to_make=tuple(
            ToMake(one.item, items[one.item].quantity(one.steps), moment(one.start), moment(one.end), moment(one.start))
            for one in found.makes
        ),
        missing=tuple(dict.fromkeys(chain[-1][1] for chain in never)),
        problem="; ".join(dict.fromkeys(nobody(planner, chain) for chain in never)),
        proven=False,
        zone=zone,
        borrowed=tuple(_borrowed(plan, loan) for loan in found.loans),
        relaxed=_moment(arrival(best[0])) if best else None,
    )


def _borrowed(plan: Plan, loan: Loan) -> Borrowed:
    return Borrowed(loan.item, plan.counts_on(loan.item, loan.since), plan.items[loan.item].quantity(loan.steps), moment(loan.since))


def _moment(at: float) -> datetime | None:
    return None if at == NEVER else moment(int(at))


def _steps(found: Found, ready: float, arrives: float, method: str | None) -> tuple[Step, ...]:
    """The chain of the last want, and the way to the customer."""
    if ready == NEVER:
        return ()
    chain = next((chain for at, chain in found.answers if at == ready), ())
    return steps_of((*chain, ("transit", method, ready, arrives)) if method else chain)


def _binding(planner: Planner, wants: Sequence[Want], steps: Sequence[Step], ready: float) -> tuple[float, Step] | None:
    """The purchase or queue that gains most when it is thought away, and when all would be there then."""
    best: tuple[float, Step] | None = None
    for step in steps:
        if step.kind in RELAXABLE:
            with planner.board.relaxed(step.kind, step.name):
                sooner = tried(planner, wants).ready
            if sooner < ready and (best is None or sooner < best[0]):
                best = sooner, step
    return best

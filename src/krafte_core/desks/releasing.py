"""Letting go: which links a demand gives up first, and what becomes of runs whose output is not wanted any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import attrs

from krafte_core.allocation import LOT, PICKED, PURCHASE, RUN, WHOLE, Allocation
from krafte_core.charging import formula_of
from krafte_core.coverage import Batch
from krafte_core.events import ProductionCancelled, ProductionChanged
from krafte_core.netting import Writer, linked_runs, release_runs
from krafte_core.production import NOT_BEGUN, ProductionOrder
from krafte_core.scheduling import Search
from krafte_core.work import Seen, Work


class Freed(NamedTuple):
    """What a demand gave up of a supply: the link as it was, and how much of it."""

    link: Allocation
    takes: int
    covers: int


def in_release_order(work: Work, links: Iterable[Allocation]) -> list[Allocation]:
    """The links of a demand, the one that it can do without best first.

    First what is only expected, then runs that have not begun, then those that have, then lots; of each the latest first.
    What has been picked comes last.
    """
    rows = [*links]
    if len(rows) < 2:
        return rows
    papers = {number: row.paper for number, row in work.reader.papers({row.ref for row in rows if row.source != LOT}).items()}
    lots = work.reader.lots({(row.item, row.ref) for row in rows if row.source == LOT})

    def place(link: Allocation) -> tuple[Any, ...]:
        if link.source == LOT:
            lot = lots[link.item, link.ref]
            order = (lot.expires or date.max).toordinal(), lot.received_at.timestamp()
            return (4 if link.firmness == PICKED else 3, -order[0], -order[1])
        paper = papers[link.ref]
        if link.source == PURCHASE:
            return (0, -paper.expected.timestamp(), 0)
        end = paper.planned_end.timestamp() if paper.planned_end else float("inf")
        return (1 if work.state(paper) in NOT_BEGUN else 2, -end, 0)

    return sorted(sorted(rows, key=lambda link: link[:6], reverse=True), key=place)


def let_go(work: Work, links: Iterable[Allocation], excess: int) -> list[Freed]:
    """Give up so much of what the links cover, in release order."""
    freed = []
    for link in in_release_order(work, links) if excess > 0 else ():
        if excess <= 0:
            break
        covers = min(link.covers, excess)
        takes = link.takes if covers == link.covers else link.takes * covers // link.covers
        work.unlink(link, takes, covers)
        excess -= covers
        freed.append(Freed(link, takes, covers))
    return freed


def resize(work: Work, run: ProductionOrder, steps: int, reason: str = "") -> tuple[ProductionOrder, list[Freed]]:
    """A planned run makes another amount: its materials beyond the need are free, its time at the work centers is given back.

    What it lacks now is open, and when it will be made is not known: whoever resizes it nets it again or places it (`place_again`).
    """
    item = work.item(run.item)
    other = attrs.evolve(
        run, planned=item.quantity(steps), steps=steps, planned_start=None, planned_end=None, version=run.version + 1
    )  # fmt: skip
    for booking in work.reader.booked_for((run.number,))[run.number]:
        work.unbook(booking)
    by_line: dict[str, list[Allocation]] = {}
    for link in work.reader.links((run.number,))[run.number]:
        by_line.setdefault(link.line, []).append(link)
    freed = []
    for need in other.needs:
        rows = by_line.get(need.line, [])
        gone = let_go(work, rows, sum(link.covers for link in rows) - need.steps)
        freed += gone
        for kept in by_line.get(need.line + WHOLE, ()):  # what it does not need of a container that is kept as a whole stays with it
            more = sum(row.takes for row in gone if row.link[2:6] == kept[2:6])
            if more:
                work.link(kept._replace(takes=more), kept)
    work.file(other)
    work.step(run, work.state(run), "change", reason=reason, details=(("from", str(run.planned)), ("to", str(other.planned))))
    work.tell(ProductionChanged(work.at, run.number, run.item, other.planned))
    return other, freed


def place_again(work: Work, run: ProductionOrder, before: ProductionOrder) -> None:
    """A run of another size is made from when it would have begun before, at the earliest."""
    if before.planned_start is None:
        return
    formula = formula_of(work, run)
    ready = max(float(work.now), before.planned_start.timestamp())
    batch = Batch(formula, run.steps, 0, ready=ready, at=run.at)
    Search(Seen(work, work.catalogue.reach(run.item))).place(batch)
    Writer(work).move(run, batch)


def take_back(work: Work, freed: Sequence[Freed], reason: str) -> tuple[str, ...]:
    """Shrink planned runs by what somebody gave up of their output, and what they in turn give up of lower ones; the runs' numbers.

    A run of which nothing is left is cancelled. What it makes beyond its demands and its batch rule was meant for stock and stays.
    """
    queue, changed = _by_run(freed), []
    while queue:
        number, given_up = queue.popitem()
        more = _take_back_one(work, number, given_up, reason)
        if more is not None:
            changed.append(number)
            work.settle()
            for one, left in _by_run(more).items():
                for item, steps in left.items():
                    _add(queue.setdefault(one, {}), item, steps)
    return tuple(changed)


def _by_run(freed: Iterable[Freed]) -> dict[str, dict[str, int]]:
    """Per run the steps of each of its outputs that were given up."""
    sums: dict[str, dict[str, int]] = {}
    for row in freed:
        if row.link.source == RUN:
            _add(sums.setdefault(row.link.ref, {}), row.link.item, row.takes)
    return sums


def _add(sums: dict[str, int], item: str, steps: int) -> None:
    sums[item] = sums.get(item, 0) + steps


def _take_back_one(work: Work, number: str, freed: Mapping[str, int], reason: str) -> list[Freed] | None:
    rows = [row for row in linked_runs(work, [number]) if row[0].number == number]
    if not rows or rows[0][1] != "planned":
        return None
    run, _, links = rows[0]
    claims = work.reader.claims(run.supplies)
    still = {supply[1]: sum([link.takes for link in claims[supply]]) for supply in run.supplies}
    before = run.smallest({item: steps + freed.get(item, 0) for item, steps in still.items()})
    batches = formula_of(work, run).batches
    extra = max(0, run.steps - sum(batches(before)))
    wanted = batches(run.smallest(still) + extra)
    if len(wanted) > 1 or sum(wanted) >= run.steps:
        return None
    if wanted:
        smaller, more = resize(work, run, wanted[0])
        work.settle()
        place_again(work, smaller, run)
        return more
    release_runs(work, [run], "cancel", reason)
    work.tell(ProductionCancelled(work.at, number, run.item))
    return [Freed(link, link.takes, link.covers) for link in links]


def freed_runs(freed: Iterable[Freed]) -> tuple[str, ...]:
    """The runs that somebody gave up output of, each once."""
    return tuple(dict.fromkeys(row.link.ref for row in freed if row.link.source == RUN))


def together(links: Iterable[Allocation]) -> Mapping[str, list[Allocation]]:
    """The links of a demand by the ref of the need that they cover."""
    found: dict[str, list[Allocation]] = {}
    for link in links:
        found.setdefault(link.line, []).append(link)
    return found

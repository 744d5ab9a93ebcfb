"""Records: the batch record of a run, read off the books: what was planned, weighed, made, measured and decided, when and by whom.

The books are append-only, so a record that was printed can be printed again; corrections are entries of their own and show as such.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction

import attrs

from krafte_core.balances import MassBalance, mass_balance
from krafte_core.diary import Entry, lot_document
from krafte_core.items import Item
from krafte_core.ledger import Key
from krafte_core.potency import content_of
from krafte_core.production import ProductionOrder
from krafte_core.quality import Measured, readings
from krafte_core.quantities import Quantity
from krafte_core.recipes import Line
from krafte_core.stock import PRODUCTION, SCRAP, Lot, Posting
from krafte_core.trace import columns, known, net


@attrs.frozen
class Weighed:
    """What a run used of one lot: the line that it served, whose lot it was, until when it was good, and the content it told."""

    line: str
    item: str
    lot: str
    used: Quantity
    supplier: str | None
    supplier_lot: str | None
    expires: str
    content: str = ""


@attrs.frozen
class LineRecord:
    """Planned and used of one recipe line, and the difference."""

    line: str
    item: str
    planned: Quantity
    used: Quantity
    difference: Quantity


@attrs.frozen
class BatchRecord:
    """All that the books know about a run.

    Attributes:
        planned: of the product.
        made: good output.
        scrapped: output that was scrapped at once.
        yield_percent: good output in percent of what was planned, None where nothing was planned.
        lines: planned and used per recipe line; what no line asked for stands under an empty line.
        weighed: what was used of every lot.
        lots: what it made, with their disposition now.
        postings: the run's movements: kind, when it happened, when it was recorded, by whom, why.
        steps: the diary of the run and of its lots: decisions, measurements, releases.
        measured: what was measured of its lots, each value with its limits and whether it kept them.
        people: everybody who signed any of it, sorted.
        mass: what went in and out, and the process loss.
    """

    production: str
    item: str
    state: str
    planned: Quantity
    made: Quantity
    scrapped: Quantity
    yield_percent: Fraction | None
    started_at: datetime | None
    ended_at: datetime | None
    lines: tuple[LineRecord, ...]
    weighed: tuple[Weighed, ...]
    lots: tuple[Lot, ...]
    postings: tuple[tuple[str, datetime, datetime, str, str], ...]
    steps: tuple[Entry, ...]
    people: tuple[str, ...]
    mass: MassBalance
    measured: tuple[Measured, ...] = ()

    @property
    def deviations(self) -> tuple[LineRecord, ...]:
        """The lines where use differed from the plan."""
        return tuple(line for line in self.lines if not line.difference.is_zero)

    @property
    def outside(self) -> tuple[Measured, ...]:
        """The measured values that did not keep their limits."""
        return tuple(row for row in self.measured if not row.within)

    def __str__(self) -> str:
        """The record as a page."""
        made = f"planned {self.planned}, made {self.made}, scrapped {self.scrapped}"
        parts: list[tuple[str, Sequence[Sequence[object]]]] = [
            ("Lines (planned, used, difference)", [(row.line, row.item, row.planned, row.used, row.difference) for row in self.lines]),
            (
                "Lots used",
                [
                    (row.item, row.lot, row.used, row.supplier or "", row.supplier_lot or "", row.expires, row.content)
                    for row in self.weighed
                ],
            ),
            ("Lots made", [(lot.item, lot.code, lot.disposition, lot.expires or "", content_of(lot) or "") for lot in self.lots]),
            ("Movements", [(kind, at.isoformat(), by, why) for kind, at, _, by, why in self.postings]),
            ("Measured", [(row.item, row.lot, row.check, row.value, row.limits, _verdict(row), row.by) for row in self.measured]),
            (
                "Steps and decisions",
                [(row.document, row.step, row.at.isoformat(), row.by, row.reason, _details(row)) for row in self.steps],
            ),
        ]
        head = [f"Batch record {self.production}: {self.item}, {self.state}", made, f"signed by {', '.join(self.people) or 'nobody'}"]
        head.append(f"mass in {self.mass.mass_in}, out {self.mass.mass_out}, loss {self.mass.loss}")
        return "\n".join([*head, *(f"{title}:\n{columns(rows, '  ')}" if rows else f"{title}: none" for title, rows in parts)])


def _verdict(row: Measured) -> str:
    return "kept" if row.within else "NOT KEPT"


def _details(entry: Entry) -> str:
    return ", ".join(f"{name} {value}" for name, value in entry.details)


def batch_record(
    run: ProductionOrder,
    state: str,
    postings: Iterable[Posting],
    items: Mapping[str, Item],
    lots: Mapping[Key, Lot],
    diaries: Mapping[str, Sequence[Entry]],
    planned: Mapping[str, int] | None = None,
    instead: Mapping[tuple[str, str], int] | None = None,
) -> BatchRecord:
    """What the books know about a run.

    Args:
        run: the paper; `state` what its diary adds up to.
        postings: all that have the run as their paper; others do not count.
        items: at least those that it used and made.
        lots: at least those that it used and made.
        diaries: the diary of the run, and of the lots that it made (`diary.lot_document`).
        planned: steps planned per line where that depends on the lots that were used; else as the recipe says.
        instead: steps planned per (line, item) of what stood in for it.

    Raises:
        Unknown: (`unknown`) an item or a lot that is missing.
    """
    rows = [posting for posting in postings if posting.paper == run.number]
    nets = net(rows, run.number)
    product = known("item", run.item, items)
    made = {key: -steps for key, steps in nets.items() if steps < 0}
    scrapped = sum(
        (move.target == SCRAP) * move.steps - (move.source == SCRAP) * move.steps
        for posting in rows for move in posting.moves if move.item == run.item and (move.item, move.lot) in made
    )  # fmt: skip
    good = sum(steps for (item, _), steps in made.items() if item == run.item) - scrapped
    own = [*diaries.get(run.number, ()), *(entry for key in sorted(made) for entry in diaries.get(lot_document(*key), ()))]
    times = {entry.step: entry.happened for entry in diaries.get(run.number, ())}
    people = {posting.by for posting in rows} | {entry.by for entry in own}
    return BatchRecord(
        production=run.number,
        item=run.item,
        state=state,
        planned=run.planned,
        made=product.quantity(good),
        scrapped=product.quantity(scrapped),
        yield_percent=Fraction(100 * good, run.steps) if run.steps else None,
        started_at=times.get("start"),
        ended_at=times.get("complete", times.get("stop")),
        lines=tuple(_lines(run, rows, items, good + scrapped, planned or {}, instead or {})),
        weighed=tuple(_weighed(run, rows, items, lots)),
        lots=tuple(known("lot", key, lots) for key in sorted(made)),
        postings=tuple((row.kind, row.happened_at, row.recorded_at, row.by, row.reason) for row in rows),
        steps=tuple(sorted(own, key=lambda entry: entry.at)),
        people=tuple(sorted(people - {""})),
        mass=mass_balance(run.number, rows, items),
        measured=tuple(row for key in sorted(made) for row in readings(*key, diaries.get(lot_document(*key), ()))),
    )


def _served(run: ProductionOrder, rows: Iterable[Posting]) -> dict[tuple[str, str, str], int]:
    """Net steps used per (recipe line, item, lot)."""
    sums: dict[tuple[str, str, str], int] = {}
    refs = {line.ref for line in run.lines}
    for posting in rows:
        for move in posting.moves:
            sign = (move.target == PRODUCTION) - (move.source == PRODUCTION)
            ref = move.line.partition("/")[2]
            key = (ref if ref in refs else "", move.item, move.lot)
            sums[key] = sums.get(key, 0) + sign * move.steps
    return {key: steps for key, steps in sums.items() if steps > 0}


def planned_use(run: ProductionOrder, postings: Iterable[Posting]) -> dict[str, int]:
    """Steps per item that the run's own copy of the recipe asks for, for what it really made; not for a run `by_choice`.

    >>> from krafte_core.testing.samples import paper
    >>> planned_use(paper("PB-1"), ())
    {'oil': 8}
    """
    output = -sum(steps for (item, _), steps in net(postings, run.number).items() if steps < 0 and item == run.item)
    sums: dict[str, int] = {}
    for line in run.lines:
        sums[line.item] = sums.get(line.item, 0) + _asked(run, line, output)
    return sums


def _asked(run: ProductionOrder, line: Line, output: int) -> int:
    return line.requirement(run.steps if line.follows == "charge" else output)


def _lines(
    run: ProductionOrder, rows: Iterable[Posting], items: Mapping[str, Item], output: int,
    chosen: Mapping[str, int], instead: Mapping[tuple[str, str], int],
) -> Iterable[LineRecord]:  # fmt: skip
    used: dict[tuple[str, str], int] = {}
    for (ref, item, _), steps in _served(run, rows).items():
        used[ref, item] = used.get((ref, item), 0) + steps
    for line in run.lines:
        planned = chosen.get(line.ref, _asked(run, line, output))
        took = used.pop((line.ref, line.item), 0)
        quantity = known("item", line.item, items).quantity
        yield LineRecord(line.ref, line.item, quantity(planned), quantity(took), quantity(took - planned))
    for (ref, code), took in sorted(used.items()):
        quantity, stood_in = known("item", code, items).quantity, instead.get((ref, code), 0)
        yield LineRecord(ref if stood_in else "", code, quantity(stood_in), quantity(took), quantity(took - stood_in))


def _weighed(run: ProductionOrder, rows: Iterable[Posting], items: Mapping[str, Item], lots: Mapping[Key, Lot]) -> Iterable[Weighed]:
    for (ref, code, name), steps in sorted(_served(run, rows).items()):
        lot = known("lot", (code, name), lots)
        until = lot.expires.isoformat() if lot.expires else ""
        yield Weighed(
            ref, code, name, known("item", code, items).quantity(steps), lot.supplier, lot.supplier_lot, until, content_of(lot) or ""
        )

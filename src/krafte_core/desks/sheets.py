"""Sheets of a run: what is to be weighed, from which lots; and what was used and made beside what was planned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

import attrs

from krafte_core.charges import drawn, planned_needs
from krafte_core.charging import Charge
from krafte_core.ledger import REVERSE
from krafte_core.lines import Line
from krafte_core.office import Office
from krafte_core.production import ProductionOrder
from krafte_core.quantities import Quantity
from krafte_core.roles import follows_contents, target
from krafte_core.sheets import Comparison, Scaled, Sheet, compared
from krafte_core.stock import LINE, PRODUCTION, SCRAP, Lot
from krafte_core.tables import html, text
from krafte_core.work import Work


@attrs.frozen
class FromLot:
    """How much of a lot (or of a run or purchase that is to come) is taken for a line."""

    line: str
    item: str
    lot: str
    amount: Quantity


@attrs.frozen
class BatchSheet:
    """The sheet of one run: its recipe scaled to it, and the lots for every line. Print it, or show it in a notebook.

    Attributes:
        production: the run, `state`: how far it is.
        sheet: the recipe scaled to the run.
        lots: what is reserved, on its line or used, line by line.
    """

    production: str
    state: str
    sheet: Sheet
    lots: tuple[FromLot, ...]

    def _table(self) -> tuple[str, Sequence[str], list[Sequence[str]]]:
        title, head, rows = self.sheet.rows()
        told: dict[str, list[str]] = {}
        for one in self.lots:
            other = "" if one.item == one.line.partition("/")[0] else f"{one.item} "
            told.setdefault(one.line, []).append(f"{other}{one.lot}: {one.amount}")
        table: list[Sequence[str]] = [[*row, "; ".join(told.get(row[0], ()))] for row in rows]
        return f"{self.production}, {self.state}: {title}", (*head, "lots"), table

    def __str__(self) -> str:
        """A table: one line per line of the recipe, with its lots; then what comes out besides, then the work."""
        return text(*self._table())

    def _repr_html_(self) -> str:
        return html(*self._table())


class _ByLots(NamedTuple):
    """Steps planned per line, and per (line, item) of what stood in for it."""

    lines: Mapping[str, int]
    instead: Mapping[tuple[str, str], int]


class RunSheets:
    """The part of `shop.production` that prints a run."""

    def __init__(self, office: Office) -> None:
        """At this office."""
        self._office = office

    def sheet(self, production: ProductionOrder | str) -> BatchSheet:
        """The batch sheet of a run, by its own copy of the recipe: amounts, shares of the charge, and the lots for every line.

        Raises:
            Unknown: (`unknown`) no such run.

        >>> from krafte_core import Ingredient, Item, Recipe, Workshop
        >>> shop = Workshop.in_memory()
        >>> balm = Recipe("balm", makes="1 kg", ingredients=[Ingredient("shea", "70 %"), Ingredient("wax", "q.s.")])
        >>> shop.register(*(Item(name, unit="kg", step="1 g") for name in ("balm", "shea", "wax")), balm)
        >>> _ = shop.stock.receive("shea", "5 kg", lot="S-1"), shop.stock.receive("wax", "5 kg", lot="W-1")
        >>> print(shop.production.sheet(shop.production.plan("balm", "2 kg").production).sheet)
        balm: 2 kg
        line  required    %  written
        shea    1.4 kg  70%     70 %
        wax     0.6 kg  30%     q.s.
        """
        with self._office.look() as work:
            run: ProductionOrder = work.paper(ProductionOrder, production)
            links = work.reader.links((run.number,))[run.number]
            charge = Charge(work, run, links)
            covers = {line.ref: sum([link.covers for link in links if link.line == line.ref]) for line in run.lines}
            missing = {line.ref: max(0, line.requirement(run.steps) - covers[line.ref]) for line in run.lines}
            needs: Mapping[str, int] = {}
            if run.by_choice:
                needs = planned_by_lots(charge).lines if charge.used else charge.formula_needs(missing)
            lines = [Scaled(line, run.steps, needs.get(line.ref, line.requirement(run.steps))) for line in run.lines]
            rows = [(link.line, link.item, link.ref, link.takes) for link in links]
            rows += [
                (line.ref, lot.item, lot.code, steps)
                for line in run.lines for lot, steps in charge.of_line(line) if charge.first_of(lot.item) in (None, line.ref)
            ]  # fmt: skip
            rows += [(ref, *key, steps) for ref, used in charge.used.items() for key, steps in used.items() if steps]
            return BatchSheet(run.number, work.state(run), Sheet(charge.formula, run.steps, tuple(lines)), _from_lots(work, rows))

    def compare(self, production: ProductionOrder | str) -> Comparison:
        """What a run used and made beside what was planned for it, line by line; a table when it is printed.

        A line that is kept by content counts by the lots that were used, and the lines that follow it as well.

        Raises:
            Unknown: (`unknown`) no such run.

        >>> from krafte_core import Ingredient, Item, Recipe, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("oil", unit="kg"), Item("soap", unit="each"),
        ...               Recipe("soap", makes="10 each", ingredients=[Ingredient("oil", "1 kg")]))
        >>> _ = shop.stock.receive("oil", "5 kg")
        >>> print(shop.production.compare(shop.production.make("soap", "20 each", used={"oil": "2.1 kg"}).production))
        PB-...: soap, 20 each planned
        line    planned   actual  difference  of plan
        oil        2 kg   2.1 kg      0.1 kg     105%
        + soap  20 each  20 each      0 each     100%
        """
        with self._office.look() as work:
            run: ProductionOrder = work.paper(ProductionOrder, production)
            charge = Charge(work, run, ())
            planned = planned_by_lots(charge) if run.by_choice else _ByLots({}, {})
            lines = [Scaled(line, run.steps, planned.lines.get(line.ref, line.requirement(run.steps))) for line in run.lines]
            used, made = _actual(charge), _made(work, run)
            scales = [work.item(name) for name in dict.fromkeys([*used, *made]) if name in work.catalogue.items]
            instead = Counter[str]()
            for (_, name), steps in planned.instead.items():
                instead[name] += steps
            found = compared(Sheet(charge.formula, run.steps, tuple(lines)), used, made, scales, instead)
            return attrs.evolve(found, title=f"{run.number}: {run.item}, {run.planned} planned")


def _from_lots(work: Work, rows: Iterable[tuple[str, str, str, int]]) -> tuple[FromLot, ...]:
    sums: dict[tuple[str, str, str], int] = {}
    for line, item, lot, steps in rows:
        sums[line, item, lot] = sums.get((line, item, lot), 0) + steps
    return tuple([FromLot(*key, work.item(key[1]).quantity(steps)) for key, steps in sums.items() if steps])


def planned_by_lots(charge: Charge) -> _ByLots:
    """What was planned of the lines, by the lots that were used: as much as their content asks for."""
    instead: dict[tuple[str, str], int] = {}
    found: dict[str, int] = {}
    took: dict[str, Fraction] = {}
    run = charge.run
    for line in run.lines:
        rows: list[tuple[Lot, int]] = [(charge.lots[key], steps) for key, steps in charge.used.get(line.ref, {}).items()]
        need = line.requirement(run.steps)
        stand_ins = _others(line, rows)
        drawn_of = drawn(line, need, stand_ins, there=True)
        others = sum([covers for _, covers in drawn_of])
        for (lot, _), (takes, _) in zip(stand_ins, drawn_of, strict=True):
            instead[line.ref, lot.item] = instead.get((line.ref, lot.item), 0) + takes
        own = [(lot, steps) for lot, steps in rows if lot.item == line.item]
        parts = drawn(line, need - others, own, there=True)
        found[line.ref] = sum([takes for takes, _ in parts]) + need - others - sum([covers for _, covers in parts])
        if target(line) is not None:
            took[line.ref] = Fraction(sum([steps for _, steps in rows]) or need)
    following = planned_needs(charge.formula, run.steps, took)
    return _ByLots(found | {line.ref: following[line.ref] for line in run.lines if follows_contents(line)}, instead)


def _others(line: Line, rows: Iterable[tuple[Lot, int]]) -> list[tuple[Lot, int]]:
    return [(lot, steps) for lot, steps in rows if lot.item != line.item]


def _actual(charge: Charge) -> dict[str, int]:
    """Steps used per line of the recipe; of other items by their code."""
    lines = {line.ref: line.item for line in charge.run.lines}
    sums: dict[str, int] = {}
    for ref, used in charge.used.items():
        for (item, _), steps in used.items():
            name = ref if lines.get(ref) == item else item
            sums[name] = sums.get(name, 0) + steps
    return sums


def _made(work: Work, run: ProductionOrder) -> dict[str, int]:
    """Steps that came out per item and were not scrapped by the run, less what was taken back."""
    sums: dict[str, int] = {}
    for posting in work.reader.postings(papers=[run.number]):
        for item, _, steps, source, to, _ in posting.moves if posting.paper == run.number else ():
            if source == PRODUCTION and posting.kind == "make":
                sums[item] = sums.get(item, 0) + steps
            elif (to == PRODUCTION and posting.kind == REVERSE) or (to == SCRAP and item in sums and not source.startswith(LINE)):
                sums[item] = sums.get(item, 0) - steps
    return sums

"""Charging: what a run takes whose lines depend on the lots that are there (see `krafte_core.charges`), read off the books."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from krafte_core.allocation import LOT, Allocation
from krafte_core.charges import Asking, drawn, in_proportion, inputs_of, planned_needs, worth
from krafte_core.coverage import Cover
from krafte_core.ledger import REVERSE
from krafte_core.production import ProductionOrder, between
from krafte_core.recipes import Formula, Line
from krafte_core.roles import follows_contents, target
from krafte_core.scheduling import Search
from krafte_core.stock import PRODUCTION, Lot, line_of
from krafte_core.work import Work


def formula_of(work: Work, run: ProductionOrder) -> Formula:
    """The run's own copy of the recipe, compiled."""
    item = work.item(run.item)
    return Formula(run.recipe, item, item.positive(run.recipe.makes), run.lines, run.outputs, by_choice=run.by_choice)


class Charge:
    """What a run by choice has used, what lies on its line, what is reserved for it, and what each of them covers.

    Args:
        work: the command.
        run: the run; `links` its links.
    """

    def __init__(self, work: Work, run: ProductionOrder, links: Sequence[Allocation]) -> None:
        self.run = run
        self.formula = formula_of(work, run)
        self.links = links
        self.used = _used(work, run)
        self.on_line = [(row.lot, row.on_hand) for row in work.reader.at_place(line_of(run.number))]
        keys = {key for rows in self.used.values() for key in rows} | {(link.item, link.ref) for link in links if link.source == LOT}
        self.lots: Mapping[tuple[str, str], Lot] = work.reader.lots(keys)

    def of_line(self, line: Line) -> list[tuple[Lot, int]]:
        """What lies on the run's line and serves this one of the recipe: its own item, then its substitutes."""
        names = [line.item, *(stand.item for stand in line.substitutes)]
        own = {one.item for one in self.formula.lines if one is not line}
        rows = [(lot, steps) for lot, steps in self.on_line if lot.item in names and (lot.item == line.item or lot.item not in own)]
        return sorted(rows, key=lambda row: names.index(row[0].item))

    def had(self) -> dict[str, int]:
        """Steps that each line takes already: used, on the line, or reserved."""
        sums: dict[str, int] = {}
        for line in self.formula.lines:
            sums[line.ref] = sum(self.used.get(line.ref, {}).values())
            sums[line.ref] += sum([steps for _, steps in self.of_line(line)])
            sums[line.ref] += sum([link.takes for link in self.links if link.line == line.ref])
        return sums

    def active(self, missing: Mapping[str, int]) -> dict[str, Fraction]:
        """Steps that each active line takes in all, what is `missing` still at target content."""
        had = self.had()
        return {line.ref: Fraction(had[line.ref] + missing[line.ref]) for line in self.formula.lines if target(line) is not None}

    def open(self, made: int) -> dict[str, int]:
        """Steps per line that the rest of the run still needs, beside what is reserved and on its line."""
        left: dict[str, int] = {}
        covered = {line.ref: sum([link.covers for link in self.links if link.line == line.ref]) for line in self.formula.lines}
        for line in self.formula.lines:
            need = between(line, made, self.run.steps) - covered[line.ref]
            if not follows_contents(line):
                need -= sum([covers for _, covers in drawn(line, max(0, need), self.of_line(line), there=True)])
            left[line.ref] = max(0, need)
        self._follow(left, covered)
        return left

    def _follow(self, left: dict[str, int], covered: Mapping[str, int]) -> None:
        """Lines that follow the contents need nothing more where all that they really take is there."""
        needed, had = planned_needs(self.formula, self.run.steps, self.active(left)), self.had()
        for line in self.formula.lines:
            if follows_contents(line) and left[line.ref]:
                there = sum([steps for _, steps in self.of_line(line)])
                whole = line.planned(self.run.steps)
                (counts,) = in_proportion(whole, max(needed[line.ref], there), [there]) if there else [0]
                enough = needed[line.ref] <= had[line.ref]
                left[line.ref] = 0 if enough else max(0, left[line.ref] - counts)

    def wanted(self) -> list[tuple[Line, int]]:
        """What is open line by line; of those that follow the contents as much as they will really take."""
        left, had = self.open(0), self.had()
        needed = planned_needs(self.formula, self.run.steps, self.active(left))
        real = {
            line.ref: needed[line.ref] - had[line.ref] if follows_contents(line) else left[line.ref] for line in self.formula.lines
        }
        return [(line, real[line.ref]) for line in self.formula.lines if left[line.ref] and real[line.ref] > 0]

    def first_of(self, item: str) -> str | None:
        """The first line of the recipe for an item; None for a substitute or something additional."""
        return next((line.ref for line in self.formula.lines if line.item == item), None)

    def formula_needs(self, missing: Mapping[str, int]) -> Mapping[str, int]:
        """Steps that each line takes of its own item: as reserved, and what is `missing` at target content."""
        needed = dict(planned_needs(self.formula, self.run.steps, self.active(missing)))
        for line in self.formula.lines:
            if target(line) is not None or line.substitutes:
                own = [link.takes for link in self.links if link.line == line.ref and link.item == line.item]
                needed[line.ref] = sum(own) + missing[line.ref]
                needed[line.ref] += sum([steps for lot, steps in self.of_line(line) if lot.item == line.item])
        return needed

    def covers(self, search: Search, needs: Sequence[tuple[str, int]], asking: Asking) -> list[Cover]:
        """The covers of open needs of the run, each told by its line."""
        lines = {line.ref: line for line in self.formula.lines}
        wanted = [(lines[ref], steps) for ref, steps in needs]
        return inputs_of(search, self.formula, self.run.steps, wanted, asking)


def follow(work: Work, run: ProductionOrder) -> None:
    """Before a run begins: what is reserved of the lines that follow the contents is as much as the active lots ask for by now.

    What is too much is free again; what became too little covers less, so that the rest is open.
    """
    links = work.reader.links((run.number,))[run.number]
    charge = Charge(work, run, links)
    needed = planned_needs(charge.formula, run.steps, charge.active(charge.open(0)))
    for line in charge.formula.lines:
        rows = [link for link in links if link.line == line.ref]
        real = needed[line.ref]
        if not follows_contents(line) or sum([link.takes for link in rows]) == real:
            continue
        kept, left = [], real
        for link in rows:
            kept.append(min(left, link.takes))
            left -= kept[-1]
        for link, takes, covers in zip(rows, kept, in_proportion(line.requirement(run.steps), real, kept), strict=True):
            if takes:
                work.unlink(link, link.takes - takes, link.covers - covers)
            else:
                work.unlink(link)
    work.settle()


def _used(work: Work, run: ProductionOrder) -> dict[str, dict[tuple[str, str], int]]:
    """Per line of the recipe the steps that the run has used of each lot, less what was taken back."""
    sums: dict[str, dict[tuple[str, str], int]] = {}
    for posting in work.reader.postings(papers=[run.number]):
        if posting.paper != run.number:
            continue
        for item, lot, steps, source, to, serves in posting.moves:
            sign = (to == PRODUCTION and posting.kind != REVERSE) - (source == PRODUCTION and posting.kind == REVERSE)
            if sign and serves:
                rows = sums.setdefault(serves.partition("/")[2], {})
                rows[item, lot] = rows.get((item, lot), 0) + sign * steps
    return sums


class Batched(Charge):
    """What a part of a run should have used of what lay on its line: `before` and `after` are what was made."""

    def planned(self, before: int, after: int, charged: int, given: Mapping[str, int]) -> tuple[dict[str, int], dict[str, str]]:
        """Steps planned per line; and of every substitute by its item, with the line that it serves.

        Args:
            before: what was made before; `after`: what is made now, with it; `charged`: the same for what goes into the charge.
            given: what was really used of lines, where that was said.
        """
        found: dict[str, int] = {}
        stands: dict[str, str] = {}
        took: dict[str, int] = {}
        for line in self.formula.lines:
            need = between(line, before, charged if line.follows == "charge" else after)
            if follows_contents(line):
                continue
            rows = self.of_line(line)
            parts = drawn(line, need, rows, there=True)
            own = sum([takes for (lot, _), (takes, _) in zip(rows, parts, strict=True) if lot.item == line.item])
            for (lot, _), (takes, _) in zip(rows, parts, strict=True):
                if lot.item != line.item:
                    stands[lot.item] = line.ref
                    found[lot.item] = found.get(lot.item, 0) + takes
            rest = need - sum([covers for _, covers in parts])
            found[line.ref] = own + rest
            if target(line) is not None:
                instead = sum([found[item] for item, ref in stands.items() if ref == line.ref])
                took[line.ref] = given.get(line.ref, own + rest) + instead
        self._following(found, took, before, charged)
        return found, stands

    def _following(self, found: dict[str, int], took: Mapping[str, int], before: int, charged: int) -> None:
        """Lines that follow the contents: planned for all that was made, less planned for what was made before."""
        earlier = {ref: Fraction(sum(self.used.get(ref, {}).values())) for ref in took}
        whole = planned_needs(self.formula, charged, {ref: earlier[ref] + steps for ref, steps in took.items()})
        past = planned_needs(self.formula, before, earlier)
        for line in self.formula.lines:
            if follows_contents(line):
                found[line.ref] = max(0, whole[line.ref] - past[line.ref])


def as_content(link: Allocation, lot: Lot, lines: Iterable[Line]) -> Allocation:
    """The link of a run to a lot that has come, as the lot's content makes it cover."""
    line = next((one for one in lines if one.ref == link.line), None)
    each = None if line is None else worth(line, lot)
    if each is None or not link.covers:
        return link
    covers = min(link.covers, link.takes * each.numerator // each.denominator)
    return link._replace(takes=-(-covers * each.denominator // each.numerator), covers=covers)

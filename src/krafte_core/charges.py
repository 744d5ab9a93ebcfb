"""Charges: what goes into a batch where that depends on the lots that are there: on their content, or on a substitute.

A link *takes* steps of a lot and *covers* steps of a line, which is written for the target content of the recipe's own item. For a
lot of another content, or of a substitute, the two differ. Lines that compensate or fill up are worked out from what is really taken:
they take more or less, and cover what the recipe says.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple, Protocol

import attrs

from krafte_core.errors import InvalidInput, OutOfRange, Unsolvable
from krafte_core.ingredients import strength
from krafte_core.lines import Line
from krafte_core.potency import balanced, content_of, ratio
from krafte_core.recipes import Formula
from krafte_core.roles import follows_contents, target
from krafte_core.stock import Lot, Picked, Taken


class Choice(NamedTuple):
    """How a cover differs from the plain one.

    Attributes:
        need: steps of the line that the item covers; `real` the steps of it that this takes.
        covers: what each lot that is taken covers; empty where everything covers in proportion of `need` and `real`.
        instead: per substitute what is taken of it (a cover of its own), and the steps of the line that this covers.
        reasons: what was passed over, and why.
    """

    need: int
    real: int
    covers: tuple[int, ...] = ()
    instead: tuple[tuple[Any, int], ...] = ()
    reasons: tuple[tuple[str, str], ...] = ()


def worth(line: Line, lot: Lot) -> Fraction | None:
    """Steps of the line's need that one step of the lot covers; None for a lot that does not serve the line.

    >>> from datetime import datetime
    >>> from decimal import Decimal
    >>> from krafte_core.lines import Stand
    >>> from krafte_core.quantities import Scale
    >>> kg = Scale("kg", Decimal(1))
    >>> shea = Line("shea", "shea", kg, 1, 2, substitutes=(Stand("mango", kg, Fraction(11, 10)),))
    >>> worth(shea, Lot("mango", "M", received_at=datetime(2026, 1, 1)))
    Fraction(10, 11)
    """
    if lot.item == line.item:
        wanted = target(line)
        if wanted is None:
            return Fraction(1)
        there = content_of(lot)
        return None if there is None or strength(there)[1] != strength(wanted)[1] else 1 / ratio(wanted, there)
    return next((1 / stand.ratio for stand in line.substitutes if stand.item == lot.item), None)


def unknown(line: Line, lot: Lot) -> str:
    """Why nobody knows what the lot is worth for the line.

    >>> from datetime import datetime
    >>> from decimal import Decimal
    >>> from krafte_core.quantities import Scale
    >>> unknown(Line("oil", "oil", Scale("kg", Decimal(1)), 1, 2), Lot("oil", "O-1", received_at=datetime(2026, 1, 1)))
    'potency not declared'
    """
    there = content_of(lot)
    return "potency not declared" if there is None else f"potency told as {there}, and the recipe wants {target(line)}"


def real_needs(formula: Formula, steps: int, taken: Mapping[str, Fraction]) -> Mapping[str, int]:
    """Steps that each line needs for so much, when the active ones take so much.

    Args:
        formula: the recipe; `steps`: what is made.
        taken: steps that every active line takes; what is not from a lot of known content counts at target content.

    Raises:
        Unsolvable: (`recipe_unsolvable`) the contents leave no room for a line; with the amount.

    >>> from krafte_core.items import Item
    >>> from krafte_core.recipes import Ingredient, Recipe, compiled
    >>> items = {name: Item(name, unit="L") for name in ("paint", "paste", "water")}
    >>> lines = [Ingredient("paste", "3 L", potency="30 %"), Ingredient("water", "q.s.")]
    >>> paint = compiled(Recipe("paint", makes="10 L", ingredients=lines), items)
    >>> real_needs(paint, 10_000_000, {"paste": Fraction(2_500_000)})["water"]
    7500000
    """
    if not steps:
        return {line.ref: 0 for line in formula.lines}
    active = [line for line in formula.lines if target(line) is not None]
    if not active or not any(follows_contents(line) for line in formula.lines):
        return {line.ref: line.planned(steps) for line in formula.lines}
    whole = {line.ref: taken.get(line.ref, line.exact(steps)) for line in active}
    found = balanced(formula, steps, {}, whole)
    return {one.line.ref: one.steps for one in found.sheet.lines}


def planned_needs(formula: Formula, steps: int, taken: Mapping[str, Fraction]) -> Mapping[str, int]:
    """The same for what happened: where no such batch would be planned, the lines count as the recipe says.

    >>> from krafte_core.items import Item
    >>> from krafte_core.recipes import Recipe, compiled
    >>> planned_needs(compiled(Recipe("paint", makes="1 L"), {"paint": Item("paint", unit="L")}), 5, {})
    {}
    """
    try:
        return real_needs(formula, steps, taken)
    except (Unsolvable, OutOfRange, InvalidInput):
        return {line.ref: line.planned(steps) for line in formula.lines}


def drawn(line: Line, need: int, rows: Iterable[tuple[Lot, int]], *, there: bool = False) -> list[tuple[int, int]]:
    """What is taken of each of these lots, in order, and what that covers of the need; nothing of a lot that does not serve.

    What is `there`, on the line of a run, counts at target content where the lot does not tell its own.

    >>> from datetime import datetime
    >>> from decimal import Decimal
    >>> from krafte_core.quantities import Scale
    >>> drawn(Line("oil", "oil", Scale("kg", Decimal(1)), 1, 2), 5, [(Lot("oil", "O", received_at=datetime(2026, 1, 1)), 3)])
    [(3, 3)]
    """
    found = []
    for lot, steps in rows:
        each = worth(line, lot) if need > 0 else None
        if each is None and there and need > 0:
            each = Fraction(1)
        takes = covers = 0
        if each is not None:
            wanted = -(-need * each.denominator // each.numerator)
            takes = min(wanted, max(0, steps))
            covers = need if takes == wanted else takes * each.numerator // each.denominator
        found.append((takes, covers) if covers else (0, 0))
        need -= covers
    return found


def in_proportion(need: int, real: int, parts: Sequence[int]) -> list[int]:
    """What parts of `real` steps cover of `need`: rounded down, and all of it together where all is there.

    >>> in_proportion(40, 39, [20, 19])
    [20, 20]
    """
    covers, so_far, before = [], 0, 0
    for part in parts:
        so_far += part
        now = min(need, so_far * need // real) if real else 0
        covers.append(now - before)
        before = now
    return covers


def sides(lines: Iterable[Line]) -> tuple[list[Line], list[Line]]:
    """The lines that are found first, and those that are worked out from what the first ones take.

    >>> sides([])
    ([], [])
    """
    listed = [*lines]
    if not any(target(line) is not None for line in listed):
        return listed, []
    return [line for line in listed if not follows_contents(line)], [line for line in listed if follows_contents(line)]


# the search --------------------------------------------------------------------------------------------------------------


class Found(Protocol):
    """A cover, as far as it is filled in here (see `krafte_core.coverage.Cover`)."""

    item: str
    steps: int
    ready: float
    taken: Sequence[Taken]
    expected: Sequence[tuple[Any, int]]
    made: Sequence[tuple[Any, int]]
    bought: Any
    missing: int
    choice: Choice | None


class Finder(Protocol):
    """What is asked of a search (see `krafte_core.scheduling.Search`)."""

    now: int

    def cover(
        self,
        item: str,
        steps: int,
        on: date | None = None,
        *,
        make: bool = True,
        by: object = None,
        places: Container[str] | None = None,
    ) -> Any:
        """How so many steps of the item would be covered, and by when."""

    def usable(self, item: str, need: int, on: date, places: Container[str] | None) -> Picked:
        """The lots that may be used, with what is free of each."""

    def take(self, rows: Iterable[Taken]) -> None:
        """These are taken."""

    def rest(self, found: Any, steps: int, *, make: bool) -> None:
        """What lots do not cover: on its way, made or bought."""

    def mark(self) -> int:
        """A point to come back to."""

    def undo(self, mark: int) -> None:
        """Put back what was taken since."""


@attrs.frozen
class Asking:
    """How the lines of a batch are asked for: on which day, for whom, from which places; what they have already."""

    on: date
    by: object = None
    places: Container[str] | None = None
    had: Mapping[str, int] = attrs.field(factory=dict)


def inputs_of(search: Finder, formula: Formula, steps: int, wanted: Sequence[tuple[Line, int]], asking: Asking) -> list[Any]:
    """The covers of these needs of a batch, in their order: the active lines and substitutes first, then what follows from them.

    Args:
        search: what finds lots, supply and batches.
        formula: the recipe; `steps`: what the whole batch makes.
        wanted: lines and the steps of each that are open.
        asking: how they are asked for; `had` are steps that each line takes already.
    """
    first, after = sides(formula.lines)
    open_ = {line.ref: need for line, need in wanted}
    found: dict[str, Any] = {}
    taken: dict[str, Fraction] = {}
    for line in first:
        if line.ref in open_:
            found[line.ref] = _by_choice(search, line, open_[line.ref], asking)
        if target(line) is not None:
            cover = found.get(line.ref)
            substituted = sum([covers for _, covers in cover.choice.instead]) if cover is not None and cover.choice else 0
            taken[line.ref] = Fraction(asking.had.get(line.ref, 0) + (cover.steps if cover is not None else 0) + substituted)
    needed = real_needs(formula, steps, taken) if any(line.ref in open_ for line in after) else {}
    for line in after:
        if line.ref in open_:
            need, real = open_[line.ref], max(0, needed[line.ref] - asking.had.get(line.ref, 0))
            cover = search.cover(line.item, real, asking.on, make=not line.from_stock, by=asking.by, places=asking.places)
            if need != real:
                cover.choice = Choice(need, real)
            found[line.ref] = cover
    return [found[line.ref] for line, _ in wanted]


def _by_choice(search: Finder, line: Line, need: int, asking: Asking) -> Any:
    """The cover of a line: its own lots, by content; rather than wait, its substitutes from stock; then what is to come."""
    if not line.substitutes and target(line) is None:
        return search.cover(line.item, need, asking.on, make=not line.from_stock, by=asking.by, places=asking.places)
    cover = search.cover(line.item, 0)
    reasons: list[tuple[str, str]] = []
    covers, left = _from_lots(search, line, cover, need, asking, reasons)
    mark = search.mark()
    _wait_for(search, cover, left, line, asking)
    instead: list[tuple[Found, int]] = []
    if cover.ready > search.now and line.substitutes:
        search.undo(mark)
        cover.expected, cover.made, cover.bought, cover.missing, cover.ready = (), (), None, 0, float(search.now)
        reasons.append((line.item, f"{line.scale.quantity(need - left)} of {line.scale.quantity(need)} in stock"))
        for stand in line.substitutes:
            if not left:
                reasons.append((stand.item, "not needed"))
                continue
            other, before = search.cover(stand.item, 0), left
            parts, left = _from_lots(search, line, other, left, asking, reasons)
            other.steps = sum([took for _, took in other.taken])
            other.choice = Choice(before - left, other.steps, tuple(parts))
            if parts:
                instead.append((other, before - left))
            else:
                reasons.append((stand.item, "none in stock"))
        _wait_for(search, cover, left, line, asking)
    real = sum([took for _, took in cover.taken]) + left
    own = need - sum([part for _, part in instead])
    if instead or real != own or reasons:
        cover.choice = Choice(own, real, tuple(covers), tuple(instead), tuple(reasons))
    cover.steps = real
    return cover


def _wait_for(search: Finder, cover: Found, left: int, line: Line, asking: Asking) -> None:
    """What no lot covers comes at target content."""
    if left and asking.places is None:
        search.rest(cover, left, make=not line.from_stock)
    elif left:
        cover.missing, cover.ready = left, math.inf


def _from_lots(
    search: Finder, line: Line, cover: Found, need: int, asking: Asking, reasons: list[tuple[str, str]]
) -> tuple[list[int], int]:
    """Take lots of the cover's item for the line: what each covers, and the steps that are left."""
    picked = search.usable(cover.item, need, asking.on, asking.places)
    rows = [(row.lot, steps) for row, steps in picked.taken]
    reasons += [(f"{lot.item} {lot.code}", unknown(line, lot)) for lot, _ in rows if worth(line, lot) is None]
    parts = drawn(line, need, rows)
    cover.taken = [Taken(row, takes) for (row, _), (takes, _) in zip(picked.taken, parts, strict=True) if takes]
    search.take(cover.taken)
    covers = [part for _, part in parts if part]
    return covers, need - sum(covers)

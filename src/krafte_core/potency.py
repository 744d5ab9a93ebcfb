"""Potency: ingredients that are kept by what is in them, and lots that hold more or less of it than the recipe expects.

A line with a `potency` is written for that content. A stronger lot is needed less of, a weaker one more. What changes can be made up
for by other lines: a compensating one takes the change times its factor, and a filler takes the rest, so that the total stays.

>>> required(10_000, "100 %", "80 %")
12500
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

import attrs

from krafte_core.errors import InvalidInput, Unsolvable
from krafte_core.ingredients import strength
from krafte_core.items import Item, attributes, density
from krafte_core.lines import Line
from krafte_core.quantities import Quantity, decimal_of, split, terminating
from krafte_core.recipes import Formula
from krafte_core.sheets import Scaled, Sheet
from krafte_core.stock import Lot, Refused, Stocked, unusable

POTENCY, DENSITY = "potency", "density"
"""The attributes of a lot that tell its own content (`"35 %"`) and its own density (`"0.913 kg/L"`)."""


def ratio(target: str, there: str) -> Fraction:
    """How much of a lot stands for one of what the recipe expects: target content / content of the lot.

    Raises:
        InvalidInput: (`invalid_input`) contents told in different units.

    >>> ratio("30 %", "35 %")
    Fraction(6, 7)
    """
    (wanted, unit), (found, other) = strength(target), strength(there)
    if unit != other:
        raise InvalidInput(POTENCY, there, f"a content in {unit or 'a bare number'}, as the recipe tells it ({target})")
    return wanted / found


def required(steps: int, target: str, there: str) -> int:
    """Steps of a lot of this content that are needed instead of so many steps at target content: rounded up.

    >>> required(30_000, "30 %", "35 %")
    25715
    """
    exact = steps * ratio(target, there)
    return -(-exact.numerator // exact.denominator)


def covered(steps: int, target: str, there: str) -> int:
    """Steps at target content that so many steps of the lot cover: rounded down.

    >>> covered(12_500, "100 %", "80 %")
    10000
    """
    exact = steps / ratio(target, there)
    return exact.numerator // exact.denominator


def content_of(lot: Lot) -> str | None:
    """What the lot says of its content, in its attribute `potency`; None where it says nothing.

    >>> from datetime import datetime
    >>> content_of(Lot("acid", "A", received_at=datetime(2026, 1, 1), attributes={"potency": "35 %"}))
    '35 %'
    """
    found = dict(lot.attributes).get(POTENCY)
    if found is None:
        return None
    strength(found)
    return str(found)


def told_of_lot(given: object) -> tuple[tuple[str, Any], ...]:
    """The attributes of a lot as pairs; its content and density must be readable, because plans will count on them.

    Raises:
        InvalidInput: (`invalid_input`) a content or density that is none, or what no attribute may be.

    >>> told_of_lot({"potency": "35 %", "tank": 4})
    (('potency', '35 %'), ('tank', 4))
    """
    own = attributes(given)
    for name, value in own:
        if name == POTENCY:
            strength(value, f"attributes[{name!r}]")
        elif name == DENSITY:
            density(value)
    return own


def blended(parts: Iterable[tuple[Lot, int]]) -> tuple[tuple[str, Any], ...]:
    """The attributes of lots that were poured together: what they all say alike; their content is the mean by amount.

    Where one of them says nothing of its content, or in another unit, nobody knows that of the blend. The mean is rounded half-even to
    a millionth.

    >>> from datetime import datetime
    >>> strong, weak = (Lot("acid", told, received_at=datetime(2026, 1, 1), attributes={"potency": told}) for told in ("40 %", "30 %"))
    >>> blended([(strong, 100), (weak, 300)])
    (('potency', '32.5 %'),)
    """
    rows = [*parts]
    alike = set.intersection(*({*lot.attributes} for lot, _ in rows))
    found = dict(alike)
    told = [content_of(lot) for lot, _ in rows]
    if POTENCY not in found and None not in told:
        contents = [strength(one) for one in told]
        if len({unit for _, unit in contents}) == 1:
            mean = sum([value * steps for (value, _), (_, steps) in zip(contents, rows, strict=True)], Fraction(0))
            mean = round(mean / sum([steps for _, steps in rows]) * 10**6) / Fraction(10**6)
            found[POTENCY] = f"{decimal_of(mean):f} {contents[0][1]}".strip()
    return tuple(sorted(found.items()))


def of_lot(item: Item, lot: Lot) -> Item:
    """The item as this lot is: with the lot's own density, where its attribute `density` tells one.

    >>> from datetime import datetime
    >>> oil = Item("oil", unit="kg", density="0.9 kg/L", step="1 g")
    >>> dense = Lot("oil", "A", received_at=datetime(2026, 1, 1), attributes={"density": "0.92 kg/L"})
    >>> of_lot(oil, dense).steps("1 L")
    920
    """
    return dense(item, lot.attributes)


def dense(item: Item, own: Iterable[tuple[str, Any]]) -> Item:
    """The item with the density that these attributes tell.

    >>> dense(Item("oil", unit="kg", step="1 g"), [("density", "0.92 kg/L")]).steps("1 L")
    920
    """
    found = dict(own).get(DENSITY)
    return item if found is None else attrs.evolve(item, density=str(found))


class Drawn(NamedTuple):
    """Steps to take from a lot, and the steps at target content that they cover."""

    stocked: Stocked
    takes: int
    covers: int


class Content(NamedTuple):
    """The answer of `pick_by_content`: what to take, what was refused and why, and the steps at target content that are missing."""

    taken: tuple[Drawn, ...]
    refused: tuple[Refused, ...]
    missing: int

    @property
    def takes(self) -> int:
        """Steps that are taken in all."""
        return sum(one.takes for one in self.taken)


def pick_by_content(rows: Iterable[Stocked], need: int, target: str, on: date, *, usable_places: Container[str]) -> Content:
    """Which lots cover a need that is told at target content: each takes as much as its own content asks for.

    Args:
        rows: the item's lots in the order in which they should be used.
        need: steps at target content.
        target: the content that the recipe is written for.
        on: the day of use; a lot that is not usable then, or whose content nobody declared, is refused with the reason.
        usable_places: the places from which stock may be used.
    """
    taken, refused = [], []
    for row in rows:
        if need <= 0:
            break
        there = content_of(row.lot)
        why = unusable(row.lot, on) or (None if row.place in usable_places else f"in {row.place}")
        why = why or ("potency not declared" if there is None else None)
        if why or there is None:
            refused.append(Refused(row, why or ""))
            continue
        takes = min(required(need, target, there), max(0, row.free))
        covers = min(need, covered(takes, target, there))
        if covers:
            taken.append(Drawn(row, takes, covers))
            need -= covers
    return Content(tuple(taken), tuple(refused), max(0, need))


# the whole batch --------------------------------------------------------------------------------------------------------


@attrs.frozen
class Balanced:
    """A batch sheet after potency: exact amounts per line in kilograms or litres (as the charge is told), before and after.

    The amounts are those that are weighed; what is lost of them on the way does not count when the total stays.
    """

    formula: Formula
    measure: str
    before: tuple[tuple[str, Fraction], ...]
    after: tuple[tuple[str, Fraction], ...]
    sheet: Sheet

    def amount(self, name: str) -> Fraction:
        """Kilograms (or litres) of a line after balancing, exactly.

        Raises:
            InvalidInput: (`invalid_input`) with the lines that there are.
        """
        found = dict(self.after)
        if name not in found:
            raise InvalidInput("line", name, "one of " + ", ".join(found))
        return found[name]

    def __str__(self) -> str:
        """The batch sheet."""
        return str(self.sheet)


def balanced(formula: Formula, steps: int, contents: Mapping[str, str], taken: Mapping[str, int | Fraction] | None = None) -> Balanced:
    """The batch with lots of these contents: active lines changed, compensating lines and the filler after them.

    Args:
        formula: the recipe; its lines say who is active (`potency`), who compensates and who fills.
        steps: what the batch makes.
        contents: per active line (or item) the content of its lot.
        taken: steps per active line where several lots were drawn (`Content.takes`); the contents of these are not asked.

    Raises:
        InvalidInput: (`invalid_input`) an active line without content.
        Unsolvable: (`recipe_unsolvable`) a line that would have to be negative; with the amount.
    """
    lines = [line for line in formula.lines if line.follows == "charge" and line.per_base]
    for line in formula.lines:
        if line.origin is not None and line not in lines:
            raise InvalidInput(
                "line", line.ref, f"a line of the charge whose {formula.measure} is declared (a density), to be balanced"
            )
    before = {line.ref: line.exact(steps) / (line.per_base or 1) for line in lines}
    after = dict(before)
    changes: dict[str, Fraction] = {}
    for line in lines:
        if line.origin is not None and line.origin.potency is not None:
            after[line.ref] = _active(line, before[line.ref], contents, taken or {})
            change = (before[line.ref] - after[line.ref]) * line.kept
            for name in {line.item, line.ref}:
                changes[name] = changes.get(name, Fraction(0)) + change
    for line in lines:
        if line.origin is not None and line.origin.compensates is not None:
            after[line.ref] += changes[line.origin.compensates] * line.origin.factor / line.kept
    _fill(formula, lines, before, after)
    for line in lines:
        if after[line.ref] < 0:
            by = f"{float(-after[line.ref]):.6g} too much"
            raise Unsolvable(formula.recipe.code, (line.ref,), f"contents leave no room for {line.item}", by, "take a stronger lot")
    rounded = {line.ref: after[line.ref] * (line.per_base or 1) for line in lines}
    scaled = tuple([Scaled(line, steps, _steps(line, rounded.get(line.ref, line.exact(steps)))) for line in formula.lines])
    return Balanced(formula, formula.measure, tuple(before.items()), tuple(after.items()), Sheet(formula, steps, scaled))


def _active(line: Line, before: Fraction, contents: Mapping[str, str], taken: Mapping[str, int | Fraction]) -> Fraction:
    drawn = taken.get(line.ref, taken.get(line.item))
    if drawn is not None:
        return Fraction(drawn) / (line.per_base or 1)
    there = contents.get(line.ref, contents.get(line.item))
    if there is None or line.origin is None or line.origin.potency is None:
        raise InvalidInput("contents", tuple(contents), f"the content of the lot of {line.ref}")
    return before * ratio(line.origin.potency, there)


def _fill(formula: Formula, lines: list[Line], before: Mapping[str, Fraction], after: dict[str, Fraction]) -> None:
    """The filler (or the balance) takes what the changes leave, so that the total stays."""
    fillers = [line for line in lines if line.origin is not None and line.origin.fills]
    fillers = fillers or [line for line in lines if line.origin is not None and line.origin.kind == "balance"]
    if fillers:
        rest = sum([(before[line.ref] - after[line.ref]) * line.kept for line in lines], Fraction(0))
        after[fillers[0].ref] += rest / fillers[0].kept


def _steps(line: Line, exact: Fraction) -> int:
    multiple = line.rule.multiple if line.rule else 1
    return -(-exact.numerator // (exact.denominator * multiple)) * multiple


def at_temperature(item: Item, densities: Mapping[str, str], temperature: str) -> Item:
    """The item with its density at a temperature: on the straight line between two that are told, never beyond them.

    The density is rounded half-even to a millionth of a kilogram per litre, which is finer than anybody measures.

    Args:
        item: the item.
        densities: per temperature the density, such as `{"15 degC": "0.9198 kg/L", "25 degC": "0.9131 kg/L"}`.
        temperature: in the same words (`"20 degC"`).

    Raises:
        InvalidInput: (`invalid_input`) a temperature beyond the table, or told in another unit.

    >>> oil = Item("oil", unit="kg")
    >>> at_temperature(oil, {"10 degC": "0.92 kg/L", "20 degC": "0.91 kg/L"}, "15 degC").density
    '0.915 kg/L'
    """
    at, unit = split(temperature, "temperature")
    points = sorted((*split(told, "temperature"), density(amount)) for told, amount in densities.items())
    if any(name != unit for _, name, _ in points) or not points or not points[0][0] <= at <= points[-1][0]:
        known = ", ".join(densities)
        raise InvalidInput("temperature", temperature, f"a temperature within {known}")
    found = points[-1][2]
    for (low, _, here), (high, _, there) in pairwise(points):
        if low <= at <= high:
            found = here + (there - here) * Fraction(at - low) / Fraction(high - low) if high > low else here
            break
    exact = found if terminating(found) else round(found * 10**6) / Fraction(10**6)
    return attrs.evolve(item, density=f"{decimal_of(round(exact * 10**6) / Fraction(10**6)):f} kg/L")


def told(amount: Fraction, unit: str, step: str = "0.001") -> Quantity:
    """An exact amount for people: rounded half-even to a step.

    >>> told(Fraction(900, 35), "L")
    Quantity('25.714 L')
    """
    size = Fraction(step)
    return Quantity(decimal_of(round(amount / size) * size), unit)

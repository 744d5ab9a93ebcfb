"""Batch sheets: a recipe scaled to a batch, line by line, exact and rounded once; and how what was used compares with it.

>>> from krafte_core.recipes import Ingredient, Recipe, compiled
>>> items = {name: Item(name, unit="kg", step="1 g") for name in ("balm", "shea", "wax")}
>>> balm = Recipe("balm", makes="10 kg", ingredients=[Ingredient("shea", "70 %"), Ingredient("wax", "q.s.")])
>>> print(sheet(compiled(balm, items), "25 kg"))
balm: 25 kg
line  required    %  written
shea   17.5 kg  70%     70 %
wax     7.5 kg  30%     q.s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import NamedTuple

import attrs

from krafte_core.durations import Duration
from krafte_core.errors import InvalidInput, OutOfRange, Unsolvable
from krafte_core.items import MOST_STEPS, Item
from krafte_core.lines import Line
from krafte_core.quantities import Quantity, plain
from krafte_core.recipes import Formula, beyond
from krafte_core.solving import amount_of
from krafte_core.tables import html, text

_FOUR_DIGITS = Context(prec=4, rounding=ROUND_HALF_EVEN)
_new = tuple.__new__  # half the cost of a NamedTuple's own constructor


class Scaled(NamedTuple):
    """A line for a batch of so many steps: the exact need is known to the last fraction, `steps` is that need rounded up once."""

    line: Line
    batch: int
    steps: int

    @property
    def item(self) -> str:
        """What goes in."""
        return self.line.item

    @property
    def required(self) -> Quantity:
        """How much, in the unit of the item."""
        return self.line.scale.quantity(self.steps)

    @property
    def exact(self) -> Fraction:
        """The need in steps, before it was rounded."""
        return self.line.exact(self.batch)

    @property
    def residue(self) -> Fraction:
        """What the rounding added, in steps: always less than one step, or than the line's multiple."""
        return self.steps - self.exact

    def told(self, item: Item, unit: str | None = None, step: str | None = None) -> Quantity:
        """How much in the unit of the line, or in the one asked for: exact, or rounded half-even to `step` where one is given.

        Args:
            item: the item of the line, which knows its density and packs.
            unit: default the unit in which the line was written; for a pack the item's own unit.
            step: a number of that unit, such as `"0.001"`.

        Raises:
            UnitMismatch: (`unit_mismatch`) without a bridge. InvalidInput: (`invalid_input`) no end as a decimal, and no step given.
        """
        packs = dict(item.packs)
        return amount_of(item, Fraction(self.steps), unit or (self.line.unit if self.line.unit not in packs else item.unit), step)


@attrs.frozen
class Sheet:
    """A recipe scaled to one batch. Print it, or show it in a notebook: with the shares of the charge in percent."""

    formula: Formula
    steps: int
    lines: tuple[Scaled, ...]

    @property
    def amount(self) -> Quantity:
        """What the batch makes."""
        return self.formula.item.quantity(self.steps)

    def line(self, name: str) -> Scaled:
        """The line of this name, or the first for this item.

        Raises:
            InvalidInput: (`invalid_input`) with the lines that there are.
        """
        found = [one for one in self.lines if one.line.ref == name] or [one for one in self.lines if one.item == name]
        if not found:
            raise InvalidInput("line", name, "one of " + ", ".join(one.line.ref for one in self.lines))
        return found[0]

    @property
    def total(self) -> Fraction:
        """What is charged in all, in kilograms or litres, as the charge is told; lines that nobody can weigh are not in it."""
        return sum([weight for one in self.lines if (weight := _weight(one)) is not None], Fraction(0))

    @property
    def shares(self) -> Mapping[str, Fraction]:
        """The share of every line in the charge."""
        total = self.total
        return {one.line.ref: weight / total for one in self.lines if total and (weight := _weight(one)) is not None}

    @property
    def expected(self) -> Mapping[str, Quantity]:
        """What comes out besides the product."""
        return {one.item: one.scale.quantity(one.expected(self.steps)) for one in self.formula.outputs}

    def rows(self) -> tuple[str, Sequence[str], list[Sequence[str]]]:
        """The table: its title, its head, and its rows as texts."""
        shares = self.shares
        written = _written(self.formula)
        rows: list[Sequence[str]] = [
            (one.line.ref, str(one.required), _percent(shares.get(one.line.ref)), written.get(one.line.ref, "")) for one in self.lines
        ]
        rows += [(f"+ {item}", str(amount), "", "comes out") for item, amount in self.expected.items()]
        share = self.formula.share(self.steps)
        for operation in self.formula.recipe.operations:
            seconds = operation.seconds(share)
            time = str(Duration(seconds, "working time")).removesuffix(" working time") if seconds else ""
            wait = f"wait {operation.wait}" if operation.wait else ""
            rows.append((f"* {operation.name}", time, "", " ".join(filter(None, (operation.at and f"at {operation.at}", wait)))))
        return f"{self.formula.item.code}: {self.amount}", ("line", "required", "%", "written"), rows

    def __str__(self) -> str:
        """A table: one line per ingredient, then what comes out besides, then the work."""
        return text(*self.rows())

    def _repr_html_(self) -> str:
        return html(*self.rows())


def _written(formula: Formula) -> Mapping[str, str]:
    """Per line how the recipe tells it, where lines and ingredients stand side by side (no phantom was opened)."""
    ingredients = formula.recipe.ingredients
    return (
        {line.ref: str(one) for line, one in zip(formula.lines, ingredients, strict=True)}
        if len(formula.lines) == len(ingredients)
        else {}
    )


def _weight(one: Scaled) -> Fraction | None:
    """Kilograms (or litres) of a line in the charge, or None."""
    line = one.line
    return None if line.per_base is None or line.follows == "output" else Fraction(one.steps) / line.per_base


def _percent(share: Fraction | None) -> str:
    """A share with four digits that count, as people read it."""
    return "" if share is None else f"{plain(_FOUR_DIGITS.divide(Decimal(share.numerator * 100), Decimal(share.denominator)))}%"


def needs(formula: Formula, steps: int) -> tuple[Scaled, ...]:
    """Every line for so many steps of the product: the fast way, for whoever scales a lot.

    Raises:
        OutOfRange: (`out_of_range`) a need of more than 64 bits of steps.
    """
    found = []
    for line in formula.lines:
        try:
            need = -(-steps * line.numerator // line.denominator) if line.rule is None else line.requirement(steps)
        except (Unsolvable, OutOfRange) as problem:
            raise beyond(formula.recipe, formula.item, line, steps, problem) from None
        if need > MOST_STEPS:
            raise OutOfRange("amount", f"{need} steps of {line.item}", f"at most {MOST_STEPS} steps")
        found.append(_new(Scaled, (line, steps, need)))
    return tuple(found)


def sheet(formula: Formula, amount: object) -> Sheet:
    """The recipe scaled to an amount of its product, in any unit that the product has a bridge to.

    Raises:
        NotPositive: (`not_positive`) zero or less. NotWholeSteps: (`not_whole_steps`), OutOfRange: (`out_of_range`).
        Unsolvable: (`recipe_unsolvable`) at this size the other lines leave no room for the balance.
    """
    steps = formula.item.positive(amount)
    return Sheet(formula, steps, needs(formula, steps))


# what was really used and made ------------------------------------------------------------------------------------------


class Compared(NamedTuple):
    """Planned and actual steps of one line or output."""

    name: str
    planned: Quantity
    actual: Quantity
    share: Fraction | None

    @property
    def difference(self) -> Quantity:
        """Actual less planned."""
        return self.actual - self.planned


@attrs.frozen
class Comparison:
    """What a batch used and made beside what its recipe says for what came out of it."""

    title: str
    rows: tuple[Compared, ...]

    def row(self, name: str) -> Compared:
        """The row of this line or output.

        Raises:
            InvalidInput: (`invalid_input`) with the rows that there are.
        """
        for row in self.rows:
            if row.name == name:
                return row
        raise InvalidInput("row", name, "one of " + ", ".join(row.name for row in self.rows))

    @property
    def deviations(self) -> tuple[Compared, ...]:
        """The rows that differ, exactly."""
        return tuple([row for row in self.rows if not row.difference.is_zero])

    def _table(self) -> tuple[str, Sequence[str], list[Sequence[str]]]:
        rows: list[Sequence[str]] = [
            (row.name, str(row.planned), str(row.actual), str(row.difference), _percent(row.share)) for row in self.rows
        ]
        return self.title, ("line", "planned", "actual", "difference", "of plan"), rows

    def __str__(self) -> str:
        """A table: one line per line of the recipe, then what came out."""
        return text(*self._table())

    def _repr_html_(self) -> str:
        return html(*self._table())


def compared(
    planned: Sheet,
    used: Mapping[str, int],
    made: Mapping[str, int],
    scales: Iterable[Item] = (),
    instead: Mapping[str, int] | None = None,
) -> Comparison:
    """What was used and made beside the plan.

    Args:
        planned: the batch as planned.
        used: steps per line (by name, or by item where it has one line); what is left out was not used.
        made: steps that came out per item, of the product and of what comes out besides.
        scales: the items of what was used or made without being planned, or stands in.
        instead: steps per item that stands in for a line.

    Raises:
        InvalidInput: (`invalid_input`) something that is neither a line nor an output, and whose item was not given.
    """
    rows = []
    left = dict(used)
    for one in planned.lines:
        steps = left.pop(one.line.ref, None)
        steps = left.pop(one.item, 0) if steps is None else steps
        quantity = one.line.scale.quantity
        rows.append(Compared(one.line.ref, one.required, quantity(steps), Fraction(steps, one.steps) if one.steps else None))
    formula, extra = planned.formula, {item.code: item.scale for item in scales}
    come = {formula.item.code: (formula.item.scale, planned.steps)} if not formula.recipe.apart else {}
    come |= {one.item: (one.scale, one.expected(planned.steps)) for one in formula.outputs}
    for item, (scale, steps) in come.items():
        actual = made.get(item, 0)
        rows.append(Compared(f"+ {item}", scale.quantity(steps), scale.quantity(actual), Fraction(actual, steps) if steps else None))
    for name, steps in [*left.items(), *((f"+ {item}", steps) for item, steps in made.items() if item not in come)]:
        scale = extra.get(name.removeprefix("+ "))  # type: ignore[assignment]
        if scale is None:
            raise InvalidInput("used", name, "a line of the recipe: " + ", ".join(one.line.ref for one in planned.lines))
        stands = (instead or {}).get(name, 0)
        rows.append(Compared(name, scale.quantity(stands), scale.quantity(steps), Fraction(steps, stands) if stands else None))
    return Comparison(f"{formula.item.code}: {planned.amount}", tuple(rows))

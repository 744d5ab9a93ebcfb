"""Compiled lines: what a recipe needs and brings, in whole steps.

A line that grows evenly is one ratio: a requirement is one integer multiplication and one division that rounds up. Any other line
has a `Rule` besides.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import attrs

from krafte_core.batches import BatchSize
from krafte_core.errors import InvalidInput, OutOfRange, Unsolvable
from krafte_core.growth import EVENLY, Growth, Sum, at, plus
from krafte_core.ingredients import Ingredient
from krafte_core.items import MOST_STEPS, Item
from krafte_core.quantities import Scale, split
from krafte_core.solving import per_base
from krafte_core.units import BASES, unit


@attrs.frozen
class Rule:
    """What makes a line grow otherwise than evenly: further growths with their factors (in steps), and a rounding multiple."""

    growths: tuple[tuple[Growth, Fraction], ...] = ()
    multiple: int = 1


@attrs.frozen
class Stand:
    """A compiled substitute: its scale, and how many of its steps stand for one step of what it replaces."""

    item: str
    scale: Scale
    ratio: Fraction


@attrs.frozen
class Line:
    """A compiled line: its name within the recipe, the item and its scale, and the ratio of its steps to steps of the product.

    `rule` says how it grows where that is not even. `unit` is the unit that the line was written in, and `per_unit` how many steps
    one of it has; `per_base` how many a kilogram has (or a litre, as the charge is told), where that is declared. `kept` is the share
    that is not lost on the way into the charge. `phantom` lines are needed as their own lines. `substitutes` may stand in, the
    preferred first. `origin` is the ingredient where it says more than an amount (potency, a balance).
    """

    ref: str
    item: str
    scale: Scale
    numerator: int
    denominator: int
    follows: str = "charge"
    from_stock: bool = False
    rule: Rule | None = None
    unit: str = ""
    per_unit: Fraction = Fraction(1)
    per_base: Fraction | None = None
    kept: Fraction = Fraction(1)
    phantom: bool = False
    substitutes: tuple[Stand, ...] = ()
    origin: Ingredient | None = None

    @property
    def ratio(self) -> Fraction:
        """Steps of the item for one step of the product, as far as it grows evenly."""
        return Fraction(self.numerator, self.denominator)

    @property
    def sum(self) -> Sum:
        """All growths of the line with their factors."""
        even = {EVENLY: self.ratio} if self.numerator else {}
        return even | dict(self.rule.growths) if self.rule else even

    def exact(self, steps: int | Fraction) -> Fraction:
        """Steps of the item for so many steps (or parts of steps) of the product, not rounded.

        >>> from decimal import Decimal
        >>> Line("oil", "oil", Scale("kg", Decimal(1)), 1, 2).exact(5)
        Fraction(5, 2)
        """
        if self.rule is None:
            return Fraction(steps * self.numerator, self.denominator)
        made = Fraction(steps)
        return sum([factor * growth.at(made) for growth, factor in self.rule.growths], self.ratio * steps)

    def requirement(self, steps: int) -> int:
        """Steps of the item for so many steps of the product: exact, rounded up once.

        >>> from decimal import Decimal
        >>> Line("oil", "oil", Scale("kg", Decimal(1)), 1, 2).requirement(5)
        3
        """
        needed = -(-steps * self.numerator // self.denominator) if self.rule is None else self._bent(self.rule, steps)
        if needed > MOST_STEPS:
            raise OutOfRange("amount", f"{needed} steps of {self.item}", f"at most {MOST_STEPS} steps")
        return needed

    def planned(self, steps: int) -> int:
        """Steps that a run of so many steps should have used, also where nobody would plan such a run.

        What happened is never refused: what the other lines leave is at least nothing, and beyond a table its nearest size counts
        in proportion.

        >>> from decimal import Decimal
        >>> ten = Growth("table", points=((Fraction(10), Fraction(4)),))
        >>> Line("salt", "salt", Scale("kg", Decimal(1)), 0, 1, rule=Rule(((ten, Fraction(1)),))).planned(5)
        2
        """
        if self.rule is None:
            return self.requirement(steps)
        made = Fraction(steps)
        exact = sum([factor * growth.near(made) for growth, factor in self.rule.growths], self.ratio * steps)
        return max(0, -(-exact.numerator // (exact.denominator * self.rule.multiple)) * self.rule.multiple)

    def _bent(self, rule: Rule, steps: int) -> int:
        exact = self.exact(steps)
        if exact < 0:
            by = f"{self.scale.quantity(-(exact.numerator // exact.denominator))} too much"
            problem = f"in so small a batch the other lines leave no room for {self.item}"
            raise Unsolvable(f"with {self.item}", (self.ref,), problem, by, "make a larger batch")
        return -(-exact.numerator // (exact.denominator * rule.multiple)) * rule.multiple


def in_ratio(total: Sum, multiple: int = 1) -> tuple[int, int, Rule | None]:
    """Numerator, denominator and rule of a line.

    >>> in_ratio({EVENLY: Fraction(1, 2)})
    (1, 2, None)
    """
    ratio = total.get(EVENLY, Fraction(0))
    growths = tuple([(growth, factor) for growth, factor in total.items() if growth != EVENLY])
    return ratio.numerator, ratio.denominator, Rule(growths, multiple) if growths or multiple != 1 else None


@attrs.frozen
class Coming:
    """A compiled output: how many steps of it come with one step of the product, and its share of the cost."""

    item: str
    scale: Scale
    numerator: int
    denominator: int
    cost: Fraction = Fraction(0)

    def expected(self, steps: int) -> int:
        """Steps of it that so many steps of the product bring: rounded down, since nobody can count on more.

        >>> from decimal import Decimal
        >>> Coming("whey", Scale("L", Decimal(1)), 4, 5).expected(7)
        5
        """
        return steps * self.numerator // self.denominator

    def making(self, steps: int) -> int:
        """Steps of the product that bring at least so many steps of it.

        >>> from decimal import Decimal
        >>> Coming("whey", Scale("L", Decimal(1)), 4, 5).making(5)
        7
        """
        return -(-steps * self.denominator // self.numerator)


def vessel_limit(batch: BatchSize, product: Item, makes: int, lines: Iterable[tuple[Line, Item]], field: str) -> int:
    """The most steps of the product that one batch may make: what the vessel holds of the charge, or of what comes out.

    Raises:
        InvalidInput: (`invalid_input`) a line without a bridge to what the vessel is measured in.
        OutOfRange: (`out_of_range`) not even the smallest batch fits.

    >>> cream = Item("cream", unit="kg", step="1 g")
    >>> vessel_limit(BatchSize(vessel="20 kg", vessel_holds="output"), cream, 1000, [], "vessel")
    20000
    """
    text = batch.vessel or ""
    if batch.vessel_holds == "output":
        return int(product.exact(text, field))
    value, name = split(text, field)
    measure, size = _size(value, name, field)
    gross: Sum = {}
    for line, item in lines:
        if line.follows == "charge" and item.kind != "packaging":
            steps = per_base(item, measure)
            if steps is None:
                raise InvalidInput(
                    field, text, f"a bridge from {item.code} to {BASES[measure]}: its density, or what one piece weighs"
                )
            gross = plus(gross, line.sum, 1 / steps)
    return _largest(gross, size, field, text, makes)


def _size(value: Any, name: str, field: str) -> tuple[str, Fraction]:
    found = unit(name)
    if found.dimension not in ("mass", "volume") or value <= 0:
        raise InvalidInput(field, f"{value} {name}", "a mass or a volume above zero")
    return found.dimension, Fraction(value) * found.ratio


def _largest(gross: Sum, size: Fraction, field: str, text: str, makes: int) -> int:
    """The largest batch whose charge fits, found by halving where the charge does not grow evenly."""
    low, high = 0, makes
    while at(gross, Fraction(high)) <= size:
        low, high = high, high * 2
        if high > MOST_STEPS:
            return MOST_STEPS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if at(gross, Fraction(middle)) <= size else (low, middle)
    if not low:
        raise OutOfRange(field, text, "a vessel that holds the charge of the smallest batch")
    return low

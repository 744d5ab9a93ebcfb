"""Solving a recipe: lines of every kind worked out together, exactly, or told why they cannot be.

Most lines say for themselves how much they need. Shares of the charge, baker's percentages and the balance need each other: they are
unknowns in a few linear equations (one for each group that percentages count on, one for the total of the charge), solved with exact
ratios. Known terms are sums of growths, so a sachet per batch and a balance that makes room for it go together at every size.

What counts to the total is what really is in the charge: an overage is in it, a loss is not; packaging never is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

import attrs

from krafte_core.errors import InvalidInput, NotPositive, OutOfRange, UnitMismatch, Unknown, Unsolvable
from krafte_core.growth import EVENLY, ONCE, Growth, Sum, at, known_formula, plus, times
from krafte_core.ingredients import STARTED, Ingredient
from krafte_core.items import Item
from krafte_core.quantities import Quantity, decimal_of, qty, quantity, terminating
from krafte_core.shares import percent
from krafte_core.units import BASES, unit

TOTAL = ""
"""The unknown that a balance stands for; the others are named after their group."""
Unknowns = Mapping[tuple[str, str], Fraction]


@attrs.frozen
class Part:
    """A line while it is solved: in the item's steps, a known sum and shares of unknown amounts (of a group, or of the balance)."""

    ingredient: Ingredient
    item: Item
    field: str
    known: Sum
    shares: Unknowns

    def solved(self, found: Mapping[tuple[str, str], Sum]) -> Sum:
        """The sum, once the unknowns are known."""
        total = self.known
        for name, share in self.shares.items():
            total = plus(total, found[name], share)
        return total


class Solver:
    """The lines of one recipe against its items.

    Args:
        code: the recipe's name, for errors.
        product: the item made; `makes` the steps that the lines are written for.
        charge: the total of the charge as text, or None for what the recipe makes.
        lines: each ingredient with its item.
    """

    def __init__(self, code: str, product: Item, makes: int, charge: str | None, lines: Iterable[tuple[Ingredient, Item]]) -> None:
        """Read every line for itself."""
        self.code = code
        self.product = product
        self.makes = makes
        self.charge = charge
        listed = [*lines]
        self.measure = self._measure([ingredient for ingredient, _ in listed])
        self.parts = [self._part(ingredient, item) for ingredient, item in listed]

    def solved(self) -> list[Sum]:
        """The net amount of every line in its item's steps, in the order of the lines.

        Raises:
            Unsolvable: (`recipe_unsolvable`) lines that conflict, or too little is said; with the lines, by how much, and what helps.
        """
        if not self.charge and all(part.ingredient.kind in ("amount", "table") for part in self.parts):
            return [part.known for part in self.parts]
        found = self._unknowns()
        sums = [part.solved(found) for part in self.parts]
        for part, known in zip(self.parts, sums, strict=True):
            try:
                self._has_room(part, at(known, Fraction(self.makes)))
            except OutOfRange as problem:
                told = str(self.product.quantity(self.makes))
                raise OutOfRange(f"{part.field}: table", told, "a table that holds what the recipe makes") from problem
        return sums

    # one line -----------------------------------------------------------------------------------------------------

    def _part(self, ingredient: Ingredient, item: Item) -> Part:
        field = f"recipe {self.code}: {ingredient.item}"
        known: Sum = {}
        shares: dict[tuple[str, str], Fraction] = {}
        if ingredient.kind == "amount":
            known = self._amount(ingredient, item, field)
        elif ingredient.kind == "table":
            known = {self._table(ingredient, item, field): Fraction(1)}
        elif ingredient.kind == "balance":
            shares[TOTAL, self.measure] = self._per_base(item, self.measure, field)
        else:
            share, by = percent(ingredient.amount, field), ingredient.by or (self.measure if ingredient.of is None else "mass")
            per_base = self._per_base(item, by, field)
            if ingredient.of is None:
                known = {EVENLY: share * self.total(by) * per_base}
            else:
                shares[ingredient.of, by] = share * per_base
        return Part(ingredient, item, field, known, shares)

    def _amount(self, ingredient: Ingredient, item: Item, field: str) -> Sum:
        exact = item.exact(ingredient.amount, field)
        if exact <= 0:
            raise NotPositive(field, ingredient.amount, "an amount above zero")
        if ingredient.formula:
            known_formula(ingredient.formula)
            return {Growth("formula", Fraction(self.makes), name=ingredient.formula): exact}
        if ingredient.per == "batch":
            return {ONCE: exact}
        if ingredient.per.startswith(STARTED):
            every = self.product.exact(ingredient.per.removeprefix(STARTED), f"{field}: per")
            if every <= 0:
                raise InvalidInput(f"{field}: per", ingredient.per, "an amount above zero")
            return {Growth("started", every): exact}
        return {EVENLY: exact / self.makes}

    def _table(self, ingredient: Ingredient, item: Item, field: str) -> Growth:
        points = [(self.product.exact(size, field), item.exact(amount, field)) for size, amount in ingredient.table]
        sizes = [size for size, _ in points]
        if sizes != sorted(set(sizes)) or sizes[0] <= 0 or any(amount < 0 for _, amount in points):
            raise InvalidInput(f"{field}: table", ingredient.table, "rising batch sizes above zero, with amounts of at least zero")
        return Growth("table", points=tuple(points))

    def _per_base(self, item: Item, measure: str, field: str) -> Fraction:
        """Steps of the item in one kilogram (or litre) of it."""
        try:
            return item.ratio(BASES[measure])
        except UnitMismatch as problem:
            raise UnitMismatch(field, BASES[measure], problem.expected, problem.wanted, problem.missing) from None

    # the charge ----------------------------------------------------------------------------------------------------

    def _measure(self, ingredients: Sequence[Ingredient]) -> str:
        """By what the total is told: as the balance says, else as the charge is measured."""
        balances = [one for one in ingredients if one.kind == "balance"]
        if len(balances) > 1:
            names = tuple(one.item for one in balances)
            fix = "keep one 'q.s.' and tell how much of the other"
            raise Unsolvable(self.code, names, "two lines want what the others leave", "", fix)
        if balances and balances[0].by:
            return balances[0].by
        told = qty(self.charge).dimension if self.charge else self.product.dimension
        return told if told in BASES and told in ("mass", "volume") else "mass"

    def total(self, measure: str) -> Fraction:
        """Kilograms (or litres) of charge for one step of the product."""
        if not self.charge:
            return 1 / self._per_base(self.product, measure, f"recipe {self.code}: makes")
        whole = qty(self.charge)
        if whole.value <= 0 or whole.dimension not in ("mass", "volume"):
            raise InvalidInput(f"recipe {self.code}: charge", self.charge, "a mass or volume above zero")
        exact = whole.exact
        if whole.dimension != measure:  # by the density of the product
            there, here = (self._per_base(self.product, one, f"recipe {self.code}: charge") for one in (whole.dimension, measure))
            exact *= there / here
        return exact / self.makes

    def _counted(self) -> list[Part]:
        return [part for part in self.parts if part.ingredient.follows == "charge" and part.item.kind != "packaging"]

    # equations -----------------------------------------------------------------------------------------------------

    def _unknowns(self) -> Mapping[tuple[str, str], Sum]:
        names = sorted({name for part in self.parts for name in part.shares})
        groups = [name for name in names if name[0] != TOTAL]
        equations = [self._group(*name) for name in groups]
        by_charge = any(part.ingredient.kind in ("percent", "balance") and part.ingredient.of is None for part in self.parts)
        found, free = eliminated(equations, names)
        if self.charge or by_charge or free:
            found, free = eliminated([*equations, self._whole()], names)
        if free:
            missing = tuple(sorted({part.item.code for part in self.parts for name in free if name in part.shares}))
            told = " and ".join("the balance" if name == TOTAL else name for name, _ in free)
            raise Unsolvable(self.code, missing, f"nothing says how much {told} is", "", "tell the amount of one of these lines")
        if None in found:
            raise self._conflict(found[None])
        return {name: found[name] for name in names}

    def _group(self, name: str, measure: str) -> tuple[Unknowns, Sum]:
        """The amount of a group is the sum of its lines."""
        members = [part for part in self.parts if name in (part.ingredient.group, part.item.code)]
        if not members:
            known = {one for part in self.parts for one in (part.ingredient.group, part.item.code) if one}
            raise Unknown("item or group of this recipe", name, tuple(sorted(known)))
        unknowns, known_sum = {(name, measure): Fraction(1)}, dict[Growth, Fraction]()
        for part in members:
            per_base = self._per_base(part.item, measure, part.field)
            for other, share in part.shares.items():
                unknowns[other] = unknowns.get(other, Fraction(0)) - share / per_base
            known_sum = {**plus(known_sum, part.known, 1 / per_base)}
        return unknowns, known_sum

    def _whole(self) -> tuple[Unknowns, Sum]:
        """All that goes into the charge is the charge."""
        unknowns: dict[tuple[str, str], Fraction] = {}
        left: Sum = {EVENLY: self.total(self.measure)}
        for part in self._counted():
            in_it = (1 + part.ingredient.overage) / self._per_base(part.item, self.measure, part.field)
            for name, share in part.shares.items():
                unknowns[name] = unknowns.get(name, Fraction(0)) + share * in_it
            left = plus(left, part.known, -in_it)
        return unknowns, left

    # what is wrong -------------------------------------------------------------------------------------------------

    def _conflict(self, left: Sum) -> Unsolvable:
        whole, short = self.total(self.measure) * self.makes, at(left, Fraction(self.makes))
        names = tuple(part.item.code for part in self._counted())
        if not short:
            bent = [part for part in self._counted() if set(part.known) - {EVENLY}]
            problem = "lines that do not grow with the batch leave no fixed shares for the others"
            return Unsolvable(self.code, tuple(part.item.code for part in bent), problem, "", "make one line the balance ('q.s.')")
        there = f"the lines add up to {_about((whole - short) / whole * 100)} % of the charge of {self._told(whole)}"
        if short > 0:
            return Unsolvable(self.code, names, there, f"{self._told(short)} missing", "add a line 'q.s.', or raise one of them")
        return Unsolvable(self.code, names, there, f"{self._told(-short)} too much", "lower one of them, or enlarge the charge")

    def _group_conflict(self, name: str) -> Unsolvable:
        """Shares of a group on itself that are no whole, so that only nothing would do."""
        members = [part.ingredient for part in self.parts if name in (part.ingredient.group, part.item.code)]
        shares = sum([percent(one.amount) for one in members if one.of == name], Fraction(0)) * 100
        problem = f"the shares within {name} are {_about(shares)} %, not 100 %"
        return Unsolvable(
            self.code,
            tuple(one.item for one in members),
            problem,
            f"{_about(abs(shares - 100))} % {'missing' if shares < 100 else 'too much'}",
            "let them add up to 100 %",
        )

    def _has_room(self, part: Part, steps: Fraction) -> None:
        if steps > 0 or part.ingredient.kind in ("amount", "table"):
            return
        if not steps and part.ingredient.of is not None:
            raise self._group_conflict(part.ingredient.of)
        over = -steps / part.item.ratio(BASES[self.measure])
        names = tuple(one.item.code for one in self._counted() if one is not part)
        problem = f"the others leave no room for {part.item.code}"
        told = f"{self._told(over)} too much" if over else "nothing left"
        raise Unsolvable(self.code, names, problem, told, "lower one of them, or enlarge the charge")

    def _told(self, amount: Fraction) -> str:
        base = BASES[self.measure]
        return str(quantity(decimal_of(amount), base)) if terminating(amount) else f"{_about(amount)} {base}"


def _about(amount: Fraction) -> str:
    """At most six digits, without zeros at the end."""
    return f"{float(amount):.6g}"


def eliminated(
    equations: Sequence[tuple[Unknowns, Sum]], names: Sequence[tuple[str, str]]
) -> tuple[dict[tuple[str, str] | None, Sum], list[tuple[str, str]]]:
    """Gauss's elimination with exact ratios: the unknowns that are known, those that nothing fixes, and under None a contradiction.

    >>> half, two = Fraction(1, 2), {EVENLY: Fraction(2)}
    >>> eliminated([({("flour", "mass"): half}, two)], [("flour", "mass")])[0][("flour", "mass")][EVENLY]
    Fraction(4, 1)
    """
    rows: list[tuple[Unknowns, Sum]] = [
        ({name: share for name, share in unknowns.items() if share}, known) for unknowns, known in equations
    ]
    pivots: dict[tuple[str, str], tuple[Unknowns, Sum]] = {}
    for name in names:
        place = next((n for n, (unknowns, _) in enumerate(rows) if name in unknowns), None)
        if place is None:
            continue
        unknowns, known = rows.pop(place)
        own = unknowns[name]
        pivot = {other: share / own for other, share in unknowns.items()}, times(known, 1 / own)
        rows = [_without(row, name, pivot) for row in rows]
        pivots = {other: _without(row, name, pivot) for other, row in pivots.items()} | {name: pivot}
    found: dict[tuple[str, str] | None, Sum] = {name: known for name, (unknowns, known) in pivots.items() if len(unknowns) == 1}
    wrong = next((known for _, known in rows if known), None)
    if wrong is not None:
        found[None] = wrong
    return found, [name for name in names if name not in found]


def _without(row: tuple[Unknowns, Sum], name: tuple[str, str], pivot: tuple[Unknowns, Sum]) -> tuple[Unknowns, Sum]:
    unknowns, known = row
    times_ = unknowns.get(name)
    if not times_:
        return row
    left = dict(unknowns)
    for other, share in pivot[0].items():
        rest = left.get(other, Fraction(0)) - share * times_
        if rest:
            left[other] = rest
        else:
            left.pop(other, None)
    return left, plus(known, pivot[1], -times_)


def per_base(item: Item, measure: str) -> Fraction | None:
    """How many steps a kilogram (or a litre) of the item has, or None where it has no bridge to them.

    >>> per_base(Item("oil", unit="kg", density="0.9 kg/L", step="1 g"), "volume")
    Fraction(900, 1)
    """
    try:
        return item.ratio(BASES[measure])
    except UnitMismatch:
        return None


def amount_of(item: Item, exact: Fraction, name: str, step: str | None = None) -> Quantity:
    """So many (parts of) steps of an item in another unit: exact, or rounded half-even to `step` where one is given.

    Raises:
        UnitMismatch: (`unit_mismatch`) without a bridge. InvalidInput: (`invalid_input`) no end as a decimal, and no step was given.

    >>> amount_of(Item("oil", unit="kg", density="0.9 kg/L", step="1 g"), Fraction(900), "L")
    Quantity('1 L')
    """
    target, found = unit(name), exact / item.ratio(name)
    if step is not None:
        size = Fraction(step)
        if size <= 0:
            raise OutOfRange("step", step, "a number above zero, such as '0.001'")
        found = round(found / size) * size
    return quantity(decimal_of(found, "amount", f"{float(found):.6g} {name}"), target.name)

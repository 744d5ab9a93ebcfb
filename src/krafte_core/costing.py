"""Costing: what a product costs over all its levels, per operation and per output; and what a lot really cost, from its ledger.

All sums are exact; only `rounded()` rounds, once, where somebody wants to read cents.

>>> from krafte_core.money import money
>>> str(weighted([(10, money("5 EUR")), (25, money("10 EUR")), (5, money("75 EUR"))]))
'135/8 EUR'
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

import attrs

from krafte_core.descent import Runs
from krafte_core.durations import Duration
from krafte_core.errors import InvalidInput
from krafte_core.ledger import Key
from krafte_core.money import Money, UnroundedMoney
from krafte_core.quantities import Quantity, Scale, decimal_of, plain
from krafte_core.recipes import Formula
from krafte_core.stock import Lot, Posting
from krafte_core.structure import Structure, back
from krafte_core.tables import html, text

HOUR = 3600
Price = Money | UnroundedMoney


def _value(price: Price) -> Fraction:
    return Fraction(price.amount) if isinstance(price, Money) else price.value


def weighted(rows: Iterable[tuple[int, Price | None]]) -> UnroundedMoney | None:
    """The price of what rows of (steps, price) hold together; rows without a price are left out, and none at all is None.

    Raises:
        CurrencyMismatch: (`currency_mismatch`)

    >>> weighted([(10, None)]) is None
    True
    """
    steps, total = 0, None
    for count, price in rows:
        if price is not None and count > 0:
            part = UnroundedMoney(_value(price), price.currency) * count
            total = part if total is None else total + part
            steps += count
    return None if total is None else total * Fraction(1, steps)


# what it should cost ---------------------------------------------------------------------------------------------------


class Material(NamedTuple):
    """What a product needs of one item that is bought (or taken at its standard price), and what that costs."""

    item: str
    scale: Scale
    steps: Fraction
    cost: UnroundedMoney

    @property
    def amount(self) -> Quantity:
        """How much, with at most six digits after the point."""
        units = self.steps * Fraction(self.scale.step)
        return Quantity(decimal_of(round(units * 10**6) / Fraction(10**6)), self.scale.unit)


class Work(NamedTuple):
    """Working time of one operation of one item, and what that costs."""

    item: str
    operation: str
    at: str
    seconds: Fraction
    cost: UnroundedMoney


class OutputCost(NamedTuple):
    """The share of the cost that one output carries, and what one unit of it then costs."""

    item: str
    share: Fraction
    cost: UnroundedMoney
    unit_cost: UnroundedMoney


@attrs.frozen
class Cost:
    """What an amount of a product costs: materials, work, and how its outputs share the whole. Print it, or show it in a notebook."""

    item: str
    amount: Quantity
    materials: tuple[Material, ...]
    work: tuple[Work, ...]
    outputs: tuple[OutputCost, ...]

    @property
    def total(self) -> UnroundedMoney:
        """All of it, before outputs share it."""
        parts = [*[one.cost for one in self.materials], *[one.cost for one in self.work]]
        return sum(parts[1:], parts[0])

    @property
    def unit_cost(self) -> UnroundedMoney:
        """What one unit of the product costs; the first output where the product is taken apart."""
        return self.outputs[0].unit_cost

    def _table(self) -> tuple[str, Sequence[str], list[Sequence[str]]]:
        total = self.total.value or Fraction(1)
        rows: list[Sequence[str]] = [
            (one.item, str(one.amount), str(one.cost.rounded()), _share(one.cost.value / total)) for one in self.materials
        ]
        for one in self.work:
            time = str(Duration(math.ceil(one.seconds), "working time"))
            rows.append((f"* {one.item}: {one.operation}", time, str(one.cost.rounded()), _share(one.cost.value / total)))
        for output in self.outputs:
            each = f"{output.unit_cost.rounded()} each unit"
            rows.append((f"= {output.item}", each, str(output.cost.rounded()), _share(output.share)))
        return f"{self.item}: {self.amount} cost {self.total.rounded()}", ("what", "amount", "cost", "%"), rows

    def __str__(self) -> str:
        """A table: materials, work, outputs."""
        return text(*self._table())

    def _repr_html_(self) -> str:
        return html(*self._table())


def _share(share: Fraction) -> str:
    return plain(decimal_of(round(share * 10**4) / Fraction(100)))


def cost(
    structure: Structure,
    product: str | Formula,
    steps: int,
    prices: Mapping[str, Price],
    rates: Mapping[str, Price] | None = None,
    *,
    standard: Container[str] = (),
) -> Cost:
    """What so many steps of a product cost, rolled up over all levels, exactly.

    Setups count once per batch; of a batch that makes more than is needed, the cost of what is needed. A by-product below takes its
    share off; what is fed with a part of itself (a starter) costs what it is fed with. For a what-if, ask again with another price.

    Args:
        structure: the recipes.
        product: its item; or a formula, for another version of it or for one that takes an item apart.
        steps: how much of it.
        prices: per item what one of its units costs.
        rates: per work center what an hour costs; without any, work costs nothing.
        standard: made items to be taken at their price instead of rolled up.

    Raises:
        InvalidInput: (`invalid_input`) prices or rates are missing, with all the names. CurrencyMismatch: (`currency_mismatch`)
    """
    top = structure.formulas[product] if isinstance(product, str) else product
    rolled = _Rolled(prices, rates)
    rolled.make(top, Fraction(steps), Fraction(1))
    for name in (*structure.levels, *[item for item in rolled.needs if item not in structure.levels]):
        made, formula = rolled.needs.get(name), structure.formulas.get(name)
        if not made:
            continue
        if formula is None or name in standard:
            rolled.material(name, made * rolled.bears[name])
        else:
            kept = 1 - sum([one.cost for one in formula.outputs], Fraction(0))
            rolled.make(formula, made, rolled.bears[name] * kept)
    return rolled.answer(top, steps)


class _Rolled:
    """Materials and work while they are added up."""

    def __init__(self, prices: Mapping[str, Price], rates: Mapping[str, Price] | None) -> None:
        self.prices = prices
        self.rates = rates
        self.done: set[str] = set()
        self.needs: dict[str, Fraction] = {}
        self.bears: dict[str, Fraction] = {}  # the share of an item's cost that the product has to bear
        self.scales: dict[str, Scale] = {}
        self.materials: list[Material] = []
        self.works: list[Work] = []
        self.missing: list[str] = []

    def make(self, formula: Formula, made: Fraction, share: Fraction) -> None:
        self.work(formula, made, share)
        self.done.add(formula.item.code)
        grown = made if formula.recipe.apart else made / (1 - back(formula, made))
        for line in formula.lines:
            if line.item == formula.item.code and not formula.recipe.apart:
                continue
            need, before = line.exact(grown), self.needs.get(line.item, Fraction(0))
            if line.item in self.done and not formula.recipe.apart:  # taken from stock, and made of this: at its price
                self.scales[line.item] = line.scale
                self.material(line.item, need * share)
                continue
            self.bears[line.item] = (self.bears.get(line.item, Fraction(0)) * before + share * need) / ((before + need) or 1)
            self.needs[line.item] = before + need
            self.scales[line.item] = line.scale

    def material(self, item: str, steps: Fraction) -> None:
        price = self.prices.get(item)
        if price is None:
            self.missing.append(item)
            return
        units = steps * Fraction(self.scales[item].step)
        self.materials.append(Material(item, self.scales[item], steps, UnroundedMoney(_value(price) * units, price.currency)))

    def work(self, formula: Formula, made: Fraction, share: Fraction) -> None:
        if self.rates is None:
            return
        batches = formula.batches(math.ceil(made))
        for operation in formula.recipe.operations:
            seconds = sum([operation.seconds(formula.share(batch)) for batch in batches]) * made / sum(batches)
            if operation.at is not None and seconds:
                self.worked(formula, operation.name, operation.at, seconds, share)
                if operation.people is not None:
                    self.worked(formula, operation.name, operation.people, seconds * operation.hands, share)

    def worked(self, formula: Formula, name: str, center: str, seconds: Fraction, share: Fraction) -> None:
        rate = self.rates.get(center) if self.rates is not None else None
        if rate is None:
            self.missing.append(center)
            return
        money = UnroundedMoney(_value(rate) * seconds * share / HOUR, rate.currency)
        self.works.append(Work(formula.item.code, name, center, seconds, money))

    def answer(self, formula: Formula, steps: int) -> Cost:
        if self.missing or not (self.materials or self.works):
            raise InvalidInput("prices", tuple(dict.fromkeys(self.missing)), "a price for each of these")
        found = Cost(formula.item.code, formula.item.quantity(steps), tuple(self.materials), tuple(self.works), ())
        return attrs.evolve(found, outputs=tuple(_outputs(formula, steps, found.total)))


def _outputs(formula: Formula, steps: int, total: UnroundedMoney) -> Iterable[OutputCost]:
    """How the outputs share the cost; the product takes what the others leave."""
    shares = [(one.item, one.scale, steps * Fraction(one.numerator, one.denominator), one.cost) for one in formula.outputs]
    if not formula.recipe.apart:
        rest = 1 - sum([share for *_, share in shares], Fraction(0))
        shares.insert(0, (formula.item.code, formula.item.scale, Fraction(steps), rest))
    for item, scale, made, share in shares:
        yield OutputCost(item, share, total * share, total * (share / (made * Fraction(scale.step))))


# what it really cost ---------------------------------------------------------------------------------------------------


@attrs.frozen
class LotCosts:
    """What lots really cost per step, in one currency; lots of which nobody knows, and what runs spent without making anything.

    Attributes:
        currency: the currency of all prices; None where there is no price at all.
        per_step: the cost of one step of each lot; None where a price is missing somewhere behind it.
        unpriced: the lots without a price that are to blame.
        lost: per run that made nothing good what it used up.
    """

    currency: str | None
    per_step: Mapping[Key, Fraction | None]
    unpriced: tuple[Key, ...]
    lost: Mapping[str, Fraction]

    def unit_cost(self, item: str, lot: str, scale: Scale) -> UnroundedMoney | None:
        """What one unit of the lot cost, or None where nobody knows.

        Raises:
            InvalidInput: (`invalid_input`) a lot that was not asked about.
        """
        if (item, lot) not in self.per_step:
            raise InvalidInput("lot", lot, "a lot of the postings")
        found = self.per_step[item, lot]
        if found is None or self.currency is None:
            return None
        return UnroundedMoney(found / Fraction(scale.step), self.currency)


def lot_costs(
    postings: Iterable[Posting],
    lots: Mapping[Key, Lot],
    scales: Mapping[str, Scale],
    *,
    shares: Mapping[str, Mapping[str, Fraction]] | None = None,
    work: Mapping[str, Price] | None = None,
) -> LotCosts:
    """What lots really cost: received ones their price, made ones what their run really used, per good piece.

    The cost of what a run scraps or loses goes to its good output. Where a run has several outputs, they share by `shares`, and what
    the named ones leave goes to the others by their steps. Rework, where lots go into themselves, is solved and not unrolled.

    Args:
        postings: all of the ledger behind the lots (what `Ledger.read` or a genealogy reached).
        lots: the lots, with the `unit_cost` of what was received.
        scales: per item its scale.
        shares: per run and item the share of the run's cost.
        work: per run what its work cost.

    Raises:
        CurrencyMismatch: (`currency_mismatch`) prices in several currencies.
    """
    runs = Runs(postings)
    currency = _currency([lot.unit_cost for lot in lots.values()], work or {})
    known: dict[Key, Fraction | None] = {}
    unpriced = []
    for key in {**dict.fromkeys(lots), **dict.fromkeys(runs.lots)}:
        if key in runs.origin:
            continue
        price = lots[key].unit_cost if key in lots else None
        if price is None:
            unpriced.append(key)
        known[key] = None if price is None else _value(price) * Fraction(scales[key[0]].step)
    factors = {run: _factors(made, (shares or {}).get(run, {})) for run, made in runs.made.items()}
    lost = runs.hand_on(known, factors, {run: _value(price) for run, price in (work or {}).items()})
    return LotCosts(currency, known, tuple(unpriced), lost)


def _factors(made: Mapping[Key, int], shares: Mapping[str, Fraction]) -> Mapping[Key, Fraction]:
    """Per output lot the cost of one good step, as a share of what its run cost."""
    good = {key: steps for key, steps in made.items() if steps > 0}
    named = {item: share for item, share in shares.items() if any(item == key[0] for key in good)}
    sums: dict[str | None, int] = {}
    for (item, _), steps in good.items():
        group = item if item in named else None
        sums[group] = sums.get(group, 0) + steps
    rest = 1 - sum(named.values(), Fraction(0))
    if None not in sums and named:  # nobody else takes the rest: the named ones share all of it in proportion
        total = sum(named.values(), Fraction(0)) or Fraction(1)
        named, rest = {item: share / total for item, share in named.items()}, Fraction(0)
    each = {group: (rest if group is None else named[group]) / steps for group, steps in sums.items()}
    return {key: each[key[0] if key[0] in named else None] if key in good else Fraction(0) for key in made}


def _currency(prices: Iterable[Price | None], work: Mapping[str, Price]) -> str | None:
    found = [price for price in (*prices, *work.values()) if price is not None]
    total = sum([UnroundedMoney(Fraction(0), price.currency) for price in found[1:]], found[0]) if found else None
    return None if total is None else total.currency

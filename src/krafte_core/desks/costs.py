"""What products should cost, and what lots really cost: prices and rates from the books, where nobody names others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import attrs

from krafte_core.errors import InvalidInput, Unknown
from krafte_core.ledger import Key
from krafte_core.money import UnroundedMoney, price
from krafte_core.office import Office
from krafte_core.production import ProductionOrder
from krafte_core.quantities import Quantity
from krafte_core.stock import PRODUCTION, Lot, Posting
from krafte_core.work import Work

if TYPE_CHECKING:
    from krafte_core.costing import Cost, Price

HOUR = 3600


@attrs.frozen
class LotCost:
    """What a lot really cost: the lot, how much of it was made or received, and the cost of one unit and of all.

    Attributes:
        unit_cost: None where a price is missing somewhere behind the lot.
        total: the same.
        work: what the work of its run counts for, in all outputs of the run together; None for a lot that no run made.
        unpriced: the lots without a price that are to blame, as (item, lot).
    """

    item: str
    lot: str
    amount: Quantity
    unit_cost: UnroundedMoney | None
    total: UnroundedMoney | None
    work: UnroundedMoney | None
    unpriced: tuple[Key, ...]

    def __str__(self) -> str:
        """The sentence."""
        if self.unit_cost is None or self.total is None:
            names = ", ".join(f"{item} {lot}" for item, lot in self.unpriced)
            return f"{self.item} {self.lot}: nobody knows, because these have no price: {names}"
        return f"{self.item} {self.lot}: {self.amount} cost {self.total.rounded()}, one {self.amount.unit} {self.unit_cost.rounded()}"


class RunCosts:
    """The part of `shop.production` that tells costs."""

    def __init__(self, office: Office) -> None:
        """At this office."""
        self._office = office

    def cost(
        self,
        item: str,
        amount: Any,
        *,
        recipe: str | None = None,
        prices: Mapping[str, Any] | None = None,
        rates: Mapping[str, Any] | None = None,
    ) -> Cost:
        """What so much of a product should cost over all its levels: materials, work per operation, and how outputs share it.

        Args:
            item: the product; `amount`: how much. `recipe`: which recipe, by its name; default the one for today and the amount.
            prices: what one unit of a material costs, for a what-if; default the average of its lots in stock, else the lowest offer.
            rates: what an hour at a work center costs; default its own rate; without any, work there costs nothing.

        Raises:
            InvalidInput: (`invalid_input`) prices are missing, with all the names. NoSource: (`no_source`) nobody makes it.
            CurrencyMismatch: (`currency_mismatch`). Unknown: (`unknown`) item or recipe.

        >>> from krafte_core import Ingredient, Item, Recipe, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("oil", unit="kg"), Item("soap", unit="each"),
        ...               Recipe("soap", makes="10 each", ingredients=[Ingredient("oil", "1 kg")]))
        >>> _ = shop.stock.receive("oil", "5 kg", unit_cost="4 EUR")
        >>> str(shop.production.cost("soap", "20 each").unit_cost.rounded())
        '0.40 EUR'
        """
        from krafte_core.costing import cost  # noqa: PLC0415 - whoever makes things all day asks rarely
        from krafte_core.structure import Structure  # noqa: PLC0415

        with self._office.look() as work:
            steps = work.item(item).positive(amount)
            formula = work.catalogue.chosen(item, work.today, steps, recipe)
            structure = Structure({**work.catalogue.formulas, **({} if formula.recipe.apart else {item: formula})})
            reach = dict.fromkeys([one for line in formula.lines for one in work.catalogue.reach(line.item)])
            own = {work.item(name).code: _price(each) for name, each in (prices or {}).items()}
            found = {**_prices(work, [name for name in reach if name not in own]), **own}
            hours = _rates(work, rates or {})
            return cost(structure, formula, steps, found, hours)

    def lot_cost(self, item: str, lot: str) -> LotCost:
        """What a lot really cost, from the ledger: received ones their price, made ones what their run used, with its work.

        Good output bears the cost of what was scrapped and lost. By-products take the share that the run's recipe gives them, and
        nothing where it gives none. The work of a run counts as its recipe says, at the rates of the work centers.

        Raises:
            CurrencyMismatch: (`currency_mismatch`) prices in several currencies. Unknown: (`unknown`) no such lot.

        >>> from krafte_core import Ingredient, Item, Recipe, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("oil", unit="kg"), Item("soap", unit="each"),
        ...               Recipe("soap", makes="10 each", ingredients=[Ingredient("oil", "1 kg")]))
        >>> _ = shop.stock.receive("oil", "5 kg", unit_cost="4 EUR")
        >>> _ = shop.production.make("soap", "20 each", used={"oil": "2.1 kg"}, lot="S-1")
        >>> print(shop.production.lot_cost("soap", "S-1"))
        soap S-1: 20 each cost 8.40 EUR, one each 0.42 EUR
        """
        from krafte_core.costing import lot_costs  # noqa: PLC0415 - as above

        with self._office.look() as work:
            own = work.lot(item, lot)
            postings, lots = behind(work, own)
            runs = {number: row.paper for number, row in work.reader.papers({one.paper for one in postings}).items()}
            made = {number: run for number, run in runs.items() if isinstance(run, ProductionOrder)}
            spent: dict[str, UnroundedMoney] = {
                number: money for number, run in made.items() if (money := _work(work, run, postings)) is not None
            }
            scales = {name: work.item(name).scale for name, _ in lots}
            found = lot_costs(postings, lots, scales, shares={n: _shares(run, postings) for n, run in made.items()}, work={**spent})
            each = found.unit_cost(item, lot, work.item(item).scale)
            amount = work.item(item).quantity(_came(postings, (item, lot)))
            whole = None if each is None else each * Fraction(amount.value)
            return LotCost(item, lot, amount, each, whole, spent.get(own.paper), found.unpriced if each is None else ())


def _rates(work: Work, given: Mapping[str, Any]) -> Mapping[str, Price] | None:
    """What an hour costs at every work center: the rate given, its own, or nothing; None where no work costs anything."""
    hours: dict[str, Price] = {code: one.rate for code, one in work.catalogue.work_centers.items() if one.rate is not None}
    for code, each in given.items():
        if code not in work.catalogue.work_centers:
            raise Unknown("work center", code, tuple(work.catalogue.work_centers))
        hours[code] = _price(each)
    if not hours:
        return None
    nothing = UnroundedMoney(Fraction(0), next(iter(hours.values())).currency)
    return {code: hours.get(code, nothing) for code in work.catalogue.work_centers}


def _price(given: Any) -> Price:
    found = given if isinstance(given, UnroundedMoney) else price(given)
    if found is None:
        raise InvalidInput("prices", given, "an amount of money for each of these")
    return found


def _prices(work: Work, items: Iterable[str]) -> dict[str, Price]:
    """What one unit costs: the average of the lots in stock, else the lowest offer."""
    from krafte_core.costing import weighted  # noqa: PLC0415 - as above

    found: dict[str, Price] = {}
    wanted = [*items]
    stocked = work.reader.stocked(wanted)
    for name in wanted:
        average = weighted([(row.on_hand, row.lot.unit_cost) for row in stocked[name]])
        offers = [offer.price for _, offer in work.catalogue.offers(name) if offer.price is not None]
        each = average or min(offers, key=lambda one: one.amount, default=None)
        if each is not None:
            found[name] = each
    return found


def behind(work: Work, lot: Lot) -> tuple[list[Posting], dict[Key, Lot]]:
    """All postings of the runs behind a lot, and the lots that they used and made; one read per level."""
    lots: dict[Key, Lot] = {(lot.item, lot.code): lot}
    postings: dict[Posting, None] = {}
    frontier = [lot.paper] if lot.origin in ("run", "conversion") else []
    if not frontier:
        postings = dict.fromkeys(work.reader.postings(lots=[(lot.item, lot.code)]))
    seen: set[str] = set()
    while frontier:
        seen.update(frontier)
        found = [one for one in work.reader.postings(papers=frontier) if one.paper in seen]
        postings.update(dict.fromkeys(found))
        keys = {(move.item, move.lot) for one in found for move in one.moves} - lots.keys()
        more = work.reader.lots(keys)
        lots.update(more)
        frontier = sorted({one.paper for one in more.values() if one.origin in ("run", "conversion")} - seen)
    return [*postings], lots


def _shares(run: ProductionOrder, postings: Iterable[Posting]) -> dict[str, Fraction]:
    """The share of the cost per output: as the recipe says; what it does not know of bears nothing."""
    shares = {one.item: one.cost for one in run.outputs}
    for posting in postings:
        for move in posting.moves if posting.paper == run.number and posting.kind == "make" else ():
            if move.item != run.item:
                shares.setdefault(move.item, Fraction(0))
    return shares


def _work(work: Work, run: ProductionOrder, postings: Iterable[Posting]) -> UnroundedMoney | None:
    """What the operations of a run cost, as its recipe says, at the rates of their work centers."""
    if not any(posting.paper == run.number and posting.kind == "make" for posting in postings):
        return None
    share = Fraction(run.steps, work.item(run.item).positive(run.recipe.makes))
    total: UnroundedMoney | None = None
    for operation in run.recipe.operations:
        center = work.catalogue.work_centers.get(operation.at or "")
        if center is not None and center.rate is not None:
            part = center.rate * Fraction(operation.seconds(share), HOUR)
            total = part if total is None else total + part
    return total


def _came(postings: Iterable[Posting], key: Key) -> int:
    """Steps of a lot that were made or received, less what was taken back."""
    steps = 0
    for posting in postings:
        for move in posting.moves:
            if (move.item, move.lot) == key:
                into, out = move.source in (PRODUCTION, "supplier", "found"), move.target in (PRODUCTION, "supplier")
                own = posting.kind in ("make", "receipt", "reverse", "find", "receive", "opening")
                steps += ((into and posting.kind != "use") - (out and own)) * move.steps
    return steps

"""The catalogue: items, recipes, resources and places as one consistent value, compiled once per revision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

import attrs

from krafte_core.calendars import Calendar, compile_calendar
from krafte_core.choices import alike, choose, preferred
from krafte_core.errors import InvalidInput, NoSource, RecipeCycle, Unknown
from krafte_core.items import Item
from krafte_core.orders import OrderPart
from krafte_core.prices import Customer, PriceList, check_list
from krafte_core.recipes import Coming, Formula, Recipe, compiled, inputs, known, levels
from krafte_core.resources import Offer, ShippingMethod, Supplier, WorkCenter
from krafte_core.stock import LINE, PLACES, RULES, Place, subtree
from krafte_core.store import CatalogueValue
from krafte_core.structure import opened, without_phantoms
from krafte_core.timelines import Timeline

HORIZON_YEARS = 3
"""Calendars are compiled from the beginning of last year to the end of the year so many years ahead."""


class Catalogue:
    """Everything registered at one revision; refuses what does not fit together.

    Raises:
        Unknown: (`unknown`) a recipe, offer or operation that names something unregistered.
        RecipeCycle: (`recipe_cycle`). InvalidInput: (`invalid_input`) two recipes for one item that nothing tells apart. And what
            `compiled` raises.

    >>> Catalogue([Item("lye", unit="kg")]).item("lye").unit
    'kg'
    """

    def __init__(self, values: Iterable[CatalogueValue], revision: int = 0, zone: str = "UTC") -> None:
        """Sort the values by their kind and compile the recipes."""
        self.revision = revision
        self.zone = zone
        everything = [*PLACES, *values]
        self.items: Mapping[str, Item] = {one.code: one for one in everything if isinstance(one, Item)}
        self.pickings = {item.code: (item.pick, RULES[item.pick].order) for item in self.items.values()}
        """Per item its picking rule, and the order in which it wants the lots."""
        self.inspected = frozenset(item.code for item in self.items.values() if item.inspection is not None)
        """The items whose lots wait for a while until somebody has decided about them."""
        self.work_centers = {one.code: one for one in everything if isinstance(one, WorkCenter)}
        self.suppliers = {one.code: one for one in everything if isinstance(one, Supplier)}
        self.methods = {one.code: one for one in everything if isinstance(one, ShippingMethod)}
        self.places = {one.code: one for one in everything if isinstance(one, Place)}
        self.price_lists = {one.code: one for one in everything if isinstance(one, PriceList)}
        self.customers = {one.code: one for one in everything if isinstance(one, Customer)}
        self._check_places()
        self._check_terms()
        self.recipes = {one.code: one for one in everything if isinstance(one, Recipe)}
        self.kits: Mapping[str, tuple[OrderPart, ...]] = {item.code: self._parts(item) for item in self.items.values() if item.kit}
        """What one step of each kit holds, down to what is stocked."""
        self.apart: dict[str, Formula] = {}
        """The recipes that take an item apart, by their own name."""
        self.versions: dict[str, tuple[Formula, ...]] = {}
        """All versions of the items that have several, or one that is meant for some days or amounts only."""
        self.formulas = self._compiled(self.recipes.values())
        self._check_kits()
        everyone = {item: self._all_lines(item) for item in self.formulas}
        self.besides: Mapping[str, tuple[Formula, Coming]] = {}
        """What comes out besides something else, with equal rank, where nothing makes it itself: the formula, and the output."""
        self.brought = frozenset(one.item for made in (*self.formulas.values(), *self.apart.values()) for one in made.outputs)
        """All that comes out besides something else."""
        self.levels = levels(everyone)
        if self.brought:
            self.besides = self._equal_ranks(everyone)
        self._offers = self._sorted_offers()
        blocked = [subtree([*self.places.values()], place.code) for place in self.places.values() if not place.usable]
        self.usable_places = frozenset(self.places).difference(*blocked)
        self._ingredients = frozenset(
            name for formula in everyone.values() for name in (*[line.item for line in formula.lines], *inputs(formula))
        )
        self._reach: dict[str, tuple[str, ...]] = {}

    def _check_places(self) -> None:
        """Places are a tree: every surrounding place is known, and none surrounds itself."""
        for place in self.places.values():
            around, seen = place.within, {place.code}
            while around is not None:
                if around in seen:
                    raise InvalidInput("within", place.code, "a place that is not within itself")
                seen.add(around)
                around = self.place(around).within

    def _check_terms(self) -> None:
        """Price lists fit their items, and customers have lists that there are."""
        for prices in self.price_lists.values():
            self._check_list(prices)
        for customer in self.customers.values():
            if customer.prices and customer.prices not in self.price_lists:
                raise Unknown("price list", customer.prices, tuple(self.price_lists))
            self._check_list(customer.terms(self.price_lists.get(customer.prices)))

    def _check_list(self, prices: PriceList) -> None:
        problems = check_list(prices, self.items)
        if problems:
            wanted = "prices of items that there are, in one currency"
            raise InvalidInput(f"price list {prices.code}", "; ".join(problems[:20]), wanted)

    def _parts(self, kit: Item, inside: tuple[str, ...] = ()) -> tuple[OrderPart, ...]:
        """What one step of a kit holds; a kit within a kit is opened."""
        if kit.code in inside:
            raise InvalidInput("kit", " in ".join((*inside, kit.code)[:8]), "components that are not within themselves")
        sums: dict[str, int] = {}
        for name, amount in kit.kit:
            part = known(self.items, name)
            steps = part.positive(amount, f"kit[{name!r}] of {kit.code}")
            inner = self._parts(part, (*inside, kit.code)) if part.kit else (OrderPart(name, 1),)
            for one in inner:
                sums[one.item] = sums.get(one.item, 0) + steps * one.steps
        return tuple([OrderPart(*row) for row in sums.items()])

    def _check_kits(self) -> None:
        """A kit is put together when it leaves: nobody makes it, nothing is made of it, nobody delivers it."""
        for recipe in self.recipes.values():
            others = [substitute.item for line in recipe.ingredients for substitute in line.substitutes]
            others += [output.item for output in recipe.outputs]
            for name in (recipe.item, *(line.item for line in recipe.ingredients), *others):
                self.stocked(name, f"recipe {recipe.code}")
        for supplier in self.suppliers.values():
            for offer in supplier.offers:
                self.stocked(offer.item, f"offer of {supplier.code}")

    def stocked(self, code: str, field: str = "item") -> Item:
        """The item of this code, which is not a kit.

        Raises:
            Unknown: (`unknown`) with near names. InvalidInput: (`invalid_input`) a kit, with its components.
        """
        item = self.item(code)
        if item.kit:
            raise InvalidInput(
                field, code, "an item that is stocked; a kit is only " + ", ".join(part.item for part in self.kits[code])
            )
        return item

    def _compiled(self, recipes: Iterable[Recipe]) -> Mapping[str, Formula]:
        """The formula of every made item; where there are several versions, the one that is preferred on no particular day."""
        found: dict[str, list[Formula]] = {}
        for recipe in recipes:
            self._check_operations(recipe)
            formula = compiled(recipe, self.items)
            if recipe.apart:
                self.apart[recipe.code] = formula
                continue
            others = found.setdefault(recipe.item, [])
            for other in others:
                if alike(formula, other):
                    wanted = f"one recipe for {recipe.item}, or dates, sizes or a preference that tell it from {other.recipe.code!r}"
                    raise InvalidInput("recipe", recipe.code, wanted)
            others.append(formula)
        first = without_phantoms({item: max(versions, key=preferred) for item, versions in found.items()})
        for item, versions in found.items():
            if len(versions) > 1 or _limited(versions[0].recipe):
                if len(versions) > 1 and any(formula.recipe.phantom for formula in versions):
                    raise InvalidInput("phantom", item, "one recipe for a phantom")
                self.versions[item] = tuple([opened(formula, first) for formula in versions])
        self.apart = {name: opened(formula, first) for name, formula in self.apart.items()}
        return first

    def _check_operations(self, recipe: Recipe) -> None:
        """Work centers are known, and a crew has as many people as an operation needs."""
        for code in recipe.centers:
            if code not in self.work_centers:
                raise Unknown(f"work center in recipe {recipe.code}", code, tuple(self.work_centers))
        for operation in recipe.operations if recipe.elaborate else ():
            most = operation.hands if operation.people is None else self.work_centers[operation.people].capacity
            if operation.hands > most:
                raise InvalidInput("hands", operation.hands, f"at most the {most} people of {operation.people}")

    def _equal_ranks(self, everyone: dict[str, Formula]) -> Mapping[str, tuple[Formula, Coming]]:
        """Per output of equal rank the one formula that brings it; what would go round in a circle, or has several, has none.

        An output has equal rank if it carries a share of the cost, or if nothing is the main product. Its formula stands in for one
        of its own: in `everyone`, and for the low-level codes.
        """
        found: dict[str, list[tuple[Formula, Coming]]] = {}
        for formula in (*self.formulas.values(), *self.apart.values()):
            for one in formula.outputs:
                if one.item not in self.formulas and (one.cost or formula.recipe.apart):
                    found.setdefault(one.item, []).append((formula, one))
        kept: dict[str, tuple[Formula, Coming]] = {}
        for item, rows in found.items():
            if len(rows) > 1:
                continue
            try:
                self.levels = levels({**everyone, item: rows[0][0]})
            except RecipeCycle:
                continue
            everyone[item] = rows[0][0]
            kept[item] = rows[0]
        return kept

    def _all_lines(self, item: str) -> Formula:
        """The item's formula with the lines of all its versions."""
        first, *others = self.makers(item)
        return attrs.evolve(first, lines=tuple([line for one in (first, *others) for line in one.lines])) if others else first

    def makers(self, item: str) -> tuple[Formula, ...]:
        """All versions of the recipe that makes the item; nothing where nobody makes it."""
        formula = self.formulas.get(item)
        return () if formula is None else self.versions.get(item, (formula,))

    def formula_on(self, item: str, day: date, steps: int | None = None) -> Formula | None:
        """The version that makes the item on that day (and so much of it), or None where nobody makes it then."""
        try:
            return choose(self.versions[item], day, steps).formula if item in self.versions else self.formulas.get(item)
        except InvalidInput:
            return None

    def chosen(self, item: str, day: date, steps: int, recipe: str | None = None) -> Formula:
        """The formula for a run of so much on that day: the version that fits, or the one that is asked for by its name.

        Raises:
            NoSource: (`no_source`) nobody makes it. Unknown: (`unknown`) with the recipes of the item.
            InvalidInput: (`invalid_input`) none fits the day and the amount, with the reason against each.
        """
        if recipe is not None:
            own = [one for one in (*self.makers(item), *self.apart.values()) if one.item.code == item]
            named = [one for one in own if one.recipe.code == recipe]
            if not named:
                raise Unknown("recipe", recipe, tuple(one.recipe.code for one in own))
            return choose(named, day, steps).formula
        if item in self.versions:
            return choose(self.versions[item], day, steps).formula
        formula = self.formulas.get(item)
        if formula is None:
            raise NoSource((item,))
        return formula

    def _sorted_offers(self) -> Mapping[str, Sequence[tuple[Supplier, Offer]]]:
        offers: dict[str, list[tuple[Supplier, Offer]]] = {}
        for supplier in self.suppliers.values():
            for offer in supplier.offers:
                item = known(self.items, offer.item)
                offer.order_size(item, 1)  # its minimum and multiple are amounts of the item
                offers.setdefault(offer.item, []).append((supplier, offer))
        return {item: sorted(rows, key=lambda row: -row[1].preference) for item, rows in offers.items()}

    def item(self, code: str) -> Item:
        """The item of this code.

        Raises:
            Unknown: (`unknown`) with near names.
        """
        found = self.items.get(code) if isinstance(code, str) else None
        return found or known(self.items, code)

    def formula(self, item: str) -> Formula | None:
        """The compiled recipe that makes the item, if there is one."""
        return self.formulas.get(item)

    def offers(self, item: str) -> Sequence[tuple[Supplier, Offer]]:
        """Who delivers the item."""
        return self._offers.get(item, ())

    def work_center(self, code: str) -> WorkCenter:
        """The work center of this code."""
        return self.work_centers[code]

    def place(self, code: str) -> Place:
        """The place of this code.

        Raises:
            Unknown: (`unknown`) with the places that there are; a run's own place on the line is not one to name.
        """
        if not isinstance(code, str) or code not in self.places:
            raise Unknown("place", code, tuple(self.places))
        return self.places[code]

    def usable_place(self, place: str) -> bool:
        """Whether what stands there may be used; a place within a blocked one may not, nor the line, which is a run's own."""
        return place in self.usable_places

    def within(self, place: str) -> frozenset[str]:
        """The place and everything within it."""
        return subtree([*self.places.values()], place)

    def method(self, code: str | None) -> ShippingMethod | None:
        """The shipping method of this code; None for none.

        Raises:
            Unknown: (`unknown`) with the methods that there are.
        """
        if code is None:
            return None
        if not isinstance(code, str) or code not in self.methods:
            raise Unknown("shipping method", code, tuple(self.methods))
        return self.methods[code]

    def is_ingredient(self, item: str) -> bool:
        """Whether a recipe needs the item."""
        return item in self._ingredients

    def reach(self, item: str) -> tuple[str, ...]:
        """The item and everything that its making may need, each once, from the product down."""
        found = self._reach.get(item)
        if found is None:
            reached = dict.fromkeys([item])
            queue = [item]
            while queue:
                made = queue.pop()
                brought = self.besides.get(made)
                formula = self._all_lines(made) if made in self.formulas else brought[0] if brought else None
                for name in (*[line.item for line in formula.lines], *inputs(formula)) if formula else ():
                    if name not in reached:
                        reached[name] = None
                        queue.append(name)
            found = self._reach[item] = tuple(reached)
        return found

    def timeline(self, calendar: Calendar, now: datetime) -> Timeline:
        """The calendar compiled for the horizon around `now`; whole years, so that it is compiled rarely."""
        return compile_calendar(calendar, *self.span(now), self.zone)

    def span(self, now: datetime) -> tuple[date, date]:
        """The first and the last day of the horizon around `now`."""
        return date(now.year - 1, 1, 1), date(now.year + HORIZON_YEARS, 12, 31)


def _limited(recipe: Recipe) -> bool:
    """Whether a recipe is meant for some days or amounts only."""
    return not recipe.phantom and any((recipe.valid_from, recipe.valid_until, recipe.sized))


def in_process(place: str) -> bool:
    """Whether the place is a run's own on the line.

    >>> in_process("line:PB-2026-11-001")
    True
    """
    return place.startswith(LINE)

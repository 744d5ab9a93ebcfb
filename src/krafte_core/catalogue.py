"""The catalogue: items, recipes, resources and places as one consistent value, compiled once per revision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from krafte_core.calendars import Calendar, compile_calendar
from krafte_core.errors import InvalidInput, Unknown
from krafte_core.items import Item
from krafte_core.orders import OrderPart
from krafte_core.recipes import Formula, Recipe, compiled, known, levels
from krafte_core.resources import Offer, ShippingMethod, Supplier, WorkCenter
from krafte_core.stock import LINE, PLACES, RULES, Place, subtree
from krafte_core.store import CatalogueValue
from krafte_core.timelines import Timeline

HORIZON_YEARS = 3
"""Calendars are compiled from the beginning of last year to the end of the year so many years ahead."""


class Catalogue:
    """Everything registered at one revision; refuses what does not fit together.

    Raises:
        Unknown: (`unknown`) a recipe, offer or operation that names something unregistered.
        RecipeCycle: (`recipe_cycle`). InvalidInput: (`invalid_input`) two recipes for one item. And what `compiled` raises.

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
        self.work_centers = {one.code: one for one in everything if isinstance(one, WorkCenter)}
        self.suppliers = {one.code: one for one in everything if isinstance(one, Supplier)}
        self.methods = {one.code: one for one in everything if isinstance(one, ShippingMethod)}
        self.places = {one.code: one for one in everything if isinstance(one, Place)}
        self._check_places()
        self.recipes = {one.code: one for one in everything if isinstance(one, Recipe)}
        self.kits: Mapping[str, tuple[OrderPart, ...]] = {item.code: self._parts(item) for item in self.items.values() if item.kit}
        """What one step of each kit holds, down to what is stocked."""
        self.formulas = self._compiled(self.recipes.values())
        self._check_kits()
        self.levels = levels(self.formulas)
        self._offers = self._sorted_offers()
        blocked = [subtree([*self.places.values()], place.code) for place in self.places.values() if not place.usable]
        self.usable_places = frozenset(self.places).difference(*blocked)
        self._ingredients = frozenset(line.item for formula in self.formulas.values() for line in formula.lines)
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
            for name in (recipe.item, *(line.item for line in recipe.ingredients)):
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
        formulas: dict[str, Formula] = {}
        for recipe in recipes:
            if recipe.item in formulas:
                first = formulas[recipe.item].recipe.code
                raise InvalidInput("recipe", recipe.code, f"one recipe for {recipe.item}; there is {first!r} already")
            for operation in recipe.operations:
                if operation.at is not None and operation.at not in self.work_centers:
                    raise Unknown("work center", operation.at, tuple(self.work_centers))
            formulas[recipe.item] = compiled(recipe, self.items)
        return formulas

    def _sorted_offers(self) -> Mapping[str, Sequence[tuple[Supplier, Offer]]]:
        offers: dict[str, list[tuple[Supplier, Offer]]] = {}
        for supplier in self.suppliers.values():
            for offer in supplier.offers:
                item = known(self.items, offer.item)
                offer.order_size(item, 1)  # its minimum and multiple are amounts of the item
                offers.setdefault(offer.item, []).append((supplier, offer))
        return offers

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
                formula = self.formulas.get(queue.pop())
                for line in formula.lines if formula else ():
                    if line.item not in reached:
                        reached[line.item] = None
                        queue.append(line.item)
            found = self._reach[item] = tuple(reached)
        return found

    def timeline(self, calendar: Calendar, now: datetime) -> Timeline:
        """The calendar compiled for the horizon around `now`; whole years, so that it is compiled rarely."""
        return compile_calendar(calendar, date(now.year - 1, 1, 1), date(now.year + HORIZON_YEARS, 12, 31), self.zone)


def in_process(place: str) -> bool:
    """Whether the place is a run's own on the line.

    >>> in_process("line:PB-2026-11-001")
    True
    """
    return place.startswith(LINE)

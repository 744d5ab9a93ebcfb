"""Questions about recipes as they are today: how much can be made now, what is in it, what goes into what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from krafte_core.allocation import Incoming
from krafte_core.coverage import Cover, lacking
from krafte_core.declarations import Composition, composition, lot_compositions
from krafte_core.desks.costs import behind
from krafte_core.errors import NoSource, OutOfRange, Unsolvable
from krafte_core.items import MOST_STEPS
from krafte_core.office import Office
from krafte_core.scheduling import Search
from krafte_core.structure import Buildable, Structure
from krafte_core.work import Seen, Work


class RecipeQuestions:
    """The part of `shop.production` that reads recipes."""

    _office: Office

    def structure(self) -> Structure:
        """All recipes as one structure: explode it, draw it, ask where something is used.

        >>> from krafte_core import Ingredient, Item, Recipe, Workshop
        >>> shop = Workshop.in_memory()
        >>> balm = Recipe("balm", makes="1 kg", ingredients=[Ingredient("wax", "0.3 kg"), Ingredient("oil", "q.s.")])
        >>> shop.register(Item("balm", unit="kg"), Item("wax", unit="kg"), Item("oil", unit="kg"), balm)
        >>> [(use.product, str(use.ratio)) for use in shop.production.structure().where_used("oil")]
        [('balm', '7/10')]
        """
        with self._office.look() as work:
            return Structure(work.catalogue.formulas)

    def buildable(self, item: str) -> Buildable:
        """How much of an item could be made now from what is free in stock, and what limits it; all levels count together.

        Lots count by their content, and substitutes stand in, as in a run. Stock of the item itself, supply on its way and the time of
        work centers do not count.

        Raises:
            NoSource: (`no_source`) nobody makes it. Unknown: (`unknown`) no such item.

        >>> from krafte_core import Ingredient, Item, Recipe, Workshop
        >>> shop = Workshop.in_memory()
        >>> balm = Recipe("balm", makes="1 kg", ingredients=[Ingredient("wax", "0.3 kg"), Ingredient("oil", "q.s.")])
        >>> shop.register(*(Item(name, unit="kg", step="1 g") for name in ("balm", "wax", "oil")), balm)
        >>> _ = shop.stock.receive("wax", "3 kg"), shop.stock.receive("oil", "3.5 kg")
        >>> print(shop.production.buildable("balm"))
        5 kg of balm can be made now; limited by oil
        """
        with self._office.look() as work:
            known = work.item(item)
            if not work.catalogue.makers(item):
                raise NoSource((item,))
            here = _Here(work, work.catalogue.reach(item))
            low, high = 0, 1
            while high <= MOST_STEPS and not _short(here, item, high):
                low, high = high, high * 2
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if not _short(here, item, middle) else (low, middle)
            if low and _short(here, item, low, strict=True):
                low = 0  # its lines leave no room in so small a batch
            return Buildable(item, known.scale, low, tuple(_short(here, item, low + 1).items()))

    def composition(self, item: str, *, lot: str | None = None) -> Composition:
        """What is in an item by its recipe, or what really is in one step of a lot: kilograms of everything that was bought.

        `declarations.ingredient_list` and `declarations.nutrients` make a label of it.

        Raises:
            InvalidInput: (`invalid_input`) items whose mass nobody declared, by name. Unknown: (`unknown`) no such item or lot.

        >>> from krafte_core import Ingredient, Item, Recipe, Workshop
        >>> shop = Workshop.in_memory()
        >>> balm = Recipe("balm", makes="1 kg", ingredients=[Ingredient("wax", "30 %"), Ingredient("oil", "q.s.")])
        >>> shop.register(*(Item(name, unit="kg", step="1 g") for name in ("balm", "wax", "oil")), balm)
        >>> {name: str(kilograms) for name, kilograms in shop.production.composition("balm").weights.items()}
        {'wax': '3/10', 'oil': '7/10'}
        """
        with self._office.look() as work:
            items = work.catalogue.items
            code = work.item(item).code
            if lot is None:
                return composition(Structure(work.catalogue.formulas), code, items)
            row = work.lot(code, lot)
            found = lot_compositions(behind(work, row)[0], items).get((code, lot))
            return found or composition(Structure({}), code, items)


class _Here(Seen):
    """What is there now, and nothing that is to come."""

    def incoming(self, item: str) -> Sequence[Incoming]:
        return ()


def _short(here: Seen, item: str, steps: int, *, strict: bool = False) -> Mapping[str, int]:
    """What so much would lack; a batch that is too small for its lines lacks nothing, unless it is to be made (`strict`)."""
    formula = here.formula(item, steps)
    if formula is None:
        return {item: steps}
    work: Work = here.work
    centers = [code for name in here.items for one in work.catalogue.makers(name) for code in one.recipe.centers]
    search = Search(here, buy=False, relaxing=frozenset([("queue", code) for code in centers]))
    covers: list[Cover] = []
    try:
        for size in search.sizes(formula, steps):
            covers += [cover for _, cover in search.batch(formula, size).inputs]
    except Unsolvable:
        return {item: steps} if strict else {}
    except OutOfRange:
        return {item: steps}
    return lacking(covers)

"""Allergens: which finished lots hold an allergen that their label does not declare, decided by the lots that went into them.

A material says what it contains (the attribute `allergens` of the item, such as `"milk, wheat"`); a single lot may contain more (the
same attribute of the lot: a substitute, a trace from the supplier). A finished item says what its label declares (`declares`, else
`allergens`). Recipes are not asked: a substitution or rework changes the lot, not the recipe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from krafte_core.items import Item, words
from krafte_core.ledger import Key
from krafte_core.stock import Lot
from krafte_core.trace import Reach


class Undeclared(NamedTuple):
    """A finished lot that holds an allergen which its label does not declare, and the lots behind it that brought it."""

    item: str
    lot: str
    allergen: str
    through: tuple[Key, ...]


def of_lot(lot: Lot, item: Item, attribute: str = "allergens") -> frozenset[str]:
    """What a lot contains by itself: what it says, and, where it was not made here, what its item says.

    Any attribute that lists what something contains may be asked for; what a recipe contains tells `declarations.contained`.

    >>> from datetime import datetime
    >>> flour = Item("flour", unit="kg", attributes={"allergens": "wheat"})
    >>> sorted(of_lot(Lot("flour", "F-1", received_at=datetime(2026, 1, 1)), flour))
    ['wheat']
    """
    own = words(dict(lot.attributes).get(attribute))
    return own if lot.origin in ("run", "conversion") else own | words(dict(item.attributes).get(attribute))


def declared(item: Item) -> frozenset[str]:
    """What the label of an item declares.

    >>> sorted(declared(Item("bread", unit="each", attributes={"allergens": "wheat", "declares": "wheat, milk"})))
    ['milk', 'wheat']
    """
    given = dict(item.attributes)
    return words(given.get("declares", given.get("allergens")))


def carriers(lots: Iterable[Lot], items: Mapping[str, Item], attribute: str = "allergens") -> dict[str, tuple[Key, ...]]:
    """Per allergen (or whatever the attribute lists) the lots that contain it by themselves.

    Asked for all lots that went into one, it tells what that one contains, and through which.

    >>> carriers([], {})
    {}
    """
    found: dict[str, list[Key]] = {}
    for lot in lots:
        for allergen in sorted(of_lot(lot, items[lot.item], attribute)):
            found.setdefault(allergen, []).append((lot.item, lot.code))
    return {allergen: tuple(sorted(keys)) for allergen, keys in sorted(found.items())}


def undeclared(
    sources: Mapping[str, tuple[Key, ...]],
    scope: Callable[[Iterable[Key]], Reach],
    behind: Callable[[Key], Reach],
    items: Mapping[str, Item],
    is_finished: Callable[[str], bool],
) -> Iterator[Undeclared]:
    """Every finished lot with an allergen that its label does not declare.

    Args:
        sources: what `carriers` found.
        scope, behind: the search forward from lots, one for every allergen, and back from a lot, one for every finding.
        items: at least those of the lots; `is_finished`: whether an item is sold.

    >>> from krafte_core.trace import reach
    >>> nothing = lambda keys: reach(lambda lots, runs: (), keys, "forward")
    >>> [*undeclared({}, nothing, lambda key: nothing([key]), {}, lambda item: True)]
    []
    """
    for allergen, keys in sources.items():
        wanted = frozenset(keys)
        for item, lot in scope(keys).lots:
            if is_finished(item) and allergen not in declared(items[item]):
                through = tuple(key for key in behind((item, lot)).lots if key in wanted)
                yield Undeclared(item, lot, allergen, through)

"""How much a channel may offer: what is free, less a safety stock, times the channel's share, in whole sold units.

>>> from krafte_core import Item, qty
>>> items = {"soap": Item("soap", unit="each"), "salt": Item("salt", unit="g")}
>>> rows = [Match("soap", sku="SOAP"), Match({"soap": "2 each", "salt": "250 g"}, sku="SET")]
>>> free = {"soap": qty("25 each"), "salt": qty("1 kg")}
>>> offers(free, rows, items, share="50 %", safety={"soap": "5 each"})
{'SOAP': 10, 'SET': 2}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from krafte_core.channels.matching import Match
from krafte_core.errors import InvalidInput, Unknown
from krafte_core.items import Item
from krafte_core.quantities import Quantity, split
from krafte_core.workshop import Workshop


def offers(
    free: Mapping[str, Quantity | str], rows: Iterable[Match], items: Mapping[str, Item], *, share: str = "100 %",
    safety: Mapping[str, str] | None = None,
) -> dict[str, int]:  # fmt: skip
    """Per SKU how many sold units may be offered; a bundle by its scarcest part, and never less than nothing.

    Products that share an item may each offer all of the channel's share of it: the channel sells what it sells first, and the next
    stock level tells the others. What two channels must not sell both is divided by their shares.

    Args:
        free: per item what is free and usable; an item that is left out has nothing.
        rows: the channel's mapping; rows without SKU are left out.
        items: our items by their codes.
        share: of the channel, between 0 and 100 %.
        safety: per item what no channel may offer.

    Raises:
        InvalidInput: (`invalid_input`) a share that is none. Unknown: (`unknown`) goods that are no item.
    """
    number, unit = split(share, "share")
    if unit != "%" or not 0 <= number <= 100:
        raise InvalidInput("share", share, "a share such as '50 %'")
    part = Fraction(number) / 100
    found: dict[str, int] = {}
    for row in rows:
        if row.sku is None or row.key is not None or row.options:
            continue
        counts = []
        for goods in row.goods:
            if goods.item not in items:
                raise Unknown("item", goods.item, tuple(items))
            item = items[goods.item]
            spare = item.steps(safety[goods.item]) if safety and goods.item in safety else 0
            there = item.steps(free[goods.item]) if goods.item in free else 0
            counts.append(int(max(there - spare, 0) * part / item.steps(goods.amount)))
        found[row.sku] = min(counts, default=0)
    return found


def free_for(shop: Workshop, rows: Iterable[Match]) -> dict[str, Quantity]:
    """Per item of a mapping what is free and usable now: what is promised to orders or runs, held or expired is not.

    >>> from krafte_core import Item
    >>> shop = Workshop.in_memory()
    >>> shop.register(Item("soap", unit="each"))
    >>> lot = shop.stock.receive("soap", "25 each", lot="S-1")
    >>> free_for(shop, [Match("soap", sku="SOAP")])
    {'soap': Quantity('25 each')}
    """
    codes = dict.fromkeys(goods.item for row in rows for goods in row.goods)
    return {item: shop.stock.level(item).available for item in codes}

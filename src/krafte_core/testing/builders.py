"""Small builders with sane defaults: a soap maker's workshop for the tests of those who build on the library.

A test names what it is about and leaves the rest to the defaults.

>>> shop = a_workshop()
>>> order = an_order(shop, amount="200 each", confirmed=True)
>>> [str(run.planned) for run in shop.production.covering(order)]
['100 each', '100 each']
"""

from __future__ import annotations

from typing import Any

from krafte_core.items import Item
from krafte_core.orders import CustomerOrder, OrderLine
from krafte_core.recipes import BatchSize, Ingredient, Operation, Recipe
from krafte_core.resources import Offer, ShippingMethod, Supplier, WorkCenter
from krafte_core.stock import Lot
from krafte_core.store import CatalogueValue, Clock
from krafte_core.testing.clock import FakeClock
from krafte_core.workshop import Workshop

MONDAY = "2026-11-23 08:00"
"""When a workshop's clock stands still, unless the test brings its own clock."""


def an_item(code: str = "olive-oil", **fields: Any) -> Item:
    """An item; stocked in kilograms unless the test says otherwise.

    >>> an_item("jar", unit="each").unit, an_item().unit
    ('each', 'kg')
    """
    return Item(code, **{"unit": "kg", **fields})


def a_recipe(item: str = "soap-bar", **fields: Any) -> Recipe:
    """A recipe: a hundred bars of soap from oil and lye, in batches of a hundred, six hours of work and a day of rest.

    >>> a_recipe(batch=None).makes
    '100 each'
    """
    defaults: dict[str, Any] = {
        "makes": "100 each",
        "ingredients": [Ingredient("olive-oil", "8 L"), Ingredient("lye", "1.05 kg")],
        "operations": [Operation("saponify", at="kettle", run="6 h"), Operation("rest", wait="1 day")],
        "batch": BatchSize(exactly="100 each"),
    }
    return Recipe(item, **{**defaults, **fields})


def a_catalogue() -> tuple[CatalogueValue, ...]:
    """What the soap maker registers: oil, lye and soap, a kettle, a supplier, a parcel service, the recipe.

    >>> [value.code for value in a_catalogue()]
    ['olive-oil', 'lye', 'soap-bar', 'kettle', 'Frantoio', 'parcel', 'soap-bar']
    """
    return (
        an_item("olive-oil", density="0.915 kg/L"),
        an_item("lye"),
        an_item("soap-bar", unit="each", kind="finished", packs={"box": 20}),
        WorkCenter("kettle", hours="Mon-Fri 08:00-16:00"),
        Supplier("Frantoio", offers=[Offer("olive-oil", lead_time="4 days", minimum="10 kg"), Offer("lye", lead_time="2 days")]),
        ShippingMethod("parcel", transit="2 days"),
        a_recipe(),
    )


def a_workshop(*values: CatalogueValue, clock: Clock | None = None, stocked: bool = True) -> Workshop:
    """A workshop in memory with the soap maker's catalogue.

    Args:
        values: registered besides, or instead of those with the same code.
        clock: default one that stands still on a Monday at eight in Berlin.
        stocked: with material for three batches, in the lots OO-1 and NA-1.

    >>> shop = a_workshop(an_item("lavender-oil", unit="mL"))
    >>> str(shop.stock.level("olive-oil").available), str(shop.stock.level("lavender-oil").available)
    ('30 kg', '0 mL')
    """
    shop = Workshop.in_memory(clock=clock or FakeClock(MONDAY, zone="Europe/Berlin"), by="the test")
    shop.register(*a_catalogue())
    if values:
        shop.register(*values)
    if stocked:
        a_delivery(shop, "olive-oil", "30 kg", lot="OO-1", supplier="Frantoio")
        a_delivery(shop, "lye", "5 kg", lot="NA-1")
    return shop


def a_delivery(shop: Workshop, item: str = "olive-oil", amount: Any = "30 kg", **fields: Any) -> Lot:
    """A lot that came in; its code is the next number unless the test gives one.

    Raises:
        Whatever `shop.stock.receive` raises, which takes the same fields.

    >>> a_delivery(a_workshop(), expires="2027-09-30").expires.isoformat()
    '2027-09-30'
    """
    return shop.stock.receive(item, amount, **fields)


def an_order(
    shop: Workshop,
    item: str = "soap-bar",
    amount: Any = "100 each",
    *,
    customer: str = "Bio Markt",
    price: str | None = "3.20 EUR",
    confirmed: bool = False,
    **fields: Any,
) -> CustomerOrder:
    """An order of one line, placed and, if wished, confirmed.

    Raises:
        Whatever `shop.orders.place` (which takes the other fields) and `shop.orders.confirm` raise.

    >>> shop = a_workshop()
    >>> order = an_order(shop, amount="2 box", requested="2026-12-24")
    >>> str(order.lines[0].amount), str(order.total)
    ('40 each', '128.00 EUR')
    """
    order = shop.orders.place(customer=customer, lines=[OrderLine(item, amount, price=price)], **fields)
    if confirmed:
        shop.orders.confirm(order)
    return order

"""Several orders asked for at once: nothing is promised twice."""

from __future__ import annotations

import pytest

from krafte_core import Ingredient, Item, Offer, Operation, OrderLine, Recipe, Supplier, WorkCenter, Workshop
from krafte_core.errors import InvalidInput, Unknown
from krafte_core.testing import FakeClock


def candle_shop() -> Workshop:
    """Ten candles take a day at the melter; there are twenty, and wax for twenty more. It is Monday."""
    shop = Workshop.in_memory(clock=FakeClock("2026-11-23 08:00"))
    shop.register(
        Item("candle", unit="each"),
        Item("wax", unit="kg"),
        WorkCenter("melter", hours="Mon-Fri 08:00-16:00"),
        Supplier("Imker", offers=[Offer("wax", lead_time="7 days")]),
        Recipe(
            "candle", makes="10 each", ingredients=[Ingredient("wax", "1 kg")], operations=[Operation("pour", at="melter", run="8 h")]
        ),
    )
    shop.stock.receive("candle", "20 each", lot="C-1")
    shop.stock.receive("wax", "2 kg", lot="W-1")
    return shop


def order(shop: Workshop, customer: str, amount: str, **how):
    return shop.orders.place(customer=customer, lines=[OrderLine("candle", amount)], **how)


def test_each_takes_its_part_of_stock_hours_and_wax():
    shop = candle_shop()
    orders = [
        order(shop, "Anna", "20 each"),
        order(shop, "Ben", "10 each"),
        order(shop, "Carl", "10 each"),
        order(shop, "Dora", "10 each"),
    ]
    alone = [str(shop.orders.promise(one).date) for one in orders]
    assert alone == ["2026-11-23"] * 4  # each for itself could have the candles that are there

    basket = shop.orders.promise_all(orders)

    assert [str(one.date) for one in basket.promises] == ["2026-11-23", "2026-11-23", "2026-11-24", "2026-11-30"]
    assert str(basket.date) == "2026-11-30"
    assert basket.promises[3].critical_path[0].kind == "purchase"
    assert [str(shop.orders.promise(one).date) for one in orders] == alone  # nothing is held


def test_confirmed_in_that_order_they_get_these_dates():
    shop = candle_shop()
    orders = [
        order(shop, name, "10 each", requested=day) for name, day in (("Anna", "2026-12-04"), ("Ben", "2026-12-03"), ("Carl", None))
    ]
    promised = {one.order: one.date for one in shop.orders.promise_all(orders).promises}
    assert [*promised] == [orders[1].number, orders[0].number, orders[2].number]  # the most urgent first
    for number, day in promised.items():
        assert shop.orders.confirm(number).promised == day


def test_one_that_nobody_can_make_leaves_the_basket_without_a_date():
    shop = candle_shop()
    shop.register(Item("pearl", unit="each"))
    anna = order(shop, "Anna", "5 each")
    basket = shop.orders.promise_all([shop.orders.place(customer="Eve", lines=[OrderLine("pearl", "1 each")]), anna])
    assert (basket.date, basket.arrival) == (None, None)
    assert [one.missing for one in basket.promises] == [(), ("pearl",)]


def test_a_basket_has_orders_in_it():
    shop = candle_shop()
    with pytest.raises(InvalidInput, match="at least one order"):
        shop.orders.promise_all([])
    with pytest.raises(InvalidInput, match="a list of orders"):
        shop.orders.promise_all("CO-1")
    with pytest.raises(Unknown):
        shop.orders.promise_all(["CO-1"])

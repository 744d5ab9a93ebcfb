"""What an order costs, as a table: per piece or per pack, money or a share off, samples, taxes and shipping as given; to the cent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from krafte_core import Item, OrderLine, PurchaseLine, Supplier, Workshop, qty
from krafte_core.testing import FakeClock


def shop_with_boxes() -> Workshop:
    shop = Workshop.in_memory(clock=FakeClock("2026-03-02 08:00"))
    shop.register(
        Item("soap", unit="each", packs={"box": 12}), Item("oil", unit="kg", step="1 g", density="0.9 kg/L"), Supplier("mill"),
    )  # fmt: skip
    return shop


# the item, how much, the price and what it is for, what else the line says, what the line costs
LINES: list[tuple[str, str, dict[str, Any], str]] = [
    ("soap", "5 each", {"price": "4.50 EUR"}, "22.50 EUR"),
    ("soap", "2 box", {"price": "48 EUR", "per": "box"}, "96.00 EUR"),
    ("soap", "30 each", {"price": "48 EUR", "per": "box"}, "120.00 EUR"),  # two and a half boxes
    ("soap", "1 each", {"price": "10 EUR", "per": "box"}, "0.83 EUR"),  # a twelfth, rounded once
    ("soap", "7 each", {"price": "10 EUR", "per": "box"}, "5.83 EUR"),
    ("oil", "750 g", {"price": "8 EUR"}, "6.00 EUR"),  # per kilogram, its unit
    ("oil", "750 g", {"price": "1 EUR", "per": "g"}, "750.00 EUR"),
    ("oil", "2 L", {"price": "10 EUR"}, "18.00 EUR"),  # 1.8 kg
    ("soap", "10 each", {"price": "4.50 EUR", "discount": "5 EUR"}, "40.00 EUR"),
    ("soap", "10 each", {"price": "4.50 EUR", "discount": "10 %"}, "40.50 EUR"),
    ("soap", "3 each", {"price": "3.33 EUR", "discount": "33 %"}, "6.69 EUR"),  # 9.99 less 3.2967
    ("soap", "1 each", {"price": "4.50 EUR", "sample": True}, "0.00 EUR"),
]


@pytest.mark.parametrize(("item", "amount", "terms", "total"), LINES)
def test_what_a_line_costs(item: str, amount: str, terms: dict[str, Any], total: str):
    order = shop_with_boxes().orders.place(customer="Anna", lines=[OrderLine(item, amount, **terms)])
    assert str(order.total) == total


# what is said for the whole order, and what Anna pays for two soaps of 10 EUR with 3.80 EUR tax
WHOLE = [
    ({}, "20.00 EUR"),
    ({"discount": "10 %"}, "18.00 EUR"),
    ({"discount": "1 EUR", "shipping_price": "4.90 EUR"}, "23.90 EUR"),
    ({"tax": "3.80 EUR"}, "23.80 EUR"),
    ({"tax": "3.19 EUR", "tax_included": True}, "20.00 EUR"),
]


@pytest.mark.parametrize(("terms", "total"), WHOLE)
def test_what_an_order_costs(terms: dict[str, Any], total: str):
    order = shop_with_boxes().orders.place(customer="Anna", lines=[OrderLine("soap", "2 each", price="10 EUR")], **terms)
    assert str(order.totals.gross) == total


def test_every_lot_knows_what_it_cost():
    """The price of the purchase line is the cost of each lot that it brings; without an order it is said at the receipt."""
    shop = shop_with_boxes()
    purchase = shop.purchasing.order("mill", lines=[PurchaseLine("oil", "10 kg", price="4.10 EUR")], expected="2026-03-05 08:00")
    first = shop.purchasing.receive(purchase, "oil", "6 kg", lot="O-1").lot
    shop.purchasing.change(purchase, "oil", price="4.40 EUR")
    second = shop.purchasing.receive(purchase, "oil", "4 kg", lot="O-2").lot
    third = shop.stock.receive("oil", "1 kg", lot="O-3", unit_cost="5 EUR")
    assert [one.unit_cost.amount for one in (first, second, third)] == [Decimal("4.10"), Decimal("4.40"), Decimal("5.00")]
    assert shop.stock.level("oil").on_hand == qty("11 kg")

"""What leaves for an order is not always what was planned: other lots, a little more, a little less, all at once or in parts."""

from __future__ import annotations

import pytest

from krafte_core import OrderLine, OrderStatus, Short, qty
from krafte_core.errors import InvalidInput, LotNotUsable, TooMuch
from tests.scenarios.day import candle_shop, confirmed, reserved


def shop_with(*lots: tuple[str, str]):
    shop, clock = candle_shop()
    for code, amount in lots:
        shop.stock.receive("candle", amount, lot=code, expires=f"2026-0{int(code[-1]) + 5}-01")
    return shop, clock


def order_of(shop, customer: str, amount: str, **line):
    """An order for candles with terms of its own, confirmed."""
    terms = {name: line.pop(name) for name in ("delivery",) if name in line}
    placed = shop.orders.place(customer=customer, lines=[OrderLine("candle", amount, **line)], **terms)
    shop.orders.confirm(placed)
    return placed


@pytest.mark.parametrize(
    ("sent", "status", "free_afterwards"),
    [  # ordered 100, between 95 and 105 are all of it; 200 are in stock
        ("94 each", OrderStatus.PARTLY_SHIPPED, "100 each"),  # 6 are still reserved
        ("95 each", OrderStatus.SHIPPED, "105 each"),  # nobody waits for the other 5
        ("100 each", OrderStatus.SHIPPED, "100 each"),
        ("105 each", OrderStatus.SHIPPED, "95 each"),
    ],
)
def test_a_little_more_or_less_is_all_of_it(sent: str, status: OrderStatus, free_afterwards: str):
    shop, _ = shop_with(("C-1", "200 each"))
    anna = order_of(shop, "Anna", "100 each", over="5 %", under="5 %")
    shop.shipping.ship(anna, amounts={"candle": sent})
    assert shop.orders.status(anna) is status
    assert shop.stock.level("candle").available == qty(free_afterwards)
    assert shop.orders.confirm(anna).shortages == ()
    assert shop.stock.level("candle").available == qty(free_afterwards)
    shop.verify()


def test_more_than_the_tolerance_is_refused_with_the_most_that_may_leave():
    shop, _ = shop_with(("C-1", "200 each"))
    anna = order_of(shop, "Anna", "100 each", over="5 %")
    with pytest.raises(TooMuch) as refusal:
        shop.shipping.ship(anna, amounts={"candle": "106 each"})
    assert str(refusal.value.there) == "105 each"
    ben = order_of(shop, "Ben", "95 each", over="50 %")
    with pytest.raises(Short, match="100 each"):  # 142 were allowed, but only 5 more are free
        shop.shipping.ship(ben, amounts={"candle": "101 each"})
    without = order_of(shop, "Cem", "1 each")
    with pytest.raises(Short):
        shop.shipping.ship(without, amounts={"candle": "2 each"})
    shop.verify()


def test_another_lot_leaves_than_was_allocated_and_the_allocated_one_is_free_again():
    shop, _ = shop_with(("C-1", "20 each"), ("C-2", "20 each"))
    anna = confirmed(shop, "Anna", "12 each")
    assert reserved(shop, "candle") == {"C-1": "12 each"}
    shipment = shop.shipping.ship(anna, lots={"candle": {"C-2": "10 each"}})
    assert [(line.lot, str(line.amount)) for line in shipment.lines] == [("C-2", "10 each")]
    assert reserved(shop, "candle") == {"C-1": "2 each"}
    shop.shipping.ship(anna, lots={"1": {"C-1": "1 each", "C-2": "1 each"}})
    assert reserved(shop, "candle") == {}
    assert shop.orders.status(anna) is OrderStatus.SHIPPED
    assert {lot.code for lot in shop.trace.recall("candle", "C-2").lots} == {"C-2"}
    shop.verify()


def test_a_lot_that_others_were_promised_leaves_only_by_force_and_they_are_told():
    shop, _ = shop_with(("C-1", "20 each"), ("C-2", "20 each"))
    anna, ben = confirmed(shop, "Anna", "20 each"), confirmed(shop, "Ben", "15 each")
    assert reserved(shop, "candle") == {"C-1": "20 each", "C-2": "15 each"}
    with pytest.raises(Short, match="C-2"):
        shop.shipping.ship(anna, lots={"candle": {"C-2": "12 each"}})
    heard = []
    shop.subscribe("mailer", heard.append, since="now")
    shop.shipping.ship(anna, lots={"candle": {"C-2": "12 each"}}, force=True)
    shop.deliver_events()
    assert [(event.document, str(event.amount)) for event in heard if type(event).__name__ == "CoverLost"] == [(ben.number, "7 each")]
    assert reserved(shop, "candle") == {"C-1": "8 each", "C-2": "8 each"}
    shop.verify()


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        ({"lots": {"candle": {"C-9": "1 each"}}}, Exception),
        ({"lots": {"candle": {}}}, InvalidInput),
        ({"lots": {}}, InvalidInput),
        ({"lots": {"candle": {"C-1": "13 each"}}}, TooMuch),
        ({"lots": {"candle": {"C-3": "1 each"}}}, LotNotUsable),
        ({"lots": {"candle": {"C-1": "1 each"}}, "amounts": {"candle": "1 each"}}, InvalidInput),
    ],
)
def test_what_cannot_leave_changes_nothing(ask, error):
    shop, _ = shop_with(("C-1", "20 each"), ("C-3", "20 each"))
    shop.stock.hold("candle", lot="C-3")
    anna = confirmed(shop, "Anna", "12 each")
    before = shop.stock.table()
    with pytest.raises(error):
        shop.shipping.ship(anna, **ask)
    assert shop.stock.table() == before


def test_an_order_that_leaves_only_complete_waits_for_its_last_piece():
    shop, _ = shop_with(("C-1", "8 each"))
    anna = order_of(shop, "Anna", "12 each", delivery="complete")
    with pytest.raises(Short) as refusal:
        shop.shipping.ship(anna)
    assert (str(refusal.value.shortages[0].available), str(refusal.value.shortages[0].missing)) == ("8 each", "4 each")
    shop.stock.receive("candle", "10 each", lot="C-2")
    shop.orders.confirm(anna)
    shop.orders.allocate(anna, "candle")
    shop.shipping.ship(anna)
    assert shop.orders.status(anna) is OrderStatus.SHIPPED
    shop.verify()


def test_what_left_yesterday_is_entered_today():
    shop, clock = shop_with(("C-1", "20 each"))
    anna = confirmed(shop, "Anna", "12 each")
    clock.set("2026-03-03 08:00")
    shipment = shop.shipping.ship(anna, happened_at="2026-03-02 17:00")
    assert shipment.shipped_at.isoformat() == "2026-03-02T16:00:00+00:00"
    ben = confirmed(shop, "Ben", "1 each")
    with pytest.raises(TooMuch):  # nothing was there before the 2nd
        shop.shipping.ship(ben, happened_at="2026-03-01 17:00")
    shop.verify()

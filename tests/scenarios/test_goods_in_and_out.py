"""Deliveries that come in parts, shipments that leave in parts, and everybody who waits in between."""

from __future__ import annotations

import pytest

from krafte_core import OrderLine, OrderStatus, PurchaseLine, Short, qty
from krafte_core.errors import InvalidInput, NotAllowed
from tests.scenarios.day import candle_shop, confirmed, lost, order, reserved, rows, short


def test_a_part_may_leave_first_and_the_rest_later():
    shop, _ = candle_shop()
    shop.stock.receive("candle", "20 each", lot="C-1")
    anna = confirmed(shop, "Anna", "12 each")

    first = shop.shipping.ship(anna, amounts={"candle": "5 each"})

    assert [(line.lot, str(line.amount)) for line in first.lines] == [("C-1", "5 each")]
    assert shop.orders.status(anna) is OrderStatus.PARTLY_SHIPPED
    assert reserved(shop, "candle") == {"C-1": "7 each"}
    with pytest.raises(Short) as refused:
        shop.shipping.ship(anna, amounts={"candle": "8 each"})
    assert short(refused.value) == [("candle", "8 each", "7 each", "1 each")]
    shop.shipping.deliver(first)
    assert shop.orders.status(anna) is OrderStatus.PARTLY_SHIPPED
    second = shop.shipping.ship(anna)
    assert [str(line.amount) for line in second.lines] == ["7 each"]
    assert shop.orders.status(anna) is OrderStatus.SHIPPED
    with pytest.raises(Short):  # nothing is left
        shop.shipping.ship(anna)
    shop.shipping.deliver(second)
    assert shop.orders.status(anna) is OrderStatus.DELIVERED
    with pytest.raises(NotAllowed):
        shop.shipping.deliver(second)
    shop.verify()


def test_what_was_shipped_is_not_promised_again_when_the_rest_is_confirmed():
    shop, _ = candle_shop()
    shop.stock.receive("candle", "5 each", lot="C-1")
    anna = order(shop, "Anna", "12 each")
    shop.orders.confirm(anna, make=False)
    shop.shipping.ship(anna)
    shop.stock.receive("candle", "100 each", lot="C-2")

    shop.orders.confirm(anna)

    assert reserved(shop, "candle") == {"C-2": "7 each"}
    assert shop.orders.status(anna) is OrderStatus.PARTLY_SHIPPED
    shop.verify()


def test_a_line_is_named_once_in_the_amounts_of_a_shipment():
    shop, _ = candle_shop()
    shop.stock.receive("candle", "20 each", lot="C-1")
    anna = confirmed(shop, "Anna", "12 each")

    with pytest.raises(InvalidInput):
        shop.shipping.ship(anna, amounts={"candle": "8 each", "1": "8 each"})

    assert reserved(shop, "candle") == {"C-1": "12 each"}


def test_two_lines_of_one_item_are_told_apart_by_their_refs():
    shop, _ = candle_shop()
    shop.stock.receive("candle", "20 each", lot="C-1")
    anna = shop.orders.place(
        customer="Anna", lines=[OrderLine("candle", "5 each", ref="red"), OrderLine("candle", "6 each", ref="blue")]
    )
    shop.orders.confirm(anna)
    with pytest.raises(InvalidInput):
        shop.shipping.ship(anna, amounts={"candle": "5 each"})

    shop.shipping.ship(anna, amounts={"blue": "4 each"})

    stages = shop.orders.stages(anna)
    assert [(ref, row.shipped, row.ready) for ref, row in stages.items()] == [("red", 0, 5), ("blue", 4, 2)]


def test_several_orders_of_one_customer_leave_in_one_parcel():
    shop, _ = candle_shop()
    shop.stock.receive("candle", "20 each", lot="C-1")
    first, second = confirmed(shop, "Anna", "5 each"), confirmed(shop, "Anna", "6 each")
    ben = confirmed(shop, "Ben", "1 each")
    with pytest.raises(InvalidInput):
        shop.shipping.ship([first, ben])

    parcel = shop.shipping.ship([first, second], tracking="0034")

    assert parcel.orders == (first.number, second.number)
    assert {shop.orders.status(one) for one in (first, second)} == {OrderStatus.SHIPPED}
    shop.shipping.deliver(parcel)
    assert {shop.orders.status(one) for one in (first, second)} == {OrderStatus.DELIVERED}
    assert shop.orders.status(ben) is OrderStatus.READY_TO_SHIP


def test_res_032_exactly_the_reserved_lots_are_shipped():
    """RES-032: 60 wanted of two lots of 50: L1 whole and ten of L2, reserved and shipped. (Taking a shipment back comes later.)"""
    shop, clock = candle_shop()
    shop.stock.receive("candle", "50 each", lot="L1")
    clock.set("2026-03-02 09:00")
    shop.stock.receive("candle", "50 each", lot="L2")
    anna = confirmed(shop, "Anna", "60 each")
    assert reserved(shop, "candle") == {"L1": "50 each", "L2": "10 each"}
    sent = shop.shipping.ship(anna)
    assert {line.lot: str(line.amount) for line in sent.lines} == {"L1": "50 each", "L2": "10 each"}


def test_an_order_that_is_not_confirmed_does_not_leave():
    shop, _ = candle_shop()
    shop.stock.receive("candle", "20 each", lot="C-1")
    anna = order(shop, "Anna", "5 each")
    with pytest.raises(NotAllowed) as refused:
        shop.shipping.ship(anna)
    assert refused.value.allowed == ("confirm", "change", "split", "merge", "hold", "release", "cancel")


def test_a_purchase_comes_in_parts_and_those_who_were_promised_it_get_the_lots_the_most_urgent_first():
    shop, clock = candle_shop()
    purchase = shop.purchasing.order("mill", lines=[PurchaseLine("wax", "10 kg")])
    anna = confirmed(shop, "Anna", "4 kg", "wax", requested="2026-03-20")
    ben = confirmed(shop, "Ben", "5 kg", "wax", requested="2026-03-10")
    assert shop.stock.level("wax").incoming_free == qty("1 kg")

    clock.set("2026-03-05 08:00")
    got = shop.purchasing.receive(purchase, "wax", "6 kg", lot="W-1", supplier_lot="M-77")

    assert (got.open, got.closed) == (qty("4 kg"), False)
    assert shop.orders.status(ben) is OrderStatus.READY_TO_SHIP
    stages = shop.orders.stages(anna)["1"]
    assert (stages.ready, stages.waiting) == (1_000, 3_000)  # grams
    assert reserved(shop, "wax") == {"W-1": "6 kg"}
    assert shop.stock.level("wax").incoming_free == qty("1 kg")
    assert shop.stock.lot("wax", "W-1").supplier_lot == "M-77"

    got = shop.purchasing.receive(purchase, "wax", "5 kg", lot="W-2")  # a kilogram more than ordered

    assert (got.open, got.closed) == (qty("0 kg"), True)
    assert shop.orders.status(anna) is OrderStatus.READY_TO_SHIP
    assert shop.stock.level("wax").available == qty("2 kg")
    with pytest.raises(NotAllowed):
        shop.purchasing.receive(purchase, "wax", "1 kg")
    shop.verify()


def test_a_run_gets_the_purchased_lot_that_it_waited_for_and_can_begin():
    shop, clock = candle_shop()
    shop.stock.receive("wick", "50 each", lot="K-1")
    purchase = shop.purchasing.order("mill", lines=[PurchaseLine("wax", "10 kg")])
    anna = confirmed(shop, "Anna", "10 each")
    (run,) = shop.production.covering(anna)
    with pytest.raises(Short):
        shop.production.start(run)
    clock.set("2026-03-06 08:00")

    shop.purchasing.receive(purchase, "wax", "10 kg", lot="W-1")

    assert reserved(shop, "wax") == {"W-1": "2 kg"}
    assert shop.orders.status(anna) is OrderStatus.MATERIALS_RESERVED
    shop.production.start(run)
    shop.verify()


def test_a_cancelled_purchase_opens_the_needs_again_and_names_them():
    shop, _ = candle_shop()
    purchase = shop.purchasing.order("mill", lines=[PurchaseLine("wax", "10 kg")])
    anna, ben = confirmed(shop, "Anna", "4 kg", "wax"), confirmed(shop, "Ben", "5 kg", "wax")
    shop.purchasing.receive(purchase, "wax", "6 kg", lot="W-1")

    gone = shop.purchasing.cancel(purchase, reason="mill burnt down")

    assert lost(gone) == [(ben.number, "3 kg")]
    assert shop.orders.status(anna) is OrderStatus.READY_TO_SHIP
    assert shop.orders.status(ben) is OrderStatus.WAITING_FOR_MATERIAL
    assert shop.stock.level("wax").incoming == qty("0 kg")
    assert shop.purchasing.status(purchase) == "cancelled"
    shop.verify()


def test_the_books_can_be_read_as_tables():
    shop, clock = candle_shop()
    shop.stock.receive("wax", "10 kg", lot="W-1", expires="2026-05-31")
    shop.stock.receive("wick", "40 each", lot="K-1")
    purchase = shop.purchasing.order("mill", lines=[PurchaseLine("wax", "25 kg")])
    anna = shop.orders.place(
        customer="Anna", lines=[OrderLine("candle", "20 each"), OrderLine("wick", "5 each")], requested="2026-03-06", shipping="parcel"
    )
    shop.orders.confirm(anna)
    ben = order(shop, "Ben", "7 each")
    (run,) = shop.production.covering(anna)
    shop.stock.hold("wick", lot="K-1")

    board = rows(shop.orders.table())
    assert [(row["order"], row["customer"], row["line"], row["amount"]) for row in board] == [
        (anna.number, "Anna", "candle", "20 each"), ("", "", "wick", "5 each"), (ben.number, "Ben", "candle", "7 each"),
    ]  # fmt: skip
    assert [(row["requested"], row["promised"], row["status"]) for row in board] == [
        ("2026-03-06", "2026-03-04", "waiting for material"), ("", "", ""), ("", "", "received"),
    ]  # fmt: skip
    stock = rows(shop.stock.table("wax", "wick"))
    assert [(row["item"], row["lot"], row["on hand"], row["allocated"], row["expires"], row["not usable"]) for row in stock] == [
        ("wax", "W-1", "10 kg", "4 kg", "2026-05-31", ""), ("wick", "K-1", "40 each", "25 each", "", "held"),
    ]  # fmt: skip
    (made,) = rows(shop.production.table())
    assert (made["production"], made["item"], made["planned"], made["state"]) == (run.number, "candle", "20 each", "planned")
    (bought,) = rows(shop.purchasing.table())
    assert (bought["purchase"], bought["ordered"], bought["open"], bought["state"]) == (purchase.number, "25 kg", "25 kg", "ordered")

    shop.stock.release("wick", lot="K-1")
    assert rows(shop.orders.table(customer="Anna"))[1]["ready"] == "5 each"
    sent = shop.shipping.ship(anna, amounts={"wick": "5 each"})
    (left,) = rows(shop.shipping.table())
    assert (left["shipment"], left["order"], left["item"], left["lot"], left["state"]) == (
        sent.number, anna.number, "wick", "K-1", "shipped",
    )  # fmt: skip
    clock.set("2026-03-03 08:00")
    assert rows(shop.orders.table(customer="Anna"))[0]["status"] == "partly shipped"

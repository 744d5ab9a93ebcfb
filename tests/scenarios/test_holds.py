"""Orders on hold: they stay, their links stay, and nothing is made or sent before somebody has decided."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import attrs
import pytest

from krafte_core import Item, Workshop
from krafte_core.errors import InvalidInput, NotAllowed
from krafte_core.events import OrderHeld, OrderReleased
from krafte_core.incoming import Goods, MessageLine, OrderMessage
from tests.scenarios.day import candle_shop, confirmed, order


def stocked():
    """Enough wax for thirty candles, and five candles on the shelf."""
    shop, clock = candle_shop()
    shop.stock.receive("wax", "6 kg", lot="W-1")
    shop.stock.receive("wick", "100 each", lot="K-1")
    return shop, clock


def test_a_held_order_keeps_what_it_has_and_is_neither_sent_nor_confirmed_until_it_is_released():
    shop, _ = stocked()
    shop.stock.receive("candle", "5 each", lot="C-1")
    anna = confirmed(shop, "Anna", "5 each")
    held = shop.orders.hold(anna, reason="address unclear", by="Ben")

    assert [(hold.kind, hold.reason, hold.by) for hold in held.holds] == [("by hand", "address unclear", "Ben")]
    for refused in (shop.shipping.ship, shop.orders.confirm):
        with pytest.raises(NotAllowed) as caught:
            refused(anna)
        assert (caught.value.state, caught.value.allowed) == ("on hold (address unclear)", ("release", "cancel"))
    assert str(shop.stock.level("candle").available) == "0 each"  # nobody else gets them
    shop.orders.release(anna, reason="called her")
    shop.shipping.ship(anna)
    assert shop.orders.status(anna).value == "shipped"
    shop.verify()


def test_a_run_for_held_orders_alone_does_not_begin_and_one_that_others_wait_for_does():
    shop, _ = stocked()
    anna, ben = order(shop, "Anna", "10 each"), order(shop, "Ben", "10 each")
    run = shop.production.plan_for([anna, ben])
    shop.orders.hold(anna, reason="unpaid")
    alone = confirmed(shop, "Cem", "5 each")
    (own,) = shop.production.covering(alone)
    shop.orders.hold(alone, reason="unpaid")

    for step in (shop.production.start, shop.production.release):
        with pytest.raises(NotAllowed) as caught:
            step(own)
        assert caught.value.allowed == (f"release {alone.number}",)
    shop.production.start(run)  # Ben waits for it
    shop.orders.release(alone)
    shop.production.start(own)
    shop.orders.hold(ben, reason="unpaid")
    shop.production.complete(run, made="20 each", lot="C-1")  # what has begun goes on: facts are never refused
    shop.verify()


def test_a_run_for_a_run_that_is_stopped_is_stopped_too():
    from krafte_core import Ingredient, OrderLine, Recipe

    shop = Workshop.in_memory()
    shop.register(
        Item("wax", unit="kg"), Item("blank", unit="each"), Item("candle", unit="each"),
        Recipe("blank", makes="1 each", ingredients=[Ingredient("wax", "0.2 kg")]),
        Recipe("candle", makes="1 each", ingredients=[Ingredient("blank", "1 each")]),
    )  # fmt: skip
    shop.stock.receive("wax", "6 kg", lot="W-1")
    anna = shop.orders.place(customer="Anna", lines=[OrderLine("candle", "3 each")])
    shop.orders.confirm(anna)
    (lower,) = shop.production.find(item="blank")
    shop.orders.hold(anna, reason="unpaid")

    with pytest.raises(NotAllowed) as caught:
        shop.production.start(lower)
    assert caught.value.allowed == (f"release {anna.number}",)


def test_the_board_shows_why_an_order_is_held_and_what_to_do_and_the_customer_does_not_see_it():
    shop, _ = stocked()
    anna = confirmed(shop, "Anna", "5 each")
    shop.orders.hold(anna, reason="110.00 EUR would be open", kind="terms")
    shop.orders.hold(anna, reason="address unclear")

    (row,) = shop.orders.board(language="de").rows
    assert (row.kind, row.reason) == ("held", "110.00 EUR would be open; address unclear")
    assert row.action == "entscheiden: freigeben oder stornieren"
    assert "angehalten" not in str(shop.orders.timeline(anna, language="de"))


def test_each_kind_of_hold_ends_by_its_own_decision():
    shop, _ = stocked()
    anna = confirmed(shop, "Anna", "5 each")
    for kind in ("terms", "by hand"):
        shop.orders.hold(anna, reason=f"because of {kind}", kind=kind)

    assert [hold.kind for hold in shop.orders.release(anna, kind="terms").holds] == ["by hand"]
    with pytest.raises(InvalidInput):
        shop.orders.release(anna, kind="terms")
    with pytest.raises(InvalidInput):
        shop.orders.hold(anna, reason=" ")
    assert shop.orders.release(anna).holds == shop.orders.holds(anna) == ()


def test_a_part_of_a_held_order_is_held_and_so_is_an_order_that_takes_a_held_one_in():
    shop, _ = stocked()
    anna, other = order(shop, "Anna", "10 each"), order(shop, "Anna", "5 each")
    shop.orders.hold(anna, reason="unpaid")
    part = shop.orders.split(anna, {"candle": "4 each"})
    shop.orders.merge(other, [part])

    assert [hold.reason for hold in shop.orders.holds(part)] == ["unpaid"]
    assert [hold.reason for hold in shop.orders.holds(other)] == ["unpaid"]


def test_a_held_order_can_be_changed_and_cancelled():
    shop, _ = stocked()
    anna = confirmed(shop, "Anna", "5 each")
    shop.orders.hold(anna, reason="unpaid")
    shop.orders.change(anna, notes="ring twice")
    shop.orders.cancel(anna)

    assert shop.orders.status(anna).value == "cancelled"
    with pytest.raises(NotAllowed):
        shop.orders.hold(anna, reason="unpaid")
    shop.verify()


def test_those_who_listen_hear_of_holds():
    shop, _ = stocked()
    heard = []
    shop.subscribe("desk", heard.append, since="now")
    anna = order(shop, "Anna", "5 each")
    shop.orders.hold(anna, reason="unpaid")
    shop.orders.release(anna, reason="paid")
    shop.deliver_events()

    assert [(type(event), event.reason) for event in heard[1:]] == [(OrderHeld, "unpaid"), (OrderReleased, "paid")]


# ---------------------------------------------------------------------------------------------- what the buyer asks for


def message(minutes=0, **told):
    line = MessageLine(line_id="1", quantity=Decimal(3), goods=(Goods("soap"),))
    at = datetime(2026, 11, 23, 12, tzinfo=UTC) + timedelta(minutes=minutes)
    return OrderMessage(
        **{"channel": "amazon", "account": "DE", "order_id": "7", "version": at, "buyer": "A", "lines": (line,)} | told
    )


def soap_shop():
    shop = Workshop.in_memory()
    shop.register(Item("soap", unit="each"))
    shop.stock.receive("soap", "3 each", lot="S-1")
    return shop


def test_a_buyer_who_asks_to_cancel_stops_the_order_until_somebody_decides():
    shop = soap_shop()
    first = shop.orders.import_from(message())
    shop.orders.confirm(first.order)
    shop.orders.import_from(message(1, hold=True))

    with pytest.raises(NotAllowed):
        shop.shipping.ship(first.order)
    assert [(row.kind, row.reason) for row in shop.orders.board().rows] == [("held", "the buyer asked to cancel")]
    shop.orders.release(first.order, reason="already wrapped, the buyer agrees")
    shop.orders.import_from(message(2, hold=True, note="the same wish again"))  # decided already
    assert shop.orders.holds(first.order) == ()
    shop.shipping.ship(first.order)
    shop.verify()


def test_a_wish_that_is_taken_back_holds_the_order_no_more_and_one_that_is_granted_cancels_it():
    shop = soap_shop()
    first = shop.orders.import_from(message(hold=True))
    assert len(shop.orders.holds(first.order)) == 1
    shop.orders.import_from(message(1))
    assert shop.orders.holds(first.order) == ()
    shop.orders.import_from(message(2, hold=True))
    done = shop.orders.import_from(
        message(3, hold=True, cancelled=True, lines=(attrs.evolve(message().lines[0], removed=Decimal(3)),))
    )

    assert done.action == "cancel"
    assert shop.orders.status(first.order).value == "cancelled"


def test_messages_in_any_order_leave_the_same_hold_behind():
    rows = [message(), message(1, hold=True), message(2), message(3, hold=True)]
    for some in itertools.permutations(rows):
        shop = soap_shop()
        for row in some:
            done = shop.orders.import_from(row)
        assert [hold.kind for hold in shop.orders.holds(done.order)] == ["channel"]

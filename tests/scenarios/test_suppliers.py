"""The supplier is late, sends less, sends more, or gets the goods back."""

from __future__ import annotations

from datetime import date

import pytest

from krafte_core import OrderStatus, PurchaseLine, ShippingMethod, qty
from krafte_core.errors import InvalidInput, NotAllowed, StaleVersion, TooMuch
from tests.scenarios.day import candle_shop, confirmed, lost


def waiting(wanted: str = "40 each", ordered: str = "10 kg"):
    """Anna waits for wax that the mill brings on Friday, 6 March at 8 o'clock; the melter needs half a day; two days on the road."""
    shop, clock = candle_shop("2026-03-02 08:00")
    shop.stock.receive("wick", "100 each", lot="WI-1")
    purchase = shop.purchasing.order("mill", lines=[PurchaseLine("wax", ordered, price="4 EUR")], expected="2026-03-06 08:00")
    anna = confirmed(shop, "Anna", wanted, shipping="parcel")
    return shop, clock, purchase, anna


def test_a_late_delivery_keeps_its_links_and_names_who_is_late():
    shop, _, purchase, anna = waiting()
    (run,) = shop.production.covering(anna)
    before = shop.orders.history(anna)[-1].details

    moved = shop.purchasing.reschedule(purchase, "2026-03-10 08:00", reason="strike")

    assert dict(before)["promised"] == "2026-03-08"
    assert [(row.order, row.promised, row.expected, row.days) for row in moved.late] == [
        (anna.number, date(2026, 3, 8), date(2026, 3, 12), 4)
    ]
    assert [type(event).__name__ for event in moved.events] == ["PurchaseRescheduled", "OrderLate"]
    assert shop.production.covering(anna, open_only=True) == (run,)
    assert shop.purchasing.reschedule(purchase, "2026-03-05 08:00").late == ()
    shop.verify()


def test_one_line_may_come_later_than_the_others():
    shop, _, purchase, _ = waiting()
    after = shop.purchasing.reschedule(purchase, "2026-03-20 08:00", item="wax").purchase
    assert (after.due(after.lines[0]).day, after.expected.day, after.version) == (20, 6, 2)
    assert "2026-03-20" in shop.purchasing.table()
    shop.verify()


def test_a_supplier_who_brings_less_displaces_whoever_counted_on_it():
    """40 candles need 8 kg of wax. The mill has only 5 kg."""
    shop, _, purchase, anna = waiting()
    (run,) = shop.production.covering(anna)

    change = shop.purchasing.change(purchase, "wax", amount="5 kg", if_version=1)

    assert lost(change.displaced) == [(run.number, "3 kg")]
    assert str(change.purchase.lines[0].amount) == "5 kg"
    with pytest.raises(StaleVersion):
        shop.purchasing.change(purchase, "wax", amount="6 kg", if_version=1)
    shop.purchasing.receive(purchase, "wax", "2 kg", lot="W-1")
    with pytest.raises(TooMuch):
        shop.purchasing.change(purchase, "wax", amount="1 kg")
    assert shop.purchasing.change(purchase, "wax", amount="2 kg", price="4.20 EUR").purchase.lines[0].price is not None
    assert shop.purchasing.status(purchase) == "closed"  # nothing more is to come
    shop.verify()


def test_a_cancelled_line_brings_nothing_more_and_the_others_come():
    shop, _ = candle_shop()
    lines = [PurchaseLine("wax", "10 kg"), PurchaseLine("wick", "50 each")]
    purchase = shop.purchasing.order("mill", lines=lines, expected="2026-03-06 08:00")
    assert shop.purchasing.cancel(purchase, item="wick", reason="out of stock") == ()
    assert shop.stock.level("wick").incoming == qty("0 each")
    assert shop.stock.level("wax").incoming == qty("10 kg")
    shop.purchasing.receive(purchase, "wax", "10 kg", lot="W-1")
    assert shop.purchasing.status(purchase) == "closed"
    with pytest.raises(NotAllowed):
        shop.purchasing.cancel(purchase)
    shop.verify()


def test_more_than_ordered_is_free_and_less_can_be_left_at_that():
    shop, _, purchase, _ = waiting(wanted="10 each")
    assert shop.purchasing.receive(purchase, "wax", "4 kg", lot="W-1", place="quarantine").closed is False
    assert shop.stock.level("wax").quarantined == qty("4 kg")
    assert shop.purchasing.cancel(purchase, reason="enough") == ()
    assert shop.purchasing.status(purchase) == "cancelled"
    shop.verify()


def test_goods_go_back_to_the_supplier_as_far_as_nobody_was_promised_them():
    shop, _ = candle_shop()
    shop.stock.receive("wax", "10 kg", lot="W-1", supplier="mill")
    shop.stock.receive("wick", "50 each", lot="WI-1")
    anna = confirmed(shop, "Anna", "40 each")  # needs 8 kg
    with pytest.raises(TooMuch, match="force=True"):
        shop.purchasing.send_back("wax", "3 kg", lot="W-1", reason="dirty")
    sent = shop.purchasing.send_back("wax", "3 kg", lot="W-1", reason="dirty", force=True)
    (run,) = shop.production.covering(anna)
    assert lost(sent.displaced) == [(run.number, "1 kg")]
    balance = shop.trace.balance("wax", "W-1")
    assert (str(balance.supplier_returned), str(balance.unaccounted)) == ("3 kg", "0 kg")
    assert shop.orders.status(anna) is OrderStatus.WAITING_FOR_MATERIAL
    shop.stock.found("wax", "1 kg", lot="W-2")
    with pytest.raises(InvalidInput, match="origin find"):
        shop.purchasing.send_back("wax", "1 kg", lot="W-2")
    shop.verify()


def test_what_went_back_yesterday_was_not_promised_to_anybody():
    """Typed a day late, it takes nobody's wax either; unless somebody has counted since, and what is there is known."""
    shop, clock = candle_shop("2026-03-02 08:00")
    shop.stock.receive("wax", "10 kg", lot="W-1", supplier="mill")
    shop.stock.receive("wick", "50 each", lot="WI-1")
    confirmed(shop, "Anna", "40 each")  # needs 8 kg
    clock.set("2026-03-03 08:00")
    with pytest.raises(TooMuch, match="force=True"):
        shop.purchasing.send_back("wax", "3 kg", lot="W-1", happened_at="2026-03-02 16:00")
    assert shop.stock.level("wax").on_hand == qty("10 kg")
    shop.stock.count("wax", "8 kg", lot="W-1")
    clock.set("2026-03-04 08:00")
    assert shop.purchasing.send_back("wax", "2 kg", lot="W-1", happened_at="2026-03-02 16:00").displaced == ()
    assert shop.stock.level("wax").on_hand == qty("8 kg")
    shop.verify()


def test_a_rejected_lot_goes_back():
    shop, _ = candle_shop()
    shop.register(ShippingMethod("truck", transit="1 day"))
    shop.stock.receive("wax", "10 kg", lot="W-1", supplier="mill")
    shop.stock.reject("wax", lot="W-1", reason="wrong colour")
    assert shop.purchasing.send_back("wax", "10 kg", lot="W-1").displaced == ()
    assert shop.stock.level("wax").on_hand == qty("0 kg")
    shop.verify()

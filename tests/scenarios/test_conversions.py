"""A lot becomes another one: split for a customer, blended in a tank, sold as second choice. The trace and the promises follow."""

from __future__ import annotations

import pytest

from krafte_core import Item, OrderStatus, qty
from krafte_core.errors import AlreadyExists, InvalidInput, LotNotUsable, TooMuch
from tests.scenarios.day import candle_shop, confirmed, lost, reserved


def shop_with(*lots: tuple[str, str, str]):
    shop, clock = candle_shop()
    shop.register(Item("second-choice", unit="each"), Item("broken-wax", unit="g"))
    for code, amount, expires in lots:
        shop.stock.receive("candle", amount, lot=code, expires=expires)
    return shop, clock


def test_a_split_part_has_a_code_of_its_own_and_takes_the_last_promises_along():
    """20 candles, 12 for Anna and 5 for Ben. Ten of them get a new code: 3 are free, so 7 promises go with them, Ben's first."""
    shop, _ = shop_with(("C-1", "20 each", "2026-09-30"))
    anna, ben = confirmed(shop, "Anna", "12 each"), confirmed(shop, "Ben", "5 each")

    part = shop.stock.split("candle", "10 each", lot="C-1", into="C-1a", reason="gift wrap")

    assert (part.lot.expires, part.lot.origin, str(part.amount), part.displaced) == (part.lot.expires, "conversion", "10 each", ())
    assert reserved(shop, "candle") == {"C-1": "10 each", "C-1a": "7 each"}
    assert {shop.orders.status(one) for one in (anna, ben)} == {OrderStatus.READY_TO_SHIP}
    shipment = shop.shipping.ship(ben)
    assert [(line.lot, str(line.amount)) for line in shipment.lines] == [("C-1a", "5 each")]
    assert [lot.code for lot in shop.trace.back("candle", "C-1a").lots] == ["C-1"]
    assert [lot.code for lot in shop.trace.forward("candle", "C-1").lots] == ["C-1a"]
    shop.verify()


def test_a_part_of_a_held_lot_is_held():
    shop, _ = shop_with(("C-1", "20 each", "2026-09-30"))
    shop.stock.hold("candle", lot="C-1", reason="smell")
    part = shop.stock.split("candle", "5 each", lot="C-1", into="C-1a")
    assert part.lot.disposition == "held"
    shop.stock.release("candle", lot="C-1a")
    assert shop.stock.level("candle").available == qty("5 each")
    assert shop.stock.level("candle").blocked == qty("15 each")
    shop.verify()


def test_a_blend_is_good_until_the_first_part_expires_and_comes_from_all_of_them():
    shop, _ = shop_with(("C-1", "20 each", "2026-09-30"), ("C-2", "20 each", "2026-07-31"))
    anna = confirmed(shop, "Anna", "30 each")

    blend = shop.stock.blend("candle", {"C-1": "20 each", "C-2": "8 each"}, into="C-3")

    assert (str(blend.lot.expires), str(blend.amount)) == ("2026-07-31", "28 each")
    assert shop.orders.status(anna) is OrderStatus.READY_TO_SHIP
    assert sorted(lot.code for lot in shop.trace.back("candle", "C-3").lots) == ["C-1", "C-2"]
    shop.shipping.ship(anna)
    assert shop.stock.level("candle").on_hand == qty("10 each")
    shop.verify()


def test_what_cannot_be_blended():
    shop, _ = shop_with(("C-1", "20 each", "2026-09-30"), ("C-2", "20 each", "2026-07-31"))
    shop.stock.receive("candle", "5 each", lot="C-9", owner="Hotel")
    before = shop.stock.table()
    with pytest.raises(InvalidInput, match="two lots"):
        shop.stock.blend("candle", {"C-1": "1 each"})
    with pytest.raises(TooMuch, match="C-2"):
        shop.stock.blend("candle", {"C-1": "1 each", "C-2": "21 each"})
    with pytest.raises(InvalidInput, match="one owner"):
        shop.stock.blend("candle", {"C-1": "1 each", "C-9": "1 each"})
    with pytest.raises(AlreadyExists):
        shop.stock.blend("candle", {"C-1": "1 each", "C-2": "1 each"}, into="C-9")
    assert shop.stock.table() == before
    shop.stock.hold("candle", lot="C-2")
    with pytest.raises(LotNotUsable, match="held"):
        shop.stock.blend("candle", {"C-1": "1 each", "C-2": "1 each"})
    shop.verify()


def test_second_choice_takes_what_is_free_and_with_force_what_is_promised():
    shop, _ = shop_with(("C-1", "20 each", "2026-09-30"))
    anna = confirmed(shop, "Anna", "15 each")
    with pytest.raises(TooMuch, match="force=True"):
        shop.stock.regrade("candle", "8 each", lot="C-1", to="second-choice")

    done = shop.stock.regrade("candle", "8 each", lot="C-1", to="second-choice", force=True, reason="crooked")

    assert lost(done.displaced) == [(anna.number, "3 each")]
    assert (done.lot.item, done.lot.code, str(done.amount)) == ("second-choice", "C-1", "8 each")
    assert [(lot.item, lot.code) for lot in shop.trace.back("second-choice", "C-1").lots] == [("candle", "C-1")]
    with pytest.raises(InvalidInput, match="made"):
        shop.stock.regrade("candle", "1 each", lot="C-1", to="broken-wax", force=True)
    wax = shop.stock.regrade("candle", "1 each", lot="C-1", to="broken-wax", made="198 g", force=True)
    assert str(wax.amount) == "198 g"
    shop.verify()


def test_a_transfer_takes_promises_along_only_if_told_to():
    shop, _ = shop_with(("C-1", "20 each", "2026-09-30"))
    anna = confirmed(shop, "Anna", "15 each")
    with pytest.raises(TooMuch):
        shop.stock.transfer("candle", "8 each", lot="C-1", to="shelf")
    shop.stock.transfer("candle", "8 each", lot="C-1", to="shelf", reserved=True)
    shop.stock.transfer("candle", "12 each", lot="C-1", place="stock", to="shelf", reserved=True)
    assert [(row.place, str(row.allocated)) for row in shop.stock.lots("candle")] == [("shelf", "15 each")]
    assert shop.orders.status(anna) is OrderStatus.READY_TO_SHIP
    shop.stock.transfer("candle", "20 each", lot="C-1", to="quarantine", reserved=True)
    assert shop.orders.stages(anna)["1"].reasons == ("candle C-1: in quarantine",)
    shop.verify()

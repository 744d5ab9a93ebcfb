"""Stock that is not ours: a supplier's on consignment is for everybody, a customer's own material is for him alone."""

from __future__ import annotations

import pytest

from krafte_core import OrderStatus
from krafte_core.errors import LotNotUsable
from tests.scenarios.day import candle_shop, confirmed, order, reserved


def test_a_customers_own_wax_goes_into_his_candles_and_nobody_elses():
    shop, _ = candle_shop()
    shop.stock.receive("wick", "100 each", lot="WI-1")
    shop.stock.receive("wax", "10 kg", lot="HOTEL-1", owner="Hotel")

    anna = order(shop, "Anna", "20 each")  # needs 4 kg
    assert [one.item for one in shop.orders.check(anna).shortages] == ["wax"]
    hotel = confirmed(shop, "Hotel", "20 each")

    assert reserved(shop, "wax") == {"HOTEL-1": "4 kg"}
    assert shop.orders.status(hotel) is OrderStatus.MATERIALS_RESERVED
    shop.orders.confirm(anna)
    assert reserved(shop, "wax") == {"HOTEL-1": "4 kg"}
    shop.verify()


def test_goods_on_consignment_are_for_everybody():
    shop, _ = candle_shop()
    shop.stock.receive("wick", "100 each", lot="WI-1")
    shop.stock.receive("wax", "10 kg", lot="MILL-1", owner="mill", supplier="mill")
    anna = confirmed(shop, "Anna", "20 each")
    assert reserved(shop, "wax") == {"MILL-1": "4 kg"}
    assert shop.orders.status(anna) is OrderStatus.MATERIALS_RESERVED
    shop.verify()


def test_a_lot_of_somebody_else_is_refused_by_name():
    shop, _ = candle_shop()
    shop.stock.receive("candle", "20 each", lot="C-1")
    shop.stock.receive("candle", "20 each", lot="C-2", owner="Hotel")
    anna, hotel = confirmed(shop, "Anna", "5 each"), confirmed(shop, "Hotel", "5 each")
    with pytest.raises(LotNotUsable, match="belongs to Hotel"):
        shop.shipping.ship(anna, lots={"candle": {"C-2": "5 each"}})
    shop.shipping.ship(hotel, lots={"candle": {"C-2": "5 each"}})
    assert shop.orders.status(hotel) is OrderStatus.SHIPPED
    shop.verify()

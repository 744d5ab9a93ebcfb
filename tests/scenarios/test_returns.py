"""Goods come back: into their own lot or as a lot that nobody can name, for good or to be sent again, and back to the supplier."""

from __future__ import annotations

import pytest

from krafte_core import OrderStatus, qty
from krafte_core.errors import InvalidInput, LotUnknown, NotAllowed, TooMuch, Unknown
from tests.scenarios.day import candle_shop, confirmed, order


def sold(*lots: tuple[str, str], wanted: str = "12 each"):
    """Anna has been sent her candles, from these lots."""
    shop, clock = candle_shop()
    for code, amount in lots:
        shop.stock.receive("candle", amount, lot=code)
    anna = confirmed(shop, "Anna", wanted)
    shop.shipping.ship(anna)
    return shop, clock, anna


def test_a_return_goes_into_its_lot_in_quarantine_and_the_order_stays_served():
    shop, _, anna = sold(("C-1", "20 each"))
    back = shop.shipping.receive_return(anna, amounts={"candle": "2 each"}, reason="wrong colour")
    assert [(lot.code, str(amount)) for lot, amount in back.lots] == [("C-1", "2 each")]
    assert shop.stock.level("candle").quarantined == qty("2 each")
    assert shop.orders.status(anna) is OrderStatus.SHIPPED
    balance = shop.trace.balance("candle", "C-1")
    assert (str(balance.shipped), str(balance.returned), str(balance.unaccounted)) == ("12 each", "2 each", "0 each")
    assert shop.orders.confirm(anna).shortages == ()
    assert shop.stock.level("candle").allocated == qty("0 each")
    shop.verify()


def test_a_return_that_is_to_be_sent_again_opens_the_need():
    shop, _, anna = sold(("C-1", "20 each"))
    shop.shipping.receive_return(anna, amounts={"candle": "5 each"}, reopen=True, reason="broken on the road")
    assert shop.orders.status(anna) is OrderStatus.PARTLY_SHIPPED
    shop.orders.confirm(anna)
    shipment = shop.shipping.ship(anna)
    assert [(line.lot, str(line.amount)) for line in shipment.lines] == [("C-1", "5 each")]
    assert shop.orders.status(anna) is OrderStatus.SHIPPED
    assert shop.stock.level("candle").on_hand == qty("8 each")  # 3 of 20 on the shelf, 5 in quarantine
    shop.verify()


def test_a_return_of_more_than_was_sent_is_refused_with_what_was_sent():
    shop, _, anna = sold(("C-1", "20 each"))
    shop.shipping.receive_return(anna, amounts={"candle": "10 each"})
    with pytest.raises(TooMuch) as refusal:
        shop.shipping.receive_return(anna, amounts={"candle": "3 each"})
    assert (refusal.value.code, str(refusal.value.there)) == ("too_much", "2 each")
    with pytest.raises(TooMuch):
        shop.shipping.receive_return(anna, amounts={"candle": "1 each"}, lot="C-9")
    shop.verify()


def test_two_lots_were_sent_and_nobody_can_read_the_code():
    """The candidates are named; said to be unknown, the goods are a lot of their own."""
    shop, _, anna = sold(("C-1", "5 each"), ("C-2", "20 each"))
    with pytest.raises(LotUnknown) as which:
        shop.shipping.receive_return(anna, amounts={"candle": "3 each"})
    assert (which.value.code, which.value.choices) == ("lot_unknown", ("C-1", "C-2"))
    with pytest.raises(TooMuch):
        shop.shipping.receive_return(anna, amounts={"candle": "6 each"}, lot="C-1")
    known = shop.shipping.receive_return(anna, amounts={"candle": "3 each"}, lot="C-1")
    assert known.lots[0][0].code == "C-1"

    back = shop.shipping.receive_return(anna, amounts={"candle": "4 each"}, unknown_lot=True)

    ((lot, amount),) = back.lots
    assert (lot.origin, lot.paper, str(amount)) == ("return", anna.number, "4 each")
    assert str(shop.trace.balance("candle", lot.code).returned) == "4 each"
    shop.verify()


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        ({"amounts": {}}, InvalidInput),
        ({"amounts": {"wax": "1 kg"}}, InvalidInput),
        ({"amounts": {"candle": "0 each"}}, InvalidInput),
        ({"amounts": {"candle": "1 each"}, "to": "nowhere"}, Unknown),
        ({"amounts": {"candle": "1 each"}, "lot": "C-1", "unknown_lot": True}, InvalidInput),
        ({"amounts": {"candle": "1 each"}, "happened_at": "2030-01-01"}, InvalidInput),
    ],
)
def test_a_return_that_cannot_be_read_changes_nothing(ask, error):
    shop, _, anna = sold(("C-1", "20 each"))
    before = shop.stock.table()
    with pytest.raises(error):
        shop.shipping.receive_return(anna, **ask)
    assert shop.stock.table() == before


def test_nothing_comes_back_of_an_order_that_was_never_confirmed():
    shop, _ = candle_shop()
    with pytest.raises(NotAllowed):
        shop.shipping.receive_return(order(shop, "Anna", "1 each"), amounts={"candle": "1 each"})

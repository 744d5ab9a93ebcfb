"""Make to stock: candles are kept between a minimum and a target, orders are served from the shelf, surplus goes first."""

from __future__ import annotations

import pytest

from krafte_core import Item, OrderStatus, PurchaseLine
from krafte_core.errors import Conflict, InvalidInput, Unknown
from tests.scenarios.day import candle_shop, confirmed, order


def shelf(minimum: str = "15 each", target: str = "40 each", *, candles: str = "", wax: str = "20 kg", keep_wax: tuple = ()):
    """Wax for a hundred candles, wicks for five hundred; the candle has a minimum and a target."""
    shop, clock = candle_shop("2026-03-02 08:00")
    shop.register(Item("candle", unit="each", minimum=minimum, target=target))
    if keep_wax:
        shop.register(Item("wax", unit="kg", step="1 g", minimum=keep_wax[0], target=keep_wax[1]))
    shop.stock.receive("wax", wax, lot="W-1")
    shop.stock.receive("wick", "500 each", lot="D-1")
    if candles:
        shop.stock.receive("candle", candles, lot="C-1")
    return shop, clock


def told(proposals) -> list[tuple[str, str, str, str]]:
    return [(row.kind, row.item, str(row.amount), row.reason) for row in proposals]


@pytest.mark.parametrize(
    ("there", "ordered", "proposed"),
    [
        # on the shelf, wanted by confirmed orders, to be made
        ("40 each", "", ""),
        ("15 each", "", ""),  # at the minimum: nothing yet
        ("14 each", "", "26 each"),  # below it: up to the target of 40
        ("", "", "40 each"),
        ("40 each", "25 each", ""),  # fifteen will be left
        ("40 each", "26 each", "26 each"),  # fourteen would be left
        ("10 each", "30 each", "60 each"),  # twenty are lacking, and forty for the shelf
    ],
)
def test_below_the_minimum_it_is_filled_up_to_the_target(there: str, ordered: str, proposed: str):
    shop, _ = shelf(candles=there)
    if ordered:
        anna = order(shop, "Anna", ordered)
        shop.orders.confirm(anna, make=False)

    proposals = shop.planning.propose()

    makes = sum(int(row.amount.value) for row in proposals if row.item == "candle")
    assert f"{makes} each" == (proposed or "0 each")
    shop.planning.accept(proposals)
    assert len(shop.planning.propose()) == 0
    shop.verify()


def test_the_list_says_when_to_begin_and_what_runs_low():
    shop, _ = shelf(candles="14 each", wax="5 kg")
    assert str(shop.planning.propose()).splitlines() == [
        "begin          ref    make or buy    item   amount       ready    for",
        "2026-03-02   buy-1  buy from mill     wax   0.2 kg  2026-03-06  stock",
        "2026-03-06  make-1           make  candle  26 each  2026-03-06  stock",
    ]
    (low,) = shop.planning.propose().low
    assert [str(one) for one in (low.minimum, low.target, low.left, low.proposed)] == ["15 each", "40 each", "14 each", "26 each"]


def test_what_candles_use_is_filled_up_too_and_the_product_comes_before_its_wax():
    """14 candles: 26 are made from 5.2 of the 10 kg of wax. 4.8 kg are left, below 5: up to 10."""
    shop, _ = shelf(candles="14 each", wax="10 kg", keep_wax=("5 kg", "10 kg"))

    proposals = shop.planning.propose()
    accepted = shop.planning.accept(proposals)

    assert sorted(told(proposals)) == [("buy", "wax", "5.2 kg", "stock"), ("make", "candle", "26 each", "stock")]
    assert (len(accepted.productions), len(accepted.purchases)) == (1, 1)
    assert len(shop.planning.propose()) == 0
    shop.verify()


def test_accepted_line_by_line_the_rest_is_proposed_again():
    shop, _ = shelf(candles="14 each", wax="10 kg", keep_wax=("5 kg", "10 kg"))
    proposals = shop.planning.propose()
    make = next(row.ref for row in proposals if row.kind == "make")

    shop.planning.accept(proposals, makes=[make], buys=[])

    assert told(shop.planning.propose()) == [("buy", "wax", "5.2 kg", "stock")]
    with pytest.raises(Conflict):  # the list is of an earlier moment
        shop.planning.accept(proposals)
    with pytest.raises(Unknown):
        shop.planning.accept(shop.planning.propose(), buys=["buy-9"])


def test_orders_are_served_from_the_shelf_and_a_surplus_goes_first():
    """A run makes 12 more than planned. The next order takes the surplus; nothing is made for it."""
    shop, _ = shelf("0 each", "0 each")
    run = shop.production.plan("candle", "20 each").production
    shop.production.start(run)
    shop.production.complete(run, made="32 each", used={"wax": "6.4 kg", "wick": "32 each"})

    anna = confirmed(shop, "Anna", "30 each")

    assert shop.orders.status(anna) is OrderStatus.READY_TO_SHIP
    assert shop.production.covering(anna, open_only=True) == ()
    assert len(shop.planning.propose()) == 0
    shop.verify()


def test_what_comes_counts_and_nobody_buys_twice():
    shop, _ = shelf("0 each", "0 each", wax="1 kg", keep_wax=("5 kg", "10 kg"))
    shop.purchasing.order("mill", lines=[PurchaseLine("wax", "3 kg")])

    assert told(shop.planning.propose()) == [("buy", "wax", "6 kg", "stock")]


def test_what_a_confirmed_order_lacks_is_proposed_and_an_order_that_was_only_placed_waits():
    shop, _ = shelf("0 each", "0 each", wax="1 kg")
    anna = confirmed(shop, "Anna", "10 each")  # a run that waits for a kilogram of wax
    ben = order(shop, "Ben", "10 each")

    sure, both = shop.planning.propose(), shop.planning.propose(orders="open")

    (run,) = shop.production.covering(anna)
    assert told(sure) == [("buy", "wax", "1 kg", run.number)]
    assert ("make", "candle", "10 each", ben.number) in told(both)
    shop.planning.accept(both)
    assert len(shop.planning.propose(orders="open")) == 0


def test_what_nobody_makes_or_sells_is_said():
    shop, _ = shelf(candles="40 each")
    shop.register(Item("wick", unit="each", minimum="600 each"))

    proposals = shop.planning.propose()

    assert (len(proposals), [row.problem for row in proposals.low]) == (0, ["nobody makes or sells wick"])
    assert str(proposals).splitlines()[-1] == "wick: 500 each left, below 600 each; nobody makes or sells wick"


@pytest.mark.parametrize(
    "wrong",
    [
        {"minimum": "10 each", "target": "5 each"},
        {"minimum": "-1 each"},
        {"target": "5 each"},
        {"minimum": "1 each", "kit": {"wax": "1 kg"}},
    ],
)
def test_a_minimum_that_cannot_be_is_refused(wrong: dict):
    with pytest.raises(InvalidInput) as refusal:
        Item("candle", unit="each", **wrong)
    assert refusal.value.field == "minimum"


def test_a_batch_that_no_day_is_long_enough_for_is_said_and_the_rest_is_proposed():
    """Two hundred candles take twenty hours in one go, and the melter is open for eight: wax is bought all the same."""
    shop, _ = shelf("200 each", "200 each", wax="10 kg", keep_wax=("50 kg", "50 kg"))

    proposals = shop.planning.propose()

    assert told(proposals) == [("buy", "wax", "40 kg", "stock")]
    assert [(row.item, str(row.proposed)) for row in proposals.low] == [("candle", "0 each"), ("wax", "40 kg")]
    assert "melter" in proposals.low[0].problem
    shop.planning.accept(proposals)
    assert len(shop.planning.propose()) == 0
    shop.verify()


def test_what_a_planned_run_still_lacks_is_bought_beside_what_fills_the_shelf():
    """Ten kilograms of wax for fifty candles, of which one is there; five to ten are kept. Nine and ten are bought, once."""
    shop, clock = shelf("0 each", "1 each", wax="30 kg", keep_wax=("5 kg", "10 kg"))
    clock.set("2026-03-02 09:00")
    run = shop.production.plan("candle", "50 each").production
    shop.production.reschedule(run, start="2026-03-16 08:00")
    shop.stock.count("wax", "1 kg", lot="W-1")

    proposals = shop.planning.propose()

    assert sum(row.amount.value for row in proposals if row.item == "wax") == 19
    shop.planning.accept(proposals)
    assert len(shop.planning.propose()) == 0
    shop.verify()

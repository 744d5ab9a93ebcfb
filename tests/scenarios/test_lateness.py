"""Who becomes late: when a supplier moves, when a run grows, and who was late anyway."""

from __future__ import annotations

from krafte_core import Item, OrderLine, PurchaseLine, Recipe
from krafte_core.desks.lateness import expected
from krafte_core.operations import Operation
from krafte_core.recipes import Ingredient
from tests.scenarios.day import candle_shop, confirmed, order


def slow_candles(*, wax: str = "100 kg"):
    """Pouring may pause over night: a batch of a hundred takes ten hours, today and tomorrow."""
    shop, clock = candle_shop("2026-03-02 08:00")
    shop.register(
        Recipe(
            "candle",
            makes="10 each",
            ingredients=[Ingredient("wax", "2 kg"), Ingredient("wick", "10 each")],
            operations=[Operation("pour", at="melter", run="1 h", pausable=True)],
        )
    )
    shop.stock.receive("wax", wax, lot="W-1")
    shop.stock.receive("wick", "500 each", lot="D-1")
    return shop, clock


def test_a_larger_order_makes_the_run_that_it_shares_longer_and_the_other_order_late():
    shop, _ = slow_candles()
    anna, ben = order(shop, "Anna", "10 each"), order(shop, "Ben", "60 each", requested="2026-03-02")
    run = shop.production.plan_for([anna, ben])

    grown = shop.orders.change(anna, lines=[OrderLine("candle", "50 each")])

    assert grown.resized == (run.number,)
    assert [(row.order, str(row.promised), str(row.expected), row.days) for row in grown.late] == [
        (ben.number, "2026-03-02", "2026-03-03", 1)
    ]
    assert [type(event).__name__ for event in grown.events].count("OrderLate") == 1
    again = shop.orders.change(anna, lines=[OrderLine("candle", "55 each")])
    assert (again.resized, again.late) == ((run.number,), ())  # Ben was late before
    shop.verify()


def test_a_smaller_order_makes_nobody_late():
    shop, _ = slow_candles()
    anna, ben = order(shop, "Anna", "50 each"), order(shop, "Ben", "60 each")
    run = shop.production.plan_for([anna, ben])

    done = shop.orders.change(anna, lines=[OrderLine("candle", "10 each")], surplus="reduce")

    assert (done.resized, done.late) == ((run.number,), ())
    shop.verify()


def test_a_supplier_who_moves_names_those_whom_it_makes_late_and_nobody_else():
    """Anna and Ben wait for jars of the same purchase. Ben's are promised late enough; Cem's order was late before."""
    shop, _ = candle_shop("2026-03-02 08:00")
    shop.register(Item("jar", unit="each"))
    purchase = shop.purchasing.order(
        "mill", lines=[PurchaseLine("jar", "30 each", expected="2026-03-05 08:00")], expected="2026-03-05 08:00"
    )
    anna = confirmed(shop, "Anna", "10 each", "jar", requested="2026-03-05")
    ben = confirmed(shop, "Ben", "10 each", "jar")
    cem = confirmed(shop, "Cem", "10 each", "jar", requested="2026-03-03")
    moves = [
        ("2026-03-04 08:00", []),  # sooner
        ("2026-03-05 08:00", []),  # as promised at first
        ("2026-03-05 20:00", []),  # still on the day
        ("2026-03-06 08:00", [anna, ben, cem]),  # all three were promised the fifth
        ("2026-03-09 08:00", []),  # later still, but they were late already
    ]

    for day, wanted in moves:
        done = shop.purchasing.reschedule(purchase, expected=day, item="jar")
        assert [row.order for row in done.late] == [one.number for one in wanted], day
    assert [row.order for row in shop.orders.late()] == [anna.number, ben.number, cem.number]
    assert [row.expected.isoformat() for row in shop.orders.late()] == ["2026-03-09"] * 3


def test_what_the_links_tell_is_what_a_search_finds():
    """Where an order has only lots and purchases, its date is read from them: the promise says the same."""
    shop, clock = candle_shop("2026-03-02 08:00")
    shop.register(Item("jar", unit="each"))
    shop.stock.receive("jar", "4 each", lot="J-1")
    purchase = shop.purchasing.order("mill", lines=[PurchaseLine("jar", "30 each")], expected="2026-03-05 23:30")
    orders = [
        confirmed(shop, "Anna", "4 each", "jar", shipping="parcel", requested="2026-03-01"),
        confirmed(shop, "Ben", "10 each", "jar", shipping="parcel", requested="2026-03-01"),
        confirmed(shop, "Cem", "10 each", "jar", requested="2026-03-01"),
    ]
    for _ in range(2):
        for one in orders:
            with shop._office.look() as work:
                assert shop.orders.promise(one).date == expected(work, one), one.customer
        shop.purchasing.reschedule(purchase, expected="2026-03-10 08:00")
        clock.set("2026-03-11 08:00")  # the supplier is late himself


def test_a_run_that_is_moved_names_them_too():
    shop, _ = slow_candles()
    anna = confirmed(shop, "Anna", "10 each", requested="2026-03-03")
    ben = confirmed(shop, "Ben", "10 each")
    (run,) = shop.production.covering(anna)

    same_day = shop.production.reschedule(run, start="2026-03-02 12:00")
    next_day = shop.production.reschedule(run, start="2026-03-04 08:00")

    assert same_day.late == ()
    assert [row.order for row in next_day.late] == [anna.number]
    assert ben.number not in [row.order for row in shop.orders.late()]


def test_nobody_can_tell_is_late_too():
    """Wicks have no supplier: when the run of an order without a date loses its wicks, the order is named."""
    shop, _ = slow_candles()
    anna = confirmed(shop, "Anna", "10 each")
    shop.stock.scrap("wick", "500 each", lot="D-1", reason="mice")

    assert [(row.order, row.expected, row.days) for row in shop.orders.late()] == [(anna.number, None, None)]

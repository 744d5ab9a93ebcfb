"""Runs in a candle workshop: what really happened against what was planned."""

from __future__ import annotations

from datetime import date

import pytest

from krafte_core import Ingredient, Item, OrderStatus, PurchaseLine, Recipe, Short, Workshop, qty
from krafte_core.errors import AlreadyExists, InvalidInput, NotAllowed, TooMuch
from tests.scenarios.day import candle_shop, confirmed, lost, order, reserved, short


def stocked_shop():
    """Twenty kilograms of wax and two hundred wicks."""
    shop, clock = candle_shop()
    shop.stock.receive("wax", "20 kg", lot="W-1")
    shop.stock.receive("wick", "200 each", lot="K-1")
    return shop, clock


def test_less_than_planned_goes_to_the_first_in_the_queue_and_the_others_are_named():
    shop, _ = stocked_shop()
    run = shop.production.plan("candle", "30 each").production
    anna = confirmed(shop, "Anna", "10 each", requested=date(2026, 3, 20))
    ben = confirmed(shop, "Ben", "10 each", requested=date(2026, 3, 10))
    cem = confirmed(shop, "Cem", "10 each", priority=1)
    shop.production.start(run)

    done = shop.production.complete(run, made="13 each", lot="C-1")

    assert done.lost == qty("17 each")
    assert lost(done.displaced) == [(anna.number, "10 each"), (ben.number, "7 each")]
    assert [shop.orders.stages(one)["1"].ready for one in (anna, ben, cem)] == [0, 3, 10]
    shop.verify()


def test_a_batch_that_came_to_nothing_can_be_ended_and_what_went_in_stays_used():
    shop, _ = stocked_shop()
    anna = confirmed(shop, "Anna", "10 each")
    (run,) = shop.production.covering(anna)
    shop.production.start(run)

    done = shop.production.complete(run, made="0 each")

    assert (done.lot, done.lost) == (None, qty("10 each"))
    assert lost(done.displaced) == [(anna.number, "10 each")]
    assert shop.stock.level("wax").on_hand == qty("18 kg")
    assert shop.orders.status(anna) is OrderStatus.WAITING_FOR_MATERIAL
    shop.orders.confirm(anna)
    assert [str(one.planned) for one in shop.production.covering(anna)] == ["10 each"]
    shop.verify()


def test_scrapped_output_enters_the_lot_and_is_scrapped_from_it():
    shop, _ = stocked_shop()
    anna = confirmed(shop, "Anna", "10 each")
    (run,) = shop.production.covering(anna)
    shop.production.start(run)

    done = shop.production.complete(run, made="8 each", scrapped="2 each", lot="C-1")

    assert done.lost == qty("0 each")
    balance = shop.trace.balance("candle", "C-1")
    assert (balance.made, balance.scrapped, balance.on_hand) == (qty("10 each"), qty("2 each"), qty("8 each"))
    assert lost(done.displaced) == [(anna.number, "2 each")]


def test_jars_follow_what_was_filled_and_the_charge_follows_what_was_cooked():
    shop, _ = candle_shop()
    shop.register(
        Item("jar", unit="each"), Item("jam", unit="each"),
        Recipe("jam", makes="10 each", ingredients=[Ingredient("wax", "2 kg"), Ingredient("jar", "10 each", follows="output")]),
    )  # fmt: skip
    shop.stock.receive("wax", "20 kg", lot="W-1")
    shop.stock.receive("jar", "50 each", lot="J-1")
    run = shop.production.plan("jam", "20 each").production
    shop.production.start(run)

    done = shop.production.complete(run, made="15 each", scrapped="1 each")  # four were lost in the pot

    assert done.lost == qty("4 each")
    assert shop.stock.level("wax").on_hand == qty("16 kg")  # all of the charge
    assert shop.stock.level("jar").on_hand == qty("34 each")  # 16 jars
    assert done.deviations == {}
    shop.verify()


def test_use_is_given_left_out_or_nothing():
    """Given: that. Empty: nothing. Left out: as planned, at most what is on the line."""
    shop, _ = stocked_shop()
    run = shop.production.plan("candle", "10 each").production
    shop.production.start(run)

    done = shop.production.complete(run, made="10 each", used={"wax": "1.85 kg"})

    assert shop.stock.level("wax").on_hand == qty("18.15 kg")
    assert (done.deviations["wax"].planned, done.deviations["wax"].used) == (qty("2 kg"), qty("1.85 kg"))
    assert "wick" not in done.deviations
    assert shop.stock.level("wick").on_hand == qty("190 each")

    again = shop.production.plan("candle", "10 each").production
    shop.production.start(again)
    done = shop.production.complete(again, made="10 each", used={"wick": None})
    assert shop.stock.level("wick").on_hand == qty("190 each")
    assert done.deviations["wick"].used == qty("0 each")
    with pytest.raises(InvalidInput):
        shop.production.make("candle", "1 each", used={"glue": "1 kg"})
    shop.verify()


def test_more_than_was_on_the_line_comes_from_the_shelf_and_the_first_lot_first():
    shop, _ = candle_shop()
    shop.stock.receive("wick", "50 each", lot="K-1")
    shop.stock.receive("wax", "2 kg", lot="W-1", expires=date(2026, 5, 1))
    shop.stock.receive("wax", "2 kg", lot="W-2", expires=date(2026, 6, 1))
    run = shop.production.plan("candle", "10 each").production
    shop.production.start(run)

    done = shop.production.complete(run, made="10 each", used={"wax": "2.3 kg"}, lot="C-1")

    assert done.deviations["wax"].over
    assert done.displaced == ()
    assert shop.trace.balance("wax", "W-1").used == qty("2 kg")
    assert shop.trace.balance("wax", "W-2").used == qty("0.3 kg")
    shop.verify()


def test_weighed_use_is_a_fact_and_takes_from_what_was_promised_to_the_last_in_the_queue():
    """Law 7: facts are never refused because of promises."""
    shop, _ = candle_shop()
    shop.stock.receive("wick", "50 each", lot="K-1")
    shop.stock.receive("wax", "5 kg", lot="W-1")
    run = shop.production.plan("candle", "10 each").production
    anna = confirmed(shop, "Anna", "1 kg", "wax", priority=1)
    ben = confirmed(shop, "Ben", "2 kg", "wax")
    shop.production.start(run)  # two kilograms on the line, three promised, none free

    done = shop.production.complete(run, made="10 each", used={"wax": "4.5 kg"})

    assert lost(done.displaced) == [(ben.number, "2 kg"), (anna.number, "0.5 kg")]
    assert shop.stock.level("wax").on_hand == qty("0.5 kg")
    assert reserved(shop, "wax") == {"W-1": "0.5 kg"}
    shop.verify()


def test_use_beyond_the_books_is_refused_and_the_way_out_is_offered():
    shop, _ = stocked_shop()
    run = shop.production.plan("candle", "10 each").production
    shop.production.start(run)

    with pytest.raises(TooMuch) as refused:
        shop.production.complete(run, made="10 each", used={"wax": "20.5 kg"})

    assert (refused.value.given, refused.value.there) == (qty("20.5 kg"), qty("20 kg"))
    shop.stock.count("wax", "18.5 kg", lot="W-1", place="stock", reason="weighed")
    shop.production.complete(run, made="10 each", used={"wax": "20.5 kg"})
    assert shop.stock.level("wax").on_hand == qty("0 kg")
    shop.verify()


def test_other_lots_than_those_reserved_may_have_been_used():
    shop, _ = candle_shop()
    shop.stock.receive("wick", "50 each", lot="K-1")
    shop.stock.receive("wax", "5 kg", lot="W-1")
    shop.stock.receive("wax", "5 kg", lot="W-2")
    run = shop.production.plan("candle", "10 each").production
    shop.production.start(run)
    assert [row.lot.code for row in shop.stock.lots("wax") if row.place == f"line:{run.number}"] == ["W-1"]

    shop.production.complete(run, made="10 each", used={"wax": {"W-1": "0.5 kg", "W-2": "1.4 kg"}}, lot="C-1")

    assert {lot.code for lot in shop.trace.back("candle", "C-1").lots if lot.item == "wax"} == {"W-1", "W-2"}
    assert shop.trace.balance("wax", "W-1").on_hand == qty("4.5 kg")  # the rest of the line went back
    assert shop.trace.balance("wax", "W-2").on_hand == qty("3.6 kg")
    assert shop.stock.level("wax").in_process == qty("0 kg")
    shop.verify()


def test_an_item_on_two_lines_is_used_on_both_and_may_be_weighed_once_for_both():
    shop = Workshop.in_memory()
    shop.register(
        Item("oil", unit="kg"), Item("balm", unit="kg"),
        Recipe("balm", makes="10 kg", ingredients=[Ingredient("oil", "5 kg"), Ingredient("oil", "4 kg", note="at the end")]),
    )  # fmt: skip
    shop.stock.receive("oil", "50 kg", lot="O-1")

    shop.production.make("balm", "10 kg", lot="B-1")
    assert shop.stock.level("oil").on_hand == qty("41 kg")

    done = shop.production.make("balm", "10 kg", lot="B-2", used={"oil": "8.7 kg"})  # weighed together
    assert shop.stock.level("oil").on_hand == qty("32.3 kg")
    assert {line: str(one.used) for line, one in done.deviations.items()} == {"oil/2": "3.7 kg"}

    done = shop.production.make("balm", "10 kg", lot="B-3", used={"oil": "5.1 kg", "oil/2": "4.1 kg"})  # each by itself
    assert shop.stock.level("oil").on_hand == qty("23.1 kg")

    shop.production.make("balm", "10 kg", lot="B-4", used={"oil": {"O-1": "9.5 kg"}})
    assert shop.stock.level("oil").on_hand == qty("13.6 kg")
    shop.verify()


def test_what_was_not_used_goes_back_to_the_places_where_it_came_from():
    shop, _ = candle_shop()
    shop.stock.receive("wick", "50 each", lot="K-1")
    shop.stock.receive("wax", "1.2 kg", lot="W-1", place="shelf")
    shop.stock.receive("wax", "5 kg", lot="W-2", place="top-shelf")
    run = shop.production.plan("candle", "10 each").production
    shop.production.start(run)
    assert shop.stock.level("wax", place="shelf").on_hand == qty("4.2 kg")

    shop.production.complete(run, made="10 each", used={"wax": "0.2 kg"})

    where = {(row.lot.code, row.place): str(row.on_hand) for row in shop.stock.lots("wax")}
    assert where == {("W-1", "shelf"): "1 kg", ("W-2", "top-shelf"): "5 kg"}


def test_a_lot_that_came_from_two_places_goes_back_to_both():
    shop, _ = candle_shop()
    shop.stock.receive("wick", "50 each", lot="K-1")
    shop.stock.receive("wax", "2 kg", lot="W-1", place="shelf")
    shop.stock.transfer("wax", "0.5 kg", lot="W-1", to="stock")
    run = shop.production.plan("candle", "10 each").production
    shop.production.start(run)

    shop.production.complete(run, made="10 each", used={"wax": "0.1 kg"})

    where = {row.place: str(row.on_hand) for row in shop.stock.lots("wax")}
    assert sorted(where.items()) == [("shelf", "1.4 kg"), ("stock", "0.5 kg")]
    shop.verify()


def test_a_run_that_is_done_early_gives_its_time_at_the_melter_back():
    shop, clock = stocked_shop()
    ben = confirmed(shop, "Ben", "80 each")  # eight hours: all of Monday
    (run,) = shop.production.covering(ben)
    anna = order(shop, "Anna", "10 each")
    assert shop.orders.promise(anna).date == date(2026, 3, 3)
    shop.production.start(run)
    clock.set("2026-03-02 10:00")
    shop.production.complete(run, made="0 each")

    assert shop.orders.promise(anna).date == date(2026, 3, 2)
    shop.verify()


def test_a_run_may_begin_with_what_there_is_and_uses_no_more_than_that():
    shop, _ = candle_shop()
    shop.stock.receive("wax", "1.5 kg", lot="W-1")
    shop.stock.receive("wick", "50 each", lot="K-1")
    run = shop.production.plan("candle", "10 each").production
    with pytest.raises(Short) as refused:
        shop.production.start(run)
    assert short(refused.value) == [("wax", "2 kg", "1.5 kg", "0.5 kg")]

    shop.production.start(run, when_short="start")
    done = shop.production.complete(run, made="7 each")

    assert done.lost == qty("3 each")
    assert (done.deviations["wax"].planned, done.deviations["wax"].used) == (qty("2 kg"), qty("1.5 kg"))
    assert shop.stock.level("wax").on_hand == qty("0 kg")


def test_a_step_out_of_order_is_refused_with_the_steps_that_are_possible():
    shop, _ = stocked_shop()
    run = shop.production.plan("candle", "10 each").production
    with pytest.raises(NotAllowed) as refused:
        shop.production.complete(run, made="10 each")
    assert (refused.value.state, refused.value.step, refused.value.allowed) == (
        "planned",
        "complete",
        ("change", "split", "merge", "reschedule", "allocate", "free", "release", "start", "cancel"),
    )
    shop.production.start(run)
    for wrong in (lambda: shop.production.start(run), lambda: shop.production.cancel(run)):
        with pytest.raises(NotAllowed) as refused:
            wrong()
    shop.production.complete(run, made="10 each")
    with pytest.raises(NotAllowed):
        shop.production.complete(run, made="10 each")


def test_tra_007_each_run_makes_a_lot_of_its_own():
    """TRA-007: four productions of one piece each into lot F1.

    DESIGN stands (law 4): a lot has one origin; F1 is taken after the first.
    """
    shop, _ = stocked_shop()
    shop.production.make("candle", "1 each", lot="F1")
    with pytest.raises(AlreadyExists):
        shop.production.make("candle", "1 each", lot="F1")
    for _ in range(3):
        shop.production.make("candle", "1 each")
    assert shop.stock.level("candle").on_hand == qty("4 each")
    assert len(shop.production.find()) == 4  # the refused one took no number
    assert [run.number for run in shop.production.find()][-1] == "PB-2026-03-004"


def test_all_001_a_run_for_an_order_makes_what_is_open_and_more_is_made_for_stock():
    """ALL-001: of two ordered, a run of three is refused without allowance.

    DESIGN stands: any run may be planned, the third piece is free.
    """
    shop, _ = stocked_shop()
    run = shop.production.plan("candle", "3 each").production
    anna = confirmed(shop, "Anna", "2 each")
    assert [(link.order, str(link.amount)) for link in shop.orders.covered_by(run)] == [(anna.number, "2 each")]
    assert shop.stock.level("candle").incoming_free == qty("1 each")


def test_par_010_a_small_need_is_rounded_up_once_and_reserved_in_full():
    """PAR-010: 1.1 for 1000, weighed in steps of 0.01: 250 pieces need 0.275, rounded up 0.28, all of it reserved."""
    shop = Workshop.in_memory()
    shop.register(
        Item("active", unit="kg", step="0.01 kg"), Item("pill", unit="each"),
        Recipe("pill", makes="1000 each", ingredients=[Ingredient("active", "1.1 kg")]),
    )  # fmt: skip
    shop.stock.receive("active", "50 kg", lot="A-1")

    run = shop.production.plan("pill", "250 each").production

    assert run.need("active").required == qty("0.28 kg")
    assert reserved(shop, "active") == {"A-1": "0.28 kg"}
    shop.production.start(run)  # and so it can begin


def test_what_arrives_for_a_run_that_has_begun_is_its_own_and_may_be_used():
    shop, _ = candle_shop()
    shop.stock.receive("wick", "50 each", lot="K-1")
    purchase = shop.purchasing.order("mill", lines=[PurchaseLine("wax", "2 kg")])
    run = shop.production.plan("candle", "10 each").production
    shop.production.start(run, when_short="start")  # the wicks are on the line, the wax is not here yet
    shop.purchasing.receive(purchase, "wax", "2 kg", lot="W-1")
    assert reserved(shop, "wax") == {"W-1": "2 kg"}
    assert shop.stock.level("wax").available == qty("0 kg")

    done = shop.production.complete(run, made="10 each", used={"wax": "1.9 kg"}, lot="C-1")

    assert done.displaced == ()
    assert shop.trace.balance("wax", "W-1").used == qty("1.9 kg")
    assert shop.stock.level("wax").available == qty("0.1 kg")
    shop.verify()


def test_a_lot_that_was_held_may_turn_out_to_have_been_used():
    """A fact is written down; only what is picked by itself must be usable."""
    shop, _ = candle_shop()
    shop.stock.receive("wick", "50 each", lot="K-1")
    shop.stock.receive("wax", "5 kg", lot="W-1")
    shop.stock.receive("wax", "5 kg", lot="W-2")
    run = shop.production.plan("candle", "10 each").production
    shop.production.start(run)
    shop.stock.hold("wax", lot="W-2", reason="smells")

    shop.production.complete(run, made="10 each", used={"wax": {"W-1": "1 kg", "W-2": "1 kg"}}, lot="C-1")

    assert [lot.code for lot in shop.trace.recall("wax", "W-2").finished_lots] == ["C-1"]
    assert shop.trace.balance("wax", "W-2").on_hand == qty("4 kg")
    shop.verify()

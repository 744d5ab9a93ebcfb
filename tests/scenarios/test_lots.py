"""Lots in a candle workshop: held, released, rejected, counted, expired, moved; and who loses when there is less than was promised."""

from __future__ import annotations

from datetime import date

import pytest

from krafte_core import Ingredient, Item, OrderLine, OrderStatus, PurchaseLine, Recipe, Short, Workshop, qty
from krafte_core.errors import LotNotUsable, NotAllowed, TooMuch, Unknown
from tests.scenarios.day import candle_shop, confirmed, lost, order, reserved, short


def test_a_hold_blocks_the_order_and_says_why_and_a_release_revives_it():
    shop, _ = candle_shop()
    shop.stock.receive("candle", "20 each", lot="C-1")
    anna = confirmed(shop, "Anna", "12 each")

    held = shop.stock.hold("candle", lot="C-1", reason="smells odd", by="Olga")

    assert lost(held.blocked) == [(anna.number, "12 each")]
    assert held.displaced == ()
    assert shop.orders.status(anna) is OrderStatus.WAITING_FOR_MATERIAL
    stages = shop.orders.stages(anna)["1"]
    assert (stages.ready, stages.blocked, stages.reasons) == (0, 12, ("candle C-1: held",))
    assert shop.stock.level("candle").blocked == qty("20 each")
    with pytest.raises(Short, match="C-1: held"):
        shop.shipping.ship(anna)
    shop.orders.confirm(anna)  # the link stays: nothing new is planned for it
    assert reserved(shop, "candle") == {"C-1": "12 each"}
    assert shop.production.find() == ()

    shop.stock.release("candle", lot="C-1", reason="it was the paint", by="Olga")

    assert shop.orders.status(anna) is OrderStatus.READY_TO_SHIP
    assert [(entry.step, entry.by, entry.reason) for entry in shop.stock.history("candle", "C-1")] == [
        ("hold", "Olga", "smells odd"), ("release", "Olga", "it was the paint"),
    ]  # fmt: skip
    shop.verify()


def test_a_rejection_opens_the_need_again_and_the_lot_can_only_be_scrapped():
    shop, _ = candle_shop()
    shop.stock.receive("candle", "20 each", lot="C-1")
    anna, ben = confirmed(shop, "Anna", "12 each"), confirmed(shop, "Ben", "5 each")

    rejected = shop.stock.reject("candle", lot="C-1", reason="wrong scent")

    assert sorted(lost(rejected.displaced)) == [(anna.number, "12 each"), (ben.number, "5 each")]
    assert shop.orders.status(anna) is OrderStatus.WAITING_FOR_MATERIAL
    assert reserved(shop, "candle") == {}
    with pytest.raises(NotAllowed):
        shop.stock.release("candle", lot="C-1")
    shop.orders.confirm(anna)
    (run,) = shop.production.covering(anna)
    assert run.planned == qty("12 each")
    assert shop.stock.scrap("candle", "20 each", lot="C-1", reason="rejected").displaced == ()
    assert shop.stock.level("candle").on_hand == qty("0 each")
    shop.verify()


def test_made_but_not_released_is_still_in_production_and_cannot_leave():
    shop, _ = candle_shop()
    shop.register(
        Item("balm", unit="kg", release="by decision"), Recipe("balm", makes="1 kg", ingredients=[Ingredient("wax", "1 kg")])
    )
    shop.stock.receive("wax", "9 kg", lot="W-1")
    anna = confirmed(shop, "Anna", "5 kg", "balm")
    (run,) = shop.production.covering(anna)
    shop.production.start(run)
    shop.production.complete(run, made="5 kg", lot="B-1")
    assert shop.stock.lot("balm", "B-1").disposition == "waiting"
    assert shop.orders.status(anna) is OrderStatus.IN_PRODUCTION
    assert shop.stock.level("balm").quarantined == qty("5 kg")
    with pytest.raises(Short, match="waits for release"):
        shop.shipping.ship(anna)

    shop.stock.release("balm", lot="B-1", by="QA")

    assert shop.orders.status(anna) is OrderStatus.READY_TO_SHIP
    shop.verify()


def test_a_count_below_the_promised_takes_from_the_last_in_the_queue_first():
    """The queue: higher priority, then the earlier wish, then who came first. Who loses: exactly the reverse."""
    shop, clock = candle_shop()
    shop.stock.receive("candle", "50 each", lot="C-1")
    wishes = [
        ("Anna", 0, "2026-03-10"), ("Ben", 0, "2026-03-09"), ("Cem", 5, "2026-03-20"), ("Dora", 0, None), ("Emil", 0, "2026-03-10"),
    ]  # fmt: skip
    numbers: dict[str, str] = {}
    for name, priority, day in wishes:
        clock.set(f"2026-03-02 08:0{len(numbers)}")
        numbers[name] = confirmed(shop, name, "10 each", priority=priority, requested=day).number
    names = dict(zip(numbers.values(), numbers, strict=True))
    # The queue is Cem (priority), Ben (the 9th), Anna and Emil (the 10th, Anna came first), Dora (no wish).

    first = shop.stock.count("candle", "45 each", lot="C-1", reason="five are missing")
    assert first.difference == -qty("5 each")
    assert [(names[number], amount) for number, amount in lost(first.displaced)] == [("Dora", "5 each")]

    second = shop.stock.count("candle", "12 each", lot="C-1", reason="a box fell down")
    assert [(names[number], amount) for number, amount in lost(second.displaced)] == [
        ("Dora", "5 each"), ("Emil", "10 each"), ("Anna", "10 each"), ("Ben", "8 each"),
    ]  # fmt: skip
    assert shop.orders.status(numbers["Cem"]) is OrderStatus.READY_TO_SHIP
    assert shop.orders.stages(numbers["Ben"])["1"].ready == 2
    shop.verify()


def test_orders_that_came_at_the_same_moment_lose_by_their_number():
    shop, _ = candle_shop()
    shop.stock.receive("candle", "30 each", lot="C-1")
    first, second, third = (confirmed(shop, name, "10 each") for name in ("Anna", "Ben", "Cem"))

    fallen = shop.stock.scrap("candle", "15 each", lot="C-1", reason="fell")

    assert lost(fallen.displaced) == [(third.number, "10 each"), (second.number, "5 each")]
    assert shop.orders.status(first) is OrderStatus.READY_TO_SHIP


def test_res_025_a_count_cuts_the_reservation_and_what_is_found_later_is_not_taken_by_itself():
    """RES-025: 10 reserved; counted 8: 8 reserved; counted 10: still 8, 2 free; asked again: 10."""
    shop, _ = candle_shop()
    shop.stock.receive("candle", "10 each", lot="C-1")
    anna = confirmed(shop, "Anna", "10 each")
    shop.stock.count("candle", "8 each", lot="C-1")
    assert reserved(shop, "candle") == {"C-1": "8 each"}
    assert shop.stock.level("candle").available == qty("0 each")
    shop.orders.confirm(anna, make=False)
    assert reserved(shop, "candle") == {"C-1": "8 each"}

    shop.stock.count("candle", "10 each", lot="C-1")
    assert reserved(shop, "candle") == {"C-1": "8 each"}
    assert shop.stock.level("candle").available == qty("2 each")
    shop.orders.confirm(anna, make=False)
    assert reserved(shop, "candle") == {"C-1": "10 each"}
    assert shop.orders.status(anna) is OrderStatus.READY_TO_SHIP
    shop.verify()


def test_res_024_free_stock_changes_by_reservation_only():
    """RES-024: 40 on hand, 3 and 5 wanted: 40 free after the orders came, 32 after they are confirmed, 40 after they are cancelled."""
    shop, _ = candle_shop()
    shop.stock.receive("candle", "40 each", lot="C-1")
    orders = [order(shop, "Anna", "3 each"), order(shop, "Ben", "5 each")]
    assert shop.stock.level("candle").available == qty("40 each")
    for one in orders:
        shop.orders.confirm(one)
    assert shop.stock.level("candle").available == qty("32 each")
    for one in orders:
        shop.orders.cancel(one)
    assert shop.stock.level("candle").available == qty("40 each")


def test_res_029_all_or_nothing_or_what_there_is():
    """RES-029: 10 there, 40 wanted: refused whole and nothing reserved; or 10 reserved; after 110 more: 40 reserved."""
    shop, _ = candle_shop()
    shop.stock.receive("candle", "10 each", lot="C-1")
    anna = order(shop, "Anna", "40 each")
    with pytest.raises(Short) as refused:
        shop.orders.confirm(anna, make=False, when_short="refuse")
    assert short(refused.value) == [("candle", "40 each", "10 each", "30 each")]
    assert reserved(shop, "candle") == {}
    shop.orders.confirm(anna, make=False)
    assert reserved(shop, "candle") == {"C-1": "10 each"}
    shop.stock.receive("candle", "110 each", lot="C-2")
    shop.orders.confirm(anna, make=False)
    assert reserved(shop, "candle") == {"C-1": "10 each", "C-2": "30 each"}


def test_tryton_reserve_2_a_request_that_is_covered_in_part_stays_open_for_the_rest():
    """tryton-reserve-2: 5 in stock, 10 wanted: 5 assigned, 5 open. There the request is split; here one line has two stages."""
    shop, _ = candle_shop()
    shop.stock.receive("candle", "5 each", lot="C-1")
    anna = order(shop, "Anna", "10 each")
    shop.orders.confirm(anna, make=False)
    stages = shop.orders.stages(anna)["1"]
    assert (stages.ordered, stages.ready, stages.waiting) == (10, 5, 5)


def test_tryton_reserve_8_confirming_what_is_covered_already_reserves_nothing_more_and_is_fine():
    """tryton-reserve-8: reserving for no requests succeeds. The nearest here: an order with nothing open is confirmed again."""
    shop, _ = candle_shop()
    shop.stock.receive("candle", "15 each", lot="C-1")
    anna = confirmed(shop, "Anna", "10 each")
    again = shop.orders.confirm(anna, when_short="refuse")
    assert (again.productions, again.shortages) == ((), ())
    assert reserved(shop, "candle") == {"C-1": "10 each"}


def test_res_042_what_there_is_is_taken_from_several_places_and_the_rest_stays_open():
    """RES-042: 5 and 10 in two places, 1000 wanted: both are taken, 985 are open."""
    shop, _ = candle_shop()
    shop.stock.receive("candle", "15 each", lot="C-1")
    shop.stock.transfer("candle", "5 each", lot="C-1", to="shelf")
    anna = order(shop, "Anna", "1000 each")
    done = shop.orders.confirm(anna, make=False)
    assert [(row.place, str(row.allocated)) for row in shop.stock.lots("candle")] == [("shelf", "5 each"), ("stock", "10 each")]
    assert [str(one.missing) for one in done.shortages] == ["985 each"]


def test_res_005_a_lot_keeps_its_age_when_it_is_moved():
    """RES-005: L1 is older; moved beside L2 it is still the first that goes out."""
    shop, clock = candle_shop("2026-02-20 08:00")
    shop.register(Item("soap", unit="each", pick="fifo"))
    shop.stock.receive("soap", "1 each", lot="L-1", place="shelf")
    clock.set("2026-02-25 08:00")
    shop.stock.receive("soap", "1 each", lot="L-2")
    clock.set("2026-03-02 08:00")

    shop.stock.transfer("soap", "1 each", lot="L-1", to="stock")
    confirmed(shop, "Anna", "1 each", "soap")

    assert reserved(shop, "soap") == {"L-1": "1 each"}
    assert shop.stock.lot("soap", "L-1").received_at.date() == date(2026, 2, 20)


def test_exp_017_expired_lots_are_not_picked():
    """EXP-017: OLD has expired, NEW and OPEN have not; 12 wanted: five of each of these, two short."""
    shop, _ = candle_shop()
    shop.stock.receive("candle", "5 each", lot="OLD", expires=date(2026, 3, 1))
    shop.stock.receive("candle", "5 each", lot="NEW", expires=date(2026, 4, 1))
    shop.stock.receive("candle", "5 each", lot="OPEN")
    anna = order(shop, "Anna", "12 each")

    done = shop.orders.confirm(anna, make=False)

    assert reserved(shop, "candle") == {"NEW": "5 each", "OPEN": "5 each"}
    assert [str(one.missing) for one in done.shortages] == ["2 each"]
    assert shop.stock.level("candle").blocked == qty("5 each")
    shop.stock.scrap("candle", "5 each", lot="OLD", reason="expired")  # may always be written off


def test_a_lot_that_would_expire_on_the_road_is_neither_promised_nor_shipped():
    shop, clock = candle_shop()  # Monday, 2 March; a parcel arrives two days later
    shop.stock.receive("candle", "5 each", lot="TUE", expires=date(2026, 3, 3))
    shop.stock.receive("candle", "5 each", lot="WED", expires=date(2026, 3, 4))
    shop.stock.receive("candle", "5 each", lot="THU", expires=date(2026, 3, 5))
    anna = confirmed(shop, "Anna", "8 each", shipping="parcel")
    assert reserved(shop, "candle") == {"WED": "5 each", "THU": "3 each"}
    assert shop.orders.status(anna) is OrderStatus.READY_TO_SHIP

    clock.set("2026-03-03 08:00")  # nobody shipped it on Monday: WED would arrive on Thursday
    assert shop.orders.stages(anna)["1"].reasons == ("candle WED: expired on 2026-03-04",)
    assert shop.orders.status(anna) is OrderStatus.WAITING_FOR_MATERIAL
    sent = shop.shipping.ship(anna)
    assert [(line.lot, str(line.amount)) for line in sent.lines] == [("THU", "3 each")]

    shop.orders.confirm(anna, make=False)  # nets again: the link to WED covers nothing any more, two of THU are free
    assert reserved(shop, "candle") == {"THU": "2 each"}
    shop.verify()


def test_a_lot_must_still_be_good_on_the_day_that_the_customer_asked_for():
    shop, _ = candle_shop()
    shop.stock.receive("candle", "5 each", lot="SOON", expires=date(2026, 3, 10))
    shop.stock.receive("candle", "5 each", lot="LATE", expires=date(2026, 3, 31))

    confirmed(shop, "Anna", "4 each", requested=date(2026, 3, 11))

    assert reserved(shop, "candle") == {"LATE": "4 each"}


def test_material_that_expired_before_the_run_began_is_exchanged_by_the_next_confirmation():
    shop, clock = candle_shop()
    shop.stock.receive("wick", "50 each", lot="K-1")
    shop.stock.receive("wax", "2 kg", lot="OLD", expires=date(2026, 3, 4))
    shop.stock.receive("wax", "2 kg", lot="NEW", expires=date(2026, 12, 31))
    anna = confirmed(shop, "Anna", "10 each")
    (run,) = shop.production.covering(anna)
    assert reserved(shop, "wax") == {"OLD": "2 kg"}
    clock.set("2026-03-05 08:00")
    assert shop.orders.status(anna) is OrderStatus.WAITING_FOR_MATERIAL
    with pytest.raises(LotNotUsable) as refused:
        shop.production.start(run)
    assert (refused.value.lot, refused.value.choices) == ("OLD", ("NEW",))

    assert not shop.orders.confirm(anna).shortages

    assert reserved(shop, "wax") == {"NEW": "2 kg"}
    shop.production.start(run)
    shop.verify()


def test_a_retested_lot_is_good_again_for_those_who_hold_it():
    shop, clock = candle_shop()
    shop.stock.receive("candle", "5 each", lot="C-1", expires=date(2026, 3, 2))
    anna = confirmed(shop, "Anna", "5 each")
    clock.set("2026-03-03 08:00")
    assert shop.orders.status(anna) is OrderStatus.WAITING_FOR_MATERIAL

    shop.stock.extend("candle", lot="C-1", expires=date(2026, 3, 20), by="QA", reason="retest")

    assert shop.orders.status(anna) is OrderStatus.READY_TO_SHIP
    assert shop.stock.history("candle", "C-1")[-1].details == (("expires", "2026-03-20"),)


def test_places_form_a_tree_and_what_stands_in_quarantine_is_not_usable():
    shop, _ = candle_shop()
    shop.stock.receive("candle", "10 each", lot="C-1")
    shop.stock.transfer("candle", "4 each", lot="C-1", to="top-shelf")
    shop.stock.transfer("candle", "3 each", lot="C-1", to="quarantine", place="stock")

    assert shop.stock.level("candle").on_hand == qty("10 each")
    assert shop.stock.level("candle").available == qty("7 each")
    assert shop.stock.level("candle").quarantined == qty("3 each")
    assert shop.stock.level("candle", place="shelf").on_hand == qty("4 each")  # the top shelf is part of the shelf
    assert shop.stock.level("candle", place="stock").on_hand == qty("7 each")  # and the shelf part of the stock
    anna = order(shop, "Anna", "10 each")
    done = shop.orders.confirm(anna, make=False)
    assert [str(one.missing) for one in done.shortages] == ["3 each"]
    with pytest.raises(TooMuch):  # what is promised stays where it is
        shop.stock.transfer("candle", "1 each", lot="C-1", to="quarantine", place="top-shelf")
    shop.verify()


def test_goods_that_were_received_into_quarantine_do_not_go_to_the_line():
    shop, _ = candle_shop()
    shop.stock.receive("wick", "50 each", lot="K-1")
    purchase = shop.purchasing.order("mill", lines=[PurchaseLine("wax", "2 kg")])
    anna = confirmed(shop, "Anna", "10 each")
    (run,) = shop.production.covering(anna)
    shop.purchasing.receive(purchase, "wax", "2 kg", lot="W-1", place="quarantine")
    assert reserved(shop, "wax") == {"W-1": "2 kg"}  # handed over, and blocked by the place
    assert shop.orders.status(anna) is OrderStatus.WAITING_FOR_MATERIAL

    with pytest.raises(LotNotUsable):
        shop.production.start(run)


def test_a_line_is_a_place_only_while_its_run_is_at_work():
    shop, _ = candle_shop()
    shop.stock.receive("wax", "9 kg", lot="W-1")
    shop.stock.receive("wick", "50 each", lot="K-1")
    run = shop.production.plan("candle", "10 each").production
    line = f"line:{run.number}"
    for nowhere in (line, "line:PB-1999-01-001"):
        with pytest.raises(Unknown):
            shop.stock.count("wax", "1 kg", lot="W-1", place=nowhere)
    shop.production.start(run)

    spilled = shop.stock.scrap("wax", "0.5 kg", lot="W-1", place=line, reason="spilled")

    assert lost(spilled.displaced) == [(run.number, "0.5 kg")]
    assert shop.stock.count("wax", "1.6 kg", lot="W-1", place=line).difference == qty("0.1 kg")
    with pytest.raises(TooMuch):  # what is on the line belongs to the run
        shop.stock.transfer("wax", "1 kg", lot="W-1", place=line, to="shelf")
    done = shop.production.complete(run, made="10 each")
    assert done.deviations["wax"].under
    assert shop.trace.balance("wax", "W-1").used == qty("1.6 kg")
    shop.verify()


def test_a_lot_that_is_held_while_a_run_uses_it_names_the_run():
    shop, _ = candle_shop()
    shop.stock.receive("wax", "9 kg", lot="W-1")
    shop.stock.receive("wick", "50 each", lot="K-1")
    run = shop.production.plan("candle", "10 each").production
    shop.production.start(run)

    held = shop.stock.hold("wax", lot="W-1", reason="recall")

    assert lost(held.blocked) == [(run.number, "2 kg")]
    shop.production.complete(run, made="10 each", lot="C-1")  # it was in the pot already: a fact
    assert [lot.code for lot in shop.trace.recall("wax", "W-1").finished_lots] == ["C-1"]
    shop.verify()


def test_a_shop_without_recipes_keeps_stock_and_ships():
    shop = Workshop.in_memory()
    shop.register(Item("tea", unit="g"))
    shop.stock.receive("tea", "500 g", lot="T-1")
    anna = shop.orders.place(customer="Anna", lines=[OrderLine("tea", "250 g")])
    shop.orders.confirm(anna)
    shop.shipping.ship(anna)
    assert shop.stock.level("tea").on_hand == qty("250 g")


def test_a_code_that_was_written_by_hand_is_not_given_again():
    shop, _ = candle_shop()
    shop.stock.receive("wax", "1 kg", lot="L-2026-03-001")

    assert shop.stock.receive("wax", "1 kg").code == "L-2026-03-002"
    assert shop.stock.receive("wick", "1 each").code == "L-2026-03-003"

"""Days in a candle workshop: orders for what does not exist yet."""

from __future__ import annotations

from datetime import date

import pytest

from krafte_core import BatchSize, Ingredient, Item, OrderLine, OrderStatus, PurchaseLine, Recipe, Short, Workshop, qty
from krafte_core.errors import NotAllowed
from tests.scenarios.day import candle_shop, confirmed, lost, order, reserved, short


def test_the_eight_steps_from_order_to_delivery():
    shop, clock = candle_shop()
    shop.stock.receive("wax", "10 kg", lot="W-1")
    shop.stock.receive("wick", "100 each", lot="K-1")
    shop.stock.receive("candle", "6 each", lot="C-0")

    # 1. Anna orders 26 candles. 2. and 3. Six are there, twenty can be made: 4 kg of wax and 20 wicks.
    anna = shop.orders.place(customer="Anna", lines=[OrderLine("candle", "26 each", price="4.50 EUR")], shipping="parcel")
    assert str(anna.total) == "117.00 EUR"
    check = shop.orders.check(anna)
    assert check.ok
    assert (check.need("candle").from_stock, check.need("candle").to_make) == (qty("6 each"), qty("20 each"))
    assert check.need("wax").required == qty("4 kg")
    assert check.need("wick").required == qty("20 each")
    # Two hours at the melter today, two days on the road.
    assert shop.orders.promise(anna).date == date(2026, 3, 4)

    # 4. Confirm: the six are hers, a run of twenty is planned, its wax and wicks are reserved by lot.
    done = shop.orders.confirm(anna)
    assert done.promised == date(2026, 3, 4)
    assert not done.shortages
    (run,) = shop.production.covering(anna)
    assert run.planned == qty("20 each")
    assert [(link.order, str(link.amount)) for link in shop.orders.covered_by(run)] == [(anna.number, "20 each")]
    assert reserved(shop, "candle") == {"C-0": "6 each"}
    assert reserved(shop, "wax") == {"W-1": "4 kg"}
    assert shop.orders.status(anna) is OrderStatus.MATERIALS_RESERVED

    # 5. Start and complete: the wax leaves the shelf, the candles come in.
    shop.production.start(run)
    assert shop.orders.status(anna) is OrderStatus.IN_PRODUCTION
    assert shop.stock.level("wax").in_process == qty("4 kg")
    clock.set("2026-03-02 10:00")
    shop.production.complete(run, made="20 each", lot="C-1")
    assert shop.stock.level("wax").on_hand == qty("6 kg")
    assert shop.stock.level("wick").on_hand == qty("80 each")

    # 6. They are hers already. 7. Ship. 8. Deliver.
    assert reserved(shop, "candle") == {"C-0": "6 each", "C-1": "20 each"}
    assert shop.orders.status(anna) is OrderStatus.READY_TO_SHIP
    parcel = shop.shipping.ship(anna, carrier="DHL", tracking="0034")
    assert [(line.lot, str(line.amount)) for line in parcel.lines] == [("C-0", "6 each"), ("C-1", "20 each")]
    assert shop.orders.status(anna) is OrderStatus.SHIPPED
    shop.shipping.deliver(parcel)
    assert shop.orders.status(anna) is OrderStatus.DELIVERED
    assert [entry.step for entry in shop.orders.history(anna)] == ["place", "confirm", "ship"]
    shop.verify()


def test_one_order_is_covered_by_two_runs_where_the_pot_is_too_small():
    shop, _ = candle_shop()
    shop.register(Recipe("candle", makes="10 each", ingredients=[Ingredient("wax", "2 kg")], batch=BatchSize(max="30 each")))
    shop.stock.receive("wax", "20 kg", lot="W-1")

    anna = confirmed(shop, "Anna", "50 each")

    first, second = shop.production.covering(anna)
    assert (first.planned, second.planned) == (qty("25 each"), qty("25 each"))  # as few as possible, as equal as possible
    shop.production.start(first)
    shop.production.complete(first, made="25 each", lot="C-1")
    stages = shop.orders.stages(anna)["1"]
    assert (stages.ready, stages.reserved) == (25, 25)
    assert shop.orders.status(anna) is OrderStatus.MATERIALS_RESERVED
    shop.production.start(second)
    shop.production.complete(second, made="25 each", lot="C-2")
    assert shop.orders.status(anna) is OrderStatus.READY_TO_SHIP
    assert {run.number for run in shop.production.covering(anna)} == {first.number, second.number}
    shop.verify()


def test_later_orders_take_the_free_output_of_a_planned_run_before_anything_new_is_made():
    shop, _ = candle_shop()
    shop.stock.receive("wax", "20 kg", lot="W-1")
    shop.stock.receive("wick", "100 each", lot="K-1")
    run = shop.production.plan("candle", "50 each").production

    anna, ben = confirmed(shop, "Anna", "20 each"), confirmed(shop, "Ben", "25 each")
    assert shop.stock.level("candle").incoming_free == qty("5 each")
    cem = confirmed(shop, "Cem", "9 each")

    assert [one.number for one in shop.production.covering(anna)] == [run.number]
    assert [one.number for one in shop.production.covering(ben)] == [run.number]
    taken, fresh = shop.production.covering(cem)  # the last five, and a run for the other four
    assert (taken.number, fresh.planned) == (run.number, qty("4 each"))
    assert {(link.order, str(link.amount)) for link in shop.orders.covered_by(run)} == {
        (anna.number, "20 each"),
        (ben.number, "25 each"),
        (cem.number, "5 each"),
    }
    shop.verify()


def test_what_a_run_makes_too_much_is_free_and_goes_to_the_next_order():
    shop, _ = candle_shop()
    shop.stock.receive("wax", "20 kg", lot="W-1")
    shop.stock.receive("wick", "100 each", lot="K-1")
    anna = confirmed(shop, "Anna", "10 each")
    (run,) = shop.production.covering(anna)
    shop.production.start(run)

    shop.production.complete(run, made="13 each", lot="C-1")

    assert reserved(shop, "candle") == {"C-1": "10 each"}
    ben = confirmed(shop, "Ben", "3 each")
    assert shop.orders.status(ben) is OrderStatus.READY_TO_SHIP
    assert len(shop.production.find()) == 1


def two_levels() -> Workshop:
    """A balm of 60 % base; the base is oil and wax in halves; the balm takes a little oil of its own."""
    shop = Workshop.in_memory()
    shop.register(
        Item("oil", unit="kg"), Item("wax", unit="kg"), Item("base", unit="kg"), Item("balm", unit="kg"),
        Recipe("base", makes="10 kg", ingredients=[Ingredient("oil", "5 kg"), Ingredient("wax", "5 kg")]),
        Recipe("balm", makes="10 kg", ingredients=[Ingredient("base", "6 kg"), Ingredient("oil", "4 kg")]),
    )  # fmt: skip
    return shop


def test_semi_finished_stock_is_netted_once_and_a_shared_part_is_counted_over_both_levels():
    shop = two_levels()
    shop.stock.receive("oil", "9 kg", lot="O-1")
    shop.stock.receive("wax", "9 kg", lot="W-1")
    shop.stock.receive("base", "2 kg", lot="B-0")

    # 10 kg of balm: 6 kg of base, 2 kg of it there; 4 kg to make from 2 kg of oil and 2 kg of wax; 4 kg of oil on top.
    anna = order(shop, "Anna", "10 kg", "balm")
    check = shop.orders.check(anna)
    assert [(need.item, str(need.required)) for need in check.needs] == [
        ("balm", "10 kg"), ("base", "6 kg"), ("oil", "6 kg"), ("wax", "2 kg"),
    ]  # fmt: skip
    assert (check.need("base").from_stock, check.need("base").to_make) == (qty("2 kg"), qty("4 kg"))

    shop.orders.confirm(anna)

    base, balm = sorted(shop.production.find(), key=lambda run: run.item == "balm")
    assert (base.planned, balm.planned) == (qty("4 kg"), qty("10 kg"))
    assert reserved(shop, "base") == {"B-0": "2 kg"}
    assert reserved(shop, "oil") == {"O-1": "6 kg"}
    ben = order(shop, "Ben", "10 kg", "balm")  # the two kilograms of base are not offered twice
    assert shop.orders.check(ben).need("base").from_stock == qty("0 kg")
    assert [one.item for one in shop.orders.check(ben).shortages] == ["oil"]  # needs 7 kg: 3 for the base and 4; 3 kg are free
    assert str(shop.orders.check(ben).shortages[0].missing) == "4 kg"
    shop.verify()


def test_the_upper_run_cannot_start_before_the_lower_one_is_done():
    shop = two_levels()
    shop.stock.receive("oil", "9 kg", lot="O-1")
    shop.stock.receive("wax", "9 kg", lot="W-1")
    shop.stock.receive("base", "2 kg", lot="B-0")
    anna = confirmed(shop, "Anna", "10 kg", "balm")
    (balm,) = shop.production.covering(anna)
    (base,) = shop.production.find(item="base")
    assert shop.orders.status(anna) is OrderStatus.MATERIALS_RESERVED

    with pytest.raises(Short) as refused:
        shop.production.start(balm)
    assert short(refused.value) == [("base", "6 kg", "2 kg", "4 kg")]

    shop.production.start(base)
    assert shop.orders.status(anna) is OrderStatus.IN_PRODUCTION  # any run for it
    shop.production.complete(base, made="3.5 kg", lot="B-1")  # half a kilogram less than planned
    assert shop.orders.status(anna) is OrderStatus.WAITING_FOR_MATERIAL
    with pytest.raises(Short) as refused:
        shop.production.start(balm)
    assert short(refused.value) == [("base", "6 kg", "5.5 kg", "0.5 kg")]

    shop.orders.confirm(anna)  # nets what is open: half a kilogram of base
    (again,) = [run for run in shop.production.find(item="base") if run.number != base.number]
    assert again.planned == qty("0.5 kg")
    shop.production.start(again)
    shop.production.complete(again, made="0.5 kg", lot="B-2")
    shop.production.start(balm)
    shop.production.complete(balm, made="10 kg", lot="L-1")
    assert shop.orders.status(anna) is OrderStatus.READY_TO_SHIP
    assert {(lot.item, lot.code) for lot in shop.trace.back("balm", "L-1").lots} >= {("base", "B-0"), ("base", "B-1"), ("oil", "O-1")}
    shop.verify()


def test_bom_006_the_first_line_gets_the_semi_finished_stock_and_nothing_is_counted_twice():
    """BOM-006: 80 sub-assemblies on stock serve the first of two lines; RM1 90: 80 missing, RM2: 70."""
    shop = Workshop.in_memory()
    shop.register(
        *(Item(code, unit="each") for code in ("fg1", "fg2", "sub", "rm1", "rm2")),
        Recipe("fg1", makes="1 each", ingredients=[Ingredient("sub", "1 each"), Ingredient("rm1", "1 each")]),
        Recipe("fg2", makes="1 each", ingredients=[Ingredient("sub", "1 each")]),
        Recipe("sub", makes="1 each", ingredients=[Ingredient("rm1", "1 each"), Ingredient("rm2", "1 each")]),
    )
    shop.stock.receive("sub", "80 each")
    shop.stock.receive("rm1", "90 each")
    both = shop.orders.place(customer="Anna", lines=[OrderLine("fg1", "100 each"), OrderLine("fg2", "50 each")])

    check = shop.orders.check(both)

    assert {(one.item, str(one.missing)) for one in check.shortages} == {("rm1", "80 each"), ("rm2", "70 each")}
    assert (check.need("sub").from_stock, check.need("sub").to_make) == (qty("80 each"), qty("70 each"))


def test_bom_018_nothing_is_asked_for_when_the_parts_are_on_stock():
    """BOM-018: ten pieces from ten and ten sub-assemblies: one run, no lower run, nothing missing."""
    shop = Workshop.in_memory()
    shop.register(
        *(Item(code, unit="each") for code in ("fg", "sa", "sb", "ch")),
        Recipe("fg", makes="1 each", ingredients=[Ingredient("sa", "1 each"), Ingredient("sb", "1 each")]),
        Recipe("sa", makes="1 each", ingredients=[Ingredient("ch", "1 each")]),
    )
    shop.stock.receive("sa", "10 each")
    shop.stock.receive("sb", "10 each")

    planned = shop.production.plan("fg", "10 each", when_short="refuse")

    assert not planned.shortages
    assert [run.item for run in shop.production.find()] == ["fg"]


def test_an_order_waits_for_material_and_the_repeated_confirmation_takes_the_delivery():
    shop, clock = candle_shop()
    shop.stock.receive("wax", "1 kg", lot="W-1")
    anna = order(shop, "Anna", "10 each")

    done = shop.orders.confirm(anna)

    assert {(one.item, str(one.missing)) for one in done.shortages} == {("wax", "1 kg"), ("wick", "10 each")}
    assert done.promised is None  # nobody sells wicks
    assert shop.orders.status(anna) is OrderStatus.WAITING_FOR_MATERIAL
    (run,) = shop.production.covering(anna)
    assert reserved(shop, "wax") == {"W-1": "1 kg"}  # what there is, is hers
    assert shop.orders.stages(anna)["1"].reasons == (f"{run.number} lacks material",)

    clock.set("2026-03-04 08:00")
    shop.stock.receive("wick", "500 each", lot="K-1")
    shop.stock.receive("wax", "20 kg", lot="W-2")
    assert shop.orders.status(anna) is OrderStatus.WAITING_FOR_MATERIAL  # nobody is promised anything by itself
    assert shop.orders.check(anna).ok
    again = shop.orders.confirm(anna)

    assert again.productions == ()  # the same run; only its materials were open
    assert again.promised == date(2026, 3, 4)  # made today: one hour at the melter
    assert reserved(shop, "wax") == {"W-1": "1 kg", "W-2": "1 kg"}
    assert shop.orders.status(anna) is OrderStatus.MATERIALS_RESERVED
    assert shop.orders.promise(anna).date == date(2026, 3, 4)
    moved = shop.production.get(run)  # it had no date before; now it has one, and the melter is booked
    assert (f"{moved.planned_start:%d %H:%M}", f"{moved.planned_end:%d %H:%M}") == ("04 07:00", "04 08:00")  # UTC
    shop.verify()


def test_a_promise_for_a_confirmed_order_waits_for_the_material_that_its_run_lacks():
    shop, clock = candle_shop()
    shop.stock.receive("wick", "100 each", lot="K-1")
    anna = order(shop, "Anna", "10 each")
    assert shop.orders.confirm(anna).promised == date(2026, 3, 6)  # four days for the wax, one hour at the melter
    clock.set("2026-03-09 08:00")  # nobody has bought it, and a week has passed

    late = shop.orders.promise(anna)

    assert late.date == date(2026, 3, 13)
    assert [(step.kind, step.name) for step in late.critical_path] == [("purchase", "wax"), ("operation", "pour")]
    assert [one.item for one in late.to_buy] == ["wax"]


def test_an_order_for_bought_goods_is_promised_for_the_day_of_the_delivery_that_covers_it():
    shop, _ = candle_shop()
    purchase = shop.purchasing.order("mill", lines=[PurchaseLine("wax", "25 kg")])  # Friday
    anna = confirmed(shop, "Anna", "20 kg", "wax", shipping="parcel")

    promise = shop.orders.promise(anna)

    assert promise.date == date(2026, 3, 8)
    assert [(step.kind, step.name) for step in promise.critical_path] == [("supply", purchase.number), ("transit", "parcel")]
    assert shop.orders.status(anna) is OrderStatus.WAITING_FOR_MATERIAL
    assert shop.orders.stages(anna)["1"].reasons == (f"wax is expected from {purchase.number}",)


def test_refusing_when_short_lists_needed_available_and_missing_and_reserves_nothing():
    shop, _ = candle_shop()
    shop.stock.receive("wax", "3 kg", lot="W-1")
    shop.stock.receive("wick", "12 each", lot="K-1")
    anna = order(shop, "Anna", "20 each")

    with pytest.raises(Short) as refused:
        shop.orders.confirm(anna, when_short="refuse")

    assert short(refused.value) == [("wax", "4 kg", "3 kg", "1 kg"), ("wick", "20 each", "12 each", "8 each")]
    assert shop.orders.status(anna) is OrderStatus.RECEIVED
    assert reserved(shop, "wax") == {}
    assert shop.production.find() == ()


def test_a_cancelled_order_is_not_confirmed_again_whatever_is_asked():
    shop, _ = candle_shop()
    anna = confirmed(shop, "Anna", "5 each")
    shop.orders.cancel(anna, reason="changed her mind")

    for when_short in ("wait", "refuse"):
        with pytest.raises(NotAllowed):
            shop.orders.confirm(anna, when_short=when_short)


def test_a_cancelled_order_leaves_its_run_alone_and_the_output_is_free_for_others():
    shop, _ = candle_shop()
    shop.stock.receive("wax", "20 kg", lot="W-1")
    shop.stock.receive("wick", "100 each", lot="K-1")
    anna = confirmed(shop, "Anna", "30 each")
    (run,) = shop.production.covering(anna)

    cancelled = shop.orders.cancel(anna)

    assert cancelled.freed == (run.number,)
    assert shop.orders.status(anna) is OrderStatus.CANCELLED
    assert shop.production.status(run) == "planned"
    assert shop.stock.level("candle").incoming_free == qty("30 each")
    ben = confirmed(shop, "Ben", "30 each")
    assert [one.number for one in shop.production.covering(ben)] == [run.number]


def test_a_cancelled_run_opens_the_need_again_and_the_next_confirmation_plans_a_new_one():
    """As tryton-mto-2: a production order that was deleted is asked for again."""
    shop, _ = candle_shop()
    shop.stock.receive("wax", "20 kg", lot="W-1")
    shop.stock.receive("wick", "100 each", lot="K-1")
    anna = confirmed(shop, "Anna", "10 each")
    (run,) = shop.production.covering(anna)

    assert lost(shop.production.cancel(run, reason="melter broke")) == [(anna.number, "10 each")]
    assert shop.orders.status(anna) is OrderStatus.WAITING_FOR_MATERIAL
    assert reserved(shop, "wax") == {}

    shop.orders.confirm(anna)
    (again,) = shop.production.covering(anna)
    assert (again.planned, again.number) == (qty("10 each"), "PB-2026-03-002")


def test_an_order_of_several_lines_of_one_item_shares_the_stock_in_the_order_of_its_lines():
    shop, _ = candle_shop()
    shop.stock.receive("candle", "8 each", lot="C-1")
    anna = shop.orders.place(
        customer="Anna", lines=[OrderLine("candle", "5 each", note="red box"), OrderLine("candle", "6 each", note="blue box")]
    )

    shop.orders.confirm(anna, make=False)

    stages = shop.orders.stages(anna)
    assert [(row.ready, row.waiting) for row in stages.values()] == [(5, 0), (3, 3)]
    shop.orders.confirm(anna)
    (run,) = shop.production.covering(anna, open_only=True)
    assert run.planned == qty("3 each")
    shop.verify()


def test_a_starter_is_taken_from_stock_only_also_when_the_order_is_confirmed_again():
    shop = Workshop.in_memory()
    shop.register(
        Item("flour", unit="kg"), Item("starter", unit="kg"),
        Recipe("starter", makes="2 kg", ingredients=[Ingredient("flour", "1 kg"), Ingredient("starter", "1 kg", from_stock=True)]),
    )  # fmt: skip
    shop.stock.receive("flour", "10 kg", lot="F-1")
    run = shop.production.plan("starter", "4 kg").production  # it lacks two kilograms of starter
    anna = confirmed(shop, "Anna", "1 kg", "starter")
    assert [one.number for one in shop.production.covering(anna)] == [run.number]

    again = shop.orders.confirm(anna)

    assert [(one.item, str(one.missing)) for one in again.shortages] == [("starter", "2 kg")]
    assert len(shop.production.find()) == 1  # no run for the starter's starter, and the run does not wait for itself
    shop.stock.receive("starter", "2 kg", lot="S-0")
    assert not shop.orders.confirm(anna).shortages
    shop.production.start(run)
    shop.production.complete(run, made="4 kg", lot="S-1")
    assert shop.orders.status(anna) is OrderStatus.READY_TO_SHIP
    shop.verify()


def test_tryton_mto_1_one_production_is_linked_to_the_line_and_nothing_can_leave_before():
    """tryton-mto-1: ten pieces of five parts each, always made: one run of ten, linked; the shipment waits."""
    shop = Workshop.in_memory()
    shop.register(Item("c", unit="each"), Item("p", unit="each"), Recipe("p", makes="1 each", ingredients=[Ingredient("c", "5 each")]))
    sale = confirmed(shop, "Anna", "10 each", "p")

    (run,) = shop.production.covering(sale)

    assert (run.planned, run.need("c").required) == (qty("10 each"), qty("50 each"))
    assert [(link.order, link.line) for link in shop.orders.covered_by(run)] == [(sale.number, "1")]
    with pytest.raises(Short) as refused:
        shop.shipping.ship(sale)
    assert short(refused.value) == [("p", "10 each", "0 each", "10 each")]


def test_tryton_mto_stock_first_each_order_takes_stock_and_only_the_rest_is_made():
    """tryton-mto-stock-first: stock 5, sales of 3, 4 and 2. There a line is served whole or made whole: runs 0, 1 (of 4), 0.

    DESIGN stands: the line takes the two that are there and two are made; so nothing is left for the third, which is made, too.
    """
    shop = Workshop.in_memory()
    shop.register(Item("p", unit="each"), Recipe("p", makes="1 each"))
    shop.stock.receive("p", "5 each", lot="P-0")

    sales = [confirmed(shop, "Anna", f"{pieces} each", "p") for pieces in (3, 4, 2)]

    assert [[str(run.planned) for run in shop.production.covering(sale, open_only=True)] for sale in sales] == [
        [],
        ["2 each"],
        ["2 each"],
    ]
    assert reserved(shop, "p") == {"P-0": "5 each"}
    assert shop.orders.status(sales[0]) is OrderStatus.READY_TO_SHIP


def test_can_010_an_order_with_a_production_may_be_cancelled_one_that_was_shipped_may_not():
    """CAN-010 refuses both. DESIGN stands: a cancelled order leaves its run as free output; what has left the house stays a fact."""
    shop, _ = candle_shop()
    shop.stock.receive("candle", "5 each", lot="C-1")
    shipped, made, open_ = (confirmed(shop, "Anna", amount) for amount in ("5 each", "10 each", "1 each"))
    shop.shipping.ship(shipped)

    with pytest.raises(NotAllowed):
        shop.orders.cancel(shipped)
    shop.orders.cancel(made)
    shop.orders.cancel(open_)
    assert shop.orders.status(made) is OrderStatus.CANCELLED
    shop.verify()


def test_par_006_what_is_left_to_plan_is_ordered_less_delivered_less_made():
    """PAR-006: of two ordered one is delivered; one is left to make; then nothing is. (Taking the run back comes later.)"""
    shop = Workshop.in_memory()
    shop.register(Item("a", unit="each"), Recipe("a", makes="1 each"))
    shop.stock.receive("a", "1 each", lot="A-0")
    sale = order(shop, "Anna", "2 each", "a")
    shop.orders.confirm(sale, make=False)
    shop.shipping.ship(sale)
    assert shop.orders.check(sale).need("a").to_make == qty("1 each")

    shop.orders.confirm(sale)
    (run,) = shop.production.covering(sale, open_only=True)
    assert run.planned == qty("1 each")
    shop.production.start(run)
    shop.production.complete(run, made="1 each")

    assert shop.orders.confirm(sale).productions == ()
    assert shop.orders.check(sale).need("a").to_make == qty("0 each")

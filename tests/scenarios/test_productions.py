"""The whole life of a run in a soap kitchen: a line of issue 3 each, with the figures that a soap maker would check by hand.

One bar takes 60 g of oil (a tenth is lost: 54 g get into it), 20 g of lye and one wrapper, which goes on the finished bar.
"""

from __future__ import annotations

from datetime import date, datetime

import pytest

from krafte_core import (
    Ingredient,
    Item,
    Operation,
    OrderLine,
    OrderStatus,
    Place,
    PurchaseLine,
    Recipe,
    ShippingMethod,
    Supplier,
    WorkCenter,
    Workshop,
    qty,
)
from krafte_core.errors import BeyondTolerance, InvalidInput, LotNotUsable, NotAllowed, Short, TooMuch
from krafte_core.recipes import BatchSize
from krafte_core.testing import FakeClock
from tests.scenarios.day import candle_shop, confirmed, lost, order, reserved


def soap_kitchen(*, oil: str = "12 kg", lye: str = "4 kg", wrappers: str = "300 each", **recipe):
    """Twelve kilograms of oil make two hundred bars."""
    clock = FakeClock("2026-03-02 08:00", zone="Europe/Berlin")
    shop = Workshop.in_memory(clock=clock)
    shop.register(
        Item("oil", unit="kg", step="1 g"), Item("lye", unit="kg", step="1 g"), Item("wrapper", unit="each"),
        Item("bar", unit="each"), Item("glycerine", unit="kg", step="1 g", kind="by-product"), Item("sugar", unit="kg", step="1 g"),
        Place("shelf", within="stock"), WorkCenter("kettle", hours="Mon-Fri 08:00-16:00"), ShippingMethod("parcel", transit="1 day"),
        Recipe(
            "bar", makes="100 each",
            ingredients=[
                Ingredient("oil", "5.4 kg", loss="10 %"), Ingredient("lye", "2 kg"),
                Ingredient("wrapper", "100 each", follows="output"),
            ],
            operations=[Operation("boil", at="kettle", run="2 h")], **recipe,
        ),
    )  # fmt: skip
    shop.stock.receive("oil", oil, lot="O-1")
    shop.stock.receive("lye", lye, lot="L-1")
    shop.stock.receive("wrapper", wrappers, lot="W-1")
    return shop, clock


def at_work(amount: str = "100 each", **kitchen):
    """A run that has begun."""
    shop, clock = soap_kitchen(**kitchen)
    run = shop.production.plan("bar", amount).production
    shop.production.start(run)
    return shop, run, clock


def hand(shop, *items: str) -> dict[str, str]:
    """What is on hand of the items."""
    return {item: str(shop.stock.level(item).on_hand) for item in items}


def everything(shop):
    """Every balance and every link: what must be the same again after something was undone."""
    with shop._office.look() as work:
        stocked = sorted((row.lot.item, row.lot.code, row.place, row.on_hand, row.allocated) for row in work.reader.rows("stocked"))
        return stocked, sorted(work.reader.rows("allocations"))


# one run for many orders, and back ------------------------------------------------------------------------------------


def test_one_run_covers_three_orders_and_the_way_back_is_told():
    """Lessons 31 and 61."""
    shop, _ = soap_kitchen()
    anna, ben, cem = (
        order(shop, name, amount, "bar") for name, amount in [("Anna", "60 each"), ("Ben", "30 each"), ("Cem", "90 each")]
    )

    run = shop.production.plan_for([anna, ben, cem])

    assert run.planned == qty("180 each")
    assert {(link.order, str(link.amount)) for link in shop.orders.covered_by(run)} == {
        (anna.number, "60 each"), (ben.number, "30 each"), (cem.number, "90 each"),
    }  # fmt: skip
    for one in (anna, ben, cem):
        assert [back.number for back in shop.production.covering(one)] == [run.number]
        assert shop.orders.status(one) is OrderStatus.MATERIALS_RESERVED
        assert shop.orders.history(one)[-1].step == "confirm"
    shop.production.start(run)
    shop.production.complete(run, made="180 each", lot="B-1")
    assert [shop.orders.status(one) for one in (anna, ben, cem)] == [OrderStatus.READY_TO_SHIP] * 3
    shop.verify()


def test_stock_goes_to_the_most_urgent_order_and_the_run_makes_the_rest_for_all():
    """Priority first, then the wish, then who came first; the batch rule rounds the total up, not every order."""
    shop, _ = soap_kitchen(batch=BatchSize(multiple="50 each"))
    shop.stock.receive("bar", "40 each", lot="B-0")
    anna = order(shop, "Anna", "60 each", "bar")
    ben = order(shop, "Ben", "30 each", "bar", priority=1)

    run = shop.production.plan_for([anna, ben])

    assert run.planned == qty("50 each")  # 90 less 40 in stock
    assert [(link.order, str(link.amount)) for link in shop.orders.covered_by(run)] == [(anna.number, "50 each")]
    assert reserved(shop, "bar") == {"B-0": "40 each"}
    assert shop.orders.status(ben) is OrderStatus.READY_TO_SHIP
    shop.verify()


def test_what_does_not_fit_into_one_batch_or_needs_no_run_is_refused_and_says_why():
    shop, _ = soap_kitchen(batch=BatchSize(max="100 each"))
    anna, ben = order(shop, "Anna", "60 each", "bar"), order(shop, "Ben", "60 each", "bar")
    with pytest.raises(InvalidInput) as refused:
        shop.production.plan_for([anna, ben])
    assert (refused.value.field, refused.value.given) == ("orders", "120 each of bar")
    assert shop.production.find() == ()
    shop.stock.receive("bar", "200 each", lot="B-0")
    with pytest.raises(InvalidInput):
        shop.production.plan_for([anna, ben])
    assert shop.orders.status(anna) is OrderStatus.RECEIVED


def test_two_made_items_in_the_orders_give_two_runs_and_the_one_that_was_named_is_returned():
    shop, _ = soap_kitchen()
    shop.register(Item("balm", unit="kg", step="1 g"), Recipe("balm", makes="1 kg", ingredients=[Ingredient("oil", "0.5 kg")]))
    anna = shop.orders.place(customer="Anna", lines=[OrderLine("bar", "50 each"), OrderLine("balm", "1 kg")])
    ben = order(shop, "Ben", "50 each", "bar")
    with pytest.raises(InvalidInput) as refused:
        shop.production.plan_for([anna, ben])
    assert refused.value.expected.startswith("one of bar, balm")
    run = shop.production.plan_for([anna, ben], item="bar")
    assert (run.item, run.planned) == ("bar", qty("100 each"))
    assert sorted(str(one.planned) for one in shop.production.find()) == ["1 kg", "100 each"]
    shop.verify()


# resize, split, merge, release, move ----------------------------------------------------------------------------------


def test_a_planned_run_grows_and_shrinks_and_its_materials_follow():
    """Lesson 26: lowering the amount gives the materials back; law 10: a released run keeps its size."""
    shop, _ = soap_kitchen()
    run = shop.production.plan("bar", "100 each").production
    table = [
        ("150 each", "9 kg", "3 kg", "150 each"),
        ("25 each", "1.5 kg", "0.5 kg", "25 each"),
        ("100 each", "6 kg", "2 kg", "100 each"),
    ]
    for amount, oil, lye, wrappers in table:
        assert shop.production.change(run, amount).shortages == ()
        assert [reserved(shop, item) for item in ("oil", "lye", "wrapper")] == [{"O-1": oil}, {"L-1": lye}, {"W-1": wrappers}]
    assert str(shop.production.change(run, "300 each").shortages[0]) == "oil: 6 kg missing (needed 12 kg, available 6 kg)"
    shop.production.change(run, "100 each")
    shop.production.release(run)
    with pytest.raises(NotAllowed) as refused:
        shop.production.change(run, "110 each")
    assert refused.value.allowed == ("replan", "reschedule", "allocate", "free", "start", "cancel")
    shop.production.replan(run)
    assert shop.production.change(run, "110 each").production.planned == qty("110 each")
    shop.verify()


def test_a_run_made_smaller_names_those_who_counted_on_the_rest_the_last_in_the_queue_first():
    shop, _ = soap_kitchen()
    anna, ben = order(shop, "Anna", "60 each", "bar"), order(shop, "Ben", "40 each", "bar")
    run = shop.production.plan_for([anna, ben])
    done = shop.production.change(run, "70 each", reason="kettle is small")
    assert lost(done.displaced) == [(ben.number, "30 each")]
    assert shop.orders.status(ben) is OrderStatus.WAITING_FOR_MATERIAL
    shop.orders.confirm(ben)
    assert [str(one.planned) for one in shop.production.covering(ben)] == ["70 each", "30 each"]
    shop.verify()


def test_a_split_keeps_every_step_and_everybody_who_waits():
    """Law 11: 100 = 45 + 33 + 22; the most urgent stays with the run itself."""
    shop, _ = soap_kitchen()
    anna, ben = order(shop, "Anna", "60 each", "bar"), order(shop, "Ben", "40 each", "bar")
    run = shop.production.plan_for([anna, ben])

    parts = shop.production.split(run, ["33 each", "22 each"]).productions

    assert [str(one.planned) for one in parts] == ["45 each", "33 each", "22 each"]
    assert [[(link.order, str(link.amount)) for link in shop.orders.covered_by(one)] for one in parts] == [
        [(anna.number, "45 each")], [(anna.number, "15 each"), (ben.number, "18 each")], [(ben.number, "22 each")],
    ]  # fmt: skip
    assert [str(one.need("oil").required) for one in parts] == ["2.7 kg", "1.98 kg", "1.32 kg"]
    assert reserved(shop, "oil") == {"O-1": "6 kg"}
    starts = [one.planned_start for one in (shop.production.get(one) for one in parts)]
    assert starts == sorted(starts)
    assert len(set(starts)) == 3  # one kettle
    merged = shop.production.merge(run, parts[1:]).production
    assert merged.planned == qty("100 each")
    assert reserved(shop, "oil") == {"O-1": "6 kg"}
    assert [shop.production.status(one) for one in parts] == ["planned", "merged", "merged"]
    assert [str(link.amount) for link in shop.orders.covered_by(run)] == ["60 each", "40 each"]
    shop.verify()


def test_tryton_prod_split_5_twenty_in_batches_of_five():
    shop, _ = soap_kitchen()
    run = shop.production.plan("bar", "20 each").production
    parts = shop.production.split(run, ["5 each"] * 3).productions
    assert [str(one.planned) for one in parts] == ["5 each"] * 4
    with pytest.raises(InvalidInput):
        shop.production.split(run, "5 each")  # nothing would be left


def test_only_like_runs_are_merged():
    shop, _ = soap_kitchen()
    shop.register(Item("balm", unit="kg"), Recipe("balm", makes="1 kg", ingredients=[Ingredient("oil", "0.5 kg")]))
    bars, balm = shop.production.plan("bar", "10 each").production, shop.production.plan("balm", "1 kg").production
    for others in ([balm], [bars], []):
        with pytest.raises(InvalidInput):
            shop.production.merge(bars, others)
    begun = shop.production.plan("bar", "10 each").production
    shop.production.start(begun)
    with pytest.raises(NotAllowed):
        shop.production.merge(bars, [begun])


def test_a_run_that_is_moved_tells_which_orders_it_makes_late():
    shop, _ = soap_kitchen()
    anna = confirmed(shop, "Anna", "100 each", "bar", shipping="parcel", requested=date(2026, 3, 4))
    ben = confirmed(shop, "Ben", "100 each", "bar", shipping="parcel", requested=date(2026, 3, 20))
    (first,), (second,) = shop.production.covering(anna), shop.production.covering(ben)
    assert (first.planned_start.hour, second.planned_start.hour) == (7, 9)  # 8 and 10 o'clock in Berlin

    moved = shop.production.reschedule(first, "2026-03-09 08:00", reason="the boiler is cleaned")

    assert moved.production.planned_end == datetime(2026, 3, 9, 9, tzinfo=first.planned_end.tzinfo)
    assert [(row.order, row.promised, row.expected) for row in moved.late] == [(anna.number, date(2026, 3, 3), date(2026, 3, 10))]
    assert [event.document for event in moved.events if type(event).__name__ == "OrderLate"] == [anna.number]
    assert reserved(shop, "oil") == {"O-1": "12 kg"}  # nothing but the time changed
    assert shop.production.reschedule(first, "2026-03-02 12:00").late == ()
    shop.verify()


def test_a_lower_run_that_is_moved_takes_the_upper_one_along():
    shop, _ = soap_kitchen()
    shop.register(
        Item("box", unit="each"), Recipe("box", makes="1 each", ingredients=[Ingredient("bar", "10 each")], lead_time="1 day")
    )
    anna = confirmed(shop, "Anna", "5 each", "box")
    upper, lower = sorted(shop.production.find(), key=lambda one: one.item, reverse=True)
    assert (upper.item, lower.item) == ("box", "bar")
    moved = shop.production.reschedule(lower, "2026-03-09 08:00")
    assert shop.production.get(upper).planned_start == shop.production.get(lower).planned_end
    assert [row.order for row in moved.late] == [anna.number]


# what is on the line --------------------------------------------------------------------------------------------------


def test_a_drum_is_weighed_back_and_what_stays_was_used():
    """The oil drum goes back with 0.4 kg; nothing has to be said again when the run is completed."""
    shop, run, _ = at_work()
    shop.production.give_back(run, "oil", "0.4 kg")
    assert shop.stock.level("oil").in_process == qty("5.6 kg")
    assert shop.stock.level("oil").available == qty("6.4 kg")

    done = shop.production.complete(run, made="100 each")

    assert (done.deviations["oil"].planned, done.deviations["oil"].used) == (qty("6 kg"), qty("5.6 kg"))
    assert hand(shop, "oil", "lye", "wrapper") == {"oil": "6.4 kg", "lye": "2 kg", "wrapper": "200 each"}
    shop.verify()


def test_more_of_a_material_a_substitute_and_something_new_are_brought_with_a_reason():
    shop, run, _ = at_work()
    shop.register(Item("rice-oil", unit="kg", step="1 g"))
    shop.stock.receive("rice-oil", "3 kg", lot="R-1")
    shop.stock.receive("sugar", "1 kg", lot="S-1")
    shop.production.issue(run, "oil", "0.2 kg")
    for what in ({"item": "sugar"}, {"item": "rice-oil", "instead_of": "oil"}):
        with pytest.raises(InvalidInput) as refused:
            shop.production.issue(run, amount="0.1 kg", **what)
        assert refused.value.field == "reason"
    shop.production.issue(run, "sugar", "0.1 kg", reason="for the shine")
    shop.production.give_back(run, "oil", "1 kg")
    shop.production.issue(run, "rice-oil", "1 kg", instead_of="oil", reason="olive oil is short")

    done = shop.production.complete(run, made="100 each", lot="B-1")

    assert {name: str(one.used) for name, one in done.deviations.items()} == {"oil": "5.2 kg", "sugar": "0.1 kg", "rice-oil": "1 kg"}
    assert {lot.code for lot in shop.trace.back("bar", "B-1").lots} == {"O-1", "L-1", "W-1", "R-1", "S-1"}
    assert [(entry.step, entry.reason) for entry in shop.production.history(run) if entry.reason] == [
        ("issue", "for the shine"), ("issue", "olive oil is short"),
    ]  # fmt: skip
    shop.verify()


def test_more_than_is_kept_of_a_lot_is_brought_of_the_same_lot():
    """Two kilograms of the new oil are kept for the run, which wants three: the third one is free."""
    shop, _ = soap_kitchen(oil="4 kg")
    run = shop.production.plan("bar", "100 each").production
    shop.production.start(run, when_short="start")
    shop.stock.receive("oil", "5 kg", lot="O-2")
    shop.production.cover(run)
    assert reserved(shop, "oil") == {"O-2": "2 kg"}

    shop.production.issue(run, "oil", "3 kg", reason="it foams")

    assert {row.place: str(row.on_hand) for row in shop.stock.lots("oil") if row.lot.code == "O-2"} == {
        "stock": "2 kg", f"line:{run.number}": "3 kg",
    }  # fmt: skip
    assert reserved(shop, "oil") == {}
    with pytest.raises(Short):
        shop.production.issue(run, "oil", "2.1 kg")
    shop.verify()


def test_bom_019_an_item_is_no_substitute_for_itself():
    shop, run, _ = at_work()
    with pytest.raises(InvalidInput):
        shop.production.issue(run, "oil", "1 kg", instead_of="oil", reason="why not")
    with pytest.raises(InvalidInput):
        shop.production.issue(run, "lye", "1 kg", instead_of="glue", reason="a line that is none")


def test_what_others_were_promised_is_brought_only_by_force_and_they_are_named():
    """Lessons 32 and 35: nobody takes what is staged or reserved for somebody else, unless he says so."""
    shop, run, _ = at_work()
    anna = confirmed(shop, "Anna", "5 kg", "oil")  # of the 6 kg that are left
    with pytest.raises(Short) as refused:
        shop.production.issue(run, "oil", "2 kg")
    assert str(refused.value) == "oil: 1 kg missing (needed 2 kg, available 1 kg)"
    other = shop.production.plan("bar", "10 each").production
    with pytest.raises(Short):
        shop.production.issue(run, "oil", "2 kg", lot="O-1")
    assert lost(shop.production.issue(run, "oil", "2 kg", force=True).displaced) == [(anna.number, "1.6 kg")]
    assert reserved(shop, "oil") == {"O-1": "4 kg"}
    assert shop.production.get(other).need("oil").required == qty("0.6 kg")  # the run comes first: it is to begin today
    with pytest.raises(TooMuch):
        shop.production.issue(run, "oil", "10 kg", force=True)
    shop.verify()


def test_yld_009_material_is_scrapped_on_the_line_because_of_the_run_by_its_lot_and_with_a_reason():
    """YLD-007, YLD-009: scrapping needs a reason, and the lot where several lie there."""
    shop, _ = soap_kitchen(oil="4 kg")
    shop.stock.receive("oil", "4 kg", lot="O-2")
    run = shop.production.plan("bar", "100 each").production
    shop.production.start(run)
    with pytest.raises(InvalidInput) as refused:
        shop.production.scrap(run, "oil", "0.5 kg", reason="spilt")
    assert refused.value.expected == "one of O-1, O-2"
    with pytest.raises(InvalidInput):
        shop.production.scrap(run, "oil", "0.5 kg", lot="O-1", reason=" ")
    shop.production.scrap(run, "oil", "0.5 kg", lot="O-1", reason="spilt")
    assert shop.trace.balance("oil", "O-1").scrapped == qty("0.5 kg")
    assert str(shop.production.cover(run).productions[0].planned) == "100 each"  # nets what was spilt: half a kilogram again
    assert reserved(shop, "oil") == {"O-2": "0.5 kg"}
    shop.production.issue(run, "oil", "0.5 kg")
    assert reserved(shop, "oil") == {}
    shop.production.complete(run, made="100 each", lot="B-1")
    assert shop.stock.level("oil").on_hand == qty("1.5 kg")
    shop.verify()


def test_a_rejected_lot_is_worked_again_in_a_named_run_and_nowhere_else():
    shop, run, _ = at_work()
    shop.stock.receive("bar", "10 each", lot="B-0")
    shop.stock.reject("bar", lot="B-0", reason="too soft")
    for how in ({"lot": "B-0"}, {"lot": "B-0", "reason": "boil again"}):
        with pytest.raises((LotNotUsable, InvalidInput)):
            shop.production.issue(run, "bar", "10 each", **how)
    with pytest.raises(InvalidInput):
        shop.production.issue(run, "bar", "10 each", rework=True, reason="which lot?")

    shop.production.issue(run, "bar", "10 each", lot="B-0", rework=True, reason="boil again")
    shop.production.complete(run, made="110 each", lot="B-1")

    assert {lot.code for lot in shop.trace.forward("bar", "B-0").lots} == {"B-1"}
    assert shop.trace.balance("bar", "B-0").used == qty("10 each")
    shop.verify()


def test_a_run_does_not_use_what_it_made_itself():
    shop, run, _ = at_work()
    shop.production.report(run, made="50 each", lot="B-1")
    with pytest.raises(LotNotUsable) as refused:
        shop.production.issue(run, "bar", "1 each", lot="B-1", rework=True, reason="again")
    assert refused.value.reason == "made by this very run"


# report in parts ------------------------------------------------------------------------------------------------------


def test_a_run_is_reported_in_parts_each_with_its_lot_and_the_rest_is_what_the_plan_says():
    """Lessons 38, 44, 45 and PAR-001: each part owns its lot; the rest is computed, never copied, never negative."""
    shop, _ = soap_kitchen()
    anna, ben = order(shop, "Anna", "60 each", "bar"), order(shop, "Ben", "40 each", "bar")
    run = shop.production.plan_for([anna, ben])
    shop.production.start(run)

    part = shop.production.report(run, made="25 each")

    assert (part.lot.code, part.lost, part.output) == (f"{run.number}-1", qty("0 each"), None)
    assert hand(shop, "oil", "lye", "wrapper", "bar") == {"oil": "10.5 kg", "lye": "3.5 kg", "wrapper": "275 each", "bar": "25 each"}
    assert shop.stock.level("bar").incoming == qty("75 each")
    assert shop.orders.stages(anna)["1"].ready == 25
    shop.production.report(run, made="20 each", scrapped="5 each")
    done = shop.production.complete(run, made="45 each")

    assert (done.lot.code, done.lost) == (f"{run.number}-3", qty("5 each"))
    assert done.deviations == {}
    assert (done.output.planned, done.output.used) == (qty("100 each"), qty("90 each"))
    assert lost(done.displaced) == [(ben.number, "5 each")]  # of the ten that are missing, five had been named before
    assert hand(shop, "oil", "lye", "wrapper", "bar") == {"oil": "6 kg", "lye": "2 kg", "wrapper": "205 each", "bar": "90 each"}
    assert shop.orders.status(anna) is OrderStatus.READY_TO_SHIP
    shop.verify()


def test_con_006_who_used_too_much_for_the_first_part_needs_the_planned_rate_for_the_rest():
    """CON-006, lesson 44: 10 of 30 bars took 0.9 kg of oil instead of 0.6; the other 20 need 1.2 kg, not 0.9."""
    shop, run, _ = at_work("30 each")
    shop.production.report(run, made="10 each", used={"oil": "0.9 kg"})
    assert shop.stock.level("oil").in_process == qty("0.9 kg")
    shop.production.cover(run)
    assert reserved(shop, "oil") == {"O-1": "0.3 kg"}
    shop.production.issue(run, "oil", "0.3 kg")
    done = shop.production.complete(run, made="20 each")
    assert done.deviations == {}
    assert shop.stock.level("oil").on_hand == qty("9.9 kg")


def test_each_part_knows_what_was_used_for_it():
    """Lesson 87: the lots that are booked together can be told apart."""
    shop, _ = soap_kitchen(oil="3 kg")
    shop.stock.receive("oil", "3 kg", lot="O-2")
    run = shop.production.plan("bar", "100 each").production
    shop.production.start(run)
    shop.production.report(run, made="50 each", lot="B-1", used={"oil": {"O-1": "3 kg"}})
    shop.production.complete(run, made="50 each", lot="B-2", used={"oil": {"O-2": "3 kg"}})
    parts = shop.production.parts(run)
    oil = [[(move.lot, move.steps) for move in part.used if move.item == "oil"] for part in parts]
    assert [[move.lot for move in part.made] for part in parts] == [["B-1"], ["B-2"]]
    assert oil == [[("O-1", 3000)], [("O-2", 3000)]]


def test_parts_may_add_to_one_lot_of_the_run():
    shop, run, _ = at_work()
    shop.production.report(run, made="40 each", lot="B-1")
    shop.production.complete(run, made="60 each", lot="B-1")
    assert shop.trace.balance("bar", "B-1").made == qty("100 each")
    assert [lot.code for lot in shop.trace.back("bar", "B-1").lots] == ["L-1", "O-1", "W-1"]


def test_can_002_a_run_is_stopped_after_a_part_and_the_part_stays():
    """CAN-002, lesson 47: two of five are posted, the rest is given up, its material goes back."""
    shop, _ = soap_kitchen()
    anna = confirmed(shop, "Anna", "5 each", "bar")
    (run,) = shop.production.covering(anna)
    shop.production.start(run)
    shop.production.report(run, made="2 each")

    done = shop.production.stop(run, reason="power cut")

    assert shop.production.status(run) == "done"
    assert done.lost == qty("3 each")
    assert lost(done.displaced) == [(anna.number, "3 each")]
    assert hand(shop, "bar", "oil", "wrapper") == {"bar": "2 each", "oil": "11.88 kg", "wrapper": "298 each"}
    shop.orders.confirm(anna)
    assert [str(one.planned) for one in shop.production.covering(anna)] == ["3 each", "5 each"]
    shop.verify()


def test_over_production_is_free_and_under_production_is_named():
    """Lessons 46, 47, 62."""
    shop, run, _ = at_work()
    anna = confirmed(shop, "Anna", "100 each", "bar")
    done = shop.production.complete(run, made="104 each")
    assert (done.lost, done.output.over) == (qty("0 each"), True)
    assert shop.stock.level("bar").available == qty("4 each")
    assert shop.orders.status(anna) is OrderStatus.READY_TO_SHIP


# tolerances -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "used", "limit", "told", "refused"),
    [
        ("flexible", "6.2 kg", None, False, False),  # within five percent: 5.7 to 6.3 kg
        ("flexible", "6.4 kg", "6.3 kg", False, False),
        ("warn", "6.4 kg", "6.3 kg", True, False),
        ("warn", "5.6 kg", "5.7 kg", True, False),
        ("warn", "5.7 kg", None, False, False),
        ("strict", "6.3 kg", None, False, False),
        ("strict", "5.6 kg", "5.7 kg", True, True),
    ],
)  # fmt: skip
def test_con_013_use_beyond_its_tolerance_is_told_warned_of_or_needs_a_reason(mode, used, limit, told, refused):
    """Also CON-013: strict amounts are refused without a reason, and written down with one."""
    shop, run, _ = at_work()
    shop.register(Item("oil", unit="kg", step="1 g", tolerance="5 %", consumption=mode))
    before = everything(shop)
    if refused:
        with pytest.raises(BeyondTolerance) as problem:
            shop.production.complete(run, made="100 each", used={"oil": used})
        assert [str(one) for one in (problem.value.planned, problem.value.given, problem.value.limit)] == ["6 kg", used, limit]
        assert everything(shop) == before

    done = shop.production.complete(run, made="100 each", used={"oil": used}, reason="warm day")

    assert str(done.deviations["oil"].limit) == str(limit)
    assert done.deviations["oil"].beyond is (limit is not None)
    events = [event for event in done.events if type(event).__name__ == "UseDeviated"]
    assert [(event.item, str(event.used), event.reason) for event in events] == ([("oil", used, "warm day")] if told else [])


@pytest.mark.parametrize(("made", "limit"), [("8 each", "9 each"), ("12 each", "11 each"), ("9 each", None), ("10 each", None)])
def test_tryton_prod_tol_1_and_2_output_beyond_its_tolerance_names_the_limit(made, limit):
    shop, run, _ = at_work("10 each")
    shop.register(Item("bar", unit="each", tolerance="10 %", consumption="warn"))
    done = shop.production.complete(run, made=made)
    assert (None if done.output is None or done.output.limit is None else str(done.output.limit)) == limit
    assert any(type(event).__name__ == "UseDeviated" for event in done.events) is (limit is not None)


# corrections ----------------------------------------------------------------------------------------------------------


def test_sugar_after_tasting_is_written_down_when_everything_is_sold():
    """Lessons 49, 50, 65: late, with a reason, whatever became of the output; the trace knows it."""
    shop, _ = soap_kitchen()
    anna = confirmed(shop, "Anna", "100 each", "bar")
    (run,) = shop.production.covering(anna)
    shop.production.start(run)
    shop.production.complete(run, made="100 each", lot="B-1")
    shop.shipping.ship(anna)
    shop.stock.receive("sugar", "1 kg", lot="S-1")
    with pytest.raises(InvalidInput):
        shop.production.use(run, "sugar", "0.2 kg", reason="")

    done = shop.production.use(run, "sugar", "0.2 kg", reason="added after tasting", by="Kim")

    assert [(move.lot, move.target) for move in done.moves] == [("S-1", "production")]
    assert [lot.code for lot in shop.trace.forward("sugar", "S-1").lots] == ["B-1"]
    assert shop.trace.recall("sugar", "S-1").customers == ("Anna",)
    assert shop.trace.balance("sugar", "S-1").used == qty("0.2 kg")
    shop.production.close(run)
    with pytest.raises(NotAllowed) as refused:
        shop.production.use(run, "sugar", "0.1 kg", reason="more")
    assert refused.value.allowed == ("reopen",)
    shop.production.reopen(run)
    shop.production.use(run, "sugar", "0.1 kg", reason="more")
    shop.verify()


def test_late_use_is_a_fact_and_takes_from_promises():
    shop, run, _ = at_work()
    shop.production.complete(run, made="100 each")
    anna = confirmed(shop, "Anna", "6 kg", "oil")
    assert lost(shop.production.use(run, "oil", "1 kg", reason="misread the scale").displaced) == [(anna.number, "1 kg")]
    with pytest.raises(TooMuch) as refused:
        shop.production.use(run, "oil", "20 kg", reason="misread again")
    assert refused.value.offer.startswith("count")
    shop.verify()


def test_can_005_a_reversed_run_gives_every_lot_its_own_amount_back():
    """CAN-005, lessons 53, 54, 56: from what happened, lot by lot, to the places where it came from; then it is made again."""
    shop, _ = soap_kitchen(oil="1 kg")
    shop.stock.receive("oil", "3 kg", lot="O-2", place="shelf")
    shop.stock.receive("oil", "2.5 kg", lot="O-3")
    before = everything(shop)
    run = shop.production.plan("bar", "100 each").production
    shop.production.start(run)
    shop.production.give_back(run, "oil", "0.3 kg", lot="O-1")
    shop.production.complete(run, made="90 each", scrapped="4 each", lot="B-1", by_products={"glycerine": "1 kg"})
    shop.register(Recipe("bar", makes="1 each", ingredients=[Ingredient("lye", "1 kg")]))  # today's recipe does not matter

    back = shop.production.reverse(run, reason="wrong lye")

    assert (str(back.amount), back.state, back.displaced) == ("90 each", "reversed", ())
    assert everything(shop) == before
    balance = shop.trace.balance("bar", "B-1")
    assert (balance.made, balance.scrapped, balance.on_hand) == (qty("0 each"), qty("0 each"), qty("0 each"))
    assert shop.trace.forward("oil", "O-2").lots == ()
    with pytest.raises(NotAllowed):
        shop.production.reverse(run)
    shop.production.make("bar", "1 each")  # the way is free again
    shop.verify()


def test_a_part_of_a_run_is_taken_back_and_takes_its_part_of_every_input_with_it():
    shop, run, _ = at_work()
    shop.production.complete(run, made="90 each", scrapped="10 each", lot="B-1")
    table = [
        ("30 each", "8 kg", "2.666 kg", "233 each"),
        ("30 each", "10 kg", "3.333 kg", "266 each"),
        ("30 each", "12 kg", "4 kg", "300 each"),
    ]
    for n, (amount, oil, lye, wrappers) in enumerate(table):
        back = shop.production.reverse(run, amount)
        assert hand(shop, "oil", "lye", "wrapper") == {"oil": oil, "lye": lye, "wrapper": wrappers}
        assert back.state == ("reversed" if n == 2 else "done")
        shop.verify()
    assert shop.stock.level("bar").on_hand == qty("0 each")


def test_not_more_is_taken_back_than_is_left_and_not_what_was_promised_unless_by_force():
    """Lesson 55."""
    shop, _ = soap_kitchen()
    anna = confirmed(shop, "Anna", "60 each", "bar")
    run = shop.production.covering(anna)[0]
    shop.production.start(run)
    shop.production.complete(run, made="60 each", lot="B-1")
    with pytest.raises(Short) as promised:
        shop.production.reverse(run)
    assert str(promised.value) == "bar: 60 each missing (needed 60 each, available 0 each)"
    shop.shipping.ship(anna, amounts={"bar": "50 each"})
    with pytest.raises(TooMuch) as gone:
        shop.production.reverse(run, force=True)
    assert (str(gone.value.given), str(gone.value.there), gone.value.offer) == ("60 each", "10 each", "reverse at most 10 each")
    with pytest.raises(TooMuch):
        shop.production.reverse(run, "61 each", force=True)
    back = shop.production.reverse(run, "10 each", force=True)
    assert lost(back.displaced) == [(anna.number, "10 each")]
    assert shop.production.status(run) == "done"
    shop.verify()


def test_can_017_what_was_taken_back_may_be_used_again():
    shop, _ = soap_kitchen(oil="6 kg")
    first = shop.production.plan("bar", "100 each").production
    shop.production.start(first)
    shop.production.complete(first, made="100 each")
    with pytest.raises(Short):
        shop.production.make("bar", "100 each")
    shop.production.reverse(first)
    shop.production.make("bar", "100 each", lot="B-2")
    assert shop.trace.balance("oil", "O-1").used == qty("6 kg")
    shop.verify()


def test_par_006_a_reversed_run_opens_the_need_again():
    """PAR-006: of two, one is to be made; made, none; taken back, one again."""
    shop, _ = soap_kitchen()
    shop.stock.receive("bar", "1 each", lot="B-0")
    anna = confirmed(shop, "Anna", "2 each", "bar")
    (run,) = shop.production.covering(anna, open_only=True)
    shop.production.start(run)
    shop.production.complete(run, made="1 each", lot="B-1")
    assert shop.orders.stages(anna)["1"].ready == 2
    shop.production.reverse(run, force=True)
    assert shop.orders.stages(anna)["1"].waiting == 1
    shop.orders.confirm(anna)
    assert [str(one.planned) for one in shop.production.covering(anna, open_only=True)] == ["1 each"]
    shop.verify()


def test_a_run_at_work_is_taken_back_with_what_lies_on_its_line():
    shop, _ = soap_kitchen()
    before = everything(shop)
    run = shop.production.plan("bar", "100 each").production
    shop.production.start(run)
    shop.production.report(run, made="30 each")
    shop.production.reverse(run)
    assert everything(shop) == before
    assert shop.production.status(run) == "reversed"
    shop.verify()


# by-products, levels, partners ----------------------------------------------------------------------------------------


def test_byp_001_what_else_comes_out_has_lots_of_its_own_and_a_trace():
    """BYP-001 (2 kg of lye in, glycerine out), lesson 51: outputs of equal rank, each with its own lot."""
    shop, run, _ = at_work()
    with pytest.raises(InvalidInput):
        shop.production.complete(run, made="100 each", by_products={"bar": "1 each"})
    done = shop.production.complete(run, made="100 each", lot="B-1", by_products={"glycerine": {"G-1": "1.5 kg", "G-2": "0.5 kg"}})
    assert [(lot.item, lot.code, lot.origin) for lot in done.by_products] == [("glycerine", "G-1", "run"), ("glycerine", "G-2", "run")]
    assert shop.stock.level("glycerine").available == qty("2 kg")
    assert {lot.code for lot in shop.trace.forward("oil", "O-1").lots} == {"B-1", "G-1", "G-2"}
    shop.verify()


def test_a_lower_level_is_made_and_used_without_being_stocked():
    """As much as the upper run needs goes straight to its line; the rest is stocked."""
    shop, _ = soap_kitchen()
    shop.register(Item("box", unit="each"), Recipe("box", makes="1 each", ingredients=[Ingredient("bar", "10 each")]))
    upper = shop.production.plan("box", "5 each").production
    (lower,) = [one for one in shop.production.find() if one.item == "bar"]
    shop.production.start(lower)
    with pytest.raises(NotAllowed) as refused:
        shop.production.complete(lower, made="52 each", into=upper)
    assert refused.value.allowed == ("start",)
    shop.production.start(upper, when_short="start")

    shop.production.complete(lower, made="52 each", lot="B-1", into=upper)

    level = shop.stock.level("bar")
    assert (level.in_process, level.available) == (qty("50 each"), qty("2 each"))
    shop.production.complete(upper, made="5 each", lot="X-1")
    assert shop.stock.level("bar").on_hand == qty("2 each")
    assert {lot.code for lot in shop.trace.back("box", "X-1").lots} == {"B-1", "O-1", "L-1", "W-1"}
    shop.verify()


def test_a_partner_makes_it_from_materials_at_his_place():
    """Subcontracting: only what stands at his place counts, none of our kettle's time is taken, what is over goes back to him."""
    shop, _ = soap_kitchen()
    shop.register(Place("co-packer", usable=False))
    short = shop.production.plan("bar", "100 each", at="co-packer").shortages
    assert [str(one.missing) for one in short] == ["6 kg", "2 kg", "100 each"]
    for item, lot, amount in (("oil", "O-1", "7 kg"), ("lye", "L-1", "2 kg"), ("wrapper", "W-1", "100 each")):
        shop.stock.transfer(item, amount, lot=lot, to="co-packer")
    (run,) = shop.production.find()
    assert shop.production.cover(run).shortages == ()
    anna = confirmed(shop, "Anna", "90 each", "bar")  # here there is not enough oil for so many
    assert [(one.number, one.at) for one in shop.production.covering(anna)] == [(run.number, "co-packer")]
    assert shop.orders.status(anna) is OrderStatus.MATERIALS_RESERVED
    assert shop.orders.promise(anna).date == date(2026, 3, 2)
    kettle = shop.production.plan("bar", "1 each").production
    assert kettle.planned_start == shop.production.get(run).planned_start  # our kettle is free

    shop.production.start(run)
    shop.production.complete(run, made="100 each", used={"oil": "5.8 kg"}, lot="B-1")

    where = {(row.lot.code, row.place): str(row.on_hand) for row in shop.stock.lots("oil")}
    assert where == {("O-1", "stock"): "5 kg", ("O-1", "co-packer"): "1.2 kg"}
    assert shop.stock.level("bar").available == qty("10 each")
    shop.verify()


# nets again -----------------------------------------------------------------------------------------------------------


def test_a_run_that_began_short_gets_what_arrives_reserved_and_then_brought():
    """Lesson 28; law 10: what a started run lacks becomes a reservation once it is there."""
    shop, _ = soap_kitchen(oil="4 kg")
    run = shop.production.plan("bar", "100 each").production
    shop.production.start(run, when_short="start")
    assert [str(one) for one in shop.production.cover(run).shortages] == ["oil: 2 kg missing (needed 2 kg, available 0 kg)"]
    shop.stock.receive("oil", "5 kg", lot="O-2")
    assert shop.production.cover(run).shortages == ()
    assert reserved(shop, "oil") == {"O-2": "2 kg"}
    shop.production.issue(run, "oil", "2 kg")
    assert reserved(shop, "oil") == {}
    assert shop.production.complete(run, made="100 each").deviations == {}
    shop.verify()


def test_a_planned_run_is_covered_again_when_stock_was_found_or_its_lot_rejected():
    shop, _ = soap_kitchen(oil="4 kg")
    run = shop.production.plan("bar", "100 each").production
    shop.production.release(run)
    shop.stock.reject("oil", lot="O-1", reason="rancid")
    shop.stock.found("oil", "10 kg", lot="O-2")
    with pytest.raises(Short):
        shop.production.start(run)
    assert shop.production.cover(run, when_short="refuse").shortages == ()
    assert reserved(shop, "oil") == {"O-2": "6 kg"}
    shop.production.start(run)
    shop.production.stop(run)
    with pytest.raises(NotAllowed):
        shop.production.cover(run)
    shop.verify()


def test_a_purchase_may_be_what_a_covered_run_waits_for():
    shop, _ = soap_kitchen(oil="4 kg")
    run = shop.production.plan("bar", "100 each").production
    shop.production.start(run, when_short="start")
    shop.register(Supplier("mill"))
    purchase = shop.purchasing.order("mill", lines=[PurchaseLine("oil", "10 kg")], expected="2026-03-04 08:00")
    shop.production.cover(run)
    shop.purchasing.receive(purchase, "oil", "10 kg", lot="O-2")
    assert reserved(shop, "oil") == {"O-2": "2 kg"}
    shop.verify()


def test_a_second_part_adds_to_the_lot_and_to_what_the_order_has_of_it():
    """Found by the machine: the order's link to the lot grew in the balance and not in its own row."""
    shop, _ = candle_shop()
    shop.stock.receive("wax", "20 kg", lot="W-1")
    shop.stock.receive("wick", "100 each", lot="WI-1")
    anna = confirmed(shop, "Anna", "50 each")
    (run,) = shop.production.covering(anna)
    shop.production.start(run)
    shop.production.report(run, made="20 each", lot="C-1")
    shop.production.report(run, made="20 each", lot="C-1")
    assert reserved(shop, "candle") == {"C-1": "40 each"}
    assert [(link.order, str(link.amount)) for link in shop.orders.covered_by(run)] == [(anna.number, "50 each")]
    shop.verify()

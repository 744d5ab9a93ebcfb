"""A day at the planning desk of a candle maker."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context

import pytest

from krafte_core import Ingredient, Item, Offer, Operation, OrderLine, Recipe, Supplier, WorkCenter, Workshop
from krafte_core.allocation import PEGGED, rank
from krafte_core.demands import Demand
from krafte_core.errors import Conflict, InvalidInput, Unknown
from krafte_core.testing import FakeClock
from krafte_core.times import epoch
from tests.scenarios.day import candle_shop, confirmed, order


def stocked_shop():
    shop, clock = candle_shop()
    shop.stock.receive("wax", "10 kg", lot="W-1")
    shop.stock.receive("wick", "500 each", lot="D-1")
    return shop, clock


def made(plan) -> list[tuple[str, str, str]]:
    return [(one.reason, str(one.amount), f"{one.start:%m-%d %H:%M}") for one in plan.to_make()]


def test_a_plan_makes_everything_just_in_time_and_writes_nothing():
    shop, _ = stocked_shop()
    anna = order(shop, "Anna", "20 each", requested="2026-03-06", shipping="parcel")
    ben = order(shop, "Ben", "10 each", requested="2026-03-05")

    plan = shop.planning.plan()

    # The parcel takes two days, so Anna's must leave on the evening of the 4th (UTC+1: closing time 16:00 is 15:00).
    assert made(plan) == [(anna.number, "20 each", "03-04 13:00"), (ben.number, "10 each", "03-05 14:00")]
    assert plan.late() == ()
    assert shop.production.find() == ()


def test_lesson_91_accepting_everything_and_planning_again_proposes_nothing():
    shop, _ = stocked_shop()
    order(shop, "Anna", "40 each", requested="2026-03-20")
    confirmed(shop, "Ben", "10 each", requested="2026-03-12")
    order(shop, "Cleo", "30 each", requested="2026-03-03")

    accepted = shop.planning.accept(shop.planning.plan())
    again = shop.planning.plan()

    assert len(accepted.productions) == 2
    assert len(accepted.purchases) == 1
    assert again.proposes_nothing
    assert again.messages() == ()
    shop.verify()


def test_what_was_accepted_is_linked_and_can_be_carried_out():
    shop, clock = stocked_shop()
    anna = order(shop, "Anna", "20 each", requested="2026-03-04")

    (run,) = shop.planning.accept(shop.planning.plan()).productions
    links = shop.orders.covered_by(run)
    shop.orders.confirm(anna)
    clock.set("2026-03-04 14:00")
    shop.production.start(run)
    shop.production.complete(run, made="20 each")
    shop.shipping.ship(anna)

    assert [(link.order, str(link.amount)) for link in links] == [(anna.number, "20 each")]
    assert shop.orders.status(anna).value == "shipped"
    shop.verify()


def test_pegged_is_the_firmness_of_what_a_plan_gives():
    shop, _ = stocked_shop()
    order(shop, "Anna", "20 each", requested="2026-03-04")
    shop.planning.accept(shop.planning.plan())

    with shop._office.look() as work:
        assert {link.firmness for link in work.reader.rows("allocations")} == {PEGGED}


def test_a_part_of_a_plan_can_be_accepted():
    shop, _ = stocked_shop()
    order(shop, "Anna", "20 each", requested="2026-03-04")
    ben = order(shop, "Ben", "10 each", requested="2026-03-06")
    plan = shop.planning.plan()

    shop.planning.accept(plan, makes=["make-1"], buys=[])

    assert [one.reason for one in shop.planning.plan().to_make()] == [ben.number]
    with pytest.raises(Unknown):
        shop.planning.accept(shop.planning.plan(), makes=["make-9"])


def test_a_plan_of_earlier_books_is_refused():
    shop, _ = stocked_shop()
    order(shop, "Anna", "20 each", requested="2026-03-04")
    plan = shop.planning.plan()
    shop.stock.receive("candle", "20 each", lot="C-1")

    with pytest.raises(Conflict):
        shop.planning.accept(plan)

    assert shop.production.find() == ()


def test_accepting_twice_with_one_key_accepts_once():
    shop, _ = stocked_shop()
    order(shop, "Anna", "20 each", requested="2026-03-04")
    plan = shop.planning.plan()

    first = shop.planning.accept(plan, key="monday")

    assert shop.planning.accept(plan, key="monday") == first
    assert len(shop.production.find()) == 1


def test_a_plan_is_accepted_later_the_same_day():
    shop, clock = stocked_shop()
    order(shop, "Anna", "20 each", requested="2026-03-04")
    plan = shop.planning.plan()
    clock.set("2026-03-02 09:30")

    assert len(shop.planning.accept(plan).productions) == 1


def test_asking_on_top_of_a_plan_moves_nobody():
    shop, _ = stocked_shop()
    order(shop, "Anna", "40 each", requested="2026-03-03", priority=1)
    plan = shop.planning.plan()

    promise = shop.planning.promise([OrderLine("candle", "10 each")], plan=plan, shipping="parcel")
    again = shop.planning.promise([OrderLine("candle", "10 each")], plan=plan, shipping="parcel")

    assert promise == again
    assert promise.date == date(2026, 3, 4)
    assert [(step.kind, step.name) for step in promise.critical_path] == [("operation", "pour"), ("transit", "parcel")]
    assert made(plan) == made(shop.planning.plan())


def test_who_asks_takes_what_a_later_order_counts_on_and_names_what_must_be_bought_for_it():
    shop, _ = stocked_shop()
    order(shop, "Anna", "50 each", requested="2026-03-20")
    plan = shop.planning.plan()
    (make,) = plan.to_make()

    promise = shop.planning.promise([OrderLine("candle", "50 each")], plan=plan)

    assert promise.date == date(2026, 3, 2)
    assert [(one.item, str(one.amount)) for one in promise.to_buy] == [("wax", "10 kg")]
    assert [(one.item, one.lender, one.again_by) for one in promise.borrowed] == [("wax", make.ref, make.start)]


def test_the_binding_step_is_the_purchase_that_gains_most():
    shop, _ = candle_shop()
    shop.stock.receive("wick", "500 each", lot="D-1")

    promise = shop.planning.promise([OrderLine("candle", "10 each")], relax=True)
    plain = shop.planning.promise([OrderLine("candle", "10 each")])

    assert (promise.binding.kind, promise.binding.name) == ("purchase", "wax")
    assert plain.binding is None
    assert promise.critical_path == plain.critical_path


def test_what_is_beside_the_chain_has_slack_as_on_the_promise_of_an_order():
    shop, _ = stocked_shop()
    shop.register(
        *(Item(code, unit="each") for code in ("lid", "fancy", "rose oil")),
        Supplier("Metall", offers=[Offer("lid", lead_time="2 days"), Offer("rose oil", lead_time="9 days")]),
        Recipe("fancy", makes="1 each", ingredients=[Ingredient(code, "1 each") for code in ("lid", "rose oil")], lead_time="1 day"),
    )
    asked = shop.planning.promise([OrderLine("fancy", "1 each")])
    order = shop.orders.place(customer="Anna", lines=[OrderLine("fancy", "1 each")])

    assert [(one.kind, one.name, one.seconds) for one in asked.slack] == [("purchase", "lid", 7 * 86400)]
    assert asked.slack == shop.orders.promise(order).slack
    assert str(asked).startswith("delivered on")


def test_nobody_sells_wicks():
    shop, _ = candle_shop()

    promise = shop.planning.promise([OrderLine("candle", "10 each")])

    assert promise.date is None
    assert promise.missing == ("wick",)


def test_an_item_that_came_after_the_plan_is_not_in_it():
    shop, _ = stocked_shop()
    plan = shop.planning.plan()
    shop.register(Item("soap", unit="each"))

    with pytest.raises(Unknown):
        shop.planning.promise([OrderLine("soap", "1 each")], plan=plan)
    assert shop.planning.promise([OrderLine("soap", "1 each")]).missing == ("soap",)


def test_a_gift_set_is_asked_for_by_its_components():
    shop, _ = stocked_shop()
    shop.register(Item("set", unit="each", kit={"candle": "10 each", "wick": "5 each"}))
    shop.stock.receive("candle", "10 each", lot="C-1")

    promise = shop.planning.promise([OrderLine("set", "1 each")])

    assert [(line.item, str(line.amount)) for line in promise.lines] == [("candle", "10 each"), ("wick", "5 each")]
    assert promise.date == date(2026, 3, 2)


def test_a_lorry_leaves_at_ten():
    shop, _ = stocked_shop()
    anna = order(shop, "Anna", "20 each", requested="2026-03-04")

    plan = shop.planning.plan(ready_by={anna.number: "2026-03-04 10:00"})

    assert [(f"{one.end:%m-%d %H:%M}") for one in plan.to_make()] == ["03-04 09:00"]  # UTC


def test_make_to_stock_beside_make_to_order():
    shop, clock = stocked_shop()
    order(shop, "Anna", "20 each", requested="2026-03-04")
    due = epoch(clock.now()) + 10 * 86_400
    stock = Demand("spring", "1", "candle", 30, due, rank(-1, None, clock.now(), "spring"), "stock")

    plan = shop.planning.plan(also=[stock])

    assert sorted(str(one.amount) for one in plan.to_make()) == ["20 each", "30 each"]
    assert len(shop.planning.accept(plan).productions) == 2


def test_stock_is_kept_between_a_minimum_and_a_target_and_asking_twice_proposes_nothing():
    shop, _ = stocked_shop()
    shop.stock.receive("candle", "30 each", lot="C-1")
    order(shop, "Anna", "20 each", requested="2026-03-10")
    keep = {"candle": ("15 each", "40 each"), "wax": ("5 kg", "10 kg")}

    plan = shop.planning.plan(keep=keep)
    shop.planning.accept(plan)

    # Anna leaves ten: 30 are made before she takes hers. That takes 6 of the 10 kg of wax: 6 more are bought.
    assert [(one.reason, str(one.amount), f"{one.end:%m-%d}") for one in plan.to_make()] == [("stock", "30 each", "03-10")]
    assert [(one.item, str(one.amount)) for one in plan.to_buy()] == [("wax", "6 kg")]
    assert shop.planning.plan(keep=keep).proposes_nothing
    assert shop.planning.plan(keep=keep).messages() == ()
    shop.verify()


def test_at_the_minimum_nothing_is_proposed_below_it_the_target_is():
    shop, _ = stocked_shop()

    assert shop.planning.plan(keep={"wax": ("10 kg", "12 kg")}).proposes_nothing
    assert [str(one.amount) for one in shop.planning.plan(keep={"wax": ("10.001 kg", "12 kg")}).to_buy()] == ["2 kg"]
    with pytest.raises(InvalidInput):
        shop.planning.plan(keep={"wax": ("5 kg", "2 kg")})


def test_what_nobody_makes_or_sells_cannot_be_kept_and_does_not_stop_the_plan():
    shop, _ = stocked_shop()

    assert shop.planning.plan(keep={"wick": ("900 each", "900 each")}).proposes_nothing


def test_what_if_the_melter_breaks():
    shop, _ = stocked_shop()
    order(shop, "Anna", "20 each", requested="2026-03-04")
    trial = shop.fork()

    from krafte_core import WorkCenter

    trial.register(WorkCenter("melter", hours="Fri 08:00-16:00"))

    assert shop.planning.plan().late() == ()
    assert [one.late > 0 for one in trial.planning.plan().late()] == [True]


def scenarios():
    shop, _ = stocked_shop()
    order(shop, "Anna", "20 each", requested="2026-03-04")
    rush = shop.fork()
    order(rush, "Ben", "60 each", requested="2026-03-04", priority=9)
    return shop, {"as it is": shop, "rush": rush}


def test_scenarios_are_planned_side_by_side_in_other_processes_with_the_same_result():
    shop, shops = scenarios()

    here = shop.planning.scenarios(shops)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        there = shop.planning.scenarios(shops, executor=pool)

    assert [*there] == ["as it is", "rush"]
    assert [len(plan.late()) for plan in here.values()] == [0, 1]
    assert all(there[name].same_as(plan) for name, plan in here.items())
    assert there["rush"].pegs == here["rush"].pegs


def test_scenarios_are_planned_on_a_dask_cluster_with_the_same_result():
    distributed = pytest.importorskip("distributed")
    shop, shops = scenarios()

    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        there = shop.planning.scenarios(shops, executor=client.get_executor())

    assert all(there[name].same_as(plan) for name, plan in shop.planning.scenarios(shops).items())


def test_contradictory_wishes_are_refused():
    shop, _ = stocked_shop()

    with pytest.raises(InvalidInput):
        shop.planning.plan(orders="all")
    with pytest.raises(InvalidInput):
        shop.planning.plan(taking="steal")
    with pytest.raises(InvalidInput):
        shop.planning.plan(also=["candle"])
    with pytest.raises(InvalidInput):
        shop.planning.promise([OrderLine("candle", "-5 each")])


def test_an_order_may_leave_in_parts_and_one_is_not_wanted_after_friday():
    """Thirty of fifty bars are there; the rest is made by Tuesday. Ben does not want his after Monday."""
    shop = Workshop.in_memory(clock=FakeClock("2026-11-23 08:00"))
    shop.register(Item("bar", unit="each"), Recipe("bar", makes="1 each", lead_time="1 day"))
    shop.stock.receive("bar", "30 each", lot="B-1")
    anna = shop.orders.place(customer="Anna", lines=[OrderLine("bar", "50 each")], requested="2026-11-23", priority=1)
    ben = shop.orders.place(customer="Ben", lines=[OrderLine("bar", "5 each")], requested="2026-11-23")
    plan = shop.planning.plan(parts={anna.number: "10 each"}, latest={ben.number: "2026-11-23 23:00"})
    assert [(str(one.amount), f"{one.at:%a %H:%M}") for one in plan.deliveries(anna.number)] == [
        ("30 each", "Mon 23:59"), ("20 each", "Tue 08:00"),
    ]  # fmt: skip
    assert plan.deliveries(ben.number)[0].problem == "it would be there on 2026-11-24 08:00, and nobody wants it any more then"
    shop.planning.accept(plan)
    shop.verify()
    with pytest.raises(Unknown, match="open order"):
        shop.planning.plan(parts={"CO-9": "1 each"})


def test_what_leaves_complete_is_ready_at_one_moment():
    shop = Workshop.in_memory(clock=FakeClock("2026-11-23 08:00"))
    shop.register(
        Item("soap", unit="each"), Item("box", unit="each"),
        Recipe("soap", makes="1 each", lead_time="5 days"), Recipe("box", makes="1 each", lead_time="1 day"),
    )  # fmt: skip
    lines = [OrderLine("soap", "1 each"), OrderLine("box", "1 each")]
    whole = shop.orders.place(customer="Anna", lines=lines, requested="2026-11-23", delivery="complete")
    plan = shop.planning.plan()
    assert {one.at for one in plan.deliveries(whole.number)} == {plan.deliveries(whole.number)[0].at}
    box = next(one for one in plan.to_make() if one.item == "box")
    assert f"{box.start:%d}" == "27"  # the box waits for the soap, and is not made before it must be
    with pytest.raises(InvalidInput, match="in parts"):
        shop.planning.plan(parts={whole.number: "1 each"})


def weekly_shop() -> Workshop:
    shop = Workshop.in_memory(clock=FakeClock("2026-11-23 08:00"))
    shop.register(
        Item("wax", unit="kg"), Item("bar", unit="each"), Supplier("Lang", offers=[Offer("wax", lead_time="2 days")]),
        WorkCenter("bench", hours="Mon-Fri 08:00-16:00"),
        Recipe("bar", makes="10 each", ingredients=[Ingredient("wax", "1 kg")], operations=[Operation("pour", at="bench", run="1 h")]),
    )  # fmt: skip
    for day in ("2026-12-01", "2026-12-02", "2026-12-04", "2026-12-10"):
        shop.orders.place(customer=day, lines=[OrderLine("bar", "10 each")], requested=day)
    return shop


def test_period_cover_makes_at_once_what_is_wanted_within_a_week():
    shop = weekly_shop()
    assert [str(one.amount) for one in shop.planning.plan().to_make()] == ["10 each"] * 4  # lot for lot
    plan = shop.planning.plan(cover={"bar": "7 days"})
    assert [(str(one.amount), f"{one.end:%d}") for one in plan.to_make()] == [("30 each", "01"), ("10 each", "10")]
    assert not plan.late()
    shop.planning.accept(plan)
    shop.verify()
    assert shop.planning.plan(cover={"bar": "7 days"}).proposes_nothing


def test_period_cover_of_what_is_bought_puts_purchases_together():
    shop = weekly_shop()
    assert len(shop.planning.plan().to_buy()) == 4
    plan = shop.planning.plan(cover={"wax": "5 days"})
    assert [(str(one.amount), f"{one.at:%d}") for one in plan.to_buy()] == [("3 kg", "01"), ("1 kg", "10")]
    assert [row.late for row in plan.deliveries()] == [0] * 4
    assert {peg.supply for peg in plan.pegging() if peg.source == "buy"} == {"buy-1", "buy-2"}


@pytest.mark.parametrize("wrong", [{"bar": "0 days"}, {"bar": "2 working days"}, {"bat": "2 days"}])
def test_a_period_takes_time_and_its_item_exists(wrong):
    with pytest.raises((InvalidInput, Unknown)):
        weekly_shop().planning.plan(cover=wrong)


def test_what_is_made_just_in_time_is_there_on_the_requested_day_and_not_at_midnight_after_it():
    shop = Workshop.in_memory(clock=FakeClock("2026-11-23 08:00"))
    shop.register(Item("bar", unit="each"), Recipe("bar", makes="1 each", lead_time="1 day"))
    order = shop.orders.place(customer="Anna", lines=[OrderLine("bar", "1 each")], requested="2026-11-27")
    shop.planning.accept(shop.planning.plan())
    promise = shop.orders.promise(order)
    assert (str(promise.date), promise.days_late) == ("2026-11-27", 0)

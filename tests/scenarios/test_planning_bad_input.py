"""Bad input to planning: an answer with the reason and the next possible date, never a loop or a silent nonsense date."""

from __future__ import annotations

from datetime import date

import pytest

from krafte_core import Calendar, Ingredient, Item, Offer, Operation, OrderLine, Recipe, Supplier, WorkCenter, Workshop
from krafte_core.allocation import rank
from krafte_core.coverage import NEVER
from krafte_core.demands import Demand
from krafte_core.errors import BeyondHorizon, Conflict, InvalidInput, NeverFits, NotPositive, RecipeCycle, Short, Unknown
from krafte_core.purchasing import PurchaseLine
from krafte_core.testing import FakeClock
from krafte_core.times import instant, moment


def shop_of(*values: object) -> Workshop:
    shop = Workshop.in_memory(clock=FakeClock("2026-11-23 08:00"))
    shop.register(Item("soap", unit="each"), Item("oil", unit="kg"), *values)
    return shop


def order(shop: Workshop, amount: str = "1 each", **more: str):
    return shop.orders.place(customer="Anna", lines=[OrderLine("soap", amount)], **more)


def soap(**how) -> Recipe:
    return Recipe("soap", makes="1 each", **how)


def test_no_recipe_and_no_supplier_is_named_and_the_rest_is_planned():
    shop = shop_of(soap(ingredients=[Ingredient("oil", "1 kg")], lead_time="1 day"))
    paper = order(shop)
    assert shop.orders.promise(paper).missing == ("oil",)
    plan = shop.planning.plan()
    assert plan.deliveries()[0].problem == "nobody makes or sells oil"
    assert [(one.kind, one.paper) for one in plan.messages()] == [("no source", paper.number)]


def test_a_cycle_is_refused_when_it_is_registered():
    with pytest.raises(RecipeCycle):
        shop_of(soap(ingredients=[Ingredient("oil", "1 kg")]), Recipe("oil", makes="1 kg", ingredients=[Ingredient("soap", "1 each")]))


def test_a_calendar_that_is_never_open_is_none_and_one_that_is_closed_for_good_is_a_reason():
    with pytest.raises(InvalidInput, match="never open"):
        Calendar("never", "")
    gone = Calendar("bench", "Mon-Fri 08:00-16:00", closures=[(date(2026, 1, 1), date(2040, 1, 1))])
    shop = shop_of(WorkCenter("bench", calendar=gone), soap(operations=[Operation("mould", at="bench", run="1 h")]))
    paper = order(shop)
    with pytest.raises(BeyondHorizon, match="bench"):
        shop.orders.promise(paper)
    assert "bench" in shop.planning.plan().deliveries()[0].problem


def test_a_job_that_never_fits_says_how_long_the_longest_opening_is():
    shop = shop_of(WorkCenter("bench", hours="Mon-Fri 08:00-10:00"), soap(operations=[Operation("mould", at="bench", run="3 h")]))
    paper = order(shop)
    with pytest.raises(NeverFits, match="its longest opening has 2 h"):
        shop.orders.promise(paper)
    plan = shop.planning.plan()
    assert "its longest opening has 2 h" in plan.deliveries()[0].problem
    assert [str(one).partition(" never")[0] for one in plan.messages()] == [f"not planned: {paper.number} (soap), 3 h"]


POT = WorkCenter("pot", hours="Mon-Fri 08:00-16:00")


@pytest.mark.parametrize(
    ("bench", "waits"), [("Fri 20:00-23:00", "4 h"), ("Mon-Fri 19:30-23:00", "3 h 30 min"), ("Sat 08:00-12:00", "16 h")]
)
@pytest.mark.parametrize("pausable", [False, True])
def test_what_always_spoils_before_it_can_go_on_is_told_with_the_shortest_wait(bench, waits, pausable):
    """By the hours alone: nobody has to look through five years of an empty calendar."""
    cook = Operation("cook", at="pot", run="1 h", spoils_after="2 h", pausable=pausable)
    fill = Operation("fill", at="bench", run="1 h", pausable=pausable)
    shop = shop_of(POT, WorkCenter("bench", hours=bench), soap(operations=[cook, fill]))
    paper = order(shop)
    with pytest.raises(NeverFits) as refused:
        shop.orders.promise(paper)
    assert (refused.value.operation, refused.value.after, refused.value.needed, refused.value.shortest) == (
        "fill",
        "cook",
        "2 h",
        waits,
    )
    assert "'fill' never begins within 2 h after 'cook', by the hours of 'pot and bench'" in str(refused.value)
    assert shop.planning.plan().deliveries()[0].problem == str(refused.value)


def test_what_only_today_spoils_before_it_can_go_on_waits_until_it_does_not():
    cook = Operation("cook", at="pot", run="1 h", spoils_after="5 h")
    shop = shop_of(
        POT, WorkCenter("bench", hours="Fri 20:00-23:00"), soap(operations=[cook, Operation("fill", at="bench", run="1 h")])
    )
    assert str(shop.orders.promise(order(shop)).date) == "2026-11-27"


def test_it_may_be_the_third_that_never_comes_in_time():
    operations = [
        Operation("cook", at="pot", run="1 h", spoils_after="6 h"),
        Operation("fill", at="bench", run="1 h", spoils_after="1 h"),
        Operation("pack", at="pot", run="1 h"),
    ]
    shop = shop_of(POT, WorkCenter("bench", hours="Mon-Fri 20:00-23:00"), soap(operations=operations))
    with pytest.raises(NeverFits, match="'pack' never begins within 1 h after 'fill'"):
        shop.orders.promise(order(shop))


@pytest.mark.parametrize("pausable", [False, True])
def test_a_crew_that_is_never_there_when_the_pot_is(pausable):
    crew = WorkCenter("crew", hours="Mon-Fri 18:00-22:00")
    shop = shop_of(POT, crew, soap(operations=[Operation("cook", at="pot", run="1 h", people="crew", pausable=pausable)]))
    with pytest.raises(NeverFits, match="'pot and crew': it is never open"):
        shop.orders.promise(order(shop))


def test_a_wish_in_the_past_has_the_earliest_date_and_how_late_it_is():
    shop = shop_of(soap(lead_time="2 days"))
    paper = order(shop, requested="2026-11-20")
    promise = shop.orders.promise(paper)
    assert (str(promise.date), promise.days_late) == ("2026-11-25", 5)
    delivery = shop.planning.plan().deliveries()[0]
    assert delivery.at == instant("2026-11-25 08:00")
    assert delivery.late == int((delivery.at - instant("2026-11-20 23:59:59")).total_seconds())


def test_beyond_the_horizon_is_said_and_not_guessed():
    hours = WorkCenter("bench", hours="Mon-Fri 08:00-16:00")
    shop = shop_of(hours, soap(operations=[Operation("mould", at="bench", run="8 h", pausable=True)]))
    paper = order(shop, "5000 each")
    with pytest.raises(BeyondHorizon, match="not later"):
        shop.orders.promise(paper)
    assert "not later" in shop.planning.plan().deliveries()[0].problem


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Operation("mould", at="bench"),
        lambda: Operation("mould", at="bench", run="-1 h"),
        lambda: Offer("oil", lead_time="-1 day"),
        lambda: Operation("mould", at="bench", run="2 days"),
        lambda: WorkCenter("bench", capacity=0),
    ],
    ids=["no work", "negative run", "negative lead time", "run in days", "no room"],
)
def test_no_time_and_negative_time_are_refused(wrong):
    with pytest.raises(InvalidInput):
        wrong()


def test_zero_hours_take_no_time_and_zero_pieces_are_no_order():
    shop = shop_of(soap(lead_time="0 days"))
    assert shop.orders.promise(order(shop)).arrival == instant("2026-11-23 08:00")
    with pytest.raises(NotPositive):
        order(shop, "0 each")
    nothing = Demand("F-1", "1", "soap", 0, NEVER, rank(0, None, moment(0), "F-1"), "forecast")
    assert shop.planning.plan(also=[nothing]).deliveries("F-1")[0].at == instant("2026-11-23 08:00")


def test_contradictory_policies_are_refused():
    shop = shop_of(soap(lead_time="1 day"))
    paper = order(shop)
    for how in ({"taking": "steal"}, {"orders": "some"}, {"keep": {"soap": ("5 each", "3 each")}}, {"latest": {paper.number: "soon"}}):
        with pytest.raises(InvalidInput):
            shop.planning.plan(**how)


def test_a_refusal_names_the_next_date():
    shop = shop_of(
        Supplier("Lang", offers=[Offer("oil", lead_time="3 days")]), soap(ingredients=[Ingredient("oil", "1 kg")], lead_time="1 day")
    )
    with pytest.raises(Short) as refusal:
        shop.orders.confirm(order(shop), when_short="refuse")
    assert str(refusal.value.next_date) == "2026-11-27"
    assert shop.planning.plan().deliveries()[0].at == instant("2026-11-27 08:00")


def test_a_delivery_that_may_be_put_forward_or_back_or_is_not_needed_is_told():
    shop = shop_of(Supplier("Lang", offers=[Offer("soap", lead_time="9 days")]))
    shop.purchasing.order(supplier="Lang", lines=[PurchaseLine("soap", "5 each")], expected="2026-12-01 08:00")
    shop.purchasing.order(supplier="Lang", lines=[PurchaseLine("oil", "5 kg")], expected="2026-12-01 08:00")
    order(shop, requested="2026-11-27")
    order(shop, requested="2026-12-20")
    kinds = {(one.kind, one.item) for one in shop.planning.plan().messages()}
    assert {("expedite", "soap"), ("late", "soap"), ("cancel", "oil")} <= kinds


def test_an_order_that_is_wanted_until_noon_is_ready_by_noon_and_one_that_was_wanted_last_week_never():
    shop = shop_of(soap(lead_time="1 day"))
    paper = order(shop, requested="2026-11-30")
    (noon,) = shop.planning.plan(latest={paper.number: "2026-11-30 12:00"}).deliveries()
    assert (noon.at, noon.late) == (instant("2026-11-30 12:00"), 0)
    (gone,) = shop.planning.plan(latest={paper.number: "2026-11-16 12:00"}).deliveries()
    assert (gone.at, gone.problem) == (None, "it would be there on 2026-11-24 08:00, and nobody wants it any more then")


@pytest.mark.parametrize("how", ["ready_by", "latest", "parts"])
def test_a_wish_for_an_order_that_is_not_open_is_refused(how):
    shop = shop_of(soap(lead_time="1 day"))
    order(shop)
    with pytest.raises(Unknown, match="CO-0"):
        shop.planning.plan(**{how: {"CO-0": "2 each" if how == "parts" else "2026-12-01 12:00"}})


def test_a_plan_about_an_order_that_is_gone_is_not_accepted():
    shop = shop_of(soap(lead_time="1 day"))
    paper = order(shop)
    plan = shop.planning.plan(ready_by={paper.number: "2026-12-01 12:00"})
    shop.orders.cancel(paper)
    with pytest.raises(Conflict, match="plan again"):
        shop.planning.accept(plan)

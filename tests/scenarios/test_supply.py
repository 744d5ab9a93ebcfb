"""Ordering days, offers with dates, second sources, and what must be inspected: promise, plan and purchase agree on the dates."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core import Calendar, Ingredient, Item, Offer, OrderLine, Recipe, Supplier, Workshop
from krafte_core.errors import InvalidInput
from krafte_core.purchasing import PurchaseLine
from krafte_core.testing import FakeClock
from krafte_core.times import instant

TUESDAYS = Calendar("Tuesday morning", "Tue 08:00-12:00")


def shop_of(*suppliers: Supplier, now: str = "2026-11-26 09:00", wax: Item | None = None, balm: Item | None = None) -> Workshop:
    """A balm of one kilogram of wax, made in a day. It is Thursday."""
    shop = Workshop.in_memory(clock=FakeClock(now))
    shop.register(
        wax or Item("wax", unit="kg"),
        balm or Item("balm", unit="each"),
        *suppliers,
        Recipe("balm", makes="1 each", ingredients=[Ingredient("wax", "1 kg")], lead_time="1 day"),
    )
    return shop


def wanted(shop: Workshop, on: str | None = None):
    return shop.orders.place(customer="Anna", lines=[OrderLine("balm", "1 each")], requested=on)


def test_a_supplier_who_takes_orders_on_tuesdays_only():
    """Thursday: the order can go out on Tuesday at eight, two days to come, one to make: Friday at eight."""
    shop = shop_of(Supplier("Lang", offers=[Offer("wax", lead_time="2 days")], orders=TUESDAYS))
    order = wanted(shop)
    promise = shop.orders.promise(order)
    assert promise.arrival == instant("2026-12-04 08:00")
    assert promise.to_buy[0].order_by == instant("2026-12-01 08:00")
    plan = shop.planning.plan()
    assert (plan.to_buy()[0].order_by, plan.to_buy()[0].at) == (instant("2026-12-01 08:00"), instant("2026-12-03 08:00"))
    assert plan.deliveries()[0].at == promise.arrival
    assert shop.purchasing.order(supplier="Lang", lines=[PurchaseLine("wax", "1 kg")]).expected == instant("2026-12-03 08:00")


def test_just_in_time_means_the_last_ordering_day_before():
    shop = shop_of(Supplier("Lang", offers=[Offer("wax", lead_time="2 days")], orders=TUESDAYS))
    wanted(shop, "2026-12-20")  # needed on the 20th at midnight: wax by the 20th, ordered by the 18th
    bought = shop.planning.plan().to_buy()[0]
    assert bought.order_by == instant("2026-12-15 11:59:59")
    assert bought.at == instant("2026-12-17 11:59:59")


def test_an_offer_that_is_not_valid_any_more_and_one_that_is_not_valid_yet():
    gone = Offer("wax", lead_time="1 day", valid_until=date(2026, 11, 25))
    coming = Offer("wax", lead_time="1 day", valid_from="2026-11-30")
    shop = shop_of(Supplier("Gone", offers=[gone]), Supplier("Coming", offers=[coming]))
    promise = shop.orders.promise(wanted(shop))
    assert (promise.to_buy[0].supplier, promise.arrival) == ("Coming", instant("2026-12-02 00:00"))
    assert shop.planning.plan().deliveries()[0].at == promise.arrival
    with pytest.raises(InvalidInput, match="valid now"):
        shop.purchasing.order(supplier="Gone", lines=[PurchaseLine("wax", "1 kg")])


def test_nobody_sells_it_any_more():
    shop = shop_of(Supplier("Gone", offers=[Offer("wax", lead_time="1 day", valid_until="2026-11-25")]))
    assert shop.orders.promise(wanted(shop)).missing == ("wax",)
    assert shop.planning.plan().deliveries()[0].problem == "nobody makes or sells wax"


def test_what_will_not_be_sold_later_is_bought_while_it_is():
    shop = shop_of(Supplier("Lang", offers=[Offer("wax", lead_time="1 day", valid_until="2026-11-30")]))
    wanted(shop, "2026-12-24")
    assert shop.planning.plan().to_buy()[0].order_by == instant("2026-11-30 23:59:59")


def test_the_second_source_is_asked_where_the_first_is_too_slow():
    cheap, dear = Offer("wax", lead_time="10 days", preference=1), Offer("wax", lead_time="2 days")
    shop = shop_of(Supplier("Dear", offers=[dear]), Supplier("Cheap", offers=[cheap]))
    soon, late = wanted(shop, "2026-11-30"), wanted(shop, "2026-12-24")
    plan = shop.planning.plan()
    assert [plan.to_buy(one.number)[0].supplier for one in (soon, late)] == ["Dear", "Cheap"]


def test_what_is_bought_and_what_is_made_is_inspected_before_it_counts():
    """Two days to come, one to look at it, one day to make, two to look at the balm."""
    wax = Item("wax", unit="kg", release="by decision", inspection="1 day")
    balm = Item("balm", unit="each", release="by decision", inspection="2 days")
    shop = shop_of(Supplier("Lang", offers=[Offer("wax", lead_time="2 days")]), wax=wax, balm=balm)
    order = wanted(shop)
    promise = shop.orders.promise(order)
    assert promise.arrival == instant("2026-12-02 09:00")
    assert [(one.kind, one.name) for one in promise.critical_path] == [
        ("purchase", "wax"), ("production", "balm"), ("inspection", "balm"),
    ]  # fmt: skip
    plan = shop.planning.plan()
    assert plan.deliveries()[0].at == promise.arrival
    shop.planning.accept(plan)
    bought = shop.purchasing.find()[0]
    assert bought.expected == instant("2026-11-28 09:00")
    assert shop.planning.plan().proposes_nothing


def test_what_came_and_waits_for_its_decision_is_not_ordered_again():
    wax = Item("wax", unit="kg", release="by decision", inspection="1 day")
    shop = shop_of(Supplier("Lang", offers=[Offer("wax", lead_time="9 days")]), wax=wax)
    shop.stock.receive("wax", "5 kg", lot="W-1")
    order = wanted(shop)
    assert shop.orders.promise(order).arrival == instant("2026-11-28 09:00")  # tomorrow it is released, a day to make
    plan = shop.planning.plan()
    assert not plan.buys
    assert [(peg.source, peg.supply) for peg in plan.pegging() if peg.item == "wax"] == [("lot", "W-1")]
    shop.planning.accept(plan)
    shop.verify()
    assert shop.planning.plan().proposes_nothing
    assert shop.orders.confirm(order).promised == date(2026, 11, 28)
    shop.verify()


def test_an_inspection_belongs_to_what_somebody_decides_about():
    with pytest.raises(InvalidInput, match="by decision"):
        Item("wax", unit="kg", inspection="1 day")
    with pytest.raises(InvalidInput, match="not before"):
        Offer("wax", lead_time="1 day", valid_from="2026-12-01", valid_until="2026-11-30")
    with pytest.raises(InvalidInput, match="whole number"):
        Offer("wax", lead_time="1 day", preference="1")


def test_a_supplier_who_delivers_on_fridays_only():
    """Ordered on Thursday, ready on Saturday, brought on Friday; wanted for a Thursday, it must be there on the Friday before."""
    shop = shop_of(Supplier("Lang", offers=[Offer("wax", lead_time="2 days")], deliveries=Calendar("Fridays", "Fri 08:00-12:00")))
    soon, late = wanted(shop), wanted(shop, "2026-12-17")
    promise, plan = shop.orders.promise(soon), shop.planning.plan()
    assert promise.arrival == instant("2026-12-05 08:00")
    assert plan.deliveries(soon.number)[0].at == promise.arrival
    (bought,) = plan.to_buy(late.number)
    assert (bought.order_by, bought.at) == (instant("2026-12-09 11:59:59"), instant("2026-12-11 11:59:59"))


@given(
    st.sampled_from([None, "Tue 08:00-12:00", "Mon,Thu 00:00-24:00", "Mon-Fri 09:00-17:00"]),
    st.sampled_from(["0 days", "5 h", "3 days", "2 working days"]),
    st.none() | st.integers(-3, 20),
    st.none() | st.integers(0, 30),
    st.sampled_from([None, "1 day"]),
    st.none() | st.integers(0, 40),
)
def test_whatever_the_dates_nothing_is_ordered_when_it_cannot_be_and_promise_and_plan_agree(orders, lead, first, last, look, due):
    """Independent of how the dates are found: open for orders, valid that day, usable only after all its time."""
    today = date(2026, 11, 26)
    valid = [None if n is None else date.fromordinal(today.toordinal() + n) for n in (first, last)]
    if valid[0] and valid[1] and valid[0] > valid[1]:
        valid[1] = valid[0]
    calendar = None if orders is None else Calendar("orders", orders)
    wax = Item("wax", unit="kg", **({"release": "by decision", "inspection": look} if look else {}))
    offer = Offer("wax", lead_time=lead, valid_from=valid[0], valid_until=valid[1])
    shop = shop_of(Supplier("Lang", offers=[offer], orders=calendar), wax=wax)
    order = wanted(shop, None if due is None else str(date.fromordinal(today.toordinal() + due)))
    promise, plan = shop.orders.promise(order), shop.planning.plan()
    delivery = plan.deliveries()[0]
    if promise.date is None:
        assert delivery.at is None
        return
    assert delivery.at >= promise.arrival
    assert not delivery.late or delivery.at == promise.arrival
    for bought in plan.to_buy():
        assert bought.order_by >= instant("2026-11-26 09:00")
        day = bought.order_by.date()
        assert (valid[0] or today) <= day <= (valid[1] or date.max)
        if calendar is not None:
            with shop._office.look() as work:
                assert work.catalogue.timeline(calendar, work.at).is_open(int(bought.order_by.timestamp()))

"""Promises: a date, an unbroken chain that adds up to it, the slack of the rest, and what would help."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core import (
    BatchSize,
    Ingredient,
    Item,
    Offer,
    Operation,
    OrderLine,
    Recipe,
    ShippingMethod,
    Supplier,
    WorkCenter,
    Workshop,
)
from krafte_core.coverage import NEVER, Booking, Cover
from krafte_core.promise import RELAXABLE, Promise, promised
from krafte_core.scheduling import Search
from krafte_core.testing import FakeClock
from krafte_core.times import moment
from tests.rules.situation import DAY, HOUR, World, check_chain
from tests.rules.test_scheduling import deep, items, lines, makes, needs_of, searched, worlds


def of(world: World, *covers: Cover, transit: int = 0, requested: date | None = None, proven: bool = True) -> Promise:
    named = [(str(n), cover) for n, cover in enumerate(covers, 1)]
    arrival: Callable[[float], float] = lambda at: at + transit  # noqa: E731 - as the shop gives it
    return promised(world, "CO-1", named, arrival=arrival, method="parcel" if transit else None, requested=requested, proven=proven)


@given(worlds(), needs_of, st.sampled_from([0, DAY, 36 * HOUR]))
def test_the_chain_leads_from_now_to_the_arrival_without_a_gap(world, needs, transit):
    """DESIGN 9: so the lengths of its steps add up to the promise, to the second."""
    found = searched(world, needs)
    if found is None:
        return
    promise = of(world, *found[1], transit=transit)
    ready = max(cover.ready for cover in found[1])
    if ready == NEVER:
        assert (promise.date, promise.arrival, promise.critical_path) == (None, None, ())
        assert promise.missing
        assert all(item in promise.explain() for item in promise.missing)
    else:
        assert promise.arrival == moment(int(ready) + transit)
        assert promise.date == world.day(ready + transit)
        check_chain(world, promise.critical_path, promise.arrival)
        for before, step in pairwise(promise.critical_path):
            assert step.waits_for == before.name


@given(worlds(), needs_of)
def test_slack_is_told_of_what_is_not_on_the_chain_and_is_real(world, needs):
    """What has slack ends that much before it is needed at the earliest; what is on the chain has none."""
    found = searched(world, needs)
    if found is None:
        return
    promise = of(world, *found[1])
    assert all(slack.seconds > 0 for slack in promise.slack)
    on_chain = {(step.kind, step.name) for step in promise.critical_path}
    assert not on_chain & {(slack.kind, slack.name) for slack in promise.slack}
    total = (promise.arrival - moment(world.now)).total_seconds() if promise.arrival else 0
    assert all(slack.seconds <= total + 2 * HOUR for slack in promise.slack)  # supply may be overdue by two hours


@given(worlds(), needs_of)
def test_the_order_is_as_late_as_its_latest_line(world, needs):
    """Lesson 72: the maximum over the lines, not the minimum; a line that needs nothing does not count."""
    found = searched(world, needs)
    if found is None:
        return
    promise = of(world, *found[1])
    arrivals = [line.arrival for line in promise.lines]
    assert promise.arrival == (None if None in arrivals else max(arrivals))


@given(worlds(), needs_of)
def test_what_must_be_bought_and_made_is_listed_once_and_in_full(world, needs):
    found = searched(world, needs)
    if found is None:
        return
    promise = of(world, *found[1])
    assert len({(one.item, one.supplier) for one in promise.to_buy}) == len(promise.to_buy)
    for one in promise.to_buy:
        offer = next(offer for supplier, offer in world.offers(one.item) if supplier.code == one.supplier)
        item = world.item(one.item)
        assert item.steps(one.amount) == offer.order_size(item, item.steps(one.needed))
    for made in promise.to_make:
        assert made.end is None or made.start <= made.end


def test_three_days_of_production_and_two_on_the_road_are_five():
    """DESIGN 9, the seed example; materials that must be bought first add their lead time."""
    soap = Recipe("soap", makes="1 each", ingredients=lines(oil=1), lead_time="3 days")
    oil = Supplier("Frantoio", offers=[Offer("oil", lead_time="4 days")])
    world = World(items("soap", "oil"), [soap], suppliers=[oil]).has("oil", 1)
    there = of(world, Search(world).cover("soap", 1), transit=2 * DAY)
    assert there.date == date(2026, 11, 28)
    assert [(step.kind, step.name) for step in there.critical_path] == [("production", "soap"), ("transit", "parcel")]
    bought = of(world, Search(world).cover("soap", 2), transit=2 * DAY)
    assert bought.date == date(2026, 12, 2)
    assert [(step.kind, step.waits_for) for step in bought.critical_path] == [
        ("purchase", "Frantoio"),
        ("production", "oil"),
        ("transit", "soap"),
    ]


def test_what_is_delivered_together_waits_for_the_slowest():
    """frepple demand_policy/1/11: 14, 6 and 30 days of lead time, all on 31 January; slack of 16 and 24 days."""
    leads = {"I1": 14, "I2": 6, "I3": 30}
    supplier = Supplier("I", offers=[Offer(item, lead_time=f"{days} days") for item, days in leads.items()])
    world = World(items(*leads), suppliers=[supplier], now="2009-01-01 00:00", horizon=(date(2008, 1, 1), date(2010, 1, 1)))
    search = Search(world)
    promise = of(world, *(search.cover(item, 20) for item in leads), requested=date(2009, 1, 5))
    assert (promise.date, promise.days_late) == (date(2009, 1, 31), 26)
    assert {slack.name: slack.seconds // DAY for slack in promise.slack} == {"I1": 16, "I2": 24}


def test_a_minimum_of_the_supplier_counts_once_for_the_whole_order():
    """frepple supplier/2/3: two orders of 100 with 10 in stock need 190: one purchase of 200, not two."""
    offer = Offer("C", lead_time="21 days", minimum="125 each", multiple="100 each")
    world = World(
        items("C"), suppliers=[Supplier("C", offers=[offer])], now="2015-01-01 00:00", horizon=(date(2014, 1, 1), date(2016, 1, 1))
    )
    search = Search(world.has("C", 10))
    promise = of(world, search.cover("C", 100), search.cover("C", 100))
    assert [(str(one.needed), str(one.amount), one.at.date()) for one in promise.to_buy] == [
        ("190 each", "200 each", date(2015, 1, 22))
    ]


def test_late_is_told_in_days_and_never_hidden():
    """Lesson 71: a wish in the past, or too soon, is answered with the earliest date and by how much it is late."""
    world = World(items("soap"), [makes("soap", lead_time="3 days")])
    promise = of(world, Search(world).cover("soap", 1), requested=date(2026, 11, 20))
    assert (promise.date, promise.days_late) == (date(2026, 11, 26), 6)
    assert of(world, Search(world).cover("soap", 1), requested=date(2026, 11, 26)).days_late == 0
    assert of(world, Search(world).cover("soap", 1)).days_late == 0
    nobody = World(items("soap"))
    assert of(nobody, Search(nobody).cover("soap", 1), requested=date(2026, 11, 26)).days_late is None


def test_what_is_there_needs_no_chain():
    """Lesson 74."""
    world = World(items("soap")).has("soap", 5)
    promise = of(world, Search(world).cover("soap", 5))
    assert (promise.critical_path, promise.arrival, promise.to_make, promise.to_buy) == ((), moment(world.now), (), ())


def test_closed_hours_and_queues_are_steps_of_their_own():
    """Saturday noon: closed until Monday 8:00, a queue until 10:00, 6 h of work until 16:00, 2 h to cool."""
    recipe = Recipe("soap", makes="1 each", operations=[Operation("mix", at="kettle", run="6 h", wait="2 h")])
    world = World(items("soap"), [recipe], centers=[WorkCenter("kettle", hours="Mon-Fri 08:00-16:00")], now="2026-11-28 12:00")
    world.booked += booked(world, "2026-11-30 08:00", 2)
    promise = of(world, Search(world).cover("soap", 1), transit=DAY)
    told = [(step.kind, step.name, (step.end - step.start) // timedelta(hours=1)) for step in promise.critical_path]
    assert told == [
        ("closed", "kettle", 44),
        ("queue", "kettle", 2),
        ("operation", "mix", 6),
        ("wait", "mix", 2),
        ("transit", "parcel", 24),
    ]


def booked(world: World, start: str, hours: int) -> list[Booking]:
    return [Booking("kettle", world.at(start), world.at(start) + hours * HOUR, "PB-1", "mix")]


def test_a_hundred_levels_are_explained_within_pythons_own_limit():
    world = deep(100).has("i100", 1)
    started = time.process_time()
    promise = of(world, Search(world).cover("i0", 1))
    check_chain(world, promise.critical_path, promise.arrival)
    assert len(promise.critical_path) == len(promise.to_make) == 100
    assert time.process_time() - started < 5


def test_shared_parts_are_explained_once_each():
    """2 to the power of 40 paths lead from the product down; the chain and the slack need each batch once."""
    codes = [f"i{n}" for n in range(41)]
    recipes = [
        makes(above, *lines(**{below: 1}), *lines(**{below: 1}), amount=1000, exactly=1000, hours=1, at="shop")
        for above, below in pairwise(codes)
    ]
    world = World(items(*codes), recipes, centers=[WorkCenter("shop")]).has("i40", 2)
    started = time.process_time()
    promise = of(world, Search(world).cover("i0", 1))
    check_chain(world, promise.critical_path, promise.arrival)
    assert len(promise.to_make) == 40
    assert time.process_time() - started < 5


# ------------------------------------------------------------------------------------- what would help, asked at the desk


def workshop(now: str = "2026-11-23 08:00") -> Workshop:
    """Cream of wax (4 days) and oil (2 days), 6 h in a kettle of 8 hours, a week to rest."""
    shop = Workshop.in_memory(clock=FakeClock(now))
    shop.register(
        Item("wax", unit="kg"),
        Item("oil", unit="kg"),
        Item("cream", unit="each"),
        WorkCenter("kettle", hours="Mon-Fri 08:00-16:00"),
        Supplier("Lang", offers=[Offer("wax", lead_time="4 days", minimum="5 kg"), Offer("oil", lead_time="2 days")]),
        ShippingMethod("parcel", transit="2 days"),
        Recipe(
            "cream",
            makes="10 each",
            ingredients=[Ingredient("wax", "1 kg"), Ingredient("oil", "1 kg")],
            operations=[Operation("mix", at="kettle", run="6 h", per="batch"), Operation("rest", wait="7 days")],
            batch=BatchSize(exactly="10 each"),
        ),
    )
    return shop


def order(shop: Workshop, amount: str):
    return shop.orders.place(customer="Anna", lines=[OrderLine("cream", amount)], shipping="parcel")


def test_the_purchase_that_holds_the_order_up_is_named_and_not_the_other():
    """Wax: Monday + 4 days, Friday 8:00 to 14:00, a week, two days: 6 December. Without it oil decides: 4 December."""
    shop = workshop()
    placed = order(shop, "10 each")
    promise = shop.orders.promise(placed)
    assert promise.date == date(2026, 12, 6)
    assert promise.binding is not None
    assert (promise.binding.kind, promise.binding.name) == ("purchase", "wax")
    assert shop.orders.promise(placed, relaxing=promise.binding).date == date(2026, 12, 4)
    assert {slack.name: slack.seconds // DAY for slack in promise.slack}["oil"] == 2


def test_a_full_kettle_is_what_holds_the_order_up():
    """Materials are there, the kettle is booked for three batches of others, a day each: Thursday 14:00 + 7 + 2 days."""
    shop = workshop()
    for item in ("wax", "oil"):
        shop.stock.receive(item, "50 kg")
    shop.orders.confirm(order(shop, "30 each"))
    placed = order(shop, "10 each")
    promise = shop.orders.promise(placed)
    assert promise.date == date(2026, 12, 5)
    assert promise.binding is not None
    assert (promise.binding.kind, promise.binding.name) == ("queue", "kettle")
    assert shop.orders.promise(placed, relaxing=promise.binding).date == date(2026, 12, 2)


def test_working_time_and_waiting_are_never_what_binds():
    """Materials and the kettle are free: a week of rest is the longest step, but nobody can shorten it, so nothing binds."""
    shop = workshop()
    for item in ("wax", "oil"):
        shop.stock.receive(item, "50 kg")
    promise = shop.orders.promise(order(shop, "10 each"))
    assert promise.date == date(2026, 12, 2)
    assert promise.binding is None
    for step in promise.critical_path:
        assert step.kind not in RELAXABLE


@pytest.mark.parametrize(("kg", "booked_before"), [(0, 0), (0, 2), (1, 0), (1, 1), (50, 0), (50, 3)])
def test_the_binding_step_gains_as_much_as_any_other_that_can_be_relaxed(kg, booked_before):
    shop = workshop()
    for item in ("wax", "oil") if booked_before + kg else ():
        shop.stock.receive(item, f"{booked_before + kg} kg")
    for _ in range(booked_before):
        shop.orders.confirm(order(shop, "10 each"))
    placed = order(shop, "10 each")
    promise = shop.orders.promise(placed)
    gains = {
        step: promise.arrival - shop.orders.promise(placed, relaxing=step).arrival
        for step in promise.critical_path
        if step.kind in RELAXABLE
    }
    best = max(gains.values(), default=timedelta(0))
    assert (promise.binding is None) == (best == timedelta(0))
    if promise.binding is not None:
        assert gains[promise.binding] == best


def test_asking_changes_nothing():
    shop = workshop()
    placed = order(shop, "10 each")
    assert shop.orders.promise(placed) == shop.orders.promise(placed)
    assert shop.production.find() == ()

"""Work-center, lead-time and supply cases of other systems (`cases/erp.json`, `cases/tryton.json`) that planning answers."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from krafte_core import Calendar, Ingredient, Item, Offer, Operation, OrderLine, Recipe, Supplier, WorkCenter, Workshop
from krafte_core.testing import FakeClock
from krafte_core.times import instant
from tests.support import needs_shared

TRYTON = {one["id"]: one for one in json.loads(needs_shared("cases", "tryton.json").read_text(encoding="utf-8"))["cases"]}


def bought(order_day: str, lead_days: int, *, delivers: str | None = None, needed: str | None = None):
    """A plan for one piece that one supplier delivers; he takes so many days, and comes on one weekday only."""
    shop = Workshop.in_memory(clock=FakeClock(f"{order_day} 00:00"))
    days = Calendar(delivers, f"{delivers[:3]} 00:00-24:00") if delivers else None
    shop.register(Item("part", unit="each"), Supplier("Lang", offers=[Offer("part", lead_time=f"{lead_days} days")], deliveries=days))
    shop.orders.place(customer="Anna", lines=[OrderLine("part", "1 each")], requested=needed)
    plan = shop.planning.plan()
    assert shop.orders.promise(shop.orders.find()[0]).arrival <= plan.deliveries()[0].at
    return plan.to_buy()[0]


@pytest.mark.parametrize("name", [name for name in TRYTON if name.startswith("tryton-supply-")])
def test_when_it_is_here(name):
    """tryton-supply-date-1, -3, -4, tryton-supply-weekday-1, -3: there and back."""
    given, expect = TRYTON[name]["given"], TRYTON[name]["expect"]
    one = bought(given["order_date"], given["supplier_lead_time_days"], delivers=given.get("delivers_only_on"))
    assert one.at.date().isoformat() == expect["delivery_date"]
    if "order_date_back" in expect:
        assert one.order_by.date().isoformat() == expect["order_date_back"]


@pytest.mark.parametrize("name", [name for name in TRYTON if name.startswith("tryton-order-weekday-")])
def test_when_it_must_be_ordered_at_the_latest(name):
    """tryton-order-weekday-1, -4, -5."""
    given = TRYTON[name]["given"]
    early = (date.fromisoformat(given["needed_by"]) - timedelta(days=60)).isoformat()
    one = bought(early, given["supplier_lead_time_days"], delivers=given["delivers_only_on"], needed=given["needed_by"])
    assert one.order_by.date().isoformat() == TRYTON[name]["expect"]["order_date"]


def test_a_recipe_without_time_starts_when_it_ends():
    """tryton-prod-date-1."""
    shop = Workshop.in_memory(clock=FakeClock("2016-11-20 08:00"))
    shop.register(Item("part", unit="each"), Recipe("part", makes="1 each"))
    shop.orders.place(customer="Anna", lines=[OrderLine("part", "1 each")], requested="2016-11-26")
    (one,) = shop.planning.plan().to_make()
    assert one.start == one.end == instant("2016-11-26 23:59:59")


def test_the_date_of_an_order_is_that_of_its_last_line_and_each_line_has_its_own():
    """LEA-005: lead times of 5, 10 and 15 days, asked on the 2nd and again, after a confirmation of nothing, on the 7th."""
    clock = FakeClock("2026-03-02 08:00")
    shop = Workshop.in_memory(clock=clock)
    leads = {"a": 5, "b": 10, "c": 15}
    shop.register(
        *(Item(code, unit="each") for code in leads),
        Supplier("Lang", offers=[Offer(code, lead_time=f"{days} days") for code, days in leads.items()]),
    )
    order = shop.orders.place(customer="Anna", lines=[OrderLine(code, "1 each") for code in leads])
    for today, first, last in (("2026-03-02", "2026-03-07", "2026-03-17"), ("2026-03-07", "2026-03-12", "2026-03-22")):
        clock.set(f"{today} 08:00")
        promise = shop.orders.promise(order)
        assert min(line.arrival for line in promise.lines).date().isoformat() == first
        assert str(promise.date) == last


@pytest.mark.parametrize(("pieces", "minutes"), [(1, 8), (5, 40)])
def test_a_time_for_five_pieces_scales_with_the_batch(pieces, minutes):
    """BAT-005."""
    shop = Workshop.in_memory(clock=FakeClock("2026-03-02 08:00"))
    work = Operation("press", at="press", run="40 min")
    shop.register(Item("part", unit="each"), WorkCenter("press"), Recipe("part", makes="5 each", operations=[work]))
    order = shop.orders.place(customer="Anna", lines=[OrderLine("part", f"{pieces} each")])
    assert shop.orders.promise(order).arrival == instant("2026-03-02 08:00") + timedelta(minutes=minutes)


def test_the_faster_of_two_alternatives():
    """WCT-010, told by efficiency (set-up belongs to the operation here, WCT-017): the preferred one only where it is as fast."""
    for efficiency, chosen in (("80 %", "first"), ("100 %", "preferred")):
        shop = Workshop.in_memory(clock=FakeClock("2026-03-02 08:00"))
        work = Operation("press", at="preferred", alternatives=["first"], run="1 h")
        shop.register(
            Item("part", unit="each"), WorkCenter("preferred", efficiency=efficiency), WorkCenter("first"),
            Recipe("part", makes="1 each", operations=[work]),
        )  # fmt: skip
        order = shop.orders.place(customer="Anna", lines=[OrderLine("part", "1 each")])
        run = shop.orders.confirm(order).productions[0]
        with shop._office.look() as work_now:
            assert [row.work_center for row in work_now.reader.booked_for([run])[run]] == [chosen]


def test_two_operations_at_one_machine_at_once_the_second_moves_behind_the_first():
    """WCT-012: two machines were one all along."""
    shop = Workshop.in_memory(clock=FakeClock("2026-03-02 08:00"))
    shop.register(
        Item("part", unit="each"), WorkCenter("press", capacity=2),
        Recipe("part", makes="1 each", operations=[Operation("press", at="press", run="1 h")]),
    )  # fmt: skip
    runs = [shop.production.plan("part", "1 each").production.number for _ in range(2)]
    shop.register(WorkCenter("press"))
    (moved,) = shop.planning.mend().moved
    stays = next(number for number in runs if number != moved.production)
    assert moved.start == shop.production.get(stays).planned_end
    assert not shop.planning.mend().moved


def test_set_up_of_its_own_recipe():
    """WCT-017: 10 and 20 minutes for one item, 5 and 10 for another; here each recipe says its own, cleaning up included."""
    shop = Workshop.in_memory(clock=FakeClock("2026-03-02 08:00"))
    shop.register(Item("p4", unit="each"), Item("p5", unit="each"), WorkCenter("press"))
    for item, minutes in (("p4", 15), ("p5", 30)):
        shop.register(Recipe(item, makes="1 each", operations=[Operation("press", at="press", setup=f"{minutes} min")]))
        order = shop.orders.place(customer="Anna", lines=[OrderLine(item, "1 each")])
        assert shop.orders.promise(order).arrival == instant("2026-03-02 08:00") + timedelta(minutes=minutes)


def test_material_against_the_start_of_a_run():
    """LEA-009: missing, then later than the start, then moved and in time, then there."""
    shop = Workshop.in_memory(clock=FakeClock("2026-03-02 08:00"))
    shop.register(
        Item("a", unit="each"), Item("p", unit="each"), Supplier("Lang", offers=[Offer("a", lead_time="1 day")]),
        Recipe("p", makes="1 each", ingredients=[Ingredient("a", "2 each")], lead_time="1 day"),
    )  # fmt: skip
    order = shop.orders.place(customer="Anna", lines=[OrderLine("p", "1 each")], requested="2026-03-09")
    assert [one.item for one in shop.planning.plan().to_buy()] == ["a"]
    shop.planning.accept(shop.planning.plan())
    purchase = shop.purchasing.find()[0]
    told = shop.purchasing.reschedule(purchase, "2026-03-09 12:00")  # the run was to begin at the end of the 8th
    assert [one.order for one in told.late] == [order.number]
    mended = shop.planning.mend()
    assert [(one.reason, one.start) for one in mended.moved] == [(f"waits for {purchase.number}", instant("2026-03-09 12:00"))]
    assert not mended.late  # it is late because of the delivery, not because of the move
    shop.purchasing.receive(purchase, "a", "2 each")
    assert not shop.planning.mend().moved

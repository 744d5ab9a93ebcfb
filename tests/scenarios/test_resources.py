"""Kettles with a preference, a crew that is shared, trays that are handed on, dough that spoils: promise, confirm and plan agree."""

from __future__ import annotations

import pytest

from krafte_core import Ingredient, Item, Operation, OrderLine, Recipe, WorkCenter, Workshop
from krafte_core.errors import InvalidInput, UnitMismatch, Unknown
from krafte_core.testing import FakeClock

HOURS = "Mon-Fri 08:00-16:00"


def soapery(**crew) -> Workshop:
    shop = Workshop.in_memory(clock=FakeClock("2026-11-23 08:00"))
    shop.register(
        Item("oil", unit="kg"),
        Item("soap", unit="each"),
        WorkCenter("new kettle", hours=HOURS),
        WorkCenter("old kettle", hours=HOURS, efficiency="50 %"),
        WorkCenter("bench", hours=HOURS),
        WorkCenter("crew", hours="Mon-Fri 08:00-16:00", capacity=3),
        Recipe(
            "soap",
            makes="40 each",
            ingredients=[Ingredient("oil", "4 kg")],
            operations=[
                Operation("boil", at="new kettle", alternatives=["old kettle"], run="3 h", people="crew", hands=2, transfer="10 each"),
                Operation("pour", at="bench", run="2 h", people="crew", spoils_after="3 h"),
                Operation("stamp", at="bench", run="1 h"),
            ],
        ),
    )
    shop.stock.receive("oil", "100 kg", lot="O-1")
    return shop


def ordered(shop: Workshop, customer: str = "Anna"):
    return shop.orders.place(customer=customer, lines=[OrderLine("soap", "40 each")])


def test_promise_confirm_and_plan_agree_and_the_crew_is_booked_hand_by_hand():
    shop = soapery()
    order = ordered(shop)
    planned = shop.planning.plan().deliveries(order.number)[0]
    promise = shop.orders.promise(order)
    assert promise.arrival == planned.at
    assert [(step.kind, step.name) for step in promise.critical_path] == [
        ("operation", "boil"), ("operation", "pour"), ("operation", "stamp"),
    ]  # fmt: skip
    confirmed = shop.orders.confirm(order)
    assert confirmed.promised == promise.date
    run = shop.production.get(confirmed.productions[0])
    assert run.planned_end == promise.arrival
    with shop._office.look() as work:
        rows = [(row.work_center, row.operation) for row in work.reader.booked_for([run.number])[run.number]]
    assert rows == [
        ("new kettle", "boil"), ("crew", "boil/crew/1"), ("crew", "boil/crew/2"),
        ("bench", "pour"), ("crew", "pour/crew/1"), ("bench", "stamp"),
    ]  # fmt: skip


def test_the_second_order_takes_the_old_kettle_only_where_that_is_sooner_and_people_are_there():
    shop = soapery()
    first, second = ordered(shop), ordered(shop, "Ben")
    shop.orders.confirm(first)
    again = shop.orders.promise(second)
    assert shop.orders.confirm(second).promised == again.date
    shop.verify()
    assert again.arrival > shop.orders.promise(first).arrival


def test_accepting_a_plan_books_what_it_showed_and_the_next_plan_proposes_nothing():
    shop = soapery()
    for name in ("Anna", "Ben", "Cem"):
        shop.orders.place(customer=name, lines=[OrderLine("soap", "40 each")], requested="2026-11-27")
    plan = shop.planning.plan()
    accepted = shop.planning.accept(plan)
    assert len(accepted.productions) == 3
    shop.verify()
    assert shop.planning.plan().proposes_nothing


def test_a_crew_of_three_has_no_four_hands_and_a_kettle_must_be_known():
    shop = soapery()
    for operation, error in (
        (Operation("boil", at="bench", run="1 h", people="crew", hands=4), InvalidInput),
        (Operation("boil", at="bench", alternatives=["bank"], run="1 h"), Unknown),
        (Operation("boil", at="bench", run="1 h", transfer="2 kg"), UnitMismatch),
    ):
        with pytest.raises(error):
            shop.register(Recipe("soap", makes="40 each", operations=[operation, Operation("cool", wait="1 h")], code="soap 2"))
    with pytest.raises(InvalidInput, match="handed on"):
        Recipe("soap", makes="40 each", operations=[Operation("boil", at="bench", run="1 h", transfer="10 each")])

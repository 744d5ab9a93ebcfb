"""Forecasts: what will be ordered is made ahead; what is ordered of it is not made twice."""

from __future__ import annotations

import pytest

from krafte_core import Forecast, Item, Operation, OrderLine, Recipe, WorkCenter, Workshop
from krafte_core.errors import InvalidInput, NotPositive, Unknown
from krafte_core.testing import FakeClock

ADVENT = Forecast("candle", "100 each", "2026-12-01", "2026-12-24")


def candle_shop() -> Workshop:
    """Ten candles an hour, Monday to Friday; it is the 23rd of November, a Monday."""
    shop = Workshop.in_memory(clock=FakeClock("2026-11-23 08:00"))
    shop.register(
        Item("candle", unit="each"),
        Item("set", unit="each", kit={"candle": "4 each"}),
        WorkCenter("melter", hours="Mon-Fri 08:00-16:00"),
        Recipe("candle", makes="10 each", operations=[Operation("pour", at="melter", run="1 h", pausable=True)]),
    )
    return shop


def order(shop: Workshop, amount: str, day: str | None):
    return shop.orders.place(customer="Anna", lines=[OrderLine("candle", amount)], requested=day)


def rows(plan) -> list[tuple[str, str, str]]:
    return sorted((one.reason, str(one.amount), f"{one.end:%m-%d %H:%M}") for one in plan.to_make())


def test_what_is_expected_is_there_when_the_first_day_begins():
    assert rows(candle_shop().planning.plan(forecasts=[ADVENT])) == [("forecast 2026-12-01", "100 each", "11-30 16:00")]


def test_an_order_of_these_days_is_a_part_of_it_and_others_are_not():
    shop = candle_shop()
    inside, before, whenever = order(shop, "30 each", "2026-12-10"), order(shop, "20 each", "2026-11-30"), order(shop, "5 each", None)
    found = {reason: amount for reason, amount, _ in rows(shop.planning.plan(forecasts=[ADVENT]))}
    assert found == {inside.number: "30 each", before.number: "20 each", whenever.number: "5 each", "forecast 2026-12-01": "70 each"}
    order(shop, "90 each", "2026-12-11")
    assert "forecast 2026-12-01" not in {reason for reason, *_ in rows(shop.planning.plan(forecasts=[ADVENT]))}


def test_accepted_once_it_is_not_proposed_again_and_orders_take_it():
    shop = candle_shop()
    assert len(shop.planning.accept(shop.planning.plan(forecasts=[ADVENT])).productions) == 1
    assert shop.planning.plan(forecasts=[ADVENT]).proposes_nothing
    paper = order(shop, "40 each", "2026-12-10")
    plan = shop.planning.plan(forecasts=[ADVENT])
    assert plan.proposes_nothing
    shop.planning.accept(plan)
    (run,) = shop.production.find()
    with shop._office.look() as work:
        assert [(link.source, link.ref) for link in work.reader.links((paper.number,))[paper.number]] == [("run", run.number)]
    assert shop.planning.plan(forecasts=[ADVENT]).proposes_nothing
    shop.verify()


def test_orders_come_first():
    """Eight hours are left before the market: an order that is placed later and matters least gets them all the same."""
    shop = candle_shop()
    paper = shop.orders.place(customer="Ben", lines=[OrderLine("candle", "80 each")], requested="2026-11-23", priority=-9)
    plan = shop.planning.plan(forecasts=[Forecast("candle", "80 each", "2026-11-24")])
    assert [one.ref for one in plan.late()] == ["forecast 2026-11-24"]
    assert plan.deliveries(paper.number)[0].late == 0


def test_days_that_have_begun_are_wanted_now():
    (late,) = candle_shop().planning.plan(forecasts=[Forecast("candle", "10 each", "2026-11-16", "2026-11-29")]).late()
    assert late.late == 3600


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ([ADVENT, Forecast("candle", "5 each", "2026-12-24")], InvalidInput),
        ([Forecast("pearl", "5 each", "2026-12-24")], Unknown),
        ([Forecast("set", "5 each", "2026-12-24")], InvalidInput),
        ([Forecast("candle", "0 each", "2026-12-24")], NotPositive),
        (["candle"], InvalidInput),
    ],
)
def test_wrong_forecasts_are_refused(wrong, problem):
    with pytest.raises(problem):
        candle_shop().planning.plan(forecasts=wrong)


def test_a_forecast_ends_when_it_begins_or_later():
    assert Forecast("candle", "5 each", "2026-12-24").until == ADVENT.until
    with pytest.raises(InvalidInput, match="not before 2026-12-24"):
        Forecast("candle", "5 each", "2026-12-24", "2026-12-23")

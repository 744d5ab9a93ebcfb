"""Views of a plan: the rows by hand, the frames with the same figures, and charts that show what the rows say."""

from __future__ import annotations

from datetime import date

import pytest

from krafte_core import OrderLine, notebook, views
from krafte_core.errors import NotPositive, OutOfRange
from tests.scenarios.day import candle_shop, order


@pytest.fixture
def shop():
    found, _ = candle_shop()
    found.stock.receive("wax", "10 kg", lot="W-1")
    found.stock.receive("wick", "500 each", lot="D-1")
    order(found, "Anna", "20 each", requested="2026-03-04")
    return found


@pytest.fixture
def plan(shop):
    return shop.planning.plan()


def test_the_load_of_a_day_is_what_is_open_and_what_is_booked(plan):
    monday, tuesday, wednesday, *_, sunday = views.load(plan, "melter", days=7)

    assert (wednesday.day, wednesday.open, wednesday.booked, wednesday.percent) == (date(2026, 3, 4), 8 * 3600, 2 * 3600, 25)
    assert (monday.booked, tuesday.booked) == (0, 0)
    assert (sunday.open, sunday.percent) == (0, 0)
    with pytest.raises(NotPositive):
        views.load(plan, "melter", days=0)
    with pytest.raises(OutOfRange):
        views.load(plan, "melter", days=100_000)


def test_the_stock_goes_down_when_the_batch_begins(plan):
    assert [(f"{one.at:%m-%d %H:%M}", str(one.amount)) for one in views.stock(plan, "wax")] == [
        ("03-02 07:00", "10 kg"),
        ("03-04 13:00", "6 kg"),
    ]


def test_a_gantt_chart_in_text(shop, plan):
    promise = shop.planning.promise([OrderLine("candle", "10 each")], plan=plan, shipping="parcel")

    assert views.gantt(plan, width=10).splitlines() == ["        2026-03-04 14:00 - 2026-03-04 16:00", "melter  ██████████"]
    assert [line.split()[0] for line in views.gantt(promise).splitlines()[1:]] == ["1.", "2."]
    with pytest.raises(OutOfRange):
        views.gantt(plan, width=1)


def test_what_is_printed_shows_the_clock_on_the_wall_of_the_shop(shop, plan):
    """The candles are poured from two to four in the afternoon in Berlin."""
    assert plan.zone == "Europe/Berlin"
    assert "2026-03-04 14:00" in plan.table()
    assert "2026-03-04 14:00" in plan._repr_html_()
    (order,) = shop.orders.find()
    assert plan.explain(order.number).endswith("2026-03-04 23:59"), "the day is over at midnight in Berlin"
    assert plan.explain(order.number, zone="UTC").endswith("2026-03-04 22:59")


def test_frames_hold_the_same_figures(plan):
    pytest.importorskip("pandas")

    load, stock = notebook.load_frame(plan, ["melter"], days=3), notebook.stock_frame(plan, ["wax"])

    assert [*load["booked_h"]] == [0.0, 0.0, 2.0]
    assert [*stock["amount"]] == [10.0, 6.0]
    assert [*stock["unit"].unique()] == ["kg"]


def test_charts_draw_on_the_axes_that_they_are_given(shop, plan):
    figure = pytest.importorskip("matplotlib.figure").Figure()
    axes = figure.add_subplot()
    promise = shop.planning.promise([OrderLine("candle", "10 each")], plan=plan, shipping="parcel")

    assert notebook.gantt_chart(plan, ax=axes) is axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["melter"]
    assert len(axes.patches) == 1
    assert len(notebook.gantt_chart(promise).patches) == 2
    assert len(notebook.load_chart(plan, "melter", days=7).patches) == 14
    assert [*notebook.stock_chart(plan, "wax").get_lines()[0].get_ydata()] == [10.0, 6.0, 6.0], "to the end of the plan"

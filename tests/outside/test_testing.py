"""The kit for those who test what they build on the library: a clock, builders, strategies that Hypothesis finds by itself."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import krafte_core.testing
from krafte_core import CustomerOrder, Item, Lot, OrderStatus, Quantity, Recipe
from krafte_core.errors import AlreadyExists, ClockWentBack, KrafteError, Unknown
from krafte_core.events import Event
from krafte_core.recipes import BatchSize, Formula, compiled
from krafte_core.stock import Posting
from krafte_core.testing import FakeClock, a_catalogue, a_delivery, a_recipe, a_workshop, an_item, an_order, strategies


def program(text):
    """What a program prints that runs on its own."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", text], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


class TestTheClock:
    """`FakeClock`."""

    def test_it_stands_still_until_it_is_told(self):
        clock = FakeClock("2026-11-23 08:00", zone="Europe/Berlin")
        assert clock.now() == clock.now()

        clock.tick(timedelta(minutes=5))
        assert clock.now().isoformat() == "2026-11-23T07:05:00+00:00"

    def test_it_is_set_in_its_own_zone_and_never_back(self):
        clock = FakeClock("2026-11-23 08:00", zone="Europe/Berlin")
        clock.set("2026-11-24 08:00")
        with pytest.raises(ClockWentBack):
            clock.set("2026-11-23 08:00")

        assert clock.now().isoformat() == "2026-11-24T07:00:00+00:00"

    def test_a_workshop_takes_over_its_zone(self):
        late = a_workshop(clock=FakeClock("2026-11-30 23:30", zone="America/New_York"))

        assert an_order(late).number == "CO-2026-11-001"


class TestBuilders:
    """The soap maker's workshop."""

    def test_a_workshop_can_do_the_whole_way_from_order_to_shipment(self):
        clock = FakeClock("2026-11-23 08:00", zone="Europe/Berlin")
        shop = a_workshop(clock=clock)
        order = an_order(shop, confirmed=True, requested="2026-12-24", shipping="parcel")
        (run,) = shop.production.covering(order)
        shop.production.start(run)
        clock.set("2026-11-24 16:00")
        shop.production.complete(run, made="100 each")
        shop.shipping.ship(order)

        assert shop.orders.status(order) is OrderStatus.SHIPPED
        shop.verify()

    def test_an_empty_workshop_buys_before_it_makes(self):
        promise = (shop := a_workshop(stocked=False)).orders.promise(an_order(shop))

        assert {need.item for need in promise.to_buy} == {"olive-oil", "lye"}
        assert promise.missing == ()

    def test_what_a_test_brings_replaces_the_default_of_the_same_code(self):
        shop = a_workshop(an_item("lye", step="1 g"), a_recipe(batch=BatchSize(max="50 each")), stocked=False)
        order = an_order(shop, confirmed=True)

        assert [str(run.planned) for run in shop.production.covering(order)] == ["50 each", "50 each"]
        assert str(shop.catalogue.item("lye").smallest) == "0.001 kg"

    def test_fields_are_handed_on(self):
        shop = a_workshop()
        lot = a_delivery(shop, "lye", "2 kg", lot="NA-2", expires=date(2027, 1, 31), unit_cost="4.10 EUR")

        assert (lot.code, lot.expires, str(lot.unit_cost)) == ("NA-2", date(2027, 1, 31), "4.10 EUR")
        assert an_order(shop, customer="Anna", price=None, notes="ring twice").notes == "ring twice"
        assert an_item("jar", unit="each").unit == "each"
        assert {value.code for value in a_catalogue()} >= {"olive-oil", "kettle"}

    def test_errors_are_those_of_the_desks(self):
        shop = a_workshop()
        with pytest.raises(Unknown):
            an_order(shop, "candle")
        with pytest.raises(AlreadyExists):
            a_delivery(shop, "lye", lot="NA-1")


class TestTheNames:
    """`krafte_core.testing`."""

    def test_every_name_is_there_and_listed(self):
        for name in krafte_core.testing.__all__:
            assert getattr(krafte_core.testing, name) is not None
            assert name in dir(krafte_core.testing)

    def test_another_name_is_an_attribute_error(self):
        with pytest.raises(AttributeError, match="no_such_thing"):
            _ = krafte_core.testing.no_such_thing

    def test_the_clock_needs_neither_pytest_nor_hypothesis(self):
        loaded = program("import sys; from krafte_core.testing import FakeClock; FakeClock(); print(*sys.modules)")

        assert {"pytest", "_pytest", "hypothesis", "krafte_core.workshop"}.isdisjoint(loaded)


class TestStrategies:
    """What Hypothesis finds by itself, and what it draws."""

    def test_hypothesis_finds_them_without_an_import(self):
        text = """
import krafte_core
from hypothesis import Phase, given, settings, strategies as st
for name in ("Item", "Quantity", "Money", "Recipe", "Lot", "CustomerOrder", "Calendar", "Supplier", "WorkCenter", "Operation"):
    @settings(max_examples=1, phases=[Phase.generate], database=None)
    @given(st.from_type(getattr(krafte_core, name)))
    def draw(value):
        print(type(value).__name__)
    draw()
"""
        named = ["Item", "Quantity", "Money", "Recipe", "Lot", "CustomerOrder", "Calendar", "Supplier", "WorkCenter", "Operation"]
        assert program(text) == named

    @pytest.mark.parametrize(
        "first", ["hypothesis", "krafte_core.testing.strategies", "krafte_core.wire", "krafte_core.workshop", "hypothesis.strategies"]
    )
    def test_the_order_of_imports_does_not_matter(self, first):
        text = f"""
import {first}
from hypothesis import find, strategies as st
from krafte_core import Item
print(find(st.from_type(Item), lambda item: item.unit == "L").unit)
"""
        assert program(text) == ["L"]

    def test_hypothesis_loads_words_and_papers_only(self):
        loaded = program("import sys, hypothesis; print(*sys.modules)")

        heavy = {"pint", "networkx", "sqlalchemy", "pytest", "krafte_core.workshop", "krafte_core.work", "krafte_core.desks.orders"}
        assert heavy.isdisjoint(loaded)
        assert "krafte_core.items" in loaded

    @given(strategies.recipes_with_items())
    def test_recipes_compile_against_their_items(self, found):
        recipe, items = found
        formula = compiled(recipe, items)

        assert formula.makes > 0
        assert [line.item for line in formula.lines] == [ingredient.item for ingredient in recipe.ingredients]

    @given(st.from_type(CustomerOrder))
    def test_the_lines_of_an_order_are_whole_steps(self, order):
        for line in order.lines:
            assert isinstance(line.amount, Quantity)
            assert line.amount.value > 0
            assert line.steps > 0

    @given(st.data(), st.sampled_from(["kg", "mL", "each"]))
    def test_wishes_are_granted(self, data, unit):
        assert data.draw(strategies.items(unit=unit, code="oil")).unit == unit
        assert data.draw(strategies.quantities(unit)).unit == unit
        assert data.draw(strategies.moneys("JPY")).currency == "JPY"
        assert data.draw(strategies.durations("working days")).kind == "working days"
        assert data.draw(strategies.lots("oil")).item == "oil"

    @pytest.mark.parametrize("kind", [Item, Recipe, Formula, Lot, Posting, Event, KrafteError])
    def test_from_type_and_values_draw_the_same_kind(self, kind):
        @settings(max_examples=5)
        @given(st.from_type(kind))
        def draws(value):
            assert isinstance(value, kind)

        draws()

    def test_what_has_no_strategy_is_told(self):
        with pytest.raises(TypeError, match="no strategy"):
            strategies.values(float)

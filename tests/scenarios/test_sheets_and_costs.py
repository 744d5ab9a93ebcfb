"""The sheet of a run, what it used beside what was planned, what things should and did cost, and until when they are good."""

from __future__ import annotations

from datetime import date

import pytest

from krafte_core import Ingredient, Item, Offer, Operation, Recipe, Supplier, WorkCenter, Workshop
from krafte_core.errors import InvalidInput, NoSource, Unknown
from krafte_core.recipes import Output, Substitute
from krafte_core.testing import FakeClock
from tests.scenarios.test_contents_and_substitutes import balm_shop, paint_shop
from tests.scenarios.test_several_outputs import CHEESE, CUTTING


def dairy(**recipe) -> tuple[Workshop, FakeClock]:
    """A dairy and a butcher: milk at 1 EUR, an hour at the vat 60 EUR, chickens at 3 EUR."""
    clock = FakeClock("2026-03-02 08:00")
    shop = Workshop.in_memory(clock=clock)
    shop.register(
        *(Item(name, unit="L", step="1 mL") for name in ("milk", "whey", "curd-water")),
        *(Item(name, unit="kg", step="1 g") for name in ("cheese", "breast", "wing", "carcass")),
        Item("chicken", unit="each"),
        WorkCenter("vat", rate="60 EUR"),
        Recipe(
            "cheese", makes="10 kg", ingredients=CHEESE.ingredients, outputs=CHEESE.outputs,
            operations=[Operation("stir", at="vat", setup="30 min", run="1 h")], **recipe,
        ),
        CUTTING,
    )  # fmt: skip
    shop.stock.receive("milk", "1000 L", lot="M-1", unit_cost="1 EUR", expires="2026-03-20")
    shop.stock.receive("chicken", "100 each", lot="C-1", unit_cost="3 EUR")
    return shop, clock


# sheets -----------------------------------------------------------------------------------------------------------------


def test_the_sheet_of_a_run_has_amounts_shares_lots_outputs_and_work():
    shop, _ = dairy()
    run = shop.production.plan("cheese", "20 kg").production
    sheet = shop.production.sheet(run)
    assert str(sheet) == "\n".join(
        [
            "PB-2026-03-001, planned: cheese: 20 kg",
            "line            required  %    written        lots",
            "milk               200 L         100 L  M-1: 200 L",
            "+ whey             170 L     comes out",
            "+ curd-water         4 L     comes out",
            "* stir        2 h 30 min        at vat",
        ]
    )
    assert "<table" in sheet._repr_html_()
    shop.production.start(run)
    shop.production.complete(run, made="19 kg", used={"milk": "205 L"})
    done = shop.production.sheet(run)
    assert (done.state, [str(one.amount) for one in done.lots]) == ("done", ["205 L"])


def test_the_sheet_of_a_paint_tells_what_its_lots_really_need():
    shop = paint_shop(("P-35", "100 L", "35 %"))
    run = shop.production.plan("paint", "100 L").production
    lines = str(shop.production.sheet(run)).splitlines()
    assert lines[2].split() == ["paste", "25.715", "L", "25.71%", "30", "L", "P-35:", "25.715", "L"]
    assert [shop.production.sheet(run).sheet.line(name).required for name in ("binder", "filler")] == [
        shop.production.sheet(run).lots[n].amount for n in (1, 2)
    ]


def test_the_sheet_names_the_substitutes():
    shop = balm_shop(shea="0.4 kg", mango="2 kg")
    run = shop.production.plan("balm", "1 kg").production
    assert "shea: 0.4 kg; mango mango: 0.66 kg" in str(shop.production.sheet(run))


def test_what_a_run_used_and_made_stands_beside_what_was_planned():
    shop, _ = dairy()
    run = shop.production.plan("cheese", "20 kg").production
    shop.production.start(run)
    shop.production.complete(run, made="19 kg", used={"milk": "205 L"}, by_products={"whey": "171 L"})
    assert str(shop.production.compare(run)) == "\n".join(
        [
            "PB-2026-03-001: cheese, 20 kg planned",
            "line          planned  actual  difference  of plan",
            "milk            200 L   205 L         5 L   102.5%",
            "+ cheese        20 kg   19 kg       -1 kg      95%",
            "+ whey          170 L   171 L         1 L   100.6%",
            "+ curd-water      4 L   3.8 L      -0.2 L      95%",
        ]
    )


def test_a_comparison_counts_by_content_and_names_what_stood_in():
    paint = paint_shop(("P-35", "100 L", "35 %"))
    run = paint.production.plan("paint", "100 L").production
    paint.production.start(run)
    paint.production.complete(run, made="100 L")
    assert paint.production.compare(run).deviations == ()
    balm = balm_shop(shea="0.4 kg", mango="2 kg")
    made = balm.production.make("balm", "1 kg").production
    rows = {row.name: (str(row.planned), str(row.actual)) for row in balm.production.compare(made).rows}
    assert rows == {"shea": ("0.4 kg", "0.4 kg"), "+ balm": ("1 kg", "1 kg"), "mango": ("0.66 kg", "0.66 kg")}


def test_taking_apart_compares_what_came_of_it():
    shop, _ = dairy()
    made = shop.production.make("chicken", "50 each", recipe="cutting", by_products={"breast": "29 kg"}).production
    rows = {row.name: (str(row.planned), str(row.actual)) for row in shop.production.compare(made).rows}
    assert rows == {
        "chicken": ("50 each", "50 each"),
        "+ breast": ("30 kg", "29 kg"),
        "+ wing": ("10 kg", "10 kg"),
        "+ carcass": ("35 kg", "35 kg"),
    }


# costs ------------------------------------------------------------------------------------------------------------------


def test_a_cheese_should_cost_its_milk_and_its_work_less_what_the_whey_bears():
    """200 L at 1 EUR and 2.5 h at 60 EUR: 350 EUR; 5 % of it is the whey's."""
    shop, _ = dairy()
    found = shop.production.cost("cheese", "20 kg")
    assert [(one.item, str(one.cost.rounded())) for one in found.outputs] == [
        ("cheese", "332.50 EUR"), ("whey", "17.50 EUR"), ("curd-water", "0.00 EUR"),
    ]  # fmt: skip
    assert [(one.operation, str(one.cost.rounded())) for one in found.work] == [("stir", "150.00 EUR")]
    assert (
        str(shop.production.cost("cheese", "20 kg", prices={"milk": "2 EUR"}, rates={"vat": "0 EUR"}).total.rounded()) == "400.00 EUR"
    )


def test_a_price_comes_from_the_lots_in_stock_else_from_the_lowest_offer_else_it_is_asked_for():
    shop, _ = dairy()
    shop.stock.receive("milk", "1000 L", unit_cost="2 EUR")
    assert str(shop.production.cost("cheese", "10 kg", rates={"vat": "0 EUR"}).total.rounded()) == "150.00 EUR"
    shop.register(
        Item("salt", unit="kg"), Item("brine", unit="kg"), Recipe("brine", makes="1 kg", ingredients=[Ingredient("salt", "1 kg")])
    )
    with pytest.raises(InvalidInput, match="salt"):
        shop.production.cost("brine", "1 kg")
    shop.register(
        Supplier("mine", offers=[Offer("salt", price="3 EUR", lead_time="1 day")]),
        Supplier("sea", offers=[Offer("salt", price="2 EUR", lead_time="9 days")]),
    )
    assert str(shop.production.cost("brine", "1 kg").total.rounded()) == "2.00 EUR"
    with pytest.raises(Unknown, match="vat"):
        shop.production.cost("cheese", "10 kg", rates={"kettle": "1 EUR"})
    with pytest.raises(NoSource):
        shop.production.cost("salt", "1 kg")


def test_a_lot_really_cost_what_its_run_used_and_the_by_product_takes_its_share():
    """205 L of milk and 2.5 h: 355 EUR; 5 % for 171 L of whey, nothing for the curd water, the rest for 19 kg of cheese."""
    shop, _ = dairy()
    run = shop.production.plan("cheese", "20 kg").production
    shop.production.start(run)
    shop.production.complete(run, made="19 kg", used={"milk": "205 L"}, by_products={"whey": "171 L"}, lot="K-1")
    costs = {item: shop.production.lot_cost(item, "K-1") for item in ("cheese", "whey", "curd-water")}
    assert {item: str(one.total.rounded()) for item, one in costs.items()} == {
        "cheese": "337.25 EUR", "whey": "17.75 EUR", "curd-water": "0.00 EUR",
    }  # fmt: skip
    assert str(costs["cheese"]) == "cheese K-1: 19 kg cost 337.25 EUR, one kg 17.75 EUR"
    assert str(shop.production.lot_cost("milk", "M-1").unit_cost.rounded()) == "1.00 EUR"


def test_the_parts_of_a_chicken_share_its_price_whatever_they_weigh():
    """Lesson 51: 150 EUR in shares of 70 and 30 percent; the carcass bears nothing."""
    shop, _ = dairy()
    shop.production.make("chicken", "50 each", recipe="cutting", lot="C")
    found = {item: str(shop.production.lot_cost(item, "C").total.rounded()) for item in ("breast", "wing", "carcass")}
    assert found == {"breast": "105.00 EUR", "wing": "45.00 EUR", "carcass": "0.00 EUR"}


def test_where_a_price_is_missing_the_lot_to_blame_is_named():
    shop, _ = dairy()
    shop.stock.receive("chicken", "10 each", lot="C-2")
    shop.production.make("chicken", "105 each", recipe="cutting", lot="C")
    found = shop.production.lot_cost("wing", "C")
    assert (found.unit_cost, found.unpriced) == (None, (("chicken", "C-2"),))
    assert "chicken C-2" in str(found)


# dates ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recipe", "until"),
    [
        ({}, None),
        ({"shelf_life": "90 days"}, date(2026, 6, 1)),
        ({"shelf_life": "90 days", "expiry": "ingredients"}, date(2026, 3, 20)),
        ({"shelf_life": "5 days", "expiry": "ingredients"}, date(2026, 3, 8)),
        ({"expiry": "ingredients"}, date(2026, 3, 20)),
    ],
)
def test_a_lot_is_good_as_its_recipe_says(recipe, until):
    """Made on 3 March: by its own shelf life, or no longer than the milk of the 20th."""
    shop, clock = dairy(**recipe)
    run = shop.production.plan("cheese", "20 kg").production
    shop.production.start(run)
    clock.set("2026-03-03 12:00")
    assert shop.production.complete(run, made="20 kg").lot.expires == until


def test_a_date_that_is_said_counts_and_an_output_has_its_own():
    shop, _ = dairy()
    shop.register(
        Recipe("cheese", makes="10 kg", ingredients=CHEESE.ingredients, outputs=[Output("whey", "85 L", shelf_life="2 days")],
               shelf_life="60 days"),
    )  # fmt: skip
    done = shop.production.make("cheese", "10 kg")
    assert (done.lot.expires, done.by_products[0].expires) == (date(2026, 5, 1), date(2026, 3, 4))
    assert shop.production.make("cheese", "10 kg", expires="2026-04-01").lot.expires == date(2026, 4, 1)
    with pytest.raises(InvalidInput, match="elapsed"):
        Recipe("cheese", makes="10 kg", shelf_life="3 working days")


# versions ---------------------------------------------------------------------------------------------------------------


def test_a_plan_takes_the_version_of_the_day_and_the_amount_or_the_one_that_is_named_and_says_why_none_fits():
    shop, clock = dairy()
    wax = [Ingredient("milk", "1 L")]
    shop.register(
        Item("balm", unit="kg", step="1 g"),
        Recipe("balm", makes="1 kg", code="small", ingredients=wax, largest="10 kg", valid_until=date(2026, 3, 31)),
        Recipe("balm", makes="1 kg", code="large", ingredients=wax, smallest="5 kg", preference=1, valid_until=date(2026, 3, 31)),
    )
    chosen = {amount: shop.production.plan("balm", amount).production.recipe.code for amount in ("4 kg", "5 kg", "20 kg")}
    assert chosen == {"4 kg": "small", "5 kg": "large", "20 kg": "large"}
    assert shop.production.plan("balm", "5 kg", recipe="small").production.recipe.code == "small"
    with pytest.raises(InvalidInput, match="meant for at most 10 kg"):
        shop.production.plan("balm", "20 kg", recipe="small")
    clock.set("2026-04-01 08:00")
    with pytest.raises(InvalidInput, match="valid until 2026-03-31"):
        shop.production.plan("balm", "5 kg")


def test_one_recipe_with_dates_makes_nothing_before_it_is_valid():
    shop, clock = dairy()
    shop.register(
        Item("balm", unit="kg", step="1 g"),
        Recipe(
            "balm",
            makes="1 kg",
            ingredients=[Ingredient("milk", "1 L", substitutes=[Substitute("whey")])],
            valid_from=date(2026, 4, 1),
        ),
    )
    with pytest.raises(InvalidInput, match="valid from 2026-04-01"):
        shop.production.plan("balm", "5 kg")
    clock.set("2026-04-01 08:00")
    assert str(shop.production.plan("balm", "5 kg").production.planned) == "5 kg"

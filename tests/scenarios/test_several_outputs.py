"""Runs that give more than one thing: cheese and its whey, and a chicken that is nothing but its parts."""

from __future__ import annotations

import pytest

from krafte_core import Ingredient, Item, OrderLine, Recipe
from krafte_core.errors import InvalidInput, NoSource, Short, TooMuch, Unknown
from krafte_core.recipes import Output
from krafte_core.testing import FakeClock
from krafte_core.workshop import Workshop
from tests.scenarios.day import lost

CHEESE = Recipe(
    "cheese",
    makes="10 kg",
    ingredients=[Ingredient("milk", "100 L")],
    outputs=[Output("whey", "85 L", cost="5 %"), Output("curd-water", "2 L")],
    lead_time="1 day",
)
CUTTING = Recipe(
    "chicken",
    makes="100 each",
    code="cutting",
    apart=True,
    outputs=[Output("breast", "60 kg", cost="70 %"), Output("wing", "20 kg", cost="30 %"), Output("carcass", "70 kg")],
)
NUGGETS = Recipe("nuggets", makes="1 kg", ingredients=[Ingredient("breast", "0.8 kg")])


def shop_with(milk: str = "1000 L", chickens: str = "250 each") -> Workshop:
    shop = Workshop.in_memory(clock=FakeClock("2026-03-02 08:00"))
    shop.register(
        *(Item(name, unit="L", step="1 mL") for name in ("milk", "whey", "curd-water")),
        *(Item(name, unit="kg", step="1 g") for name in ("cheese", "breast", "wing", "carcass", "nuggets")),
        Item("chicken", unit="each"),
        CHEESE, CUTTING, NUGGETS,
    )  # fmt: skip
    shop.stock.receive("milk", milk)
    shop.stock.receive("chicken", chickens)
    return shop


def order(shop: Workshop, customer: str, *lines: tuple[str, str]):
    return shop.orders.place(customer=customer, lines=[OrderLine(item, amount) for item, amount in lines])


def there(shop: Workshop, *items: str) -> dict[str, str]:
    return {item: str(shop.stock.level(item).on_hand) for item in items}


def begun(shop: Workshop, item: str, amount: str, **more):
    run = shop.production.plan(item, amount, **more).production
    shop.production.start(run)
    return run


# by-products ------------------------------------------------------------------------------------------------------------


def test_what_nobody_weighed_comes_out_as_the_recipe_says_and_is_stock():
    shop = shop_with()
    run = begun(shop, "cheese", "20 kg")
    done = shop.production.complete(run, made="20 kg")
    assert there(shop, "cheese", "whey", "curd-water", "milk") == {
        "cheese": "20 kg", "whey": "170 L", "curd-water": "4 L", "milk": "800 L",
    }  # fmt: skip
    assert [(lot.item, lot.code, lot.paper) for lot in done.by_products] == [(name, run.number, run.number) for name in run.items[1:]]
    assert done.outputs == {}
    shop.verify()


def test_what_was_weighed_counts_and_the_difference_is_told():
    shop = shop_with()
    run = begun(shop, "cheese", "20 kg")
    done = shop.production.complete(run, made="19 kg", by_products={"whey": {"W-1": "100 L", "W-2": "60 L"}, "curd-water": None})
    assert [(lot.item, lot.code) for lot in done.by_products] == [("whey", "W-1"), ("whey", "W-2")]
    assert {name: (str(one.planned), str(one.used)) for name, one in done.outputs.items()} == {
        "whey": ("170 L", "160 L"), "curd-water": ("4 L", "0 L"),
    }  # fmt: skip
    shop.verify()


def test_the_parts_of_a_run_bring_together_what_the_whole_would():
    """Law 11 for what comes out besides: 7/3 of a batch in three parts."""
    shop, other = shop_with(), shop_with()
    run, whole = begun(shop, "cheese", "23.333 kg"), begun(other, "cheese", "23.333 kg")
    shop.production.report(run, made="7.001 kg")
    shop.production.report(run, made="8.333 kg")
    shop.production.complete(run, made="7.999 kg")
    other.production.complete(whole, made="23.333 kg")
    assert there(shop, "whey", "curd-water", "milk") == there(other, "whey", "curd-water", "milk")
    shop.verify()


def test_an_order_counts_on_the_whey_of_a_run_that_is_planned_and_gets_its_lot():
    shop = shop_with()
    run = begun(shop, "cheese", "20 kg")
    ben = order(shop, "Ben", ("whey", "100 L"))
    assert shop.orders.check(ben).need("whey").incoming == shop.orders.check(ben).need("whey").required
    assert str(shop.orders.confirm(ben).promised) == "2026-03-03"
    assert [(link.order, link.item, str(link.amount)) for link in shop.orders.covered_by(run)] == [(ben.number, "whey", "100 L")]
    shop.production.complete(run, made="20 kg")
    assert shop.production.covering(ben) == (run,)
    assert str(shop.stock.level("whey").available) == "70 L"
    assert shop.orders.status(ben).value == "ready to ship"
    shop.verify()


def test_less_whey_than_was_promised_takes_it_from_the_last_in_the_queue():
    shop = shop_with()
    run = begun(shop, "cheese", "20 kg")
    anna, ben = order(shop, "Anna", ("whey", "90 L")), order(shop, "Ben", ("whey", "80 L"))
    for one in (anna, ben):
        shop.orders.confirm(one)
    done = shop.production.complete(run, made="20 kg", by_products={"whey": {"W-1": "60 L", "W-2": "50 L"}})
    assert lost(done.displaced) == [(ben.number, "60 L")]
    assert {row.lot.code: str(row.allocated) for row in shop.stock.lots("whey")} == {"W-1": "60 L", "W-2": "50 L"}
    shop.verify()


def test_a_cancelled_or_smaller_run_names_who_counted_on_its_whey():
    shop = shop_with()
    run = shop.production.plan("cheese", "20 kg").production
    ben = order(shop, "Ben", ("whey", "170 L"))
    shop.orders.confirm(ben)
    assert lost(shop.production.change(run, "10 kg").displaced) == [(ben.number, "85 L")]
    assert lost(shop.production.cancel(run)) == [(ben.number, "85 L")]
    shop.verify()


def test_a_split_run_keeps_its_promises_of_whey_and_a_merge_brings_them_together():
    shop = shop_with()
    run = shop.production.plan("cheese", "20 kg").production
    ben = order(shop, "Ben", ("whey", "100 L"))
    shop.orders.confirm(ben)
    parts = shop.production.split(run, ["10 kg"])
    assert parts.displaced == ()
    assert sorted(str(link.amount) for part in parts.productions for link in shop.orders.covered_by(part)) == ["15 L", "85 L"]
    shop.verify()
    whole = shop.production.merge(run, [parts.productions[1]]).production
    assert [str(link.amount) for link in shop.orders.covered_by(whole)] == ["100 L"]
    shop.verify()


def test_a_stopped_run_brings_no_whey_any_more():
    shop = shop_with()
    run = begun(shop, "cheese", "20 kg")
    ben = order(shop, "Ben", ("whey", "100 L"))
    shop.orders.confirm(ben)
    assert lost(shop.production.stop(run, reason="the culture is dead").displaced) == [(ben.number, "100 L")]
    shop.verify()


def test_a_reversal_takes_back_the_whey_with_the_cheese():
    shop = shop_with()
    run = begun(shop, "cheese", "20 kg")
    shop.production.complete(run, made="20 kg")
    shop.production.reverse(run, "5 kg")
    assert there(shop, "cheese", "whey", "milk") == {"cheese": "15 kg", "whey": "127.5 L", "milk": "850 L"}
    ben = order(shop, "Ben", ("whey", "100 L"))
    shop.orders.confirm(ben)
    with pytest.raises(Short):
        shop.production.reverse(run)
    assert lost(shop.production.reverse(run, force=True).displaced) == [(ben.number, "100 L")]
    assert there(shop, "cheese", "whey", "milk") == {"cheese": "0 kg", "whey": "0 L", "milk": "1000 L"}
    shop.verify()


def test_one_order_for_cheese_and_whey_needs_one_run_whatever_the_order_of_its_lines():
    for lines in ([("whey", "80 L"), ("cheese", "10 kg")], [("cheese", "10 kg"), ("whey", "80 L")]):
        shop = shop_with()
        both = order(shop, "Anna", *lines)
        assert len(shop.orders.confirm(both).productions) == 1
        shop.verify()


def test_a_co_product_is_a_reason_to_make_and_a_by_product_without_cost_is_not():
    shop = shop_with()
    whey, water = order(shop, "Anna", ("whey", "17 L")), order(shop, "Ben", ("curd-water", "1 L"))
    (run,) = shop.orders.confirm(whey).productions
    assert (shop.production.get(run).item, str(shop.production.get(run).planned)) == ("cheese", "2 kg")
    asked = shop.orders.confirm(water)
    assert (asked.productions, str(asked.shortages[0].missing)) == ((), "0.6 L")
    assert str(shop.stock.level("cheese").incoming) == "2 kg"
    shop.verify()


# no main product --------------------------------------------------------------------------------------------------------


def test_a_chicken_is_taken_apart_into_outputs_of_equal_rank():
    """Lesson 51: no main product; the run is told by what it takes apart."""
    shop = shop_with()
    run = begun(shop, "chicken", "200 each", recipe="cutting")
    assert run.items == ("breast", "wing", "carcass")
    part = shop.production.report(run, made="50 each")
    assert (part.lot, str(part.made), [lot.item for lot in part.by_products]) == (None, "50 each", ["breast", "wing", "carcass"])
    done = shop.production.complete(run, made="140 each", by_products={"breast": "80 kg"})
    assert there(shop, "chicken", "breast", "wing", "carcass") == {
        "chicken": "60 each", "breast": "110 kg", "wing": "38 kg", "carcass": "133 kg",
    }  # fmt: skip
    assert (str(done.output.planned), str(done.output.used)) == ("200 each", "190 each")
    assert str(done.outputs["breast"].used) == "110 kg"
    shop.verify()


def test_more_chickens_than_lay_on_the_line_were_taken_apart():
    """Law 7: it happened."""
    shop = shop_with()
    run = begun(shop, "chicken", "100 each", recipe="cutting")
    shop.production.complete(run, made="120 each")
    assert there(shop, "chicken", "wing") == {"chicken": "130 each", "wing": "24 kg"}
    shop.verify()
    with pytest.raises(TooMuch):
        shop.production.complete(begun(shop, "chicken", "100 each", recipe="cutting"), made="131 each")


def test_what_was_taken_apart_is_put_together_again_in_proportion():
    shop = shop_with()
    run = begun(shop, "chicken", "200 each", recipe="cutting")
    shop.production.complete(run, made="200 each")
    back = shop.production.reverse(run, "50 each")
    assert (back.state, there(shop, "chicken", "breast")) == ("done", {"chicken": "100 each", "breast": "90 kg"})
    assert shop.production.reverse(run).state == "reversed"
    assert there(shop, "chicken", "breast", "wing", "carcass") == {
        "chicken": "250 each", "breast": "0 kg", "wing": "0 kg", "carcass": "0 kg",
    }  # fmt: skip
    shop.verify()


def test_nuggets_and_wings_come_out_of_the_same_chickens():
    shop = shop_with()
    anna = order(shop, "Anna", ("nuggets", "12 kg"))
    runs = [shop.production.get(number) for number in shop.orders.confirm(anna).productions]
    assert [(run.item, str(run.planned)) for run in runs] == [("nuggets", "12 kg"), ("chicken", "16 each")]
    ben = order(shop, "Ben", ("wing", "3.2 kg"))
    assert shop.orders.confirm(ben).productions == ()
    shop.production.start(runs[1])
    shop.production.complete(runs[1], made="16 each")
    assert shop.orders.status(ben).value == "ready to ship"
    shop.production.start(runs[0])
    shop.production.complete(runs[0], made="12 kg")
    assert shop.orders.status(anna).value == "ready to ship"
    shop.verify()


def test_the_trace_goes_from_the_flock_to_every_part_and_back():
    shop = shop_with()
    run = begun(shop, "chicken", "100 each", recipe="cutting")
    shop.production.complete(run, made="100 each", lot="C")
    (flock,) = [row.lot.code for row in shop.stock.lots("chicken")]
    forward = shop.trace.forward("chicken", flock)
    assert {("breast", "C"), ("wing", "C"), ("carcass", "C")} <= {(one.item, one.code) for one in forward.lots}
    assert ("chicken", flock) in {(one.item, one.code) for one in shop.trace.back("wing", "C").lots}


def test_what_cannot_be_said_of_taking_apart_is_refused_with_the_way_out():
    shop = shop_with()
    with pytest.raises(NoSource):
        shop.production.plan("chicken", "10 each")  # nobody makes chickens
    with pytest.raises(Unknown, match="cutting"):
        shop.production.plan("chicken", "10 each", recipe="cooking")
    run = begun(shop, "chicken", "100 each", recipe="cutting")
    with pytest.raises(InvalidInput, match="scrap its outputs"):
        shop.production.complete(run, made="100 each", scrapped="1 each")
    with pytest.raises(InvalidInput, match="made"):
        shop.production.complete(run, made="100 each", used={"chicken": "99 each"})
    with pytest.raises(InvalidInput, match="told on its outputs"):
        Recipe("chicken", makes="1 each", apart=True, process_yield="90 %", outputs=[Output("breast", "1 kg", cost="100 %")])
    shop.verify()


def test_an_output_may_go_back_into_what_makes_it_without_a_circle():
    """Whey that is made into ricotta, whose own whey goes into the cheese again: nothing is made on demand."""
    shop = shop_with()
    shop.register(
        Item("ricotta", unit="kg", step="1 g"),
        Recipe("milk", makes="10 L", ingredients=[Ingredient("whey", "12 L")], code="back to milk"),
    )
    assert shop.orders.confirm(order(shop, "Anna", ("whey", "17 L"))).shortages

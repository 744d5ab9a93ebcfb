"""Whole days with recipes of every kind: what the rules say is what the workshop plans, uses and keeps."""

from __future__ import annotations

from datetime import date

import pytest

from krafte_core import BatchSize, Ingredient, Item, OrderLine, Recipe
from krafte_core.errors import InvalidInput, RecipeCycle, Unsolvable
from krafte_core.recipes import Output, Substitute
from krafte_core.testing import FakeClock
from krafte_core.workshop import Workshop


def shop_of(*values) -> Workshop:
    shop = Workshop.in_memory(clock=FakeClock("2026-03-02 08:00"))
    shop.register(
        *(Item(name, unit="kg", step="1 g") for name in ("cream", "base", "oil", "water", "wax", "salt")),
        *(Item(name, unit="each", packs={"each": "10 g"}) for name in ("sachet",)),
        *(Item(name, unit="each") for name in ("jar", "lid")),
    )
    shop.register(*values)
    for item in ("oil", "water", "wax", "salt"):
        shop.stock.receive(item, "1000 kg")
    for item in ("sachet", "jar", "lid"):
        shop.stock.receive(item, "5000 each")
    return shop


def used(shop: Workshop, number: str) -> dict[str, str]:
    """What a run needs, line by line."""
    return {need.line: str(need.required) for need in shop.production.get(number).needs}


def made_for(shop: Workshop, item: str, amount: str) -> list[str]:
    order = shop.orders.place(customer="Anna", lines=[OrderLine(item, amount)])
    return [*shop.orders.confirm(order).productions]


MIXED = Recipe(
    "cream", makes="100 kg",
    ingredients=[
        Ingredient("oil", "20 %"), Ingredient("sachet", "1 each", per="started 40 kg"),
        Ingredient("salt", "30 g", per="batch"), Ingredient("water", "q.s."),
    ],
)  # fmt: skip


def test_a_run_needs_what_its_kinds_of_line_say_and_uses_it():
    """Law 1 and the balance: 24.96 kg of charge in every gram."""
    shop = shop_of(MIXED)
    (run,) = made_for(shop, "cream", "100 kg")
    assert used(shop, run) == {"oil": "20 kg", "sachet": "3 each", "salt": "0.03 kg", "water": "79.94 kg"}
    shop.production.start(run)
    done = shop.production.complete(run, made="100 kg")
    assert done.deviations == {}
    assert str(shop.stock.level("sachet").on_hand) == "4997 each"
    shop.verify()


def test_what_came_out_is_never_refused_because_the_recipe_has_no_figure_for_it():
    """Law 7: a table that ends at 20 kg, and a balance without room, plan nothing else; but 25 kg came out, and 1 kg."""
    lines = [
        Ingredient("salt", table={"5 kg": "50 g", "20 kg": "200 g"}),
        Ingredient("oil", "2 kg", per="batch"),
        Ingredient("water", "q.s."),
    ]
    shop = shop_of(Recipe("cream", makes="10 kg", ingredients=lines))
    much, little = (made_for(shop, "cream", "10 kg")[0] for _ in range(2))
    for run in (much, little):
        shop.production.start(run)
    done = shop.production.complete(much, made="25 kg", used={})
    assert str(done.made) == "25 kg"
    shop.production.report(little, made="1 kg")
    shop.production.complete(little, made="9 kg")
    shop.verify()


def test_a_vessel_splits_an_order_into_fair_batches_and_each_has_its_own_sachets():
    shop = shop_of(Recipe("cream", makes="100 kg", ingredients=MIXED.ingredients, batch=BatchSize(vessel="50 kg")))
    runs = made_for(shop, "cream", "120 kg")
    assert [used(shop, run) for run in runs] == [{"oil": "8 kg", "sachet": "1 each", "salt": "0.03 kg", "water": "31.96 kg"}] * 3


def test_a_phantom_has_no_runs_and_no_stock():
    shop = shop_of(
        Recipe("cream", makes="10 kg", ingredients=[Ingredient("base", "9 kg"), Ingredient("wax", "1 kg")]),
        Recipe("base", makes="1 kg", ingredients=[Ingredient("oil", "50 %"), Ingredient("water", "q.s.")], phantom=True),
    )
    shop.stock.receive("base", "500 kg")
    (run,) = made_for(shop, "cream", "20 kg")
    assert used(shop, run) == {"base/oil": "9 kg", "base/water": "9 kg", "wax": "2 kg"}
    shop.production.start(run)
    assert shop.production.complete(run, made="20 kg").deviations == {}
    assert str(shop.stock.level("base").on_hand) == "500 kg"
    shop.verify()


def test_the_version_of_the_day_is_made_and_a_run_keeps_its_own():
    winter = Recipe("cream", makes="1 kg", code="winter", ingredients=[Ingredient("wax", "100 %")], valid_until=date(2026, 3, 31))
    summer = Recipe("cream", makes="1 kg", code="summer", ingredients=[Ingredient("oil", "100 %")], valid_from=date(2026, 4, 1))
    clock = FakeClock("2026-03-31 08:00")
    shop = Workshop.in_memory(clock=clock)
    shop.register(*(Item(name, unit="kg", step="1 g") for name in ("cream", "oil", "wax")), winter, summer)
    for item in ("oil", "wax"):
        shop.stock.receive(item, "100 kg")
    (before,) = made_for(shop, "cream", "5 kg")
    clock.set("2026-04-01 08:00")
    (after,) = made_for(shop, "cream", "5 kg")
    assert (used(shop, before), used(shop, after)) == ({"wax": "5 kg"}, {"oil": "5 kg"})
    assert shop.production.get(before).recipe.code == "winter"


def test_a_large_order_is_made_by_the_recipe_for_large_amounts():
    shop = shop_of(
        Recipe("cream", makes="1 kg", code="small", ingredients=[Ingredient("wax", "100 %")], largest="50 kg"),
        Recipe("cream", makes="1 kg", code="large", ingredients=[Ingredient("oil", "100 %")], smallest="50 kg", preference=1),
    )
    made = {amount: used(shop, *made_for(shop, "cream", amount)) for amount in ("49.999 kg", "50 kg")}
    assert made == {"49.999 kg": {"wax": "49.999 kg"}, "50 kg": {"oil": "50 kg"}}


def test_two_recipes_that_nothing_tells_apart_are_refused_when_they_are_registered():
    lines = [Ingredient("oil", "100 %")]
    with pytest.raises(InvalidInput):
        shop_of(Recipe("cream", makes="1 kg", ingredients=lines), Recipe("cream", makes="1 kg", ingredients=lines, code="other"))
    shop_of(
        Recipe("cream", makes="1 kg", ingredients=lines, largest="50 kg"),
        Recipe("cream", makes="1 kg", ingredients=lines, code="large", smallest="50.001 kg"),
    )


def test_a_recipe_that_cannot_be_is_refused_when_it_is_registered_and_nothing_changes():
    """Lesson 8, and the issue's list: conflicts, circles, a formula that nobody knows."""
    shop = shop_of(MIXED)
    for wrong, kind in (
        (Recipe("cream", makes="1 kg", ingredients=[Ingredient("oil", "90 %")]), Unsolvable),
        (Recipe("base", makes="1 kg", ingredients=[Ingredient("oil", "2 kg", substitutes=[Substitute("base")])]), RecipeCycle),
        (Recipe("base", makes="1 kg", ingredients=[Ingredient("oil", "1 kg")], outputs=[Output("nobody", "1 kg")]), Exception),
        (Recipe("base", makes="1 kg", ingredients=[Ingredient("oil", "1 kg", formula="nobody@1")]), Exception),
    ):
        with pytest.raises(kind):
            shop.register(wrong)
    (run,) = made_for(shop, "cream", "10 kg")
    assert used(shop, run)["oil"] == "2 kg"

"""What a formulator asks of the workshop: how much can I make now, what is in it, where is it used."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core import Ingredient, Item, Recipe
from krafte_core.declarations import ingredient_list
from krafte_core.errors import NoSource, Unknown
from krafte_core.recipes import BatchSize, Substitute
from krafte_core.testing import FakeClock
from krafte_core.workshop import Workshop
from tests.scenarios.test_contents_and_substitutes import balm_shop, paint_shop


def bakery(**kilograms: str) -> Workshop:
    """Rolls and a wreath of one dough; butter may be margarine."""
    shop = Workshop.in_memory(clock=FakeClock("2026-03-02 08:00"))
    shop.register(
        *(Item(name, unit="kg", step="1 g") for name in ("dough", "flour", "milk", "butter", "margarine", "wreath")),
        Recipe(
            "dough",
            makes="10 kg",
            ingredients=[
                Ingredient("flour", "60 %"),
                Ingredient("butter", "5 %", substitutes=[Substitute("margarine", ratio="1.1")]),
                Ingredient("milk", "q.s."),
            ],
        ),
        Recipe("wreath", makes="1 kg", ingredients=[Ingredient("dough", "1 kg"), Ingredient("butter", "0.05 kg")]),
    )
    for name, amount in kilograms.items():
        shop.stock.receive(name, amount, lot=name)
    return shop


def test_how_much_can_be_made_counts_shared_parts_once_and_says_what_limits_it():
    shop = bakery(flour="60 kg", milk="35 kg", butter="2 kg")
    assert str(shop.production.buildable("dough").amount) == "40 kg"  # 2 kg of butter at 5 %
    wreath = shop.production.buildable("wreath")
    assert (str(wreath.amount), [item for item, _ in wreath.limits]) == ("20 kg", ["butter"])  # which goes in twice
    shop.stock.receive("margarine", "2.2 kg")
    assert str(shop.production.buildable("dough").amount) == "80 kg"  # and for 2 kg more of it there is margarine
    shop.production.plan("dough", "10 kg")
    assert str(shop.production.buildable("dough").amount) == "70 kg"  # what is reserved is not free


def test_lots_count_by_their_content_and_batches_come_whole():
    shop = paint_shop(("P-1", "10 L", "60 %"), ("P-2", "10 L", None))
    assert str(shop.production.buildable("paint").amount) == "66.666 L"
    shop = balm_shop(shea="0.5 kg", mango="1.1 kg")
    assert str(shop.production.buildable("balm").amount) == "1.5 kg"
    shop = Workshop.in_memory(clock=FakeClock("2026-03-02 08:00"))
    bar = Recipe("bar", makes="12 each", ingredients=[Ingredient("soap", "1 kg")], batch=BatchSize(exactly="12 each"))
    shop.register(Item("bar", unit="each"), Item("soap", unit="kg", step="1 g"), bar)
    shop.stock.receive("soap", "2.9 kg")
    assert str(shop.production.buildable("bar")) == "24 each of bar can be made now; limited by soap"


def test_a_batch_that_is_too_small_for_its_lines_is_not_what_limits():
    shop = Workshop.in_memory(clock=FakeClock("2026-03-02 08:00"))
    lines = [Ingredient("salt", "1 kg", per="batch"), Ingredient("water", "q.s.")]
    shop.register(
        *(Item(name, unit="kg", step="1 g") for name in ("brine", "salt", "water")), Recipe("brine", makes="10 kg", ingredients=lines)
    )
    assert shop.production.buildable("brine").amount.is_zero
    shop.stock.receive("salt", "1 kg")
    shop.stock.receive("water", "49 kg")
    assert str(shop.production.buildable("brine").amount) == "50 kg"


def test_nobody_makes_it_and_nobody_knows_it():
    shop = bakery()
    with pytest.raises(NoSource):
        shop.production.buildable("flour")
    with pytest.raises(Unknown):
        shop.production.buildable("flower")
    assert shop.production.buildable("dough").amount.is_zero


def would_lack(shop, name, amount):
    """What would be missing if so much were planned."""
    return shop.preview(lambda trial: trial.production.plan(name, amount)).answer.shortages


@given(flour=st.integers(0, 5000), milk=st.integers(0, 5000), butter=st.integers(0, 500), margarine=st.integers(0, 500))
def test_exactly_so_much_can_be_made_and_not_a_step_more(flour, milk, butter, margarine):
    amounts = {"flour": flour, "milk": milk, "butter": butter, "margarine": margarine}
    shop = bakery(**{name: f"{steps} g" for name, steps in amounts.items() if steps})
    for name in ("dough", "wreath"):
        most = shop.production.buildable(name).amount
        if not most.is_zero:
            assert would_lack(shop, name, most) == ()
        more = f"{int(most.value * 1000) + 1} g"
        assert would_lack(shop, name, more) != ()


def test_what_is_in_it_by_the_recipe_and_by_the_lots_that_went_in():
    shop = bakery(flour="60 kg", milk="35 kg", butter="0.5 kg", margarine="2 kg")
    names = {"flour": "Wheat flour", "milk": "Milk", "butter": "Butter", "margarine": "Margarine"}
    by_recipe = shop.production.composition("wreath")
    assert [row.name for row in ingredient_list(by_recipe, shop.catalogue.items, names)] == ["Wheat flour", "Milk", "Butter"]
    lot = shop.production.make("dough", "20 kg").lot
    inside = shop.production.composition("dough", lot=lot.code)
    assert inside.weights["margarine"] / inside.weights["butter"] == Fraction(11, 10)
    assert shop.production.composition("flour", lot="flour").weights.keys() == {"flour"}


def test_where_it_is_used_and_what_goes_into_what():
    structure = bakery().production.structure()
    assert [(use.product, use.ref, use.ratio) for use in structure.where_used("butter")] == [
        ("dough", "butter", Fraction(1, 20)), ("wreath", "butter", Fraction(1, 20)), ("wreath", "dough", Fraction(1, 20)),
    ]  # fmt: skip
    assert "wreath" in str(structure.explode({"wreath": 1000}))

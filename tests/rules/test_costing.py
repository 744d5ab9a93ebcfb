"""Costing and declarations: rolled up over all levels, exactly; and what lots really cost and contain."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core.allergens import carriers
from krafte_core.costing import cost, lot_costs, weighted
from krafte_core.declarations import (
    composition,
    contained,
    declared,
    good_until,
    ingredient_list,
    lot_compositions,
    nutrients,
)
from krafte_core.errors import CurrencyMismatch, InvalidInput
from krafte_core.items import Item
from krafte_core.money import UnroundedMoney, money
from krafte_core.quantities import Scale
from krafte_core.recipes import BatchSize, Ingredient, Operation, Output, Recipe, compiled
from krafte_core.stock import Lot, Move, Posting, Stocked, pick
from krafte_core.structure import Structure

DAY = datetime(2026, 3, 2, tzinfo=UTC)
EACH = Scale("each", Decimal(1))


def structure(items: dict[str, Item], *recipes: Recipe) -> Structure:
    return Structure({recipe.item: compiled(recipe, items) for recipe in recipes})


def items_of(**units: str) -> dict[str, Item]:
    return {name: Item(name, unit=unit) for name, unit in units.items()}


# ------------------------------------------------------------------------------------------------------------- roll-up


def test_the_cost_of_eighty_pieces_through_three_levels_with_mixed_units():
    """erp BOM-001: exactly 32/11, where rounding a level on the way gives 2.92."""
    items = items_of(base="kg", oil="L") | {"jar": Item("jar", unit="each"), "pack": Item("pack", unit="each", step="0.01 each")}
    web = structure(
        items,
        Recipe("jar", makes="100 each", ingredients=[Ingredient("base", "5 kg")]),
        Recipe("base", makes="11 kg", ingredients=[Ingredient("pack", "2 dozen")]),
        Recipe("pack", makes="5 dozen", ingredients=[Ingredient("oil", "4 L")]),
    )
    found = cost(web, "jar", 80, {"oil": money("5 EUR")})
    assert found.total == UnroundedMoney(Fraction(32, 11), "EUR")
    assert str(found.total.rounded()) == "2.91 EUR"
    assert found.unit_cost == UnroundedMoney(Fraction(32, 11) / 80, "EUR")
    assert cost(web, "jar", 80, {"pack": money("1 EUR")}, standard={"pack"}).total.value == Fraction(80, 100) * 5 / 11 * 24


def soap(**more) -> Structure:
    items = items_of(soap="each", oil="kg", lye="kg", whey="L")
    recipe = Recipe(
        "soap", makes="100 each", ingredients=[Ingredient("oil", "8 kg"), Ingredient("lye", "1 kg")],
        operations=[Operation("mix", at="kettle", setup="30 min", run="1 h"), Operation("cure", wait="28 days")], **more,
    )  # fmt: skip
    return structure(items, recipe)


PRICES = {"oil": money("5 EUR"), "lye": money("2 EUR")}


def test_work_counts_per_batch_and_is_shown_per_operation():
    found = cost(soap(batch=BatchSize(exactly="50 each")), "soap", 100, PRICES, {"kettle": money("60 EUR")})
    assert [(one.operation, one.at, one.seconds) for one in found.work] == [("mix", "kettle", 2 * 3600)]  # two setups, two half runs
    assert found.total.value == 40 + 2 + 120
    assert found.unit_cost.value == Fraction(162, 100)
    assert str(found).splitlines()[0] == "soap: 100 each cost 162.00 EUR"
    assert found._repr_html_().count("<tr>") == 5


def test_a_batch_that_makes_more_than_is_needed_costs_what_is_needed_of_it():
    found = cost(soap(batch=BatchSize(exactly="100 each")), "soap", 25, PRICES, {"kettle": money("60 EUR")})
    assert found.total.value == Fraction(42 + 90, 4)


@given(st.integers(0, 100), st.integers(1, 10**6))
def test_outputs_share_the_cost_and_the_shares_add_up(share, steps):
    found = cost(soap(outputs=[Output("whey", "4 L", cost=f"{share} %")]), "soap", steps, PRICES)
    product, whey = found.outputs
    assert product.cost + whey.cost == found.total
    assert whey.cost.value * 100 == found.total.value * share
    assert product.unit_cost.value * steps + whey.unit_cost.value * steps * Fraction(4, 100) == found.total.value


def test_a_by_product_below_takes_its_share_off():
    items = items_of(cheese="kg", curd="kg", milk="L", whey="L")
    web = structure(
        items,
        Recipe("cheese", makes="1 kg", ingredients=[Ingredient("curd", "2 kg"), Ingredient("milk", "1 L")]),
        Recipe("curd", makes="1 kg", ingredients=[Ingredient("milk", "5 L")], outputs=[Output("whey", "4 L", cost="20 %")]),
    )
    found = cost(web, "cheese", 1_000_000, {"milk": money("1 EUR")})
    assert found.total.value == 1 + 2 * 5 * Fraction(80, 100)


def test_what_is_taken_apart_has_no_main_product():
    """Lesson 51."""
    items = items_of(hen="kg", breast="kg", leg="kg")
    outputs = [Output("breast", "30 kg", cost="60 %"), Output("leg", "40 kg", cost="40 %")]
    hens = compiled(Recipe("hen", makes="100 kg", apart=True, outputs=outputs), items)
    found = cost(Structure({}), hens, items["hen"].steps("100 kg"), {"hen": money("4 EUR")})
    assert [(one.item, one.cost.value, one.unit_cost.value) for one in found.outputs] == [("breast", 240, 8), ("leg", 160, 4)]


def test_a_starter_costs_what_it_is_fed_with_and_is_in_the_bread_as_its_flour():
    items = items_of(bread="kg", starter="kg", flour="kg")
    fed = Recipe("starter", makes="10 kg", ingredients=[Ingredient("flour", "90 %"), Ingredient("starter", "10 %", from_stock=True)])
    web = structure(items, Recipe("bread", makes="1 kg", ingredients=[Ingredient("starter", "100 %")]), fed)
    assert cost(web, "bread", 10**6, {"flour": money("2 EUR")}).total.value == 2
    assert composition(web, "bread", items).weights == {"flour": 1}


def test_rework_of_what_is_made_from_it_is_taken_at_its_price():
    items = items_of(bread="kg", crumbs="kg", flour="kg")
    crumbs = Recipe("crumbs", makes="1 kg", ingredients=[Ingredient("bread", "1 kg", from_stock=True)])
    bread = Recipe("bread", makes="10 kg", ingredients=[Ingredient("flour", "9 kg"), Ingredient("crumbs", "1 kg")])
    found = cost(structure(items, crumbs, bread), "bread", 10**6, {"flour": money("2 EUR"), "bread": money("3 EUR")})
    assert found.total.value == Fraction(9 * 2 + 3, 10)


def test_missing_prices_are_told_all_at_once():
    with pytest.raises(InvalidInput) as refused:
        cost(soap(), "soap", 1, {}, {})
    assert set(refused.value.given) == {"oil", "lye", "kettle"}
    with pytest.raises(CurrencyMismatch):
        _ = cost(soap(), "soap", 1, PRICES | {"lye": money("2 USD")}).total


def test_a_what_if_is_another_price():
    now, then = (cost(soap(), "soap", 100, PRICES | {"oil": money(price)}).total.value for price in ("5 EUR", "6 EUR"))
    assert then - now == 8


# ---------------------------------------------------------------------------------------------------------- actual cost


def lots(**prices: str | None) -> dict[tuple[str, str], Lot]:
    """`C_1="10 EUR"`: lot 1 of item C was received at ten euros."""
    found = {}
    for name, price in prices.items():
        item, code = name.split("_")
        found[item, code] = Lot(item, code, received_at=DAY, unit_cost=None if price is None else money(price))
    return found


def post(kind: str, paper: str, *moves: tuple[str, str, int, str, str]) -> Posting:
    return Posting(kind, paper, DAY, DAY, tuple(Move(*move) for move in moves))


SCALES = dict.fromkeys(("A", "B", "C", "P"), EACH)


def test_a_production_inherits_the_cost_of_its_lots_one_by_one():
    """erp VAL-011: first in, first out; 10 and then 20."""
    postings = [
        post("use", "R1", ("C", "1", 1, "stock", "production")), post("make", "R1", ("A", "R1", 1, "production", "stock")),
        post("use", "R2", ("C", "2", 1, "stock", "production")), post("make", "R2", ("A", "R2", 1, "production", "stock")),
    ]  # fmt: skip
    found = lot_costs(postings, lots(C_1="10 EUR", C_2="20 EUR"), SCALES)
    assert [found.unit_cost("A", run, EACH).value for run in ("R1", "R2")] == [10, 20]


def test_the_good_output_carries_the_whole_cost():
    """tryton prod-cost-5."""
    postings = [
        post("use", "R", ("C", "1", 20, "stock", "production")),
        post("make", "R", ("P", "R", 2, "production", "stock")),
        post("scrap", "R", ("P", "R", 1, "stock", "scrap")),
    ]
    found = lot_costs(postings, lots(C_1="1 EUR"), SCALES, work={"R": money("3 EUR")})
    assert found.unit_cost("P", "R", EACH).value == 23
    assert (found.lost, found.unpriced) == ({}, ())


def test_a_run_without_good_output_shows_what_it_lost():
    postings = [
        post("use", "R", ("C", "1", 2, "stock", "production")), post("make", "R", ("P", "R", 1, "production", "stock")),
        post("scrap", "R", ("P", "R", 1, "stock", "scrap")),
    ]  # fmt: skip
    assert lot_costs(postings, lots(C_1="4 EUR"), SCALES).lost == {"R": 8}


def test_co_products_share_and_the_rest_goes_to_the_others():
    postings = [
        post("use", "R", ("C", "1", 10, "stock", "production")),
        post(
            "make",
            "R",
            ("A", "R", 4, "production", "stock"),
            ("B", "R", 5, "production", "stock"),
            ("P", "R", 1, "production", "stock"),
        ),
    ]
    found = lot_costs(postings, lots(C_1="10 EUR"), SCALES, shares={"R": {"B": Fraction(30, 100), "P": Fraction(0)}})
    assert {key: each for key, each in found.per_step.items() if key[1] == "R"} == {
        ("A", "R"): Fraction(70, 4), ("B", "R"): 6, ("P", "R"): 0,
    }  # fmt: skip


@given(st.integers(1, 50), st.integers(1, 50), st.integers(0, 9))
def test_rework_within_a_run_is_solved_and_no_money_appears_or_vanishes(used, made, back):
    """A part of what a run made goes into it again: x = (10 used + back x) / made."""
    made += back
    postings = [
        post("use", "R", ("C", "1", used, "stock", "production"), ("A", "R", back, "stock", "production")),
        post("make", "R", ("A", "R", made, "production", "stock")),
    ]
    found = lot_costs(postings, lots(C_1="10 EUR"), SCALES)
    each = found.unit_cost("A", "R", EACH)
    assert each.value * (made - back) == 10 * used


def test_what_nobody_priced_is_said_and_not_guessed():
    postings = [
        post("use", "R", ("C", "1", 1, "stock", "production"), ("C", "2", 1, "stock", "production")),
        post("make", "R", ("A", "R", 1, "production", "stock")),
        post("use", "S", ("A", "R", 1, "stock", "production")), post("make", "S", ("P", "S", 1, "production", "stock")),
    ]  # fmt: skip
    found = lot_costs(postings, lots(C_1="10 EUR", C_2=None), SCALES)
    assert found.unit_cost("P", "S", EACH) is None
    assert found.unpriced == (("C", "2"),)
    with pytest.raises(InvalidInput):
        found.unit_cost("P", "T", EACH)


def test_without_any_price_there_is_no_currency_to_guess():
    postings = [post("use", "R", ("C", "1", 1, "stock", "production")), post("make", "R", ("A", "R", 1, "production", "stock"))]
    found = lot_costs(postings, lots(C_1=None), SCALES)
    assert (found.currency, found.unit_cost("A", "R", EACH)) == (None, None)


def test_a_chain_of_five_thousand_runs_needs_no_recursion():
    postings = [post("use", "R0", ("C", "1", 1, "stock", "production")), post("make", "R0", ("A", "R0", 1, "production", "stock"))]
    for n in range(1, 5000):
        postings += [
            post("use", f"R{n}", ("A", f"R{n - 1}", 1, "stock", "production")),
            post("make", f"R{n}", ("A", f"R{n}", 1, "production", "stock")),
        ]
    assert lot_costs(postings, lots(C_1="10 EUR"), SCALES).unit_cost("A", "R4999", EACH).value == 10


def test_a_use_that_was_taken_back_costs_nothing():
    postings = [
        post("use", "R", ("C", "1", 5, "stock", "production")), post("make", "R", ("A", "R", 1, "production", "stock")),
        post("reverse", "R", ("C", "1", 2, "production", "stock")),
    ]  # fmt: skip
    assert lot_costs(postings, lots(C_1="1 EUR"), SCALES).unit_cost("A", "R", EACH).value == 3


@pytest.mark.parametrize(
    ("rows", "price"),
    [
        ([(10, "5 EUR"), (25, "10 EUR"), (5, "75 EUR")], Fraction("16.875")),
        ([(10, None), (15, "10 EUR"), (30, None)], 10),
        ([(10, None), (20, None)], None),
    ],
    ids=range(3),
)
def test_merged_rows_have_the_weighted_price_of_those_that_have_one(rows, price):
    """erp VAL-027."""
    found = weighted([(steps, None if each is None else money(each)) for steps, each in rows])
    assert (found and found.value) == price


# --------------------------------------------------------------------------------------------------------- declarations

FOOD = {
    "cake": Item("cake", unit="kg"),
    "dough": Item("dough", unit="kg"),
    "flour": Item("flour", unit="kg", attributes={"allergens": "gluten", "inci": "wheat"}),
    "milk": Item("milk", unit="L", density="1.03 kg/L", attributes={"allergens": "milk", "inci": "water 88 %, milk solids 12 %"}),
    "apple": Item("apple", unit="kg", attributes={"inci": "apple"}),
    "box": Item("box", unit="each", kind="packaging", attributes={"allergens": "glue"}),
}
CAKE = structure(
    FOOD,
    Recipe("cake", makes="2 kg", ingredients=[Ingredient("dough", "1.5 kg"), Ingredient("apple", "1 kg", loss="20 %"),
                                              Ingredient("box", "1 each", follows="output")]),
    Recipe("dough", makes="3 kg", ingredients=[Ingredient("flour", "2 kg"), Ingredient("milk", "1 L")], process_yield="90 %"),
)  # fmt: skip


def test_allergens_come_up_from_every_level_with_where_they_come_from():
    assert contained(CAKE, "cake", declared(FOOD.values(), "allergens")) == {"gluten": ("flour",), "glue": ("box",), "milk": ("milk",)}
    day = datetime(2026, 1, 1, tzinfo=UTC)
    lots_in_it = [
        Lot("cake", "C-1", origin="run", received_at=day),
        Lot("flour", "F-7", received_at=day, attributes={"allergens": "Soy"}),
    ]
    assert carriers(lots_in_it, FOOD) == {"gluten": (("flour", "F-7"),), "soy": (("flour", "F-7"),)}
    assert carriers(lots_in_it, FOOD, "vegan") == {}


def test_the_composition_leaves_out_peel_and_packaging():
    found = composition(CAKE, "cake", FOOD)
    assert found.mass == 2
    assert found.weights == {"apple": 1, "flour": 1, "milk": Fraction(103, 200)}  # the peel, a fifth on top, stays outside


def test_ingredients_are_listed_by_descending_mass_and_names_are_added_up():
    cake = composition(CAKE, "cake", FOOD)
    found = ingredient_list(cake, FOOD)
    assert [one.name for one in found] == ["apple", "wheat", "water", "milk solids"]
    assert sum(one.share for one in found) == 1
    with pytest.raises(InvalidInput):
        ingredient_list(cake, FOOD, {"flour": "wheat"})
    with pytest.raises(InvalidInput):
        ingredient_list(cake, FOOD, {"flour": "wheat 90 %", "apple": "apple", "milk": "milk"})


def test_nutrients_get_denser_where_water_evaporates():
    values = {"flour": {"kJ": 1400, "salt g": Decimal("0.01")}, "milk": {"kJ": 270}, "apple": {"kJ": 220}}
    found = nutrients(composition(CAKE, "cake", FOOD), values)
    assert found == {"kJ": (1400 + 270 * Fraction(103, 200) + 220) / 2, "salt g": Fraction(1, 200)}
    with pytest.raises(InvalidInput) as refused:
        nutrients(composition(CAKE, "cake", FOOD), {"flour": {}})
    assert set(refused.value.given) == {"milk", "apple"}


def test_a_lot_contains_what_really_went_into_it():
    """More milk than the recipe says, and half of the cake burnt: that changes no share."""
    kilo = 10**6
    postings = [
        post("use", "D", ("flour", "F", 2 * kilo, "stock", "production"), ("milk", "M", 2 * kilo, "stock", "production")),
        post("make", "D", ("dough", "D", 4 * kilo, "production", "stock")),
        post("use", "C", ("dough", "D", 2 * kilo, "line", "production"), ("box", "B", 1, "stock", "production")),
        post("make", "C", ("cake", "C", 1 * kilo, "production", "stock")),
        post("scrap", "C", ("cake", "C", kilo // 2, "stock", "scrap")),
    ]
    found = lot_compositions(postings, FOOD)["cake", "C"]
    assert (found.mass * kilo, {item: weight * kilo for item, weight in found.weights.items()}) == (
        1, {"flour": 1, "milk": Fraction(103, 100)},
    )  # fmt: skip
    assert [one.name for one in ingredient_list(found, FOOD)] == ["wheat", "water", "milk solids"]
    assert nutrients(found, {"flour": {"kJ": 1400}, "milk": {"kJ": 270}})["kJ"] == 1400 + 270 * Fraction(103, 100)
    with pytest.raises(InvalidInput):
        lot_compositions(postings, FOOD | {"milk": Item("milk", unit="L")})


@given(st.integers(1, 50), st.integers(0, 50), st.integers(1, 99))
def test_the_kilograms_in_all_lots_of_a_run_are_those_that_went_in(used, back, made):
    """Also where a part of what was made went into it again."""
    made += back
    postings = [
        post("use", "R", ("flour", "F", used, "stock", "production"), ("dough", "R", back, "stock", "production")),
        post("make", "R", ("dough", "R", made, "production", "stock")),
    ]
    found = lot_compositions(postings, FOOD)["dough", "R"]
    assert found.weights["flour"] * (made - back) == Fraction(used, 10**6)


@pytest.mark.parametrize(
    ("rule", "wanted", "value", "missing"),
    [("fifo", 4, 70, 0), ("lifo", 15, 0, 6), ("fifo", 8, 150, 0)],
    ids=["fifo", "short", "more"],
)
def test_what_is_picked_is_valued_by_the_lots_that_were_taken(rule, wanted, value, missing):
    """erp VAL-015 (first in, first out over several receipts); VAL-014: what is not there is missing, never negative."""
    prices = [(1, 10), (2, 20), (1, 20), (5, 20)]
    rows = [
        Stocked(Lot("C", str(n), received_at=DAY + timedelta(days=n), unit_cost=money(f"{price} EUR")), "stock", steps, 0)
        for n, (steps, price) in enumerate(prices)
    ]
    picked = pick(rule, rows, wanted, date(2026, 4, 1), usable_places={"stock"})
    assert picked.missing == missing
    if not missing:
        each = weighted([(steps, row.lot.unit_cost) for row, steps in picked.taken])
        assert each.value * wanted == value


def test_the_shortest_date_decides_whether_it_is_the_process_or_an_ingredient():
    made = date(2026, 3, 2)
    assert good_until(made, "90 days", [("milk", date(2026, 3, 20)), ("salt", None)]) == (date(2026, 3, 20), "milk")
    assert good_until(made, "10 days", [("milk", date(2026, 3, 20))]) == (date(2026, 3, 12), "shelf life")
    assert good_until(made, None).until is None
    with pytest.raises(InvalidInput):
        good_until(made, "5 working hours")

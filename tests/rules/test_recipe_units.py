"""Units in recipes: exact through any chain, and pint is asked once for a unit, never in a loop."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core import units
from krafte_core.items import Item
from krafte_core.quantities import Quantity, decimal_of, number, qty
from krafte_core.recipes import Ingredient, Recipe, compiled
from krafte_core.sheets import needs, sheet
from krafte_core.solving import amount_of
from krafte_core.structure import Structure


@given(st.integers(1, 10**9), st.lists(st.sampled_from(("kg", "g", "mg", "t", "ug", "L", "mL", "cL", "hL")), min_size=1, max_size=8))
def test_converting_through_any_chain_of_units_returns_the_same_amount(steps, chain):
    """From kilograms to litres and back by the density, as decimals that people can write: not a part of a step is lost."""
    oil = Item("oil", unit="kg", density="0.8 kg/L")
    exact = Fraction(steps)
    for name in chain:
        exact = oil.exact(amount_of(oil, exact, name))
    assert exact == steps


@pytest.mark.parametrize(
    ("told", "kilograms"),
    [("1 lb", "45359237/100000000"), ("1 gal", "473176473/100000000"), ("1/2 doz", "348/1000"), ("1 egg", "58/1000")],
)
def test_a_pound_a_gallon_and_half_a_dozen_are_exact(told, kilograms):
    """Lesson 9: an American gallon of something of 1.25 kg/L, and half a dozen eggs of 58 g."""
    egg = Item("egg", unit="kg", density="1.25 kg/L", packs={"egg": "58 g", "doz": "12 egg"})
    assert egg.exact(told) == Fraction(kilograms) * 10**6


@given(st.integers(1, 10**6), st.integers(1, 1000))
def test_scaling_up_and_back_down_is_where_one_started(grams, times):
    """Before rounding it is linear; so three thirds are the whole."""
    items = {"jam": Item("jam", unit="kg"), "sugar": Item("sugar", unit="kg")}
    (line,) = compiled(Recipe("jam", makes="3 kg", ingredients=[Ingredient("sugar", f"{grams + 1} g")]), items).lines
    assert line.exact(Fraction(10**6, times)) * times == line.exact(10**6)
    assert sum(line.exact(Fraction(10**6, 3)) for _ in range(3)) == line.exact(10**6)


def test_an_amount_is_told_in_any_unit_of_the_dimension_and_rounded_only_where_it_is_asked_for():
    oil = Item("oil", unit="kg", density="0.9 kg/L", step="1 g")
    assert amount_of(oil, Fraction(1800), "L") == qty("2 L")
    assert amount_of(oil, Fraction(1000), "lb", step="0.01") == qty("2.2 lb")
    assert amount_of(oil, Fraction(1, 3), "g", step="0.001") == Quantity(number(decimal_of(Fraction(333, 1000))), "g")


def test_pint_is_asked_once_per_unit_and_never_in_a_loop(monkeypatch):
    """The number of questions to pint depends on the units that recipes name, not on lines, batches, or how often one scales."""
    asked: list[str] = []
    real = units.from_pint

    def counted(name, powers):
        asked.append(name)
        return real(name, powers)

    monkeypatch.setattr(units, "from_pint", counted)

    def forbidden(*_):
        raise AssertionError("pint was asked for a unit of the everyday table")

    units._rare.cache_clear()
    items = {"mix": Item("mix", unit="kg")} | {f"i{n}": Item(f"i{n}", unit="troy_ounce", density="2 kg/L") for n in range(200)}
    lines = [Ingredient(f"i{n}", f"{n + 1} {('stone', 'imperial_gallon', 'troy_ounce')[n % 3]}") for n in range(200)]
    known = compiled(Recipe("mix", makes="10 kg", ingredients=lines), items)
    assert sorted(set(asked)) == ["imperial_gallon", "stone", "troy_ounce"]
    assert len(asked) == 3
    monkeypatch.setattr(units, "registry", forbidden)
    monkeypatch.setattr(units, "from_pint", forbidden)
    for made in range(1, 200):
        needs(known, made * 10**6)
    web = Structure({"mix": known})
    web.explode({"mix": 10**9}, {f"i{n}": n * 10**6 for n in range(200)})
    web.buildable("mix", {f"i{n}": 10**9 for n in range(200)})
    assert "troy_ounce" in str(sheet(known, "1 kg"))


def test_everyday_recipes_never_load_pint(monkeypatch):
    def forbidden(*_):
        raise AssertionError("pint was asked")

    monkeypatch.setattr(units, "registry", forbidden)
    items = {"mix": Item("mix", unit="kg"), "oil": Item("oil", unit="kg", density="0.9 kg/L"), "egg": Item("egg", unit="each")}
    lines = [Ingredient("oil", "1 gal"), Ingredient("egg", "2 dozen"), Ingredient("oil", "3 fl_oz")]
    known = compiled(Recipe("mix", makes="10 lb", ingredients=lines), {**items, "mix": Item("mix", unit="lb")})
    assert str(sheet(known, "5 lb").line("egg").required) == "12 each"

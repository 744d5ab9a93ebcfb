"""Kinds of line: worked out together, exactly; and what is said when they cannot be."""

from __future__ import annotations

import math
from fractions import Fraction

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core.errors import (
    AlreadyExists,
    InvalidInput,
    NotPositive,
    NotWholeSteps,
    OutOfRange,
    RecipeCycle,
    UnitMismatch,
    Unknown,
    Unsolvable,
)
from krafte_core.growth import EVENLY, Growth, formula, stretched
from krafte_core.items import Item
from krafte_core.recipes import BatchSize, Formula, Ingredient, Operation, Output, Recipe, Substitute, compiled
from krafte_core.sheets import needs, sheet

CREAM = Item("cream", unit="kg", step="1 mg", density="0.98 kg/L")
WATER = Item("water", unit="kg", step="1 mg", density="1 kg/L")
OIL = Item("oil", unit="kg", step="1 mg", density="0.9 kg/L")
WAX = Item("wax", unit="kg", step="1 mg")
SCENT = Item("scent", unit="g", step="1 mg")
SACHET = Item("sachet", unit="each", packs={"each": "11 g"})
FILTER = Item("filter", unit="each", kind="packaging")
JAR = Item("jar", unit="each")
FLOUR, RYE, SALT, DOUGH, STARTER = (Item(name, unit="kg", step="1 mg") for name in ("flour", "rye", "salt", "dough", "starter"))
EVERYTHING = (CREAM, WATER, OIL, WAX, SCENT, SACHET, FILTER, JAR, FLOUR, RYE, SALT, DOUGH, STARTER)
ITEMS = {item.code: item for item in EVERYTHING}


def cream(*lines: Ingredient, makes: str = "10 kg", **more) -> Formula:
    return compiled(Recipe("cream", makes=makes, ingredients=lines, **more), ITEMS)


def amounts(made: Formula, amount: str) -> dict[str, str]:
    return {one.line.ref: str(one.required) for one in needs(made, made.item.steps(amount))}


# ------------------------------------------------------------------------------------------------------ percentages


def test_percent_lines_and_a_balance_are_the_charge():
    known = cream(Ingredient("oil", "20 %"), Ingredient("wax", "5 %"), Ingredient("water", "q.s."))
    assert amounts(known, "25 kg") == {"oil": "5 kg", "wax": "1.25 kg", "water": "18.75 kg"}


def test_every_kind_of_line_goes_with_every_other():
    known = cream(
        Ingredient("oil", "20 %"),
        Ingredient("wax", "0.5 kg"),
        Ingredient("sachet", "1 each", per="started 4 kg"),
        Ingredient("scent", "30 g", per="batch"),
        Ingredient("salt", table={"1 kg": "10 g", "100 kg": "505 g"}),
        Ingredient("water", "q.s."),
        Ingredient("jar", "1 each", follows="output", per="started 50 g"),
    )
    assert amounts(known, "10 kg") == {
        "oil": "2 kg",
        "wax": "0.5 kg",
        "sachet": "3 each",
        "scent": "30 g",
        "salt": "0.055 kg",
        "water": "7.382 kg",  # 10 - 2 - 0.5 - 0.033 - 0.03 - 0.055
        "jar": "200 each",
    }
    assert amounts(known, "20 kg")["water"] == "14.810 kg".replace("0 kg", " kg")  # 20 - 4 - 1 - 0.055 - 0.03 - 0.105


kinds = st.lists(
    st.sampled_from(
        [
            Ingredient("oil", "20 %"),
            Ingredient("oil", "0.25 L", loss="3 %"),
            Ingredient("wax", "0.5 kg", overage="10 %"),
            Ingredient("wax", "5 % ", by="mass"),
            Ingredient("sachet", "2 each", per="batch"),
            Ingredient("scent", "12 g", per="started 3 kg"),
            Ingredient("salt", table={"1 g": "1 g", "1000 kg": "50 kg"}),
            Ingredient("rye", "7 %", of="oil"),
        ]
    ),
    min_size=1,
    max_size=6,
    unique_by=str,
).filter(lambda lines: any(line.item == "oil" for line in lines) or all(line.of is None for line in lines))


@given(kinds, st.integers(10**6, 10**9), st.randoms(use_true_random=False))
def test_with_a_balance_what_is_in_the_charge_is_always_the_charge(lines, made, chance):
    """At every size; and the order of the lines is irrelevant."""
    listed = [*lines, Ingredient("water", "q.s.")]
    known = cream(*listed)
    inside = sum(
        line.exact(made) * (1 - one.loss) / ITEMS[line.item].ratio("kg") for line, one in zip(known.lines, listed, strict=True)
    )
    assert inside == Fraction(made) / CREAM.ratio("kg")
    chance.shuffle(listed)
    again = cream(*listed)
    assert sorted((line.item, line.exact(made)) for line in again.lines) == sorted(
        (line.item, line.exact(made)) for line in known.lines
    )


@given(st.lists(st.integers(1, 1000), min_size=2, max_size=8), st.integers(1000, 10**9))
def test_percentages_alone_must_reach_exactly_a_hundred(parts, made):
    total = sum(parts)
    items = {f"i{n}": Item(f"i{n}", unit="kg", step="1 mg") for n in range(len(parts))} | {"cream": CREAM}
    lines = [Ingredient(f"i{n}", qty_percent(Fraction(part * 100, total))) for n, part in enumerate(parts)]
    recipe = Recipe("cream", makes="10 kg", ingredients=lines)
    if sum(Fraction(line.amount[:-2]) for line in lines) == 100:
        known = compiled(recipe, items)
        assert sum(line.exact(made) for line in known.lines) == made
    else:
        with pytest.raises(Unsolvable):
            compiled(recipe, items)


def qty_percent(share: Fraction) -> str:
    return f"{float(round(share, 3)):.3f} %"


def test_percentages_that_fall_short_are_told_with_the_amount():
    with pytest.raises(Unsolvable) as refused:
        cream(Ingredient("oil", "20 %"), Ingredient("water", "77 %"))
    found = refused.value
    assert (found.recipe, found.lines, found.by) == ("cream", ("oil", "water"), "0.3 kg missing")
    assert "97 %" in found.problem
    with pytest.raises(Unsolvable) as refused:
        cream(Ingredient("oil", "20 %"), Ingredient("water", "81 %"))
    assert refused.value.by == "0.1 kg too much"


def test_percentages_of_99_99_and_0_01_are_a_hundred():
    """erp KIT-020: the binary sum of both is not 100."""
    known = cream(Ingredient("water", "99.99 %"), Ingredient("oil", "0.01 %"))
    assert amounts(known, "10 kg") == {"water": "9.999 kg", "oil": "0.001 kg"}


def test_a_balance_that_would_be_negative_is_told_with_the_lines_and_the_amount():
    with pytest.raises(Unsolvable) as refused:
        cream(Ingredient("oil", "9 kg"), Ingredient("wax", "1.5 kg"), Ingredient("water", "q.s."))
    assert refused.value.lines == ("oil", "wax")
    assert refused.value.by == "0.5 kg too much"


def test_a_balance_that_runs_out_in_a_smaller_batch_is_told_there():
    known = cream(Ingredient("scent", "500 g", per="batch"), Ingredient("water", "q.s."))
    assert amounts(known, "1 kg")["water"] == "0.5 kg"
    with pytest.raises(Unsolvable) as refused:
        sheet(known, "0.4 kg")
    assert (refused.value.recipe, refused.value.lines, refused.value.by) == ("cream", ("water",), "0.1 kg too much")


def test_two_balances_and_lines_that_cannot_give_way_are_conflicts():
    with pytest.raises(Unsolvable) as refused:
        cream(Ingredient("oil", "q.s."), Ingredient("water", "q.s."))
    assert refused.value.lines == ("oil", "water")
    with pytest.raises(Unsolvable) as refused:
        cream(Ingredient("oil", "99 %"), Ingredient("scent", "100 g", per="batch"))
    assert refused.value.lines == ("scent",)


def test_percent_by_volume_and_by_mass_differ_by_the_density():
    by_mass = cream(Ingredient("oil", "20 %"), Ingredient("water", "q.s."))
    by_volume = cream(Ingredient("oil", "20 %", by="volume"), Ingredient("water", "q.s."), makes="10 L")
    assert amounts(by_mass, "10 kg")["oil"] == "2 kg"
    assert amounts(by_volume, "10 L") == {"oil": "1.8 kg", "water": "8 kg"}  # 9.8 kg of cream hold 2 L of oil


def test_a_balance_to_a_volume_fills_up_to_it():
    """What fills up to a litre: the volumes of the others are taken off."""
    items = ITEMS | {"lotion": Item("lotion", unit="L", step="1 mL")}
    recipe = Recipe("lotion", makes="1 L", ingredients=[Ingredient("oil", "90 g"), Ingredient("water", "q.s.")])
    assert amounts(compiled(recipe, items), "1 L") == {"oil": "0.09 kg", "water": "0.9 kg"}


def test_a_counted_product_tells_its_charge():
    items = ITEMS | {"bar": Item("bar", unit="each")}
    lines = [Ingredient("oil", "75 %"), Ingredient("water", "q.s.")]
    with pytest.raises(UnitMismatch):
        compiled(Recipe("bar", makes="100 each", ingredients=lines), items)
    known = compiled(Recipe("bar", makes="100 each", ingredients=lines, charge="12 kg"), items)
    assert amounts(known, "50 each") == {"oil": "4.5 kg", "water": "1.5 kg"}


def test_a_charge_that_the_lines_do_not_reach_is_told():
    with pytest.raises(Unsolvable) as refused:
        cream(Ingredient("oil", "2 kg"), Ingredient("water", "9 kg"), charge="12 kg")
    assert refused.value.by == "1 kg missing"
    assert amounts(cream(Ingredient("oil", "2 kg"), Ingredient("water", "9 kg"), charge="11 kg"), "10 kg")["oil"] == "2 kg"


def test_without_a_bridge_the_line_and_what_it_needs_are_told():
    """Lesson 16."""
    with pytest.raises(UnitMismatch) as refused:
        cream(Ingredient("jar", "1 each"), Ingredient("water", "q.s."))
    assert refused.value.field == "recipe cream: jar"
    assert "jar needs" in refused.value.missing
    with pytest.raises(UnitMismatch):
        cream(Ingredient("wax", "5 %", by="volume"), Ingredient("water", "q.s."))


def test_packaging_is_never_in_the_charge_and_an_overage_is():
    known = cream(Ingredient("filter", "1 each", per="batch"), Ingredient("wax", "1 kg", overage="10 %"), Ingredient("water", "q.s."))
    assert amounts(known, "10 kg") == {"filter": "1 each", "wax": "1.1 kg", "water": "8.9 kg"}


# ------------------------------------------------------------------------------------------------- baker's percentages


def dough(*lines: Ingredient, makes: str = "10 kg", **more) -> Formula:
    return compiled(Recipe("dough", makes=makes, ingredients=lines, **more), ITEMS)


def test_bakers_percentages_find_the_flour_from_the_dough():
    known = dough(
        Ingredient("flour", "80 %", of="flour", group="flour"),
        Ingredient("rye", "20 %", of="flour", group="flour"),
        Ingredient("water", "70 %", of="flour"),
        Ingredient("salt", "2 %", of="flour"),
        Ingredient("starter", "20 %", of="flour", from_stock=True),
        makes="19.2 kg",
    )
    assert amounts(known, "19.2 kg") == {"flour": "8 kg", "rye": "2 kg", "water": "7 kg", "salt": "0.2 kg", "starter": "2 kg"}


def test_bakers_percentages_of_a_flour_that_is_told_need_no_total():
    known = dough(Ingredient("flour", "5 kg"), Ingredient("water", "65 %", of="flour"), makes="8 kg")
    assert amounts(known, "8 kg") == {"flour": "5 kg", "water": "3.25 kg"}


@given(st.integers(1, 200), st.integers(0, 100), st.integers(1, 10**9))
def test_bakers_percentages_hold_at_every_size(water, rye, made):
    lines = [Ingredient("flour", f"{100 - rye} %", of="flour", group="flour")] if rye < 100 else []
    lines += [Ingredient("rye", f"{rye} %", of="flour", group="flour")] if rye else []
    known = dough(*lines, Ingredient("water", f"{water} %", of="flour"), makes="1000 kg")
    by_item = {line.item: line.exact(made) / ITEMS[line.item].ratio("kg") for line in known.lines}
    flour = by_item.get("flour", 0) + by_item.get("rye", 0)
    assert by_item["water"] == flour * water / 100
    assert flour + by_item["water"] == Fraction(made, 10**6)


def test_a_group_whose_shares_are_no_hundred_percent_is_a_conflict():
    with pytest.raises(Unsolvable) as refused:
        dough(Ingredient("flour", "70 %", of="flour", group="flour"), Ingredient("rye", "20 %", of="flour", group="flour"))
    assert (refused.value.lines, refused.value.by) == (("flour", "rye"), "10 % missing")


def test_a_group_that_nobody_has_is_told_with_the_choices():
    with pytest.raises(Unknown) as refused:
        dough(Ingredient("flour", "5 kg"), Ingredient("water", "65 %", of="meal"))
    assert refused.value.choices == ("flour", "water")


def test_what_nothing_fixes_is_told():
    with pytest.raises(Unsolvable) as refused:
        dough(Ingredient("flour", "100 %", of="flour"), Ingredient("water", "q.s."))
    assert set(refused.value.lines) == {"flour", "water"}


# ------------------------------------------------------------------------------------------------------ other growths


@pytest.mark.parametrize(("made", "sachets"), [("1 kg", 1), ("50 kg", 1), ("50.001 kg", 2), ("500 kg", 10)])
def test_one_sachet_for_each_started_fifty_kilograms(made, sachets):
    known = cream(Ingredient("sachet", "1 each", per="started 50 kg"))
    assert amounts(known, made)["sachet"] == f"{sachets} each"


def test_a_table_goes_straight_between_its_sizes_and_is_refused_beyond_them():
    """Lesson 52: a hundred units need 67 g, ten times as many do not need ten times as much."""
    known = compiled(
        Recipe(
            "jar",
            makes="100 each",
            ingredients=[Ingredient("salt", table={"10 each": "12 g", "100 each": "67 g", "500 each": "267 g"})],
        ),
        ITEMS,
    )
    assert [amounts(known, f"{n} each")["salt"] for n in (10, 55, 100, 300, 500)] == [
        "0.012 kg", "0.0395 kg", "0.067 kg", "0.167 kg", "0.267 kg",
    ]  # fmt: skip
    for beyond in ("9 each", "501 each"):
        with pytest.raises(OutOfRange) as refused:
            sheet(known, beyond)
        assert (refused.value.field, refused.value.given) == ("recipe jar: salt", beyond)
        assert "10 each to 500 each" in refused.value.expected
    with pytest.raises(OutOfRange) as refused:
        cream(Ingredient("salt", table={"1 kg": "5 g", "5 kg": "9 g"}), Ingredient("water", "q.s."))
    assert refused.value.field == "recipe cream: salt: table"


@formula("edge", version=1)
def edge(share: Fraction) -> Fraction:
    """Grows with the edge of what is made: exact roots only where there are such."""
    return Fraction(math.isqrt(int(share * 10**6)), 1000)


def test_a_registered_formula_is_named_by_the_line_and_never_stored():
    known = cream(Ingredient("salt", "67 g", formula="edge@1"), Ingredient("water", "q.s."))
    assert amounts(known, "40 kg")["salt"] == "0.134 kg"
    assert known.lines[0].rule.growths[0][0].name == "edge@1"
    with pytest.raises(Unknown):
        cream(Ingredient("salt", "67 g", formula="edge@2"))
    with pytest.raises(AlreadyExists):
        formula("edge", version=1)(lambda share: share)


@pytest.mark.parametrize("answer", [0.5, -1, None, True])
def test_a_formula_that_answers_nonsense_is_told(answer):
    formula(f"nonsense {answer}", version=1)(lambda share: answer)
    with pytest.raises(InvalidInput):
        cream(Ingredient("salt", "67 g", formula=f"nonsense {answer}@1"))


TABLE = Growth("table", points=((Fraction(1), Fraction(2)), (Fraction(10**6), Fraction(9))))


@given(
    st.sampled_from([EVENLY, Growth("batch"), Growth("started", Fraction(7)), TABLE, Growth("formula", Fraction(3), name="edge@1")]),
    st.fractions(min_value=Fraction(1, 10), max_value=10),
    st.integers(10, 1000),
)
def test_stretching_a_growth_is_asking_it_for_more(growth, factor, made):
    """So that a recipe's own losses and phantom levels keep every kind of line exact."""
    total = stretched({growth: Fraction(3)}, factor)
    assert sum(each * one.at(Fraction(made)) for one, each in total.items()) == 3 * growth.at(factor * made)


def test_losses_of_the_recipe_enlarge_the_batch_and_those_of_a_line_the_line():
    known = cream(
        Ingredient("oil", "20 %", loss="50 %"),
        Ingredient("sachet", "1 each", per="started 10 kg"),
        Ingredient("scent", "10 g", per="batch", process_yield="50 %"),
        Ingredient("jar", "1 each", per="batch", follows="output"),
        Ingredient("water", "q.s."),
        process_yield="50 %",
    )
    # 10 kg out of a charge for 20 kg
    assert amounts(known, "10 kg") == {"oil": "8 kg", "sachet": "2 each", "scent": "20 g", "jar": "1 each", "water": "15.968 kg"}
    together = cream(Ingredient("oil", "1 kg"), loss="20 %", overage="10 %", process_yield="50 %")
    assert together.lines[0].ratio == Fraction(1, 10) / Fraction(8, 10) * Fraction(11, 10) * 2


def test_attrition_setup_and_multiple_of_one_item():
    """erp BOM-011, lesson 14: the multiple comes after all factors."""
    a = compiled(Recipe("jar", makes="1 each", ingredients=[Ingredient("sachet", "300 each", overage="5 %")]), ITEMS)
    b = compiled(
        Recipe("jar", makes="1 each", ingredients=[Ingredient("sachet", "3 each"), Ingredient("sachet", "5 each", per="batch")]), ITEMS
    )
    c = compiled(Recipe("jar", makes="1 each", ingredients=[Ingredient("sachet", "3 each", multiple="17 each")]), ITEMS)
    assert sum(one.steps for one in needs(a, 10)) == 3150
    assert [sum(one.steps for one in needs(b, made)) for made in (1, 10)] == [8, 35]
    assert [sum(one.steps for one in needs(c, made)) for made in (1, 2, 5, 10, 100, 21)] == [17, 17, 17, 34, 306, 68]


def test_whole_cartons_grow_only_at_their_edges():
    """erp UOM-017: a multiple may be a pack of the item."""
    wrapper = Item("wrapper", unit="each", packs={"carton": 250})
    items = {"bomb": Item("bomb", unit="each"), "wrapper": wrapper}
    known = compiled(Recipe("bomb", makes="250 each", ingredients=[Ingredient("wrapper", "1 carton", multiple="1 carton")]), items)
    assert [amounts(known, f"{made} each")["wrapper"] for made in (250, 300, 500)] == ["250 each", "500 each", "500 each"]


@given(st.integers(1, 10**6), st.integers(1, 10**9), st.one_of(st.none(), st.integers(1, 1000)))
def test_the_rounding_error_of_a_line_is_below_one_step_and_is_returned(grams, made, multiple):
    line = Ingredient("wax", f"{grams} g", multiple=None if multiple is None else str(WAX.quantity(multiple)))
    (one,) = needs(cream(line), made)
    assert 0 <= one.residue < (multiple or 1)
    assert one.exact + one.residue == one.steps


def test_a_line_is_told_in_its_own_unit_in_the_items_and_in_the_one_asked_for():
    known = cream(Ingredient("oil", "2 L"))
    one = sheet(known, "5 kg").line("oil")
    assert (str(one.required), str(one.told(OIL)), str(one.told(OIL, "mL"))) == ("0.9 kg", "1 L", "1000 mL")
    assert str(one.told(OIL, "lb", step="0.001")) == "1.984 lb"
    with pytest.raises(InvalidInput):
        one.told(OIL, "gal")


def test_scaling_to_nothing_to_half_a_step_and_to_the_moon_is_refused():
    known = compiled(Recipe("jar", makes="1 each", ingredients=[Ingredient("sachet", "3 each")]), ITEMS)
    for amount, kind in (("0 each", NotPositive), ("-1 each", NotPositive), ("1e30 each", OutOfRange), ("5e18 each", OutOfRange)):
        with pytest.raises(kind):
            sheet(known, amount)
    with pytest.raises(NotWholeSteps) as refused:
        sheet(known, "1.5 each")
    assert (str(refused.value.below), str(refused.value.above)) == ("1 each", "2 each")


# ------------------------------------------------------------------------------------------------------------- batches


@given(st.integers(1, 5000), st.integers(1, 300), st.integers(0, 300), st.integers(1, 9), st.sampled_from(["over", "short"]))
def test_the_parts_of_a_split_add_up_to_the_whole(wanted, least, more, multiple, rest):
    """None is below the minimum or above the maximum, and what does not fit is said."""
    size = BatchSize(min=f"{least} each", max=f"{least + more + multiple} each", multiple=f"{multiple} each")
    plan = size.plan(JAR, wanted, rest)
    assert sum(plan.batches) == wanted + plan.over - plan.short
    assert all(least <= batch <= least + more + multiple and batch % multiple == 0 for batch in plan.batches)
    assert min(plan.over, plan.short) == 0
    assert max(plan.batches, default=0) - min(plan.batches, default=0) <= multiple
    assert plan.over == 0 if rest == "short" else plan.short == 0


@given(st.integers(1, 5000), st.integers(1, 300), st.integers(0, 300), st.integers(1, 9), st.booleans())
def test_every_way_of_splitting_freely_makes_the_whole_in_batches_of_allowed_size(wanted, least, more, multiple, limited):
    """The first way is that of who splits at size; each other one has more batches, and no batch too many."""
    limits = {"max": f"{least + more + multiple} each"} if limited else {}
    size = BatchSize(min=f"{least} each", multiple=f"{multiple} each", splits="freely", **limits)
    ways = [*size.ways(JAR, wanted)]
    assert ways[0] == size.split(JAR, wanted)
    assert [len(way) for way in ways] == sorted({len(way) for way in ways})
    for way in ways:
        assert sum(way) >= wanted > sum(way[1:])
        assert all(least <= batch <= least + more + multiple or not limited for batch in way)
        assert all(batch >= least and batch % multiple == 0 for batch in way)
        assert max(way) - min(way) <= multiple
    for splits in ("never", "at size"):
        assert [*attrs.evolve(size, splits=splits).ways(JAR, wanted)] == ways[:1]


@given(st.integers(65, 100_000))
def test_more_than_sixty_four_batches_are_never_made_of_free_will(wanted):
    ways = [*BatchSize(min="1 each", splits="freely").ways(JAR, wanted)]
    assert [len(way) for way in ways] == [*range(1, 17), 32, 64]
    demanded = [*BatchSize(min="1 each", max="1 each", splits="freely").ways(JAR, wanted)]
    assert [len(way) for way in demanded] == [wanted]


def test_who_splits_freely_says_which_batch_is_worth_its_set_up():
    with pytest.raises(InvalidInput) as refused:
        BatchSize(max="50 kg", splits="freely")
    assert (refused.value.field, "`min`" in refused.value.expected) == ("splits", True)
    with pytest.raises(InvalidInput):
        BatchSize(exactly="50 kg", splits="freely")
    with pytest.raises(InvalidInput):
        BatchSize(max="50 kg", splits="sometimes")


def test_a_rest_that_no_batch_fits_is_handled_as_it_was_said():
    size = BatchSize(exactly="100 each")
    assert str(size.plan(JAR, 250)) == "250 each: 100 each, 100 each, 100 each; 50 each more than wanted"
    assert str(size.plan(JAR, 250, "short")) == "250 each: 100 each, 100 each; 50 each left unmade"
    assert str(size.plan(JAR, 300, "refuse")) == "300 each: 100 each, 100 each, 100 each"
    with pytest.raises(OutOfRange) as refused:
        size.plan(JAR, 250, "refuse")
    assert "200 each or 300 each" in refused.value.expected


def test_twenty_in_batches_of_five():
    """tryton prod-split-5."""
    assert BatchSize(exactly="5 each").split(JAR, 20) == [5, 5, 5, 5]


def test_the_vessel_limits_the_gross_charge_or_the_net_output():
    lines = [
        Ingredient("oil", "20 %", loss="50 %"),
        Ingredient("water", "q.s."),
        Ingredient("jar", "1 each", follows="output", per="batch"),
    ]
    gross = cream(*lines, batch=BatchSize(vessel="60 kg"))
    net = cream(*lines, batch=BatchSize(vessel="49 L", vessel_holds="output"))
    assert str(CREAM.quantity(gross.most)) == "50 kg"  # 10 kg of oil twice, 40 kg of water
    assert [str(CREAM.quantity(batch)) for batch in net.batches(CREAM.steps("96.04 kg"))] == ["48.02 kg", "48.02 kg"]
    assert [str(CREAM.quantity(batch)) for batch in gross.batches(CREAM.steps("120 kg"))] == ["40 kg"] * 3


@given(st.integers(1, 500), st.integers(1, 50))
def test_a_vessel_is_filled_as_far_as_it_goes_and_no_further(litres, grams):
    scent = Ingredient("scent", f"{grams} g", per="started 3 kg")
    lines = [Ingredient("oil", "1 L"), Ingredient("sachet", "1 each", per="batch"), scent]
    known = cream(*lines, batch=BatchSize(vessel=f"{litres} kg"))

    def charge(made):
        return sum(line.exact(made) / ITEMS[line.item].ratio("kg") for line in known.lines)

    assert charge(known.most) <= litres < charge(known.most + 1)


def test_a_vessel_that_does_not_hold_the_smallest_batch_is_told():
    for size in (BatchSize(min="50 kg", vessel="20 kg"), BatchSize(exactly="50 kg", vessel="20 kg")):
        with pytest.raises(OutOfRange):
            cream(Ingredient("water", "100 %"), batch=size)
    with pytest.raises(OutOfRange):
        cream(Ingredient("sachet", "1 each", per="batch"), batch=BatchSize(vessel="1 mg"))


# ------------------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"amount": "1 kg", "table": {"1 kg": "1 g"}},
        {"amount": "1 kg", "of": "flour"},
        {"amount": "1 kg", "by": "mass"},
        {"amount": "5 %", "by": "colour"},
        {"amount": "q.s.", "of": "flour"},
        {"amount": "5 %", "per": "batch"},
        {"amount": "q.s.", "follows": "output"},
        {"amount": "1 kg", "per": "week"},
        {"amount": "1 kg", "per": "started"},
        {"amount": "1 kg", "per": "batch", "formula": "edge@1"},
        {"amount": "1 kg", "from_stock": True, "phantom": True},
        {"amount": "1 kg", "potency": "0 %"},
        {"amount": "1 kg", "potency": "30 %", "fills": True},
        {"amount": "1 kg", "factor": "0"},
        {"amount": "1 kg", "factor": 1.1},
        {"amount": "1 kg", "factor": "1_1"},
        {"amount": "1 kg", "table": 5},
        {"table": [("1 kg",)]},
        {"amount": "five %"},
    ],
    ids=range(20),
)
def test_a_line_that_makes_no_sense_is_refused_where_it_is_written(fields):
    with pytest.raises(InvalidInput):
        Ingredient("oil", **fields)


@pytest.mark.parametrize(
    "table",
    [{"10 kg": "1 g", "5 kg": "2 g"}, {"0 kg": "1 g"}, {"1 kg": "-1 g"}, {"1 kg": "1 g", "1000 g": "2 g"}, {"1 each": "1 g"}],
    ids=range(5),
)
def test_a_table_that_does_not_rise_is_refused(table):
    with pytest.raises(InvalidInput):
        cream(Ingredient("salt", table=table))


def test_substitutes_are_others_each_once():
    """erp BOM-019."""
    subs = [Substitute(f"s{n}") for n in range(5)]
    assert len(Ingredient("x", "1 each", substitutes=subs).substitutes) == 5
    for wrong in ([*subs, Substitute("s0")], [*subs, Substitute("x")], ["s0"]):
        with pytest.raises(InvalidInput):
            Ingredient("x", "1 each", substitutes=wrong)


@pytest.mark.parametrize(
    "fields",
    [
        {"outputs": [Output("oil", "1 kg"), Output("oil", "1 kg")]},
        {"outputs": [Output("cream", "1 kg")]},
        {"outputs": [Output("oil", "1 kg", cost="60 %"), Output("wax", "1 kg", cost="60 %")]},
        {"apart": True, "outputs": [Output("oil", "1 kg", cost="60 %")]},
        {"phantom": True, "batch": BatchSize(max="5 kg")},
        {"phantom": True, "operations": [Operation("rest", wait="1 h")]},
        {"valid_from": "2026-01-01"},
        {"preference": 1.5},
        {"loss": "110 %"},
        {"process_yield": 0},
    ],
    ids=range(10),
)
def test_a_recipe_that_makes_no_sense_is_refused_where_it_is_written(fields):
    """erp YLD-003: a loss of 110 % among them."""
    with pytest.raises(InvalidInput):
        Recipe("cream", makes="10 kg", **fields)


def test_a_substitute_for_the_product_itself_is_a_circle():
    from krafte_core.recipes import levels

    known = cream(Ingredient("oil", "1 kg", substitutes=[Substitute("cream")]))
    with pytest.raises(RecipeCycle):
        levels({"cream": known})

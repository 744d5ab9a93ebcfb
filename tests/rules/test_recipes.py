"""Recipes: exact until one rounding up per line, batches within their limits, circles and depths that are refused."""

from __future__ import annotations

import math
import pickle
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pint
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from krafte_core.calendars import Calendar
from krafte_core.errors import (
    FloatRefused,
    InvalidInput,
    NotPositive,
    OutOfRange,
    RecipeCycle,
    RoundsToNothing,
    UnitMismatch,
    Unknown,
)
from krafte_core.items import MOST_STEPS, Item
from krafte_core.quantities import Quantity, qty
from krafte_core.recipes import MOST_LEVELS, BatchSize, Formula, Ingredient, Operation, Recipe, compiled, levels, percent

BAR = Item("bar", unit="each")
OIL = Item("oil", unit="kg", density="0.915 kg/L", step="1 g")
LYE = Item("lye", unit="kg")
JAR = Item("jar", unit="each", packs={"tray": 12})
ITEMS = {item.code: item for item in (BAR, OIL, LYE, JAR)}


def formula(*ingredients: Ingredient, makes: str = "100 each", **more) -> Formula:
    return compiled(Recipe("bar", makes=makes, ingredients=ingredients, **more), ITEMS)


shares = st.fractions(min_value=0, max_value=Fraction(9, 10), max_denominator=1000)
overages = st.fractions(min_value=0, max_value=2, max_denominator=1000)
yields = st.fractions(min_value=Fraction(1, 10), max_value=2, max_denominator=1000)
batches_made = st.integers(1, 10**7)


# ------------------------------------------------------------------------------------------------------ scaling


@given(st.integers(1, 10**6), st.integers(1, 10**4), shares, overages, yields, st.sampled_from(["charge", "output"]), batches_made)
def test_a_requirement_is_the_exact_amount_rounded_up_once(grams, makes, loss, overage, process_yield, follows, made):
    """Lessons 1, 3, 7, 10, 14, 62: all factors first, exactly; then one rounding, up, in the unit of the thing itself."""
    assume(grams > 1 and grams * 1000 >= makes)  # so many steps that no rounding costs a thousandth
    line = Ingredient("lye", f"{grams} g", loss=loss, overage=overage, follows=follows)
    known = formula(line, makes=f"{makes} each", process_yield=process_yield)
    exact = Fraction(grams * 1000) * made / makes / (1 - loss) * (1 + overage)
    if follows == "charge":
        exact /= process_yield
    steps = known.lines[0].requirement(made)
    assert steps - 1 < exact <= steps
    assert known.lines[0].ratio * made == exact


@given(st.integers(1, 10**6), st.integers(1, 1000), st.integers(1, 1000))
def test_scaling_is_linear_before_the_rounding(grams, one, other):
    """So two batches together never need more than each for itself, and at most a step less."""
    known = formula(Ingredient("oil", f"{grams} g"), makes="1 each")
    line = known.lines[0]
    apart, together = line.requirement(one) + line.requirement(other), line.requirement(one + other)
    assert apart - 1 <= together <= apart
    assert line.requirement(known.makes * one) == grams * one


@given(
    st.permutations(
        [Ingredient("oil", "8 L", loss="3 %"), Ingredient("lye", "1.05 kg"), Ingredient("jar", "7 each"), Ingredient("oil", "1 kg")]
    )
)
def test_the_order_of_the_lines_does_not_matter(lines):
    known = formula(*lines)
    needs: Counter[str] = Counter()
    for line in known.lines:
        needs[line.item] += line.requirement(37)
    # oil: 8 * 0.915 / 0.97 * 0.37 = 2.7921... kg -> 2793 g, and 0.37 kg; lye: 0.3885 kg; jars: 2.59 -> 3
    assert needs == {"oil": 2793 + 370, "lye": 388_500, "jar": 3}


def test_an_item_on_two_lines_keeps_them_apart():
    """Also where another item's code looks like the name of a second line."""
    items = ITEMS | {"oil/2": Item("oil/2", unit="kg")}
    lines = [Ingredient("oil", "1 kg"), Ingredient("oil/2", "2 kg"), Ingredient("oil", "3 kg"), Ingredient("oil", "4 kg")]
    known = compiled(Recipe("bar", makes="1 each", ingredients=lines), items)
    assert len({line.ref for line in known.lines}) == 4
    assert [(line.item, line.ratio) for line in known.lines] == [("oil", 1000), ("oil/2", 2 * 10**6), ("oil", 3000), ("oil", 4000)]


def test_glycerin_of_an_item_stocked_in_centilitres():
    """erp UOM-018, lesson 1: 0.2 L for a piece are 20 cL, whatever the step of the product is."""
    glycerin = Item("glycerin", unit="cL", step="1 cL")
    known = compiled(
        Recipe("lotion", makes="1 each", ingredients=[Ingredient("glycerin", "0.2 L")]),
        {"glycerin": glycerin, "lotion": Item("lotion", unit="each")},
    )
    assert glycerin.quantity(known.lines[0].requirement(1)) == qty("20 cL")


def test_half_a_litre_of_toner_takes_187_and_a_half_millilitres():
    """erp UOM-019: 375 mL a litre, half a litre made; exactly 0.1875 L, with no remainder to be left reserved."""
    water, toner = Item("rose-water", unit="L"), Item("toner", unit="L")
    known = compiled(
        Recipe("toner", makes="1 L", ingredients=[Ingredient("rose-water", "375 mL")]), {"rose-water": water, "toner": toner}
    )
    assert water.quantity(known.lines[0].requirement(toner.steps("0.5 L"))) == qty("187.5 mL")


def test_whole_pipes_round_up():
    """Lesson 3: 0.24 of a pipe for each of 100 pieces are 24 pipes, 0.245 of one are 25 (24.5 rounded up)."""
    for each, pipes in (("0.24", 24), ("0.245", 25)):
        known = formula(Ingredient("jar", f"{each} each"), makes="1 each")
        assert known.lines[0].requirement(100) == pipes


def test_attrition_comes_before_the_rounding():
    """Lesson 14: 105 parts with 10 % on top are 115.5, so 116 whole parts, once for the batch and not per piece."""
    known = formula(Ingredient("jar", "1 each", overage="10 %"), makes="1 each")
    assert known.lines[0].requirement(105) == 116


def test_five_percent_more_of_300_for_ten():
    """erp BOM-011 a: 300 a piece and 5 % for attrition make 3,150 for ten.

    Its set-up amounts and the multiple of one line have no place in a line of ours: `setup` is time, and a multiple is a pack.
    """
    known = formula(Ingredient("jar", "300 each", overage="5 %"), makes="1 each")
    assert known.lines[0].requirement(10) == 3150


def test_loss_overage_and_yield_are_three_things():
    """Lesson 62: 10 % lost is divided by 0.9, 10 % over is multiplied by 1.1, a yield divides the charge only."""
    plain, lost, over = (
        formula(Ingredient("lye", "900 g", **more)).lines[0].ratio for more in ({}, {"loss": "10 %"}, {"overage": "10 %"})
    )
    assert (lost / plain, over / plain) == (Fraction(10, 9), Fraction(11, 10))
    charge, each = formula(Ingredient("lye", "900 g"), Ingredient("jar", "1 tray", follows="output"), process_yield="90 %").lines
    assert charge.ratio / plain == Fraction(10, 9)
    assert each.ratio == Fraction(12, 100)


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("10 %", "1/10"),
        ("2.5%", "1/40"),
        ("0 %", "0"),
        ("1/3 %", "1/300"),
        (Decimal("0.1"), "1/10"),
        (0, "0"),
        (Fraction(1, 3), "1/3"),
    ],
)
def test_a_share_is_exact(text, share):
    if share is None:
        with pytest.raises(InvalidInput):
            percent(text)
    else:
        assert percent(text) == Fraction(share)


@pytest.mark.parametrize(
    "bad", [0.1, "10", "10 kg", "ten %", None, True, "10 %%", "1e99 %", "9" * 10_000_000, float("nan"), Decimal("NaN")], ids=range(11)
)
def test_what_is_no_share_is_refused(bad):
    with pytest.raises(InvalidInput):
        Ingredient("oil", "1 kg", loss=bad)


@pytest.mark.parametrize(
    ("field", "bad"), [("loss", "100 %"), ("loss", "-1 %"), ("loss", "200 %"), ("overage", "-1 %"), ("overage", "1e29 %")]
)
def test_a_share_out_of_bounds_is_refused(field, bad):
    with pytest.raises(InvalidInput):
        Ingredient("oil", "1 kg", **{field: bad})


@pytest.mark.parametrize("bad", ["0 %", "-5 %", "1e-20 %", "1e29 %"])
def test_a_yield_is_more_than_nothing(bad):
    with pytest.raises(InvalidInput):
        Recipe("bar", makes="1 each", process_yield=bad)


def test_a_recipe_takes_pint_and_our_own_quantities():
    host = pint.UnitRegistry(cache_folder=None)
    ratios = {
        formula(Ingredient("oil", amount)).lines[0].ratio
        for amount in ("8 kg", qty("8000 g"), host.Quantity(8, "kg"), Quantity(8, "kg"))
    }
    assert ratios == {Fraction(80)}


@pytest.mark.parametrize(("bad", "kind"), [(2.5, FloatRefused), (5, InvalidInput), (None, InvalidInput), (True, InvalidInput)])
def test_an_ingredient_needs_an_amount_with_its_unit(bad, kind):
    """Lesson 17."""
    with pytest.raises(kind):
        Ingredient("oil", bad)


@pytest.mark.parametrize(
    ("ingredient", "kind"),
    [
        (Ingredient("oil", "8 each"), UnitMismatch),
        (Ingredient("lye", "1 L"), UnitMismatch),
        (Ingredient("jar", "1 kg"), UnitMismatch),
        (Ingredient("oil", "0 kg"), NotPositive),
        (Ingredient("oil", "-1 kg"), NotPositive),
        (Ingredient("oil", "1 crate"), InvalidInput),
        (Ingredient("oil", "x"), InvalidInput),
        (Ingredient("oil", "9" * 10_000_000), InvalidInput),
        (Ingredient("oyl", "1 kg"), Unknown),
    ],
    ids=range(9),
)
def test_a_line_that_makes_no_sense_is_told_when_the_recipe_is_compiled(ingredient, kind):
    """Lesson 16 among them: without a bridge nothing is assumed."""
    with pytest.raises(kind):
        formula(ingredient)


def test_an_unknown_item_is_answered_with_near_names():
    with pytest.raises(Unknown) as refused:
        formula(Ingredient("oli", "1 kg"))
    assert (refused.value.kind, refused.value.name) == ("item in recipe bar", "oli")
    assert "oil" in refused.value.choices


# ---------------------------------------------------------------------------------------- lines that the step cannot hold


@given(st.integers(1, 5000), st.integers(1, 50))
def test_a_line_is_refused_if_and_only_if_the_rounding_would_cost_more_than_a_thousandth(milligrams, makes):
    """Lessons 4, 8: told when the recipe is written, never as a silent 0 at the bench."""
    salt = Item("salt", unit="kg", step="1 g")
    recipe = Recipe("bar", makes=f"{makes} each", ingredients=[Ingredient("salt", f"{milligrams} mg")])
    exact = Fraction(milligrams, 1000)  # steps for what the recipe makes
    rounded = -(-milligrams // 1000)
    if (rounded - exact) / exact > Fraction(1, 1000):
        with pytest.raises(RoundsToNothing):
            compiled(recipe, ITEMS | {"salt": salt})
    else:
        assert compiled(recipe, ITEMS | {"salt": salt}).lines[0].requirement(makes) == rounded


def test_counted_goods_may_be_needed_in_parts():
    """A hundredth of a tray of labels for each bar: the batch rounds up, the recipe is fine."""
    assert formula(Ingredient("jar", "0.01 each"), makes="1 each").lines[0].requirement(101) == 2


@pytest.mark.parametrize(
    ("batch", "fits"),
    [
        (None, True),
        (BatchSize(max="10 kg"), True),
        (BatchSize(multiple="1 g"), True),
        (BatchSize(max="1 g"), False),
        (BatchSize(min="1 g"), False),
        (BatchSize(exactly="1 g"), False),
        (BatchSize(min="1 kg", max="20 kg"), True),
    ],
)
def test_the_smallest_batch_that_was_asked_for_is_what_must_be_measurable(batch, fits):
    """A mere upper limit does not mean batches of a milligram: then it is what the recipe makes."""
    wax, cream = Item("wax", unit="kg", step="1 g"), Item("cream", unit="kg", step="1 g")
    recipe = Recipe("cream", makes="10 kg", ingredients=[Ingredient("wax", "2 kg")], batch=batch)
    if fits:
        assert compiled(recipe, {"wax": wax, "cream": cream}).lines[0].ratio == Fraction(1, 5)
    else:
        with pytest.raises(RoundsToNothing):
            compiled(recipe, {"wax": wax, "cream": cream})


def test_no_requirement_ever_outgrows_64_bits():
    known = formula(Ingredient("lye", "1e6 kg"), makes="1 each")
    with pytest.raises(OutOfRange):
        known.lines[0].requirement(MOST_STEPS)


# ------------------------------------------------------------------------------------------------------ batches


@st.composite
def limited(draw):
    """A need and limits that somebody could mean, as numbers and as a `BatchSize`."""
    multiple = draw(st.none() | st.integers(1, 30))
    least = draw(st.none() | st.integers(1, 200))
    unit = multiple or 1
    most = draw(st.none() | st.integers(1, 50).map(lambda count: (-(-(least or 1) // unit) + count - 1) * unit))
    assume(multiple or least or most)
    size = BatchSize(**{name: f"{n} each" for name, n in (("multiple", multiple), ("min", least), ("max", most)) if n})
    return draw(st.integers(1, 2000)), multiple or 1, least or 1, most, size


@given(limited())
def test_batches_cover_the_need_within_their_limits_as_few_and_as_equal_as_possible(limits):
    need, multiple, least, most, size = limits
    batches = size.split(BAR, need)
    assert sum(batches) >= need
    assert all(batch % multiple == 0 and batch >= least for batch in batches)
    assert batches == sorted(batches, reverse=True)
    assert batches[0] - batches[-1] <= multiple
    if most:
        largest = most // multiple * multiple
        assert all(batch <= largest for batch in batches)
        assert len(batches) == math.ceil(math.ceil(need / multiple) / (largest // multiple))  # fewer could not hold the need
    else:
        assert len(batches) == 1
    # nothing is made too much but what the limits ask for: one batch of a multiple less would not do
    assert sum(batches) - need < multiple or all(batch < least + multiple for batch in batches)


@given(st.integers(1, 1000), st.integers(1, 5000))
def test_exact_batches_are_exactly_so_large_and_as_few_as_cover_the_need(size, need):
    batches = BatchSize(exactly=f"{size} each").split(BAR, need)
    assert set(batches) == {size}
    assert sum(batches) - size < need <= sum(batches)


@pytest.mark.parametrize("size", [BatchSize(exactly="5 each"), BatchSize(max="5 each")])
def test_nothing_needed_is_no_batch(size):
    """Lesson 74."""
    assert size.split(BAR, 0) == []
    assert Formula(Recipe("bar", makes="1 each", batch=size), BAR, 1, ()).batches(0) == []
    assert Formula(Recipe("bar", makes="1 each"), BAR, 1, ()).batches(0) == []


def test_a_batch_size_that_is_a_slip_of_the_pen_is_told_before_the_memory_is_full():
    for size in (BatchSize(exactly="1 each"), BatchSize(max="1 each")):
        with pytest.raises(OutOfRange):
            size.split(BAR, 10**15)


@pytest.mark.parametrize("limits", [{}, {"exactly": "5 each", "max": "6 each"}])
def test_a_batch_size_is_either_exact_or_limited(limits):
    with pytest.raises(InvalidInput):
        BatchSize(**limits)


@pytest.mark.parametrize(
    "size",
    [
        BatchSize(exactly="0 each"),
        BatchSize(exactly="-1 each"),
        BatchSize(exactly="1.5 each"),
        BatchSize(exactly="1 kg"),
        BatchSize(max="x"),
        BatchSize(min="10 each", max="9 each"),
        BatchSize(max="9 each", multiple="10 each"),
        BatchSize(min="11 each", max="19 each", multiple="10 each"),
        BatchSize(max="9" * 10_000_000),
    ],
    ids=range(9),
)
def test_a_batch_size_that_nobody_can_make_is_told_when_the_recipe_is_compiled(size):
    with pytest.raises(InvalidInput):
        compiled(Recipe("bar", makes="10 each", batch=size), ITEMS)


# ------------------------------------------------------------------------------------------------------- levels


def chain(depth: int, **last) -> dict[str, Formula]:
    """i0 <- i1 <- ... <- i(depth)."""
    items = {f"i{n}": Item(f"i{n}", unit="each") for n in range(depth + 1)}
    return {
        f"i{n}": compiled(Recipe(f"i{n}", makes="1 each", ingredients=[Ingredient(f"i{n + 1}", "1 each", **last)]), items)
        for n in range(depth)
    }


def test_a_hundred_levels_are_fine_and_a_hundred_and_one_are_told():
    assert levels(chain(MOST_LEVELS))[f"i{MOST_LEVELS}"] == MOST_LEVELS
    with pytest.raises(InvalidInput):
        levels(chain(MOST_LEVELS + 1))


def test_a_thousand_levels_are_a_coded_error_and_no_recursion_error():
    with pytest.raises(InvalidInput):
        levels(chain(5000))


@st.composite
def webs(draw):
    """Recipes among a few items, circles included: per item what goes into it, and whether from stock only."""
    count = draw(st.integers(1, 6))
    items = {f"i{n}": Item(f"i{n}", unit="each") for n in range(count)}
    edges = draw(st.dictionaries(st.tuples(st.sampled_from([*items]), st.sampled_from([*items])), st.booleans(), max_size=10))
    return items, edges


@given(webs())
def test_levels_put_everything_below_what_it_goes_into_and_circles_are_told_with_the_way(web):
    """Lesson 88: low-level codes; a circle is an error unless a line of it is taken from stock (a sourdough starter)."""
    items, edges = web
    made = sorted({above for above, _ in edges})
    formulas = {
        above: compiled(
            Recipe(
                above,
                makes="1 each",
                ingredients=[Ingredient(below, "1 each", from_stock=edges[up, below]) for up, below in edges if up == above],
            ),
            items,
        )
        for above in made
    }
    needs = {(above, below) for (above, below), from_stock in edges.items() if not from_stock}
    try:
        depth = levels(formulas)
    except RecipeCycle as found:
        way = found.cycle
        assert way[0] == way[-1]
        assert all(pair in needs for pair in pairwise(way))
    else:
        assert all(depth[below] > depth[above] for above, below in needs)
        assert all(depth[item] == max((depth[above] + 1 for above, below in needs if below == item), default=0) for item in depth)


def test_a_starter_may_go_into_itself_from_stock():
    dough = Item("dough", unit="kg")
    fed = compiled(Recipe("dough", makes="10 kg", ingredients=[Ingredient("dough", "1 kg", from_stock=True)]), {"dough": dough})
    assert levels({"dough": fed})["dough"] == 0
    grown = compiled(Recipe("dough", makes="10 kg", ingredients=[Ingredient("dough", "1 kg")]), {"dough": dough})
    with pytest.raises(RecipeCycle) as refused:
        levels({"dough": grown})
    assert refused.value.cycle == ("dough", "dough")


# --------------------------------------------------------------------------------------------- what a recipe may say


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"ingredients": ["oil"]}, InvalidInput),
        ({"ingredients": 5}, InvalidInput),
        ({"ingredients": "oil"}, InvalidInput),
        ({"operations": [Ingredient("oil", "1 kg")]}, InvalidInput),
        ({"batch": "5 each"}, InvalidInput),
        ({"calendar": "Mon-Fri"}, InvalidInput),
        ({"lead_time": "5 working hours"}, InvalidInput),
        ({"lead_time": 5}, InvalidInput),
        ({"lead_time": "9" * 10_000_000}, InvalidInput),
        ({"lead_time": "1 day", "operations": [Operation("mix", wait="1 h")]}, InvalidInput),
        ({"operations": [Operation("mix", wait="1 h"), Operation("mix", wait="2 h")]}, InvalidInput),
        ({"ingredients": [Ingredient("oil", "1 kg")] * 10_001}, InvalidInput),
        ({"code": "a\0b"}, InvalidInput),
        ({"attributes": {"a": 1.5}}, InvalidInput),
    ],
    ids=range(14),
)
def test_a_recipe_of_the_wrong_shape_is_told_at_once(fields, kind):
    with pytest.raises(kind):
        Recipe("bar", makes="1 each", **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"run": "1 h"},
        {"setup": "1 h"},
        {"at": "kettle"},
        {"run": "2 days", "at": "kettle"},
        {"run": "3 working days", "at": "kettle"},
        {"wait": "3 working hours"},
        {"run": "1,5 h", "at": "kettle"},
        {"run": 1.5, "at": "kettle"},
        {"run": "1 h", "at": 5},
        {"run": "1 h", "at": "kettle", "per": "piece"},
        {"run": "-1 h", "at": "kettle"},
        {"wait": "x" * 10_000_000},
    ],
    ids=range(13),
)
def test_an_operation_says_which_time_it_takes_and_where(fields):
    """Lesson 68: a run in days would be nine shifts on an eight-hour calendar; a wait passes by itself and is no working time."""
    with pytest.raises(InvalidInput):
        Operation("mix", **fields)


@given(st.integers(1, 10**5), st.integers(0, 10**4), st.integers(1, 1000), st.integers(1, 5000))
def test_working_time_scales_with_the_batch_and_the_setup_does_not(run, setup, makes, made):
    known = Formula(Recipe("bar", makes=f"{makes} each"), BAR, makes, ())
    timed = Operation("mix", at="kettle", run=f"{run} s", setup=f"{setup} s")
    fixed = Operation("mix", at="kettle", run=f"{run} s", setup=f"{setup} s", per="batch")
    seconds = timed.seconds(known.share(made))
    assert seconds - setup - 1 < Fraction(run * made, makes) <= seconds - setup
    assert fixed.seconds(known.share(made)) == run + setup


def test_a_recipe_of_1800_lines_is_compiled_line_by_line():
    """Lesson 92: the size at which others time out; here each line is one division."""
    items = {f"p{n}": Item(f"p{n}", unit="each") for n in range(1800)} | {"bar": BAR}
    known = compiled(Recipe("bar", makes="1 each", ingredients=[Ingredient(f"p{n}", f"{n + 1} each") for n in range(1800)]), items)
    assert [line.requirement(3) for line in known.lines] == [3 * (n + 1) for n in range(1800)]


def test_a_recipe_survives_pickle():
    recipe = Recipe(
        "bar",
        makes="100 each",
        ingredients=[Ingredient("oil", "8 L", loss="3 %")],
        batch=BatchSize(max="200 each"),
        operations=[Operation("mix", at="kettle", run="1 h")],
        calendar=Calendar("post", "Mon-Fri 08:00-16:00"),
    )
    assert pickle.loads(pickle.dumps(recipe)) == recipe
    assert hash(pickle.loads(pickle.dumps(recipe))) == hash(recipe)


@given(st.text(max_size=20), st.text(max_size=20))
def test_whatever_text_a_recipe_holds_it_is_compiled_or_refused_with_a_code(makes, amount):
    try:
        known = formula(Ingredient("oil", amount), makes=makes)
    except InvalidInput:
        return
    assert known.lines[0].ratio > 0

"""Structure: explosion, where-used, phantoms, what can be made now; versions, substitutes, potency."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from fractions import Fraction
from itertools import pairwise

import networkx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core.choices import choose, difference, substituted
from krafte_core.errors import InvalidInput, OutOfRange, RecipeCycle, Unknown, Unsolvable
from krafte_core.items import Item
from krafte_core.potency import at_temperature, balanced, covered, of_lot, pick_by_content, required, told
from krafte_core.recipes import BatchSize, Formula, Ingredient, Operation, Output, Recipe, Substitute, compiled, levels
from krafte_core.sheets import compared, needs, sheet
from krafte_core.stock import Lot, Stocked
from krafte_core.structure import Structure, without_phantoms

DAY = date(2026, 3, 2)


class Each(dict):
    """Every item there may be, counted in pieces."""

    def get(self, name, default=None):
        return self.setdefault(name, Item(name, unit="each"))


ITEMS = Each()


def made(name: str, makes: int = 1, /, *, batch: int | None = None, phantom: bool = False, **lines: int) -> Formula:
    """`made("box", 2, egg=12)`: two boxes of a dozen eggs in all."""
    ingredients = [Ingredient(item, f"{count} each") for item, count in lines.items()]
    size = None if batch is None else BatchSize(exactly=f"{batch} each")
    return compiled(Recipe(name, makes=f"{makes} each", ingredients=ingredients, batch=size, phantom=phantom), ITEMS)


def structure(*formulas: Formula) -> Structure:
    return Structure({formula.item.code: formula for formula in formulas})


@st.composite
def webs(draw):
    """Recipes among a few items without circles: what has a larger number goes into what has a smaller one."""
    count = draw(st.integers(2, 7))
    formulas = {}
    for n in range(count - 1):
        below = draw(st.dictionaries(st.integers(n + 1, count - 1), st.integers(1, 6), max_size=4))
        if below:
            formulas[f"i{n}"] = made(f"i{n}", draw(st.integers(1, 4)), **{f"i{m}": times for m, times in below.items()})
    if "i0" not in formulas:
        formulas["i0"] = made("i0", 1, i1=1)
    return Structure(formulas)


# ------------------------------------------------------------------------------------------------------------ explosion


@given(webs(), st.integers(1, 100))
def test_an_exact_explosion_is_the_sum_over_all_ways_down(web, count):
    expected: dict[str, Fraction] = {"i0": Fraction(count)}
    for way in web.paths("i0"):
        ratio = Fraction(count)
        for above, below in pairwise(way):
            ratio *= sum(line.ratio for line in web.formulas[above].lines if line.item == below)
        expected[way[-1]] = expected.get(way[-1], Fraction(0)) + ratio
    assert web.exact("i0", count) == expected


@given(webs(), st.integers(1, 100))
def test_a_rounded_explosion_is_what_somebody_finds_who_makes_level_after_level(web, count):
    needed = Counter({"i0": count})
    for item in sorted(web.levels, key=lambda name: int(name[1:])):
        for line in web.formulas[item].lines if item in web.formulas and needed[item] else ():
            needed[line.item] += line.requirement(needed[item])
    found = web.explode({"i0": count})
    assert {row.item: row.gross for row in found.rows} == {item: steps for item, steps in needed.items() if steps}
    assert all(exact <= needed[item] for item, exact in web.exact("i0", count).items())


@given(webs(), st.integers(1, 50), st.dictionaries(st.sampled_from([f"i{n}" for n in range(7)]), st.integers(0, 60), max_size=5))
def test_stock_is_netted_once_whatever_the_number_of_ways(web, count, stock):
    found = web.explode({"i0": count}, stock)
    for row in found.rows:
        assert row.gross == row.stock + row.net
        assert row.stock == min(row.gross, stock.get(row.item, 0))
    assert len({row.item for row in found.rows}) == len(found.rows)
    assert [row.level for row in found.rows] == [web.levels[row.item] for row in found.rows]


def test_two_products_share_one_stock_of_a_sub_assembly_once():
    """erp BOM-006, lesson 88."""
    web = structure(made("FG1", SUB=1, RM1=1), made("FG2", SUB=1), made("SUB", RM1=1, RM2=1))
    found = web.explode({"FG1": 100, "FG2": 50}, {"SUB": 80, "RM1": 90})
    assert str(found.row("SUB").to_make) == "70 each"
    assert found.missing == {"RM1": 80, "RM2": 70}


def test_nothing_is_needed_below_what_is_all_on_stock():
    """erp BOM-018."""
    found = structure(made("FG", SA=1, SB=1), made("SA", CH=1)).explode({"FG": 10}, {"SA": 10, "SB": 10})
    assert found.missing == {}
    assert [row.item for row in found.rows if row.net] == ["FG"]


def test_batches_of_a_level_make_what_their_recipe_allows():
    found = structure(made("FG", SA=3), made("SA", batch=50, CH=2)).explode({"FG": 30})
    assert (found.row("SA").net, found.row("SA").makes) == (90, 100)
    assert found.leaves == {"CH": 200}


def test_a_line_that_is_taken_from_stock_closes_no_circle_and_is_told_when_it_lacks():
    items = {"dough": Item("dough", unit="kg", step="1 g"), "flour": Item("flour", unit="kg", step="1 g")}
    lines = [Ingredient("flour", "9 kg"), Ingredient("dough", "1 kg", from_stock=True)]
    web = structure(compiled(Recipe("dough", makes="10 kg", ingredients=lines), items))
    assert web.explode({"dough": 50_000}, {"dough": 5000, "flour": 45_000}, use_own_stock=False).missing == {}
    assert web.explode({"dough": 50_000}, {"dough": 4000, "flour": 45_000}, use_own_stock=False).missing == {"dough": 1000}
    assert web.explode({"dough": 50_000}, {"flour": 45_000}).missing == {"dough": 5000}


def test_a_starter_keeps_what_it_is_fed_with_and_more_of_it_is_made_instead():
    """With 2 kg there, 10 kg needed and a tenth of what is made fed from stock: 8.889 kg made, 1.111 kg used, 0.889 kg fed."""
    items = {name: Item(name, unit="kg", step="1 g") for name in ("dough", "starter", "flour")}
    fed = Recipe("starter", makes="10 kg", ingredients=[Ingredient("flour", "9 kg"), Ingredient("starter", "1 kg", from_stock=True)])
    web = structure(compiled(Recipe("dough", makes="1 kg", ingredients=[Ingredient("starter", "1 kg")]), items), compiled(fed, items))
    found = web.explode({"dough": 10_000}, {"starter": 2000, "flour": 8_000})
    row = found.row("starter")
    assert (row.stock, row.net, found.missing) == (1111, 8889, {"flour": 1})
    assert web.explode({"dough": 10_000}, {"starter": 400, "flour": 9_000}).missing == {"starter": 600}


def test_an_explosion_prints_as_a_table_and_as_html():
    found = structure(made("FG", SA=2), made("SA", CH=2)).explode({"FG": 3}, {"SA": 1})
    assert str(found).splitlines() == [
        "for 3 each of FG",
        "item    level  required  from stock  to make  batches make  missing",
        "FG          0    3 each               3 each        3 each",
        ". SA        1    6 each      1 each   5 each        5 each",
        ". . CH      2   10 each                                     10 each",
    ]
    assert found._repr_html_().count("<tr>") == 4


def test_wanting_what_nobody_makes_and_too_much_is_refused():
    web = structure(made("FG", SA=2**62))
    with pytest.raises(Unknown):
        web.explode({"SA": 1})
    for steps in (2, -1, 2**63):
        with pytest.raises(OutOfRange):
            web.explode({"FG": steps})


def test_a_circle_of_a_thousand_levels_is_told_with_its_way_and_no_recursion_error():
    ring = [made(f"r{n}", **{f"r{(n + 1) % 1500}": 1}) for n in range(1500)]
    with pytest.raises(RecipeCycle) as refused:
        structure(*ring)
    assert len(refused.value.cycle) == 1501
    assert len(str(refused.value)) < 1000


def test_a_circle_through_a_substitute_is_told():
    recipe = Recipe("A", makes="1 each", ingredients=[Ingredient("B", "1 each", substitutes=[Substitute("C")])])
    with pytest.raises(RecipeCycle) as refused:
        structure(compiled(recipe, ITEMS), made("C", A=1))
    assert set(refused.value.cycle) == {"A", "C"}


# ----------------------------------------------------------------------------------------------------------- where-used


@given(webs())
def test_where_used_is_the_explosion_seen_from_below(web):
    for item in web.levels:
        by_product = Counter()
        for use in web.where_used(item):
            by_product[use.product] += use.ratio
        expected = {name: web.exact(name, 1).get(item, 0) for name in web.formulas if name != item}
        assert {name: ratio for name, ratio in expected.items() if ratio} == dict(by_product)


def test_where_used_names_the_line_and_stops_at_the_first_level_if_asked():
    web = structure(made("FG", SA=2), made("SA", CH=3))
    assert [(use.product, use.ref, use.ratio, use.levels) for use in web.where_used("CH")] == [("SA", "CH", 3, 1), ("FG", "SA", 6, 2)]
    assert [use.product for use in web.where_used("CH", all_levels=False)] == ["SA"]


@given(webs())
def test_the_graph_is_the_structure(web):
    graph = web.graph()
    assert networkx.is_directed_acyclic_graph(graph)
    assert {(above, below): data["ratio"] for above, below, data in graph.edges(data=True)} == {
        (above, line.item): line.ratio for above, formula in web.formulas.items() for line in formula.lines
    }


# ------------------------------------------------------------------------------------------------------------- phantoms


def test_a_phantom_is_needed_as_its_own_lines():
    """tryton bom-phantom-1, lesson 89."""
    formulas = {"table": made("table", top=1, **{"leg set": 4}), "leg set": made("leg set", phantom=True, leg=1, foot=1)}
    opened = without_phantoms(formulas)
    assert {one.line.item: one.steps for one in needs(opened["table"], 1)} == {"top": 1, "leg": 4, "foot": 4}
    assert "leg set" not in {row.item for row in Structure(opened).explode({"table": 2}, {"leg set": 99}).rows}


def test_one_line_may_go_through_what_others_take_from_stock():
    """Lesson 89: the line says so, not the item."""
    through = compiled(Recipe("A", makes="1 each", ingredients=[Ingredient("S", "2 each", phantom=True)]), ITEMS)
    formulas = without_phantoms({"A": through, "B": made("B", S=2), "S": made("S", C=3)})
    found = Structure(formulas).explode({"A": 1, "B": 1}, {"S": 2})
    assert (found.row("S").gross, found.row("C").gross) == (2, 6)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.integers(1, 500))
def test_phantoms_within_phantoms_keep_every_kind_of_line_exact(a, b, c, count):
    """A sachet for each started 50 of a phantom is one for as many of what needs the phantom."""
    lines = [
        Ingredient("sachet", "1 each", per="started 50 each"),
        Ingredient("C", f"{c} each"),
        Ingredient("lid", "2 each", per="batch"),
    ]
    inner = compiled(Recipe("inner", makes="1 each", ingredients=lines, phantom=True), ITEMS)
    formulas = {"outer": made("outer", mid=a), "mid": made("mid", phantom=True, inner=b), "inner": inner}
    found = {one.line.item: one.steps for one in needs(without_phantoms(formulas)["outer"], count)}
    assert found == {"sachet": -(-count * a * b // 50), "C": count * a * b * c, "lid": 2}


def test_a_phantom_that_does_not_grow_evenly_or_has_no_recipe_is_refused():
    recipe = Recipe("A", makes="1 each", ingredients=[Ingredient("S", "2 each", per="batch")])
    with pytest.raises(Unsolvable):
        without_phantoms({"A": compiled(recipe, ITEMS), "S": made("S", phantom=True, C=3)})
    recipe = Recipe("A", makes="1 each", ingredients=[Ingredient("S", "2 each", phantom=True)])
    with pytest.raises(Unknown):
        without_phantoms({"A": compiled(recipe, ITEMS)})


# ------------------------------------------------------------------------------------------------------------ buildable


@given(webs(), st.dictionaries(st.sampled_from([f"i{n}" for n in range(7)]), st.integers(0, 60), min_size=2, max_size=7))
def test_what_can_be_made_can_be_made_and_not_one_more(web, stock):
    """Lesson 90: shared parts are counted once."""
    found = web.buildable("i0", stock)
    assert web.explode({"i0": found.steps}, stock, use_own_stock=False).missing == {}
    lacking = web.explode({"i0": found.steps + 1}, stock, use_own_stock=False).missing
    assert lacking == dict(found.limits) != {}


def test_a_shared_part_limits_both_ways_together():
    """Lesson 90: a minimum per line would say 10."""
    web = structure(made("kit", bolt=1, sub=1), made("sub", bolt=1))
    found = web.buildable("kit", {"bolt": 10})
    assert str(found) == "5 each of kit can be made now; limited by bolt"
    assert web.buildable("kit", {"bolt": 10, "sub": 4}).steps == 7
    assert web.buildable("kit", {"bolt": 10}, most=3).limits == ()


def test_small_fractions_lose_no_kit():
    """erp KIT-003: 0.7 there and 0.1 each are exactly seven."""
    z = Item("z", unit="kg")
    kit = compiled(Recipe("kit", makes="1 each", ingredients=[Ingredient("z", "0.1 kg")]), {"kit": Item("kit", unit="each"), "z": z})
    assert structure(kit).buildable("kit", {"z": z.steps("5.5 kg") - z.steps("4.8 kg")}).steps == 7
    w = Item("w", unit="each", step="0.01 each")
    kit = compiled(Recipe("kit", makes="100 each", ingredients=[Ingredient("w", "1 each")]), {"kit": Item("kit", unit="each"), "w": w})
    assert structure(kit).buildable("kit", {"w": w.steps("5.57 each") - w.steps("5 each")}).steps == 57


# ------------------------------------------------------------------------------------------------- versions, differences


def version(code: str, **more) -> Formula:
    return compiled(Recipe("FG", makes="1 each", code=code, ingredients=[Ingredient("SA", "1 each")], **more), ITEMS)


def test_a_version_is_chosen_by_day_size_and_preference_with_the_reasons():
    versions = [
        version("winter", valid_until=date(2026, 2, 28)),
        version("large", smallest="100 each", preference=1),
        version("old"),
        version("new", valid_from=date(2026, 3, 1)),
        version("next", valid_from=date(2026, 4, 1)),
    ]
    assert str(choose(versions, DAY, 10)) == (
        "new (winter: valid until 2026-02-28; large: meant for 100 each or more; next: valid from 2026-04-01; old: new is newer)"
    )
    assert choose(versions, DAY, 100).formula.recipe.code == "large"
    assert choose(versions[:2], date(2026, 2, 1), 10).formula.recipe.code == "winter"
    with pytest.raises(InvalidInput) as refused:
        choose(versions[:1], DAY)
    assert "valid until 2026-02-28" in refused.value.expected


def test_versions_that_nothing_tells_apart_are_refused():
    with pytest.raises(InvalidInput) as refused:
        choose([version("one"), version("two")], DAY)
    assert refused.value.given == "one, two"
    with pytest.raises(InvalidInput):
        choose([], DAY)


def test_two_versions_differ_in_what_they_differ_in():
    before = Recipe("FG", makes="1 each", ingredients=[Ingredient("SA", "1 each"), Ingredient("SB", "2 each")])
    after = Recipe(
        "FG", makes="1 each", code="FG-2", process_yield="95 %",
        ingredients=[Ingredient("SA", "1.5 each", loss="10 %"), Ingredient("SC", "5 %")], operations=[Operation("rest", wait="1 h")],
    )  # fmt: skip
    found = difference(before, after)
    assert found.changes == (
        ("process_yield", "1", "19/20"),
        ("ingredient SA: amount", "1 each", "1.5 each"),
        ("ingredient SA: loss", "0", "1/10"),
        ("ingredient SB", "2 each", None),
        ("ingredient SC", None, "5 %"),
        ("operation rest", None, found.changes[-1].after),
    )
    assert difference(before, before).changes == ()
    assert "SA: amount" in str(found)
    assert found._repr_html_().count("<tr>") == 7


# ----------------------------------------------------------------------------------------------- substitutes and outputs


@given(
    st.integers(1, 1000),
    st.integers(0, 1500),
    st.integers(0, 1500),
    st.fractions(min_value=Fraction(1, 5), max_value=5, max_denominator=50),
)
def test_substitutes_cover_what_they_take_and_never_more_than_is_there(need, own, other, ratio):
    line = compiled(
        Recipe("FG", makes="1 each", ingredients=[Ingredient("A", "1 each", substitutes=[Substitute("B", ratio=ratio)])]), ITEMS
    ).lines[0]
    found = substituted(line, need, {"A": own, "B": other})
    assert sum(one.covers for one in found.taken) + found.missing == need
    for one in found.taken:
        assert 0 < one.takes <= (own if one.item == "A" else other)
        assert one.takes >= one.covers * (1 if one.item == "A" else ratio) > one.takes - 1 - (0 if one.item == "A" else ratio)
    assert [one.item for one in found.taken] == sorted(one.item for one in found.taken)


def test_a_substitute_is_chosen_by_preference_with_the_reasons_against_the_others():
    line = compiled(
        Recipe(
            "FG", makes="1 each", ingredients=[Ingredient("A", "1 each", substitutes=[Substitute("B", ratio="2"), Substitute("C")])]
        ),
        ITEMS,
    ).lines[0]
    alone = substituted(line, 10, {"A": 9, "B": 19, "C": 10}, mixed=False)
    assert (alone.taken, alone.missing) == ((("C", 10, 10),), 0)
    assert alone.refused == (("A", "9 of 10 steps free"), ("B", "19 of 20 steps free"))


def test_by_products_scale_with_the_order_and_are_rounded_down():
    """erp BYP-001."""
    known = compiled(
        Recipe(
            "A",
            makes="1 each",
            ingredients=[Ingredient("C", "2 each")],
            outputs=[Output("B", "1 each"), Output("D", "1.4 each", process_yield="50 %")],
        ),
        ITEMS,
    )
    found = sheet(known, "2 each")
    assert [one.steps for one in found.lines] == [4]
    assert {item: str(amount) for item, amount in found.expected.items()} == {"B": "2 each", "D": "1 each"}


def test_what_is_taken_apart_goes_in_whole_and_has_no_main_product():
    """Lesson 51: no main product; the cost shares are all there is."""
    items = {name: Item(name, unit="kg", step="1 g") for name in ("chicken", "breast", "leg", "carcass")}
    outputs = [Output("breast", "30 kg", cost="60 %"), Output("leg", "40 kg", cost="40 %"), Output("carcass", "25 kg")]
    known = compiled(Recipe("chicken", makes="100 kg", apart=True, outputs=outputs), items)
    found = sheet(known, "10 kg")
    assert [(one.item, str(one.required)) for one in found.lines] == [("chicken", "10 kg")]
    assert {item: str(amount) for item, amount in found.expected.items()} == {"breast": "3 kg", "leg": "4 kg", "carcass": "2.5 kg"}
    report = compared(found, {"chicken": 10_000}, {"breast": 2_900, "leg": 4_100, "carcass": 2_500})
    assert [(row.name, str(row.difference), row.share) for row in report.deviations] == [
        ("+ breast", "-0.1 kg", Fraction(29, 30)), ("+ leg", "0.1 kg", Fraction(41, 40)),
    ]  # fmt: skip


def test_actual_and_plan_stand_side_by_side_also_what_nobody_planned():
    """erp CON-004: a missing line, another amount, and something extra."""
    planned = sheet(made("A", p1=12, p2=10), "4 each")
    report = compared(planned, {"p1": 576, "x": 40}, {"A": 4}, scales=[ITEMS.get("x")])
    assert {row.name: (str(row.planned), str(row.actual)) for row in report.deviations} == {
        "p1": ("48 each", "576 each"), "p2": ("40 each", "0 each"), "x": ("0 each", "40 each"),
    }  # fmt: skip
    assert report.row("+ A").share == 1
    assert "1200%" in str(report)
    with pytest.raises(InvalidInput):
        compared(planned, {"nobody": 1}, {})


# -------------------------------------------------------------------------------------------------------------- potency

LITRES = {name: Item(name, unit="L", step="1 mL") for name in ("batch", "active", "compensating", "filler", "rest")}


def blend(**more) -> Formula:
    lines = [
        Ingredient("active", "30 L", potency="30 %"),
        Ingredient("compensating", "10 L", compensates="active", factor="1.1"),
        Ingredient("filler", **({"amount": "40 L", "fills": True} | more)),
        Ingredient("rest", "20 L"),
    ]
    return compiled(Recipe("batch", makes="100 L", ingredients=lines), LITRES)


@pytest.mark.parametrize("filler", [{}, {"amount": "q.s.", "fills": False}], ids=["filler", "balance"])
def test_a_stronger_lot_is_compensated_and_the_total_stays(filler):
    found = balanced(blend(**filler), LITRES["batch"].steps("100 L"), {"active": "35 %"})
    assert found.amount("active") == Fraction(900, 35)
    assert found.amount("compensating") == 10 + (30 - Fraction(900, 35)) * Fraction(11, 10)
    assert [str(told(found.amount(name), "L")) for name in LITRES if name != "batch"] == ["25.714 L", "14.714 L", "39.571 L", "20 L"]
    assert sum(amount for _, amount in found.after) == 100
    assert [one.steps for one in found.sheet.lines] == [25_715, 14_715, 39_572, 20_000]  # each rounded up once


@given(st.integers(1, 1000), st.integers(1, 200), st.integers(1, 200))
def test_balancing_keeps_the_total_and_the_content(litres, target, there):
    lines = [Ingredient("active", "30 L", potency=f"{target} %"), Ingredient("rest", "20 L"), Ingredient("filler", "q.s.")]
    known = compiled(Recipe("batch", makes="100 L", ingredients=lines), LITRES)
    try:
        found = balanced(known, litres * 1000, {"active": f"{there} %"})
    except Unsolvable:
        assert Fraction(30 * target, there) > 80
        return
    assert sum(amount for _, amount in found.after) == litres
    assert found.amount("active") * there == Fraction(30, 100) * litres * target


def test_ten_kilograms_at_eighty_percent_of_target_take_twelve_and_a_half():
    assert required(10_000, "100 %", "80 %") == 12_500
    assert covered(12_500, "100 %", "80 %") == 10_000


@given(st.integers(0, 10**6), st.integers(1, 500), st.integers(1, 500))
def test_what_is_taken_for_a_need_covers_it(need, target, there):
    takes = required(need, f"{target} IU/mg", f"{there} IU/mg")
    assert covered(takes, f"{target} IU/mg", f"{there} IU/mg") >= need
    assert takes == 0 or covered(takes - 1, f"{target} IU/mg", f"{there} IU/mg") < need


def lot(code: str, free: int, **attributes) -> Stocked:
    return Stocked(Lot("active", code, received_at=datetime(2026, 1, 1, tzinfo=UTC), attributes=attributes), "stock", free, 0)


def test_lots_of_several_contents_take_and_cover():
    rows = [lot("A", 7_000, potency="35 %"), lot("B", 99, potency="30 %"), lot("C", 50_000, potency="24 %"), lot("D", 9)]
    found = pick_by_content(rows, 20_000, "30 %", DAY, usable_places={"stock"})
    assert [(one.stocked.lot.code, one.takes, one.covers) for one in found.taken] == [
        ("A", 7000, 8166),
        ("B", 99, 99),
        ("C", 14_669, 11_735),
    ]
    assert found.missing == 0
    none = pick_by_content([lot("D", 9), *rows[:1]], 20_000, "30 %", DAY, usable_places={"stock"})
    assert [(one.stocked.lot.code, one.reason) for one in none.refused] == [("D", "potency not declared")]
    assert none.missing == 20_000 - 8166
    mixed = balanced(blend(), 100_000, {}, {"active": found.takes})
    assert mixed.amount("active") == Fraction(found.takes, 1000)


def test_contents_in_other_units_and_missing_ones_are_told():
    with pytest.raises(InvalidInput):
        required(1, "30 %", "300 IU/mg")
    with pytest.raises(InvalidInput):
        balanced(blend(), 1000, {})
    with pytest.raises(Unsolvable):
        balanced(blend(), 1000, {"active": "5 %"})
    heavy = LITRES | {"active": Item("active", unit="kg")}
    recipe = Recipe("batch", makes="100 L", ingredients=[Ingredient("active", "30 kg", potency="30 %")])
    with pytest.raises(InvalidInput) as told_so:  # no density: nobody knows how much of the batch it is
        balanced(compiled(recipe, heavy), 1000, {"active": "35 %"})
    assert told_so.value.given == "active"


def test_a_lot_and_a_temperature_may_have_their_own_density():
    oil = Item("oil", unit="kg", density="0.9 kg/L", step="1 g")
    row = Lot("oil", "A", received_at=datetime(2026, 1, 1, tzinfo=UTC), attributes={"density": "0.92 kg/L"})
    assert of_lot(oil, row).steps("1 L") == 920
    densities = {"15 degC": "0.92 kg/L", "25 degC": "0.91 kg/L", "45 degC": "0.9 kg/L"}
    assert [at_temperature(oil, densities, f"{at} degC").density for at in (15, 20, 35, 45)] == [
        "0.92 kg/L", "0.915 kg/L", "0.905 kg/L", "0.9 kg/L",
    ]  # fmt: skip
    for wrong in ("14 degC", "46 degC", "20 degF", "warm"):
        with pytest.raises(InvalidInput):
            at_temperature(oil, densities, wrong)


def test_levels_are_in_the_order_of_the_structure():
    web = structure(made("FG", SA=1, CH=1), made("SA", CH=1))
    assert levels(web.formulas) == {"FG": 0, "SA": 1, "CH": 2}


ACTIVE = Ingredient("active", "30 L", potency="30 %")


@pytest.mark.parametrize(
    ("lines", "named", "fix"),
    [
        (
            [ACTIVE, Ingredient("filler", "40 L", fills=True), Ingredient("rest", "20 L", fills=True)],
            {"filler", "rest"},
            "let one line fill",
        ),
        ([Ingredient("rest", "1 L", compensates="active")], {"rest"}, "give the active line its `potency`"),
        ([ACTIVE, Ingredient("rest", "1 L", compensates="filler")], {"rest"}, "give the active line its `potency`"),
        ([Ingredient("filler", "40 L", fills=True)], {"filler"}, "give the active line its `potency`"),
        ([Ingredient("active", "30 L", potency="30 %", multiple="5 L")], {"active"}, "leave out the multiple"),
        (
            [ACTIVE, Ingredient("filler", "70 L", fills=True, substitutes=[Substitute("rest")])],
            {"filler", "active"},
            "leave out the substitutes, or give it an amount of its own",
        ),
        ([ACTIVE, Ingredient("filler", "q.s.", substitutes=[Substitute("rest")])], {"filler", "active"}, "leave out the substitutes"),
        ([ACTIVE, Ingredient("filler", "70 L", fills=True, follows="output")], {"filler"}, "let it follow the charge"),
        ([ACTIVE, Ingredient("chips", "70 kg", fills=True)], {"chips"}, "give chips a density"),
    ],
)
def test_what_a_role_would_leave_out_is_refused_when_the_recipe_is_registered(lines, named, fix):
    """Nothing that a line says is passed over in silence: the error names the lines and what helps."""
    with pytest.raises(Unsolvable) as refused:
        compiled(Recipe("batch", makes="100 L", ingredients=lines), LITRES | {"chips": Item("chips", unit="kg")})
    assert ({*refused.value.lines}, refused.value.fix.startswith(fix)) == (named, True)


def test_substitutes_of_other_lines_and_of_a_balance_without_contents_are_fine():
    other = Ingredient("rest", "20 L", substitutes=[Substitute("compensating")])
    assert compiled(Recipe("batch", makes="100 L", ingredients=[ACTIVE, other, Ingredient("filler", "q.s.")]), LITRES).by_choice
    water = Ingredient("filler", "q.s.", substitutes=[Substitute("compensating")])
    assert compiled(Recipe("batch", makes="100 L", ingredients=[water]), LITRES).by_choice


def test_what_is_lost_on_the_way_does_not_count_when_the_total_stays():
    """Half of the active and a fifth of the filler are lost: what reaches the vessel is the same at every content."""
    lines = [Ingredient("active", "30 L", potency="30 %", loss="50 %"), Ingredient("filler", "70 L", fills=True, loss="20 %")]
    lossy = compiled(Recipe("batch", makes="100 L", ingredients=lines), LITRES)
    found = balanced(lossy, 100_000, {"active": "40 %"})
    assert found.amount("active") == 45
    assert found.amount("active") / 2 + found.amount("filler") * Fraction(4, 5) == 100


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Ingredient("oil", "1 kg", phantom=True, potency="3 %"),
        lambda: Ingredient("oil", "1 kg", phantom=True, substitutes=[Substitute("fat")]),
        lambda: Ingredient("oil", "1 kg", factor="1.1"),
        lambda: Recipe("oil", makes="1 kg", phantom=True, shelf_life="9 days"),
        lambda: Recipe("oil", makes="1 kg", phantom=True, largest="9 kg"),
        lambda: Recipe("oil", makes="1 kg", phantom=True, preference=1),
        lambda: Recipe("oil", makes="1 kg", operations=[Operation("mix", at="kettle", run="1 h", transfer="1 kg")]),
        lambda: BatchSize(max="9 kg", vessel_holds="output"),
    ],
    ids=range(8),
)
def test_what_would_have_no_effect_is_refused_where_it_is_written(wrong):
    with pytest.raises(InvalidInput):
        wrong()


def test_a_phantom_neither_stands_in_nor_is_kept_by_content():
    items = {name: Item(name, unit="kg") for name in ("base", "wax", "oil", "mix")}
    base = compiled(Recipe("base", makes="1 kg", ingredients=[Ingredient("wax", "1 kg")], phantom=True), items)
    for line in (Ingredient("oil", "1 kg", substitutes=[Substitute("base")]), Ingredient("base", "1 kg", potency="3 %")):
        with pytest.raises(Unsolvable, match="phantom"):
            without_phantoms({"base": base, "mix": compiled(Recipe("mix", makes="1 kg", ingredients=[line]), items)})

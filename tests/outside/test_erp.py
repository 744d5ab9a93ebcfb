"""Import files of SAP Business One, NetSuite and Business Central: both ways, every problem named, nothing changed on the way."""

from __future__ import annotations

import csv
import io
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core import Ingredient, Item, OrderLine, Recipe, Workshop
from krafte_core.drafts import Opening
from krafte_core.errors import InvalidInput
from krafte_core.exports import exchange
from krafte_core.exports.erp import write
from krafte_core.exports.erp_layouts import KINDS, LAYOUTS, SYSTEMS, Dialect, ErpFile
from krafte_core.exports.erp_reading import read
from krafte_core.money import money
from tests.support import ROOT

ITEMS = {
    one.code: one
    for one in (
        Item("olive-oil", unit="kg", density="0.915 kg/L", packs={"drum": "190 kg"}, name="Olive oil"),
        Item("soap", unit="each", packs={"case": 12}), Item("jar", unit="each"),
    )
}  # fmt: skip
RECIPE = Recipe("soap", makes="40 each", ingredients=[Ingredient("olive-oil", "2 L"), Ingredient("jar", "40 each")])
STOCK = (Opening("olive-oil", "2 drum", "O-1", date(2027, 1, 31)), Opening("olive-oil", "5 kg", "O-2"), Opening("jar", "240 each"))
FIXED = {"date": "2026-11-23", "account": "1400", "template": "ITEM", "batch": "DEFAULT"}


def dialect(system, **told):
    return Dialect(system, **{"units": {"each": "PCS", "kg": "KG"}, "places": {"stock": "01"}, "fixed": FIXED} | told)


def an_order():
    shop = Workshop.in_memory()
    shop.register(*ITEMS.values())
    lines = [
        OrderLine("soap", "5 case", price="33.60 EUR", per="case", note="wrapped"),
        OrderLine("olive-oil", "2.5 kg", price="9 EUR"),
    ]
    return shop.orders.place(customer="C-100", lines=lines, requested="2026-12-01")


def rows_of(done, name):
    text = next(one.text for one in done.files if one.name == name)
    return [*csv.DictReader(io.StringIO(text))]


every_system = pytest.mark.parametrize("system", SYSTEMS)


@every_system
def test_items_go_out_and_come_in_again_and_what_has_no_column_is_said(system):
    done = write("items", ITEMS.values(), dialect(system))
    draft = read("items", done.files, dialect(system))

    assert done.ok
    assert [(row.path, row.given) for row in done.notes] == [("item olive-oil", "density, packs"), ("item soap", "packs")]
    assert [(one.code, one.unit, one.name) for one in draft.values] == [(one.code, one.unit, one.name) for one in ITEMS.values()]
    assert draft.ok


@every_system
def test_recipes_go_out_in_the_items_own_units_and_come_in_again_as_the_same_amounts(system):
    done = write("recipes", [RECIPE], dialect(system), items=ITEMS)
    (again,) = read("recipes", done.files, dialect(system), items=ITEMS).values

    assert (done.ok, again.item, again.code) == (True, "soap", "soap")
    batch = ITEMS["soap"].exact(RECIPE.makes) / ITEMS["soap"].exact(again.makes)
    for before, after in zip(RECIPE.ingredients, again.ingredients, strict=True):
        item = ITEMS[before.item]
        assert item.exact(after.amount) * batch == item.exact(before.amount)


@every_system
def test_opening_stock_goes_out_by_lot_and_comes_in_again(system):
    done = write("stock", STOCK, dialect(system), items=ITEMS)
    draft = read("stock", done.files, dialect(system), items=ITEMS)

    assert (done.problems, draft.problems) == ((), ())
    assert [(row.item, row.lot, row.expires, row.place) for row in draft.values] == [
        (row.item, row.lot, row.expires, "stock") for row in STOCK
    ]
    assert [ITEMS[row.item].steps(row.amount) for row in draft.values] == [ITEMS[row.item].steps(row.amount) for row in STOCK]


@every_system
def test_orders_go_out_and_come_in_again_with_exact_prices_for_the_items_own_unit(system):
    order = an_order()
    done = write("orders", [order], dialect(system), items=ITEMS)
    (again,) = read("orders", done.files, dialect(system), items=ITEMS).values

    assert (again.name, again.customer, again.requested) == (order.number, "C-100", date(2026, 12, 1))
    assert [(line.item, line.amount, line.price) for line in again.lines] == [
        ("soap", "60 each", money("2.80 EUR")), ("olive-oil", "2.5 kg", money("9 EUR")),
    ]  # fmt: skip
    assert again.lines[0].note == "wrapped"
    shop = Workshop.in_memory()
    shop.register(*ITEMS.values())
    assert shop.orders.place(customer=again.customer, lines=again.lines).total == order.total


def test_business_one_gets_two_rows_of_names_and_batches_that_know_their_line():
    done = write("stock", STOCK, dialect(SYSTEMS[0]), items=ITEMS)
    texts = {one.name: one.text.splitlines() for one in done.files}

    assert texts["OIGN - Documents"] == ["DocNum,DocDate,Comments"] * 2 + ["1,20261123,opening stock"]
    assert texts["IGN1 - Document_Lines"][2:] == ["1,,olive-oil,380,01", "1,,olive-oil,5,01", "1,,jar,240,01"]
    assert texts["BTNT - BatchNumbers"][2:] == ["1,0,O-1,380,20270131,0", "1,1,O-2,5,,1"]


def test_business_central_gets_a_batch_as_a_unit_of_the_item_so_that_nothing_is_divided():
    thirds = Recipe("soap", makes="30 each", ingredients=[Ingredient("olive-oil", "1 kg", overage="5 %")])
    done = write("recipes", [thirds], dialect(SYSTEMS[2]), items=ITEMS)

    assert rows_of(done, "Item Unit of Measure") == [{"Item No.": "soap", "Code": "BATCH", "Qty. per Unit of Measure": "30"}]
    (line,) = rows_of(done, "Production BOM Line")
    assert (line["Quantity per"], line["Scrap %"], line["Line No."]) == ("1", "5", "10000")
    (again,) = read("recipes", done.files, dialect(SYSTEMS[2]), items=ITEMS).values
    assert (again.makes, again.ingredients[0].overage) == ("30 each", Fraction(1, 20))


def test_an_amount_without_an_end_is_named_and_not_rounded():
    thirds = Recipe("soap", makes="30 each", ingredients=[Ingredient("olive-oil", "1 kg")])
    lossy = Recipe("jar", makes="1 each", ingredients=[Ingredient("olive-oil", "1 kg", loss="30 %")])
    done = write("recipes", [thirds, RECIPE], dialect(SYSTEMS[1]), items=ITEMS)

    assert [problem.path for problem in done.problems] == ["recipes[1]"]
    assert "1/30" in done.problems[0].given
    assert {row["External ID"] for row in rows_of(done, "Assemblies")} == {"soap"}
    for system in SYSTEMS:
        assert not write("recipes", [lossy], dialect(system), items=ITEMS).ok


def test_every_value_that_these_files_cannot_hold_is_listed_and_the_others_are_written():
    values = [
        Item("a" * 21, unit="each"), Item("soap", unit="each"), Item("SOAP", unit="each"), Item("=1+1", unit="each"),
        Item("set", unit="each", kit={"soap": "2 each"}),
    ]  # fmt: skip
    done = write("items", values, dialect(SYSTEMS[2]))

    assert [problem.path for problem in done.problems] == ["items[1]", "items[3]", "items[4]", "items[5]"]
    assert [row["No."] for row in rows_of(done, "Item")] == ["soap"]


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe("soap", makes="1 each", ingredients=[Ingredient("olive-oil", "5 %"), Ingredient("jar", "1 each")]),
        Recipe("soap", makes="1 each", ingredients=[Ingredient("jar", "1 each", per="batch")]),
        Recipe("soap", makes="1 each", ingredients=[Ingredient("jar", "1 each")], charge="1 kg"),
        Recipe("soap", makes="1 each", ingredients=[Ingredient("sugar", "1 kg")]),
    ],
    ids=["percent", "per batch", "charge", "unknown item"],
)
@every_system
def test_a_recipe_that_would_mean_something_else_there_is_not_written(system, recipe):
    done = write("recipes", [recipe], dialect(system), items=ITEMS)

    assert len(done.problems) == 1
    assert read("recipes", done.files, dialect(system), items=ITEMS).values == ()


def test_every_problem_of_a_file_is_listed_with_its_row():
    order = an_order()
    files = {one.name: one.text for one in write("orders", [order], dialect(SYSTEMS[2]), items=ITEMS).files}
    number = order.number
    files["Sales Line"] += (
        f"Order,{number},30000,Item,saop,1,PCS,,\n"
        f"Order,{number},40000,Item,soap,,PCS,,\n"
        "Order,CO-9,10000,Item,soap,1,PCS,,\n"
        f"Order,{number},50000,Item,soap,1,PCS,,,,,\n"
    )
    files["Sales Header"] += f"Order,CO-7,C-1,2026-11-23,2026-02-30,,EUR\nOrder,{number},C-1,2026-11-23,,,EUR\n"
    draft = read("orders", [ErpFile(*one) for one in files.items()], dialect(SYSTEMS[2]), items=ITEMS)

    places = [problem.path for problem in draft.problems]
    assert {
        "Sales Line, row 5, Quantity",
        "Sales Line, row 6",
        "Sales Line, row 7",
        "Sales Header, row 3",
        "Sales Header, row 4",
    } == {place for place in places if ";" not in place}
    assert any("Sales Line, row 4" in place for place in places)  # the unknown item, with all rows of its order
    assert draft.values == ()


def test_codes_that_the_other_system_wrote_in_capitals_are_our_items():
    files = write("stock", STOCK[:1], dialect(SYSTEMS[2]), items=ITEMS).files
    shouted = [ErpFile(one.name, one.text.replace("olive-oil", "OLIVE-OIL")) for one in files]

    assert read("stock", shouted, dialect(SYSTEMS[2]), items=ITEMS).values[0].item == "olive-oil"
    twins = {**ITEMS, "Olive-Oil": Item("Olive-Oil", unit="kg")}
    assert not read("stock", shouted, dialect(SYSTEMS[2]), items=twins).ok


def test_batches_that_do_not_add_up_to_their_line_are_said():
    files = {one.name: one.text for one in write("stock", STOCK, dialect(SYSTEMS[0]), items=ITEMS).files}
    files["BTNT - BatchNumbers"] += "1,1,O-3,4,,1\n1,9,O-4,4,,9\n"
    draft = read("stock", [ErpFile(*one) for one in files.items()], dialect(SYSTEMS[0]), items=ITEMS)

    assert [problem.path for problem in draft.problems] == ["IGN1 - Document_Lines, row 4", "BTNT - BatchNumbers, row 6"]


@pytest.mark.parametrize("text", ["", "x", 'No.,Description\n"open', "No.,No.,Base Unit of Measure\n", "\ufeffNo.,Type\n"])
def test_what_is_no_such_file_is_said_in_its_first_row(text):
    draft = read("items", [ErpFile("Item", text)], dialect(SYSTEMS[2]))

    assert [problem.path for problem in draft.problems] == ["Item, row 1"]
    assert [problem.path for problem in read("items", [], dialect(SYSTEMS[2])).problems] == ["Item"]


@given(st.sampled_from(SYSTEMS), st.sampled_from(KINDS), st.text(max_size=200), st.data())
def test_any_text_is_a_draft_and_never_a_crash(system, kind, text, data):
    files = []
    for sheet in LAYOUTS[system][kind]:
        head = ",".join(column.theirs for column in sheet.columns) + "\n"
        cell = st.sampled_from(["1", "soap", "olive-oil", "PCS", "1e999", "-1", "", "20261123", "2026-11-23", "=1", "\x00"])
        row = ",".join(data.draw(st.lists(cell, min_size=1, max_size=len(sheet.columns))))
        files.append(ErpFile(sheet.name, head * 2 + row + "\n" + text))
    read(kind, files, dialect(system), items=ITEMS)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=5), st.sampled_from(SYSTEMS))
def test_every_amount_comes_back_to_the_step(steps, system):
    item = ITEMS["olive-oil"]
    rows = [Opening("olive-oil", str(item.quantity(count)), f"L{at}") for at, count in enumerate(steps)]
    draft = read("stock", write("stock", rows, dialect(system), items=ITEMS).files, dialect(system), items=ITEMS)

    assert [item.steps(row.amount) for row in draft.values] == steps


def test_a_dialect_in_which_two_of_our_words_are_one_is_refused():
    with pytest.raises(InvalidInput):
        Dialect("netsuite", units={"each": "EA", "kg": "EA"})
    with pytest.raises(InvalidInput):
        Dialect("sap r/3")
    with pytest.raises(InvalidInput):
        read("prices", [], dialect("netsuite"))


def _told(column):
    return column.ours or (f"always `{column.fixed}`" if column.fixed else "empty")


def test_the_page_of_the_docs_has_every_column_with_our_field():
    page = (ROOT / "docs" / "exchange.md").read_text(encoding="utf-8")
    missing = [
        (system, sheet.name, column.theirs)
        for system, kinds in LAYOUTS.items()
        for sheets in kinds.values()
        for sheet in sheets
        for column in sheet.columns
        if f"| {sheet.name} | {column.theirs} | {_told(column)} |" not in page
    ]

    assert missing == []


def test_a_document_of_json_is_read_value_by_value():
    text = exchange.to_json([*ITEMS.values(), RECIPE, *STOCK]).replace('"190 kg"', '"190 nothings"')
    draft = exchange.read_json(text)

    assert draft.values == (ITEMS["soap"], ITEMS["jar"], RECIPE, *STOCK)
    assert [problem.path for problem in draft.problems] == ["$.value[0].value.unit"]
    with pytest.raises(InvalidInput):
        exchange.read_json('{"krafte":"1.0","value":1}')

"""Wholesale orders: tables as the customer writes them, X12 850 and EDIFACT ORDERS, with every fact of the shared samples."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from krafte_core.channels import BadPayload, ChannelError, WrongAccount, edifact, wholesale, x12
from krafte_core.errors import InvalidInput
from krafte_core.incoming import picture
from krafte_core.intake import PLACE, decide
from tests.support import needs_shared

needs_shared("channels")

from tests.outside.channels.facts import cases, differences, payload  # noqa: E402

DE = wholesale.Layout(
    {"order": "Bestellnummer", "placed_on": "Bestelldatum", "line": "Position", "sku": "Artikelnummer", "ean": "EAN",
     "title": "Bezeichnung", "quantity": "Menge", "unit": "Einheit", "price": "Einzelpreis netto", "discount_percent": "Rabatt %",
     "requested": "Wunschtermin", "country": "Lieferland", "note": "Bemerkung"},
    numbers="1.234,56", dates="30.11.2026", delimiter=";", countries={"Deutschland": "DE"},
)  # fmt: skip
US = wholesale.Layout(
    {"order": "PO Number", "placed_on": "PO Date", "line": "Line", "sku": "Vendor SKU", "buyer_sku": "Buyer SKU", "ean": "UPC",
     "title": "Description", "quantity": "Qty Ordered", "unit": "UOM", "pack": "Case Pack", "price": "Unit Price",
     "ship_from": "Ship Not Before", "ship_by": "Cancel If Not Shipped By", "country": "Ship To Country"},
    numbers="1,234.56", dates="11/30/2026", signs=("$",), currency="USD", case_units=("CS",), countries={"USA": "US", "CAN": "CA"},
)  # fmt: skip
CHANGES = wholesale.Layout(
    {"action": "action", "order": "po_number", "revision": "revision", "changed_at": "changed_at", "line": "line", "sku": "sku",
     "quantity": "qty", "unit": "uom", "price": "unit_price", "currency": "currency", "requested": "requested_date"}
)  # fmt: skip
LAYOUTS = {"own_de_semicolon.csv": DE, "own_us_case_packs.csv": US, "own_change_cancel.csv": CHANGES}
PLAIN = wholesale.Layout({"order": "PO", "line": "Pos", "sku": "Article", "quantity": "Qty"})


def case_of(name):
    return next(case for case in cases("wholesale", "order", "order_after_all_records") if case["id"] == name)


def read(case, body=None):
    body = payload(case["file"]) if body is None else body
    name = case["file"].rpartition("/")[2]
    if name.endswith(".csv"):
        table = wholesale.Channel("partner", layout=LAYOUTS[name]).read_table(body)
        assert table.refused == ()
        return table.messages
    return (x12 if name.startswith("x12") else edifact).Channel("partner").read_document(body)


@pytest.mark.parametrize("case", cases("wholesale", "order"), ids=lambda case: case["id"])
def test_an_order_has_every_fact(case):
    message = next(one for one in read(case) if one.order_id == case["facts"]["order_id"])

    assert differences(message, case["facts"]) == []


def folded(messages, order):
    """What is known after all records: the order of our side."""
    stored = None
    for message in messages:
        if message.order_id == order:
            stored = decide(stored, message).imported
    return picture(stored.messages)


@pytest.mark.parametrize("name", ["csv-change-p900", "csv-change-p901"])
def test_after_all_records_an_order_has_every_fact_in_whatever_order_they_came(name):
    case = case_of(name)
    head, *rows = payload(case["file"]).decode().splitlines()
    orders = [rows, rows[::-1], *(list(some) for some in list(permutations(rows))[::397])]
    for some in orders:
        messages = read(case, "\n".join([head, *some]).encode())
        for way in (messages, messages[::-1]):
            assert differences(folded(way, case["facts"]["order_id"]), case["facts"]) == []


def test_warnings_say_what_did_not_fit():
    def told(name):
        return [str(problem) for message in read(case_of(name)) for problem in message.warnings]

    assert told("x12-850-widgets") == []  # 6 lines and 13045.94 are what came
    assert told("x12-850-yards") == ["segment 54 IEA: control number of IEA 000000001 is not that of ISA, 000000055"]
    assert "row 4: 30 is not a whole number of packs of 12" in told("csv-us-88121")


def test_a_test_order_makes_no_demand():
    (message,) = read(case_of("x12-850-yards"))
    assert not message.demands


def test_a_mapped_order_of_a_customer_is_placed_with_packs_as_declared():
    channel = wholesale.Channel("partner", layout=US, skus={"SOAP-OAT-100": "soap-oat", "SALT-250": {"salt": "1 case"}})
    first = channel.read_table(payload("wholesale/own_us_case_packs.csv")).messages[0]
    intake = decide(None, first)

    assert intake.action == PLACE
    assert [(row.item, str(row.amount), str(row.price)) for row in intake.lines] == [
        ("soap-oat", "1440 each", "1.89 USD"),
        ("salt", "25 case", "54.00 USD"),
    ]


# ------------------------------------------------------------------------------------------------------------ bad rows


def table_of(*rows, layout=PLAIN):
    out = io.StringIO()
    csv.writer(out).writerows([["PO", "Pos", "Article", "Qty"], *rows])
    return wholesale.Channel("partner", layout=layout).read_table(out.getvalue().encode())


def test_every_bad_row_is_said_with_its_number_and_none_of_its_order_is_imported():
    table = table_of(["A", 1, "X", 5], ["A", 2, "X", "many"], ["B", 1, "X", 1], ["A", "", "X", "-3"])

    assert [message.order_id for message in table.messages] == ["B"]
    paths = [problem.path for problem in table.refused[0].problems]
    assert paths == ["row 3, column Qty", "row 5, column Qty", "row 5, column Pos"]


def test_a_line_that_says_two_things_is_a_problem_and_one_that_comes_twice_is_not():
    assert table_of(["A", 1, "X", 5], ["A", 1, "X", 5]).messages[0].lines[0].quantity == 5
    assert table_of(["A", 1, "X", 5], ["A", 1, "X", 6]).refused


@pytest.mark.parametrize(
    ("style", "text", "value"),
    [("1.234,56", "1.200", "1200"), ("1,234.56", "1.200", "1.200"), ("1234.56", "1,5", None), ("1 234,56", "1 200,5", "1200.5"),
     ("1'234.56", "1'200", "1200"), ("1.234,56", "1.2", None), ("1234.56", "1e3", None), ("1234.56", "=1+1", None),
     ("1234.56", "\u0663", None)],
)  # fmt: skip
def test_numbers_are_read_in_the_declared_style_only(style, text, value):
    layout = wholesale.Layout(PLAIN.columns, numbers=style)
    table = table_of(["A", 1, "X", text], layout=layout)

    assert [str(message.lines[0].quantity) for message in table.messages] == ([] if value is None else [value])


def test_a_workbook_is_read_like_a_table():
    book = Workbook()
    sheet = book.active
    for row in (["PO", "Pos", "Article", "Qty"], ["A", 10, "007123", 12.5], ["A", 20, "X", 3], ["B", 1, "Y", "=1+1"]):
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    table = wholesale.Channel("partner", layout=PLAIN).read_table(out.getvalue())

    assert [(line.line_id, line.sku, line.quantity) for line in table.messages[0].lines] == [
        ("10", "007123", Decimal("12.5")),
        ("20", "X", Decimal(3)),
    ]
    assert [problem.path for problem in table.refused[0].problems] == ["row 4, column Qty"]


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"PK\x03\x04nonsense", b"a,b\n1,2\n", b'PO,Pos,Article,Qty\n"open', b"PO,PO,Pos,Article,Qty\n"]
)
def test_what_is_no_table_is_said(body):
    with pytest.raises(BadPayload):
        wholesale.Channel("partner", layout=PLAIN).read_table(body)


def test_a_layout_must_name_what_an_order_needs():
    with pytest.raises(InvalidInput):
        wholesale.Channel("partner", layout=wholesale.Layout({"order": "PO"}))
    with pytest.raises(InvalidInput):
        wholesale.Channel("partner", layout=wholesale.Layout({**PLAIN.columns, "prize": "P"}))
    with pytest.raises(InvalidInput):
        wholesale.Channel("partner").read_table(b"")


# ---------------------------------------------------------------------------------------------------------- documents


def test_documents_of_others_are_refused():
    body = payload("wholesale/x12_850_widgets.edi")
    assert x12.Channel("XYZ", sender="4405197800").read_document(body)
    with pytest.raises(WrongAccount):
        x12.Channel("XYZ", sender="1").read_document(body)
    with pytest.raises(WrongAccount):
        edifact.Channel("XYZ", sender="1").read_document(payload("wholesale/edifact_orders_d03b_books.edi"))


def test_own_marks_and_released_marks_of_edifact():
    text = "UNA;*,! 'UNB*UNOA;1*A*B*261101;1200*1'UNH*1*ORDERS;D;96A;UN'BGM*220*a!*b*9'LIN*1**X;SA'QTY*21;5'UNS*S'UNT*6*1'UNZ*1*1'"
    (message,) = edifact.Channel("p").read_document(text)

    assert message.order_id == "a*b"
    assert (message.lines[0].sku, message.lines[0].quantity) == ("X", 5)


def test_problems_of_a_document_name_segment_and_place():
    text = payload("wholesale/x12_850_widgets.edi").decode().replace("PO1*1*120", "PO1*1*lots").replace("20101214", "20109999")
    with pytest.raises(BadPayload) as caught:
        x12.Channel("p").read_document(text)

    assert {problem.path for problem in caught.value.problems} == {"segment 8 DTM", "segment 15 PO1.02"}


@given(st.sampled_from(["x12_850_widgets.edi", "x12_850_yards_indented.edi", "edifact_orders_d03b_books.edi"]),
       st.lists(st.tuples(st.integers(0, 3_000), st.sampled_from(["", "*", "~", "+", "'", ":", "?", "x", "9", "\n", "\0", "Ä"])),
                max_size=8))  # fmt: skip
def test_a_damaged_document_raises_coded_errors_or_is_read(name, changes):
    text = payload(f"wholesale/{name}").decode()
    for place, letters in changes:
        at = place % len(text)
        text = text[:at] + letters + text[at + 1 :]
    channel = x12.Channel("p") if name.startswith("x12") else edifact.Channel("p")
    try:
        messages = channel.read_document(text)
    except ChannelError:
        return  # anything else fails the test
    for message in messages:
        decide(None, message)

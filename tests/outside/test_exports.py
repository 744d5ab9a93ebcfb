"""Exports: what is written is valid by the standards' own schemas and comes back as it was; what is wrong is refused by name."""

from __future__ import annotations

import csv
import io
import json
import re
import tracemalloc
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from krafte_core import Ingredient, Item, OrderLine, Recipe, Workshop, qty
from krafte_core.addresses import Address
from krafte_core.errors import InvalidInput, Unknown
from krafte_core.exports import epcis, epcis_reading, gs1, report, sheets, spreadsheets
from krafte_core.stock import Lot, Move, Posting
from krafte_core.store import Changes
from krafte_core.testing import FakeClock
from tests.support import needs_shared

DAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
SOAP, OIL, CASE = "4012345111118", "4012345123456", "04012345111118"
NAMES = epcis.Naming("https://id.example.com", zone="Europe/Berlin", places={"stock": "4012345000054"})
HUBER = Address("Huber Seifen", "Gasse 1", "1010", "Wien", country="AT", phone="+43 1 5")


def soap_shop(url="memory:"):
    """Oil becomes soap; a part is shipped on a pallet, a part scrapped, sampled or counted away."""
    clock = FakeClock("2026-11-23 08:00", zone="Europe/Berlin")
    shop = Workshop.open(url, clock=clock)
    shop.register(
        Item("oil", unit="kg", attributes={"gtin": OIL}),
        Item("soap", unit="each", name="Olive soap, 100 g", attributes={"gtin": SOAP}),
        Recipe("soap", makes="10 each", ingredients=[Ingredient("oil", "1.25 kg")]),
    )
    shop.stock.receive("oil", "50.125 kg", lot="O-1", supplier="Frantoio", supplier_lot="F-7", expires="2027-06-30")
    clock.tick(timedelta(hours=1))
    shop.production.make("soap", "100 each", lot="S-1", expires="2028-11-23")
    clock.tick(timedelta(hours=1))
    order = shop.orders.place(customer="Kiosk", lines=[OrderLine("soap", "40 each")], ship_to=Address("Kiosk", city="Graz"))
    shop.orders.confirm(order)
    shop.shipping.ship(order, attributes={"sscc": "340123453111111115"})
    shop.stock.scrap("soap", "3 each", lot="S-1", reason="broken")
    shop.stock.count("soap", "56 each", lot="S-1")
    shop.stock.found("oil", "1 kg", lot="O-F")
    shop.stock.transfer("oil", "1 kg", lot="O-1", to="quarantine")
    return shop


def valid(document):
    """Nothing, or what the standard's schema has against the document, format checks included."""
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(needs_shared("standards", "epcis", "schema", "EPCIS-JSON-Schema.json").read_text(encoding="utf-8"))
    checker = jsonschema.Draft7Validator(schema, format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER)
    return [f"{[*error.absolute_path]}: {error.message[:200]}" for error in checker.iter_errors(document)]


# ------------------------------------------------------------------------------------------------------------------ EPCIS


def test_every_movement_is_an_event_and_the_document_is_valid_by_the_schema():
    text = epcis.exported(soap_shop(), NAMES, DAY)
    assert valid(json.loads(text)) == []
    events = json.loads(text)["epcisBody"]["eventList"]
    told = [(event["type"], event["bizStep"], event.get("action", "")) for event in events]
    assert told == [
        ("ObjectEvent", "receiving", "OBSERVE"), ("ObjectEvent", "picking", "OBSERVE"), ("TransformationEvent", "commissioning", ""),
        ("AggregationEvent", "packing", "ADD"), ("ObjectEvent", "shipping", "OBSERVE"), ("ObjectEvent", "destroying", "DELETE"),
        ("ObjectEvent", "stock_taking", "DELETE"), ("ObjectEvent", "commissioning", "ADD"), ("ObjectEvent", "storing", "OBSERVE"),
    ]  # fmt: skip
    run = events[2]
    assert run["inputQuantityList"] == [{"epcClass": f"https://id.gs1.org/01/0{OIL}/10/O-1", "quantity": 12.5, "uom": "KGM"}]
    assert run["outputQuantityList"] == [{"epcClass": f"https://id.gs1.org/01/{CASE}/10/S-1", "quantity": 100}]
    assert run["ilmd"] == {"cbvmda:itemExpirationDate": "2028-11-23"}
    assert run["eventTime"].startswith("2026-11-23T09:00:00")
    assert events[3]["parentID"] == events[4]["epcList"][0] == "https://id.gs1.org/00/340123453111111115"
    assert events[0]["readPoint"]["id"] == "https://id.gs1.org/414/4012345000054"


def test_the_same_books_give_the_same_document_and_it_is_read_back():
    shop = soap_shop()
    text = epcis.exported(shop, NAMES, DAY)
    document = epcis_reading.read(text)
    assert text == epcis.exported(shop, NAMES, DAY)
    assert json.loads(document.written()) == json.loads(text)
    received = document.events[0]
    assert (received.parts[0].lot, received.parts[0].quantity, received.parts[0].uom) == ("O-1", Decimal("50.125"), "KGM")


def test_what_was_decided_about_lots_is_told_to_partners():
    """A hold, its end, a recall, a rejection and a new date after a retest: ObjectEvents that move nothing."""
    shop = soap_shop()
    shop.stock.hold("oil", lot="O-1", reason="smells")
    shop.stock.release("oil", lot="O-1", reason="does not")
    shop.stock.extend("soap", lot="S-1", expires="2029-01-31", reason="retest")
    recall = shop.trace.recall("oil", "O-1")
    shop.trace.hold(recall, reason="rancid")
    shop.stock.reject("soap", lot="S-1", reason="rancid")
    document = json.loads(epcis.exported(shop, NAMES, DAY))
    told = [event for event in document["epcisBody"]["eventList"] if event["bizStep"] in ("holding", "inspecting")]
    assert valid(document) == []
    assert [(event["bizStep"], event.get("disposition", ""), event["quantityList"][0]["epcClass"][-6:]) for event in told] == [
        ("holding", "unavailable", "10/O-1"), ("inspecting", "conformant", "10/O-1"), ("inspecting", "", "10/S-1"),
        ("holding", "recalled", "10/O-1"), ("holding", "recalled", "10/S-1"), ("inspecting", "non_conformant", "10/S-1"),
    ]  # fmt: skip
    assert told[2]["https://id.example.com/ns/itemExpirationDate"] == "2029-01-31"
    assert {"quantity", "uom"}.isdisjoint(told[0]["quantityList"][0])
    read = epcis_reading.read(json.dumps(document))
    assert json.loads(read.written()) == document


def test_a_document_of_any_length_is_written_in_pieces(tmp_path):
    """Paper by paper: what is in memory at once does not grow with the books, and two equal entries keep two names."""
    peaks, counts = [], []
    for papers in (500, 2_000):
        shop = Workshop.open(f"sqlite:///{tmp_path}/{papers}.db")
        shop.register(Item("oil", unit="kg"))
        moves = (Move("oil", "O-1", 5, "supplier", "stock"),)
        times = [DAY + timedelta(minutes=n // 4) for n in range(papers)]
        rows = [Posting("receive", f"PO-{n // 3}" if n % 2 else "", at, at, moves) for n, at in enumerate(times)]
        shop._office.store.commit(Changes(postings=rows, lots={("oil", "O-1"): Lot("oil", "O-1", received_at=DAY)}))
        [*epcis.streamed(shop, NAMES, DAY, until=DAY - timedelta(days=1))]  # so that everything is loaded
        tracemalloc.start()
        seen = sum(piece.count('"ObjectEvent"') for piece in epcis.streamed(shop, NAMES, DAY))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        counts.append(seen)
        document = json.loads(epcis.exported(shop, NAMES, DAY))
        names = [event["eventID"] for event in document["epcisBody"]["eventList"]]
        assert len(names) == len({*names}) == papers
        shop.close()
    assert counts == [500, 2_000]
    assert peaks[1] < 1.5 * peaks[0]


def reversal(*moves):
    """A run that used oil and made soap, and what was taken back of it a day later."""
    items = {"oil": Item("oil", unit="kg"), "soap": Item("soap", unit="kg")}
    rows = [
        Posting("use", "B-1", DAY, DAY, (Move("oil", "O", 8_000_000, "line:B-1", "production"),)),
        Posting("make", "B-1", DAY, DAY, (Move("soap", "S", 7_000_000, "production", "stock"),)),
        Posting("reverse", "B-1", DAY, DAY + timedelta(days=1), moves),
    ]
    return epcis.events(rows, items, {}, NAMES)


def test_what_was_taken_back_is_declared_an_error_and_corrected():
    """A kilogram too much was booked: the first event with its declaration, and the corrected one that it names."""
    wrong, right = told = reversal(Move("oil", "O", 1_000_000, "production", "line:B-1"))
    assert wrong["errorDeclaration"] == {
        "declarationTime": "2026-11-24T09:00:00.000+01:00", "reason": "incorrect_data", "correctiveEventIDs": [right["eventID"]],
    }  # fmt: skip
    assert [event["inputQuantityList"][0]["quantity"] for event in told] == [8, 7]
    assert valid(json.loads(epcis.dumps(epcis.document(told, DAY)))) == []


def test_a_reversed_run_of_the_workshop_is_declared_an_error():
    """The output is taken from where it stands now, the materials go back to the shelf: the event is the same all the same."""
    shop = soap_shop()
    shop.stock.transfer("soap", "50 each", lot="S-1", to="quarantine")
    shop.production.reverse("PB-2026-11-001", "5 each", force=True)
    document = json.loads(epcis.exported(shop, NAMES, DAY))
    wrong, right = (event for event in document["epcisBody"]["eventList"] if event["type"] == "TransformationEvent")
    assert valid(document) == []
    assert wrong["errorDeclaration"]["correctiveEventIDs"] == [right["eventID"]]
    assert [event["outputQuantityList"][0]["quantity"] for event in (wrong, right)] == [100, 95]


def test_what_was_taken_back_in_whole_did_not_occur():
    moves = (Move("oil", "O", 8_000_000, "production", "line:B-1"), Move("soap", "S", 7_000_000, "stock", "production"))
    (wrong,) = reversal(*moves)
    assert wrong["errorDeclaration"]["reason"] == "did_not_occur"
    with pytest.raises(InvalidInput):
        reversal(Move("oil", "O", 9_000_000, "production", "line:B-1"))


@given(st.decimals(min_value=0, max_value=10**12, allow_nan=False, places=6))
def test_amounts_are_written_digit_by_digit(amount: Decimal):
    text = epcis.dumps({"quantity": amount})
    assert json.loads(text, parse_float=Decimal, parse_int=Decimal)["quantity"] == amount


def test_a_unit_without_a_code_is_refused():
    rows = [Posting("receive", "", DAY, DAY, (Move("tea", "T", 5, "supplier", "stock"),))]
    with pytest.raises(InvalidInput) as caught:
        epcis.events(rows, {"tea": Item("tea", unit="stone")}, {}, NAMES)
    assert caught.value.field == "unit"


def examples():
    folder = needs_shared("standards", "epcis")
    return folder, json.loads((folder / "examples" / "manifest.json").read_text(encoding="utf-8"))


def test_the_examples_of_the_standard_are_read_and_written_back():
    """44 documents: what the schema accepts is read, all events of it, and comes back equal; what it refuses is refused by place."""
    folder, rows = examples()
    for row in rows:
        text = (folder / row["file"]).read_bytes()
        if row["schema_errors"]:
            with pytest.raises(InvalidInput):
                epcis_reading.read(text)
            continue
        document = epcis_reading.read(text)
        assert len(document.events) == row["events"], row["file"]
        assert json.loads(document.written()) == json.loads(text), row["file"]
        assert epcis_reading.read(document.written()) == document, row["file"]


def test_a_transformation_of_the_standard_tells_lots_and_classes_apart():
    """A GTIN without lot is a class of goods, never a lot."""
    folder, _ = examples()
    text = (folder / "examples" / "gs1" / "Example_9.6.4-TransformationEvent.jsonld").read_bytes()
    (event,) = epcis_reading.read(text).events
    assert [part.lot for part in event.parts if part.quantity is not None] == ["4444", "987", None]
    assert [part.identifier.serial for part in event.outputs] == ["25", "26", "27", "28"]


EVENT = {
    "type": "ObjectEvent", "eventTime": "2026-11-20T10:00:00.000+01:00", "eventTimeZoneOffset": "+01:00", "action": "OBSERVE",
    "eventID": "urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8", "bizStep": "shipping",
    "quantityList": [{"epcClass": f"urn:epc:class:lgtin:4012345.0{OIL[7:12]}.F-8", "quantity": 10.5, "uom": "KGM"}],
}  # fmt: skip


def written(*events, **more):
    head = {"@context": [epcis.CONTEXT], "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": "2026-11-20T10:00:00Z"}
    return json.dumps(head | {"epcisBody": {"eventList": [*events]}} | more)


BAD = {
    "too large": "[" + "0," * 10_000_001 + "0]",
    "too deep": "[" * 100_000 + "]" * 100_000,
    "deep in an object": written(EVENT | {"example:x": json.loads("[" * 60 + "]" * 60)}),
    "half": written(EVENT)[:-3],
    "no object": "[]",
    "not UTF-8": b'{"a": "\xff"}',
    "not a number": written(EVENT).replace("10.5", "NaN"),
    "a name twice": written(EVENT).replace('"action"', '"type": "X", "action"'),
    "remote context": written(EVENT, **{"@context": ["https://evil.example.com/context.jsonld"]}),
    "remote context in an event": written(EVENT | {"@context": "https://evil.example.com/context.jsonld"}),
    "imported context": written(EVENT, **{"@context": [epcis.CONTEXT, {"@import": "https://evil.example.com"}]}),
    "no context": written(EVENT).replace("@context", "context"),
    "old version": written(EVENT, schemaVersion="1.2"),
    "no list": written(EVENT, epcisBody={}),
    "no event": written("event"),
    "no time": written(EVENT | {"eventTime": "2026-11-20"}),
    "impossible day": written(EVENT | {"eventTime": "2026-02-31T10:00:00Z"}),
    "no offset": written({key: value for key, value in EVENT.items() if key != "eventTimeZoneOffset"}),
    "other key in a quantity": written(EVENT | {"quantityList": [{"epcClass": "urn:x:y", "weight": 1}]}),
    "unit in words": written(EVENT | {"quantityList": [{"epcClass": "urn:x:y", "quantity": 1, "uom": "kilogram"}]}),
    "quantity as bool": written(EVENT | {"quantityList": [{"epcClass": "urn:x:y", "quantity": True}]}),
    "wrong digits": written(EVENT | {"quantityList": [{"epcClass": "urn:epc:class:lgtin:40x.1.F", "quantity": 1}]}),
    "wrong check digit": written(EVENT | {"epcList": ["https://id.gs1.org/01/04012345111119/10/A"]}),
    "empty lists": written(EVENT | {"quantityList": []}),
    "old vocabulary": written(EVENT | {"disposition": "urn:epcglobal:cbv:disp:active"}),
    "transformation of nothing": written(EVENT | {"type": "TransformationEvent"}),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_document_is_refused_with_the_place(name):
    with pytest.raises(InvalidInput) as caught:
        epcis_reading.read(BAD[name])
    assert caught.value.field
    assert len(str(caught.value)) < 1_000


def test_a_suppliers_shipment_becomes_lots_and_never_twice():
    """What can be taken in is; the rest is told with its reason. The same document again changes nothing."""
    shop = soap_shop()
    others = [
        EVENT | {"eventID": "urn:uuid:404d95fc-9457-4a51-bd6a-0bba133845a8", "quantityList": rows}
        for rows in [[{"epcClass": f"https://id.gs1.org/01/0{OIL}", "quantity": 5, "uom": "KGM"}]]
    ]
    ilmd = EVENT | {
        "action": "ADD",
        "bizStep": "commissioning",
        "ilmd": {"cbvmda:itemExpirationDate": "2027-12-31"},
        "eventID": "urn:x:1",
    }
    wrong = EVENT | {"eventID": "urn:x:2", "errorDeclaration": {"declarationTime": "2026-11-21T10:00:00Z", "reason": "did_not_occur"}}
    document = epcis_reading.read(written(EVENT, ilmd, wrong, *others))
    found = epcis_reading.receipts(document, {f"0{OIL}": "oil"}, supplier="Frantoio")
    taken = epcis_reading.take_in(shop, found)
    (lot,) = taken.lots
    assert (lot.supplier, lot.supplier_lot, lot.expires) == ("Frantoio", "F-8", date(2027, 12, 31))
    assert [reason for _, reason in taken.refused] == ["declared an error", "a GTIN without lot"]
    assert shop.stock.level("oil").on_hand == qty("49.125 kg")
    again = epcis_reading.take_in(shop, found)
    assert again.lots == taken.lots
    assert shop.stock.level("oil").on_hand == qty("49.125 kg")
    unknown = epcis_reading.receipts(document, {}, supplier="Frantoio")
    assert unknown.ready == ()
    assert ("no item for GTIN" in unknown.refused[0][1]) is True
    bad = epcis_reading.take_in(shop, epcis_reading.receipts(document, {f"0{OIL}": "grease"}, supplier="Frantoio"))
    assert (bad.lots, len(bad.refused)) == ((), 3)


def test_a_receipt_is_the_same_in_both_forms():
    """A lot as a URN with a company prefix, and as a Digital Link, older spelling and attributes included."""
    forms = [
        f"urn:epc:class:lgtin:4012345.0{OIL[7:12]}.F-8",
        f"https://id.gs1.org/01/0{OIL}/10/F-8",
        f"https://dl.supplier.example/some/path/gtin/0{OIL}/lot/F-8?17=271231",
    ]
    read = [
        epcis_reading.read(written(EVENT | {"quantityList": [{"epcClass": form, "quantity": 10.5, "uom": "KGM"}]})) for form in forms
    ]
    found = [epcis_reading.receipts(document, {f"0{OIL}": "oil"}, supplier="Frantoio") for document in read]
    assert [len(one.ready) for one in found] == [1, 1, 1]
    lots = []
    for one in found:
        shop = soap_shop()
        (lot,) = epcis_reading.take_in(shop, one).lots
        lots.append((lot.item, lot.supplier, lot.supplier_lot, shop.stock.level("oil").on_hand))
    assert lots == [lots[0]] * 3


# ------------------------------------------------------------------------------------------------------------------- GS1


def test_identifiers_are_read_in_both_forms():
    """The published pairs: every one of a key that is read comes out as its canonical link, lots kept beside serial numbers."""
    path = needs_shared("standards", "epcis", "identifiers", "canonical-digital-link.csv")
    checked = 0
    for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
        found, wanted = gs1.read_identifier(row["input"]), row["canonical_or_empty"]
        if found is None:  # a key that a batch maker does not need
            continue
        no_lot = {ai: value for ai, value in found.qualifiers if ai not in ("10", "22") or "21" not in dict(found.qualifiers)}
        assert gs1.identifier(found.key, found.value, no_lot).link == wanted
        checked += 1
    assert checked == 14


@given(st.text("0123456789", min_size=13, max_size=13))
def test_a_check_digit_finds_every_wrong_digit(digits: str):
    key = digits + gs1.check_digit(digits)
    assert gs1.gtin(key) == key
    wrong = key[:3] + str((int(key[3]) + 1) % 10) + key[4:]
    with pytest.raises(InvalidInput):
        gs1.gtin(wrong)


@given(st.from_regex(gs1.CSET_82, fullmatch=True), st.text("0123456789", min_size=13, max_size=13))
def test_a_lot_survives_the_link(lot: str, digits: str):
    made = gs1.identifier("01", digits + gs1.check_digit(digits), {"10": lot})
    assert gs1.read_identifier(made.link) == made


@pytest.mark.parametrize("wrong", ["", "Ä", "x" * 21, "a b", 7, None])
def test_a_lot_that_no_label_can_carry_is_refused(wrong):
    with pytest.raises(InvalidInput):
        gs1.lot_code(wrong)


def test_a_label_is_written_and_what_the_scanner_read_is_understood():
    pytest.importorskip("biip")
    text = gs1.label(SOAP, "S-1", expires=date(2026, 12, 31), net_kg=Decimal("12.5"))
    assert text == "(01)04012345111118(17)261231(3101)000125(10)S-1"
    found = gs1.scanned(re.sub(r"[()]", "", text))
    assert found == gs1.Scanned(CASE, "S-1", date(2026, 12, 31), Decimal("12.5"), None)
    assert gs1.scanned("00340123453111111115").sscc == "340123453111111115"
    assert gs1.scanned(SOAP).lot is None
    for bad in ("", "hello", "0104012345111119"):
        with pytest.raises(InvalidInput):
            gs1.scanned(bad)
    with pytest.raises(InvalidInput):
        gs1.label(SOAP, "S-1", net_kg=Decimal("1.1234567"))


def test_unit_codes_mean_what_the_table_of_the_standard_says():
    rows = csv.DictReader(needs_shared("standards", "epcis", "uom", "uom-pint.csv").read_text(encoding="utf-8").splitlines())
    kinds = {row["code"]: row["kind"] for row in rows}
    for unit, code in gs1.UNIT_CODES.items():
        assert kinds[code] == qty(f"1 {unit}").dimension


# ---------------------------------------------------------------------------------------------------------------- sheets


def rows_of(sheet):
    return list(csv.DictReader(io.StringIO(sheet.to_csv())))


def test_fsma_sheets_one_row_per_event_and_lot():
    """Receiving keeps the supplier's code, transformation gives a new one per input lot, shipping passes it on."""
    told = sheets.fsma_204(soap_shop(), HUBER, {"Frantoio": Address("Frantoio", "Via 2", city="Lucca", country="IT", phone="+39 5")})
    (came,), (made,), (gone,) = rows_of(told.receiving), rows_of(told.transformation), rows_of(told.shipping)
    assert (came["traceability lot code"], came["quantity"], came["previous source city"]) == ("F-7", "50.125", "Lucca")
    assert (came["TLC source name"], came["received at name"]) == ("Frantoio", "Huber Seifen")
    assert (made["input traceability lot code"], made["input quantity used"], made["input unit"]) == ("F-7", "12.5", "kg")
    assert (made["new traceability lot code"], made["new quantity"], made["reference document number"]) == (
        "S-1",
        "100",
        "PB-2026-11-001",
    )
    assert (gone["product description"], gone["subsequent recipient city"], gone["quantity"]) == ("Olive soap, 100 g", "Graz", "40")
    assert [row["tracking event"] for row in rows_of(told.combined)] == ["receiving", "transformation", "shipping"]
    assert told.missing == ()
    assert sheets.fsma_204(soap_shop(), HUBER, {}).missing == ("Frantoio",)
    assert [len(sheet.rows) for sheet in sheets.fsma_204(soap_shop(), HUBER, {}, items=["soap"]).sheets] == [0, 1, 1, 2]
    with pytest.raises(Unknown):
        sheets.fsma_204(soap_shop(), HUBER, {}, items=["soup"])


def test_the_sheets_of_a_large_shop_are_written_row_by_row(tmp_path):
    """What is in memory at once does not grow with the books; the rows are those of the sheets in memory."""
    peaks = []
    for papers in (250, 750):
        shop = Workshop.open(f"sqlite:///{tmp_path}/{papers}.db")
        shop.register(Item("oil", unit="kg"), Item("soap", unit="each"))
        rows = []
        for n in range(papers):
            used, made = Move("oil", f"O-{n}", 5, "stock", "production"), Move("soap", "S-1", 1, "production", "stock")
            rows += [
                Posting("receive", f"PO-{n}", DAY, DAY, (Move("oil", f"O-{n}", 5, "supplier", "stock"),)),
                Posting("run", f"PB-{n}", DAY, DAY, (used, made)),
            ]
        keys = [("soap", "S-1"), *(("oil", f"O-{n}") for n in range(papers))]
        lots = {key: Lot(*key, received_at=DAY) for key in keys}
        shop._office.store.commit(Changes(postings=rows, lots=lots))
        folder = tmp_path / str(papers)
        folder.mkdir()
        sheets.fsma_204(shop, HUBER, {}, until=DAY - timedelta(days=1))  # so that everything is loaded
        tracemalloc.start()
        with spreadsheets.CsvFolder(folder) as files:
            missing = sheets.fsma_204_into(files, shop, HUBER, {})
        sheets.organic(shop, ["oil"])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        told = sheets.fsma_204(shop, HUBER, {})
        assert missing == told.missing == ("(unknown)",)
        assert [sheet.to_csv() for sheet in told.sheets] == [
            (folder / f"{sheet.name}.csv").read_bytes().decode() for sheet in told.sheets
        ]
        shop.close()
    assert peaks[1] < 1.5 * peaks[0]


def test_a_workbook_is_written_row_by_row(tmp_path):
    """The same with XLSX: rows lie on the disk until the file is put together."""
    openpyxl = pytest.importorskip("openpyxl")
    with spreadsheets.XlsxFile(tmp_path / "fsma.xlsx") as file:
        sheets.fsma_204_into(file, soap_shop(), HUBER, {})
    read = openpyxl.load_workbook(tmp_path / "fsma.xlsx", read_only=True)
    for sheet in sheets.fsma_204(soap_shop(), HUBER, {}).sheets:
        rows = [[cell or "" for cell in row] for row in read[sheet.name].iter_rows(values_only=True)]
        assert len(rows) == len(sheet.rows) + 1
        assert rows[0] == [*sheet.header]
    read.close()
    peaks = []
    for many in (200, 1_000):
        tracemalloc.start()
        with spreadsheets.XlsxFile(tmp_path / f"{many}.xlsx") as file:
            file.begin("lots", ("lot", "amount"))
            for n in range(many):
                file.write("lots", (f"O-{n}", Decimal(n)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


def test_an_error_leaves_no_half_of_a_file(tmp_path):
    pytest.importorskip("openpyxl")

    def write(out):
        with out:
            out.begin("lots", ("lot",))
            out.write("lots", ("O-1",))
            raise LookupError

    for out in (spreadsheets.CsvFolder(tmp_path), spreadsheets.XlsxFile(tmp_path / "lots.xlsx")):
        with pytest.raises(LookupError):
            write(out)
    assert [*tmp_path.iterdir()] == []


def test_more_rows_than_a_spreadsheet_takes_are_refused(monkeypatch):
    pytest.importorskip("openpyxl")
    monkeypatch.setattr(spreadsheets, "MAX_ROWS", 3)
    rows = (("O-1",),) * 3
    with pytest.raises(InvalidInput) as caught:
        spreadsheets.workbook([spreadsheets.Sheet("lots", ("lot",), rows)])
    assert (caught.value.field, caught.value.given) == ("lots", "row 4")


def test_the_organic_balance_asks_no_question_per_run(tmp_path):
    """What the recipes expected is read with the papers, page by page."""
    counts = []
    for runs in (1, 9):
        shop = soap_shop(f"sqlite:///{tmp_path}/{runs}.db")
        for _ in range(runs):
            shop.production.make("soap", "8 each")
        sent = []
        event.listen(shop._office.store.engine, "before_cursor_execute", lambda *given, sent=sent: sent.append(given[2]))
        (balance,) = rows_of(sheets.organic(shop, ["oil"]))
        assert (Decimal(balance["use by the recipes"]), balance["difference"]) == (Decimal("12.5") + runs, "0")
        counts.append(len(sent))
        shop.close()
    assert counts[0] == counts[1]


def test_a_consignment_sheet_and_the_organic_balance():
    shop = soap_shop()
    shipment = shop.shipping.get("SH-2026-11-001")
    (line,) = rows_of(sheets.consignment(shipment, shop.catalogue.items, HUBER))
    assert (line["lot"], line["quantity"], line["dispatched by"]) == ("S-1", "40", "Huber Seifen, Gasse 1, 1010 Wien, AT")
    (balance,) = rows_of(sheets.organic(shop, ["oil"]))
    assert (balance["received"], balance["found"], balance["used"], balance["closing"]) == ("50.125", "1", "12.5", "38.625")
    assert (balance["use by the recipes"], balance["difference"], balance["unaccounted"]) == ("12.5", "0", "0")


WILD = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=30)


@given(
    st.lists(
        st.tuples(st.one_of(WILD, WILD.map(lambda text: f"={text}"), WILD.map(lambda text: f"@{text}")), st.decimals(-9, 9, places=3)),
        max_size=5,
    )
)
def test_no_cell_starts_a_formula(rows):
    openpyxl = pytest.importorskip("openpyxl")
    sheet = spreadsheets.Sheet("wild", ("text", "number"), tuple(rows))
    for row in csv.reader(io.StringIO(sheet.to_csv())):
        assert not row[0][:1] or row[0][0] not in "=+-@\t\r"
    page = openpyxl.load_workbook(io.BytesIO(spreadsheets.workbook([sheet])))["wild"]
    kinds = {cell.data_type for line in page.iter_rows() for cell in line}
    assert "f" not in kinds
    assert [line[0] or "" for line in page.iter_rows(min_row=2, values_only=True)] == [text for text, _ in rows]


def test_what_no_spreadsheet_takes_is_refused():
    pytest.importorskip("openpyxl")
    for text in ("a\x00b", "x" * 40_000):
        with pytest.raises(InvalidInput):
            spreadsheets.workbook([spreadsheets.Sheet("wild", ("text",), ((text,),))])


# ---------------------------------------------------------------------------------------------------------------- report


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        (Fraction(1), "100 %"), (Fraction(1, 3), "33.33 %"), (Fraction(999_999, 1_000_000), "99.99 %"), (Fraction(1, 1000), "0.1 %"),
        (Fraction(1, 1001), "999 ppm"), (Fraction(1, 10**7), "<1 ppm"), (Fraction(0), "0 ppm"), (None, "unknown"),
    ],
)  # fmt: skip
def test_parts_are_shown_as_people_read_them(part, shown):
    """What is not quite all is never shown as all, and what is not quite nothing never as nothing."""
    assert report._share(part) == shown


def test_the_report_is_one_file_that_needs_nothing_from_elsewhere():
    """No address, no script; what is empty says none; a lot named like mark-up stays text."""
    shop = soap_shop()
    shop.stock.receive("oil", "1 kg", lot="<b>&")
    page = report.recall_html(shop.trace.recall([("oil", "O-1"), ("oil", "<b>&")]), DAY, protocol=shop.trace.exercise("oil", "O-1"))
    addresses = [one for one in re.findall(r"https?://[^\"' ]+", page) if one != "http://www.w3.org/2000/svg"]
    assert (addresses, "<script" in page, "<b>&" in page) == ([], False, False)
    assert "&lt;b&gt;&amp;" in page
    assert page.count("class='none'>none") >= 4
    assert page.count("<svg") == 1
    assert "Kiosk" in page
    assert "Frantoio, F-7" in page

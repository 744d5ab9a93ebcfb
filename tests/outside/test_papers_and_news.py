"""What leaves as paper, label, file or message: complete, escaped, readable again."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from xml.etree import ElementTree

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core import Address, Ingredient, Item, OrderLine, Recipe, Workshop, qty
from krafte_core.drafts import Opening
from krafte_core.errors import InvalidInput, KrafteError, OutOfRange
from krafte_core.events import OrderCancelled, OrderConfirmed, OrderLate, OrderPlaced, OrderShipped, StockChanged
from krafte_core.exports import exchange
from krafte_core.exports.labels import Label, bars, fitting, parcel_label, pdf, sscc, svg, zpl
from krafte_core.exports.news import KINDS, LANGUAGES, composed, message_of, messages_of
from krafte_core.exports.papers import delivery_note, offer, packing_slip, pick_list
from krafte_core.shipping import Package, Shipment, ShipmentLine
from krafte_core.stock import Lot, Stocked
from krafte_core.testing import a_workshop
from krafte_core.times import instant
from tests.scenarios.day import candle_shop

AT = instant("2026-11-23T12:00Z")
ANNA = Address("Élodie <Kundin>", "Musterweg 1", "8010", "Graz", country="AT")
LABEL = Label(
    sscc("0340434", 161094042), Address("Seife & Co", city="Hamburg"), ANNA, ("3 x Soap",), lot="L-26-11", expires=date(2027, 11, 30)
)
LINES = (
    ShipmentLine("CO-1", "1", "soap", "S-1", qty("2 each"), 2),
    ShipmentLine("CO-1", "1", "soap", "S-2", qty("1 each"), 1),
    ShipmentLine("CO-2", "1", "salt", "T-1", qty("250 g"), 250),
)
SHIPMENT = Shipment("SH-1", "Anna", LINES, shipped_at=AT, carrier="DHL", tracking="JD1", ship_to=ANNA)


# -------------------------------------------------------------------------------------------------------------- papers


def test_a_packing_slip_has_every_article_once_and_neither_lots_nor_prices():
    slip = packing_slip(SHIPMENT, names={"soap": "<b>Soap</b>"}, language="de")

    assert slip.title == "Packzettel SH-1"
    assert slip.rows == (("soap", "<b>Soap</b>", "3 Stück"), ("salt", "", "250 g"))
    assert "&lt;b&gt;Soap" in slip.html()
    assert "<b>" not in slip.html()
    assert dict(slip.facts)["Lieferadresse"] == "Élodie <Kundin>, Musterweg 1, 8010 Graz, AT"


def test_a_delivery_note_names_lots_and_dates():
    lots = [Lot("soap", "S-1", received_at=AT, expires=date(2027, 1, 31))]
    note = delivery_note(SHIPMENT, lots=lots)

    assert [row[3:5] for row in note.rows] == [("S-1", "2027-01-31"), ("S-2", ""), ("T-1", "")]


def test_a_pick_list_goes_by_place_then_item_then_lot():
    def standing(item, lot, place):
        return Stocked(Lot(item, lot, received_at=AT), place, 5, 0)

    rows = [
        (standing("soap", "S-2", "b"), qty("1 each")),
        (standing("oil", "O", "b"), qty("1 kg")),
        (standing("soap", "S-1", "a"), qty("2 each")),
    ]
    assert [row[:3] for row in pick_list("today", rows).rows] == [("a", "soap", "S-1"), ("b", "oil", "O"), ("b", "soap", "S-2")]


def test_a_pdf_has_what_the_document_has_and_letters_that_its_font_lacks_are_said():
    from pypdf import PdfReader

    text = PdfReader(io.BytesIO(packing_slip(SHIPMENT).pdf())).pages[0].extract_text()
    assert all(part in text for part in ("Packing slip SH-1", "soap", "3 pcs", "Élodie"))
    with pytest.raises(InvalidInput):
        packing_slip(SHIPMENT, names={"soap": "石鹸"}).pdf()


PACKED = attrs.evolve(
    SHIPMENT,
    packages=(
        Package(LINES[:2], weight=qty("1260 g"), tracking="JD1", sscc=LABEL.sscc),
        Package(LINES[2:], tracking="JD2", sscc=sscc("0340434", 161094043)),
    ),
)  # fmt: skip


def test_a_slip_of_one_parcel_has_what_lies_in_it_with_its_own_number_and_weight():
    first, second = (packing_slip(PACKED, package=at, language="de") for at in (1, 2))

    assert (first.title, [row[2] for row in first.rows]) == ("Packzettel SH-1, Paket 1 von 2", ["3 Stück"])
    assert [dict(one.facts).get("Sendungsnummer") for one in (first, second)] == ["JD1", "JD2"]
    assert [dict(one.facts).get("Gewicht") for one in (first, second)] == ["1,26 kg", None]
    assert dict(packing_slip(PACKED).facts)["Tracking number"] == "JD1, JD2"
    with pytest.raises(InvalidInput):
        packing_slip(PACKED, package=3)


def test_an_offer_says_what_everything_costs_until_when_and_by_when():
    shop = Workshop.in_memory()
    shop.register(Item("soap", unit="each", packs={"case": 12}), Item("salt", unit="g"))
    shop.stock.receive("soap", "24 each", lot="S-1")
    shop.stock.receive("salt", "250 g", lot="T-1")
    lines = [OrderLine("soap", "2 case", price="36 EUR", per="case"), OrderLine("salt", "250 g", price="0.02 EUR")]
    order = shop.orders.place(customer="Anna", lines=lines, discount="10 %", tax="13.86 EUR", shipping_price="4.90 EUR")
    quote = shop.orders.quote(order, until="2099-01-31 12:00")
    found = offer(order, quote, names={"soap": "Seife"}, language="de")

    assert found.title == f"Angebot {quote.number}"
    assert dict(found.facts)["Gültig bis"] == "31.01.2099"
    assert found.rows == (
        ("soap", "Seife", "24 Stück", "36,00 EUR / case", "72,00 EUR"),
        ("salt", "", "250 g", "0,02 EUR / g", "5,00 EUR"),
        ("", "Rabatt", "", "", "-7,70 EUR"), ("", "Versand", "", "", "4,90 EUR"), ("", "Steuer", "", "", "13,86 EUR"),
        ("", "Zu zahlen", "", "", "88,06 EUR"),
    )  # fmt: skip
    with pytest.raises(InvalidInput):
        offer(shop.orders.place(customer="Anna", lines=[OrderLine("soap", "1 each")]))
    with pytest.raises(InvalidInput):
        offer(shop.orders.place(customer="Anna", lines=lines), quote)


# -------------------------------------------------------------------------------------------------------------- labels


def test_an_sscc_has_18_digits_and_the_check_digit_of_gs1():
    assert sscc("0614141", 123456789) == "006141411234567890"  # the example of the GS1 General Specifications
    with pytest.raises(OutOfRange):
        sscc("0614141", 10**9)
    with pytest.raises(InvalidInput):
        sscc("06-41", 1)


@given(st.text("0123456789", min_size=4, max_size=12), st.data())
def test_every_sscc_fits_its_own_label(prefix, data):
    number = sscc(prefix, data.draw(st.integers(0, 10 ** (16 - len(prefix)) - 1)), data.draw(st.integers(0, 9)))

    assert re.fullmatch("[0-9]{18}", number)
    assert {*"".join(bars(Label(number, ANNA, ANNA)))} == {"0", "1"}


def test_a_wrong_check_digit_and_facts_that_no_code_can_hold_are_refused():
    for wrong in (Label("006141411234567891", ANNA, ANNA), Label("1", ANNA, ANNA), Label(LABEL.sscc, ANNA, ANNA, lot="x" * 40)):
        with pytest.raises(InvalidInput):
            bars(wrong)
        with pytest.raises(InvalidInput):
            zpl(wrong)


def test_a_label_as_svg_is_well_formed_and_has_all_bars_within_it():
    root = ElementTree.fromstring(svg(LABEL))
    texts = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    rects = [one for one in root.iter("{http://www.w3.org/2000/svg}rect") if one.get("x")]

    assert "Élodie <Kundin>" in texts
    assert {code.human for code in LABEL.codes} <= {*texts}
    assert len(rects) == len(re.findall("1+", "0".join(bars(LABEL))))
    assert all(float(one.get("x")) >= 10 and float(one.get("x")) + float(one.get("width")) <= 95.01 for one in rects)


def test_the_label_of_a_packed_parcel_says_what_lies_in_it_and_its_lot_where_it_is_one():
    two, one = (parcel_label(box, LABEL.sender, ANNA, names={"soap": "Soap"}, carrier="DHL") for box in PACKED.packages)

    assert (two.lines, two.lot, two.tracking) == (("3 pcs Soap", "1.26 kg"), "", "JD1")
    assert (one.lines, one.lot) == (("250 g salt",), "T-1")
    assert bars(one)
    with pytest.raises(InvalidInput):
        parcel_label(Package(LINES), LABEL.sender, ANNA)


LONG = Address("Élodie Kundin-Oberhuber-Mitterlehner-Wwwwwww", "Musterweg 1, Stiege 4, Tür 12, Hinterhof", "8010", "Graz")


def test_what_is_long_becomes_small_and_stays_on_the_label():
    """Seen in a picture: a long name ran out of the right edge of the SVG."""
    label = Label(LABEL.sscc, LONG, LONG, ("W" * 90,), "DHL", "9" * 40, lot="L" * 20, expires=date(2027, 11, 30), count=5)
    root = ElementTree.fromstring(svg(label))
    sizes = [(one.text, float(one.get("font-size"))) for one in root.iter("{http://www.w3.org/2000/svg}text")]

    assert all(fitting(text, size, 89) >= size - 0.001 for text, size in sizes)
    assert len({size for text, size in sizes if text in (LONG.name, LONG.street)}) == 1  # one size for all lines of an address
    assert pdf(label)
    assert zpl(label, dots=24)


def test_the_bars_of_the_number_are_as_wide_as_gs1_wants_them_on_parcels():
    """General Specifications 5.5: 0.495 mm at least; that is why the other facts have a code of their own."""
    full = Label(LABEL.sscc, ANNA, ANNA, lot="L" * 20, expires=date(2027, 11, 30), count=5)

    assert 85 / len(bars(full)[0]) >= 0.495
    assert [code.human for code in full.codes] == ["(00)003404341610940427", "(17)271130(37)5(10)" + "L" * 20]


@given(st.text(max_size=200), st.floats(1, 10))
def test_a_text_fits_whatever_it_says(text, size):
    small = fitting(text, size, 89)

    assert 0 < small <= size
    assert fitting(text, small, 89) == pytest.approx(small)


def test_a_label_as_pdf_has_its_words():
    from pypdf import PdfReader

    text = PdfReader(io.BytesIO(pdf(LABEL))).pages[0].extract_text()
    assert all(part in text for part in ("Élodie <Kundin>", "8010 Graz", "3 x Soap", LABEL.codes[0].human))


def test_no_word_of_a_customer_is_a_command_of_the_printer():
    hostile = Label(LABEL.sscc, ANNA, Address("^XZ~JA\n_5E\\"), lot="A^B")
    with pytest.raises(InvalidInput):
        zpl(hostile)
    told = zpl(Label(LABEL.sscc, ANNA, Address("^XZ~JA\n_5E\\")))

    assert told.count("^XZ") == 1
    assert "~" not in told
    assert r"\5EXZ\7EJA\0A\5F5E\5C" in told


def test_pairs_of_digits_are_told_to_the_printer_as_pairs():
    assert f"^FD>;>800{LABEL.sscc}^FS" in zpl(LABEL)
    assert "^FD>;>81727113010>6L-26-11^FS" in zpl(LABEL)
    with pytest.raises(InvalidInput):
        zpl(LABEL, dots=9)


# ------------------------------------------------------------------------------------------------------------ exchange


ITEMS = {
    one.code: one
    for one in (
        Item("olive-oil", unit="kg", density="0.915 kg/L", packs={"drum": "190 kg"}, name="Olive; oil"),
        Item("soap", unit="each"),
    )
}


def test_items_go_out_and_come_in_again():
    draft = exchange.read_items(exchange.write_items(ITEMS.values()))

    assert draft.ok
    assert draft.values == tuple(ITEMS.values())


def test_recipes_go_out_and_come_in_again():
    recipe = Recipe(
        "soap",
        makes="10 each",
        ingredients=[Ingredient("olive-oil", "1 kg", loss="3 %"), Ingredient("soap", "1 each", follows="output")],
    )
    draft = exchange.read_recipes(exchange.write_recipes([recipe]), items=ITEMS)

    assert (draft.values, draft.problems) == ((recipe,), ())


def test_opening_stock_of_a_table_fills_the_shelves():
    shop = Workshop.in_memory()
    shop.register(*ITEMS.values())
    rows = (Opening("olive-oil", "2 drum", "O-1", date(2027, 1, 31)), Opening("soap", "240 each"))
    draft = exchange.read_stock(exchange.write_stock(rows), items=ITEMS)
    for row in draft.values:
        shop.stock.opening(row.item, row.amount, lot=row.lot, expires=row.expires, place=row.place)

    assert draft.values == rows
    assert str(shop.stock.level("olive-oil").on_hand) == "380 kg"


def test_orders_of_a_table_are_placed_and_go_out_again():
    shop = Workshop.in_memory()
    shop.register(*ITEMS.values())
    text = "order,customer,requested,line,item,amount,price,note\r\nP-1,Anna,2026-12-01,1,soap,12 each,3.20 EUR,=1+1\r\n"
    (row,) = exchange.read_orders(text, items=ITEMS).values
    order = shop.orders.place(customer=row.customer, lines=row.lines, requested=row.requested)
    again = exchange.read_orders(exchange.write_orders([order]), items=ITEMS)

    assert again.ok
    assert again.values[0].lines[0].note == "=1+1"
    assert str(order.total) == "38.40 EUR"


def test_every_rows_problem_is_listed_and_an_order_with_one_brings_nothing():
    text = ("order,customer,item,amount,requested\r\nA,Anna,soap,5 each,\r\nA,Anna,saop,5 each,\r\nB,Ben,soap,many,\r\n"
            "C,Cleo,soap,1 each,tomorrow\r\nD,Dora,soap,,\r\nE,Eva,soap,1 each,2026-12-01\r\n")  # fmt: skip
    draft = exchange.read_orders(text, items=ITEMS)

    assert [row.name for row in draft.values] == ["E"]
    assert [problem.path for problem in draft.problems] == ["row 6, column amount", "row 2, 3", "row 4", "row 5"]


def test_a_spreadsheet_does_not_calculate_what_we_write():
    text = exchange.write_items([Item("soap", unit="each", name="=HYPERLINK(1)")])

    assert next(csv.DictReader(io.StringIO(text)))["name"] == "'=HYPERLINK(1)"
    assert exchange.read_items(text).values[0].name == "=HYPERLINK(1)"


@pytest.mark.parametrize("text", ["", "code\r\n", "code,unit,colour\r\n", 'code,unit\r\n"open', "code,code,unit\r\n"])
def test_what_is_no_such_table_is_said_in_its_first_row(text):
    assert [problem.path for problem in exchange.read_items(text).problems] == ["row 1"]


@given(st.text(max_size=200))
def test_any_text_is_a_draft_and_never_a_crash(text):
    exchange.read_items(text)
    exchange.read_items("code,unit,step,density,packs\r\n" + text)
    exchange.read_orders("order,customer,item,amount,price\r\n" + text, items=ITEMS)


def test_documents_carry_everything_exactly():
    values = (*ITEMS.values(), Recipe("soap", makes="1 each", ingredients=[Ingredient("olive-oil", "1/3 kg")]))
    assert exchange.from_json(exchange.to_json(values)) == values
    with pytest.raises(KrafteError):
        exchange.from_json('{"krafte":"1.0","value":1}')


# ---------------------------------------------------------------------------------------------------------------- news


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_news_has_its_words_in_both_languages(kind, language):
    news = composed(kind, {"order": "CO-1", "customer": "Anna", "promised": "2026-12-01", "reason": "No beeswax."}, language=language)

    assert "CO-1" in news.subject
    assert "Anna" in news.text
    assert "$" not in news.subject + news.text + news.html


def test_words_of_customers_are_escaped_and_a_subject_has_one_line():
    news = message_of(OrderPlaced(AT, "CO-1\nBcc: all", "<script>$order</script>"))

    assert "\n" not in news.subject
    assert "<script>" not in news.html
    assert "&lt;script&gt;$order" in news.html


def test_the_hosts_own_words_override_ours_one_kind_at_a_time():
    own = {"shipped": ("$order: off it goes", "Track $tracking")}
    news = message_of(OrderShipped(AT, "CO-1", "Anna", "SH-1", "DHL", "JD1"), templates=own)

    assert (news.subject, news.text) == ("CO-1: off it goes", "Track JD1")
    assert message_of(OrderPlaced(AT, "CO-1", "Anna"), templates=own).subject == "We have received your order CO-1"
    with pytest.raises(InvalidInput):
        composed("shipped", {}, templates={"shipped": ("$colour", "")})


def test_events_that_are_no_news_to_a_customer_are_none():
    assert message_of(StockChanged(AT, "lot soap S-1", "soap", "S-1", "count", qty("1 each"), "")) is None
    assert message_of(OrderCancelled(AT, "CO-1", "Anna"), reason="No beeswax.").kind == "refused"
    assert message_of(OrderConfirmed(AT, "CO-1", "Anna", None)).kind == "confirmed without date"


def test_a_subscriber_of_the_outbox_tells_the_customer():
    shop = a_workshop()
    told = []
    shop.subscribe("news", lambda event: told.append(message_of(event)), since="now")
    order = shop.orders.place(customer="Anna", lines=[OrderLine("soap-bar", "1 each")])
    shop.deliver_events()

    assert [(news.kind, news.order) for news in told if news] == [("received", order.number)]


def test_every_customer_of_a_run_hears_when_it_begins_and_of_a_date_that_moves():
    shop, _ = candle_shop()
    shop.stock.receive("wax", "4 kg", lot="W-1")
    shop.stock.receive("wick", "100 each", lot="K-1")
    told = []
    shop.subscribe("news", lambda event: told.extend(messages_of(shop, event, language="de")), since="now")
    anna, ben = (shop.orders.place(customer=name, lines=[OrderLine("candle", "10 each")]) for name in ("Anna", "Ben"))
    run = shop.production.plan_for([anna, ben])
    shop.production.start(run)
    shop.deliver_events()

    begun = [news for news in told if news.kind == "in production"]
    assert [(news.order, news.customer) for news in begun] == [(anna.number, "Anna"), (ben.number, "Ben")]
    late = OrderLate(AT, anna.number, "Anna", date(2026, 11, 25), date(2026, 11, 27))
    assert [news.kind for news in messages_of(shop, late)] == ["date moved"]
    assert "2026-11-27" in messages_of(shop, late)[0].text
    assert messages_of(shop, attrs.evolve(late, expected=None)) == ()

"""Packing slip, delivery note, pick list and offer: a document as a value, and that as PDF, HTML or plain text.

>>> from krafte_core import qty
>>> from krafte_core.shipping import ShipmentLine
>>> from krafte_core.times import instant
>>> lines = (ShipmentLine("CO-1", "1", "soap", "S-7", qty("3 each"), 3),)
>>> slip = packing_slip(Shipment("SH-1", "Anna", lines, shipped_at=instant("2026-11-23T12:00Z")), names={"soap": "Lavender <soap>"})
>>> print(slip.text())
Packing slip SH-1
<BLANKLINE>
Customer: Anna
Date: 2026-11-23
<BLANKLINE>
Article | Name            | Amount
soap    | Lavender <soap> | 3 pcs
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from types import MappingProxyType

import attrs

from krafte_core.addresses import Address
from krafte_core.errors import InvalidInput
from krafte_core.items import one_of
from krafte_core.money import Money
from krafte_core.orders import CustomerOrder, OrderLine, Quote
from krafte_core.quantities import Quantity
from krafte_core.shipping import Package, Shipment
from krafte_core.stock import Lot, Stocked

LANGUAGES = ("en", "de")
WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "en": {
            "slip": "Packing slip",
            "note": "Delivery note",
            "pick": "Pick list",
            "customer": "Customer",
            "date": "Date",
            "to": "Ship to",
            "carrier": "Carrier",
            "tracking": "Tracking number",
            "article": "Article",
            "name": "Name",
            "amount": "Amount",
            "lot": "Lot",
            "expires": "Use by",
            "place": "Place",
            "order": "Order",
            "parcel": "parcel {at} of {count}",
            "weight": "Weight",
            "each": "pcs",
            "offer": "Offer",
            "until": "Valid until",
            "by": "Delivered by",
            "price": "Price",
            "sum": "Total",
            "discount": "Discount",
            "shipping": "Shipping",
            "tax": "Tax",
            "tax in it": "of which tax",
            "gross": "To pay",
        },
        "de": {
            "slip": "Packzettel",
            "note": "Lieferschein",
            "pick": "Kommissionierliste",
            "customer": "Kunde",
            "date": "Datum",
            "to": "Lieferadresse",
            "carrier": "Versand durch",
            "tracking": "Sendungsnummer",
            "article": "Artikel",
            "name": "Bezeichnung",
            "amount": "Menge",
            "lot": "Charge",
            "expires": "Verwendbar bis",
            "place": "Lagerplatz",
            "order": "Auftrag",
            "parcel": "Paket {at} von {count}",
            "weight": "Gewicht",
            "each": "Stück",
            "offer": "Angebot",
            "until": "Gültig bis",
            "by": "Lieferung bis",
            "price": "Preis",
            "sum": "Summe",
            "discount": "Rabatt",
            "shipping": "Versand",
            "tax": "Steuer",
            "tax in it": "darin Steuer",
            "gross": "Zu zahlen",
        },
    }
)
Rows = tuple[tuple[str, ...], ...]


@attrs.frozen
class Document:
    """A title, some facts, and a table."""

    title: str
    facts: tuple[tuple[str, str], ...]
    head: tuple[str, ...]
    rows: Rows
    language: str = "en"

    def text(self) -> str:
        """As plain text with aligned columns."""
        table = (self.head, *self.rows)
        widths = [max(len(row[at]) for row in table) for at in range(len(self.head))]
        lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
        return "\n".join([self.title, "", *(f"{name}: {value}" for name, value in self.facts), "", *lines])

    def html(self) -> str:
        """As a page of HTML; everything is escaped."""
        facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in self.facts)
        head = "".join(f"<th>{escape(cell)}</th>" for cell in self.head)
        rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in self.rows)
        return (
            f'<!DOCTYPE html><html lang="{escape(self.language)}"><head><meta charset="utf-8">'
            f"<title>{escape(self.title)}</title></head>"
            f"<body><h1>{escape(self.title)}</h1><dl>{facts}</dl>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></body></html>"
        )

    def pdf(self, *, font: str | None = None) -> bytes:
        """As PDF, A4; needs `fpdf2` (extra `labels`).

        Args:
            font: the path of a TrueType font; without one only letters of Western Europe can be printed.

        Raises:
            InvalidInput: (`invalid_input`) letters that the font does not have.
        """
        from fpdf import FPDF, FPDFException  # noqa: PLC0415 - an extra
        from fpdf.fonts import FontFace  # noqa: PLC0415

        page = FPDF(format="A4")
        page.add_page()
        name = use_font(page, font)
        try:
            page.set_font(name, size=18)
            page.cell(text=self.title, new_x="LMARGIN", new_y="NEXT", h=12)
            page.set_font(name, size=10)
            for fact, value in self.facts:
                page.multi_cell(0, text=f"{fact}: {value}", new_x="LMARGIN", new_y="NEXT")
            page.ln(4)
            bold = FontFace(emphasis="BOLD") if font is None else FontFace()
            widths = tuple(min(max(4, *(len(row[at]) for row in (self.head, *self.rows))), 40) for at in range(len(self.head)))
            with page.table(headings_style=bold, col_widths=widths) as table:
                for row in (self.head, *self.rows):
                    cells = table.row()
                    for cell in row:
                        cells.cell(cell)
        except (FPDFException, UnicodeError) as problem:
            raise InvalidInput("font", font, "a TrueType font that has all letters of the document") from problem
        return bytes(page.output())


def use_font(page: object, font: str | None) -> str:
    """The name of the font that a page writes with."""
    if font is None:
        return "helvetica"
    page.add_font("own", "", font)  # type: ignore[attr-defined]
    return "own"


def _address(address: Address | None) -> str:
    if address is None:
        return ""
    place = f"{address.postcode} {address.city}".strip()
    return ", ".join(part for part in (address.name, address.street, place, address.region, address.country) if part)


def _facts(shipment: Shipment, language: str, package: Package | None = None) -> tuple[tuple[str, str], ...]:
    words = WORDS[language]
    told = {
        "customer": shipment.customer, "date": _day(shipment.shipped_at.date(), language), "to": _address(shipment.ship_to),
        "carrier": shipment.carrier, "tracking": ", ".join(shipment.numbers),
    }  # fmt: skip
    if package is not None:
        told["tracking"] = package.tracking or shipment.tracking
        told["weight"] = "" if package.weight is None else amount_in(package.weight.to("kg"), language)
    return tuple((words[key], value) for key, value in told.items() if value)


def _day(day: date | None, language: str) -> str:
    return "" if day is None else f"{day:%d.%m.%Y}" if language == "de" else day.isoformat()


def _spelled(text: str, language: str) -> str:
    return text.replace(".", ",") if language == "de" else text


def amount_in(amount: Quantity, language: str) -> str:
    """An amount as people of a language write it.

    >>> from krafte_core import qty
    >>> amount_in(qty("0.75 kg"), "de"), amount_in(qty("3 each"), "en")
    ('0,75 kg', '3 pcs')
    """
    value, _, unit = str(amount).partition(" ")
    return f"{_spelled(value, language)} {WORDS[language]['each'] if unit == 'each' else unit}"


def packing_slip(
    shipment: Shipment, *, package: int = 0, names: Mapping[str, str] | None = None, language: str = "en"
) -> Document:  # fmt: skip
    """What is in the parcel, for the customer: each article once, without lots and prices.

    Args:
        shipment: as `shop.shipping` gave it.
        package: of several parcels the one that the slip lies in, from 1 on; 0 is all of it.
        names: what people call the articles.
        language: `"en"` or `"de"`.

    Raises:
        InvalidInput: (`invalid_input`) no such parcel.
    """
    words = WORDS[one_of(language, LANGUAGES, "language")]
    if package and not 1 <= package <= len(shipment.packages):
        raise InvalidInput("package", package, f"a parcel from 1 to {len(shipment.packages)}")
    box = shipment.packages[package - 1] if package else None
    sums: dict[str, Quantity] = {}
    for line in shipment.lines if box is None else box.lines:
        before = sums.get(line.item)
        sums[line.item] = line.amount if before is None else before + line.amount
    rows = tuple((item, (names or {}).get(item, ""), amount_in(amount, language)) for item, amount in sums.items())
    part = ", " + words["parcel"].format(at=package, count=len(shipment.packages)) if box is not None else ""
    return Document(
        f"{words['slip']} {shipment.number}{part}", _facts(shipment, language, box), _named(words, "article", "name", "amount"), rows,
        language,
    )  # fmt: skip


def offer(
    order: CustomerOrder, quote: Quote | None = None, *, names: Mapping[str, str] | None = None, language: str = "en"
) -> Document:  # fmt: skip
    """What an order would cost, and until when the offer holds, for the customer to say yes to.

    Raises:
        InvalidInput: (`invalid_input`) a line without a price; a quote of another order.
    """
    words = WORDS[one_of(language, LANGUAGES, "language")]
    whole = order.totals
    if whole is None:
        raise InvalidInput("order", order.number, "a price on every line")
    if quote is not None and quote.order != order.number:
        raise InvalidInput("quote", quote.number, f"a quote of {order.number}")
    called = names or {}
    rows = [
        (
            line.item,
            called.get(line.item, ""),
            amount_in(line.amount, language),
            _price(line, language),
            _money(line.total, language),
        )
        for line in order.lines
    ]
    told = {"discount": -whole.discount, "shipping": whole.shipping, "tax in it" if order.tax_included else "tax": whole.tax}
    rows += [("", words[key], "", "", _money(value, language)) for key, value in told.items() if value.amount]
    rows.append(("", words["gross"], "", "", _money(whole.gross, language)))
    facts = {"customer": order.customer, "date": _day(order.placed_at.date(), language), "to": _address(order.ship_to)}
    if quote is not None:
        facts |= {"until": _day(quote.until.date(), language), "by": _day(quote.date, language)}
    return Document(
        f"{words['offer']} {quote.number if quote is not None else order.number}",
        tuple((words[key], value) for key, value in facts.items() if value),
        _named(words, "article", "name", "amount", "price", "sum"), tuple(rows), language,
    )  # fmt: skip


def _price(line: OrderLine, language: str) -> str:
    per = line.per or ("" if line.amount.unit == "each" else line.amount.unit)
    text = _money(line.price, language)
    return f"{text} / {per}" if text and per else text


def _money(value: Money | None, language: str) -> str:
    return "" if value is None else _spelled(str(value), language)


def delivery_note(
    shipment: Shipment, *, names: Mapping[str, str] | None = None, lots: Sequence[Lot] = (), language: str = "en"
) -> Document:  # fmt: skip
    """What was delivered, by order and lot with its date, for whoever must be able to trace it."""
    words = WORDS[one_of(language, LANGUAGES, "language")]
    dates = {(lot.item, lot.code): lot.expires for lot in lots}
    rows = tuple(
        (
            line.order,
            line.item,
            (names or {}).get(line.item, ""),
            line.lot,
            _day(dates.get((line.item, line.lot)), language),
            amount_in(line.amount, language),
        )
        for line in shipment.lines
    )
    head = _named(words, "order", "article", "name", "lot", "expires", "amount")
    return Document(f"{words['note']} {shipment.number}", _facts(shipment, language), head, rows, language)


def pick_list(title: str, rows: Sequence[tuple[Stocked, Quantity]], *, language: str = "en") -> Document:
    """What is to be taken from the shelves: by place, then item, then lot, so that nobody walks twice."""
    words = WORDS[one_of(language, LANGUAGES, "language")]
    ordered = sorted(rows, key=lambda row: (row[0].place, row[0].lot.item, row[0].lot.code))
    told = tuple(
        (row.place, row.lot.item, row.lot.code, _day(row.lot.expires, language), amount_in(amount, language))
        for row, amount in ordered
    )
    return Document(f"{words['pick']} {title}", (), _named(words, "place", "article", "lot", "expires", "amount"), told, language)


def _named(words: Mapping[str, str], *keys: str) -> tuple[str, ...]:
    return tuple(words[key] for key in keys)

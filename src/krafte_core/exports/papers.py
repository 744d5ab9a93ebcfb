"""Packing slip, delivery note and pick list: a document as a value, and that as PDF, HTML or plain text.

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
soap    | Lavender <soap> | 3 each
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from types import MappingProxyType

import attrs

from krafte_core.addresses import Address
from krafte_core.errors import InvalidInput
from krafte_core.items import one_of
from krafte_core.quantities import Quantity
from krafte_core.shipping import Shipment
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
            with page.table(first_row_as_headings=False) as table:
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


def _facts(shipment: Shipment, words: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    told = {
        "customer": shipment.customer, "date": shipment.shipped_at.date().isoformat(), "to": _address(shipment.ship_to),
        "carrier": shipment.carrier, "tracking": shipment.tracking,
    }  # fmt: skip
    return tuple((words[key], value) for key, value in told.items() if value)


def packing_slip(shipment: Shipment, *, names: Mapping[str, str] | None = None, language: str = "en") -> Document:
    """What is in the parcel, for the customer: each article once, without lots and prices."""
    words = WORDS[one_of(language, LANGUAGES, "language")]
    sums: dict[str, Quantity] = {}
    for line in shipment.lines:
        before = sums.get(line.item)
        sums[line.item] = line.amount if before is None else Quantity(before.value + line.amount.value, line.amount.unit)
    rows = tuple((item, (names or {}).get(item, ""), str(amount)) for item, amount in sums.items())
    return Document(
        f"{words['slip']} {shipment.number}", _facts(shipment, words), _named(words, "article", "name", "amount"), rows, language
    )


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
            str(dates.get((line.item, line.lot)) or ""),
            str(line.amount),
        )
        for line in shipment.lines
    )
    head = _named(words, "order", "article", "name", "lot", "expires", "amount")
    return Document(f"{words['note']} {shipment.number}", _facts(shipment, words), head, rows, language)


def pick_list(title: str, rows: Sequence[tuple[Stocked, Quantity]], *, language: str = "en") -> Document:
    """What is to be taken from the shelves: by place, then item, then lot, so that nobody walks twice."""
    words = WORDS[one_of(language, LANGUAGES, "language")]
    ordered = sorted(rows, key=lambda row: (row[0].place, row[0].lot.item, row[0].lot.code))
    told = tuple((row.place, row.lot.item, row.lot.code, str(row.lot.expires or ""), str(amount)) for row, amount in ordered)
    return Document(f"{words['pick']} {title}", (), _named(words, "place", "article", "lot", "expires", "amount"), told, language)


def _named(words: Mapping[str, str], *keys: str) -> tuple[str, ...]:
    return tuple(words[key] for key in keys)

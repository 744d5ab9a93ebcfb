"""Sheets that rules ask for, as tables for spreadsheets: in memory, or row by row into files (`spreadsheets`).

- FSMA 204 (21 CFR 1 subpart S): receiving, transformation and shipping, one row per tracking event and lot, and all in one
- EU 931/2011: what goes with a consignment of food of animal origin
- organic: in and out per item and period, and what the recipes expected
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import attrs

from krafte_core.addresses import Address
from krafte_core.desks.tracing import Document
from krafte_core.errors import InvalidInput
from krafte_core.exports.spreadsheets import Cell, Kept, Row, Sheet, Sheets
from krafte_core.items import Item
from krafte_core.ledger import Key
from krafte_core.production import ProductionOrder
from krafte_core.records import planned_use
from krafte_core.shipping import Shipment
from krafte_core.stock import CUSTOMER, PRODUCTION, SUPPLIER, Lot, Posting
from krafte_core.trace import net
from krafte_core.workshop import Workshop

# FSMA 204 -------------------------------------------------------------------------------------------------------------

PLACE = ("name", "phone", "street", "city", "state", "zip", "country")


def _columns(prefix: str) -> tuple[str, ...]:
    return tuple(f"{prefix} {part}" for part in PLACE)


_WHAT = ("traceability lot code", "product description", "quantity", "unit")
_SOURCE = _columns("TLC source")
_PAPER = ("reference document type", "reference document number")
RECEIVING = ("event", "date received", *_WHAT, *_columns("previous source"), *_columns("received at"), *_SOURCE, *_PAPER)
TRANSFORMATION = (
    "event", "date completed", "input traceability lot code", "input product description", "input quantity used", "input unit",
    "new traceability lot code", "new product description", "new quantity", "new unit", *_SOURCE, *_PAPER,
)  # fmt: skip
SHIPPING = ("event", "date shipped", *_WHAT, *_columns("subsequent recipient"), *_columns("shipped from"), *_SOURCE, *_PAPER)
COMBINED = ("tracking event", *dict.fromkeys((*RECEIVING, *TRANSFORMATION, *SHIPPING)))


EVENTS = {"receiving": RECEIVING, "transformation": TRANSFORMATION, "shipping": SHIPPING}


@attrs.frozen
class Fsma:
    """The sheets of a request for records: one per critical tracking event, and the sortable one with all of them.

    `missing` are locations that nobody described: their cells are empty, and this list says whose.
    """

    receiving: Sheet
    transformation: Sheet
    shipping: Sheet
    combined: Sheet
    missing: tuple[str, ...]

    @property
    def sheets(self) -> tuple[Sheet, ...]:
        """All four."""
        return (self.receiving, self.transformation, self.shipping, self.combined)


class _Book:
    """What the sheets look up: items, locations, lots and delivery note of the document at hand; and whose location is missing."""

    def __init__(
        self,
        items: Mapping[str, Item],
        here: Address,
        known: Mapping[str, Address],
    ) -> None:
        self.items, self.here, self.known = items, here, known
        self.lots: Mapping[Key, Lot] = {}
        self.shipment: Shipment | None = None
        self.missing: set[str] = set()

    def look_at(self, one: Document) -> None:
        """What follows is about this document."""
        self.lots, self.shipment = one.lots, one.shipment

    def place(self, who: str | None, address: Address | None = None) -> tuple[str, ...]:
        """A location in seven cells; who is not described is listed as missing."""
        found = address or self.known.get(who or "")
        if found is None:
            self.missing.add(who or "(unknown)")
            return (who or "", *[""] * (len(PLACE) - 1))
        return (found.name, found.phone, found.street, found.city, found.region, found.postcode, found.country)

    def own(self) -> tuple[str, ...]:
        """The maker's own location."""
        return self.place(None, self.here)

    def source(self, key: Key) -> tuple[str, ...]:
        """Where the lot code of a lot was given: at the supplier's, where it is his, else here."""
        lot = self.lots.get(key)
        return self.place(lot.supplier) if lot is not None and lot.supplier_lot and lot.supplier else self.own()

    def code(self, key: Key) -> str:
        """The traceability lot code: the supplier's, which shipping on must keep, else our own."""
        lot = self.lots.get(key)
        return lot.supplier_lot if lot is not None and lot.origin == "receipt" and lot.supplier_lot else key[1]

    def what(self, key: Key, steps: int) -> Row:
        """Lot code, description, quantity, unit."""
        item = self.items[key[0]]
        amount = item.quantity(steps)
        return (self.code(key), item.name or item.code, amount.value, amount.unit)


def fsma_204(
    shop: Workshop,
    here: Address,
    locations: Mapping[str, Address],
    *,
    items: Collection[str] | None = None,
    since: Any = None,
    until: Any = None,
) -> Fsma:
    """The FSMA 204 sheets of the movements in a time, in memory; see `fsma_204_into`.

    >>> shop = Workshop.in_memory()
    >>> len(fsma_204(shop, Address("Huber"), {}).combined.rows)
    0
    """
    kept = Kept()
    missing = fsma_204_into(kept, shop, here, locations, items=items, since=since, until=until)
    return Fsma(kept["receiving"], kept["transformation"], kept["shipping"], kept["combined"], missing)


def fsma_204_into(
    out: Sheets,
    shop: Workshop,
    here: Address,
    locations: Mapping[str, Address],
    *,
    items: Collection[str] | None = None,
    since: Any = None,
    until: Any = None,
) -> tuple[str, ...]:
    """The FSMA 204 sheets of the movements in a time, row by row as they are read; whose location nobody described.

    Args:
        out: where the rows go: `spreadsheets.CsvFolder` or `XlsxFile`.
        shop: the workshop.
        here: the maker's own location.
        locations: those of suppliers and customers, by name; a shipment's own address is used where it has one.
        items: the foods on the traceability list; default every item.
        since, until: the time.

    Raises:
        Unknown: (`unknown`) an item that nobody registered.

    >>> import tempfile
    >>> from krafte_core.exports.spreadsheets import CsvFolder
    >>> with tempfile.TemporaryDirectory() as folder, CsvFolder(folder) as files:
    ...     fsma_204_into(files, Workshop.in_memory(), Address("Huber"), {})
    ()
    """
    catalogue = shop.catalogue.items
    wanted = frozenset(catalogue if items is None else (shop.catalogue.item(code).code for code in items))
    book = _Book(catalogue, here, locations)
    for name, header in (*EVENTS.items(), ("combined", COMBINED)):
        out.begin(name, header)
    for name, row in _tracked(book, shop.trace.documents(since=since, until=until), wanted):
        out.write(name, row)
        out.write("combined", _aligned(name, EVENTS[name], row))
    return tuple(sorted(book.missing))


def _tracked(book: _Book, documents: Iterable[Document], wanted: Collection[str]) -> Iterator[tuple[str, Row]]:
    """Every row, with the sheet that it belongs to."""
    number = count(1)
    for one in documents:
        book.look_at(one)
        for posting in one.postings:
            event = next(number)
            yield from (("receiving", row) for row in _received(book, event, posting, wanted))
            yield from (("shipping", row) for row in _shipped(book, event, posting, wanted))
        if one.is_run:
            yield from (("transformation", row) for row in _transformed(book, one, wanted))


def _aligned(event: str, header: Sequence[str], row: Sequence[Cell]) -> Row:
    cells = dict(zip(header, row, strict=True))
    return (event, *(cells.get(name) for name in COMBINED[1:]))


def _received(book: _Book, event: int, posting: Posting, wanted: Collection[str]) -> Iterator[Row]:
    for move in posting.moves:
        key = (move.item, move.lot)
        if move.source == SUPPLIER and move.item in wanted:
            lot = book.lots.get(key)
            supplier = book.place(lot.supplier if lot is not None else None)
            paper = ("purchase order", posting.paper) if posting.paper else ("receipt", f"{move.item} {move.lot}")
            what = book.what(key, move.steps)
            yield (f"R{event}", posting.happened_at.date(), *what, *supplier, *book.own(), *book.source(key), *paper)


def _transformed(book: _Book, one: Document, wanted: Collection[str]) -> Iterator[Row]:
    nets = net(one.postings, one.paper)
    used = [(key, steps) for key, steps in sorted(nets.items()) if steps > 0 and key[0] in wanted]
    made = [(key, -steps) for key, steps in sorted(nets.items()) if steps < 0 and key[0] in wanted]
    day = max(posting.happened_at for posting in one.postings if any(PRODUCTION in move[3:5] for move in posting.moves)).date()
    nothing: Row = (None,) * 4
    inputs, outputs = ([book.what(*row) for row in part] for part in (used, made))
    for second in outputs or ([nothing] if inputs else []):
        for first in inputs or [nothing]:
            yield (one.paper, day, *first, *second, *book.own(), "production order", one.paper)


def _shipped(book: _Book, event: int, posting: Posting, wanted: Collection[str]) -> Iterator[Row]:
    for move in posting.moves:
        key = (move.item, move.lot)
        if move.target == CUSTOMER and move.item in wanted:
            shipment = book.shipment
            recipient = book.place(shipment.customer if shipment else None, shipment.ship_to if shipment else None)
            what = book.what(key, move.steps)
            day = posting.happened_at.date()
            yield (f"S{event}", day, *what, *recipient, *book.own(), *book.source(key), "delivery note", posting.paper)


# EU -------------------------------------------------------------------------------------------------------------------

CONSIGNMENT = (
    "description", "quantity", "unit", "dispatched by", "consignor", "received by", "consignee", "lot", "dispatch date",
)  # fmt: skip


def consignment(
    shipment: Shipment, items: Mapping[str, Item], here: Address, *, consignor: Address | None = None, consignee: Address | None = None
) -> Sheet:
    """What regulation (EU) 931/2011 wants with a consignment of food of animal origin: one row per lot.

    Args:
        shipment: the delivery note; its address is the receiver's.
        items: at least those in it.
        here: the dispatcher; `consignor`, `consignee`: the owners, where they are others.

    Raises:
        InvalidInput: (`invalid_input`) a shipment without an address.
    """
    if shipment.ship_to is None:
        raise InvalidInput("shipment", shipment.number, "a shipment with the receiver's address")
    rows = []
    for line in shipment.lines:
        item = items[line.item]
        who = (_whole(here), _whole(consignor), _whole(shipment.ship_to), _whole(consignee))
        rows.append((item.name or item.code, line.amount.value, line.amount.unit, *who, line.lot, shipment.shipped_at.date()))
    return Sheet(f"consignment {shipment.number}", CONSIGNMENT, tuple(rows))


def _whole(address: Address | None) -> str:
    if address is None:
        return ""
    return ", ".join(filter(None, (address.name, address.street, f"{address.postcode} {address.city}".strip(), address.country)))


ORGANIC = (
    "item", "unit", "opening", "received", "made", "found", "returned", "used", "shipped", "sent back", "scrapped", "sampled",
    "count loss", "closing", "unaccounted", "use by the recipes", "difference",
)  # fmt: skip


def organic(shop: Workshop, items: Iterable[str], *, since: Any = None, until: Any = None) -> Sheet:
    """In and out of organic items in a time, and whether what was used is what the recipes of the runs expected.

    The recipes' use is the sum over the runs that used the item in this time: what each run's own copy of the recipe asks for, for
    what it really made. The runs are gone through one by one; what is kept is a sum per item.

    >>> shop = Workshop.in_memory()
    >>> shop.register(Item("oil", unit="kg"))
    >>> organic(shop, ["oil"]).to_csv().splitlines()[1]
    'oil,kg,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0'
    """
    expected: Counter[str] = Counter()
    for one in shop.trace.documents(since=since, until=until):
        if one.run is not None:  # a conversion (split, blend, regrade) has no recipe
            expected.update(_planned(shop, one.run, one.postings))
    rows = []
    for code in items:
        told = shop.trace.period_balance(code, since=since, until=until)
        item = shop.catalogue.item(code)
        plan = item.quantity(expected[code]).value
        fields = {"sent back": "supplier_returned", "count loss": "count_loss"}
        cells = [getattr(told, fields.get(name, name)).value for name in ORGANIC[2:15]]
        rows.append((code, item.unit, *cells, plan, told.used.value - plan))
    return Sheet("organic balance", ORGANIC, tuple(rows))


def _planned(shop: Workshop, run: ProductionOrder, postings: Sequence[Posting]) -> Mapping[str, int]:
    """Steps per item that the recipe of a run asks for; where that depends on the lots that went in, its record says it."""
    if not run.by_choice:
        return planned_use(run, postings)
    sums: Counter[str] = Counter()
    for line in shop.trace.batch_record(run).lines:
        if line.line:
            sums[line.item] += shop.catalogue.item(line.item).steps(line.planned)
    return sums

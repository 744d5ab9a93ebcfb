r"""Orders of wholesale customers as tables: CSV or XLSX, read as the caller declares it. Nothing about a cell is guessed.

>>> layout = Layout({"order": "PO", "line": "Pos", "sku": "Article", "quantity": "Qty"}, numbers="1.234,56", delimiter=";")
>>> table = Channel("Muster GmbH", layout=layout).read_table(b"PO;Pos;Article;Qty\nP-1;10;007123;1.200\n")
>>> line = table.messages[0].lines[0]
>>> line.sku, str(line.quantity)
('007123', '1200')
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import attrs

from krafte_core.addresses import Address
from krafte_core.channels.base import Reading
from krafte_core.channels.reading import MAX_BODY, MAX_ID, MAX_TEXT, MOST_ROWS, Node, Sheet, bad, pairs, plain
from krafte_core.errors import BadPayload, InvalidInput, KrafteError
from krafte_core.incoming import MessageLine, OrderMessage, Problem
from krafte_core.items import one_of
from krafte_core.money import MINOR_DIGITS
from krafte_core.times import end_of_day, instant

NUMBERS = {"1234.56": ("", "."), "1,234.56": (",", "."), "1.234,56": (".", ","), "1 234,56": (" ", ","), "1'234.56": ("'", ".")}
"""Number styles by an example: mark of the thousands, mark of the decimals."""
DATES = {"2026-11-30": "%Y-%m-%d", "30.11.2026": "%d.%m.%Y", "11/30/2026": "%m/%d/%Y", "30/11/2026": "%d/%m/%Y", "20261130": "%Y%m%d"}
"""Date styles by an example."""
FIELDS = (
    "order", "line", "quantity", "sku", "buyer_sku", "ean", "title", "unit", "pack", "price", "discount_percent", "currency",
    "placed_on", "requested", "ship_from", "ship_by", "country", "note", "action", "revision", "changed_at",
)  # fmt: skip
ACTIONS = {"ORIGINAL": "original", "CHANGE": "change", "CANCEL": "cancel", "REPLACE": "replace"}
ZERO = Decimal(0)


@attrs.frozen
class Layout:
    """How a customer writes its tables.

    Args:
        columns: our field (`FIELDS`) and the heading of its column; `order`, `line` and `quantity` are needed.
        numbers, dates: the style, by an example of `NUMBERS` and `DATES`.
        delimiter, encoding: of a CSV.
        currency: where no column says it.
        signs: marks before or after an amount of money, such as `"$"`.
        countries: the customer's words for countries, and their codes; a code of two letters is itself.
        case_units: units that mean whole packs: `pack` of them are in one.
        actions: the customer's words for original, change, cancel and replace.
        zone: where the customer's days begin and end.
    """

    columns: Mapping[str, str]
    numbers: str = attrs.field(default="1234.56", kw_only=True)
    dates: str = attrs.field(default="2026-11-30", kw_only=True)
    delimiter: str = attrs.field(default=",", kw_only=True)
    encoding: str = attrs.field(default="utf-8-sig", kw_only=True)
    currency: str | None = attrs.field(default=None, kw_only=True)
    signs: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    countries: Mapping[str, str] = attrs.field(factory=dict, kw_only=True)
    case_units: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    actions: Mapping[str, str] = attrs.field(factory=lambda: dict(ACTIONS), kw_only=True)
    zone: str = attrs.field(default="UTC", kw_only=True)


@attrs.frozen(kw_only=True)
class Table:
    """What a table holds: messages, and per order that has a bad row all its problems; of such an order nothing is imported."""

    messages: tuple[OrderMessage, ...]
    refused: tuple[BadPayload, ...]


class Channel(Reading):
    """A wholesale customer; the account is the partner's name."""

    name: ClassVar[str] = "wholesale"

    def __init__(self, account: str, *, layout: Layout | None = None, **given: Any) -> None:
        """See `Layout` and `Reading`."""
        super().__init__(account, **given)
        self.layout = None if layout is None else _checked(layout)

    def read_table(self, body: bytes, *, sheet: str | None = None) -> Table:
        """The orders of a CSV or XLSX file.

        Args:
            body: the file.
            sheet: the name of a sheet of an XLSX; default its first.

        Raises:
            BadPayload: (`bad_payload`) no table at all, or columns that are missing. Bad rows are in `Table.refused`.
        """
        if self.layout is None:
            raise InvalidInput("layout", None, "Channel(..., layout=Layout(...)) before a table can be read")
        if not isinstance(body, bytes) or len(body) > MAX_BODY:
            raise bad(self.name, "a table", [Problem("$", f"{len(body)} bytes", f"bytes, at most {MAX_BODY}")])
        rows = _cells(body, sheet) if body[:4] == b"PK\x03\x04" else _csv(body, self.layout)
        return self._read(rows, self.layout)

    def _read(self, rows: Iterator[list[Any]], layout: Layout) -> Table:
        head = [str(cell or "").strip() for cell in next(rows, [])]
        missing = [name for name in layout.columns.values() if head.count(name) != 1]
        if missing:
            given = ", ".join(head)[:200]
            raise bad(self.name, "a table", [Problem("row 1", given, f"one column {name!r}") for name in missing])
        at = {field: head.index(name) for field, name in layout.columns.items()}
        groups: dict[tuple[str, str, str], list[tuple[int, dict[str, Any]]]] = {}
        for number, row in enumerate(rows, 2):
            if number > MOST_ROWS:
                raise bad(self.name, "a table", [Problem(f"row {number}", "one row more", f"at most {MOST_ROWS} rows")])
            cells = {field: _text(row[place]) if place < len(row) else "" for field, place in at.items()}
            if any(cells.values()):
                key = (cells["order"], cells.get("revision", ""), cells.get("action", ""))
                groups.setdefault(key, []).append((number, cells))
        return self._orders(groups, layout)

    def _orders(self, groups: Mapping[tuple[str, str, str], list[tuple[int, dict[str, Any]]]], layout: Layout) -> Table:
        messages: list[OrderMessage] = []
        refused: dict[str, list[Problem]] = {}
        for (order, _, _), rows in groups.items():
            sheet = Sheet(self.name)
            message = _message(self.account, rows, layout, sheet)
            if sheet.problems:
                refused.setdefault(order, []).extend(sheet.problems)
            else:
                messages.append(self.match(message))
        good = tuple(message for message in messages if message.order_id not in refused)
        return Table(messages=good, refused=tuple(bad(self.name, f"order {order}", rows) for order, rows in refused.items()))


def _checked(layout: Layout) -> Layout:
    one_of(layout.numbers, tuple(NUMBERS), "numbers")
    one_of(layout.dates, tuple(DATES), "dates")
    for field in layout.columns:
        one_of(field, FIELDS, "columns")
    for field in ("order", "line", "quantity"):
        if field not in layout.columns:
            raise InvalidInput("columns", sorted(layout.columns), f"a column for {field!r}")
    if layout.currency is not None and layout.currency not in MINOR_DIGITS:
        raise InvalidInput("currency", layout.currency, "an active code of ISO 4217")
    return layout


def _csv(body: bytes, layout: Layout) -> Iterator[list[Any]]:
    try:
        text = body.decode(layout.encoding)
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=layout.delimiter, strict=True)
    except (LookupError, ValueError, TypeError, csv.Error) as problem:
        raise bad("wholesale", "a table", [Problem("$", str(problem)[:200], f"CSV in {layout.encoding}")]) from problem


def _cells(body: bytes, sheet: str | None) -> Iterator[list[Any]]:
    """The rows of a sheet; needs `openpyxl` (extra `channels`). Formulas are not calculated: they are problems."""
    from zipfile import BadZipFile, ZipFile  # noqa: PLC0415 - only where a workbook came

    from openpyxl import load_workbook  # noqa: PLC0415 - an extra

    try:
        with ZipFile(io.BytesIO(body)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > 16 * MAX_BODY:
                raise bad(
                    "wholesale", "a table", [Problem("$", "a workbook that unpacks to too much", f"at most {16 * MAX_BODY} bytes")]
                )
        book = load_workbook(io.BytesIO(body), read_only=True)
        rows = book[sheet] if sheet is not None else book.worksheets[0]
        yield from ([*row] for row in rows.iter_rows(values_only=True))
    except (BadZipFile, KeyError, IndexError, ValueError, TypeError, OSError) as problem:
        raise bad("wholesale", "a table", [Problem("$", str(problem)[:200], "a workbook of Excel")]) from problem


def _text(cell: Any) -> Any:
    return cell.strip() if isinstance(cell, str) else "" if cell is None else cell


def _message(account: str, rows: Sequence[tuple[int, dict[str, Any]]], layout: Layout, sheet: Sheet) -> OrderMessage:
    """The message of the rows of one order, revision and action."""
    read = [_Row(number, cells, layout, sheet) for number, cells in rows]
    first = read[0]
    word = str(first.cells.get("action", "") or "")
    action = layout.actions.get(word, "") if word else "original"
    if not action:
        first.miss("action", "one of " + ", ".join(layout.actions))
    lines: dict[str, MessageLine] = {}
    for row in read if action != "cancel" else ():
        line = row.line()
        if lines.setdefault(line.line_id, line) != line:
            row.miss("line", "a line of its own: the same line says something else above")
    changed_at = first.moment("changed_at")
    revision = first.number("revision")
    currencies = {row.cells.get("currency") or layout.currency for row in read}
    currency = currencies.pop() if len(currencies) == 1 else None
    if currencies:
        first.miss("currency", "one currency for the whole order")
    if currency is not None and currency not in MINOR_DIGITS:
        first.miss("currency", "an active code of ISO 4217")
    places = {row.country() for row in read} - {""}
    return OrderMessage(
        channel="wholesale", account=account, order_id=first.name("order"), number=str(first.cells["order"]), version=changed_at,
        revision=int(revision or 0), partial=action in {"change", "cancel"}, cancelled=action == "cancel",
        cancelled_at=changed_at if action == "cancel" else None, placed_on=first.day("placed_on"), currency=currency, buyer=account,
        ship_from=first.begin("ship_from"), ship_by=first.end("ship_by"), lines=tuple(sorted(lines.values(), key=_place)),
        warnings=tuple(sheet.warnings),
        ship_to=Address("", country=places.pop()) if len(places) == 1 else None, extra=pairs(function=action),
    )  # fmt: skip


def _place(line: MessageLine) -> tuple[int, str]:
    """Lines by number: in whatever order the rows of a table stand, it is the same order."""
    return (int(line.line_id) if line.line_id.isascii() and line.line_id.isdigit() else 10**MAX_ID), line.line_id


class _Row:
    """One row of a table."""

    def __init__(self, number: int, cells: dict[str, Any], layout: Layout, sheet: Sheet) -> None:
        self.place, self.cells, self.layout, self.sheet = number, cells, layout, sheet

    def miss(self, field: str, expected: str) -> None:
        """Write a problem down, with row and column."""
        given = str(self.cells.get(field, ""))[:80]
        self.sheet.problems.append(Problem(f"row {self.place}, column {self.layout.columns.get(field, field)}", given, expected))

    def name(self, field: str) -> str:
        """An id: text, or a whole number of a workbook."""
        value = self.cells[field]
        text = plain(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if isinstance(text, str) and 0 < len(text) <= MAX_ID and text.isprintable():
            return text
        self.miss(field, f"1 to {MAX_ID} characters")
        return ""

    def text(self, field: str) -> str:
        """Text, as it stands there."""
        value = self.cells.get(field, "")
        if isinstance(value, float) or len(str(value)) > MAX_TEXT or "\0" in str(value):
            self.miss(field, f"text of at most {MAX_TEXT} characters")
            return ""
        return str(value)

    def number(self, field: str) -> Decimal | None:
        """A number in the declared style; a number of a workbook is taken by its shortest digits."""
        value = self.cells.get(field, "")
        if value == "":
            return None
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = repr(value)
            thousands, mark = "", "."
        else:
            thousands, mark = NUMBERS[self.layout.numbers]
        text = str(value)
        for sign in self.layout.signs:
            text = text.removeprefix(sign).removesuffix(sign).strip()
        style = rf"-?[0-9]{{1,15}}(?:{re.escape(mark)}[0-9]{{1,10}})?"
        if thousands:
            whole = rf"(?:[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}}){{1,4}}|[0-9]{{1,15}})"
            style = rf"-?{whole}(?:{re.escape(mark)}[0-9]{{1,10}})?"
        if not re.fullmatch(style, text):
            self.miss(field, f"a number such as {self.layout.numbers}")
            return None
        return Decimal((text.replace(thousands, "") if thousands else text).replace(mark, "."))

    def amount(self, field: str) -> Decimal | None:
        """A number that is not negative."""
        found = self.number(field)
        if found is not None and found < 0:
            self.miss(field, "zero or more")
        return found

    def day(self, field: str) -> date | None:
        """A day in the declared style, or a date of a workbook."""
        value = self.cells.get(field, "")
        if isinstance(value, datetime):
            return value.date()
        if value == "":
            return None
        try:
            return datetime.strptime(str(value), DATES[self.layout.dates]).replace(tzinfo=UTC).date()
        except ValueError:
            self.miss(field, f"a day such as {self.layout.dates}")
            return None

    def begin(self, field: str) -> datetime | None:
        """The begin of a day, where the customer is."""
        found = self.day(field)
        return None if found is None else end_of_day(found - timedelta(days=1), self.layout.zone)

    def end(self, field: str) -> datetime | None:
        """The last second of a day, where the customer is."""
        found = self.day(field)
        return None if found is None else end_of_day(found, self.layout.zone) - timedelta(seconds=1)

    def moment(self, field: str) -> datetime | None:
        """An instant."""
        value = self.cells.get(field, "")
        if value == "":
            return None
        try:
            return instant(str(value), self.layout.zone)
        except KrafteError:
            self.miss(field, "an instant such as 2026-11-02T09:00:00+01:00")
            return None

    def country(self) -> str:
        """The code of the country."""
        word = self.text("country") if "country" in self.layout.columns else ""
        found = self.layout.countries.get(word, word)
        if found and not re.fullmatch("[A-Z]{2}", found):
            self.miss("country", "a code of two letters, or a word of `countries`")
        return found

    def line(self) -> MessageLine:
        """The line of the row."""
        quantity, pack = self.amount("quantity"), self.amount("pack")
        if quantity is None and self.cells.get("quantity", "") == "":
            self.miss("quantity", "a number")
        unit, count = self.text("unit"), quantity or ZERO
        if pack and unit not in self.layout.case_units and count % pack:
            self.sheet.warn(f"row {self.place}", f"{count} is not a whole number of packs of {pack}")
        many = pack if pack is not None and unit in self.layout.case_units else Decimal(1)
        keys = [("ean", self.text("ean")), ("buyer_sku", self.text("buyer_sku"))]
        return MessageLine(
            line_id=self.name("line"), quantity=count, sku=self.text("sku") or None, title=self.text("title"),
            unit_price=self.amount("price"),
            unit=unit or None, pack=pack, base_units=None if pack is None else count * many, requested=self.day("requested"),
            keys=tuple(pair for pair in keys if pair[1]), open=None,
            extra=pairs(
                discount_percent=self.amount("discount_percent"), note=self.text("note") or None,
                ship_to_country=self.country() or None,
            ),
        )  # fmt: skip


def text_node(data: Mapping[str, Any], path: str, sheet: Sheet) -> Node:
    """Texts of a document as a node, for the readers of electronic orders."""
    return Node({name: value for name, value in data.items() if value not in ("", None)}, path, sheet)

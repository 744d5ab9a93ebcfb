"""Import files of other systems: items, recipes, stock and orders for SAP Business One, NetSuite and Dynamics 365 Business Central.

What goes where stands in one table (`erp_layouts.LAYOUTS`): per system and kind the files, and in each the columns with our fields
behind them. Writing and reading use the same table, and both are a dry run: every row's problem is listed, and a value with a problem
brings nothing.

>>> from krafte_core.exports.erp_reading import read
>>> dialect = Dialect("business central", units={"each": "PCS"})
>>> done = write("items", [Item("soap", unit="each", name="Soap")], dialect)
>>> print(done.files[0].text, end="")
No.,Description,Base Unit of Measure,Type
soap,Soap,PCS,Inventory
>>> read("items", done.files, dialect).values[0].unit
'each'
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import attrs

from krafte_core.drafts import Opening
from krafte_core.errors import InvalidInput, KrafteError, Unknown
from krafte_core.exports.erp_layouts import CENTRAL, KEYS, KINDS, LAYOUTS, NETSUITE, SAP, Dialect, ErpFile, SheetLayout, heads
from krafte_core.incoming import Problem
from krafte_core.items import Item, one_of
from krafte_core.orders import CustomerOrder, OrderLine
from krafte_core.quantities import decimal_of, plain, terminating
from krafte_core.recipes import Ingredient, Recipe
from krafte_core.times import day

_CALCULATED = ("=", "+", "-", "@", "\t", "\r")
_TEXTS = frozenset({"code", "name", "item", "ingredient", "recipe", "customer", "order", "lot", "note", "comment", "place", "account"})
_TIMES = ("operations", "lead_time", "batch", "shelf_life", "valid_from", "valid_until")
Row = dict[str, str]
Rows = dict[str, list[Row]]


@attrs.frozen
class Written:
    """Files for another system, every problem of a value that is not in them, and notes on what else they do not tell."""

    files: tuple[ErpFile, ...]
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every value is in the files."""
        return not self.problems


def write(kind: str, values: Iterable[Any], dialect: Dialect, *, items: Mapping[str, Item] | None = None) -> Written:
    """Files of a kind for a system; what does not fit is listed and left out, nothing is cut or rounded.

    Args:
        kind: `"items"`, `"recipes"`, `"stock"` (of `drafts.Opening`) or `"orders"`.
        values: of that kind.
        dialect: of the system.
        items: by code; needed for everything but items, because amounts go in the items' own units.

    Raises:
        InvalidInput: (`invalid_input`) another kind.
    """
    layout = LAYOUTS[dialect.system][one_of(kind, KINDS, "kind")]
    rows: dict[str, list[list[str]]] = {sheet.name: [] for sheet in layout}
    problems: list[Problem] = []
    seen: set[str] = set()
    writer = _Writer(dialect, items or {})
    for place, value in enumerate(values, 1):
        try:
            name, made = getattr(writer, kind)(value, place)
            if name.upper() in seen:
                raise InvalidInput("code", name, "a name that differs from the others in more than capital letters")
            lines = len(rows[layout[-1].name if kind != "stock" or dialect.system != SAP else "IGN1 - Document_Lines"])
            told = [
                (sheet.name, list(_cells(sheet, {"line": str(lines), **row}))) for sheet in layout for row in made.get(sheet.rows, ())
            ]
        except KrafteError as problem:
            problems.append(Problem(f"{kind}[{place}]", str(problem)[:500], ""))
            continue
        seen.add(name.upper())
        for sheet_name, cells in told:
            rows[sheet_name].append(cells)
    for sheet in layout:
        if sheet.rows == "document" and any(rows.values()):  # one document for all of it
            rows[sheet.name].append(list(_cells(sheet, {"document": "1", "date": writer.fixed("date"), "comment": "opening stock"})))
    files = [ErpFile(sheet.name, _csv(sheet, rows[sheet.name], heads(dialect.system))) for sheet in layout]
    return Written(tuple(files), tuple(problems), tuple(writer.notes))


def _csv(sheet: SheetLayout, rows: Sequence[Sequence[str]], above: int) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([[column.theirs for column in sheet.columns]] * above)
    writer.writerows(rows)
    return out.getvalue()


def _cells(sheet: SheetLayout, row: Row) -> Iterator[str]:
    """The cells of a row as the file wants them."""
    for column in sheet.columns:
        text = column.fixed if not column.ours else row.get(column.ours, "")
        where = f"{sheet.name}, {column.theirs}"
        if column.needed and not text:
            raise InvalidInput(where, None, "a value")
        if column.limit and len(text) > column.limit:
            raise InvalidInput(where, text, f"at most {column.limit} characters")
        if column.ours in _TEXTS and text.startswith(_CALCULATED):
            raise InvalidInput(where, text, "a text that no spreadsheet would calculate")
        yield text


class _Writer:
    """Our values as rows of their files."""

    def __init__(self, dialect: Dialect, items: Mapping[str, Item]) -> None:
        self.dialect = dialect
        self.known = items
        self.notes: list[Problem] = []
        self._units, self._places, self._fixed = dict(dialect.units), dict(dialect.places), dict(dialect.fixed)

    def fixed(self, name: str) -> str:
        """What the caller said once for all rows."""
        text = self._fixed.get(name, "")
        return self.dialect.day(day(text)) if name == "date" and text else text

    def item(self, code: str) -> Item:
        if code not in self.known:
            raise Unknown("item", code, tuple(self.known))
        return self.known[code]

    def unit(self, item: Item) -> str:
        return self._units.get(item.unit, item.unit)

    def number(self, exact: Fraction, wanted: str) -> str:
        if not terminating(exact):
            raise InvalidInput("amount", f"{exact.numerator}/{exact.denominator}", f"{wanted} that ends as a decimal")
        return plain(decimal_of(exact))

    def exact(self, item: Item, given: object) -> Fraction:
        """So much in the item's own unit."""
        return item.exact(given) * Fraction(item.smallest.value)

    def amount(self, item: Item, given: object) -> str:
        return self.number(self.exact(item, given), f"an amount of {item.code} in {item.unit}")

    def note(self, what: str, value: Any, *fields: str) -> None:
        """What these files have no place for is said; the value itself is written."""
        lost = [field for field in fields if getattr(value, field) != attrs.fields_dict(type(value))[field].default]
        if lost:
            self.notes.append(Problem(what, ", ".join(lost), "what these files have a place for"))

    def items(self, one: Item, place: int) -> tuple[str, Rows]:
        if one.kit:
            raise InvalidInput("kit", one.code, "an item that is stocked: these files have no place for kits")
        self.note(f"item {one.code}", one, "density", "packs", "tolerance", "attributes")
        return one.code, {"head": [{"code": one.code, "name": one.name or one.code, "unit": self.unit(one)}]}

    def stock(self, one: Opening, place: int) -> tuple[str, Rows]:
        item = self.item(one.item)
        row = {
            "document": "1", "date": self.fixed("date"), "item": one.item, "amount": self.amount(item, one.amount),
            "unit": self.unit(item), "place": self._places.get(one.place, one.place), "lot": one.lot or "",
            "expires": self.dialect.day(one.expires), "number": str(place * 10_000), "comment": "opening stock",
        }  # fmt: skip
        row |= {name: self.fixed(name) for name in ("account", "template", "batch")}
        return str(place), {"line": [row], "batch": [row] if one.lot else []}

    def orders(self, one: CustomerOrder, place: int) -> tuple[str, Rows]:
        currencies = sorted({line.price.currency for line in one.lines if line.price is not None})
        if len(currencies) > 1:
            raise InvalidInput("currency", ", ".join(currencies), "one currency")
        for field in ("discount", "shipping_price", "tax"):
            if getattr(one, field) is not None:
                raise InvalidInput(field, str(getattr(one, field)), "an order without it: these files have no column for it")
        self.note(f"order {one.number}", one, "shipping", "ship_to", "notes", "attributes")
        head = {
            "key": str(place), "order": one.number, "customer": one.customer, "placed": self.dialect.day(one.placed_at.date()),
            "requested": self.dialect.day(one.requested), "currency": currencies[0] if currencies else "",
        }  # fmt: skip
        rows = [self._order_line(head, line, at) for at, line in enumerate(one.lines, 1)]
        return one.number, {"head": [head], "line": rows}

    def _order_line(self, head: Row, line: OrderLine, at: int) -> Row:
        item = self.item(line.item)
        if line.discount is not None or line.tax is not None or line.sample:
            raise InvalidInput("line", line.ref, "a line without discount, tax or sample: give the price after it")
        price = ""
        if line.price is not None:
            price = self.number(Fraction(line.price.amount) / line.pack, f"a price for one {item.unit}")
        return {
            **head, "item": line.item, "amount": self.amount(item, line.amount), "unit": self.unit(item), "price": price,
            "note": line.note, "number": str(at * 10_000),
        }  # fmt: skip

    def recipes(self, one: Recipe, place: int) -> tuple[str, Rows]:
        """A recipe whose lines all grow with the batch."""
        item = self.item(one.item)
        for field in ("charge", "outputs", "apart", "loss", "overage"):
            if getattr(one, field):
                raise InvalidInput(field, one.code, "a recipe without it: these files have no place for it")
        self.note(
            f"recipe {one.code}", one, "operations", "lead_time", "batch", "shelf_life", "valid_from", "valid_until", "attributes"
        )
        makes = self.exact(item, one.makes)
        head = {"recipe": one.code, "item": one.item, "makes": self.number(makes, "an amount"), "unit": self.unit(item)}
        lines = [self._ingredient(head, line, makes, at) for at, line in enumerate(one.ingredients, 1)]
        return head[KEYS["recipes"][self.dialect.system]], {"head": [head], "unit": [head], "line": lines}

    def _ingredient(self, head: Row, line: Ingredient, makes: Fraction, at: int) -> Row:
        item, system = self.item(line.item), self.dialect.system
        if line != Ingredient(line.item, line.amount, loss=line.loss, overage=line.overage) or line.kind != "amount":
            raise InvalidInput(f"ingredient {line.item}", line.amount or "a table", "a plain amount that grows with the batch")
        exact = self.exact(item, line.amount)
        more = (1 + line.overage) / (1 - line.loss)
        wanted = f"an amount of {line.item} in {item.unit}, its loss in it"
        row = {**head, "ingredient": line.item, "unit": self.unit(item), "number": str(at * 10_000)}
        if system == CENTRAL:
            scrap = self.number((more - 1) * 100, "a loss in percent of what is used") if more != 1 else ""
            return {**row, "amount": self.number(exact, wanted), "scrap": scrap}
        if system == NETSUITE:
            return {**row, "each": self.number(exact * more / makes, f"{wanted}, for one {head['unit']}")}
        return {**row, "amount": self.number(exact * more, wanted)}

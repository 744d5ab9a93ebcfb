"""Reading the import files of other systems: what they would bring, and every problem with its file and row."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

from krafte_core.drafts import Draft, Opening, OrderRow
from krafte_core.errors import InvalidInput, KrafteError, Unknown
from krafte_core.exports.erp_layouts import BATCH, CENTRAL, KEYS, KINDS, LAYOUTS, NETSUITE, SAP, Dialect, ErpFile, SheetLayout, heads
from krafte_core.exports.exchange import MAX_TEXT, MOST_ROWS
from krafte_core.incoming import Problem
from krafte_core.items import Item, one_of
from krafte_core.orders import OrderLine
from krafte_core.recipes import Ingredient, Recipe

Row = dict[str, str]
_NUMBER = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})?")
Placed = tuple[str, Row]
"""Where a row stands, and its cells by our names."""


def read(kind: str, files: Iterable[ErpFile], dialect: Dialect, *, items: Mapping[str, Item] | None = None) -> Draft:
    """What files of another system would bring: values, and every problem with its file and row.

    Args:
        kind: `"items"`, `"recipes"`, `"stock"` (of `drafts.Opening`) or `"orders"` (of `drafts.OrderRow`).
        files: by the names in `LAYOUTS`; further columns are left alone.
        dialect: of the system.
        items: by code; needed for everything but items. A code in other letters (`OLIVE-OIL`) is the item that has them.

    Raises:
        InvalidInput: (`invalid_input`) another kind.
    """
    layout = LAYOUTS[dialect.system][one_of(kind, KINDS, "kind")]
    texts = {one.name: one.text for one in files}
    problems: list[Problem] = []
    rows: dict[str, list[Placed]] = {}
    for sheet in layout:
        if sheet.name not in texts:
            problems.append(Problem(sheet.name, "", "a file for this table"))
        else:
            rows[sheet.rows] = list(_placed(sheet, texts[sheet.name], heads(dialect.system), problems))
    reader = _Reader(dialect, items or {}, rows, problems)
    return Draft(tuple(getattr(reader, kind)()), tuple(problems))


def _placed(sheet: SheetLayout, text: str, above: int, problems: list[Problem]) -> Iterator[Placed]:
    """The rows of a file that have what they need; each other one is a problem."""
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise InvalidInput("text", type(text).__name__, f"CSV as text of at most {MAX_TEXT} characters")
    try:
        table = [*csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), strict=True)]
    except csv.Error as problem:
        problems.append(Problem(f"{sheet.name}, row 1", str(problem), "CSV"))
        return
    head = [cell.strip() for cell in table[0]] if table else []
    missing = [column.theirs for column in sheet.columns if column.needed and column.theirs not in head]
    if missing or len(table) > MOST_ROWS or len(set(head)) < len(head):
        wanted = "the columns " + ", ".join(column.theirs for column in sheet.columns) + f", each once, and at most {MOST_ROWS} rows"
        problems.append(Problem(f"{sheet.name}, row 1", ", ".join(missing or head)[:200], wanted))
        return
    for place, cells in enumerate(table[above:], above + 1):
        if not any(cell.strip() for cell in cells):
            continue
        where = f"{sheet.name}, row {place}"
        given = dict(zip(head, (cell.strip() for cell in cells), strict=False))
        row: Row = {}
        for column in sheet.columns:
            if column.ours and not row.get(column.ours):
                row[column.ours] = given.get(column.theirs, "")
        empty = [column.theirs for column in sheet.columns if column.needed and not row[column.ours]]
        problems += [Problem(f"{where}, {name}", "", "a value") for name in empty]
        if len(cells) > len(head):
            problems.append(Problem(where, f"{len(cells)} cells", f"at most {len(head)}"))
        elif not empty:
            yield where, row


class _Reader:
    """Rows of their files as our values."""

    def __init__(self, dialect: Dialect, known: Mapping[str, Item], rows: Mapping[str, list[Placed]], problems: list[Problem]) -> None:
        self.dialect = dialect
        self.known = known
        self.rows = rows
        self.problems = problems
        self._units = {theirs: ours for ours, theirs in dialect.units}
        self._places = {theirs: ours for ours, theirs in dialect.places}
        self._folded: dict[str, list[str]] = {}
        for code in known:
            self._folded.setdefault(code.casefold(), []).append(code)

    def _made(self, places: Sequence[str], make: Callable[[], Any]) -> Iterator[Any]:
        try:
            yield make()
        except KrafteError as problem:
            self.problems.append(Problem("; ".join(places), str(problem)[:500], ""))

    def item(self, code: str) -> Item:
        if code in self.known:
            return self.known[code]
        found = self._folded.get(code.casefold(), [])
        if len(found) != 1:
            raise Unknown("item", code, tuple(self.known))
        return self.known[found[0]]

    def amount(self, item: Item, row: Row, name: str = "amount") -> str:
        """A number of theirs with our unit of it."""
        if not _NUMBER.fullmatch(row[name]):
            raise InvalidInput(name, row[name], "a plain decimal number, such as 1250.5")
        theirs = row.get("unit", "")
        unit = self._units.get(theirs, theirs) or item.unit
        item.positive(f"{row[name]} {unit}", name)
        return f"{row[name]} {unit}"

    def _grouped(self, name: str, *, alone: bool = False) -> Iterator[tuple[Row, list[Placed]]]:
        """Each head with its lines; a line without head and a head without line are problems."""
        lines: dict[str, list[Placed]] = {}
        for place, row in self.rows.get("line", ()):
            lines.setdefault(row[name], []).append((place, row))
        heads: dict[str, Placed] = {}
        for place, row in self.rows.get("head", ()) if not alone else [rows[0] for rows in lines.values()]:
            if row[name] in heads:
                self.problems.append(Problem(place, row[name], f"a name of its own; {heads[row[name]][0]} has it"))
            else:
                heads[row[name]] = place, row
        for key, (place, row) in heads.items():
            found = lines.pop(key, [])
            if found:
                yield row, found
            else:
                self.problems.append(Problem(place, key, "at least one line"))
        for rows in lines.values():
            self.problems += [Problem(place, row[name], "a row of this name in the file before") for place, row in rows]

    def items(self) -> Iterator[Item]:
        for place, row in self.rows.get("head", ()):
            name = row["name"] if row["name"] != row["code"] else ""
            yield from self._made([place], partial(Item, row["code"], unit=self._units.get(row["unit"], row["unit"]), name=name))

    def recipes(self) -> Iterator[Recipe]:
        system = self.dialect.system
        batches = {row["item"].casefold(): row for _, row in self.rows.get("unit", ())}
        for head, lines in self._grouped(KEYS["recipes"][system], alone=system == NETSUITE):
            yield from self._made([place for place, _ in lines], partial(self._recipe, head, lines, batches))

    def _recipe(self, head: Row, lines: Sequence[Placed], batches: Mapping[str, Row]) -> Recipe:
        item = self.item(head["item"])
        if self.dialect.system == CENTRAL:
            found = batches.get(head["item"].casefold())
            if found is None:
                raise InvalidInput("Item Unit of Measure", head["item"], f"a row for its unit {BATCH}")
            makes = self.amount(item, {"makes": found["makes"]}, "makes")
        else:
            makes = self.amount(item, {"makes": head["makes"]}, "makes") if "makes" in head else f"1 {item.unit}"
        return Recipe(
            item.code, makes=makes, ingredients=[self._ingredient(row) for _, row in lines], code=head.get("recipe") or item.code
        )  # fmt: skip

    def _ingredient(self, row: Row) -> Ingredient:
        item = self.item(row["ingredient"])
        scrap = row.get("scrap", "")
        if scrap and not _NUMBER.fullmatch(scrap):
            raise InvalidInput("scrap", scrap, "a percentage as a plain number")
        amount = self.amount(item, row, "each" if "each" in row else "amount")
        return Ingredient(item.code, amount, overage=Fraction(Decimal(scrap)) / 100 if scrap else Fraction(0))

    def stock(self) -> Iterator[Opening]:
        if self.dialect.system != SAP:
            for place, row in self.rows.get("line", ()):
                yield from self._made([place], partial(self._opening, row, row))
            return
        batches: dict[str, list[Placed]] = {}
        for place, row in self.rows.get("batch", ()):
            batches.setdefault(row["line"], []).append((place, row))
        for at, (place, row) in enumerate(self.rows.get("line", ())):
            found = batches.pop(str(at), [])
            for there, batch in found or [(place, row)]:
                yield from self._made([place, there] if found else [place], partial(self._opening, row, batch))
            told = sum((Decimal(batch["amount"]) for _, batch in found if _NUMBER.fullmatch(batch["amount"])), Decimal(0))
            if found and _NUMBER.fullmatch(row["amount"]) and told != Decimal(row["amount"]):
                self.problems.append(Problem(place, row["amount"], f"the sum of its batches, {told}"))
        self.problems += [
            Problem(place, row["line"], "the number of a line, from 0 on") for rows in batches.values() for place, row in rows
        ]

    def _opening(self, row: Row, batch: Row) -> Opening:
        item = self.item(row["item"])
        amount = self.amount(item, {"amount": batch["amount"], "unit": row.get("unit", "")})
        place = row.get("place", "")
        return Opening(
            item.code, amount, batch.get("lot") or None, self.dialect.read_day(batch.get("expires", "")),
            self._places.get(place, place) or "stock",
        )  # fmt: skip

    def orders(self) -> Iterator[OrderRow]:
        system = self.dialect.system
        for head, lines in self._grouped(KEYS["orders"][system], alone=system == NETSUITE):
            yield from self._made([place for place, _ in lines], partial(self._order, head, lines))

    def _order(self, head: Row, lines: Sequence[Placed]) -> OrderRow:
        rows = []
        for _, row in lines:
            item = self.item(row["item"])
            price = f"{row['price']} {row.get('currency') or head.get('currency', '')}" if row.get("price") else None
            rows.append(OrderLine(item.code, self.amount(item, row), price=price, note=row.get("note", "")))
        return OrderRow(head["order"], head["customer"], tuple(rows), self.dialect.read_day(head.get("requested", "")))

r"""Items, recipes, opening stock and orders as tables (CSV) and as documents (JSON), both ways.

Reading is a dry run: every row's problem is listed, and nothing is written before somebody takes the values in.

>>> draft = read_items("code,unit,density,packs\r\nolive-oil,kg,0.915 kg/L,drum=190 kg\r\nlye,sack,,\r\n")
>>> [item.code for item in draft.values], [problem.path for problem in draft.problems]
(['olive-oil'], ['row 3'])
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

from krafte_core.drafts import Draft, Opening, OrderRow
from krafte_core.errors import InvalidInput, KrafteError, WireError
from krafte_core.incoming import Problem
from krafte_core.items import Item
from krafte_core.orders import CustomerOrder, OrderLine
from krafte_core.recipes import Ingredient, Recipe
from krafte_core.times import day
from krafte_core.wire import dumps, from_wire, loads, parsed

ITEMS = ("code", "name", "unit", "kind", "step", "density", "packs")
RECIPES = ("recipe", "item", "makes", "lead_time", "ingredient", "amount", "loss", "overage", "follows")
STOCK = ("item", "lot", "amount", "expires", "place")
ORDERS = ("order", "customer", "requested", "line", "item", "amount", "price", "note")
MOST_ROWS = 100_000
MAX_TEXT = 64 * 2**20
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_FRACTION = re.compile(r"[0-9]{1,9}/[1-9][0-9]{0,8}")


# ------------------------------------------------------------------------------------------------------------- documents


def to_json(values: Iterable[Any]) -> str:
    """Values of the library as one document in wire form; exact, versioned, and read again by `from_json`.

    >>> from_json(to_json([Item("soap", unit="each")]))[0].code
    'soap'
    """
    return dumps(tuple(values))


def from_json(text: str) -> tuple[Any, ...]:
    """The values of a document.

    Raises:
        WireError: (`unreadable_wire`) with the path.
    """
    found = loads(text)
    if not isinstance(found, tuple):
        raise InvalidInput("document", type(found).__name__, "a tuple of values, as `to_json` writes it")
    return found


def read_json(text: str) -> Draft:
    """The values of a document one by one: one that cannot be read is a problem with its path, and hides no other.

    Raises:
        WireError: (`unreadable_wire`) no document at all. InvalidInput: (`invalid_input`) a document of something else.

    >>> text = to_json([Item("soap", unit="each"), Item("salt", unit="g")]).replace('"each"', '"bar"')
    >>> [item.code for item in read_json(text).values], [problem.path for problem in read_json(text).problems]
    (['salt'], ['$.value[0].value.unit'])
    """
    document = parsed(text)
    rows = document.get("value") if isinstance(document, dict) and document.get("type") == "tuple" else None
    if not isinstance(rows, list):
        raise InvalidInput("document", text[:40], "a tuple of values, as `to_json` writes it")
    values, problems = [], []
    for place, row in enumerate(rows):
        try:
            values.append(from_wire({"krafte": document.get("krafte"), **(row if isinstance(row, dict) else {"value": row})}))
        except WireError as problem:
            problems.append(Problem(f"$.value[{place}]{problem.path.removeprefix('$')}", str(problem.given)[:200], problem.expected))
    return Draft(tuple(values), tuple(problems))


# ---------------------------------------------------------------------------------------------------------------- tables


def write_items(items: Iterable[Item]) -> str:
    """Items as CSV. What no column has (kits, tolerances, attributes) goes by JSON only.

    >>> write_items([Item("jar", unit="each", packs={"tray": 12})]).splitlines()[1]
    'jar,,each,material,,,tray=12'
    """
    rows = (
        (
            one.code,
            one.name,
            one.unit,
            one.kind,
            one.step or "",
            one.density or "",
            "; ".join(f"{pack}={size}" for pack, size in one.packs),
        )
        for one in items
    )
    return _written(ITEMS, rows)


def read_items(text: str) -> Draft:
    """Items of a CSV."""

    def read(row: Mapping[str, str]) -> Item:
        packs = dict(_pair(part) for part in row["packs"].split(";") if part.strip())
        optional: dict[str, Any] = {name: row[name] for name in ("name", "kind", "step", "density") if row[name]}
        return Item(row["code"], unit=row["unit"], packs=packs, **optional)

    return _drafted(text, ITEMS, ("code", "unit"), lambda rows: [([place], partial(read, row)) for place, row in rows], "an item")


def write_recipes(recipes: Iterable[Recipe]) -> str:
    """Recipes as CSV, a row for each ingredient. Operations and batch sizes go by JSON only."""
    rows = (
        (one.code, one.item, one.makes, str(one.lead_time or ""), line.item, line.amount, str(line.loss or ""),
            str(line.overage or ""),
         line.follows)
        for one in recipes
        for line in one.ingredients
    )  # fmt: skip
    return _written(RECIPES, rows)


def read_recipes(text: str, *, items: Collection[str] = ()) -> Draft:
    """Recipes of a CSV; a recipe with a bad row brings nothing. With `items` unknown ones are problems."""

    def read(rows: Sequence[Mapping[str, str]]) -> Recipe:
        head = rows[0]
        lines = [
            Ingredient(_known(row["ingredient"], items), row["amount"], follows=row["follows"] or "charge",
                       **{name: _share(row[name]) for name in ("loss", "overage") if row[name]})
            for row in rows
        ]  # fmt: skip
        return Recipe(
            _known(head["item"], items), makes=head["makes"], ingredients=lines, lead_time=head["lead_time"] or None,
            code=head["recipe"] or head["item"],
        )  # fmt: skip

    def grouped(rows: list[tuple[int, Mapping[str, str]]]) -> list[tuple[list[int], Callable[[], Recipe]]]:
        return [(places, partial(read, some)) for places, some in _groups(rows, lambda row: row["recipe"] or row["item"])]

    return _drafted(text, RECIPES, ("item", "makes", "ingredient", "amount"), grouped, "a recipe")


def write_stock(rows: Iterable[Opening]) -> str:
    """Opening stock as CSV."""
    return _written(STOCK, ((row.item, row.lot or "", row.amount, str(row.expires or ""), row.place) for row in rows))


def read_stock(text: str, *, items: Mapping[str, Item]) -> Draft:
    """Opening stock of a CSV; each amount is tried with its item."""

    def read(row: Mapping[str, str]) -> Opening:
        items[_known(row["item"], items)].positive(row["amount"])
        return Opening(
            row["item"], row["amount"], row["lot"] or None, day(row["expires"]) if row["expires"] else None, row["place"] or "stock"
        )

    return _drafted(text, STOCK, ("item", "amount"), lambda rows: [([place], partial(read, row)) for place, row in rows], "stock")


def write_orders(orders: Iterable[CustomerOrder]) -> str:
    """Orders as CSV, a row for each line."""
    rows = (
        (one.number, one.customer, str(one.requested or ""), line.ref, line.item, str(line.amount), str(line.price or ""), line.note)
        for one in orders
        for line in one.lines
    )
    return _written(ORDERS, rows)


def read_orders(text: str, *, items: Mapping[str, Item]) -> Draft:
    """Orders of a CSV; of an order with a bad row nothing is taken."""

    def read(rows: Sequence[Mapping[str, str]]) -> OrderRow:
        head = rows[0]
        lines = []
        for row in rows:
            items[_known(row["item"], items)].positive(row["amount"])
            lines.append(OrderLine(row["item"], row["amount"], price=row["price"] or None, ref=row["line"], note=row["note"]))
        return OrderRow(head["order"], head["customer"], tuple(lines), day(head["requested"]) if head["requested"] else None)

    def grouped(rows: list[tuple[int, Mapping[str, str]]]) -> list[tuple[list[int], Callable[[], OrderRow]]]:
        return [(places, partial(read, some)) for places, some in _groups(rows, lambda row: row["order"])]

    return _drafted(text, ORDERS, ("order", "customer", "item", "amount"), grouped, "an order")


# --------------------------------------------------------------------------------------------------------------- helpers


def _written(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """CSV as RFC 4180 has it; a cell that a spreadsheet would calculate gets an apostrophe, which reading takes away again."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    for row in rows:
        writer.writerow([f"'{cell}" if cell.startswith((*_FORMULA, "'")) else cell for cell in row])
    return out.getvalue()


def _drafted(
    text: str, columns: Sequence[str], needed: Sequence[str],
    units: Callable[[list[tuple[int, Mapping[str, str]]]], Iterable[tuple[list[int], Callable[[], Any]]]], what: str,
) -> Draft:  # fmt: skip
    rows, problems = _rows(text, columns, needed)
    values = []
    for places, make in units(rows):
        try:
            values.append(make())
        except KrafteError as problem:
            problems.append(Problem(f"row {', '.join(map(str, places))}", str(problem)[:500], ""))
    return Draft(tuple(values), tuple(problems))


def _rows(text: str, columns: Sequence[str], needed: Sequence[str]) -> tuple[list[tuple[int, Mapping[str, str]]], list[Problem]]:
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise InvalidInput("text", type(text).__name__, f"CSV as text of at most {MAX_TEXT} characters")
    problems: list[Problem] = []
    found: list[tuple[int, Mapping[str, str]]] = []
    try:
        table = [*csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), strict=True)]
    except csv.Error as problem:
        return [], [Problem("row 1", str(problem), "CSV")]
    head = [cell.strip() for cell in table[0]] if table else []
    wrong = [name for name in head if name not in columns or head.count(name) > 1]
    wrong += [name for name in needed if name not in head]
    if wrong or len(table) > MOST_ROWS:
        return [], [Problem("row 1", ", ".join(head)[:200], "the columns " + ", ".join(columns) + f", and at most {MOST_ROWS} rows")]
    for place, cells in enumerate(table[1:], 2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(head):
            problems.append(Problem(f"row {place}", f"{len(cells)} cells", f"at most {len(head)}"))
            continue
        row = dict.fromkeys(columns, "") | {name: _plain(cell) for name, cell in zip(head, cells, strict=False)}
        missing = [name for name in needed if not row[name]]
        problems += [Problem(f"row {place}, column {name}", "", "a value") for name in missing]
        if not missing:
            found.append((place, row))
    return found, problems


def _plain(cell: str) -> str:
    text = cell.strip()
    return text.removeprefix("'")


def _groups(rows: list[tuple[int, Mapping[str, str]]], key: Callable[[Mapping[str, str]], str]) -> list[tuple[list[int], list[Any]]]:
    found: dict[str, tuple[list[int], list[Any]]] = {}
    for place, row in rows:
        places, some = found.setdefault(key(row), ([], []))
        places.append(place)
        some.append(row)
    return [*found.values()]


def _pair(text: str) -> tuple[str, Any]:
    name, mark, size = text.partition("=")
    if not mark:
        raise InvalidInput("packs", text, "packs such as 'tray=12; egg=58 g'")
    size = size.strip()
    return name.strip(), int(size) if size.isascii() and size.isdigit() and len(size) < 10 else size


def _known(name: str, items: Collection[str]) -> str:
    if items and name not in items:
        raise InvalidInput("item", name, "an item that is known: " + ", ".join(list(items)[:8]))
    return name


def _share(text: str) -> Any:
    """A share in percent, or as the fraction that it is written as."""
    return text if "%" in text else Fraction(text) if _FRACTION.fullmatch(text) else text

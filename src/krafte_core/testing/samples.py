"""Rows to try a store with: a small world of papers, lots, links and bookings, and changes made of them by chance.

`StoreContract` plays them on a store; whoever writes a store can play them by hand, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs

from krafte_core.allocation import LOT, PICKED, RESERVED, Allocation
from krafte_core.coverage import Booking
from krafte_core.diary import Entry
from krafte_core.events import OrderPlaced
from krafte_core.items import Item
from krafte_core.orders import CustomerOrder, OrderLine
from krafte_core.production import ProductionOrder
from krafte_core.purchasing import PurchaseLine, PurchaseOrder
from krafte_core.quantities import Scale, qty
from krafte_core.recipes import Ingredient, Line, Recipe
from krafte_core.resources import WorkCenter
from krafte_core.shipping import Shipment, ShipmentLine
from krafte_core.stock import ORDERS, Lot, Move, Place, Posting
from krafte_core.store import KINDS, TABLES, Changes, Paper, Reader, Stored

DAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
ITEMS = ("soap", "oil")
LOTS = tuple((item, code) for item in ITEMS for code in ("A", "B", "C"))
SPOTS = ("stock", "quarantine", "line:PB-1")
CENTERS = ("kettle", "bench")
NUMBERS = tuple(f"{series}-{n}" for series in ("CO", "PB", "PO", "SH") for n in range(3))
KEYS = ("key-1", "key-2")
RECIPE = Recipe("soap", makes="100 each", ingredients=[Ingredient("oil", "8 each")])
Draft = Callable[[Changes, Reader, int, int, int], None]


def paper(number: str, *items: str, version: int = 1) -> Paper:
    """A paper with this number, of the kind that its series names (CO, PB, PO, SH), about these items.

    >>> paper("CO-1", "soap", "oil").items
    ('soap', 'oil')
    """
    named, five = items or ("soap",), qty("5 each")
    if number.startswith("CO"):
        lines = [OrderLine(item, five, ref=str(n), given="5 pieces", steps=5) for n, item in enumerate(named, 1)]
        return CustomerOrder(number, 'Müller\'s & "Söhne" 100%', lines, placed_at=DAY, version=version)
    if number.startswith("PB"):
        line = Line("oil", "oil", Scale("each", Decimal(1)), 8, 100)
        return ProductionOrder(number, named[0], qty("100 each"), 100, RECIPE, (line,), planned_at=DAY, version=version)
    if number.startswith("PO"):
        bought = [PurchaseLine(item, five, ref=str(n), steps=5) for n, item in enumerate(named, 1)]
        return PurchaseOrder(number, "Frantoio", bought, ordered_at=DAY, expected=DAY + timedelta(days=9), version=version)
    sent = tuple(ShipmentLine("CO-1", str(n), item, "A", five, 5) for n, item in enumerate(named, 1))
    return Shipment(number, "Bio Markt", sent, shipped_at=DAY, version=version)


def lot(item: str, code: str, *, age: int = 0, good: int | None = None, **fields: Any) -> Lot:
    """A lot that came `age` days after the first day, and is good for `good` days from then; None is for ever.

    >>> lot("oil", "A", good=3).expires
    datetime.date(2026, 11, 26)
    """
    expires = None if good is None else (DAY + timedelta(days=good)).date()
    return Lot(item, code, received_at=DAY + timedelta(days=age), expires=expires, **fields)


def filing(*papers: Paper) -> Changes:
    """The changes that file new papers.

    >>> filing(paper("CO-1")).stamps
    {'CO-1': 0}
    """
    return Changes(papers={one.number: one for one in papers}, stamps={one.number: 0 for one in papers})


def stocking(*rows: tuple[Lot, str, int, int]) -> Changes:
    """The changes that bring lots to places: lot, place, steps on hand, steps allocated.

    >>> stocking((lot("oil", "A"), "stock", 5, 2)).balances
    {('oil', 'A', 'stock'): (5, 2)}
    """
    changes = Changes()
    for one, place, on_hand, allocated in rows:
        key = (one.item, one.code)
        changes.lots[key] = one
        changes.lot_guards[key] = one.revision - 1
        changes.balances[*key, place] = (on_hand, allocated)
        if on_hand:
            move = Move(*key, on_hand, "supplier", place)
            changes.postings.append(Posting("receipt", "", DAY, DAY, (move,), "Ada", "delivered"))
    return changes


def link(demand: str, ref: str, takes: int, *, item: str = "oil", place: str = "stock", line: str = "1") -> Allocation:
    """So many steps of a lot for a need.

    >>> link("CO-1", "A", 3).supply
    ('lot', 'oil', 'A')
    """
    return Allocation(demand, line, LOT, item, ref, place, takes, takes, RESERVED)


def linking(*rows: Allocation) -> Changes:
    """The changes that write these links.

    >>> len(linking(link("CO-1", "A", 3), link("CO-2", "A", 3)).allocations)
    2
    """
    return Changes(allocations={row[:6]: row for row in rows})


def booking(*rows: Booking) -> Changes:
    """The changes that write these bookings.

    >>> booking(Booking("kettle", 0, 10, "PB-1", "cook")).bookings.keys()
    dict_keys([('PB-1', 'cook')])
    """
    return Changes(bookings={(row.paper, row.operation): row for row in rows})


def telling(*documents: str) -> Changes:
    """The changes that put one event per document into the outbox.

    >>> [event.document for event in telling("CO-1", "CO-2").events]
    ['CO-1', 'CO-2']
    """
    return Changes(events=[OrderPlaced(DAY, document, f"customer {n}") for n, document in enumerate(documents)])


def world() -> Changes:
    """Changes with at least one row of every table.

    >>> world().is_empty
    False
    """
    whole = stocking((lot("oil", "A", good=30), "stock", 5, 2), (lot("soap", "B", age=1), "quarantine", 7, 0))
    papers = [paper(number) for number in NUMBERS[1::3]]
    whole.papers |= {one.number: one for one in papers}
    whole.stamps |= {**{one.number: 0 for one in papers}, "work center kettle": 0}
    whole.allocations |= linking(link("CO-1", "A", 2)).allocations
    whole.bookings |= booking(Booking("kettle", 100, 200, "PB-1", "cook")).bookings
    whole.diary.append(Entry("CO-1", "place", DAY, "Ada", "a reason", (("channel", "web"),)))
    whole.events += telling("CO-1").events
    whole.catalogue |= {("item", "oil"): Item("oil", unit="each"), ("place", "shelf"): Place("shelf", within="stock")}
    whole.key, whole.stored = "key-1", Stored("fingerprint", paper("CO-1"))
    return whole


def everything(reader: Reader) -> dict[str, Any]:
    """All that a reader can tell about the small world, by each of its methods: equal books give equal answers.

    >>> from krafte_core.books import Books
    >>> everything(Books())["lots"]
    []
    """
    rows = {table: [*reader.rows(table)] for table in TABLES}
    lots = sorted({(one.item, one.code) for one in rows["lots"]} | {*LOTS})
    names = sorted({row.paper.number for row in rows["papers"]} | {*NUMBERS})
    items = sorted({item for item, _ in lots})
    supplies = [(LOT, *key) for key in lots]
    documents = sorted({entry.document for entry in rows["diary"]} | {*names})
    found: dict[str, Any] = {
        "catalogue": [*reader.catalogue()],
        "papers": _pairs(reader.papers(iter(names))),
        "find": {kind: [*reader.find(kind, limit=10_000)] for kind in KINDS.values()},
        "open_papers": {kind: _by_number(reader.open_papers(kind, iter(items))) for kind in ("order", "production", "purchase")},
        "stamps": _pairs(reader.stamps(iter([*names, *(f"work center {code}" for code in CENTERS)]))),
        "lots": _pairs(reader.lots(iter(lots))),
        "has_lots": {item: reader.has_lots(item) for item in items},
        "lots_of": {(item, order): [*reader.lots_of(item, order)] for item in items for order in ORDERS},
        "stocked": _lists(reader.stocked(iter(items))),
        "standing": _lists(reader.standing(iter(lots))),
        "at_place": {spot: [*reader.at_place(spot)] for spot in SPOTS},
        "links": _lists(reader.links(iter(names))),
        "claims": _lists(reader.claims(iter(supplies))),
        "bookings": {since: _lists(reader.bookings(iter(CENTERS), since)) for since in (0, 125, 1_000)},
        "booked_for": _lists(reader.booked_for(iter(names))),
        "postings of lots": {key: [*reader.postings(lots=[key])] for key in lots},
        "postings of papers": {name: [*reader.postings(papers=[name])] for name in names},
        "postings of both": [*reader.postings(lots=lots[:2], papers=names[:4])],
        "diary": _lists(reader.diary(iter(documents))),
        "result": {key: reader.result(key) for key in KEYS},
    }
    for table in ("stocked", "allocations", "bookings", "results"):  # these tables come in any order
        rows[table] = sorted(rows[table], key=repr)
    return found | {f"rows of {table}": rows[table] for table in TABLES}


def _pairs(answer: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    return [*answer.items()]


def _lists(answer: Mapping[Any, Sequence[Any]]) -> list[tuple[Any, list[Any]]]:
    return [(key, [*rows]) for key, rows in answer.items()]


def _by_number(answer: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    return {item: sorted(rows, key=lambda row: str(row.paper.number)) for item, rows in answer.items()}


# by chance ----------------------------------------------------------------------------------------------------------------


def played(moves: Iterable[tuple[str, int, int, int]], reader: Reader) -> Changes:
    """The changes that a list of moves (`MOVES`, with three small numbers each) makes of the books as they are.

    Some of them ask for what cannot be: then a store raises `Conflict`.

    >>> from krafte_core.books import Books
    >>> sorted(played([("paper", 0, 1, 2), ("lot", 0, 0, 0)], Books()).stamps)
    ['CO-1']
    """
    changes = Changes()
    for name, a, b, c in moves:
        MOVES[name](changes, reader, a, b, c)
    return changes


def _touch(changes: Changes, reader: Reader, name: str) -> None:
    changes.stamps.setdefault(name, reader.stamps((name,))[name])


def _file(changes: Changes, reader: Reader, a: int, b: int, c: int) -> None:
    number = NUMBERS[(a * 3 + b) % len(NUMBERS)]
    _touch(changes, reader, number)
    changes.papers[number] = paper(number, *(ITEMS, ITEMS[:1], ITEMS[1:])[c % 3], version=c + 1)


def _close(changes: Changes, reader: Reader, a: int, b: int, c: int) -> None:
    number = NUMBERS[(a * 3 + b) % len(NUMBERS)]
    if number in changes.papers or reader.papers((number,)):
        _touch(changes, reader, number)
        changes.closed.add(number)


def _open(changes: Changes, reader: Reader, a: int, b: int, c: int) -> None:
    number = NUMBERS[(a * 3 + b) % len(NUMBERS)]
    filed = reader.papers((number,))
    if filed and number not in changes.papers and number not in changes.closed and not number.startswith("SH"):
        _touch(changes, reader, number)
        changes.opened.add(number)


def _lot(changes: Changes, reader: Reader, a: int, b: int, c: int) -> None:
    key = LOTS[a]
    before = changes.lots.get(key) or reader.lots((key,)).get(key)
    changes.lot_guards.setdefault(key, before.revision if before else 0)
    expires = None if c == 0 else date(2026, 12, c)
    word = "held" if b == 0 else "released"
    if before is None:
        changes.lots[key] = lot(*key, age=b, disposition=word)
    else:
        changes.lots[key] = attrs.evolve(before, expires=expires, disposition=word, revision=before.revision + 1)


def _stock(changes: Changes, reader: Reader, a: int, b: int, c: int) -> None:
    key, place, moved, promised = LOTS[a], SPOTS[b % 3], (2, 3, -1, -2, 0, 0)[c], (0, 0, 0, 0, 1, -1)[c]
    if key in changes.lots or reader.lots((key,)):
        before = changes.balances.get((*key, place), (0, 0))
        changes.balances[*key, place] = (before[0] + moved, before[1] + promised)
        if moved:
            ends = ("supplier", place) if moved > 0 else (place, "customer")
            move = Move(*key, abs(moved), *ends, line="CO-1/1" if b > 2 else "")
            changes.postings.append(Posting("move", NUMBERS[c], DAY, DAY, (move,)))


def _link(changes: Changes, reader: Reader, a: int, b: int, c: int) -> None:
    row = link(NUMBERS[1 + a % 4], LOTS[b][1], c, item=LOTS[b][0], place=SPOTS[a % 2])
    changes.allocations[row[:6]] = row._replace(firmness=PICKED if c > 3 else RESERVED) if c else None


def _book(changes: Changes, reader: Reader, a: int, b: int, c: int) -> None:
    row = Booking(CENTERS[b % 2], c * 50, c * 50 + 25, NUMBERS[3 + a % 3], ("cook", "pack")[a // 3])
    changes.bookings[row.paper, row.operation] = row if c else None
    _touch(changes, reader, f"work center {row.work_center}")


def _note(changes: Changes, reader: Reader, a: int, b: int, c: int) -> None:
    changes.diary.append(Entry(NUMBERS[a], "note", DAY + timedelta(hours=b), "Ada", str(c)))
    changes.events.append(OrderPlaced(DAY, NUMBERS[a], str(c)))


def _register(changes: Changes, reader: Reader, a: int, b: int, c: int) -> None:
    code = CENTERS[a % 2]
    changes.catalogue["work center", code] = WorkCenter(code, hours="Mon-Fri 08:00-16:00", capacity=c + 1)


def _remember(changes: Changes, reader: Reader, a: int, b: int, c: int) -> None:
    changes.key, changes.stored = KEYS[a % 2], Stored(str(c), paper("CO-1"))


def _stale(changes: Changes, reader: Reader, a: int, b: int, c: int) -> None:
    if a == b:
        changes.stamps[NUMBERS[a]] = reader.stamps((NUMBERS[a],))[NUMBERS[a]] + 1
        changes.papers.pop(NUMBERS[a], None)


MOVES: Mapping[str, Draft] = {
    "paper": _file,
    "close": _close,
    "open": _open,
    "lot": _lot,
    "stock": _stock,
    "link": _link,
    "book": _book,
    "note": _note,
    "register": _register,
    "remember": _remember,
    "stale": _stale,
}
"""What can happen by chance."""

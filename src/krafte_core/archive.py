"""A whole workshop as a file of lines, from any store to any store; the balances made anew from the books; names taken out of them.

An export is JSON Lines in wire form. The first line says what it is, the last how many there are, so that a file that was cut off is
found out. The same books give the same bytes. What can be computed is not in it: balances, stamps, which papers are open. The events
in the outbox stay where they are; they are delivered from there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import attrs

from krafte_core.allocation import LOT, Allocation
from krafte_core.diary import LOT_STEPS, lot_document, state
from krafte_core.errors import AlreadyExists, BrokenLaw, InvalidInput, WireError
from krafte_core.lot_histories import LotHistory, histories, pages
from krafte_core.prices import Customer
from krafte_core.stock import Stocked
from krafte_core.store import KINDS, BalanceKey, Changes, Reader, Store
from krafte_core.wire import dumps, from_wire, loads, to_wire
from krafte_core.work import CLOSING, STEPS, Work

FORMAT = 1
PAGE = 500
ORDER = ("catalogue", "papers", "closed", "lots", "postings", "allocations", "bookings", "diary", "results")
"""The tables of an export, in the order in which they can be written back."""
_COUNTED = re.compile(r"(.+)-(\d{3,18})")
Row = tuple[str, Any]

# the balances -------------------------------------------------------------------------------------------------------------


def rebuild(work: Work) -> int:
    """Put the sanctioned copies right where they differ from the books: balance rows, and dispositions of lots; how many did.

    Raises:
        BrokenLaw: (`broken_law`) the books themselves do not add up, so there is nothing right to put there.
    """
    wrong, spots = [], 0
    for one, claims, standing in _beside_the_ledger(work.reader):
        spots += len(standing)
        for place, (on_hand, allocated), (had, promised) in _compared(one, claims, standing):
            if not 0 <= allocated <= on_hand:
                wrong.append("{} {} in {}: the ledger has {}, links take {}".format(*one.key, place, on_hand, allocated))
            work.changes.balances[*one.key, place] = (on_hand - had, allocated - promised)
    if wrong:
        raise BrokenLaw(tuple(wrong))
    if spots != sum(1 for _ in work.reader.rows("stocked")):
        _take_away(work)
    for lots in pages(work.reader.rows("lots")):
        said = work.reader.diary([lot_document(lot.item, lot.code) for lot in lots])
        for lot in lots:
            now = state(LOT_STEPS, said[lot_document(lot.item, lot.code)], "released")
            if now != lot.disposition:
                work.change_lot(lot, disposition=now)
    return len(work.changes.balances) + len(work.changes.lots)


def balances_of(reader: Reader) -> Mapping[BalanceKey, tuple[int, int]]:
    """What the balance rows must be: on hand from the ledger, allocated from the links."""
    rows = ((one, _compared(one, claims, ())) for one, claims, _ in _beside_the_ledger(reader))
    return {(*one.key, place): right for one, found in rows for place, right, _ in found}


def _beside_the_ledger(reader: Reader) -> Iterator[tuple[LotHistory, Sequence[Allocation], Sequence[Stocked]]]:
    """Lot by lot what the ledger adds up to, the links that take of it, and its balance rows."""
    for page in pages(histories(reader)):
        standing = reader.standing([one.key for one in page])
        claims = reader.claims([(LOT, *one.key) for one in page])
        for one in page:
            yield one, claims[LOT, *one.key], standing[one.key]


def _compared(
    one: LotHistory, claims: Sequence[Allocation], standing: Sequence[Stocked]
) -> Iterator[tuple[str, tuple[int, int], tuple[int, int]]]:
    """Per place where they differ: on hand and allocated as the books have them, and as the balance row has them."""
    right = {place: [steps, 0] for place, steps in one.sums.items()}
    for link in claims:
        right.setdefault(link.place, [0, 0])[1] += link.takes
    stored = {row.place: (row.on_hand, row.allocated) for row in standing}
    for place in sorted(right.keys() | stored.keys()):
        (on_hand, allocated), had = right.get(place, (0, 0)), stored.get(place, (0, 0))
        if (on_hand, allocated) != had or not 0 <= allocated <= on_hand:
            yield place, (on_hand, allocated), had


def _take_away(work: Work) -> None:
    """Balances of lots that nothing was ever moved to."""
    for rows in pages(work.reader.rows("stocked")):
        posted = work.reader.postings(lots=[(row.lot.item, row.lot.code) for row in rows])
        moved = {(move.item, move.lot) for posting in posted for move in posting.moves}
        for row in rows:
            if (row.lot.item, row.lot.code) not in moved:
                work.changes.balances[row.lot.item, row.lot.code, row.place] = (-row.on_hand, -row.allocated)


# the file -----------------------------------------------------------------------------------------------------------------


def lines(reader: Reader) -> Iterator[str]:
    """The books of a moment, line by line, without the line ends."""
    count = 1
    yield dumps(("workshop", FORMAT))
    for table in ORDER:
        for row in _exported(reader, table):
            yield dumps((table, row))
            count += 1
    yield dumps(("end", count + 1))


def _exported(reader: Reader, table: str) -> Iterable[Any]:
    if table == "papers":
        return (row.paper for row in reader.rows("papers"))
    if table == "closed":
        return _closed(reader)
    if table == "allocations":
        return sorted(reader.rows("allocations"), key=lambda row: row.demand)  # of one demand in the order of writing
    if table == "bookings":
        return sorted(reader.rows("bookings"), key=lambda row: row.paper)
    if table == "results":
        return sorted(reader.rows("results"), key=lambda row: row[0])
    return reader.rows(table)


def _closed(reader: Reader) -> Iterator[str]:
    for rows in pages(reader.rows("papers")):
        entries = reader.diary([row.paper.number for row in rows])
        for row in rows:
            kind = type(row.paper)
            if state(STEPS[kind], entries[row.paper.number]) in CLOSING[kind]:
                yield row.paper.number


def write(reader: Reader, path: Path) -> int:
    """Write the export beside its place and then put it there, so that what stands there is always whole; how many lines."""
    beside = path.with_name(path.name + ".part")
    count = 0
    with beside.open("w", encoding="ascii", newline="\n") as file:
        for line in lines(reader):
            file.write(line + "\n")
            count += 1
    beside.replace(path)
    return count


def read(path: Path) -> Iterator[Row]:
    """The rows of an export, each checked when it comes.

    Raises:
        WireError: (`unreadable_wire`) not an export, a line that cannot be read, or an end that is missing.
    """
    last: Any = ("", 0)
    count = 0
    with path.open(encoding="utf-8", errors="surrogateescape", newline="\n") as file:
        for line in file:
            count += 1
            if last[0] == "end":
                raise WireError(f"line {count}", line[:80], "nothing after the end")
            last = _row(line, count)
            if last[0] in ORDER:
                yield last
    if last != ("end", count) or count < 2:
        raise WireError(f"line {count + 1}", "nothing", f"the rest of the export; {path.name} was cut off")


def _row(line: str, count: int) -> Row:
    try:
        row = loads(line)
    except WireError as problem:
        raise WireError(f"line {count}: {problem.path}", problem.given, problem.expected) from problem
    if not isinstance(row, tuple) or len(row) != 2 or (row[0] not in {*ORDER, "workshop", "end"}):
        raise WireError(f"line {count}", line[:80], "a table and its row")
    if (count == 1) != (row[0] == "workshop") or (count == 1 and row[1] != FORMAT):
        raise WireError(f"line {count}", line[:80], f"the beginning of an export of format {FORMAT}, once")
    return row


def restore(store: Store, path: Path) -> int:
    """Write an export into an empty store; how many rows. The whole file is read once before anything is written.

    Raises:
        AlreadyExists: (`already_exists`) the store has something in it. WireError: (`unreadable_wire`) as `read`.
    """
    with store.reading() as reader:
        if next(iter(reader.catalogue()), None) is not None or any(next(reader.rows(table), None) for table in ("papers", "lots")):
            raise AlreadyExists("workshop", "with something in it")
    for _ in read(path):
        pass
    done = 0
    counters: dict[str, int] = {}
    for table, rows in groupby(read(path), key=lambda row: row[0]):
        for page in pages((row for _, row in rows), 1 if table == "results" else PAGE):  # a change holds one result
            changes = Changes()
            _IMPORTED[table](changes, page)
            if table in {"papers", "lots"}:
                _count(counters, (row.number if table == "papers" else row.code for row in page))
            store.commit(changes)
            done += len(page)
    with store.reading() as reader:
        whole = Changes(balances=dict(balances_of(reader)))
    store.commit(whole)
    for series, last in counters.items():
        store.take_numbers(series, last)
    return done


def _count(counters: dict[str, int], names: Iterable[str]) -> None:
    """What numbers were given: none of them is given again."""
    for name in names:
        found = _COUNTED.fullmatch(name)
        if found:
            counters[found[1]] = max(counters.get(found[1], 0), int(found[2]))


def _papers(changes: Changes, rows: Sequence[Any]) -> None:
    changes.papers = {paper.number: paper for paper in rows}
    changes.stamps = dict.fromkeys(changes.papers, 0)


def _closings(changes: Changes, rows: Sequence[Any]) -> None:
    changes.closed = {*rows}
    changes.stamps = dict.fromkeys(rows, 1)


def _lots(changes: Changes, rows: Sequence[Any]) -> None:
    changes.lots = {(lot.item, lot.code): lot for lot in rows}
    changes.lot_guards = dict.fromkeys(changes.lots, 0)


def _catalogue(changes: Changes, rows: Sequence[Any]) -> None:
    changes.catalogue = {(KINDS[type(value)], value.code): value for value in rows}


def _allocations(changes: Changes, rows: Sequence[Any]) -> None:
    changes.allocations = {row[:6]: row for row in rows}


def _bookings(changes: Changes, rows: Sequence[Any]) -> None:
    changes.bookings = {(row.paper, row.operation): row for row in rows}


def _results(changes: Changes, rows: Sequence[Any]) -> None:
    ((changes.key, changes.stored),) = rows


_IMPORTED: Mapping[str, Callable[[Changes, Sequence[Any]], None]] = {
    "catalogue": _catalogue,
    "papers": _papers,
    "closed": _closings,
    "lots": _lots,
    "postings": lambda changes, rows: changes.postings.extend(rows),
    "allocations": _allocations,
    "bookings": _bookings,
    "diary": lambda changes, rows: changes.diary.extend(rows),
    "results": _results,
}


# names --------------------------------------------------------------------------------------------------------------------

_EMPTY: Mapping[str, Any] = {"ship_to": None, "notes": "", "note": "", "attributes": [], "tracking": ""}


def erase(work: Work, customer: str, name: str) -> int:
    """Write every paper of a customer without what tells who it was, under another name; how many papers."""
    count = 0
    for kind in ("order", "quote", "shipment"):
        after = ""
        while page := work.reader.find(kind, customer=customer, after=after, limit=PAGE):
            filed = work.reader.papers([paper.number for paper in page])
            work.known(filed.values())
            for number, row in filed.items():
                work.file(attrs.evolve(erased(row.paper, customer, name), version=row.paper.version + 1))
                work.note(number, "erase", reason="personal data were erased")
                count += 1
            after = page[-1].number
    after = ""
    while page := work.reader.find("import", after=after, limit=PAGE):  # what a channel sent: the customer is somewhere within
        said = {paper.number: erased(paper, customer, name) for paper in page}
        known = work.reader.papers([paper.number for paper in page if said[paper.number] is not paper])
        work.known(known.values())
        for number, row in known.items():
            work.file(attrs.evolve(said[number], version=row.paper.version + 1))
            count += 1
        after = page[-1].number
    if customer in work.catalogue.customers:  # its code stays in the catalogue, without anything beside it
        work.changes.catalogue[KINDS[Customer], customer] = Customer(customer)
        count += 1
    return count


def erased(value: Any, customer: str, name: str) -> Any:
    """The value with another customer's name, and without the address, notes and attributes beside it.

    >>> from datetime import UTC, datetime
    >>> from krafte_core.orders import CustomerOrder
    >>> order = CustomerOrder("CO-1", "Anna", (), placed_at=datetime(2026, 1, 1, tzinfo=UTC), notes="ring twice")
    >>> erased(order, "Anna", "erased-1").notes
    ''
    """
    if not isinstance(customer, str) or not customer:
        raise InvalidInput("customer", customer, "the name of a customer")
    document = to_wire(value)
    changed = _without(document, customer, name)
    return value if changed == document else from_wire(changed)


def _without(part: Any, customer: str, name: str) -> Any:
    if isinstance(part, list):
        return [_without(one, customer, name) for one in part]
    if not isinstance(part, dict):
        return part
    if part.get("customer") == customer:
        return _nameless({**part, "customer": name})
    return {key: _without(one, customer, name) for key, one in part.items()}


def _nameless(part: Any) -> Any:
    if isinstance(part, list):
        return [_nameless(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {key: _EMPTY[key] if key in _EMPTY else _nameless(one) for key, one in part.items()}

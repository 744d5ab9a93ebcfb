"""The books in memory: every table of the ports as dictionaries and lists, alone or laid over another reader.

Alone, `Books` is all that the memory store needs. Laid over a `base`, it holds only what differs and merges the rest on reading: the
working set of a command, a preview and a what-if fork are all this one class.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from krafte_core.allocation import Allocation
from krafte_core.diary import Entry
from krafte_core.errors import Conflict
from krafte_core.scheduling import Booking
from krafte_core.stock import LINE, ORDERS, Lot, Posting, Stocked
from krafte_core.store import (
    KINDS,
    AllocationKey,
    BalanceKey,
    CatalogueValue,
    Changes,
    Filed,
    LotKey,
    Paper,
    Reader,
    Stored,
    SupplyKey,
)

Shelf = list[tuple[Any, ...]]
_EMPTY: Mapping[Any, Any] = {}


class Books:
    """Tables of rows, read through the port `Reader` and changed by `apply`.

    >>> Books().find("order")
    []
    """

    def __init__(self, base: Reader | None = None) -> None:
        """Empty books, or an empty sheet over a base."""
        self._base = base
        self._revision = base.catalogue_revision() if base else 0
        self._catalogue: dict[tuple[str, str], CatalogueValue] = {}
        self._papers: dict[str, Paper] = {}
        self._numbers: dict[str, list[str]] = {}
        self._position: dict[str, int] = {}
        self._open: dict[tuple[str, str], dict[str, None]] = {}
        self._closed: set[str] = set()
        self._stamps: dict[str, int] = {}
        self._lots: dict[LotKey, Lot] = {}
        self._stock: dict[str, dict[tuple[str, str], tuple[int, int]]] = {}
        self._lines: dict[str, dict[LotKey, None]] = {}
        self._shelves: dict[tuple[str, str], Shelf] = {}
        self._links: dict[str, dict[AllocationKey, Allocation | None]] = {}
        self._claims: dict[SupplyKey, dict[AllocationKey, Allocation | None]] = {}
        self._bookings: dict[str, dict[tuple[str, str], Booking | None]] = {}
        self._booked: dict[str, dict[tuple[str, str], Booking | None]] = {}
        self._postings: list[Posting] = []
        self._indexed = 0
        self._by_lot: dict[LotKey, list[int]] = {}
        self._by_paper: dict[str, list[int]] = {}
        self._entries: list[Entry] = []
        self._pages: dict[str, list[Entry]] = {}
        self._results: dict[str, Stored] = {}

    def copy(self) -> Books:
        """Independent books with the same rows; rows themselves are immutable and shared.

        >>> Books().copy().find("order")
        []
        """
        twin = Books.__new__(Books)
        for name, table in vars(self).items():
            inner = isinstance(table, dict) and next((type(row) for row in table.values()), None)
            if inner in (dict, list):
                twin.__dict__[name] = {key: row.copy() for key, row in table.items()}
            else:
                twin.__dict__[name] = table.copy() if isinstance(table, dict | list | set) else table
        return twin

    # reading ----------------------------------------------------------------------------------------------------------

    def catalogue_revision(self) -> int:
        """See `Reader`."""
        return self._revision

    def catalogue(self) -> Collection[CatalogueValue]:
        """See `Reader`."""
        if self._base is None:
            return self._catalogue.values()
        return ({_catalogue_key(value): value for value in self._base.catalogue()} | self._catalogue).values()

    def papers(self, numbers: Iterable[str]) -> Mapping[str, Filed]:
        """See `Reader`."""
        wanted = [*numbers]
        own, stamps = self._papers, self._stamps
        found = {number: Filed(own[number], stamps[number]) for number in wanted if number in own}
        if self._base is not None and len(found) < len(wanted):
            for number, filed in self._base.papers(number for number in wanted if number not in own).items():
                found[number] = Filed(filed.paper, stamps.get(number, filed.stamp))
        return found

    def find(self, kind: str, *, after: str = "", limit: int = 100, **criteria: Any) -> Sequence[Paper]:
        """See `Reader`."""
        rows = (paper for paper in self._filed(kind, after) if all(getattr(paper, name) == value for name, value in criteria.items()))
        return [paper for paper, _ in zip(rows, range(limit), strict=False)]

    def _filed(self, kind: str, after: str) -> Iterator[Paper]:
        numbers = self._numbers.get(kind, [])
        if self._base is not None and after not in self._position:
            while page := self._base.find(kind, after=after):
                yield from (self._papers.get(paper.number, paper) for paper in page)
                after = page[-1].number
            after = ""
        start = self._position.get(after, -1) + 1
        yield from (self._papers[number] for number in numbers[start:])

    def open_papers(self, kind: str, items: Iterable[str]) -> Mapping[str, Sequence[Filed]]:
        """See `Reader`."""
        wanted = [*items]
        found: dict[str, Sequence[Filed]] = {}
        if self._base is not None:
            for item, rows in self._base.open_papers(kind, wanted).items():
                left = [row for row in rows if row.paper.number not in self._closed]
                found[item] = [self._latest(row) for row in left]
        for item in wanted:
            numbers = self._open.get((kind, item))
            if numbers:
                own = [Filed(self._papers[number], self._stamps[number]) for number in numbers]
                found[item] = [*found.get(item, ()), *own]
        return found

    def _latest(self, row: Filed) -> Filed:
        number = row.paper.number
        return Filed(self._papers.get(number, row.paper), self._stamps.get(number, row.stamp))

    def stamps(self, names: Iterable[str]) -> Mapping[str, int]:
        """See `Reader`."""
        return {name: self._stamp(name) for name in names}

    def _stamp(self, name: str) -> int:
        own = self._stamps.get(name)
        if own is None:
            return 0 if self._base is None else self._base.stamps((name,))[name]
        return own

    def lots(self, keys: Iterable[LotKey]) -> Mapping[LotKey, Lot]:
        """See `Reader`."""
        own, wanted = self._lots, [*keys]
        found = {key: own[key] for key in wanted if key in own}
        if self._base is not None and len(found) < len(wanted):
            found |= self._base.lots(key for key in wanted if key not in own)
        return found

    def has_lots(self, item: str) -> bool:
        """See `Reader`."""
        return any(key[0] == item for key in self._lots) or (self._base is not None and self._base.has_lots(item))

    def lots_of(self, item: str, order: str) -> Iterator[Stocked]:
        """See `Reader`."""
        if self._base is None:
            lots, rows = self._lots, self._stock.get(item, _EMPTY)
            for *_, code, place in self._shelf(item, order):
                yield Stocked(lots[item, code], place, *rows[code, place])
            return
        own = self._stock.get(item, {})
        mine = sorted((row for row in self._rows(item) if row.on_hand > row.allocated), key=ORDERS[order])
        theirs = (row for row in self._base.lots_of(item, order) if (row.lot.code, row.place) not in own)
        yield from heapq.merge(mine, theirs, key=ORDERS[order])

    def _shelf(self, item: str, order: str) -> Shelf:
        """The item's free lots in order: made when first asked for, kept up to date from then on."""
        shelf = self._shelves.get((item, order))
        if shelf is None:
            sort = ORDERS[order]
            shelf = self._shelves[item, order] = sorted(sort(row) for row in self._rows(item) if row.on_hand > row.allocated)
        return shelf

    def _rows(self, item: str) -> Iterator[Stocked]:
        own = self._stock.get(item, _EMPTY)
        return (Stocked(self._lot(item, code), place, *row) for (code, place), row in own.items() if row[0])

    def _lot(self, item: str, code: str) -> Lot:
        own = self._lots.get((item, code))
        return own if own is not None or self._base is None else self._base.lots([(item, code)])[item, code]  # type: ignore[return-value]

    def stocked(self, items: Iterable[str]) -> Mapping[str, Sequence[Stocked]]:
        """See `Reader`."""
        wanted = [*items]
        theirs = self._base.stocked(wanted) if self._base is not None else _EMPTY
        found = {}
        for item in wanted:
            own = self._stock.get(item, _EMPTY)
            found[item] = [row for row in theirs.get(item, ()) if (row.lot.code, row.place) not in own]
            found[item] += self._rows(item)
        return found

    def standing(self, lots: Iterable[LotKey]) -> Mapping[LotKey, Sequence[Stocked]]:
        """See `Reader`."""
        wanted = [*lots]
        theirs = self._base.standing(wanted) if self._base is not None else _EMPTY
        found = {}
        for key in wanted:
            own = self._stock.get(key[0], _EMPTY)
            rows = [row for row in theirs.get(key, ()) if (key[1], row.place) not in own]
            found[key] = rows + [row for row in self._rows(key[0]) if row.lot.code == key[1]]
        return found

    def at_place(self, place: str) -> Sequence[Stocked]:
        """See `Reader`."""
        own = self._lines.get(place, _EMPTY) if place.startswith(LINE) else self._anywhere(place)
        rows = [row for row in self._base.at_place(place) if _standing(row) not in own] if self._base is not None else []
        for item, code in own:
            row = self._stock[item][code, place]
            if row[0]:
                rows.append(Stocked(self._lot(item, code), place, *row))
        return rows

    def _anywhere(self, place: str) -> Mapping[LotKey, None]:
        return {(item, code): None for item, rows in self._stock.items() for code, there in rows if there == place}

    def links(self, papers: Iterable[str]) -> Mapping[str, Sequence[Allocation]]:
        """See `Reader`."""
        wanted = [*papers]
        return _merged(wanted, self._links, self._base.links(wanted) if self._base is not None else _EMPTY)

    def claims(self, supplies: Iterable[SupplyKey]) -> Mapping[SupplyKey, Sequence[Allocation]]:
        """See `Reader`."""
        wanted = [*supplies]
        return _merged(wanted, self._claims, self._base.claims(wanted) if self._base is not None else _EMPTY)

    def bookings(self, work_centers: Iterable[str], since: int) -> Mapping[str, Sequence[Booking]]:
        """See `Reader`."""
        wanted = [*work_centers]
        theirs = self._base.bookings(wanted, since) if self._base is not None else _EMPTY
        merged = _merged(wanted, self._booked, theirs, key=lambda row: (row.paper, row.operation))
        return {center: sorted((row for row in rows if row.end > since), key=lambda row: row[1:]) for center, rows in merged.items()}

    def booked_for(self, papers: Iterable[str]) -> Mapping[str, Sequence[Booking]]:
        """See `Reader`."""
        wanted = [*papers]
        theirs = self._base.booked_for(wanted) if self._base is not None else _EMPTY
        return _merged(wanted, self._bookings, theirs, key=lambda row: (row.paper, row.operation))

    def postings(self, *, lots: Collection[LotKey] = (), papers: Collection[str] = ()) -> Sequence[Posting]:
        """See `Reader`."""
        self._index()
        places = {n for key in lots for n in self._by_lot.get(key, ())}
        places.update(n for number in papers for n in self._by_paper.get(number, ()))
        own = [self._postings[n] for n in sorted(places)]
        return [*self._base.postings(lots=lots, papers=papers), *own] if self._base is not None else own

    def _index(self) -> None:
        """Catch up with what was posted since somebody last asked: most commands never ask."""
        by_lot, by_paper = self._by_lot, self._by_paper
        for n in range(self._indexed, len(self._postings)):
            posting = self._postings[n]
            papers = {posting.paper, *(move.line.partition("/")[0] for move in posting.moves)} - {""}
            for number in papers:
                by_paper.setdefault(number, []).append(n)
            for key in {(move.item, move.lot) for move in posting.moves}:
                by_lot.setdefault(key, []).append(n)
        self._indexed = len(self._postings)

    def diary(self, documents: Iterable[str]) -> Mapping[str, Sequence[Entry]]:
        """See `Reader`."""
        wanted = [*documents]
        if self._base is None:
            return {document: self._pages.get(document, ()) for document in wanted}
        theirs = self._base.diary(wanted)
        return {document: [*theirs[document], *self._pages.get(document, ())] for document in wanted}

    def result(self, key: str) -> Stored | None:
        """See `Reader`."""
        own = self._results.get(key)
        return own if own is not None or self._base is None else self._base.result(key)

    def rows(self, table: str) -> Iterator[Any]:
        """See `Reader`."""
        own = getattr(self, f"_all_{table}")
        yield from own(self._base.rows(table) if self._base is not None else ())

    def _all_catalogue(self, theirs: Iterable[Any]) -> Iterator[Any]:
        return iter(self.catalogue())

    def _all_papers(self, theirs: Iterable[Any]) -> Iterator[Any]:
        known = []
        for row in theirs:
            known.append(row.paper.number)
            yield self._latest(row)
        seen = {*known}
        yield from (Filed(paper, self._stamps[number]) for number, paper in self._papers.items() if number not in seen)

    def _all_lots(self, theirs: Iterable[Any]) -> Iterator[Any]:
        merged = {(lot.item, lot.code): lot for lot in theirs}
        yield from (merged | self._lots).values()

    def _all_stocked(self, theirs: Iterable[Any]) -> Iterator[Any]:
        for row in theirs:
            if (row.lot.code, row.place) not in self._stock.get(row.lot.item, _EMPTY):
                yield row
        for item in self._stock:
            yield from self._rows(item)

    def _all_allocations(self, theirs: Iterable[Any]) -> Iterator[Any]:
        yield from (row for row in theirs if row[:6] not in self._links.get(row.demand, _EMPTY))
        yield from (row for rows in self._links.values() for row in rows.values() if row is not None)

    def _all_bookings(self, theirs: Iterable[Any]) -> Iterator[Any]:
        yield from (row for row in theirs if (row.paper, row.operation) not in self._bookings.get(row.paper, _EMPTY))
        yield from (row for rows in self._bookings.values() for row in rows.values() if row is not None)

    def _all_postings(self, theirs: Iterable[Any]) -> Iterator[Any]:
        yield from theirs
        yield from self._postings

    def _all_diary(self, theirs: Iterable[Any]) -> Iterator[Any]:
        yield from theirs
        yield from self._entries

    # changing ---------------------------------------------------------------------------------------------------------

    def apply(self, changes: Changes) -> None:
        """Check every guard, then write everything.

        Raises:
            Conflict: (`conflict`) a guard failed; nothing was written.
        """
        balances = self._checked(changes)
        for name, stamp in changes.stamps.items():
            self._stamps[name] = stamp + 1
        for paper in changes.papers.values():
            self._file(paper)
        if changes.closed:
            self._close(changes.closed)
        for key, lot in changes.lots.items():
            self._put_lot(key, lot)
        for where, row in balances:
            self._put_balance(where, row)
        for link_key, link in changes.allocations.items():
            self._put(self._links, link_key[0], link_key, link)
            self._put(self._claims, link_key[2:5], link_key, link)
        for booking_key, booking in changes.bookings.items():
            self._put_booking(booking_key, booking)
        self._postings += changes.postings
        self._entries += changes.diary
        for entry in changes.diary:
            self._pages.setdefault(entry.document, []).append(entry)
        if changes.catalogue:
            self._catalogue |= changes.catalogue
            self._revision += 1
        if changes.key is not None and changes.stored is not None:
            self._results[changes.key] = changes.stored

    def _checked(self, changes: Changes) -> list[tuple[BalanceKey, tuple[int, int]]]:
        for name, stamp in changes.stamps.items():
            if self._stamps.get(name, 0) != stamp and self._stamp(name) != stamp:
                raise Conflict(name)
        for key, revision in changes.lot_guards.items():
            lot = self._lots.get(key) or self.lots((key,)).get(key)
            if (lot.revision if lot else 0) != revision:
                raise Conflict(f"lot {key[1]} of {key[0]}")
        if changes.key is not None and self.result(changes.key) is not None:
            raise Conflict(f"key {changes.key}")
        balances = []
        for where, (moved, promised) in changes.balances.items():
            on_hand, allocated = self._balance(where)
            row = (on_hand + moved, allocated + promised)
            if not 0 <= row[1] <= row[0]:
                raise Conflict("stock of {} {} in {}".format(*where))
            balances.append((where, row))
        return balances

    def _balance(self, key: BalanceKey) -> tuple[int, int]:
        item, code, place = key
        rows = self._stock.get(item)
        own = rows.get((code, place)) if rows is not None else None
        if own is not None or self._base is None:
            return own or (0, 0)
        return next((row[2:4] for row in self._base.standing([(item, code)])[item, code] if row.place == place), (0, 0))

    def _file(self, paper: Paper) -> None:
        number = paper.number
        before = self._papers.get(number)
        self._papers[number] = paper
        if before is None and (self._base is None or not self._base.papers((number,))):
            kind = KINDS[type(paper)]
            numbers = self._numbers.setdefault(kind, [])
            self._position[number] = len(numbers)
            numbers.append(number)
            if kind != "shipment":
                for item in paper.items:
                    self._open.setdefault((kind, item), {})[number] = None

    def _close(self, numbers: Iterable[str]) -> None:
        for number in numbers:
            paper = self._papers.get(number)
            if self._base is not None:
                self._closed.add(number)
            if paper is not None:
                for item in paper.items:
                    self._open.get((KINDS[type(paper)], item), {}).pop(number, None)

    def _put_lot(self, key: LotKey, lot: Lot) -> None:
        before = self._lots.get(key)
        if self._base is not None and before is None:
            for row in self._base.standing([key])[key]:  # its rows show the new lot from now on
                self._stock.setdefault(lot.item, {}).setdefault((lot.code, row.place), row[2:4])
        self._lots[key] = lot
        if before is not None and (before.expires, before.received_at) != (lot.expires, lot.received_at):
            for order in ORDERS:
                self._shelves.pop((lot.item, order), None)

    def _put_balance(self, key: BalanceKey, row: tuple[int, int]) -> None:
        item, code, place = key
        rows = self._stock.setdefault(item, {})
        before = rows.get((code, place), (0, 0))
        if row[0] or self._base is not None:
            rows[code, place] = row
        else:
            rows.pop((code, place), None)
        if place.startswith(LINE):
            self._put_line(place, (item, code), row[0])
        was, free = before[0] > before[1], row[0] > row[1]
        if was != free and self._base is None:
            for order, sort in ORDERS.items():
                shelf = self._shelves.get((item, order))
                if shelf is not None:
                    sign = sort(Stocked(self._lots[item, code], place, *row))
                    if free:
                        insort(shelf, sign)
                    else:
                        del shelf[bisect_left(shelf, sign)]

    def _put_line(self, place: str, key: LotKey, on_hand: int) -> None:
        if on_hand or self._base is not None:
            self._lines.setdefault(place, {})[key] = None
        else:
            there = self._lines.get(place, {})
            there.pop(key, None)
            if not there:
                self._lines.pop(place, None)

    def _put(self, table: dict[Any, dict[Any, Any]], index: Any, key: Any, row: Any) -> None:
        if row is not None or self._base is not None:
            table.setdefault(index, {})[key] = row
            return
        rows = table.get(index)
        if rows is not None:
            rows.pop(key, None)
            if not rows:
                del table[index]

    def _put_booking(self, key: tuple[str, str], booking: Booking | None) -> None:
        before = self._bookings.get(key[0], {}).get(key)
        if before is None and self._base is not None:
            before = next((row for row in self._base.booked_for([key[0]])[key[0]] if row.operation == key[1]), None)
        self._put(self._bookings, key[0], key, booking)
        center = booking.work_center if booking else before.work_center if before else None
        if center is not None:
            self._put(self._booked, center, key, booking)


def _merged(
    wanted: Sequence[Any], own: Mapping[Any, Mapping[Any, Any]], theirs: Mapping[Any, Sequence[Any]], key: Any = None
) -> dict[Any, Any]:
    """Per index the base's rows that are not overridden, then the own ones that are not deleted."""
    found: dict[Any, Any] = {}
    for index in wanted:
        mine = own.get(index, _EMPTY)
        rows = [row for row in theirs.get(index, ()) if (key(row) if key else row[:6]) not in mine]
        found[index] = rows + [row for row in mine.values() if row is not None]
    return found


def _standing(row: Stocked) -> LotKey:
    return row.lot.item, row.lot.code


def _catalogue_key(value: CatalogueValue) -> tuple[str, str]:
    return KINDS[type(value)], value.code

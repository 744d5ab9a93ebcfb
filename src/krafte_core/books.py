"""The books in memory: every table of the ports as dictionaries and lists, alone or laid over another reader.

Alone, `Books` is all that the memory store needs. Laid over a `base`, it holds only what differs and merges the rest on reading: the
working set of a command, a preview and a what-if fork are all this one class.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from krafte_core.allocation import LOT, Allocation
from krafte_core.coverage import Booking
from krafte_core.diary import Entry, about_lots
from krafte_core.errors import Conflict
from krafte_core.journal import Journal
from krafte_core.ledger import Index, Use, moved_in, uses_of
from krafte_core.lot_index import LotIndex
from krafte_core.orders import CustomerOrder
from krafte_core.shelves import Settled, Shelves
from krafte_core.stock import ORDERS, Lot, Posting, Sought, Stocked
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

_EMPTY: Mapping[Any, Any] = {}
_new = tuple.__new__  # half the cost of a NamedTuple's own constructor


def _link_key(row: Allocation) -> AllocationKey:
    return row[:6]


def _booking_key(row: Booking) -> tuple[str, str]:
    return row.paper, row.operation


def _spot(row: Stocked) -> tuple[str, str, str]:
    return row.lot.item, row.lot.code, row.place


class Books:
    """Tables of rows, read through the port `Reader` and changed by `apply`.

    >>> Books().find("order")
    []
    """

    def __init__(self, base: Reader | None = None) -> None:
        """Empty books, or an empty sheet over a base."""
        self._base = base
        self._version = 0
        self._revision = base.catalogue_revision() if base else 0
        self._catalogue: dict[tuple[str, str], CatalogueValue] = {}
        self._papers: dict[str, Paper] = {}
        self._numbers: dict[str, list[str]] = {}
        self._positions: dict[str, dict[str, int]] = {}
        self._open: dict[str, dict[str, dict[str, None]]] = {kind: {} for kind in KINDS.values()}
        self._of_customers: dict[str, dict[str, None]] = {}
        """The numbers of their open orders."""
        self._closed: set[str] = set()
        self._stamps: dict[str, int] = {}
        self._lots: dict[LotKey, Lot] = {}
        self._found = LotIndex()
        self._shelves = Shelves(keep=base is not None)
        self._links: dict[str, dict[AllocationKey, Allocation | None]] = {}
        self._claims: dict[SupplyKey, dict[AllocationKey, Allocation | None]] = {}
        self._lot_claims = base is not None
        self._bookings: dict[str, dict[tuple[str, str], Booking | None]] = {}
        self._booked: dict[str, dict[tuple[str, str], Booking | None]] = {}
        self._journal = Journal()
        self._results: dict[str, Stored] = {}
        self._anew: set[tuple[Any, Any]] = set()

    def copy(self) -> Books:
        """Independent books with the same rows; rows themselves are immutable and shared.

        >>> Books().copy().find("order")
        []
        """
        twin = Books.__new__(Books)
        twin.__dict__.update((name, table if name == "_base" else _copied(table)) for name, table in vars(self).items())
        return twin

    # reading ----------------------------------------------------------------------------------------------------------

    def revision(self) -> int | None:
        """See `Reader`."""
        return None if self._base is not None else self._version

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
        own, stamps = self._papers, self._stamps
        if self._base is None:
            found = {}
            for number in numbers:
                if number in own:
                    found[number] = _new(Filed, (own[number], stamps[number]))
            return found
        wanted = [*numbers]
        theirs = self._base.papers(wanted)
        latest = {number: Filed(own.get(number, row.paper), stamps.get(number, row.stamp)) for number, row in theirs.items()}
        return {
            number: latest[number] if number in latest else Filed(own[number], stamps[number])
            for number in wanted
            if number in latest or number in own
        }

    def find(self, kind: str, *, after: str = "", limit: int = 100, **criteria: Any) -> Sequence[Paper]:
        """See `Reader`."""
        rows = (paper for paper in self._filed(kind, after) if all(getattr(paper, name) == value for name, value in criteria.items()))
        return [paper for paper, _ in zip(rows, range(limit), strict=False)]

    def _filed(self, kind: str, after: str) -> Iterator[Paper]:
        numbers = self._numbers.get(kind, [])
        positions = self._positions.setdefault(kind, {})
        positions.update(zip(numbers[len(positions) :], range(len(positions), len(numbers)), strict=True))
        if self._base is not None and after not in positions:
            while page := self._base.find(kind, after=after):
                yield from (self._papers.get(paper.number, paper) for paper in page)
                after = page[-1].number
            after = ""
        start = positions.get(after, -1) + 1
        yield from (self._papers[number] for number in numbers[start:])

    def open_papers(self, kind: str, items: Iterable[str]) -> Mapping[str, Sequence[Filed]]:
        """See `Reader`."""
        found: dict[str, Sequence[Filed]] = {}
        by_item = self._open[kind]
        if not by_item and self._base is None:
            return found
        wanted = [*items]
        if self._base is not None:
            for item, rows in self._base.open_papers(kind, wanted).items():
                mine = by_item.get(item, ())
                latest = (self._latest(row) for row in rows if row.paper.number not in self._closed and row.paper.number not in mine)
                left = [row for row in latest if item in row.paper.items]
                if left:
                    found[item] = left
        for item in wanted if by_item else ():
            numbers = by_item.get(item)
            if numbers:
                own = [Filed(self._papers[number], self._stamps[number]) for number in numbers]
                found[item] = [*found.get(item, ()), *own]
        return found

    def open_orders(self, customer: str) -> Sequence[CustomerOrder]:
        """See `Reader`."""
        own = self._of_customers.get(customer, {})
        found = [cast(CustomerOrder, self._papers[number]) for number in own]
        if self._base is not None:
            gone = self._closed | own.keys()
            theirs = [row.number for row in self._base.open_orders(customer) if row.number not in gone]
            latest = [cast(CustomerOrder, row.paper) for row in self.papers(theirs).values()]
            found += [order for order in latest if order.customer == customer]
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
        own = self._lots
        if self._base is None:
            found = {}
            for key in keys:
                if key in own:
                    found[key] = own[key]
            return found
        wanted = [*keys]
        theirs = self._base.lots(wanted)
        return {key: own[key] if key in own else theirs[key] for key in wanted if key in own or key in theirs}

    def has_lots(self, item: str) -> bool:
        """See `Reader`."""
        return any(key[0] == item for key in self._lots) or (self._base is not None and self._base.has_lots(item))

    def lots_of(self, item: str, order: str) -> Iterator[Stocked]:
        """See `Reader`."""
        own = self._shelves
        if self._base is None:
            return own.in_order(item, order)
        mine = sorted(own.free(item), key=ORDERS[order])
        theirs = (row for row in self._base.lots_of(item, order) if not own.has(row))
        return heapq.merge(mine, theirs, key=ORDERS[order])

    def stocked(self, items: Iterable[str]) -> Mapping[str, Sequence[Stocked]]:
        """See `Reader`."""
        wanted, own = [*items], self._shelves
        theirs = self._base.stocked(wanted) if self._base is not None else _EMPTY
        return {
            item: sorted([*(row for row in theirs.get(item, ()) if not own.has(row)), *own.of(item)], key=_spot) for item in wanted
        }

    def standing(self, lots: Iterable[LotKey]) -> Mapping[LotKey, Sequence[Stocked]]:
        """See `Reader`."""
        wanted, own = [*lots], self._shelves
        theirs = self._base.standing(wanted) if self._base is not None else _EMPTY
        return {
            key: sorted([*(row for row in theirs.get(key, ()) if not own.has(row)), *own.of_lot(*key)], key=_spot) for key in wanted
        }

    def at_place(self, place: str) -> Sequence[Stocked]:
        """See `Reader`."""
        own = self._shelves
        if self._base is None:
            return own.at(place)
        return sorted([*(row for row in self._base.at_place(place) if not own.has(row)), *own.at(place)], key=_spot)

    def links(self, papers: Iterable[str]) -> Mapping[str, Sequence[Allocation]]:
        """See `Reader`."""
        own = self._links
        if self._base is None:
            found: dict[str, Sequence[Allocation]] = {}
            for paper in papers:
                found[paper] = [*own.get(paper, _EMPTY).values()]
            return found
        wanted = [*papers]
        return self._merged(wanted, own, self._base.links(wanted))

    def claims(self, supplies: Iterable[SupplyKey]) -> Mapping[SupplyKey, Sequence[Allocation]]:
        """See `Reader`. Claims on lots are indexed from the first time that somebody asks: most shops never do."""
        own: Mapping[SupplyKey, Mapping[Any, Any]] = self._claims
        if self._base is None:
            found: dict[SupplyKey, Sequence[Allocation]] = {}
            for supply in supplies:
                if supply[0] == LOT and not self._lot_claims:
                    self._claim_lots()
                found[supply] = sorted(own[supply].values()) if supply in own else []
            return found
        wanted = [*supplies]
        merged = self._merged(wanted, own, self._base.claims(wanted))
        return {supply: sorted(rows) for supply, rows in merged.items()}

    def _claim_lots(self) -> None:
        self._lot_claims = True
        for rows in self._links.values():
            for key, link in rows.items():
                if key[2] == LOT:
                    self._put(self._claims, key[2:5], key, link)

    def bookings(self, work_centers: Iterable[str], since: int) -> Mapping[str, Sequence[Booking]]:
        """See `Reader`."""
        wanted = [*work_centers]
        theirs = self._base.bookings(wanted, since) if self._base is not None else _EMPTY
        merged = self._merged(wanted, self._booked, theirs, _booking_key)
        return {center: sorted((row for row in rows if row.end > since), key=lambda row: row[1:]) for center, rows in merged.items()}

    def booked_for(self, papers: Iterable[str]) -> Mapping[str, Sequence[Booking]]:
        """See `Reader`."""
        if self._base is None:
            found: dict[str, Sequence[Booking]] = {}
            for paper in papers:
                found[paper] = [*self._bookings.get(paper, _EMPTY).values()]
            return found
        wanted = [*papers]
        return self._merged(wanted, self._bookings, self._base.booked_for(wanted), _booking_key)

    def postings(
        self, *, lots: Collection[LotKey] = (), papers: Collection[str] = (), since: datetime | None = None
    ) -> Sequence[Posting]:
        """See `Reader`."""
        own = self._journal.about(lots, papers)
        if since is not None:
            own = [posting for posting in own if posting.happened_at >= since]
        return [*self._base.postings(lots=lots, papers=papers, since=since), *own] if self._base is not None else own

    def sought(self, lots: Sought) -> Iterator[Lot]:
        """See `Reader`."""
        own = self._lots
        if self._base is not None:
            yield from (lot for lot in self._base.sought(lots) if (lot.item, lot.code) not in own)
            yield from filter(lots.meets, own.values())
        else:
            yield from self._found.among(own, lots)

    def moved(self, since: datetime | None, until: datetime | None, *, together: bool = False) -> Iterator[Posting]:
        """See `Reader`."""
        return moved_in(lambda: self.rows("postings"), since, until, together=together)

    def uses(self, *, lots: Collection[LotKey] = (), runs: Collection[str] = ()) -> Iterable[Use]:
        """See `Reader`."""
        own = uses_of(self._journal.about(lots, runs), lots, runs)
        return itertools.chain(self._base.uses(lots=lots, runs=runs), own) if self._base is not None else own

    def genealogy(self) -> Index | None:
        """See `Reader`. Built when somebody asks for the first time, then kept up; a sheet over a base has none of its own."""
        return self._journal.links() if self._base is None else None

    def diary(self, documents: Iterable[str]) -> Mapping[str, Sequence[Entry]]:
        """See `Reader`."""
        if self._base is None:
            return self._journal.pages(documents)
        wanted = [*documents]
        theirs, own = self._base.diary(wanted), self._journal.pages(wanted)
        return {document: [*theirs[document], *own[document]] for document in wanted}

    def decided(self, since: datetime | None, until: datetime | None) -> Iterator[Entry]:
        """See `Reader`."""
        return about_lots(self.rows("diary"), since, until)

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
        own = self._shelves
        yield from (row for row in theirs if not own.has(row))
        yield from own.rows()

    def _all_allocations(self, theirs: Iterable[Any]) -> Iterator[Any]:
        yield from (row for row in theirs if row[:6] not in self._links.get(row.demand, _EMPTY))
        yield from (row for rows in self._links.values() for row in rows.values() if row is not None)

    def _all_bookings(self, theirs: Iterable[Any]) -> Iterator[Any]:
        yield from (row for row in theirs if (row.paper, row.operation) not in self._bookings.get(row.paper, _EMPTY))
        yield from (row for rows in self._bookings.values() for row in rows.values() if row is not None)

    def _all_postings(self, theirs: Iterable[Any]) -> Iterator[Any]:
        yield from theirs
        yield from self._journal.postings()

    def _all_diary(self, theirs: Iterable[Any]) -> Iterator[Any]:
        yield from theirs
        yield from self._journal.entries()

    def _all_results(self, theirs: Iterable[Any]) -> Iterator[Any]:
        yield from theirs
        yield from self._results.items()

    def redact(self, rewrite: Callable[[Any], Any]) -> None:
        """Replace the result of every key by what the function makes of it."""
        self._results = {key: row._replace(result=rewrite(row.result)) for key, row in self._results.items()}

    def _merged(
        self, wanted: Sequence[Any], own: Mapping[Any, Mapping[Any, Any]], theirs: Mapping[Any, Sequence[Any]], key: Any = _link_key
    ) -> dict[Any, Any]:
        if self._base is None:
            return {index: [*own.get(index, _EMPTY).values()] for index in wanted}
        return {index: self._laid(index, theirs[index], own.get(index, _EMPTY), key) for index in wanted}

    def _laid(self, index: Any, theirs: Sequence[Any], mine: Mapping[Any, Any], key: Any) -> Sequence[Any]:
        """The base's rows with the own ones laid over: a changed row keeps its place, one that went and came back is new."""
        if not mine:
            return theirs
        before = {key(row): row for row in theirs}
        anew = {name for name in mine if (index, name) in self._anew}
        rows = [mine.get(name, row) for name, row in before.items() if name not in anew]
        rows += [row for name, row in mine.items() if name not in before or name in anew]
        return [row for row in rows if row is not None]

    # changing ---------------------------------------------------------------------------------------------------------

    def apply(self, changes: Changes) -> None:
        """Check every guard, then write everything.

        Raises:
            Conflict: (`conflict`) a guard failed; nothing was written.
        """
        self._check(changes)
        settled = self._settled(changes.balances) if changes.balances else None
        self._version += 1
        stamps = self._stamps
        for name, stamp in changes.stamps.items():
            stamps[name] = stamp + 1
        for paper in changes.papers.values():
            self._file(paper)
        if changes.closed:
            self._close(changes.closed)
        if changes.opened:
            self._open_again(changes.opened)
        if changes.lots or settled is not None:
            self._put_stock(changes.lots, settled)
        if changes.allocations:
            self._put_links(changes.allocations)
        if changes.bookings:
            for key, booking in changes.bookings.items():
                self._put_booking(key, booking)
        self._journal.write(changes.postings, changes.diary)
        if changes.catalogue:
            self._catalogue |= changes.catalogue
            self._revision += 1
        if changes.key is not None and changes.stored is not None:
            self._results[changes.key] = changes.stored

    def _check(self, changes: Changes) -> None:
        """Every guard but the balances."""
        stamps, lots = self._stamps, self._lots
        for name, stamp in changes.stamps.items():
            if stamps.get(name, 0) != stamp and self._stamp(name) != stamp:
                raise Conflict(name)
        for key, revision in changes.lot_guards.items():
            lot = lots.get(key) or self._lot(key)
            if lot.revision != revision if lot else revision:
                raise Conflict(f"lot {key[1]} of {key[0]}")
        if changes.key is not None and self.result(changes.key) is not None:
            raise Conflict(f"key {changes.key}")

    def _settled(self, differences: Mapping[BalanceKey, tuple[int, int]]) -> Settled:
        """The balances as they will be; a sheet takes up the rows of its base before."""
        own = self._shelves
        unknown = dict.fromkeys([key[:2] for key in differences if own.get(key) is None]) if self._base is not None else None
        if unknown and self._base is not None:
            for rows in self._base.standing(unknown).values():
                for row in rows:
                    if _spot(row) in differences and not own.has(row):
                        own.put(*row)
        return own.settled(differences)

    def _lot(self, key: LotKey) -> Lot | None:
        return None if self._base is None else self._base.lots((key,)).get(key)

    def _file(self, paper: Paper) -> None:
        number = paper.number
        before = self._papers.get(number)
        self._papers[number] = paper
        if before is None and (self._base is None or not self._base.papers((number,))):
            kind = KINDS[type(paper)]
            self._numbers.setdefault(kind, []).append(number)
            if kind != "shipment":
                open_ = self._open[kind]
                for item in paper.items:
                    open_.setdefault(item, {})[number] = None
            if isinstance(paper, CustomerOrder):
                self._of_customers.setdefault(paper.customer, {})[number] = None
            return
        if before is None and self._base is not None:
            before = self._base.papers((number,))[number].paper
        if before is not None and before.items != paper.items:
            self._reopen(KINDS[type(paper)], before, paper)
        if isinstance(paper, CustomerOrder) and isinstance(before, CustomerOrder) and before.customer != paper.customer:
            self._rename(before, paper)

    def _reopen(self, kind: str, before: Paper, paper: Paper) -> None:
        """A paper that names other items now is found under those, if it is still open."""
        number, by_item = paper.number, self._open[kind]
        is_open = any(number in by_item.get(item, ()) for item in before.items)
        if not is_open and self._base is not None and number not in self._closed:
            theirs = self._base.open_papers(kind, before.items)
            is_open = any(row.paper.number == number for rows in theirs.values() for row in rows)
        if is_open:
            self._take_out(before)
            for item in paper.items:
                by_item.setdefault(item, {})[number] = None

    def _rename(self, before: CustomerOrder, order: CustomerOrder) -> None:
        """An order that is of another customer now, because the name was erased, is found under that, if it is still open."""
        number, theirs = order.number, () if self._base is None else self._base.open_orders(before.customer)
        of_base = number not in self._closed and any(row.number == number for row in theirs)
        if self._not_of(before) or of_base:
            self._of_customers.setdefault(order.customer, {})[number] = None

    def _not_of(self, order: CustomerOrder) -> bool:
        """Whether it was open; from now on it is no more."""
        rows = self._of_customers.get(order.customer, {})
        was = order.number in rows
        rows.pop(order.number, None)
        if was and not rows:
            del self._of_customers[order.customer]
        return was

    def _close(self, numbers: Iterable[str]) -> None:
        for number in numbers:
            paper = self._papers.get(number)
            if self._base is not None:
                self._closed.add(number)
            if paper is not None:
                self._take_out(paper)
                if isinstance(paper, CustomerOrder):
                    self._not_of(paper)

    def _open_again(self, numbers: Iterable[str]) -> None:
        for number in numbers:
            paper = self._papers.get(number)
            if paper is None and self._base is not None:
                paper = self._papers[number] = self._base.papers((number,))[number].paper
            if paper is not None:
                self._closed.discard(number)
                for item in paper.items:
                    self._open[KINDS[type(paper)]].setdefault(item, {})[number] = None
                if isinstance(paper, CustomerOrder):
                    self._of_customers.setdefault(paper.customer, {})[number] = None

    def _take_out(self, paper: Paper) -> None:
        by_item = self._open[KINDS[type(paper)]]
        for item in paper.items:
            rows = by_item.get(item, {})
            rows.pop(paper.number, None)
            if not rows:
                by_item.pop(item, None)

    def _change_lot(self, key: LotKey, before: Lot | None) -> None:
        """Its rows show the lot as it is now; also those of the base, where this sheet has not changed it before."""
        lot = self._lots[key]
        self._shelves.change_lot(lot)
        if before is not None:
            self._found.changed(before, lot)
        elif self._base is not None:
            for row in self._base.standing([key])[key]:
                if not self._shelves.has(row):
                    self._shelves.put(lot, row.place, row.on_hand, row.allocated)

    def _put_stock(self, lots: Mapping[LotKey, Lot], settled: Settled | None) -> None:
        before = {key: self._lots.get(key) for key in lots} if lots else _EMPTY
        self._lots.update(lots)
        if settled is not None:
            self._shelves.settle(settled, self._lots if self._base is None else self.lots([row[0][:2] for row in settled[1]]))
        for key, lot in before.items():
            if lot is not None or self._base is not None:
                self._change_lot(key, lot)

    def _put_links(self, links: Mapping[AllocationKey, Allocation | None]) -> None:
        table, plain, claimed = self._links, self._base is None, self._lot_claims
        demand, rows = "", None
        for key, link in links.items():
            if key[0] != demand:  # those of one need stand together
                demand = key[0]
                rows = table.get(demand)
            if not plain or rows is None:
                self._put(table, demand, key, link)
                rows = table.get(demand)
            elif link is not None:
                rows[key] = link
            else:
                rows.pop(key, None)
                if not rows:
                    del table[demand]
                    rows = None
            if claimed or key[2] != LOT:
                self._put(self._claims, key[2:5], key, link)

    def _put(self, table: dict[Any, dict[Any, Any]], index: Any, key: Any, row: Any) -> None:
        rows = table.get(index)
        if rows is None:
            rows = table[index] = {}
        if self._base is not None:
            if key in rows and rows[key] is None:
                del rows[key]
                self._anew.add((index, key))
            rows[key] = row
        elif row is not None:
            rows[key] = row
        else:
            rows.pop(key, None)
            if not rows:
                del table[index]

    def _put_booking(self, key: tuple[str, str], booking: Booking | None) -> None:
        before = next((row for row in self.booked_for(key[:1])[key[0]] if row.operation == key[1]), None)
        self._put(self._bookings, key[0], key, booking)
        if before is not None and (booking is None or booking.work_center != before.work_center):
            self._put(self._booked, before.work_center, key, None)
        if booking is not None:
            self._put(self._booked, booking.work_center, key, booking)


def _copied(table: Any) -> Any:
    """Containers to any depth; rows stay the same. In one go: a fork in another thread may be building an index in them."""
    if isinstance(table, dict):
        nested = any(isinstance(row, dict | list) for row in itertools.islice(table.values(), 1))
        return {key: _copied(row) for key, row in [*table.items()]} if nested else table.copy()
    return table.copy() if isinstance(table, list | set | Shelves | Journal | LotIndex) else table


def _catalogue_key(value: CatalogueValue) -> tuple[str, str]:
    return KINDS[type(value)], value.code

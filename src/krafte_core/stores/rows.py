"""For those who write a store over tables: the parts of the port that are the same for all of them.

A `RowReader` asks the tables a handful of questions that give flat rows, and puts the rows under the keys that the library asked for.
`checked` checks every guard of a change within the store's write transaction. `examples/sqlite_store.py` shows the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from krafte_core.allocation import Allocation
from krafte_core.coverage import Booking
from krafte_core.diary import Entry, about_lots
from krafte_core.errors import Conflict
from krafte_core.ledger import Index, Use, moved_in, uses_of
from krafte_core.orders import CustomerOrder
from krafte_core.stock import Lot, Posting, Sought, Stocked
from krafte_core.store import BalanceKey, CatalogueValue, Changes, Filed, LotKey, Paper, Reader, Stored, SupplyKey

Order = Callable[[Any], tuple[Any, ...]]
Name = str | LotKey
"""What a posting is found by: the number of a paper, or a lot."""


class RowReader:
    """A `Reader` over tables; a store fills in `ask` and the six methods that have no keys.

    The questions of `ask`, with the keys that they come with and the rows that they want. Links, postings, the diary and a paper's
    bookings come in the order of writing; the order of the others does not matter: it is made here, as Python orders texts.

    - `papers` by number: `Filed`; `open` by (kind, item): `Filed`, each paper once; `stamps` by name: (name, stamp)
    - `lots` by (item, code): `Lot`
    - `stocked` by item, `standing` by (item, code), `at_place` by place: `Stocked`
    - `links` by the demand's number, `claims` by (source, item, ref): `Allocation`
    - `bookings` by work center (those that end after `since`), `booked_for` by the paper's number: `Booking`
    - `postings` by `Name` (`names_of`): `Posting`, each once
    - `diary` by document: `Entry`
    """

    def ask(self, question: str, keys: Sequence[Any], *, since: int = 0) -> Iterable[Any]:
        """The rows of a question for any of these keys; there is at least one key, and each is there once."""
        raise NotImplementedError

    def revision(self) -> int | None:
        """See `Reader`; a store that has such a counter at hand may give it."""
        return None

    def catalogue_revision(self) -> int:
        """See `Reader`."""
        raise NotImplementedError

    def find(self, kind: str, *, after: str = "", limit: int = 100, **criteria: Any) -> Sequence[Paper]:
        """See `Reader`; `matches` compares the criteria."""
        raise NotImplementedError

    def has_lots(self, item: str) -> bool:
        """See `Reader`."""
        raise NotImplementedError

    def lots_of(self, item: str, order: str) -> Iterator[Stocked]:
        """See `Reader`."""
        raise NotImplementedError

    def result(self, key: str) -> Stored | None:
        """See `Reader`."""
        raise NotImplementedError

    def rows(self, table: str) -> Iterator[Any]:
        """See `Reader`."""
        raise NotImplementedError

    # what follows from them -------------------------------------------------------------------------------------------

    def catalogue(self) -> Collection[CatalogueValue]:
        """See `Reader`."""
        return [*self.rows("catalogue")]

    def papers(self, numbers: Iterable[str]) -> Mapping[str, Filed]:
        """See `Reader`."""
        return self._one("papers", numbers, lambda row: str(row.paper.number))

    def open_papers(self, kind: str, items: Iterable[str]) -> Mapping[str, Sequence[Filed]]:
        """See `Reader`."""
        wanted = [*dict.fromkeys(items)]
        rows = [*self.ask("open", [(kind, item) for item in wanted])] if wanted else []
        found = {item: [row for row in rows if item in row.paper.items] for item in wanted}
        return {item: papers for item, papers in found.items() if papers}

    def open_orders(self, customer: str) -> Sequence[CustomerOrder]:
        """See `Reader`; page by page of all orders of the customer, where a store has no shorter way."""
        found: list[CustomerOrder] = []
        after = ""
        while page := self.find("order", after=after, customer=customer):
            orders = {one.number: one for one in page if isinstance(one, CustomerOrder)}
            items = dict.fromkeys(item for order in orders.values() for item in order.items)
            still = {row.paper.number for rows in self.open_papers("order", items).values() for row in rows}
            found += [order for number, order in orders.items() if number in still]
            after = page[-1].number
        return found

    def stamps(self, names: Iterable[str]) -> Mapping[str, int]:
        """See `Reader`."""
        wanted = dict.fromkeys(names, 0)
        return wanted | dict(self.ask("stamps", [*wanted])) if wanted else wanted

    def lots(self, keys: Iterable[LotKey]) -> Mapping[LotKey, Lot]:
        """See `Reader`."""
        return self._one("lots", keys, lambda row: (row.item, row.code))

    def stocked(self, items: Iterable[str]) -> Mapping[str, Sequence[Stocked]]:
        """See `Reader`."""
        return self._many("stocked", items, lambda row: row.lot.item, order=_spot)

    def standing(self, lots: Iterable[LotKey]) -> Mapping[LotKey, Sequence[Stocked]]:
        """See `Reader`."""
        return self._many("standing", lots, lambda row: (row.lot.item, row.lot.code), order=_spot)

    def at_place(self, place: str) -> Sequence[Stocked]:
        """See `Reader`."""
        return sorted(self.ask("at_place", [place]), key=_spot)

    def links(self, papers: Iterable[str]) -> Mapping[str, Sequence[Allocation]]:
        """See `Reader`."""
        return self._many("links", papers, lambda row: row.demand)

    def claims(self, supplies: Iterable[SupplyKey]) -> Mapping[SupplyKey, Sequence[Allocation]]:
        """See `Reader`."""
        return self._many("claims", supplies, lambda row: row.supply, order=_plain)

    def bookings(self, work_centers: Iterable[str], since: int) -> Mapping[str, Sequence[Booking]]:
        """See `Reader`."""
        return self._many("bookings", work_centers, lambda row: row.work_center, since=since, order=_plain)

    def booked_for(self, papers: Iterable[str]) -> Mapping[str, Sequence[Booking]]:
        """See `Reader`."""
        return self._many("booked_for", papers, lambda row: row.paper)

    def postings(
        self, *, lots: Collection[LotKey] = (), papers: Collection[str] = (), since: datetime | None = None
    ) -> Sequence[Posting]:
        """See `Reader`; a store with an index of times may ask for less."""
        names = [*dict.fromkeys([*lots, *papers])]
        found = self.ask("postings", names) if names else ()
        return [posting for posting in found if since is None or posting.happened_at >= since]

    def sought(self, lots: Sought) -> Iterator[Lot]:
        """See `Reader`; a store with indexes for these questions may ask for less."""
        return filter(lots.meets, self.rows("lots"))

    def moved(self, since: datetime | None, until: datetime | None, *, together: bool = False) -> Iterator[Posting]:
        """See `Reader`; the same."""
        return moved_in(lambda: self.rows("postings"), since, until, together=together)

    def uses(self, *, lots: Collection[LotKey] = (), runs: Collection[str] = ()) -> Iterable[Use]:
        """See `Reader`; a store with a table of moves answers this from it, over integer ids."""
        return uses_of(self.postings(lots=lots, papers=runs), lots, runs)

    def genealogy(self) -> Index | None:
        """See `Reader`; a store that keeps the genealogy in memory may give it."""
        return None

    def diary(self, documents: Iterable[str]) -> Mapping[str, Sequence[Entry]]:
        """See `Reader`."""
        return self._many("diary", documents, lambda row: row.document)

    def decided(self, since: datetime | None, until: datetime | None) -> Iterator[Entry]:
        """See `Reader`; a store with an index of documents may ask for less."""
        return about_lots(self.rows("diary"), since, until)

    def _one(self, question: str, keys: Iterable[Any], key_of: Callable[[Any], Any]) -> dict[Any, Any]:
        wanted = [*dict.fromkeys(keys)]
        found = {key_of(row): row for row in self.ask(question, wanted)} if wanted else {}
        return {key: found[key] for key in wanted if key in found}

    def _many(
        self, question: str, keys: Iterable[Any], key_of: Callable[[Any], Any], *, since: int = 0, order: Order | None = None
    ) -> dict[Any, list[Any]]:
        found: dict[Any, list[Any]] = {key: [] for key in keys}
        for row in self.ask(question, [*found], since=since) if found else ():
            found[key_of(row)].append(row)
        if order is not None:
            for rows in found.values():
                rows.sort(key=order)
        return found


def _spot(row: Stocked) -> tuple[str, str, str]:
    return row.lot.item, row.lot.code, row.place


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return row


def matches(paper: Paper, criteria: Mapping[str, Any]) -> bool:
    """Whether the fields of a paper are equal to the criteria of `Reader.find`.

    >>> from krafte_core.testing.samples import paper
    >>> matches(paper("PO-1"), {"supplier": "Frantoio"})
    True
    """
    return all(getattr(paper, name) == value for name, value in criteria.items())


def names_of(posting: Posting) -> frozenset[Name]:
    """What a posting is found by: its paper, the papers whose needs its moves serve, and the lots that they move.

    >>> from datetime import datetime
    >>> from krafte_core.stock import Move
    >>> day, move = datetime(2026, 1, 1), Move("soap", "S-1", 5, "stock", "customer", "CO-1/1")
    >>> sorted(map(str, names_of(Posting("ship", "SH-1", day, day, (move,)))))
    ["('soap', 'S-1')", 'CO-1', 'SH-1']
    """
    papers = {posting.paper, *(move.line.partition("/")[0] for move in posting.moves)} - {""}
    return frozenset(papers | {(move.item, move.lot) for move in posting.moves})


def checked(reader: Reader, changes: Changes) -> Mapping[BalanceKey, tuple[int, int]]:
    """Check every guard of a change against the books as they are, and say what the balances will be: on hand, allocated.

    For a store with one writer at a time: the reader must see what nobody else can change before the commit.

    Raises:
        Conflict: (`conflict`) a guard failed.

    >>> from krafte_core.books import Books
    >>> checked(Books(), Changes(balances={("oil", "A", "stock"): (5, 2)}))
    {('oil', 'A', 'stock'): (5, 2)}
    """
    stamps = reader.stamps(changes.stamps)
    for name, stamp in changes.stamps.items():
        if stamps[name] != stamp:
            raise Conflict(name)
    lots = reader.lots(changes.lot_guards)
    for key, revision in changes.lot_guards.items():
        if (lots[key].revision if key in lots else 0) != revision:
            raise Conflict(f"lot {key[1]} of {key[0]}")
    if changes.key is not None and reader.result(changes.key) is not None:
        raise Conflict(f"key {changes.key}")
    standing = reader.standing(dict.fromkeys(key[:2] for key in changes.balances))
    rows = {(*key, row.place): (row.on_hand, row.allocated) for key, there in standing.items() for row in there}
    after = {}
    for where, (moved, promised) in changes.balances.items():
        on_hand, allocated = rows.get(where, (0, 0))
        after[where] = (on_hand + moved, allocated + promised)
        if not 0 <= after[where][1] <= after[where][0]:
            raise Conflict("stock of {} {} in {}".format(*where))
    return after

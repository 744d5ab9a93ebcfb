"""A reader that remembers: what was asked of a moment once is not asked again, and what is about to be wanted is read in one go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from krafte_core.coverage import Booking
from krafte_core.stock import Stocked
from krafte_core.store import Changes, Filed, Reader

NEW: Mapping[str, Any] = {"papers": None, "stamps": 0, "diary": (), "links": (), "booked_for": ()}
"""What is known of a paper that is only now being written; if there is one after all, storing the command finds out."""
KEYED = ("stamps", "lots", "stocked", "standing", "links", "claims", "booked_for", "diary")
"""Questions with one kind of key, whose answers have a row or the rows of each."""


class Remembered:
    """A `Reader` over one of a store, for as long as that sees its moment.

    >>> from krafte_core.books import Books
    >>> reader = Remembered(Books())
    >>> reader.links(["CO-1"]) == reader.links(["CO-1"]) == {"CO-1": []}
    True
    """

    def __init__(self, reader: Reader) -> None:
        """Nothing asked yet."""
        self._reader = reader
        self._known: dict[Any, dict[Any, Any]] = {}
        self._pages: dict[tuple[str, str], _Page] = {}

    def __getattr__(self, name: str) -> Any:
        """Questions that are not remembered go through."""
        if name not in KEYED:
            return getattr(self._reader, name)
        return lambda keys: self._answered(name, keys, getattr(self._reader, name))

    def open_papers(self, kind: str, items: Iterable[str]) -> Mapping[str, Any]:
        """See `Reader`."""
        return self._answered(("open", kind), items, lambda keys: self._reader.open_papers(kind, keys))

    def bookings(self, work_centers: Iterable[str], since: int) -> Mapping[str, Sequence[Booking]]:
        """See `Reader`."""
        return self._answered(("bookings", since), work_centers, lambda keys: self._reader.bookings(keys, since))

    def lots_of(self, item: str, order: str) -> Iterator[Stocked]:
        """See `Reader`; read on from where the last one stopped reading."""
        page = self._pages.get((item, order))
        if page is None:
            page = self._pages[item, order] = _Page(self._reader.lots_of(item, order))
        return iter(page)

    def papers(self, numbers: Iterable[str]) -> Mapping[str, Filed]:
        """See `Reader`; their stamps are known with them."""
        found = self._answered("papers", numbers, self._reader.papers)
        self._known.setdefault("stamps", {}).update((name, filed.stamp) for name, filed in found.items())
        return found

    def expect(self, numbers: Sequence[str]) -> None:
        """These papers are about to be asked for, with what they need and what became of them."""
        if numbers:
            self.papers(numbers)
            for question in ("diary", "links"):
                getattr(self, question)(numbers)

    def expect_changes(self, changes: Changes) -> None:
        """A sheet over this reader is about to compare these changes with it; what is new there need not be looked for."""
        for name in [name for name, stamp in changes.stamps.items() if not stamp]:
            for question, answer in NEW.items():
                self._known.setdefault(question, {}).setdefault(name, answer)
        for question, keys in (
            ("stamps", changes.stamps),
            ("lots", changes.lot_guards),
            ("standing", dict.fromkeys(key[:2] for key in changes.balances)),
        ):
            if keys:
                getattr(self, question)(keys)

    def _answered(self, question: Any, keys: Iterable[Any], ask: Any) -> dict[Any, Any]:
        known, wanted = self._known.setdefault(question, {}), [*dict.fromkeys(keys)]
        missing = [key for key in wanted if key not in known]
        if missing:
            found = ask(missing)
            known.update((key, found.get(key)) for key in missing)
        return {key: row for key in wanted if (row := known[key]) is not None}


class _Page:
    """Rows of an iterator, as far as anybody wanted them."""

    def __init__(self, rows: Iterator[Stocked]) -> None:
        self._rows = rows
        self._read: list[Stocked] = []

    def __iter__(self) -> Iterator[Stocked]:
        place = 0
        while True:
            if place == len(self._read):
                row = next(self._rows, None)
                if row is None:
                    return
                self._read.append(row)
            yield self._read[place]
            place += 1

"""The journal in memory: postings of the ledger and entries of the diary, in the order in which they were written.

Rows are kept as plain tuples of plain values, as few as may be: a posting is one, a document's page of the diary is one. The garbage
collector learns that they hold nothing to collect and leaves a large journal alone. Indexes catch up when somebody asks, because most
commands never do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from krafte_core.diary import Entry
from krafte_core.ledger import Links
from krafte_core.stock import PRODUCTION, Move, Posting
from krafte_core.store import LotKey

_WIDTH, _HEAD = len(Move._fields), 6  # a posting: kind, paper, both times, who and why; then its moves, field by field
_ENTRY = len(Entry._fields)  # a page: its entries, field by field
_MANY = 10_000  # so many new postings at once are worth laying the index side by side again
_new = tuple.__new__


class Journal:
    """Postings and diary entries, append-only.

    >>> journal = Journal()
    >>> [*journal.postings()], [*journal.entries()]
    ([], [])
    """

    def __init__(self) -> None:
        """Empty."""
        self._postings: list[tuple[Any, ...]] = []
        self._entries: list[str] = []
        """Of each entry the document."""
        self._pages: dict[str, tuple[Any, ...]] = {}
        self._by_lot: dict[LotKey, list[int]] = {}
        self._by_paper: dict[str, list[int]] = {}
        self._indexed = 0
        self._links = Links()
        self._linked = 0

    def copy(self) -> Journal:
        """An independent journal with the same rows."""
        twin = Journal()
        twin._postings, twin._entries, twin._pages = [*self._postings], [*self._entries], {**self._pages}
        return twin  # its indexes catch up by themselves

    def write(self, postings: Iterable[Posting], entries: Iterable[Entry]) -> None:
        """Append rows."""
        for kind, paper, happened_at, recorded_at, moves, by, reason in postings:
            self._postings.append((kind, paper, happened_at, recorded_at, by, reason, *chain.from_iterable(moves)))
        pages = self._pages
        for entry in entries:
            document, row = entry[0], entry[:]
            pages[document] = pages[document] + row if document in pages else row
            self._entries.append(document)

    def postings(self) -> Iterator[Posting]:
        """Every posting."""
        return map(_posting, self._postings)

    def entries(self) -> Iterator[Entry]:
        """Every entry of the diary."""
        read: dict[str, int] = {}
        for document in self._entries:
            start = read.get(document, 0)
            read[document] = end = start + _ENTRY
            yield _new(Entry, self._pages[document][start:end])

    def pages(self, documents: Iterable[str]) -> Mapping[str, Sequence[Entry]]:
        """Per document its entries."""
        pages = self._pages
        found: dict[str, list[Entry]] = {}
        for document in documents:
            page = pages.get(document, ())
            entries = found[document] = []
            for n in range(0, len(page), _ENTRY):
                entries.append(_new(Entry, page[n : n + _ENTRY]))  # noqa: PERF401 - every command asks: a frame less
        return found

    def about(self, lots: Collection[LotKey], papers: Collection[str]) -> Sequence[Posting]:
        """The postings that move any of these lots, are because of any of these papers, or serve a need of them."""
        self._index()
        places = {n for key in lots for n in self._by_lot.get(key, ())}
        places.update(n for number in papers for n in self._by_paper.get(number, ()))
        return [_posting(self._postings[n]) for n in sorted(places)]

    def links(self) -> Links:
        """Who used and made what, as integers."""
        links, old = self._links, self._linked
        for n in range(old, len(self._postings)):
            row = self._postings[n]
            if PRODUCTION in row[_HEAD:]:
                links.add(_posting(row))
        self._linked = len(self._postings)
        if self._linked - old > _MANY:
            links.pack()
        return links

    def _index(self) -> None:
        by_lot, by_paper = self._by_lot, self._by_paper
        for n in range(self._indexed, len(self._postings)):
            row = self._postings[n]
            for number in {row[1], *(line.partition("/")[0] for line in row[_HEAD + 5 :: _WIDTH])} - {""}:
                by_paper.setdefault(number, []).append(n)
            for key in {*zip(row[_HEAD::_WIDTH], row[_HEAD + 1 :: _WIDTH], strict=True)}:
                by_lot.setdefault(key, []).append(n)
        self._indexed = len(self._postings)


def _posting(row: tuple[Any, ...]) -> Posting:
    kind, paper, happened_at, recorded_at, by, reason = row[:_HEAD]
    moves = tuple([_new(Move, row[n : n + _WIDTH]) for n in range(_HEAD, len(row), _WIDTH)])
    return Posting(kind, paper, happened_at, recorded_at, moves, by, reason)

"""The ledger in memory: what a posting means for a lot, and indexes of postings for the trace.

A store reads postings in its own way; here stands what notebooks, tests and stores in memory need: `Ledger` finds postings by lot
and by paper, `Links` keeps only who used and made what, as integers, for scopes in very large ledgers.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from operator import itemgetter
from typing import NamedTuple, Protocol

from krafte_core.items import one_of
from krafte_core.stock import COUNT, CUSTOMER, FOUND, PRODUCTION, SAMPLE, SCRAP, SUPPLIER, Move, Posting

Key = tuple[str, str]
"""What names a lot: its item's code and its own."""
Read = Callable[[Collection[Key], Collection[str]], Iterable["Use"]]
"""All uses of any of these lots, and all of any of these runs, each once, in any order."""
Ahead = Callable[[Iterable[Key | str], str, "datetime | None"], Collection[Key | str]]
"""Of sources, a direction and a time: at least the lots and runs that a search finds as of then, in any order."""
Gross = Mapping[Key, tuple[int, int]]
"""Per lot the steps that went into a run, and those that came out of it."""
DIRECTIONS = ("back", "forward")
_FEW = 500
REVERSE = "reverse"
"""The kind of a posting that takes an earlier one back: it lessens that one instead of adding its opposite."""
_COMING = {
    SUPPLIER: ("received", 1), CUSTOMER: ("returned", 1), FOUND: ("found", 1),
    SCRAP: ("scrapped", -1), COUNT: ("count_loss", -1), SAMPLE: ("sampled", -1),
}  # fmt: skip
_GOING = {
    SUPPLIER: ("supplier_returned", 1), CUSTOMER: ("shipped", 1), FOUND: ("found", -1),
    SCRAP: ("scrapped", 1), COUNT: ("count_loss", 1), SAMPLE: ("sampled", 1),
}  # fmt: skip


class Index(Protocol):
    """The genealogy in whole numbers, wherever it is kept: in memory (`Links`), or in the tables of a database."""

    def scope(self, sources: Iterable[Key | str], direction: str) -> Collection[Key | str]:
        """The lots and runs that `trace.reach` finds, the known sources included, in any order."""

    def nets(self, runs: Iterable[str]) -> Mapping[str, Mapping[Key, int]]:
        """Per run its net steps of every lot: above zero what it used, below what it made; in the order of asking."""


class Entry(NamedTuple):
    """A move together with the posting that it belongs to."""

    posting: Posting
    move: Move


class Use(NamedTuple):
    """Steps of a lot that a run used (below zero: made or gave back), and when; the rows of a run and lot add up."""

    run: str
    item: str
    lot: str
    steps: int
    at: datetime


def uses(posting: Posting) -> Iterator[Use]:
    """What a posting says about runs: every move into or out of production.

    >>> day = datetime(2026, 1, 1)
    >>> [use.steps for use in uses(Posting("make", "B-1", day, day, (Move("soap", "S-1", 5, PRODUCTION, "stock"),)))]
    [-5]
    """
    for item, lot, steps, source, target, _ in posting.moves:
        if target == PRODUCTION:
            yield Use(posting.paper, item, lot, steps, posting.happened_at)
        elif source == PRODUCTION:
            yield Use(posting.paper, item, lot, -steps, posting.happened_at)


def moved_in(
    read: Callable[[], Iterable[Posting]], since: datetime | None, until: datetime | None, *, together: bool = False
) -> Iterator[Posting]:
    """The postings of papers that moved in a time (both ends included), whole papers; see `Reader.moved`.

    >>> day = datetime(2026, 1, 1)
    >>> rows = [Posting("receive", "PO-1", day, day, ()), Posting("receive", "", day, day, ())]
    >>> [posting.paper for posting in moved_in(lambda: rows, day, None)]
    ['PO-1', '']
    """

    def inside(row: Posting) -> bool:
        return (since is None or row.happened_at >= since) and (until is None or row.happened_at <= until)

    papers = {row.paper for row in read() if inside(row)} - {""}
    rows = (row for row in read() if row.paper in papers or (not row.paper and inside(row)))
    if not together:
        yield from rows
        return
    found: dict[str | int, list[Posting]] = {}
    for n, row in enumerate(rows):
        found.setdefault(row.paper or n, []).append(row)
    yield from chain.from_iterable(found.values())


def flows(posting: Posting, move: Move) -> Iterator[tuple[str, int]]:
    """What a move into or out of the house is called in a balance, and with which sign; nothing within the house.

    A reversal counts against what it takes back: a shipment taken back was never shipped, it is no customer's return.

    >>> from datetime import datetime
    >>> day = datetime(2026, 1, 1)
    >>> move = Move("soap", "S-1", 5, CUSTOMER, "stock")
    >>> [next(flows(Posting(kind, "SH-1", day, day, (move,)), move)) for kind in ("return", "reverse")]
    [('returned', 1), ('shipped', -1)]
    """
    undone = posting.kind == REVERSE
    coming, going = (_GOING, _COMING) if undone else (_COMING, _GOING)
    for place, names in ((move.source, coming), (move.target, going)):
        if place in names:
            name, sign = names[place]
            yield name, -sign if undone else sign


def spread(links: Sequence[Sequence[int]], starts: Iterable[int]) -> list[int]:
    """The numbers that can be reached from the starts, these included, nearest first: the search on bare integers.

    >>> spread([[1], [2], [0], []], [1])
    [1, 2, 0]
    """
    order = list(dict.fromkeys(starts))
    seen, append = set(order), order.append
    queue, few = iter(order), max(_FEW, len(links) >> 8)  # the list grows while it is read
    for node in queue:
        for other in links[node]:
            if other not in seen:
                seen.add(other)
                append(other)
        if len(order) > few:
            break
    else:
        return order
    marks = bytearray(len(links))  # a byte for every node costs more than a small set, and less than a large one
    for node in order:
        marks[node] = 1
    for node in queue:
        for other in links[node]:
            if not marks[other]:
                marks[other] = 1
                append(other)
    return order


class Links:
    """Lots and runs as integers, with a list of neighbours each way: a resident index for scopes in very large ledgers.

    Takes uses one by one; a link that nets to nothing disappears. Amounts are kept once, at the run, which every link touches.

    >>> links = Links()
    >>> links.link("B-1", ("oil", "O-1"), 8)
    >>> links.scope([("oil", "O-1")], "forward")
    [('oil', 'O-1'), 'B-1']
    >>> links.nets(["B-1"])
    {'B-1': {('oil', 'O-1'): 8}}
    """

    def __init__(self) -> None:
        self.names: list[Key | str] = []
        self.numbers: dict[Key | str, int] = {}
        self.onward: list[Sequence[int]] = []
        self.backward: list[Sequence[int]] = []
        self._flat: list[array[int] | None] = []  # per run: lot, net steps, lot, net steps, ...

    def add(self, posting: Posting) -> None:
        """Take up the uses and outputs of a posting."""
        for use in uses(posting):
            self.link(use.run, (use.item, use.lot), use.steps)

    def link(self, run: str, lot: Key, steps: int) -> None:
        """The run used so many steps of the lot (or made them, where they are negative)."""
        a, b = self._number(lot), self._number(run)
        flat = self._flat[b]
        if flat is None:
            flat = self._flat[b] = array("q")
        lots = flat[::2]
        at = 2 * lots.index(a) + 1 if a in lots else 0
        old = flat[at] if at else 0
        new = old + steps
        if at:
            flat[at] = new
        else:
            flat.extend((a, new))
        if (old > 0) != (new > 0):
            self._toggle(a, b, new > 0)
        if (old < 0) != (new < 0):
            self._toggle(b, a, new < 0)

    def _number(self, name: Key | str) -> int:
        number = self.numbers.get(name)
        if number is None:
            number = self.numbers[name] = len(self.names)
            self.names.append(name)
            self.onward.append(())
            self.backward.append(())
            self._flat.append(None)
        return number

    def _toggle(self, source: int, target: int, on: bool) -> None:
        for links, node, other in ((self.onward, source, target), (self.backward, target, source)):
            row = links[node]
            if not isinstance(row, list):  # laid side by side, or nothing yet
                row = links[node] = [*row]
            row.append(other) if on else row.remove(other)

    def pack(self) -> None:
        """Lay the integers side by side in memory, after a large ledger was taken up: searches get faster by half.

        Rows become tuples, which need less room than lists, and of which the garbage collector learns that they hold only integers.
        """
        same = list(range(len(self.names)))
        for links in (self.onward, self.backward):
            sizes = array("q", map(len, links))
            flat = array("q", chain.from_iterable(links))
            links.clear()  # so that the new rows find whole stretches of memory, not the holes between old ones
            at = 0
            for size in sizes:
                links.append(tuple([same[other] for other in flat[at : at + size]]))
                at += size
        self._flat = [None if flat is None else flat[:] for flat in self._flat]

    def scope(self, sources: Iterable[Key | str], direction: str) -> list[Key | str]:
        """The lots and runs that `reach` finds, the known sources included, nearest first.

        Raises:
            InvalidInput: (`invalid_input`) another direction.
        """
        found = self.found(sources, direction)
        return list(itemgetter(*found)(self.names)) if len(found) > 1 else [self.names[node] for node in found]

    def found(self, sources: Iterable[Key | str], direction: str) -> list[int]:
        """The same in numbers, places in `names`: the bare set.

        >>> Links().found([("oil", "O-1")], "back")
        []
        """
        links = self.onward if one_of(direction, DIRECTIONS, "direction") == "forward" else self.backward
        return spread(links, (self.numbers[source] for source in sources if source in self.numbers))

    def nets(self, runs: Iterable[str]) -> dict[str, dict[Key, int]]:
        """Per run its net steps of every lot: above zero what it used, below what it made; in the order of asking.

        >>> Links().nets(["B-1"])
        {'B-1': {}}
        """
        known, numbers, names = self._flat, self.numbers, self.names
        found: dict[str, dict[Key, int]] = {}
        for run in runs:
            flat = (known[numbers[run]] if run in numbers else None) or ()
            found[run] = {names[lot]: net for lot, net in zip(flat[::2], flat[1::2], strict=True) if net}  # type: ignore[misc]
        return found


class Uses:
    """Uses that were read already, found by lot and by run: `read` is what `trace.reach` asks for.

    >>> rows = Uses([Use("B-1", "oil", "O-1", 8, datetime(2026, 1, 1))])
    >>> rows.read([("oil", "O-1")], ["B-1"]) == rows.read([], ["B-1"])
    True
    """

    def __init__(self, rows: Iterable[Use]) -> None:
        self._by_lot: dict[Key, list[Use]] = {}
        self._by_run: dict[str, list[Use]] = {}
        for row in rows:
            self._by_lot.setdefault((row.item, row.lot), []).append(row)
            self._by_run.setdefault(row.run, []).append(row)

    def read(self, lots: Collection[Key], runs: Collection[str]) -> list[Use]:
        """All uses of these lots and runs, each once."""
        asked = frozenset(runs)
        rows = [row for run in asked for row in self._by_run.get(run, ())]
        return rows + [row for key in lots for row in self._by_lot.get(key, ()) if row.run not in asked]


class Ledger:
    """Postings in memory, found by lot and by paper: `uses` is what `reach` asks for. For notebooks and tests.

    >>> Ledger().uses([("oil", "O-1")], ["B-1"])
    []
    """

    def __init__(self, postings: Iterable[Posting] = ()) -> None:
        self.postings = tuple(postings)
        self._by_lot: dict[Key, dict[int, None]] = {}
        self._by_paper: dict[str, list[int]] = {}
        for place, posting in enumerate(self.postings):
            self._by_paper.setdefault(posting.paper, []).append(place)
            for move in posting.moves:
                self._by_lot.setdefault(move[:2], {})[place] = None

    def read(self, lots: Collection[Key], runs: Collection[str]) -> list[Posting]:
        """The postings that move any of the lots or belong to any of the runs, each once, in the ledger's order."""
        found = {place for key in lots for place in self._by_lot.get(key, ())}
        found.update(place for run in runs for place in self._by_paper.get(run, ()))
        return [self.postings[place] for place in sorted(found)]

    def uses(self, lots: Collection[Key], runs: Collection[str]) -> list[Use]:
        """What runs used and made of these lots, and all that these runs did."""
        return [*uses_of(self.read(lots, runs), lots, runs)]

    def links(self) -> Links:
        """The same ledger as integers."""
        made = Links()
        for posting in self.postings:
            made.add(posting)
        return made


def uses_of(postings: Iterable[Posting], lots: Collection[Key], runs: Collection[str]) -> Iterator[Use]:
    """The uses in these postings that are of one of the lots or in one of the runs.

    >>> [*uses_of((), [("oil", "O-1")], ["B-1"])]
    []
    """
    wanted, papers = frozenset(lots), frozenset(runs)
    for posting in postings:
        for use in uses(posting):
            if use.run in papers or (use.item, use.lot) in wanted:
                yield use

"""The ledger in memory: what a posting means for a lot, and indexes of postings for the trace.

A store reads postings in its own way; here stands what notebooks, tests and stores in memory need: `Ledger` finds postings by lot
and by paper, `Links` keeps only who used and made what, as integers, for scopes in very large ledgers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from krafte_core.items import one_of
from krafte_core.stock import COUNT, CUSTOMER, FOUND, PRODUCTION, SAMPLE, SCRAP, SUPPLIER, Move, Posting

Key = tuple[str, str]
"""What names a lot: its item's code and its own."""
Read = Callable[[Collection[Key], Collection[str]], Iterable[Posting]]
"""All postings that move any of these lots or whose paper is one of these runs, each once, in any order."""
DIRECTIONS = ("back", "forward")
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


class Entry(NamedTuple):
    """A move together with the posting that it belongs to."""

    posting: Posting
    move: Move


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
    fresh = [True] * len(links)
    order = list(dict.fromkeys(starts))
    for node in order:
        fresh[node] = False
    for node in order:  # grows while it is read
        for other in links[node]:
            if fresh[other]:
                fresh[other] = False
                order.append(other)
    return order


class Links:
    """Lots and runs as integers, with a list of neighbours each way: a resident index for scopes in very large ledgers.

    Takes postings one by one; a link that nets to nothing disappears.

    >>> links = Links()
    >>> links.link("B-1", ("oil", "O-1"), 8)
    >>> links.scope([("oil", "O-1")], "forward")
    [('oil', 'O-1'), 'B-1']
    """

    def __init__(self) -> None:
        self.names: list[Key | str] = []
        self.numbers: dict[Key | str, int] = {}
        self.onward: list[list[int]] = []
        self.backward: list[list[int]] = []
        self._net: dict[int, int] = {}

    def add(self, posting: Posting) -> None:
        """Take up the uses and outputs of a posting."""
        for item, lot, steps, source, target, _ in posting.moves:
            if target == PRODUCTION:
                self.link(posting.paper, (item, lot), steps)
            elif source == PRODUCTION:
                self.link(posting.paper, (item, lot), -steps)

    def link(self, run: str, lot: Key, steps: int) -> None:
        """The run used so many steps of the lot (or made them, where they are negative)."""
        a, b = self._number(lot), self._number(run)
        pair = a << 32 | b
        old = self._net.get(pair, 0)
        new = self._net[pair] = old + steps
        if (old > 0) != (new > 0):
            self._toggle(a, b, new > 0)
        if (old < 0) != (new < 0):
            self._toggle(b, a, new < 0)

    def _number(self, name: Key | str) -> int:
        number = self.numbers.get(name)
        if number is None:
            number = self.numbers[name] = len(self.names)
            self.names.append(name)
            self.onward.append([])
            self.backward.append([])
        return number

    def _toggle(self, source: int, target: int, on: bool) -> None:
        for links, node, other in ((self.onward, source, target), (self.backward, target, source)):
            links[node].append(other) if on else links[node].remove(other)

    def pack(self) -> None:
        """Lay the integers side by side in memory, after a large ledger was taken up: searches get faster by half."""
        side_by_side = list(range(len(self.names)))
        for links in (self.onward, self.backward):
            links[:] = [[side_by_side[other] for other in others] for others in links]

    def scope(self, sources: Iterable[Key | str], direction: str) -> list[Key | str]:
        """The lots and runs that `reach` finds, the known sources included, nearest first.

        Raises:
            InvalidInput: (`invalid_input`) another direction.
        """
        links = self.onward if one_of(direction, DIRECTIONS, "direction") == "forward" else self.backward
        found = spread(links, (self.numbers[source] for source in sources if source in self.numbers))
        return list(map(self.names.__getitem__, found))


class Ledger:
    """Postings in memory, found by lot and by paper: `read` is what `reach` asks for. For notebooks and tests.

    >>> Ledger().read([("oil", "O-1")], ["B-1"])
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

    def links(self) -> Links:
        """The same ledger as integers."""
        made = Links()
        for posting in self.postings:
            made.add(posting)
        return made

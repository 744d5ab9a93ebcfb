"""Trace: which lots went into a lot, what became of it, and whether everything that came in is still accounted for.

The ledger is read as a graph *lot -> run -> lot*. A run is a node of its own, because an input may be in every output. What a run
used and made is the net of its moves: what was given back or reversed does not count, and a lot that nets to nothing has no link.

One search answers every question. It goes level by level and asks its caller for the postings of a whole level at once, so the
ledger is never loaded; nodes that were seen are not visited again, so loops through rework end, and depth costs no recursion.

>>> from datetime import datetime
>>> from krafte_core.ledger import Ledger
>>> from krafte_core.stock import Move
>>> day = datetime(2026, 1, 1)
>>> into, out = Move("oil", "O-1", 8, "line:B-1", PRODUCTION), Move("soap", "S-1", 9, PRODUCTION, "stock")
>>> ledger = Ledger([Posting("complete", "B-1", day, day, (into, out))])
>>> reach(ledger.read, [("oil", "O-1")], "forward").lots
(('oil', 'O-1'), ('soap', 'S-1'))
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import attrs

from krafte_core.errors import Unknown
from krafte_core.items import Item, one_of
from krafte_core.ledger import DIRECTIONS, Entry, Key, Read, flows
from krafte_core.quantities import Quantity
from krafte_core.stock import CUSTOMER, PRODUCTION, Lot, Posting

if TYPE_CHECKING:
    import networkx as nx

    Graph = nx.DiGraph[tuple[str, ...]]

Node = tuple[str, ...]
"""A node of the graph: `("lot", item, code)`, `("run", number)`, `("shipment", number)` or `("receipt", paper)`."""
_T = TypeVar("_T")


class Edge(NamedTuple):
    """A link of the graph: so many steps of the lot at one of its ends went from `source` to `target`."""

    source: Node
    target: Node
    steps: int
    amount: Quantity


@attrs.frozen
class Reach:
    """What a search found: the bare answer in keys and steps, before anybody has looked up items or lots.

    `lots` and `runs` hold the sources, too, in the order of the search (the source first, each level sorted). `used` and `made`
    are net steps per link: of every run found, also the inputs and outputs beside the way. `moves` are all moves of each lot.

    >>> reach(lambda lots, runs: (), [("oil", "O-1")], "back").lots
    (('oil', 'O-1'),)
    """

    direction: str
    sources: tuple[Key | str, ...]
    lots: tuple[Key, ...]
    runs: tuple[str, ...]
    used: Mapping[tuple[Key, str], int]
    made: Mapping[tuple[str, Key], int]
    moves: Mapping[Key, Sequence[Entry]]

    @property
    def items(self) -> tuple[str, ...]:
        """The codes of all items that an answer about these lots and runs needs, for one batch read.

        >>> reach(lambda lots, runs: (), [("oil", "O-1")], "back").items
        ('oil',)
        """
        keys = {key for key, _ in self.used} | {key for _, key in self.made} | set(self.lots)
        return tuple(sorted({item for item, _ in keys}))

    @property
    def papers(self) -> tuple[str, ...]:
        """The shipments of these lots and the orders that they served, for one batch read of who the customers are.

        >>> reach(lambda lots, runs: (), [("oil", "O-1")], "back").papers
        ()
        """
        shipped = [entry for entries in self.moves.values() for entry in entries if CUSTOMER in entry.move[3:5]]
        orders = {order_of(entry.move.line) for entry in shipped}
        return tuple(sorted((orders | {entry.posting.paper for entry in shipped}) - {""}))


def order_of(line: str) -> str:
    """The order that a line belongs to.

    >>> order_of("CO-2026-11-001/1")
    'CO-2026-11-001'
    """
    return line.rpartition("/")[0] or line


def reach(read: Read, sources: Iterable[Key | str], direction: str) -> Reach:
    """Everything that lies before (`back`) or after (`forward`) the sources: one breadth-first search from all of them at once.

    Args:
        read: gives the postings of a level; called once per level, with the lots and runs that are new there.
        sources: lots as (item, code), runs by their number.
        direction: `back` or `forward`.

    Raises:
        InvalidInput: (`invalid_input`) another direction.

    Time is linear in the postings that `read` returns. A link is as large as the net of its run's moves (design, section 11).
    """
    forward = one_of(direction, DIRECTIONS, "direction") == "forward"
    start = tuple(dict.fromkeys(source if isinstance(source, str) else (source[0], source[1]) for source in sources))
    lots: dict[Key, list[Entry]] = {}
    runs: dict[str, None] = {}
    used: dict[tuple[Key, str], int] = {}
    made: dict[tuple[str, Key], int] = {}
    new_lots, new_runs = [s for s in start if not isinstance(s, str)], [s for s in start if isinstance(s, str)]
    while new_lots or new_runs:
        level: dict[Key, list[Entry]] = {key: [] for key in new_lots}
        lots |= level
        runs |= dict.fromkeys(new_runs)
        pairs = net(read(new_lots, new_runs), level, frozenset(new_runs))
        into = {(key, run): steps for (run, key), steps in pairs.items() if steps > 0}
        out = {pair: -steps for pair, steps in pairs.items() if steps < 0}
        used |= into
        made |= out
        to_runs, to_lots = (into, out) if forward else (((key, run) for run, key in out), ((run, key) for key, run in into))
        new_runs, new_lots = (
            sorted({run for key, run in to_runs if key in level and run not in runs}),
            sorted({key for run, key in to_lots if run in runs and key not in lots}),
        )
    return Reach(direction, start, tuple(lots), tuple(runs), used, made, lots)


def net(postings: Iterable[Posting], lots: Mapping[Key, list[Entry]], runs: Collection[str]) -> dict[tuple[str, Key], int]:
    """Steps into production less steps out of it, per run and lot; the moves of the lots are collected beside it.

    Complete for every pair of which the lot or the run was asked for, so no pair is ever added up from two reads.

    >>> net((), {}, ["B-1"])
    {}
    """
    pairs: dict[tuple[str, Key], int] = {}
    for posting in postings:
        paper = posting.paper
        whole = paper in runs
        for move in posting.moves:
            item, lot, steps, source, target, _ = move
            key = (item, lot)
            entries = lots.get(key)
            if entries is not None:
                entries.append(Entry(posting, move))
            elif not whole:
                continue
            if target == PRODUCTION:
                pairs[paper, key] = pairs.get((paper, key), 0) + steps
            elif source == PRODUCTION:
                pairs[paper, key] = pairs.get((paper, key), 0) - steps
    return pairs


def lot_node(key: Key) -> Node:
    """The lot as a node of the graph.

    >>> lot_node(("oil", "O-1"))
    ('lot', 'oil', 'O-1')
    """
    return ("lot", *key)


def known(kind: str, name: Any, among: Mapping[Any, _T]) -> _T:
    """The value of that name.

    Raises:
        Unknown: (`unknown`) there is none; a trace never leaves anything out in silence.

    >>> known("item", "oil", {"oil": 1})
    1
    """
    if name not in among:
        raise Unknown(kind, name if isinstance(name, str) else " ".join(name))
    return among[name]


def edges_of(found: Reach, items: Mapping[str, Item]) -> tuple[Edge, ...]:
    """The links between the lots and runs that were found, and from them to receipts and shipments; sorted, net, never zero.

    Raises:
        Unknown: (`unknown`) an item that `items` lacks.

    >>> edges_of(reach(lambda lots, runs: (), [("oil", "O-1")], "back"), {})
    ()
    """
    lots, runs = set(found.lots), set(found.runs)
    links: list[tuple[tuple[Node, Node], int]]
    links = [((lot_node(key), ("run", run)), steps) for (key, run), steps in found.used.items() if key in lots and run in runs]
    links += [((("run", run), lot_node(key)), steps) for (run, key), steps in found.made.items() if key in lots and run in runs]
    sums = dict(links)
    for key, entries in found.moves.items():
        for ends, steps in _ends(key, entries):
            sums[ends] = sums.get(ends, 0) + steps
    edges = []
    for (source, target), steps in sorted(sums.items()):
        if steps > 0:
            item = known("item", (source if source[0] == "lot" else target)[1], items)
            edges.append(Edge(source, target, steps, item.quantity(steps)))
    return tuple(edges)


def _ends(key: Key, entries: Iterable[Entry]) -> Iterator[tuple[tuple[Node, Node], int]]:
    """Where a trace begins and ends: receipts (one without paper has the lot's name) and shipments."""
    for posting, move in entries:
        for name, sign in flows(posting, move):
            if name == "received":
                yield (("receipt", posting.paper or " ".join(key)), lot_node(key)), sign * move.steps
            elif name == "shipped":
                yield (lot_node(key), ("shipment", posting.paper)), sign * move.steps


@attrs.frozen
class Genealogy:
    """What went into the sources (`back`) or what became of them (`forward`).

    Attributes:
        sources: the lots and runs that were asked for; they are in no answer of their own, even in a loop.
        lots, runs: what was found, sorted by item and code, and by number.
        edges: links lot -> run -> lot among these and the sources, and to receipts and shipments, with net amounts.
    """

    direction: str
    sources: tuple[Key | str, ...]
    lots: tuple[Lot, ...]
    runs: tuple[str, ...]
    edges: tuple[Edge, ...]

    @property
    def graph(self) -> Graph:
        """The answer as a `networkx.DiGraph`; each edge has its `steps` and its `amount`.

        >>> genealogy(reach(lambda lots, runs: (), ["B-1"], "back"), {}, {}).graph.nodes
        NodeView((('run', 'B-1'),))
        """
        named = [("run", source) if isinstance(source, str) else lot_node(source) for source in self.sources]
        nodes = [*named, *(lot_node((lot.item, lot.code)) for lot in self.lots), *(("run", run) for run in self.runs)]
        return graph_of(nodes, self.edges)

    def table(self) -> str:
        """The links as text, one a line: from, to, amount.

        >>> print(genealogy(reach(lambda lots, runs: (), ["B-1"], "back"), {}, {}))
        back from B-1: 0 lots, 0 runs
        """
        start = ", ".join(source if isinstance(source, str) else " ".join(source) for source in self.sources)
        head = f"{self.direction} from {start}: {len(self.lots)} lots, {len(self.runs)} runs"
        rows = [(" ".join(edge.source), "->", " ".join(edge.target), edge.amount) for edge in self.edges]
        return "\n".join(filter(None, (head, columns(rows, "  "))))

    __str__ = table


def genealogy(found: Reach, items: Mapping[str, Item], lots: Mapping[Key, Lot]) -> Genealogy:
    """The answer of a search in lots and amounts.

    Args:
        found: what `reach` returned.
        items: at least those of `found.items`.
        lots: at least those of `found.lots`.

    Raises:
        Unknown: (`unknown`) an item or a lot that is not among them: a mistyped source is no empty answer.

    >>> genealogy(reach(lambda lots, runs: (), [("oil", "O-1")], "back"), {}, {})
    Traceback (most recent call last):
    krafte_core.errors.Unknown: no lot 'oil O-1'
    """
    sources = set(found.sources)
    rows = [known("lot", key, lots) for key in sorted(found.lots)]
    return Genealogy(
        found.direction,
        found.sources,
        tuple(lot for lot in rows if (lot.item, lot.code) not in sources),
        tuple(sorted(run for run in found.runs if run not in sources)),
        edges_of(found, items),
    )


def graph_of(nodes: Iterable[Node], edges: Iterable[Edge]) -> Graph:
    """A `networkx.DiGraph` of the nodes and edges.

    >>> graph_of([("run", "B-1")], ()).number_of_nodes()
    1
    """
    import networkx as nx  # noqa: PLC0415 - only where a graph is returned

    graph: Graph = nx.DiGraph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from((edge.source, edge.target, {"steps": edge.steps, "amount": edge.amount}) for edge in edges)
    return graph


def columns(rows: Iterable[Sequence[object]], indent: str = "") -> str:
    r"""The rows as text in aligned columns.

    >>> columns([("lot", "amount"), ("O-1", "8 kg")])
    'lot  amount\nO-1  8 kg'
    """
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return "\n".join(
        (indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip() for row in texts
    )

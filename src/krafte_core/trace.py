"""Trace: which lots went into a lot, what became of it, and whether everything that came in is still accounted for.

The ledger is read as a graph *lot -> run -> lot*. A run is a node of its own, because an input may be in every output. What a run
used and made is the net of its moves: what was given back or reversed does not count, and a lot that nets to nothing has no link.

One search answers every question, from all its sources at once. Nodes that were seen are not visited again, so loops through rework
end, and depth costs no recursion. Where a store keeps the genealogy at hand (`ledger.Links`), the search runs on integers
(`reach_in`); elsewhere, and for questions about times, it goes level by level and asks for the uses of a whole level at once
(`reach`), so the ledger is never loaded; a database says ahead which uses these will be (`reach_ahead`). What the lots found went
through besides is read in one go afterwards (`with_moves`).

>>> from datetime import datetime
>>> from krafte_core.ledger import Ledger
>>> from krafte_core.stock import PRODUCTION, Move
>>> day = datetime(2026, 1, 1)
>>> into, out = Move("oil", "O-1", 8, "line:B-1", PRODUCTION), Move("soap", "S-1", 9, PRODUCTION, "stock")
>>> ledger = Ledger([Posting("complete", "B-1", day, day, (into, out))])
>>> reach(ledger.uses, [("oil", "O-1")], "forward").lots
(('oil', 'O-1'), ('soap', 'S-1'))
>>> reach_in(ledger.links(), [("oil", "O-1")], "forward").made
{('B-1', ('soap', 'S-1')): 9}
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import attrs

from krafte_core.drawing import Arrow, Box, drawn
from krafte_core.errors import InvalidInput, Unknown
from krafte_core.items import Item, one_of
from krafte_core.ledger import DIRECTIONS, Ahead, Entry, Index, Key, Read, Use, Uses, flows, uses
from krafte_core.quantities import Quantity
from krafte_core.stock import CUSTOMER, PRODUCTION, Lot, Posting

if TYPE_CHECKING:
    import networkx as nx

    Graph = nx.DiGraph[tuple[str, ...]]

Node = tuple[str, ...]
"""A node of the graph: `("lot", item, code)`, `("run", number)`, or where goods came from and went to: `("receipt", paper)`,
`("shipment", number)`, and in the same way `return`, `find`, `count`, `scrap`, `sample` and `send back`. Without a paper it has the
name of the lot."""
_COMES = {"received": "receipt", "returned": "return", "found": "find"}
_GOES = {"shipped": "shipment", "supplier_returned": "send back", "scrapped": "scrap", "sampled": "sample", "count_loss": "count"}
_T = TypeVar("_T")


class Edge(NamedTuple):
    """A link of the graph: so many steps of the lot at one of its ends went from `source` to `target`, and when.

    `first` and `last` are the business times of its movements, None where a search read no movements.
    """

    source: Node
    target: Node
    steps: int
    amount: Quantity
    first: datetime | None = None
    last: datetime | None = None


@attrs.frozen
class Reach:
    """What a search found: the bare answer in keys and steps, before anybody has looked up items or lots.

    Attributes:
        direction: `back` or `forward`.
        sources: the lots and runs that were asked for, in the order of asking.
        lots: every lot found, the sources included, sorted.
        nets: per run found, sorted, the net steps of all its lots, those beside the way included: above zero used, below made.
        moves: all moves of each lot, where they were read (`with_moves`).

    >>> reach(lambda lots, runs: (), [("oil", "O-1")], "back").lots
    (('oil', 'O-1'),)
    """

    direction: str
    sources: tuple[Key | str, ...]
    lots: tuple[Key, ...]
    nets: Mapping[str, Mapping[Key, int]]
    moves: Mapping[Key, Sequence[Entry]] = attrs.field(factory=dict)

    @property
    def runs(self) -> tuple[str, ...]:
        """Every run found, the sources included, sorted."""
        return tuple(self.nets)

    @property
    def used(self) -> dict[tuple[Key, str], int]:
        """What each run used of each lot."""
        return {(key, run): steps for run, nets in self.nets.items() for key, steps in nets.items() if steps > 0}

    @property
    def made(self) -> dict[tuple[str, Key], int]:
        """What each run made of each lot."""
        return {(run, key): -steps for run, nets in self.nets.items() for key, steps in nets.items() if steps < 0}

    @property
    def items(self) -> tuple[str, ...]:
        """The codes of all items that an answer about these lots and runs needs, for one batch read.

        >>> reach(lambda lots, runs: (), [("oil", "O-1")], "back").items
        ('oil',)
        """
        return tuple(sorted({item for nets in self.nets.values() for item, _ in nets} | {item for item, _ in self.lots}))

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


def _named(sources: Iterable[Key | str]) -> tuple[Key | str, ...]:
    return tuple(dict.fromkeys(source if isinstance(source, str) else (source[0], source[1]) for source in sources))


def reach_in(links: Index, sources: Iterable[Key | str], direction: str) -> Reach:
    """Everything that lies before (`back`) or after (`forward`) the sources, from an index: the search on integers.

    Raises:
        InvalidInput: (`invalid_input`) another direction.

    >>> from krafte_core.ledger import Links
    >>> reach_in(Links(), ["B-1"], "back").runs
    ('B-1',)
    """
    start = _named(sources)
    nodes = dict.fromkeys([*start, *links.scope(start, direction)])
    lots = sorted(node for node in nodes if not isinstance(node, str))
    return Reach(direction, start, tuple(lots), links.nets(sorted(node for node in nodes if isinstance(node, str))))


def reach(
    read: Read,
    sources: Iterable[Key | str],
    direction: str,
    *,
    as_of: datetime | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    levels: int | None = None,
) -> Reach:
    """Everything that lies before (`back`) or after (`forward`) the sources: one breadth-first search from all of them at once.

    Args:
        read: gives the uses of a level; called once per level, with the lots and runs that are new there.
        sources: lots as (item, code), runs by their number.
        direction: `back` or `forward`.
        as_of: only what had happened by then counts.
        since, until: of the sources only what was used (or made) in this time is followed, both ends included: the window in which
            a lot was bad. Amounts are not cut.
        levels: how many runs deep; default to the end.

    Raises:
        InvalidInput: (`invalid_input`) another direction, or less than one level.

    Time is linear in the uses that `read` returns. A link is as large as the net of its run's moves (design, section 11).
    """
    forward = one_of(direction, DIRECTIONS, "direction") == "forward"
    if levels is not None and (type(levels) is not int or levels < 1):
        raise InvalidInput("levels", levels, "a whole number of at least 1, or nothing for all")
    start = _named(sources)
    limits = _Limits(frozenset(start), as_of, since, until)
    lots: set[Key] = set()
    found: dict[str, dict[Key, int]] = {}
    new_lots, new_runs = [s for s in start if not isinstance(s, str)], [s for s in start if isinstance(s, str)]
    for step in count():
        if not (new_lots or new_runs):
            break
        lots.update(new_lots)
        found |= {run: {} for run in new_runs}
        beyond = levels is not None and (step + 1) // 2 >= levels  # so many runs lie behind the lots that are new in this step
        to_read = [] if beyond else new_lots
        pairs, followed = limits.nets(read(to_read, new_runs)) if to_read or new_runs else ({}, None)
        fresh, here = set(new_runs), set(new_lots)
        next_runs, next_lots = set(), set()
        for (run, key), steps in pairs.items():
            if run in fresh and steps:
                found[run][key] = steps
            if steps and (followed is None or (run, key) in followed):
                if key in here and (steps > 0) == forward and run not in found:
                    next_runs.add(run)
                if run in fresh and (steps < 0) == forward and key not in lots:
                    next_lots.add(key)
        new_runs, new_lots = sorted(next_runs), sorted(next_lots)
    return Reach(direction, start, tuple(sorted(lots)), {run: dict(sorted(found[run].items())) for run in sorted(found)})


def reach_ahead(
    ahead: Ahead,
    read: Read,
    sources: Iterable[Key | str],
    direction: str,
    *,
    as_of: datetime | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Reach:
    """The same answer as `reach`, in as many questions however deep it lies: for where a question costs more than its rows.

    `ahead` says in one question which runs the search may find at most; their uses are read at once, and the search runs on these.
    Where only a time counts of what the sources were used for, one level is read before, to see where it leads from there.

    >>> day = datetime(2026, 1, 1)
    >>> row = Use("B-1", "oil", "O-1", 8, day)
    >>> reach_ahead(lambda *given: ["B-1"], lambda lots, runs: [row], [("oil", "O-1")], "forward", as_of=day).used
    {(('oil', 'O-1'), 'B-1'): 8}
    """
    start = _named(sources)
    begin: Iterable[Key | str] = start
    if since is not None or until is not None:
        near = reach(read, start, direction, as_of=as_of, since=since, until=until, levels=1)
        found: tuple[Key | str, ...] = (*near.lots, *near.runs)
        begin = [node for node in found if node not in start]
    runs = dict.fromkeys(node for node in (*start, *ahead(begin, direction, as_of)) if isinstance(node, str))
    known = Uses(read((), runs) if runs else ())
    return reach(known.read, start, direction, as_of=as_of, since=since, until=until)


@attrs.frozen
class _Limits:
    """Which uses count, and which links of the sources are followed."""

    sources: frozenset[Key | str]
    as_of: datetime | None
    since: datetime | None
    until: datetime | None

    def nets(self, rows: Iterable[Use]) -> tuple[dict[tuple[str, Key], int], Collection[tuple[str, Key]] | None]:
        """Steps used less steps made per run and lot, and the pairs that a search may follow (None: all).

        Complete for every pair of which the lot or the run was asked for, so no pair is ever added up from two reads.
        """
        pairs: dict[tuple[str, Key], int] = {}
        windowed = self.since is not None or self.until is not None
        followed: set[tuple[str, Key]] = set()
        for run, item, lot, steps, at in rows:
            if self.as_of is not None and at > self.as_of:
                continue
            pair = (run, (item, lot))
            pairs[pair] = pairs.get(pair, 0) + steps
            if windowed and (self._inside(at) or not (run in self.sources or pair[1] in self.sources)):
                followed.add(pair)
        return pairs, followed if windowed else None

    def _inside(self, at: datetime) -> bool:
        return (self.since is None or at >= self.since) and (self.until is None or at <= self.until)


def with_moves(found: Reach, postings: Iterable[Posting], *, as_of: datetime | None = None) -> Reach:
    """The same answer with all moves of its lots: what balances, whereabouts and shipments are made of.

    >>> with_moves(reach(lambda lots, runs: (), [("oil", "O-1")], "back"), ()).moves
    {('oil', 'O-1'): []}
    """
    moves: dict[Key, list[Entry]] = {key: [] for key in found.lots}
    for posting in postings:
        if as_of is None or posting.happened_at <= as_of:
            for move in posting.moves:
                entries = moves.get(move[:2])
                if entries is not None:
                    entries.append(Entry(posting, move))
    return attrs.evolve(found, moves=moves)


def net(postings: Iterable[Posting], run: str) -> dict[Key, int]:
    """Steps into production less steps out of it, per lot of a run.

    >>> net((), "B-1")
    {}
    """
    nets: dict[Key, int] = {}
    for posting in postings:
        if posting.paper == run:
            for use in uses(posting):
                nets[use.item, use.lot] = nets.get((use.item, use.lot), 0) + use.steps
    return nets


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
    """The links between the lots and runs that were found, and to where goods came from and went to; sorted, net, never zero.

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
    times: dict[tuple[Node, Node], tuple[datetime, datetime]] = {}
    for key, entries in found.moves.items():
        for ends, steps, at in _ends(key, entries):
            if "run" not in (ends[0][0], ends[1][0]):  # how much a run used and made is known already
                sums[ends] = sums.get(ends, 0) + steps
            first, last = times.get(ends, (at, at))
            times[ends] = (min(first, at), max(last, at))
    edges = []
    for (source, target), steps in sums.items():
        if steps:
            item = known("item", (source if source[0] == "lot" else target)[1], items)
            way = (source, target) if steps > 0 else (target, source)
            edges.append(Edge(*way, abs(steps), item.quantity(abs(steps)), *times.get((source, target), (None, None))))
    return tuple(sorted(edges, key=lambda edge: edge[:2]))


def _ends(key: Key, entries: Iterable[Entry]) -> Iterator[tuple[tuple[Node, Node], int, datetime]]:
    """What a lot's movements link: runs, and where a trace begins and ends (without a paper, that has the lot's name)."""
    lot = lot_node(key)
    for posting, move in entries:
        if move.target == PRODUCTION:
            yield (lot, ("run", posting.paper)), move.steps, posting.happened_at
        elif move.source == PRODUCTION:
            yield (("run", posting.paper), lot), move.steps, posting.happened_at
        name = posting.paper or " ".join(key)
        for flow, sign in flows(posting, move):
            if flow in _COMES:
                yield ((_COMES[flow], name), lot), sign * move.steps, posting.happened_at
            elif flow in _GOES:
                yield (lot, (_GOES[flow], name)), sign * move.steps, posting.happened_at


@attrs.frozen
class Genealogy:
    """What went into the sources (`back`) or what became of them (`forward`).

    Attributes:
        sources: the lots and runs that were asked for; they are in no answer of their own, even in a loop.
        lots, runs: what was found, sorted by item and code, and by number.
        edges: links lot -> run -> lot among these and the sources, and to receipts, shipments, scrap and so on, with net amounts.
    """

    direction: str
    sources: tuple[Key | str, ...]
    lots: tuple[Lot, ...]
    runs: tuple[str, ...]
    edges: tuple[Edge, ...]

    @property
    def graph(self) -> Graph:
        """The answer as a `networkx.DiGraph`; each edge has its `steps`, its `amount`, and when it was (`first`, `last`).

        >>> genealogy(reach(lambda lots, runs: (), ["B-1"], "back"), {}, {}).graph.nodes
        NodeView((('run', 'B-1'),))
        """
        named = [("run", source) if isinstance(source, str) else lot_node(source) for source in self.sources]
        nodes = [*named, *(lot_node((lot.item, lot.code)) for lot in self.lots), *(("run", run) for run in self.runs)]
        return graph_of(nodes, self.edges)

    def svg(self, *, to: Key | None = None) -> str:
        """The answer as a drawing in layers, from left to right; the sources are highlighted, and a shortest way to the lot `to`.

        >>> genealogy(reach(lambda lots, runs: (), ["B-1"], "back"), {}, {}).svg()[:4]
        '<svg'
        """
        starts = [("run", source) if isinstance(source, str) else lot_node(source) for source in self.sources]
        way = () if to is None else shortest_way(self.edges, starts, lot_node(to), self.direction)
        return picture(self.edges, dict.fromkeys([*starts, *way]), f"{self.direction} from {_list(self.sources)}")

    def _repr_svg_(self) -> str:
        """For notebooks."""
        return self.svg()

    def table(self) -> str:
        """The links as text, one a line (from, to, amount, when), then the lots: where each came from, since when, what was decided.

        >>> print(genealogy(reach(lambda lots, runs: (), ["B-1"], "back"), {}, {}))
        back from B-1: 0 lots, 0 runs
        """
        head = f"{self.direction} from {_list(self.sources)}: {len(self.lots)} lots, {len(self.runs)} runs"
        rows = [
            (" ".join(edge.source), "->", " ".join(edge.target), edge.amount, edge.first.date() if edge.first else "")
            for edge in self.edges
        ]
        lots = [(lot.item, lot.code, whence(lot), lot.received_at.date(), lot.disposition) for lot in self.lots]
        return "\n".join(filter(None, (head, columns(rows, "  "), "lots:" if lots else "", columns(lots, "  "))))

    __str__ = table


def whence(lot: Lot) -> str:
    """Where a lot came from, for a reader: its supplier with his lot, or the paper that it came with.

    >>> whence(Lot("oil", "O-1", received_at=datetime(2026, 1, 1), supplier="Meyer", supplier_lot="M-7"))
    'Meyer, M-7'
    """
    his = ", ".join(filter(None, (lot.supplier, lot.supplier_lot)))
    return his or " ".join(filter(None, (lot.origin, lot.paper)))


def _list(sources: Iterable[Key | str]) -> str:
    return ", ".join(source if isinstance(source, str) else " ".join(source) for source in sources)


def shortest_way(edges: Iterable[Edge], starts: Iterable[Node], end: Node, direction: str = "forward") -> tuple[Node, ...]:
    """The nodes of a way with the fewest links from one of the starts to the end; empty where there is none.

    >>> shortest_way((), [("run", "B-1")], ("run", "B-1"))
    (('run', 'B-1'),)
    """
    onward: dict[Node, list[Node]] = {}
    for edge in edges:
        source, target = (edge.source, edge.target) if direction == "forward" else (edge.target, edge.source)
        onward.setdefault(source, []).append(target)
    came: dict[Node, Node | None] = dict.fromkeys(starts)
    queue = [*came]
    for node in queue:  # grows while it is read
        for other in onward.get(node, ()):
            if other not in came:
                came[other] = node
                queue.append(other)
    way: list[Node] = []
    at: Node | None = end if end in came else None
    while at is not None:
        way.append(at)
        at = came[at]
    return tuple(reversed(way))


def picture(edges: Iterable[Edge], strong: Collection[Node], title: str = "") -> str:
    """The links as a drawing in layers, in SVG.

    >>> picture((), [("run", "B-1")]).count("<rect")
    2
    """
    rows = [*edges]
    nodes = dict.fromkeys([*strong, *(end for edge in rows for end in (edge.source, edge.target))])
    boxes = [Box(node, node[1:] if node[0] == "lot" else (node[0], *node[1:]), node[0]) for node in nodes]
    return drawn(boxes, [Arrow(edge.source, edge.target, str(edge.amount)) for edge in rows], strong=strong, title=title)


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
    graph.add_edges_from(
        (edge.source, edge.target, {"steps": edge.steps, "amount": edge.amount, "first": edge.first, "last": edge.last})
        for edge in edges
    )
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

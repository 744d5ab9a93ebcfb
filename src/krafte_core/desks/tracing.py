"""How the trace desk reads: sources by name, one search, what the lots found went through, and what a recall must know besides."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from itertools import groupby, islice
from typing import Any, NamedTuple

from krafte_core import diary
from krafte_core.addresses import Address
from krafte_core.allocation import LOT
from krafte_core.content import Assumed
from krafte_core.errors import InvalidInput, Unknown
from krafte_core.items import Item
from krafte_core.ledger import Gross, Key, Use, uses
from krafte_core.netting import lot_links
from krafte_core.orders import CustomerOrder
from krafte_core.production import ProductionOrder
from krafte_core.quantities import parts
from krafte_core.recall import OpenLine, Recall, recall
from krafte_core.shipping import Shipment
from krafte_core.stock import CUSTOMER, Lot, Posting
from krafte_core.trace import Genealogy, Reach, genealogy, order_of, reach, reach_ahead, reach_in, with_moves
from krafte_core.work import Work, number_of

Sources = str | Iterable[Any]
"""An item's code (with a lot's code beside it), or a list of lots, of (item, lot) pairs and of runs."""
PAGE = 200
"""So many documents are looked up together."""


class Document(NamedTuple):
    """Everything that a paper moved (a run, a shipment, a receipt, a return), or one posting without a paper.

    `lots` are those that it moves; `shipment` is the delivery note, `run` the production order, where the paper is one.
    """

    paper: str
    postings: tuple[Posting, ...]
    lots: Mapping[Key, Lot]
    shipment: Shipment | None
    run: ProductionOrder | None = None

    @property
    def is_run(self) -> bool:
        """Whether something went into production or came out of it."""
        return any(True for posting in self.postings for _ in uses(posting))


def documents(work: Work, since: datetime | None, until: datetime | None) -> Iterator[Document]:
    """The papers that moved in a time, whole, in the order of their first posting; read page by page."""
    rows = enumerate(work.reader.moved(since, until, together=True))
    papers = (tuple(row for _, row in group) for _, group in groupby(rows, key=lambda pair: pair[1].paper or pair[0]))
    while page := [*islice(papers, PAGE)]:
        lots = work.reader.lots(dict.fromkeys(move[:2] for postings in page for posting in postings for move in posting.moves))
        filed = work.reader.papers(sorted({postings[0].paper for postings in page} - {""}))
        for postings in page:
            keys = dict.fromkeys(move[:2] for posting in postings for move in posting.moves)
            paper = filed[postings[0].paper].paper if postings[0].paper in filed else None
            known = {key: lots[key] for key in keys if key in lots}
            shipment, run = paper if isinstance(paper, Shipment) else None, paper if isinstance(paper, ProductionOrder) else None
            yield Document(postings[0].paper, postings, known, shipment, run)


class Decision(NamedTuple):
    """A line of the diary about a lot, and the lot as it is now; several where one name can be read in two ways."""

    entry: diary.Entry
    about: tuple[Lot, ...]


def decisions(work: Work, since: datetime | None, until: datetime | None) -> Iterator[Decision]:
    """What was decided about lots in a time; read page by page."""
    entries = work.reader.decided(since, until)
    while page := [*islice(entries, PAGE)]:
        names = {entry.document: [*_readings(entry.document)] for entry in page}
        lots = work.reader.lots(dict.fromkeys(key for keys in names.values() for key in keys))
        for entry in page:
            yield Decision(entry, tuple(lots[key] for key in names[entry.document] if key in lots))


def _readings(document: str) -> Iterator[Key]:
    """The items and lots that a name in the diary may mean: codes may hold blanks."""
    words = document.split(" ")[1:]
    return ((" ".join(words[:n]), " ".join(words[n:])) for n in range(1, len(words)))


def runs_of(work: Work, since: datetime | None, until: datetime | None) -> Iterator[tuple[str, Gross]]:
    """Every run with what went in and came out; run by run where the store can, else out of the ledger."""
    every = getattr(work.reader, "runs", None)
    if every is not None and since is None and until is None:
        yield from every()
        return
    for document in documents(work, since, until):
        sums: dict[Key, tuple[int, int]] = {}
        for _, item, lot, steps, _ in (use for posting in document.postings for use in uses(posting)):
            into, out = sums.get((item, lot), (0, 0))
            sums[item, lot] = (into + steps, out) if steps > 0 else (into, out - steps)
        if sums:
            yield document.paper, sums


def named(item: Sources, lot: str | None) -> list[Key | str]:
    """Lots as (item, code) and runs by their number."""
    if isinstance(item, str):
        if lot is None:
            raise InvalidInput("lot", lot, "the lot's code, or a list of lots instead of the item")
        return [(item, lot)]
    rows: list[Key | str] = []
    for one in item if isinstance(item, Iterable) else [item]:
        if isinstance(one, str | ProductionOrder):
            rows.append(number_of(one))
        elif isinstance(one, tuple) and len(one) == 2 and all(isinstance(part, str) for part in one):
            rows.append((one[0], one[1]))
        elif hasattr(one, "item") and hasattr(one, "code"):
            rows.append((one.item, one.code))
        else:
            raise InvalidInput("lots", one, "lots, (item, lot) pairs or numbers of runs")
    if not rows:
        raise InvalidInput("lots", "none", "at least one lot: a search from nothing would find nothing")
    return list(dict.fromkeys(rows))


def searched(work: Work, names: Iterable[Key | str], direction: str, **limits: Any) -> Reach:
    """On the index that the store keeps at hand, with what it knows ahead, or level by level."""
    wanted = [*names]
    _must_exist(work, wanted)
    limits = {name: limit for name, limit in limits.items() if limit is not None}
    links = work.reader.genealogy() if not limits else None
    if links is not None:
        return reach_in(links, wanted, direction)

    def read(lots: Collection[Key], runs: Collection[str]) -> Iterable[Use]:
        return work.reader.uses(lots=lots, runs=runs)

    ahead = getattr(work.reader, "may_find", None)
    if ahead is not None and limits and "levels" not in limits:
        return reach_ahead(ahead, read, wanted, direction, **limits)
    return reach(read, wanted, direction, **limits)


def _must_exist(work: Work, names: Iterable[Key | str]) -> None:
    """A mistyped lot or run is an error, not an empty answer."""
    keys = [name for name in names if not isinstance(name, str)]
    found = work.reader.lots(keys)
    for item, code in keys:
        if (item, code) not in found:
            work.item(item)
            work.lot(item, code)  # raises, with the lots that there are
    runs = [name for name in names if isinstance(name, str)]
    papers = work.reader.papers(runs)
    for run in runs:
        is_run = run in papers and isinstance(papers[run].paper, ProductionOrder)
        if not is_run and not [*work.reader.uses(runs=[run])]:  # a split, a blend or a regrading has a number and no paper
            raise Unknown("production", run)


def moves_of(work: Work, found: Reach, as_of: datetime | None = None) -> Reach:
    """The same search with all moves of the lots that it found."""
    return with_moves(found, work.reader.postings(lots=found.lots), as_of=as_of)


def told(work: Work, found: Reach) -> Genealogy:
    """The answer in lots and amounts."""
    return genealogy(found, work.catalogue.items, work.reader.lots(found.lots))


def recalled(work: Work, found: Reach, threshold: Fraction | None = None, assumed: Assumed | None = None) -> Recall:
    """What a recall touches, with everything that it must know: what stands where, who waits, who got it, what is doubtful."""
    links = [*lot_links(work, found.lots)]
    standing = work.reader.standing(found.lots)
    return recall(
        found,
        work.catalogue.items,
        work.reader.lots(found.lots),
        is_finished=lambda one: is_finished(work, one),
        customers=customers_of(work, found, [link.demand for link in links]),
        open_orders=_open_orders(work, links),
        doubtful=_doubtful(work, found),
        threshold=threshold,
        addresses=_addresses(work, found),
        standing={key: sum(row.on_hand for row in rows) for key, rows in standing.items()},
        assumed=assumed,
    )


def _doubtful(work: Work, found: Reach) -> Mapping[Key, Sequence[Key]]:
    """Lots in the house that nobody knows, of affected items, with the affected lots that they may be part of.

    What was found may be of any of them; what came back without its lot, of those that were shipped for the order.
    """
    by_item: dict[str, list[Key]] = {}
    for key in found.lots:
        by_item.setdefault(key[0], []).append(key)
    rows = work.reader.stocked(by_item)
    doubtful: dict[Key, Sequence[Key]] = {}
    for item, keys in by_item.items():
        for lot in (row.lot for row in rows[item]):
            if lot.origin == "find":
                doubtful[item, lot.code] = keys
            elif lot.origin == "return":
                doubtful[item, lot.code] = [key for key in keys if _went(found, key, lot.paper)]
    return doubtful


def _went(found: Reach, key: Key, order: str) -> bool:
    return any(move.target == CUSTOMER and order_of(move.line) == order for _, move in found.moves[key])


def part_of_one(part: Any, field: str) -> Fraction:
    """A part as text.

    Raises:
        InvalidInput: (`invalid_input`) not between 0 and 1.
    """
    value, unit = parts(f"{part} each" if isinstance(part, str) else part, field)
    if not 0 < value < 1 or unit != "each":
        raise InvalidInput(field, part, 'a part between 0 and 1 as text, such as "0.0001"')
    return Fraction(value)


def is_finished(work: Work, item: Item) -> bool:
    """Sold rather than used: declared so, or made here and in no recipe."""
    if item.kind != "material":
        return item.kind == "finished"
    return item.code in work.catalogue.formulas and not work.catalogue.is_ingredient(item.code)


def customers_of(work: Work, found: Reach, demands: Iterable[str]) -> Mapping[str, str]:
    """Per shipment and order of the lots found, and per order that waits, whose it is."""
    papers = work.reader.papers(dict.fromkeys([*found.papers, *demands]))
    return {number: row.paper.customer for number, row in papers.items() if isinstance(row.paper, CustomerOrder | Shipment)}


def _addresses(work: Work, found: Reach) -> Mapping[str, Address]:
    papers = work.reader.papers(found.papers)
    return {number: row.paper.ship_to for number, row in papers.items() if isinstance(row.paper, Shipment) and row.paper.ship_to}


def _open_orders(work: Work, links: Sequence[Any]) -> list[OpenLine]:
    papers = work.reader.papers({link.demand for link in links if link.source == LOT})
    rows = []
    for link in links:
        paper = papers[link.demand].paper
        if isinstance(paper, CustomerOrder):
            amount = work.item(link.item).quantity(link.takes)
            rows.append(OpenLine(f"{link.demand}/{link.line}", paper.customer, link.item, link.ref, amount))
    return rows


def liftable(work: Work, names: Sequence[Key], reason: str) -> tuple[list[Key], list[tuple[str, str, str]]]:
    """The lots that were blocked for this reason and were free before, and the others that are not free, each with the reason."""
    free: list[Key] = []
    kept: list[tuple[str, str, str]] = []
    lots = work.reader.lots(names)
    diaries = work.reader.diary(diary.lot_document(*name) for name in lots)
    for name, lot in lots.items():
        rows = diaries[diary.lot_document(*name)]
        last = max((n for n, entry in enumerate(rows) if entry.step == "hold"), default=None)
        if lot.disposition != "held" or last is None:
            if lot.disposition != "released":
                kept.append((*name, lot.disposition))
        elif rows[last].reason != reason:
            kept.append((*name, f"held: {rows[last].reason}"))
        elif diary.state(diary.LOT_STEPS, rows[:last], "released") != "released":
            kept.append((*name, "waited for its release before"))
        else:
            free.append(name)
    return free, kept

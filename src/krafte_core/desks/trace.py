"""The trace desk: what went into a lot, what became of it, what a recall would touch, and whether everything is accounted for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from krafte_core.allocation import LOT
from krafte_core.balances import Balance, MassBalance, balance, mass_balance
from krafte_core.errors import InvalidInput
from krafte_core.items import Item
from krafte_core.ledger import Key
from krafte_core.netting import lot_links
from krafte_core.office import Office
from krafte_core.orders import CustomerOrder
from krafte_core.production import ProductionOrder
from krafte_core.recall import OpenLine, Recall, recall
from krafte_core.shipping import Shipment
from krafte_core.stock import Posting
from krafte_core.trace import Genealogy, Reach, genealogy, reach
from krafte_core.work import Work


class TraceDesk:
    """`shop.trace`."""

    def __init__(self, office: Office) -> None:
        """At this office."""
        self._office = office

    def back(self, item: str, lot: str) -> Genealogy:
        """Everything that went into a lot, over all levels.

        Raises:
            Unknown: (`unknown`) no such lot.

        >>> from krafte_core import Ingredient, Item, Recipe, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("oil", unit="kg"), Item("soap", unit="each"),
        ...               Recipe("soap", makes="1 each", ingredients=[Ingredient("oil", "0.1 kg")]))
        >>> oil = shop.stock.receive("oil", "5 kg", lot="O-1")
        >>> made = shop.production.make("soap", "20 each", lot="S-1")
        >>> [lot.code for lot in shop.trace.back("soap", "S-1").lots]
        ['O-1']
        """
        return self._genealogy([(item, lot)], "back")

    def forward(self, item: str, lot: str) -> Genealogy:
        """Everything that a lot went into, over all levels.

        Raises:
            Unknown: (`unknown`) no such lot.
        """
        return self._genealogy([(item, lot)], "forward")

    def recall(self, item: str | Iterable[Any], lot: str | None = None) -> Recall:
        """What a recall of a lot, or of several (`recall(lots)`), touches: where it is, who has it, how much is in it. Writes nothing.

        Raises:
            Unknown: (`unknown`) no such lot. InvalidInput: no lot named.
        """
        keys = _keys(item, lot)
        with self._office.look() as work:
            found = _reach(work, keys, "forward")
            lots = work.reader.lots(found.lots)
            links = [*lot_links(work, found.lots)]
            return recall(
                found,
                work.catalogue.items,
                lots,
                is_finished=lambda one: _is_finished(work, one),
                customers=_customers(work, found, [link.demand for link in links]),
                open_orders=_open_orders(work, links),
            )

    def balance(self, item: str, lot: str) -> Balance:
        """Where everything of a lot went (law 1), from the ledger; `unaccounted` compares it with the stored balance.

        Raises:
            Unknown: (`unknown`) no such lot.
        """
        with self._office.look() as work:
            known = work.item(item)
            work.lot(item, lot)
            key = (item, lot)
            there = sum(row.on_hand for row in work.reader.standing([key])[key])
            return balance(known, key, work.reader.postings(lots=[key]), on_hand=there)

    def mass_balance(self, production: ProductionOrder | str) -> MassBalance:
        """What mass went into a run and what came out; the difference is its process loss.

        Raises:
            Unknown: (`unknown`) no such production.
        """
        with self._office.look() as work:
            run = work.paper(ProductionOrder, production)
            return mass_balance(run.number, work.reader.postings(papers=[run.number]), work.catalogue.items)

    def _genealogy(self, keys: Sequence[Key], direction: str) -> Genealogy:
        with self._office.look() as work:
            found = _reach(work, keys, direction)
            return genealogy(found, work.catalogue.items, work.reader.lots(found.lots))


def _keys(item: str | Iterable[Any], lot: str | None) -> list[Key]:
    if isinstance(item, str):
        if lot is None:
            raise InvalidInput("lot", lot, "the lot's code, or a list of lots instead of the item")
        return [(item, lot)]
    rows: Iterable[Any] = item
    return [(one.item, one.code) for one in rows]


def _reach(work: Work, keys: Sequence[Key], direction: str) -> Reach:
    for item, lot in keys:
        work.item(item)
        work.lot(item, lot)

    def read(lots: Collection[Key], papers: Collection[str]) -> Sequence[Posting]:
        return work.reader.postings(lots=lots, papers=papers)

    return reach(read, keys, direction)


def _is_finished(work: Work, item: Item) -> bool:
    """Sold rather than used: declared so, or made here and in no recipe."""
    if item.kind != "material":
        return item.kind == "finished"
    return item.code in work.catalogue.formulas and not work.catalogue.is_ingredient(item.code)


def _customers(work: Work, found: Reach, demands: Iterable[str]) -> Mapping[str, str]:
    papers = work.reader.papers(dict.fromkeys([*found.papers, *demands]))
    return {number: row.paper.customer for number, row in papers.items() if isinstance(row.paper, CustomerOrder | Shipment)}


def _open_orders(work: Work, links: Sequence[Any]) -> list[OpenLine]:
    papers = work.reader.papers({link.demand for link in links if link.source == LOT})
    rows = []
    for link in links:
        paper = papers[link.demand].paper
        if isinstance(paper, CustomerOrder):
            amount = work.item(link.item).quantity(link.takes)
            rows.append(OpenLine(f"{link.demand}/{link.line}", paper.customer, link.item, link.ref, amount))
    return rows

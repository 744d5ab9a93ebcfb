"""The trace desk: what went into a lot, what became of it, what a recall would touch, and whether everything is accounted for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

import attrs

from krafte_core.allergens import Undeclared, carriers, of_lot, undeclared
from krafte_core.audit import Exercise, Gap, exercise, gaps
from krafte_core.balances import Balance, MassBalance, PeriodBalance, balance, mass_balance, period_balance
from krafte_core.causes import Cause, Dispersion, Siblings, common_causes, dispersion, source_lots
from krafte_core.charging import Charge
from krafte_core.content import Assumed
from krafte_core.desks.lots import Decided, decide_lots
from krafte_core.desks.sheets import planned_by_lots
from krafte_core.desks.tracing import (
    PAGE,
    Decision,
    Document,
    Sources,
    customers_of,
    decisions,
    documents,
    is_finished,
    liftable,
    moves_of,
    named,
    part_of_one,
    recalled,
    runs_of,
    searched,
    told,
)
from krafte_core.diary import LOT_STEPS, lot_document
from krafte_core.errors import InvalidInput
from krafte_core.items import note
from krafte_core.ledger import Key
from krafte_core.lot_histories import pages
from krafte_core.office import Office
from krafte_core.production import ProductionOrder
from krafte_core.recall import Recall
from krafte_core.records import BatchRecord, batch_record
from krafte_core.stock import CUSTOMER, Lot, Posting, Sought
from krafte_core.times import instant
from krafte_core.trace import Genealogy, Reach, edges_of, graph_of, lot_node, order_of, with_moves
from krafte_core.work import Work, number_of

if TYPE_CHECKING:
    from krafte_core.trace import Graph


@attrs.frozen
class Lifted:
    """What `lift` did: the lots that may be used again, and those that stay blocked, each with the reason."""

    released: tuple[Lot, ...]
    kept: tuple[tuple[str, str, str], ...]


class TraceDesk:
    """`shop.trace`."""

    def __init__(self, office: Office) -> None:
        """At this office."""
        self._office = office

    # the graph --------------------------------------------------------------------------------------------------------

    def back(self, item: Sources, lot: str | None = None, *, as_of: Any = None, levels: int | None = None) -> Genealogy:
        """Everything that went into a lot, or into several lots and runs, over all levels.

        Args:
            item, lot: a lot; or, instead of the item, a list of lots, of (item, lot) pairs and of runs.
            as_of: only what had happened by then.
            levels: how many runs deep; default to the end.

        Raises:
            Unknown: (`unknown`) no such lot or run.

        >>> from krafte_core import Ingredient, Item, Recipe, Workshop
        >>> shop = Workshop.in_memory()
        >>> shop.register(Item("oil", unit="kg"), Item("soap", unit="each"),
        ...               Recipe("soap", makes="1 each", ingredients=[Ingredient("oil", "0.1 kg")]))
        >>> oil = shop.stock.receive("oil", "5 kg", lot="O-1")
        >>> made = shop.production.make("soap", "20 each", lot="S-1")
        >>> [lot.code for lot in shop.trace.back("soap", "S-1").lots]
        ['O-1']
        """
        return self._genealogy(item, lot, "back", as_of=as_of, levels=levels)

    def forward(
        self,
        item: Sources,
        lot: str | None = None,
        *,
        as_of: Any = None,
        since: Any = None,
        until: Any = None,
        levels: int | None = None,
    ) -> Genealogy:
        """Everything that a lot, or several lots and runs, went into, over all levels.

        Args:
            item, lot, as_of, levels: as in `back`.
            since, until: only what the sources were used for in this time: the window in which they were bad.

        Raises:
            Unknown: (`unknown`) no such lot or run.
        """
        return self._genealogy(item, lot, "forward", as_of=as_of, since=since, until=until, levels=levels)

    def one_up(self, item: Sources, lot: str | None = None) -> Genealogy:
        """One step up: the lots that went into a lot directly, or the receipt that it came with."""
        return self.back(item, lot, levels=1)

    def one_down(self, item: Sources, lot: str | None = None) -> Genealogy:
        """One step down: the lots that a lot went into directly, and the shipments that it left with."""
        return self.forward(item, lot, levels=1)

    def siblings(self, item: str, lot: str, *, via: Sources | None = None) -> Siblings:
        """What shares a cause with a lot: everything made of the lots `via`, which are part of the answer.

        Args:
            item, lot: the lot of the complaint.
            via: the suspects: lots, (item, lot) pairs or runs behind it; `"runs"` for the runs that made it (what else they made);
                default every source lot, which gives the widest scope.

        Raises:
            Unknown: (`unknown`) no such lot. InvalidInput: a suspect that is not behind the lot.
        """
        with self._office.look() as work:
            behind = searched(work, [(item, lot)], "back")
            if via is None:
                used: Sequence[Key | str] = source_lots(behind)
            elif via == "runs":
                used = [run for run, nets in behind.nets.items() if nets.get((item, lot), 0) < 0]
            else:
                used = named(via, None)
            for name in used:
                if name not in behind.lots and name not in behind.nets:
                    raise InvalidInput("via", name, f"a lot or run behind {item} {lot}")
            return Siblings(item, lot, tuple(used), told(work, moves_of(work, searched(work, used, "forward"))))

    def common_causes(self, lots: Sources) -> tuple[Cause, ...]:
        """What several lots of complaints have in common: lots and runs behind them, those that explain most first.

        Raises:
            Unknown: (`unknown`) no such lot.
        """
        with self._office.look() as work:
            return common_causes(searched(work, named(lots, None), "back"))

    def lots(
        self,
        *,
        item: str | None = None,
        supplier: str | None = None,
        supplier_lot: str | None = None,
        since: Any = None,
        until: Any = None,
    ) -> tuple[Lot, ...]:
        """The lots that meet every criterion given, as a start for `forward` or `recall`: of a supplier, of his lot, of a time.

        `since` and `until` (both included) compare when a lot came into being; `""` for a supplier finds lots that have none.

        Raises:
            Unknown: (`unknown`) no such item. InvalidInput: (`invalid_input`) a time that ends before it begins.
        """
        for name, text in (("supplier", supplier), ("supplier_lot", supplier_lot)):
            if text is not None and not isinstance(text, str):
                raise InvalidInput(name, text, "a text")
        wanted = Sought(None if item is None else (item,), supplier, supplier_lot, *self._window(since, until))
        with self._office.look() as work:
            if item is not None:
                work.item(item)
            return tuple(sorted(work.reader.sought(wanted), key=lambda lot: (lot.item, lot.code)))

    def movements(self, *, since: Any = None, until: Any = None) -> tuple[Posting, ...]:
        """The postings of the ledger, in the order in which they were written: of all time, or of papers that moved in a time.

        A paper (a run, a shipment, a receipt) comes in whole, so that what was taken back later stands beside it.
        """
        first, last = self._window(since, until)
        with self._office.look() as work:
            return tuple(work.reader.moved(first, last))

    def documents(self, *, since: Any = None, until: Any = None) -> Iterator[Document]:
        """The same paper by paper, each with its lots: what exports are made of. One at a time: memory does not grow with the books.

        What is committed while they are read is not among them.
        """
        first, last = self._window(since, until)
        with self._office.look() as work:
            yield from documents(work, first, last)

    def decisions(self, *, since: Any = None, until: Any = None) -> Iterator[Decision]:
        """What was decided about lots in a time (both ends included): waits, holds, releases, rejections, new dates; in order."""
        first, last = self._window(since, until)
        with self._office.look() as work:
            yield from decisions(work, first, last)

    def whole_graph(self) -> Graph:
        """The whole genealogy as a `networkx.DiGraph`: every lot, run, receipt and shipment. Large, and slow to build: an export."""
        with self._office.look() as work:
            rows = [*work.reader.rows("lots")]
            keys = [(lot.item, lot.code) for lot in rows]
            found = with_moves(searched(work, keys, "forward"), work.reader.rows("postings"))
            nodes = [*map(lot_node, found.lots), *(("run", run) for run in found.runs)]
            return graph_of(nodes, edges_of(found, work.catalogue.items))

    # recall -----------------------------------------------------------------------------------------------------------

    def recall(
        self,
        item: Sources,
        lot: str | None = None,
        *,
        threshold: Any = None,
        since: Any = None,
        until: Any = None,
        splits: Mapping[str, Any] | None = None,
        loss_alike: Collection[str] = (),
    ) -> Recall:
        """What a recall of a lot, or of several (`recall(lots)`), touches: where it is, who has it, how much is in it. Writes nothing.

        Args:
            item, lot: a lot; or, instead of the item, a list of lots, of (item, lot) pairs and of runs.
            threshold: a mass fraction as text, such as `"0.0001"`; rows below it go to the answer's `traces`.
            since, until: only what the sources were used for in this time.
            splits: per by-product, as text, the part of a run's content that goes into it (`{"whey": "0.1"}`); default by mass.
            loss_alike: products whose process loss is of everything alike; the loss of all others has nothing of the source in it.

        Raises:
            Unknown: (`unknown`) no such lot; no such item in `splits` or `loss_alike`.
            InvalidInput: (`invalid_input`) no lot named; a time that ends before it begins.
        """
        limit = None if threshold is None else part_of_one(threshold, "threshold")
        parts = {name: part_of_one(part, f"splits[{name!r}]") for name, part in (splits or {}).items()}
        assumed = Assumed(parts, frozenset(loss_alike))
        with self._office.look() as work:
            for code in (*parts, *loss_alike):
                work.item(code)
            found = self._reach(work, named(item, lot), "forward", since=since, until=until)
            return recalled(work, moves_of(work, found), limit, assumed)

    def hold(self, answer: Recall, *, reason: str, key: str | None = None, by: str | None = None) -> Decided:
        """Block everything that a recall found and that is not blocked yet, in one command; `lift` takes back exactly this.

        Raises:
            InvalidInput: (`invalid_input`) no reason: it is the name under which `lift` finds the lots again.
        """
        if not note(reason, "reason"):
            raise InvalidInput("reason", reason, "a text: `lift` finds the lots by it")
        names = [(lot.item, lot.code) for lot in answer.lots]

        def decide(work: Work) -> Decided:
            free = [name for name, lot in work.reader.lots(names).items() if "hold" in LOT_STEPS[lot.disposition]]
            return decide_lots(work, "hold", free, reason, {}, {"because": "recall"})

        return self._office.run(decide, key=key, content=("hold recalled", tuple(names), reason), by=by)

    def lift(self, answer: Recall, *, reason: str, key: str | None = None, by: str | None = None) -> Lifted:
        """End a recall: release the lots that `hold` blocked for this reason and that were free before.

        A lot that waited for its release, that was held again for another reason, or that was rejected meanwhile, stays as it is.
        """
        names = [(lot.item, lot.code) for lot in answer.lots]

        def decide(work: Work) -> Lifted:
            free, kept = liftable(work, names, note(reason, "reason"))
            done = decide_lots(work, "release", free, f"lifted: {reason}", {}, despite=True)
            return Lifted(done.lots, tuple(kept))

        return self._office.run(decide, key=key, content=("lift", tuple(names), reason), by=by)

    def exercise(self, item: Sources, lot: str | None = None, *, by: str = "") -> Exercise:
        """A mock recall: both directions, timed, with what was found in percent and what was not. Writes nothing.

        Raises:
            Unknown: (`unknown`) no such lot.
        """
        keys = named(item, lot)
        started = self._office.now().at
        with self._office.look() as work:
            answer = recalled(work, moves_of(work, searched(work, keys, "forward")))
            behind = told(work, moves_of(work, searched(work, keys, "back")))
        return exercise(answer, behind, started, self._office.now().at, by=by)

    def dispersion(self, lots: Sources) -> tuple[Dispersion, ...]:
        """How far a recall of each of these lots would reach, the farthest first; one search per lot.

        Raises:
            Unknown: (`unknown`) no such lot. InvalidInput: (`invalid_input`) a run: it is not recalled, its lots are.
        """
        names = named(lots, None)
        keys = [name for name in names if not isinstance(name, str)]
        if len(keys) != len(names):
            raise InvalidInput(
                "lots", next(name for name in names if isinstance(name, str)), "lots: a run is not recalled, its lots are"
            )
        with self._office.look() as work:
            items = work.catalogue.items

            def customers(reached: Iterable[Key]) -> Mapping[Key, Iterable[str]]:
                found = moves_of(work, Reach("forward", (), tuple(reached), {}))
                names = customers_of(work, found, ())
                return {
                    key: [names.get(order_of(move.line), "") for _, move in entries if move.target == CUSTOMER]
                    for key, entries in found.moves.items()
                }

            return dispersion(
                keys, lambda key: searched(work, [key], "forward"), lambda code: is_finished(work, items[code]), customers
            )

    def undeclared_allergens(self) -> tuple[Undeclared, ...]:
        """Every finished lot that holds an allergen which its label does not declare, by the lots that went into it.

        What a material contains says its attribute `allergens`, what a label declares the attribute `declares` (see `allergens`).
        """
        with self._office.look() as work:
            items = work.catalogue.items
            some = tuple(code for code, item in items.items() if dict(item.attributes).get("allergens"))
            lots = chain(work.reader.sought(Sought(some)), work.reader.sought(Sought(noted=True)))
            found = undeclared(
                carriers({(lot.item, lot.code): lot for lot in lots if of_lot(lot, items[lot.item])}.values(), items),
                lambda keys: searched(work, keys, "forward"),
                lambda key: searched(work, [key], "back"),
                items,
                lambda code: is_finished(work, items[code]),
            )
            return tuple(sorted(found))

    # balances and records ---------------------------------------------------------------------------------------------

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

    def period_balance(self, item: str, *, since: Any = None, until: Any = None, owner: str | None = None) -> PeriodBalance:
        """What was there of an item, what came, what went and what is there, in a time; all owners, or one (`""`: ours).

        Args:
            item: the item's code.
            since, until: from the first instant to before the second.
            owner: whose lots.

        Raises:
            Unknown: (`unknown`) no such item. InvalidInput: a time that ends before it begins.
        """
        first, last = self._window(since, until)
        with self._office.look() as work:
            known = work.item(item)
            standing = [] if last is not None else work.reader.stocked([item])[item]
            ours = (lot for lot in work.reader.sought(Sought((item,))) if owner is None or (lot.owner or "") == owner)
            moves = chain.from_iterable(
                moves_of(work, Reach("forward", (), tuple((lot.item, lot.code) for lot in page), {})).moves.values()
                for page in pages(ours, PAGE)
            )
            there = sum(row.on_hand for row in standing if owner is None or (row.lot.owner or "") == owner)
            return period_balance(known, moves, since=first, until=last, owner=owner, on_hand=None if last is not None else there)

    def mass_balance(self, production: ProductionOrder | str) -> MassBalance:
        """What mass went into a run and what came out; the difference is its process loss.

        Raises:
            Unknown: (`unknown`) no such production.
        """
        with self._office.look() as work:
            run = work.paper(ProductionOrder, production)
            return mass_balance(run.number, work.reader.postings(papers=[run.number]), work.catalogue.items)

    def batch_record(self, production: ProductionOrder | str) -> BatchRecord:
        """The batch record of a run: planned and used per lot, yield, people, times, deviations, decisions, measured values.

        Raises:
            Unknown: (`unknown`) no such production.
        """
        with self._office.look() as work:
            run: ProductionOrder = work.paper(ProductionOrder, number_of(production))
            postings = work.reader.postings(papers=[run.number])
            keys = {(move.item, move.lot) for posting in postings for move in posting.moves}
            diaries = work.reader.diary([run.number, *(lot_document(*key) for key in sorted(keys))])
            planned = planned_by_lots(Charge(work, run, ())) if run.by_choice else ()
            return batch_record(run, work.state(run), postings, work.catalogue.items, work.reader.lots(keys), diaries, *planned)

    def gaps(self, *, since: Any = None, until: Any = None) -> tuple[Gap, ...]:
        """What a trace cannot decide: runs without inputs, receipts without supplier and so on.

        Args:
            since, until: only of lots that came into being, and of runs that moved, in this time; default all of the books.
        """
        first, last = self._window(since, until)
        with self._office.look() as work:
            return gaps(runs_of(work, first, last), work.catalogue.items, work.reader.sought(Sought(since=first, until=last)))

    # inside -----------------------------------------------------------------------------------------------------------

    def _at(self, when: Any) -> datetime | None:
        return None if when is None else instant(when, self._office.zone)

    def _window(self, since: Any, until: Any) -> tuple[datetime | None, datetime | None]:
        first, last = self._at(since), self._at(until)
        if first is not None and last is not None and last < first:
            raise InvalidInput("until", until, "a time after `since`")
        return first, last

    def _reach(self, work: Work, names: Sequence[Key | str], direction: str, **limits: Any) -> Reach:
        since, until = self._window(limits.get("since"), limits.get("until"))
        as_of = self._at(limits.get("as_of"))
        return searched(work, names, direction, levels=limits.get("levels"), as_of=as_of, since=since, until=until)

    def _genealogy(self, item: Sources, lot: str | None, direction: str, **limits: Any) -> Genealogy:
        with self._office.look() as work:
            found = self._reach(work, named(item, lot), direction, **limits)
            return told(work, moves_of(work, found, self._at(limits.get("as_of"))))

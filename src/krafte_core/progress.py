"""How far orders are: every step of every line in its stage, from the links, the ledger and the diary, for many orders in one read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from krafte_core.allocation import LOT, RUN, Allocation
from krafte_core.diary import state
from krafte_core.orders import ORDER_STEPS, CustomerOrder, OrderLine, OrderStatus, Stages, status
from krafte_core.production import PRODUCTION_STEPS, ProductionOrder
from krafte_core.shipping import SHIPMENT_STEPS
from krafte_core.stock import REDELIVER, Lot, left_for_good, unusable
from krafte_core.store import LotKey
from krafte_core.work import Work, arrival_day


class Progress:
    """The stages of orders; reads once for all of them."""

    def __init__(self, work: Work, orders: Sequence[CustomerOrder]) -> None:
        """Read the links, the runs behind them level by level, the lots, the shipments and the diary."""
        self.work = work
        reader, numbers = work.reader, [order.number for order in orders]
        self.links: dict[str, Sequence[Allocation]] = dict(reader.links(numbers))
        self.runs: dict[str, tuple[ProductionOrder, str]] = {}
        self._read_runs()
        keys = {(link.item, link.ref) for links in self.links.values() for link in links if link.source == LOT}
        self.lots: Mapping[LotKey, Lot] = reader.lots(keys)
        diaries = reader.diary(numbers)
        self.states = {number: state(ORDER_STEPS, diaries[number]) for number in numbers}
        self._read_shipments(numbers)
        self._complete: dict[str, bool] = {}
        self._found: dict[str, list[tuple[OrderLine, Mapping[str, Stages]]]] = {}
        self._arrives = {method: arrival_day(work, method) for method in {order.shipping for order in orders}}

    def _read_runs(self) -> None:
        frontier = _runs(self.links.values())
        while frontier:
            filed = self.work.reader.papers(frontier)
            diaries = self.work.reader.diary(frontier)
            self.links |= self.work.reader.links(frontier)
            for number, row in filed.items():
                self.runs[number] = (row.paper, state(PRODUCTION_STEPS, diaries[number]))
            frontier = [ref for ref in _runs(self.links[number] for number in frontier) if ref not in self.runs]

    def _read_shipments(self, numbers: Sequence[str]) -> None:
        self.gone: dict[tuple[str, str], int] = {}
        self.there: dict[tuple[str, str], int] = {}
        self.back: dict[tuple[str, str], int] = {}
        wanted = set(numbers)
        postings = [row for row in self.work.reader.postings(papers=numbers) if any(left_for_good(row, move) for move in row.moves)]
        diaries = self.work.reader.diary({row.paper for row in postings})
        for row in postings:
            delivered = state(SHIPMENT_STEPS, diaries[row.paper]) == "delivered"
            for move in row.moves:
                order, _, line = move.line.partition("/")
                if order in wanted:
                    sums = self.back if row.kind == REDELIVER else self.there if delivered else self.gone
                    sums[order, line] = sums.get((order, line), 0) + abs(left_for_good(row, move))

    def of(self, order: CustomerOrder) -> list[Stages]:
        """The stages of every line of one of the orders."""
        rows = [_folded(line, stages) for line, stages in self._stages(order)]
        return [_closed(row) for row in rows] if self.states[order.number] == "closed" else rows

    def status(self, order: CustomerOrder) -> OrderStatus:
        """What a customer sees of one of the orders: a kit is in production as soon as any of its components is."""
        rows: list[Stages] = []
        for line, stages in self._stages(order):
            whole = _folded(line, stages)
            rows += [whole] if whole.shipped + whole.delivered >= whole.ordered else stages.values()
        now = self.states[order.number]
        return status(now, [_closed(row) for row in rows] if now == "closed" else rows)

    def _stages(self, order: CustomerOrder) -> list[tuple[OrderLine, Mapping[str, Stages]]]:
        """Per line the stages of its needs: of a kit those of its components."""
        if order.number in self._found:
            return self._found[order.number]
        by_need: dict[str, list[Allocation]] = {}
        for link in self.links.get(order.number, ()):
            by_need.setdefault(link.line, []).append(link)
        arrives = self._arrives[order.shipping]
        found = self._found[order.number] = [
            (
                line,
                {need.ref: self._line(order.number, need.ref, need.steps, by_need.get(need.ref, ()), arrives) for need in line.needs},
            )
            for line in order.lines
        ]
        return found

    def _line(self, order: str, ref: str, ordered: int, links: Iterable[Allocation], arrives: date) -> Stages:
        sums = dict.fromkeys(("ready", "making", "reserved", "blocked"), 0)
        reasons = []
        for link in links:
            stage, reason = self._stage(link, arrives)
            if stage in sums:
                sums[stage] += link.covers
            if reason:
                reasons.append(reason)
        there, back = self.there.get((order, ref), 0), self.back.get((order, ref), 0)
        delivered, shipped = max(0, there - back), self.gone.get((order, ref), 0) - max(0, back - there)
        waiting = ordered - shipped - delivered - sums["ready"] - sums["making"] - sums["reserved"]
        return Stages(ordered, delivered, shipped, waiting=max(0, waiting), reasons=tuple(reasons), **sums)

    def _stage(self, link: Allocation, arrives: date) -> tuple[str, str]:
        if link.source == LOT:
            lot = self.lots[link.item, link.ref]
            reason = self._unusable(link, arrives)
            if reason is None:
                return "ready", ""
            return (
                "making" if lot.disposition == "waiting" and lot.origin == "run" else "blocked",
                f"{lot.item} {lot.code}: {reason}",
            )
        if link.source == RUN and link.ref in self.runs:
            if self.started(link.ref):
                return "making", ""
            return ("reserved", "") if self.complete(link.ref) else ("waiting", f"{link.ref} lacks material")
        return "waiting", f"{link.item} is expected from {link.ref}"

    def started(self, run: str) -> bool:
        """Whether the run, or a run for one of its inputs, has begun."""
        stack, seen = [run], set()
        while stack:
            one = stack.pop()
            if one not in seen and one in self.runs:
                seen.add(one)
                if self.runs[one][1] in ("started", "done"):
                    return True
                stack += [link.ref for link in self.links.get(one, ()) if link.source == RUN]
        return False

    def complete(self, run: str) -> bool:
        """Whether all that a run needs is reserved: in usable lots, or as the output of runs that are complete themselves."""
        known = self._complete.get(run)
        if known is None:
            paper, _ = self.runs[run]
            covered: dict[str, int] = {}
            for link in self.links.get(run, ()):
                if (link.source == LOT and self._unusable(link, self.work.today, paper.at) is None) or (
                    link.source == RUN and link.ref in self.runs and self.complete(link.ref)
                ):
                    covered[link.line] = covered.get(link.line, 0) + link.covers
            known = self._complete[run] = all(covered.get(need.line, 0) >= need.steps for need in paper.needs)
        return known

    def _unusable(self, link: Allocation, on: date, at: str | None = None) -> str | None:
        """Why what is linked may not be used on that day: the lot, its date, or the place (of a partner `at`); None where it may."""
        reason, catalogue = unusable(self.lots[link.item, link.ref], on), self.work.catalogue
        fits = catalogue.usable_place(link.place) if at is None else link.place in catalogue.within(at)
        return reason if reason is not None or fits else f"in {link.place}"


def _folded(line: OrderLine, stages: Mapping[str, Stages]) -> Stages:
    """The stages of a line; one that has got as much as is enough wants no more."""
    row = _kits(line, stages) if line.parts else stages[line.ref]
    return _closed(row) if line.under is not None and row.shipped + row.delivered >= line.least else row


def _kits(line: OrderLine, stages: Mapping[str, Stages]) -> Stages:
    """The stages of a kit line: a kit is as far as the slowest of its components."""
    so_far = dict.fromkeys(stages, 0)
    reached, found = 0, {}
    for name in ("delivered", "shipped", "ready", "making", "reserved"):
        so_far = {ref: steps + getattr(stages[ref], name) for ref, steps in so_far.items()}
        whole = line.whole(so_far)
        found[name], reached = whole - reached, whole
    lacks = [-(-row.blocked * line.steps // row.ordered) for row in stages.values()]
    reasons = tuple(dict.fromkeys(reason for row in stages.values() for reason in row.reasons))
    waiting = line.steps - reached
    return Stages(line.steps, waiting=waiting, blocked=min(waiting, max(lacks)), reasons=reasons, **found)


def _closed(row: Stages) -> Stages:
    """A closed order wants no more than it got."""
    return Stages(row.shipped + row.delivered, row.delivered, row.shipped)


def _runs(groups: Iterable[Sequence[Allocation]]) -> list[str]:
    return list(dict.fromkeys(link.ref for links in groups for link in links if link.source == RUN))
